"""The dashboard's files as browsers get them: types, caching, and what may not run."""

import asyncio
import gzip
import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from aeromatch.server.pages import Pages

SCRIPT = b"console.log('hello');\n" * 100


class Answer:
    """What an ASGI application sent."""

    def __init__(self, messages: list[MutableMapping[str, Any]]) -> None:
        self.status: int = messages[0]["status"]
        self.headers: dict[str, str] = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        self.body: bytes = b"".join(message.get("body", b"") for message in messages[1:])


def ask(pages: Pages, path: str, method: str = "GET", **headers: str) -> Answer:
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(pages({"type": "http", "method": method, "path": path, "headers": sent}, receive, send))
    return Answer(messages)


@pytest.fixture
def built(tmp_path: Path) -> Pages:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>trade</title>")
    (tmp_path / "docs.html").write_text("<!doctype html><title>docs</title>")
    (tmp_path / "assets" / "main-abc123.js").write_bytes(SCRIPT)
    (tmp_path / "secret.txt").write_text("not served")
    return Pages(tmp_path)


@pytest.mark.parametrize(("path", "title"), [("/", b"trade"), ("/docs", b"docs")])
def test_pages_are_asked_for_again_each_time(built: Pages, path: str, title: bytes) -> None:
    answer = ask(built, path)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    assert title in answer.body
    again = ask(built, path, if_none_match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert "content-length" not in again.headers


def test_assets_are_kept_for_good(built: Pages) -> None:
    answer = ask(built, "/assets/main-abc123.js")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.body == SCRIPT


def test_assets_are_compressed_for_who_takes_it(built: Pages) -> None:
    answer = ask(built, "/assets/main-abc123.js", accept_encoding="br, gzip;q=0.5")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(answer.body) < len(SCRIPT)
    assert gzip.decompress(answer.body) == SCRIPT
    assert "content-encoding" not in ask(built, "/assets/main-abc123.js", accept_encoding="gzip;q=0").headers


@pytest.mark.parametrize("path", ["/", "/docs", "/assets/main-abc123.js", "/assets/none.js"])
def test_nothing_else_may_run_or_be_guessed(built: Pages, path: str) -> None:
    headers = ask(built, path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/../secret.txt", "/assets/", "/secret.txt", "/index.html"])
def test_only_what_was_built_is_served(built: Pages, path: str) -> None:
    answer = ask(built, path)
    assert answer.status == 404
    assert b"not served" not in answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["slug"] == "unknown_path"


def test_heads_have_no_body_and_other_methods_are_refused(built: Pages) -> None:
    head = ask(built, "/assets/main-abc123.js", "HEAD")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))
    refused = ask(built, "/", "POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert json.loads(refused.body)["slug"] == "method_not_allowed"


def test_a_page_that_was_not_built_says_how(tmp_path: Path) -> None:
    pages = Pages(tmp_path)
    assert not pages.is_built
    for path in ("/", "/docs"):
        answer = ask(pages, path)
        assert answer.status == 200
        for named in (b"make dashboard", b'href="/docs"', b'href="/metrics"', b'href="/openapi.json"'):
            assert named in answer.body
    assert ask(pages, "/assets/main-abc123.js").status == 404


def test_it_tells_what_is_there(built: Pages, tmp_path: Path) -> None:
    assert built.paths == ["/", "/docs", "/assets/main-abc123.js"]
    assert Pages(tmp_path / "none").paths == ["/", "/docs"]
