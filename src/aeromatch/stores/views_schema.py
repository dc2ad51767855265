"""The tables of views in SQLite, and how rows of NumPy become rows of theirs.

SQLite's integers have a sign: a number of 64 bits without one stands there as the signed number with the same bits,
which differs from 2^63 on only. Sums that may be larger are decimal text.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch import _core
from aeromatch.market.records import ORDER_DTYPE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

APPLICATION_ID: Final = int.from_bytes(b"AMvw")
"""In the file's header: these are our tables."""
SCHEMA_VERSION: Final = 3
BY_NAME: Final = "CREATE INDEX by_client_order_id ON client_order_ids (client_order_id)"
MIGRATIONS: Final = {1: "ALTER TABLE orders ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0", 2: BY_NAME}
"""What makes the tables of a version those of the next one."""

U64: Final = 2**64
ENDED: Final = _core.CODES["OrderStatus"]["filled"]
"""Statuses from this code on are those of orders that have ended."""

ORDER_COLUMNS: Final = tuple(
    name for name in ORDER_DTYPE.names or () if name not in ("zero", "notional_low", "notional_high")
)
TRADE_COLUMNS: Final = ("instrument", "trade_id", "price_ticks", "quantity_lots", "side", "timestamp_ns", "sequence")
CANDLE_COLUMNS: Final = (
    "period_ms", "start_ms", "instrument", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots",
    "notional", "trades",
)  # fmt: skip


def _words(column: str, table: str) -> str:
    """SQL that turns a code into its word."""
    cases = " ".join(f"WHEN {code} THEN '{word}'" for word, code in _core.CODES[table].items())
    return f"CASE {column} {cases} END"


SCHEMA: Final = f"""
CREATE TABLE periods (period_ms INTEGER PRIMARY KEY);
CREATE TABLE positions (
    shard INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL,
    mark_sequence INTEGER NOT NULL, mark INTEGER NOT NULL
);
CREATE TABLE instruments (
    number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, tick_size TEXT NOT NULL, lot_size TEXT NOT NULL,
    book INTEGER NOT NULL, unit_ticks INTEGER NOT NULL
);
CREATE TABLE candles (
    period_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL, instrument INTEGER NOT NULL,
    open_ticks INTEGER NOT NULL, high_ticks INTEGER NOT NULL, low_ticks INTEGER NOT NULL, close_ticks INTEGER NOT NULL,
    volume_lots TEXT NOT NULL, notional TEXT NOT NULL, trades INTEGER NOT NULL,
    PRIMARY KEY (period_ms, instrument, start_ms)
) WITHOUT ROWID;
CREATE TABLE trades (
    instrument INTEGER NOT NULL, trade_id INTEGER NOT NULL, price_ticks INTEGER NOT NULL,
    quantity_lots INTEGER NOT NULL, side INTEGER NOT NULL, timestamp_ns INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (instrument, trade_id)
) WITHOUT ROWID;
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY,
    {", ".join(f"{name} INTEGER NOT NULL" for name in ORDER_COLUMNS[1:])}, notional TEXT NOT NULL
);
CREATE INDEX ended_by_time ON orders (created_ns, order_id) WHERE status >= {ENDED};
CREATE INDEX ended_by_account ON orders (account, created_ns, order_id) WHERE status >= {ENDED} AND account > 0;
CREATE TABLE client_order_ids (order_id INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL);
{BY_NAME};
CREATE VIEW trade_list AS
    SELECT symbol, trade_id, price_ticks * tick_size AS price, quantity_lots * lot_size AS quantity,
        {_words("side", "Side")} AS side, datetime(timestamp_ns / 1000000000, 'unixepoch') AS time, sequence
    FROM trades JOIN instruments ON number = instrument;
CREATE VIEW candle_list AS
    SELECT symbol, period_ms, datetime(start_ms / 1000, 'unixepoch') AS start, open_ticks * tick_size AS open,
        high_ticks * tick_size AS high, low_ticks * tick_size AS low, close_ticks * tick_size AS close,
        volume_lots * lot_size AS volume, candles.trades
    FROM candles JOIN instruments ON number = instrument;
CREATE VIEW order_list AS
    SELECT orders.order_id, symbol, account, {_words("side", "Side")} AS side,
        {_words("order_type", "OrderType")} AS type, {_words("status", "OrderStatus")} AS status,
        {_words("reason", "CancelReason")} AS reason, price_ticks * tick_size AS price,
        quantity_lots * lot_size AS quantity, filled_lots * lot_size AS filled,
        CASE WHEN filled_lots > 0 THEN notional * tick_size / filled_lots END AS average_price,
        client_order_id, datetime(created_ns / 1000000000, 'unixepoch') AS created,
        datetime(updated_ns / 1000000000, 'unixepoch') AS updated
    FROM orders JOIN instruments ON number = instrument LEFT JOIN client_order_ids USING (order_id);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

ROWS_A_STATEMENT: Final = 512
"""At most; a power of two. SQLite takes 32,766 values in a statement."""


def put(connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> None:
    """Writes rows, each instead of the one that has its key; many in a statement.

    Each statement is a call without the GIL. Where each row has one of its own (`executemany`), other threads take the
    GIL between any two of them, and get in each other's way more than the rows cost. Statements have a power of two
    of rows: so there are few different ones, which the connection keeps prepared.

    Arguments:
        connection: In a transaction.
        table: Where to.
        columns: Their names.
        values: Of each column the values, one for each row.
    """
    left, row = len(values[0]) if values else 0, f"({', '.join('?' * len(columns))})"
    first = 0
    while left:
        count = min(1 << (left.bit_length() - 1), ROWS_A_STATEMENT)
        rows = ", ".join([row] * count)
        statement = f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) VALUES {rows}"
        part = [column[first : first + count] for column in values]
        connection.execute(statement, list(chain.from_iterable(zip(*part, strict=True))))
        first, left = first + count, left - count


def signed(value: int) -> int:
    """A number of 64 bits as SQLite has it."""
    return value - U64 if value >= U64 // 2 else value


def unsigned(value: int) -> int:
    """And back."""
    return value % U64


def columns_of(rows: NDArray[np.void], names: Iterable[str]) -> list[list[Any]]:
    """Columns of rows as SQLite takes them."""
    found = []
    for name in names:
        column = np.ascontiguousarray(rows[name])
        found.append((column.view(np.int64) if column.dtype == np.uint64 else column).tolist())
    return found


def notionals_of(rows: NDArray[np.void]) -> list[str]:
    """Decimal text of each order's notional."""
    low, high = rows["notional_low"].tolist(), rows["notional_high"].tolist()
    return ["0" if not (lower or upper) else str((upper << 64) + lower) for lower, upper in zip(low, high, strict=True)]


def rows_of(found: Sequence[Sequence[Any]], names: Sequence[str], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """What SQLite gave, as rows of a dtype."""
    rows = np.zeros(len(found), dtype)
    for name, column in zip(names, zip(*found, strict=True), strict=False):
        rows[name] = np.array(column, dtype=np.int64).astype(dtype[name])
    return rows


def orders_of(found: Sequence[Sequence[Any]]) -> NDArray[np.void]:
    """What SQLite gave of orders, whose last column is the notional."""
    rows = rows_of(found, ORDER_COLUMNS, ORDER_DTYPE)
    for row, values in zip(rows, found, strict=True):
        if values[-1] != "0":
            notional = int(values[-1])
            row["notional_low"], row["notional_high"] = notional % U64, notional >> 64
    return rows
