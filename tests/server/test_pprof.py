"""/debug/pprof/: profiles tell where the time and the memory are, and stay within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.server.pprof_reader import read
from tests.server.serving import Admitting, played, serving

from aeromatch import AsyncExchange, Instrument
from aeromatch.gateways.services import RefusedError
from aeromatch.server.observe import Observer, profile_app
from aeromatch.server.observe.pprof.cpu import CpuProfiler
from aeromatch.server.observe.pprof.heap import NATIVE_FRAME
from aeromatch.server.observe.pprof.profile import Frame, Profile, ValueType

NS_PER_S = 1_000_000_000


@asynccontextmanager
async def profiled(admission: Admitting | None = None) -> AsyncIterator[tuple[httpx.AsyncClient, AsyncExchange]]:
    """A client of a server with profiles, and its exchange."""
    exchange = AsyncExchange(1)
    observer = Observer(exchange)
    observer.start()
    async with (
        serving(profile_app(observer, admission or Admitting())) as url,
        httpx.AsyncClient(base_url=f"{url}/debug/pprof", timeout=60) as client,
    ):
        yield client, exchange
    await observer.stop()
    await exchange.close()


def busily(until: threading.Event) -> int:
    """Uses CPU time, in Python."""
    number = 0
    while not until.is_set():
        for _ in range(2_000):
            number = (number * 31 + 7) % 1_000_003
    return number


def burn_for(cpu_ns: int) -> None:
    """Uses so much CPU time of this thread."""
    until = time.thread_time_ns() + cpu_ns
    while time.thread_time_ns() < until:
        sum(range(100))


def test_what_is_written_can_be_read() -> None:
    profile = Profile((ValueType("samples", "count"), ValueType("cpu", "nanoseconds")), shown="cpu")
    inner, outer = Frame("module.inner", "a.py", 12, 10), Frame("module.äußere", "b.py", 300, 290)
    profile.add((inner, outer), (1, 2**40), "one")
    profile.add((outer,), (1, 5))
    profile.add((inner, outer), (2, 2**40), "one")
    profile.add((inner, outer), (1, 1), "two")
    found = read(profile.encode(time_ns=1, duration_ns=77, comments=("hello",)))
    assert found.types == [("samples", "count"), ("cpu", "nanoseconds")]
    frames = (("module.inner", "a.py", 12), ("module.äußere", "b.py", 300))
    assert found.samples == [
        (frames, (3, 2**41), {"thread": "one"}),
        (frames[1:], (1, 5), {}),
        (frames, (1, 1), {"thread": "two"}),
    ]
    assert (found.comments, found.duration_ns) == (["hello"], 77)


def test_the_main_thread_stands_where_it_spends_its_time() -> None:
    if not hasattr(signal, "SIGPROF"):
        pytest.skip("no SIGPROF here")
    profiler = CpuProfiler(hz=200)
    before_ns = time.thread_time_ns()
    profiler.start()
    spent_ns = 0
    # Between short pieces of work it waits in the system, where another thread would nearly always find it.
    while spent_ns < NS_PER_S // 2:
        began_ns = time.thread_time_ns()
        burn_for(300_000)
        spent_ns += time.thread_time_ns() - began_ns
        time.sleep(0)
    profiler.stop()
    used_ns = time.thread_time_ns() - before_ns
    found = read(profiler.finish())
    of_main = sum(values[1] for _, values, labels in found.samples if labels == {"thread": "MainThread"})
    # CPU time, not time: what else runs here does not change it. A period at the end may be missing.
    assert used_ns * 0.8 < of_main <= used_ns
    assert found.cumulative("cpu", "burn_for") > of_main * 0.7


@played
async def test_other_threads_have_their_names_and_stacks() -> None:
    async with profiled() as (client, exchange):
        await exchange.create_instrument(Instrument("A"))
        ended = threading.Event()
        worker = threading.Thread(target=busily, args=(ended,), name="busy-worker")
        worker.start()

        async def trade() -> None:
            while not ended.is_set():
                await asyncio.gather(*(exchange.submit("A", "buy", quantity=1, price=it) for it in range(1, 20)))

        trading = asyncio.create_task(trade())
        answer = await client.get("/profile", params={"seconds": "1.5", "hz": "200"})
        ended.set()
        await trading
        worker.join()
    found = read(answer.content)
    assert found.types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert found.period == NS_PER_S // 200
    threads = {labels["thread"] for _, _, labels in found.samples}
    assert {"busy-worker", "shard-0", "MainThread"} <= threads
    assert found.cumulative("cpu", "test_pprof.busily") > 0
    assert found.cumulative("cpu", "[shard-0]") > 0
    assert signal.getsignal(signal.SIGPROF) == signal.SIG_IGN
    assert not [it.name for it in threading.enumerate() if it.name == "profiler"]


@played
async def test_heap_tells_who_holds_memory() -> None:
    held: list[bytearray] = []

    def hoard() -> None:
        held.append(bytearray(3_000_000))

    async with profiled() as (client, exchange):
        await exchange.create_instrument(Instrument("A"))
        asyncio.get_running_loop().call_later(0.2, hoard)
        answer = await client.get("/heap", params={"seconds": "1"})
        assert not tracemalloc.is_tracing()
    found = read(answer.content)
    assert found.types == [("inuse_objects", "count"), ("inuse_space", "bytes")]
    line = f"tests/server/test_pprof.py:{hoard.__code__.co_firstlineno + 1}"
    assert found.cumulative("inuse_space", line) >= 3_000_000
    assert found.cumulative("inuse_space", NATIVE_FRAME.function) > 0
    del held[:]


@played
async def test_heap_at_once_where_tracing_is_on() -> None:
    tracemalloc.start()
    try:
        async with profiled() as (client, _):
            answer = await client.get("/heap")
            assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert read(answer.content).total("inuse_space") > 0


@played
async def test_threads_have_their_stacks() -> None:
    async with profiled() as (client, _):
        ended = threading.Event()
        worker = threading.Thread(target=ended.wait, name="patient")
        worker.start()
        answer, text = await client.get("/threads"), await client.get("/threads?debug=1")
        ended.set()
        worker.join()
    found = read(answer.content)
    by_thread = {labels["thread"]: [name for name, _, _ in frames] for frames, _, labels in found.samples}
    assert "threading.Event.wait" in by_thread["patient"]
    assert by_thread["shard-0"] == ["[shard-0]"]
    assert "'patient'" in text.text
    assert "threading.Event.wait" in text.text


@played
async def test_one_profile_at_a_time_and_none_for_ever() -> None:
    async with profiled() as (client, _):
        first = asyncio.create_task(client.get("/profile?seconds=1"))
        while not [it for it in threading.enumerate() if it.name == "profiler"]:
            await asyncio.sleep(0.01)
        second = await client.get("/profile?seconds=1")
        assert (second.status_code, second.json()["slug"]) == (409, "profile_running")
        assert (await first).status_code == 200
        for query in ("seconds=61", "seconds=0", "seconds=nan", "seconds=x", "seconds=inf", "hz=501", "hz=-1"):
            refused = await client.get(f"/profile?{query}")
            assert (refused.status_code, refused.json()["slug"]) == (400, "invalid_parameter"), query
        assert (await client.get("/nothing")).status_code == 404
        assert "go tool pprof" in (await client.get("/")).text
        assert (await client.get("/profile?seconds=0.2")).status_code == 200


@played
async def test_whoever_goes_away_leaves_nothing_running() -> None:
    async with profiled() as (client, _):
        with contextlib.suppress(httpx.ReadTimeout):
            await client.get("/profile?seconds=50", timeout=0.3)
        while [it for it in threading.enumerate() if it.name == "profiler"]:
            await asyncio.sleep(0.01)
        while (answer := await client.get("/profile?seconds=0.1")).status_code == 409:
            await asyncio.sleep(0.01)
        assert answer.status_code == 200


@played
async def test_profiles_are_for_operators() -> None:
    admission = Admitting(RefusedError("not_permitted", 403, "the key has not the role admin"))
    async with profiled(admission) as (client, _):
        for name in ("profile", "heap", "threads", "", "threads?debug=1"):
            assert (await client.get(f"/{name}")).status_code == 403
    assert {role for role, _ in admission.asked} == {"admin"}
