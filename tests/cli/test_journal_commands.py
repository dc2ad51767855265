"""`aeromatch journal`: what it prints, as text and JSON, and how it ends."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aeromatch import Exchange, Instrument
from aeromatch.cli.main import cli

NANOSECONDS = 1_000_000_000
NOON = 1_767_614_400 * NANOSECONDS
"""2026-01-05, 12:00 UTC."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    with Exchange.open(path, durability="os") as exchange:
        exchange.create_instrument(Instrument("BTC-USD", tick_size="0.01", lot_size="0.001"))
        exchange.create_account("alice")
        exchange.create_account("bob")
        exchange.create_asset("USD", decimals=2)
        exchange.create_group("main")
        exchange.deposit("alice", "USD", "12.50")
        exchange.submit("BTC-USD", "sell", quantity="2", price="100", account="alice", timestamp=NOON)
        exchange.submit("BTC-USD", "buy", quantity="0.5", price="100", account="bob", timestamp=NOON + NANOSECONDS)
        exchange.submit(
            "BTC-USD", "buy", quantity="1", price="99.5", account="bob", client_order_id="b-1", display_quantity="0.25"
        )
    return path


LAST = 9


def run(*arguments: object) -> str:
    result = CliRunner().invoke(cli, ["journal", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_inspect(directory: Path) -> None:
    text = run("inspect", directory)
    assert "journal-0000000000000001.log" in text
    assert f"closed after command {LAST}" in text
    document = run_json("inspect", directory)
    (segment,) = document["segments"]
    assert (segment["commands"], segment["last_sequence"], segment["last_time_ns"]) == (LAST, LAST, NOON + NANOSECONDS)
    assert document["damage"] is None


def test_verify(directory: Path) -> None:
    assert f"{LAST} replayed from the empty exchange" in run("verify", directory)
    assert run_json("verify", directory)["is_closed"] is True


def test_replay_at_a_moment(directory: Path) -> None:
    document = run_json("replay", directory, "--sequence", LAST - 2, "--events", 1, "--account", "alice")
    assert document["sequence"] == LAST - 2
    market = document["instruments"]["BTC-USD"]
    assert (market["best_ask"], market["trades"]) == ("100.00", 0)
    assert document["balances"]["alice"] == [{"asset": "USD", "group": "main", "available": "12.50", "held": "0.00"}]
    (command,) = document["commands"]
    assert command["command"]["price"] == "100.00"
    assert [event["kind"] for event in command["events"]] == ["accepted"]
    by_time = run_json("replay", directory, "--time", "2026-01-05T12:00:00")
    assert by_time["digest"] == document["digest"]
    assert run_json("replay", directory, "--time", NOON + 5)["sequence"] == LAST - 2


def test_replay_as_text(directory: Path) -> None:
    text = run("replay", directory, "--events", 2, "--book", "BTC-USD", "--account", "bob")
    assert f"{LAST} of 0 .. {LAST}" in text
    assert "trade" in text
    assert "client_order_id=b-1" in text
    assert "2026-01-05T12:00:01" in text


def test_diff(directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for file in directory.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    assert f"the same {LAST} commands" in run("diff", directory, other)
    with Exchange.open(other, durability="os") as exchange:
        exchange.mass_cancel(account="bob")
    text = run("diff", directory, other)
    assert f"the same up to command {LAST}" in text
    assert "mass_cancel account=bob" in text
    document = run_json("diff", directory, other)
    assert document["first_difference"]["after_sequence"] == LAST
    assert document["same"] is False
    moments = run_json("diff", directory, "--from", LAST - 2, "--to", LAST - 1)
    assert ["last trade price", "-", "100.00"] in [
        [it["what"], it["left"], it["right"]] for it in moments["differences"]
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_export(directory: Path, tmp_path: Path, form: str) -> None:
    folder = tmp_path / "tables"
    assert f"commands.{form}" in run("export", directory, folder, "--format", form)
    with (folder / f"commands.{form}").open() as stream:
        rows = list(csv.DictReader(stream)) if form == "csv" else [json.loads(line) for line in stream]
    assert [int(row["sequence"]) for row in rows] == list(range(1, LAST + 1))
    last = rows[-1]
    assert (last["kind"], last["side"], last["client_order_id"]) == ("new", "buy", "b-1")
    assert (int(last["price_ticks"]), int(last["display_lots"])) == (9950, 250)
    assert json.loads(rows[1]["names"]) == ["alice"]
    with (folder / f"events.{form}").open() as stream:
        events = list(csv.DictReader(stream)) if form == "csv" else [json.loads(line) for line in stream]
    assert sum(event["kind"] == "trade" for event in events) == 1


def test_export_to_parquet(directory: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    written = run_json("export", directory, tmp_path / "tables", "--from", 3, "--to", LAST - 1)["rows"]
    assert written["commands.parquet"] == LAST - 1 - 3
    table = parquet.read_table(tmp_path / "tables" / "commands.parquet").to_pylist()
    assert [row["sequence"] for row in table] == list(range(4, LAST))
    assert table[-1]["price_ticks"] == 10_000
    assert table[-1]["client_order_id"] is None
    instruments = parquet.read_table(tmp_path / "tables" / "instruments.parquet").to_pylist()
    assert instruments == [{"number": 1, "symbol": "BTC-USD", "tick_size": "0.01", "lot_size": "0.001"}]


def test_parquet_without_pyarrow(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = CliRunner().invoke(cli, ["journal", "export", str(directory), str(tmp_path / "tables")])
    assert result.exit_code == 1
    assert "pip install 'aeromatch[arrow]'" in result.stderr
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["replay", "--sequence", "99"], "sequence must be in"),
        (["replay", "--sequence", "1", "--time", "1"], "one of them"),
        (["replay", "--time", "yesterday"], "neither nanoseconds nor"),
        (["diff"], "--from"),
        (["export", "tables", "--to", "99"], "--to must be in"),
    ],
)
def test_misuse(directory: Path, arguments: list[str], word: str) -> None:
    command, *rest = arguments
    result = CliRunner().invoke(cli, ["journal", command, str(directory), *rest])
    assert result.exit_code == 2
    assert word in result.stderr


def test_bench_journal() -> None:
    arguments = ["bench", "journal", "--commands", "300", "--repeats", "2", "--batch", "64", "--rounds", "1"]
    arguments += ["--singles", "20", "--resting", "500", "--no-progress"]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    for word in ("memory", "os", "disk", "recovery:", "snapshot: 500 resting orders", "MB/s", "a sync takes"):
        assert word in result.stdout
    document = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert {case["policy"] for case in document["pipelined"]} == {"memory", "os", "disk"}
    assert all(case["commands_a_second"] > 0 for case in document["pipelined"])
