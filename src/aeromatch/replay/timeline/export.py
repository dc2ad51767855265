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
from numpy.typing import NDArray

from aeromatch import TERMS_DTYPE, _core
from aeromatch.market.records import (
    CLIENT_ID_DTYPE,
    EXTENSION_CLIENT_ID,
    EXTENSION_TERMS,
    FLAG_POST_ONLY,
    FLAG_PRICE,
    FLAG_QUANTITY,
    FLAG_SLIDE,
    PRESENT_DISPLAY,
    PRESENT_EXPIRE_AT,
    PRESENT_GROUP,
    PRESENT_MINIMUM,
    PRESENT_PROTECTION,
    PRESENT_STOP_PRICE,
    PRESENT_TRAIL_OFFSET,
    TRAIL_BPS,
)
from aeromatch.replay.timeline.words import WORDS, texts_of

if TYPE_CHECKING:
    from aeromatch.replay.timeline.timeline import Timeline

KINDS: Final = _core.CODES["CommandKind"]
POST_ONLY: Final = np.array(["true", "", "slide"], dtype=object)
TERM_COLUMNS: Final = {
    "stop_price_ticks": ("stop_price_ticks", PRESENT_STOP_PRICE),
    "trail_offset": ("trail_offset", PRESENT_TRAIL_OFFSET),
    "display_lots": ("display_lots", PRESENT_DISPLAY),
    "min_lots": ("minimum_lots", PRESENT_MINIMUM),
    "expire_at_ns": ("expire_at_ns", PRESENT_EXPIRE_AT),
    "protection_price_ticks": ("protection_price_ticks", PRESENT_PROTECTION),
    "self_trade_group": ("self_trade_group", PRESENT_GROUP),
}

Column = NDArray[Any]
"""Numbers, masked where there is no value; or objects: texts and None."""
Table = Mapping[str, Column]


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
    rows = dict.fromkeys((f"{name}.{form}" for name in ("commands", "events", "instruments", "accounts")), 0)
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
            put(commands_table(batch.commands.slots, batch.starts), batch.events.columns())
            progress(timeline.sequence)
        put(None, None, _instruments(timeline), _accounts(timeline))
    return rows


def commands_table(slots: NDArray[np.void], starts: NDArray[np.uint32]) -> Table:
    """Put commands into columns, by the names of docs/records.md; what a command does not have is missing.

    Args:
        slots: Of all commands, extension slots included.
        starts: The place of each command's own slot.
    """
    head = slots[starts]
    kind = head["kind"]
    orders = np.isin(kind, list(WORDS["CommandKind"]))
    new = kind == KINDS["new"]
    flags = head["flags"]
    table: dict[str, Column] = {"sequence": head["sequence"], "kind": _words("CommandKind", "AdminKind")[kind]}
    for name in ("timestamp_ns", "instrument", "account", "order_id", "tag"):
        table[name] = _where(head[name] != 0, head[name])
    table["side"] = _text(orders, _words("Side")[head["side"]])
    table["order_type"] = _text(new, _words("OrderType")[head["order_type"]])
    table["phase"] = _text(kind == KINDS["phase"], _words("Phase")[head["order_type"]])
    table["time_in_force"] = _text(new, _words("TimeInForce")[head["time_in_force"]])
    table["self_trade_prevention"] = _text(new, _words("SelfTradePrevention")[head["self_trade_prevention"]])
    table["post_only"] = _text(flags & FLAG_POST_ONLY != 0, POST_ONLY[flags & FLAG_SLIDE])
    table["price_ticks"] = _where(flags & FLAG_PRICE != 0, head["price_ticks"])
    quantity = new | (flags & FLAG_QUANTITY != 0) | ~orders
    table["quantity_lots"] = _where(quantity, head["quantity_lots"])
    return table | _terms(slots, starts, orders) | _names(slots, starts, orders)


def _terms(slots: NDArray[np.void], starts: NDArray[np.uint32], orders: NDArray[np.bool_]) -> dict[str, Column]:
    """The extension slots of orders; of other commands the slots behind are something else."""
    extensions = slots["extensions"][starts]
    has_terms = orders & (extensions & EXTENSION_TERMS != 0)
    has_client_id = orders & (extensions & EXTENSION_CLIENT_ID != 0)
    terms = np.zeros(len(starts), dtype=TERMS_DTYPE)
    terms[has_terms] = slots[starts[has_terms] + 1].view(TERMS_DTYPE)
    columns: dict[str, Column] = {}
    for name, (field, bit) in TERM_COLUMNS.items():
        columns[name] = _where(terms["present"] & bit != 0, terms[field])
    trail = np.where(terms["trail_unit"] == TRAIL_BPS, "basis_points", "ticks").astype(object)
    columns["trail_unit"] = _text(terms["present"] & PRESENT_TRAIL_OFFSET != 0, trail)
    ids = np.full(len(starts), None, dtype=object)
    places = starts[has_client_id] + 1 + has_terms[has_client_id]
    found = slots[places].view(CLIENT_ID_DTYPE)["text"]
    ids[has_client_id] = [text.decode("ascii", "replace") for text in found]
    columns["client_order_id"] = ids
    return columns


def _names(slots: NDArray[np.void], starts: NDArray[np.uint32], orders: NDArray[np.bool_]) -> dict[str, Column]:
    """The texts of commands to the exchange itself, as a JSON list."""
    column = np.full(len(starts), None, dtype=object)
    ends = np.append(starts[1:], len(slots))
    for row in np.flatnonzero(~orders):
        texts = texts_of(slots[starts[row] : ends[row]].tobytes())
        column[row] = json.dumps(texts, ensure_ascii=False) if texts else None
    return {"names": column}


def _where(given: NDArray[np.bool_], values: NDArray[Any]) -> Column:
    return np.ma.MaskedArray(values, mask=~given)


def _text(given: NDArray[np.bool_], words: NDArray[Any]) -> Column:
    column = np.full(len(words), None, dtype=object)
    shown = given & np.not_equal(words, "").astype(np.bool_)
    column[shown] = words[shown]
    return column


def _words(*tables: str) -> NDArray[Any]:
    words = np.full(256, "", dtype=object)
    for table in tables:
        for code, word in WORDS[table].items():
            words[code] = word
    return words


def _instruments(timeline: Timeline) -> Table:
    found = timeline.instruments()
    return {
        "number": np.array([instrument.number for instrument in found], dtype=np.uint32),
        "symbol": np.array([instrument.symbol for instrument in found], dtype=object),
        "tick_size": np.array([str(instrument.tick_size) for instrument in found], dtype=object),
        "lot_size": np.array([str(instrument.lot_size) for instrument in found], dtype=object),
    }


def _accounts(timeline: Timeline) -> Table:
    names = timeline.accounts()
    return {"number": np.arange(1, len(names) + 1, dtype=np.uint32), "name": np.array(names, dtype=object)}


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
