"""/health and /ready: answered whatever the state, and by the methods that every route to look at takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from aeromatch.server.app import App, Status


async def ask(
    app: App, method: str, path: str, *, kind: str = "http", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    await app({"type": kind, "method": method, "path": path, "headers": list(headers)}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message["body"] for message in sent[1:])


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_methods(path: str) -> None:
    async def main() -> None:
        status_now = Status("1")
        status_now.set("ready")
        app = App(status_now)
        for method in ("GET", "HEAD"):
            status, _, body = await ask(app, method, path)
            assert (status, json.loads(body)["status"]) == (200, "ready")
        status, headers, body = await ask(app, "OPTIONS", path)
        assert (status, headers[b"allow"], body) == (204, b"GET, HEAD, OPTIONS", b"")
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE"):
            status, headers, body = await ask(app, method, path)
            assert (status, headers[b"allow"]) == (405, b"GET, HEAD, OPTIONS")
            assert json.loads(body)["slug"] == "method_not_allowed"

    asyncio.run(main())


def test_before_it_is_ready() -> None:
    async def main() -> None:
        app = App(Status("1"))
        assert (await ask(app, "GET", "/health"))[0] == 200
        assert (await ask(app, "GET", "/ready"))[0] == 503
        assert (await ask(app, "OPTIONS", "/ready"))[0] == 204

    asyncio.run(main())


def test_a_websocket_that_is_asked_for_a_page_says_what_it_is() -> None:
    async def main() -> None:
        status = Status("1")
        app = App(status)
        app.mount_websocket("/ws", App(status))
        for state in ("starting", "ready"):
            status.set(state)
            code, headers, body = await ask(app, "GET", "/ws")
            assert (code, json.loads(body)["slug"]) == (426, "upgrade_required")
            assert (headers[b"upgrade"], headers[b"connection"]) == (b"websocket", b"upgrade")

    asyncio.run(main())


def test_what_has_failed_does_not_become_ready() -> None:
    async def main() -> None:
        now = Status("1")
        now.set("failed", "the feed has failed")
        now.set("ready")
        status, _, body = await ask(App(now), "GET", "/ready")
        assert (status, json.loads(body)["detail"]) == (503, "the feed has failed")
        assert (await ask(App(now), "GET", "/anything"))[0] == 503
        now.set("draining")
        assert (now.state, now.failed.is_set()) == ("failed", True)

    asyncio.run(main())


def test_a_websocket_is_refused_with_a_reason() -> None:
    async def main() -> None:
        status = Status("1")
        app = App(status)
        # Nothing is mounted yet: who comes back after a restart is to try again.
        code, headers, body = await ask(app, "GET", "/ws", kind="websocket")
        assert (code, json.loads(body)["slug"], headers[b"retry-after"]) == (503, "not_ready", b"1")
        status.set("ready")
        code, headers, body = await ask(app, "GET", "/ws", kind="websocket", headers=((b"x-request-id", b"mine"),))
        assert (code, json.loads(body)["slug"]) == (404, "unknown_path")
        assert (headers[b"x-request-id"], json.loads(body)["instance"]) == (b"mine", "mine")
        app.guard = lambda _scope: "not from there"
        code, _, body = await ask(app, "GET", "/ws", kind="websocket")
        assert (code, json.loads(body)["slug"]) == (403, "not_permitted")

    asyncio.run(main())


def test_every_answer_has_the_requests_id() -> None:
    async def page(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def breaks(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ValueError("broken")

    async def main() -> None:
        status = Status("1")
        app = App(status)
        app.mount("/page", page)
        app.mount("/breaks", breaks)
        app.mount_websocket("/ws", page)
        wanted = {"/page": 503, "/health": 200, "/ws": 426}
        for _ in range(2):
            seen = set()
            for path, code in wanted.items():
                found, headers, body = await ask(app, "GET", path)
                assert found == code
                seen.add(headers[b"x-request-id"])
                if code > 400:
                    assert json.loads(body)["instance"] == headers[b"x-request-id"].decode()
                _, headers, _ = await ask(app, "GET", path, headers=((b"x-request-id", b"mine-1"),))
                assert headers[b"x-request-id"] == b"mine-1"
            assert len(seen) == len(wanted)
            status.set("ready")
            wanted = {"/page": 200, "/health": 200, "/ws": 426, "/nothing": 404, "/breaks": 500}

    asyncio.run(main())
