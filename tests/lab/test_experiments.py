"""Every experiment, for moments: what must hold whatever the processor does, never a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.ctrl_c import press_ctrl_c

from aeromatch import _core, lab
from aeromatch.cli.main import cli
from aeromatch.lab.explorer import ACQUIRE, RELEASE, Action, Fence, Load, Store, explore
from aeromatch.lab.weakened import RING, SEQLOCK, explore_ring, explore_seqlock

NAMES = [experiment.name for experiment in lab.experiments()]
QUICK = 0.1
DOCS = Path(__file__).resolve().parents[2] / "docs" / "lab"


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_gives_tables_bars_and_a_picture(name: str, tmp_path: Path) -> None:
    result = lab.run(name, seconds=QUICK)
    assert result.name == name
    text = result.table()
    assert result.done.split()[0] in text
    assert all(table.title in text and len(table.rows) > 0 for table in result.tables)
    assert all(len(row) == len(table.columns) for table in result.tables for row in table.rows)
    assert "What to learn" in text
    pytest.importorskip("matplotlib")
    assert result.chart(tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in result.chart(tmp_path / "chart.svg").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_experiment_has_a_page(name: str) -> None:
    assert f"aeromatch lab run {name}" in (DOCS / f"{name}.md").read_text()


def test_counters_count_at_every_distance() -> None:
    for places in lab.run("false-sharing", seconds=QUICK).figures.values():
        for case in places.values():
            assert case["counted"] == case["increments"] > 0


def test_with_full_order_somebody_sees() -> None:
    figures = lab.run("store-buffering", seconds=QUICK).figures
    assert figures["sequentially consistent"]["both_missed"] == figures["fence"]["both_missed"] == 0
    for case in figures.values():
        outcomes = ("both_missed", "first_saw", "second_saw", "both_saw")
        assert case["rounds"] == sum(case[outcome] for outcome in outcomes) > 0


def test_stamps_keep_the_free_list_whole() -> None:
    figures = lab.run("aba", seconds=QUICK).figures
    assert figures["stamped"]["broken_rounds"] == 0
    assert figures["stamped"]["takes"] > 0
    last = {name: [slot for slot, _ in case["script"][-1]["used"]] for name, case in figures.items()}
    assert sorted(last["unstamped"]) == [0, 1, 1]
    assert sorted(last["stamped"]) == [0, 1, 2]


def test_queues_lose_nothing_and_keep_the_order() -> None:
    for places in lab.run("queues", seconds=QUICK).figures.values():
        for case in places.values():
            assert (case["misplaced"], case["lost"]) == (0, 0)
    case = _core.lab_queue(queue="rings", producers=2, batch=8, seconds=QUICK)
    assert case["items"] > 0


def test_what_is_lent_has_one_user() -> None:
    for sources in lab.run("pool", seconds=QUICK).figures.values():
        for case in sources.values():
            assert case["wrong"] == 0
            assert case["values"] > 0


def test_who_waits_gets_what_is_sent() -> None:
    for ways in lab.run("idle", seconds=QUICK).figures.values():
        for case in ways.values():
            assert case["messages"] == case["latency"]["count"] == case["sending"]["count"] > 0
            assert case["latency"]["p50_ns"] <= case["latency"]["p99_ns"] <= case["latency"]["max_ns"]


def test_what_is_bought_is_sold_and_the_log_replays_to_the_same_trades() -> None:
    figures = lab.run("single-writer", seconds=QUICK).figures
    replay = figures.pop("replay")
    assert (replay["wrong_tickets"], replay["different"], replay["is_same_book"]) == (0, 0, 1)
    assert replay["steps"] > replay["trades"] > 0
    for ways in figures.values():
        for case in ways.values():
            assert case["is_balanced"] == 1
            assert case["orders"] > 0


@pytest.mark.parametrize("flaw", SEQLOCK)
def test_every_ordering_of_the_seqlock_is_needed(flaw: str) -> None:
    explored = explore_seqlock(flaw)
    assert (explored.broken == 0) == (flaw == "none")
    assert (explored.simplest is None) == (flaw == "none")


@pytest.mark.parametrize("flaw", RING)
def test_every_ordering_of_the_ring_is_needed(flaw: str) -> None:
    assert (explore_ring(flaw).broken == 0) == (flaw == "none")


@pytest.mark.parametrize("name", ["weakened-seqlock", "weakened-ring"])
def test_what_is_shipped_is_right_on_this_processor(name: str) -> None:
    assert lab.run(name, seconds=QUICK).figures["none"]["wrong"] == 0


@pytest.mark.parametrize("is_fenced", [False, True])
def test_the_explorer_knows_fences(is_fenced: bool) -> None:
    """Message passing by relaxed accesses alone may read the old value; fences on both sides forbid it."""

    def send() -> Generator[Action, int, int | None]:
        yield Store("data", 1)
        if is_fenced:
            yield Fence(RELEASE)
        yield Store("flag", 1)
        return None

    def receive() -> Generator[Action, int, int | None]:
        flag = yield Load("flag")
        if is_fenced:
            yield Fence(ACQUIRE)
        data = yield Load("data")
        return 10 * flag + data

    explored = explore({"send": send, "receive": receive}, lambda execution: execution.returned["receive"] != 10)
    assert (explored.broken == 0) == is_fenced


def test_misuse_is_named() -> None:
    with pytest.raises(ValueError, match="name must be one of"):
        lab.run("nothing")
    for seconds in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="seconds must be"):
            lab.run("aba", seconds=seconds)
    with pytest.raises(ValueError, match=r"path must end in \.png or \.svg"):
        lab.run("aba", seconds=QUICK).chart("chart.pdf")
    with pytest.raises(ValueError, match="ordering must be one of"):
        _core.lab_store_buffer(ordering="none", seconds=1)
    with pytest.raises(ValueError, match="threads must be 1 or 2"):
        _core.lab_false_sharing(threads=3, distance_bytes=8, increment="plain", seconds=1)
    with pytest.raises(ValueError, match="queue must be one of"):
        _core.lab_queue(queue="none", producers=1, batch=1, seconds=1)
    with pytest.raises(ValueError, match="batch must be 1 to 1024; got 0"):
        _core.lab_queue(queue="intake", producers=1, batch=0, seconds=1)
    with pytest.raises(ValueError, match="window must be 1 to 1024; got 0"):
        _core.lab_single_writer(writing="single", clients=1, window=0, seconds=1)
    with pytest.raises(ValueError, match="messages_per_second must be"):
        _core.lab_idle(idle="park", messages_per_second=0, seconds=1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors cannot be chosen here")
def test_one_processor_is_enough_and_said() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from aeromatch import lab\n"
        "for each in lab.experiments(): print(lab.run(each.name, seconds=0.05).table())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.count("Only one processor") == len(NAMES)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_a_run() -> None:
    press_ctrl_c(0.1, lambda: lab.run("aba", seconds=3600))


def test_the_commands() -> None:
    listed = CliRunner().invoke(cli, ["lab", "list"])
    assert listed.exit_code == 0
    assert all(name in listed.stdout for name in NAMES)
    ran = CliRunner().invoke(cli, ["lab", "run", "aba", "--seconds", "0.05", "--json"])
    assert json.loads(ran.stdout)["experiment"] == "aba"
    wrong = CliRunner().invoke(cli, ["lab", "run", "aba", "--output", "chart.pdf"])
    assert wrong.exit_code == 2
    assert "neither .png nor .svg" in wrong.stderr
