"""`aeromatch bench server`: a server in a process of its own is measured, and its figures are told."""

import json
import subprocess
import sys


def test_both_sections_are_measured() -> None:
    command = [sys.executable, "-m", "aeromatch", "bench", "server", "--rounds", "1", "--seconds", "0.05"]
    done = subprocess.run(
        [*command, "--batch", "20", "--json"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["durability"] == "os"
    assert [len(rounds) for rounds in found["order"]["rounds"].values()] == [1, 1]
    assert set(found["order"]["rounds"]) == {"echo", "order"}
    assert found["order"]["wall_ratio"] > 0
    [batch] = found["batch"]["rounds"]["batch"]
    assert found["batch"]["orders_per_second"] == batch["rate"] * 20
    assert done.stderr == ""
