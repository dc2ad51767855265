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
    "publish_ns": "publish_ns",
    "intake_depth": "intake_depth",
    "batch_commands": "commands",
}
"""What is recorded once a batch, by the sample's field."""
MEASURES: Final = ("match_ns", *PER_BATCH)


class Latencies:
    """Histograms by period, shard and what was measured; grows until it is taken."""

    def __init__(self, periods_ms: Iterable[int]) -> None:
        """Start with nothing."""
        self._periods_ms = tuple(periods_ms)
        self._histograms: defaultdict[tuple[int, int, int, str], Histogram] = defaultdict(Histogram)

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

    def _add(self, where: tuple[int, int, int], samples: NDArray[np.void]) -> None:
        commands = samples["commands"].astype(np.int64)
        # The time of a batch is shared out: each of its commands took the mean.
        match_ns = samples["match_ns"].astype(np.int64) // commands
        self._histograms[*where, "match_ns"].record_many(np.repeat(match_ns, commands))
        for measure, field in PER_BATCH.items():
            values = samples[field].astype(np.uint64)
            if measure == "sync_ns":
                values = values[values > 0]
            self._histograms[*where, measure].record_many(values)

    def take(self) -> Columns:
        """Give what was counted as rows, and start anew.

        Returns:
            Columns `period_ms`, `start_ms`, `shard`, `measure`, `histogram` (its bytes).
        """
        taken = {key: it for key, it in self._histograms.items() if it.count}
        self._histograms.clear()
        columns: Columns = {name: [] for name in ("period_ms", "start_ms", "shard", "measure")}
        for key in taken:
            for name, value in zip(columns, key, strict=True):
                columns[name].append(value)
        return columns | {"histogram": [histogram.to_bytes() for histogram in taken.values()]}
