"""A connection over HTTP: when it has to have said what, how much its headers may be, and its session's number.

uvicorn parses and answers; what it does not do is here. A request that does not arrive in time is answered with 408,
and its connection ends: whoever sends a byte a minute holds nothing for long. One look at all connections each second
costs less than a timer for each request.
"""

import asyncio
import itertools
import time
from typing import Any, Final, Protocol, cast

import msgspec
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import RefusedError

__all__ = ["SESSION", "Connection", "Connections", "Counter"]

SESSION: Final = "aeromatch.session"
"""Where a request's scope has the number of its connection's session."""

LOOK_S: Final = 1.0
LINGER_S: Final = 1.0


class Counter(Protocol):
    """What counts connections: `services.Admission`, once there is one."""

    def connect(self, remote: str) -> int:
        """A connection begins: its session's number. Raises RefusedError."""

    def disconnect(self, session: int) -> None:
        """A connection ended."""


class Connections:
    """All connections of a server.

    Arguments:
        admission: What counts connections and gives sessions their numbers.
        request_timeout_s: A request has to be there, with its headers and its body, so long after its first byte; a
            new connection has so long for its first request.
        max_header_bytes: Most bytes of a request's first line and headers.
    """

    def __init__(
        self, admission: Counter, *, request_timeout_s: float = 10.0, max_header_bytes: int = 32 << 10
    ) -> None:
        self.admission = admission
        self.request_timeout_s = request_timeout_s
        self.max_header_bytes = max_header_bytes
        self._waiting: dict[Connection, float] = {}
        self._look: asyncio.TimerHandle | None = None
        self.ids = itertools.count(1)

    def protocol(self) -> type[asyncio.Protocol]:
        """The class that `uvicorn.Config(http=...)` takes."""
        return type("Connection", (Connection,), {"all": self})

    @property
    def open(self) -> int:
        """How many requests are expected or on their way in."""
        return len(self._waiting)

    def expect(self, connection: "Connection", loop: asyncio.AbstractEventLoop) -> None:
        """A request has begun, or a connection that has to begin one; that it had begun changes nothing."""
        if connection in self._waiting:
            return
        self._waiting[connection] = time.monotonic() + self.request_timeout_s
        if self._look is None:
            self._look = loop.call_later(min(LOOK_S, self.request_timeout_s), self._end_late_ones, loop)

    def arrived(self, connection: "Connection") -> None:
        """The request is there, or the connection has gone."""
        self._waiting.pop(connection, None)

    def _end_late_ones(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for connection, deadline in list(self._waiting.items()):
            if deadline <= now:
                self.arrived(connection)
                connection.refuse(refusal("request_timeout"))
        # Nobody waits: the next one begins the looks anew.
        self._look = None
        if self._waiting:
            self._look = loop.call_later(min(LOOK_S, self.request_timeout_s), self._end_late_ones, loop)


class Connection(HttpToolsProtocol):
    """One connection; `Connections.protocol` gives the class its `all`."""

    all: Connections

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._session = 0
        self._has_session = False
        self._in_headers = True
        self._header_bytes = 0
        self._is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection begins; above the limits it is told so, and ends."""
        super().connection_made(cast(asyncio.Transport, transport))
        try:
            self._session = self.all.admission.connect(self.client[0] if self.client else "")
        except RefusedError as error:
            self.refuse(error)
            return
        self._has_session = True
        self.all.expect(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended, whoever ended it."""
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        self.all.arrived(self)
        if self._has_session:
            self._has_session = False
            self.all.admission.disconnect(self._session)

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._is_refused:
            return
        if self._in_headers:
            # Also where they are none that a request begins with.
            self.all.expect(self, self.loop)
            self._header_bytes += len(data)
            super().data_received(data)
            if self._in_headers and self._header_bytes > self.all.max_header_bytes:
                self.refuse(refusal("headers_too_large"))
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)[SESSION] = self._session
        self._in_headers = True
        self.all.expect(self, self.loop)

    def on_headers_complete(self) -> None:
        """The headers are there."""
        self._in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there."""
        self._in_headers, self._header_bytes = True, 0
        self.all.arrived(self)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is the WebSocket gateway's, which has sessions of its own."""
        self._leave()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """What came in is no HTTP."""
        self.refuse(refusal("malformed", msg))

    def refuse(self, error: RefusedError) -> None:
        """Answers what no request got as far as a route for, and ends the connection."""
        if self.transport.is_closing() or self._is_refused:
            return
        self._is_refused = True
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not (cycle.response_complete and self._in_headers):
            # An answer is on its way, in the middle of which nothing can be said, or the request has had one.
            self.transport.close()
            return
        request_id = b"connection-%x" % next(self.all.ids)
        body = msgspec.json.encode(problem_of(error, request_id.decode()))
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id),
            (b"connection", b"close"),
            *error.headers,
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers))
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        if not self.transport.can_write_eof():
            self.transport.close()
            return
        # An end with bytes unread would reset the connection, and the answer with it: so they are read, for a while.
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)
