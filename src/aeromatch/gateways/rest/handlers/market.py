"""What everyone may see of a market."""

from typing import Annotated, Final

import msgspec

from aeromatch.gateways.rest.handlers.orders import Cursor, Limit
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.schema.base import Nanoseconds
from aeromatch.schema.base import Request as Form
from aeromatch.schema.market import Book, CandlePage, Ticker, TradePage

__all__ = ["ROUTES"]


class BookQuery(Form):
    """How deep."""

    levels: Annotated[int, msgspec.Meta(ge=1, le=5000, description="levels of each side")] = 50


class TradesQuery(Form):
    """Which trades."""

    limit: Limit = 100
    cursor: Cursor | None = None
    from_sequence: (
        Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1, description="none before this number")] | None
    ) = None


class CandlesQuery(Form):
    """Which candles."""

    period: Annotated[str, msgspec.Meta(max_length=8, description="one of those that the server keeps")] = "1m"
    start: Nanoseconds | None = None
    end: Nanoseconds | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


PRINT: Final = {
    "trade_id": 17,
    "symbol": "BTC-USD",
    "price": "64250.00",
    "quantity": "0.125",
    "side": "sell",
    "timestamp": 1767225600000000000,
    "sequence": 43,
}
CANDLE: Final = {
    "start": 1767225600000000000,
    "open": "64250.00",
    "high": "64260.00",
    "low": "64240.00",
    "close": "64255.00",
    "volume": "3.250",
    "notional": "208812.50",
    "trades": 12,
    "is_closed": True,
}
TICKER: Final = {
    "symbol": "BTC-USD",
    "timestamp": 1767225600000000000,
    "best_bid": "64250.00",
    "best_bid_quantity": "0.500",
    "best_ask": "64251.00",
    "best_ask_quantity": "1.250",
    "last_price": "64250.00",
    "open_price": "64000.00",
    "high_price": "64300.00",
    "low_price": "63900.00",
    "volume": "125.000",
    "notional": "8031250.00",
    "trades": 812,
    "phase": "continuous",
    "sequence": 43,
}


async def get_book(request: Request) -> Book:
    """`GET /book/{pair}`."""
    return await request.services.market.book(_symbol(request), request.query.levels)


async def get_trades(request: Request) -> TradePage:
    """`GET /trades/{pair}`."""
    query = request.query
    symbol = _symbol(request)
    await request.trading.reached()
    return await request.services.views.trades(
        symbol, limit=query.limit, cursor=query.cursor, from_sequence=query.from_sequence
    )


async def get_candles(request: Request) -> CandlePage:
    """`GET /candles/{pair}`."""
    query = request.query
    symbol = _symbol(request)
    await request.trading.reached()
    return await request.services.views.candles(
        symbol, query.period, start=query.start, end=query.end, limit=query.limit, cursor=query.cursor
    )


async def get_ticker(request: Request) -> Ticker:
    """`GET /ticker/{pair}`."""
    symbol = _symbol(request)
    await request.trading.reached()
    return request.services.market.ticker(symbol)


async def get_tickers(request: Request) -> list[Ticker]:
    """`GET /tickers`."""
    await request.trading.reached()
    return request.services.market.tickers()


def _symbol(request: Request) -> str:
    return request.trading.check_symbol(request.path["pair"])


ROUTES: Final = (
    Route(
        method="GET",
        path="/book/{pair}",
        handler=get_book,
        summary="Read a book",
        description=(
            "The best levels of both sides, best first. `last_update_id` is the id of the last update in them: a "
            "local copy of the book begins with it, and goes on with the WebSocket's depth channel."
        ),
        tag="market",
        query=BookQuery,
        answer=Book,
        problems=("unknown_instrument",),
        answer_example={
            "symbol": "BTC-USD",
            "last_update_id": 43,
            "timestamp": 1767225600000000000,
            "bids": [["64250.00", "0.500"]],
            "asks": [["64251.00", "1.250"]],
        },
    ),
    Route(
        method="GET",
        path="/trades/{pair}",
        handler=get_trades,
        summary="List trades",
        description="The public's trades, newest first, page by page.",
        tag="market",
        query=TradesQuery,
        answer=TradePage,
        problems=("unknown_instrument", "invalid_cursor"),
        answer_example={"trades": [PRINT], "next_cursor": None},
    ),
    Route(
        method="GET",
        path="/candles/{pair}",
        handler=get_candles,
        summary="List candles",
        description=(
            "Candles of a period, oldest first; a page holds the newest ones of what is asked, `next_cursor` leads to "
            "older ones. Periods without trades have the last close."
        ),
        tag="market",
        query=CandlesQuery,
        answer=CandlePage,
        problems=("unknown_instrument", "unknown_period", "invalid_cursor"),
        answer_example={"symbol": "BTC-USD", "period": "1m", "candles": [CANDLE], "next_cursor": None},
    ),
    Route(
        method="GET",
        path="/ticker/{pair}",
        handler=get_ticker,
        summary="Read a ticker",
        description="A market at a glance: best prices, the last one, and the figures of 24 hours.",
        tag="market",
        answer=Ticker,
        problems=("unknown_instrument",),
        answer_example=TICKER,
    ),
    Route(
        method="GET",
        path="/tickers",
        handler=get_tickers,
        summary="List tickers",
        description="All markets at a glance.",
        tag="market",
        answer=list[Ticker],
        answer_example=[TICKER],
    ),
)
