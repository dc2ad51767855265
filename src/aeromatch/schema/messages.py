"""What goes over a WebSocket: requests with an id, their answers, and what channels bring.

A client sends requests; each is answered with its `id`, by a `result` or by a `problem`. Channels bring messages that
have a `channel` and no `id`. Every message is one JSON object in one text frame.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from aeromatch.schema.base import Answer, ClientOrderId, Nanoseconds, OrderId, Request, Symbol
from aeromatch.schema.market import Candle, PriceLevel, Ticker, TradePrint
from aeromatch.schema.orders import AmendOrder, NewOrder, Order
from aeromatch.schema.problems import Problem

__all__ = [
    "AmendOrderRequest",
    "CancelOrderRequest",
    "CancelOrdersRequest",
    "CandleMessage",
    "Channel",
    "ClosingMessage",
    "DepthSnapshot",
    "DepthUpdate",
    "LoginRequest",
    "NewOrderRequest",
    "OrderMessage",
    "PingRequest",
    "Reply",
    "SubscribeRequest",
    "TickerMessage",
    "TradeMessage",
    "UnsubscribeRequest",
    "WebSocketMessage",
    "WebSocketRequest",
]

Channel: TypeAlias = Literal["trades", "ticker", "depth", "candles", "orders"]
RequestId: TypeAlias = int | str


class SubscribeRequest(Request, tag_field="op", tag="subscribe"):
    """Asks for a channel.

    Attributes:
        channel: "trades", "ticker", "depth", "candles" of a symbol, or "orders": the account's own orders and fills.
        symbol: The instrument; not for "orders".
        period: Of candles, such as "1m".
        levels: Of depth: only so many levels of each side; 0: all.
        interval_ms: Not more than one message in this time; what happens in between comes together.
        from_sequence: Of "trades" and "orders": begin with what followed this sequence number, then go on live. Of
            "orders" over several shards, a list: of each shard its own number.
        account: Of "orders": whose; without it, the account of the key.
    """

    channel: Channel
    symbol: Symbol | None = None
    id: RequestId | None = None
    period: str | None = None
    levels: int = 0
    interval_ms: int | None = None
    from_sequence: int | list[int] | None = None
    account: str | None = None


class UnsubscribeRequest(Request, tag_field="op", tag="unsubscribe"):
    """Ends a subscription: the same channel, symbol, period and account."""

    channel: Channel
    symbol: Symbol | None = None
    id: RequestId | None = None
    period: str | None = None
    account: str | None = None


class PingRequest(Request, tag_field="op", tag="ping"):
    """Asks whether the other end lives; the answer has the server's time."""

    id: RequestId | None = None


class LoginRequest(Request, tag_field="op", tag="login"):
    """Says who this is: a bearer token, or a key with a signature (docs/security.md) over method GET and path /ws."""

    id: RequestId | None = None
    token: str | None = None
    key: str | None = None
    timestamp: int | None = None
    nonce: str | None = None
    signature: str | None = None
    cancel_on_disconnect: bool = False


class NewOrderRequest(Request, tag_field="op", tag="order.new"):
    """`POST /order`."""

    order: NewOrder
    id: RequestId | None = None


class AmendOrderRequest(Request, tag_field="op", tag="order.amend"):
    """`PATCH /order/{id}`; with a client order id and a symbol instead of the order's id, `PATCH /order`."""

    amend: AmendOrder
    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    symbol: Symbol | None = None
    account: str | None = None
    id: RequestId | None = None


class CancelOrderRequest(Request, tag_field="op", tag="order.cancel"):
    """`DELETE /order/{id}`; with a client order id and a symbol instead of the order's id, `DELETE /order`."""

    order_id: OrderId | None = None
    client_order_id: ClientOrderId | None = None
    symbol: Symbol | None = None
    account: str | None = None
    id: RequestId | None = None


class CancelOrdersRequest(Request, tag_field="op", tag="orders.cancel"):
    """`DELETE /orders`."""

    symbol: Symbol | None = None
    side: Literal["buy", "sell"] | None = None
    account: str | None = None
    id: RequestId | None = None


WebSocketRequest: TypeAlias = (
    SubscribeRequest
    | UnsubscribeRequest
    | PingRequest
    | LoginRequest
    | NewOrderRequest
    | AmendOrderRequest
    | CancelOrderRequest
    | CancelOrdersRequest
)


class Reply(Answer):
    """What became of a request."""

    id: RequestId | None
    result: msgspec.Raw | dict[str, Any] | None = None
    problem: Problem | None = None


class DepthSnapshot(Answer, tag_field="type", tag="snapshot"):
    """The whole book: a depth channel begins with it, and begins anew with it where updates were lost."""

    channel: Literal["depth"]
    symbol: Symbol
    last_update_id: int
    timestamp: Nanoseconds
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class DepthUpdate(Answer, tag_field="type", tag="update"):
    """Levels that changed, with the quantity that they have now. It begins one above where the last update ended."""

    channel: Literal["depth"]
    symbol: Symbol
    first_update_id: int
    last_update_id: int
    timestamp: Nanoseconds
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class TradeMessage(Answer, tag_field="type", tag="trades"):
    """Trades, oldest first."""

    channel: Literal["trades"]
    symbol: Symbol
    trades: list[TradePrint]


class TickerMessage(Answer, tag_field="type", tag="ticker"):
    """The ticker as it is now."""

    channel: Literal["ticker"]
    symbol: Symbol
    ticker: Ticker


class CandleMessage(Answer, tag_field="type", tag="candle"):
    """The candle that is open, or one that has closed."""

    channel: Literal["candles"]
    symbol: Symbol
    period: str
    candle: Candle


class OrderMessage(Answer, tag_field="type", tag="orders"):
    """The account's own orders that changed, as they are now; `fills` of each are those since the last message.

    All that the commands of `shard` up to `sequence` did to the account's orders has been told with it.
    """

    channel: Literal["orders"]
    account: str | None
    sequence: int
    orders: list[Order]
    shard: int = 0


class ClosingMessage(Answer, tag_field="type", tag="closing"):
    """Why the server is about to close the connection, or what it had to leave out."""

    channel: Literal["system"]
    problem: Problem


WebSocketMessage: TypeAlias = (
    DepthSnapshot | DepthUpdate | TradeMessage | TickerMessage | CandleMessage | OrderMessage | ClosingMessage
)
