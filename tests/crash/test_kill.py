"""A few kills of a real process; `make kill KILLS=200` has more of them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.crash import kill_sharded, sharded_load
from tests.crash.kill import ROOT, kill_often
from tests.crash.load import SETUP, Model

from aeromatch import Exchange


@pytest.mark.parametrize("seed", [11])
def test_a_killed_process_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    tally = kill_often(tmp_path / "data", 5, seed)
    assert tally.kills == 5
    assert tally.compared >= 3
    assert tally.acknowledged > len(SETUP)


def test_a_killed_process_with_shards_loses_nothing_acknowledged(tmp_path: Path) -> None:
    tally = kill_sharded.kill_often(tmp_path / "data", 5, 11)
    assert (tally.kills, tally.compared) == (5, 6)
    assert tally.acknowledged > 3 * len(sharded_load.SETUP)


def test_the_load_does_not_depend_on_how_it_is_cut() -> None:
    one, other = Model(3), Model(3)
    for sequence in range(1, 400):
        one.digest_at(sequence)
    assert one.digest_at(600) == other.digest_at(600)
    assert Model(4).digest_at(600) != one.digest_at(600)


@pytest.mark.parametrize("durability", ["os", "disk"])
def test_ctrl_c_in_the_middle_of_load(tmp_path: Path, durability: str) -> None:
    directory = tmp_path / "data"
    command = [sys.executable, "-m", "tests.crash.child", str(directory), "--seed", "5", "--durability", durability]
    command += ["--segment-bytes", "65536", "--snapshot-bytes", "131072"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("open 0 ")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    *acknowledged, (word, last) = (line.rpartition(" ")[::2] for line in said.splitlines())
    assert word == "interrupted"
    with Exchange.open(directory) as exchange:
        assert exchange.sequence == int(last) >= int(acknowledged[-1][1])
        assert exchange.digest() == Model(5).digest_at(exchange.sequence)
