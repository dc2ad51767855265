"""Sends a server what it should not get, until its standard input ends; then prints what it was answered, as JSON.

`python -m tests.server.garbage DOORS KIND...`, DOORS being JSON: {"http": ["127.0.0.1", 8080], ...}. A process of its
own, so that it takes no time from the clients that are measured beside it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random
import struct
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from tests.server.garbage_elsewhere import ELSEWHERE

CONNECTIONS: Final = 4
"""Of each kind, at a time."""
IDLE_CONNECTIONS: Final = 50
"""Of those that only stay."""
PATIENCE_S: Final = 5.0
HEAD: Final = "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Flood:
    """Everything that is sent to a server, and how it was answered: `kind: outcome`."""

    def __init__(self, doors: dict[str, tuple[str, int]], rng: random.Random) -> None:
        self._doors, self._rng = doors, rng
        self.outcomes: Counter[str] = Counter()

    async def run(self, kinds: list[str]) -> None:
        """Sends all these kinds until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                for _ in range(IDLE_CONNECTIONS if kind in STAYING else CONNECTIONS):
                    group.create_task(self._repeat(kind))

    async def _repeat(self, kind: str) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    streams = await asyncio.open_connection(*self._doors[door_of(kind)])
                    try:
                        if kind in HTTP:
                            outcome = await HTTP[kind](self, streams)
                        else:
                            outcome = await ELSEWHERE[kind](self._rng, streams)
                    finally:
                        streams[1].transport.abort()
            except TimeoutError:
                outcome = "gave up"
            except asyncio.CancelledError:
                # The flood ends: so does its patience.
                self.outcomes[f"{kind}: gave up"] += 1
                raise
            except (OSError, EOFError, asyncio.LimitOverrunError):
                outcome = "closed"
            self.outcomes[f"{kind}: {outcome}"] += 1
            # Whoever is closed at once, and comes again at once, still lets others run.
            await asyncio.sleep(0.001)

    async def _answers(self, streams: Streams, request: Callable[[], bytes], times: int = 50) -> str:
        """Sends requests on one connection; gives the last one's status."""
        status = "closed"
        for number in range(times):
            if number:
                self.outcomes[f"{self._kind_of(request)}: {status}"] += 1
            streams[1].write(request())
            await streams[1].drain()
            status = await _status(streams[0])
        return status

    @staticmethod
    def _kind_of(request: Callable[[], bytes]) -> str:
        return request.__name__.lstrip("_")

    def _post(self, body: bytes, path: str = "/order", *headers: str) -> bytes:
        lines = "".join(f"{header}\r\n" for header in headers)
        return f"{HEAD.format(path=path)}{lines}content-length: {len(body)}\r\n\r\n".encode() + body

    def _bytes(self, count: int) -> bytes:
        return self._rng.randbytes(count)

    async def bad_json(self, streams: Streams) -> str:
        """Bodies that are no JSON, or end too soon, or are deeper than anybody needs."""

        def bad_json() -> bytes:
            bodies = (b"{", b'{"symbol":', b"", b"nul", b"[" * 20_000, b'{"symbol":"AAA",}', b"{}{}")
            return self._post(self._rng.choice(bodies))

        return await self._answers(streams, bad_json)

    async def wrong_types(self, streams: Streams) -> str:
        """JSON, but no order."""

        def wrong_types() -> bytes:
            bodies: tuple[object, ...] = (
                [],
                None,
                {"symbol": 3, "side": "buy", "quantity": "1"},
                {"symbol": "AAA", "side": "up", "quantity": "1", "price": "1"},
                {"symbol": "AAA", "side": "buy", "quantity": 1.5, "price": "1"},
                {"symbol": "AAA", "side": "buy", "quantity": "1" * 1_000, "price": "1"},
                {"symbol": "AAA", "side": "buy", "quantity": "1", "price": "1", "unknown": 1},
                {"symbol": "NOBODY", "side": "buy", "quantity": "1", "price": "1"},
            )
            return self._post(json.dumps(self._rng.choice(bodies)).encode())

        return await self._answers(streams, wrong_types)

    async def invalid_utf8(self, streams: Streams) -> str:
        """Texts that are none, in the body and in the path."""

        def invalid_utf8() -> bytes:
            if self._rng.random() < 0.5:
                return self._post(b'{"symbol":"\xff\xfe\xed\xa0\x80","side":"buy","quantity":"1","price":"1"}')
            return b"GET /book/%ff%fe%c0%af HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"

        return await self._answers(streams, invalid_utf8)

    async def bad_auth(self, streams: Streams) -> str:
        """Somebody's idea of credentials; a server without keys takes them for nothing and refuses the order itself."""

        def bad_auth() -> bytes:
            token = base64.b64encode(self._bytes(24)).decode()
            headers = (f"authorization: Bearer {token}", f"x-aeromatch-key: {token}", "x-aeromatch-timestamp: never")
            return self._post(b'{"symbol":"AAA"}', "/order", *headers)

        return await self._answers(streams, bad_auth)

    async def huge_body(self, streams: Streams) -> str:
        """A body of a gigabyte is announced, and some of it sent."""
        streams[1].write(f"{HEAD.format(path='/orders')}content-length: 1000000000\r\n\r\n".encode())
        for _ in range(64):
            streams[1].write(self._bytes(65_536))
            await streams[1].drain()
        return await _status(streams[0])

    async def endless_body(self, streams: Streams) -> str:
        """A body in chunks that never ends."""
        streams[1].write(f"{HEAD.format(path='/orders')}transfer-encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        for _ in range(64):
            streams[1].write(chunk)
            await streams[1].drain()
        return await _status(streams[0])

    async def no_http(self, streams: Streams) -> str:
        """Bytes that are no HTTP."""
        streams[1].write(self._bytes(self._rng.randint(1, 5_000)) + b"\r\n\r\n")
        return await _status(streams[0])

    async def half_open(self, streams: Streams) -> str:
        """Half a request, and then nothing for as long as one is let."""
        streams[1].write(self._post(b"x" * 100)[: self._rng.randint(0, 90)])
        await streams[0].read(1)
        return "ended by the server"

    async def slow_sender(self, streams: Streams) -> str:
        """A request byte by byte."""
        for byte in self._post(b"{}"):
            streams[1].write(bytes((byte,)))
            await streams[1].drain()
            await asyncio.sleep(0.02)
        return await _status(streams[0])

    async def websocket(self, streams: Streams) -> str:
        """Frames that no client sends: unmasked, of unknown kinds, too long, no JSON."""
        key = base64.b64encode(self._bytes(16)).decode()
        lines = ["GET /ws HTTP/1.1", "host: 127.0.0.1", "upgrade: websocket", "connection: upgrade"]
        lines += (f"sec-websocket-key: {key}", "sec-websocket-version: 13")
        streams[1].write(("\r\n".join(lines) + "\r\n\r\n").encode())
        status = await _status(streams[0])
        if status != "101":
            return status
        for _ in range(20):
            streams[1].write(self._rng.choice((self._text(), self._text(), self._frame(), self._bytes(40))))
            await streams[1].drain()
        await streams[0].read()
        return "ended by the server"

    def _text(self) -> bytes:
        """A frame in good form with a text that is no request."""
        texts = (b"hello", b"{", b"\xff\xff", b'{"op":"fly"}', b'{"op":"subscribe","channel":"depth"}', b"x" * 100)
        text, mask = self._rng.choice(texts), self._bytes(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(text))
        return bytes((0x81, 0x80 | len(text))) + mask + masked

    def _frame(self) -> bytes:
        """A frame that announces more than it may."""
        return bytes((0x82, 0xFF)) + struct.pack("!Q", 1 << 40) + self._bytes(4)


HTTP: Final[dict[str, Callable[[Flood, Streams], Awaitable[str]]]] = {
    "bad_json": Flood.bad_json,
    "wrong_types": Flood.wrong_types,
    "invalid_utf8": Flood.invalid_utf8,
    "bad_auth": Flood.bad_auth,
    "huge_body": Flood.huge_body,
    "endless_body": Flood.endless_body,
    "no_http": Flood.no_http,
    "half_open": Flood.half_open,
    "slow_sender": Flood.slow_sender,
    "websocket": Flood.websocket,
}
STAYING: Final = {"half_open", "slow_sender", *(kind for kind in ELSEWHERE if kind.endswith("_half_open"))}


def door_of(kind: str) -> str:
    """The door that a kind of garbage goes to."""
    return "http" if kind in HTTP else kind.partition("_")[0]


def kinds_of(doors: Iterable[str]) -> list[str]:
    """The kinds of garbage for these doors."""
    return [kind for kind in (*HTTP, *ELSEWHERE) if door_of(kind) in doors]


async def _status(reader: asyncio.StreamReader) -> str:
    """The status of the next answer, whose body is read too."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next((it.partition(":")[2] for it in head.split("\r\n") if it.startswith("content-length:")), "0")
    await reader.readexactly(int(length))
    return head.split()[1]


async def main() -> None:
    """Send until the standard input ends."""
    doors, *kinds = sys.argv[1:]
    flood = Flood(json.loads(doors), random.Random(os.environ.get("SEED", "1")))
    flooding = asyncio.create_task(flood.run(kinds))
    await asyncio.wait(
        {flooding, asyncio.create_task(asyncio.to_thread(sys.stdin.read))}, return_when="FIRST_COMPLETED"
    )
    if flooding.done():
        flooding.result()
    flooding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flooding
    print(json.dumps(flood.outcomes))


if __name__ == "__main__":
    asyncio.run(main())
