"""Generated streams for a whole exchange: the native one does what the reference model does, and all funds add up."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from tests.exchanges import Native, Reference
from tests.model.compare import Difference, read_events, shrink
from tests.model.exchange_compare import ALL_THERE_IS, ExchangeComparison, Step, first_difference, slots_of
from tests.model.exchange_fuzz import fuzz
from tests.model.exchange_generator import ExchangeGenerator

from aeromatch.market.reference import (
    AdminCommand,
    AdminKind,
    EventKind,
    ReferenceExchange,
    RejectReason,
    Rules,
    Terms,
)
from aeromatch.market.reference.administration import MOST_GROUPS
from aeromatch.market.reference.ledger import Funded, Ledger, rounded_up


def stream_of(seed: int, commands: int) -> list[Step]:
    """A generated exchange's commands."""
    generator, exchange = ExchangeGenerator(random.Random(seed)), ReferenceExchange()
    steps: list[Step] = []
    for _ in range(commands):
        command = generator.command(exchange)
        exchange.apply(command)
        steps.append((slots_of(command), False))
    return steps


@pytest.mark.parametrize("seed", range(8))
def test_native_and_reference_agree_after_every_command(seed: int) -> None:
    rng = random.Random(seed)
    steps = [(slots, rng.random() < 0.01) for slots, _ in stream_of(seed, 500)]
    difference = first_difference(steps)
    assert difference is None, str(difference)


def test_R31_funds_add_up_after_every_command_whatever_occurs() -> None:
    """`ExchangeComparison.step` adds them up; here everything that there is does occur."""
    counts: Counter[str] = Counter()
    for seed in range(60):
        generator, comparison = ExchangeGenerator(random.Random(f"deeper {seed}")), ExchangeComparison(64)
        for _ in range(1_000):
            difference = comparison.step(generator.command(comparison.exchange))
            assert difference is None, str(difference)
        counts.update(comparison.counts)
        if all(counts[name] for name in ALL_THERE_IS):
            break
    assert [name for name in ALL_THERE_IS if not counts[name]] == []


def test_D63_both_end_at_as_many_clearing_groups() -> None:
    groups = [AdminCommand(AdminKind.CREATE_GROUP, texts=(f"g{number}",)) for number in range(MOST_GROUPS + 1)]
    terms = Terms(0, 0, 0, 0, 1, 1)
    for name in ("new", "g5"):
        texts = (f"in {name}", "1", "1", "A", "B", name, "fees")
        groups.append(AdminCommand(AdminKind.CREATE_INSTRUMENT, texts=texts, settlement=terms, rules=Rules()))
    event = ("E", "1", "1", "B", "new", "fees", "yes", "no")
    groups.append(
        AdminCommand(AdminKind.CREATE_EVENT, texts=event, settlement=replace(terms, unit_ticks=9), rules=Rules())
    )
    batch = b"".join(map(slots_of, groups))
    reference, native = Reference(), Native()
    answers = reference.process(batch)
    assert native.process(batch) == answers
    assert native.digest() == reference.digest()
    found = Counter(event.reason for event in read_events(answers) if event.kind == EventKind.REJECTED)
    assert found == {RejectReason.INVALID_QUANTITY: 3}


def test_fuzz_runs_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert fuzz(4_000, seed=5, processes=2) == 0
    assert "4,000 commands (seed 5)" in capsys.readouterr().out


def test_fuzz_finds_and_shrinks_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that rounds the fee of each trade by itself is found out, in few commands more than a trade takes."""
    streams = [stream_of(seed, 300) for seed in range(10)]

    def charge(_: Ledger, funded: Funded, exact: int) -> int:
        funded.fee_sum += exact
        return rounded_up(exact)

    monkeypatch.setattr(Ledger, "charge", charge)
    differences = [first_difference(stream) for stream in streams]
    found = [number for number, difference in enumerate(differences) if isinstance(difference, Difference)]
    assert len(found) >= 2
    fewest = shrink(streams[found[0]], lambda some: first_difference(some) is not None)
    assert 4 <= len(fewest) <= 16
    assert "reference" in str(first_difference(fewest))
