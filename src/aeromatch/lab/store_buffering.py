"""Dekker's question: can two threads that each say "here" and then look both find nobody?"""

from __future__ import annotations

from typing import Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

ORDERINGS: Final = ("relaxed", "acquire-release", "sequentially consistent", "fence")


def _run(seconds: float) -> Result:
    cases = {
        ordering: _core.lab_store_buffer(ordering=ordering, seconds=seconds / len(ORDERINGS)) for ordering in ORDERINGS
    }
    rows = tuple(
        (ordering, case["rounds"], case["both_missed"], case["first_saw"], case["second_saw"], case["both_saw"])
        for ordering, case in cases.items()
    )
    columns = ("ordering", "rounds", "neither saw", "only first saw", "only second saw", "both saw")
    return Result(
        name="store-buffering",
        title="Store buffering: both say that they are here, and neither sees the other",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="In every round two threads start together; each stores the number of the round in its own flag, then "
        "loads the other's. If stores and loads happened in one order, at least one of them would see the other.",
        tables=(Table("", columns, rows),),
        bars=(
            Bars(
                title="Rounds in which neither saw the other",
                unit="rounds of a million",
                names=ORDERINGS,
                values=tuple(1e6 * case["both_missed"] / max(case["rounds"], 1) for case in cases.values()),
                is_logarithmic=True,
                highlighted=frozenset(ORDERINGS[:2]),
                note="no bar: it never happened",
            ),
        ),
        learned=(
            "A store waits in its core's store buffer while the load behind it already runs. x86 allows that too: it "
            "is the one reordering it shows.",
            "Release and acquire do not help: they order what stands before a store and after a load, not a store "
            "before a load. On x86 they are the same instructions as relaxed.",
            "Sequentially consistent accesses, or a fence between the two, cost a full barrier and bring the "
            "count to 0.",
            "A consumer that says `I sleep` and looks once more, and a producer that publishes and looks whether "
            "anybody sleeps, are these two threads: without the fence the last message is slept over.",
        ),
        figures=cases,
    )


EXPERIMENT: Final = Experiment(
    "store-buffering",
    "Store buffering under four orderings",
    "Two threads each say that they are here and then look for the other. Can both find nobody?",
    _run,
)
