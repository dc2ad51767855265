"""R15, R16, R20: stops follow the price and fire, all-or-none orders are tried again, until all is quiet."""

from __future__ import annotations

from aeromatch.market.reference.matching import arrive, found, walk
from aeromatch.market.reference.order import BECOMES, TRAILING, Order
from aeromatch.market.reference.records import EventKind, OffsetUnit, Phase, Side
from aeromatch.market.reference.state import PRICE_MAX, PRICE_MIN, SIDES, State

BASIS_POINTS = 10_000


def run_to_quiet(book: State) -> None:
    """R16, after every accepted command: stops until none, one AON, stops, and so on. Only in continuous trading."""
    while book.phase == Phase.CONTINUOUS:
        order = next_stop(book)
        if order is not None:
            trigger(book, order)
            continue
        order = next_all_or_none(book)
        if order is None:
            return
        # R20: it trades in full, as an aggressor.
        book.leave(order)
        walk(book, order)
        move_trailing_stops(book)


def enter(book: State, order: Order) -> None:
    """A new stop: it lies dormant, or fires at once where the last price has reached it (R15)."""
    if order.order_type in TRAILING and book.last_price_ticks is not None:
        order.stop_price_ticks = trailing_price(order.side, order.trail_offset or 0, order.trail_unit, book)
    book.arrive_last(order)
    book.dormant[order.side].append(order)
    if book.phase == Phase.CONTINUOUS and is_reached(book, order):
        trigger(book, order)


def trigger(book: State, order: Order) -> None:
    """A stop becomes a market or limit order, and that arrives."""
    book.leave(order)
    book.emit(EventKind.TRIGGERED, order, price_ticks=order.price_ticks, quantity_lots=order.remaining_lots)
    order.order_type = BECOMES[order.order_type]
    order.stop_price_ticks = order.trail_offset = None
    order.trail_unit = OffsetUnit.TICKS
    arrive(book, order)
    move_trailing_stops(book)


def is_reached(book: State, order: Order) -> bool:
    """R15: by the last trade price alone; before the first trade nothing is reached."""
    last, stop = book.last_price_ticks, order.stop_price_ticks
    if last is None or stop is None:
        return False
    return last >= stop if order.side == Side.BUY else last <= stop


def firing_order(book: State, side: Side) -> list[Order]:
    """R16: buy stops lowest first, sell stops highest first, then by arrival; those without a stop price yet last."""
    sign = 1 if side == Side.BUY else -1
    return sorted(
        book.dormant[side],
        key=lambda order: (order.stop_price_ticks is None, sign * (order.stop_price_ticks or 0), order.arrival),
    )


def next_stop(book: State) -> Order | None:
    """The stop to fire next: buys before sells."""
    for side in SIDES:
        for order in firing_order(book, side):
            if is_reached(book, order):
                return order
    return None


def next_all_or_none(book: State) -> Order | None:
    """R20: the first AON that can trade in full now: buys, best price first, then by arrival; then sells."""
    for side in SIDES:
        for order in book.resting[side]:
            if order.is_all_or_none and found(book, order) == order.remaining_lots:
                return order
    return None


def trailing_price(side: Side, offset: int, unit: OffsetUnit, book: State) -> int:
    """R15: the stop price that the last trade price asks for; it may lie beyond 64 bits."""
    last = book.last_price_ticks
    assert last is not None, "before the first trade there is nothing to follow"
    if unit == OffsetUnit.BPS:
        offset = max(1, -(-abs(last) * offset // BASIS_POINTS))  # rounded up
    return last + offset if side == Side.BUY else last - offset


def move_trailing_stops(book: State) -> None:
    """R15: once after each aggressor and after an uncross; only in the order's favour, and no event tells of it."""
    if book.last_price_ticks is None:
        return
    for side in SIDES:
        better = min if side == Side.BUY else max
        for order in book.dormant[side]:
            if order.trail_offset is None:
                continue
            price = trailing_price(side, order.trail_offset, order.trail_unit, book)
            price = max(PRICE_MIN, min(PRICE_MAX, price))  # R1: saturates
            stop = order.stop_price_ticks
            order.stop_price_ticks = price if stop is None else better(stop, price)
