"""R5, R11, R22 to R24: new orders, amends and cancels."""

from __future__ import annotations

from aeromatch.market.reference.matching import arrive
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import (
    IS_UNDISPLAYED,
    SHOWS_SLICES,
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    Phase,
    Side,
)
from aeromatch.market.reference.state import State
from aeromatch.market.reference.triggers import enter, move_trailing_stops

COUNTER_BITS = 40
CLIENT_ID_BYTES = 36


def new_order(book: State, command: Command) -> None:
    """An accepted new order gets its id and goes its way by type and phase."""
    # R5: instrument, then a counter; only an accepted order gets an id.
    book.order_counter += 1
    order = Order(
        order_id=book.instrument << COUNTER_BITS | book.order_counter,
        account=command.account,
        client_order_id=command.client_order_id,
        side=command.side,
        order_type=command.order_type,
        time_in_force=command.time_in_force,
        mode=command.self_trade_prevention,
        group=command.self_trade_group or 0,
        post_only=command.post_only,
        slide=command.slide,
        price_ticks=command.price_ticks or 0,
        protection_price_ticks=command.protection_price_ticks,
        stop_price_ticks=command.stop_price_ticks,
        trail_offset=command.trail_offset,
        trail_unit=command.trail_unit,
        display_lots=command.display_lots,
        minimum_lots=command.minimum_lots,
        total_lots=command.quantity_lots or 0,
        remaining_lots=command.quantity_lots or 0,
        entered_at_ns=book.now_ns,
        expire_at_ns=command.expire_at_ns or 0,
    )
    book.live[order.order_id] = order
    book.emit(
        EventKind.ACCEPTED,
        order,
        reason=order.order_type | order.is_undisplayed * IS_UNDISPLAYED | bool(order.display_lots) * SHOWS_SLICES,
        price_ticks=order.price_ticks,
        quantity_lots=order.total_lots,
        other=book.now_ns,
        detail=command.tag,
    )
    if order.is_dormant:
        enter(book, order)
    elif book.phase == Phase.CONTINUOUS:
        arrive(book, order)
        move_trailing_stops(book)
    else:
        book.rest(order)  # R26: collected


# R22: amend.


def amended_terms(order: Order, command: Command) -> tuple[int, int]:
    """The price and the total that an amend asks for; what it does not give stays."""
    price, total = command.price_ticks, command.quantity_lots
    return (
        order.price_ticks if price is None else price,
        order.total_lots if total is None else total,
    )


def keeps_priority(order: Order, price: int, total: int) -> bool:
    """Less at the same price, or the same again; a dormant order has only its time to lose."""
    return (price == order.price_ticks or order.is_dormant) and total <= order.total_lots


def amend(book: State, command: Command) -> None:
    """Changes a live order's total or limit."""
    order = named(book, command)
    assert order is not None, "an unknown order is rejected before"
    book.accept(order)
    price, total = amended_terms(order, command)
    if total <= order.filled_lots:
        book.cancel_order(order, CancelReason.AMENDED)
        return
    is_kept = keeps_priority(order, price, total)
    order.remaining_lots = total - order.filled_lots
    order.total_lots = total
    order.shown_lots = min(order.shown_lots, order.remaining_lots)  # R14: the reserve goes first
    if not is_kept:
        book.leave(order)
    order.price_ticks = price
    book.emit(
        EventKind.AMENDED,
        order,
        reason=is_kept,
        price_ticks=price,
        quantity_lots=order.remaining_lots,
        other=total,
    )
    if is_kept:
        return
    if order.is_dormant:
        book.arrive_last(order)
        book.dormant[order.side].append(order)
    elif book.phase == Phase.CONTINUOUS:
        arrive(book, order, is_amended=True)
        move_trailing_stops(book)
    else:
        book.rest(order)  # R26: it moves and does not trade


# R23, R24: cancel and mass cancel.


def is_well_named(command: Command) -> bool:
    """Whether a cancel or an amend names an order, by one name; R23: by client order id the account is required."""
    by_client_id = command.client_order_id is not None
    by_order_id = command.order_id != 0
    return by_client_id != by_order_id and not (by_client_id and command.account == 0)


def is_legal_client_order_id(text: bytes) -> bool:
    """R5: 1 to 36 characters of printable ASCII."""
    return 1 <= len(text) <= CLIENT_ID_BYTES and all(0x20 <= byte <= 0x7E for byte in text)


def named(book: State, command: Command) -> Order | None:
    """The live order that a cancel or an amend names; None: unknown, done, someone else's or not well named."""
    if command.kind not in (CommandKind.CANCEL, CommandKind.AMEND) or not is_well_named(command):
        return None
    if command.client_order_id is not None:
        return book.live_with_client_id(command.account, command.client_order_id)
    order = book.live.get(command.order_id)
    if order is None or command.account in (0, order.account):  # 0: the operator's command
        return order
    return None


def cancel(book: State, command: Command) -> None:
    """Frees an order, a dormant one too."""
    order = named(book, command)
    assert order is not None, "an unknown order is rejected before"
    book.accept(order)
    book.cancel_order(order, CancelReason.REQUESTED)


def mass_cancel(book: State, command: Command) -> None:
    """R24: in order of id, in every phase, wherever they stand; finding nothing is accepted."""
    book.accept()
    cancel_matching(book, command)


def cancel_matching(book: State, command: Command) -> None:
    """The orders of the account and the side that a mass cancel names."""
    for order in list(book.live.values()):
        if command.account in (0, order.account) and command.side in (Side.NONE, order.side):
            book.cancel_order(order, CancelReason.MASS_CANCEL)
