"""Batches of commands: built from columns or rows, checked before anything is applied."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core
from aeromatch.market import records
from aeromatch.market.columns import Column, fail, first, integers, present, read, texts, words
from aeromatch.market.records import CLIENT_ID_DTYPE, COMMAND_DTYPE, SLOT_BYTES, TERMS_DTYPE

__all__ = ["Commands", "commands"]

NEW: Final = _core.CODES["CommandKind"]["new"]
CANCEL: Final = _core.CODES["CommandKind"]["cancel"]
AMEND: Final = _core.CODES["CommandKind"]["amend"]
MASS_CANCEL: Final = _core.CODES["CommandKind"]["mass_cancel"]
PHASE: Final = _core.CODES["CommandKind"]["phase"]

U32: Final = 2**32 - 1
U64: Final = 2**64 - 1

POST_ONLY: Final = {"false": 0, "true": records.FLAG_POST_ONLY, "slide": records.FLAG_POST_ONLY | records.FLAG_SLIDE}
NUMBERS: Final = {
    "order_id": ("order_id", "<u8", U64),
    "account": ("account", "<u4", U32),
    "instrument": ("instrument", "<u4", 2**24 - 1),
    "timestamp": ("timestamp_ns", "<u8", U64),
    "tag": ("tag", "<u8", U64),
}
# Argument: field of the terms slot, bit that says it is there, type, lowest and highest value of the field.
TERMS: Final = {
    "stop_price_ticks": ("stop_price_ticks", records.PRESENT_STOP_PRICE, "<i8", -(2**63), 2**63 - 1),
    "trail_offset_ticks": ("trail_offset", records.PRESENT_TRAIL_OFFSET, "<u8", 0, U64),
    "trail_offset_bps": ("trail_offset", records.PRESENT_TRAIL_OFFSET, "<u8", 0, U64),
    "display_lots": ("display_lots", records.PRESENT_DISPLAY, "<u8", 0, U64),
    "min_lots": ("minimum_lots", records.PRESENT_MINIMUM, "<u8", 0, U64),
    "expire_at": ("expire_at_ns", records.PRESENT_EXPIRE_AT, "<u8", 0, U64),
    "protection_price_ticks": ("protection_price_ticks", records.PRESENT_PROTECTION, "<i8", -(2**63), 2**63 - 1),
    "self_trade_group": ("self_trade_group", records.PRESENT_GROUP, "<u4", 1, U32),
}
ARGUMENTS: Final = frozenset(
    {"kind", "side", "order_type", "time_in_force", "price_ticks", "quantity_lots", "post_only", "phase"}
    | {"self_trade_prevention", "client_order_id"}
    | set(NUMBERS)
    | set(TERMS)
)


class Commands:
    """A batch of commands as 64-byte slots (docs/records.md), for `OrderBook.process`. Immutable.

    Build one with `aeromatch.commands(...)` or `Commands.from_rows(...)`; `len` is the number of commands.
    """

    __slots__ = ("_count", "_slots")

    def __init__(self, slots: Any, /) -> None:
        """Takes slots that are already there: an array of COMMAND_DTYPE or bytes, copied, checked when processed.

        Raises:
            TypeError: Neither an array of COMMAND_DTYPE nor bytes.
            ValueError: No whole number of slots, or the last command's extension slots are missing.
        """
        if isinstance(slots, (bytes, bytearray, memoryview)):
            if len(slots) % SLOT_BYTES:
                raise ValueError(f"slots: {len(slots)} bytes are no whole number of {SLOT_BYTES}-byte slots")
            slots = np.frombuffer(bytes(slots), dtype=COMMAND_DTYPE)
        if not isinstance(slots, np.ndarray) or slots.dtype != COMMAND_DTYPE or slots.ndim != 1:
            raise TypeError("slots must be a one-dimensional array of COMMAND_DTYPE, or bytes")
        self._slots = _frozen(slots.copy())
        self._count = _count(self._slots)

    @classmethod
    def _of(cls, slots: NDArray[np.void], count: int) -> "Commands":
        made = cls.__new__(cls)
        made._slots, made._count = _frozen(slots), count
        return made

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> "Commands":
        """The batch of rows: one mapping a command, with the arguments of `aeromatch.commands` as keys.

        Arguments:
            rows: A key that is left out, or None, has its default.

        Raises:
            TypeError: A row is no mapping, or a value has the wrong type.
            ValueError: A key is unknown, or a value is wrong; names column and row.
        """
        listed = list(rows)
        names: dict[str, None] = {}
        for number, row in enumerate(listed):
            if not isinstance(row, Mapping):
                raise TypeError(f"row {number} must be a mapping, not {type(row).__name__}")
            unknown = row.keys() - ARGUMENTS
            if unknown:
                raise ValueError(f"row {number}: unknown key {min(unknown, key=str)!r}")
            names.update(dict.fromkeys(row))
        columns = {name: [row.get(name) for row in listed] for name in names}
        return commands(**columns) if listed else cls._of(np.zeros(0, dtype=COMMAND_DTYPE), 0)

    @property
    def slots(self) -> NDArray[np.void]:
        """The slots, extension slots included (COMMAND_DTYPE, read-only)."""
        return self._slots

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<Commands: {self._count} in {len(self._slots)} slots>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Commands) and self._slots.tobytes() == other._slots.tobytes()

    def __hash__(self) -> int:
        return hash(self._slots.tobytes())

    def __reduce__(self) -> tuple[type["Commands"], tuple[bytes]]:
        return Commands, (self._slots.tobytes(),)


def _frozen(slots: NDArray[np.void]) -> NDArray[np.void]:
    slots.flags.writeable = False
    return slots


def _count(slots: NDArray[np.void]) -> int:
    """How many commands there are, walking over their extension slots."""
    if not slots["extensions"].any():
        return len(slots)
    extensions, texts, at, count = slots["extensions"].tolist(), slots["self_trade_prevention"].tolist(), 0, 0
    while at < len(extensions):
        # A bit is a slot, but for the one that says that texts follow: their number stands in another byte.
        has_texts = extensions[at] & records.EXTENSION_TEXTS
        at += 1 + (extensions[at] & ~records.EXTENSION_TEXTS).bit_count() + (texts[at] if has_texts else 0)
        count += 1
    if at > len(extensions):
        raise ValueError("slots: the last command's extension slots are missing")
    return count


def commands(
    *,
    kind: Any = "new",
    side: Any = None,
    order_type: Any = None,
    time_in_force: Any = None,
    price_ticks: Any = None,
    quantity_lots: Any = None,
    order_id: Any = None,
    account: Any = 0,
    instrument: Any = 0,
    timestamp: Any = 0,
    tag: Any = 0,
    post_only: Any = None,
    expire_at: Any = None,
    protection_price_ticks: Any = None,
    stop_price_ticks: Any = None,
    trail_offset_ticks: Any = None,
    trail_offset_bps: Any = None,
    display_lots: Any = None,
    min_lots: Any = None,
    self_trade_prevention: Any = None,
    self_trade_group: Any = None,
    client_order_id: Any = None,
    phase: Any = None,
) -> Commands:
    """Builds a batch of commands from columns.

    Every argument is one value for all commands, or a column: a sequence, or a NumPy, Arrow, Polars or pandas column.
    Missing values (None, nulls, masked entries) mean "not given". Words may also be the codes of docs/records.md.
    Fields that a row's kind does not use are left out of its slot; an argument that no row uses is an error.

    Arguments:
        kind: "new", "cancel", "amend", "mass_cancel", "phase" or "advance_time".
        side: "buy" or "sell"; of a mass cancel optional.
        order_type: "limit" (default), "market", "stop", "stop_limit", "trailing_stop" or "trailing_stop_limit"; a
            price only where it has a limit.
        time_in_force: "gtc" (default), "day", "gtd", "ioc", "fok" or "aon".
        price_ticks: Limit price in ticks, or an amend's new one.
        quantity_lots: Quantity in lots, or an amend's new total.
        order_id: The order to cancel or amend.
        account: Its number, 0 for none: `OrderBook.account_number(name)`.
        instrument: Its number.
        timestamp: Nanoseconds since the Unix epoch (R2).
        tag: The sender's own number, returned in the command's first event.
        post_only: False (default), True or "slide" (R13).
        expire_at: When a "gtd" order ends, in nanoseconds (R17).
        protection_price_ticks: A market order's worst price, in ticks (R12).
        stop_price_ticks: Last trade price that wakes a "stop" or "stop_limit" order, in ticks (R15).
        trail_offset_ticks: How far a trailing stop's price follows the last trade, in ticks; or
        trail_offset_bps: the same in basis points of that price.
        display_lots: What an iceberg shows at a time, in lots; 0: hidden (R14).
        min_lots: What the order finds on arrival must be nothing or at least this, in lots (R21).
        self_trade_prevention: The order's own mode (R25).
        self_trade_group: Orders of one group count as one owner (R25), from 1.
        client_order_id: The sender's own id (R5); of a cancel or amend in place of `order_id`.
        phase: The new phase of a "phase" command: "continuous", "pre_open", "auction", "halted" or "closed".

    Raises:
        TypeError: A column, or an entry, has the wrong type; names column and row.
        ValueError: Columns have unequal lengths, or an entry is unknown, missing, out of range, NaN or not whole.
    """
    given = dict(locals())
    return _Builder({name: read(name, value) for name, value in given.items()}).build()


class _Builder:
    """The columns of one call on their way into slots."""

    def __init__(self, columns: dict[str, Column | None]) -> None:
        self.columns = columns
        self.rows = self._length()
        self.extensions = np.zeros(self.rows, dtype=np.uint8)
        self.head = np.zeros(self.rows, dtype=COMMAND_DTYPE)

    def _length(self) -> int:
        lengths = {name: column.rows for name, column in self.columns.items() if column and column.rows is not None}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ValueError(f"columns of unequal length: {shown}")
        return next(iter(lengths.values()), 1)

    def build(self) -> Commands:
        head = self.head
        head["version"] = records.RECORD_VERSION
        kind = self._words("kind", "CommandKind", NEW)
        head["kind"] = NEW if kind is None else kind
        new = head["kind"] == NEW
        for name, (field, dtype, high) in NUMBERS.items():
            column = self.columns[name]
            if column is None:
                continue
            values = integers(column, dtype, 0, high)
            if name == "order_id":
                rows = (head["kind"] == CANCEL) | (head["kind"] == AMEND)
                if values.any():  # 0 is no order's id: a column of it names none
                    self._used(name, rows)
                values = np.where(rows, values, 0)
            # Mostly nothing but the default: not worth a walk over all slots.
            if values.any():
                head[field] = values
        self._sides(new)
        self._header(new)
        self._amounts(new)
        terms = self._terms(new)
        client_ids = self._client_ids(new)
        return self._interleave(terms, client_ids)

    def _words(self, name: str, table: str, missing: int) -> NDArray[np.uint8] | None:
        column = self.columns[name]
        return None if column is None else words(column, _core.CODES[table], missing)

    def _used(self, name: str, rows: NDArray[np.bool_]) -> Column | None:
        """The column, once it is sure that some row uses it."""
        column = self.columns[name]
        if column is not None and self.rows and present(column).any() and not rows.any():
            raise ValueError(f"{name}: no command of this batch uses it")
        return column

    def _sides(self, new: NDArray[np.bool_]) -> None:
        rows = new | (self.head["kind"] == MASS_CANCEL)
        self._used("side", rows)
        side = self._words("side", "Side", records.NO_SIDE)
        values = np.full(self.rows, records.NO_SIDE, dtype=np.uint8) if side is None else side
        self.head["side"] = np.where(rows, values, records.NO_SIDE)
        self._require("side", new & (self.head["side"] == records.NO_SIDE))

    def _require(self, name: str, absent: NDArray[np.bool_]) -> None:
        if absent.any():
            column = self.columns[name]
            row = first(absent)
            raise ValueError(f"{name}: missing" if column is None or column.scalar else f"{name}: row {row}: missing")

    def _header(self, new: NDArray[np.bool_]) -> None:
        for name, table, default in (("order_type", "OrderType", 0), ("time_in_force", "TimeInForce", 0)):
            self._used(name, new)
            values = self._words(name, table, default)
            if values is not None:
                self.head[name] = np.where(new, values, 0)
        self._used("self_trade_prevention", new)
        modes = self._words("self_trade_prevention", "SelfTradePrevention", 0)
        if modes is not None:
            self.head["self_trade_prevention"] = np.where(new, modes, 0)
        phases = self.head["kind"] == PHASE
        self._used("phase", phases)
        code = self._words("phase", "Phase", 255)
        self._require("phase", phases if code is None else phases & (code == 255))
        if code is not None:
            self.head["order_type"] = np.where(phases, code, self.head["order_type"])
        self._used("post_only", new)
        post_only = self._post_only()
        if post_only.any():
            self.head["flags"] = np.where(new, post_only, 0)

    def _post_only(self) -> NDArray[np.uint8]:
        column = self.columns["post_only"]
        if column is None:
            return np.zeros(self.rows, dtype=np.uint8)
        if column.values.dtype == np.bool_:
            return np.where(present(column) & column.values, records.FLAG_POST_ONLY, 0).astype(np.uint8)
        result = np.zeros(len(column.values), dtype=np.uint8)
        given = present(column)
        for row, entry in enumerate(column.values.tolist()):
            if isinstance(entry, bool):
                result[row] = POST_ONLY["true"] if entry else 0
            elif isinstance(entry, str) and entry == "slide":
                result[row] = POST_ONLY["slide"]
            elif given[row]:
                error = ValueError if isinstance(entry, str) else TypeError
                raise fail(column, row, f"must be True, False or 'slide', not {entry!r}", error)
        return result

    def _amounts(self, new: NDArray[np.bool_]) -> None:
        amend = self.head["kind"] == AMEND
        rows = new | amend
        column = self._used("price_ticks", rows)
        if column is not None:
            given = rows & present(column)
            self.head["price_ticks"] = np.where(given, integers(column, "<i8", -(2**63), 2**63 - 1), 0)
            self.head["flags"] |= np.where(given, records.FLAG_PRICE, 0).astype(np.uint8)
        column = self._used("quantity_lots", rows)
        if column is None:
            self._require("quantity_lots", new)
            return
        given = rows & present(column)
        self._require("quantity_lots", new & ~given)
        self.head["quantity_lots"] = np.where(given, integers(column, "<u8", 0, U64), 0)
        self.head["flags"] |= np.where(given & amend, records.FLAG_QUANTITY, 0).astype(np.uint8)

    def _terms(self, new: NDArray[np.bool_]) -> NDArray[np.void] | None:
        terms: NDArray[np.void] | None = None
        for name, (field, flag, dtype, low, high) in TERMS.items():
            column = self._used(name, new)
            if column is None:
                continue
            if terms is None:
                terms = np.zeros(self.rows, dtype=TERMS_DTYPE)
            given = new & present(column)
            values = integers(column, dtype, low, high)
            if name == "trail_offset_bps":
                self._exclude(column, given & ((terms["present"] & flag) != 0), "trail_offset_ticks")
                terms["trail_unit"] = np.where(given, records.TRAIL_BPS, 0)
            terms[field] = np.where(given, values, terms[field])
            terms["present"] |= np.where(given, flag, 0).astype(np.uint8)
        if terms is not None:
            self.extensions |= np.where(terms["present"] != 0, records.EXTENSION_TERMS, 0).astype(np.uint8)
        return terms

    def _exclude(self, column: Column, both: NDArray[np.bool_], other: str) -> None:
        if both.any():
            raise fail(column, first(both), f"{other} is given too, and they exclude one another")

    def _client_ids(self, new: NDArray[np.bool_]) -> NDArray[np.void] | None:
        kind = self.head["kind"]
        rows = new | (kind == CANCEL) | (kind == AMEND)
        column = self._used("client_order_id", rows)
        if column is None:
            return None
        ids = np.zeros(self.rows, dtype=CLIENT_ID_DTYPE)
        ids["length"], ids["text"] = texts(column)
        given = rows & present(column)
        self.extensions |= np.where(given, records.EXTENSION_CLIENT_ID, 0).astype(np.uint8)
        return ids

    def _interleave(self, terms: NDArray[np.void] | None, client_ids: NDArray[np.void] | None) -> Commands:
        if not self.extensions.any():
            return Commands._of(self.head, self.rows)
        self.head["extensions"] = self.extensions
        has_terms = (self.extensions & records.EXTENSION_TERMS) != 0
        has_client_id = (self.extensions & records.EXTENSION_CLIENT_ID) != 0
        ends = np.cumsum(1 + has_terms.astype(np.int64) + has_client_id)
        slots = np.zeros(int(ends[-1]), dtype=COMMAND_DTYPE)
        starts = ends - 1 - has_terms - has_client_id
        slots[starts] = self.head
        if terms is not None:
            slots.view(TERMS_DTYPE)[starts[has_terms] + 1] = terms[has_terms]
        if client_ids is not None:
            slots.view(CLIENT_ID_DTYPE)[ends[has_client_id] - 1] = client_ids[has_client_id]
        return Commands._of(slots, self.rows)
