"""The gateway as an ASGI application: who is let in, and how all of them are sent away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from aeromatch.gateways.context import RequestIds
from aeromatch.gateways.context import session as session_context
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import Credentials, Principal, RefusedError, Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.gateways.websocket.options import WebSocketOptions
from aeromatch.gateways.websocket.outlet import GOING_AWAY, INTERNAL_ERROR
from aeromatch.gateways.websocket.protocol import EXTENSION, Socket
from aeromatch.gateways.websocket.session import Session

__all__ = ["WebSocketApp", "deny"]

log = logging.getLogger("aeromatch.websocket")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DRAINING: Final = "the server is about to stop"
PROOFS: Final = (b"authorization", b"x-aeromatch-key")
"""Headers of which one says that the client proves who it is when it connects."""
RECHECK_S: Final = 5.0
"""How long a connection outlives its key, where it only listens."""
REQUEST_IDS: Final = RequestIds()
"""Of handshakes that are refused: a connection has its session's number."""


class WebSocketApp:
    """The WebSocket gateway; for a server with `protocol.server_options`.

    Arguments:
        services: What it needs of the server; it adds itself to what is to be drained.
        trading: What turns requests into commands; shared with the other gateways.
        hub: Brings the channels.
        options: Limits.
    """

    def __init__(self, services: Services, trading: Trading, hub: Hub, options: WebSocketOptions | None = None) -> None:
        self.services = services
        self.trading = trading
        self.hub = hub
        self.options = options or WebSocketOptions()
        self.resumes = asyncio.Semaphore(self.options.resumes)
        self._sessions: set[Session] = set()
        self._is_draining = False
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._recheck: asyncio.TimerHandle | None = None
        services.on_drain.append(self.drain)

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._sessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, of a WebSocket's scope."""
        socket: Socket | None = scope["extensions"].get(EXTENSION)
        if socket is None:
            raise RuntimeError("the server has no aeromatch.socket: give uvicorn.Config websocket.server_options()")
        if (await receive())["type"] != "websocket.connect":
            return
        remote = _remote_of(scope)
        admission = self.services.admission
        try:
            if self._is_draining or self.services.state != "ready":
                raise refusal("draining" if self._is_draining else "not_ready", self.services.detail)
            number = admission.connect(remote)
        except RefusedError as refused:
            await deny(scope, send, refused)
            return
        try:
            await self._serve(scope, receive, send, socket, number, remote)
        finally:
            admission.disconnect(number)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, socket: Socket, number: int, remote: str
    ) -> None:
        try:
            principal = self._principal(scope, number, remote)
        except RefusedError as refused:
            await deny(scope, send, refused)
            return
        await send({"type": "websocket.accept"})
        session_context.set(number)
        session = Session(self, number, remote, socket, principal)
        self._sessions.add(session)
        self._nobody.clear()
        if self._recheck is None:
            self._recheck = asyncio.get_running_loop().call_later(RECHECK_S, self._look_at_keys)
        stages = self.services.stages
        stages.count("aeromatch_gateway_connections", gateway="websocket")
        if self._is_draining:
            # Since it was let in.
            session.go_away(GOING_AWAY, "draining", DRAINING)
        try:
            await session.run(receive)
        finally:
            stages.count("aeromatch_gateway_connections", -1, gateway="websocket")
            self._sessions.discard(session)
            if not self._sessions:
                self._nobody.set()

    def _look_at_keys(self) -> None:
        """Sends away whose key was revoked or has expired; who asks for something learns it at once."""
        for session in tuple(self._sessions):
            session.look_at_key()
        again = asyncio.get_running_loop().call_later
        self._recheck = again(RECHECK_S, self._look_at_keys) if self._sessions else None

    def _principal(self, scope: Scope, number: int, remote: str) -> Principal | None:
        """Who connects, if the request says so, or the server asks nobody; None: a login is to come."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if self.services.auth_required and not any(name in headers for name in PROOFS):
            return None

        def text(name: bytes) -> str | None:
            value = headers.get(name)
            return None if value is None else value.decode("latin-1")

        query: bytes = scope["query_string"]
        credentials = Credentials(
            authorization=text(b"authorization"),
            key=text(b"x-aeromatch-key"),
            timestamp=text(b"x-aeromatch-timestamp"),
            nonce=text(b"x-aeromatch-nonce"),
            signature=text(b"x-aeromatch-signature"),
            method="GET",
            target=scope["raw_path"] + (b"?" + query if query else b""),
        )
        return self.services.admission.admit(number, remote, credentials, "read").principal

    def fail(self, detail: str) -> None:
        """Nothing follows the market any more: everybody is told so, rather than shown what is stale."""
        for session in tuple(self._sessions):
            session.go_away(INTERNAL_ERROR, "unavailable", detail)

    async def drain(self) -> None:
        """Answers what is under way, tells everybody that the server is about to end, and waits for a short time.

        From the first moment on nobody is let in any more, nor is anything new done.
        """
        self._is_draining = True
        going = (GOING_AWAY, "draining", DRAINING)
        for session in tuple(self._sessions):
            session.go_away_answered(*going)
        try:
            async with asyncio.timeout(self.options.close_timeout_s):
                await self._nobody.wait()
        except TimeoutError:
            log.warning("connections did not close in time", extra={"connections": len(self._sessions)})
            for session in tuple(self._sessions):
                session.go_away(*going)


def _remote_of(scope: Scope) -> str:
    client: tuple[str, int] | None = scope.get("client")
    if client is None:
        return ""
    host, port = client[0], client[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def deny(scope: Scope, send: Send, refused: RefusedError) -> None:
    """Answers the handshake with a problem instead of a connection."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    request_id = REQUEST_IDS.begin(sent, 0)
    problem = problem_of(refused, request_id.decode())
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id),
        *refused.headers,
    ]
    if problem.retry_after_ms is not None and not any(name == b"retry-after" for name, _ in headers):
        headers.append((b"retry-after", b"%d" % -(-problem.retry_after_ms // 1000)))
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
