"""The OpenAPI 3.1 document, made from the table of routes and the types that they name."""

import json
from collections.abc import Sequence
from textwrap import dedent
from typing import Any, Final

import msgspec
import yaml

from aeromatch.gateways.problems import PROBLEMS
from aeromatch.gateways.rest.routes import ALWAYS, Route
from aeromatch.schema.base import OrderId, Symbol
from aeromatch.schema.problems import Problem, type_of

__all__ = ["document", "document_json", "document_yaml"]

TAGS: Final = {
    "orders": "Enter, change, cancel and look up orders.",
    "market": "Books, trades, candles and tickers.",
    "instruments": "What is traded, and in which phase.",
    "accounts": "Accounts, balances and positions.",
    "money": "Money that comes in, goes out, or moves between clearing groups.",
    "events": "Markets of questions with outcomes.",
    "safety": "Switches that stop trading.",
    "server": "The server itself.",
}

PATH_PARAMETERS: Final[dict[str, tuple[Any, str, str]]] = {
    "order_id": (OrderId, "the order's id", "1099511627776"),
    "pair": (Symbol, 'the instrument\'s symbol; a slash in it as "%2F"', "BTC-USD"),
    "account": (Symbol, "the account's name", "alice"),
    "name": (Symbol, "the event's name", "Election"),
}

ABOUT: Final = """\
Orders, markets and money of an AeroMatch server over HTTP with JSON.

Decimals are strings and exact; times are nanoseconds since 1970, UTC; order ids are strings of digits. What is refused
is answered as a problem (RFC 9457) whose `slug` is stable. docs/rest.md has the conventions, docs/security.md the keys.
"""

SIGNED: Final = (
    "With X-AeroMatch-Timestamp, X-AeroMatch-Nonce and X-AeroMatch-Signature: an HMAC-SHA256 over the request "
    "(docs/security.md)."
)


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The document as plain dicts, lists and strings."""
    named: list[Any] = [Problem]
    for route in routes:
        named.extend(kind for kind in (route.request, route.answer, route.query) if kind is not None)
    named.extend(kind for kind, _, _ in PATH_PARAMETERS.values())
    schemas, components = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    _flatten_tuples(components)
    for schema in components.values():
        _describe_fields(schema)
    forms = _Forms(dict(zip(map(repr, named), schemas, strict=True)), components)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, forms)
    # Queries are spelled out where they are used.
    queries = {route.query.__name__ for route in routes if route.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AeroMatch",
            "summary": "A limit-order-book exchange",
            "description": ABOUT,
            "version": "1",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "the server that this document comes from"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"bearer": []}, {"signed": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in sorted(components.items()) if name not in queries},
            "examples": {slug: _example(slug) for slug in PROBLEMS},
            "responses": dict(sorted(forms.refusals.items())),
            "headers": {
                "RequestId": {
                    "description": "The request's id: the client's own, if it sent one, else the server's.",
                    "schema": {"type": "string"},
                }
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`<key id>.<secret>` as it was given out (docs/security.md).",
                },
                "signed": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-AeroMatch-Key",
                    "description": SIGNED,
                },
            },
        },
    }


def _flatten_tuples(schema: Any) -> None:
    """Tuples whose parts are of one kind, which all of ours are, as arrays of that length: every tool knows those."""
    if isinstance(schema, dict):
        kinds = schema.pop("prefixItems", None)
        if kinds is not None:
            assert all(kind == kinds[0] for kind in kinds)
            schema["items"] = kinds[0]
        for part in schema.values():
            _flatten_tuples(part)
    elif isinstance(schema, list):
        for part in schema:
            _flatten_tuples(part)


def _describe_fields(schema: dict[str, Any]) -> None:
    """Moves what a docstring says of its attributes to the fields themselves, where readers and tools look for it."""
    text, heading, attributes = str(schema.get("description", "")).partition("Attributes:\n")
    if not heading:
        return
    schema["description"] = " ".join(text.split())
    fields = schema["properties"]
    said: list[str] = []
    for line in dedent(attributes).splitlines():
        if line.startswith(" "):
            said[-1] += " " + line.strip()
        elif line:
            said.append(line)
    for entry in said:
        names, _, meaning = entry.partition(": ")
        for name in names.split(", "):
            fields[name]["description"] = meaning


class _Forms:
    """The schemas of the types that routes name, and the ways in which operations are refused."""

    def __init__(self, by_type: dict[str, dict[str, Any]], components: dict[str, Any]) -> None:
        self._by_type = by_type
        self.components = components
        self.refusals: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        return self._by_type[repr(kind)]

    def fields(self, kind: type[msgspec.Struct]) -> tuple[dict[str, Any], list[str]]:
        """A struct's fields, and which of them must be there."""
        schema = self.components[self.of(kind)["$ref"].rsplit("/", 1)[-1]]
        return schema.get("properties", {}), schema.get("required", [])


