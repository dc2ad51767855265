"""Kills a real process with two shards under load, as `kill.py` does one without: `make kill KILLS=200 SEED=1`.

What the next one finds is compared load by load: of each shard's commands a prefix that holds everything acknowledged,
with the books and balances that the same commands make in memory; of the commands for all shards the same prefix on
each, even if the kill came between two of them.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.crash.kill import SEGMENT_BYTES, SNAPSHOT_BYTES, LostError, run, run_until_killed
from tests.crash.sharded_load import LONGEST_BATCH, OPTIONS, SETUP, SHARDS, Model, for_all, picture, progress

from aeromatch import Exchange

LOADS = ("all", *map(str, range(SHARDS)))
# So many commands of a load are under way at most.
UNDER_WAY = {"all": 1, "0": 1, "1": LONGEST_BATCH}


@dataclass
class Tally:
    """What came out."""

    kills: int = 0
    acknowledged: int = 0
    """Commands acknowledged before a kill, all in all."""
    beyond: int = 0
    """Commands that were recovered though nobody had been told."""
    compared: int = 0
    """Recovered exchanges that were compared."""


class Check:
    """One directory and what must be in it."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.tally = Tally()
        self._seed = seed
        self._models = [Model(seed, shard) for shard in range(SHARDS)]
        self._acknowledged = dict.fromkeys(LOADS, 0)

    def kill(self) -> None:
        """Let a child work, kill it, and check what is there.

        Raises:
            LostError: It is not what must be there.
        """
        rng = random.Random(f"{self._seed}/kill/{self.tally.kills}")
        durability = rng.choice(("os", "os", "disk"))
        lines, errors = run_until_killed("tests.crash.sharded_child", self.directory, self._seed, durability, rng)
        if errors:
            raise LostError(f"kill {self.tally.kills}: the child failed:\n{errors}")
        self.tally.kills += 1
        for line in lines[1:]:
            load, number = line.split()
            self.tally.acknowledged += int(number) - self._acknowledged[load]
            self._acknowledged[load] = int(number)
        self.compare()

    def compare(self) -> None:
        """Open the directory here and compare.

        Raises:
            LostError: It is not what must be there.
        """
        with Exchange.open(
            self.directory,
            durability="os",
            segment_bytes=SEGMENT_BYTES,
            snapshot_bytes=SNAPSHOT_BYTES,
            shards=OPTIONS,
        ) as exchange:
            self._compare(exchange, f"after kill {self.tally.kills} (seed {self._seed}, {self.directory})")
        self.tally.compared += 1

    def _compare(self, exchange: Exchange, where: str) -> None:
        found = progress(exchange)
        for load, number in zip(LOADS, (found.for_all, *found.of_shard), strict=True):
            acknowledged = self._acknowledged[load]
            if not acknowledged <= number <= acknowledged + UNDER_WAY[load]:
                raise LostError(f"{where}: of load {load}, {acknowledged} were acknowledged, and {number} are there")
            self._acknowledged[load] = number
            self.tally.beyond += number - acknowledged
        calls = map(for_all, range(1, found.for_all + 1))
        names = tuple(call.keywords["name"] for call in calls if call.func.__name__ == "create_account")
        if exchange.accounts() != names:
            raise LostError(f"{where}: there are the accounts {exchange.accounts()[-3:]}, not {names[-3:]}")
        if found.for_all < len(SETUP):
            return
        for shard, (model, number) in enumerate(zip(self._models, found.of_shard, strict=True)):
            if picture(exchange, shard) != model.after(number):
                raise LostError(f"{where}: shard {shard} is not what {number} of its commands make")


def kill_often(directory: Path, kills: int, seed: int) -> Tally:
    """Kill so many children on one directory, and check after each."""
    check = Check(directory, seed)
    for _ in range(kills):
        check.kill()
    # Closed and opened again, it is the same.
    check.compare()
    return check.tally


def told(tally: Tally) -> str:
    """Say in one line what came of the kills."""
    return (
        f"{tally.kills:,} kills with {SHARDS} shards; {tally.acknowledged:,} commands acknowledged, none lost; "
        f"{tally.beyond:,} more recovered; {tally.compared:,} states compared"
    )


def main() -> int:
    """Kill as the command line asks for."""
    return run(__doc__.splitlines()[0], kill_often, told)


if __name__ == "__main__":
    sys.exit(main())
