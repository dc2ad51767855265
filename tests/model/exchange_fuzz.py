"""The native exchange against the reference model: a part of `make fuzz`.

Every 1,500 commands a fresh exchange. Events and digest have to be the same; all funds have to add up after every
command. Prints how often everything occurred, and on a difference the fewest commands that show it. Exit code 1 for a
difference, or for something that never occurred.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.model.compare import shrink
from tests.model.exchange_compare import ALL_THERE_IS, ExchangeComparison, Step, first_difference
from tests.model.exchange_generator import ExchangeGenerator
from tests.model.fuzz import in_processes, run, shown

from aeromatch.market.reference.admin import decode_all

COMMANDS_AN_EXCHANGE = 1_500
COMMANDS_AT_A_TIME = 16
RESTORE_CHANCE = 0.004


@dataclass
class ExchangeOutcome:
    """What became of one exchange; the steps are there if they ended in a difference."""

    done: int
    counts: Counter[str] = field(default_factory=Counter)
    steps: list[Step] | None = None

    def report(self) -> None:
        """Prints the fewest commands that show a difference, and what both made of the last of them."""
        steps = self.steps or []
        fewest = shrink(steps, lambda some: first_difference(some) is not None)
        print(f"\nDifference. {len(fewest)} of {len(steps)} commands show it:")
        for number, (slots, restores) in enumerate(fewest):
            for command in decode_all(slots):
                print(f"{number:4} {'(restored) ' if restores else ''}{shown(command)}")
        print(first_difference(fewest) or first_difference(steps))


def fuzz_exchange(seed: int, number: int, commands: int) -> ExchangeOutcome:
    """One exchange's commands."""
    rng = random.Random(f"exchange {seed}/{number}")
    generator, comparison = ExchangeGenerator(rng), ExchangeComparison(COMMANDS_AT_A_TIME)
    outcome = ExchangeOutcome(commands, comparison.counts)
    steps: list[Step] = []
    for _ in range(commands):
        restores = rng.random() < RESTORE_CHANCE
        command = generator.command(comparison.exchange)
        difference = comparison.restore() if restores else None
        difference = difference or comparison.step(command)
        steps.append((comparison.slots[-1], restores))
        if difference is not None:
            outcome.steps = steps
            return outcome
    if comparison.at_once() is not None:
        outcome.steps = steps
    return outcome


def outcomes(commands: int, seed: int, processes: int) -> Iterator[ExchangeOutcome]:
    """The exchanges one after the other; their commands add up to as many as told."""
    return in_processes(fuzz_exchange, commands, COMMANDS_AN_EXCHANGE, seed, processes)


def fuzz(commands: int, seed: int, processes: int = 1) -> int:
    """Runs as many commands as told; returns the exit code."""
    return run(outcomes(commands, seed, processes), commands, seed, ALL_THERE_IS)


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="compares the native exchange with the reference model")
    parser.add_argument("--commands", type=int, default=25_000, help="how many to run")
    parser.add_argument("--seed", type=int, default=1, help="where the random numbers start")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many share the exchanges")
    arguments = parser.parse_args()
    return fuzz(arguments.commands, arguments.seed, arguments.processes)


if __name__ == "__main__":
    sys.exit(main())
