"""The table of routes: it drives what is dispatched, and it is what the OpenAPI document describes.

A path is a template: `/order/{order_id}`. The parts in braces come percent-decoded, so that a symbol may have a slash.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Principal, RefusedError, Role, Services
from aeromatch.gateways.trading import Trading
from aeromatch.schema.problems import FieldProblem

__all__ = ["ALWAYS", "Endpoint", "Request", "Route", "Router", "allowed", "method_not_allowed"]


@dataclass(slots=True)
class Request:
    """A request that was let in, and whose parts have their form.

    Attributes:
        path: What stands in the template's braces, by name.
        query: The parameters behind the question mark, as the route's `query` type.
        body: The body, as the route's `request` type; None where it takes none.
        status: The status to answer with; the handler may set another one of the route's.
        document: The OpenAPI document.
    """

    services: Services
    trading: Trading
    principal: Principal
    path: dict[str, str]
    query: Any
    body: Any
    status: int
    document: bytes


MAX_NAME: Final = 48

Handler = Callable[[Request], Awaitable[msgspec.Struct | list[Any] | bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    Attributes:
        role: What the key must be allowed to do; None: asks for none, and works before the server is ready.
        query: A struct whose fields are the query's parameters.
        request: The body's type.
        answer: The type of the answer.
        status: Of a success; `also` are others that it may have, and what they mean.
        problems: Slugs that the operation itself can answer with, beside those that all can.
        is_batch: Each object in the body's list counts against the limits.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    description: str
    tag: str
    answer: Any
    role: Role | None = "read"
    query: type[msgspec.Struct] | None = None
    request: type[msgspec.Struct] | None = None
    status: int = 200
    also: dict[int, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    example: Any = None
    answer_example: Any = None
    is_batch: bool = False

    @property
    def names(self) -> list[str]:
        """The names in the template's braces."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


class Endpoint:
    """A route made ready: its decoders, and who asks for what."""

    __slots__ = ("decoder", "route")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.decoder = None if route.request is None else msgspec.json.Decoder(route.request)


class _Node:
    """A place in the tree of paths."""

    __slots__ = ("children", "endpoints", "name", "wild")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.wild: _Node | None = None
        self.name = ""
        self.endpoints: dict[str, Endpoint] = {}


class Router:
    """Finds the route of a method and a path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._root = _Node()
        # Paths without parts in braces, which are most of the traffic, are found at once.
        self._fixed: dict[bytes, dict[str, Endpoint]] = {}
        for route in routes:
            self._add(Endpoint(route))

    def _add(self, endpoint: Endpoint) -> None:
        route = endpoint.route
        node = self._root
        for part in route.path.strip("/").split("/"):
            if part.startswith("{"):
                if node.wild is None:
                    node.wild = _Node()
                node = node.wild
                node.name = part[1:-1]
            else:
                node = node.children.setdefault(part, _Node())
        node.endpoints[route.method] = endpoint
        if not route.names:
            self._fixed[route.path.encode()] = node.endpoints

    def find(self, raw_path: bytes) -> tuple[dict[str, Endpoint], dict[str, str]]:
        """The methods of a path, and what stands in its braces.

        Raises:
            RefusedError: There is nothing at this path (404), or it is no text (400).
        """
        fixed = self._fixed.get(raw_path)
        if fixed is not None:
            return fixed, {}
        names: dict[str, str] = {}
        node: _Node | None = self._root
        for part in raw_path[1:].split(b"/"):
            assert node is not None
            text = _text(part)
            child = node.children.get(text)
            if child is None and node.wild is not None and text:
                child = node.wild
                names[child.name] = _checked(child.name, text)
            if child is None:
                raise refusal("unknown_path", f"there is nothing at {raw_path.decode('ascii', 'replace')}")
            node = child
        assert node is not None
        if not node.endpoints:
            raise refusal("unknown_path", f"there is nothing at {raw_path.decode('ascii', 'replace')}")
        return node.endpoints, names


def _checked(name: str, text: str) -> str:
    """What stands in braces: ids and names, none of which is longer than this."""
    if len(text) > MAX_NAME:
        field = FieldProblem(pointer=name, detail=f"has more than {MAX_NAME} characters")
        raise refusal("malformed", f"{name}: has more than {MAX_NAME} characters", errors=(field,))
    return text


def _text(part: bytes) -> str:
    try:
        return unquote(part.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        field = FieldProblem(pointer="path", detail="is no UTF-8 in percent-encoding")
        raise refusal("malformed", "the path is no UTF-8", errors=(field,)) from None


ALWAYS: Final = (
    "malformed",
    "missing_credentials",
    "invalid_key",
    "invalid_signature",
    "expired_timestamp",
    "replayed_nonce",
    "not_permitted",
    "rate_limited",
    "request_timeout",
    "internal_error",
    "not_ready",
    "draining",
    "unavailable",
)
"""Slugs that any operation with a role can answer with."""


def allowed(endpoints: dict[str, Endpoint]) -> bytes:
    """The header Allow of a path."""
    methods = set(endpoints)
    if "GET" in methods:
        methods.add("HEAD")
    methods.add("OPTIONS")
    return ", ".join(sorted(methods)).encode()


def method_not_allowed(method: str, endpoints: dict[str, Endpoint]) -> RefusedError:
    """The path is there, but does not take the method."""
    error = refusal("method_not_allowed", f"{method} is not possible here")
    error.headers = ((b"allow", allowed(endpoints)),)
    return error
