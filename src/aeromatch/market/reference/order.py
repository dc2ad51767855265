"""What the reference book keeps of an order."""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.market.reference.records import (
    OffsetUnit,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

# R15: what a stop becomes when it is triggered.
BECOMES = {
    OrderType.STOP: OrderType.MARKET,
    OrderType.TRAILING_STOP: OrderType.MARKET,
    OrderType.STOP_LIMIT: OrderType.LIMIT,
    OrderType.TRAILING_STOP_LIMIT: OrderType.LIMIT,
}
WITH_STOP_PRICE = (OrderType.STOP, OrderType.STOP_LIMIT)
TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
WITH_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)


@dataclass(slots=True, eq=False)
class Order:
    """A live order. `total_lots` is the filled part and what is live.

    `price_ticks` is 0 for an order without a limit; what is None was not given.
    """

    order_id: int
    account: int
    client_order_id: bytes | None
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    mode: SelfTradePrevention
    group: int
    post_only: bool
    slide: bool
    price_ticks: int
    protection_price_ticks: int | None
    stop_price_ticks: int | None
    trail_offset: int | None
    trail_unit: OffsetUnit
    display_lots: int | None
    minimum_lots: int | None
    total_lots: int
    remaining_lots: int
    entered_at_ns: int
    expire_at_ns: int
    # What the book shows of it: nothing while it is the aggressor, dormant, waiting or undisplayed.
    shown_lots: int = 0
    # When it came to where it stands, as a number that rises with every arrival.
    arrival: int = 0

    @property
    def filled_lots(self) -> int:
        """What has traded."""
        return self.total_lots - self.remaining_lots

    @property
    def has_limit(self) -> bool:
        """Whether it has a limit, now or once it is triggered."""
        return self.order_type in WITH_LIMIT

    @property
    def is_dormant(self) -> bool:
        """A stop that has not been triggered: a triggered one is a market or limit order (R15)."""
        return self.order_type in BECOMES

    @property
    def is_market(self) -> bool:
        """R12."""
        return self.order_type == OrderType.MARKET

    @property
    def is_all_or_none(self) -> bool:
        """R20."""
        return self.time_in_force == TimeInForce.AON

    @property
    def is_undisplayed(self) -> bool:
        """R10: hidden orders, and AON orders count as such."""
        return self.display_lots == 0 or self.time_in_force == TimeInForce.AON

    @property
    def limit_ticks(self) -> int | None:
        """The worst price it may trade at; None: any (R11, R12)."""
        return self.protection_price_ticks if self.order_type == OrderType.MARKET else self.price_ticks

    @property
    def rank(self) -> tuple[int, bool, int]:
        """R10: price, then displayed before undisplayed, then time of arrival; the least is the first.

        A market order that waits for an uncross stands at its protection price (R27).
        """
        price = self.limit_ticks or 0
        return -price if self.side == Side.BUY else price, self.is_undisplayed, self.arrival


@dataclass(slots=True)
class FinishedClientId:
    """The client order id of an order that is done, which is not free yet (R5)."""

    finished_at_ns: int
    account: int
    order_id: int
    client_order_id: bytes
