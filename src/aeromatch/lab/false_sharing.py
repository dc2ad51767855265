"""Two counters, two threads, nothing shared but perhaps a cache line."""

from __future__ import annotations

from typing import Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

DISTANCES: Final = (8, 64, 128)
INCREMENTS: Final = ("plain", "locked")
WAYS: Final = {"plain": "a load and a store", "locked": "one locked instruction"}


def _run(seconds: float) -> Result:
    each = seconds / (len(INCREMENTS) * (len(DISTANCES) + 1))
    cases = {
        increment: {
            "alone": _count(1, 8, increment, each),
            **{f"{distance} bytes apart": _count(2, distance, increment, each) for distance in DISTANCES},
        }
        for increment in INCREMENTS
    }
    rows = tuple(
        (
            WAYS[increment],
            name,
            case["increments"],
            "yes" if case["counted"] == case["increments"] else "no",
            case["ns"],
        )
        for increment, places in cases.items()
        for name, case in places.items()
    )
    bars = tuple(
        Bars(
            title=f"Incrementing by {WAYS[increment]}",
            unit="nanoseconds an increment, each thread",
            names=tuple(places),
            values=tuple(case["ns"] for case in places.values()),
            highlighted=frozenset({f"{DISTANCES[0]} bytes apart"}),
        )
        for increment, places in cases.items()
    )
    return Result(
        name="false-sharing",
        title="False sharing: two counters, with and without padding",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="Two threads each increment a counter of their own, first next to each other in one cache line (64 "
        "bytes), then in neighbouring lines, then with a whole line between them; one thread alone for comparison.",
        tables=(Table("", ("increment", "counters", "increments", "all counted", "ns each"), rows),),
        bars=bars,
        learned=(
            "Correctness is not touched: every increment is counted at any distance. Only time is lost.",
            "A core owns a line to write it. Counters in one line make two cores hand it to and fro though they share "
            "no data: that is why the indexes of the runtime's rings stand 128 bytes apart.",
            "128 bytes and not 64: some processors fetch lines in pairs. Where they do not, the two look alike.",
            "A plain store may wait in the store buffer while the line comes; a locked instruction waits for it "
            "itself.",
        ),
        figures=cases,
    )


def _count(threads: int, distance_bytes: int, increment: str, seconds: float) -> dict[str, float]:
    case = _core.lab_false_sharing(threads=threads, distance_bytes=distance_bytes, increment=increment, seconds=seconds)
    return {**case, "ns": case["elapsed_ns"] * threads / max(case["increments"], 1)}


EXPERIMENT: Final = Experiment(
    "false-sharing",
    "False sharing, with and without padding",
    "Can two threads that share no data slow each other down?",
    _run,
)
