"""The events of a batch: one array of records in place, and the same as tables of other libraries."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core
from aeromatch.market.records import (
    EVENT_DTYPE,
    LEVEL_CHANGE_DTYPE,
    NO_SIDE,
    SHAPE_MIRRORED,
    SHAPE_SLICES,
    SHAPE_UNDISPLAYED,
)

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["Events"]

ACCEPTED: Final = _core.CODES["EventKind"]["accepted"]
REJECTED: Final = _core.CODES["EventKind"]["rejected"]
CANCELED: Final = _core.CODES["EventKind"]["canceled"]
PHASE: Final = _core.CODES["EventKind"]["phase"]
CREATED: Final = _core.CODES["EventKind"]["created"]
SETTLED: Final = _core.CODES["EventKind"]["settled"]
# What the reason byte says, by kind of event.
REASONS: Final = (
    (REJECTED, "RejectReason"),
    (CANCELED, "CancelReason"),
    (PHASE, "Phase"),
    (CREATED, "CreatedKind"),
    (SETTLED, "SettlementMode"),
)
SHAPES: Final = np.uint8(SHAPE_UNDISPLAYED | SHAPE_SLICES | SHAPE_MIRRORED)
NO_SHAPE: Final = np.uint8(255)


class Events:
    """The events of a batch, in order (R7), as `OrderBook.process` and `Exchange.process` return them. Immutable.

    The records stay where the engine wrote them: `to_numpy()` is a view, no copy. Iterating and indexing give `Event`
    objects. Prices are ticks and quantities lots in every table; an `Event` has them as Decimals.
    """

    __slots__ = ("_array", "_buffer")

    def __init__(self, buffer: _core.EventBuffer, /) -> None:
        self._buffer = buffer
        self._array = _view(buffer, EVENT_DTYPE)

    def __len__(self) -> int:
        return len(self._buffer)

    def __iter__(self) -> Iterator[_core.Event]:
        return map(self._buffer.event, range(len(self._buffer)))

    def __getitem__(self, place: int, /) -> _core.Event:
        """The event at a place, from 0, or from the end if negative.

        Raises:
            IndexError: There is no such event.
        """
        at = place + len(self) if place < 0 else place
        if at < 0:
            raise IndexError("no such event")
        return self._buffer.event(at)

    def __repr__(self) -> str:
        counts = np.bincount(self._array["kind"], minlength=len(_core.EventKind) + 1)
        parts = [f"{kind}={counts[code]}" for kind, code in _core.CODES["EventKind"].items() if counts[code]]
        return f"<Events: {', '.join([f'{len(self)} of {self.commands} commands', *parts])}>"

    @property
    def commands(self) -> int:
        """Number of commands that the batch had."""
        return self._buffer.commands

    @property
    def trades(self) -> NDArray[np.void]:
        """The trades as records of EVENT_DTYPE, in order: maker `order_id`, taker `other`, trade id `detail`."""
        return self.of_kind("trade")

    @property
    def level_changes(self) -> NDArray[np.void]:
        """Each level that a command changed, as it left it: bids, then asks, best first (R7).

        Raises:
            ValueError: They were not asked for: `process(batch, level_changes=True)`.
        """
        changes = self._buffer.changes
        if changes is None:
            raise ValueError("level_changes: ask for them with process(batch, level_changes=True)")
        return _view(changes, LEVEL_CHANGE_DTYPE)

    def of_kind(self, kind: str) -> NDArray[np.void]:
        """The records of one kind, in order.

        Arguments:
            kind: An EventKind or its word.

        Raises:
            ValueError: There is no such kind.
        """
        records: NDArray[np.void] = self._array[self._array["kind"] == _core.CODES["EventKind"][_core.EventKind(kind)]]
        return records

    def of_command(self, sequence: int) -> NDArray[np.void]:
        """The records of one command, by its sequence number (R4); none if it is not of this batch."""
        if not 0 <= sequence < 2**64:
            return self._array[:0]
        # Sequence numbers only rise, so the records of one command stand together. The key has the column's own type:
        # any other would turn both into floats.
        column, key = self._array["sequence"], np.uint64(sequence)
        first, last = column.searchsorted(key, "left"), column.searchsorted(key, "right")
        records: NDArray[np.void] = self._array[first:last]
        return records

    def to_numpy(self) -> NDArray[np.void]:
        """All records, read-only and in place (EVENT_DTYPE)."""
        return self._array

    def columns(self) -> dict[str, NDArray[Any]]:
        """The records as columns: words where records have codes, "" where an event has no side, reason or order type.

        `order_type`, `undisplayed` and `iceberg` are those of the new orders that were accepted.
        """
        array = self._array
        columns: dict[str, NDArray[Any]] = {"kind": _words("EventKind")[array["kind"]]}
        reason = np.full(len(array), "", dtype=object)
        for kind, table in REASONS:
            rows = array["kind"] == kind
            reason[rows] = _words(table)[array["reason"][rows]]
        columns["reason"] = reason
        columns["side"] = _words("Side")[array["side"]]
        shape = np.where((array["kind"] == ACCEPTED) & (array["side"] != NO_SIDE), array["reason"], NO_SHAPE)
        columns["order_type"] = _words("OrderType")[shape & ~SHAPES]
        columns["undisplayed"] = (shape != NO_SHAPE) & (shape & SHAPE_UNDISPLAYED != 0)
        columns["iceberg"] = (shape != NO_SHAPE) & (shape & SHAPE_SLICES != 0)
        for name in (
            "instrument",
            "account",
            "price_ticks",
            "quantity_lots",
            "order_id",
            "other",
            "sequence",
            "index",
            "detail",
        ):
            columns[name] = np.ascontiguousarray(array[name])
        return columns

    def to_arrow(self) -> "pa.Table":
        """The events as a pyarrow Table.

        Raises:
            ImportError: pyarrow is missing: `pip install 'aeromatch[arrow]'`.
        """
        arrow: Any = _library("pyarrow", "arrow")
        dictionary = arrow.dictionary(arrow.int8(), arrow.string())
        columns = {
            name: arrow.array(values, type=arrow.string()).cast(dictionary)
            if values.dtype == object
            else arrow.array(values)
            for name, values in self.columns().items()
        }
        table: pa.Table = arrow.table(columns)
        return table

    def to_polars(self) -> "pl.DataFrame":
        """The events as a polars DataFrame.

        Raises:
            ImportError: polars is missing: `pip install 'aeromatch[polars]'`.
        """
        polars: Any = _library("polars", "polars")
        columns = {
            name: polars.Series(name, values.tolist(), dtype=polars.Categorical) if values.dtype == object else values
            for name, values in self.columns().items()
        }
        table: pl.DataFrame = polars.DataFrame(columns)
        return table

    def to_pandas(self) -> "pd.DataFrame":
        """The events as a pandas DataFrame.

        Raises:
            ImportError: pandas is missing: `pip install 'aeromatch[pandas]'`.
        """
        pandas: Any = _library("pandas", "pandas")
        columns = {
            name: pandas.Categorical(values) if values.dtype == object else values
            for name, values in self.columns().items()
        }
        table: pd.DataFrame = pandas.DataFrame(columns)
        return table


def _view(buffer: Any, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """The buffer's records in place, read-only."""
    return np.frombuffer(memoryview(buffer), dtype=dtype)


def _words(table: str) -> NDArray[Any]:
    """Words by code, "" for codes without one."""
    words = np.full(256, "", dtype=object)
    for word, code in _core.CODES[table].items():
        words[code] = word
    return words


def _library(name: str, extra: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{name} is not installed: pip install 'aeromatch[{extra}]'", name=name) from error


_core.register_events(Events)
