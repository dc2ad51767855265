"""The same hand-over five ways: two locks, two queues of compare-exchange, and rings of one producer each."""

from __future__ import annotations

from typing import Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

QUEUES: Final = {
    "mutex": "mutex",
    "spin": "spin lock",
    "claimed": "CAS: claim, then fill",
    "intake": "CAS: fill, then publish",
    "rings": "a ring for each producer",
}
PRODUCERS: Final = (1, 2, 4)
BATCHES: Final = (1, 64)
DRAWN: Final = ((1, 1), (1, 64), (4, 1), (4, 64))
"""Of these numbers of producers and batches there are bars."""


def _run(seconds: float) -> Result:
    each = seconds / (len(QUEUES) * len(PRODUCERS) * len(BATCHES))
    cases = {
        queue: {
            _case(producers, batch): _carry(queue, producers, batch, each)
            for batch in BATCHES
            for producers in PRODUCERS
        }
        for queue in QUEUES
    }
    columns = (
        "queue",
        *(f"{producers} by {batch}" if batch > 1 else str(producers) for batch in BATCHES for producers in PRODUCERS),
    )
    return Result(
        name="queues",
        title="Five queues from producers to one consumer",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="Producers push items of 64 bytes, one consumer pops them; each side moves one item at a time, or up to "
        "64 at once. Every queue holds 1024 items, every item is checked: those of a producer come in its order, none "
        "is lost. The consumer has a processor of its own where there are two or more; producers share the rest, and "
        "who finds nothing to do spins for a while and then yields.",
        tables=(
            Table(
                "Nanoseconds an item, by number of producers; by 64: in batches",
                (*columns, "all in order"),
                tuple(
                    (QUEUES[queue], *(case["ns"] for case in places.values()), _checked(places))
                    for queue, places in cases.items()
                ),
            ),
            Table(
                "Million items a second",
                columns,
                tuple(
                    (QUEUES[queue], *(1e3 / case["ns"] if case["ns"] else 0.0 for case in places.values()))
                    for queue, places in cases.items()
                ),
            ),
        ),
        bars=tuple(
            Bars(
                title=_case(producers, batch),
                unit="nanoseconds an item",
                names=tuple(QUEUES.values()),
                values=tuple(places[_case(producers, batch)]["ns"] for places in cases.values()),
                highlighted=frozenset({QUEUES["intake"], QUEUES["rings"]}),
                note="red: what the runtime uses",
            )
            for producers, batch in DRAWN
        ),
        learned=(
            "A hand-over costs the cache lines that travel between the cores. Under a lock the lock's line and the "
            "deque's travel with the item's, whenever the other side comes; a ring moves the item's, and now and then "
            "one with a position.",
            "A ring needs no compare-exchange, for each of its words has one writer. Several producers therefore get a "
            "ring each where their number is known; the intake is for where it is not.",
            "Batches pay where there is a fixed price for a hand-over: one lock, or one store of a position, for many "
            "items. The intake takes all that came with one exchange, but its producers pay for each item: a node "
            "taken, a node published.",
            "Who claims a place and then fills it (crossbeam's queue) is quick, but a producer that stops in between "
            "stops the consumer. The intake publishes what is filled, so that nobody waits for the dead.",
            "A spin lock is a bet that its holder is running. With more threads than processors it is lost now and "
            "then, and who waits burns the time that the holder needs.",
        ),
        figures=cases,
    )


def _case(producers: int, batch: int) -> str:
    return f"{producers} producer{'s' * (producers > 1)}" + (f", batches of {batch}" if batch > 1 else "")


def _carry(queue: str, producers: int, batch: int, seconds: float) -> dict[str, float]:
    case = _core.lab_queue(queue=queue, producers=producers, batch=batch, seconds=seconds)
    return {**case, "ns": case["elapsed_ns"] / max(case["items"], 1)}


def _checked(places: dict[str, dict[str, float]]) -> str:
    return "no" if any(case["misplaced"] or case["lost"] for case in places.values()) else "yes"


EXPERIMENT: Final = Experiment(
    "queues",
    "Five queues from producers to one consumer",
    "What does it cost to hand an item from one thread to another?",
    _run,
)
