"""What channels say: each makes its messages once, for all of its subscribers.

A channel lives in the feed's thread. Only `members`, and what `fresh` reads, are touched by the event loop too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aeromatch import Exchange
from aeromatch._core import DepthDiffer, DepthReader
from aeromatch.schema.market import Candle, CandlePage, Ticker, TradePrint
from aeromatch.schema.messages import (
    CandleMessage,
    Channel,
    DepthSnapshot,
    DepthUpdate,
    OrderMessage,
    TickerMessage,
    TradeMessage,
)
from aeromatch.schema.orders import Order

__all__ = [
    "CandleChannel",
    "CandleSource",
    "DepthChannel",
    "DepthSource",
    "Feeder",
    "Member",
    "Message",
    "OrderChannel",
    "OrderSource",
    "Prints",
    "Published",
    "Snapshot",
    "TickerChannel",
    "TickerSource",
    "Topic",
    "TradeChannel",
    "trade_message",
]

NO_SIDE: Final = 255
MOST_PRINTS: Final = 1000
"""Trades that wait for their interval at most, and that one message has at most."""

MOST_CANDLES: Final = 100
"""So many that close at the same time, since nothing was traded in between, are told at most: the last ones."""
SLACK_NS: Final = 20_000_000
"""Ticks come a little early or late: so much is no reason to wait for the next one."""


Snapshot: TypeAlias = tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]]
"""Update id, time, bids and asks."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What is subscribed to: subscriptions of one topic get the same messages."""

    channel: Channel
    symbol: str | None = None
    period: str | None = None
    account: str | None = None
    levels: int = 0
    interval_ms: int = 0


Message: TypeAlias = DepthSnapshot | DepthUpdate | TradeMessage | TickerMessage | CandleMessage | OrderMessage


class Published:
    """A message, and the first and the last number that it is about: update ids, or sequence numbers."""

    __slots__ = ("_encoded", "first", "last", "message")

    def __init__(self, message: Message, first: int = 0, last: int = 0) -> None:
        self.message = message
        self.first, self.last = first, last
        self._encoded: dict[Callable[[Message], bytes], bytes] = {}

    def encoded(self, encode: Callable[[Message], bytes]) -> bytes:
        """The message in a gateway's form: made once, however many of its clients get it. In the event loop."""
        data = self._encoded.get(encode)
        if data is None:
            data = self._encoded[encode] = encode(self.message)
        return data


class Member(Protocol):
    """A subscription, as its channel's messages reach it; in the event loop."""

    @property
    def gateway(self) -> str:
        """Through which gateway its client came: metrics say it."""

    def size(self, message: Published) -> int:
        """How many bytes a message has in the gateway's form."""

    def deliver(self, message: Published) -> None:
        """Sends it on."""

    def joined(self, channel: "Feeder", messages: Iterable[Published], position: tuple[int, ...]) -> None:
        """From here on messages are delivered: what begins them, and by shard the first command that they are about."""

    def failed(self, error: Exception) -> None:
        """There is no such channel."""


