"""What a request costs over REST: prepared requests over connections that stay open, as fast as they are answered.

This is the side that sends. It runs in a process of its own, beside the server's, and does as little as possible for
each request: bytes that were made before go out, and of an answer only its status and its length are looked at.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final, cast

__all__ = ["ECHO", "SYMBOL", "Race", "Round", "Server", "echo_requests", "order_requests", "post", "race"]

ECHO: Final = "/echo"
"""Where the measured server decodes a JSON object and answers it."""

SYMBOL: Final = "BENCH"
LENGTH: Final = b"content-length: "
END: Final = b"\r\n\r\n"
STATUS: Final = slice(9, 12)
STALLED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens, its process, whose time is looked at, and where its other gateways are."""

    host: str
    port: int
    pid: int
    others: dict[str, str] = field(default_factory=dict)
    """Addresses of gateways that listen for themselves, by name."""

    def cpu_s(self) -> float:
        """What all threads of the process have used, in seconds."""
        return sum(_used_s(task) for task in Path(f"/proc/{self.pid}/task").iterdir())

    def loop_s(self) -> float:
        """What the thread of its event loop has used, which is the first one."""
        return _used_s(Path(f"/proc/{self.pid}/task/{self.pid}"))


def _used_s(task: Path) -> float:
    """A thread's time on a processor, which Linux counts in nanoseconds; 0 of one that has just ended."""
    try:
        return int((task / "schedstat").read_text().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


@dataclass(frozen=True, slots=True)
class Round:
    """One round: how many were answered in which time, and what the server and its event loop used for it."""

    answered: int
    wall_s: float
    cpu_s: float
    loop_s: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.wall_s

    @property
    def wall_us(self) -> float:
        """Time of one, of all connections together."""
        return self.wall_s / self.answered * 1e6

    @property
    def cpu_us(self) -> float:
        """The server's time for one."""
        return self.cpu_s / self.answered * 1e6

    @property
    def loop_us(self) -> float:
        """Its event loop's time for one."""
        return self.loop_s / self.answered * 1e6


@dataclass(slots=True)
class Race:
    """Rounds of several ways, in turns."""

    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def median(self, way: str, value: Callable[[Round], float]) -> float:
        """A way's median over its rounds."""
        return median(value(each) for each in self.rounds[way])

    def ratio(self, way: str, base: str, value: Callable[[Round], float]) -> float:
        """The median of the ratios of neighbouring rounds: what is slow for a while is slow for both."""
        pairs = zip(self.rounds[way], self.rounds[base], strict=True)
        return median(value(one) / value(other) for one, other in pairs)


def post(path: str, body: bytes) -> bytes:
    """A request, whole."""
    headers = f"host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + body


def echo_requests() -> list[bytes]:
    """The empty JSON object, to be decoded and answered."""
    return [post(ECHO, b"{}")]


def _orders(count: int) -> list[dict[str, str]]:
    """Buys that rest and sells that take them, in turns: the book stays as it is."""
    prices = ["100.00", "100.01", "100.02", "100.03"]
    return [
        {
            "symbol": SYMBOL,
            "side": "sell" if place % 2 else "buy",
            "quantity": "1",
            "price": prices[place // 2 % len(prices)],
        }
        for place in range(count)
    ]


def order_requests(batch: int = 1) -> list[bytes]:
    """Orders, one a request or so many."""
    if batch == 1:
        return [post("/order", json.dumps(order, separators=(",", ":")).encode()) for order in _orders(8)]
    return [post("/orders", json.dumps({"orders": _orders(batch)}, separators=(",", ":")).encode())]


class _Connection(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one is answered."""

    def __init__(self, requests: Sequence[bytes], first: int, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._next = first
        self._done = done
        self._buffer = b""
        self._deadline = 0.0
        self._transport: asyncio.Transport | None = None
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, deadline: float) -> None:
        """Sends the first request; the last one is sent before the deadline."""
        self._deadline = deadline
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        head = buffer.find(END)
        if head < 0:
            self._buffer = buffer
            return
        at = buffer.index(LENGTH) + len(LENGTH)
        length = int(buffer[at : buffer.index(b"\r", at)])
        if len(buffer) < head + len(END) + length:
            self._buffer = buffer
            return
        self._buffer = b""
        if buffer[STATUS] not in (b"200", b"201"):
            self._fail(f"the server answered {buffer[:1000].decode(errors='replace')}")
            return
        self.answered += 1
        if perf_counter() < self._deadline:
            self._send()
        elif not self._done.done():
            self._done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the server ended a connection: {error}")

    def _fail(self, why: str) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError(why))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _itself(connection: _Connection) -> _Connection:
    return connection


async def _round(server: Server, requests: Sequence[bytes], connections: int, seconds: float) -> Round:
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    made = [_Connection(requests, number, end) for number, end in enumerate(ends)]
    for connection in made:
        await loop.create_connection(partial(_itself, connection), server.host, server.port)
    cpu_s, loop_s, began = server.cpu_s(), server.loop_s(), perf_counter()
    for connection in made:
        connection.begin(began + seconds)
    try:
        async with asyncio.timeout(seconds + STALLED_S):
            await asyncio.gather(*ends)
        wall_s, used_s, loop_s = perf_counter() - began, server.cpu_s() - cpu_s, server.loop_s() - loop_s
    finally:
        for connection in made:
            connection.close()
        await asyncio.gather(*ends, return_exceptions=True)
    return Round(sum(connection.answered for connection in made), wall_s, used_s, loop_s)


async def race(
    server: Server,
    ways: dict[str, list[bytes]],
    *,
    rounds: int,
    connections: int,
    seconds: float,
    progress: Callable[[], object] = lambda: None,
) -> Race:
    """Lets every way take its turn in every round, after one that is not counted.

    Raises:
        ConnectionError: The server answered with anything but a success, or not at all.
    """
    result = Race({way: [] for way in ways})
    for number in range(rounds + 1):
        for way, requests in ways.items():
            # The first round warms up, and is as short as that takes.
            measured = await _round(server, requests, connections, seconds if number else min(seconds, 0.5))
            if number:
                result.rounds[way].append(measured)
        progress()
    return result
