"""The native core against the reference model: `make fuzz COMMANDS=1000000 SEED=1`.

Every 2,000 commands a fresh book. After every command the events and the digest of the reference model and of the
native book with each price index have to be the same, and at the end those of all its commands in one batch. Prints how
often each event and each reason occurred, and on a difference the fewest commands that show it. Exit code 1 for a
difference, or for an event that never occurred.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.books import BookSetup
from tests.model.compare import EVERYTHING, Comparison, Difference, count_events, first_difference, shrink
from tests.model.generator import Generator

from aeromatch.market.reference import Command, ReferenceEvent

COMMANDS_A_BOOK = 2_000
# With fewer commands than this, an event that never occurs is no failure.
ENOUGH_COMMANDS = 20_000
RESTORE_CHANCE = 0.005
PROGRESS_S = 5.0

Step = tuple[Command, bool]  # a command, and whether the books are restored from a snapshot before it


def play(steps: Sequence[Step], setup: BookSetup) -> Difference | None:
    """Plays the steps on fresh books."""
    restore_at = frozenset(number for number, (_, restores) in enumerate(steps) if restores)
    return first_difference(setup, [command for command, _ in steps], restore_at)


def fuzz_book(rng: random.Random, commands: int, counts: Counter[str]) -> tuple[BookSetup, list[Step], bool]:
    """One book's commands; the last says whether they ended in a difference."""
    generator = Generator(rng)
    comparison = Comparison(generator.setup)
    steps: list[Step] = []

    def seen(events: list[ReferenceEvent]) -> None:
        count_events(counts, events)

    for number in range(commands):
        restores = rng.random() < RESTORE_CHANCE
        command = generator.command(comparison.book)
        steps.append((command, restores))
        difference = comparison.restore(swap=number % 2 == 0) if restores else None
        if (difference or comparison.step(command, seen)) is not None:
            return generator.setup, steps, True
    return generator.setup, steps, comparison.at_once() is not None


def report_difference(setup: BookSetup, steps: Sequence[Step]) -> None:
    """Prints the fewest commands that show a difference, and what each book made of the last of them."""
    fewest = shrink(steps, lambda some: play(some, setup) is not None)
    print(f"\nDifference. {setup}\n{len(fewest)} of {len(steps)} commands show it:")
    for number, (command, restores) in enumerate(fewest):
        print(f"{number:4} {'(restored) ' if restores else ''}{shown(command)}")
    print(play(fewest, setup) or play(steps, setup))


def shown(command: Command) -> str:
    """A command with the fields that are not at their defaults."""
    plain = Command(command.kind)
    given = (
        f"{name}={getattr(command, name)!r}"
        for name in Command.__slots__
        if name != "kind" and getattr(command, name) != getattr(plain, name)
    )
    return " ".join((command.kind.slug, *given))


def print_counts(counts: Counter[str]) -> list[str]:
    """Prints how often everything occurred; returns what never did."""
    for name in EVERYTHING:
        print(f"{counts[name]:>12,}  {name}")
    return [name for name in EVERYTHING if counts[name] == 0]


def fuzz(commands: int, seed: int) -> int:
    """Runs as many commands as told; returns the exit code."""
    counts: Counter[str] = Counter()
    started = shown_at = time.monotonic()
    done = 0
    for book in range(-(-commands // COMMANDS_A_BOOK)):
        # A book's commands depend on the seed and its number alone.
        rng = random.Random(f"{seed}/{book}")
        setup, steps, differs = fuzz_book(rng, min(COMMANDS_A_BOOK, commands - done), counts)
        done += len(steps)
        if differs:
            report_difference(setup, steps)
            return 1
        if time.monotonic() - shown_at > PROGRESS_S:
            shown_at = time.monotonic()
            print(f"{done:>12,} of {commands:,} commands, {done / (shown_at - started):,.0f}/s", flush=True)
    print(f"{done:,} commands (seed {seed}) in {time.monotonic() - started:.0f} s: no difference")
    missing = print_counts(counts)
    if missing:
        print("never occurred: " + ", ".join(missing), file=sys.stderr)
    return 1 if missing and commands >= ENOUGH_COMMANDS else 0


def main() -> int:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="compares the native core with the reference model")
    parser.add_argument("--commands", type=int, default=100_000, help="how many to run")
    parser.add_argument("--seed", type=int, default=1, help="where the random numbers start")
    arguments = parser.parse_args()
    return fuzz(arguments.commands, arguments.seed)


if __name__ == "__main__":
    sys.exit(main())