class Feeder:
    """What all channels have: their topic, their subscribers, and when they may speak again."""

    conflates = True
    """Whether a newer message makes up for one that is left out."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.members: set[Member] = set()
        self.references = 0
        self._next_ns = 0

    def is_due(self, now_ns: int) -> bool:
        """Whether its interval is over; then the next one begins."""
        if now_ns < self._next_ns:
            return False
        interval_ns = self.topic.interval_ms * 1_000_000
        self._next_ns = now_ns + interval_ns - min(interval_ns, SLACK_NS)
        return True

    def begin(self) -> Published | None:
        """What a new subscriber gets first."""
        return None

    def settle(self) -> Iterable[Published]:
        """What was to wait for its time, and is told to those who are there before another one joins."""
        return ()

    def fresh(self) -> Published | None:
        """What makes up for all that was left out; called by the event loop."""
        return None

    def tick(self, _now_ns: int, /) -> Iterable[Published]:
        """What is due now."""
        return ()


class DepthSource:
    """A book that is followed, by as many channels as there are."""

    def __init__(self, exchange: Exchange, symbol: str, levels: int) -> None:
        self.reader = DepthReader(exchange, symbol, levels)
        self.is_dirty = True
        self.channels = 0

    def read(self) -> None:
        """Copies the book, if it may have changed since the last time."""
        if self.is_dirty:
            # Whatever marks it after this is not missed.
            self.is_dirty = False
            self.reader.read()


class DepthChannel(Feeder):
    """A book's levels: a snapshot, then what changes."""

    def __init__(self, topic: Topic, source: DepthSource) -> None:
        super().__init__(topic)
        self.source = source
        source.read()
        self._differ = DepthDiffer(source.reader, topic.levels)
        self._is_pending = True
        self._snapshot: Published | None = None

    def touch(self) -> None:
        """The book may have changed."""
        self._is_pending = self.source.is_dirty = True

    def begin(self) -> Published:
        """What a new subscriber gets first."""
        return self.fresh()

    def book(self, levels: int) -> Snapshot:
        """The best levels, 0 for all, as the last update left them: the next one begins one above that id."""
        last, timestamp, bids, asks = self._differ.snapshot()
        return (last, timestamp, bids[: levels or None], asks[: levels or None])

    def fresh(self) -> Published:
        """The snapshot that the next update leads on from; made once, whoever asks."""
        last, timestamp, bids, asks = self._differ.snapshot()
        if self._snapshot is None or self._snapshot.last != last:
            message = DepthSnapshot(
                channel="depth",
                symbol=self.source.reader.symbol,
                last_update_id=last,
                timestamp=timestamp,
                bids=bids,
                asks=asks,
            )
            self._snapshot = Published(message, last, last)
        return self._snapshot

    def tick(self, now_ns: int, /) -> Iterable[Published]:
        """What is due now."""
        if not self._is_pending or not self.is_due(now_ns):
            return
        self._is_pending = False
        self.source.read()
        change = self._differ.take()
        if change is None:
            return
        first, last, timestamp, bids, asks = change
        message = DepthUpdate(
            channel="depth",
            symbol=self.source.reader.symbol,
            first_update_id=first,
            last_update_id=last,
            timestamp=timestamp,
            bids=bids,
            asks=asks,
        )
        yield Published(message, first, last)


class Prints:
    """Makes trades as the public sees them, in the terms of one instrument."""

    def __init__(self, exchange: Exchange, symbol: str) -> None:
        reader = DepthReader(exchange, symbol, 1)
        instrument = exchange.book(symbol).instrument
        self.symbol = symbol
        self.book, self.shard = reader.book, reader.shard
        self._tick_size, self._lot_size = instrument.tick_size, instrument.lot_size
        # An event's second outcome is traded in the first one's book (R32): buying it at p is selling that at 1 - p.
        self._unit_ticks = int(1 / instrument.tick_size) if reader.book != reader.instrument else None

    def make(self, trades: NDArray[np.void], times: NDArray[np.uint64]) -> list[TradePrint]:
        """The trades of events of its book, in order."""
        columns = (trades[name].tolist() for name in ("detail", "price_ticks", "quantity_lots", "side", "sequence"))
        return [self._print(*row) for row in zip(*columns, times.tolist(), strict=True)]

    def _print(
        self, trade_id: int, price_ticks: int, lots: int, side: int, sequence: int, timestamp: int
    ) -> TradePrint:
        if self._unit_ticks is not None:
            price_ticks, side = self._unit_ticks - price_ticks, 1 - side if side != NO_SIDE else side
        return TradePrint(
            trade_id=trade_id,
            symbol=self.symbol,
            price=f"{price_ticks * self._tick_size:f}",
            quantity=f"{lots * self._lot_size:f}",
            side=None if side == NO_SIDE else "sell" if side else "buy",
            timestamp=timestamp,
            sequence=sequence,
        )


def trade_message(symbol: str, prints: Sequence[TradePrint]) -> Published:
    """Trades as one message."""
    message = TradeMessage(channel="trades", symbol=symbol, trades=list(prints))
    return Published(message, prints[0].sequence, prints[-1].sequence)


class TradeChannel(Feeder):
    """Trades as they happen, or together where there is an interval."""

    conflates = False

    def __init__(self, topic: Topic, prints: Prints) -> None:
        super().__init__(topic)
        self.prints = prints
        self._waiting: list[TradePrint] = []

    def traded(self, trades: NDArray[np.void], times: NDArray[np.uint64]) -> Iterable[Published]:
        """Takes the trades of its book."""
        self._waiting.extend(self.prints.make(trades, times))
        if not self.topic.interval_ms or len(self._waiting) > MOST_PRINTS:
            yield from self._tell()

    def tick(self, now_ns: int, /) -> Iterable[Published]:
        """What is due now."""
        if self._waiting and self.is_due(now_ns):
            yield from self._tell()

    def settle(self) -> Iterable[Published]:
        """The trades that wait for their interval."""
        return self._tell()

    def _tell(self) -> Iterable[Published]:
        prints, self._waiting = self._waiting, []
        for start in range(0, len(prints), MOST_PRINTS):
            yield trade_message(self.prints.symbol, prints[start : start + MOST_PRINTS])


