"""The market as it is now: tickers, and books on demand."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aeromatch import AeroMatchError, Events, Exchange, Instrument
from aeromatch._core import CODES, DepthReader
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.market import Book, Ticker
from aeromatch.server.feed.protocols import FeedOptions

__all__ = ["DayFigures", "Market"]

PHASE: Final = CODES["EventKind"]["phase"]
TRADE: Final = CODES["EventKind"]["trade"]
CREATED: Final = CODES["EventKind"]["created"]
CREATED_INSTRUMENT: Final = CODES["CreatedKind"]["instrument"]
CREATED_EVENT: Final = CODES["CreatedKind"]["event"]
PHASES: Final = {code: name for name, code in CODES["Phase"].items()}

READERS: Final = 2
"""Books are read by so many threads at once: each read waits for its shard."""


Snapshot: TypeAlias = tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]]
"""Update id, time, bids and asks."""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What was traded of an instrument in the last 24 hours; no prices where nothing was."""

    open_price: str | None
    high_price: str | None
    low_price: str | None
    volume: str
    notional: str
    trades: int


class _Listed:
    """An instrument and what its events have said of it."""

    __slots__ = ("last_ticks", "phase", "reader", "sequence", "symbol", "tick_size", "timestamp", "unit_ticks")

    def __init__(self, instrument: Instrument, exchange: Exchange) -> None:
        self.symbol = instrument.symbol
        self.tick_size = instrument.tick_size
        self.reader = DepthReader(exchange, instrument.symbol, 1)
        is_second = self.reader.book != self.reader.instrument
        # Of an event's second outcome prices are one unit less the first one's (R32), whose book has the trades.
        self.unit_ticks = int(1 / instrument.tick_size) if is_second else None
        book = exchange.book(instrument.symbol)
        last = book.last_trade_price
        self.last_ticks = None if last is None else int(last / instrument.tick_size)
        self.phase: str = book.phase.value
        self.timestamp = book.now
        self.sequence = 0

    def traded(self, price_ticks: int) -> None:
        self.last_ticks = price_ticks if self.unit_ticks is None else self.unit_ticks - price_ticks

    def price(self, ticks: int | None) -> str | None:
        return None if ticks is None else f"{ticks * self.tick_size:f}"


