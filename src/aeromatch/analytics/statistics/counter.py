"""Counts parts of logs into a store, each event once.

Rows and the position up to which they count are written in one transaction. Whatever ends a process, the next one goes
on behind that position, and finds by its mark whether it is still the same log.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from aeromatch.analytics.statistics.errors import StatisticsError
from aeromatch.analytics.statistics.protocols import Position
from aeromatch.analytics.statistics.tally import tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from aeromatch import Instrument
    from aeromatch.analytics.statistics.attach import OpenSource
    from aeromatch.analytics.statistics.protocols import Part, Source, Store


class Counter:
    """Counts into a store, on from where it ends."""

    def __init__(self, store: Store, open_source: OpenSource) -> None:
        """Find the store's positions and open the source there."""
        self._store = store
        self._open_source = open_source
        self._positions: dict[int, Position] = {}
        self._unproven: set[int] = set()
        self._named: set[int] = set()
        self.source = self._open()

    def _open(self) -> Source:
        self._positions = {shard: Position(*it) for shard, it in self._store.positions().items()}
        self._unproven = {shard for shard, position in self._positions.items() if position.mark_sequence}
        return self._open_source(self._positions)

    def count(self, parts: Sequence[Part]) -> int:
        """Count parts, one transaction for each shard among them, and give the number of events.

        Names of instruments are kept as far as the source was read.

        Where someone else has counted on meanwhile, the source is opened anew behind that, and these parts are dropped:
        what of them was not counted comes again.

        Raises:
            StatisticsError: The log is another one than was counted before.
        """
        events = 0
        for shard in sorted({part.shard for part in parts}):
            of_shard = [part for part in parts if part.shard == shard]
            records = np.concatenate([part.records for part in of_shard])
            counted = self._count_shard(shard, records, of_shard[-1].sequence)
            if counted is None:
                self.source = self._open()
                return events
            events += counted
        self._keep_names()
        return events

    def _count_shard(self, shard: int, records: NDArray[np.void], sequence: int) -> int | None:
        before = self._positions.get(shard, Position())
        self._prove(shard, before, records)
        records = records[np.searchsorted(records["sequence"], np.uint64(before.sequence), side="right") :]
        if sequence <= before.sequence:
            return 0
        after = before._replace(sequence=sequence)
        counted = tally(records, self._store.periods_ms, before.time_ns)
        if len(records):
            last = int(records["sequence"][-1])
            after = Position(sequence, counted.time_ns, last, _mark(records, last))
        if not self._store.add(shard, before, after, counted.counts, counted.reasons):
            return None
        self._positions[shard] = after
        return len(records)

    def _prove(self, shard: int, position: Position, records: NDArray[np.void]) -> None:
        """Compare the last events that were counted with what the log says they are."""
        if shard not in self._unproven or not len(records):
            return
        self._unproven.discard(shard)
        # A log whose beginning was removed may begin behind the mark.
        if int(records["sequence"][0]) > position.sequence:
            return
        if _mark(records, position.mark_sequence) != position.mark:
            raise StatisticsError(
                f"shard {shard}: command {position.mark_sequence:,} had other events when it was counted: "
                "the statistics are not of this log"
            )

    def _keep_names(self) -> None:
        # No event says when: shard 0 alone tells what was made, and each shard of a directory lists those whose books
        # it has, as far as it was read. So it is looked at after every count.
        if new := [it for it in self.source.instruments() if it.number not in self._named]:
            self._store.set_instruments(_names(new))
            self._named.update(it.number for it in new)


def _mark(records: NDArray[np.void], sequence: int) -> int:
    numbers, wanted = records["sequence"], np.uint64(sequence)
    first, end = np.searchsorted(numbers, wanted, "left"), np.searchsorted(numbers, wanted, "right")
    return zlib.crc32(records[first:end].tobytes())


def _names(instruments: Sequence[Instrument]) -> dict[str, list[str] | list[int]]:
    return {
        "number": [it.number for it in instruments],
        "symbol": [it.symbol for it in instruments],
        "tick_size": [f"{it.tick_size:f}" for it in instruments],
        "lot_size": [f"{it.lot_size:f}" for it in instruments],
    }
