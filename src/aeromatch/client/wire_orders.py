"""The account's own orders, followed through the reports of the binary protocol: no I/O here.

Reports are the events of docs/records.md, whole commands at a time. An order is known from its `accepted` on; one that
came before the first report is told of with what its reports say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core
from aeromatch.market.records import NO_SIDE, SHAPE_MIRRORED, SHAPE_SLICES, SHAPE_UNDISPLAYED
from aeromatch.schema.orders import Fill, NewOrder, Order, OrderStatus, OrderType, Side

__all__ = ["ACCEPTED", "REJECTED", "Market", "OwnOrder", "OwnOrders", "Row"]

Row: TypeAlias = tuple[int, ...]
"""An event as a tuple, in the order of EVENT_DTYPE's fields."""

EXACT: Final = Context(prec=120)
DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
SHAPES: Final = SHAPE_UNDISPLAYED | SHAPE_SLICES | SHAPE_MIRRORED

SIDES: Final = {code: word for word, code in _core.CODES["Side"].items()}
TYPES: Final = {code: word for word, code in _core.CODES["OrderType"].items()}
REASONS: Final = {code: word for word, code in _core.CODES["CancelReason"].items()}
KINDS: Final = _core.CODES["EventKind"]
ACCEPTED, REJECTED = KINDS["accepted"], KINDS["rejected"]
TRADE, DECREMENTED = KINDS["trade"], KINDS["decremented"]
CANCELED, AMENDED = KINDS["canceled"], KINDS["amended"]
REPRICED, TRIGGERED = KINDS["repriced"], KINDS["triggered"]
ANSWERS: Final = (ACCEPTED, REJECTED)
WITH_LIMIT: Final = ("limit", "stop_limit", "trailing_stop_limit")
DORMANT_TYPES: Final = ("stop", "stop_limit", "trailing_stop", "trailing_stop_limit")
ENDED: Final = ("filled", "canceled")
CHANGES: Final = (DECREMENTED, CANCELED, AMENDED, REPRICED, TRIGGERED)


@dataclass(frozen=True, slots=True)
class Market:
    """An instrument and its units.

    Attributes:
        number: Its number.
        symbol: Its name.
        tick_size, lot_size: Its units.
        book: Number of the instrument in whose book its orders stand: another one's for the second of two outcomes.
        unit_ticks: Ticks in one unit of cash, for the second of two outcomes; else 0.
    """

    number: int
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    book: int
    unit_ticks: int = 0

    def price(self, ticks: int) -> str:
        """Ticks in money."""
        return f"{EXACT.multiply(Decimal(ticks), self.tick_size):f}"

    def quantity(self, lots: int) -> str:
        """Lots in units."""
        return f"{EXACT.multiply(Decimal(lots), self.lot_size):f}"

    def average(self, notional: int, lots: int) -> str:
        """An average price: exact to 28 digits, half-even (R9)."""
        return f"{DIVISION.divide(EXACT.multiply(Decimal(notional), self.tick_size), Decimal(lots)):f}"

    def across(self, ticks: int) -> int:
        """A price of the book in the instrument's own terms."""
        return self.unit_ticks - ticks if self.unit_ticks else ticks


@dataclass(slots=True)
class OwnOrder:
    """An order as its reports tell it, in the terms of its book."""

    order_id: int
    market: Market
    account: int
    side: int
    order_type: str
    price_ticks: int
    quantity_lots: int
    remaining_lots: int
    created_ns: int = 0
    updated_ns: int = 0
    sequence: int = 0
    filled_lots: int = 0
    notional: int = 0
    is_dormant: bool = False
    reason: str | None = None
    sent: NewOrder | None = None
    """How it was entered, where this client entered it."""
    is_whole: bool = True
    """Whether its quantity is known; else it is what its reports were about: its beginning was not reported."""
    has_all_fills: bool = True
    """Whether its notional has all of its fills."""
    fills: list[Fill] = field(default_factory=list)
    """Those since it was told of last."""

    @property
    def status(self) -> OrderStatus:
        """R9: what follows from what is live and what has traded."""
        if self.reason is not None:
            return "canceled"
        if self.is_dormant:
            return "dormant"
        if not self.remaining_lots and self.is_whole:
            return "filled"
        return "partially_filled" if self.filled_lots else "open"

    @property
    def own_side(self) -> Side:
        """The side in the terms of its own instrument."""
        return cast(Side, SIDES[self.side ^ 1 if self.market.unit_ticks else self.side])

    def told(self, accounts: Mapping[int, str]) -> Order:
        """The order as answers have it, with the fills since it was told last."""
        market, sent = self.market, self.sent
        is_mirrored = market.unit_ticks > 0
        notional = market.unit_ticks * self.filled_lots - self.notional if is_mirrored else self.notional
        order = Order(
            order_id=str(self.order_id),
            symbol=market.symbol,
            side=self.own_side,
            type=cast(OrderType, self.order_type),
            status=self.status,
            quantity=market.quantity(self.quantity_lots),
            filled_quantity=market.quantity(self.filled_lots),
            remaining_quantity=market.quantity(0 if self.reason is not None else self.remaining_lots),
            price=market.price(market.across(self.price_ticks)) if self.order_type in WITH_LIMIT else None,
            average_price=market.average(notional, self.filled_lots)
            if self.filled_lots and self.has_all_fills
            else None,
            account=accounts.get(self.account),
            reason=self.reason,
            created_at=self.created_ns,
            updated_at=self.updated_ns,
            sequence=self.sequence,
            fills=self.fills,
        )
        if sent is not None:
            order.client_order_id = sent.client_order_id
            order.time_in_force, order.post_only, order.expire_at = sent.time_in_force, sent.post_only, sent.expire_at
            order.stop_price = None if sent.stop_price is None else str(sent.stop_price)
            order.display_quantity = None if sent.display_quantity is None else str(sent.display_quantity)
        self.fills = []
        return order


