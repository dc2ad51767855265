"""The server's eyes on itself: keeps the registry, takes the shards' samples, and answers GET /stats."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import platform
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from aeromatch import AeroMatchError
from aeromatch.gateways.services import State
from aeromatch.schema.market import LatencyStats, ShardStats, Stats
from aeromatch.server.observe.directory import DataDirectory
from aeromatch.server.observe.latencies import KeptLatencies, LatencyStore
from aeromatch.server.observe.market import MarketCounts
from aeromatch.server.observe.process import GcPauses, process_samples, resident_bytes
from aeromatch.server.observe.registry import Recent, Registry
from aeromatch.server.observe.stages import StageRecorder

if TYPE_CHECKING:
    from aeromatch import AsyncExchange, ShardCounters
    from aeromatch._core import Histogram
    from aeromatch.server.observe.registry import Sample

__all__ = ["Observer", "Watched"]

log = logging.getLogger("aeromatch.observe")

TICK_S: Final = 0.5
"""How often samples are taken: a shard's store of 65,536 holds what 130,000 batches a second bring."""
TURN_TICKS: Final = 20
WRITE_TICKS: Final = 2
RATE_TICKS: Final = 10
"""Rates are of so many ticks: the last five seconds."""
NS_PER_US: Final = 1e3


def _none() -> int:
    return 0


@dataclass(slots=True)
class Watched:
    """What the observer asks other parts for, each when somebody looks.

    Attributes:
        http_connections: Connections that are open.
        state: The server's state.
        feed_sequences: How far the feed has read each shard; None: there is no feed.
        store_sequences: How far the stored views have each shard; None: nothing is stored.
    """

    http_connections: Callable[[], int] = _none
    state: Callable[[], State] = lambda: "ready"
    feed_sequences: Callable[[], Sequence[int]] | None = None
    store_sequences: Callable[[], Sequence[int]] | None = None


class _Moment(NamedTuple):
    """What was counted by a moment, for rates."""

    at_s: float
    orders: int
    events: int
    trades: int


