"""What a book consists of, and the few things that every rule does to it.

Lists and sorting, nothing clever. The rules are functions of the other modules; they take the state and change it.
"""

from __future__ import annotations

from bisect import insort

from aeromatch.market.reference.bands import band_of
from aeromatch.market.reference.order import FinishedClientId, Order
from aeromatch.market.reference.records import (
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    Matching,
    Phase,
    ReferenceEvent,
    RejectReason,
    SelfTradePrevention,
    Side,
)

PRICE_MIN, PRICE_MAX = -(2**63), 2**63 - 1
QUANTITY_MAX = 2**48
U64_MAX = 2**64 - 1
SIDES = (Side.BUY, Side.SELL)
OTHER_SIDE = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}


class State:
    """The state of one instrument's book, and the events of the command that is being carried out."""

    def __init__(
        self,
        instrument: int = 0,
        *,
        dedup_window_ns: int = 0,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
        matching: Matching = Matching.FIFO,
        fifo_share_bps: int | None = None,
        reference_price_ticks: int | None = None,
        static_band_ticks: int | None = None,
        static_band_bps: int | None = None,
        circuit_breaker_ticks: int | None = None,
        circuit_breaker_bps: int | None = None,
        halt_ns: int | None = None,
    ) -> None:
        self.instrument = instrument
        self.dedup_window_ns = dedup_window_ns
        self.self_trade_prevention = self_trade_prevention
        self.matching = matching
        self.fifo_share_bps = fifo_share_bps
        self.reference_price_ticks = reference_price_ticks
        self.static_band = band_of(static_band_ticks, static_band_bps)
        self.circuit_breaker = band_of(circuit_breaker_ticks, circuit_breaker_bps)
        self.halt_ns = halt_ns
        if (fifo_share_bps is not None) != (matching == Matching.FIFO_PRO_RATA):
            raise ValueError("fifo_share_bps belongs to fifo_pro_rata")
        if self.static_band is not None and reference_price_ticks is None:
            raise ValueError("a static band needs a reference price")
        if halt_ns is not None and self.circuit_breaker is None:
            raise ValueError("halt_ns needs a circuit breaker")

        self.phase = Phase.CONTINUOUS
        self.now_ns = 0
        self.sequence = 0
        self.order_counter = 0
        self.trade_id = 0
        self.last_price_ticks: int | None = None
        # R28: when a halt by the circuit breaker ends, and the last price before the present command.
        self.halt_end_ns: int | None = None
        self.anchor_ticks: int | None = None
        # Every live order by its id: ids are given in rising order, so this is in order of id.
        self.live: dict[int, Order] = {}
        # The orders in the book, each side in order of priority (R10).
        self.resting: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        # R26: market orders without protection that wait for an uncross, in order of arrival.
        self.waiting: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        # R15: stops that have not been triggered, in order of arrival.
        self.dormant: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        self.arrivals = 0
        self.finished_client_ids: list[FinishedClientId] = []
        self.command = Command(CommandKind.ADVANCE_TIME)
        self.events: list[ReferenceEvent] = []
        # R30: what an exchange finds against the command that is being carried out; each has its place in R8.
        self.faults: frozenset[RejectReason] = frozenset()

    # R7: what happens, as events.

    def emit(
        self,
        kind: EventKind,
        order: Order | None = None,
        *,
        reason: int = 0,
        side: Side = Side.NONE,
        instrument: int | None = None,
        account: int = 0,
        price_ticks: int = 0,
        quantity_lots: int = 0,
        order_id: int = 0,
        other: int = 0,
        detail: int = 0,
    ) -> None:
        """Adds an event; one about an order has that order's id, side and account."""
        if order is not None:
            order_id, side, account = order.order_id, order.side, order.account
        self.events.append(
            ReferenceEvent(
                kind=kind,
                reason=reason,
                side=side,
                instrument=self.instrument if instrument is None else instrument,
                account=account,
                index=len(self.events),
                price_ticks=price_ticks,
                quantity_lots=quantity_lots,
                order_id=order_id,
                other=other,
                sequence=self.sequence,
                detail=detail,
            )
        )

    def accept(self, order: Order | None = None) -> None:
        """R6, for everything but a new order: names the order it is about, if it is about one."""
        self.emit(
            EventKind.ACCEPTED,
            account=self.command.account if order is None else order.account,
            order_id=0 if order is None else order.order_id,
            other=self.now_ns,
            detail=self.command.tag,
        )

    def reject(self, reason: RejectReason) -> None:
        """R6: changes nothing. Only a duplicate names an order, the first one (R5)."""
        command = self.command
        first: int | None = None
        if reason == RejectReason.DUPLICATE_CLIENT_ORDER_ID and command.client_order_id is not None:
            first = self.first_with_client_id(command.account, command.client_order_id)
        self.emit(
            EventKind.REJECTED,
            reason=reason,
            side=command.side if command.kind == CommandKind.NEW else Side.NONE,
            instrument=command.instrument,
            account=command.account,
            order_id=first or 0,
            other=self.now_ns,
            detail=command.tag,
        )

    def cancel_order(self, order: Order, reason: CancelReason) -> None:
        """An order ends with what was live of it, slice and reserve."""
        self.emit(
            EventKind.CANCELED,
            order,
            reason=reason,
            price_ticks=order.price_ticks,
            quantity_lots=order.remaining_lots,
        )
        self.finish(order)

    def finish(self, order: Order) -> None:
        """An order is done, filled or canceled; its client order id is remembered (R5)."""
        del self.live[order.order_id]
        self.leave(order)
        if order.client_order_id is not None:
            finished = FinishedClientId(self.now_ns, order.account, order.order_id, order.client_order_id)
            if self.is_remembered(finished):  # with a window of 0 it is free at once
                self.finished_client_ids.append(finished)

    # R5: client order ids.

    def is_remembered(self, finished: FinishedClientId) -> bool:
        """Whether the client order id of an order that is done is still taken."""
        return self.now_ns < min(finished.finished_at_ns + self.dedup_window_ns, U64_MAX)

    def first_with_client_id(self, account: int, client_order_id: bytes) -> int | None:
        """The order that holds this client order id, live or still remembered."""
        order = self.live_with_client_id(account, client_order_id)
        if order is not None:
            return order.order_id
        for finished in self.finished_client_ids:
            if (finished.account, finished.client_order_id) == (account, client_order_id):
                return finished.order_id
        return None

    def live_with_client_id(self, account: int, client_order_id: bytes) -> Order | None:
        """The live order, dormant ones included, that has this client order id."""
        for order in self.live.values():
            if order.client_order_id == client_order_id and order.account == account:
                return order
        return None

    # R10: priority.

    def arrive_last(self, order: Order) -> None:
        """The order comes now to where it will stand: behind all that are its equals there."""
        self.arrivals += 1
        order.arrival = self.arrivals

    def rest(self, order: Order) -> None:
        """Puts an order into the book, with a fresh slice (R14), behind its equals."""
        self.arrive_last(order)
        if order.is_market and order.protection_price_ticks is None:
            self.waiting[order.side].append(order)
            return
        if order.is_market or order.is_undisplayed:
            order.shown_lots = 0
        else:
            order.shown_lots = min(order.display_lots or order.remaining_lots, order.remaining_lots)
        insort(self.resting[order.side], order, key=lambda resting: resting.rank)

    def leave(self, order: Order) -> None:
        """Takes an order from where it stands; an aggressor stands nowhere."""
        for place in (self.resting, self.waiting, self.dormant):
            if order in place[order.side]:
                place[order.side].remove(order)
        order.shown_lots = 0

    def replenish(self, order: Order) -> None:
        """R14: the next slice, last among the displayed orders of its price."""
        self.resting[order.side].remove(order)
        self.rest(order)
        self.emit(
            EventKind.REPLENISHED,
            order,
            price_ticks=order.price_ticks,
            quantity_lots=order.shown_lots,
        )

    def opposing(self, side: Side, limit_ticks: int | None) -> list[Order]:
        """Who an order of this side and limit could trade with, in order of priority."""
        orders = self.resting[OTHER_SIDE[side]]
        if limit_ticks is None:
            return list(orders)
        if side == Side.BUY:
            return [order for order in orders if order.price_ticks <= limit_ticks]
        return [order for order in orders if order.price_ticks >= limit_ticks]

    # R28: bands.

    def is_inside_static_band(self, price_ticks: int) -> bool:
        """The band around the instrument's reference price."""
        if self.static_band is None or self.reference_price_ticks is None:
            return True
        return self.static_band.holds(price_ticks, self.reference_price_ticks)

    def may_print(self, price_ticks: int) -> bool:
        """The circuit breaker's band around the last trade price before the command."""
        if self.circuit_breaker is None or self.anchor_ticks is None:
            return True
        return self.circuit_breaker.holds(price_ticks, self.anchor_ticks)
