"""The server's configuration: what is read, what is refused and where, what overrides what."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from aeromatch.cli.main import cli
from aeromatch.gateways.grpc import GrpcOptions
from aeromatch.gateways.websocket import WebSocketOptions
from aeromatch.server.compose import websocket_options
from aeromatch.server.config import Config, ConfigError, load
from aeromatch.server.config.reference import as_markdown, as_template, effective
from aeromatch.server.grpc import grpc_options

ROOT = Path(__file__).resolve().parents[2]


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(file, environ or {})
    return [str(problem).removeprefix(f"{file}:") for problem in refused.value.problems]


def read(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return load(file, environ or {}).config


def test_defaults(tmp_path: Path) -> None:
    config = load(None, {}).config
    assert (config.server.host, config.server.port, config.auth.mode) == ("127.0.0.1", 8080, "keys")
    assert read(tmp_path, "") == read(tmp_path, "server:\ninstruments:\n") == config


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server:\n  prot: 80", "2: server.prot: unknown key; did you mean `port`?"),
        ("sever:\n  port: 80", "1: sever: unknown key; did you mean `server`?"),
        ("\nserver:\n  durability: disk", "3: server.durability: unknown key; did you mean `exchange.durability`?"),
        ("server:\n  port: 80\n  port: 81", "3: port: stands twice; first at {file}:2"),
        ("server:\n  port: http", "2: server.port: expected whole number, 0 to 65,535; got `http`"),
        ("server:\n  port: 65536", "2: server.port: expected whole number, 0 to 65,535; got `65536`"),
        ("server:\n  port: 80.5", "2: server.port: expected whole number, 0 to 65,535; got `80.5`"),
        ("server:\n  port:\n    - 80", "2: server.port: expected a single value: whole number, 0 to 65,535"),
        ("server: 80", "1: server: expected keys and values, such as `data_dir: ...`"),
        ("- server", "1: the file begins with sections, such as `server:`"),
        ("server: [", "1: no YAML: expected the node content"),
        (
            "exchange:\n  durability: dsk",
            "2: exchange.durability: expected one of disk, os, memory; got `dsk`; did you mean `disk`?",
        ),
        ("instruments:\n  - tick_size: 1", "2: instruments[0]: `symbol` is missing: Its name."),
        ("instruments:\n  - symbol: A\n    tick_size: x", "3: instruments[0].tick_size: expected decimal; got `x`"),
        ("instruments:\n  - symbol: A\n    tick_size: 0", "3: instruments[0].tick_size: "),
        ("instruments:\n  - symbol: A\n  - symbol: A", "3: instruments[1]: `A` stands twice"),
        ("instruments:\n  - symbol: A\n    base: B", "3: instruments[0].base: needs `settlement: true`"),
        ("instruments:\n  - symbol: A\n    schedule: x", "3: instruments[0].schedule: there is no schedule `x`"),
        ('schedules:\n  a:\n    phases: {"24:00": closed}', "3: schedules.a.phases.24:00: `24:00` is no time of day"),
        (
            'schedules:\n  a:\n    timezone: Moon\n    phases: {"9:00": closed}',
            "3: schedules.a.timezone: `Moon` is no time zone",
        ),
        ("auth:\n  mode: off\nserver:\n  host: 0.0.0.0", "2: auth.mode: `off` lets everybody trade"),
        ("auth:\n  mode: off\ngateways:\n  grpc: {enabled: true, host: 0.0.0.0}", "2: auth.mode: `off` lets everybody"),
        ("server:\n  tls:\n    certificate: c.pem", "2: server.tls.private_key: certificate and private_key belong"),
        ("statistics:\n  retention: {2s: 1d}", "2: statistics.retention.2s: is not one of statistics.periods"),
        ("views:\n  periods: [1 fortnight]", "2: views.periods[0]: '1 fortnight' is no duration"),
        ("exchange:\n  shards: {count: 2, cores: [0]}", "2: exchange.shards.cores: 2 shards, and 1 processors"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(problem.format(file=tmp_path / "config.yaml"))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "server:\n  port: x\n  hots: y\ninstruments:\n  - symbol: A\n    index: tree\n"
    assert [found.split(":")[0] for found in problems(tmp_path, text)] == ["2", "3", "6"]


def test_settled_amounts_fit_the_units_of_their_assets(tmp_path: Path) -> None:
    market = """
assets: [{name: USD, decimals: 2}, {name: BTC, decimals: 3}]
instruments:
  - {symbol: A, tick_size: 0.01, lot_size: 0.0001, settlement: true, base: BTC, quote: USD}
  - {symbol: B, tick_size: 0.01, lot_size: 0.0001}
  - {symbol: C, tick_size: 0.01, lot_size: 0.0001, settlement: true, base: ETH, quote: EUR}
events:
  - {name: E, outcomes: ["Yes", "No"], currency: USD, lot_size: 0.1}
"""
    assert problems(tmp_path, market) == [
        "4: instruments[0].lot_size: one lot is 0.0001 BTC, and BTC has 3 decimals",
        "4: instruments[0].tick_size: one tick of one lot is 0.000001 USD, and USD has 2 decimals",
        "8: events[0].tick_size: one tick of one lot is 0.001 USD, and USD has 2 decimals",
    ]
    assert len(read(tmp_path, market.replace("2}", "6}", 1).replace("3}", "4}", 1)).instruments) == 3


def test_no_utf8(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"server:\n  host: \xff\n")
    with pytest.raises(ConfigError, match="no UTF-8"):
        load(file, {})


def test_values_are_taken_as_they_are_written(tmp_path: Path) -> None:
    text = """
