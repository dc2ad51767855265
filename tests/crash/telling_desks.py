"""Traders at the gateways that tell an account everything: FIX and binary. A cut is nothing to them: they go on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from tests.crash.desks import AskingDesk, Desk, Placed, RefusedRequestError, Told, ToldTwiceError
from tests.gateways.fix_client import FixClient, Received
from tests.server.listening import Listening
from tests.server.wire import GoneError

from aeromatch import _core
from aeromatch.client import AsyncBinaryClient, ClientError, RejectedError
from aeromatch.client.wire_streams import RawReports

__all__ = ["desk_of"]

T = TypeVar("T")

PATIENCE_S: Final = 30.0
"""How long what was missed may take to come."""
LOOK_S: Final = 0.02
"""How often it is looked whether the server lives."""
EVENTS: Final = _core.CODES["EventKind"]
NO_SIDE: Final = 255


async def _while_it_lives(server: Listening, doing: Coroutine[Any, Any, T]) -> T:
    """What comes of it, unless the server ends before. Raises GoneError."""
    task = asyncio.ensure_future(doing)
    while not (await asyncio.wait({task}, timeout=LOOK_S))[0]:
        if server.server.process.poll() is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
            raise GoneError("the server has ended")
    return task.result()


async def _until(holds: Callable[[], bool]) -> None:
    """Waits for it, for a while."""
    ends = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < ends:
        await asyncio.sleep(LOOK_S)


class FixDesk:
    """A FIX session: its sequence numbers, and what it sent, outlive its connections."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._client = FixClient(0, account.upper())
        self._read = 0
        self._server: Listening | None = None
        # What each request was answered with first, and each order's latest report.
        self._answers: dict[str, Received] = {}
        self._orders: dict[int, Received] = {}
        self._asked: set[str] = set()
        self._reports: set[str] = set()
        self.told = Told()

    async def open(self, server: Listening) -> None:
        """As `Desk.open`: messages that the server has not got are sent again when it asks for them."""
        self._server = server
        self._client.port = server.doors["fix"][1]
        try:
            await _while_it_lives(server, self._client.log_on(heartbeat_s=60))
        except (OSError, AssertionError) as error:
            if server.server.process.poll() is None:
                raise
            raise GoneError(str(error)) from error

    async def place(self, order: dict[str, Any], *, again: bool = False) -> Placed:
        """As `Desk.place`."""
        del again
        name, more = order["client_order_id"], {"t1": self._account, "t55": order["symbol"]}
        self._asked.add(name)
        if order["time_in_force"] == "ioc":
            more["t59"] = "3"
        side = "1" if order["side"] == "buy" else "2"
        self._client.order(name, side, order["quantity"], order["price"], **more)
        report = await self._answer(name)
        if report.kind != "8" or report[150] == "8":
            raise RefusedRequestError(f"{order} was answered with {report}")
        number = int(report[37])
        return Placed(number, self._orders[number][151] != "0", None)

    async def cancel(self, number: int) -> bool:
        """As `Desk.cancel`."""
        last = self._orders[number]
        name = f"{last[11]}-c"
        self._asked.add(name)
        self._client.cancel(name, last[11], last[54], last[55])
        return (await self._answer(name)).kind == "8"

    async def _answer(self, name: str) -> Received:
        assert self._server is not None
        try:
            await _while_it_lives(self._server, self._client.until(lambda: self._follow() and name in self._answers))
        except AssertionError as error:
            if isinstance(error, ToldTwiceError) or not self._client.closed.is_set():
                raise
            raise GoneError(str(error)) from error
        return self._answers[name]

    def _follow(self) -> bool:
        """Notes what has come."""
        new, self._read = self._client.messages[self._read :], len(self._client.messages)
        for message in new:
            self._answers.setdefault(message.get(11) or message.get(379) or "", message)
            if message.kind == "8":
                self._report(message)
        return True

    def _report(self, report: Received) -> None:
        if report[17] in self._reports:
            raise ToldTwiceError(f"{self._account} was told twice: {report}")
        self._reports.add(report[17])
        kind = report[150]
        if kind == "8":
            return
        number = int(report[37])
        self._orders[number] = report
        if kind == "0":
            self.told.orders.add(number)
        elif kind == "F":
            self.told.trades.add((number, int(report[527])))
        elif kind in ("4", "C"):
            self.told.canceled.add(number)

    async def told_all(self, owed: Told) -> list[str]:
        """As `Desk.told_all`; every request has an answer then, too."""
        await _until(lambda: self._follow() and not self.told.lacks(owed) and self._answers.keys() >= self._asked)
        unanswered = [f"what became of {name}" for name in sorted(self._asked - self._answers.keys())]
        return self.told.lacks(owed) + unanswered

    async def close(self) -> None:
        """As `Desk.close`."""
        if not self._client.closed.is_set():
            await self._client.cut()
        self._follow()


