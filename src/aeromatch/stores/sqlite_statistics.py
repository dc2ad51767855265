"""Statistics in a SQLite file: rows by period, kept as long as each period says, beside how far the log is counted.

Rows and position change in one transaction (`add`). The file is in WAL mode: it is read while it is written, by this
class, by `sqlite3` or by anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aeromatch._core import Histogram
from aeromatch.market.periods import DEFAULT_PERIODS_MS, duration_ms, duration_text, periods_of, retention_of
from aeromatch.stores.sqlite_file import SqliteFile, StoreError
from aeromatch.stores.sqlite_schema import (
    APPLICATION_ID,
    SCHEMA,
    SCHEMA_VERSION,
    WIDE,
    add_statement,
    columns_of,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from os import PathLike

    import pandas as pd

MILLISECOND_NS: Final = 1_000_000
NOWHERE: Final = (0, 0, 0, 0)
ALL: Final = 0
"""Stands for all instruments together."""


class Measured(NamedTuple):
    """What was measured in one period, of one instrument or of all."""

    start_ms: int
    """When the period began, in milliseconds since the Unix epoch."""
    instrument: int
    """Its number; 0: all together."""
    symbol: str
    """Its name; "*": all together."""
    measure: str
    """What (docs/statistics.md)."""
    histogram: Histogram


class SqliteStatistics(SqliteFile):
    """Statistics in one file. May be used from several threads; several processes may have it open."""

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        periods: Iterable[str | int] | None = None,
        retention: Mapping[str | int, str | int | None] | None = None,
        read_only: bool = False,
    ) -> None:
        """Open a file, or make it.

        Args:
            path: The file.
            periods: What events are counted by, such as "1s", "5min" or milliseconds. Fixed when the file is made: by
                default 1 s, 1 min, 1 h and 1 d. None: those that the file has.
            retention: How long rows of a period stay, such as {"1s": "1d"}; None as a value: for ever. May be changed
                each time the file is opened; what is not named stays as it was.
            read_only: Make and change nothing; the folder need not be writable.

        Raises:
            TypeError: A period or a retention is no duration.
            ValueError: It is none, or is not for a period that is counted.
            StoreError: The file is something else, damaged, of another schema version, has other periods, or is not
                there and must not be made.
        """
        wanted = None if periods is None else periods_of(periods)
        super().__init__(path, what="statistics", read_only=read_only)
        try:
            with self._named():
                self._prepare(wanted, retention, read_only)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(
        self,
        wanted: tuple[int, ...] | None,
        retention: Mapping[str | int, str | int | None] | None,
        read_only: bool,
    ) -> None:
        connection = self._connection
        connection.create_function("exact_sum", 2, _exact_sum, deterministic=True)
        connection.create_function("merged", 2, _merged, deterministic=True)
        if not read_only:
            self._write_ahead()
            with self._transaction():
                if self._is_empty():
                    self._make(wanted or DEFAULT_PERIODS_MS)
        self._check(wanted)
        if retention and not read_only:
            named = {duration_ms(period) for period in retention}
            kept = [(span, it) for it, span in retention_of(self.periods_ms, retention).items() if it in named]
            with self._transaction():
                connection.executemany("UPDATE periods SET retention_ms = ? WHERE period_ms = ?", kept)

    def _make(self, periods_ms: tuple[int, ...]) -> None:
        for statement in SCHEMA.split(";"):
            self._connection.execute(statement)
        self._connection.executemany("INSERT INTO periods VALUES (?, ?)", retention_of(periods_ms, None).items())

    def _check(self, wanted: tuple[int, ...] | None) -> None:
        found = self._pragma("application_id")
        if found != APPLICATION_ID:
            raise StoreError(f"{self.path}: a database of something else, not statistics of AeroMatch")
        version = self._pragma("user_version")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{self.path}: statistics of schema version {version}; this AeroMatch knows {SCHEMA_VERSION}"
            )
        self._periods_ms = tuple(
            period for (period,) in self._connection.execute("SELECT period_ms FROM periods ORDER BY period_ms")
        )
        if wanted is not None and wanted != self._periods_ms:
            has, asked = (", ".join(map(duration_text, periods)) for periods in (self._periods_ms, wanted))
            raise StoreError(f"{self.path}: counts by {has}, not by {asked}: other periods need a file of their own")

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """What events are counted by, in milliseconds, ascending."""
        return self._periods_ms

    @property
    def retention_ms(self) -> dict[int, int | None]:
        """How long rows of each period stay, in milliseconds; None: for ever."""
        with self._named():
            return dict(self._connection.execute("SELECT period_ms, retention_ms FROM periods ORDER BY period_ms"))

    def positions(self) -> dict[int, tuple[int, ...]]:
        """How far the log of each shard is counted: sequence, time, and the mark by which the log is known again."""
        with self._named():
            rows = self._connection.execute("SELECT * FROM positions ORDER BY shard").fetchall()
        return {shard: (sequence, int(time_ns), *mark) for shard, sequence, time_ns, *mark in rows}

    def add(
        self,
        shard: int,
        before: tuple[int, ...],
        after: tuple[int, ...],
        counts: Mapping[str, Sequence[Any]],
        reasons: Mapping[str, Sequence[Any]],
    ) -> bool:
        """Add rows to what there is, move the shard's position and drop what is no longer kept: all of it, or nothing.

        Returns:
            False, and nothing was done, where the position is no longer `before`: someone else has counted on.
        """
        with self._named(), self._transaction():
            if self.positions().get(shard, NOWHERE) != tuple(before):
                return False
            sequence, time_ns, *mark = after
            self._connection.execute(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)", (shard, sequence, str(time_ns), *mark)
            )
            self._add("counts", counts)
            self._add("reasons", reasons)
            self._prune("counts", ("reasons",), counts)
        return True

    def add_latencies(self, latencies: Mapping[str, Sequence[Any]]) -> None:
        """Add histograms to what there is, and drop those that are no longer kept."""
        with self._named(), self._transaction():
            self._add("latencies", latencies)
            self._prune("latencies", (), latencies)

    def _add(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if not columns:
            return
        values = [
            [None if value is None else str(value) for value in columns[name]] if name in WIDE else columns[name]
            for name in columns_of(table)
        ]
        self._connection.executemany(add_statement(table), zip(*values, strict=True))

    def _prune(self, table: str, others: Iterable[str], added: Mapping[str, Sequence[Any]]) -> None:
        """Drop periods that began so much before the table's latest one that they are no longer kept."""
        touched = set(added.get("period_ms", ()))
        for period_ms, retention_ms in self.retention_ms.items():
            if retention_ms is None or period_ms not in touched:
                continue
            latest = f"SELECT max(start_ms) FROM {table} WHERE period_ms = ?"
            (edge_ms,) = self._connection.execute(latest, (period_ms,)).fetchone()
            for each in (table, *others):
                dropped = f"DELETE FROM {each} WHERE period_ms = ? AND start_ms <= ?"
                self._connection.execute(dropped, (period_ms, edge_ms - retention_ms))

    def set_instruments(self, instruments: Mapping[str, Sequence[Any]]) -> None:
        """Keep the instruments' names and sizes: columns `number`, `symbol`, `tick_size`, `lot_size`."""
        columns = [instruments[name] for name in ("number", "symbol", "tick_size", "lot_size")]
        with self._named(), self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO instruments VALUES (?, ?, ?, ?)", zip(*columns, strict=True)
            )

    def instruments(self) -> dict[int, tuple[str, str, str]]:
        """Symbol, tick size and lot size of each instrument, by number."""
        with self._named():
            rows = self._connection.execute("SELECT * FROM instruments ORDER BY number").fetchall()
        return {number: (symbol, tick_size, lot_size) for number, symbol, tick_size, lot_size in rows}

    def query(
        self,
        period: str | int,
        *,
        table: str = "counts",
        instrument: str | int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        last: int | None = None,
    ) -> dict[str, list[Any]]:
        """Give rows, in order of time and instrument, as columns by name (docs/statistics.md).

        Args:
            period: Of which length, such as "1min".
            table: "counts", or "reasons" of rejections and cancels.
            instrument: A symbol or a number; 0: all together; None: all together and each.
            since_ns: No periods that began before, in nanoseconds since the Unix epoch.
            until_ns: No periods that began at this time or later.
            last: Only so many rows, the latest.

        Raises:
            ValueError: No such period, table or instrument.
            StoreError: The file is damaged.
        """
        if table not in ("counts", "reasons"):
            raise ValueError(f"table must be 'counts' or 'reasons', not {table!r}")
        names = columns_of(table)
        where, values = self._where(period, since_ns, until_ns)
        if instrument is not None:
            where, values = f"{where} AND instrument = ?", [*values, self._number(instrument)]
        rows = self._select(table, names, where, values, last)
        columns: dict[str, list[Any]] = {name: [row[place] for row in rows] for place, name in enumerate(names)}
        for name in WIDE:
            if name in columns:
                columns[name] = [None if text is None else int(text) for text in columns[name]]
        symbols = list(map(self._symbols(), columns["instrument"]))
        place = names.index("instrument") + 1
        return dict([*list(columns.items())[:place], ("symbol", symbols), *list(columns.items())[place:]])

    def query_latencies(
        self,
        period: str | int,
        *,
        instrument: str | int | None = None,
        shard: int | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
    ) -> list[Measured]:
        """Give what was measured, in order of time and instrument: histograms, merged where several make one row.

        Args:
            period: Of which length, such as "1min".
            instrument: A symbol or a number; 0: all together; None: all together and each. Of one instrument there is
                the time of matching only.
            shard: Of one shard; None: of all of them.
            since_ns: No periods that began before, in nanoseconds since the Unix epoch.
            until_ns: No periods that began at this time or later.

        Raises:
            ValueError: No such period or instrument.
            StoreError: The file is damaged.
        """
        where, values = self._where(period, since_ns, until_ns)
        wanted = None if instrument is None else self._number(instrument)
        for column, value in (("shard", shard), ("instrument", wanted or None)):
            if value is not None:
                where, values = f"{where} AND {column} = ?", [*values, value]
        found: dict[tuple[int, int, str], Histogram] = {}
        names = ("start_ms", "instrument", "measure", "histogram")
        for start_ms, number, measure, data in self._select("latencies", names, where, values, None):
            try:
                histogram = Histogram.from_bytes(data)
            except (TypeError, ValueError) as error:
                raise StoreError(
                    f"{self.path}: {measure} of the period that began at {start_ms} ms: {error}"
                ) from error
            for row in {ALL, number} if wanted is None else {wanted}:
                found.setdefault((start_ms, row, measure), Histogram()).merge(histogram)
        known = self._symbols()
        return [
            Measured(start_ms, number, known(number), measure, found[start_ms, number, measure])
            for start_ms, number, measure in sorted(found)
        ]

    def to_pandas(self, period: str | int, **chosen: Any) -> pd.DataFrame:
        """Give what `query` gives as a pandas DataFrame; `start` is a timestamp.

        Raises:
            ImportError: pandas is missing: `pip install 'aeromatch[pandas]'`.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("pandas is not installed: pip install 'aeromatch[pandas]'", name="pandas") from error
        frame = pd.DataFrame(self.query(period, **chosen))
        frame.insert(0, "start", pd.to_datetime(frame["start_ms"], unit="ms", utc=True))
        return frame

    def _where(self, period: str | int, since_ns: int | None, until_ns: int | None) -> tuple[str, list[Any]]:
        period_ms = duration_ms(period)
        if period_ms not in self._periods_ms:
            has = ", ".join(map(duration_text, self._periods_ms))
            raise ValueError(f"period: {self.path} counts by {has}, not by {duration_text(period_ms)}")
        where, values = "period_ms = ?", [period_ms]
        if since_ns is not None:
            where, values = f"{where} AND start_ms >= ?", [*values, -(-since_ns // MILLISECOND_NS)]
        if until_ns is not None:
            where, values = f"{where} AND start_ms < ?", [*values, -(-until_ns // MILLISECOND_NS)]
        return where, values

    def _number(self, instrument: str | int) -> int:
        if isinstance(instrument, int):
            return instrument
        for number, (symbol, _, _) in self.instruments().items():
            if symbol == instrument:
                return number
        raise ValueError(f"instrument: {self.path} has none that is called {instrument!r}")

    def _symbols(self) -> Callable[[int], str]:
        """What an instrument is called that has this number."""
        known = self.instruments()
        return lambda number: known.get(number, (f"#{number}",))[0] if number != ALL else "*"

    def _select(
        self, table: str, names: Iterable[str], where: str, values: Sequence[Any], last: int | None
    ) -> list[tuple[Any, ...]]:
        order = "DESC" if last is not None else "ASC"
        key = ", ".join(f"{name} {order}" for name in key_of(table))
        limit = "" if last is None else f" LIMIT {int(last)}"
        statement = f"SELECT {', '.join(names)} FROM {table} WHERE {where} ORDER BY {key}{limit}"
        with self._named():
            rows = self._connection.execute(statement, values).fetchall()
        return rows if last is None else rows[::-1]


def _exact_sum(left: str | None, right: str | None) -> str | None:
    """Add whole numbers of any size; None is nothing."""
    if left is None or right is None:
        return right if left is None else left
    return str(int(left) + int(right))


def _merged(left: bytes, right: bytes) -> bytes:
    both = Histogram.from_bytes(left)
    both.merge(Histogram.from_bytes(right))
    return both.to_bytes()
