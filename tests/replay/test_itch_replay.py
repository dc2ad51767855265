"""One symbol of an ITCH file through the engine: hand-made days, and generated ones in which every execution agrees."""

from __future__ import annotations

import gzip
import hashlib
import io
from pathlib import Path

import pytest
from tests.replay.itch_golden import framed, golden

from aeromatch import OrderBook
from aeromatch.replay import RecordingError, itch
from aeromatch.replay.generate import FRAMINGS, Mood, Session, write_itch

DAY_DIGEST = "464f1aec83be8082c23c71f307001f269fffe48d418fbcfda187d5a30c275b12"
DOLLAR = 10_000
HEAD = {"stock_locate": 7, "tracking_number": 0, "timestamp": 34_200_000_000_000}


def add(reference: int, side: str, shares: int, price: int) -> bytes:
    order = {"order_reference_number": reference, "shares": shares, "price": price}
    return itch.encode("A", **HEAD, **order, buy_sell_indicator=side, stock="BRK.A")


def execute(reference: int, shares: int) -> bytes:
    return itch.encode("E", **HEAD, order_reference_number=reference, executed_shares=shares, match_number=1)


def execute_at(reference: int, shares: int, price: int, printable: str = "Y") -> bytes:
    order = {"order_reference_number": reference, "executed_shares": shares, "execution_price": price}
    return itch.encode("C", **HEAD, **order, match_number=1, printable=printable)


def cancel(reference: int, shares: int) -> bytes:
    return itch.encode("X", **HEAD, order_reference_number=reference, canceled_shares=shares)


def delete(reference: int) -> bytes:
    return itch.encode("D", **HEAD, order_reference_number=reference)


def replace(old: int, new: int, shares: int, price: int) -> bytes:
    references = {"original_order_reference_number": old, "new_order_reference_number": new}
    return itch.encode("U", **HEAD, **references, shares=shares, price=price)


def replayed(folder: Path, *messages: bytes, index: str = "ladder") -> itch.ItchResult:
    path = folder / "day.itch"
    path.write_bytes(framed("lengths", golden("R"), *messages))
    return itch.replay(path, "BRK.A", index=index)


def levels(book: OrderBook) -> list[tuple[str, int, int, int]]:
    depth = book.depth()
    sides = [("bid", level) for level in depth.bids] + [("ask", level) for level in depth.asks]
    return [(side, level.price_ticks, level.quantity_lots, level.order_count) for side, level in sides]


def test_executions_in_the_order_of_the_queue_agree(tmp_path: Path) -> None:
    result = replayed(
        tmp_path,
        add(1, "S", 100, 10 * DOLLAR),
        add(2, "S", 50, 10 * DOLLAR),
        add(3, "S", 10, 9 * DOLLAR),
        add(4, "B", 10, 8 * DOLLAR),
        execute(3, 4),
        execute(3, 6),
        execute(1, 100),
        execute_at(2, 20, 10 * DOLLAR),
        execute(4, 1),
    )
    assert (result.judged.judged, result.judged.agreed, result.judged.differences) == (5, 5, [])
    assert result.executions == itch.Volume(5, 131)
    assert levels(result.book) == [("bid", 80_000, 9, 1), ("ask", 100_000, 30, 1)]
    assert (result.orders_added, result.orders_filled, result.orders_left) == (4, 2, 2)
    assert result.book.statistics.trade_count == 5


def test_reducing_keeps_the_place_and_replacing_loses_it(tmp_path: Path) -> None:
    opening = [add(1, "B", 100, DOLLAR), add(2, "B", 100, DOLLAR)]
    kept = replayed(tmp_path, *opening, cancel(1, 40), execute(1, 60), execute(2, 1))
    assert (kept.judged.judged, kept.judged.agreed, kept.orders_reduced, kept.orders_canceled) == (2, 2, 1, 0)
    lost = replayed(tmp_path, *opening, replace(1, 3, 100, DOLLAR), execute(2, 100), execute(3, 1))
    assert (lost.judged.judged, lost.judged.agreed, lost.orders_replaced, lost.orders_left) == (2, 2, 1, 1)
    late = replayed(tmp_path, *opening, replace(1, 3, 100, DOLLAR), execute(3, 1))
    assert late.different == {"not_first_in_queue": 1}
    moved = replayed(tmp_path, *opening, replace(1, 3, 70, 2 * DOLLAR), execute(3, 70), delete(2))
    assert (moved.judged.agreed, moved.orders_left, moved.orders_canceled) == (1, 0, 1)


