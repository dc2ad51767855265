"""R8: why a command is refused. The reasons are looked for in the order of the rule, the first that applies counts."""

from __future__ import annotations

from aeromatch.market.reference.changes import (
    amended_terms,
    is_legal_client_order_id,
    is_well_named,
    keeps_priority,
    named,
)
from aeromatch.market.reference.matching import slid_price, would_take_from
from aeromatch.market.reference.order import BECOMES, TRAILING, WITH_LIMIT, WITH_STOP_PRICE
from aeromatch.market.reference.records import (
    Command,
    CommandKind,
    OrderType,
    Phase,
    RejectReason,
    Side,
    TimeInForce,
)
from aeromatch.market.reference.state import PRICE_MAX, PRICE_MIN, QUANTITY_MAX, State
from aeromatch.market.reference.triggers import trailing_price

EXPIRE_AT_MAX = 2**63 - 1
TRAIL_OFFSET_MAX = 2**63 - 1
MOST_SLICES = 1024
RESTING_TIMES = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
ENDING_IN_MARKET = (OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP)


def refusal(book: State, command: Command) -> RejectReason | None:
    """The first reason that applies; `unknown_instrument` and `unknown_account` came before."""
    if command.kind in (CommandKind.NEW, CommandKind.AMEND):
        if is_invalid_quantity(book, command):
            return RejectReason.INVALID_QUANTITY
        if is_invalid_price(book, command):
            return RejectReason.INVALID_PRICE
        if command.expire_at_ns is not None and not 1 <= command.expire_at_ns <= EXPIRE_AT_MAX:
            return RejectReason.INVALID_TIME
    if command.client_order_id is not None and not is_legal_client_order_id(command.client_order_id):
        return RejectReason.INVALID_CLIENT_ORDER_ID
    if command.kind == CommandKind.NEW:
        return refusal_of_new(book, command)
    if command.kind == CommandKind.AMEND:
        return refusal_of_amend(book, command)
    if command.kind == CommandKind.CANCEL:
        if not is_well_named(command):
            return RejectReason.INVALID_COMBINATION
        if named(book, command) is None:
            return RejectReason.UNKNOWN_ORDER
    return None


def refusal_of_new(book: State, command: Command) -> RejectReason | None:
    """From `invalid_combination` on."""
    if is_invalid_combination(command) or RejectReason.INVALID_COMBINATION in book.faults:
        return RejectReason.INVALID_COMBINATION
    if not is_taken_in_phase(command, book.phase):
        return RejectReason.NOT_ALLOWED_IN_PHASE
    # R17: at or before now is expired.
    if command.expire_at_ns is not None and command.expire_at_ns <= book.now_ns:
        return RejectReason.EXPIRED
    if command.price_ticks is not None and not book.is_inside_static_band(command.price_ticks):
        return RejectReason.PRICE_OUT_OF_BAND
    if (
        command.client_order_id is not None
        and book.first_with_client_id(command.account, command.client_order_id) is not None
    ):
        return RejectReason.DUPLICATE_CLIENT_ORDER_ID
    if RejectReason.INSUFFICIENT_FUNDS in book.faults:
        return RejectReason.INSUFFICIENT_FUNDS
    if post_only_takes(book, command):
        return RejectReason.POST_ONLY_WOULD_TAKE
    return None


def refusal_of_amend(book: State, command: Command) -> RejectReason | None:
    """From `invalid_combination` on."""
    order = named(book, command)
    changes_something = command.price_ticks is not None or command.quantity_lots is not None
    names_no_limit = order is not None and not order.has_limit and command.price_ticks is not None  # R22
    if not is_well_named(command) or not changes_something or names_no_limit:
        return RejectReason.INVALID_COMBINATION
    if book.phase in (Phase.HALTED, Phase.CLOSED):
        return RejectReason.NOT_ALLOWED_IN_PHASE
    if order is None:
        return RejectReason.UNKNOWN_ORDER
    if command.price_ticks is not None and not book.is_inside_static_band(command.price_ticks):
        return RejectReason.PRICE_OUT_OF_BAND
    if RejectReason.INSUFFICIENT_FUNDS in book.faults:
        return RejectReason.INSUFFICIENT_FUNDS
    if post_only_takes(book, command):
        return RejectReason.POST_ONLY_WOULD_TAKE
    return None


# The reasons one by one.


