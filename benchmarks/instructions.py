"""Counts what a command costs with each price index, under valgrind: instructions, wrong guesses, cache misses.

Counted, not timed, so it says the same on a busy machine. The guesses and the caches are those of valgrind's simple
models, not of a real processor: compare rows, and take no row for a time. Run it from the repository's root:

    .venv/bin/python benchmarks/instructions.py calm swing sparse
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from aeromatch import _core
from aeromatch.replay.generate import Mood, flow

INDEXES = ("ladder", "btree", "skiplist", "heap")
COMMANDS = 100_000
COUNTED = {"instructions": ("Ir",), "wrong guesses": ("Bcm", "Bim"), "L1 misses": ("D1mr", "D1mw", "I1mr")}
# Without the package around the extension, of whose imports valgrind would take far longer than of the engine.
CHILD = """
import importlib.machinery, importlib.util, sys
path, slots, index, times = sys.argv[1:]
loader = importlib.machinery.ExtensionFileLoader("_core", path)
core = importlib.util.module_from_spec(importlib.util.spec_from_loader("_core", loader))
loader.exec_module(core)
with open(slots, "rb") as file:
    slots = file.read()
for _ in range(int(times)):
    core.bench_native(slots, index=index)
"""


def count(slots: Path, index: str, times: int) -> dict[str, int]:
    """Count everything that valgrind counts while the flow runs so many times, Python's own start included."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--branch-sim=yes", "--cache-sim=yes"]
    child = [sys.executable, "-I", "-S", "-c", CHILD, str(_core.__file__), str(slots), index, str(times)]
    said = subprocess.run([*command, *child], check=True, capture_output=True, text=True).stderr
    names, numbers = (re.findall(rf"{word} *: (.*)", said)[0].split() for word in ("Events", "Collected"))
    return dict(zip(names, map(int, numbers), strict=True))


def per_command(slots: Path, index: str, commands: int) -> list[float]:
    """What a command costs: three runs less one are two, without what came before."""
    once, thrice = count(slots, index, 1), count(slots, index, 3)
    return [sum(thrice[name] - once[name] for name in names) / (2 * commands) for names in COUNTED.values()]


def main(moods: list[str]) -> None:
    """Print a table as Markdown."""
    print("| flow | index | " + " | ".join(COUNTED) + " |")
    print("| --- | --- |" + " ---: |" * len(COUNTED))
    with tempfile.TemporaryDirectory() as folder:
        for mood in moods:
            opening, session = flow(Mood(mood), COMMANDS, 1)
            slots = Path(folder, mood)
            slots.write_bytes(opening.slots.tobytes() + session.slots.tobytes())
            for index in INDEXES:
                costs = per_command(slots, index, len(opening) + len(session))
                print(f"| {mood} | {index} | {costs[0]:.0f} | {costs[1]:.2f} | {costs[2]:.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or [mood.value for mood in Mood])
