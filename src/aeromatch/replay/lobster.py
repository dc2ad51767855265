"""The LOBSTER format: a message file and an orderbook file, row i being the book after message i.

A message is `time,type,order id,size,price,direction`: seconds after midnight, a type of 1 to 7, shares, the price
times 10,000, and the direction of the resting order (1 buy, -1 sell). A row is `ask price,ask size,bid price,bid size`
for each level; a level that is not there has size 0. Either file may start with a line of column names.

The parsers stream, and a line that they cannot read comes out as `Malformed` instead of an exception.
"""

from __future__ import annotations

import re
from enum import IntEnum
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from aeromatch.replay.lines import Malformed, malformed, numbered_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

PRICE_SCALE: Final = 10_000
"""LOBSTER prices are counts of 1/10,000 of the currency unit."""
NO_ASK: Final = 9_999_999_999
NO_BID: Final = -9_999_999_999
MAX_SIZE: Final = 1 << 48
NANOSECONDS: Final = 1_000_000_000

_TIME = re.compile(rb"(\d{1,9})(?:\.(\d{1,24}))?")
_WHOLE = re.compile(rb"-?\d{1,18}")
_ROW = re.compile(rb"-?\d{1,18}(?:,-?\d{1,18})*")
_NAME = re.compile(rb"[A-Za-z_][\w .#()/-]*")


class MessageType(IntEnum):
    """What a message says happened."""

    NEW = 1
    REDUCED = 2
    DELETED = 3
    EXECUTED = 4
    HIDDEN_EXECUTION = 5
    CROSS = 6
    HALT = 7


RESTING = frozenset({MessageType.NEW, MessageType.REDUCED, MessageType.DELETED, MessageType.EXECUTED})
"""The types that change the visible book."""


class Message(NamedTuple):
    """One line of a message file."""

    line: int
    time_ns: int
    """Nanoseconds after midnight."""
    type: MessageType
    order_id: int
    size: int
    price: int
    """In 1/10,000 of the currency unit."""
    is_buy: bool
    """Side of the resting order."""


class Row(NamedTuple):
    """One line of an orderbook file: both sides, best level first, as (price, size); absent levels are left out."""

    line: int
    asks: list[tuple[int, int]]
    bids: list[tuple[int, int]]
    levels: int
    """How many levels a side the file shows."""


def read_messages(stream: BinaryIO) -> Iterator[Message | Malformed]:
    """Yield every line of a message file, read or refused; a line of column names at the top is passed over."""
    for line, raw in numbered_lines(stream):
        if not (line == 1 and _is_header(raw, 6)):
            yield parse_message(line, raw)


def read_rows(stream: BinaryIO) -> Iterator[Row | Malformed]:
    """Yield every line of an orderbook file, read or refused; each must have as many levels as the first one."""
    levels = 0
    for line, raw in numbered_lines(stream):
        if line == 1 and _is_header(raw, 4):
            continue
        row = parse_row(line, raw)
        if isinstance(row, Row):
            levels = levels or row.levels
            if row.levels != levels:
                row = malformed(line, f"{row.levels} levels where the file began with {levels}", raw)
        yield row


def read_pairs(
    messages: BinaryIO, rows: BinaryIO
) -> Iterator[tuple[Message | Malformed | None, Row | Malformed | None]]:
    """Yield message i with row i; None where one file is shorter."""
    return zip_longest(read_messages(messages), read_rows(rows))


def parse_message(line: int, raw: bytes) -> Message | Malformed:
    """Read one line of a message file; `line` is only carried along."""
    fields = [field.strip() for field in raw.split(b",")]
    if not 6 <= len(fields) <= 7:
        return malformed(line, f"{len(fields)} fields instead of 6", raw)
    time = _TIME.fullmatch(fields[0])
    if time is None:
        return malformed(line, "time is not a number of seconds", raw)
    time_ns = int(time[1]) * NANOSECONDS + int((time[2] or b"")[:9].ljust(9, b"0"))
    for name, field in zip(("type", "order id", "size", "price", "direction"), fields[1:6], strict=True):
        if not _WHOLE.fullmatch(field):
            return malformed(line, f"{name} is not a whole number", raw)
    number, order_id, size, price, direction = (int(field) for field in fields[1:6])
    if not 1 <= number <= 7:
        return malformed(line, "type is none of 1 to 7", raw)
    if direction not in (-1, 1):
        return malformed(line, "direction is neither 1 nor -1", raw)
    kind = MessageType(number)
    if kind in RESTING:
        if order_id < 0:
            return malformed(line, "order id is negative", raw)
        if not 1 <= size <= MAX_SIZE:
            return malformed(line, "size is out of range", raw)
        if not 1 <= price < NO_ASK:
            return malformed(line, "price is out of range", raw)
    return Message(line, time_ns, kind, order_id, size, price, direction == 1)


def parse_row(line: int, raw: bytes) -> Row | Malformed:
    """Read one line of an orderbook file; refuses sides that are out of order and books that are crossed."""
    compact = raw.replace(b" ", b"")
    if not _ROW.fullmatch(compact):
        return malformed(line, "not a list of whole numbers", raw)
    numbers = [int(field) for field in compact.split(b",")]
    if len(numbers) % 4:
        return malformed(line, f"{len(numbers)} fields, no multiple of 4", raw)
    asks, bids = _side(numbers, 0), _side(numbers, 2)
    if isinstance(asks, str) or isinstance(bids, str):
        return malformed(line, asks if isinstance(asks, str) else f"{bids}", raw)
    if any(low >= high for (low, _), (high, _) in pairwise(asks)):
        return malformed(line, "asks do not rise", raw)
    if any(high <= low for (high, _), (low, _) in pairwise(bids)):
        return malformed(line, "bids do not fall", raw)
    if asks and bids and bids[0][0] >= asks[0][0]:
        return malformed(line, "best bid is not below best ask", raw)
    return Row(line, asks, bids, len(numbers) // 4)


def _side(numbers: list[int], first: int) -> list[tuple[int, int]] | str:
    """Pick one side's levels out of a row, or say what is wrong with them."""
    levels = [(price, size) for price, size in zip(numbers[first::4], numbers[first + 1 :: 4], strict=True)]
    present = [level for level in levels if level[1] != 0]
    for price, size in present:
        if not 1 <= size <= MAX_SIZE:
            return "size is out of range"
        if not 1 <= price < NO_ASK:
            return "price is out of range"
    if levels[: len(present)] != present:
        return "an empty level stands before a filled one"
    return present


def _is_header(raw: bytes, least_fields: int) -> bool:
    """Tell a line of column names: enough fields, each of them a name."""
    fields = [field.strip() for field in raw.split(b",")]
    return len(fields) >= least_fields and all(_NAME.fullmatch(field) for field in fields)