class Market:
    """Keeps what tickers need, and reads books. Consumes events; implements `services.MarketData`."""

    def __init__(
        self,
        exchange: Exchange,
        options: FeedOptions,
        reached: Callable[[Sequence[int]], Awaitable[None]],
        day: Callable[[str], DayFigures | None] = lambda _symbol: None,
    ) -> None:
        """Read what there is; it waits for the shards.

        Arguments:
            exchange: With shards.
            options: How many levels books have.
            reached: Waits until the consumers have what sequence numbers brought.
            day: The last 24 hours of an instrument, by symbol, from whoever keeps candles.
        """
        # A door of its own: events are consumed while others trade.
        self._exchange = exchange.port()
        self._options = options
        self._reached = reached
        self._day = day
        self.followed: Callable[[str, int], Awaitable[Snapshot | None]] | None = None
        """Of a book that somebody follows: as the updates have it; else None (`websocket.Hub.book`)."""
        self._by_symbol: dict[str, _Listed] = {}
        self._by_book: dict[int, tuple[_Listed, ...]] = {}
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="aeromatch-books")
        self._learn()

    def _learn(self) -> None:
        """Note the instruments that have come to be."""
        for instrument in self._exchange.instruments():
            if instrument.symbol not in self._by_symbol:
                listed = _Listed(instrument, self._exchange)
                book = listed.reader.book
                self._by_book[book] = (*self._by_book.get(book, ()), listed)
                self._by_symbol[listed.symbol] = listed

    def apply(
        self,
        _shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        _orders: NDArray[np.void],
        _fills: NDArray[np.void],
    ) -> None:
        """As `EventConsumer`."""
        records = events.to_numpy()
        kinds, instruments = records["kind"], records["instrument"].tolist()
        made = np.flatnonzero(kinds == CREATED)
        if len(made) and np.isin(records["reason"][made], (CREATED_INSTRUMENT, CREATED_EVENT)).any():
            self._learn()
        # Of each instrument the last event tells its time, the last trade its price.
        for number, place in dict(zip(instruments, itertools.count(), strict=False)).items():
            for listed in self._by_book.get(number, ()):
                # Before the first answer of a shard its events have no time of their own.
                listed.timestamp = max(listed.timestamp, int(times_ns[place]))
                listed.sequence = int(records["sequence"][place])
        trades = np.flatnonzero(kinds == TRADE).tolist()
        for number, place in {instruments[place]: place for place in trades}.items():
            for listed in self._by_book.get(number, ()):
                listed.traded(int(records["price_ticks"][place]))
        for place in np.flatnonzero(kinds == PHASE).tolist():
            for listed in self._by_book.get(instruments[place], ()):
                listed.phase = PHASES.get(int(records["reason"][place]), listed.phase)

    def tick(self, now_ns: int) -> None:
        """As `EventConsumer`: nothing is due."""

    def _listed(self, symbol: str) -> _Listed:
        listed = self._by_symbol.get(symbol)
        if listed is None:
            raise RefusedError("unknown_instrument", 404, f"there is no instrument {symbol!r}")
        return listed

    async def book(self, symbol: str, levels: int) -> Book:
        """The best levels, as of a moment that is not before the call: `FeedOptions.depth_levels` at most; 0: those.

        Raises:
            RefusedError: There is no such instrument (404), or the exchange has stopped (503).
        """
        most = self._options.depth_levels
        wanted = min(levels, most) if levels and most else levels or most

        def read() -> Snapshot:
            reader = DepthReader(self._exchange, symbol, wanted)
            reader.read()
            return reader.levels()

        try:
            found = None if self.followed is None else await self.followed(symbol, wanted)
            if found is None:
                found = await asyncio.get_running_loop().run_in_executor(self._threads, read)
        except LookupError:
            raise RefusedError("unknown_instrument", 404, f"there is no instrument {symbol!r}") from None
        except AeroMatchError as error:
            raise RefusedError("unavailable", 503, str(error)) from error
        sequence, timestamp, bids, asks = found
        return Book(symbol=symbol, last_update_id=sequence, timestamp=timestamp, bids=bids, asks=asks)

    def ticker(self, symbol: str) -> Ticker:
        """The ticker as it is now. Raises RefusedError (404)."""
        return self._ticker(self._listed(symbol))

    def tickers(self) -> list[Ticker]:
        """Of all instruments, in the order in which they were made."""
        return [self._ticker(listed) for listed in list(self._by_symbol.values())]

    def _ticker(self, listed: _Listed) -> Ticker:
        try:
            _, bid, ask = listed.reader.top()
        except AeroMatchError as error:
            raise RefusedError("unavailable", 503, str(error)) from error
        day = self._day(listed.symbol) or DayFigures(None, None, None, "0", "0", 0)
        return Ticker(
            symbol=listed.symbol,
            timestamp=listed.timestamp,
            best_bid=bid and bid[0],
            best_bid_quantity=bid and bid[1],
            best_ask=ask and ask[0],
            best_ask_quantity=ask and ask[1],
            last_price=listed.price(listed.last_ticks),
            open_price=day.open_price,
            high_price=day.high_price,
            low_price=day.low_price,
            volume=day.volume,
            notional=day.notional,
            trades=day.trades,
            phase=listed.phase,
            sequence=listed.sequence,
        )

    async def reached(self, sequences: Sequence[int]) -> None:
        """Waits until the views have what these sequence numbers, one a shard, brought.

        Raises:
            RefusedError: The feed has failed (503).
        """
        await self._reached(sequences)

    async def close(self) -> None:
        """Ends its threads when they have read what they were asked for."""
        await asyncio.to_thread(self._threads.shutdown)
        self._exchange.close()
