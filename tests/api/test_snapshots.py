"""Snapshots: everything comes back, and damage anywhere is an error that says what is wrong."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aeromatch import Instrument, OrderBook, Report, SnapshotError, commands

INSTRUMENT = Instrument(
    "BTC-USD",
    tick_size="0.25",
    lot_size="0.001",
    number=7,
    self_trade_prevention="cancel_oldest",
    dedup_window_ns=10**9,
)


def lived_in() -> OrderBook:
    book = OrderBook(INSTRUMENT)
    book.submit("buy", quantity="1.5", price="100.25", account="alice", client_order_id="a-1", timestamp=5)
    book.submit("sell", quantity="0.5", price="100.25", account="bøb", client_order_id="b-1")
    book.submit(
        "sell", quantity="2", price="101", account="bøb", time_in_force="gtd", expire_at=10**12, self_trade_group=3
    )
    book.submit("sell", quantity="2", price="-1", post_only=True)
    return book


def with_every_kind_of_order() -> OrderBook:
    book = OrderBook(
        Instrument(
            "ALL",
            tick_size="0.5",
            matching="fifo_pro_rata",
            fifo_share_bps=0,
            reference_price=100,
            static_band_bps=5000,
            circuit_breaker_ticks=50,
            halt_ns=7,
        )
    )
    book.submit("sell", quantity=3, price=100)
    book.submit("buy", quantity=1, price=100)
    book.submit("sell", quantity=30, price=101, display_quantity=4, time_in_force="day", account="alice")
    book.submit("buy", quantity=6, price=99, display_quantity=0, client_order_id="hidden")
    book.submit("sell", quantity=50, price=99, time_in_force="aon", self_trade_group=4)
    book.submit("sell", quantity=4, order_type="stop", stop_price="80.5", time_in_force="fok")
    book.submit("buy", quantity=4, order_type="stop_limit", stop_price=120, price=121, display_quantity=2)
    book.submit("sell", quantity=4, order_type="trailing_stop", trail_offset=5, min_quantity=3, account="bob")
    book.submit("buy", quantity=4, order_type="trailing_stop_limit", trail_offset_bps=900, price=130)
    book.set_phase("pre_open")
    book.submit("buy", quantity=2, order_type="market", protection_price=102, time_in_force="day")
    book.submit("sell", quantity=20, order_type="market")
    return book


@pytest.mark.parametrize("index", ["ladder", "btree"])
def test_every_kind_of_order_comes_back(index: str) -> None:
    book = with_every_kind_of_order()
    restored = OrderBook.restore(book.snapshot(), index=index)
    assert restored.instrument == book.instrument
    assert restored.digest() == book.digest()
    assert len(restored.orders()) == 10
    assert restored.orders() == book.orders()
    assert [order.order_id for order in restored.stops()] == [9, 7, 8, 6]
    assert restored.stops() == book.stops()
    assert restored.depth() == book.depth()
    assert restored.indicative() == book.indicative()
    assert book.indicative().quantity > 0

    def go_on(other: OrderBook) -> list[Report]:
        opened, crossed = other.set_phase("continuous"), other.submit("buy", quantity=9, order_type="market")
        return [opened, crossed, other.set_phase("closed")]

    reports = go_on(book)
    assert [bool(report.trades) for report in reports] == [True, True, False]
    assert go_on(restored) == reports
    assert restored.digest() == book.digest()


@pytest.mark.parametrize("index", [None, "ladder", "btree"])
def test_everything_comes_back(index: str | None) -> None:
    book = lived_in()
    blob = book.snapshot()
    restored = OrderBook.restore(blob, index=index)
    assert restored.index == (index or "ladder")
    assert restored.instrument == INSTRUMENT
    assert restored.digest() == book.digest()
    assert restored.orders() == book.orders()
    assert restored.depth() == book.depth()
    assert [order.account for order in restored.orders()] == ["alice", "bøb"]
    assert (restored.account_number("alice"), restored.account_number("bøb"), restored.account_number("carol")) == (
        1,
        2,
        3,
    )
    assert (restored.now, restored.sequence, restored.phase, len(restored)) == (5, 4, "continuous", 2)
    shown, wanted = restored.statistics.as_dict(), book.statistics.as_dict()
    assert {**shown, "memory_bytes": 0} == {**wanted, "memory_bytes": 0}
    if index != "btree":
        assert OrderBook.restore(blob).snapshot() == blob


def test_R3_the_same_commands_lead_to_the_same_events() -> None:
    rng = np.random.default_rng(1)

    def batch() -> Any:
        return commands(
            side=rng.integers(0, 2, 300), price_ticks=rng.integers(398, 405, 300),
            quantity_lots=rng.integers(1, 2000, 300),
            account=rng.integers(0, 4, 300), instrument=7, timestamp=np.sort(rng.integers(0, 10**12, 300)),
        )  # fmt: skip

    book = lived_in()
    book.process(batch())
    restored, following = OrderBook.restore(book.snapshot(), index="btree"), batch()
    assert restored.process(following).to_numpy().tobytes() == book.process(following).to_numpy().tobytes()
    assert restored.digest() == book.digest()


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize("make", [lived_in, with_every_kind_of_order])
def test_a_flipped_byte_anywhere_is_noticed(make: Callable[[], OrderBook], flip: int) -> None:
    blob = make().snapshot()
    for place in range(len(blob)):
        damaged = bytearray(blob)
        damaged[place] ^= flip
        with pytest.raises(SnapshotError, match="snapshot") as caught:
            OrderBook.restore(damaged)
        assert str(caught.value)


def test_cut_and_lengthened_snapshots_are_noticed() -> None:
    blob = lived_in().snapshot()
    for length in range(len(blob)):
        with pytest.raises(SnapshotError):
            OrderBook.restore(blob[:length])
    with pytest.raises(SnapshotError, match=rf"snapshot of {len(blob)} bytes is {len(blob) + 1} bytes long"):
        OrderBook.restore(blob + b"\0")


def test_other_versions_and_other_bytes_are_named() -> None:
    blob = lived_in().snapshot()
    with pytest.raises(SnapshotError, match="snapshot version 2 is unknown, this is version 1"):
        OrderBook.restore(blob[:8] + struct.pack("<I", 2) + blob[12:])
    for other in (b"", b"hello", b"\x89PNG\r\n\x1a\n" * 20, bytes(1000)):
        with pytest.raises(SnapshotError, match=r"not a snapshot"):
            OrderBook.restore(other)
    engine = blob.index(b"AEROBOOK")
    with pytest.raises(SnapshotError, match="some bytes changed"):
        OrderBook.restore(blob[:30] + bytes([blob[30] ^ 1]) + blob[31:])
    with pytest.raises(SnapshotError, match="version 9"):
        OrderBook.restore(blob[: engine + 8] + struct.pack("<I", 9) + blob[engine + 12 :])


def test_restore_takes_bytes_only() -> None:
    restore: Any = OrderBook.restore
    for wrong in (None, 5, "text", [1]):
        with pytest.raises(TypeError, match=r"^blob must be"):
            restore(wrong)
    with pytest.raises(ValueError, match=r"^index must be one of"):
        OrderBook.restore(lived_in().snapshot(), index="heap")
    blob = np.frombuffer(lived_in().snapshot(), dtype=np.uint8)
    assert OrderBook.restore(memoryview(bytearray(blob))).digest() == OrderBook.restore(blob).digest()
