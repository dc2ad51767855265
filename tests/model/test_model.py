"""Generated streams: the native core does what the reference model does.

Hypothesis builds the commands without looking at a book, so that a failure shrinks to the few that matter; the
streams of `generator.py`, which do look, go deeper. What the events of any stream have to be is in `test_reference.py`.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import BookSetup, Reference
from tests.model.compare import EVERYTHING, Comparison, Difference, count_events, first_difference, shrink
from tests.model.fuzz import fuzz
from tests.model.generator import Generator
from tests.model.strategies import commands, setups

from aeromatch.market.reference import Command, CommandKind, OrderType, ReferenceBook, Side, checks


@settings(max_examples=400, deadline=None)
@given(setups(), st.lists(commands, max_size=40))
def test_native_and_reference_agree(setup: BookSetup, stream: list[Command]) -> None:
    comparison = Comparison(setup)
    for command in stream:
        difference = comparison.step(command)
        assert difference is None, str(difference)
    difference = comparison.at_once()
    assert difference is None, str(difference)


@settings(max_examples=150, deadline=None)
@given(setups(), st.lists(commands, max_size=30), st.lists(commands, max_size=15), st.booleans())
def test_a_restored_book_goes_on_as_if_nothing_had_been(
    setup: BookSetup, before: list[Command], after: list[Command], swap: bool
) -> None:
    comparison = Comparison(setup)
    differences = [comparison.step(command) for command in before]
    differences.append(comparison.restore(swap=swap))
    differences += [comparison.step(command) for command in after]
    assert [str(difference) for difference in differences if difference is not None] == []


@pytest.mark.parametrize("processes", [1, 2])
def test_fuzz_runs_clean(processes: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz(12_000, seed=5, processes=processes) == 0
    assert "12,000 commands (seed 5)" in capsys.readouterr().out


def stream_of(seed: int) -> tuple[BookSetup, list[Command]]:
    """A generated book's setup and commands."""
    generator = Generator(random.Random(seed))
    book = Reference(generator.setup).book
    stream = []
    for _ in range(300):
        stream.append(generator.command(book))
        book.apply(stream[-1])
    return generator.setup, stream


def test_fuzz_finds_and_shrinks_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that forgets a rule is found out, in a command or two more than it takes to break the rule."""
    streams = [stream_of(seed) for seed in range(12)]
    assert [first_difference(setup, stream, frozenset()) for setup, stream in streams] == [None] * len(streams)
    monkeypatch.setattr(checks, "post_only_takes", lambda *_: False)
    differences = [first_difference(setup, stream, frozenset()) for setup, stream in streams]
    found = [number for number, difference in enumerate(differences) if isinstance(difference, Difference)]
    assert len(found) >= 2
    setup, stream = streams[found[0]]
    fewest = shrink(stream, lambda some: first_difference(setup, some, frozenset()) is not None)
    assert 2 <= len(fewest) <= 4
    assert any(command.post_only for command in fewest)
    assert "reference" in str(differences[found[0]])


def test_everything_counts_each_kind_and_reason() -> None:
    counts: Counter[str] = Counter()
    book = ReferenceBook()
    count_events(counts, book.apply(Command(CommandKind.NEW, side=Side.BUY, quantity_lots=0)))
    assert counts == {"rejected": 1, "rejected invalid_quantity": 1}
    stop = Command(CommandKind.NEW, side=Side.BUY, order_type=OrderType.STOP, quantity_lots=1, stop_price_ticks=5)
    count_events(counts, book.apply(stop))
    assert counts["accepted stop"] == 1
    assert len(EVERYTHING) == len(set(EVERYTHING))