def _operation(route: Route, forms: _Forms) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "description": route.description + _needs(route),
        "tags": [route.tag],
        "parameters": [*_path_parameters(route, forms), *_query_parameters(route, forms)],
        "responses": _responses(route, forms),
    }
    if not operation["parameters"]:
        del operation["parameters"]
    if route.role is None:
        operation["security"] = []
    if route.request is not None:
        content: dict[str, Any] = {"schema": forms.of(route.request)}
        if route.example is not None:
            content["example"] = route.example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _needs(route: Route) -> str:
    return "" if route.role is None else f' The key needs the role "{route.role}".'


def _path_parameters(route: Route, forms: _Forms) -> list[dict[str, Any]]:
    found = []
    for name in route.names:
        kind, description, example = PATH_PARAMETERS[name]
        schema = {key: value for key, value in forms.of(kind).items() if key not in ("description", "examples")}
        found.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": description,
                "schema": schema,
                "example": example,
            }
        )
    return found


def _query_parameters(route: Route, forms: _Forms) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    properties, required = forms.fields(route.query)
    found = []
    for name, schema in properties.items():
        schema, description = _of_parameter(schema)
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": description or name.replace("_", " "),
                "schema": schema,
            }
        )
    return found


def _of_parameter(schema: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A parameter's schema and description: one that is left out is not null, it is not there."""
    schema = dict(schema)
    if "anyOf" in schema:
        kinds = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
        schema = {**schema, **kinds[0]} if len(kinds) == 1 else {**schema, "anyOf": kinds}
    if "enum" in schema:
        schema["enum"] = [word for word in schema["enum"] if word is not None]
    if schema.get("default", ...) is None:
        del schema["default"]
    return schema, str(schema.pop("description", ""))


def _responses(route: Route, forms: _Forms) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": forms.of(route.answer)}
    if route.answer_example is not None:
        content["example"] = route.answer_example
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    responses = {
        str(route.status): {"description": "Done.", "headers": headers, "content": {"application/json": content}}
    }
    for status, description in route.also.items():
        responses[str(status)] = {
            "description": description,
            "headers": headers,
            "content": {"application/json": {"schema": content["schema"]}},
        }
    slugs = [*route.problems, *(ALWAYS if route.role is not None else ("malformed", "internal_error"))]
    by_status: dict[int, list[str]] = {}
    for slug in dict.fromkeys(slugs):
        by_status.setdefault(PROBLEMS[slug][0], []).append(slug)
    for status, found in sorted(by_status.items()):
        if str(status) not in responses:
            # Many operations are refused in the same ways.
            name = f"{status}.{'.'.join(found)}"
            forms.refusals[name] = _refused(found, headers)
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _example(slug: str) -> dict[str, Any]:
    """What a refusal with that slug looks like."""
    status, detail = PROBLEMS[slug]
    title = slug.replace("_", " ").capitalize()
    value = {"type": type_of(slug), "title": title, "status": status, "slug": slug, "detail": detail}
    return {"summary": slug, "value": {**value, "instance": "5f3a9c01-2a"}}


def _refused(slugs: list[str], headers: dict[str, Any]) -> dict[str, Any]:
    examples = {slug: {"$ref": f"#/components/examples/{slug}"} for slug in slugs}
    return {
        "description": ", ".join(f"`{slug}`" for slug in slugs),
        "headers": headers,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
        },
    }


def document_json(routes: Sequence[Route]) -> bytes:
    """The document as it is served."""
    return json.dumps(document(routes), separators=(",", ":")).encode()


def document_yaml(routes: Sequence[Route]) -> str:
    """The document as it is kept in api/openapi/spec.yaml."""

    class Dumper(yaml.SafeDumper):
        """Writes what is there twice twice: anchors are no part of OpenAPI."""

        def ignore_aliases(self, data: Any) -> bool:  # what is shared is equal anyway
            del data
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(document(routes), Dumper=Dumper, sort_keys=False, width=110, allow_unicode=True))
