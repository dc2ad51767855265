"""Small ASGI answers for what is not part of the REST gateway, behind the same admission."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

import msgspec

from aeromatch.gateways import context
from aeromatch.gateways.problems import problem_of
from aeromatch.gateways.services import Credentials, Gate, RefusedError, Role

__all__ = ["Admits", "Application", "Receive", "Scope", "Send", "admitted", "respond"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


async def respond(send: Send, status: int, kind: bytes, body: bytes, headers: Headers = ()) -> None:
    """Sends a whole answer; it is of this moment, so nobody keeps it."""
    common = ((b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": [*common, *headers]})
    await send({"type": "http.response.body", "body": body})


class Admits(Protocol):
    """As much of `services.Admission` as is needed here."""

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        """Lets a request in. Raises RefusedError."""


def admitted(admission: Admits, role: Role, handler: Application) -> Application:
    """The handler for whoever has the role; others, and what the handler refuses, are answered with a problem."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise RefusedError("method_not_allowed", 405, "it is only read", headers=((b"allow", b"GET, HEAD"),))
            client = scope.get("client")
            session = scope.get("aeromatch.session", 0)
            admission.admit(session, client[0] if client else "", _credentials(scope), role)
            await handler(scope, receive, send)
        except RefusedError as error:
            body = msgspec.json.encode(problem_of(error, context.request_id.get() or ""))
            await respond(send, error.status, b"application/problem+json", body, error.headers)

    return application


def _credentials(scope: Scope) -> Credentials:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    path, query = scope["raw_path"], scope["query_string"]
    return Credentials(
        authorization=headers.get(b"authorization"),
        key=headers.get(b"x-aeromatch-key"),
        timestamp=headers.get(b"x-aeromatch-timestamp"),
        nonce=headers.get(b"x-aeromatch-nonce"),
        signature=headers.get(b"x-aeromatch-signature"),
        method=scope["method"],
        target=path + b"?" + query if query else path,
    )
