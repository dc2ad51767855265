"""Two shards of one process against two processes with one shard each, which share nothing.

Every process is a child of this one and does the same: it opens its shards, makes all commands, says so, and starts
when told to.
Run as `python -m aeromatch.bench.runtime_feed SHARDS COMMANDS BATCH CORE...` it is such a child.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from aeromatch import _core

SHARDS = 2
INSTRUMENTS = 2
"""On each shard; all of them are traded."""
WINDOW = 8
"""Submissions under way: large ones, so that the producers mostly sleep."""


@dataclass(frozen=True, slots=True)
class Race:
    """One round: the same commands through both."""

    commands: int
    """Of each set-up, both shards together."""
    together: float
    """Commands a second of two shards in one process."""
    apart: float
    """Of two processes with one shard each."""
    events: tuple[int, int]
    """What came back: the same."""

    @property
    def ratio(self) -> float:
        """What two shards reach of two processes."""
        return self.together / self.apart


def race(cores: tuple[int, ...], commands: int, batch: int, *, swap: bool = False) -> Race:
    """Run both set-ups, one after the other.

    Args:
        cores: Two processors that the shards are pinned to, in both set-ups; fewer: none is.
        commands: Of each shard.
        batch: Commands a submission.
        swap: Whether the two processes begin.
    """
    pins = [str(core) for core in cores] if len(cores) == SHARDS else []
    together = [["2", *pins]]
    apart = [["1", *pins[place : place + 1]] for place in range(SHARDS)]
    order = (apart, together) if swap else (together, apart)
    found = [_run(setup, commands, batch) for setup in order]
    (one_rate, one_events), (two_rate, two_events) = reversed(found) if swap else found
    return Race(SHARDS * commands, one_rate, two_rate, (one_events, two_events))


def _run(setup: list[list[str]], commands: int, batch: int) -> tuple[float, int]:
    """Start the children, let all begin at once, and give commands a second from the first start to the last end."""
    module = [sys.executable, "-m", "aeromatch.bench.runtime_feed"]
    children = [
        subprocess.Popen(
            [*module, shards, str(commands), str(batch), *pins],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for shards, *pins in setup
    ]
    try:
        lines = [_line(child) for child in children]
        assert all(line == ["ready"] for line in lines), lines
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        results = [[int(word) for word in _line(child)] for child in children]
    finally:
        for child in children:
            child.communicate()
    started, ended = min(result[0] for result in results), max(result[1] for result in results)
    return SHARDS * commands / (ended - started) * 1e9, sum(result[2] for result in results)


def _line(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout is not None
    words = child.stdout.readline().split()
    if not words:
        raise RuntimeError(f"a process of the benchmark ended with {child.wait()}")
    return words


def feed(shards: int, commands: int, batch: int, cores: list[int]) -> None:
    """Be a child: the clock that it reports is the same in all processes of a machine."""
    bench = _core.ShardBench(shards=shards, idle="park", cores=cores, window=WINDOW, instruments=INSTRUMENTS)
    # Memory that is touched for the first time is not measured.
    bench.prepare(commands)
    bench.pour(batch=batch)
    bench.prepare(commands)
    before = bench.events
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.monotonic_ns()
    elapsed = bench.pour(batch=batch)
    print(started, started + elapsed, bench.events - before, flush=True)
    bench.close()


if __name__ == "__main__":
    feed(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [int(core) for core in sys.argv[4:]])
