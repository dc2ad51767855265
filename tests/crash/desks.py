"""Traders' connections, one kind a gateway: they place and cancel orders, and know what they were told.

Some gateways answer each request and no more; an order whose answer was lost is sent again with its client order id,
and must be done once. Others tell an account everything that happens to its orders, and after a cut go on where they
were: what they told must then be what the journal has, each thing once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tests.server.listening import Listening
from tests.server.wire import GoneError

from aeromatch.bench.gateways import Connection, LostError, Target, open_connection
from aeromatch.bench.load_flow import Command

__all__ = ["AskingDesk", "Desk", "Placed", "RefusedRequestError", "Told", "ToldTwiceError"]


class RefusedRequestError(AssertionError):
    """A good request was refused."""


class ToldTwiceError(AssertionError):
    """Something was told a second time."""


class Placed(NamedTuple):
    """What became of an order."""

    number: int
    """Its id in the venue."""
    is_live: bool
    trades: int | None
    """How many it took on arrival; None: nobody said."""


@dataclass
class Told:
    """What happened to an account's orders."""

    orders: set[int] = field(default_factory=set)
    trades: set[tuple[int, int]] = field(default_factory=set)
    """Of its own orders: order and trade id."""
    canceled: set[int] = field(default_factory=set)

    def lacks(self, other: Told) -> list[str]:
        """What the other one has and this one has not, in words."""
        return [
            f"{len(missing)} {name} ({', '.join(map(str, sorted(missing)[:3]))})"
            for name in ("orders", "trades", "canceled")
            if (missing := getattr(other, name) - getattr(self, name))
        ]


class Desk(Protocol):
    """An account's connection through one gateway."""

    @property
    def told(self) -> Told | None:
        """Everything, where the gateway tells everything."""

    async def open(self, server: Listening) -> None:
        """Connects, or goes on where it was. Raises GoneError."""

    async def place(self, order: dict[str, Any], *, again: bool = False) -> Placed:
        """Enters an order; `again`: it was sent before. Raises GoneError, RefusedRequestError."""

    async def cancel(self, number: int) -> bool:
        """Cancels an order: whether it was there. Raises GoneError, RefusedRequestError."""

    async def told_all(self, owed: Told) -> list[str]:
        """Waits until it was told what it is owed; what it lacks after the time that it may take."""

    async def close(self) -> None:
        """As a process does that ends."""


@contextmanager
def _gone() -> Iterator[None]:
    try:
        yield
    except LostError as error:
        raise GoneError(str(error)) from error


class AskingDesk:
    """REST, WebSocket, gRPC: an answer for each request."""

    told: None = None

    def __init__(self, gateway: str, account: str) -> None:
        self._gateway = gateway
        self._account = account
        self._connection: Connection | None = None

    async def open(self, server: Listening) -> None:
        """As `Desk.open`."""
        host, port = server.doors.get(self._gateway, server.doors["http"])
        with _gone():
            self._connection = await open_connection(Target(self._gateway, server.url, f"{host}:{port}"))

    async def place(self, order: dict[str, Any], *, again: bool = False) -> Placed:
        """As `Desk.place`."""
        assert self._connection is not None
        with _gone():
            answer = await self._connection.ask(Command("new", "", json.dumps(order).encode(), 1))
        if answer.status >= 300:
            raise RefusedRequestError(f"{order} was answered with {answer.status}: {answer.slugs()}")
        # One that was there before is answered as it is now: its trades on arrival are not said again.
        trades = None if again else answer.trades()
        return Placed(int(answer.order_id()), answer.is_live(), trades)

    async def cancel(self, number: int) -> bool:
        """As `Desk.cancel`."""
        assert self._connection is not None
        with _gone():
            answer = await self._connection.ask(Command("cancel", str(number), b"", 1))
        if answer.status >= 300 and answer.slugs() != ["unknown_order"]:
            raise RefusedRequestError(f"the cancel of {number} was answered with {answer.status}: {answer.slugs()}")
        return answer.status < 300

    async def told_all(self, owed: Told) -> list[str]:
        """It is told nothing that it does not ask for."""
        del owed
        return []

    async def close(self) -> None:
        """As `Desk.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
