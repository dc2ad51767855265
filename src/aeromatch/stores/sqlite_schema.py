"""The tables of statistics in SQLite: what they are called, and how a row is added to one that is there."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = int.from_bytes(b"AMst")
"""In the file's header: these are our tables."""
SCHEMA_VERSION: Final = 2

KEY: Final = ("period_ms", "start_ms", "instrument")
# What becomes of two rows of one period. SQLite's own sum turns into a float beyond 64 bits: `exact_sum` adds decimal
# text.
SUM, EXACT = "{0} + excluded.{0}", "exact_sum({0}, excluded.{0})"
FIRST, LAST = "ifnull({0}, excluded.{0})", "ifnull(excluded.{0}, {0})"
HIGH, LOW = (f"ifnull({pick}({{0}}, excluded.{{0}}), {FIRST})" for pick in ("max", "min"))
COUNTS: Final = {
    "commands": ("INTEGER NOT NULL", SUM),
    "orders": ("INTEGER NOT NULL", SUM),
    "amends": ("INTEGER NOT NULL", SUM),
    "cancels": ("INTEGER NOT NULL", SUM),
    "rejects": ("INTEGER NOT NULL", SUM),
    "trades": ("INTEGER NOT NULL", SUM),
    "volume_lots": ("TEXT NOT NULL", EXACT),
    "notional": ("TEXT", EXACT),
    "open_ticks": ("INTEGER", FIRST),
    "high_ticks": ("INTEGER", HIGH),
    "low_ticks": ("INTEGER", LOW),
    "last_ticks": ("INTEGER", LAST),
}
"""Columns of numbers: type, and how a second row is added."""
WIDE: Final = ("volume_lots", "notional")
"""Whole numbers of any size, as decimal text."""

SCHEMA: Final = f"""
CREATE TABLE periods (period_ms INTEGER PRIMARY KEY, retention_ms INTEGER);
CREATE TABLE positions (
    shard INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, time_ns TEXT NOT NULL,
    mark_sequence INTEGER NOT NULL, mark INTEGER NOT NULL
);
CREATE TABLE instruments (
    number INTEGER PRIMARY KEY, symbol TEXT NOT NULL, tick_size TEXT NOT NULL, lot_size TEXT NOT NULL
);
CREATE TABLE counts (
    period_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL, instrument INTEGER NOT NULL,
    {", ".join(f"{name} {kind}" for name, (kind, _) in COUNTS.items())},
    PRIMARY KEY (period_ms, start_ms, instrument)
) WITHOUT ROWID;
CREATE TABLE reasons (
    period_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL, instrument INTEGER NOT NULL,
    kind TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (period_ms, start_ms, instrument, kind, reason)
) WITHOUT ROWID;
CREATE TABLE latencies (
    period_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL, shard INTEGER NOT NULL, instrument INTEGER NOT NULL,
    measure TEXT NOT NULL, histogram BLOB NOT NULL,
    PRIMARY KEY (period_ms, start_ms, shard, instrument, measure)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""
TABLES: Final = {
    "counts": (KEY, {name: rule for name, (_, rule) in COUNTS.items()}),
    "reasons": ((*KEY, "kind", "reason"), {"count": SUM}),
    "latencies": (
        ("period_ms", "start_ms", "shard", "instrument", "measure"),
        {"histogram": "merged({0}, excluded.{0})"},
    ),
}
"""Tables of periods: their keys, and their other columns with how a second row is added."""


def add_statement(table: str) -> str:
    """Write the statement that adds a row to a table of periods."""
    key, rules = TABLES[table]
    columns = [*key, *rules]
    changes = ", ".join(f"{name} = {rule.format(name)}" for name, rule in rules.items())
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


def key_of(table: str) -> tuple[str, ...]:
    """Name the columns that tell the rows of a table of periods apart."""
    return TABLES[table][0]


def columns_of(table: str) -> tuple[str, ...]:
    """Name the columns of a table of periods."""
    key, rules = TABLES[table]
    return (*key, *rules)
