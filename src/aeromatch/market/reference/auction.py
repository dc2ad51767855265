"""R27: all that was collected trades at one price.

The price is found by trying: between two neighbouring limits nothing changes from tick to tick, so each limit, the
ticks beside it and the edges of the range are all that can be the first or the last of the best ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import CancelReason, EventKind, Side
from aeromatch.market.reference.state import SIDES, State


@dataclass(frozen=True, slots=True)
class Indicative:
    """What an uncross would do now; the surplus is positive on the buy side. No price: nothing would trade."""

    price_ticks: int | None
    quantity_lots: int
    surplus_lots: int


NOTHING = Indicative(None, 0, 0)


def taking_part(book: State, side: Side) -> list[Order]:
    """Market orders first, then R10; a protected market order stands at its protection price. No AON."""
    return book.waiting[side] + [order for order in book.resting[side] if not order.is_all_or_none]


def trades_at(order: Order, price_ticks: int) -> bool:
    """Whether an order takes part at a price."""
    limit = order.limit_ticks
    if limit is None:
        return True
    return limit >= price_ticks if order.side == Side.BUY else limit <= price_ticks


def indicative(book: State) -> Indicative:
    """The price that maximises what is executed, then leaves the least surplus, and so on."""
    buys, sells = taking_part(book, Side.BUY), taking_part(book, Side.SELL)
    best: list[tuple[int, int, int]] = []  # what is executed, the surplus and the price, of the ticks that tie
    for price in candidates(book, buys + sells):
        bought = sum(order.remaining_lots for order in buys if trades_at(order, price))
        sold = sum(order.remaining_lots for order in sells if trades_at(order, price))
        executed, surplus = min(bought, sold), bought - sold
        if best and (executed, -abs(surplus)) < (best[0][0], -abs(best[0][1])):
            continue
        if best and (executed, abs(surplus)) != (best[0][0], abs(best[0][1])):
            best = []
        best.append((executed, surplus, price))
    if not best or best[0][0] == 0:
        return NOTHING
    price = choose(book, {price: surplus for _, surplus, price in best})
    surplus = sum(
        order.remaining_lots * (1 if order.side == Side.BUY else -1)
        for order in buys + sells
        if trades_at(order, price)
    )
    return Indicative(price, best[0][0], surplus)


def candidates(book: State, orders: list[Order]) -> list[int]:
    """The prices to try, all from the lowest to the highest limit and inside the static band."""
    limits = {order.limit_ticks for order in orders if order.limit_ticks is not None}
    reference = reference_price(book)
    if not limits:  # only market orders: the reference price, moved into the band
        return [] if reference is None else [max(low_edge(book, reference), min(high_edge(book, reference), reference))]
    lowest, highest = low_edge(book, min(limits)), high_edge(book, max(limits))
    near = {limit + step for limit in limits for step in (-1, 0, 1)} | {lowest, highest}
    if reference is not None:
        near.add(reference)
    return sorted(price for price in near if lowest <= price <= highest)


def low_edge(book: State, price_ticks: int) -> int:
    """A price, or the static band's lower edge where that is higher (R28)."""
    if book.static_band is None or book.reference_price_ticks is None:
        return price_ticks
    return max(price_ticks, book.static_band.edges(book.reference_price_ticks)[0])


def high_edge(book: State, price_ticks: int) -> int:
    """A price, or the static band's upper edge where that is lower (R28)."""
    if book.static_band is None or book.reference_price_ticks is None:
        return price_ticks
    return min(price_ticks, book.static_band.edges(book.reference_price_ticks)[1])


def reference_price(book: State) -> int | None:
    """The last trade price, else the instrument's."""
    return book.reference_price_ticks if book.last_price_ticks is None else book.last_price_ticks


def choose(book: State, surplus_at: dict[int, int]) -> int:
    """One of the tied ticks: towards the surplus, else the nearest to the reference, else the middle, rounded up."""
    lowest, highest = min(surplus_at), max(surplus_at)
    if all(surplus > 0 for surplus in surplus_at.values()):
        return highest
    if all(surplus < 0 for surplus in surplus_at.values()):
        return lowest
    reference = reference_price(book)
    if reference is None:
        reference = (lowest + highest + 1) // 2
    return max(lowest, min(highest, reference))


def uncross(book: State) -> None:
    """First buy against first sell at the one price; then new slices; then the market orders that are left end."""
    price = indicative(book).price_ticks
    if price is not None:
        buys = [order for order in taking_part(book, Side.BUY) if trades_at(order, price)]
        sells = [order for order in taking_part(book, Side.SELL) if trades_at(order, price)]
        while buys and sells:
            trade(book, buys[0], sells[0], price)
            buys = [order for order in buys if order.remaining_lots]
            sells = [order for order in sells if order.remaining_lots]
        for side in SIDES:
            for order in [order for order in book.live.values() if order.side == side and is_used_up(order)]:
                book.replenish(order)
    for order in [order for order in book.live.values() if order.is_market]:
        book.cancel_order(order, CancelReason.NO_LIQUIDITY)


def is_used_up(order: Order) -> bool:
    """R14: whether an iceberg in the book shows nothing."""
    shows_slices = not (order.is_dormant or order.is_market or order.is_undisplayed)
    return shows_slices and order.shown_lots == 0


def trade(book: State, buy: Order, sell: Order, price_ticks: int) -> None:
    """One trade of an uncross: each with all it has, an iceberg's slice first. It has no aggressor."""
    quantity = min(buy.remaining_lots, sell.remaining_lots)
    book.trade_id += 1
    book.last_price_ticks = price_ticks
    maker, other = sorted((buy, sell), key=lambda order: order.order_id)
    book.emit(
        EventKind.TRADE,
        account=maker.account,
        price_ticks=price_ticks,
        quantity_lots=quantity,
        order_id=maker.order_id,
        other=other.order_id,
        detail=book.trade_id,
    )
    for order in (buy, sell):
        order.remaining_lots -= quantity
        order.shown_lots = max(0, order.shown_lots - quantity)
        if order.remaining_lots == 0:
            book.finish(order)
