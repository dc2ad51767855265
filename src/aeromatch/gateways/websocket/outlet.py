"""What goes to one client, and what becomes of it where the client is slow."""

from collections.abc import Callable
from typing import Final

import msgspec

from aeromatch.gateways.streams import Backlog
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


class Outlet(Backlog):
    """The way to one client (`streams.Outlet`). A client that is too slow is told why, and its connection is closed."""

    gateway = "websocket"

    def __init__(
        self, socket: Socket, options: WebSocketOptions, count: Callable[..., None], on_end: Callable[[], None]
    ) -> None:
        super().__init__(options, message_frame, count)
        self._socket = socket
        self._on_end = on_end
        socket.configure(options, self._drain)

    @property
    def _is_writable(self) -> bool:
        return self._socket.is_writable

    def _write(self, data: bytes) -> None:
        self._socket.write_frame(data)

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
        self._drop()
        self._on_end()
