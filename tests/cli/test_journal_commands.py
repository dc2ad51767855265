"""`aeromatch journal`: what it prints, as text and JSON, and how it ends."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aeromatch import Exchange, Instrument, JournalError
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


def test_every_shard_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with Exchange.open(path, durability="os", shards=2) as exchange:
        for symbol in ("A", "B"):
            exchange.create_instrument(Instrument(symbol))
            exchange.submit(symbol, "buy", quantity=1, price=1)
    text = " ".join(run("verify", path).split())
    assert text.count(": sound") == 2
    found = run_json("verify", path)
    assert list(found) == ["shard-000", "shard-001"]
    assert found["shard-001"] == {**run_json("verify", path / "shard-001"), "seconds": found["shard-001"]["seconds"]}
    segment = next((path / "shard-001").glob("journal-*.log"))
    content = bytearray(segment.read_bytes())
    content[200] ^= 0xFF
    segment.write_bytes(content)
    assert CliRunner().invoke(cli, ["journal", "verify", str(path)]).exit_code == 1


@pytest.mark.parametrize("arguments", [("inspect",), ("replay",), ("export", "folder")])
def test_a_journal_of_one_shard_is_asked_for(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    Exchange.open(tmp_path / "data", shards=2).close()
    command, *options = arguments
    result = CliRunner().invoke(cli, ["journal", command, str(tmp_path / "data"), *options])
    assert result.exit_code == 2
    assert "such as" in result.output
    assert "shard-000" in "".join(result.output.split())


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


def test_no_journal_is_not_a_sound_one(tmp_path: Path) -> None:
    (tmp_path / "unrelated.txt").write_text("x")
    for command in (["verify"], ["verify", "--json"], ["replay"]):
        result = CliRunner().invoke(cli, ["journal", *command, str(tmp_path)])
        assert result.exit_code == 1
        assert isinstance(result.exception, JournalError)
        assert "there is no journal" in str(result.exception)
        assert result.stdout == ""
    assert "no journal yet" in run("inspect", tmp_path)


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
    assert json.loads(rows[1]["texts"]) == ["alice"]
    with (folder / f"events.{form}").open() as stream:
        events = list(csv.DictReader(stream)) if form == "csv" else [json.loads(line) for line in stream]
    assert sum(event["kind"] == "trade" for event in events) == 1


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    """Every kind of command to the exchange itself."""
    path = tmp_path / "rich"
    with Exchange.open(path, durability="os") as exchange:
        for name in ("alice", "fees"):
            exchange.create_account(name)
        exchange.create_asset("BTC", decimals=8)
        exchange.create_asset("USD", decimals=6)
        exchange.create_group("main")
        exchange.create_group("side")
        exchange.create_instrument(
            Instrument(
                "BTC-USD",
                tick_size="0.01",
                lot_size="0.001",
                base="BTC",
                quote="USD",
                settlement=True,
                maker_fee_bps=-1,
                taker_fee_bps=7,
                static_band_ticks=500,
                reference_price="100",
                matching="pro_rata",
            )
        )
        exchange.create_event("rain", outcomes=["yes", "no"], currency="USD", taker_fee_bps=20)
        exchange.create_event("snow", outcomes=["yes", "no"], currency="USD")
        exchange.deposit("alice", "USD", HUGE, id="in")
        exchange.transfer("alice", "USD", "2.5", source="main", target="side", id="move")
        exchange.withdraw("alice", "USD", "1", group="side", id="out")
        exchange.mint("rain", "alice", 3)
        exchange.submit("BTC-USD", "buy", order_type="market", quantity="1", budget="50", account="alice")
        exchange.submit("BTC-USD", "buy", quantity="1", price="100.001", account="alice")
        exchange.settle("rain", payouts={"yes": "0.25", "no": "0.75"})
        exchange.settle("snow", outcome="no")
    return path


HUGE = str(2**72)
"""More units than 64 bits hold."""


def exported(directory: Path, folder: Path) -> dict[str, list[dict[str, Any]]]:
    run("export", directory, folder, "--format", "jsonl")
    return {file.stem: [json.loads(line) for line in file.read_text().splitlines()] for file in folder.iterdir()}


def test_export_keeps_what_commands_to_the_exchange_say(rich: Path, tmp_path: Path) -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for row in exported(rich, tmp_path / "tables")["commands"]:
        by_kind.setdefault(row.pop("kind"), []).append({name: row[name] for name in row if name != "sequence"})
    assert by_kind["create_asset"][1] == {"texts": '["USD"]', "decimals": 6}
    (made,) = by_kind["create_instrument"]
    assert json.loads(made["texts"]) == ["BTC-USD", "0.01", "0.001", "BTC", "USD", "main", "fees"]
    settlement = json.loads(made["settlement"])
    assert (settlement["maker_fee_bps"], settlement["taker_fee_bps"]) == (-1, 7)
    assert (settlement["base_decimals"], settlement["lot_base_units"], settlement["tick_lot_units"]) == (8, 10**5, 10)
    rules = json.loads(made["rules"])
    assert rules["static_band"] == {"unit": "ticks", "width": 500}
    assert (rules["matching"], rules["reference_price_ticks"], rules["circuit_breaker"]) == ("pro_rata", 10_000, None)
    event = by_kind["create_event"][0]
    assert json.loads(event["texts"]) == ["rain", "0.01", "1", "USD", "main", "fees", "yes", "no"]
    assert json.loads(event["settlement"])["unit_ticks"] == 100
    units = str(2**72 * 10**6)
    deposit = {"account": 1, "asset": 2, "amount_units": units, "group": 1, "texts": '["in"]'}
    assert by_kind["deposit"] == [deposit]
    transfer = {"account": 1, "asset": 2, "amount_units": "2500000", "group": 1, "target_group": 2}
    assert by_kind["transfer"] == [{**transfer, "texts": '["move"]'}]
    assert (by_kind["withdraw"][0]["group"], by_kind["withdraw"][0]["amount_units"]) == (2, "1000000")
    assert by_kind["mint"] == [{"account": 1, "quantity_lots": 3, "event": 1}]
    assert by_kind["settle"] == [
        {"event": 1, "mode": "scalar", "payouts_ticks": "[25, 75]"},
        {"event": 2, "mode": "full", "outcome": 1},
    ]
    budget, off_grid = by_kind["new"]
    assert (budget["budget_units"], "price_ticks" in budget, "price_off_grid" in budget) == (50_000_000, False, False)
    assert off_grid["price_off_grid"] == "true"


def test_export_gives_funds_columns_of_their_own(rich: Path, tmp_path: Path) -> None:
    rows = exported(rich, tmp_path / "tables")["events"]
    funds = [row for row in rows if row["kind"] == "funds"]
    left = str(2**72 * 10**6 - 2_500_000)
    found = [(row["asset"], row["group"], row["available_units"], row["held_units"]) for row in funds[1:3]]
    assert found == [(2, 1, left, "0"), (2, 2, "2500000", "0")]
    for row in funds:
        assert row.keys().isdisjoint({"instrument", "price_ticks", "quantity_lots", "order_id", "other", "detail"})
    assert all("asset" not in row for row in rows if row["kind"] != "funds")


def test_export_gives_names_to_numbers(rich: Path, tmp_path: Path) -> None:
    tables = exported(rich, tmp_path / "tables")
    assert tables["accounts"] == [{"number": 1, "name": "alice"}, {"number": 2, "name": "fees"}]
    assert tables["assets"][:2] == [
        {"number": 1, "name": "BTC", "decimals": 8},
        {"number": 2, "name": "USD", "decimals": 6},
    ]
    assert [row["name"] for row in tables["groups"]] == ["main", "side"]
    rain = tables["event_markets"][0]
    assert (rain["number"], rain["name"], rain["currency"]) == (1, "rain", "USD")
    assert json.loads(rain["outcomes"]) == ["yes", "no"]
    assert json.loads(rain["symbols"]) == [row["symbol"] for row in tables["instruments"][1:3]]


def test_parquet_holds_the_same_as_json_lines(rich: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run("export", rich, tmp_path / "parquet")
    for name, rows in exported(rich, tmp_path / "lines").items():
        table = parquet.read_table(tmp_path / "parquet" / f"{name}.parquet").to_pylist()
        assert [{key: value for key, value in row.items() if value not in (None, "")} for row in table] == rows


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
