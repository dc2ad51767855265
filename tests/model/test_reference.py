"""What has to hold for every stream of commands, tried on the reference model.

The native core gives the same events (`test_model.py`), so what holds here holds there.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books import BookSetup, Reference
from tests.model.compare import EVERYTHING, count_events
from tests.model.generator import Generator
from tests.model.rebuild import Rebuilt
from tests.model.strategies import commands, setups

from aeromatch.market.reference import (
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    Matching,
    Order,
    OrderType,
    Phase,
    ReferenceBook,
    ReferenceEvent,
    Side,
    TimeInForce,
    decode,
    decode_event,
    encode,
    encode_event,
)

ROOT = Path(__file__).parents[2]
SIDES = (Side.BUY, Side.SELL)


class Watch:
    """Plays commands on a reference book and checks after each what has to hold."""

    def __init__(self, setup: BookSetup) -> None:
        self.reference = Reference(setup)
        self.rebuilt = Rebuilt(is_fifo=setup.matching == Matching.FIFO)

    @property
    def book(self) -> ReferenceBook:
        return self.reference.book

    def play(self, command: Command) -> list[ReferenceEvent]:
        digest, now_ns = self.reference.digest(), self.book.now_ns
        events = self.book.apply(command)
        answers = [event for event in events if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED)]
        assert len(answers) == 1
        assert [event.index for event in events] == list(range(len(events)))
        assert {event.sequence for event in events} == {self.book.sequence}
        if answers[0].kind == EventKind.REJECTED:
            assert events[-1] is answers[0]
            if len(events) == 1 and self.book.now_ns == now_ns:
                assert self.reference.digest() == digest
        self.check_stream(events)
        self.check_orders()
        return events

    def check_stream(self, events: list[ReferenceEvent]) -> None:
        """The events alone rebuild the book, order by order."""
        rebuilt, book = self.rebuilt, self.book
        rebuilt.command(events)
        assert rebuilt.phase == book.phase
        assert rebuilt.book() == [
            (order.order_id, order.side, order.price_ticks, order.remaining_lots)
            for side in SIDES
            for order in book.resting[side]
            if not order.is_market
        ]
        assert rebuilt.dormant() == sorted(
            (order.order_id, order.price_ticks, order.remaining_lots) for order in book.stops()
        )
        if book.phase == Phase.CONTINUOUS:
            assert not rebuilt.is_crossed_or_locked()

    def check_orders(self) -> None:
        """Each live order stands in one place, and shows what it may."""
        book = self.book
        stand = [order for side in SIDES for order in book.waiting[side] + book.resting[side] + book.dormant[side]]
        assert sorted(order.order_id for order in stand) == list(book.live)
        for order in stand:
            assert 1 <= order.remaining_lots <= order.total_lots
            rests = not order.is_dormant and not order.is_market
            if order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
                assert order.is_dormant, "what trades at once or not at all does not rest"
            if order.is_market:
                assert book.phase != Phase.CONTINUOUS, "a market order waits for an uncross only"
            assert order.shown_lots == 0 or rests
            if rests and order.is_undisplayed:
                assert order.shown_lots == 0
            elif rests and order.display_lots is None:
                assert order.shown_lots == order.remaining_lots
            elif rests:
                assert 1 <= order.shown_lots <= min(order.display_lots or 0, order.remaining_lots)
        for side in SIDES:
            shown = sum(quantity for _, quantity, _ in book.depth(side))
            assert shown == sum(order.shown_lots for order in book.resting[side])

    def cancel_all(self) -> None:
        """Every live order can be canceled, wherever it stands and whatever the phase."""
        for order in self.book.orders():
            if order.order_id not in self.book.live:  # an AON has traded with it when another one was gone
                continue
            remaining = order.remaining_lots
            cancel = Command(CommandKind.CANCEL, order_id=order.order_id, instrument=self.book.instrument)
            accepted, canceled, *_ = (event for event in self.play(cancel) if event.order_id == order.order_id)
            assert accepted.kind == EventKind.ACCEPTED
            assert (canceled.kind, canceled.reason) == (EventKind.CANCELED, CancelReason.REQUESTED)
            assert canceled.quantity_lots == remaining
        assert self.book.live == {}


@settings(max_examples=300, deadline=None)
@given(setups(), st.lists(commands, max_size=40))
def test_every_stream_keeps_a_sound_book(setup: BookSetup, stream: list[Command]) -> None:
    watch = Watch(setup)
    for command in stream:
        watch.play(command)
    watch.cancel_all()


@pytest.mark.parametrize("seed", range(12))
def test_deep_streams_keep_a_sound_book(seed: int) -> None:
    generator = Generator(random.Random(seed))
    watch = Watch(generator.setup)
    for _ in range(800):
        watch.play(generator.command(watch.book))
    watch.cancel_all()


def test_generated_streams_reach_everything() -> None:
    counts: Counter[str] = Counter()
    for seed in range(100):
        generator = Generator(random.Random(seed))
        book = Reference(generator.setup).book
        for _ in range(1_000):
            count_events(counts, book.apply(generator.command(book)))
        if all(counts[name] for name in EVERYTHING):
            break
    assert [name for name in EVERYTHING if not counts[name]] == []


# R19, R21: the dry run finds what the walk then does.


def traded_at_once(book: ReferenceBook, command: Command) -> tuple[int, int, list[ReferenceEvent]]:
    """How much the new order of a command trades as the aggressor, how much it could foresee, and the events.

    The dry run ends where self-trade prevention would take something from both, the walk goes on behind that.
    """
    order_id = book.instrument << 40 | book.order_counter + 1
    events = book.apply(command)
    traded, foreseeable, is_decremented = 0, 0, False
    for event in events:
        # Only its own walk: a stop or an all-or-none order that trades with it afterwards is another aggressor.
        if event.kind == EventKind.TRIGGERED or (event.kind == EventKind.TRADE and event.other != order_id):
            break
        is_decremented |= event.kind == EventKind.DECREMENTED
        if event.kind == EventKind.TRADE:
            traded += event.quantity_lots
            foreseeable += 0 if is_decremented else event.quantity_lots
    return traded, foreseeable, events


def test_R19_fill_or_kill_and_minimum_foresee_the_walk() -> None:
    """An IOC order shows what there is to trade: a FOK of the same terms fills if that is all, a minimum if enough."""
    foreseen = {"filled": 0, "killed": 0, "too little": 0, "enough": 0}
    for seed in range(40):
        generator = Generator(random.Random(seed))
        book = Reference(generator.setup).book
        for _ in range(250):
            command = generator.command(book)
            is_new = command.kind == CommandKind.NEW and command.order_type in (OrderType.LIMIT, OrderType.MARKET)
            if is_new and book.phase == Phase.CONTINUOUS and generator.chance(0.5):
                compare_with_foresight(book, command, foreseen)
            book.apply(command)
    assert min(foreseen.values()) > 20


def compare_with_foresight(book: ReferenceBook, command: Command, foreseen: dict[str, int]) -> None:
    bare = replace(
        command, post_only=False, slide=False, display_lots=None, minimum_lots=None, expire_at_ns=None,
        client_order_id=None, time_in_force=TimeInForce.IOC,
    )  # fmt: skip
    traded, foreseeable, events = traded_at_once(deepcopy(book), bare)
    if any(event.kind == EventKind.REJECTED for event in events):
        return
    total = bare.quantity_lots or 0
    filled, _, _ = traded_at_once(deepcopy(book), replace(bare, time_in_force=TimeInForce.FOK))
    assert filled == (total if foreseeable == total else 0)
    foreseen["filled" if filled else "killed"] += 1
    minimum = min(total, foreseeable + 1) if foreseeable % 2 else max(1, foreseeable)
    enough, _, events = traded_at_once(deepcopy(book), replace(bare, minimum_lots=minimum))
    is_refused = any(
        event.kind == EventKind.CANCELED and event.reason == CancelReason.MINIMUM_QUANTITY for event in events
    )
    assert is_refused == (0 < foreseeable < minimum)
    assert enough == (0 if is_refused else traded)
    foreseen["too little" if is_refused else "enough"] += 1


# R27: the price of an uncross, against the rule's own words: every tick is tried.


def tick_by_tick(book: ReferenceBook) -> tuple[int | None, int, int]:
    """Price, quantity and surplus by R27, trying all ticks from the lowest to the highest limit."""
    orders = [order for order in book.live.values() if not order.is_dormant and not order.is_all_or_none]
    limits = [order.limit_ticks for order in orders if order.limit_ticks is not None]
    reference = book.last_price_ticks if book.last_price_ticks is not None else book.reference_price_ticks
    if limits:
        ticks = [tick for tick in range(min(limits), max(limits) + 1) if book.is_inside_static_band(tick)]
    else:
        ticks = [reference] if reference is not None else []
    tried: dict[int, tuple[int, int]] = {}
    for tick in ticks:
        bought = sum(order.remaining_lots for order in orders if order.side == Side.BUY and takes(order, tick))
        sold = sum(order.remaining_lots for order in orders if order.side == Side.SELL and takes(order, tick))
        tried[tick] = (min(bought, sold), bought - sold)
    most = max((executed for executed, _ in tried.values()), default=0)
    if most == 0:
        return None, 0, 0
    least = min(abs(surplus) for executed, surplus in tried.values() if executed == most)
    tied = [tick for tick, (executed, surplus) in tried.items() if executed == most and abs(surplus) == least]
    if {tried[tick][1] > 0 for tick in tied} == {True}:
        price = tied[-1]
    elif {tried[tick][1] < 0 for tick in tied} == {True}:
        price = tied[0]
    else:
        if reference is None:
            reference = -(-(tied[0] + tied[-1]) // 2)
        price = min(tied, key=lambda tick: (abs(tick - reference), -tick))
    return price, *tried[price]


def takes(order: Order, tick: int) -> bool:
    limit = order.limit_ticks
    return limit is None or (limit >= tick if order.side == Side.BUY else limit <= tick)


collected = st.builds(
    Command,
    st.just(CommandKind.NEW),
    side=st.sampled_from(SIDES),
    quantity_lots=st.integers(1, 4),
    price_ticks=st.integers(-8, 8),
    display_lots=st.none() | st.integers(0, 2),
)
markets = st.builds(
    Command,
    st.just(CommandKind.NEW),
    side=st.sampled_from(SIDES),
    quantity_lots=st.integers(1, 4),
    order_type=st.just(OrderType.MARKET),
    protection_price_ticks=st.none() | st.integers(-8, 8),
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(collected | collected | markets, max_size=10),
    st.none() | st.integers(-6, 6),
    st.none() | st.integers(1, 7),
    st.none() | st.integers(-9, 9),
)
def test_R27_the_price_is_the_best_of_all_ticks(
    orders: list[Command], reference: int | None, band: int | None, last: int | None
) -> None:
    book = ReferenceBook(reference_price_ticks=reference, static_band_ticks=None if reference is None else band)
    if last is not None:
        for side in SIDES:
            book.apply(Command(CommandKind.NEW, side=side, quantity_lots=1, price_ticks=last))
    book.apply(Command(CommandKind.PHASE, phase=Phase.AUCTION))
    for order in orders:
        book.apply(order)
    wanted = tick_by_tick(book)
    found = book.indicative()
    assert (found.price_ticks, found.quantity_lots, found.surplus_lots) == wanted
    trades = [
        event
        for event in book.apply(Command(CommandKind.PHASE, phase=Phase.CONTINUOUS))
        if event.kind == EventKind.TRADE
    ]
    assert sum(trade.quantity_lots for trade in trades) == found.quantity_lots
    assert {trade.price_ticks for trade in trades} <= {found.price_ticks}


# Slots, and independence of the order in which a hash table is walked.


@given(commands)
def test_commands_survive_their_slots(command: Command) -> None:
    decoded = decode(encode(command))
    assert len(decoded) == 1
    text = command.client_order_id
    if text is not None and len(text) > 36:  # of a longer one only the beginning arrives
        command.client_order_id = text[:36] + b"\0"
    assert decoded == [command]


@given(setups(), st.lists(commands, max_size=10))
def test_events_survive_their_slots(setup: BookSetup, stream: list[Command]) -> None:
    book = Reference(setup).book
    for command in stream:
        for event in book.apply(command):
            assert decode_event(encode_event(event)) == event


PRINT_A_STREAM = """
import random
from hashlib import sha256
from tests.books import Reference
from tests.model.compare import EVERYTHING, count_events
from tests.model.generator import Generator
from aeromatch.market.reference import encode_event
events = sha256()
for seed in range(4):
    generator = Generator(random.Random(seed))
    reference = Reference(generator.setup)
    for _ in range(500):
        for event in reference.book.apply(generator.command(reference.book)):
            events.update(encode_event(event))
    events.update(reference.digest().encode())
print(events.hexdigest())
"""


def test_R3_events_do_not_depend_on_the_order_of_hashes() -> None:
    printed = [
        subprocess.run(
            [sys.executable, "-c", PRINT_A_STREAM],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "77")
    ]
    assert len(printed[0]) == 65
    assert len(set(printed)) == 1
