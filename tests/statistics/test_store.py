"""The SQLite file: what it keeps and for how long, what it refuses, and that it is read while it is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.statistics.logs import PERIODS, both, counted_slowly, events_of, read_only_folder, table, write_log

from aeromatch import Exchange, Instrument, commands
from aeromatch.analytics.statistics import MEASURES, Latencies, catch_up
from aeromatch.market.periods import duration_ms, duration_text, periods_of
from aeromatch.market.records import SAMPLE_DTYPE
from aeromatch.stores import SqliteStatistics, StoreError

SECOND_NS = 1_000_000_000


def trade_every_second(directory: Path, seconds: range) -> None:
    """One order a second, and a trade every other."""
    with Exchange.open(directory, durability="os") as exchange:
        if not exchange.sequence:
            exchange.create_instrument(Instrument("X"))
        for second in seconds:
            side = "buy" if second % 2 else "sell"
            exchange.process(
                commands(instrument=1, side=side, quantity_lots=1, price_ticks=[5], timestamp=second * SECOND_NS)
            )


def test_durations() -> None:
    for text, milliseconds in (("500ms", 500), ("1s", 1_000), (" 5 min ", 300_000), ("1m", 60_000), ("2h", 7_200_000)):
        assert duration_ms(text) == milliseconds
    assert duration_ms("1d") == duration_ms(86_400_000) == 86_400_000
    assert [duration_text(it) for it in (1, 1_500, 60_000, 5_400_000, 86_400_000)] == [
        "1ms",
        "1500ms",
        "1min",
        "90min",
        "1d",
    ]
    assert periods_of(["1min", "1s", "60s"]) == (1_000, 60_000)
    for wrong in ("", "s", "1", "1w", "-1s", "0s", 0, "1.5s"):
        with pytest.raises(ValueError, match="duration"):
            duration_ms(wrong)
    aliens: tuple[Any, ...] = (1.5, None, True)
    for alien in aliens:
        with pytest.raises(TypeError, match="duration"):
            duration_ms(alien)
    with pytest.raises(ValueError, match="at least one"):
        periods_of([])
    with pytest.raises(ValueError, match="longer than 366d"):
        periods_of(["367d"])


def test_each_period_is_kept_as_long_as_it_says(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with SqliteStatistics(tmp_path / "s", periods=["1s", "10s"], retention={"1s": "5s"}) as store:
        for end in (4, 20, 31):
            trade_every_second(directory, range(end - 4, end))
            catch_up(directory, store)
            whole, _ = counted_slowly([events_of(directory)], (1_000, 10_000))
            latest = (end - 1) * 1_000
            kept = {key: row for key, row in whole.items() if key[0] == 10_000 or key[1] > latest - 5_000}
            assert table(store, "counts") == kept
        assert len(kept) < len(whole)
        assert store.retention_ms == {1_000: 5_000, 10_000: None}
    # Changed for the next rows; what is not named stays.
    with SqliteStatistics(tmp_path / "s", retention={"10s": "10s"}) as store:
        assert store.retention_ms == {1_000: 5_000, 10_000: 10_000}
        trade_every_second(directory, range(40, 41))
        catch_up(directory, store)
        assert {key[1] for key in table(store, "counts") if key[0] == 10_000} == {40_000}
    with pytest.raises(ValueError, match="1min is not one of the periods"):
        SqliteStatistics(tmp_path / "s", retention={"1min": "1h"})


def test_reasons_go_with_their_periods(tmp_path: Path) -> None:
    write_log(tmp_path / "data", 2, 300)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS, retention={"1s": "3s", "100ms": "1s"}) as store:
        catch_up(tmp_path / "data", store)
        edge = max(start for period, start, _ in table(store, "counts") if period == 1_000) - 3_000
        starts = {start for period, start, *_ in table(store, "reasons") if period == 1_000}
        assert starts
        assert min(starts) > edge


def test_rows_are_read_while_they_are_written(tmp_path: Path) -> None:
    write_log(tmp_path / "data", 2, 200)
    with SqliteStatistics(tmp_path / "s", periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        expected = both(store)
        store._connection.execute("BEGIN IMMEDIATE")
        store._connection.execute("DELETE FROM counts")
        with SqliteStatistics(tmp_path / "s", read_only=True) as reader:
            assert both(reader) == expected
            with pytest.raises(StoreError, match="readonly"):
                reader.add(0, reader.positions()[0], (1, 2, 3, 4), {}, {})
        store._connection.execute("ROLLBACK")


def test_query(tmp_path: Path) -> None:
    trade_every_second(tmp_path / "data", range(10, 20))
    with SqliteStatistics(tmp_path / "s", periods=["1s", "1min"]) as store:
        catch_up(tmp_path / "data", store)
        found = store.query("1s", instrument="X", since_ns=12 * SECOND_NS, until_ns=15 * SECOND_NS)
        assert (found["start_ms"], found["trades"]) == ([12_000, 13_000, 14_000], [0, 1, 0])
        assert found["symbol"] == ["X", "X", "X"]
        assert store.query("1s", instrument=1, since_ns=12 * SECOND_NS + 1)["start_ms"][0] == 13_000
        assert store.query(60_000)["symbol"] == ["*", "X"]
        assert store.query("1s", instrument=0, last=2)["start_ms"] == [18_000, 19_000]
        frame = store.to_pandas("1s", instrument="X", last=1)
        assert [str(frame["start"][0]), int(frame["orders"][0])] == ["1970-01-01 00:00:19+00:00", 1]
        with pytest.raises(ValueError, match="counts by 1s, 1min, not by 1h"):
            store.query("1h")
        with pytest.raises(ValueError, match="none that is called 'Y'"):
            store.query("1s", instrument="Y")
        with pytest.raises(ValueError, match="table must be"):
            store.query("1s", table="positions")


def samples(*rows: dict[str, int]) -> np.ndarray[Any, np.dtype[np.void]]:
    made = np.zeros(len(rows), dtype=SAMPLE_DTYPE)
    for place, row in enumerate(rows):
        for name, value in ({"commands": 1, "timed_place": 1} | row).items():
            made[name][place] = value
    return made


def test_latencies_add_up(tmp_path: Path) -> None:
    with SqliteStatistics(tmp_path / "s", periods=["1s", "1min"], retention={"1s": "10s"}) as store:
        latencies = Latencies(store.periods_ms)
        latencies.record(
            samples(
                {"end_wall_ns": SECOND_NS, "commands": 3, "match_ns": 900, "intake_depth": 7, "sync_ns": 5_000},
                {"end_wall_ns": 2 * SECOND_NS, "match_ns": 100, "shard": 1},
                {"end_wall_ns": 2 * SECOND_NS, "commands": 0, "match_ns": 7, "timed_place": 0},
            )
        )
        latencies.record_lag(SECOND_NS, 0, 9)
        latencies.record_lag(SECOND_NS, 1, 0)
        store.add_latencies(latencies.take())
        store.add_latencies(latencies.take())
        latencies.record(samples({"end_wall_ns": SECOND_NS + 5, "match_ns": 500, "waited_ns": 50}))
        store.add_latencies(latencies.take())
        found = {(it.start_ms, it.measure): it.histogram for it in store.query_latencies("1min", instrument=0)}
        assert {measure for _, measure in found} == set(MEASURES)
        assert found[0, "batch_match_ns"].recorded() == [(100, 1), (500, 1), (900, 1)]
        assert found[0, "sync_ns"].recorded() == [(found[0, "sync_ns"].max, 1)]
        assert found[0, "batch_commands"].recorded() == [(1, 2), (3, 1)]
        assert found[0, "lag_commands"].recorded() == [(0, 1), (9, 1)]
        assert (found[0, "intake_depth"].max, found[0, "wait_ns"].max) == (7, 50)
        of_one = [it.histogram for it in store.query_latencies("1s", shard=1) if it.measure == "batch_match_ns"]
        assert [it.recorded() for it in of_one] == [[(100, 1)]]
        latencies.record(samples({"end_wall_ns": 11 * SECOND_NS}))
        store.add_latencies(latencies.take())
        assert {it.start_ms for it in store.query_latencies("1s")} == {2_000, 11_000}
        store._connection.execute("UPDATE latencies SET histogram = x'00'")
        with pytest.raises(StoreError, match="too short for a histogram"):
            store.query_latencies("1s")


def test_latencies_of_instruments(tmp_path: Path) -> None:
    with SqliteStatistics(tmp_path / "s", periods=["1s"]) as store:
        store.set_instruments({"number": [1, 2], "symbol": ["A", "B"], "tick_size": ["1", "1"], "lot_size": ["1", "1"]})
        latencies = Latencies(store.periods_ms)
        latencies.record(
            samples(
                {"commands": 4, "timed_ns": 200, "timed_instrument": 1, "timed_place": 3},
                {"commands": 1, "timed_ns": 300, "timed_instrument": 1},
                {"commands": 2, "timed_ns": 500, "timed_instrument": 2, "shard": 1},
                {"commands": 1, "timed_ns": 700},
                # Its command was refused for want of room: nothing was timed.
                {"commands": 5, "timed_place": 0},
            )
        )
        store.add_latencies(latencies.take())
        found = {
            (it.instrument, it.symbol): it.histogram.recorded()
            for it in store.query_latencies("1s")
            if it.measure == "match_ns"
        }
        # The timed command stands for all of its batch.
        of_a, of_b = [(200, 4), (300, 1)], [(500, 2)]
        assert found == {(0, "*"): [*of_a, *of_b, (700, 1)], (1, "A"): of_a, (2, "B"): of_b}
        for instrument in ("A", 1):
            (one,) = store.query_latencies("1s", instrument=instrument)
            assert (one.symbol, one.measure, one.histogram.recorded()) == ("A", "match_ns", of_a)
        assert store.query_latencies("1s", instrument="B", shard=0) == []
        with pytest.raises(ValueError, match="none that is called 'C'"):
            store.query_latencies("1s", instrument="C")


def test_files_that_are_something_else_are_refused_by_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    (tmp_path / "text").write_text("no database, but longer than the header of one is " * 3)
    for name, problem in (
        ("other", "not statistics of AeroMatch"),
        ("text", "not a database"),
        ("", r"unable to open|I/O error"),
    ):
        for read_only in (False, True):
            with pytest.raises(StoreError, match=problem) as raised:
                SqliteStatistics(tmp_path / name, read_only=read_only)
            assert str(tmp_path / name) in str(raised.value)
    with sqlite3.connect(tmp_path / "other") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    other.close()
    with pytest.raises(StoreError, match="there are no statistics yet"):
        SqliteStatistics(tmp_path / "nothing", read_only=True)
    assert not (tmp_path / "nothing").exists()


def test_unknown_schemas_and_other_periods_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    SqliteStatistics(path, periods=["1s", "1h"]).close()
    SqliteStatistics(path, periods=["1h", 1_000]).close()
    with pytest.raises(StoreError, match="counts by 1s, 1h, not by 1min: other periods need a file of their own"):
        SqliteStatistics(path, periods=["1min"])
    # 1 had no latencies of instruments.
    for version in (1, 7):
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        with pytest.raises(StoreError, match=f"of schema version {version}; this AeroMatch knows 2"):
            SqliteStatistics(path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write_log(tmp_path / "data", 2, 200)
    with SqliteStatistics(path, periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[4_096:] = b"\xee" * (len(data) - 4_096)
    path.write_bytes(data)

    def use() -> None:
        with SqliteStatistics(path) as store:
            store.query("1s")

    with pytest.raises(StoreError, match=r"malformed|damaged|not a database") as raised:
        use()
    assert str(path) in str(raised.value)


def test_it_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    write_log(tmp_path / "data", 1, 100)
    with SqliteStatistics(folder / "s", periods=PERIODS) as store:
        catch_up(tmp_path / "data", store)
        rows = both(store)
        # Someone is at work: his file of locks is there, and what is only in the log is seen.
        with read_only_folder(folder), SqliteStatistics(folder / "s", read_only=True) as reader:
            assert both(reader) == rows
        halves = [(folder / name).read_bytes() for name in ("s", "s-wal")]
    with read_only_folder(folder):
        with SqliteStatistics(folder / "s", read_only=True) as reader:
            assert both(reader) == rows
        with pytest.raises(StoreError) as caught:
            SqliteStatistics(folder / "s")
        assert caught.value.is_not_writable
        assert [it.name for it in folder.iterdir()] == ["s"]
    # As a killed process leaves it: without its log it would lack rows, and say nothing.
    for name, half in zip(("s", "s-wal"), halves, strict=True):
        (folder / name).write_bytes(half)
    with read_only_folder(folder), pytest.raises(StoreError, match="its latest rows are in s-wal"):
        SqliteStatistics(folder / "s", read_only=True)
    with SqliteStatistics(folder / "s", read_only=True) as reader:
        assert both(reader) == rows


def test_what_is_no_database_is_refused_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "s").write_bytes(b"no database" * 1_000)
    with read_only_folder(tmp_path / "kept"), pytest.raises(StoreError, match="not a database"):
        SqliteStatistics(tmp_path / "kept" / "s", read_only=True)
