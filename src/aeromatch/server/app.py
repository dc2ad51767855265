"""The server's one ASGI application: looks which part a request is for, and answers itself while there are no parts."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import msgspec

from aeromatch.gateways import context
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import RefusedError, Services, State
from aeromatch.gateways.websocket import deny
from aeromatch.schema.admin import Health

__all__ = ["App", "Application", "Status"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

log = logging.getLogger("aeromatch.server")


class Status:
    """Whether the server may be used, for /health and /ready; where there are gateways, theirs."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.started_at = time.time_ns()
        self._state: State = "starting"
        self._detail = ""
        self._services: Services | None = None
        self.failed = asyncio.Event()
        """Set once it has failed."""

    @property
    def state(self) -> State:
        """How it stands."""
        return self._state if self._services is None else self._services.state

    @property
    def detail(self) -> str:
        """A sentence about it, for people."""
        return self._detail if self._services is None else self._services.detail

    def attach(self, services: Services) -> None:
        """From now on the gateways know, and may say that the exchange has stopped."""
        services.version, services.started_at = self.version, self.started_at
        services.state, services.detail = self._state, self._detail
        services.on_failure.append(lambda _detail: self.failed.set())
        self._services = services

    def set(self, state: State, detail: str = "") -> None:
        """Says how it stands now. What has failed stays so, whatever is done about it."""
        if self.state == "failed":
            return
        if state == "failed":
            self.failed.set()
        if self._services is None:
            self._state, self._detail = state, detail
        elif state == "failed":
            self._services.fail(detail)
        else:
            self._services.state, self._services.detail = state, detail

    def health(self) -> Health:
        """What /health and /ready answer."""
        uptime_s = round((time.time_ns() - self.started_at) / 1e9, 3)
        return Health(status=self.state, version=self.version, uptime_s=uptime_s, detail=self.detail)


class App:
    """Dispatches by kind and path; the longest prefix that was mounted counts.

    /health says that the process lives (200 whatever the state), /ready whether it may be used (200 or 503): both are
    answered here and at any time, everything else by the parts, and only while the server is ready.

    Attributes:
        guard: Says why a request is not to be answered at all, or None; asked for all that is not always answered.
    """

    def __init__(self, status: Status) -> None:
        self._status = status
        self.guard: Callable[[Scope], str | None] | None = None
        self._exact: dict[str, Application] = {"/health": self._health, "/ready": self._ready}
        self._prefixes: list[tuple[str, Application]] = []
        self._websockets: dict[str, Application] = {}
        self._always = {"/health", "/ready"}
        self._naming: set[Application] = set()
        self._ids = context.RequestIds()

    def mount(self, path: str, part: Application, *, always: bool = False) -> None:
        """Gives a part a path.

        Arguments:
            path: "/metrics".
            part: An ASGI application.
            always: Whether it answers before the server is ready, and while it stops.
        """
        self._exact[path] = part
        if always:
            self._always.add(path)

    def mount_below(self, prefix: str, part: Application, *, names_requests: bool = False) -> None:
        """Gives a part all paths that begin with a prefix, as far as no longer one has them; "/" is the rest.

        Arguments:
            prefix: "/assets/".
            part: An ASGI application.
            names_requests: Whether its answers have `x-request-id`; else they get it here.
        """
        self._prefixes.append((prefix, part))
        self._prefixes.sort(key=lambda mounted: -len(mounted[0]))
        if names_requests:
            self._naming.add(part)

    def mount_websocket(self, path: str, part: Application) -> None:
        """Gives a WebSocket application its path."""
        self._websockets[path] = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path: str = scope["path"]
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        part = self._exact.get(path) or self._below(path)
        refused, headers = self._refusal(scope)
        if refused is not None or part not in self._naming:
            send = self._named(scope, send)
        if refused is not None or part is None:
            await refuse(send, refused or refusal("unknown_path", f"there is nothing at {path}"), headers)
            return
        try:
            await part(scope, receive, send)
        except Exception:
            log.exception("a request failed", extra={"method": scope["method"], "path": path})
            await refuse(send, refusal("internal_error"))

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Somebody asks for a WebSocket. A gateway that is there says itself that it is not ready."""
        path = scope["path"]
        part = self._websockets.get(path)
        if self.guard is not None and (unwanted := self.guard(scope)) is not None:
            await deny(scope, send, refusal("not_permitted", unwanted))
        elif part is not None:
            await part(scope, receive, send)
        else:
            unknown = refusal("unknown_path", f"there is no WebSocket at {path}")
            await deny(scope, send, self._not_ready() or unknown)

    def _refusal(self, scope: Scope) -> tuple[RefusedError | None, Headers]:
        """Why a request is not for its part to answer now, and the headers that go with that; None: it is."""
        path = scope["path"]
        if path in self._always:
            return None, ()
        unwanted = None if self.guard is None else self.guard(scope)
        if unwanted is not None:
            return refusal("not_permitted", unwanted), ()
        if path in self._websockets:
            error = refusal("upgrade_required", f"{path} is a WebSocket: ask for an upgrade to it")
            return error, ((b"upgrade", b"websocket"), (b"connection", b"upgrade"))
        return self._not_ready(), ()

    def _not_ready(self) -> RefusedError | None:
        if self._status.state == "ready":
            return None
        slug = {"draining": "draining", "failed": "unavailable"}.get(self._status.state, "not_ready")
        return refusal(slug, self._status.detail)

    def _named(self, scope: Scope, send: Send) -> Send:
        """What sends an answer with the request's id."""
        sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = self._ids.begin(sent, scope.get("aeromatch.session", 0))

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        return send_named

    def _below(self, path: str) -> Application | None:
        for prefix, part in self._prefixes:
            if path.startswith(prefix):
                return part
        return None

    async def _health(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._say(scope, send, 200)

    async def _ready(self, scope: Scope, _receive: Receive, send: Send) -> None:
        await self._say(scope, send, 200 if self._status.state == "ready" else 503)

    async def _say(self, scope: Scope, send: Send, status: int) -> None:
        """Looking only: the methods of every other route that answers GET."""
        if scope["method"] in ("GET", "HEAD"):
            await answer(send, status, self._status.health())
        elif scope["method"] == "OPTIONS":
            headers = [(b"allow", LOOKING), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            error = refusal("method_not_allowed", f"{scope['path']} takes {LOOKING.decode()}")
            await refuse(send, error, ((b"allow", LOOKING),))


JSON: Final = b"application/json"
LOOKING: Final = b"GET, HEAD, OPTIONS"
PROBLEM_JSON: Final = b"application/problem+json"
_encode = msgspec.json.Encoder().encode


async def refuse(send: Send, error: RefusedError, headers: Headers = ()) -> None:
    """Answers with a problem."""
    retry_s = -(-(error.retry_after_ms or 0) // 1000)
    if retry_s:
        headers = (*headers, (b"retry-after", str(retry_s).encode()))
    problem = problem_of(error, context.request_id.get() or "")
    await answer(send, error.status, problem, PROBLEM_JSON, headers)


async def answer(send: Send, status: int, body: object, kind: bytes = JSON, headers: Headers = ()) -> None:
    """Sends a whole answer. What was sent before it leaves no room for one: RuntimeError, and the connection closes."""
    content = _encode(body)
    length = str(len(content)).encode()
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", kind),
                (b"content-length", length),
                (b"cache-control", b"no-store"),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": content})
