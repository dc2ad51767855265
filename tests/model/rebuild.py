"""A book at order level, rebuilt from the event stream alone (R7), and what has to hold for every stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aeromatch.market.reference import EventKind, OrderType, Phase, ReferenceEvent, Side

IS_UNDISPLAYED, IS_SLICED, IS_MIRRORED = 8, 16, 32
BECOMES = {
    OrderType.STOP: OrderType.MARKET,
    OrderType.STOP_LIMIT: OrderType.LIMIT,
    OrderType.TRAILING_STOP: OrderType.MARKET,
    OrderType.TRAILING_STOP_LIMIT: OrderType.LIMIT,
}


@dataclass(eq=False)
class RebuiltOrder:
    """What the events tell of an order, and the sums that have to balance."""

    order_id: int
    side: Side
    order_type: OrderType
    is_undisplayed: bool
    is_sliced: bool
    price_ticks: int
    live_lots: int
    total_lots: int
    traded_lots: int = 0

    @property
    def is_dormant(self) -> bool:
        return self.order_type in BECOMES

    @property
    def rank(self) -> tuple[int, bool]:
        """Price, then displayed before undisplayed; time is the order of a queue."""
        return -self.price_ticks if self.side == Side.BUY else self.price_ticks, self.is_undisplayed

    def may_trade_at(self, price_ticks: int) -> bool:
        """Whether a price is no worse than the limit, where there is one."""
        if self.order_type == OrderType.MARKET:
            return True
        return price_ticks <= self.price_ticks if self.side == Side.BUY else price_ticks >= self.price_ticks


class Rebuilt:
    """Follows the events of a book command by command. It knows little of rules, only what events mean.

    Market orders that wait for an uncross and dormant stops are known, but stand in no queue. How much an iceberg shows
    is not told until its first slice is used up, so the queues hold whole quantities.
    """

    def __init__(self, *, is_fifo: bool = True) -> None:
        self.is_fifo = is_fifo
        self.phase = Phase.CONTINUOUS
        self.orders: dict[int, RebuiltOrder] = {}
        self.queues: dict[Side, list[RebuiltOrder]] = {Side.BUY: [], Side.SELL: []}
        # Who came last to trade: it stands in no queue until the next one comes or the command ends.
        self.aggressor: RebuiltOrder | None = None
        self.last_trade_id = 0
        self.last_order_id = 0

    def command(self, events: Sequence[ReferenceEvent]) -> None:
        """Takes all the events of one command; what is live and stands nowhere then rests."""
        for event in events:
            self.event(event)
        self.comes(None)

    def event(self, event: ReferenceEvent) -> None:
        match event.kind:
            case EventKind.ACCEPTED if event.side != Side.NONE:
                self.accepted(event)
            case EventKind.REPRICED:
                self.orders[event.order_id].price_ticks = event.price_ticks
            case EventKind.TRIGGERED:
                self.triggered(event)
            case EventKind.TRADE:
                self.trade(event)
            case EventKind.REPLENISHED:
                self.replenished(event)
            case EventKind.DECREMENTED:
                self.decremented(event)
            case EventKind.CANCELED:
                order = self.orders[event.order_id]
                # Quantity is conserved: of the total (as accepted, amended, decremented) all has traded or is live.
                assert event.quantity_lots == order.live_lots == order.total_lots - order.traded_lots
                assert (event.side, event.price_ticks) == (order.side, order.price_ticks)
                self.end(order)
            case EventKind.AMENDED:
                self.amended(event)
            case EventKind.PHASE:
                assert event.reason != self.phase
                self.phase = Phase(event.reason)

    def accepted(self, event: ReferenceEvent) -> None:
        assert event.order_id > self.last_order_id
        self.last_order_id = event.order_id
        is_undisplayed, is_sliced = bool(event.reason & IS_UNDISPLAYED), bool(event.reason & IS_SLICED)
        order = RebuiltOrder(
            event.order_id,
            event.side,
            OrderType(event.reason & ~(IS_UNDISPLAYED | IS_SLICED | IS_MIRRORED)),
            is_undisplayed,
            is_sliced,
            event.price_ticks,
            event.quantity_lots,
            event.quantity_lots,
        )
        self.orders[order.order_id] = order
        if not order.is_dormant:
            self.comes(order)

    def triggered(self, event: ReferenceEvent) -> None:
        order = self.orders[event.order_id]
        assert order.is_dormant
        assert (event.side, event.price_ticks, event.quantity_lots) == (order.side, order.price_ticks, order.live_lots)
        order.order_type = BECOMES[order.order_type]
        self.comes(order)

    def comes(self, order: RebuiltOrder | None) -> None:
        """The next aggressor; what is left of the one before rests, behind its equals."""
        before, self.aggressor = self.aggressor, order
        if before is not None and before is not order and before.order_id in self.orders:
            self.rest(before)
        if order is not None:
            self.leave(order)

    def rest(self, order: RebuiltOrder) -> None:
        if order.order_type == OrderType.MARKET:
            assert self.phase != Phase.CONTINUOUS, "a market order does not rest in continuous trading"
            return
        self.queues[order.side].append(order)
        self.queues[order.side].sort(key=lambda resting: resting.rank)

    def leave(self, order: RebuiltOrder) -> None:
        if order in self.queues[order.side]:
            self.queues[order.side].remove(order)

    def trade(self, event: ReferenceEvent) -> None:
        maker, taker = self.orders[event.order_id], self.orders[event.other]
        assert event.detail == self.last_trade_id + 1, "trade ids have no gaps"
        self.last_trade_id = event.detail
        assert event.quantity_lots >= 1
        assert maker.side != taker.side
        assert not maker.is_dormant
        assert not taker.is_dormant
        assert maker.may_trade_at(event.price_ticks), "beyond the maker's limit"
        assert taker.may_trade_at(event.price_ticks), "beyond the taker's limit"
        if event.side == Side.NONE:
            assert maker.order_id < taker.order_id, "of two that cross the older one is called the maker"
        else:
            self.continuous_trade(event, maker, taker)
        for order in (maker, taker):
            order.live_lots -= event.quantity_lots
            order.traded_lots += event.quantity_lots
            assert order.live_lots >= 0
            if order.live_lots == 0:
                self.end(order)

    def continuous_trade(self, event: ReferenceEvent, maker: RebuiltOrder, taker: RebuiltOrder) -> None:
        assert self.phase == Phase.CONTINUOUS
        assert event.price_ticks == maker.price_ticks
        assert event.side == taker.side
        if taker is not self.aggressor:  # an all-or-none order that is tried again
            assert taker.is_undisplayed
            self.comes(taker)
        ahead = self.queues[maker.side][: self.queues[maker.side].index(maker)]
        passed = [order for order in ahead if not order.is_undisplayed]
        if self.is_fifo:
            assert passed == [], "the first displayed order trades first"
        else:
            assert all(order.price_ticks == maker.price_ticks for order in passed), "the best price trades first"

    def replenished(self, event: ReferenceEvent) -> None:
        order = self.orders[event.order_id]
        assert order.is_sliced
        assert event.price_ticks == order.price_ticks
        assert 1 <= event.quantity_lots <= order.live_lots
        self.leave(order)
        self.rest(order)

    def decremented(self, event: ReferenceEvent) -> None:
        assert self.orders[event.other] is self.aggressor
        for order_id in (event.order_id, event.other):
            order = self.orders[order_id]
            order.live_lots -= event.quantity_lots
            order.total_lots -= event.quantity_lots
            assert order.live_lots >= 0

    def amended(self, event: ReferenceEvent) -> None:
        order = self.orders[event.order_id]
        assert event.other - order.traded_lots == event.quantity_lots >= 1
        is_kept, is_moved = bool(event.reason), event.price_ticks != order.price_ticks
        if is_kept:
            assert event.other <= order.total_lots
            assert order.is_dormant or not is_moved
        order.price_ticks, order.total_lots, order.live_lots = event.price_ticks, event.other, event.quantity_lots
        if not is_kept and not order.is_dormant:
            self.comes(order)

    def end(self, order: RebuiltOrder) -> None:
        del self.orders[order.order_id]
        self.leave(order)

    def is_crossed_or_locked(self) -> bool:
        """Whether the displayed orders are."""
        bids, asks = ([order for order in self.queues[side] if not order.is_undisplayed] for side in self.queues)
        return bool(bids and asks) and bids[0].price_ticks >= asks[0].price_ticks

    def book(self) -> list[tuple[int, Side, int, int]]:
        """Order id, side, price and live quantity, in order of priority, bids first."""
        return [
            (order.order_id, order.side, order.price_ticks, order.live_lots)
            for side in (Side.BUY, Side.SELL)
            for order in self.queues[side]
        ]

    def dormant(self) -> list[tuple[int, int, int]]:
        """Order id, limit and live quantity of the stops that have not fired, in order of id."""
        return sorted((o.order_id, o.price_ticks, o.live_lots) for o in self.orders.values() if o.is_dormant)
