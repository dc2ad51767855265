"""States kept on the way, so that going back does not start from the beginning."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from typing import Final, NamedTuple

LIMIT_BYTES: Final = 256 * 1024 * 1024
REPLAY_BYTES_A_COMMAND: Final = 80
"""Writing so many bytes of a snapshot takes about as long as replaying one command."""


class Checkpoint(NamedTuple):
    """A state as a snapshot."""

    sequence: int
    snapshot: bytes


class Checkpoints:
    """Snapshots by sequence number, the ones that were used last, up to a number of bytes."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        """Start with none."""
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._last_bytes = 0
        self._by_use: OrderedDict[int, bytes] = OrderedDict()
        self._sequences: list[int] = []

    def __len__(self) -> int:
        return len(self._sequences)

    def pays(self, commands: int) -> bool:
        """Tell whether a checkpoint that saves replaying so many commands is worth being made."""
        return commands * REPLAY_BYTES_A_COMMAND >= self._last_bytes

    def add(self, sequence: int, snapshot: bytes) -> None:
        """Keep a state; those that were not used for longest make room."""
        self._last_bytes = len(snapshot)
        if sequence in self._by_use:
            self._by_use.move_to_end(sequence)
            return
        self._by_use[sequence] = snapshot
        self._sequences.insert(bisect_right(self._sequences, sequence), sequence)
        self._bytes += len(snapshot)
        while self._bytes > self._limit_bytes and len(self._by_use) > 1:
            oldest, dropped = self._by_use.popitem(last=False)
            self._sequences.remove(oldest)
            self._bytes -= len(dropped)

    def at_or_before(self, sequence: int) -> Checkpoint | None:
        """Find the last state that is no later than a command."""
        place = bisect_right(self._sequences, sequence)
        if not place:
            return None
        found = self._sequences[place - 1]
        self._by_use.move_to_end(found)
        return Checkpoint(found, self._by_use[found])