class OwnOrders:
    """Every order of the account that reports have told of and that lives."""

    def __init__(self) -> None:
        self.live: dict[int, OwnOrder] = {}
        self._changed: dict[int, OwnOrder] = {}

    def apply(
        self,
        events: NDArray[np.void],
        markets: Mapping[int, Market],
        seconds: Mapping[int, Market],
        sent: Mapping[int, NewOrder],
    ) -> list[OwnOrder]:
        """Takes the events of whole commands of one shard.

        Arguments:
            events: Records of EVENT_DTYPE.
            markets: Instruments by number.
            seconds: Second outcomes, by the number of their book.
            sent: How new orders were entered, by the tag of their command.

        Returns:
            The orders that changed, each once, in order of their first change; those that ended are forgotten.
        """
        self._changed = changed = dict[int, OwnOrder]()
        rows: list[Row] = events.tolist()
        sequence, time_ns = -1, 0
        for place, row in enumerate(rows):
            if row[11] != sequence:
                sequence = row[11]
                time_ns = _time_of(rows, place)
            kind = row[0]
            if kind == ACCEPTED:
                if row[3] != NO_SIDE:
                    self._accepted(row, time_ns, seconds if row[2] & SHAPE_MIRRORED else markets, sent)
            elif kind == TRADE:
                self._traded(row, time_ns, markets)
            elif kind in CHANGES:
                self._change(row, time_ns, markets)
        for order in changed.values():
            if order.status in ENDED:
                self.live.pop(order.order_id, None)
        return list(changed.values())

    def _accepted(self, row: Row, time_ns: int, markets: Mapping[int, Market], sent: Mapping[int, NewOrder]) -> None:
        _, _, shape, side, instrument, account, _, price, quantity, order_id, _, sequence, tag = row
        if (market := markets.get(instrument)) is None:
            return
        order_type = TYPES[shape & ~SHAPES]
        order = OwnOrder(order_id, market, account, side, order_type, price, quantity, quantity)
        order.created_ns, order.updated_ns, order.sequence = time_ns, time_ns, sequence
        order.is_dormant, order.sent = order_type in DORMANT_TYPES, sent.get(tag)
        self.live[order_id] = self._changed[order_id] = order

    def _found(self, row: Row, order_id: int, time_ns: int, markets: Mapping[int, Market]) -> OwnOrder | None:
        """The order that an event is about, among those that changed; None: it is somebody else's."""
        order = self.live.get(order_id)
        if order is None:
            # Only what an event says in `account` is sure to be one's own, and that is of its `order_id`.
            if order_id != row[9] or not row[5] or (market := markets.get(row[4])) is None or row[3] == NO_SIDE:
                return None
            side = row[3] ^ 1 if row[0] == TRADE else row[3]
            order = OwnOrder(order_id, market, row[5], side, "limit", row[7], 0, 0)
            order.is_whole = order.has_all_fills = False
            self.live[order_id] = order
        order.updated_ns, order.sequence = max(order.updated_ns, time_ns), row[11]
        self._changed[order_id] = order
        return order

    def _traded(self, row: Row, time_ns: int, markets: Mapping[int, Market]) -> None:
        ticks, lots = row[7], row[8]
        for order_id, is_maker in ((row[9], True), (row[10], False)):
            order = self._found(row, order_id, time_ns, markets)
            if order is None:
                continue
            if not order.is_whole and not order.remaining_lots:
                order.quantity_lots += lots
            order.filled_lots += lots
            order.remaining_lots = max(order.remaining_lots - lots, 0)
            order.notional += ticks * lots
            order.fills.append(
                Fill(
                    trade_id=row[12],
                    price=order.market.price(order.market.across(ticks)),
                    quantity=order.market.quantity(lots),
                    liquidity="maker" if is_maker else "taker",
                    sequence=row[11],
                    timestamp=time_ns,
                )
            )

    def _change(self, row: Row, time_ns: int, markets: Mapping[int, Market]) -> None:
        order = self._found(row, row[9], time_ns, markets)
        kind, lots = row[0], row[8]
        if kind == DECREMENTED:
            # One that has nothing left is canceled next.
            for each in (order, self._found(row, row[10], time_ns, markets)):
                if each is not None:
                    each.quantity_lots = max(each.quantity_lots - lots, 0)
                    each.remaining_lots = max(each.remaining_lots - lots, 0)
        elif order is None:
            return
        elif kind == CANCELED:
            order.quantity_lots = order.quantity_lots if order.is_whole else order.filled_lots + lots
            order.reason, order.remaining_lots = REASONS.get(row[2], "requested"), 0
        elif kind == AMENDED:
            order.price_ticks, order.quantity_lots, order.remaining_lots = row[7], row[10], lots
            if not order.is_whole:
                # The total has the filled part in it: from here on all is known but what was paid.
                order.is_whole = True
                order.filled_lots = row[10] - lots
        elif kind == REPRICED:
            order.price_ticks = row[7]
        elif kind == TRIGGERED:
            order.is_dormant = False


def _time_of(rows: list[Row], place: int) -> int:
    """When the command that begins at a place was done: effects of time stand before its answer, and happen then.

    0 where it was somebody else's: its answer, which has the time, is not reported.
    """
    sequence = rows[place][11]
    for row in rows[place:]:
        if row[11] != sequence:
            break
        if row[0] in ANSWERS:
            return row[10]
    return 0
