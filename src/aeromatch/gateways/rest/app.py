"""HTTP in, HTTP out: an ASGI application without a framework.

A request goes through here in this order: its path and method find a route; admission lets it in; its parts get their
form; the route's handler does it; the answer is written. Whatever is wrong on the way is answered as a problem
(RFC 9457), and the server goes on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

import msgspec

from aeromatch._core import AeroMatchError, JournalError
from aeromatch.gateways import context
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.rest.forms import body_of, query_of
from aeromatch.gateways.rest.handlers import ROUTES
from aeromatch.gateways.rest.openapi import document_json
from aeromatch.gateways.rest.routes import Endpoint, Request, Route, Router, allowed, method_not_allowed
from aeromatch.gateways.services import Credentials, Gate, Principal, RefusedError, Services
from aeromatch.gateways.trading import Trading
from aeromatch.schema.base import Request as Form
from aeromatch.schema.orders import MAX_BATCH, NewOrder

__all__ = ["RestApp"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[bytes, bytes]

log = logging.getLogger("aeromatch.rest")

JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
NONE: Final = Credentials()
NOBODY: Final = Principal(None, frozenset(), None, 0, "")
SHORT_BYTES: Final = 1 << 14
CLOSE: Final = (b"connection", b"close")
"""Nobody reads the rest."""

encode = msgspec.json.Encoder().encode


class NoQuery(Form):
    """Of what takes no parameters."""


class _GoneError(Exception):
    """The client has gone."""


class RestApp:
    """The REST gateway.

    Arguments:
        services: What it needs of the server.
        trading: What turns requests into commands; shared with the other gateways.
        routes: What there is.
    """

    def __init__(self, services: Services, trading: Trading, routes: Sequence[Route] = ROUTES) -> None:
        self._services = services
        self._trading = trading
        self._router = Router(routes)
        self._document = document_json(routes)
        self._ids = context.RequestIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        began = time.perf_counter_ns()
        headers: Headers = dict(scope["headers"])
        request_id = self._ids.begin(headers.get(b"x-request-id", b""), scope.get("aeromatch.session", 0))
        gate: Gate | None = None
        route, status = "", 500
        arrived, is_order = began, False
        try:
            endpoints, names = self._router.find(scope["raw_path"])
            method = scope["method"]
            endpoint = endpoints.get("GET" if method == "HEAD" else method)
            if endpoint is None:
                if method == "OPTIONS":
                    await _respond(send, 204, b"", request_id, ((b"allow", allowed(endpoints)),))
                    return
                raise method_not_allowed(method, endpoints)
            route = endpoint.route.path
            if endpoint.route.role is not None and _is_long(headers):
                self._screen(scope, headers, endpoint)
            body = await self._body(headers, receive, endpoint)
            arrived = time.perf_counter_ns()
            if endpoint.route.role is not None:
                gate = self._admit(scope, headers, endpoint, body)
            if is_order := endpoint.route.request is NewOrder:
                self._services.stages.record("admit", time.perf_counter_ns() - arrived)
            status, answer = await self._do(endpoint, scope, gate, names, body)
            extra = (JSON, *gate.headers) if gate is not None else (JSON,)
            await _respond(send, status, answer, request_id, extra)
        except RefusedError as error:
            status = await self._refuse(send, error, request_id, gate)
        except _GoneError:
            status = 499
        except asyncio.CancelledError:
            # The server ends, and has waited long enough. Of a request that did not arrive whole nothing was done.
            if arrived != began:
                raise
            status = await self._refuse(send, refusal("draining", "the body did not come whole"), request_id, gate)
        except AeroMatchError as error:
            status = await self._refuse(send, refusal("unavailable", str(error)), request_id, gate)
        except Exception:
            log.exception("a request failed")
            status = await self._refuse(send, refusal("internal_error"), request_id, gate)
        ended = time.perf_counter_ns()
        self._services.stages.request("rest", route, status, ended - began)
        if is_order:
            self._services.stages.record("total", ended - arrived)

    def _check_state(self) -> None:
        services = self._services
        if services.state != "ready":
            slug = "draining" if services.state == "draining" else "not_ready"
            raise refusal("unavailable" if services.state == "failed" else slug, services.detail)

    def _screen(self, scope: Scope, headers: Headers, endpoint: Endpoint) -> None:
        """Refuses whom it can before the body is read: reading a megabyte is more work than all the rest."""
        self._check_state()
        client = scope.get("client")
        role = endpoint.route.role
        assert role is not None
        self._services.admission.screen(client[0] if client else "", _credentials(scope, headers, b""), role)

    def _admit(self, scope: Scope, headers: Headers, endpoint: Endpoint, body: bytes) -> Gate:
        self._check_state()
        services, route = self._services, endpoint.route
        if b"authorization" in headers or b"x-aeromatch-key" in headers:
            credentials = _credentials(scope, headers, body)
        else:
            credentials = NONE
        client = scope.get("client")
        role = route.role
        assert role is not None
        # Each order of a batch counts. Its form is not looked at before it is let in, but each is an object.
        cost = min(max(1, body.count(b"{") - 1), MAX_BATCH) if route.is_batch else 1
        session = scope.get("aeromatch.session", 0)
        return services.admission.admit(session, client[0] if client else "", credentials, role, cost)

    async def _do(
        self, endpoint: Endpoint, scope: Scope, gate: Gate | None, names: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        route = endpoint.route
        decoder = endpoint.decoder
        query = scope["query_string"]
        if decoder is None and body:
            # Whoever puts into the body what belongs into the query would cancel more than he means.
            raise refusal("malformed", "no body is taken here: what is asked for stands in the path and the query")
        began = time.perf_counter_ns()
        request = Request(
            self._services,
            self._trading,
            NOBODY if gate is None else gate.principal,
            names,
            query_of(route.query or NoQuery, query) if route.query is not None or query else None,
            None if decoder is None else body_of(decoder, body),
            route.status,
            self._document,
        )
        if route.request is NewOrder:
            self._services.stages.record("decode", time.perf_counter_ns() - began)
        answer = await route.handler(request)
        return request.status, answer if type(answer) is bytes else encode(answer)

    async def _body(self, headers: Headers, receive: Receive, endpoint: Endpoint) -> bytes:
        """The whole body, which is refused as soon as it is known to be too large."""
        limit = self._services.max_body_bytes
        length = headers.get(b"content-length")
        if endpoint.decoder is None and length is None and b"transfer-encoding" not in headers:
            return b""
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        if endpoint.decoder is not None:
            _check_type(headers)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body: bytes = message.get("body", b"")
        if not message.get("more_body", False) and len(body) <= limit:
            return body
        parts, size = [body], len(body)
        while message.get("more_body", False) and size <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        return b"".join(parts)

    async def _refuse(self, send: Send, error: RefusedError, request_id: bytes, gate: Gate | None) -> int:
        """Answers with a problem; returns its status."""
        cause = error.__cause__
        if isinstance(cause, JournalError) and cause.kind == "stopped":
            self._services.fail(str(cause))
        problem = problem_of(error, request_id.decode("ascii"))
        self._services.stages.count("aeromatch_refusals_total", gateway="rest", slug=problem.slug)
        headers = [PROBLEM, *error.headers, *(gate.headers if gate is not None else ())]
        if problem.retry_after_ms is not None and not any(name == b"retry-after" for name, _ in headers):
            headers.append((b"retry-after", b"%d" % -(-problem.retry_after_ms // 1000)))
        if problem.status == 401 and not any(name == b"www-authenticate" for name, _ in headers):
            headers.append((b"www-authenticate", b'Bearer realm="aeromatch"'))
        await _respond(send, problem.status, encode(problem), request_id, tuple(headers))
        return problem.status


def _credentials(scope: Scope, headers: Headers, body: bytes) -> Credentials:
    def text(name: bytes) -> str | None:
        value = headers.get(name)
        return None if value is None else value.decode("latin-1")

    query = scope["query_string"]
    return Credentials(
        text(b"authorization"),
        text(b"x-aeromatch-key"),
        text(b"x-aeromatch-timestamp"),
        text(b"x-aeromatch-nonce"),
        text(b"x-aeromatch-signature"),
        scope["method"],
        scope["raw_path"] + b"?" + query if query else scope["raw_path"],
        body,
    )


def _check_type(headers: Headers) -> None:
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise refusal("unsupported_media_type", "a body with a content-encoding is not taken")
    kind = headers.get(b"content-type", b"application/json")
    if kind == b"application/json":
        return
    essence, _, parameters = kind.lower().partition(b";")
    charset = parameters.strip().removeprefix(b"charset=").strip(b'"')
    if essence.strip() != b"application/json" or charset not in (b"", b"utf-8", b"utf8"):
        said = kind.decode("latin-1")
        raise refusal("unsupported_media_type", f"the body must be application/json in UTF-8, not {said}")


def _is_long(headers: Headers) -> bool:
    """Whether a body is more than what comes with the headers, or may be."""
    length = headers.get(b"content-length")
    return int(length) > SHORT_BYTES if length is not None else b"transfer-encoding" in headers


def _too_large(limit: int) -> RefusedError:
    error = refusal("body_too_large", f"a body may have {limit} bytes")
    error.headers = (CLOSE,)
    return error


async def _respond(
    send: Send, status: int, body: bytes, request_id: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    length = () if status == 204 else ((b"content-length", b"%d" % len(body)),)
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, *length, (b"x-request-id", request_id)],
        }
    )
    await send({"type": "http.response.body", "body": body})
