"""Market data that is asked for once."""

from typing import Final

from aeromatch.gateways.grpc.answers import (
    book_message,
    candles_message,
    instruments_message,
    ticker_message,
    trades_message,
)
from aeromatch.gateways.grpc.forms import BookForm, CandlesForm, TickerForm, TradesForm, form_of
from aeromatch.gateways.grpc.gateway import Gateway, Unary
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.instruments import instruments_of
from aeromatch.gateways.services import Principal

__all__ = ["METHODS"]


async def _get_book(gateway: Gateway, _principal: Principal, message: pb.GetBookRequest) -> pb.Book:
    form = form_of(BookForm, message)
    return book_message(await gateway.services.market.book(gateway.trading.check_symbol(form.symbol), form.levels))


async def _get_ticker(gateway: Gateway, _principal: Principal, message: pb.GetTickerRequest) -> pb.Ticker:
    symbol = gateway.trading.check_symbol(form_of(TickerForm, message).symbol)
    await gateway.trading.reached()
    return ticker_message(gateway.services.market.ticker(symbol))


async def _list_instruments(
    gateway: Gateway, _principal: Principal, _message: pb.ListInstrumentsRequest
) -> pb.ListInstrumentsReply:
    return instruments_message(await gateway.trading.reads.read(instruments_of))


async def _list_trades(gateway: Gateway, _principal: Principal, message: pb.ListTradesRequest) -> pb.ListTradesReply:
    form = form_of(TradesForm, message)
    symbol = gateway.trading.check_symbol(form.symbol)
    await gateway.trading.reached()
    return trades_message(
        await gateway.services.views.trades(
            symbol, limit=form.limit, cursor=form.cursor, from_sequence=form.from_sequence
        )
    )


async def _list_candles(gateway: Gateway, _principal: Principal, message: pb.ListCandlesRequest) -> pb.ListCandlesReply:
    form = form_of(CandlesForm, message)
    symbol = gateway.trading.check_symbol(form.symbol)
    await gateway.trading.reached()
    return candles_message(
        await gateway.services.views.candles(
            symbol, form.period, start=form.start, end=form.end, limit=form.limit, cursor=form.cursor
        )
    )


METHODS: Final = {
    "/aeromatch.v1.MarketData/GetBook": Unary(pb.GetBookRequest, _get_book),
    "/aeromatch.v1.MarketData/GetTicker": Unary(pb.GetTickerRequest, _get_ticker),
    "/aeromatch.v1.MarketData/ListInstruments": Unary(pb.ListInstrumentsRequest, _list_instruments),
    "/aeromatch.v1.MarketData/ListTrades": Unary(pb.ListTradesRequest, _list_trades),
    "/aeromatch.v1.MarketData/ListCandles": Unary(pb.ListCandlesRequest, _list_candles),
}
