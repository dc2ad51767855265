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
    assert [each["connections"] for each in found["order"]] == [16, 64]
    for each in found["order"]:
        assert [len(rounds) for rounds in each["rounds"].values()] == [1, 1]
        assert set(each["rounds"]) == {"echo", "order"}
        assert each["wall_ratio"] > 0
    [batch] = found["batch"]["rounds"]["batch"]
    assert found["batch"]["orders_per_second"] == batch["rate"] * 20
    assert done.stderr == ""
