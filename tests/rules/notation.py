"""A notation for scenarios: commands as lines, what they cause as indented lines below them.

    book  mode=cancel_oldest window=100 instrument=7      -- first line, if the book is not a plain one
    book  matching=fifo_pro_rata share=4000 reference=100 band=10 breaker-bps=500 halt=60
    new sell 5 @ 101                                      -- a limit order; `market sell 5` is a market order
      accepted #1 sell 5 @ 101
    new buy 7 @ 101 ioc account=1 id=a-1 time=20          -- words and name=value pairs in any order
      accepted #2 buy 7 @ 101 account=1 time=20
      trade 1 buy 5 @ 101 maker #1 taker #2
      canceled #2 buy 2 @ 101 immediate_or_cancel account=1
    stop buy 5 stop=103 ; stop-limit buy 5 @ 104 stop=103 ; trailing-stop sell 5 trail=3
    trailing-stop-limit sell 5 @ 90 trail-bps=50 display=2 min=1
      accepted #3 sell 5 @ 90 trailing_stop_limit sliced  -- its type but for limit; `undisplayed`: hidden or AON
    amend #2 7 @ 102 ; cancel #2 ; mass-cancel buy account=1 ; phase halted ; time 500
    = 5 @ 99 #2, 3 @ 98 #1 | 4 @ 101 #3                   -- the orders of the book by priority: bids | asks
    = 5 @ market #4, 2/5 @ 99 #2 | | buy 5 stop 103 #1    -- waiting, an iceberg that shows 2 of 5, and dormant ones
    ~ 5 @ 99 x1, 3 @ 98 x1 | 4 @ 101 x1                   -- its depth: quantity @ price x orders
    ? 5 @ 100 -2                                          -- indicative quantity, price and surplus, or `? none`

Numbers are ticks, lots and nanoseconds; `#3` is the third order accepted. An event is written with all that its slot
holds: what is zero, none or next in turn is left out, everything else must stand there. Behind `--` is a comment.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field, replace
from typing import Any

from tests.books import BookSetup, Levels

from aeromatch.market.reference import (
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    Matching,
    OffsetUnit,
    Order,
    OrderType,
    Phase,
    ReferenceBook,
    ReferenceEvent,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

COUNTER_BITS = 40

KINDS = {
    "new": CommandKind.NEW,
    "market": CommandKind.NEW,
    "stop": CommandKind.NEW,
    "stop-limit": CommandKind.NEW,
    "trailing-stop": CommandKind.NEW,
    "trailing-stop-limit": CommandKind.NEW,
    "cancel": CommandKind.CANCEL,
    "amend": CommandKind.AMEND,
    "mass-cancel": CommandKind.MASS_CANCEL,
    "phase": CommandKind.PHASE,
    "time": CommandKind.ADVANCE_TIME,
}
ORDER_TYPES = {item.slug.replace("_", "-"): item for item in OrderType}
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TIMES_IN_FORCE = {item.slug: item for item in TimeInForce}
PHASES = {item.slug: item for item in Phase}
NUMBERS = {
    "account": "account",
    "group": "self_trade_group",
    "until": "expire_at_ns",
    "protect": "protection_price_ticks",
    "stop": "stop_price_ticks",
    "trail": "trail_offset",
    "display": "display_lots",
    "min": "minimum_lots",
    "time": "timestamp_ns",
    "tag": "tag",
    "sequence": "sequence",
    "instrument": "instrument",
}
SETUP_NUMBERS = {
    "window": "dedup_window_ns",
    "instrument": "instrument",
    "share": "fifo_share_bps",
    "reference": "reference_price_ticks",
    "band": "static_band_ticks",
    "band-bps": "static_band_bps",
    "breaker": "circuit_breaker_ticks",
    "breaker-bps": "circuit_breaker_bps",
    "halt": "halt_ns",
}
IS_UNDISPLAYED, IS_SLICED, IS_MIRRORED = 8, 16, 32


@dataclass
class Scenario:
    """A book's setup and the lines about it: commands, `=` and, with two spaces before them, events."""

    setup: BookSetup = field(default_factory=BookSetup)
    lines: list[str] = field(default_factory=list)


