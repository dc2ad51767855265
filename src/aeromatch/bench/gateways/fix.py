"""FIX 4.4: a session that begins anew with each connection, and of messages only what a load needs."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Final, cast

import msgspec

from aeromatch.bench.gateways.base import LostError, Target, key_of
from aeromatch.schema.orders import AmendOrder, NewOrder

if TYPE_CHECKING:
    from aeromatch.bench.load_flow import Command

__all__ = ["FixAnswer", "connect", "framed"]

SOH: Final = b"\x01"
VENUE: Final = b"AEROMATCH"
HEARTBEAT_S: Final = 60
MAKER: Final = b"1"
CHECKSUM_BYTES: Final = 7
"""10=000 and what ends it."""
SIDES: Final = {"buy": b"1", "sell": b"2"}
TYPES: Final = {"market": b"1", "limit": b"2"}
LIFETIMES: Final = {"day": b"0", "gtc": b"1", "ioc": b"3", "fok": b"4"}
LOGON, LOGOUT, REJECT, TEST, HEARTBEAT = b"A", b"5", b"3", b"1", b"0"
NEW_ORDER, CANCEL, REPLACE, REPORT, CANCEL_REJECT, BUSINESS_REJECT = b"D", b"F", b"G", b"8", b"9", b"j"

Fields = dict[bytes, bytes]
"""By tag. No message that is read here has groups."""


class FixAnswer:
    """As `Answer`: the reports that had come when the first one was there."""

    __slots__ = ("_last", "_reason", "_trades", "status")

    def __init__(self) -> None:
        self._reason = b""
        self._trades = 0
        self.status = 200
        self._last: Fields = {}

    def add(self, report: Fields) -> None:
        """Another report of the order."""
        self._last = report
        if report.get(b"35") != REPORT or report.get(b"150") == b"8":
            self.status, self._reason = 422, report.get(b"58", b"rejected")
        elif report.get(b"150") == b"F" and report.get(b"851") != MAKER:
            # It may rest, and somebody else may have come already.
            self._trades += 1

    def slugs(self) -> list[str]:
        """The text begins with it."""
        return [self._reason.split(b":", 1)[0].decode("ascii", "replace")] if self._reason else []

    def order_id(self) -> str:
        """What the exchange calls it."""
        return self._last.get(b"37", b"").decode() if self.status < 400 else ""

    def is_resting(self) -> bool:
        """Whether it was only taken."""
        return self._last.get(b"39") == b"0"

    def is_live(self) -> bool:
        """Whether there are LeavesQty, as far as is known."""
        return self._last.get(b"151", b"0") != b"0"

    def price(self) -> str:
        """AvgPx, where there were fills."""
        return self._last.get(b"6", b"").decode() if self._trades else ""

    def trades(self) -> int:
        """Those that came at once."""
        return self._trades


async def connect(target: Target, host: str, port: int) -> FixConnection:
    """Connects and logs on. Raises LostError where the logon is not answered by one."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: FixConnection(target), host, port, ssl=target.tls())
    await connection.begin()
    return connection


def framed(kind: bytes, head: bytes, body: bytes) -> bytes:
    """A message with its length and checksum."""
    content = b"35=" + kind + SOH + head + body
    message = b"8=FIX.4.4\x019=%d\x01" % len(content) + content
    return message + b"10=%03d\x01" % (sum(message) % 256)


def _same(order: NewOrder) -> bytes:
    """What every message about an order says of it."""
    account = b"" if order.account is None else b"1=%s\x01" % order.account.encode()
    return b"%s55=%s\x0154=%s\x01" % (account, order.symbol.encode(), SIDES[order.side])


def _new_order(new: NewOrder, order: bytes) -> bytes:
    body = b"11=%s\x01%s38=%s\x0140=%s\x01" % (order, _same(new), str(new.quantity).encode(), TYPES[new.type])
    price = new.price if new.type == "limit" else new.protection_price
    if price is not None:
        body += b"44=%s\x01" % str(price).encode()
    return body + b"59=%s\x01" % LIFETIMES[new.time_in_force]


