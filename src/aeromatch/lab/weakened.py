"""A seqlock and a ring with one ordering left out: what the memory model allows, what this processor shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aeromatch import _core
from aeromatch.lab.explorer import ACQUIRE, RELAXED, RELEASE, Fence, Load, Store, explore
from aeromatch.lab.result import Bars, Experiment, Result, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from aeromatch.lab.explorer import Action, Execution, Explored

    Program = Generator[Action, int, int | None]

NONE: Final = "none"
SEQLOCK: Final = {
    NONE: "nothing: as shipped",
    "writer fence": "the writer's fence behind the odd version",
    "publish release": "the release of the even version",
    "reader acquire": "the reader's acquire of the first version",
    "reader fence": "the reader's fence before the second version",
    "second look": "the second look at the version",
}
RING: Final = {
    NONE: "nothing: as shipped",
    "push release": "the producer's release of the tail",
    "pop acquire": "the consumer's acquire of the tail",
    "count first": "the order: counts, then writes",
}
TORN, WHOLE, AGAIN = 1, 0, None
"""What a reader of the seqlock makes of what it read."""


def _write_pair(flaw: str) -> Program:
    yield Store("version", 1)
    if flaw != "writer fence":
        yield Fence(RELEASE)
    yield Store("first", 1)
    yield Store("second", 1)
    yield Store("version", 2, RELAXED if flaw == "publish release" else RELEASE)
    return None


def _read_pair(flaw: str) -> Program:
    version = yield Load("version", RELAXED if flaw == "reader acquire" else ACQUIRE)
    first = yield Load("first")
    second = yield Load("second")
    if flaw != "second look":
        if flaw != "reader fence":
            yield Fence(ACQUIRE)
        again = yield Load("version")
        if version % 2 or again != version:
            return AGAIN
    return WHOLE if first == second else TORN


def _push(flaw: str) -> Program:
    if flaw == "count first":
        yield Store("tail", 1)
        yield Store("slot", 7)
    else:
        yield Store("slot", 7)
        yield Store("tail", 1, RELAXED if flaw == "push release" else RELEASE)
    return None


def _pop(flaw: str) -> Program:
    tail = yield Load("tail", RELAXED if flaw == "pop acquire" else ACQUIRE)
    return (yield Load("slot")) if tail else None


def explore_seqlock(flaw: str) -> Explored:
    """Run one write and one read in every way."""
    programs: Mapping[str, Callable[[], Program]] = {
        "writer": partial(_write_pair, flaw),
        "reader": partial(_read_pair, flaw),
    }
    return explore(programs, lambda execution: execution.returned["reader"] != TORN)


def explore_ring(flaw: str) -> Explored:
    """Run one push and one pop in every way."""
    programs: Mapping[str, Callable[[], Program]] = {
        "producer": partial(_push, flaw),
        "consumer": partial(_pop, flaw),
    }
    return explore(programs, lambda execution: execution.returned["consumer"] in (None, 7))


@dataclass(frozen=True, slots=True)
class _Structure:
    """What is weakened, and how that is shown."""

    name: str
    title: str
    question: str
    done: str
    flaws: Mapping[str, str]
    explored: Callable[[str], Explored]
    race: Callable[..., dict[str, int]]

    def experiment(self) -> Experiment:
        return Experiment(self.name, self.title, self.question, partial(_run, self))


def _run(structure: _Structure, seconds: float) -> Result:
    flaws = structure.flaws
    found = {flaw: structure.explored(flaw) for flaw in flaws}
    seen = {flaw: structure.race(flaw=flaw, seconds=seconds / len(flaws)) for flaw in flaws}
    rows = tuple(
        (about, found[flaw].executions, found[flaw].broken, seen[flaw]["values"], seen[flaw]["wrong"])
        for flaw, about in flaws.items()
    )
    columns = ("left out", "executions", "of these wrong", "values here", "of these wrong here")
    figures: dict[str, dict[str, Any]] = {
        flaw: {**seen[flaw], "executions": found[flaw].executions, "broken_executions": found[flaw].broken}
        for flaw in flaws
    }
    return Result(
        name=structure.name,
        title=structure.title,
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done=structure.done,
        tables=(
            Table("What the memory model allows, and what this processor showed", columns, rows),
            *(
                _interleaving(f"The simplest wrong execution without {flaws[flaw]}", each.simplest)
                for flaw, each in found.items()
                if each.simplest is not None and flaw not in ("second look", "count first")
            ),
        ),
        bars=(
            Bars(
                title="What the memory model allows",
                unit="executions of a hundred that end wrong",
                names=tuple(flaws.values()),
                values=tuple(100 * each.broken / each.executions for each in found.values()),
                highlighted=frozenset(flaws.values()) - {flaws[NONE]},
                note="no bar: none",
            ),
            Bars(
                title="What this processor showed",
                unit="wrong values of a million",
                names=tuple(flaws.values()),
                values=tuple(1e6 * case["wrong"] / max(case["values"], 1) for case in seen.values()),
                is_logarithmic=True,
                highlighted=frozenset(flaws.values()) - {flaws[NONE]},
                note="no bar: none",
            ),
        ),
        learned=(
            "Each ordering in the table is needed: leave out any one and there is an execution that ends wrong, while "
            "all executions of the whole structure end right.",
            "x86 keeps stores in order and loads in order, so a missing release or acquire does not show there, "
            "however long one waits: it waits for another compiler, or for ARM.",
            "The last row leaves out no ordering but a step of the algorithm: that shows everywhere, and proves that "
            "the detector works.",
        ),
        figures=figures,
    )


def _interleaving(title: str, execution: Execution) -> Table:
    return Table(
        title,
        ("step", "thread", "does", ""),
        tuple(
            (number, step.thread, step.does, "stale: a newer value is there" if step.is_stale else "")
            for number, step in enumerate(execution.steps, 1)
        ),
    )


_STRUCTURES: Final = (
    _Structure(
        name="weakened-seqlock",
        title="A seqlock with one ordering left out",
        question="Which of a seqlock's four orderings could be spared?",
        done="A writer makes the version odd, writes two words, makes it even; a reader takes the version, the words "
        "and the version again. First all executions that the memory model allows of one write and one read are tried, "
        "for each ordering left out; then a real writer and a real reader run here: pairs of unequal words are torn.",
        flaws=SEQLOCK,
        explored=explore_seqlock,
        race=_core.lab_seqlock,
    ),
    _Structure(
        name="weakened-ring",
        title="A ring with one ordering left out",
        question="What does a ring's consumer read if the producer's release is missing?",
        done="A producer writes a value into a slot and counts it in the tail; a consumer looks at the tail and takes "
        "the value. First all executions that the memory model allows of one push and one pop are tried, for each "
        "ordering left out; then a real producer and a real consumer pass numbers here: any but the next one is wrong.",
        flaws=RING,
        explored=explore_ring,
        race=_core.lab_ring,
    ),
)
EXPERIMENTS: Final = tuple(structure.experiment() for structure in _STRUCTURES)
