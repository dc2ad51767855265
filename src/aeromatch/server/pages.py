"""The dashboard's files, as `make dashboard` built them into `static/`: / and /docs and what lies under /assets/.

The page is small and fixed: everything is read, named and compressed once, when the server starts. Files under
/assets/ have their content's hash in their name and are kept by browsers for good; the pages that name them are asked
for again every time. Where the page was not built, a plain one says how, and everything else works.
"""

import gzip
import hashlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from aeromatch.gateways import context
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import RefusedError

__all__ = ["STATIC", "Pages"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

STATIC = Path(__file__).parent / "static"

ALLOW: Final = (b"allow", b"GET, HEAD")

PAGES = {"/": "index.html", "/docs": "docs.html"}

CONTENT_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
    ".txt": b"text/plain; charset=utf-8",
}
COMPRESSIBLE = {".html", ".js", ".css", ".svg", ".txt"}

# Only what came from here runs, and it talks to nobody but this server: a name that somebody chose can be shown and
# cannot become a script.
SECURITY: Headers = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]

UNBUILT = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AeroMatch</title>
<h1>AeroMatch is running</h1>
<p>Its dashboard was not built: that needs Node 20 or newer. <code>make dashboard</code> builds it; then start the
server again. Everything else works without it:</p>
<ul>
<li><a href="/openapi.json">/openapi.json</a>: the API (the readable form at <a href="/docs">/docs</a> comes with the
dashboard)</li>
<li><a href="/metrics">/metrics</a>: for Prometheus</li>
<li><a href="/health">/health</a> and <a href="/ready">/ready</a></li>
</ul>
</html>
"""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is sent: `gzipped` is None where compressing gains nothing."""

    body: bytes
    gzipped: bytes | None
    headers: Headers
    etag: bytes

    @classmethod
    def of(cls, body: bytes, suffix: str, cache: bytes) -> "StaticFile":
        """The file with this content; `suffix` decides its type."""
        gzipped = gzip.compress(body, mtime=0) if suffix in COMPRESSIBLE else None
        etag = b'"' + hashlib.sha256(body).hexdigest()[:32].encode() + b'"'
        headers = [
            (b"content-type", CONTENT_TYPES.get(suffix, b"application/octet-stream")),
            (b"cache-control", cache),
            (b"etag", etag),
            *SECURITY,
        ]
        if gzipped is not None:
            headers.append((b"vary", b"accept-encoding"))
        return cls(body, gzipped, headers, etag)


class Pages:
    """An ASGI application for the dashboard's files.

    Attributes:
        is_built: Whether the page is there.
    """

    def __init__(self, directory: Path = STATIC) -> None:
        self.is_built = all((directory / name).is_file() for name in PAGES.values())
        self._files = dict(_load(directory)) if self.is_built else _unbuilt()

    @property
    def paths(self) -> list[str]:
        """All that is there: the pages and what they are made of. Whatever else is below /assets/ is a 404."""
        return list(self._files)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answers one request. A path that is not here is a 404, a method that only others know a 405."""
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, refusal("method_not_allowed", f"{scope['path']} takes GET, HEAD"), [ALLOW])
            return
        file = self._files.get(scope["path"])
        if file is None:
            error = refusal("unknown_path", f"there is nothing at {scope['path']}")
            await _refuse(send, error, [], is_head=scope["method"] == "HEAD")
            return
        asked = {name.lower(): value for name, value in scope["headers"]}
        if file.etag in (tag.strip().removeprefix(b"W/") for tag in asked.get(b"if-none-match", b"").split(b",")):
            await _answer(send, 304, file.headers, None)
            return
        body, headers = file.body, file.headers
        if file.gzipped is not None and _takes_gzip(asked.get(b"accept-encoding", b"")):
            body, headers = file.gzipped, [*file.headers, (b"content-encoding", b"gzip")]
        await _answer(send, 200, headers, body, is_head=scope["method"] == "HEAD")


async def _refuse(send: Send, error: RefusedError, headers: Headers, *, is_head: bool = False) -> None:
    """Answers with a problem, as everywhere else."""
    named = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store"), *headers, *SECURITY]
    await _answer(
        send,
        error.status,
        named,
        msgspec.json.encode(problem_of(error, context.request_id.get() or "")),
        is_head=is_head,
    )


def _load(directory: Path) -> Iterable[tuple[str, StaticFile]]:
    for path, name in PAGES.items():
        yield path, StaticFile.of((directory / name).read_bytes(), ".html", b"no-cache")
    for file in sorted((directory / "assets").rglob("*")):
        if file.is_file():
            # The name changes with the content: whoever has it never needs to ask again.
            path = "/" + file.relative_to(directory).as_posix()
            yield path, StaticFile.of(file.read_bytes(), file.suffix, b"public, max-age=31536000, immutable")


def _unbuilt() -> dict[str, StaticFile]:
    page = StaticFile.of(UNBUILT, ".html", b"no-cache")
    return dict.fromkeys(PAGES, page)


def _takes_gzip(accepted: bytes) -> bool:
    for coding in accepted.split(b","):
        name, _, parameters = coding.partition(b";")
        if name.strip().lower() == b"gzip":
            return parameters.replace(b" ", b"") not in (b"q=0", b"q=0.0", b"q=0.00", b"q=0.000")
    return False


async def _answer(send: Send, status: int, headers: Headers, body: bytes | None, *, is_head: bool = False) -> None:
    """Sends an answer; `body` None: one that has none and says no length (304)."""
    length = [] if body is None else [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b"" if is_head or body is None else body})
