"""`go tool pprof` opens our profiles, from the server and from files."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.clients.tools import program

PROFILES = {"profile": "profile?seconds=2", "heap": "heap?seconds=1", "threads": "threads"}


def pprof(tmp_path: Path, *arguments: str) -> str:
    """What it says to a profile; it must be able to read it."""
    # Go keeps what it builds, and profiles that it fetches, below a home.
    homes = {"HOME": str(tmp_path), "GOCACHE": os.environ.get("GOCACHE", str(Path.home() / ".cache" / "go-build"))}
    done = subprocess.run(
        [program("go"), "tool", "pprof", *arguments],
        env=os.environ | homes | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_in_a_file(server: str, tmp_path: Path, name: str) -> None:
    answer = httpx.get(f"{server}/debug/pprof/{PROFILES[name]}", timeout=60)
    file = tmp_path / "profile.pb.gz"
    file.write_bytes(answer.content)
    top = pprof(tmp_path, "-top", "-nodecount=1000", "-nodefraction=0", str(file))
    raw = pprof(tmp_path, "-raw", str(file))
    shown = {"profile": "cpu", "heap": "inuse_space", "threads": "threads"}[name]
    assert f"Type: {shown}\n" in top
    assert f"{shown}/{ {'cpu': 'nanoseconds', 'inuse_space': 'bytes', 'threads': 'count'}[shown] }[dflt]" in raw
    expected = {"profile": r"\[shard-0\]", "heap": r"\[exchange: books and tables\]", "threads": r"\[shard-1\]"}[name]
    assert re.search(expected, top), top
    # A mapping that has its names: nothing is looked for in the program's file.
    assert re.search(r"Mappings\n1: .*\[FN\]\[FL\]\[LN\]", raw), raw[-500:]


def test_a_profile_from_the_server(server: str, tmp_path: Path) -> None:
    top = pprof(tmp_path, "-top", "-seconds=2", f"{server}/debug/pprof/profile")
    assert "Type: cpu\n" in top
    assert "[shard-0]" in top
