"""The commands inside this process: what they print and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from tests.replay.samples import AMZN, ANA, recording

import aeromatch
from aeromatch.cli.main import cli

COMMANDS = [
    "",
    "demo",
    "replay",
    "replay lobster",
    "replay orders",
    "replay itch",
    "generate",
    "generate itch",
    "generate lobster",
    "generate orders",
    "bench",
]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A small generated LOBSTER session; its orderbook file is beside it."""
    messages = tmp_path / "X_message_3.csv"
    result = run("generate", "lobster", messages, "--steps", 300, "--levels", 3)
    assert result.exit_code == 0, result.output
    return messages


@pytest.mark.parametrize("command", COMMANDS)
def test_help_everywhere(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout
    assert result.stderr == ""


def test_version() -> None:
    assert run("--version").stdout == f"aeromatch {aeromatch.__version__}\n"


@pytest.mark.parametrize(
    ("shell", "word"), [("bash", "complete -o nosort"), ("zsh", "compdef"), ("fish", "complete --no-files")]
)
def test_completion(shell: str, word: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert word in result.stdout
    assert "_AEROMATCH_COMPLETE" in result.stdout


def test_replay_lobster(session: Path) -> None:
    result = run("replay", "lobster", session, "--min-state", 1, "--min-executions", 1)
    assert result.exit_code == 0, result.output
    assert "state agrees      100 %" in result.stdout
    assert "executions agree  100 %" in result.stdout
    assert "excepted (scrolled in from below)" in result.stdout
    assert result.stderr == ""


def test_replay_lobster_json(session: Path) -> None:
    report = json.loads(run("replay", "lobster", session, "--json").stdout)
    assert report["state"]["ratio"] == report["executions"]["ratio"] == 1.0
    assert report["malformed"] == {"count": 0, "first": None}
    assert report["messages"] == sum(report["messages_by_type"].values())


def test_thresholds(session: Path) -> None:
    rows = session.with_name("X_orderbook_3.csv")
    lines = rows.read_text().splitlines(keepends=True)
    cells = lines[5].split(",")
    cells[1] = str(int(cells[1]) + 1)
    lines[5] = ",".join(cells)
    rows.write_text("".join(lines))
    result = run("replay", "lobster", session, "--min-state", 1)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: state agreement 9")
    assert "state differences: " in result.stdout
    assert run("replay", "lobster", session, "--min-state", 0.9).exit_code == 0


def test_malformed_lines(session: Path) -> None:
    with session.open("a") as stream:
        stream.write("34200.1,1,2,three,4,1\n")
    result = run("replay", "lobster", session)
    assert result.exit_code == 0
    number = len(session.read_text().splitlines())
    assert f"1 (first: X_message_3.csv line {number}: size is not a whole number" in " ".join(result.stdout.split())
    strict = run("replay", "lobster", session, "--strict")
    assert strict.exit_code != 0
    assert strict.stdout == ""


def test_plot(session: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "market.png"
    assert run("replay", "lobster", session, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_forced_progress_is_on_stderr(session: Path) -> None:
    result = run("replay", "lobster", session, "--progress", "--json")
    assert "100%" in result.stderr
    assert json.loads(result.stdout)["messages"] > 0


def test_orders(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    assert run("generate", "orders", path, "--steps", 300, "--mood", "swing").exit_code == 0
    result = run("replay", "orders", path, "--min-agreement", 1)
    assert result.exit_code == 0, result.output
    assert "canceled as recorded  100 %" in result.stdout
    report = json.loads(run("replay", "orders", path, "--json", "--index", "btree").stdout)
    assert report["rejected"] == {}


def test_demo(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "demo.png"
    result = run("demo", "--steps", 400, "--mood", "crash", "--plot", picture)
    assert result.exit_code == 0, result.output
    assert str(picture) in result.stdout.replace("\n", "")
    assert "resting orders" in result.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_demo_takes_either_kind_of_recording(session: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    orders = tmp_path / "orders.csv"
    run("generate", "orders", orders, "--steps", 200)
    for path, word in ((session, "executions agree"), (orders, "canceled as recorded")):
        result = run("demo", path, "--plot", tmp_path / "demo.png")
        assert result.exit_code == 0, result.output
        assert word in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("--nonsense",),
        ("replay", "lobster"),
        ("replay", "lobster", "missing.csv"),
        ("replay", "orders", "."),
        ("replay", "orders", "FILE", "--tick-size", "0"),
        ("replay", "orders", "FILE", "--tick-size", "a"),
        ("replay", "orders", "FILE", "--index", "pile"),
        ("replay", "orders", "FILE", "--plot", "picture.txt"),
        ("replay", "lobster", "FILE"),
        ("replay", "lobster", "FILE", "--orderbook", "FILE", "--min-state", "1.1"),
        ("replay", "lobster", "FILE", "--orderbook", "FILE", "--min-state", "nan"),
        ("lab", "run", "aba", "--seconds", "nan"),
        ("lab", "run", "aba", "--seconds", "inf"),
        ("bench", "runtime", "--seconds", "nan"),
        ("bench", "runtime", "--seconds", "-nan", "--quick"),
        ("generate", "lobster", "one.csv"),
        ("generate", "lobster", "FILE", "--orderbook", "FILE"),
        ("replay", "itch", "FILE"),
        ("replay", "itch", "missing.itch", "--symbol", "AM01"),
        ("replay", "itch", "FILE", "--symbol", "TOOLONGTOO"),
        ("replay", "itch", "FILE", "--symbol", "AM01", "--symbols"),
        ("replay", "itch", "FILE", "--symbol", "AM01", "--min-executions", "2"),
        ("generate", "itch", "FILE", "--framing", "none"),
        ("generate", "itch", "FILE", "--symbols", "0"),
        ("generate", "orders", "FILE", "--mood", "bored"),
        ("generate", "orders", "FILE", "--steps", "0"),
        ("generate", "orders", "FILE", "--seed", "-1"),
        ("generate", "lobster", "message.csv", "--levels", "0"),
        ("completion", "tcsh"),
        ("bench", "--flow", "bored"),
        ("bench", "--compare", "--index", "pile"),
    ],
)
def test_misuse_is_exit_2_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text("new;1;True;1;5;2019-05-23 09:00:00\n")
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Error" in result.stderr


def test_real_recordings() -> None:
    messages, orderbook = recording(AMZN[0]), recording(AMZN[1])
    arguments = ("replay", "lobster", messages, "--orderbook", orderbook)
    result = run(*arguments, "--min-state", 1, "--min-executions", 0.998)
    assert result.exit_code == 0, result.output
    assert run("replay", "orders", recording(ANA), "--min-agreement", 1).exit_code == 0


def test_bench() -> None:
    arguments = ("bench", "--commands", 400, "--rounds", 2, "--singles", 100, "--flow", "calm", "--flow", "swing")
    report = json.loads(run(*arguments, "--json").stdout)
    assert [(case["flow"], case["index"]) for case in report["cases"]] == [
        (flow, index) for flow in ("calm", "swing") for index in ("ladder", "btree")
    ]
    for case in report["cases"]:
        assert case["commands"] == 400
        assert case["events"] >= 400
        assert case["resting_orders"] > 0
        assert case["memory_bytes"] > 0
        assert set(case["single_percentiles_ns"]) == set(case["native_percentiles_ns"]) == {"p50", "p99", "p99.9"}
    table = run(*arguments)
    assert table.exit_code == 0, table.output
    assert "native loop" in table.stdout
    markdown = run(*arguments, "--markdown", "--index", "btree").stdout.splitlines()
    assert markdown[0].startswith("| flow | index | native loop |")
    assert [line.split(" | ")[:2] for line in markdown[2:4]] == [["| calm", "btree"], ["| swing", "btree"]]
    assert run(*arguments, "--markdown", "--json").exit_code == 2


def test_bench_compares_every_index() -> None:
    arguments = ("bench", "--compare", "--commands", 400, "--rounds", 2, "--flow", "calm", "--flow", "sparse")
    indexes = ["ladder", "btree", "skiplist", "heap"]
    report = json.loads(run(*arguments, "--json").stdout)
    assert [(case["flow"], case["index"]) for case in report["cases"]] == [
        (flow, index) for flow in ("calm", "sparse") for index in indexes
    ]
    for case in report["cases"]:
        assert case["levels"] > 50
        assert min(case[name] for name in ("native_ns", "top_ns", "depth_ns", "level_bytes")) > 0
    table = run(*arguments)
    assert table.exit_code == 0, table.output
    assert table.stdout.count("skiplist") == 4
    markdown = run(*arguments, "--markdown", "--index", "all").stdout.splitlines()
    assert markdown[2] == "| flow | levels | ladder | btree | skiplist | heap |"
    assert [line.split(" | ")[0] for line in markdown[4:6]] == ["| calm", "| sparse"]
    few = run(*arguments, "--markdown", "--index", "heap", "--index", "btree").stdout.splitlines()
    assert few[2] == "| flow | levels | heap | btree |"


def test_lists_of_subcommands_are_not_cut() -> None:
    def groups(group: click.Group) -> Iterator[click.Group]:
        yield group
        for command in group.commands.values():
            if isinstance(command, click.Group):
                yield from groups(command)

    for group in groups(cli):
        # What 80 columns leave beside the names.
        room = 80 - 6 - max(map(len, group.commands))
        cut = [name for name, each in group.commands.items() if each.get_short_help_str(room).endswith("...")]
        assert cut == [], group.name
