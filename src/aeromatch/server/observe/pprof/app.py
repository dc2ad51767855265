"""/debug/pprof/: profiles over HTTP, for operators. One at a time, and none longer than a minute."""

from __future__ import annotations

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from aeromatch.gateways.services import RefusedError
from aeromatch.server.observe.http import Application, Receive, Scope, Send, admitted, respond
from aeromatch.server.observe.pprof.cpu import DEFAULT_HZ, CpuProfiler
from aeromatch.server.observe.pprof.heap import TRACE_DEPTH, heap_profile
from aeromatch.server.observe.pprof.threads import threads_profile, threads_text

if TYPE_CHECKING:
    from aeromatch.server.observe.http import Admits
    from aeromatch.server.observe.observer import Observer

__all__ = ["MAX_SECONDS", "profile_app"]

MAX_SECONDS: Final = 60.0
DEFAULT_SECONDS: Final = 10.0
MAX_HZ: Final = 500
PREFIX: Final = "/debug/pprof/"
INDEX: Final = f"""Profiles of this process, for `go tool pprof` (docs/observability.md).

profile   where CPU time goes; ?seconds={DEFAULT_SECONDS:g} (at most {MAX_SECONDS:g}), ?hz={DEFAULT_HZ}
heap      who holds memory; where tracemalloc is off, what was asked for in ?seconds={DEFAULT_SECONDS:g}
threads   the stacks of all threads now; ?debug=1 as text

go tool pprof -http=: 'http://HOST:PORT/debug/pprof/profile?seconds=10'
"""


def profile_app(observer: Observer, admission: Admits) -> Application:
    """The application for all paths below /debug/pprof/; it asks for the role "admin"."""
    profiles = Profiles(observer)
    return admitted(admission, "admin", profiles.answer)


class Profiles:
    """Takes profiles, one at a time."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._is_busy = False

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request. Raises RefusedError."""
        name = scope["path"].removeprefix(PREFIX)
        query = _query(scope["query_string"])
        if name == "":
            await respond(send, 200, b"text/plain; charset=utf-8", INDEX.encode())
            return
        if name == "threads" and query.get("debug", "0") != "0":
            await respond(send, 200, b"text/plain; charset=utf-8", threads_text().encode())
            return
        with self._alone():
            if name == "profile":
                profile = await self._cpu(query, receive)
            elif name == "heap":
                profile = await self._heap(query, receive)
            elif name == "threads":
                profile = threads_profile()
            else:
                raise RefusedError("unknown_path", 404, f"there are {PREFIX}profile, heap and threads")
        if profile is not None:
            file = f'attachment; filename="{name}.pb.gz"'.encode()
            await respond(send, 200, b"application/octet-stream", profile, ((b"content-disposition", file),))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._is_busy:
            raise RefusedError("profile_running", 409, "another profile is being taken", retry_after_ms=1000)
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False

    async def _cpu(self, query: dict[str, str], receive: Receive) -> bytes | None:
        seconds = _bounded(query, "seconds", DEFAULT_SECONDS, MAX_SECONDS)
        hz = round(_bounded(query, "hz", DEFAULT_HZ, MAX_HZ))
        profiler = CpuProfiler(max(1, hz))
        profiler.start()
        is_wanted = False
        try:
            is_wanted = await _wait(seconds, receive)
        finally:
            profiler.stop()
            # In a thread: the last sample may be under way.
            profile = await asyncio.to_thread(profiler.finish)
        return profile if is_wanted else None

    async def _heap(self, query: dict[str, str], receive: Receive) -> bytes | None:
        seconds = _bounded(query, "seconds", DEFAULT_SECONDS, MAX_SECONDS)
        await self._observer.look_at_memory()
        exchange_bytes = self._observer.memory_bytes
        if tracemalloc.is_tracing():
            return await asyncio.to_thread(heap_profile, exchange_bytes, None)
        tracemalloc.start(TRACE_DEPTH)
        since_ns = time.time_ns()
        try:
            if not await _wait(seconds, receive):
                return None
            return await asyncio.to_thread(heap_profile, exchange_bytes, since_ns)
        finally:
            tracemalloc.stop()


async def _wait(seconds: float, receive: Receive) -> bool:
    """Waits so long, and says whether the client is still there."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return True
    return False


def _query(query: bytes) -> dict[str, str]:
    return dict(parse_qsl(query.decode("latin-1")))


def _bounded(query: dict[str, str], name: str, default: float, limit: float) -> float:
    try:
        number = float(query.get(name, default))
    except ValueError:
        number = 0.0
    if not 0 < number <= limit:
        raise RefusedError("invalid_parameter", 400, f"{name} is a number above 0, at most {limit:g}")
    return number
