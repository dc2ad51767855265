"""`aeromatch bench runtime` in its smallest form: shape and counts. How long anything takes is no test's business."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aeromatch import _core
from aeromatch.bench.runtime import Plan, measure_runtime, quick
from aeromatch.bench.runtime_report import runtime_notes
from aeromatch.cli.main import cli


def run(tmp_path: Path, *more: str) -> str:
    result = CliRunner().invoke(cli, ["bench", "runtime", "--quick", "--directory", str(tmp_path), *more])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_section_in_json(tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, "--json"))
    assert {case["structure"] for case in report["handoffs"]} == {"spsc", "intake"}
    assert all(len(case["item_ns"]) == 2 for case in report["handoffs"])
    assert len(report["round_trip"]) == len(report["rings_alone"]) == 2
    assert [(case["rate"], case["counts"]) for case in report["ring"]] == [(None, [700, 700]), (100_000, [700, 700])]
    policies = ["none", "memory", "os", "disk"]
    assert [case["policy"] for case in report["acknowledged"]] == policies
    assert all(case["counts"] == [700, 700] for case in report["acknowledged"])
    assert [case["policy"] for case in report["pipelined"]] == policies
    for case in report["ring"] + report["acknowledged"]:
        for found in case["percentiles_ns"]:
            assert list(found) == ["p50", "p90", "p99", "p99.9", "max"]
            assert sorted(found.values()) == list(found.values())
    assert len(report["race"]) == 2
    for race in report["race"]:
        assert race["commands"] == 2800
        assert race["events"][0] == race["events"][1] > 2800
        assert race["ratio"] == race["together"] / race["apart"]
    memory = report["memory"]
    assert memory["commands"] == list(range(0, 70_001, 7_000))
    assert len(memory["resident_bytes"]) == 11
    assert memory["events"] > 70_000
    assert list(tmp_path.iterdir()) == [], "journals are removed"


def test_tables_say_how_they_were_measured(tmp_path: Path) -> None:
    out = run(tmp_path, "--section", "ring", "--section", "scaling")
    assert "ring to ring through a live shard" in out
    assert "coordinated omission" in out
    assert "budget: p99 ring to ring, without a journal, under 2 us: not measured (--quick)." in out
    assert "budget: 95% of two processes: not measured (--quick)." in out
    assert "the rings alone" in out
    assert "two processes, one shard each" in out
    assert "submit to acknowledgement" not in out
    assert "memory:" not in out


@pytest.mark.parametrize(("is_quick", "has_verdict"), [(True, False), (False, True)])
def test_least_of_everything_is_no_verdict(is_quick: bool, has_verdict: bool) -> None:
    plan = replace(quick(Plan(sections=("ring", "scaling"))), is_quick=is_quick)
    notes = list(runtime_notes(measure_runtime(plan)))
    budgets = [note for note in notes if note.startswith("budget")]
    assert len(budgets) == 2
    for note in budgets:
        assert (" met" in note) == has_verdict
        assert ("not measured" in note) != has_verdict


def test_what_waits_counts_from_its_time_and_nothing_is_clipped() -> None:
    bench = _core.ShardBench(idle="yield", window=16)
    bench.prepare(7_000)
    _, times, latest_ns = bench.at_rate(1e9)
    # Nobody sends at this rate: the last one is late by more than 2,047 ns, to which a histogram without bounds would
    # clip, and was answered after it was sent.
    assert times.count == 7_000
    assert times.max >= latest_ns > 2_047
    bench.close()


def test_the_flow_goes_on_for_ever_and_leaves_nothing(tmp_path: Path) -> None:
    bench = _core.ShardBench(shards=2, idle="park", directory=tmp_path / "data", durability="memory", instruments=3)
    counts = []
    for batch in (1, 7, 100):
        before, (commands, _) = bench.events, bench.commands_and_batches
        bench.prepare(7 * 3 * 20)
        bench.pour(batch=batch)
        counts.append((bench.events - before, bench.commands_and_batches[0] - commands))
    assert len(set(counts)) == 1, "whole cycles: the same events each time"
    assert counts[0][1] == 2 * 7 * 3 * 20
    bench.close()


def test_what_was_prepared_is_sent_before_more_is() -> None:
    # Later commands cancel orders of earlier ones.
    bench = _core.ShardBench(idle="park")
    bench.prepare(7)
    with pytest.raises(RuntimeError, match="has not been sent"):
        bench.prepare(7)
    bench.pour()
    bench.prepare(7)
    bench.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"durability": "stone"}, "durability is not known"),
        ({"idle": "run"}, "idle is not known"),
        ({"shards": 0}, "shards"),
        ({"shards": 2, "cores": [0]}, "cores"),
        ({"instruments": 0}, "instruments"),
    ],
)
def test_arguments_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.ShardBench(**options)


@pytest.mark.parametrize(
    ("structure", "options", "message"),
    [
        ("stack", {}, "structure must be one of"),
        ("spsc", {"producers": 2}, "producers must be 1"),
        ("intake", {"producers": 3}, "multiple"),
        ("spsc", {"batch": 0}, "batch"),
    ],
)
def test_arguments_of_a_hand_off_are_named(structure: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _core.bench_handoff(structure, 1_000, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are pinned on Linux only")
def test_a_processor_that_is_not_there_is_told() -> None:
    for structure in ("spsc", "intake"):
        with pytest.raises(OSError, match="nvalid"):
            _core.bench_handoff(structure, 1_000, core=1_000_000)
    with pytest.raises(OSError, match="nvalid"):
        _core.bench_round_trip(10, core=1_000_000)
