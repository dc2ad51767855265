"""Connections that uvicorn accepts: counted, numbered, refused beyond the limits, ended where nothing comes.

    door = Door(request_timeout_s=30)
    uvicorn.Config(app, http=door.protocol)
    door.admission = table  # once the server has recovered

A request's scope has its connection's session under `SESSION`. A WebSocket that begins on a connection is a session of
its own: its gateway connects and disconnects it.
"""

import asyncio
from http import HTTPStatus
from typing import Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aeromatch.gateways.services import Admission, RefusedError
from aeromatch.schema.problems import Problem, type_of

__all__ = ["SESSION", "Door"]

SESSION: Final = "aeromatch.session"
SWEEP_S: Final = 1.0


class Door:
    """What all connections of a server have in common.

    Attributes:
        admission: Counts and numbers connections; None: the server is not ready, and they are let in uncounted.
        protocol: The class for `uvicorn.Config(http=...)`.
    """

    def __init__(self, request_timeout_s: float = 30.0) -> None:
        self.admission: Admission | None = None
        self._timeout_s = request_timeout_s
        self._open: set[_Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self.protocol: type[HttpToolsProtocol] = type("Connection", (_Connection,), {"door": self})

    def entered(self, connection: "_Connection") -> None:
        """A connection is watched from now on."""
        self._open.add(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._look)

    def left(self, connection: "_Connection") -> None:
        """It is not watched any more."""
        self._open.discard(connection)

    def _look(self) -> None:
        """Ends connections on which a request should have come, whole, and has not: one timer for all of them."""
        loop = asyncio.get_running_loop()
        latest = loop.time() - self._timeout_s
        for connection in [late for late in self._open if late.is_waiting_since(latest)]:
            connection.transport.close()
        self._sweep = loop.call_later(SWEEP_S, self._look) if self._open else None


class _Connection(HttpToolsProtocol):
    """One HTTP connection."""

    door: Door
    _remote = ""
    _session = 0
    _counted_by: Admission | None = None
    _waits_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts it, or refuses it with an answer that needs no request."""
        super().connection_made(cast(asyncio.Transport, transport))
        if self.client:
            host, port = self.client
            self._remote = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self._count()
        except RefusedError as refused:
            self.transport.write(_refusal(refused))
            self.transport.close()
            return
        self._waits_since = self.loop.time()
        self.door.entered(self)

    def _count(self) -> None:
        admission = self.door.admission
        if admission is not None:
            self._session = admission.connect(self._remote)
            self._counted_by = admission

    def _uncount(self) -> None:
        self.door.left(self)
        if self._counted_by is not None:
            self._counted_by.disconnect(self._session)
            self._counted_by = None

    def is_waiting_since(self, moment: float) -> bool:
        """Whether a request has been due, or under way without its end, since before a moment."""
        return self._waits_since is not None and self._waits_since < moment

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._waits_since = self.loop.time()
        if self._counted_by is None and self.door.admission is not None:
            # It came while the server was not ready. Too many of those are cut off.
            try:
                self._count()
            except RefusedError:
                self.transport.abort()
        cast(dict[str, object], self.scope)[SESSION] = self._session

    def on_message_complete(self) -> None:
        """A request is here as a whole."""
        self._waits_since = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is the WebSocket's gateway's."""
        self._waits_since = None
        self._uncount()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._uncount()
        super().connection_lost(exc)


def _refusal(refused: RefusedError) -> bytes:
    problem = Problem(
        type=type_of(refused.slug),
        title=refused.slug.replace("_", " ").capitalize(),
        status=refused.status,
        slug=refused.slug,
        detail=refused.detail,
    )
    body = msgspec.json.encode(problem)
    phrase = HTTPStatus(refused.status).phrase
    lines = [
        f"HTTP/1.1 {refused.status} {phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "connection: close",
        "retry-after: 1",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
