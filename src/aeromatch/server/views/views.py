"""The views of a server: they follow the feed, and answer gateways from what waits and from the store."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from aeromatch import AeroMatchError, Events, Exchange, _core
from aeromatch.analytics.candles import DayWindow, with_gaps
from aeromatch.analytics.candles.day import DAY_MS
from aeromatch.gateways.services import RefusedError
from aeromatch.market.periods import duration_ms, duration_text
from aeromatch.market.records import ORDER_DTYPE
from aeromatch.market.view_rows import TRADE_DTYPE, CandleRow, Position, ViewStore
from aeromatch.schema.market import Candle, CandlePage, TradePage
from aeromatch.schema.orders import Order, OrderPage
from aeromatch.server.feed.market import DayFigures
from aeromatch.server.views.beginning import check_store, names_again
from aeromatch.server.views.collecting import Collector
from aeromatch.server.views.listed import Directory
from aeromatch.server.views.options import ViewOptions, open_store
from aeromatch.server.views.orders import order_of
from aeromatch.server.views.past import Names, shard_paths
from aeromatch.server.views.rows import MILLISECOND_NS, candle_of, cursor_of, read_cursor, trade_of
from aeromatch.server.views.seeds import seed_of
from aeromatch.server.views.terms import Terms
from aeromatch.server.views.writer import Writer

__all__ = ["ServerViews"]

T = TypeVar("T")
Seed: TypeAlias = tuple[int, Position, NDArray[np.void], dict[int, str]]

READERS: Final = 2
CREATED: Final = _core.CODES["EventKind"]["created"]
ENDED: Final = _core.CODES["OrderStatus"]["filled"]
COUNTER_BITS: Final = 40
"""An order id is its book's number, and so many bits of a counter (R5)."""
MINUTE_MS: Final = 60_000
LAST_MS: Final = 2**62


