"""A small FIX client of the tests' own: its bytes and its session are made here, not by the code that is tested."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from aeromatch.gateways.fix.codec import decode
from aeromatch.gateways.fix.dictionary import FIX44

SOH = "\x01"
WAIT_S = 30
Fields = dict[int, Any]


def now_text() -> str:
    moment = datetime.now(UTC)
    return f"{moment:%Y%m%d-%H:%M:%S}.{moment.microsecond // 1000:03}"


def frame(msg_type: str, header: Iterable[tuple[int, Any]], body: Iterable[tuple[int, Any]]) -> bytes:
    fields = [(35, msg_type), *header, *body]
    text = "".join(f"{tag}={value}{SOH}" for tag, value in fields)
    whole = f"8=FIX.4.4{SOH}9={len(text)}{SOH}{text}".encode("latin-1")
    return whole + f"10={sum(whole) % 256:03}{SOH}".encode()


class Received:
    """A message that came."""

    def __init__(self, data: bytes) -> None:
        text = data.decode("latin-1")
        assert text.endswith(SOH)
        self.fields = [(int(tag), value) for tag, _, value in (part.partition("=") for part in text[:-1].split(SOH))]
        assert [tag for tag, _ in self.fields[:3]] == [8, 9, 35]
        assert self.fields[-1][0] == 10
        head = len(f"8=FIX.4.4{SOH}9={self.fields[1][1]}{SOH}")
        assert int(self.fields[1][1]) == len(data) - head - len("10=000|")
        assert self.fields[-1][1] == f"{sum(data[: -len('10=000|')]) % 256:03}"
        message, pairs = decode(data)
        # Clients have dictionaries too: what they are sent must be valid.
        assert FIX44.check(message, pairs) is None, self
        self.kind = self[35]
        self.number = int(self[34])

    def __getitem__(self, tag: int) -> str:
        for found, value in self.fields:
            if found == tag:
                return value
        raise KeyError(f"no field {tag} in {self!r}")

    def get(self, tag: int) -> str | None:
        return next((value for found, value in self.fields if found == tag), None)

    def all(self, tag: int) -> list[str]:
        return [value for found, value in self.fields if found == tag]

    def __repr__(self) -> str:
        return "|".join(f"{tag}={value}" for tag, value in self.fields)


class FixClient:
    """One side of a session, over as many connections as it takes.

    Attributes:
        messages: The application messages that came: each number once, in order, whatever was sent again.
        session: The session's messages that came.
    """

    def __init__(self, port: int, comp_id: str = "ALICE", *, tls: ssl.SSLContext | None = None) -> None:
        self.port, self.comp_id, self._tls = port, comp_id, tls
        self.next_out = self.next_in = 1
        self.messages: list[Received] = []
        self.session: list[Received] = []
        self.sent: dict[int, tuple[str, list[tuple[int, Any]], str]] = {}
        self.numbers: list[int] = []
        self._taken = 0
        self._ahead: dict[int, Received] = {}
        self._asked = 0
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self.closed = asyncio.Event()
        self.closed.set()
        self._counter = 0
        self.answers_logout = True

    async def connect(self) -> FixClient:
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self._tls)
        self.closed = asyncio.Event()
        self._ahead.clear()
        self._asked = 0
        self._reader = asyncio.create_task(self._read(reader, self.writer, self.closed))
        return self

    async def log_on(
        self, key: str | None = None, secret: str | None = None, *, heartbeat_s: int = 30, **more: Any
    ) -> FixClient:
        """Connects, and waits for the answer to Logon."""
        await self.connect()
        self.logon_count = len([each for each in self.session if each.kind == "A"])
        fields: list[tuple[int, Any]] = [(98, 0), (108, heartbeat_s)]
        if more.get("reset"):
            fields.append((141, "Y"))
            self.next_out = self.next_in = 1
        fields += [(tag, value) for tag, value in ((553, key), (554, secret)) if value is not None]
        self.send("A", fields)
        await self.until(lambda: len([e for e in self.session if e.kind == "A"]) > self.logon_count)
        return self

    def send(self, kind: str, body: Iterable[tuple[int, Any]], **header: Any) -> int:
        """Sends a message with the next number."""
        number = self.next_out
        self.next_out += 1
        fields, at = list(body), now_text()
        self.sent[number] = (kind, fields, at)
        self._write(kind, fields, number, at, **header)
        return number

    def _write(self, kind: str, body: list[tuple[int, Any]], number: int, at: str, **header: Any) -> None:
        fields: list[tuple[int, Any]] = [(49, self.comp_id), (56, "AEROMATCH"), (34, number), (52, at)]
        if header.get("original"):
            fields += [(43, "Y"), (122, header["original"])]
        if header.get("resend"):
            fields.append((97, "Y"))
        self.writer.write(frame(kind, fields, body))

    def order(self, cl_ord_id: str, side: str, quantity: Any, price: Any = None, **more: Any) -> str:
        """Sends a NewOrderSingle; other fields as `t59="1"`."""
        fields: Fields = {11: cl_ord_id, 55: "BTC-USD", 54: side, 38: quantity, 40: "1" if price is None else "2"}
        if price is not None:
            fields[44] = price
        fields |= {59: "1", 60: now_text()}
        header = {name: value for name, value in more.items() if not name.startswith("t")}
        fields |= {int(name[1:]): value for name, value in more.items() if name.startswith("t")}
        self.send("D", [(tag, value) for tag, value in fields.items() if value is not None], **header)
        return cl_ord_id

    def cancel(self, cl_ord_id: str, before: str, side: str = "1", symbol: str = "BTC-USD") -> None:
        body = [(41, before), (11, cl_ord_id), (55, symbol), (54, side), (60, now_text())]
        self.send("F", body)

    def replace(self, cl_ord_id: str, before: str, quantity: Any, price: Any, side: str = "1", **more: Any) -> None:
        body: list[tuple[int, Any]] = [(41, before), (11, cl_ord_id), (55, "BTC-USD"), (54, side), (60, now_text())]
        body += [(38, quantity), (40, "2"), (44, price)]
        self.send("G", body + [(int(name[1:]), value) for name, value in more.items()])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, which a message makes so, or the end."""
        try:
            async with asyncio.timeout(WAIT_S), self._changed:
                await self._changed.wait_for(lambda: condition() or self.closed.is_set())
        except TimeoutError:
            raise AssertionError(f"it did not come: {self.messages[-5:]}, {self.session[-5:]}") from None
        assert condition(), f"the connection ended: {self.session[-3:]}"

    async def next(self, *kinds: str) -> Received:
        """The next application message; it is of such a kind."""
        await self.until(lambda: len(self.messages) > self._taken)
        message = self.messages[self._taken]
        self._taken += 1
        assert not kinds or message.kind in kinds, message
        return message

    async def reports(self, count: int) -> list[tuple[str, str, str]]:
        """The next execution reports: ClOrdID, ExecType, CumQty without zeros at its end."""
        found = [await self.next("8") for _ in range(count)]
        return [(each[11], each[150], each[14].rstrip("0").rstrip(".") or "0") for each in found]

    async def quiet(self) -> list[Received]:
        """What is left when the server has answered a test request that is sent now."""
        self._counter += 1
        text = f"quiet-{self._counter}"
        self.send("1", [(112, text)])
        await self.until(lambda: any(each.kind == "0" and each.get(112) == text for each in self.session))
        left, self._taken = self.messages[self._taken :], len(self.messages)
        return left

    async def log_out(self) -> None:
        self.send("5", [])
        await asyncio.wait_for(self.closed.wait(), WAIT_S)
        await self.close()

    async def cut(self) -> None:
        """Ends the connection without a word."""
        self.writer.transport.abort()
        await asyncio.wait_for(self.closed.wait(), WAIT_S)
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, closed: asyncio.Event) -> None:
        waiting = b""
        try:
            while data := await reader.read(65536):
                waiting += data
                while (end := waiting.find(b"\x0110=")) >= 0 and len(waiting) >= end + 8:
                    piece, waiting = waiting[: end + 8], waiting[end + 8 :]
                    self._take(Received(piece))
                async with self._changed:
                    self._changed.notify_all()
        except (ConnectionError, OSError):
            pass
        finally:
            closed.set()
            writer.close()
            async with self._changed:
                self._changed.notify_all()

    def _take(self, message: Received) -> None:
        if message.kind == "4" and message.get(123) != "Y":
            self.next_in = int(message[36])
        elif message.number < self.next_in:
            assert message.get(43) == "Y" or message.kind == "5", f"number {message.number} again: {message}"
        elif message.number > self.next_in:
            self._ahead[message.number] = message
            if self._asked < self.next_in:
                self._asked = message.number
                self.send("2", [(7, self.next_in), (16, 0)])
            if message.kind in ("A", "5"):
                self.session.append(message)
        else:
            self._follow(message)
            while self.next_in in self._ahead:
                self._follow(self._ahead.pop(self.next_in))

    def _follow(self, message: Received) -> None:
        """The message whose turn it is."""
        self.next_in = int(message[36]) if message.kind == "4" else message.number + 1
        self.numbers.append(message.number)
        if message.kind in "012345A":
            if message not in self.session:
                self.session.append(message)
            self._answer(message)
        else:
            self.messages.append(message)

    def _answer(self, message: Received) -> None:
        if message.kind == "1":
            self.send("0", [(112, message[112])])
        elif message.kind == "5" and self.answers_logout:
            self.send("5", [])
        elif message.kind == "2":
            self._send_again(int(message[7]), int(message[16]) or self.next_out - 1)

    def _send_again(self, begin: int, end: int) -> None:
        for number in range(begin, end + 1):
            kind, body, at = self.sent[number]
            if kind in "012345A":
                self._write("4", [(123, "Y"), (36, number + 1)], number, now_text(), original=at)
            else:
                self._write(kind, body, number, now_text(), original=at)
