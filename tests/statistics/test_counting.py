"""What is counted, against the same counted the slow way; and that neither cuts nor restarts change it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.logs import PERIODS, PERIODS_MS, both, counted_slowly, events_of, send, table, write_log

from aeromatch import EVENT_DTYPE, Exchange, Instrument, JournalError, commands
from aeromatch.analytics.statistics import (
    Counter,
    JournalSource,
    Part,
    Position,
    StatisticsError,
    catch_up,
    tally,
)
from aeromatch.stores import SqliteStatistics

COMMANDS = 400


class Parts:
    """A source of parts that were made before."""

    def __init__(self, parts: list[Part], positions: dict[int, Position]) -> None:
        self.left = [part for part in parts if part.sequence >= positions.get(part.shard, Position()).mark_sequence]

    def read(self, timeout_s: float) -> Part | None:
        """Give the next one."""
        del timeout_s
        return self.left.pop(0) if self.left else None

    def instruments(self) -> list[Instrument]:
        """There are names elsewhere."""
        return []


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_a_slow_recount(tmp_path: Path, seed: int) -> None:
    write_log(tmp_path / "data", seed, COMMANDS)
    records = events_of(tmp_path / "data")
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        assert catch_up(tmp_path / "data", store) == len(records)
        assert both(store) == counted_slowly([records])
        counts, reasons = both(store)
    # The load has some of everything, so that equality says something.
    total = counts[86_400_000, 0, 0]
    assert all(number > 0 for number in total[:6])
    assert {kind for *_, kind, _ in reasons} == {"cancel", "reject"}
    assert len({start for period, start, _ in counts if period == 1_000}) > 10


def test_all_together_is_the_sum_of_each_and_of_what_belongs_to_none(tmp_path: Path) -> None:
    write_log(tmp_path / "data", 3, COMMANDS)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        counts = table(store, "counts")
    for (period, start, instrument), row in counts.items():
        if instrument == 0:
            each = [other for key, other in counts.items() if key[:2] == (period, start) and key[2]]
            commands_, orders, amends, cancels, rejects, trades, volume, *prices = row
            assert [orders, amends, cancels, trades] == [sum(it[place] for it in each) for place in (1, 2, 3, 5)]
            assert int(volume) == sum(int(it[6]) for it in each)
            assert commands_ >= sum(it[0] for it in each)
            assert rejects >= sum(it[4] for it in each)
            assert prices == [None] * 5


def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    price, lots, times = 2**62, 2**48, 40
    with Exchange.open(tmp_path / "data", durability="os") as exchange:
        exchange.create_instrument(Instrument("UP"))
        exchange.create_instrument(Instrument("DOWN"))
        for instrument, level in ((1, price), (2, -price)):
            for side in ("sell", "buy"):
                exchange.process(
                    commands(
                        instrument=np.full(times, instrument),
                        side=side,
                        quantity_lots=lots,
                        price_ticks=level,
                        timestamp=1,
                    )
                )
    with SqliteStatistics(tmp_path / "s", periods=["1s"]) as store:
        catch_up(tmp_path / "data", store)
        found = store.query("1s")
        assert found["symbol"] == ["*", "UP", "DOWN"]
        assert found["volume_lots"] == [2 * times * lots, times * lots, times * lots]
        assert found["notional"] == [None, times * lots * price, -times * lots * price]
        assert (found["high_ticks"], found["low_ticks"]) == ([None, price, -price], [None, price, -price])
        # Again on top of what is there: the file adds them exactly as well.
        records = events_of(tmp_path / "data")
        counted = tally(records, store.periods_ms)
        assert store.add(1, (0, 0, 0, 0), (9, 0, 0, 0), counted.counts, counted.reasons)
        assert store.query("1s", instrument="DOWN")["notional"] == [-2 * times * lots * price]
        assert store.query("1s", instrument=0)["volume_lots"] == [4 * times * lots]


def test_times_far_apart_in_one_batch(tmp_path: Path) -> None:
    last = 2**64 - 1
    with Exchange.open(tmp_path / "data", durability="os") as exchange:
        for place in range(3):
            exchange.create_instrument(Instrument(f"S{place}"))
        exchange.process(
            commands(
                instrument=[1, 2, 3, 2],
                side="buy",
                quantity_lots=1,
                price_ticks=1,
                timestamp=[0, 10**18, last, last - 10**9],
            )
        )
    with SqliteStatistics(tmp_path / "s", periods=["1ms", "1d"], retention={"1d": None}) as store:
        catch_up(tmp_path / "data", store)
        assert both(store) == counted_slowly([events_of(tmp_path / "data")], (1, 86_400_000))


CUTS = st.lists(st.integers(1, COMMANDS), max_size=6, unique=True).map(sorted)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("log") / "data"
    write_log(directory, 11, COMMANDS)
    return directory


@given(cuts=CUTS)
@settings(max_examples=25, deadline=None)
def test_cuts_change_nothing(log: Path, tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    records = events_of(log)
    ends = [*cuts, int(records["sequence"][-1])]
    parts, begin = [], 0
    for end in ends:
        chosen = (records["sequence"] > begin) & (records["sequence"] <= end)
        parts.append(Part(0, records[chosen], end))
        begin = end
    path = tmp_path_factory.mktemp("cut") / "s"
    with SqliteStatistics(path, periods=PERIODS) as store:
        counter = Counter(store, lambda positions: Parts(parts, dict(positions)))
        while (part := counter.source.read(0)) is not None:
            counter.count([part])
        assert both(store) == counted_slowly([records])


def test_a_restart_after_every_command_changes_nothing(tmp_path: Path) -> None:
    directory, seed = tmp_path / "data", 5
    with Exchange.open(directory, durability="os") as exchange:
        for number in range(1, 200):
            send(exchange, seed, number)
            with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
                assert catch_up(directory, store) > 0
                assert catch_up(directory, store) == 0
                assert store.positions()[0][0] == number
    with SqliteStatistics(tmp_path / "s") as store:
        assert both(store) == counted_slowly([events_of(directory)])


def test_what_was_not_committed_is_counted_again(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class GoneError(Exception):
        pass

    def fail(*_: object) -> None:
        raise GoneError

    records = events_of(log)
    for broken in ("_add", "_prune"):
        with SqliteStatistics(tmp_path / broken, periods=PERIODS) as store:
            with monkeypatch.context() as patch:
                patch.setattr(SqliteStatistics, broken, fail)
                with pytest.raises(GoneError):
                    catch_up(log, store)
            assert (store.positions(), both(store)) == ({}, ({}, {}))
            catch_up(log, store)
            assert both(store) == counted_slowly([records])


def test_two_that_count_into_one_file_count_once(tmp_path: Path, log: Path) -> None:
    records = events_of(log)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store, SqliteStatistics(tmp_path / "s") as other:
        counter = Counter(store, lambda positions: JournalSource(log, positions))
        part = counter.source.read(0)
        assert part is not None
        catch_up(log, other)
        assert counter.count([part]) == 0
        while (part := counter.source.read(0)) is not None:
            counter.count([part])
        assert both(store) == counted_slowly([records])


def test_several_shards(tmp_path: Path) -> None:
    path = tmp_path / "data"
    for shard in range(3):
        write_log(path / f"shard-{shard:03}", shard, 120 + 40 * shard)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(path, store)
        write_log(path / "shard-001", 1, 300)
        catch_up(path, store)
        assert [store.positions()[shard][0] for shard in range(3)] == [120, 300, 200]
        counts, reasons = both(store)
        expected = counted_slowly(events_of(path / f"shard-{shard:03}") for shard in range(3))
        # The same instrument on several shards is none: what these have in common is the order of their commands only.
        sums = [{key: row[:7] for key, row in rows.items()} for rows in (counts, expected[0])]
        assert (sums[0], reasons) == (sums[1], expected[1])
    (path / "shard-002").rename(tmp_path / "elsewhere")
    with SqliteStatistics(tmp_path / "s") as store, pytest.raises(StatisticsError, match="shard 2"):
        catch_up(path, store)


def sharded_log(directory: Path) -> set[str]:
    """Five instruments on three shards; gives their names. What made them is told in the log of shard 0 only."""
    with Exchange.open(directory, durability="os", shards=3) as exchange:
        for symbol in ("A", "B", "C", "D", "E"):
            exchange.create_instrument(Instrument(symbol))
            exchange.submit(symbol, "buy", quantity=1, price=1)
        return {it.symbol for it in exchange.instruments()}


def names(store: SqliteStatistics) -> set[str]:
    return {symbol for symbol, _, _ in store.instruments().values()}


def test_names_are_kept_whichever_shard_is_counted_first(tmp_path: Path) -> None:
    symbols = sharded_log(tmp_path / "data")
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        assert names(store) == symbols
        assert set(store.query("1d")["symbol"]) == {*symbols, "*"}


@pytest.mark.parametrize("is_restarted", [False, True])
def test_names_are_kept_though_parts_are_counted_one_by_one(tmp_path: Path, is_restarted: bool) -> None:
    symbols = sharded_log(tmp_path / "data")
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        counter = Counter(store, partial(JournalSource, tmp_path / "data"))
        for _ in range(3):
            part = counter.source.read(0)
            assert part is not None
            counter.count([part])
            assert names(store) == {it.symbol for it in counter.source.instruments()}
            if is_restarted:
                counter = Counter(store, partial(JournalSource, tmp_path / "data"))
        catch_up(tmp_path / "data", store)
        assert names(store) == symbols


def test_commands_answered_on_another_shard_have_the_last_time_of_this_one() -> None:
    records = np.zeros(4, dtype=EVENT_DTYPE)
    records["kind"] = (1, 8, 8, 1)
    records["index"] = (0, 0, 1, 0)
    records["sequence"] = (4, 5, 5, 6)
    records["side"] = 255
    records["instrument"] = 1
    records["reason"] = (0, 2, 2, 0)
    records["other"] = (3_000_000, 0, 0, 9_000_000)
    found = tally(records, [1])
    cancels = dict(zip(found.counts["start_ms"], found.counts["cancels"], strict=True))
    assert (cancels[3], cancels[9], found.time_ns) == (2, 0, 9_000_000)
    later = tally(records[1:3], [1], time_ns=8_000_000)
    assert (later.counts["start_ms"], later.time_ns) == ([8, 8], 8_000_000)
    assert tally(records[:0], [1], time_ns=5).time_ns == 5


def test_statistics_of_another_log_are_found_out(tmp_path: Path) -> None:
    write_log(tmp_path / "data", 1, 100)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        write_log(tmp_path / "other", 2, 150)
        with pytest.raises(StatisticsError, match="command 100 had other events when it was counted"):
            catch_up(tmp_path / "other", store)
        write_log(tmp_path / "short", 1, 60)
        with pytest.raises(StatisticsError, match="ends after command 60, the statistics count up to 100"):
            catch_up(tmp_path / "short", store)
        (tmp_path / "empty").mkdir()
        with pytest.raises(JournalError, match="there is no journal"):
            catch_up(tmp_path / "empty", store)
        assert both(store) == counted_slowly([events_of(tmp_path / "data")])


def test_a_journal_that_begins_behind_the_statistics_is_a_gap(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    small = {"segment_bytes": 16_384, "keep_snapshots": 1, "retain_bytes": 0, "snapshot_interval_s": 0}
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        with Exchange.open(directory, durability="os", **small) as exchange:
            send(exchange, 1, 100)
            catch_up(directory, store)
            send(exchange, 1, 400)
            exchange.compact()
            send(exchange, 1, 500)
        with pytest.raises(StatisticsError, match="was removed and cannot be counted any more"):
            catch_up(directory, store)
        assert store.positions()[0][0] == 100
    # New statistics begin where the journal does.
    with SqliteStatistics(tmp_path / "new", periods=PERIODS) as store:
        records = events_of(directory)
        assert catch_up(directory, store) == len(records) > 0
        assert int(records["sequence"][0]) == 401
        assert both(store) == counted_slowly([records])


def test_periods_of_the_store_are_those_of_the_rows(log: Path, tmp_path: Path) -> None:
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(log, store)
        assert {period for period, _, _ in table(store, "counts")} == set(PERIODS_MS)
