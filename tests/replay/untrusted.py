"""What must hold for any bytes at all read as a recording (R33), for the bounded tests and for `fuzz_parsers.py`.

Each check raises where it finds a fault; it returns how many lines were read and how many were refused.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeVar

from aeromatch.replay.lines import Malformed
from aeromatch.replay.lobster import MAX_SIZE, NO_ASK, RESTING, Message, Row, parse_message, read_messages, read_rows
from aeromatch.replay.order_file import MAX_QUANTITY, Instruction, OrderLine, read_orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

Line = TypeVar("Line", Message, Row, OrderLine)

SAMPLES = {
    "messages": (
        b"34200.017459617,1,11885113,21,2238200,1\n"
        b"34200.18960767,3,11885113,21,2238200,1\n"
        b"34201.5,4,3911376,20,2238200,-1\n"
        b"34202,5,0,100,2238750,-1\n"
        b"57600.999999999,7,0,0,-1,-1\n"
    ),
    "rows": (
        b"2239500,100,2231800,100,2239900,100,2230700,200\n"
        b"2239500,100,2238100,21,2239900,100,2231800,100\n"
        b"2239500,40,-9999999999,0,9999999999,0,-9999999999,0\n"
    ),
    "orders": (
        b"ordtype;uid;is_buy;qty;price;timestamp\n"
        b"new;55;False;3;95.8;2019-05-23 09:00:30.216\n"
        b"modif;55;;2;;2019-05-23 09:00:30.337\n"
        b"cancel;55;;1;;2019-05-23 09:00:31.000\n"
    ),
}


def check_messages(data: bytes) -> tuple[int, int]:
    """A message is inside its ranges, and what it says parses to itself."""
    read, refused = _sort(data, read_messages, Message)
    for message in read:
        assert message.time_ns >= 0
        if message.type in RESTING:
            assert message.order_id >= 0
            assert 1 <= message.size <= MAX_SIZE
            assert 1 <= message.price < NO_ASK
        seconds, fraction = divmod(message.time_ns, 1_000_000_000)
        direction = 1 if message.is_buy else -1
        fields = f"{message.type.value},{message.order_id},{message.size},{message.price},{direction}"
        assert parse_message(message.line, f"{seconds}.{fraction:09},{fields}".encode()) == message
    return len(read), refused


def check_rows(data: bytes) -> tuple[int, int]:
    """A row is a book that can be: sides in order, not crossed, as many levels as the others."""
    read, refused = _sort(data, read_rows, Row)
    for row in read:
        asks, bids = ([price for price, _ in side] for side in (row.asks, row.bids))
        assert asks == sorted(set(asks))
        assert bids == sorted(set(bids), reverse=True)
        assert not asks or not bids or bids[0] < asks[0]
        assert max(len(asks), len(bids)) <= row.levels == read[0].levels
        assert all(1 <= size <= MAX_SIZE and 1 <= price < NO_ASK for price, size in (*row.asks, *row.bids))
    return len(read), refused


def check_orders(data: bytes) -> tuple[int, int]:
    """An instruction is inside its ranges; only a new order has a side and a price."""
    read, refused = _sort(data, read_orders, OrderLine)
    for order in read:
        assert 1 <= order.quantity <= MAX_QUANTITY
        assert order.price.is_finite()
        assert order.time_ns >= 0
        assert order.instruction is Instruction.NEW or (order.price == 0 and not order.is_buy)
    return len(read), refused


def _sort(
    data: bytes, read: Callable[[io.BytesIO], Iterator[Line | Malformed]], kind: type[Line]
) -> tuple[list[Line], int]:
    """Read everything: each line once, in order, as `kind` or as one that says what is wrong with it."""
    lines = list(read(io.BytesIO(data)))
    numbers = [line.line for line in lines]
    assert numbers == sorted(set(numbers))
    assert all(1 <= number <= data.count(b"\n") + 1 for number in numbers)
    refused = [line for line in lines if isinstance(line, Malformed)]
    assert all(line.reason and str(line).isprintable() and len(str(line)) < 1_000 for line in refused)
    return [line for line in lines if isinstance(line, kind)], len(refused)


CHECKS = {"messages": check_messages, "rows": check_rows, "orders": check_orders}

# What number parsers, separators and line ends tend to trip over.
MORSELS: tuple[bytes, ...] = (
    *(b"", b",", b";", b"\n", b"\r\n", b"\0", b"-", b"+", b".", b" ", b"0", b"-1", b"00", b"9999999999"),
    *(
        b"e9",
        b"1e309",
        b"nan",
        b"inf",
        b"0x1",
        b"1_0",
        b"9" * 30,
        str(1 << 48).encode(),
        "\u0663".encode(),
        b"\xff\xfe",
    ),
)


def mutate(random: Random, data: bytes) -> bytes:
    """Damage `data` in one to four places: replace, insert, remove, copy."""
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 1, 1, 2, 5, 40)))
        other = random.randrange(len(data) + 1)
        morsel = random.choice(MORSELS)
        piece = random.choice((morsel, bytes([random.randrange(256)]), data[other : other + random.randrange(60)]))
        data = data[:start] + piece + data[end:]
    return data