class FixConnection(asyncio.Protocol):
    """A session: as many requests at a time as one likes, told apart by ClOrdID."""

    def __init__(self, target: Target) -> None:
        self._sender = target.session.encode()
        key = key_of(target.proof)
        self._user = b"" if key is None else b"553=%s\x01554=%s\x01" % (key[0].encode(), key[1].encode())
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        # Client order ids are an account's, and this session's sequence begins anew with each connection.
        self._name = os.urandom(4).hex().encode()
        self._sequence = 1
        self._requests = 0
        self._second, self._time = 0, b""
        self._logon: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[bytes, asyncio.Future[FixAnswer]] = {}
        self._answers: dict[bytes, FixAnswer] = {}
        # By the exchange's id: what an order's messages repeat, and its latest ClOrdID.
        self._orders: dict[str, tuple[bytes, bytes]] = {}

    async def begin(self) -> None:
        """Waits for the answer to the logon."""
        await self._logon

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send(LOGON, b"98=0\x01108=%d\x01141=Y\x01" % HEARTBEAT_S + self._user)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._lost(str(error or "the server ended the connection"))

    def _lost(self, why: str) -> None:
        if not self._logon.done():
            self._logon.set_exception(LostError(why))
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LostError(why))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        position = 0
        while (head := buffer.find(b"\x0135=", position)) >= 0:
            length = int(buffer[buffer.index(b"\x019=", position) + 3 : head])
            end = head + 1 + length + CHECKSUM_BYTES
            if len(buffer) < end:
                break
            self._take(dict(field.split(b"=", 1) for field in bytes(buffer[head + 1 : end - 1]).split(SOH)))
            position = end
        del buffer[:position]
        # A report that is followed by others of its order in the same breath is answered with them.
        answers, self._answers = self._answers, {}
        for order, answer in answers.items():
            waiting = self._waiting.pop(order, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def _take(self, message: Fields) -> None:
        kind = message[b"35"]
        if kind in (REPORT, CANCEL_REJECT, BUSINESS_REJECT):
            order = message.get(b"379" if kind == BUSINESS_REJECT else b"11", b"")
            if order in self._waiting:
                answer = self._answers.get(order)
                if answer is None:
                    answer = self._answers[order] = FixAnswer()
                answer.add(message)
        elif kind == TEST:
            self._send(HEARTBEAT, b"112=%s\x01" % message[b"112"])
        elif kind == LOGON:
            if not self._logon.done():
                self._logon.set_result(None)
        elif kind in (LOGOUT, REJECT):
            self._lost(f"the server says {message.get(b'58', b'nothing').decode('latin-1')!r}")

    def _send(self, kind: bytes, body: bytes) -> None:
        if self._transport is None:
            raise LostError("the server ended the connection")
        now = time.time()
        if int(now) != self._second:
            self._second = int(now)
            self._time = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(now)).encode()
        head = b"34=%d\x0149=%s\x0156=%s\x0152=%s.%03d\x01" % (
            self._sequence,
            self._sender,
            VENUE,
            self._time,
            int(now * 1000) % 1000,
        )
        self._sequence += 1
        self._transport.write(framed(kind, head, body))

    async def ask(self, command: Command) -> FixAnswer:
        """As `Connection.ask`."""
        self._requests += 1
        order = b"%s-%d" % (self._name, self._requests)
        new = None if command.kind in ("cancel", "amend") else msgspec.json.decode(command.body, type=NewOrder)
        if new is not None and new.client_order_id is not None:
            order = new.client_order_id.encode()
        kind, body = (NEW_ORDER, _new_order(new, order)) if new is not None else self._change(command, order)
        waiting: asyncio.Future[FixAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[order] = waiting
        self._send(kind, body + b"60=%s.000\x01" % self._time)
        answer = await waiting
        if answer.status < 400 and kind == REPLACE and command.order_id in self._orders:
            self._orders[command.order_id] = (self._orders[command.order_id][0], order)
        elif new is not None and answer.is_live():
            self._orders[answer.order_id()] = (_same(new), order)
        return answer

    def _change(self, command: Command, order: bytes) -> tuple[bytes, bytes]:
        same, latest = self._orders[command.order_id]
        body = b"11=%s\x0141=%s\x01%s" % (order, latest, same)
        if command.kind == "cancel":
            del self._orders[command.order_id]
            return CANCEL, body
        amend = msgspec.json.decode(command.body, type=AmendOrder)
        body += b"40=2\x01"
        for tag, value in ((b"38", amend.quantity), (b"44", amend.price)):
            if value is not None:
                body += b"%s=%s\x01" % (tag, str(value).encode())
        return REPLACE, body

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._send(LOGOUT, b"")
            self._transport.close()
