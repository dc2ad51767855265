"""Programs of others that tests try the server with; without one its tests are skipped, unless nothing may be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Where Go's own archive is unpacked, as its instructions say; it puts nothing on the path.
ELSEWHERE = {"go": Path("/usr/local/go/bin/go")}


def program(name: str) -> str:
    """The path of a program; without it the test is skipped, or fails where AEROMATCH_NO_SKIP is set."""
    found = shutil.which(name)
    if found is None and name in ELSEWHERE and ELSEWHERE[name].is_file():
        found = str(ELSEWHERE[name])
    if found is None:
        if os.environ.get("AEROMATCH_NO_SKIP"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found
