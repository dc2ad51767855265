"""`aeromatch stats`: what it prints, as text and JSON, what it exports, and how it ends."""

from __future__ import annotations

import csv
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.statistics.logs import read_only_folder
from tests.statistics.test_store import samples

from aeromatch import Exchange, Instrument, JournalError
from aeromatch.analytics.statistics import Latencies
from aeromatch.cli.main import cli
from aeromatch.stores import SqliteStatistics, StoreError

NANOSECONDS = 1_000_000_000
NOON = 1_767_614_400 * NANOSECONDS
"""2026-01-05, 12:00 UTC."""


def trade(exchange: Exchange, minute: int) -> None:
    """A trade of 0.5 at 100, and an order that is refused."""
    at = NOON + minute * 60 * NANOSECONDS
    exchange.submit("BTC-USD", "sell", quantity="2", price="100", account="alice", timestamp=at)
    exchange.submit("BTC-USD", "buy", quantity="0.5", price="100.25", account="bob", timestamp=at + NANOSECONDS)
    exchange.submit("BTC-USD", "buy", quantity="1", price="0.001", account="bob")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    with Exchange.open(path, durability="os") as exchange:
        exchange.create_instrument(Instrument("BTC-USD", tick_size="0.01", lot_size="0.001"))
        exchange.create_instrument(Instrument("QUIET"))
        exchange.create_account("alice")
        exchange.create_account("bob")
        trade(exchange, 0)
        trade(exchange, 2)
    return path


def attempt(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["stats", *map(str, arguments)])