class ServerViews:
    """Orders, trades and candles of an exchange: `services.Views` and `EventConsumer`.

    `tracker`, `positions` and `times_ns` are for the feed: it begins there, and what it reads from then on is the rest.
    """

    def __init__(self, exchange: Exchange, options: ViewOptions, directory: Path | None = None) -> None:
        """Open the store and go on with it; reads files, so not in the event loop.

        Args:
            exchange: A port of their own, to an exchange with shards; closed with the views.
            options: How they are kept.
            directory: Of the exchange's journals; None: it has none.

        Raises:
            StoreError: The store's file cannot be used.
            ViewsError: The store is not of this log, or ahead of it.
            JournalError: The journal cannot be read.
        """
        # Learning is the feed thread's, once the feed has begun.
        self._exchange = exchange
        self._store: ViewStore = open_store(options)
        try:
            check_store(self._exchange, self._store, options.path)
            self._begin(options, directory)
        except BaseException:
            self._store.close()
            self._exchange.close()
            raise

    def _begin(self, options: ViewOptions, directory: Path | None) -> None:
        shards = self._exchange.shards or 1
        known = self._store.positions()
        at = [known.get(shard, Position()) for shard in range(shards)]
        self.tracker = _core.OrderTracker(self._exchange)
        self.tracker.load(self._store.live_orders(), times_ns=[position.time_ns for position in at])
        self.directory = Directory(self._exchange)
        self._terms = None if directory is None else Terms(shard_paths(directory))
        again: dict[int, str] = {}
        self._names: dict[int, Names] = {}
        seeds: list[Seed] = []
        if directory is not None:
            for shard, (log, position) in enumerate(zip(shard_paths(directory), at, strict=True)):
                if shard in known:
                    again.update(names_again(self._exchange, position, shard, log, options.path))
                elif (seed := seed_of(log)) is not None:
                    seeds.append((shard, *seed))
                    at[shard] = seed[0]
                    self.tracker.load(seed[1])
                self._names[shard] = Names(log, at[shard].sequence)
        self.positions = tuple(position.sequence + 1 for position in at)
        self.times_ns = tuple(position.time_ns for position in at)
        self._now_ns = max(self.times_ns)
        self._begin_days()
        self._writer = Writer(
            self._store, flush_s=options.flush_s, waiting_rows=options.waiting_rows, changed=self._changed
        )
        self._writer.note(self.directory.listed())
        self._writer.name(list(again.items()))
        for shard, position, orders, names in seeds:
            self._writer.seed(shard, position, orders, names)
        self._follows_clock = options.follows_clock
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="aeromatch-views-reads")

    def _begin_days(self) -> None:
        self._day_period_ms = MINUTE_MS if MINUTE_MS in self._store.periods_ms else self._store.periods_ms[0]
        since_ms = self._now_ns // MILLISECOND_NS - DAY_MS
        self._days: dict[int, DayWindow] = {}
        for market in self.directory.all():
            if not market.unit_ticks:
                rows = self._store.candles(
                    market.number, self._day_period_ms, start_ms=since_ms, end_ms=LAST_MS, limit=DAY_MS
                )
                self._days[market.number] = DayWindow(rows)

    # The feed's thread.

    def apply(
        self,
        shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        orders: NDArray[np.void],
        fills: NDArray[np.void],
    ) -> None:
        """As `EventConsumer`: waits where the store is too slow.

        Raises:
            ViewsError: The store has failed.
        """
        del fills
        records = events.to_numpy()
        if np.any(records["kind"] == CREATED):
            self._writer.note(self.directory.learn())
        self._name(shard, records)
        self._writer.put(shard, records, times_ns, orders, partial(self._follow, shard))

    def _name(self, shard: int, records: NDArray[np.void]) -> None:
        names = self._names.get(shard)
        if names is None or not len(records):
            return
        self._writer.name(list(names.of(records)))
        if int(records["sequence"][-1]) >= names.until:
            # From here on the gateways name them.
            del self._names[shard]

    def _follow(self, shard: int, collector: Collector) -> None:
        self._now_ns = max(self._now_ns, collector.positions.get(shard, Position()).time_ns)

    def _changed(self, row: CandleRow) -> None:
        """A candle has changed. Whoever calls this has the writer's lock."""
        if row.period_ms == self._day_period_ms:
            self._days.setdefault(row.instrument, DayWindow()).put(row)

    def tick(self, now_ns: int) -> None:
        """As `EventConsumer`: time goes on where nothing happens, so that candles close."""
        if self._follows_clock:
            self._now_ns = max(self._now_ns, now_ns)

    # Any thread.

    def stored_sequences(self) -> tuple[int, ...]:
        """The last command of each shard whose rows are in the store."""
        stored = self._writer.stored
        return tuple(stored.get(shard, 0) for shard in range(len(self.positions)))

    def naming(self, account: str | None, orders: int) -> None:
        """As `services.Views`."""

    def named(self, order_id: int, client_order_id: str) -> None:
        """As `services.Views`."""
        self._writer.name([(order_id, client_order_id)])

    async def order(self, order_id: int) -> Order | None:
        """A live order, or one that ended and is still kept."""

        def read() -> Order | None:
            row = self._row(order_id)
            return None if row is None else self._told(row, self.names_of([order_id]))

        return await self._read(read)

    def _row(self, order_id: int) -> np.void | None:
        row = self.tracker.order(order_id)
        if row is None:
            row = self._writer.order(order_id)
        return self._store.order(order_id) if row is None else row

    async def order_named(self, account: str | None, symbol: str, client_order_id: str) -> Order | None:
        """As `services.Views`."""
        market = self.directory.find(symbol)
        number = 0 if account is None else self.directory.account_number(account)

        def read() -> Order | None:
            # What waits is asked first: a name that is written meanwhile is found in the store.
            waiting = self._writer.waiting_with_name(client_order_id)
            named = {*waiting, *self._store.with_name(client_order_id)}
            for order_id in sorted((it for it in named if it >> COUNTER_BITS == market.book), reverse=True):
                row = self._row(order_id)
                if row is not None and (row["account"], row["instrument"]) == (number, market.number):
                    return self._told(row, {order_id: client_order_id})
            return None

        return await self._read(read)

    def _told(self, row: np.void, names: Mapping[int, str]) -> Order:
        """An order with all that is known of it; of one that lives, its book knows the rest. Reads files."""
        order = order_of(row, self.directory, names.get(int(row["order_id"])))
        if (
            self._terms is not None
            and row["status"] >= ENDED
            and (market := self.directory.number(int(row["instrument"])))
        ):
            self._terms.complete(order, row, market)
        return order

    async def orders(
        self, *, account: str | None, symbol: str | None, status: str | None, limit: int, cursor: str | None
    ) -> OrderPage:
        """As `services.Views`."""
        question = ("orders", account, symbol, status)
        before = read_cursor(question, cursor, 2)
        number = None if account is None else self.directory.account_number(account)
        if account is not None and number is None:
            return OrderPage(orders=[])
        instrument = None if symbol is None else self.directory.find(symbol).number

        def read() -> tuple[NDArray[np.void], list[Order]]:
            rows = self._orders(number, instrument, status, (before[0], before[1]) if before else None, limit + 1)
            names = self.names_of(rows["order_id"].tolist())
            return rows, [self._told(row, names) for row in rows[:limit]]

        rows, found = await self._read(read)
        more = (
            cursor_of(question, int(rows[limit - 1]["created_ns"]), int(rows[limit - 1]["order_id"]))
            if len(rows) > limit
            else None
        )
        return OrderPage(orders=found, next_cursor=more)

    def _orders(
        self,
        account: int | None,
        instrument: int | None,
        status: str | None,
        before: tuple[int, int] | None,
        limit: int,
    ) -> NDArray[np.void]:
        """Rows, newest first. What lives is asked first: an order that ends meanwhile is found among the others."""
        parts = []
        if status != "done":
            parts.append(self.tracker.live_orders(account=account, instrument=instrument))
        if status != "live":
            for batch in self._writer.waiting():
                rows = batch.orders[batch.orders["status"] >= ENDED]
                for name, wanted in (("account", account), ("instrument", instrument)):
                    rows = rows if wanted is None else rows[rows[name] == wanted]
                parts.append(rows)
            parts.append(self._store.ended_orders(account=account, instrument=instrument, before=before, limit=limit))
        rows = np.concatenate(parts) if parts else np.zeros(0, ORDER_DTYPE)
        # An order that has ended since it was found live stands here twice: the later row counts.
        rows = rows[np.argsort(rows["status"], kind="stable")]
        _, places = np.unique(rows["order_id"][::-1], return_index=True)
        rows = rows[len(rows) - 1 - places]
        if before is not None:
            made, order_id = np.uint64(before[0]), np.uint64(before[1])
            rows = rows[(rows["created_ns"] < made) | ((rows["created_ns"] == made) & (rows["order_id"] < order_id))]
        newest: NDArray[np.void] = rows[np.lexsort((rows["order_id"], rows["created_ns"]))[::-1][:limit]]
        return newest

    def names_of(self, order_ids: list[int]) -> dict[int, str]:
        """The client order ids of orders that have one. Reads the store; any thread may ask."""
        waiting = self._writer.waiting_names(order_ids)
        return {**self._store.names([it for it in order_ids if it not in waiting]), **waiting}

    async def trades(self, symbol: str, *, limit: int, cursor: str | None, from_sequence: int | None) -> TradePage:
        """As `services.Views`."""
        market = self.directory.find(symbol)
        question = ("trades", symbol, from_sequence)
        before = read_cursor(question, cursor, 1)

        def read() -> NDArray[np.void]:
            parts = []
            for batch in self._writer.waiting():
                rows = batch.trades[batch.trades["instrument"] == market.book]
                rows = rows if before is None else rows[rows["trade_id"] < np.uint64(before[0])]
                parts.append(rows if from_sequence is None else rows[rows["sequence"] >= np.uint64(from_sequence)])
            parts.append(
                self._store.trades(
                    market.book, before_id=before[0] if before else None, from_sequence=from_sequence, limit=limit + 1
                )
            )
            rows = np.concatenate(parts) if parts else np.zeros(0, TRADE_DTYPE)
            _, places = np.unique(rows["trade_id"], return_index=True)
            return rows[places[::-1]][: limit + 1]

        rows = await self._read(read)
        more = cursor_of(question, int(rows[limit - 1]["trade_id"])) if len(rows) > limit else None
        return TradePage(trades=[trade_of(row, market) for row in rows[:limit]], next_cursor=more)

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        """As `services.Views`: oldest first, the latest of the range; the open candle is the last one."""
        market = self.directory.find(symbol)
        period_ms = self._period(period)
        question = ("candles", symbol, period_ms, start, end)
        before = read_cursor(question, cursor, 1)
        now_ms = self._now_ns // MILLISECOND_NS
        end_ms = now_ms + 1
        for bound in (None if end is None else -(-end // MILLISECOND_NS), before[0] if before else None):
            end_ms = end_ms if bound is None else min(end_ms, bound)
        start_ms = 0 if start is None else -(-start // MILLISECOND_NS)
        rows = await self._read(lambda: self._candles(market.book, period_ms, start_ms, end_ms, limit + 1))
        more = cursor_of(question, rows[-limit].start_ms) if len(rows) > limit else None
        found = [candle_of(row, market, now_ms) for row in rows[-limit:]]
        return CandlePage(symbol=symbol, period=period, candles=found, next_cursor=more)

    def _candles(self, book: int, period_ms: int, start_ms: int, end_ms: int, limit: int) -> list[CandleRow]:
        waiting = {
            row.start_ms: row
            for batch in self._writer.waiting()
            for row in batch.candles
            if (row.period_ms, row.instrument) == (period_ms, book) and row.start_ms < end_ms
        }
        kept = self._store.candles(book, period_ms, start_ms=start_ms, end_ms=end_ms, limit=limit)
        both = {row.start_ms: row for row in kept} | waiting
        rows = [both[start] for start in sorted(both) if start >= start_ms]
        first_ms = rows[0].start_ms if rows else end_ms
        older = [row for start, row in waiting.items() if start < first_ms]
        older += self._store.candles(book, period_ms, start_ms=0, end_ms=first_ms, limit=1)
        last = max(older, key=lambda row: row.start_ms, default=None)
        return with_gaps(rows, last, start_ms=start_ms, end_ms=end_ms, period_ms=period_ms, limit=limit)

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        """The candle of the present period; None before the first trade."""
        market = self.directory.find(symbol)
        period_ms = self._period(period)
        now_ms = self._now_ns // MILLISECOND_NS
        last = self._writer.last_candle(market.book, period_ms)
        if last is None:
            return None
        start_ms = max(now_ms - now_ms % period_ms, last.start_ms)
        (row,) = with_gaps([last], None, start_ms=last.start_ms, end_ms=start_ms + 1, period_ms=period_ms, limit=1)
        return candle_of(row, market, now_ms)

    def _period(self, period: str) -> int:
        try:
            found = duration_ms(period)
        except (TypeError, ValueError):
            found = 0
        if found not in self._store.periods_ms:
            has = ", ".join(map(duration_text, self._store.periods_ms))
            raise RefusedError("unknown_period", 400, f"no candles of period {period!r}: there are {has}")
        return found

    def day(self, symbol: str) -> DayFigures | None:
        """What was traded of an instrument in the last 24 hours, by the minute; None: nothing."""
        market = self.directory.find(symbol)
        found: list[DayFigures | None] = [None]

        def look(collector: Collector) -> None:
            collector.candles.settle()
            window = self._days.get(market.book)
            sums = window.sums(self._now_ns // MILLISECOND_NS) if window is not None else None
            if sums is None:
                return
            low, high = sorted((market.own_price(sums.high_ticks), market.own_price(sums.low_ticks)))
            notional = sums.notional
            if market.unit_ticks:
                notional = market.unit_ticks * sums.volume_lots - notional
            found[0] = DayFigures(
                open_price=market.price(market.own_price(sums.open_ticks)),
                high_price=market.price(high),
                low_price=market.price(low),
                volume=market.quantity(sums.volume_lots),
                notional=market.notional(notional),
                trades=sums.trades,
            )

        self._writer.look(look)
        return found[0]

    async def _read(self, read: Callable[[], T]) -> T:
        """What the store has; RefusedError (503) where it cannot be asked."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, read)
        except AeroMatchError as error:
            raise RefusedError("unavailable", 503, str(error)) from error

    def flush(self) -> None:
        """Wait until the store has all that the feed has brought.

        Raises:
            ViewsError: The store has failed.
        """
        self._writer.flush()

    async def close(self) -> None:
        """Write what there is and close the store; after the feed has stopped.

        Raises:
            ViewsError: The store has failed.
        """

        def close() -> None:
            try:
                self._writer.close()
            finally:
                self._threads.shutdown()
                self._store.close()
                self._exchange.close()

        await asyncio.to_thread(close)
