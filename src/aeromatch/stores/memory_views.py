"""Candles, trades and orders in memory: for an exchange that has no journal, or a server that keeps no files."""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from aeromatch.market.periods import periods_of, retention_of
from aeromatch.market.records import ORDER_DTYPE
from aeromatch.market.view_rows import NO_ORDERS, NO_TRADES, CandleRow, Listed, Position, ViewBatch
from aeromatch.stores.views_schema import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray


def _offset(name: str) -> int:
    return ORDER_DTYPE.fields[name][1] if ORDER_DTYPE.fields else 0


KEEP = 1_000_000
SLACK = 1_000
ACCOUNT_AT, INSTRUMENT_AT = (_offset(name) for name in ("account", "instrument"))


class MemoryViews:
    """The same rows as `SqliteViews` has, for as long as the process lives: `market.view_rows.ViewStore`."""

    def __init__(
        self,
        *,
        periods: Iterable[str | int],
        keep_trades: int = KEEP,
        keep_orders: int = KEEP,
        keep_ns: int | None = None,
        retention: Mapping[str | int, str | int | None] | None = None,
    ) -> None:
        """Begin with nothing. The arguments are those of `SqliteViews`.

        Raises:
            TypeError: A period or a retention is no duration.
            ValueError: It is none, or nothing is to be kept.
        """
        if keep_trades < 1 or keep_orders < 1:
            raise ValueError("keep_trades and keep_orders must be at least 1")
        self._periods_ms = periods_of(periods)
        self._retention_ms = retention_of(self._periods_ms, retention)
        self._keep_trades, self._keep_orders, self._keep_ns = keep_trades, keep_orders, keep_ns
        self._lock = Lock()
        self._positions: dict[int, Position] = {}
        self._instruments: dict[int, Listed] = {}
        # By period and instrument, ascending in time.
        self._candles: dict[tuple[int, int], list[CandleRow]] = {}
        self._trades: dict[int, NDArray[np.void]] = {}
        self._live: dict[int, bytes] = {}
        self._ended: dict[int, bytes] = {}
        # Times of creation and ids of those that have ended, ascending.
        self._by_time: list[tuple[int, int]] = []
        self._names: dict[int, str] = {}
        self._with_name: dict[str, set[int]] = {}

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """The periods of the candles, in milliseconds, ascending."""
        return self._periods_ms

    def positions(self) -> dict[int, Position]:
        """How far each shard's log is kept."""
        return dict(self._positions)

    def instruments(self) -> dict[int, Listed]:
        """The instruments by number."""
        return dict(self._instruments)

    def write(self, batch: ViewBatch) -> None:
        """Add rows, move the positions and drop what is no longer kept."""
        with self._lock:
            self._positions.update(batch.positions)
            self._instruments.update((row.number, row) for row in batch.instruments)
            self._names.update(batch.names)
            for order_id, name in batch.names.items():
                self._with_name.setdefault(name, set()).add(order_id)
            for row in batch.candles:
                self._put_candle(row)
            for instrument in np.unique(batch.trades["instrument"]).tolist():
                self._put_trades(instrument, batch.trades[batch.trades["instrument"] == instrument])
            self._put_orders(batch.orders)

    def _put_candle(self, row: CandleRow) -> None:
        rows = self._candles.setdefault((row.period_ms, row.instrument), [])
        place = bisect_left(rows, row.start_ms, key=lambda it: it.start_ms)
        rows[place : place + (place < len(rows) and rows[place].start_ms == row.start_ms)] = [row]
        kept_ms = self._retention_ms[row.period_ms]
        if kept_ms is not None:
            del rows[: bisect_left(rows, rows[-1].start_ms - kept_ms + 1, key=lambda it: it.start_ms)]

    def _put_trades(self, instrument: int, trades: NDArray[np.void]) -> None:
        kept = np.concatenate((self._trades.get(instrument, NO_TRADES), trades))[-self._keep_trades :]
        if self._keep_ns is not None:
            kept = kept[kept["timestamp_ns"] >= max(int(kept["timestamp_ns"][-1]) - self._keep_ns, 0)]
        self._trades[instrument] = kept

    def _put_orders(self, orders: NDArray[np.void]) -> None:
        ended = []
        for row in orders:
            order_id, is_live = int(row["order_id"]), row["status"] < ENDED
            (self._live if is_live else self._ended)[order_id] = row.tobytes()
            if not is_live:
                self._live.pop(order_id, None)
                ended.append((int(row["created_ns"]), order_id))
        # What comes is nearly in order: sorting is cheap.
        self._by_time += ended
        self._by_time.sort()
        surplus = len(self._by_time) - self._keep_orders
        dropped = surplus if surplus >= SLACK else 0
        if self._keep_ns is not None and len(orders):
            edge = max(int(orders["updated_ns"].max()) - self._keep_ns, 0)
            dropped = max(dropped, bisect_left(self._by_time, (edge, 0)))
        for _, order_id in self._by_time[:dropped]:
            del self._ended[order_id]
            if (name := self._names.pop(order_id, None)) is not None:
                self._with_name[name].discard(order_id)
                if not self._with_name[name]:
                    del self._with_name[name]
        del self._by_time[:dropped]

    def live_orders(self) -> NDArray[np.void]:
        """Orders that have not ended, in order of id."""
        with self._lock:
            return _rows([self._live[order_id] for order_id in sorted(self._live)])

    def last_candles(self) -> list[CandleRow]:
        """Of each period and instrument the last one."""
        with self._lock:
            return [rows[-1] for rows in self._candles.values() if rows]

    def order(self, order_id: int) -> np.void | None:
        """An order, live or ended, as a row of ORDER_DTYPE."""
        found = self._live.get(order_id) or self._ended.get(order_id)
        return None if found is None else _rows([found])[0]

    def ended_orders(
        self, *, account: int | None, instrument: int | None, before: tuple[int, int] | None, limit: int
    ) -> NDArray[np.void]:
        """Orders that have ended, newest first: as `ViewStore`."""
        with self._lock:
            end = len(self._by_time) if before is None else bisect_left(self._by_time, before)
            found: list[bytes] = []
            for place in range(end - 1, -1, -1):
                row = self._ended[self._by_time[place][1]]
                if _is(row, ACCOUNT_AT, account) and _is(row, INSTRUMENT_AT, instrument):
                    found.append(row)
                    if len(found) == limit:
                        break
            return _rows(found)

    def names(self, order_ids: Sequence[int]) -> dict[int, str]:
        """Client order ids of those that have one."""
        return {order_id: self._names[order_id] for order_id in order_ids if order_id in self._names}

    def with_name(self, client_order_id: str) -> list[int]:
        """Ids of the orders that have this client order id."""
        with self._lock:
            return list(self._with_name.get(client_order_id, ()))

    def trades(
        self, instrument: int, *, before_id: int | None, from_sequence: int | None, limit: int
    ) -> NDArray[np.void]:
        """Trades of a book, newest first: as `ViewStore`."""
        rows = self._trades.get(instrument, NO_TRADES)
        if before_id is not None:
            rows = rows[rows["trade_id"] < before_id]
        if from_sequence is not None:
            rows = rows[rows["sequence"] >= from_sequence]
        return rows[::-1][:limit]

    def candles(self, instrument: int, period_ms: int, *, start_ms: int, end_ms: int, limit: int) -> list[CandleRow]:
        """The last candles of a range, oldest first: as `ViewStore`."""
        with self._lock:
            rows = self._candles.get((period_ms, instrument), [])
            first = bisect_left(rows, start_ms, key=lambda it: it.start_ms)
            end = bisect_left(rows, end_ms, key=lambda it: it.start_ms)
            return rows[max(first, end - limit) : end]

    def close(self) -> None:
        """Nothing has to be closed."""


def _is(row: bytes, at: int, wanted: int | None) -> bool:
    """Whether a number in a row is the one that is asked for."""
    return wanted is None or int.from_bytes(row[at : at + 4], "little") == wanted


def _rows(found: list[bytes]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(found), ORDER_DTYPE) if found else NO_ORDERS
