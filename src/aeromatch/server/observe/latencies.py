"""Keeps the shards' latencies by period, beside the counts that the recorder writes (docs/statistics.md).

The samples of shards are for one taker, which is the observer; so the recorder counts without them, and they come into
the same file from here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from aeromatch.analytics.statistics.samples import Latencies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["KeptLatencies", "LatencyStore"]


class LatencyStore(Protocol):
    """As much of `stores.SqliteStatistics` as is needed here."""

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """The periods that it keeps."""

    def add_latencies(self, latencies: Mapping[str, Sequence[Any]]) -> None:
        """Adds histograms to what there is; from any thread."""


class KeptLatencies:
    """What was measured since the last write, and where it goes."""

    def __init__(self, store: LatencyStore) -> None:
        self._store = store
        self._latencies = Latencies(store.periods_ms)
        self._writing = asyncio.Lock()

    def record(self, samples: NDArray[Any]) -> None:
        """Adds samples: records of SAMPLE_DTYPE."""
        self._latencies.record(samples)

    async def write(self) -> None:
        """Writes what there is, in a thread: the loop waits for no disk."""
        async with self._writing:
            taken = self._latencies.take()
            if taken["period_ms"]:
                await asyncio.to_thread(self._store.add_latencies, taken)
