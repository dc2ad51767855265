"""Generated streams: the native core does what the reference model does, and the events hold together.

Hypothesis builds the commands without looking at a book, so that a failure shrinks to the few that matter; the
streams of `generator.py`, which do look, go deeper.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import BookSetup
from tests.model.compare import EVERYTHING, Comparison, Difference, count_events, first_difference, shrink
from tests.model.fuzz import fuzz
from tests.model.generator import IMPOSSIBLE_EXPIRIES, IMPOSSIBLE_QUANTITIES, MALFORMED_CLIENT_IDS, Generator
from tests.model.rebuild import Rebuilt

from aeromatch.market.reference import (
    Command,
    CommandKind,
    EventKind,
    OrderType,
    Phase,
    ReferenceBook,
    ReferenceEvent,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
    decode,
    decode_event,
    encode,
    encode_event,
)

PRICE_MIN, PRICE_MAX = -(2**63), 2**63 - 1
U64_MAX = 2**64 - 1
INSTRUMENT = 3

rarely = st.integers(0, 39).map(lambda number: number == 39)


def mostly(usual: st.SearchStrategy[int], unusual: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    return rarely.flatmap(lambda is_rare: unusual if is_rare else usual)


prices = mostly(st.integers(-2, 3), st.sampled_from((PRICE_MIN, PRICE_MIN + 1, PRICE_MAX - 1, PRICE_MAX)))
quantities = mostly(st.integers(1, 5), st.sampled_from((*IMPOSSIBLE_QUANTITIES, 2**48)))
accounts = st.integers(0, 3)
client_ids = rarely.flatmap(
    lambda is_rare: st.sampled_from(MALFORMED_CLIENT_IDS) if is_rare else st.sampled_from((b"a", b"b", b"c"))
)
order_ids = mostly(
    st.integers(1, 12).map(lambda counter: INSTRUMENT << 40 | counter), st.sampled_from((0, 1, 2**40, U64_MAX))
)
times = mostly(st.integers(0, 30), st.sampled_from((2**63 - 1, 2**63, U64_MAX)))
expiries = mostly(st.integers(1, 30), st.sampled_from((*IMPOSSIBLE_EXPIRIES, 2**63 - 1)))
modes = st.sampled_from(SelfTradePrevention)
instruments = mostly(st.just(INSTRUMENT), st.sampled_from((0, 2**32 - 1)))
sequences = mostly(st.just(0), st.sampled_from((1, 2**63, U64_MAX)))
tags = st.sampled_from((0, 7, U64_MAX))


def command_of(draw: st.DrawFn, kind: CommandKind) -> Command:
    """A command with what every kind has."""
    return Command(
        kind,
        instrument=draw(instruments),
        account=draw(accounts),
        timestamp_ns=draw(times),
        sequence=draw(sequences),
        tag=draw(tags),
    )


@st.composite
def new_orders(draw: st.DrawFn) -> Command:
    """A new order: legal in most of its fields, but nothing keeps it from being nonsense."""
    command = command_of(draw, CommandKind.NEW)
    command.side = draw(st.sampled_from((Side.BUY, Side.SELL)))
    command.quantity_lots = draw(quantities)
    command.time_in_force = draw(st.sampled_from(TimeInForce))
    command.self_trade_prevention = draw(modes)
    command.self_trade_group = draw(st.none() | st.integers(0, 2))
    command.client_order_id = draw(st.none() | client_ids)
    command.post_only = draw(st.booleans())
    command.price_off_grid = draw(rarely)
    if draw(st.integers(0, 5)) == 5:
        command.order_type = OrderType.MARKET
        command.protection_price_ticks = draw(st.none() | prices)
    wrong = draw(rarely)
    if (command.order_type == OrderType.LIMIT) != wrong:
        command.price_ticks = draw(prices)
    if (command.time_in_force == TimeInForce.GTD) != draw(rarely):
        command.expire_at_ns = draw(expiries)
    at_once = command.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) or command.order_type == OrderType.MARKET
    command.post_only = command.post_only and (not at_once or draw(rarely))
    command.slide = (command.post_only and draw(st.booleans())) or draw(rarely)
    return command


@st.composite
def commands_about_an_order(draw: st.DrawFn) -> Command:
    """A cancel or an amend of an order that may or may not be there."""
    command = command_of(draw, draw(st.sampled_from((CommandKind.CANCEL, CommandKind.AMEND, CommandKind.AMEND))))
    by_client_id = draw(st.booleans())
    if by_client_id or draw(rarely):
        command.client_order_id = draw(client_ids)
    if not by_client_id or draw(rarely):
        command.order_id = draw(order_ids)
    if command.kind == CommandKind.AMEND:
        command.quantity_lots = draw(st.none() | quantities)
        command.price_ticks = draw(st.none() | prices)
        command.price_off_grid = draw(rarely)
    return command


@st.composite
def other_commands(draw: st.DrawFn) -> Command:
    """A mass cancel, a phase or an advance of time."""
    command = command_of(
        draw, draw(st.sampled_from((CommandKind.MASS_CANCEL, CommandKind.PHASE, CommandKind.ADVANCE_TIME)))
    )
    if command.kind == CommandKind.MASS_CANCEL:
        command.side = draw(st.sampled_from(Side))
    elif command.kind == CommandKind.PHASE:
        command.phase = draw(st.sampled_from((Phase.CONTINUOUS, *Phase)))
    return command


commands = st.integers(0, 9).flatmap(
    lambda number: new_orders() if number < 6 else commands_about_an_order() if number < 9 else other_commands()
)
setups = st.builds(
    BookSetup,
    instrument=st.just(INSTRUMENT),
    dedup_window_ns=st.sampled_from((0, 5, U64_MAX)),
    self_trade_prevention=st.sampled_from([mode for mode in SelfTradePrevention if mode]),
)


@settings(max_examples=400, deadline=None)
@given(setups, st.lists(commands, max_size=40))
def test_native_and_reference_agree(setup: BookSetup, stream: list[Command]) -> None:
    comparison = Comparison(setup)
    for command in stream:
        difference = comparison.step(command)
        assert difference is None, str(difference)
    difference = comparison.at_once()
    assert difference is None, str(difference)


@settings(max_examples=150, deadline=None)
@given(setups, st.lists(commands, max_size=30), st.lists(commands, max_size=15), st.booleans())
def test_a_restored_book_goes_on_as_if_nothing_had_been(
    setup: BookSetup, before: list[Command], after: list[Command], swap: bool
) -> None:
    comparison = Comparison(setup)
    differences = [comparison.step(command) for command in before]
    differences.append(comparison.restore(swap=swap))
    differences += [comparison.step(command) for command in after]
    assert [str(difference) for difference in differences if difference is not None] == []


@settings(max_examples=200, deadline=None)
@given(setups, st.lists(commands, max_size=40))
def test_the_events_rebuild_a_sound_book(setup: BookSetup, stream: list[Command]) -> None:
    comparison, rebuilt = Comparison(setup), Rebuilt()
    for command in stream:
        follow(comparison, rebuilt, command)


def follow(comparison: Comparison, rebuilt: Rebuilt, command: Command) -> None:
    """Plays a command and checks its events and the book that they rebuild."""
    digest = comparison.reference.digest()
    now_ns = comparison.book.now_ns
    events: list[ReferenceEvent] = []
    difference = comparison.step(command, events.extend)
    assert difference is None, str(difference)
    own = [event for event in events if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED)]
    assert len(own) == 1
    assert [event.index for event in events] == list(range(len(events)))
    assert {event.sequence for event in events} == {comparison.book.sequence}
    if own[0].kind == EventKind.REJECTED:
        assert events[-1] is own[0]
        if len(events) == 1 and comparison.book.now_ns == now_ns:
            assert comparison.reference.digest() == digest
    rebuilt.command(events)
    assert not rebuilt.is_crossed_or_locked()
    assert rebuilt.book() == [
        (order.order_id, order.side, order.price_ticks, order.remaining_lots)
        for side in (Side.BUY, Side.SELL)
        for order in comparison.book.resting[side]
    ]


@pytest.mark.parametrize("seed", range(6))
def test_deep_streams_rebuild_a_sound_book(seed: int) -> None:
    generator = Generator(random.Random(seed))
    comparison, rebuilt = Comparison(generator.setup), Rebuilt()
    for _ in range(600):
        follow(comparison, rebuilt, generator.command(comparison.book))


@given(commands)
def test_commands_survive_their_slots(command: Command) -> None:
    decoded = decode(encode(command))
    assert len(decoded) == 1
    text = command.client_order_id
    if text is not None and len(text) > 36:  # of a longer one only the beginning arrives
        command.client_order_id = text[:36] + b"\0"
    assert decoded == [command]


@given(setups, st.lists(commands, max_size=10))
def test_events_survive_their_slots(setup: BookSetup, stream: list[Command]) -> None:
    book = ReferenceBook(setup.instrument, self_trade_prevention=setup.self_trade_prevention)
    for command in stream:
        for event in book.apply(command):
            assert decode_event(encode_event(event)) == event


def test_fuzz_runs_clean_and_reaches_everything() -> None:
    assert fuzz(20_000, seed=5) == 0


def test_fuzz_finds_and_shrinks_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference that forgets a rule is found out, in two commands."""
    generator = Generator(random.Random(2))
    setup = BookSetup(instrument=0)
    book = ReferenceBook()
    generator.center, generator.wide = 100, False
    stream = []
    for _ in range(300):
        command = generator.command(book)
        command.instrument = 0
        book.apply(command)
        stream.append(command)
    assert first_difference(setup, stream, frozenset()) is None
    monkeypatch.setattr(ReferenceBook, "_post_only_takes", lambda *_: False)
    difference = first_difference(setup, stream, frozenset())
    assert isinstance(difference, Difference)
    fewest = shrink(stream, lambda some: first_difference(setup, some, frozenset()) is not None)
    assert len(fewest) == 2
    assert fewest[1].post_only
    assert "reference" in str(difference)


def test_everything_counts_each_kind_and_reason() -> None:
    counts: Counter[str] = Counter()
    count_events(counts, ReferenceBook().apply(Command(CommandKind.NEW, side=Side.BUY, quantity_lots=0)))
    assert counts == {"rejected": 1, "rejected invalid_quantity": 1}
    assert len(EVERYTHING) == len(EventKind) + len(RejectReason) + 9
