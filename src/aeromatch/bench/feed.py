"""How long market data takes to a thousand subscribers: connections that look at the time when a message comes.

This is the side that listens, in a process of its own, on the server's machine: both look at the same clock. Of a
message only its time is read, which is that of the command that it tells of, as its shard took it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter, time_ns
from typing import Final, Literal, cast

import numpy as np

from aeromatch import _core
from aeromatch.bench.server_rest import SYMBOL, Server, order_requests

__all__ = ["CHANNELS", "Delivery", "deliver"]

FeedChannel = Literal["depth", "trades", "ticker"]
CHANNELS: Final[tuple[FeedChannel, ...]] = ("depth", "trades", "ticker")

HANDSHAKE: Final = (
    b"GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
TIMESTAMP: Final = b'"timestamp":'
TEXT, PING, PONG = 0x81, 0x89, 0x8A
SETTLE_S: Final = 0.5
STALLED_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came, and how long it took.

    Attributes:
        channel: What was subscribed to.
        subscribers: Connections, each with one subscription.
        orders: Orders that were sent meanwhile.
        messages: Messages that came, of all subscribers.
        wall_s: The time of the measurement.
        cpu_s: What the server's process used in it.
        ages_ns: Of each message: from when the exchange took the command to when the subscriber had it.
    """

    channel: FeedChannel
    subscribers: int
    orders: int
    messages: int
    wall_s: float
    cpu_s: float
    ages_ns: _core.Histogram

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.wall_s

    def age_ms(self, percent: float) -> float:
        """The age that so many percent of the messages do not exceed."""
        return self.ages_ns.percentile(percent) / 1e6


class _Subscriber(asyncio.Protocol):
    """One connection: subscribes, then notes how old what comes is."""

    def __init__(self, request: bytes, ready: asyncio.Future[None], ages_ns: list[int]) -> None:
        self._request = request
        self._ready = ready
        self._ages_ns = ages_ns
        self._buffer = b""
        self._is_open = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(HANDSHAKE)

    def data_received(self, data: bytes) -> None:
        now_ns = time_ns()
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_open and not self._opened():
            return
        while (payload := self._frame()) is not None:
            at = payload.rfind(TIMESTAMP)
            if b'"id":1,' in payload[:8]:
                self._answered(payload)
            elif at >= 0:
                digits = payload[at + len(TIMESTAMP) : at + len(TIMESTAMP) + 20].partition(b",")[0]
                self._ages_ns.append(now_ns - int(digits.rstrip(b"}]")))

    def _opened(self) -> bool:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return False
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._fail(f"the server answered {head[:200].decode(errors='replace')}")
        self._is_open, self._buffer = True, rest
        assert self.transport is not None
        # Masked with zeros: as it is (RFC 6455, 5.3).
        size = len(self._request)
        self.transport.write(bytes((TEXT, 0xFE)) + size.to_bytes(2) + b"\0\0\0\0" + self._request)
        return True

    def _frame(self) -> bytes | None:
        """The next message, if all of it is here."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, begin = buffer[1], 2
        if size == 126:
            size, begin = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            size, begin = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < begin + size:
            return None
        self._buffer = buffer[begin + size :]
        payload = buffer[begin : begin + size]
        if buffer[0] == PING:
            assert self.transport is not None
            self.transport.write(bytes((PONG, 0x80 | size)) + b"\0\0\0\0" + payload)
            return b""
        return payload

    def _answered(self, payload: bytes) -> None:
        if json.loads(payload)["problem"] is not None:
            self._fail(payload.decode())
        elif not self._ready.done():
            self._ready.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the server ended a connection: {error}")

    def _fail(self, why: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(ConnectionError(why))


def _itself(subscriber: _Subscriber) -> _Subscriber:
    return subscriber


async def _is_ready(server: Server) -> bool:
    """Whether the server says that it may be used."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return b" 200 " in status


async def _trade(server: Server, orders: int, interval_s: float) -> None:
    """Sends so many orders, one after the other, at times that do not depend on their answers."""
    requests = order_requests()
    reader, writer = await asyncio.open_connection(server.host, server.port)
    begin = perf_counter()
    for number in range(orders):
        await asyncio.sleep(max(begin + number * interval_s - perf_counter(), 0))
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 201 " not in head[:16]:
            raise ConnectionError(f"the server answered {head[:200].decode(errors='replace')}")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


async def deliver(
    server: Server,
    channel: FeedChannel,
    *,
    subscribers: int,
    orders_per_s: float,
    seconds: float,
    progress: Callable[[int], object] = lambda _connections: None,
) -> Delivery:
    """Lets subscribers listen while somebody trades.

    Arguments:
        server: With an instrument SYMBOL; every order that is sent changes its book, every second one trades.
        channel: What they subscribe to.
        subscribers: How many.
        orders_per_s: How many orders are sent in a second.
        seconds: How long.
        progress: Told how many connections there are.

    Raises:
        ConnectionError: The server refused a connection, or ended one.
    """
    loop = asyncio.get_running_loop()
    request = json.dumps({"op": "subscribe", "id": 1, "channel": channel, "symbol": SYMBOL}).encode().ljust(126)
    ages_ns: list[int] = []
    made: list[_Subscriber] = []
    try:
        async with asyncio.timeout(seconds + STALLED_S):
            while not await _is_ready(server):
                await asyncio.sleep(0.01)
            for number in range(subscribers):
                ready: asyncio.Future[None] = loop.create_future()
                subscriber = _Subscriber(request, ready, ages_ns)
                await loop.create_connection(partial(_itself, subscriber), server.host, server.port)
                made.append(subscriber)
                await ready
                progress(number + 1)
            await asyncio.sleep(SETTLE_S)
            ages_ns.clear()
            cpu_s, began = server.cpu_s(), perf_counter()
            orders = max(round(orders_per_s * seconds), 1)
            await _trade(server, orders, 1 / orders_per_s)
            # What was brought about last is on its way.
            await asyncio.sleep(SETTLE_S)
            wall_s, used_s = perf_counter() - began - SETTLE_S, server.cpu_s() - cpu_s
    finally:
        for subscriber in made:
            if subscriber.transport is not None:
                subscriber.transport.abort()
    histogram = _core.Histogram()
    histogram.record_many(np.array(ages_ns, dtype=np.int64))
    return Delivery(channel, subscribers, orders, len(ages_ns), wall_s, used_s, histogram)
