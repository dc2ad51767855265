"""`aeromatch generate itch` and `aeromatch replay itch`: what they print and with which code they end."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.replay.samples import recording

from aeromatch.cli.main import cli


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def words(text: str) -> str:
    """The text without the layout of its table."""
    return " ".join(text.split())


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "day.itch"
    result = run("generate", "itch", path, "--steps", 400, "--symbols", 2)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{path}: 2,")
    assert result.stdout.endswith(" messages of 2 symbols\n")
    return path


def test_a_symbol_is_replayed(day: Path) -> None:
    result = run("replay", "itch", day, "--symbol", "AM02", "--min-executions", 1)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    shown = words(result.stdout)
    assert shown.startswith("AM02 in day.itch file ")
    assert "bytes of messages, lengths before the messages time 03:00:00.000 to 20:00:00.000" in shown
    assert "executions agree 100 % (" in shown
    assert "not judged 2 non-printable, part of a cross, " in shown
    assert "2 halts: " in shown
    assert "MB/s; decoding and matching " in shown
    assert "AM02: 5" in shown
    assert "resting orders" in shown


def test_json(day: Path) -> None:
    report = json.loads(run("replay", "itch", day, "--symbol", "AM01", "--json").stdout)
    assert report["judged"]["ratio"] == 1.0
    assert report["messages"] == sum(report["messages_by_type"].values())
    assert (report["locate"], report["framing"], report["damage"], report["is_gzip"]) == (1, "lengths", None, False)
    btree = json.loads(run("replay", "itch", day, "--symbol", "AM01", "--json", "--index", "btree").stdout)
    assert btree["digest"] == report["digest"]


@pytest.mark.parametrize("framing", ["zeros", "bare"])
def test_framings_and_compression(tmp_path: Path, framing: str) -> None:
    path = tmp_path / "day.itch.gz"
    assert run("generate", "itch", path, "--steps", 200, "--framing", framing).exit_code == 0
    first = path.read_bytes()
    assert first.startswith(b"\x1f\x8b")
    assert run("generate", "itch", path, "--steps", 200, "--framing", framing).exit_code == 0
    assert path.read_bytes() == first
    report = json.loads(run("replay", "itch", path, "--symbol", "AM03", "--json").stdout)
    assert (report["framing"], report["is_gzip"], report["judged"]["ratio"]) == (framing, True, 1.0)


def test_symbols_are_listed(day: Path) -> None:
    result = run("replay", "itch", day, "--symbols")
    assert result.exit_code == 0
    assert words(result.stdout).startswith("day.itch: 2 symbols symbol locate messages AM0")
    listed = json.loads(run("replay", "itch", day, "--symbols", "--json").stdout)["symbols"]
    assert [(found["symbol"], found["locate"]) for found in listed] == [("AM01", 1), ("AM02", 2)]
    assert f"{listed[0]['messages']:,}" in result.stdout


def test_no_symbol_and_a_wrong_one_name_those_that_there_are(day: Path) -> None:
    result = run("replay", "itch", day)
    assert result.exit_code == 2
    assert "name a symbol with --symbol; day.itch: it has AM01, AM02 (--symbols lists all)" in words(result.stderr)
    result = run("replay", "itch", day, "--symbol", "AAPL")
    assert result.exit_code == 1
    assert "day.itch: no symbol 'AAPL'; it has AM0" in str(result.exception)


def test_many_symbols_are_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    assert run("generate", "itch", path, "--steps", 1, "--symbols", 14).exit_code == 0
    assert "it has AM01, AM02, AM03" in words(run("replay", "itch", path).stderr)
    assert "AM12 and 2 more (--symbols lists all)" in words(run("replay", "itch", path).stderr)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_damaged_file_is_replayed_up_to_the_damage(day: Path, packed: bool) -> None:
    content = day.read_bytes()
    day.write_bytes(gzip.compress(content)[:-2_000] if packed else content[: len(content) // 2 * 2 - 2_001])
    result = run("replay", "itch", day, "--symbol", "AM01")
    assert result.exit_code == 1
    assert "executions agree 100 % (" in words(result.stdout)
    assert "Error: day.itch: byte " in result.stderr
    assert ("the gzip stream is cut off" if packed else "the file ends inside a message") in result.stderr
    assert result.stderr.endswith("; what stands before it was replayed\n")
    report = json.loads(run("replay", "itch", day, "--symbol", "AM01", "--json").stdout)
    assert report["damage"] in result.stderr


def test_differences_are_shown_and_a_threshold_fails() -> None:
    path = recording("itch/ex20101224.TEST_ITCH_50")
    result = run("replay", "itch", path, "--symbol", "BOB", "--min-executions", 0.9)
    assert result.exit_code == 1
    shown = words(result.stdout)
    assert "zeros where lengths should be" in shown
    assert "execution differences: " in shown
    assert "order 130800, 2738 at 5.4000; order 130408 at 5.3917 is better" in shown
    assert "unknown orders 17 E, 3 X, 21 D" in shown
    assert "Error: execution agreement " in result.stderr
