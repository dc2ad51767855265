"""A book at order level, rebuilt from the event stream alone (R7), and what has to hold for every stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aeromatch.market.reference import EventKind, ReferenceEvent, Side


@dataclass
class RebuiltOrder:
    """What the events tell of an order, and the sums that have to balance."""

    order_id: int
    side: Side
    price_ticks: int
    live_lots: int
    total_lots: int
    traded_lots: int = 0


class Rebuilt:
    """Follows the events of a book command by command. It knows nothing of rules, only what events mean."""

    def __init__(self) -> None:
        self.orders: dict[int, RebuiltOrder] = {}
        self.queues: dict[Side, list[RebuiltOrder]] = {Side.BUY: [], Side.SELL: []}
        self.last_trade_id = 0
        self.last_order_id = 0

    def command(self, events: Sequence[ReferenceEvent]) -> None:
        """Takes all the events of one command; what is live and stands nowhere then rests."""
        for event in events:
            self.event(event)
        for order in list(self.orders.values()):
            if order.live_lots == 0:
                self.end(order)
            elif order not in self.queues[order.side]:
                self.queues[order.side].append(order)
        self.queues[Side.BUY].sort(key=lambda order: -order.price_ticks)
        self.queues[Side.SELL].sort(key=lambda order: order.price_ticks)

    def event(self, event: ReferenceEvent) -> None:
        match event.kind:
            case EventKind.ACCEPTED if event.side != Side.NONE:
                assert event.order_id > self.last_order_id
                self.last_order_id = event.order_id
                self.orders[event.order_id] = RebuiltOrder(
                    event.order_id, event.side, event.price_ticks, event.quantity_lots, event.quantity_lots
                )
            case EventKind.REPRICED:
                self.orders[event.order_id].price_ticks = event.price_ticks
            case EventKind.TRADE:
                self.trade(event)
            case EventKind.DECREMENTED:
                for order_id in (event.order_id, event.other):
                    order = self.orders[order_id]
                    order.live_lots -= event.quantity_lots
                    order.total_lots -= event.quantity_lots
            case EventKind.CANCELED:
                order = self.orders[event.order_id]
                # Quantity is conserved: of the total (as accepted, amended, decremented) all has traded or is live.
                assert event.quantity_lots == order.live_lots == order.total_lots - order.traded_lots
                assert (event.side, event.price_ticks) == (order.side, order.price_ticks)
                self.end(order)
            case EventKind.AMENDED:
                self.amended(event)

    def trade(self, event: ReferenceEvent) -> None:
        maker, taker = self.orders[event.order_id], self.orders[event.other]
        assert event.detail == self.last_trade_id + 1, "trade ids have no gaps"
        self.last_trade_id = event.detail
        assert event.quantity_lots >= 1
        assert event.price_ticks == maker.price_ticks
        assert event.side == taker.side != maker.side
        queue = self.queues[maker.side]
        assert queue[0] is maker, "the first in the queue trades"
        for order in (maker, taker):
            order.live_lots -= event.quantity_lots
            order.traded_lots += event.quantity_lots
            assert order.live_lots >= 0
        if maker.live_lots == 0:
            self.end(maker)

    def amended(self, event: ReferenceEvent) -> None:
        order = self.orders[event.order_id]
        assert event.other - order.traded_lots == event.quantity_lots >= 1
        if event.reason:
            assert (event.price_ticks, event.other <= order.total_lots) == (order.price_ticks, True)
        else:
            self.queues[order.side].remove(order)
        order.price_ticks, order.total_lots, order.live_lots = event.price_ticks, event.other, event.quantity_lots

    def end(self, order: RebuiltOrder) -> None:
        del self.orders[order.order_id]
        if order in self.queues[order.side]:
            self.queues[order.side].remove(order)

    def is_crossed_or_locked(self) -> bool:
        bids, asks = self.queues[Side.BUY], self.queues[Side.SELL]
        return bool(bids and asks) and bids[0].price_ticks >= asks[0].price_ticks

    def book(self) -> list[tuple[int, Side, int, int]]:
        """Order id, side, price and live quantity, in order of priority, bids first."""
        return [
            (order.order_id, order.side, order.price_ticks, order.live_lots)
            for side in (Side.BUY, Side.SELL)
            for order in self.queues[side]
        ]
