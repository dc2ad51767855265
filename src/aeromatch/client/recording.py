"""A recorded market feed, message by message, and the proof that a local book follows it.

The recording is what two streams of a large venue sent, as received: a line each, the local time in front. Depth
updates come every 100 ms and name all levels that changed since the last one; a book ticker comes at every change of
the best bid or ask. Both carry the same update ids, so a ticker can be laid beside the book: `TickerCheck`.
"""

import gzip
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from aeromatch.client.local_book import Level, LocalBook
from aeromatch.schema.market import Book, PriceLevel, Ticker, TradePrint
from aeromatch.schema.messages import DepthUpdate

__all__ = ["Recorded", "TickerCheck", "read_recording"]

Recorded: TypeAlias = Book | DepthUpdate | Ticker | TradePrint

NS_PER_MS: Final = 1_000_000
SHOWN_MISMATCHES: Final = 20


class _Depth(msgspec.Struct, tag_field="e", tag="depthUpdate"):
    E: int
    s: str
    U: int
    u: int
    b: list[PriceLevel]
    a: list[PriceLevel]


class _Trade(msgspec.Struct, tag_field="e", tag="trade"):
    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class _BookTicker(msgspec.Struct):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _Line(msgspec.Struct, rename={"last_update_id": "lastUpdateId"}):
    """A message of a stream, or the snapshot, which was fetched and has none."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    last_update_id: int = 0
    bids: list[PriceLevel] = []
    asks: list[PriceLevel] = []


_line = msgspec.json.Decoder(_Line)
_tagged = msgspec.json.Decoder(_Depth | _Trade)
_ticker = msgspec.json.Decoder(_BookTicker)


def read_recording(path: Path, symbol: str) -> Iterator[Recorded]:
    """The messages of a recording, in the order in which they were received.

    A ticker's `sequence` is its update id. The snapshot, which names no instrument, gets `symbol`.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is no such message; the line is named.
    """
    with gzip.open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            stamp, _, text = line.partition(b" ")
            try:
                yield _message(int(stamp), _line.decode(text), symbol)
            except (ValueError, msgspec.MsgspecError) as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error


def _message(received_ns: int, line: _Line, symbol: str) -> Recorded:
    if line.stream is None:
        return Book(
            symbol=symbol, last_update_id=line.last_update_id, timestamp=received_ns, bids=line.bids, asks=line.asks
        )
    if line.stream.endswith("@bookTicker"):
        ticker = _ticker.decode(line.data)
        return Ticker(
            symbol=ticker.s,
            timestamp=received_ns,
            best_bid=ticker.b,
            best_bid_quantity=ticker.B,
            best_ask=ticker.a,
            best_ask_quantity=ticker.A,
            sequence=ticker.u,
        )
    data = _tagged.decode(line.data)
    if isinstance(data, _Trade):
        return TradePrint(
            trade_id=data.t,
            symbol=data.s,
            price=data.p,
            quantity=data.q,
            side="sell" if data.m else "buy",
            timestamp=data.T * NS_PER_MS,
            sequence=data.t,
        )
    return DepthUpdate(
        channel="depth",
        symbol=data.s,
        first_update_id=data.U,
        last_update_id=data.u,
        timestamp=data.E * NS_PER_MS,
        bids=data.b,
        asks=data.a,
    )


@dataclass(slots=True)
class TickerCheck:
    """Feeds a book with what was received, and lays every ticker beside it.

    A ticker with update id u says what the best bid and ask were behind change u. The book is known where an update
    ends. So of the tickers that one update covers

    - the last is in force where the update ends: all four figures must be the book's (`exact`). Where an update covers
      none, the ticker before it is still in force, and is compared once more (`confirmed`);
    - those before it lived and died inside the update (`inside`). Levels that the update does not name stood still all
      the while: none of them may be better than the ticker, and a side of the ticker that the update does not name must
      be, price and quantity, the best of those that stood still. What quantity a level had that the update does name,
      somewhere in its middle, no book can know.

    Of the tickers older than the snapshot (`before`) the last must be the snapshot's top. Those behind the last update
    (`behind`) have nothing to be compared with.
    """

    book: LocalBook
    tickers: int = 0
    before: int = 0
    exact: int = 0
    confirmed: int = 0
    inside: int = 0
    still_sides: int = 0
    """Sides of tickers inside an update that were compared exactly, since the update does not name them."""
    late: int = 0
    """Tickers that came behind an update that covers them."""
    trades: int = 0
    mismatched: int = 0
    mismatches: list[str] = field(default_factory=list)
    """The first ones, in words."""
    _early: deque[DepthUpdate] = field(default_factory=deque, repr=False)
    _waiting: deque[Ticker] = field(default_factory=deque, repr=False)
    _in_force: Ticker | None = field(default=None, repr=False)

    @property
    def behind(self) -> int:
        """Tickers that no update has covered yet."""
        return len(self._waiting)

    def feed(self, messages: Iterable[Recorded]) -> None:
        """Takes messages in, in the order in which they were received."""
        for message in messages:
            if isinstance(message, DepthUpdate):
                self._take(message)
            elif isinstance(message, Ticker):
                self.tickers += 1
                is_late = self.book.is_live and message.sequence <= self.book.last_update_id
                self.late += is_late
                if not is_late:
                    self._waiting.append(message)
            elif isinstance(message, Book):
                self._begin(message)
            else:
                self.trades += 1

    def _take(self, update: DepthUpdate) -> None:
        if not self.book.updates and not self.book.is_live:
            self._early.append(update)
        elif self.book.apply(update):
            self._compare(update)

    def _begin(self, snapshot: Book) -> None:
        """Lay the ticker in force beside the snapshot itself; then come the updates that were received before it."""
        self.book.load(snapshot)
        for ticker in self._covered(snapshot.last_update_id):
            self.before += 1
            self._in_force = ticker
        if self._in_force is not None:
            self._compare_top(self._in_force)
        while self._early:
            self._take(self._early.popleft())

    def _covered(self, last_update_id: int) -> list[Ticker]:
        covered = []
        while self._waiting and self._waiting[0].sequence <= last_update_id:
            covered.append(self._waiting.popleft())
        return covered

    def _compare(self, update: DepthUpdate) -> None:
        covered = self._covered(update.last_update_id)
        for ticker in covered[:-1]:
            self.inside += 1
            self._compare_inside(ticker, update)
        if covered:
            self._in_force = covered[-1]
            self.exact += 1
        elif self._in_force is not None:
            self.confirmed += 1
        if self._in_force is not None:
            self._compare_top(self._in_force)

    def _compare_top(self, ticker: Ticker) -> None:
        tops = (self.book.best_bid, self.book.best_ask)
        if tops != _tops(ticker):
            self._differs(ticker, f"the book at {self.book.last_update_id} has {tops}")

    def _compare_inside(self, ticker: Ticker, update: DepthUpdate) -> None:
        """Compare with the levels that stood still, which are the same before, within and behind the update."""
        bid, ask = _tops(ticker)
        for top, levels, named, sign in (
            (bid, self.book.bids, {Decimal(price) for price, _ in update.bids}, 1),
            (ask, self.book.asks, {Decimal(price) for price, _ in update.asks}, -1),
        ):
            # No more levels than are named can stand before the first that is not.
            still = next((level for level in levels(len(named) + 1) if level.price not in named), None)
            if top.price not in named:
                self.still_sides += 1
                if top != still:
                    self._differs(ticker, f"update {update.first_update_id} leaves {still} as it is")
            elif still is not None and sign * (top.price - still.price) < 0:
                self._differs(ticker, f"update {update.first_update_id} leaves the better {still} as it is")

    def _differs(self, ticker: Ticker, detail: str) -> None:
        self.mismatched += 1
        if len(self.mismatches) < SHOWN_MISMATCHES:
            self.mismatches.append(f"ticker {ticker.sequence} has {_tops(ticker)}, but {detail}")


def _tops(ticker: Ticker) -> tuple[Level, Level]:
    bid = Level(Decimal(ticker.best_bid or "NaN"), Decimal(ticker.best_bid_quantity or 0))
    ask = Level(Decimal(ticker.best_ask or "NaN"), Decimal(ticker.best_ask_quantity or 0))
    return bid, ask
