"""Golden bytes of record version 1 (docs/records.md). A change here is a change of the format."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aeromatch import (
    CLIENT_ID_DTYPE,
    COMMAND_DTYPE,
    EVENT_DTYPE,
    TERMS_DTYPE,
    Commands,
    Instrument,
    OrderBook,
    RecordError,
    commands,
)

NEW = (
    "01 01 03 01 00 02 05 07"  # new, version 1, terms and client id follow, sell, limit, gtd, decrement, all flags
    "04 03 02 00 08 07 06 05"  # instrument, account
    "fe ff ff ff ff ff ff ff"  # price -2
    "00 00 00 00 00 00 01 00"  # quantity 2^48
    "00 00 00 00 00 00 00 00"
    "01 02 03 04 05 06 07 08"  # timestamp
    "00 00 00 00 00 00 00 00"
    "ff ff ff ff ff ff ff ff"  # tag
)
TERMS = (
    "50 00 00 00 00 00 00 00"  # expire_at, self-trade group
    + "00" * 32
    + "ff ff ff ff ff ff ff 7f"  # expire_at 2^63 - 1
    "00 00 00 00 00 00 00 00"
    "0d 00 00 00 00 00 00 00"  # group 13
)
CLIENT_ID = "03 61 2d 31" + "00" * 60


SHAPED = (
    "01 01 01 00 05 00 00 04"
    + "00" * 8
    + "0700000000000000"
    + "0900000000000000"
    + "00" * 32
    # 500 basis points, shows 4, at least 3
    + "0e 01 00 00 00 00 00 00"
    + "00" * 8
    + "f4 01 00 00 00 00 00 00"
    + "04"
    + "00" * 7
    + "03"
    + "00" * 31
)
STOP = (
    "01 01 01 01 02 05 00 00"
    + "00" * 16
    + "0900000000000000"
    + "00" * 32
    # stop price -2, and an offset of one tick
    + "03 00 00 00 00 00 00 00"
    + "fe"
    + "ff" * 7
    + "01"
    + "00" * 47
)


def test_terms_of_stops_and_icebergs() -> None:
    shaped = commands(
        side="buy", order_type="trailing_stop_limit", price_ticks=7, quantity_lots=9, trail_offset_bps=500,
        display_lots=4, min_lots=3,
    )  # fmt: skip
    assert shaped.slots.tobytes() == bytes.fromhex(SHAPED)
    stop = commands(
        side="sell", order_type="stop", time_in_force="aon", quantity_lots=9, stop_price_ticks=-2, trail_offset_ticks=1
    )
    assert stop.slots.tobytes() == bytes.fromhex(STOP)
    terms = stop.slots[1:].view(TERMS_DTYPE)[0]
    assert (terms["stop_price_ticks"], terms["trail_offset"], terms["trail_unit"]) == (-2, 1, 0)
    book = OrderBook(Instrument("X"))
    assert [event.reason for event in book.process(stop)] == ["invalid_combination"]
    assert [event.order_type for event in book.process(shaped)] == ["trailing_stop_limit"]
    assert (book.orders()[0].trail_offset_bps, book.orders()[0].display_lots, book.orders()[0].min_lots) == (500, 4, 3)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("present", 160, "present"),  # a protection price and a budget, which share their field
        ("trail_unit", 2, "trail unit"),
        ("trail_unit", 1, "trail unit"),
        ("zero", 1, "padding"),
        ("stop_price_ticks", 1, "stop price"),
        ("trail_offset", 1, "trail offset"),
        ("display_lots", 1, "display quantity"),
        ("minimum_lots", 1, "minimum quantity"),
        ("zero_too", 1, "padding"),
    ],
)
def test_terms_that_are_there_without_their_bit_are_named(field: str, value: int, named: str) -> None:
    made = commands(side="buy", price_ticks=1, quantity_lots=1, time_in_force="gtd", expire_at=9).slots.copy()
    made.view(TERMS_DTYPE)[field][1] = value
    with pytest.raises(RecordError, match=rf"^slot 1 \(byte \d+\): {named}: "):
        OrderBook(Instrument("X")).process(made)


def batch() -> Commands:
    return commands(
        side="sell", time_in_force="gtd", self_trade_prevention="decrement", post_only="slide",
        instrument=0x020304,
        account=0x05060708, price_ticks=-2, quantity_lots=2**48, timestamp=0x0807060504030201, tag=2**64 - 1,
        expire_at=2**63 - 1, self_trade_group=13, client_order_id="a-1",
    )  # fmt: skip


def test_a_new_order_with_everything() -> None:
    golden = bytes.fromhex(NEW + TERMS + CLIENT_ID)
    assert batch().slots.tobytes() == golden
    command, terms, client_id = (batch().slots[place : place + 1] for place in range(3))
    assert (command["price_ticks"][0], command["quantity_lots"][0]) == (-2, 2**48)
    assert terms.view(TERMS_DTYPE)["expire_at_ns"][0] == 2**63 - 1
    assert client_id.view(CLIENT_ID_DTYPE)["text"][0] == b"a-1"


@pytest.mark.parametrize(
    ("arguments", "golden"),
    [
        ({"side": "buy", "price_ticks": 0, "quantity_lots": 1}, "0101000000000004" + "00" * 16 + "01" + "00" * 39),
        (
            {"side": "buy", "order_type": "market", "quantity_lots": 1},
            "0101000001000000" + "00" * 16 + "01" + "00" * 39,
        ),
        ({"kind": "cancel", "order_id": 258}, "020100ff00000000" + "00" * 24 + "0201" + "00" * 30),
        (
            {"kind": "amend", "order_id": 1, "quantity_lots": 9},
            "030100ff00000008" + "00" * 16 + "09" + "00" * 7 + "01" + "00" * 31,
        ),
        (
            {"kind": "amend", "order_id": 1, "price_ticks": 9},
            "030100ff00000004" + "00" * 8 + "09" + "00" * 15 + "01" + "00" * 31,
        ),
        ({"kind": "mass_cancel", "account": 7}, "040100ff00000000" + "00000000" + "07" + "00" * 51),
        ({"kind": "mass_cancel", "side": "sell"}, "0401000100000000" + "00" * 56),
        ({"kind": "phase", "phase": "closed"}, "050100ff04000000" + "00" * 56),
        ({"kind": "advance_time", "timestamp": 3}, "060100ff00000000" + "00" * 32 + "03" + "00" * 23),
    ],
)
def test_every_kind_of_command(arguments: dict[str, Any], golden: str) -> None:
    made = commands(**arguments)
    assert made.slots.tobytes().hex() == golden
    book = OrderBook(Instrument("X"))
    book.process(made)
    assert book.sequence == 1


def test_events() -> None:
    book = OrderBook(Instrument("X", number=5))
    made = commands(
        side=["sell", "buy"],
        price_ticks=[-3, 4],
        quantity_lots=[1, 2],
        account=[6, 7],
        instrument=5,
        tag=8,
        timestamp=9,
    )
    events = book.process(made).to_numpy()
    instrument, sequence = "05000000", "{:02x}00000000000000"
    first, second = "0100000000050000", "0200000000050000"
    now, minus_three = "0900000000000000", "fdffffffffffffff"
    golden = [
        "01010001" + instrument + "06000000" + "00000000" + minus_three + "0100000000000000" + first + now
        + sequence.format(1) + "0800000000000000",
        "01010000" + instrument + "07000000" + "00000000" + "0400000000000000" + "0200000000000000" + second + now
        + sequence.format(2) + "0800000000000000",
        "05010000" + instrument + "06000000" + "01000000" + "fdffffffffffffff" + "0100000000000000" + first + second
        + sequence.format(2) + "0100000000000000",
    ]  # fmt: skip
    assert [event.tobytes().hex() for event in events] == golden
    assert events.dtype == EVENT_DTYPE


def slots(count: int = 3) -> NDArray[np.void]:
    made = np.zeros(count, dtype=COMMAND_DTYPE)
    made["kind"], made["version"], made["quantity_lots"], made["flags"] = 1, 1, 1, 4
    return made


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("kind", 0, "kind"),
        ("kind", 99, "kind"),
        ("version", 2, "version"),
        ("extensions", 4, "extensions"),
        ("extensions", 1, "present|padding|trail unit|terms"),
        ("side", 2, "side"),
        ("side", 255, "side"),
        ("order_type", 6, "order type"),
        ("time_in_force", 6, "time in force"),
        ("self_trade_prevention", 6, "self-trade prevention"),
        ("flags", 32, "flags"),
        ("flags", 8, "flags"),
        ("order_id", 1, "order_id"),
    ],
)
def test_a_slot_that_is_no_command_is_named_and_nothing_is_applied(field: str, value: int, named: str) -> None:
    made = slots()
    made[field][1] = value
    book = OrderBook(Instrument("X"))
    before = book.digest()
    with pytest.raises(RecordError, match=rf"slot [12] \(byte \d+\): ({named}): ") as caught:
        book.process(made)
    assert caught.value.slot in (1, 2)
    assert caught.value.offset // 64 == caught.value.slot
    assert caught.value.field in str(caught.value)
    assert caught.value.problem in str(caught.value)
    assert (book.digest(), book.sequence, book.statistics.commands) == (before, 0, 0)


@pytest.mark.parametrize("cut", [1, 63, 65, 127, 191])
def test_truncated_batches_are_refused(cut: int) -> None:
    book = OrderBook(Instrument("X"))
    with pytest.raises(RecordError, match="cut short"):
        book.process(slots().tobytes()[:cut])
    with pytest.raises(RecordError, match="cut short"):
        book.process(batch().slots.tobytes()[:128])
    assert book.sequence == 0


def test_any_memory_of_slots_is_taken_and_any_other_refused() -> None:
    plain = slots()
    shifted = np.frombuffer(b"x" + plain.tobytes(), dtype=np.uint8)[1:]
    digests = set()
    ways: list[Any] = [plain, plain.tobytes(), bytearray(plain.tobytes()), memoryview(plain.tobytes()), Commands(plain)]
    for good in (*ways, plain.view(np.uint8), shifted):
        fresh = OrderBook(Instrument("X"))
        assert len(fresh.process(good)) == 3
        digests.add(fresh.digest())
    assert len(digests) == 1
    book: Any = OrderBook(Instrument("X"))
    for wrong in (np.zeros(8, dtype=np.int64), np.zeros(16, dtype=np.float32), 5, None, "text", [plain], {"a": 1}):
        with pytest.raises(TypeError, match=r"^batch must be"):
            book.process(wrong)
    with pytest.raises(ValueError, match=r"^batch must be contiguous"):
        book.process(slots(4)[::2])
    assert len(book.process(b"")) == len(book.process(slots(0))) == book.sequence == 0
