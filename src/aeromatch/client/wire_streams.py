"""What the binary gateway tells by itself: own orders, reports and trades to iterate, and a book to look at."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from aeromatch.client.errors import AnswerTimeoutError, ClientError, ClosedError, OutOfSyncError
from aeromatch.client.local_book import LocalBook
from aeromatch.client.wire import Channel, Depth, Reports, Trades
from aeromatch.client.wire_orders import SIDES, Market
from aeromatch.schema.market import Book, PriceLevel, TradePrint
from aeromatch.schema.messages import DepthUpdate
from aeromatch.schema.orders import Order, Side

__all__ = ["BinaryBook", "BinaryStream", "OrderReports", "RawReports", "TradePrints"]

T = TypeVar("T")

MAX_QUEUED: Final = 100_000
"""What waits for a reader, at most: behind that the stream ends with an error, and the session goes on."""
OTHER_SIDES: Final = {"buy": "sell", "sell": "buy"}


class BinaryStream(AsyncIterator[T], Generic[T]):
    """Things one by one: `async with client.stream_...() as stream: async for thing in stream`. For one task."""

    def __init__(self, begin: Callable[[Any], Awaitable[None]], end: Callable[[Any], None]) -> None:
        self._begin, self._end = begin, end
        self._queue: deque[T] = deque()
        self._wake = asyncio.Event()
        self._error: ClientError | None = None
        self._is_open = self._has_ended = False

    async def _open(self) -> None:
        if not self._is_open and not self._has_ended:
            self._is_open = True
            await self._begin(self)

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more: what is there can still be read."""
        if self._error is None:
            self._error = error
            self._wake.set()

    def _put(self, thing: T) -> None:
        if self._error is not None:
            return
        if len(self._queue) >= MAX_QUEUED:
            self.fail(OutOfSyncError(f"{MAX_QUEUED} things wait to be read: what came behind them is lost"))
            return
        self._queue.append(thing)
        self._wake.set()

    async def __anext__(self) -> T:
        await self._open()
        while not self._queue:
            if self._has_ended:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    async def close(self) -> None:
        """Ends it. Whoever reads sees the end."""
        if self._has_ended:
            return
        self._has_ended = True
        self._queue.clear()
        self._wake.set()
        if self._is_open:
            self._end(self)

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


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
        begin: Callable[[Any], Awaitable[None]],
        end: Callable[[Any], None],
        symbol: str,
    ) -> None:
        super().__init__(begin, end)
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


class BinaryBook(LocalBook):
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
        begin: Callable[["BinaryBook"], Awaitable[None]],
        end: Callable[["BinaryBook"], None],
    ) -> None:
        super().__init__(symbol, is_whole=False)
        self.market = Market(0, symbol, Decimal(1), Decimal(1), 0)
        """The instrument, once it was found."""
        self._timeout_s = timeout_s
        self._begin, self._end = begin, end
        self._changed = asyncio.Event()
        self._error: ClientError | None = None
        self.levels = levels
        """Of each side; 0: all that are published."""

    @property
    def instrument(self) -> int:
        """The number of the book."""
        return self.market.book

    def interrupted(self) -> None:
        """The connection was lost: the next one begins with a snapshot."""
        self.lose("gap", "the connection was lost")
        self._notify()

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""
        self._error = error
        self.lose("gap", str(error))
        self._notify()

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

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> Self:
        """Waits for the next change of the book, or of whether it is in step. Raises ClientError when it has ended."""
        if self._error is None:
            await self._changed.wait()
        if self._error is not None:
            raise self._error
        return self

    async def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """Waits until the book is in step and a condition holds; as `LiveBook.until`."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                while not (self.is_live and condition(self)):
                    await self.changed()
        except TimeoutError as error:
            state = "what is waited for has not happened" if self.is_live else f"out of step, {self.desync}"
            raise AnswerTimeoutError(f"the book of {self.symbol} after {limit_s:g} s: {state}") from error
        return self

    async def wait_live(self, timeout_s: float | None = None) -> Self:
        """Waits until the book is in step."""
        return await self.until(lambda _book: True, timeout_s)

    async def close(self) -> None:
        """Ends the subscription."""
        if not isinstance(self._error, ClosedError):
            self.fail(ClosedError(f"the book of {self.symbol} was closed"))
            self._end(self)

    async def __aenter__(self) -> Self:
        await self._begin(self)
        return await self.wait_live()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
