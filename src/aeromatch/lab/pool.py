"""Memory for one value, taken and given back: a pool with version stamps against the system's allocator."""

from __future__ import annotations

from typing import Any, Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

SOURCES: Final = ("allocator", "pool")
LOADS: Final = {
    "one": "one thread",
    "two": "two threads",
    "hand-over": "one takes, one gives",
}
THREADS: Final = {"one": 1, "two": 2, "hand-over": 1}
"""Threads that take."""


def _run(seconds: float) -> Result:
    each = seconds / (len(SOURCES) * len(LOADS))
    cases = {load: {source: _lend(source, load, each) for source in SOURCES} for load in LOADS}
    flat = [(LOADS[load], source, case) for load, sources in cases.items() for source, case in sources.items()]
    names = tuple(f"{load}: {source}" for load, source, _ in flat)
    ours = frozenset(name for name in names if name.endswith("pool"))
    return Result(
        name="pool",
        title="A pool with version stamps against the allocator",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="Values of 64 bytes. One thread, then two, hold 64 of them each, and again and again give a random one "
        "back and take another; then one thread takes values and sends them through a ring to one that gives them "
        "back. Every value is written when it is taken and checked when it is given. One turn in 64 is timed by "
        "itself, which adds two looks at the clock to it.",
        tables=(
            Table(
                "",
                (
                    "who takes and gives",
                    "from",
                    "values",
                    "had two users",
                    "ns each",
                    "p50 ns",
                    "p99.9 ns",
                    "longest ns",
                ),
                tuple(
                    (
                        load,
                        source,
                        case["values"],
                        case["wrong"],
                        case["ns"],
                        case["turn"]["p50_ns"],
                        case["turn"]["p999_ns"],
                        case["turn"]["max_ns"],
                    )
                    for load, source, case in flat
                ),
            ),
        ),
        bars=(
            Bars(
                title="A value taken and given back",
                unit="nanoseconds, each thread that takes",
                names=names,
                values=tuple(case["ns"] for _, _, case in flat),
                highlighted=ours,
                note="the third pair: with the ring in between",
            ),
            Bars(
                title="The longest turn of a thousand",
                unit="nanoseconds, 99.9th percentile",
                names=names,
                values=tuple(case["turn"]["p999_ns"] for _, _, case in flat),
                highlighted=ours,
                note="the third pair: taking alone",
            ),
        ),
        learned=(
            "An allocator keeps a list of small blocks for each thread: while every thread frees what it took itself, "
            "nothing is shared and no instruction is locked. The pool's head is one word for all, and each take and "
            "each give is a compare-exchange: its price is that of sharing, and it grows with the number of threads.",
            "Where one thread frees what another took, as a queue of nodes does, the allocator's own list runs dry on "
            "one side and over on the other, and it goes to what its threads share. That is the load the intake has.",
            "So speed is not the reason for a pool. It has taken its memory at the start: it cannot fail later, cannot "
            "grow, takes no lock and asks the system for nothing, and it says when it is full.",
            "What one thread owns alone needs neither: the book of a shard keeps its orders in an array with a plain "
            "list of free places.",
        ),
        figures=cases,
    )


def _lend(source: str, load: str, seconds: float) -> dict[str, Any]:
    case = _core.lab_pool(source=source, load=load, seconds=seconds)
    return {**case, "ns": case["elapsed_ns"] * THREADS[load] / max(case["values"], 1)}


EXPERIMENT: Final = Experiment(
    "pool",
    "A pool with version stamps against the allocator",
    "Is a pool quicker than the allocator, and is that what it is for?",
    _run,
)
