"""A few kills of the real server under load through every gateway; `make kill-server KILLS=200` has more of them."""

from __future__ import annotations

from pathlib import Path

from tests.crash.kill_server import kill_often

from aeromatch.bench.gateways import GATEWAYS


def test_a_killed_server_loses_nothing_acknowledged(tmp_path: Path) -> None:
    tally = kill_often(tmp_path, 3, 11)
    assert tally.kills == 3
    assert tally.acknowledged > 100
    assert tally.unanswered > 0
    assert tally.again > 30
    assert set(tally.through) == set(GATEWAYS)
    assert all(tally.through.values())
