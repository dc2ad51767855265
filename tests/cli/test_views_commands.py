"""`aeromatch views`: what it makes, shows and refuses."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.views.venue import START_NS, dump, open_venue, trade

from aeromatch.cli.main import cli


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["views", *map(str, arguments)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    exchange = open_venue(tmp_path / "log")
    trade(exchange, random.Random(1), 300, START_NS)
    exchange.close()
    return tmp_path / "log"


def test_what_is_rebuilt_is_shown(log: Path) -> None:
    made = run("rebuild", log, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.output)["file"] == str(log / "views.sqlite")
    rows = dump(log / "views.sqlite")
    assert json.loads(made.output)["commands"] == sum(position[1] for position in rows["positions"])
    orders = json.loads(run("show", log, "orders", "--last", 1000, "--json").output)["rows"]
    assert len(orders) == len(rows["orders"])
    trades = json.loads(run("show", log, "trades", "--symbol", "Election/Yes", "--last", 5, "--json").output)["rows"]
    others = json.loads(run("show", log, "trades", "--symbol", "Election/No", "--last", 5, "--json").output)["rows"]
    assert [float(one["price"]) + float(two["price"]) for one, two in zip(trades, others, strict=True)] == [1.0] * 5
    told = run("show", log, "candles", "--symbol", "BTC-USD", "--period", "1m", "--csv").output
    candles = list(csv.DictReader(io.StringIO(told)))
    assert sum(int(candle["trades"]) for candle in candles) == sum(
        row[9] for row in rows["candles"] if (row[0], row[2]) == (60_000, 1)
    )
    table = run("show", log, "orders", "--account", 2, "--last", 3).output
    assert "client_order_id" in table
    assert not list(log.glob("*.new*"))
    again = run("rebuild", log, "--periods", "2m,1h")
    assert "made from" in again.output
    assert {row[0] for row in dump(log / "views.sqlite")["candles"]} == {120_000, 3_600_000}
    # Made anew it has the candles that it had: the configuration that names them goes on to fit.
    assert run("rebuild", log).exit_code == 0
    assert {row[0] for row in dump(log / "views.sqlite")["candles"]} == {120_000, 3_600_000}


def test_a_file_that_is_in_use_is_not_replaced(log: Path, tmp_path: Path) -> None:
    exchange = open_venue(log)
    refused = run("rebuild", log)
    assert (refused.exit_code, "is in use" in refused.output) == (1, True)
    assert not (log / "views.sqlite").exists()
    assert run("rebuild", log, "--file", tmp_path / "other.sqlite").exit_code == 0
    exchange.close()
    assert run("rebuild", log).exit_code == 0


def test_misuse_is_told(log: Path, tmp_path: Path) -> None:
    assert "there are no views yet" in str(run("show", log, "orders").exception)
    assert run("rebuild", log).exit_code == 0
    for arguments, told in (
        (("show", log, "trades"), "say --symbol"),
        (("show", log, "trades", "--symbol", "DOGE"), "there is no instrument 'DOGE', there are BTC-USD"),
        (("show", log, "candles", "--symbol", "BTC-USD", "--period", "2s"), "there are candles of 1s"),
        (("show", log, "orders", "--csv", "--json"), "exclude each other"),
        (("rebuild", log, "--periods", "often"), "is no duration"),
    ):
        found = run(*arguments)
        assert found.exit_code == 2, found.output
        assert told in found.output
    (tmp_path / "empty").mkdir()
    assert "there is no journal" in str(run("rebuild", tmp_path / "empty").exception)