class Observer:
    """Everything that /metrics and GET /stats show.

    Made in the exchange's event loop. `stages` goes to the gateways, `market` to the feed; `start` begins to take
    samples, `stop` ends that and must come before the exchange is closed.

    Args:
        exchange: With `Shards(samples=...)`: without samples the shards' stages stay empty.
        directory: The exchange's directory; None: in memory.
        version: Of the server.
        started_at: When it started, nanoseconds since 1970.
    """

    def __init__(
        self, exchange: AsyncExchange, *, directory: Path | None = None, version: str = "", started_at: int = 0
    ) -> None:
        self._exchange = exchange
        self._version = version
        self._started_at = started_at or time.time_ns()
        self.directory = DataDirectory(directory)
        self.registry = Registry()
        self.stages = StageRecorder(self.registry)
        self.market = MarketCounts()
        self.watched = Watched()
        self._delays = Recent()
        self._pauses = GcPauses()
        self._moments: deque[_Moment] = deque(maxlen=RATE_TICKS + 1)
        self.memory_bytes = 0
        """Of the exchange's books and tables, at most ten seconds ago."""
        self._kept: KeptLatencies | None = None
        self._task: asyncio.Task[None] | None = None
        for source in (self.market.samples, self.directory.samples, process_samples, self._samples):
            self.registry.ask(source)
        self.registry.ask_histograms(self._pauses.histograms)
        self.registry.ask_histograms(self._delay_histogram)

    def start(self) -> None:
        """Begins to take samples, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="observe")

    async def stop(self) -> None:
        """Takes the last samples and ends; a second time does nothing."""
        self._pauses.close()
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        self.take()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        ticks = 0
        await self.look_at_memory()
        while True:
            self.take()
            ticks += 1
            if ticks % WRITE_TICKS == 0:
                await self._write_latencies()
            if ticks % TURN_TICKS == 0:
                self.stages.turn()
                self._delays.turn()
                await self.look_at_memory()
            # From the last wake, not from a grid: after a pause nothing is made up for.
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self._delays.record(max(0, int((loop.time() - due) * 1e9)))

    def keep_latencies(self, store: LatencyStore) -> None:
        """Also writes the shards' latencies by period to a store, until `release_latencies`."""
        self._kept = KeptLatencies(store)

    async def release_latencies(self) -> None:
        """Writes what is left; the store may be closed then."""
        self.take()
        await self._write_latencies()
        self._kept = None

    async def _write_latencies(self) -> None:
        if self._kept is None:
            return
        try:
            await self._kept.write()
        except AeroMatchError:
            # Nobody's orders depend on it: the server goes on.
            log.exception("latencies are not kept any more")
            self._kept = None

    async def look_at_memory(self) -> None:
        """Asks the shards for their memory in a thread: they answer between two batches, for which no loop can wait."""
        exchange = self._exchange
        with contextlib.suppress(AeroMatchError):
            self.memory_bytes = await exchange._turn(lambda: exchange._exchange.memory_bytes)

    def take(self) -> None:
        """Takes the shards' samples and notes the counters for rates; the timer calls it."""
        try:
            samples = self._exchange._samples()
            counters = self._exchange.counters()
        except AeroMatchError:
            return  # It was closed: there is nothing more to come.
        self.stages.record_samples(samples)
        if self._kept is not None:
            self._kept.record(samples)
        self._moments.append(self._moment(counters))

    def _moment(self, counters: Sequence[ShardCounters]) -> _Moment:
        orders = self.market.accepted + self.market.rejected
        return _Moment(time.monotonic(), orders, sum(it.events for it in counters), self.market.trades)

    def stats(self) -> Stats:
        """What GET /stats answers: rates over the last five seconds, percentiles of the last minute."""
        counters = self._exchange.counters()
        now = self._moment(counters)
        before = self._moments[0] if self._moments else now
        elapsed_s = max(now.at_s - before.at_s, TICK_S)
        return Stats(
            version=self._version,
            started_at=self._started_at,
            now=time.time_ns(),
            durability=self._exchange.durability,
            orders_per_second=round((now.orders - before.orders) / elapsed_s, 1),
            events_per_second=round((now.events - before.events) / elapsed_s, 1),
            trades_per_second=round((now.trades - before.trades) / elapsed_s, 1),
            http_connections=self.watched.http_connections(),
            websocket_connections=int(self.registry.value("aeromatch_gateway_connections", "websocket")),
            subscriptions=int(self.registry.value("aeromatch_stream_subscriptions")),
            memory_bytes=resident_bytes(),
            journal_bytes=self.directory.journal_bytes,
            shards=[_shard_stats(it) for it in counters],
            latencies=[_latency_stats(stage, it) for stage, it in self.stages.last_minute() if it.count],
        )

    def _delay_histogram(self) -> Iterator[tuple[str, tuple[str, ...], Histogram]]:
        yield "aeromatch_event_loop_delay_seconds", (), self._delays.total()

    def _samples(self) -> Iterator[Sample]:
        """The metrics of shards, lags and the server."""
        yield "aeromatch_build_info", (self._version, platform.python_version()), 1
        state = self.watched.state()
        for each in get_args(State):
            yield "aeromatch_state", (each,), int(each == state)
        yield "aeromatch_http_connections", (), self.watched.http_connections()
        try:
            counters = self._exchange.counters()
            yield "aeromatch_exchange_memory_bytes", (), self.memory_bytes
            for shard, recovery in enumerate(self._exchange.recoveries or ()):
                yield "aeromatch_recovery_replayed_commands", (str(shard),), recovery.commands_replayed
                yield "aeromatch_recovery_cut_bytes", (str(shard),), recovery.bytes_cut
        except AeroMatchError:
            return
        for it in counters:
            yield from _shard_samples(it)
        yield from self._lags([it.sequence for it in counters])

    def _lags(self, sequences: Sequence[int]) -> Iterator[Sample]:
        for name, ask in (
            ("aeromatch_feed_lag_commands", self.watched.feed_sequences),
            ("aeromatch_store_lag_commands", self.watched.store_sequences),
        ):
            if ask is None:
                continue
            for shard, (sequence, reached) in enumerate(zip(sequences, ask(), strict=False)):
                # The shard's number was read first: the reader may have come further since.
                yield name, (str(shard),), max(sequence - reached, 0)


def _shard_stats(it: ShardCounters) -> ShardStats:
    return ShardStats(
        shard=it.shard,
        commands=it.commands,
        batches=it.batches,
        events=it.events,
        refused=it.refused,
        intake_depth=it.intake_depth,
        sequence=it.sequence,
        durable_sequence=it.durable_sequence,
    )


def _shard_samples(it: ShardCounters) -> Iterator[Sample]:
    labels = (str(it.shard),)
    yield "aeromatch_shard_commands_total", labels, it.commands
    yield "aeromatch_shard_batches_total", labels, it.batches
    yield "aeromatch_shard_events_total", labels, it.events
    yield "aeromatch_shard_refused_total", labels, it.refused
    yield "aeromatch_shard_intake_depth", labels, it.intake_depth
    yield "aeromatch_shard_sequence", labels, it.sequence
    yield "aeromatch_shard_durable_sequence", labels, it.durable_sequence
    yield "aeromatch_shard_samples_dropped_total", labels, it.samples_dropped


def _latency_stats(stage: str, it: Histogram) -> LatencyStats:
    p50, p90, p99, p999 = (it.percentile(percent) / NS_PER_US for percent in (50, 90, 99, 99.9))
    return LatencyStats(
        stage=stage, count=it.count, p50_us=p50, p90_us=p90, p99_us=p99, p999_us=p999, max_us=it.max / NS_PER_US
    )
