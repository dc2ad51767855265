"""A journal is read while another process writes it as fast as it can."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.crash.kill import ROOT
from tests.crash.load import Model

from aeromatch.replay import Timeline
from aeromatch.replay.timeline import inspect_journal, verify_journal

SEED = 31
READING_S = 1.5


def test_reading_beside_a_process_at_work(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    command = [sys.executable, "-m", "tests.crash.child", str(directory), "--seed", str(SEED), "--durability", "os"]
    command += ["--segment-bytes", "16384", "--snapshot-bytes", "65536"]
    said = tmp_path / "said"
    with said.open("wb") as stdout:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and not said.stat().st_size:
            time.sleep(0.01)
        model, timeline = Model(SEED), Timeline(directory)
        moments, ends = 0, time.monotonic() + READING_S
        while time.monotonic() < ends:
            assert timeline.seek(timeline.last).digest() == model.digest_at(timeline.sequence)
            assert verify_journal(directory).last_sequence >= timeline.sequence
            assert inspect_journal(directory).damage is None
            moments += 1
    finally:
        process.kill()
        process.wait()
    assert moments > 3
    assert timeline.seek(timeline.last).digest() == model.digest_at(timeline.sequence)
    assert len(inspect_journal(directory).segments) > 3
