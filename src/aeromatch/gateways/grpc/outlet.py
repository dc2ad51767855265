"""What goes over one stream of a server, and what becomes of it where the client is slow."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from aeromatch.gateways.grpc.answers import stream_bytes
from aeromatch.gateways.grpc.options import GrpcOptions
from aeromatch.gateways.grpc.status import slow_consumer
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.streams import Published, Stale

__all__ = ["Outlet"]

GATEWAY: Final = "grpc"


class Outlet:
    """The way to one client (`streams.Outlet`): what is to be written, taken one by one by whoever writes it.

    gRPC takes a message when the one before has left; a buffer of some bytes stands before it. Where that is full, what
    cannot be conflated is queued within limits, and what can be is left out: whoever left it out gives a fresh message
    once there is room. A client that stays slow, or for whom too much is queued, is told why, and its stream ends.
    """

    gateway = GATEWAY

    def __init__(self, options: GrpcOptions, count: Callable[..., None], on_end: Callable[[], None]) -> None:
        self._options = options
        self._count = count
        self._on_end = on_end
        self._ready: deque[bytes] = deque()
        self._ready_bytes = 0
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        # In order of their first loss.
        self._stale: dict[Stale, None] = {}
        self._slow_timer: asyncio.TimerHandle | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._has_some = asyncio.Event()
        self._is_closed = False
        self.ending: RefusedError | None = None
        """Why nothing is sent any more."""

    @property
    def is_free(self) -> bool:
        """Whether a message would find room in the buffer."""
        return not self._queue and self._ready_bytes < self._options.buffer_bytes

    def size(self, message: Published) -> int:
        """As `streams.Outlet`."""
        return len(message.encoded(stream_bytes))

    def publish(self, message: Published) -> None:
        """As `streams.Outlet`."""
        self.send(message.encoded(stream_bytes))

    def send(self, data: bytes) -> None:
        """Sends what must not be left out."""
        if self.ending is not None:
            return
        if self.is_free:
            self._write(data)
        else:
            self._queue.append(data)
            self._queued_bytes += len(data)
        self._look()
        if len(self._queue) > self._options.queue_messages or self._queued_bytes > self._options.queue_bytes:
            self.end_slow("more waits for this client than the server keeps")

    def offer(self, message: Published, subscription: Stale, channel: str) -> None:
        """As `streams.Outlet`."""
        if self.ending is not None:
            return
        if self.is_free and not self._stale:
            self._write(message.encoded(stream_bytes))
        else:
            self._stale[subscription] = None
            self._count("aeromatch_stream_conflated_total", gateway=GATEWAY, channel=channel)
        self._look()

    def forget(self, subscription: Stale) -> None:
        """As `streams.Outlet`."""
        self._stale.pop(subscription, None)

    async def room(self) -> None:
        """As `streams.Outlet`."""
        await self._has_room.wait()

    def _write(self, data: bytes) -> None:
        self._ready.append(data)
        self._ready_bytes += len(data)
        self._has_some.set()

    def _look(self) -> None:
        """Begins to measure where the client has become slow."""
        if not self.is_free and self._slow_timer is None and self.ending is None and not self._is_closed:
            self._has_room.clear()
            self._slow_timer = asyncio.get_running_loop().call_later(self._options.slow_timeout_s, self._too_slow)

    def _too_slow(self) -> None:
        self.end_slow(f"the client was slow for {self._options.slow_timeout_s:g} s")

    async def next(self) -> bytes:
        """What is to be written now; waits until there is something. Raises RefusedError when the stream is ended."""
        while not self._ready:
            if self.ending is not None:
                raise self.ending
            self._has_some.clear()
            await self._has_some.wait()
        data = self._ready.popleft()
        self._ready_bytes -= len(data)
        self._drain()
        return data

    def _drain(self) -> None:
        """The buffer has room again."""
        while self._queue and self._ready_bytes < self._options.buffer_bytes:
            data = self._queue.popleft()
            self._queued_bytes -= len(data)
            self._write(data)
        while self._stale and self.is_free:
            subscription = next(iter(self._stale))
            del self._stale[subscription]
            if (fresh := subscription.fresh()) is not None:
                self._write(fresh.encoded(stream_bytes))
        if self.is_free and not self._stale:
            self._end_slowness()

    def _end_slowness(self) -> None:
        self._has_room.set()
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def close(self) -> None:
        """Nobody writes any more what is sent: how slow the client was is of no interest."""
        self._is_closed = True
        self._end_slowness()

    def end_slow(self, detail: str) -> None:
        """As `streams.Outlet`."""
        self.end(slow_consumer(detail))

    def end(self, refused: RefusedError) -> None:
        """Nothing is sent any more; what waits is dropped. A second time does nothing."""
        if self.ending is not None:
            return
        self.ending = refused
        self._count("aeromatch_gateway_closed_total", gateway=GATEWAY, reason=refused.slug)
        for waiting in (self._ready, self._queue):
            waiting.clear()
        self._stale.clear()
        self._ready_bytes = self._queued_bytes = 0
        self._end_slowness()
        self._has_some.set()
        self._on_end()
