"""uvicorn's WebSocket protocol, with a way to write a frame that was made once for many connections.

Frames of a server are not masked, so without compression a message's bytes are the same for everyone. ASGI has no way
to say that, and none to ask whether a socket is full: an application finds a `Socket` among the scope's extensions.
"""

import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request

from aeromatch.gateways.websocket.options import WebSocketOptions

__all__ = ["EXTENSION", "Socket", "frame_of", "server_options"]

EXTENSION: Final = "aeromatch.socket"
"""Where the scope's extensions have the Socket."""

TEXT: Final = 0x81
"""First byte of a text message in one frame."""


def frame_of(text: bytes) -> bytes:
    """A message as a server sends it (RFC 6455, 5.2): one text frame."""
    size = len(text)
    if size < 126:
        return bytes((TEXT, size)) + text
    if size < 65536:
        return bytes((TEXT, 126)) + size.to_bytes(2) + text
    return bytes((TEXT, 127)) + size.to_bytes(8) + text


class Socket(Protocol):
    """A connection's own end, from its acceptance to its end."""

    @property
    def is_open(self) -> bool:
        """Whether frames may be written."""

    @property
    def is_writable(self) -> bool:
        """Whether what was written before has left, but for little."""

    @property
    def buffered_bytes(self) -> int:
        """What waits to leave."""

    def configure(self, options: WebSocketOptions, on_writable: Callable[[], None]) -> None:
        """Sets the limits, and who is called when the socket is writable again."""

    def write_frame(self, frame: bytes) -> None:
        """Writes a whole frame, at once; nothing where the connection is closing."""

    def finish(self, code: int, reason: str) -> None:
        """Sends the close frame, behind what waits, and ends the connection when it is answered, or after a time."""


class FrameProtocol(WebSocketsSansIOProtocol):
    """A `Socket`, and everything that uvicorn makes of a WebSocket connection."""

    _on_writable: Callable[[], None] | None = None
    _close_timeout_s = 5.0

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope: dict[str, Any] | None = getattr(self, "scope", None)
        if scope is not None:
            # The application's task has been made, but has not run yet.
            scope["extensions"][EXTENSION] = self

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                # uvicorn does the same, and takes it for an error of the server.
                self.frames = []
                self.conn.send_close(1007, "not UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    @property
    def is_open(self) -> bool:
        return self.handshake_complete and not (self.close_sent or self.disconnected or self.transport.is_closing())

    @property
    def is_writable(self) -> bool:
        return self.writable.is_set()

    @property
    def buffered_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def configure(self, options: WebSocketOptions, on_writable: Callable[[], None]) -> None:
        self._on_writable = on_writable
        self._close_timeout_s = options.close_timeout_s
        self.transport.set_write_buffer_limits(high=options.buffer_bytes, low=options.buffer_bytes // 4)
        endpoint = self.transport.get_extra_info("socket")
        if endpoint is not None:
            # What lies in the kernel's buffer is out of sight: a slow client is to be noticed here.
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.kernel_bytes)

    def write_frame(self, frame: bytes) -> None:
        if self.is_open:
            self.transport.write(frame)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._on_writable is not None:
            self._on_writable()

    def finish(self, code: int, reason: str) -> None:
        if not self.is_open:
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            self.transport.abort()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.read_paused:
            # The answer to the close frame stands behind what was not read.
            self.read_paused = False
            self.transport.resume_reading()
        # A client that reads nothing keeps the transport from closing: then it is cut.
        self.close_timer = self.loop.call_later(self._close_timeout_s, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # What the dead end does not take would keep the transport for good.
        self.loop.call_later(self._close_timeout_s, self.transport.abort)


def server_options(options: WebSocketOptions) -> dict[str, Any]:
    """What `uvicorn.Config` needs for the gateway: as keyword arguments."""
    return {
        "ws": FrameProtocol,
        "ws_max_size": options.max_message_bytes,
        "ws_ping_interval": options.ping_interval_s,
        "ws_ping_timeout": options.ping_timeout_s,
        # It would cost a compressor a connection, and each message its time once for every one of them.
        "ws_per_message_deflate": False,
    }
