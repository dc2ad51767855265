"""Counting beside an exchange at work: in time, through kills, and never in the way of matching."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.crash.kill import ROOT
from tests.statistics.logs import PERIODS, both, counted_slowly, events_of, events_of_shards, send

from aeromatch import Exchange
from aeromatch.analytics.statistics import JournalSource, Part, Recorder, StatisticsError, catch_up
from aeromatch.stores import SqliteStatistics

KILLS = 6
SEED = 8


def test_it_counts_beside_an_exchange_at_work(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with (
        Exchange.open(directory, durability="os") as exchange,
        SqliteStatistics(tmp_path / "s", periods=PERIODS) as store,
    ):
        send(exchange, SEED, 20)
        with Recorder(directory, store, interval_s=0.005) as recorder:
            for until in range(50, 400, 50):
                send(exchange, SEED, until)
                recorder.flush()
                assert store.positions()[0][0] == until
            send(exchange, SEED, 420)
        assert store.positions()[0][0] == 420
        assert {it[0] for it in store.instruments().values()} == {"PLAIN", "BTC-USD", "rain/yes", "rain/no"}
        assert both(store) == counted_slowly([events_of(directory)])


def test_rows_come_without_being_asked_for(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with (
        Exchange.open(directory, durability="os") as exchange,
        SqliteStatistics(tmp_path / "s", periods=PERIODS) as store,
        SqliteStatistics(tmp_path / "s") as reader,
    ):
        send(exchange, SEED, 50)
        with Recorder(directory, store, interval_s=0.02):
            until = time.monotonic() + 30
            while reader.positions().get(0, (0,))[0] < 50 and time.monotonic() < until:
                time.sleep(0.01)
            assert reader.positions()[0][0] == 50


@pytest.mark.parametrize("shards", [None, 1, 2])
def test_a_process_that_is_killed_leaves_no_gap_and_doubles_nothing(tmp_path: Path, shards: int | None) -> None:
    directory, file = tmp_path / "data", tmp_path / "s"
    rng = random.Random(SEED)
    child = [sys.executable, "-m", "tests.statistics.child", str(directory), str(file), "--seed", str(SEED)]
    child += ["--shards", str(shards)] if shards else []
    counted = [0] * (shards or 1)
    for _ in range(KILLS):
        process = subprocess.Popen(child, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline()
        time.sleep(rng.uniform(0.02, 0.5))
        process.kill()
        _, errors = process.communicate()
        assert errors == ""
        with SqliteStatistics(file, read_only=True) as store:
            before, counted = counted, [store.positions().get(shard, (0,))[0] for shard in range(shards or 1)]
            rows = both(store)
        assert all(now >= then for now, then in zip(counted, before, strict=True))
        logs = events_of_shards(directory)
        known = [log[log["sequence"] <= np.uint64(end)] for log, end in zip(logs, counted, strict=True)]
        assert rows == counted_slowly(known)
    assert all(0 < end <= int(log["sequence"][-1]) for log, end in zip(logs, counted, strict=True))
    with SqliteStatistics(file) as store:
        catch_up(directory, store)
        assert [store.positions()[shard][0] for shard in range(shards or 1)] == [
            int(log["sequence"][-1]) for log in logs
        ]
        assert both(store) == counted_slowly(logs)


def test_what_ends_the_thread_is_told(tmp_path: Path) -> None:
    directory = tmp_path / "data"

    class Broken(JournalSource):
        def read(self, timeout_s: float) -> Part | None:
            raise RuntimeError(f"nothing today, in {timeout_s} s")

    with (
        Exchange.open(directory, durability="os") as exchange,
        SqliteStatistics(tmp_path / "s", periods=PERIODS) as store,
    ):
        send(exchange, SEED, 5)
        recorder = Recorder(partial(Broken, directory), store)
        for _ in range(2):
            with pytest.raises(StatisticsError, match="no longer counted: nothing today") as caught:
                recorder.flush()
            assert isinstance(caught.value.__cause__, RuntimeError)
        # It was told: the end of a block has nothing to add.
        recorder.close()
        with pytest.raises(StatisticsError, match="no longer counted: nothing today"):
            recorder.flush()
        unheard = Recorder(partial(Broken, directory), store)
        with pytest.raises(StatisticsError, match="no longer counted: nothing today"):
            unheard.close()
        unheard.close()
        # Matching goes on, and so do statistics that are opened anew.
        send(exchange, SEED, 30)
        with Recorder(directory, store) as again:
            again.flush()
            assert store.positions()[0][0] == 30
        again.close()
        with pytest.raises(StatisticsError, match="was closed"):
            again.flush()
        for wrong in (0, -1, float("nan")):
            with pytest.raises(ValueError, match="interval_s must be above 0, not"):
                Recorder(directory, store, interval_s=wrong)
        text: Any = "x"
        with pytest.raises(TypeError, match="interval_s must be a number, not str"):
            Recorder(directory, store, interval_s=text)