def read_scenario(text: str) -> Scenario:
    """The lines of a scenario without comments and blanks."""
    scenario = Scenario()
    for raw in textwrap.dedent(text).splitlines():
        words = raw.split("--")[0].split()
        if not words:
            continue
        if words[0] == "book":
            scenario.setup = read_setup(words[1:])
        else:
            scenario.lines.append(("  " if raw.startswith(" ") else "") + " ".join(words))
    return scenario


def read_setup(words: list[str]) -> BookSetup:
    """What stands behind `book`."""
    given = dict(word.split("=") for word in words)
    mode = SelfTradePrevention[given.pop("mode", "none").upper()]
    matching = Matching[given.pop("matching", "fifo").upper()]
    numbers: dict[str, Any] = {SETUP_NUMBERS[name]: int(number) for name, number in given.items()}
    return replace(BookSetup(self_trade_prevention=mode, matching=matching), **numbers)


def read_command(line: str, instrument: int) -> Command:
    """The command of a line."""
    first, *words = line.split()
    command = Command(KINDS[first], instrument=instrument)
    command.order_type = ORDER_TYPES.get(first, OrderType.LIMIT)
    while words:
        word = words.pop(0)
        if word == "@":
            command.price_ticks = int(words.pop(0))
        elif word.lstrip("-").isdecimal():
            set_number(command, int(word))
        elif "=" in word:
            set_field(command, *word.split("=", 1))
        elif word.startswith("#"):
            command.order_id = instrument << COUNTER_BITS | int(word[1:])
        else:
            set_word(command, word)
    return command


def set_number(command: Command, number: int) -> None:
    """A bare number is the quantity, or the time that `time` advances to."""
    if command.kind == CommandKind.ADVANCE_TIME:
        command.timestamp_ns = number
    else:
        command.quantity_lots = number


def set_word(command: Command, word: str) -> None:
    """A bare word."""
    if word in SIDES:
        command.side = SIDES[word]
    elif word in TIMES_IN_FORCE:
        command.time_in_force = TIMES_IN_FORCE[word]
    elif word in PHASES:
        command.phase = PHASES[word]
    elif word in ("post-only", "slide"):
        command.post_only |= word == "post-only"
        command.slide |= word == "slide"
    elif word == "off-grid":
        command.price_off_grid = True
    else:
        raise ValueError(f"what is {word!r}?")


def set_field(command: Command, name: str, value: str) -> None:
    """A pair name=value."""
    if name == "mode":
        command.self_trade_prevention = SelfTradePrevention[value.upper()]
    elif name == "id":
        command.client_order_id = value.encode()
    elif name == "trail-bps":
        command.trail_offset, command.trail_unit = int(value), OffsetUnit.BPS
    else:
        setattr(command, NUMBERS[name], int(value))


def event_line(event: ReferenceEvent, instrument: int, index: int, sequence: int) -> str:
    """An event in the notation; `index` and `sequence` are those it should have."""
    number, other = order_name(event.order_id, instrument), order_name(event.other, instrument)
    side = "" if event.side == Side.NONE else f" {event.side.slug}"
    amount = f"{event.quantity_lots} @ {event.price_ticks}"
    shown = {"order_id", "price_ticks", "quantity_lots", "other"}
    match event.kind:
        case EventKind.ACCEPTED:
            text = "accepted" + (f" {number}" if event.order_id else "")
            text += f"{side} {amount}{how_it_stands(event.reason)}" if side else ""
            shown -= set() if side else {"price_ticks", "quantity_lots"}
            shown -= {"other"}
        case EventKind.REJECTED:
            text = f"rejected {RejectReason(event.reason).slug}{side}" + (f" {number}" if event.order_id else "")
            shown = {"order_id"}
        case EventKind.REPRICED:
            text = f"repriced {number}{side} @ {event.price_ticks}"
            shown = {"order_id", "price_ticks"}
        case EventKind.TRIGGERED | EventKind.REPLENISHED:
            text = f"{event.kind.slug} {number}{side} {amount}"
            shown -= {"other"}
        case EventKind.TRADE:
            text = f"trade {event.detail}{side} {amount} maker {number} taker {other}"
            shown |= {"detail"}
        case EventKind.DECREMENTED:
            text = f"decremented {number}{side} {amount} taker {other}"
        case EventKind.CANCELED:
            text = f"canceled {number}{side} {amount} {CancelReason(event.reason).slug}"
            shown -= {"other"}
        case EventKind.AMENDED:
            kept = {0: "lost", 1: "kept"}[event.reason]
            text = f"amended {number}{side} {amount} total {event.other} {kept}"
        case EventKind.PHASE:
            text = f"phase {Phase(event.reason).slug}"
            shown = set()
    return text + rest_of(event, shown, instrument, index, sequence)


