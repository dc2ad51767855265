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
from aeromatch.server.reading import PacedFlow, Turns

__all__ = ["Connection", "HttpConfig", "HttpServer"]

SESSION: Final = "aeromatch.session"
"""Where a request's scope has the number of its session."""
TICKS_A_LOOK: Final = 10
"""uvicorn's main loop comes round ten times a second; slow requests are looked for once."""
ENDED: Final = 0
LINGER_S: Final = 1.0
"""How long what still comes is read after the last answer, so that the answer can be."""
PAUSE_S: Final = 0.01
"""Between two pieces of that. A piece is what the loop reads at once: whoever sends on takes little of its time."""
LONG_BYTES: Final = 1 << 16
"""A body of which more has come is long: it takes turns with others."""
UNREAD_BYTES: Final = 1 << 16
"""So much of a body that was answered before it was read is passed over; where more comes, the connection ends."""


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
        self.turns = Turns()
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


class _Outlet:
    """A connection's transport, as answers use it: it ends so that the client can read them."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, connection: "Connection") -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.end


class Connection(HttpToolsProtocol):
    """A connection that speaks HTTP, and its session."""

    config: HttpConfig
    session: int | None = None
    began: float | None = None
    in_headers = True
    header_bytes = 0
    sent_bytes = 0
    body_bytes = 0
    unread_bytes = 0
    is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A session begins, or is refused."""
        super().connection_made(cast(asyncio.Transport, transport))
        self._outlet = _Outlet(self)
        self.flow: PacedFlow = PacedFlow(self.transport, self.config.turns)
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
            self._pass_over()
            return
        # Counted as they come: the parser keeps a header to itself until it has the whole of it.
        if self.in_headers:
            self.header_bytes += len(data)
        else:
            self.sent_bytes += len(data)
        if self.began is None:
            self.began = self.loop.time()
        super().data_received(data)
        if self._has_too_much_around():
            self._refuse_headers()

    def _has_too_much_around(self) -> bool:
        """Whether there is too much beside bodies: headers, and the lines between the chunks of a body.

        Each chunk is a call. A body in chunks of a few bytes would be a hundred times the work of one in large ones.
        """
        if self.in_headers:
            return self.header_bytes > self.config.max_header_bytes
        return self.sent_bytes - 2 * self.body_bytes > self.config.max_header_bytes

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
        self.in_headers, self.sent_bytes, self.body_bytes, self.unread_bytes = False, 0, 0, 0
        self.flow.is_paced = False
        # What came in one piece, perhaps with other requests, has not been measured yet.
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.config.max_header_bytes:
            self._refuse_headers()
        if not self.is_refused:
            super().on_headers_complete()
            if self.cycle is not None:
                self.cycle.transport = cast(asyncio.Transport, self._outlet)

    def on_body(self, body: bytes) -> None:
        """A piece of the body. One that was answered before it was there is passed over, if it is short."""
        self.body_bytes += len(body)
        if self.body_bytes > LONG_BYTES:
            self.flow.is_paced = True
        if self.is_refused:
            return
        if self.cycle is not None and self.cycle.response_complete:
            self.unread_bytes += len(body)
            if self.unread_bytes > UNREAD_BYTES:
                self.end()
            return
        super().on_body(body)

    def on_response_complete(self) -> None:
        """An answer was written; whether the rest of its request is waited for depends on what it is."""
        if self.is_refused:
            self.server_state.total_requests += 1
            return
        # Whoever was to be told to go on, and was not, may send the next request instead of this one's body.
        if self.expect_100_continue and self.cycle.more_body:
            self.end()
        super().on_response_complete()

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self.began, self.in_headers, self.header_bytes = None, True, 0
        self.flow.is_paced = False
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
        self._linger()

    def end(self) -> None:
        """Closes behind the last answer."""
        self.is_refused, self.began = True, None
        if self.cycle is not None and self.cycle.more_body and not self.transport.is_closing():
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """An end with bytes unread would reset the connection, and the answer with it: they are read, for a while."""
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(LINGER_S, self.transport.close)

    def _pass_over(self) -> None:
        self.flow.is_paced = True
        self.flow.pause_reading()
        self.loop.call_later(PAUSE_S, self.flow.resume_reading)
