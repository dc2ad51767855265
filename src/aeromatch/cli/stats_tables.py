"""Rows of statistics: as columns for export, and as text for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch.market.periods import UNITS_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aeromatch._core import Histogram
    from aeromatch.stores import SqliteStatistics

TABLES: Final = ("counts", "reasons", "latencies")
WIDE: Final = ("volume_lots", "notional")
PRICES: Final = ("open_ticks", "high_ticks", "low_ticks", "last_ticks")
PERCENTILES: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9}
ALL: Final = 0
LONG_AGO_MS, FAR_AHEAD_MS = 10**11, 10**14
"""Between these a time is shown as a date: from 1973 on; times of tests and simulations often start at 0."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows."""

    period_ms: int | None
    instruments: tuple[str | int, ...] | None
    """None: every one, and all together."""
    shard: int | None
    since_ns: int | None
    until_ns: int | None

    def period_of(self, store: SqliteStatistics) -> int:
        """The period that was asked for, or the one that is shown where nothing was."""
        if self.period_ms is not None:
            return self.period_ms
        return UNITS_MS["min"] if UNITS_MS["min"] in store.periods_ms else store.periods_ms[-1]


def rows_of(store: SqliteStatistics, table: str, choice: Choice, last: int | None = None) -> dict[str, list[Any]]:
    """Give the chosen rows of `counts` or `reasons` as columns, in order of time.

    Raises:
        ValueError: There is no such period or instrument.
    """
    period = choice.period_of(store)
    found: dict[str, list[Any]] = {}
    for instrument in choice.instruments or (None,):
        columns = store.query(
            period,
            table=table,
            instrument=instrument,
            since_ns=choice.since_ns,
            until_ns=choice.until_ns,
            last=last,
        )
        for name, values in columns.items():
            found.setdefault(name, []).extend(values)
    order = sorted(range(len(found["start_ms"])), key=lambda row: found["start_ms"][row])
    order = order if last is None else order[-last:] if last else []
    return {name: [values[row] for row in order] for name, values in found.items()}


def measured(store: SqliteStatistics, choice: Choice) -> dict[str, list[Any]]:
    """Give the chosen latencies as columns, in order of time: count, mean, percentiles and extremes of each measure.

    Raises:
        ValueError: There is no such period or instrument.
    """
    period_ms = choice.period_of(store)
    found = [
        it
        for instrument in choice.instruments or (None,)
        for it in store.query_latencies(
            period_ms, instrument=instrument, shard=choice.shard, since_ns=choice.since_ns, until_ns=choice.until_ns
        )
    ]
    names = ("period_ms", "start_ms", "instrument", "symbol", "measure", *_summary(None))
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for *where, histogram in sorted(found, key=lambda it: it.start_ms):
        for values, value in zip(columns.values(), (period_ms, *where, *_summary(histogram).values()), strict=True):
            values.append(value)
    return columns


def _summary(histogram: Histogram | None) -> dict[str, Any]:
    names = ("count", "mean", "min", *PERCENTILES, "max")
    if histogram is None:
        return dict.fromkeys(names)
    at = (histogram.percentile(percent) for percent in PERCENTILES.values())
    return dict(zip(names, (histogram.count, histogram.mean, histogram.min, *at, histogram.max), strict=True))


def columns_of(store: SqliteStatistics, table: str, choice: Choice) -> dict[str, Any]:
    """Give a table as columns that an export takes: wide sums as text, prices masked where nothing traded."""
    columns = measured(store, choice) if table == "latencies" else rows_of(store, table, choice)
    exported: dict[str, Any] = {}
    for name, values in columns.items():
        if name in WIDE:
            exported[name] = np.array([None if value is None else str(value) for value in values], dtype=object)
        elif name in PRICES:
            missing = [value is None for value in values]
            filled = np.array([0 if value is None else value for value in values], dtype=np.int64)
            exported[name] = np.ma.MaskedArray(filled, mask=missing)
        elif name in ("symbol", "kind", "reason", "measure"):
            exported[name] = np.array(values, dtype=object)
        else:
            exported[name] = np.array(values, dtype=np.float64 if name == "mean" else np.int64)
    return exported


def in_money(store: SqliteStatistics, columns: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Give the rows of `counts` with prices and volumes as people write them; of all together volume is in lots."""
    sizes = {number: (Decimal(tick), Decimal(lot)) for number, (_, tick, lot) in store.instruments().items()}
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        tick, lot = sizes.get(row["instrument"], (Decimal(1), Decimal(1)))
        shown = {name: row[name] for name in row if name not in (*WIDE, *PRICES)}
        shown["volume"] = _times(row["volume_lots"], lot)
        shown["turnover"] = _times(row["notional"], tick * lot)
        shown |= {name.removesuffix("_ticks"): _times(row[name], tick) for name in PRICES}
        yield shown


def _times(count: int | None, size: Decimal) -> Decimal | None:
    """A whole number times a decimal, exact whatever its size."""
    if count is None:
        return None
    sign, digits, exponent = size.as_tuple()
    product = count * int("".join(map(str, digits))) * (-1 if sign else 1)
    return Decimal((product < 0, tuple(map(int, str(abs(product)))), int(exponent)))


def time_text(time_ms: int, period_ms: int) -> str:
    """Show when a period begins, to the digits that it needs; plain milliseconds where it is hardly meant as a date."""
    if not LONG_AGO_MS <= time_ms < FAR_AHEAD_MS:
        return f"{time_ms:,} ms"
    at = datetime.fromtimestamp(time_ms // 1_000, UTC)
    if period_ms % UNITS_MS["d"] == 0:
        return f"{at:%Y-%m-%d}"
    if period_ms % UNITS_MS["min"] == 0:
        return f"{at:%Y-%m-%dT%H:%M}Z"
    return f"{at:%Y-%m-%dT%H:%M:%S}" + ("Z" if period_ms % 1_000 == 0 else f".{time_ms % 1_000:03}Z")