def how_it_stands(reason: int) -> str:
    """What the reason byte of an accepted new order says."""
    order_type = OrderType(reason & ~(IS_UNDISPLAYED | IS_SLICED | IS_MIRRORED))
    words = [order_type.slug] if order_type != OrderType.LIMIT else []
    words += ["undisplayed"] if reason & IS_UNDISPLAYED else []
    words += ["sliced"] if reason & IS_SLICED else []
    words += ["mirrored"] if reason & IS_MIRRORED else []
    return "".join(f" {word}" for word in words)


def rest_of(event: ReferenceEvent, shown: set[str], instrument: int, index: int, sequence: int) -> str:
    """What else an event holds, as name=value pairs."""
    answers = event.kind in (EventKind.ACCEPTED, EventKind.REJECTED)
    names = {"other": "time", "detail": "tag"} if answers else {}
    usual = {"instrument": instrument, "index": index, "sequence": sequence}
    fields = ("account", "price_ticks", "quantity_lots", "order_id", "other", "detail", *usual)
    pairs = [
        f" {names.get(name, name)}={getattr(event, name)}"
        for name in fields
        if name not in shown and getattr(event, name) != usual.get(name, 0)
    ]
    return "".join(pairs)


def order_name(order_id: int, instrument: int) -> str:
    """An order by its counter; by its instrument too if that is not the book's (R5)."""
    home, counter = divmod(order_id, 2**COUNTER_BITS)
    return f"#{counter}" if home == instrument else f"#{home}:{counter}"


def book_line(book: ReferenceBook) -> str:
    """The orders of the book by priority, bids before asks; dormant ones behind them, if there are any."""
    columns = [", ".join(map(order_line, book.waiting[side] + book.resting[side])) for side in (Side.BUY, Side.SELL)]
    stops = ", ".join(
        f"{order.side.slug} {order.remaining_lots} stop {order.stop_price_ticks} {order_name_of(order)}"
        for order in book.stops()
    )
    return " ".join(f"= {' | '.join([*columns, stops] if stops else columns)}".split())


def order_line(order: Order) -> str:
    """An order of the book, with how much of it is shown if that is not all."""
    shown = "" if order.shown_lots == order.remaining_lots or order.is_market else f"{order.shown_lots}/"
    price = "market" if order.limit_ticks is None else order.limit_ticks
    return f"{shown}{order.remaining_lots} @ {price} {order_name_of(order)}"


def order_name_of(order: Order) -> str:
    """An order by its counter."""
    return f"#{order.order_id % 2**COUNTER_BITS}"


def depth_line(bids: Levels, asks: Levels) -> str:
    """What the book displays, level by level."""
    sides = (", ".join(f"{quantity} @ {price} x{count}" for price, quantity, count in side) for side in (bids, asks))
    return " ".join(f"~ {' | '.join(sides)}".split())


def indicative_line(price: int | None, quantity: int, surplus: int) -> str:
    """What an uncross would do now."""
    return "? none" if (price, quantity, surplus) == (None, 0, 0) else f"? {quantity} @ {price} {surplus:+}"