class TickerSource(Protocol):
    """Who knows tickers: `services.MarketData`."""

    def ticker(self, symbol: str) -> Ticker:
        """The ticker as it is now."""


class TickerChannel(Feeder):
    """The ticker, whenever something happened in the book."""

    def __init__(self, topic: Topic, symbol: str, source: TickerSource) -> None:
        super().__init__(topic)
        self._symbol = symbol
        self._source = source
        self._is_pending = False
        self._last = self._make()

    def _make(self) -> Published:
        ticker = self._source.ticker(self._symbol)
        message = TickerMessage(channel="ticker", symbol=self._symbol, ticker=ticker)
        return Published(message, ticker.sequence, ticker.sequence)

    def touch(self) -> None:
        """Something happened in the book."""
        self._is_pending = True

    def begin(self) -> Published:
        """What a new subscriber gets first."""
        return self._make()

    def fresh(self) -> Published:
        """The ticker as it was told last."""
        return self._last

    def tick(self, now_ns: int, /) -> Iterable[Published]:
        """What is due now."""
        if self._is_pending and self.is_due(now_ns):
            self._is_pending = False
            made = self._make()
            if made.message != self._last.message:
                self._last = made
                yield made


class CandleSource(Protocol):
    """Who keeps candles: `services.Views`."""

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        """The candle that is open. Raises RefusedError (404, 400)."""

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        """Candles of the past, oldest first."""


class CandleChannel(Feeder):
    """The candle that is open, as it changes, and each once more when it has closed."""

    def __init__(self, topic: Topic, symbol: str, period: str, source: CandleSource) -> None:
        super().__init__(topic)
        self._symbol, self._period = symbol, period
        self._source = source
        self._last = source.open_candle(symbol, period)
        self._frame = None if self._last is None else self._message(self._last)
        self._closed: tuple[int, int] | None = None

    def _message(self, candle: Candle) -> Published:
        message = CandleMessage(channel="candles", symbol=self._symbol, period=self._period, candle=candle)
        return Published(message)

    def begin(self) -> Published | None:
        """What a new subscriber gets first."""
        return self._frame

    def fresh(self) -> Published | None:
        """The candle as it was told last."""
        return self._frame

    def tick(self, now_ns: int, /) -> Iterable[Published]:
        """What is due now."""
        if not self.is_due(now_ns):
            return
        candle, last = self._source.open_candle(self._symbol, self._period), self._last
        if candle is None or candle == last:
            return
        self._last, self._frame = candle, self._message(candle)
        first = 0 if last is None else last.start
        if candle.start > first:
            # Before the first trade there is none: then all that closed did so since the last time.
            self._closed = (first, candle.start)
        yield self._frame

    def take_closed(self) -> tuple[int, int] | None:
        """Where the candles begin that have closed since the last time: from one, to before another; None: nowhere."""
        closed, self._closed = self._closed, None
        return closed

    async def closed(self, start: int, end: int) -> list[Published]:
        """Candles that have closed, as they ended; in the event loop."""
        page = await self._source.candles(
            self._symbol, self._period, start=start, end=end, limit=MOST_CANDLES, cursor=None
        )
        return [self._message(candle) for candle in page.candles if candle.is_closed and start <= candle.start < end]


class OrderSource(Protocol):
    """Who says what rows of orders mean; in any thread."""

    def orders(self, rows: NDArray[np.void], fills: NDArray[np.void]) -> list[Order]:
        """The orders of rows of ORDER_DTYPE, each with those rows of FILL_DTYPE that are its own."""


class OrderChannel(Feeder):
    """An account's own orders and fills, at once and every one."""

    conflates = False

    def __init__(self, topic: Topic, number: int, source: OrderSource) -> None:
        super().__init__(topic)
        self.number = number
        self._source = source

    def changed(self, shard: int, sequence: int, rows: NDArray[np.void], fills: NDArray[np.void]) -> Published | None:
        """What commands up to one did to the account's orders; None: nothing.

        Arguments:
            shard: Whose commands.
            sequence: The last of them.
            rows: Orders that changed (ORDER_DTYPE), of whichever accounts.
            fills: What was traded (FILL_DTYPE).
        """
        mine = rows[rows["account"] == self.number]
        if not len(mine):
            return None
        orders = self._source.orders(mine, fills[fills["account"] == self.number])
        account = self.topic.account
        message = OrderMessage(channel="orders", account=account, sequence=sequence, orders=orders, shard=shard)
        return Published(message, sequence, sequence)
