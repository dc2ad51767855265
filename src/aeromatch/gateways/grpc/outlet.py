"""What goes over one stream of a server, and what becomes of it where the client is slow."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from aeromatch.gateways.grpc.answers import stream_bytes
from aeromatch.gateways.grpc.options import GrpcOptions
from aeromatch.gateways.grpc.status import slow_consumer
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.streams import Backlog

__all__ = ["Outlet"]

GATEWAY: Final = "grpc"


class Outlet(Backlog):
    """The way to one client (`streams.Outlet`): what is to be written, taken one by one by whoever writes it.

    gRPC takes a message when the one before has left; a buffer of some bytes stands before it, which is what may be
    full. A client that is too slow is told why, and its stream ends.
    """

    gateway = GATEWAY

    def __init__(self, options: GrpcOptions, count: Callable[..., None], on_end: Callable[[], None]) -> None:
        super().__init__(options, stream_bytes, count)
        self._buffer_bytes = options.buffer_bytes
        self._on_end = on_end
        self._ready: deque[bytes] = deque()
        self._ready_bytes = 0
        self._has_some = asyncio.Event()
        self._is_closed = False
        self.ending: RefusedError | None = None
        """Why nothing is sent any more."""

    @property
    def _is_writable(self) -> bool:
        return self._ready_bytes < self._buffer_bytes

    def _write(self, data: bytes) -> None:
        self._ready.append(data)
        self._ready_bytes += len(data)
        self._has_some.set()

    def _look(self) -> None:
        if not self._is_closed:
            super()._look()

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
        self._ready.clear()
        self._ready_bytes = 0
        self._drop()
        self._has_some.set()
        self._on_end()