def is_invalid_quantity(book: State, command: Command) -> bool:
    """R1: 1 to 2^48 lots; an amend need not say one. R14: the display quantity; R21: the minimum."""
    quantity = command.quantity_lots
    if quantity is None:
        return command.kind == CommandKind.NEW
    if not 1 <= quantity <= QUANTITY_MAX:
        return True
    display, minimum = command.display_lots, command.minimum_lots
    if command.kind == CommandKind.AMEND:
        order = named(book, command)
        if order is None:
            return False
        display = order.display_lots
        minimum = order.minimum_lots if order.is_dormant else None  # once resting it has no more effect
    if display is not None and (display > QUANTITY_MAX or 0 < display < -(-quantity // MOST_SLICES)):
        return True
    return minimum is not None and not 1 <= minimum <= quantity


def is_invalid_price(book: State, command: Command) -> bool:
    """R1: off the grid, or arithmetic that would leave 64 bits: a slide, or the first price of a trailing stop."""
    if command.price_off_grid or RejectReason.INVALID_PRICE in book.faults:
        return True
    offset = command.trail_offset
    if offset is not None:
        if not 1 <= offset <= TRAIL_OFFSET_MAX:
            return True
        if book.last_price_ticks is not None and not is_invalid_combination(command):
            stop = trailing_price(command.side, offset, command.trail_unit, book)
            return not PRICE_MIN <= stop <= PRICE_MAX
    arrival = post_only_arrival(book, command)
    if arrival is None:
        return False
    side, price, lots, slides = arrival
    return slides and not PRICE_MIN <= slid_price(book, side, price, lots) <= PRICE_MAX


def is_invalid_combination(command: Command) -> bool:
    """The section "Combinations" of the rules, for a new order."""
    kind, time_in_force = command.order_type, command.time_in_force
    has_display, has_minimum = command.display_lots is not None, command.minimum_lots is not None
    is_all_or_none = time_in_force == TimeInForce.AON
    at_once = time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
    return (
        (kind in WITH_LIMIT) != (command.price_ticks is not None)
        or (kind in WITH_STOP_PRICE) != (command.stop_price_ticks is not None)
        or (kind in TRAILING) != (command.trail_offset is not None)
        or (time_in_force == TimeInForce.GTD) != (command.expire_at_ns is not None)
        or (command.post_only and (kind != OrderType.LIMIT or time_in_force not in RESTING_TIMES or has_minimum))
        or (command.slide and not command.post_only)
        or (has_display and (kind in ENDING_IN_MARKET or at_once or is_all_or_none))
        or (has_minimum and is_all_or_none)
        or (is_all_or_none and kind in ENDING_IN_MARKET)
        or (time_in_force == TimeInForce.GTD and kind == OrderType.MARKET)
        or (command.protection_price_ticks is not None and kind != OrderType.MARKET)
        or command.budget_units is not None  # R30: an exchange makes a protection price of it
    )


def is_taken_in_phase(command: Command, phase: Phase) -> bool:
    """R26, for a new order of a legal combination."""
    if phase == Phase.CONTINUOUS:
        return True
    if phase in (Phase.HALTED, Phase.CLOSED):
        return False
    if command.order_type in BECOMES:
        return True
    return command.time_in_force in RESTING_TIMES and not command.post_only and command.minimum_lots is None


# R13: post-only.


def post_only_arrival(book: State, command: Command) -> tuple[Side, int, int, bool] | None:
    """The post-only order that a command makes arrive: its side, limit, quantity and whether it slides.

    None where there is none: outside continuous trading, and where an amend ends the order or keeps its place.
    """
    if book.phase != Phase.CONTINUOUS:
        return None
    if command.kind == CommandKind.NEW:
        if not command.post_only or command.price_ticks is None or is_invalid_combination(command):
            return None
        return command.side, command.price_ticks, command.quantity_lots or 0, command.slide
    order = named(book, command)
    if order is None or not order.post_only:
        return None
    price, total = amended_terms(order, command)
    if total <= order.filled_lots or keeps_priority(order, price, total):
        return None
    return order.side, price, total - order.filled_lots, order.slide


def post_only_takes(book: State, command: Command) -> bool:
    """Would it trade on arrival? Hidden and own orders count whatever the self-trade mode."""
    arrival = post_only_arrival(book, command)
    if arrival is None:
        return False
    side, price, lots, slides = arrival
    return not slides and bool(would_take_from(book, side, price, lots))
