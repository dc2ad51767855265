"""Kills a real process under load, again and again on one directory: `make kill KILLS=200 SEED=1`.

A child (`child.py`) opens the directory and sends a load that its seed repeats. It is killed with SIGKILL at a random
moment: in its recovery, in a write, in the making of a segment or a snapshot; both are small, so that there are many.
The next one must find a prefix of the load that holds everything acknowledged through the pipe: the digest that it
computes is compared with that of the same commands in memory. Exit code 1 if that ever fails; the seed repeats the load
and the moments, though not how far the child has come by then.

SIGKILL leaves the page cache alone: this proves the durability `os`. What a lost page cache does is simulated
(docs/reliability.md).
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.crash.load import LONGEST_BATCH, Model

from aeromatch import Exchange

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent
SEGMENT_BYTES = 256 * 1024
SNAPSHOT_BYTES = 512 * 1024
# One child in so many is killed while it starts, recovery included; the others when they have worked for a while.
EARLY_KILLS = 4
START_S = 0.6
WORK_S = 0.5


class LostError(AssertionError):
    """What was acknowledged is not there, or something is there that nobody sent."""


@dataclass
class Tally:
    """What came out."""

    kills: int = 0
    before_open: int = 0
    """Kills that came before the child had the directory open."""
    acknowledged: int = 0
    """Commands acknowledged before a kill, all in all."""
    beyond: int = 0
    """Commands that were recovered though nobody had been told."""
    compared: int = 0
    """Recovered states that were compared."""
    by_durability: dict[str, int] = field(default_factory=lambda: {"os": 0, "disk": 0})


@dataclass
class Child:
    """What a child said before it died."""

    opened: tuple[int, str] | None
    """Sequence and digest that it recovered; None if it died before."""
    acknowledged: int
    """The last sequence number that it acknowledged."""
    errors: str


def run_child(directory: Path, seed: int, durability: str, rng: random.Random) -> Child:
    """Start a child, kill it at a random moment, and give what it said."""
    lines, errors = run_until_killed("tests.crash.child", directory, seed, durability, rng)
    if not lines:
        return Child(None, 0, errors)
    _, sequence, digest = lines[0].split()
    acknowledged = int(lines[-1]) if len(lines) > 1 else int(sequence)
    return Child((int(sequence), digest), acknowledged, errors)


def run_until_killed(
    module: str, directory: Path, seed: int, durability: str, rng: random.Random
) -> tuple[list[str], str]:
    """Start a child, kill it at a random moment, and give the lines that it said, and its complaints."""
    command = [sys.executable, "-m", module, str(directory), "--seed", str(seed)]
    command += ["--durability", durability, "--segment-bytes", str(SEGMENT_BYTES)]
    command += ["--snapshot-bytes", str(SNAPSHOT_BYTES)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    assert process.stdout is not None
    first = ""
    if rng.randrange(EARLY_KILLS):
        first = process.stdout.readline()
        time.sleep(rng.uniform(0, WORK_S))
    else:
        time.sleep(rng.uniform(0, START_S))
    process.kill()
    said, errors = process.communicate()
    # What has no newline was being written when the process died.
    return [line for line in (first + said).splitlines(keepends=True) if line.endswith("\n")], errors


class Check:
    """One directory and what must be in it."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.tally = Tally()
        self._seed = seed
        self._model = Model(seed)
        self._acknowledged = 0

    def kill(self) -> None:
        """Let a child work, kill it, and check what it had found.

        Raises:
            LostError: It had not found what it must.
        """
        rng = random.Random(f"{self._seed}/kill/{self.tally.kills}")
        durability = rng.choice(("os", "os", "disk"))
        child = run_child(self.directory, self._seed, durability, rng)
        if child.errors:
            raise LostError(f"kill {self.tally.kills}: the child failed:\n{child.errors}")
        self.tally.kills += 1
        self.tally.by_durability[durability] += 1
        if child.opened is None:
            self.tally.before_open += 1
            return
        self._compare(*child.opened)
        self.tally.acknowledged += child.acknowledged - child.opened[0]
        self._acknowledged = child.acknowledged

    def finish(self) -> None:
        """Open the directory here, compare once more; then close it and open it again, which must change nothing.

        Raises:
            LostError: It is not what it must be.
        """
        for _ in range(2):
            with Exchange.open(self.directory, durability="os") as exchange:
                self._compare(exchange.sequence, exchange.digest())
                self._acknowledged = exchange.sequence

    def _compare(self, sequence: int, digest: str) -> None:
        where = f"after kill {self.tally.kills} (seed {self._seed}, {self.directory})"
        beyond = sequence - self._acknowledged
        if beyond < 0:
            raise LostError(f"{where}: of {self._acknowledged} acknowledged commands {-beyond} are lost")
        # The next call, at most, was under way. A child that died before it spoke sent nothing.
        if beyond > LONGEST_BATCH:
            raise LostError(f"{where}: {beyond} commands more than were acknowledged, of at most {LONGEST_BATCH}")
        if digest != self._model.digest_at(sequence):
            raise LostError(f"{where}: the first {sequence} commands give another digest")
        self.tally.compared += 1
        self.tally.beyond += beyond
        self._acknowledged = sequence


def kill_often(directory: Path, kills: int, seed: int, every: float | None = None) -> Tally:
    """Kill so many children on one directory, and check after each; progress every so many seconds."""
    check = Check(directory, seed)
    spoke = time.monotonic()
    for _ in range(kills):
        check.kill()
        if every is not None and time.monotonic() - spoke >= every:
            print(f"{check.tally.kills:,} kills, {check.tally.acknowledged:,} commands acknowledged", flush=True)
            spoke = time.monotonic()
    check.finish()
    return check.tally


def run(title: str, kill: Callable[[Path, int, int], T], told: Callable[[T], str]) -> int:
    """Run what the command line asks for, and print what came of it."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    # Kept if something is wrong with it.
    directory = Path(tempfile.mkdtemp(prefix="aeromatch-kill-"))
    began = time.monotonic()
    try:
        tally = kill(directory / "data", arguments.kills, arguments.seed)
    except LostError as lost:
        print(f"LOST: {lost}\nthe directory is kept: {directory}", file=sys.stderr)
        return 1
    remove(directory)
    print(f"{told(tally)}; {time.monotonic() - began:.0f} s")
    return 0


def told(tally: Tally) -> str:
    """Say in one line what came of the kills."""
    policies = ", ".join(f"{count} under {name}" for name, count in tally.by_durability.items())
    return (
        f"{tally.kills:,} kills ({policies}), {tally.before_open:,} of them while starting; "
        f"{tally.acknowledged:,} commands acknowledged, none lost; "
        f"{tally.beyond:,} more recovered; {tally.compared:,} states compared"
    )


def main() -> int:
    """Kill, with progress."""
    return run(__doc__.splitlines()[0], partial(kill_often, every=5), told)


def remove(directory: Path) -> None:
    """Remove a directory of plain files and folders."""
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    directory.rmdir()


if __name__ == "__main__":
    sys.exit(main())
