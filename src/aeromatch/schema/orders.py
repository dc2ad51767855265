"""Orders: what traders send, and what they get."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from aeromatch.schema.base import (
    Amount,
    Answer,
    ClientOrderId,
    DecimalText,
    Name,
    Nanoseconds,
    OrderId,
    Request,
    Symbol,
)
from aeromatch.schema.problems import Problem

__all__ = [
    "AmendOrder",
    "BatchItem",
    "BatchResult",
    "CancelResult",
    "Fill",
    "NewOrder",
    "Order",
    "OrderBatch",
    "OrderPage",
    "OrderStatus",
    "OrderType",
    "SelfTradePrevention",
    "Side",
    "TimeInForce",
]

Side: TypeAlias = Literal["buy", "sell"]
OrderType: TypeAlias = Literal["limit", "market", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"]
TimeInForce: TypeAlias = Literal["gtc", "day", "gtd", "ioc", "fok", "aon"]
OrderStatus: TypeAlias = Literal["dormant", "open", "partially_filled", "filled", "canceled"]
SelfTradePrevention: TypeAlias = Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]

MAX_BATCH = 1000


class NewOrder(Request):
    """A new order: the arguments of `Exchange.submit`, whose names they have.

    Attributes:
        symbol: What is traded.
        side: What the account does.
        type: The order's type.
        quantity: In units, a whole number of lots.
        price: Limit price, a whole number of ticks; for types with a limit only.
        time_in_force: How long it lives.
        account: Whose order it is; without it, the account of the key that is used.
        client_order_id: The sender's own id. Sent again, the same order is answered, and nothing happens twice.
        expire_at: When a "gtd" order ends: nanoseconds since 1970, UTC.
        post_only: true: rejected rather than taking; "slide": repriced behind what it would take (R13).
        protection_price: A market order's worst price (R12).
        budget: Of a market order without one: the most that a market buy may cost, fees included.
        stop_price: Last trade price that wakes a stop (R15).
        trail_offset: How far a trailing stop follows, in money.
        trail_offset_bps: The same in basis points.
        display_quantity: What an iceberg shows at a time; 0: hidden (R14).
        min_quantity: What it finds on arrival is nothing or at least this (R21).
        self_trade_prevention: The order's own mode; without it, the instrument's (R25).
        self_trade_group: Orders of one group count as one owner (R25).
    """

    symbol: Symbol
    side: Side
    quantity: Amount
    type: OrderType = "limit"
    price: Amount | None = None
    time_in_force: TimeInForce = "gtc"
    account: Name | None = None
    client_order_id: ClientOrderId | None = None
    expire_at: Nanoseconds | None = None
    post_only: bool | Literal["slide"] = False
    protection_price: Amount | None = None
    budget: Amount | None = None
    stop_price: Amount | None = None
    trail_offset: Amount | None = None
    trail_offset_bps: int | None = None
    display_quantity: Amount | None = None
    min_quantity: Amount | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    self_trade_group: int | None = None


class AmendOrder(Request):
    """What changes about an order (R22): its price, its quantity, or both."""

    quantity: Amount | None = None
    price: Amount | None = None


class OrderBatch(Request):
    """Several new orders. Each is answered for itself, in the order in which they stand: no order waits for another."""

    orders: Annotated[list[NewOrder], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]


class Fill(Answer):
    """One execution of an order."""

    trade_id: int
    price: DecimalText
    quantity: DecimalText
    liquidity: Literal["maker", "taker"]
    sequence: int
    timestamp: Nanoseconds


class Order(Answer):
    """An order as it is now, or as it ended.

    Attributes:
        order_id: Its id in the venue.
        status: Where it stands; "dormant" is a stop that sleeps.
        reason: Why it was canceled.
        filled_quantity, remaining_quantity: In units; what is canceled remains no more.
        average_price: Of its fills; null if there are none.
        fills: The executions that this very request brought; an order that is looked up has none here.
        sequence: The number of the shard's command that this is the state after.
    """

    order_id: OrderId
    symbol: Symbol
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: DecimalText
    filled_quantity: DecimalText
    remaining_quantity: DecimalText
    price: DecimalText | None = None
    average_price: DecimalText | None = None
    stop_price: DecimalText | None = None
    display_quantity: DecimalText | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool | Literal["slide"] = False
    account: str | None = None
    client_order_id: str | None = None
    reason: str | None = None
    expire_at: Nanoseconds | None = None
    created_at: Nanoseconds = 0
    updated_at: Nanoseconds = 0
    sequence: int = 0
    fills: list[Fill] = msgspec.field(default_factory=list)


class BatchItem(Answer):
    """What became of one order of a batch: either is there."""

    order: Order | None = None
    problem: Problem | None = None


class BatchResult(Answer):
    """What became of a batch, in the order in which it was sent."""

    accepted: int
    rejected: int
    results: list[BatchItem]


class CancelResult(Answer):
    """How many orders a mass cancel ended, and which: the first thousand."""

    canceled: int
    order_ids: list[OrderId]


class OrderPage(Answer):
    """Some orders, newest first, and where to go on: null at the end."""

    orders: list[Order]
    next_cursor: str | None = None
