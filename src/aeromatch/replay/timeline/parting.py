"""Where two journals part: the first command that is not the same in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aeromatch.replay.timeline.words import command_text

if TYPE_CHECKING:
    from aeromatch.replay.timeline.timeline import Batch, Timeline


@dataclass(frozen=True, slots=True)
class Parting:
    """The first command that differs; None where a log has ended."""

    sequence: int
    """Of the last command that both have."""
    left: dict[str, Any] | None
    right: dict[str, Any] | None

    def __str__(self) -> str:
        sides = [
            f"  {side}: {'ends' if fields is None else command_text(fields)}"
            for side, fields in (("left ", self.left), ("right", self.right))
        ]
        return "\n".join([f"the same up to command {self.sequence:,}, then", *sides])

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {"after_sequence": self.sequence, "left": self.left, "right": self.right}


def first_difference(left: Timeline, right: Timeline) -> Parting | None:
    """Find the first command that is not the same in both logs; moves both timelines to the moment before it.

    Returns:
        None where both logs hold the same commands.

    Raises:
        ValueError: The logs have no moment in common: one begins after the other has ended.
    """
    first = max(left.first, right.first)
    left.seek(first)
    right.seek(first)
    while True:
        ours, theirs = left.peek(), right.peek()
        if ours is None and theirs is None:
            return None
        same = 0 if ours is None or theirs is None else _common(ours, theirs)
        if ours is None or theirs is None or same < min(len(ours.starts), len(theirs.starts)):
            break
        reached = int(ours.sequences[same - 1])
        left.seek(reached)
        right.seek(reached)
    if ours is not None and same:
        left.seek(int(ours.sequences[same - 1]))
        right.seek(int(ours.sequences[same - 1]))
    there = left.sequence
    found = [_next_fields(timeline) for timeline in (left, right)]
    return Parting(there, *found)


def _common(left: Batch, right: Batch) -> int:
    """Count how many commands both begin with."""
    slots = min(len(left.commands.slots), len(right.commands.slots))
    unequal = np.flatnonzero(left.commands.slots[:slots].view("V64") != right.commands.slots[:slots].view("V64"))
    equal_slots = int(unequal[0]) if len(unequal) else slots
    # A command counts when all of its slots are equal: when the next one starts no later than what differs.
    ends = np.append(left.starts[1:], len(left.commands.slots))
    return int(np.searchsorted(ends, equal_slots, "right"))


def _next_fields(timeline: Timeline) -> dict[str, Any] | None:
    there, step = timeline.sequence, timeline.step()
    timeline.seek(there)
    return None if step is None else step.fields