def test_a_partly_executed_order_can_be_reduced(tmp_path: Path) -> None:
    result = replayed(tmp_path, add(1, "B", 100, DOLLAR), execute(1, 30), cancel(1, 50), cancel(1, 20))
    assert (result.orders_canceled, result.orders_left, len(result.book)) == (1, 0, 0)
    result = replayed(tmp_path, add(1, "B", 100, DOLLAR), execute(1, 30), cancel(1, 50), execute(1, 20))
    assert (result.judged.agreed, result.orders_filled, result.orders_left) == (2, 1, 0)


@pytest.mark.parametrize("index", ["ladder", "btree", "skiplist", "heap"])
def test_an_execution_out_of_turn_is_told_and_taken_where_the_file_says(tmp_path: Path, index: str) -> None:
    opening = [add(1, "B", 100, DOLLAR), add(2, "B", 100, DOLLAR), add(3, "B", 100, 2 * DOLLAR)]
    result = replayed(tmp_path, *opening, execute(2, 30), delete(3), execute(2, 70), execute(1, 101), index=index)
    assert (result.judged.judged, result.judged.agreed, result.orders_left) == (3, 0, 0)
    assert result.different == {"not_best_price": 1, "not_first_in_queue": 1, "more_than_was_left": 1}
    first = len(framed("lengths", golden("R"), *opening))
    assert result.judged.differences == [
        f"byte {first} at 09:30:00.000000000: order 2, 30 at 1.0000; order 3 at 2.0000 is better",
        f"byte {first + 33 + 21} at 09:30:00.000000000: order 2, 70 at 1.0000; order 1 stands before it",
        f"byte {first + 33 + 21 + 33} at 09:30:00.000000000: order 1, 101 at 1.0000; it has 100 left",
    ]
    partly = replayed(tmp_path, *opening, execute(2, 30), index=index)
    assert levels(partly.book) == [("bid", 20_000, 100, 1), ("bid", 10_000, 170, 2)]


def test_what_says_nothing_about_priority_is_not_judged(tmp_path: Path) -> None:
    opening = [add(1, "B", 100, DOLLAR), add(2, "B", 100, DOLLAR), golden("P"), golden("Q"), golden("B")]
    result = replayed(tmp_path, *opening, execute_at(2, 40, DOLLAR + 50), execute_at(2, 60, DOLLAR, "N"))
    assert result.not_judged == {"other_price": 1, "non_printable": 1}
    assert result.judged.judged == 0
    assert levels(result.book) == [("bid", 10_000, 100, 1)]
    assert (result.hidden_trades, result.crosses, result.broken_trades) == ((1, 7), (1, 2**32), 1)


def test_orders_that_cross_wait_until_nothing_is_in_their_way(tmp_path: Path) -> None:
    """In a halt the book may be crossed: two bids above the ask, one of them reduced, then the ask goes."""
    halt = [add(1, "S", 10, 10 * DOLLAR), add(2, "B", 20, 11 * DOLLAR), add(3, "B", 30, 11 * DOLLAR)]
    crossed = replayed(tmp_path, *halt, execute(2, 5), cancel(3, 10), execute(1, 1))
    assert crossed.not_judged == {"crossed_book": 1}
    assert (crossed.judged.judged, crossed.judged.agreed) == (1, 1), "no ask waits: the ask's turn is known"
    assert (crossed.orders_waited, crossed.orders_waiting, crossed.orders_left) == (2, 2, 3)
    assert levels(crossed.book) == [("ask", 100_000, 9, 1)]
    free = replayed(tmp_path, *halt, execute(2, 5), cancel(3, 10), delete(1), execute(2, 15), execute(3, 1))
    assert (free.orders_waited, free.orders_waiting) == (2, 0)
    assert (free.judged.judged, free.judged.agreed) == (2, 2)
    assert levels(free.book) == [("bid", 110_000, 19, 1)]
    gone = replayed(tmp_path, *halt, delete(2), replace(3, 4, 5, 9 * DOLLAR), execute(4, 5))
    assert (gone.judged.agreed, gone.orders_left, gone.orders_waiting) == (1, 1, 0)


def test_messages_about_orders_that_cannot_be_are_counted(tmp_path: Path) -> None:
    unknown = [execute(9, 1), execute_at(9, 1, 1), cancel(9, 1), delete(9), delete(9), replace(9, 10, 1, 1)]
    senseless = [
        add(1, "B", 5, 1),
        add(1, "B", 6, 1),
        add(2, "Z", 5, 1),
        add(3, "S", 0, 1),
        cancel(1, 0),
        execute(1, 0),
    ]
    result = replayed(tmp_path, *unknown, *senseless)
    assert result.unknown_orders == {"E": 1, "C": 1, "X": 1, "D": 2, "U": 1}
    assert result.refused == {"reference_in_use": 1, "no_side": 1, "no_shares": 3}
    assert levels(result.book) == [("bid", 1, 5, 1)]


