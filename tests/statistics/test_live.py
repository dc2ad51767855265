"""Counting beside shards at work, with a journal and in memory: the log as it is recounted, and what shards measure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.sharded import setup, venue
from tests.statistics.logs import PERIODS, both, counted_slowly, events_of_shards, send_to_shards, table

from aeromatch import AsyncExchange, Exchange, Instrument, Shards
from aeromatch.analytics.statistics import Position, Recorder, StatisticsError, StreamSource
from aeromatch.stores import SqliteStatistics

SEED = 4
ROUNDS = 12
SAMPLES = 1 << 16
SMALL = 64
"""Events that a small ring keeps: fewer than a round brings to each shard."""


def events_in_memory(exchange: Exchange, begins: tuple[int, ...] | None = None) -> list[NDArray[np.void]]:
    """All events of each shard that its stream still has."""
    stream = exchange.stream(begins or 0)
    parts: list[list[NDArray[np.void]]] = [[] for _ in stream.position]
    before = stream.position
    while (events := stream.read(timeout_s=0)) is not None:
        (shard,) = (shard for shard, place in enumerate(stream.position) if place != before[shard])
        parts[shard].append(events.to_numpy())
        before = stream.position
    stream.close()
    return [np.concatenate(each) for each in parts]


def sequences_of(store: SqliteStatistics) -> tuple[int, ...]:
    return tuple(position[0] for _, position in sorted(store.positions().items()))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as opened:
        yield opened


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_it_counts_beside_shards_with_a_journal(tmp_path: Path, store: SqliteStatistics, shards: int) -> None:
    directory = tmp_path / "data"
    with Exchange.open(directory, durability="os", shards=shards) as exchange, Recorder(exchange, store) as recorder:
        for command in setup():
            command(exchange)
        for round_ in range(ROUNDS):
            send_to_shards(exchange, SEED, [round_])
            recorder.flush()
            assert sequences_of(store) == exchange.sequences
        assert both(store) == counted_slowly(events_of_shards(directory))
        assert {symbol for symbol, _, _ in store.instruments().values()} == {it.symbol for it in exchange.instruments()}
    # Both go on where they ended.
    with Exchange.open(directory, durability="os") as exchange:
        with Recorder(exchange, store):
            send_to_shards(exchange, SEED, range(ROUNDS, 2 * ROUNDS))
        assert sequences_of(store) == exchange.sequences
    counts, reasons = counted_slowly(events_of_shards(directory))
    assert both(store) == (counts, reasons)
    assert len({start for period, start, _ in counts if period == 1_000}) > 5
    assert {kind for *_, kind, _ in reasons} == {"cancel", "reject"}


def test_an_exchange_without_shards_is_counted_by_its_journal(tmp_path: Path, store: SqliteStatistics) -> None:
    with Exchange.open(tmp_path / "data", durability="os") as exchange:
        with Recorder(exchange, store):
            for command in setup():
                command(exchange)
            send_to_shards(exchange, SEED, range(ROUNDS))
        assert sequences_of(store) == exchange.sequences
        assert both(store) == counted_slowly(events_of_shards(tmp_path / "data"))
        assert store.query_latencies("1d") == []


@pytest.mark.parametrize("shards", [1, 2])
def test_it_counts_beside_shards_in_memory(store: SqliteStatistics, shards: int) -> None:
    with Exchange(shards=shards) as exchange:
        for rounds in (range(ROUNDS), range(ROUNDS, 2 * ROUNDS)):
            with Recorder(exchange, store, interval_s=0.01) as recorder:
                if not rounds.start:
                    for command in setup():
                        command(exchange)
                for round_ in rounds:
                    send_to_shards(exchange, SEED, [round_])
                recorder.flush()
                assert both(store) == counted_slowly(events_in_memory(exchange))
        names = {symbol for symbol, _, _ in store.instruments().values()}
        assert names == {it.symbol for it in exchange.instruments()}


def test_what_an_exchange_has_done_before_it_was_closed_is_counted_after(store: SqliteStatistics) -> None:
    exchange = venue(shards=Shards(2, samples=SAMPLES))
    recorder = Recorder(exchange, store, interval_s=3_600)
    send_to_shards(exchange, SEED, range(ROUNDS))
    expected = counted_slowly(events_in_memory(exchange))
    commands = sum(it.commands for it in exchange.counters())
    exchange.close()
    recorder.close()
    assert both(store) == expected
    # The shards have ended: there is no sample that is still to come.
    counts = {it.measure: it.histogram.count for it in store.query_latencies("1d", instrument=0)}
    assert counts["match_ns"] == commands


def test_an_async_exchange_is_counted(tmp_path: Path, store: SqliteStatistics) -> None:
    async def trade() -> tuple[int, ...]:
        async with AsyncExchange.open(tmp_path / "data", durability="os", shards=2) as exchange:
            recorder = Recorder(exchange, store)
            await exchange.create_instrument(Instrument("A"))
            await exchange.create_instrument(Instrument("B"))
            for price in range(1, 50):
                await asyncio.gather(
                    exchange.submit("A", "buy", quantity=2, price=price, timestamp=price * 10**8),
                    exchange.submit("B", "sell", quantity=2, price=price),
                    exchange.submit("A", "sell", quantity=1, price=price),
                )
            await asyncio.to_thread(recorder.close)
            return exchange.sequences

    assert asyncio.run(trade()) == sequences_of(store)
    assert both(store) == counted_slowly(events_of_shards(tmp_path / "data"))
    assert store.query("1d", instrument="A")["trades"] == [49]


def test_each_batch_has_one_timed_command(store: SqliteStatistics) -> None:
    exchange = venue(shards=Shards(2, samples=SAMPLES))
    recorder = Recorder(exchange, store, interval_s=0.01)
    send_to_shards(exchange, SEED, range(ROUNDS))
    recorder.flush()
    counters = exchange.counters()
    exchange.close()
    recorder.close()
    found = {(it.instrument, it.measure): it.histogram for it in store.query_latencies("1d")}
    batches, commands = (sum(getattr(it, name) for it in counters) for name in ("batches", "commands"))
    assert sum(it.samples_dropped for it in counters) == 0
    per_batch = ("batch_commands", "batch_match_ns", "intake_depth", "journal_ns", "publish_ns", "wait_ns")
    assert {found[0, measure].count for measure in per_batch} == {batches}
    # The timed command of a batch stands for all of it.
    assert found[0, "match_ns"].count == commands == sum(size * count for size, count in _sizes(found))
    of_each = {instrument: it for (instrument, _), it in found.items() if instrument}
    assert {measure for instrument, measure in found if instrument} == {"match_ns"}
    assert 0 < sum(it.count for it in of_each.values()) < commands
    assert of_each.keys() <= store.instruments().keys()
    for shard, counted in enumerate(counters):
        of_shard = {it.measure: it.histogram for it in store.query_latencies("1d", instrument=0, shard=shard)}
        assert (of_shard["batch_commands"].count, of_shard["match_ns"].count) == (counted.batches, counted.commands)
        assert of_shard["lag_commands"].count > 0


def _sizes(found: dict[tuple[int, str], Any]) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = found[0, "batch_commands"].recorded()
    return sizes


def test_retention_beside_shards(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with (
        SqliteStatistics(tmp_path / "s", periods=["100ms", "1d"], retention={"100ms": "2s"}) as store,
        Exchange.open(directory, durability="os", shards=Shards(2, samples=SAMPLES)) as exchange,
        Recorder(exchange, store, interval_s=0.01) as recorder,
    ):
        for command in setup():
            command(exchange)
        for round_ in range(3 * ROUNDS):
            send_to_shards(exchange, SEED, [round_])
        recorder.flush()
        counts, reasons = counted_slowly(events_of_shards(directory), (100, 86_400_000))
        edge = max(start for period, start, _ in counts if period == 100) - 2_000
        for name, rows in (("counts", counts), ("reasons", reasons)):
            kept = {key: row for key, row in rows.items() if key[0] == 86_400_000 or key[1] > edge}
            assert table(store, name) == kept
            assert len(kept) < len(rows)


def test_what_a_stream_has_overwritten_is_an_error(store: SqliteStatistics) -> None:
    exchange = venue(shards=Shards(2, stream_events=SMALL))
    source = StreamSource(exchange.port())
    send_to_shards(exchange, SEED, range(5))
    with pytest.raises(StatisticsError, match=r"shard [01]: the events of commands [\d,]+ to [\d,]+ were overwritten"):
        source.read(0)
    with Recorder(exchange, store) as recorder:
        recorder.flush()
    counted, rows = sequences_of(store), both(store)
    send_to_shards(exchange, SEED, range(5, 10))
    with pytest.raises(StatisticsError, match=f"the events of commands {counted[0] + 1} to"):
        Recorder(exchange, store)
    assert (sequences_of(store), both(store)) == (counted, rows)


def test_statistics_that_come_late_to_an_exchange_in_memory_begin_with_what_comes(store: SqliteStatistics) -> None:
    exchange = venue(shards=Shards(2, stream_events=SMALL))
    send_to_shards(exchange, SEED, range(5))
    begins = exchange.sequences
    with Recorder(exchange, store):
        exchange.submit("P0", "buy", quantity=1, price=90)
        exchange.submit("P1", "buy", quantity=1, price=90)
    assert sequences_of(store) == tuple(begin + 1 for begin in begins)
    later = events_in_memory(exchange, tuple(begin + 1 for begin in begins))
    assert both(store)[0].keys() == counted_slowly(later)[0].keys()
    assert store.query("1d", instrument="P0")["orders"] == [1]


def test_statistics_of_another_exchange_in_memory_are_found_out(store: SqliteStatistics) -> None:
    with venue(shards=2) as exchange, Recorder(exchange, store):
        send_to_shards(exchange, SEED, [0])
    with venue(shards=2) as shorter, pytest.raises(StatisticsError, match="they are not of this exchange"):
        Recorder(shorter, store)
    with venue(shards=2) as other:
        send_to_shards(other, SEED + 1, range(2))
        recorder = Recorder(other, store)
        with pytest.raises(StatisticsError, match="are not of this log"):
            recorder.flush()
    with venue(shards=1) as fewer:
        send_to_shards(fewer, SEED, range(2))
        with pytest.raises(StatisticsError, match="shard 1"):
            StreamSource(fewer.port(), {1: Position(5)})


def test_what_cannot_be_counted_is_refused(store: SqliteStatistics) -> None:
    with Exchange() as exchange, pytest.raises(ValueError, match="needs a journal"):
        Recorder(exchange, store)
    nothing: Any = 7
    with pytest.raises(TypeError, match="not int"):
        Recorder(nothing, store)
