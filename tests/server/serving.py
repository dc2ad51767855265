"""An ASGI application on a port of its own, in the event loop of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec

from aeromatch.gateways.services import Credentials, Gate, Principal, RefusedError, Role
from aeromatch.server.listen import HttpConfig, HttpServer

P = ParamSpec("P")


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serves it, and gives the address, such as http://127.0.0.1:54321."""
    config = HttpConfig(
        app,
        max_header_bytes=32 << 10,
        request_timeout_s=10.0,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = HttpServer(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
        assert not running.done(), "the server did not start"
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


def played(main: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that an event loop of its own runs."""

    @wraps(main)
    def play(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(main(*args, **kwargs))

    return play


class Admitting:
    """As much of an admission as reading needs: lets everybody in, or nobody, and notes who asked for what."""

    def __init__(self, refusal: RefusedError | None = None) -> None:
        self.asked: list[tuple[Role, Credentials]] = []
        self._refusal = refusal

    def screen(self, remote: str, credentials: Credentials, role: Role) -> None:
        del remote, credentials, role

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        """Lets them in. Raises RefusedError where it was made with one."""
        del cost
        self.asked.append((role, credentials))
        if self._refusal is not None:
            raise self._refusal
        return Gate(Principal(None, frozenset({"read", "trade", "admin"}), None, session, remote))