def test_other_symbols_are_passed_over(tmp_path: Path) -> None:
    stranger = add(1, "B", 5, 1).replace(b"\x00\x07", b"\x00\x08", 1)
    result = replayed(tmp_path, stranger, add(1, "B", 6, 1))
    assert (result.messages, result.symbol_messages, result.orders_added, result.locate) == (3, 2, 1, 7)
    with pytest.raises(RecordingError, match=r"day\.itch: no symbol 'BRK'; it has BRK\.A"):
        itch.replay(tmp_path / "day.itch", "BRK")
    (tmp_path / "day.itch").write_bytes(framed("zeros", golden("A")))
    with pytest.raises(RecordingError, match=r"no symbol 'BRK'; it has no directory of symbols"):
        itch.replay(tmp_path / "day.itch", "BRK")


def test_halts_are_told(tmp_path: Path) -> None:
    result = replayed(tmp_path, golden("H"), golden("h"))
    assert result.trading_actions == [(34_200_000_000_001, "P", "LUDP"), (34_200_000_000_001, "B:H", "")]
    assert result.halts == result.trading_actions[:1]


def test_types_that_are_not_in_the_specification_are_passed_over_by_their_lengths(tmp_path: Path) -> None:
    result = replayed(tmp_path, b"z" + bytes(60), add(1, "B", 6, 1))
    assert (result.unknown_types, result.messages, result.orders_left, result.damage) == (1, 2, 1, None)


def day(framing: str = "lengths", mood: Mood = Mood.SWING, steps: int = 3_000) -> tuple[bytes, dict[str, Session]]:
    sessions = {name: Session(mood, steps, seed) for seed, name in enumerate(["ONE", "TWO", "THREE"])}
    stream = io.BytesIO()
    write_itch(sessions, stream, seed=5, framing=framing)
    return stream.getvalue(), sessions


@pytest.mark.parametrize("mood", [Mood.CALM, Mood.SWING, Mood.CRASH])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_generated_day_replays_to_the_books_it_was_made_of(tmp_path: Path, framing: str, mood: Mood) -> None:
    content, sessions = day(framing, mood)
    path = tmp_path / "day.itch"
    path.write_bytes(content)
    for symbol, session in sessions.items():
        result = itch.replay(path, symbol)
        assert result.judged.differences == []
        assert result.judged.agreed == result.judged.judged > 100
        assert (result.framing, result.damage, result.unknown_orders, result.refused) == (framing, None, {}, {})
        assert set(result.messages_by_type) == set(itch.LAYOUTS)
        assert set(result.not_judged) == {"other_price", "non_printable"}
        assert [code for _, code in result.system_events] == list("OSQMEC")
        crossed = {
            int(row["order_reference_number"]) // len(sessions): int(row["executed_shares"])
            for row in itch.messages(path, "C", symbol)
            if row["printable"] == b"N"
        }
        assert len(crossed) == 2
        expected = [
            (order.side, (order.price_ticks or 0) * 100, order.remaining_lots - crossed.get(order.order_id, 0))
            for order in session.book.orders()
        ]
        left = [(order.side, order.price_ticks, order.remaining_lots) for order in result.book.orders()]
        assert left == [order for order in expected if order[2]]


def test_chunks_compression_and_index_make_no_difference(tmp_path: Path) -> None:
    content, _ = day()
    plain, packed = tmp_path / "day.itch", tmp_path / "day.itch.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    first = itch.replay(plain, "TWO").as_dict()
    speeds = ("megabytes_per_second", "decode_megabytes_per_second")
    for path, index in ((packed, "ladder"), (plain, "btree")):
        other = itch.replay(path, "TWO", index=index).as_dict()
        named = {"file": path.name, "is_gzip": path == packed, **{name: other[name] for name in speeds}}
        assert other == {**first, **named}


def test_times_do_not_go_back_in_a_generated_day(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(day()[0])
    times = [int(message["timestamp"]) for message in itch.iterate(path)]
    assert times == sorted(times)


def test_the_bytes_of_a_seed_never_change() -> None:
    """A day named by its seed is the same on every machine and in every version, or this is a breaking change."""
    assert hashlib.sha256(day(steps=800)[0]).hexdigest() == DAY_DIGEST
