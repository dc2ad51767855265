"""Where the time of requests goes: what gateways record, and what the shards' samples tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch._core import Histogram
from aeromatch.server.observe.catalogue import STAGES
from aeromatch.server.observe.registry import MAX_SERIES, OTHER, Recent, Registry, new_histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StageRecorder"]

OF_BATCHES: Final = {"wait": "waited_ns", "journal": "journal_ns", "sync": "sync_ns", "publish": "publish_ns"}
"""Stages that a batch goes through as one, by the sample's field."""


class StageRecorder:
    """What gateways tell of their requests; implements `aeromatch.gateways.services.Stages`.

    Safe from any thread. `record` and `request` take no lock: a dictionary is looked into, and a native histogram does
    the rest.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._stages = {stage: Recent() for stage in STAGES}
        self._requests: dict[tuple[str, str, int], Callable[[int], None]] = {}
        self._durations: dict[tuple[str, str, int], Histogram] = {}
        self._batch_sizes: dict[int, Histogram] = {}
        registry.ask_histograms(self._shown)
        registry.ask(self._request_counts)

    def record(self, stage: str, duration_ns: int, count: int = 1) -> None:
        """Adds the time that one request spent in a stage, or that each of several did.

        Raises:
            KeyError: `stage` is none of `catalogue.STAGES`.
        """
        self._stages[stage].record(duration_ns, count)

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Adds to a counter of the catalogue; `amount` may be below 0 for a gauge.

        Raises:
            KeyError: `name` is none of `catalogue.METRICS`, or a label is missing.
        """
        self._registry.count(name, amount, labels)

    def request(self, gateway: str, route: str, status: int, duration_ns: int) -> None:
        """A request was answered."""
        try:
            self._requests[gateway, route, status](duration_ns)
        except KeyError:
            self._new_series(gateway, route, status)(duration_ns)

    def _new_series(self, gateway: str, route: str, status: int) -> Callable[[int], None]:
        key = (gateway, route, status) if len(self._durations) < MAX_SERIES else (OTHER, OTHER, 0)
        # Two threads may come here with the same key: whichever is kept, both use it.
        histogram = self._durations.setdefault(key, new_histogram())
        return self._requests.setdefault(key, histogram.record)

    def record_samples(self, samples: NDArray[np.void]) -> None:
        """Adds what shards measured of their batches: records of SAMPLE_DTYPE.

        Each batch counts as often as it has commands, since each of them has waited for all of it; its one timed
        command stands for the others.
        """
        samples = samples[samples["commands"] > 0]
        if not len(samples):
            return
        commands = samples["commands"].astype(np.int64)
        for stage, field in OF_BATCHES.items():
            values = np.repeat(samples[field].astype(np.uint64), commands)
            # Where durability does not ask for the disk, nothing was waited for.
            self._stages[stage].record_many(values[values > 0] if stage == "sync" else values)
        timed = samples["timed_place"] > 0
        self._stages["match"].record_many(np.repeat(samples["timed_ns"][timed].astype(np.uint64), commands[timed]))
        for shard in np.unique(samples["shard"]).tolist():
            sizes = self._batch_sizes.setdefault(int(shard), new_histogram())
            sizes.record_many(commands[samples["shard"] == shard])

    def turn(self) -> None:
        """Ends a part of ten seconds."""
        for recent in self._stages.values():
            recent.turn()

    def last_minute(self) -> Iterator[tuple[str, Histogram]]:
        """Each stage's times of the last minute, in nanoseconds, in the order of an order's way."""
        for stage, recent in self._stages.items():
            yield stage, recent.last_minute()

    def _shown(self) -> Iterator[tuple[str, tuple[str, ...], Histogram]]:
        for stage, recent in self._stages.items():
            yield "aeromatch_stage_duration_seconds", (stage,), recent.total()
        routes: dict[tuple[str, str], Histogram] = {}
        for (gateway, route, _), histogram in tuple(self._durations.items()):
            routes.setdefault((gateway, route), new_histogram()).merge(histogram)
        for labels, histogram in routes.items():
            yield "aeromatch_request_duration_seconds", labels, histogram
        for shard, sizes in tuple(self._batch_sizes.items()):
            yield "aeromatch_shard_batch_commands", (str(shard),), sizes

    def _request_counts(self) -> Iterator[tuple[str, tuple[str, ...], float]]:
        for (gateway, route, status), histogram in tuple(self._durations.items()):
            yield "aeromatch_requests_total", (gateway, route, str(status)), histogram.count
