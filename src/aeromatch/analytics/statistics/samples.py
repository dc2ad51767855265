"""Latencies and depths by period, from what shards measure of their batches: histograms, by the clock on the wall."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch._core import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from aeromatch.analytics.statistics.tally import Columns

MILLISECOND_NS: Final = np.uint64(1_000_000)
PER_BATCH: Final = {
    "wait_ns": "waited_ns",
    "journal_ns": "journal_ns",
    "sync_ns": "sync_ns",
    "batch_match_ns": "match_ns",
    "publish_ns": "publish_ns",
    "intake_depth": "intake_depth",
    "batch_commands": "commands",
}
"""What is recorded once a batch, by the sample's field."""
MEASURES: Final = ("match_ns", *PER_BATCH, "lag_commands")
ALL: Final = 0
"""What is of no instrument: it counts for all together only."""


class Latencies:
    """Histograms by period, shard, instrument and what was measured; grows until it is taken."""

    def __init__(self, periods_ms: Iterable[int]) -> None:
        """Start with nothing."""
        self._periods_ms = tuple(periods_ms)
        self._histograms: defaultdict[tuple[int, int, int, int, str], Histogram] = defaultdict(Histogram)

    def record(self, samples: NDArray[np.void]) -> None:
        """Count samples: records with a `shard` and the fields of a sample (docs/statistics.md)."""
        samples = samples[samples["commands"] > 0]
        for shard in np.unique(samples["shard"]).tolist():
            of_shard = samples[samples["shard"] == shard]
            times_ms = of_shard["end_wall_ns"] // MILLISECOND_NS
            for period_ms in self._periods_ms:
                starts = times_ms // np.uint64(period_ms)
                for start in np.unique(starts).tolist():
                    self._add((period_ms, start * period_ms, int(shard)), of_shard[starts == start])

    def record_lag(self, now_ns: int, shard: int, commands: int) -> None:
        """Count how many commands whoever counts was behind a shard at that time."""
        for period_ms in self._periods_ms:
            start_ms = now_ns // int(MILLISECOND_NS) // period_ms * period_ms
            self._histograms[period_ms, start_ms, shard, ALL, "lag_commands"].record(commands)

    def _add(self, where: tuple[int, int, int], samples: NDArray[np.void]) -> None:
        for measure, field in PER_BATCH.items():
            values = samples[field].astype(np.uint64)
            if measure == "sync_ns":
                values = values[values > 0]
            self._histograms[*where, ALL, measure].record_many(values)
        timed = samples[samples["timed_place"] > 0]
        for instrument in np.unique(timed["timed_instrument"]).tolist():
            of_one = timed[timed["timed_instrument"] == instrument]
            # It stands for all of its batch: otherwise those of small batches, which come when little happens, would
            # count for more than those of large ones.
            match_ns = np.repeat(of_one["timed_ns"], of_one["commands"].astype(np.int64))
            self._histograms[*where, int(instrument), "match_ns"].record_many(match_ns)

    def take(self) -> Columns:
        """Give what was counted as rows, and start anew.

        Returns:
            Columns `period_ms`, `start_ms`, `shard`, `instrument`, `measure`, `histogram` (its bytes).
        """
        taken = {key: it for key, it in self._histograms.items() if it.count}
        self._histograms.clear()
        columns: Columns = {name: [] for name in ("period_ms", "start_ms", "shard", "instrument", "measure")}
        for key in taken:
            for name, value in zip(columns, key, strict=True):
                columns[name].append(value)
        return columns | {"histogram": [histogram.to_bytes() for histogram in taken.values()]}
