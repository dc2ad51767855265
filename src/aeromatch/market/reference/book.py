"""One order book, by the rules of docs/rules.md and in their order.

Lists and sorting, nothing clever: each step is what its rule says, marked with the rule's number.
Rules that are not here belong to order types and phases that do not exist yet; a note marks the
places where they come in.
"""

from __future__ import annotations

from hashlib import blake2b

from aeromatch.market.reference.digest import state
from aeromatch.market.reference.order import FinishedClientId, Order
from aeromatch.market.reference.records import (
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    OrderType,
    Phase,
    ReferenceEvent,
    RejectReason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

PRICE_MIN, PRICE_MAX = -(2**63), 2**63 - 1
QUANTITY_MAX = 2**48
EXPIRE_AT_MAX = 2**63 - 1
COUNTER_BITS = 40
U64_MAX = 2**64 - 1

RESTING_TIMES = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)


class ReferenceBook:
    """The book of one instrument. `apply` takes a command and gives its events."""

    def __init__(
        self,
        instrument: int = 0,
        *,
        dedup_window_ns: int = 0,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
    ) -> None:
        self.instrument = instrument
        self.dedup_window_ns = dedup_window_ns
        self.self_trade_prevention = self_trade_prevention
        self.phase = Phase.CONTINUOUS
        self.now_ns = 0
        self.sequence = 0
        self.order_counter = 0
        self.trade_id = 0
        self.last_price_ticks: int | None = None
        # Every live order by its id: ids are given in rising order, so this is in order of id.
        self.live: dict[int, Order] = {}
        # The orders in the book, each side in order of priority.
        self.resting: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        self.finished_client_ids: list[FinishedClientId] = []
        self.command = Command(CommandKind.ADVANCE_TIME)
        self.events: list[ReferenceEvent] = []

    # Reads: they do not move time (R2).

    def best_price(self, side: Side) -> int | None:
        """The best price of a side in ticks, None where it is empty."""
        return self.resting[side][0].price_ticks if self.resting[side] else None

    @property
    def best_bid(self) -> int | None:
        """The highest price of a buy order in ticks."""
        return self.best_price(Side.BUY)

    @property
    def best_ask(self) -> int | None:
        """The lowest price of a sell order in ticks."""
        return self.best_price(Side.SELL)

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        """The levels of a side, best first: price in ticks, quantity in lots, number of orders."""
        levels = []
        for price in dict.fromkeys(order.price_ticks for order in self.resting[side]):
            orders = [order for order in self.resting[side] if order.price_ticks == price]
            levels.append((price, sum(order.remaining_lots for order in orders), len(orders)))
        return levels

    def orders(self) -> list[Order]:
        """The live orders in order of id."""
        return list(self.live.values())

    def digest(self) -> bytes:
        """The 32 bytes of docs/records.md: all that can influence a later event."""
        return blake2b(state(self), digest_size=32).digest()

    # R3, R4, R6: one command in, its events out.

    def apply(self, command: Command) -> list[ReferenceEvent]:
        """Carries out one command and returns its events. Never raises for what is in it (R33)."""
        self.command = command
        self.events = []
        # R4: one number each, also where the command is rejected.
        self.sequence = min(max(self.sequence + 1, command.sequence), U64_MAX)
        if command.instrument != self.instrument:
            # R8, the first reason. Another instrument's command does not move this one's time.
            self._reject(RejectReason.UNKNOWN_INSTRUMENT)
            return self.events
        self._move_time(command.timestamp_ns)
        reason = self._refusal(command)
        if reason is not None:
            self._reject(reason)
        elif command.kind == CommandKind.NEW:
            self._new(command)
        elif command.kind == CommandKind.CANCEL:
            self._cancel(command)
        elif command.kind == CommandKind.AMEND:
            self._amend(command)
        elif command.kind == CommandKind.MASS_CANCEL:
            self._mass_cancel(command)
        elif command.kind == CommandKind.PHASE:
            self._change_phase(command.phase)
        else:
            self._accept()  # advance time: what it does is done by now
        return self.events

    # R2, R17: time.

    def _move_time(self, timestamp_ns: int) -> None:
        # R2: an earlier stamp counts as the last one seen.
        self.now_ns = max(self.now_ns, timestamp_ns)
        self.finished_client_ids = [finished for finished in self.finished_client_ids if self._is_remembered(finished)]
        # R17: what expires does so in order of expiry, then id, before the command's own events.
        expired = [
            order
            for order in self.orders()
            if order.time_in_force == TimeInForce.GTD and order.expire_at_ns <= self.now_ns
        ]
        for order in sorted(expired, key=lambda order: (order.expire_at_ns, order.order_id)):
            self._cancel_order(order, CancelReason.EXPIRED)
        # R28: the end of a halt by the circuit breaker comes in here.

    # R5: client order ids.

    def _is_remembered(self, finished: FinishedClientId) -> bool:
        return self.now_ns < min(finished.finished_at_ns + self.dedup_window_ns, U64_MAX)

    def _first_with_client_id(self, account: int, client_order_id: bytes) -> int | None:
        """The order that holds this client order id, live or still remembered."""
        order = self._live_with_client_id(account, client_order_id)
        if order is not None:
            return order.order_id
        for finished in self.finished_client_ids:
            if (finished.account, finished.client_order_id) == (account, client_order_id):
                return finished.order_id
        return None

    def _live_with_client_id(self, account: int, client_order_id: bytes) -> Order | None:
        for order in self.live.values():
            if order.client_order_id == client_order_id and order.account == account:
                return order
        return None

    # R7: what happens, as events.

    def _emit(
        self,
        kind: EventKind,
        *,
        reason: int = 0,
        side: Side = Side.NONE,
        account: int = 0,
        price_ticks: int = 0,
        quantity_lots: int = 0,
        order_id: int = 0,
        other: int = 0,
        detail: int = 0,
    ) -> None:
        self.events.append(
            ReferenceEvent(
                kind=kind,
                reason=reason,
                side=side,
                instrument=self.command.instrument,
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

    def _accept(self, order: Order | None = None) -> None:
        """R6, for everything but a new order: names the order it is about, if it is about one."""
        self._emit(
            EventKind.ACCEPTED,
            account=self.command.account if order is None else order.account,
            order_id=0 if order is None else order.order_id,
            other=self.now_ns,
            detail=self.command.tag,
        )

    def _reject(self, reason: RejectReason) -> None:
        """R6: changes nothing. Only a duplicate names an order, the first one (R5)."""
        command = self.command
        first: int | None = None
        if reason == RejectReason.DUPLICATE_CLIENT_ORDER_ID and command.client_order_id is not None:
            first = self._first_with_client_id(command.account, command.client_order_id)
        self._emit(
            EventKind.REJECTED,
            reason=reason,
            side=command.side if command.kind == CommandKind.NEW else Side.NONE,
            account=command.account,
            order_id=first or 0,
            other=self.now_ns,
            detail=command.tag,
        )

    def _cancel_order(self, order: Order, reason: CancelReason) -> None:
        """An order ends with what was live of it."""
        self._emit(
            EventKind.CANCELED,
            reason=reason,
            side=order.side,
            account=order.account,
            price_ticks=order.price_ticks,
            quantity_lots=order.remaining_lots,
            order_id=order.order_id,
        )
        self._finish(order)

    def _finish(self, order: Order) -> None:
        """An order is done, filled or canceled; its client order id is remembered (R5)."""
        del self.live[order.order_id]
        if order in self.resting[order.side]:
            self.resting[order.side].remove(order)
        if order.client_order_id is not None:
            finished = FinishedClientId(self.now_ns, order.account, order.order_id, order.client_order_id)
            if self._is_remembered(finished):  # with a window of 0 it is free at once
                self.finished_client_ids.append(finished)

    # R8: rejections.

    def _refusal(self, command: Command) -> RejectReason | None:
        """The first reason that applies, in the order of R8; `unknown_instrument` came before."""
        is_new = command.kind == CommandKind.NEW
        is_amend = command.kind == CommandKind.AMEND
        # R30: unknown_account comes in here.
        if (is_new or is_amend) and self._is_invalid_quantity(command):
            return RejectReason.INVALID_QUANTITY
        if (is_new or is_amend) and self._is_invalid_price(command):
            return RejectReason.INVALID_PRICE
        if command.expire_at_ns is not None and not 1 <= command.expire_at_ns <= EXPIRE_AT_MAX:
            return RejectReason.INVALID_TIME
        if self._is_invalid_client_order_id(command):
            return RejectReason.INVALID_CLIENT_ORDER_ID
        if self._is_invalid_combination(command):
            return RejectReason.INVALID_COMBINATION
        # R26: halted and closed let nothing in but cancels.
        if (is_new or is_amend) and self.phase != Phase.CONTINUOUS:
            return RejectReason.NOT_ALLOWED_IN_PHASE
        if (is_amend or command.kind == CommandKind.CANCEL) and self._named(command) is None:
            return RejectReason.UNKNOWN_ORDER
        # R17: at or before now is expired.
        if command.expire_at_ns is not None and command.expire_at_ns <= self.now_ns:
            return RejectReason.EXPIRED
        # R28: price_out_of_band comes in here.
        if (
            is_new
            and command.client_order_id is not None
            and self._first_with_client_id(command.account, command.client_order_id) is not None
        ):
            return RejectReason.DUPLICATE_CLIENT_ORDER_ID
        # R30: insufficient_funds comes in here.
        if (is_new or is_amend) and self._post_only_takes(command):
            return RejectReason.POST_ONLY_WOULD_TAKE
        return None

    def _is_invalid_quantity(self, command: Command) -> bool:
        """R1: 1 to 2^48 lots; an amend need not say one. R14, R21: display and minimum."""
        if command.quantity_lots is None:
            return command.kind == CommandKind.NEW
        return not 1 <= command.quantity_lots <= QUANTITY_MAX

    def _is_invalid_price(self, command: Command) -> bool:
        """R1: off the grid, or a new order that would slide out of 64 bits."""
        if command.price_off_grid:
            return True
        return command.kind == CommandKind.NEW and self._slides_out_of_range(command)

    def _is_invalid_client_order_id(self, command: Command) -> bool:
        """R5: 1 to 36 characters of printable ASCII, if there is one."""
        text = command.client_order_id
        if text is None:
            return False
        return not 1 <= len(text) <= 36 or any(not 0x20 <= byte <= 0x7E for byte in text)

    def _is_invalid_combination(self, command: Command) -> bool:
        """The section "Combinations" of the rules."""
        if command.kind == CommandKind.NEW:
            is_market = command.order_type == OrderType.MARKET
            is_gtd = command.time_in_force == TimeInForce.GTD
            rests = not is_market and command.time_in_force in RESTING_TIMES
            return (
                is_market == (command.price_ticks is not None)
                or is_gtd != (command.expire_at_ns is not None)
                or (is_market and is_gtd)
                or (command.protection_price_ticks is not None and not is_market)
                or (command.post_only and not rests)
                or (command.slide and not command.post_only)
            )
        if command.kind in (CommandKind.CANCEL, CommandKind.AMEND):
            by_client_id = command.client_order_id is not None
            by_order_id = command.order_id != 0
            changes = command.price_ticks is not None or command.quantity_lots is not None
            return (
                by_client_id == by_order_id  # one of them names the order
                or (by_client_id and command.account == 0)  # R23: the account is required
                or (command.kind == CommandKind.AMEND and not changes)
            )
        return False

    # R10: priority.

    def _rest(self, order: Order) -> None:
        """Puts an order into the book: by price, behind those that are there at its price."""
        orders = self.resting[order.side]
        orders.append(order)  # sorting keeps the order of equals
        if order.side == Side.BUY:
            orders.sort(key=lambda resting: -resting.price_ticks)
        else:
            orders.sort(key=lambda resting: resting.price_ticks)

    def _opposing(self, side: Side, limit_ticks: int | None) -> list[Order]:
        """Who an order of this side and limit could trade with, in order of priority."""
        if side == Side.BUY:
            orders = self.resting[Side.SELL]
            return [o for o in orders if limit_ticks is None or o.price_ticks <= limit_ticks]
        orders = self.resting[Side.BUY]
        return [o for o in orders if limit_ticks is None or o.price_ticks >= limit_ticks]

    # R11, R12: a new order.

    def _new(self, command: Command) -> None:
        # R5: instrument, then a counter; only an accepted order gets an id.
        self.order_counter += 1
        order = Order(
            order_id=self.instrument << COUNTER_BITS | self.order_counter,
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
            total_lots=command.quantity_lots or 0,
            remaining_lots=command.quantity_lots or 0,
            entered_at_ns=self.now_ns,
            expire_at_ns=command.expire_at_ns or 0,
        )
        self.live[order.order_id] = order
        self._emit(
            EventKind.ACCEPTED,
            side=order.side,
            account=order.account,
            price_ticks=order.price_ticks,
            quantity_lots=order.total_lots,
            order_id=order.order_id,
            other=self.now_ns,
            detail=command.tag,
        )
        # R15: a stop that is not reached stays dormant.
        self._arrive(order)

    def _arrive(self, order: Order) -> None:
        """A new order, or one that an amend has taken out of the book, meets the other side."""
        if order.slide:
            self._slide(order)
        # R19, R21: what has to be known before the first trade.
        if order.time_in_force == TimeInForce.FOK and not self._is_feasible(order):
            self._cancel_order(order, CancelReason.FILL_OR_KILL)
            return
        self._walk(order)
        if order.order_id not in self.live:
            return
        if order.order_type == OrderType.MARKET:
            self._cancel_order(order, CancelReason.NO_LIQUIDITY)  # R12, whatever its time in force
        elif order.time_in_force == TimeInForce.IOC:
            self._cancel_order(order, CancelReason.IMMEDIATE_OR_CANCEL)  # R18
        else:
            self._rest(order)  # R11

    def _walk(self, aggressor: Order) -> None:
        """Trades down the other side, as far as the aggressor's limit and quantity go (R10)."""
        for maker in self._opposing(aggressor.side, aggressor.limit_ticks):
            if self._are_own(aggressor, maker):
                self._prevent(aggressor, maker)
            else:
                self._trade(aggressor, maker)
            if aggressor.order_id not in self.live:
                return

    def _trade(self, aggressor: Order, maker: Order) -> None:
        quantity = min(aggressor.remaining_lots, maker.remaining_lots)
        aggressor.remaining_lots -= quantity
        maker.remaining_lots -= quantity
        self.trade_id += 1  # R4: from 1, without gaps
        self.last_price_ticks = maker.price_ticks
        self._emit(
            EventKind.TRADE,
            side=aggressor.side,
            account=maker.account,
            price_ticks=maker.price_ticks,  # R10: at the resting order's price
            quantity_lots=quantity,
            order_id=maker.order_id,
            other=aggressor.order_id,
            detail=self.trade_id,
        )
        # R14: a used-up slice is replenished here.
        for order in (maker, aggressor):
            if order.remaining_lots == 0:
                self._finish(order)

    # R13: post-only.

    def _post_only_arrival(self, command: Command) -> tuple[Side, int, bool] | None:
        """The post-only order that a command makes arrive: its side, limit and whether it slides.

        None where there is none: an amend that ends the order or keeps its place arrives nowhere.
        """
        if command.kind == CommandKind.NEW:
            if not command.post_only or self._is_invalid_combination(command) or command.price_ticks is None:
                return None
            return command.side, command.price_ticks, command.slide
        order = self._named(command)
        if order is None or not order.post_only:
            return None
        price, total = self._amended_terms(order, command)
        if total <= order.filled_lots or self._keeps_priority(order, price, total):
            return None
        return order.side, price, order.slide

    def _post_only_takes(self, command: Command) -> bool:
        """Would it trade on arrival? Own orders count whatever the self-trade mode."""
        arrival = self._post_only_arrival(command)
        if arrival is None:
            return False
        side, price, slides = arrival
        return not slides and bool(self._opposing(side, price))

    def _slides_out_of_range(self, command: Command) -> bool:
        """R1: one tick behind the best price there is would leave 64 bits.

        Only a new order can: one that rests already stands behind the best price of the other side.
        """
        arrival = self._post_only_arrival(command)
        if arrival is None:
            return False
        side, price, slides = arrival
        return slides and not PRICE_MIN <= self._slid_price(side, price) <= PRICE_MAX

    def _slid_price(self, side: Side, price_ticks: int) -> int:
        """One tick behind the best of the orders it would trade with, else its own price."""
        opposing = self._opposing(side, price_ticks)
        if not opposing:
            return price_ticks
        return opposing[0].price_ticks + (-1 if side == Side.BUY else 1)

    def _slide(self, order: Order) -> None:
        price = self._slid_price(order.side, order.price_ticks)
        if price != order.price_ticks:
            order.price_ticks = price
            self._emit(
                EventKind.REPRICED,
                side=order.side,
                account=order.account,
                price_ticks=price,
                order_id=order.order_id,
            )

    # R19: fill or kill.

    def _is_feasible(self, order: Order) -> bool:
        """The matching walk done dry: can it trade in full at once?"""
        missing = order.remaining_lots
        for maker in self._opposing(order.side, order.limit_ticks):
            if self._are_own(order, maker):
                if self._mode(order) == SelfTradePrevention.CANCEL_OLDEST:
                    continue  # it would go, and the walk go on
                return False  # other modes end at the first own order
            missing -= maker.remaining_lots
            if missing <= 0:
                return True
        return False

    # R22: amend.

    def _amended_terms(self, order: Order, command: Command) -> tuple[int, int]:
        """The price and the total that an amend asks for; what it does not give stays."""
        price, total = command.price_ticks, command.quantity_lots
        return (
            order.price_ticks if price is None else price,
            order.total_lots if total is None else total,
        )

    def _keeps_priority(self, order: Order, price: int, total: int) -> bool:
        """Less at the same price, or the same again."""
        return price == order.price_ticks and total <= order.total_lots

    def _amend(self, command: Command) -> None:
        order = self._named(command)
        assert order is not None, "an unknown order is rejected before"
        self._accept(order)
        price, total = self._amended_terms(order, command)
        if total <= order.filled_lots:
            self._cancel_order(order, CancelReason.AMENDED)
            return
        keeps_priority = self._keeps_priority(order, price, total)
        order.price_ticks = price
        order.remaining_lots = total - order.filled_lots
        order.total_lots = total
        self._emit(
            EventKind.AMENDED,
            reason=int(keeps_priority),
            side=order.side,
            account=order.account,
            price_ticks=price,
            quantity_lots=order.remaining_lots,
            order_id=order.order_id,
            other=total,
        )
        if not keeps_priority:
            self.resting[order.side].remove(order)
            self._arrive(order)

    # R23, R24: cancel and mass cancel.

    def _named(self, command: Command) -> Order | None:
        """The live order that a cancel or an amend names; None: unknown, done or someone else's."""
        if command.client_order_id is not None:
            return self._live_with_client_id(command.account, command.client_order_id)
        order = self.live.get(command.order_id)
        if order is None or command.account in (0, order.account):  # 0: the operator's command
            return order
        return None

    def _cancel(self, command: Command) -> None:
        order = self._named(command)
        assert order is not None, "an unknown order is rejected before"
        self._accept(order)
        self._cancel_order(order, CancelReason.REQUESTED)

    def _mass_cancel(self, command: Command) -> None:
        """R24: in order of id, in every phase; finding nothing is accepted."""
        self._accept()
        for order in self.orders():
            if command.account in (0, order.account) and command.side in (Side.NONE, order.side):
                self._cancel_order(order, CancelReason.MASS_CANCEL)

    # R25: self-trade prevention.

    def _mode(self, aggressor: Order) -> SelfTradePrevention:
        """The aggressor's mode counts: its own, else the instrument's."""
        if aggressor.mode == SelfTradePrevention.INSTRUMENT:
            return self.self_trade_prevention
        return aggressor.mode

    def _are_own(self, aggressor: Order, maker: Order) -> bool:
        """Same group where both carry one, else same account; no account, no own orders."""
        if self._mode(aggressor) == SelfTradePrevention.NONE:
            return False
        if aggressor.account == 0 or maker.account == 0:
            return False
        if aggressor.group != 0 and maker.group != 0:
            return aggressor.group == maker.group
        return aggressor.account == maker.account

    def _prevent(self, aggressor: Order, maker: Order) -> None:
        mode = self._mode(aggressor)
        if mode == SelfTradePrevention.DECREMENT:
            self._decrement(aggressor, maker)
            return
        if mode in (SelfTradePrevention.CANCEL_OLDEST, SelfTradePrevention.CANCEL_BOTH):
            self._cancel_order(maker, CancelReason.SELF_TRADE)
        if mode in (SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_BOTH):
            self._cancel_order(aggressor, CancelReason.SELF_TRADE)

    def _decrement(self, aggressor: Order, maker: Order) -> None:
        """Both shrink by the smaller remainder; totals shrink, fills do not grow."""
        quantity = min(aggressor.remaining_lots, maker.remaining_lots)
        for order in (maker, aggressor):
            order.remaining_lots -= quantity
            order.total_lots -= quantity
        self._emit(
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
                self._cancel_order(order, CancelReason.SELF_TRADE)

    # R26: phases. R27, the uncross on the way to continuous, comes in here.

    def _change_phase(self, phase: Phase) -> None:
        """Any phase may follow any; the same again has no effect."""
        self._accept()
        if phase == self.phase:
            return
        self.phase = phase
        self._emit(EventKind.PHASE, reason=phase)
        if phase == Phase.CLOSED:
            # R17: DAY orders end with the session, in order of id.
            for order in self.orders():
                if order.time_in_force == TimeInForce.DAY:
                    self._cancel_order(order, CancelReason.SESSION_CLOSED)
