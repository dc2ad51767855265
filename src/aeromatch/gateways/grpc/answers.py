"""Answers: from the structures that every gateway gives to messages."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from aeromatch.gateways.grpc.forms import NAMES
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.status import problem_message
from aeromatch.gateways.streams.channels import Message
from aeromatch.schema.market import Book, Candle, CandlePage, Instrument, PriceLevel, Ticker, TradePage, TradePrint
from aeromatch.schema.messages import (
    CandleMessage,
    DepthSnapshot,
    DepthUpdate,
    OrderMessage,
    TickerMessage,
    TradeMessage,
)
from aeromatch.schema.orders import BatchResult, CancelResult, Fill, Order, OrderPage

__all__ = [
    "batch_message",
    "begun_message",
    "book_message",
    "canceled_message",
    "candles_message",
    "instruments_message",
    "order_message",
    "orders_message",
    "stream_bytes",
    "ticker_message",
    "trades_message",
]


def _numbers(enum: str) -> dict[Any, Any]:
    """By the JSON interface's name, the number of an enum's value; what is not said is 0."""
    return {None: 0, False: 0} | {name: number for number, name in NAMES[enum].items()}


SIDES: Final = _numbers("Side")
TYPES: Final = _numbers("OrderType")
LIFETIMES: Final = _numbers("TimeInForce")
POST_ONLY: Final = _numbers("PostOnly")
STATUSES: Final = _numbers("OrderStatus")
LIQUIDITIES: Final = _numbers("Liquidity")
PREVENTIONS: Final = _numbers("SelfTradePrevention")


def order_message(order: Order) -> pb.Order:
    """An order."""
    return pb.Order(
        order_id=int(order.order_id),
        symbol=order.symbol,
        side=SIDES[order.side],
        type=TYPES[order.type],
        status=STATUSES[order.status],
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        remaining_quantity=order.remaining_quantity,
        price=order.price,
        average_price=order.average_price,
        stop_price=order.stop_price,
        display_quantity=order.display_quantity,
        time_in_force=LIFETIMES[order.time_in_force],
        post_only=POST_ONLY[order.post_only],
        account=order.account,
        client_order_id=order.client_order_id,
        reason=order.reason,
        expire_at=order.expire_at,
        created_at=order.created_at,
        updated_at=order.updated_at,
        sequence=order.sequence,
        fills=[_fill(fill) for fill in order.fills],
    )


def _fill(fill: Fill) -> pb.Fill:
    return pb.Fill(
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=fill.quantity,
        liquidity=LIQUIDITIES[fill.liquidity],
        sequence=fill.sequence,
        timestamp=fill.timestamp,
    )


def orders_message(page: OrderPage) -> pb.ListOrdersReply:
    """Some orders."""
    return pb.ListOrdersReply(orders=[order_message(order) for order in page.orders], next_cursor=page.next_cursor)


def batch_message(result: BatchResult) -> pb.SubmitOrdersReply:
    """What became of a batch."""
    return pb.SubmitOrdersReply(
        accepted=result.accepted,
        rejected=result.rejected,
        results=[
            pb.SubmitOrderResult(order=order_message(item.order))
            if item.order is not None
            else pb.SubmitOrderResult(problem=None if item.problem is None else problem_message(item.problem))
            for item in result.results
        ],
    )


def canceled_message(result: CancelResult) -> pb.CancelOrdersReply:
    """What a mass cancel ended."""
    return pb.CancelOrdersReply(canceled=result.canceled, order_ids=[int(number) for number in result.order_ids])


def _levels(levels: Sequence[PriceLevel]) -> list[pb.PriceLevel]:
    return [pb.PriceLevel(price=price, quantity=quantity) for price, quantity in levels]


def book_message(book: Book) -> pb.Book:
    """A book."""
    return pb.Book(
        symbol=book.symbol,
        last_update_id=book.last_update_id,
        timestamp=book.timestamp,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
    )


def ticker_message(ticker: Ticker) -> pb.Ticker:
    """A ticker."""
    return pb.Ticker(**{name: getattr(ticker, name) for name in Ticker.__struct_fields__})


def instruments_message(instruments: Sequence[Instrument]) -> pb.ListInstrumentsReply:
    """All instruments."""
    return pb.ListInstrumentsReply(instruments=[_instrument(each) for each in instruments])


def _instrument(instrument: Instrument) -> pb.Instrument:
    fields = {name: getattr(instrument, name) for name in Instrument.__struct_fields__}
    fields["self_trade_prevention"] = PREVENTIONS[instrument.self_trade_prevention]
    return pb.Instrument(**fields)


def _print(trade: TradePrint) -> pb.TradePrint:
    return pb.TradePrint(
        trade_id=trade.trade_id,
        symbol=trade.symbol,
        price=trade.price,
        quantity=trade.quantity,
        side=SIDES[trade.side],
        timestamp=trade.timestamp,
        sequence=trade.sequence,
    )


def trades_message(page: TradePage) -> pb.ListTradesReply:
    """Some trades."""
    return pb.ListTradesReply(trades=[_print(trade) for trade in page.trades], next_cursor=page.next_cursor)


def _candle(candle: Candle) -> pb.Candle:
    return pb.Candle(**{name: getattr(candle, name) for name in Candle.__struct_fields__})


def candles_message(page: CandlePage) -> pb.ListCandlesReply:
    """Some candles."""
    return pb.ListCandlesReply(
        symbol=page.symbol,
        period=page.period,
        candles=[_candle(candle) for candle in page.candles],
        next_cursor=page.next_cursor,
    )


def begun_message(sequences: Sequence[int]) -> pb.OrderMessage:
    """A stream of orders has begun, behind these commands."""
    return pb.OrderMessage(begun=pb.StreamBegun(sequences=sequences))


def _snapshot(message: DepthSnapshot) -> pb.DepthMessage:
    return pb.DepthMessage(
        snapshot=pb.DepthSnapshot(
            symbol=message.symbol,
            last_update_id=message.last_update_id,
            timestamp=message.timestamp,
            bids=_levels(message.bids),
            asks=_levels(message.asks),
        )
    )


def _update(message: DepthUpdate) -> pb.DepthMessage:
    return pb.DepthMessage(
        update=pb.DepthUpdate(
            symbol=message.symbol,
            first_update_id=message.first_update_id,
            last_update_id=message.last_update_id,
            timestamp=message.timestamp,
            bids=_levels(message.bids),
            asks=_levels(message.asks),
        )
    )


def _trades(message: TradeMessage) -> pb.TradeMessage:
    return pb.TradeMessage(symbol=message.symbol, trades=[_print(trade) for trade in message.trades])


def _ticker(message: TickerMessage) -> pb.TickerMessage:
    return pb.TickerMessage(symbol=message.symbol, ticker=ticker_message(message.ticker))


def _open_candle(message: CandleMessage) -> pb.CandleMessage:
    return pb.CandleMessage(symbol=message.symbol, period=message.period, candle=_candle(message.candle))


def _orders(message: OrderMessage) -> pb.OrderMessage:
    return pb.OrderMessage(
        changed=pb.OrdersChanged(
            account=message.account,
            shard=message.shard,
            sequence=message.sequence,
            orders=[order_message(order) for order in message.orders],
        )
    )


STREAMED: Final[dict[type, Callable[[Any], Any]]] = {
    DepthSnapshot: _snapshot,
    DepthUpdate: _update,
    TradeMessage: _trades,
    TickerMessage: _ticker,
    CandleMessage: _open_candle,
    OrderMessage: _orders,
}


def stream_bytes(message: Message) -> bytes:
    """What a channel says, as bytes: `Published.encoded` has them made once for all streams."""
    data: bytes = STREAMED[type(message)](message).SerializeToString()
    return data
