"""What waits for a client that is slow, and what becomes of it, whichever gateway writes to it."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from aeromatch.gateways.streams.channels import Published
from aeromatch.gateways.streams.subscription import Stale

__all__ = ["Backlog"]


class Limits(Protocol):
    """How much may wait, and how long. See the gateways' options."""

    @property
    def queue_messages(self) -> int:
        """Messages that may wait, of those that cannot be conflated."""

    @property
    def queue_bytes(self) -> int:
        """The same in bytes."""

    @property
    def slow_timeout_s(self) -> float:
        """How long a client may be slow without a break."""


class Backlog(ABC):
    """The way to one client (`streams.Outlet`). It is all in the event loop, and nothing waits but `room`.

    While there is no room for a message, what cannot be conflated is queued, within limits. What can be is left out:
    whoever left it out gives a fresh message once there is room. A client that stays slow, or for whom too much is
    queued, is told why and ended: memory is bounded by the limits, whoever connects.

    Arguments:
        limits: How much may wait.
        encode: A message in the gateway's form.
        count: Adds to a counter of /metrics.
    """

    gateway: str

    def __init__(self, limits: Limits, encode: Callable[[Any], bytes], count: Callable[..., None]) -> None:
        self._limits = limits
        self._encode = encode
        self._count = count
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        # In order of their first loss.
        self._stale: dict[Stale, None] = {}
        self._slow_timer: asyncio.TimerHandle | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()
        self.is_over = False
        """Nothing is sent any more."""

    @property
    @abstractmethod
    def _is_writable(self) -> bool:
        """Whether there is room for a message."""

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Gives a message away, for good."""

    @abstractmethod
    def end_slow(self, detail: str) -> None:
        """As `streams.Outlet`."""

    @property
    def is_free(self) -> bool:
        """Whether a message would find room."""
        return not self._queue and self._is_writable

    def size(self, message: Published) -> int:
        """As `streams.Outlet`."""
        return len(message.encoded(self._encode))

    def publish(self, message: Published) -> None:
        """As `streams.Outlet`."""
        self.send(message.encoded(self._encode))

    def send(self, data: bytes) -> None:
        """Sends what must not be left out."""
        if self.is_over:
            return
        if self.is_free:
            self._write(data)
            self._look()
            return
        self._queue.append(data)
        self._queued_bytes += len(data)
        self._look()
        if len(self._queue) > self._limits.queue_messages or self._queued_bytes > self._limits.queue_bytes:
            self.end_slow("more waits for this client than the server keeps")

    def offer(self, message: Published, subscription: Stale, channel: str) -> None:
        """As `streams.Outlet`."""
        if self.is_over:
            return
        if self.is_free and not self._stale:
            self._write(message.encoded(self._encode))
        else:
            self._stale[subscription] = None
            self._count("aeromatch_stream_conflated_total", gateway=self.gateway, channel=channel)
        self._look()

    def forget(self, subscription: Stale) -> None:
        """As `streams.Outlet`."""
        self._stale.pop(subscription, None)

    async def room(self) -> None:
        """As `streams.Outlet`."""
        await self._has_room.wait()

    def _look(self) -> None:
        """Begins to measure where the client has become slow."""
        if not self.is_free and self._slow_timer is None and not self.is_over:
            self._has_room.clear()
            self._slow_timer = asyncio.get_running_loop().call_later(self._limits.slow_timeout_s, self._too_slow)

    def _too_slow(self) -> None:
        self.end_slow(f"the client was slow for {self._limits.slow_timeout_s:g} s")

    def _drain(self) -> None:
        """There is room again."""
        while self._queue and self._is_writable:
            data = self._queue.popleft()
            self._queued_bytes -= len(data)
            self._write(data)
        while self._stale and self.is_free:
            subscription = next(iter(self._stale))
            del self._stale[subscription]
            if (fresh := subscription.fresh()) is not None:
                self._write(fresh.encoded(self._encode))
        if self.is_free and not self._stale:
            self._end_slowness()

    def _end_slowness(self) -> None:
        self._has_room.set()
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None

    def _drop(self) -> None:
        """Nothing is sent any more: what waits is dropped."""
        self.is_over = True
        self._queue.clear()
        self._stale.clear()
        self._queued_bytes = 0
        self._end_slowness()
