"""uvicorn in an event loop that is ours: signals and the end are the server's business, and so is who may connect.

A connection is a session from its first byte to its end. What is no HTTP, too long or too slow is refused here, before
any part of the server has seen it.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import Admission, RefusedError

__all__ = ["Connection", "HttpConfig", "HttpServer"]

SESSION: Final = "aeromatch.session"
"""Where a request's scope has the number of its session."""
TICKS_A_LOOK: Final = 10
"""uvicorn's main loop comes round ten times a second; slow requests are looked for once."""
ENDED: Final = 0
LINGER_S: Final = 1.0


class HttpConfig(uvicorn.Config):
    """How the server listens.

    Attributes:
        admission: Who lets connections in; None, while there is nothing behind them: all are.
        max_header_bytes: Of a request's target and headers together.
        request_timeout_s: How long a request may take to arrive.
    """

    def __init__(self, app: Any, *, max_header_bytes: int, request_timeout_s: float, **options: Any) -> None:
        super().__init__(app, http=Connection, **options)
        self.admission: Admission | None = None
        self.max_header_bytes = max_header_bytes
        self.request_timeout_s = request_timeout_s


class HttpServer(uvicorn.Server):
    """A uvicorn server that leaves the process's signals alone; `should_exit = True` ends it."""

    config: HttpConfig

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured: whoever runs this server has its own handlers."""
        yield

    async def on_tick(self, counter: int) -> bool:
        """Ends what takes too long to arrive."""
        if counter % TICKS_A_LOOK == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look_at_time(now)
        return await super().on_tick(counter)


class Connection(HttpToolsProtocol):
    """A connection that speaks HTTP, and its session."""

    config: HttpConfig
    session: int | None = None
    began: float | None = None
    in_headers = True
    header_bytes = 0
    idle_bytes = 0
    is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A session begins, or is refused."""
        super().connection_made(cast(asyncio.Transport, transport))
        self.began = self.loop.time()
        self._begin_session()

    def connection_lost(self, exc: Exception | None) -> None:
        """The session ends."""
        self._end_session()
        super().connection_lost(exc)

    def _begin_session(self) -> None:
        admission = self.config.admission
        if admission is None or self.session is not None:
            return
        try:
            self.session = admission.connect(self._remote())
        except RefusedError as error:
            self.session = ENDED
            self.refuse(error)

    def _remote(self) -> str:
        if not self.client:
            return ""
        host, port = self.client
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _end_session(self) -> None:
        admission, session = self.config.admission, self.session
        self.session = ENDED
        if admission is not None and session:
            admission.disconnect(session)

    def data_received(self, data: bytes) -> None:
        """Bytes came in; those behind what was refused are nobody's."""
        if self.is_refused:
            return
        # Counted as they come: the parser keeps a header to itself until it has the whole of it.
        if self.in_headers:
            self.header_bytes += len(data)
        else:
            self.idle_bytes += len(data)
        if self.began is None:
            self.began = self.loop.time()
        super().data_received(data)
        if (self.header_bytes if self.in_headers else self.idle_bytes) > self.config.max_header_bytes:
            self._refuse_headers()

    def _refuse_headers(self) -> None:
        limit = self.config.max_header_bytes
        self.refuse(refusal("headers_too_large", f"target and headers may have {limit} bytes"))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self.session is None:
            self._begin_session()  # It connected while the server was starting.
        scope: dict[str, Any] = cast(Any, self.scope)
        scope[SESSION] = self.session or ENDED
        if self.began is None:
            self.began = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. Those behind a chunked body (trailers) prove nothing and mean nothing: they are left out."""
        if self.in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Target and headers are there."""
        self.in_headers, self.idle_bytes = False, 0
        # What came in one piece, perhaps with other requests, has not been measured yet.
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.config.max_header_bytes:
            self._refuse_headers()
        if not self.is_refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body. What comes between two of them, or behind the last one, may not be endless either."""
        self.idle_bytes = 0
        if not self.is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self.began, self.in_headers, self.header_bytes = None, True, 0
        super().on_message_complete()

    def look_at_time(self, now: float) -> None:
        """Refuses a request that has taken too long to arrive, and a connection that has sent none."""
        if self.began is not None and now - self.began > self.config.request_timeout_s:
            self.began = None
            self.refuse(refusal("request_timeout"))

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a WebSocket, whose session the gateway begins and ends."""
        self._end_session()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP, or more than was wanted."""
        self.refuse(refusal("malformed", msg))

    def refuse(self, error: RefusedError) -> None:
        """Says why, if no answer is under way, and closes."""
        if self.transport.is_closing() or self.is_refused:
            return
        self.is_refused, self.began = True, None
        cycle = self.cycle
        if cycle is not None and cycle.response_started and (cycle.scope is self.scope or not cycle.response_complete):
            # An answer is under way, in the middle of which nothing can be said, or the request has had its own.
            self.transport.close()
            return
        request_id = f"connection-{self.session or ENDED}"
        body = msgspec.json.encode(problem_of(error, request_id))
        head = (
            f"content-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\nconnection: close\r\n"
        )
        if error.retry_after_ms is not None:
            head += f"retry-after: {-(-error.retry_after_ms // 1000)}\r\n"
        head += "\r\n"
        self.transport.write(STATUS_LINE[error.status] + head.encode() + body)
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # An end with bytes unread would reset the connection, and the answer with it: they are read, for a while.
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)
