"""What the reference book keeps of an order."""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.market.reference.records import OrderType, SelfTradePrevention, Side, TimeInForce


@dataclass(slots=True, eq=False)
class Order:
    """A live order. `total_lots` is the filled part and what is live."""

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
    total_lots: int
    remaining_lots: int
    entered_at_ns: int
    expire_at_ns: int

    @property
    def filled_lots(self) -> int:
        """What has traded."""
        return self.total_lots - self.remaining_lots

    @property
    def limit_ticks(self) -> int | None:
        """The worst price it may trade at; None: any (R11, R12)."""
        if self.order_type == OrderType.MARKET:
            return self.protection_price_ticks
        return self.price_ticks


@dataclass(slots=True)
class FinishedClientId:
    """The client order id of an order that is done, which is not free yet (R5)."""

    finished_at_ns: int
    account: int
    order_id: int
    client_order_id: bytes
