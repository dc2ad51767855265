"""The OpenAPI document: what it must have, and that the server does what it says."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tests.gateways.rest_client import venue

from aeromatch import RejectReason
from aeromatch.gateways.problems import PROBLEMS
from aeromatch.gateways.rest.handlers import ROUTES
from aeromatch.gateways.rest.openapi import document, document_yaml

SPEC = Path(__file__).parents[2] / "api" / "openapi" / "spec.yaml"
OPERATIONS = [
    (path, method, operation)
    for path, methods in document(ROUTES)["paths"].items()
    for method, operation in methods.items()
]


def test_the_committed_document_is_the_one_that_is_served() -> None:
    async def main() -> Any:
        async with venue() as place:
            return (await place.http.get("/openapi.json")).json()

    assert asyncio.run(main()) == document(ROUTES)
    # `python -m aeromatch.gateways.rest > api/openapi/spec.yaml` makes it anew.
    assert SPEC.read_text() == document_yaml(ROUTES)
    assert yaml.safe_load(SPEC.read_text()) == document(ROUTES)


def test_every_operation_says_what_it_is_for_and_how_it_can_go_wrong() -> None:
    for path, method, operation in OPERATIONS:
        where = (path, method)
        assert operation["summary"], where
        assert len(operation["description"]) > 30, where
        statuses = set(operation["responses"])
        assert {"400", "500"} <= statuses, where
        if "security" not in operation:
            assert {"401", "403", "429", "503"} <= statuses, where
        if "requestBody" in operation:
            assert {"413", "415"} <= statuses, where
            assert "example" in operation["requestBody"]["content"]["application/json"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (where, parameter)
        for status, response in operation["responses"].items():
            is_refusal = int(status) >= 400 and (path, status) != ("/ready", "503")
            assert ("$ref" in response) == is_refusal, (where, status)
            assert is_refusal or "application/json" in response["content"], (where, status)


def test_fields_say_what_they_mean() -> None:
    schemas = document(ROUTES)["components"]["schemas"]
    assert not [name for name, schema in schemas.items() if "Attributes:" in schema.get("description", "")]
    for name, field in schemas["NewOrder"]["properties"].items():
        assert field["description"], name
    # One line of the docstring for two fields.
    order = schemas["Order"]["properties"]
    assert order["filled_quantity"]["description"] == order["remaining_quantity"]["description"]


def test_operation_ids_are_all_different() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    whole = document(ROUTES)

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for child in node.values():
                yield from references(child)
        elif isinstance(node, list):
            for child in node:
                yield from references(child)

    for reference in set(references(whole)):
        node: Any = whole
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


def test_every_slug_that_an_operation_names_is_one() -> None:
    for route in ROUTES:
        assert set(route.problems) <= set(PROBLEMS), route.path
    assert set(document(ROUTES)["components"]["examples"]) == set(PROBLEMS)


def test_the_page_about_rest_has_every_route_and_every_slug() -> None:
    page = (SPEC.parents[2] / "docs" / "rest.md").read_text()
    for route in ROUTES:
        assert f"| `{route.method} {route.path}` | {route.role or ''} | {route.summary} |" in page
    for slug, (status, meaning) in PROBLEMS.items():
        assert f"| {status} | `{slug}` | {meaning} |" in page


def test_every_slug_that_the_server_refuses_with_is_in_the_table() -> None:
    root = SPEC.parents[2] / "src" / "aeromatch"
    raised = re.compile(r'(?:RefusedError|refusal)\(\s*"(\w+)"')
    native = re.compile(r'Reason::\w+ => \("(\w+)", \d+\)')
    found = {
        slug
        for folder in ("gateways", "server")
        for path in (root / folder).rglob("*.py")
        for slug in raised.findall(path.read_text())
    }
    found |= set(native.findall((SPEC.parents[2] / "crates/runtime/src/admission/mod.rs").read_text()))
    found |= {reason.value for reason in RejectReason}
    assert found - set(PROBLEMS) == set()
    assert {"kill_switch", "unknown_order", "replayed_nonce"} <= found