class BinaryDesk:
    """A session of the binary protocol, which goes on behind the last command of each shard that it was told of."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._positions: list[int] | None = None
        self._client: AsyncBinaryClient | None = None
        self._stream: RawReports | None = None
        self._reading: asyncio.Task[None] | None = None
        self._server: Listening | None = None
        self.told = Told()

    async def open(self, server: Listening) -> None:
        """As `Desk.open`."""
        host, port = server.doors["binary"]
        self._server = server
        self._client = AsyncBinaryClient(f"{host}:{port}", account=self._account, positions=self._positions)
        # Before it connects: reports of what was missed come as soon as it has.
        self._stream = self._client.stream_reports()
        self._reading = asyncio.create_task(self._read(self._stream))
        try:
            await _while_it_lives(server, self._client.connect())
        except ClientError as error:
            raise GoneError(str(error)) from error

    async def _read(self, stream: RawReports) -> None:
        with contextlib.suppress(ClientError):
            async for reports in stream:
                for event in reports.events:
                    self._event(event)

    def _event(self, event: Any) -> None:
        kind, number = int(event["kind"]), int(event["order_id"])
        told = self.told
        if kind == EVENTS["accepted"] and event["side"] != NO_SIDE:
            self._once(told.orders, number)
        elif kind == EVENTS["trade"]:
            for order in {number, int(event["other"])} & told.orders:
                self._once(told.trades, (order, int(event["detail"])))
        elif kind == EVENTS["canceled"]:
            self._once(told.canceled, number)

    def _once(self, known: set[Any], thing: Any) -> None:
        if thing in known:
            raise ToldTwiceError(f"{self._account} was told twice of {thing}")
        known.add(thing)

    async def place(self, order: dict[str, Any], *, again: bool = False) -> Placed:
        """As `Desk.place`."""
        del again
        given = {name: order[name] for name in ("quantity", "price", "time_in_force", "client_order_id")}
        made = await self._ask(order, lambda client: client.submit(order["symbol"], order["side"], **given))
        return Placed(int(made.order_id), made.status in ("open", "partially_filled"), len(made.fills))

    async def cancel(self, number: int) -> bool:
        """As `Desk.cancel`."""
        try:
            await self._ask(number, lambda client: client.cancel(str(number)))
        except RefusedRequestError as refused:
            if "unknown_order" not in str(refused):
                raise
            return False
        return True

    async def _ask(self, what: object, ask: Callable[[AsyncBinaryClient], Coroutine[Any, Any, T]]) -> T:
        assert self._client is not None
        assert self._server is not None
        try:
            return await _while_it_lives(self._server, ask(self._client))
        except RejectedError as error:
            raise RefusedRequestError(f"{what} was answered with {error.slug}") from error
        except ClientError as error:
            if self._server.server.process.poll() is None:
                raise RefusedRequestError(f"{what}: {error}") from error
            raise GoneError(str(error)) from error

    async def told_all(self, owed: Told) -> list[str]:
        """As `Desk.told_all`."""
        assert self._reading is not None
        reading = self._reading
        await _until(lambda: reading.done() or not self.told.lacks(owed))
        if reading.done():
            await reading
        return self.told.lacks(owed)

    async def close(self) -> None:
        """As `Desk.close`."""
        if self._client is None or self._stream is None or self._reading is None:
            return
        await self._client.close()
        self._positions = list(self._client.positions)
        # What has come is read to its end, which the client's end is.
        await self._reading
        await self._stream.close()
        self._client = self._stream = self._reading = None


def desk_of(gateway: str, account: str) -> Desk:
    """An account's desk at a gateway."""
    telling: dict[str, Callable[[str], Desk]] = {"fix": FixDesk, "binary": BinaryDesk}
    return telling[gateway](account) if gateway in telling else AskingDesk(gateway, account)