auth: {mode: off}
instruments: [{symbol: 007, tick_size: 0.10, schedule: all}]
events: [{name: Rain, outcomes: [Yes, No], currency: USD}]
schedules: {all: {phases: {09:30: continuous, "16:00:30": closed}}}
"""
    config = read(tmp_path, text)
    assert config.auth.mode == "off"
    assert (config.instruments[0].symbol, str(config.instruments[0].tick_size)) == ("007", "0.10")
    assert config.events[0].outcomes == ["Yes", "No"]
    assert config.schedules["all"].phases == {"09:30": "continuous", "16:00:30": "closed"}


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    text = "server:\n  port: 80\ninstruments:\n  - symbol: A\n"
    environ = {
        "AEROMATCH_SERVER__PORT": "81",
        "AEROMATCH_EXCHANGE__SHARDS__COUNT": "2",
        "AEROMATCH_INSTRUMENTS__0__LOT_SIZE": "0.01",
        "AEROMATCH_ASSETS": "[{name: USD, decimals: 2}]",
        "AEROMATCH_SHARED": "something else",
        "AEROMATCH_SERVER__TLS__CERTIFICATE": "",
        "OTHER": "1",
    }
    config = read(tmp_path, text, environ)
    assert (config.server.port, config.exchange.shards.count) == (81, 2)
    assert config.server.tls.certificate is None
    assert (config.instruments[0].symbol, config.instruments[0].lot_size) == ("A", Decimal("0.01"))
    assert config.assets[0].decimals == 2


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("AEROMATCH_SERVER_PORT", "1", "AEROMATCH_SERVER_PORT: names no value; did you mean AEROMATCH_SERVER__PORT?"),
        ("AEROMATCH_INSTRUMNTS", "[]", "AEROMATCH_INSTRUMNTS: names no value; did you mean AEROMATCH_INSTRUMENTS?"),
        ("AEROMATCH_SERVER__PORT", "", "AEROMATCH_SERVER__PORT: server.port: expected whole number"),
        ("AEROMATCH_SERVER__PROT", "1", "AEROMATCH_SERVER__PROT: server.prot: unknown key; did you mean `port`?"),
        ("AEROMATCH_SERVER__PORT", "x", "AEROMATCH_SERVER__PORT: server.port: expected whole number"),
        (
            "AEROMATCH_INSTRUMENTS__3__SYMBOL",
            "B",
            "AEROMATCH_INSTRUMENTS__3__SYMBOL: instruments[3].symbol: instruments",
        ),
        ("AEROMATCH_SERVER__PORT__X", "1", "AEROMATCH_SERVER__PORT__X: server.port.x: server.port is a single value"),
    ],
)
def test_a_mistake_in_the_environment_is_told_by_its_name(tmp_path: Path, name: str, value: str, problem: str) -> None:
    found = problems(tmp_path, "server: {port: 80}\ninstruments: [{symbol: A}]\n", {name: value})
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_options_go_over_all() -> None:
    loaded = load(None, {"AEROMATCH_SERVER__PORT": "81"}, {"--port": (("server", "port"), 82)})
    rows = {path: (value, source) for path, value, source in effective(loaded)}
    assert rows["server.port"] == ("82", "--port")
    assert rows["server.backlog"][1] == "default"


def test_the_template_is_the_defaults_an_instrument_and_an_account(tmp_path: Path) -> None:
    config = read(tmp_path, as_template())
    assert [instrument.symbol for instrument in config.instruments] == ["BTC-USD"]
    assert [account.name for account in config.accounts] == ["alice"]
    config.instruments, config.accounts = [], []
    assert config == Config()
    # And what stands in its comments can be used, too.
    uncommented = [line.replace("# ", "", 1) if is_setting(line) else line for line in as_template().splitlines()]
    assert read(tmp_path, "\n".join(uncommented)).auth == Config().auth


def is_setting(line: str) -> bool:
    return re.match(r" *# [a-z_]+: ", line) is not None


def test_the_reference_is_what_the_command_prints() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == as_markdown()
    assert CliRunner().invoke(cli, ["config", "reference"]).output == as_markdown()


def test_the_example_of_the_reference_can_be_used(tmp_path: Path) -> None:
    example = as_markdown().split("```yaml\n")[1].split("```")[0]
    assert len(read(tmp_path, example).instruments) == 2


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert "config.yaml: written" in runner.invoke(cli, ["config", "init"]).output
    again = runner.invoke(cli, ["config", "init"])
    assert (again.exit_code, "is there already" in again.output) == (1, True)
    assert runner.invoke(cli, ["config", "init", "--force"]).exit_code == 0
    assert "good; 1 instruments" in runner.invoke(cli, ["config", "check"]).output
    shown = runner.invoke(cli, ["config", "show", "config.yaml"]).output
    assert "instruments[0].symbol: BTC-USD" in shown
    assert "# default" in shown
    Path("config.yaml").write_text("server:\n  prot: 80\n")
    refused = runner.invoke(cli, ["config", "check"])
    assert (refused.exit_code, "config.yaml:2: server.prot" in refused.output) == (2, True)


def test_every_limit_of_websockets_is_configured() -> None:
    assert websocket_options(Config()) == WebSocketOptions()


def test_every_limit_of_grpc_is_configured() -> None:
    assert grpc_options(Config()) == GrpcOptions()
