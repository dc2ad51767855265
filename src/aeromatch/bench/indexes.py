"""The price indexes side by side: what a command, a depth walk and a level cost with each."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from aeromatch import _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from aeromatch.bench.measure import Case

TITLES: Final = {
    "native_ns": "a command in a native loop, ns",
    "top_ns": "the ten best levels of both sides, read after a change, ns a level",
    "depth_ns": "all levels, read after a change, ns a level",
    "level_bytes": "the price index, bytes a level",
}
TOP_LEVELS: Final = 10


@dataclass(slots=True)
class Trial:
    """One flow on one price index; a list entry per round."""

    case: Case
    native: list[float] = field(default_factory=list)
    """Nanoseconds a command."""
    top: list[float] = field(default_factory=list)
    """Nanoseconds a level, over the best ones."""
    depth: list[float] = field(default_factory=list)
    """Nanoseconds a level, over all."""
    levels: int = 0
    """Of both sides, at the end."""
    index_bytes: int = 0

    def results(self) -> dict[str, float]:
        """Give the numbers under `TITLES`, medians over the rounds."""
        return {
            "native_ns": median(self.native),
            "top_ns": median(self.top),
            "depth_ns": median(self.depth),
            "level_bytes": self.index_bytes / max(self.levels, 1),
        }


def try_in_turns(cases: list[Case], rounds: int, progress: Callable[[int], object] = lambda _: None) -> list[Trial]:
    """Try every case `rounds` times, in turns.

    Args:
        cases: Flows on price indexes.
        rounds: How often.
        progress: Called with the number of finished turns, of `rounds` times the number of cases.

    Returns:
        One trial a case.
    """
    trials = [Trial(case) for case in cases]
    turns = 0
    for _ in range(rounds):
        for trial in trials:
            _try(trial)
            turns += 1
            progress(turns)
    return trials


def _try(trial: Trial) -> None:
    case = trial.case
    slots = case.opening.slots.tobytes() + case.session.slots.tobytes()
    run = _core.bench_native(slots, index=case.index, warmup=len(case.opening))
    trial.native.append(run["elapsed_ns"] / run["commands"])
    read = _core.bench_depth(slots, index=case.index)
    trial.levels, trial.index_bytes = read["levels"], read["index_bytes"]
    trial.top.append(read["top_ns"] / max(min(read["levels"], 2 * TOP_LEVELS), 1))
    trial.depth.append(read["depth_ns"] / max(read["levels"], 1))


def trials_as_tables(trials: list[Trial]) -> dict[str, list[tuple[str, ...]]]:
    """Give a table for each of the `TITLES`: its heading, then a row a flow and in it a column an index."""
    indexes = list(dict.fromkeys(trial.case.index for trial in trials))
    flows = {trial.case.flow: trial.levels for trial in trials}
    results = {(trial.case.flow, trial.case.index): trial.results() for trial in trials}
    return {
        title: [
            ("flow", "levels", *indexes),
            *(
                (flow, f"{levels:,}", *(f"{results[flow, index][name]:,.0f}" for index in indexes))
                for flow, levels in flows.items()
            ),
        ]
        for name, title in TITLES.items()
    }


def trials_as_markdown(trials: list[Trial]) -> str:
    """Give the tables for a page of documentation."""
    blocks = []
    for title, (heading, *rows) in trials_as_tables(trials).items():
        lines = [f"{title}:", "", "| " + " | ".join(heading) + " |", "| --- |" + " ---: |" * (len(heading) - 1)]
        blocks.append("\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]))
    return "\n\n".join(blocks)


def trials_as_json(trials: list[Trial]) -> list[dict[str, object]]:
    """Give every number, medians over the rounds."""
    return [
        {
            "flow": trial.case.flow,
            "index": trial.case.index,
            "commands": len(trial.case.session),
            "levels": trial.levels,
            "index_bytes": trial.index_bytes,
            **trial.results(),
            "rounds": len(trial.native),
        }
        for trial in trials
    ]
