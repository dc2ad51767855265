"""A filesystem that is really full: small, in memory, in a mount namespace of the test's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.crash.kill import ROOT

MOUNT_AND_RUN = 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'


def in_a_small_filesystem(mount: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT_AND_RUN, str(mount), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_full_disk_refuses_orders_and_loses_nothing(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or in_a_small_filesystem(tmp_path, "true").returncode:
        pytest.skip("needs the right to mount in a namespace of its own")
    result = in_a_small_filesystem(tmp_path, sys.executable, "-m", "tests.crash.disk_full_child", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "then capacity, then room" in result.stdout


def test_a_shard_without_room_keeps_nobody_from_closing(tmp_path: Path) -> None:
    shards = [tmp_path / f"shard-{shard:03}" for shard in range(2)]
    for shard in shards:
        shard.mkdir()
    if shutil.which("unshare") is None or in_a_small_filesystem(shards[1], "true").returncode:
        pytest.skip("needs the right to mount in a namespace of its own")
    result = in_a_small_filesystem(shards[1], sys.executable, "-m", "tests.crash.full_shard_child", str(shards[1]))
    assert result.returncode == 0, result.stderr
    assert "completed at the next opening" in result.stdout
