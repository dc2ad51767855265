"""The native core against the reference model: `make fuzz COMMANDS=1000000 SEED=1`.

Every 2,000 commands a fresh book, of another kind. The events have to be the same from the reference model and from
the native book with each price index; every 16 commands the digest and the changes of levels too, now and then all that
can be read of a book; at the end the events of all its commands in one batch. Prints how often each event and each
reason occurred, and on a difference the fewest commands that show it. Exit code 1 for a difference, or for an event
that never occurred. A book's commands depend on the seed and its number alone, not on how many processes share them.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Protocol, TypeVar

from tests.books import BookSetup
from tests.model.compare import EVERYTHING, Comparison, Difference, count_events, first_difference, shrink
from tests.model.generator import Generator

from aeromatch.market.reference import AdminCommand, Command, ReferenceEvent

COMMANDS_A_BOOK = 2_000
COMMANDS_AT_A_TIME = 16
# With fewer commands than this, an event that never occurs is no failure.
ENOUGH_COMMANDS = 100_000
RESTORE_CHANCE = 0.005
PROGRESS_S = 5.0

Step = tuple[Command, bool]  # a command, and whether the books are restored from a snapshot before it


def play(steps: Sequence[Step], setup: BookSetup) -> Difference | None:
    """Plays the steps on fresh books."""
    restore_at = frozenset(number for number, (_, restores) in enumerate(steps) if restores)
    return first_difference(setup, [command for command, _ in steps], restore_at)


class Finished(Protocol):
    """What became of one market."""

    done: int
    counts: Counter[str]

    @property
    def steps(self) -> Sequence[object] | None:
        """There if they ended in a difference."""

    def report(self) -> None:
        """Prints the difference."""


@dataclass
class Outcome:
    """What became of one book; the steps are there if they ended in a difference."""

    setup: BookSetup
    done: int
    counts: Counter[str]
    steps: list[Step] | None = None

    def report(self) -> None:
        """Prints the fewest commands that show a difference, and what each book made of the last of them."""
        setup, steps = self.setup, self.steps or []
        fewest = shrink(steps, lambda some: play(some, setup) is not None)
        print(f"\nDifference. {setup}\n{len(fewest)} of {len(steps)} commands show it:")
        for number, (command, restores) in enumerate(fewest):
            print(f"{number:4} {'(restored) ' if restores else ''}{shown(command)}")
        print(play(fewest, setup) or play(steps, setup))


def fuzz_book(seed: int, number: int, commands: int) -> Outcome:
    """One book's commands."""
    rng = random.Random(f"{seed}/{number}")
    generator = Generator(rng)
    comparison = Comparison(generator.setup, COMMANDS_AT_A_TIME)
    outcome = Outcome(generator.setup, commands, Counter())
    steps: list[Step] = []

    def seen(events: list[ReferenceEvent]) -> None:
        count_events(outcome.counts, events)

    for step in range(commands):
        restores = rng.random() < RESTORE_CHANCE
        command = generator.command(comparison.book)
        steps.append((command, restores))
        difference = comparison.restore(swap=step % 2 == 0) if restores else None
        if (difference or comparison.step(command, seen)) is not None:
            outcome.steps = steps
            return outcome
    if comparison.at_once() is not None:
        outcome.steps = steps
    return outcome


Ended = TypeVar("Ended", bound=Finished)


def in_processes(
    play: Callable[[int, int, int], Ended], commands: int, commands_each: int, seed: int, processes: int
) -> Iterator[Ended]:
    """What becomes of one market after the other; their commands add up to as many as told."""
    numbers = range(-(-commands // commands_each))
    sizes = [min(commands_each, commands - number * commands_each) for number in numbers]
    if processes == 1:
        yield from map(play, repeat(seed), numbers, sizes)
        return
    with ProcessPoolExecutor(processes) as pool:
        try:
            yield from pool.map(play, repeat(seed), numbers, sizes)
        finally:
            pool.shutdown(cancel_futures=True)


def shown(command: Command | AdminCommand) -> str:
    """A command with the fields that are not at their defaults."""
    plain = AdminCommand(command.kind) if isinstance(command, AdminCommand) else Command(command.kind)
    given = (
        f"{name}={getattr(command, name)!r}"
        for name in command.__slots__
        if name != "kind" and getattr(command, name) != getattr(plain, name)
    )
    return " ".join((command.kind.slug, *given))


def print_counts(counts: Counter[str], names: Sequence[str]) -> list[str]:
    """Prints how often everything occurred; returns what never did."""
    for name in names:
        print(f"{counts[name]:>12,}  {name}")
    return [name for name in names if counts[name] == 0]


def run(outcomes: Iterator[Finished], commands: int, seed: int, names: Sequence[str]) -> int:
    """Goes through the outcomes until one is a difference; returns the exit code."""
    counts: Counter[str] = Counter()
    started = shown_at = time.monotonic()
    done = 0
    for outcome in outcomes:
        counts.update(outcome.counts)
        done += outcome.done
        if outcome.steps is not None:
            outcome.report()
            return 1
        if time.monotonic() - shown_at > PROGRESS_S:
            shown_at = time.monotonic()
            print(f"{done:>12,} of {commands:,} commands, {done / (shown_at - started):,.0f}/s", flush=True)
    print(f"{done:,} commands (seed {seed}) in {time.monotonic() - started:.0f} s: no difference")
    missing = print_counts(counts, names)
    if missing:
        print("never occurred: " + ", ".join(missing), file=sys.stderr)
    return 1 if missing and commands >= ENOUGH_COMMANDS else 0


def fuzz(commands: int, seed: int, processes: int = 1) -> int:
    """Runs as many commands as told; returns the exit code."""
    outcomes = in_processes(fuzz_book, commands, COMMANDS_A_BOOK, seed, processes)
    return run(outcomes, commands, seed, EVERYTHING)


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="compares the native core with the reference model")
    parser.add_argument("--commands", type=int, default=100_000, help="how many to run")
    parser.add_argument("--seed", type=int, default=1, help="where the random numbers start")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many share the books")
    arguments = parser.parse_args()
    return fuzz(arguments.commands, arguments.seed, arguments.processes)


if __name__ == "__main__":
    sys.exit(main())
