"""What the binary gateway tells by itself: own orders, reports and trades to iterate, and a book to look at."""

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from aeromatch.client.errors import ClientError, OutOfSyncError
from aeromatch.client.followed_book import FollowedBook
from aeromatch.client.queued import MAX_QUEUED, Queued
from aeromatch.client.wire import Channel, Depth, Reports, Trades
from aeromatch.client.wire_orders import SIDES, Market
from aeromatch.schema.market import Book, PriceLevel, TradePrint
from aeromatch.schema.messages import DepthUpdate
from aeromatch.schema.orders import Order, Side

__all__ = ["BinaryBook", "BinaryStream", "OrderReports", "RawReports", "TradePrints"]

T = TypeVar("T")

OTHER_SIDES: Final = {"buy": "sell", "sell": "buy"}


class BinaryStream(Queued[T]):
    """Things one by one: `async with client.stream_...() as stream: async for thing in stream`. For one task.

    With MAX_QUEUED things waiting it ends with an error, and the session goes on.
    """

    def __init__(self, join: Callable[[Any], Awaitable[None]], leave: Callable[[Any], None]) -> None:
        super().__init__()
        self._join, self._leave = join, leave

    async def _begin(self) -> None:
        await self._join(self)

    async def _end(self) -> None:
        self._leave(self)

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more: what is there can still be read. The first error is the one that is told."""
        if self._error is None:
            super().fail(error)

    def _put(self, thing: T) -> None:
        if self._error is not None:
            return
        if len(self._queue) >= MAX_QUEUED:
            self.fail(OutOfSyncError(f"{MAX_QUEUED} things wait to be read: what came behind them is lost"))
            return
        super()._put(thing)


class OrderReports(BinaryStream[Order]):
    """The account's own orders, each whenever it changes, with the fills that it got since the last time.

    A connection that is lost leaves no gap and tells nothing twice: the next one goes on from the journal. Reports do
    not say when somebody else's command was done: the timestamp of a fill that it brought is 0, and `updated_at` stays.
    """

    def reported(self, shard: int, events: NDArray[np.void], orders: Sequence[Order]) -> None:
        """As `ReportReader.reported`."""
        del shard, events
        for order in orders:
            self._put(order)


class RawReports(BinaryStream[Reports]):
    """The account's reports as they are: records of EVENT_DTYPE, whole commands at a time."""

    def reported(self, shard: int, events: NDArray[np.void], orders: Sequence[Order]) -> None:
        """As `ReportReader.reported`."""
        del orders
        self._put(Reports(shard, False, events))


class TradePrints(BinaryStream[TradePrint]):
    """An instrument's trades from now on, each once.

    Their ids have no gaps (R4). Where some are missing, which happened while the connection was lost, reading raises
    OutOfSyncError: REST has them.
    """

    def __init__(
        self,
        join: Callable[[Any], Awaitable[None]],
        leave: Callable[[Any], None],
        symbol: str,
    ) -> None:
        super().__init__(join, leave)
        self.symbol = symbol
        self.market = Market(0, symbol, Decimal(1), Decimal(1), 0)
        """The instrument, once it was found."""
        self._last_id: int | None = None

    channel: Final = Channel.TRADES
    levels: Final = 0

    @property
    def instrument(self) -> int:
        """The number of the book."""
        return self.market.book

    def interrupted(self) -> None:
        """The connection was lost."""

    def depth(self, frame: Depth) -> None:
        """None of its business."""

    def trades(self, frame: Trades) -> None:
        """Queues what is new."""
        market = self.market
        for row in frame.events.tolist():
            trade_id = row[12]
            if self._last_id is not None and trade_id <= self._last_id:
                continue
            if self._last_id is not None and trade_id != self._last_id + 1:
                lost = f"{self._last_id + 1} to {trade_id - 1}"
                self.fail(OutOfSyncError(f"trades {lost} of {market.symbol} are missing: REST may have them"))
                return
            self._last_id = trade_id
            side = SIDES.get(row[3])
            if market.unit_ticks and side is not None:
                side = OTHER_SIDES[side]
            self._put(
                TradePrint(
                    trade_id=trade_id,
                    symbol=market.symbol,
                    price=market.price(market.across(row[7])),
                    quantity=market.quantity(row[8]),
                    side=cast(Side | None, side),
                    timestamp=row[10],
                    sequence=row[11],
                )
            )


class BinaryBook(FollowedBook):
    """The published levels of a book, kept in step: `async with client.local_book("BTC-USD") as book`.

    The server publishes so many levels of each side (`exchange.shards.published_levels`); those below come up when
    others go.
    """

    channel: Final = Channel.DEPTH

    def __init__(
        self,
        symbol: str,
        levels: int,
        timeout_s: float,
        join: Callable[["BinaryBook"], Awaitable[None]],
        leave: Callable[["BinaryBook"], None],
    ) -> None:
        super().__init__(symbol, timeout_s=timeout_s, is_whole=False)
        self.market = Market(0, symbol, Decimal(1), Decimal(1), 0)
        """The instrument, once it was found."""
        self._join, self._leave = join, leave
        self.levels = levels
        """Of each side; 0: all that are published."""

    @property
    def instrument(self) -> int:
        """The number of the book."""
        return self.market.book

    def trades(self, frame: Trades) -> None:
        """None of its business."""

    def depth(self, frame: Depth) -> None:
        """Takes levels in."""
        bids, asks = self._rows(frame.bids), self._rows(frame.asks)
        if self.market.unit_ticks:
            bids, asks = asks, bids
        # Updates come in order or not at all, so that a crossed book is one in an auction (R26).
        self.may_cross = True
        if frame.is_update:
            self.apply(
                DepthUpdate(
                    channel="depth",
                    symbol=self.symbol,
                    first_update_id=frame.since + 1,
                    last_update_id=frame.sequence,
                    timestamp=0,
                    bids=bids,
                    asks=asks,
                )
            )
        else:
            self.load(Book(symbol=self.symbol, last_update_id=frame.sequence, timestamp=0, bids=bids, asks=asks))
        self._notify()

    def _rows(self, rows: NDArray[np.void]) -> list[PriceLevel]:
        market = self.market
        return [
            (market.price(market.across(ticks)), market.quantity(lots))
            for ticks, lots in zip(rows["price_ticks"].tolist(), rows["quantity_lots"].tolist(), strict=True)
        ]

    async def _begin(self) -> None:
        await self._join(self)

    async def _end(self) -> None:
        self._leave(self)
