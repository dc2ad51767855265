"""Candles, trades and orders in a SQLite file, beside how far each shard's log is kept: one transaction for all.

The file is in WAL mode: it is read while it is written, by this class, by `sqlite3` or by anything else.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch.market.periods import duration_text, periods_of, retention_of
from aeromatch.market.view_rows import TRADE_DTYPE, CandleRow, Listed, Position, ViewBatch
from aeromatch.stores.sqlite_file import SqliteFile, StoreError
from aeromatch.stores.views_schema import (
    APPLICATION_ID,
    CANDLE_COLUMNS,
    ENDED,
    MIGRATIONS,
    ORDER_COLUMNS,
    SCHEMA,
    SCHEMA_VERSION,
    TRADE_COLUMNS,
    columns_of,
    notionals_of,
    orders_of,
    put,
    rows_of,
    signed,
    unsigned,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from os import PathLike

    from numpy.typing import NDArray

DEFAULT_PERIODS: Final = ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
KEEP: Final = 1_000_000
PRAGMAS: Final = ("cache_size = -65536", "wal_autocheckpoint = 8000")
"""For who writes: pages of the indexes stay in memory (64 MB), and come into the database by 32 MB at once."""
SLACK: Final = 1_000
"""So many orders too many are dropped at once."""
ORDER_SELECT: Final = f"SELECT {', '.join(ORDER_COLUMNS)}, notional FROM orders"
MOST_IN: Final = 500
"""Values in one statement."""


class SqliteViews(SqliteFile):
    """Candles, trades and orders in one file: `market.view_rows.ViewStore`."""

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        periods: Iterable[str | int] | None = None,
        keep_trades: int = KEEP,
        keep_orders: int = KEEP,
        keep_ns: int | None = None,
        retention: Mapping[str | int, str | int | None] | None = None,
        read_only: bool = False,
    ) -> None:
        """Open a file, or make it.

        Args:
            path: The file.
            periods: Of the candles, such as "1s", "5m" or milliseconds; fixed when the file is made. None: those that
                it has, else 1s, 1m, 5m, 15m, 1h, 4h, 1d.
            keep_trades: So many trades of each instrument, the latest.
            keep_orders: So many orders that have ended, the latest made.
            keep_ns: Trades, and orders that have ended, no older than this before the latest time; None: any.
            retention: How long candles of a period stay, such as {"1s": "1d"}; None as a value: for ever.
            read_only: Make and change nothing; the folder need not be writable.

        Raises:
            TypeError: A period or a retention is no duration.
            ValueError: It is none, or nothing is to be kept.
            StoreError: The file is something else, damaged, of another schema version, has other periods, or is not
                there and must not be made.
        """
        if keep_trades < 1 or keep_orders < 1:
            raise ValueError("keep_trades and keep_orders must be at least 1")
        wanted = None if periods is None else periods_of(periods)
        self._keep_trades, self._keep_orders, self._keep_ns = keep_trades, keep_orders, keep_ns
        super().__init__(path, what="views", read_only=read_only)
        try:
            with self._named():
                self._prepare(wanted, read_only=read_only)
                self._retention_ms = retention_of(self._periods_ms, retention)
                self._ended = self._one(f"SELECT count(*) FROM orders WHERE status >= {ENDED}")
                # Who reads does not wait for a transaction.
                self._reader = self._connection if read_only else self._connect("?mode=ro")
            self._reading = Lock()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, wanted: tuple[int, ...] | None, *, read_only: bool) -> None:
        if not read_only:
            self._write_ahead()
            for pragma in PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            with self._transaction():
                if self._is_empty():
                    for statement in SCHEMA.split(";"):
                        self._connection.execute(statement)
                    rows = [(period,) for period in wanted or periods_of(DEFAULT_PERIODS)]
                    self._connection.executemany("INSERT INTO periods VALUES (?)", rows)
                elif self._pragma("application_id") == APPLICATION_ID:
                    self._migrate()
        if self._pragma("application_id") != APPLICATION_ID:
            raise StoreError(f"{self.path}: a database of something else, not views of AeroMatch")
        if (version := self._pragma("user_version")) != SCHEMA_VERSION:
            raise StoreError(
                f"{self.path}: views of schema version {version}; this AeroMatch knows {SCHEMA_VERSION}: move the file "
                "away and make it anew with `aeromatch views rebuild`"
            )
        found = self._connection.execute("SELECT period_ms FROM periods ORDER BY period_ms")
        self._periods_ms: tuple[int, ...] = tuple(period for (period,) in found)
        if wanted is not None and wanted != self._periods_ms:
            has, asked = (", ".join(map(duration_text, periods)) for periods in (self._periods_ms, wanted))
            raise StoreError(
                f"{self.path}: has candles of {has}, not of {asked}: make it anew with "
                f"`aeromatch views rebuild DIRECTORY --periods {asked.replace(' ', '')}`"
            )

    def _migrate(self) -> None:
        while (change := MIGRATIONS.get(version := self._pragma("user_version"))) is not None:
            self._connection.execute(change)
            self._connection.execute(f"PRAGMA user_version = {version + 1}")

    def _one(self, statement: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(statement, values).fetchone()[0]

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """The periods of the candles, in milliseconds, ascending."""
        return self._periods_ms

    # Writing.

    def write(self, batch: ViewBatch) -> None:
        """Add rows, move the positions and drop what is no longer kept: all of it, or nothing.

        Raises:
            StoreError: The file cannot be written.
        """
        execute = self._connection.executemany
        with self._named(), self._transaction():
            execute(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
                [(shard, it.sequence, signed(it.time_ns), *it[2:]) for shard, it in batch.positions.items()],
            )
            execute("INSERT OR REPLACE INTO instruments VALUES (?, ?, ?, ?, ?, ?)", batch.instruments)
            candles = [(*row[:7], str(row.volume_lots), str(row.notional), row.trades) for row in batch.candles]
            put(self._connection, "candles", CANDLE_COLUMNS, list(zip(*candles, strict=True)))
            put(self._connection, "trades", TRADE_COLUMNS, columns_of(batch.trades, TRADE_COLUMNS))
            orders = [*columns_of(batch.orders, ORDER_COLUMNS), notionals_of(batch.orders)]
            put(self._connection, "orders", (*ORDER_COLUMNS, "notional"), orders)
            names: list[list[Any]] = [list(map(signed, batch.names)), list(batch.names.values())]
            put(self._connection, "client_order_ids", ("order_id", "client_order_id"), names)
            ended = self._ended + int(np.count_nonzero(batch.orders["status"] >= ENDED))
            ended -= self._drop_orders(ended, batch)
            self._drop_trades(batch)
            self._drop_candles(batch)
        self._ended = ended

    def _drop_orders(self, ended: int, batch: ViewBatch) -> int:
        """Drop the oldest that have ended; how many."""
        surplus = ended - self._keep_orders if ended >= self._keep_orders + SLACK else 0
        dropped = self._drop_oldest("1", (), surplus) if surplus else 0
        if self._keep_ns is not None and len(batch.orders):
            edge = signed(max(int(batch.orders["updated_ns"].max()) - self._keep_ns, 0))
            dropped += self._drop_oldest("created_ns < ?", (edge,), -1)
        return dropped

    def _drop_oldest(self, where: str, values: tuple[int, ...], most: int) -> int:
        oldest = (
            f"SELECT order_id FROM orders WHERE status >= {ENDED} AND {where} ORDER BY created_ns, order_id LIMIT ?"
        )
        found = self._connection.execute(oldest, (*values, most)).fetchall()
        for table in ("orders", "client_order_ids"):
            self._connection.executemany(f"DELETE FROM {table} WHERE order_id = ?", found)
        return len(found)

    def _drop_trades(self, batch: ViewBatch) -> None:
        # Trade ids have no gaps, so they count.
        for instrument in np.unique(batch.trades["instrument"]).tolist():
            of_it = batch.trades[batch.trades["instrument"] == instrument]
            edge = int(of_it["trade_id"][-1]) - self._keep_trades
            drop = "DELETE FROM trades WHERE instrument = ? AND trade_id <= ?"
            self._connection.execute(drop, (instrument, edge))
            if self._keep_ns is not None:
                oldest_ns = signed(max(int(of_it["timestamp_ns"][-1]) - self._keep_ns, 0))
                kept = (
                    "SELECT trade_id FROM trades WHERE instrument = ? AND timestamp_ns >= ? ORDER BY trade_id LIMIT 1"
                )
                first = self._one(kept, (instrument, oldest_ns))
                self._connection.execute(drop, (instrument, first - 1))

    def _drop_candles(self, batch: ViewBatch) -> None:
        latest = {(row.period_ms, row.instrument): row.start_ms for row in batch.candles}
        for (period_ms, instrument), start_ms in latest.items():
            kept_ms = self._retention_ms[period_ms]
            if kept_ms is not None:
                drop = "DELETE FROM candles WHERE period_ms = ? AND instrument = ? AND start_ms <= ?"
                self._connection.execute(drop, (period_ms, instrument, start_ms - kept_ms))

    # Reading.

    def _select(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._naming(), self._reading:
            return self._reader.execute(statement, values).fetchall()

    def positions(self) -> dict[int, Position]:
        """How far each shard's log is kept."""
        rows = self._select("SELECT shard, sequence, time_ns, mark_sequence, mark FROM positions ORDER BY shard")
        return {shard: Position(sequence, unsigned(time_ns), *mark) for shard, sequence, time_ns, *mark in rows}

    def instruments(self) -> dict[int, Listed]:
        """The instruments by number."""
        return {row[0]: Listed(*row) for row in self._select("SELECT * FROM instruments ORDER BY number")}

    def live_orders(self) -> NDArray[np.void]:
        """Orders that have not ended, in order of id."""
        rows = orders_of(self._select(f"{ORDER_SELECT} WHERE status < {ENDED}"))
        return rows[np.argsort(rows["order_id"])]

    def last_candles(self) -> list[CandleRow]:
        """Of each period and instrument the last one."""
        # SQLite: beside max() the other columns are those of its row.
        names = ", ".join("max(start_ms)" if name == "start_ms" else name for name in CANDLE_COLUMNS)
        return list(map(_candle, self._select(f"SELECT {names} FROM candles GROUP BY period_ms, instrument")))

    def order(self, order_id: int) -> np.void | None:
        """An order, live or ended, as a row of ORDER_DTYPE."""
        found = orders_of(self._select(f"{ORDER_SELECT} WHERE order_id = ?", (signed(order_id),)))
        return found[0] if len(found) else None

    def ended_orders(
        self, *, account: int | None, instrument: int | None, before: tuple[int, int] | None, limit: int
    ) -> NDArray[np.void]:
        """Orders that have ended, newest first: as `ViewStore`."""
        where, values = [f"status >= {ENDED}"], []
        if account is not None:
            where.append("account = ? AND account > 0" if account else "account = ?")
            values.append(account)
        if instrument is not None:
            where.append("instrument = ?")
            values.append(instrument)
        if before is not None:
            where.append("(created_ns, order_id) < (?, ?)")
            values += [signed(before[0]), signed(before[1])]
        order = "ORDER BY created_ns DESC, order_id DESC LIMIT ?"
        return orders_of(self._select(f"{ORDER_SELECT} WHERE {' AND '.join(where)} {order}", (*values, limit)))

    def names(self, order_ids: Sequence[int]) -> dict[int, str]:
        """Client order ids of those that have one."""
        found: dict[int, str] = {}
        for at in range(0, len(order_ids), MOST_IN):
            some = [signed(order_id) for order_id in order_ids[at : at + MOST_IN]]
            marks = ", ".join("?" * len(some))
            rows = self._select(f"SELECT * FROM client_order_ids WHERE order_id IN ({marks})", some)
            found.update((unsigned(order_id), name) for order_id, name in rows)
        return found

    def with_name(self, client_order_id: str) -> list[int]:
        """Ids of the orders that have this client order id."""
        statement = "SELECT order_id FROM client_order_ids WHERE client_order_id = ?"
        return [unsigned(order_id) for (order_id,) in self._select(statement, (client_order_id,))]

    def trades(
        self, instrument: int, *, before_id: int | None, from_sequence: int | None, limit: int
    ) -> NDArray[np.void]:
        """Trades of a book, newest first: as `ViewStore`."""
        where, values = ["instrument = ?"], [instrument]
        if before_id is not None:
            where.append("trade_id < ?")
            values.append(before_id)
        if from_sequence is not None:
            where.append("sequence >= ?")
            values.append(from_sequence)
        statement = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE {' AND '.join(where)} ORDER BY trade_id DESC"
        return rows_of(self._select(f"{statement} LIMIT ?", (*values, limit)), TRADE_COLUMNS, TRADE_DTYPE)

    def candles(self, instrument: int, period_ms: int, *, start_ms: int, end_ms: int, limit: int) -> list[CandleRow]:
        """The last candles of a range, oldest first: as `ViewStore`."""
        statement = (
            f"SELECT {', '.join(CANDLE_COLUMNS)} FROM candles WHERE period_ms = ? AND instrument = ? "
            "AND start_ms >= ? AND start_ms < ? ORDER BY start_ms DESC LIMIT ?"
        )
        rows = self._select(statement, (period_ms, instrument, start_ms, end_ms, limit))
        return list(map(_candle, rows[::-1]))

    def close(self) -> None:
        """Close the file. What was written is there."""
        with self._named(), self._reading:
            if self._reader is not self._connection:
                self._reader.close()
            self._connection.close()


def _candle(row: Sequence[Any]) -> CandleRow:
    *others, volume_lots, notional, trades = row
    return CandleRow._make((*others, int(volume_lots), int(notional), trades))
