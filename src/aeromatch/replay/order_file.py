"""Order files: one instruction of a trader a line, `;`-separated.

    ordtype;uid;is_buy;qty;price;timestamp
    new;55;False;3;95.8;2019-05-23 09:00:30.216
    modif;55;;2;;2019-05-23 09:00:30.337
    cancel;55;;1;;2019-05-23 09:00:31.000

`new` enters a limit order. `modif` takes `qty` away from an order, `cancel` all of it (there `qty` is what was left).
The parser streams, and a line that it cannot read comes out as `Malformed` instead of an exception.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from aeromatch.replay.lines import Malformed, malformed, numbered_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER: Final = b"ordtype;uid;is_buy;qty;price;timestamp"
MAX_QUANTITY: Final = 1 << 48
NANOSECONDS: Final = 1_000_000_000

_UID = re.compile(rb"-?\d{1,20}")
_QUANTITY = re.compile(rb"(\d{1,18})(?:\.0*)?")
_PRICE = re.compile(rb"-?\d{1,18}(?:\.\d{1,18})?")
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,24}))?")
_SIDES = {b"true": True, b"1": True, b"false": False, b"0": False}


class Instruction(StrEnum):
    """The first column."""

    NEW = "new"
    MODIFY = "modif"
    CANCEL = "cancel"


_INSTRUCTIONS = {instruction.value.encode(): instruction for instruction in Instruction}


class OrderLine(NamedTuple):
    """One line of an order file."""

    line: int
    instruction: Instruction
    uid: str
    """The order, as the file calls it."""
    is_buy: bool
    """Of a new order; False elsewhere."""
    quantity: int
    """In the file's units: of a new order all of it, of a change what is taken away, of a cancel what was left."""
    price: Decimal
    """Of a new order; 0 elsewhere."""
    time_ns: int
    """Nanoseconds since the Unix epoch; the file's clock is taken as UTC."""


def read_orders(stream: BinaryIO) -> Iterator[OrderLine | Malformed]:
    """Yield every line of an order file, read or refused; the line of column names at the top is passed over."""
    for line, raw in numbered_lines(stream):
        if not (line == 1 and raw.strip().lower().startswith(HEADER)):
            yield parse_order(line, raw)


def parse_order(line: int, raw: bytes) -> OrderLine | Malformed:
    """Read one line of an order file; `line` is only carried along."""
    fields = [field.strip() for field in raw.split(b";")]
    if len(fields) != 6:
        return malformed(line, f"{len(fields)} fields instead of 6", raw)
    instruction = _INSTRUCTIONS.get(fields[0].lower())
    if instruction is None:
        return malformed(line, "ordtype is none of new, modif, cancel", raw)
    if not _UID.fullmatch(fields[1]):
        return malformed(line, "uid is not a whole number", raw)
    quantity = _QUANTITY.fullmatch(fields[3])
    if quantity is None or not 1 <= int(quantity[1]) <= MAX_QUANTITY:
        return malformed(line, "qty is no whole number of 1 to 2^48", raw)
    time_ns = _time_ns(fields[5])
    if time_ns is None:
        return malformed(line, "timestamp is no date and time", raw)
    is_buy, price = False, Decimal(0)
    if instruction is Instruction.NEW:
        side = _SIDES.get(fields[2].lower())
        if side is None:
            return malformed(line, "is_buy is neither True nor False", raw)
        if not _PRICE.fullmatch(fields[4]):
            return malformed(line, "price is not a number", raw)
        is_buy, price = side, Decimal(fields[4].decode())
    return OrderLine(line, instruction, fields[1].decode(), is_buy, int(quantity[1]), price, time_ns)


def _time_ns(field: bytes) -> int | None:
    """Read `2019-05-23 09:00:30.216` exactly; None where it is no time from 1970 on."""
    stamp = _STAMP.fullmatch(field)
    if stamp is None:
        return None
    try:
        seconds = datetime.fromisoformat(f"{stamp[1].decode()}T{stamp[2].decode()}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    fraction = int((stamp[3] or b"")[:9].ljust(9, b"0"))
    return int(seconds) * NANOSECONDS + fraction if seconds >= 0 else None
