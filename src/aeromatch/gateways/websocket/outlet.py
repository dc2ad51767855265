"""What goes to one client, and what becomes of it where the client is slow."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from aeromatch.gateways.streams import Published, Stale
from aeromatch.gateways.websocket.options import WebSocketOptions
from aeromatch.gateways.websocket.protocol import Socket, frame_of
from aeromatch.schema.messages import ClosingMessage
from aeromatch.schema.problems import Problem, type_of

__all__ = ["GOING_AWAY", "INTERNAL_ERROR", "POLICY", "TRY_AGAIN_LATER", "Outlet", "message_frame"]

GOING_AWAY: Final = 1001
POLICY: Final = 1008
INTERNAL_ERROR: Final = 1011
TRY_AGAIN_LATER: Final = 1013

_encode = msgspec.json.Encoder().encode


def message_frame(message: object) -> bytes:
    """A message as a frame."""
    return frame_of(_encode(message))


class Outlet:
    """The way to one client (`streams.Outlet`). Everything here happens in the event loop, and nothing waits.

    What cannot be conflated is queued while the socket is full, within limits. What can be is left out: whoever left it
    out gives a fresh frame once there is room. A client that stays slow, or for whom too much is queued, is told why,
    and the connection is closed: memory is bounded by the limits, whoever connects.
    """

    gateway = "websocket"

    def __init__(
        self, socket: Socket, options: WebSocketOptions, count: Callable[..., None], on_end: Callable[[], None]
    ) -> None:
        self._socket = socket
        self._options = options
        self._count = count
        self._on_end = on_end
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        # In order of their first loss.
        self._stale: dict[Stale, None] = {}
        self._slow_timer: asyncio.TimerHandle | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.is_over = False
        socket.configure(options, self._drain)

    @property
    def is_free(self) -> bool:
        """Whether a frame would leave at once."""
        return not self._queue and self._socket.is_writable

    def size(self, message: Published) -> int:
        """As `streams.Outlet`."""
        return len(message.encoded(message_frame))

    def publish(self, message: Published) -> None:
        """As `streams.Outlet`."""
        self.send(message.encoded(message_frame))

    def send(self, frame: bytes) -> None:
        """Sends what must not be left out."""
        if self.is_over:
            return
        if self.is_free:
            self._socket.write_frame(frame)
            self._look()
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        self._look()
        if len(self._queue) > self._options.queue_messages or self._queued_bytes > self._options.queue_bytes:
            self.end_slow("more waits for this client than the server keeps")

    def offer(self, message: Published, subscription: Stale, channel: str) -> None:
        """As `streams.Outlet`."""
        if self.is_over:
            return
        if self.is_free and not self._stale:
            self._socket.write_frame(message.encoded(message_frame))
        else:
            self._stale[subscription] = None
            self._count("aeromatch_stream_conflated_total", gateway=self.gateway, channel=channel)
        self._look()

    def forget(self, subscription: Stale) -> None:
        """The subscription needs nothing any more."""
        self._stale.pop(subscription, None)

    async def room(self) -> None:
        """Waits until frames leave at once; returns at once where it is over."""
        await self._has_room.wait()

    def _look(self) -> None:
        """Begins to measure where the client has become slow."""
        if not self.is_free and self._slow_timer is None:
            self._has_room.clear()
            self._slow_timer = asyncio.get_running_loop().call_later(self._options.slow_timeout_s, self._too_slow)

    def _too_slow(self) -> None:
        self.end_slow(f"the client was slow for {self._options.slow_timeout_s:g} s")

    def _drain(self) -> None:
        """The socket has room again."""
        while self._queue and self._socket.is_writable:
            frame = self._queue.popleft()
            self._queued_bytes -= len(frame)
            self._socket.write_frame(frame)
        while self._stale and self.is_free:
            subscription = next(iter(self._stale))
            del self._stale[subscription]
            if (fresh := subscription.fresh()) is not None:
                self._socket.write_frame(fresh.encoded(message_frame))
        if self.is_free and not self._stale:
            self._end_slowness()

    def _end_slowness(self) -> None:
        self._has_room.set()
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def end_slow(self, detail: str) -> None:
        """As `streams.Outlet`."""
        self.close(TRY_AGAIN_LATER, "slow_consumer", detail)

    def close(self, code: int, slug: str, detail: str) -> None:
        """Says why, and closes the connection; what is queued is dropped."""
        if self.is_over:
            return
        self._count("aeromatch_gateway_closed_total", gateway=self.gateway, reason=slug)
        problem = Problem(
            type=type_of(slug), title=slug.replace("_", " ").capitalize(), status=503, slug=slug, detail=detail
        )
        self._socket.write_frame(message_frame(ClosingMessage(channel="system", problem=problem)))
        self._socket.finish(code, slug)
        self.end()

    def end(self) -> None:
        """Nothing is sent any more. A second time does nothing."""
        if self.is_over:
            return
        self.is_over = True
        self._queue.clear()
        self._stale.clear()
        self._queued_bytes = 0
        self._end_slowness()
        self._on_end()
