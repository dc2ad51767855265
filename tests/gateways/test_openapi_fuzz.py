"""schemathesis against the OpenAPI document: requests of its forms and others, over loopback, each answer checked."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from tests.gateways.fakes import OpenAdmission
from tests.gateways.rest_client import listening, venue

from aeromatch.gateways.rest.handlers import ROUTES
from aeromatch.gateways.rest.openapi import document
from aeromatch.gateways.services import Principal

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]

EVERYTHING = Principal("test", frozenset({"read", "trade", "admin"}), None, 7, "test")

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # What has its form can still be refused by the exchange's rules (422), or be there already (409); and a
            # form is more than its schema says: a decimal is text, but not all text is a decimal (400).
            # What is left of the credentials where it takes one of two away is still good.
            "ignored_auth": {"enabled": False},
            "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "409", "422", "503"]},
        }
    }
)


class _Server(threading.Thread):
    """A venue that listens, in a thread of its own."""

    def __init__(self) -> None:
        super().__init__(name="venue")
        self.port = 0
        self._is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with venue(OpenAdmission({"secret": EVERYTHING})) as place, listening(place) as self.port:
                self._is_up.set()
                await self._end.wait()
        finally:
            self._is_up.set()

    def __enter__(self) -> int:
        self.start()
        assert self._is_up.wait(30)
        return self.port

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._end is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
        self.join(30)


SCHEMA = schemathesis.openapi.from_dict(document(ROUTES), config=CONFIG)
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with _Server() as port:
        yield port


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["legal", "illegal"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_every_answer_is_as_described(port: int, operation: Operation, mode: GenerationMode) -> None:
    if mode is GenerationMode.NEGATIVE and not operation.body and not list(operation.iter_parameters()):
        return  # There is nothing that could be wrong.

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        if case.path == "/kill-switch" and mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            # With the switch on, nothing else could be tried afterwards.
            case.body["engaged"] = False
        case.call_and_validate(f"http://127.0.0.1:{port}", headers={"authorization": "Bearer secret"}, timeout=30)

    check()