def run(*arguments: object) -> str:
    result = CliRunner().invoke(cli, ["stats", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_update_counts_once(directory: Path) -> None:
    assert f"{directory / 'statistics.sqlite'}: 16 events counted" in run("update", directory)
    found = run_json("update", directory)
    assert found == {
        "file": str(directory / "statistics.sqlite"),
        "events": 0,
        "sequences": {"0": 10},
        "periods": {"1s": "1d", "1min": "30d", "1h": "366d", "1d": None},
    }
    # The file stands beside the journal, which does not mind.
    with Exchange.open(directory, durability="os") as exchange:
        trade(exchange, 3)
    assert run_json("update", directory)["events"] == 4


def test_update_with_periods_of_its_own(directory: Path, tmp_path: Path) -> None:
    store = tmp_path / "own.sqlite"
    chosen = ("update", directory, "--store", store, "--period", "5s", "--period", "1h", "--retain", "5s=10min")
    assert run_json(*chosen)["periods"] == {"5s": "10min", "1h": "366d"}
    assert "by 5s, kept for ever" in run("update", directory, "--store", store, "--retain", "5s=all")
    assert not (directory / "statistics.sqlite").exists()
    assert len(run_json("show", directory, "--store", store, "--period", "5s")["rows"]) == 2
    for wrong, problem in (
        (("--retain", "5s"), "'5s' is not PERIOD=SPAN"),
        (("--retain", "1min=1d"), "1min is not one of the periods"),
        (("--period", "often"), "'often' is no duration"),
    ):
        result = attempt("update", directory, "--store", store, *wrong)
        assert result.exit_code == 2
        assert problem in result.stderr
    result = attempt("update", directory, "--store", store, "--period", "1d")
    assert isinstance(result.exception, StoreError)
    assert "counts by 5s, 1h, not by 1d" in str(result.exception)


def test_show(directory: Path) -> None:
    lines = run("show", directory, "--instrument", "BTC-USD").splitlines()
    assert lines[0].split() == [f"{directory}:", "counts", "by", "1min"]
    assert lines[1].split()[:3] == ["from", "symbol", "commands"]
    assert [line.split() for line in lines[2:]] == [
        [f"2026-01-05T12:0{minute}Z", "BTC-USD", "3", "2", "0", "0", "1", "1", "0.500", "50.00000"] + ["100.00"] * 4
        for minute in (0, 2)
    ]
    together = run("show", directory, "--period", "1h", "--since", "2026-01-05").splitlines()[2:]
    assert [line.split() for line in together] == [
        ["2026-01-05T12:00Z", "*", "6", "4", "0", "0", "2", "2", "1,000", "-", "-", "-", "-", "-"]
    ]
    each = run_json("show", directory, "--each", "--period", "1d", "--since", "2026-01-05")
    assert [row["symbol"] for row in each["rows"]] == ["*", "BTC-USD"]
    assert (each["period"], each["rows"][1]["turnover"], each["rows"][1]["low"]) == ("1d", "100.00000", "100.00")
    assert [row["start_ms"] for row in run_json("show", directory, "--last", 1)["rows"]] == [NOON // 10**6 + 120_000]
    before = run_json("show", directory, "--until", NOON + 60 * NANOSECONDS, "--since", NOON)
    assert len(before["rows"]) == 1


def test_show_counts_what_has_come(directory: Path) -> None:
    assert len(run_json("show", directory, "--since", "2026-01-05")["rows"]) == 2
    with Exchange.open(directory, durability="os") as exchange:
        trade(exchange, 4)
        assert len(run_json("show", directory, "--no-update", "--since", "2026-01-05")["rows"]) == 2
        assert len(run_json("show", directory, "--since", "2026-01-05")["rows"]) == 3


def test_show_reasons(directory: Path) -> None:
    text = run("show", directory, "--table", "reasons", "--period", "1h", "--each")
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["2026-01-05T12:00Z", symbol, "reject", "invalid_price", "2"] for symbol in ("*", "BTC-USD")
    ]


def test_show_latencies(directory: Path) -> None:
    assert "latencies by 1min: nothing was counted there" in run("show", directory, "--table", "latencies")
    with SqliteStatistics(directory / "statistics.sqlite") as store:
        for shard, timed_ns in ((0, 200), (1, 900)):
            latencies = Latencies(store.periods_ms)
            sample = {"end_wall_ns": NOON, "timed_ns": timed_ns, "timed_instrument": 1 + shard, "shard": shard}
            latencies.record(samples(sample))
            store.add_latencies(latencies.take())

    def match(*arguments: object) -> list[dict[str, Any]]:
        rows = run_json("show", directory, "--table", "latencies", *arguments)["rows"]
        return [row for row in rows if row["measure"] == "match_ns"]

    (all_,) = match()
    assert (all_["count"], all_["min"], all_["p50"], all_["max"], all_["mean"]) == (2, 200, 200, 900, 550.0)
    (of_shard,) = match("--shard", 1)
    assert (of_shard["count"], of_shard["max"]) == (1, 900)
    (of_one,) = match("--instrument", "BTC-USD")
    assert (of_one["symbol"], of_one["count"], of_one["max"]) == ("BTC-USD", 1, 200)
    assert [(row["symbol"], row["max"]) for row in match("--each")] == [("*", 900), ("BTC-USD", 200), ("QUIET", 900)]
    assert len(match("--instrument", "QUIET", "--instrument", "BTC-USD")) == 2
    assert "550.0" in run("show", directory, "--table", "latencies")


def test_export(directory: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    folder = tmp_path / "tables"
    chosen = (folder, "--each", "--period", "1h", "--since", "2026-01-05")
    written = run_json("export", directory, *chosen)
    assert written["rows"] == {"counts.parquet": 2, "reasons.parquet": 2, "latencies.parquet": 0}
    table = pq.read_table(folder / "counts.parquet").to_pylist()
    assert [(row["symbol"], row["volume_lots"], row["notional"], row["last_ticks"]) for row in table] == [
        ("*", "1000", None, None),
        ("BTC-USD", "1000", "10000000", 10_000),
    ]
    run("export", directory, *chosen, "--format", "csv")
    with (folder / "counts.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["symbol"], row["orders"], row["notional"]) for row in rows] == [
        ("*", "4", ""),
        ("BTC-USD", "4", "10000000"),
    ]
    run("export", directory, *chosen, "--format", "jsonl")
    lines = [json.loads(line) for line in (folder / "reasons.jsonl").read_text().splitlines()]
    assert [(line["symbol"], line["kind"], line["reason"], line["count"]) for line in lines] == [
        ("*", "reject", "invalid_price", 2),
        ("BTC-USD", "reject", "invalid_price", 2),
    ]


def test_misuse_names_what_is_wrong(directory: Path, tmp_path: Path) -> None:
    run("update", directory)
    for wrong, problem in (
        (("--period", "2h"), "counts by 1s, 1min, 1h, 1d, not by 2h"),
        (("--instrument", "ETH-USD"), "has none that is called 'ETH-USD'"),
        (("--instrument", "QUIET", "--each"), "--instrument and --each: one of them"),
        (("--since", "yesterday"), "neither nanoseconds nor a date"),
        (("--follow",), "--follow needs a terminal"),
        (("--shard", "0"), "--shard chooses latencies: it goes with --table latencies"),
        (("--shard", "0", "--table", "reasons"), "--shard chooses latencies"),
    ):
        result = attempt("show", directory, *wrong)
        assert result.exit_code == 2, wrong
        assert problem in result.stderr
    assert attempt("export", directory, tmp_path / "tables", "--period", "2h").exit_code == 2
    assert not (tmp_path / "tables").exists()


def test_where_there_is_no_journal_nothing_is_made(tmp_path: Path) -> None:
    for command in ("show", "update"):
        result = attempt(command, tmp_path)
        assert isinstance(result.exception, JournalError)
        assert "there is no journal" in str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_without_update_nothing_is_made(directory: Path) -> None:
    result = attempt("show", directory, "--no-update")
    assert isinstance(result.exception, StoreError)
    assert "there are no statistics yet" in str(result.exception)
    assert not (directory / "statistics.sqlite").exists()


def test_a_folder_that_cannot_be_written_is_shown_and_exported(directory: Path, tmp_path: Path) -> None:
    with read_only_folder(directory):
        missing = attempt("show", directory)
    assert isinstance(missing.exception, StoreError)
    assert "--store FILE" in str(missing.exception)
    run("update", directory)
    shown = ("show", directory, "--no-update", "--each", "--period", "1d")
    rows = run_json(*shown)["rows"]
    # Others may write there.
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with read_only_folder(directory):
        assert run_json(*shown)["rows"] == rows
        run("export", directory, tmp_path / "open" / "tables", "--no-update", "--format", "csv")
        for command in ("show", "update"):
            result = attempt(command, directory)
            assert isinstance(result.exception, StoreError)
            assert "; --store FILE counts into another file" in str(result.exception)
        run("update", directory, "--store", tmp_path / "open" / "s")
    assert (tmp_path / "open" / "tables" / "counts.csv").exists()


def test_follow_shows_what_comes(directory: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "aeromatch", "stats", "show", str(directory), "--period", "1h", "--follow"]
    process = subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "160", "TERM": "xterm"}
    )
    os.close(theirs)
    try:
        assert " 1,000 " in _screen(ours, " 1,000 ")
        with Exchange.open(directory, durability="os") as exchange:
            trade(exchange, 5)
        assert " 1,500 " in _screen(ours, " 1,500 ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"\ninterrupted\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _screen(descriptor: int, wanted: str) -> str:
    """What comes on a terminal until the wanted text is there."""
    text, until = "", time.monotonic() + 60
    while wanted not in text and time.monotonic() < until:
        if select.select([descriptor], [], [], 1)[0]:
            text += os.read(descriptor, 65_536).decode(errors="replace")
    return text
