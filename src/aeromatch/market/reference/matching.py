"""R10 to R14, R18 to R21, R25, R28, R29: an aggressor meets the other side of the book.

`arrive` is what happens to an aggressor from its first look at the book to where its rest goes. `walk` makes the
trades; `found` is the same walk done dry.
"""

from __future__ import annotations

from collections.abc import Iterator

from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import (
    CancelReason,
    EventKind,
    Matching,
    Phase,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from aeromatch.market.reference.state import OTHER_SIDE, U64_MAX, State

BASIS_POINTS = 10_000


def arrive(book: State, order: Order, *, is_amended: bool = False) -> None:
    """A new order, a triggered one, or one that an amend has taken out of the book, in continuous trading."""
    if order.slide:
        slide(book, order)
    # R19 to R21: what has to be known before the first trade.
    if order.time_in_force == TimeInForce.FOK and found(book, order) < order.remaining_lots:
        book.cancel_order(order, CancelReason.FILL_OR_KILL)
        return
    if order.is_all_or_none and found(book, order) < order.remaining_lots:
        book.rest(order)
        return
    if order.minimum_lots is not None and not is_amended and 0 < found(book, order) < order.minimum_lots:
        book.cancel_order(order, CancelReason.MINIMUM_QUANTITY)
        return
    walk(book, order)
    if order.order_id in book.live:
        leave_rest(book, order)


def leave_rest(book: State, order: Order) -> None:
    """Where what is left of an aggressor goes, by its type and time in force."""
    if not order.is_market and order.time_in_force != TimeInForce.IOC:
        book.rest(order)  # R11
    elif book.phase == Phase.HALTED:
        book.cancel_order(order, CancelReason.HALTED)  # R28
    elif not order.is_market:
        book.cancel_order(order, CancelReason.IMMEDIATE_OR_CANCEL)  # R18
    elif any(
        not is_too_large(maker, order.remaining_lots) and not book.is_inside_static_band(maker.price_ticks)
        for maker in book.opposing(order.side, order.limit_ticks)
    ):
        book.cancel_order(order, CancelReason.PRICE_OUT_OF_BAND)  # R28: it stopped at the edge
    else:
        book.cancel_order(order, CancelReason.NO_LIQUIDITY)  # R12, whatever its time in force


# R13: post-only.


def would_take_from(book: State, side: Side, price_ticks: int, lots: int) -> list[Order]:
    """Who a post-only order of these terms would trade with: hidden and own orders, but no AON larger than it."""
    return [order for order in book.opposing(side, price_ticks) if not is_too_large(order, lots)]


def slid_price(book: State, side: Side, price_ticks: int, lots: int) -> int:
    """One tick behind the best of the orders it would trade with, else its own price."""
    obstacles = would_take_from(book, side, price_ticks, lots)
    if not obstacles:
        return price_ticks
    return obstacles[0].price_ticks + (-1 if side == Side.BUY else 1)


def slide(book: State, order: Order) -> None:
    """A sliding order is repriced before it rests."""
    price = slid_price(book, order.side, order.price_ticks, order.remaining_lots)
    if price != order.price_ticks:
        order.price_ticks = price
        book.emit(EventKind.REPRICED, order, price_ticks=price)


# R10, R29: the walk.


def is_too_large(maker: Order, left_lots: int) -> bool:
    """R20: an AON is passed by where less is left than it needs."""
    return maker.is_all_or_none and maker.remaining_lots > left_lots


def levels_ahead(book: State, aggressor: Order) -> list[int]:
    """The prices it may trade at, best first: its limit or protection, and the static band of a market order."""
    prices = dict.fromkeys(order.price_ticks for order in book.opposing(aggressor.side, aggressor.limit_ticks))
    # R28: a limit order is held by the static band when it is entered, a market order here.
    return [price for price in prices if not aggressor.is_market or book.is_inside_static_band(price)]


def standing_at(book: State, side: Side, price_ticks: int) -> list[Order]:
    """The orders of one level by priority, displayed ones first."""
    return [order for order in book.resting[side] if order.price_ticks == price_ticks]


def walk(book: State, aggressor: Order) -> None:
    """Trades down the other side, level by level."""
    for price in levels_ahead(book, aggressor):
        orders = standing_at(book, OTHER_SIDE[aggressor.side], price)
        # R29: a level with an own order is matched FIFO.
        if book.matching != Matching.FIFO and not any(are_own(book, aggressor, maker) for maker in orders):
            match_pro_rata(book, aggressor, price)
        match_fifo(book, aggressor, price)
        if not goes_on(book, aggressor):
            return


def goes_on(book: State, aggressor: Order) -> bool:
    """Whether there is something left of an aggressor, and no halt."""
    return aggressor.order_id in book.live and book.phase == Phase.CONTINUOUS


def match_fifo(book: State, aggressor: Order, price_ticks: int) -> None:
    """One level in order of priority; a new slice is met again behind the others."""
    while goes_on(book, aggressor):
        orders = standing_at(book, OTHER_SIDE[aggressor.side], price_ticks)
        maker = next((order for order in orders if not is_too_large(order, aggressor.remaining_lots)), None)
        if maker is None:
            return
        if are_own(book, aggressor, maker):
            prevent(book, aggressor, maker)
        elif not book.may_print(price_ticks):
            halt(book)
        else:
            trade(book, aggressor, maker, min(aggressor.remaining_lots, maker.shown_lots or maker.remaining_lots))


def match_pro_rata(book: State, aggressor: Order, price_ticks: int) -> None:
    """The displayed orders of one level, round by round; the undisplayed ones then follow by time."""
    while goes_on(book, aggressor):
        orders = [order for order in standing_at(book, OTHER_SIDE[aggressor.side], price_ticks) if order.shown_lots]
        if not orders:
            return
        if not book.may_print(price_ticks):
            halt(book)
            return
        # What the round's orders show; a new slice waits for the next round.
        shown = [(order, order.shown_lots) for order in orders]
        quantity = min(aggressor.remaining_lots, sum(lots for _, lots in shown))
        by_time = quantity * (book.fifo_share_bps or 0) // BASIS_POINTS
        shown = share_by_time(book, aggressor, shown, by_time)
        share_by_size(book, aggressor, shown, quantity - by_time)


Shown = list[tuple[Order, int]]


def share_by_time(book: State, aggressor: Order, shown: Shown, quantity: int) -> Shown:
    """Trades so much with the oldest first; returns what they show after that."""
    after = []
    for maker, lots in shown:
        share = min(lots, quantity)
        quantity -= share
        after.append((maker, lots - share))
        if share:
            trade(book, aggressor, maker, share)
    return after


def share_by_size(book: State, aggressor: Order, shown: Shown, quantity: int) -> None:
    """Trades so much in proportion to what each shows, rounded down; the rest with the oldest first."""
    if quantity == 0:
        return
    level = sum(lots for _, lots in shown)
    shares = [quantity * lots // level for _, lots in shown]
    for (maker, _), share in zip(shown, shares, strict=True):
        if share:
            trade(book, aggressor, maker, share)
    left = [(maker, lots - share) for (maker, lots), share in zip(shown, shares, strict=True)]
    share_by_time(book, aggressor, left, quantity - sum(shares))


def trade(book: State, aggressor: Order, maker: Order, quantity: int) -> None:
    """One trade, at the resting order's price."""
    book.trade_id += 1  # R4: from 1, without gaps
    book.last_price_ticks = maker.price_ticks
    book.emit(
        EventKind.TRADE,
        side=aggressor.side,
        account=maker.account,
        price_ticks=maker.price_ticks,
        quantity_lots=quantity,
        order_id=maker.order_id,
        other=aggressor.order_id,
        detail=book.trade_id,
    )
    for order in (maker, aggressor):
        order.remaining_lots -= quantity
        order.shown_lots = max(0, order.shown_lots - quantity)
        if order.remaining_lots == 0:
            book.finish(order)
    if maker.remaining_lots > 0 and maker.shown_lots == 0 and not maker.is_undisplayed:
        book.replenish(maker)  # R14: its slice is used up


def halt(book: State) -> None:
    """R28: the circuit breaker; the trade that would have printed outside is not made."""
    book.phase = Phase.HALTED
    if book.halt_ns is not None:
        book.halt_end_ns = min(book.now_ns + book.halt_ns, U64_MAX)
    book.emit(EventKind.PHASE, reason=Phase.HALTED)


# R19: the walk done dry.


def found(book: State, order: Order) -> int:
    """How much the walk would trade now, up to what is left of the order. Changes nothing.

    The same for each way of matching: a level that is shared pro rata has no own order to end at.
    """
    left = order.remaining_lots
    for maker, lots in would_meet(book, order):
        if is_too_large(maker, left):
            continue
        if are_own(book, order, maker):
            if mode_of(book, order) == SelfTradePrevention.CANCEL_OLDEST:
                continue  # it would go, and the walk go on
            break  # other modes end at the first own order
        if not book.may_print(maker.price_ticks):
            break  # here it would halt
        left -= min(left, lots)
        if left == 0:
            break
    return order.remaining_lots - left


def would_meet(book: State, order: Order) -> Iterator[tuple[Order, int]]:
    """The opposing orders in the order in which a walk meets them, a slice at a time, and how much each trades."""
    for price in levels_ahead(book, order):
        orders = standing_at(book, OTHER_SIDE[order.side], price)
        slices = [(maker, maker.shown_lots, maker.remaining_lots) for maker in orders if maker.shown_lots]
        for maker, shown, remaining in slices:
            yield maker, shown
            if remaining > shown:  # the next slice stands last: this list grows while it is read
                reserve = remaining - shown
                slices.append((maker, min(maker.display_lots or 0, reserve), reserve))
        yield from ((maker, maker.remaining_lots) for maker in orders if not maker.shown_lots)


# R25: self-trade prevention.


def mode_of(book: State, aggressor: Order) -> SelfTradePrevention:
    """The aggressor's mode counts: its own, else the instrument's."""
    if aggressor.mode == SelfTradePrevention.INSTRUMENT:
        return book.self_trade_prevention
    return aggressor.mode


def are_own(book: State, aggressor: Order, maker: Order) -> bool:
    """Same group where both carry one, else same account; no account, no own orders."""
    if mode_of(book, aggressor) == SelfTradePrevention.NONE:
        return False
    if aggressor.account == 0 or maker.account == 0:
        return False
    if aggressor.group != 0 and maker.group != 0:
        return aggressor.group == maker.group
    return aggressor.account == maker.account


def prevent(book: State, aggressor: Order, maker: Order) -> None:
    """What happens instead of a trade between own orders."""
    mode = mode_of(book, aggressor)
    if mode == SelfTradePrevention.DECREMENT:
        decrement(book, aggressor, maker)
        return
    if mode in (SelfTradePrevention.CANCEL_OLDEST, SelfTradePrevention.CANCEL_BOTH):
        book.cancel_order(maker, CancelReason.SELF_TRADE)
    if mode in (SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_BOTH):
        book.cancel_order(aggressor, CancelReason.SELF_TRADE)


def decrement(book: State, aggressor: Order, maker: Order) -> None:
    """Both shrink by the smaller of the whole remainders; totals shrink, fills do not grow."""
    quantity = min(aggressor.remaining_lots, maker.remaining_lots)
    for order in (maker, aggressor):
        order.remaining_lots -= quantity
        order.total_lots -= quantity
        order.shown_lots = min(order.shown_lots, order.remaining_lots)  # R14: the reserve goes first
    book.emit(
        EventKind.DECREMENTED,
        side=maker.side,
        account=maker.account,
        price_ticks=maker.price_ticks,
        quantity_lots=quantity,
        order_id=maker.order_id,
        other=aggressor.order_id,
    )
    for order in (maker, aggressor):  # resting first
        if order.remaining_lots == 0:
            book.cancel_order(order, CancelReason.SELF_TRADE)
