"""Commands and events as tables: Parquet, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from aeromatch.replay.timeline.name_tables import name_tables
from aeromatch.replay.timeline.tables import Column, Table, commands_table, events_table

if TYPE_CHECKING:
    from aeromatch.replay.timeline.timeline import Timeline


class Writer(Protocol):
    """Where a table goes, part by part."""

    def write(self, table: Table) -> None:
        """Append rows."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def export_tables(
    timeline: Timeline,
    folder: Path,
    form: str,
    until: int,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[str, int]:
    """Write what comes after the timeline's moment, up to a command; the timeline stands there afterwards.

    Args:
        timeline: Stands before the first command to write.
        folder: Made if it is not there; files of the same names are replaced.
        form: One of `FORMATS`.
        until: The last command.
        progress: Called with the sequence number that is reached.

    Returns:
        The names of the files and the number of their rows.

    Raises:
        ImportError: pyarrow is missing: `pip install 'aeromatch[arrow]'`.
        OSError: The folder cannot be written to.
    """
    make = WRITERS[form]
    if form == "parquet":
        _arrow("pyarrow.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    rows = dict.fromkeys((f"{name}.{form}" for name in ("commands", "events", *name_tables(timeline))), 0)
    with ExitStack() as stack:
        writers = [make(folder / file) for file in rows]
        for writer in writers:
            stack.callback(writer.close)

        def put(*tables: Table | None) -> None:
            for file, writer, table in zip(rows, writers, tables, strict=False):
                if table is not None:
                    writer.write(table)
                    rows[file] += len(next(iter(table.values())))

        for batch in timeline.batches(until):
            put(commands_table(batch.commands.slots, batch.starts), events_table(batch.events))
            progress(timeline.sequence)
        put(None, None, *name_tables(timeline).values())
    return rows


def _rows(table: Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in table.values()), strict=True)


class CsvWriter:
    """A heading, then a line a row; missing values are empty."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._stream = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._stream)
        self._has_heading = False

    def write(self, table: Table) -> None:
        """Append rows."""
        if not self._has_heading:
            self._writer.writerow(table)
            self._has_heading = True
        self._writer.writerows(_rows(table))

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()


class JsonLinesWriter:
    """An object a line; missing values are left out."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._stream = path.open("w", encoding="utf-8")

    def write(self, table: Table) -> None:
        """Append rows."""
        for row in _rows(table):
            fields = {name: value for name, value in zip(table, row, strict=True) if value not in (None, "")}
            self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()


class ParquetWriter:
    """A Parquet file, a row group a part; words are dictionaries."""

    def __init__(self, path: Path) -> None:
        """Remember the path: the first rows say which columns there are."""
        self._path = path
        self._writer: Any = None

    def write(self, table: Table) -> None:
        """Append rows."""
        arrow = _arrow("pyarrow")
        columns = {name: _arrow_column(arrow, column) for name, column in table.items()}
        made = arrow.table(columns)
        if self._writer is None:
            self._writer = _arrow("pyarrow.parquet").ParquetWriter(self._path, made.schema)
        self._writer.write_table(made)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


def _arrow_column(arrow: Any, column: Column) -> Any:
    if column.dtype == object:
        return arrow.array(column, type=arrow.string())
    if isinstance(column, np.ma.MaskedArray):
        return arrow.array(column.data, mask=np.ma.getmaskarray(column))
    return arrow.array(column)


def _arrow(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError("pyarrow is not installed: pip install 'aeromatch[arrow]'", name="pyarrow") from error


WRITERS: Final[Mapping[str, Callable[[Path], Writer]]] = {
    "parquet": ParquetWriter,
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
}
FORMATS: Final = tuple(WRITERS)
