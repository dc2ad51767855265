"""What `OrderBook.process` returns: records in place, tables of other libraries, memory that is used again."""

import builtins
import gc
import sys
from typing import Any

import numpy as np
import pytest

import aeromatch
from aeromatch import Events, Instrument, OrderBook, commands


@pytest.fixture
def book() -> OrderBook:
    return OrderBook(Instrument("X", tick_size="0.5"))


def some_events(book: OrderBook, **options: Any) -> Events:
    made = commands(
        kind=["new", "new", "cancel", "cancel", "phase"],
        side=["sell", "buy", None, None, None],
        price_ticks=[10, 12, None, None, None],
        quantity_lots=[1, 3, None, None, None],
        order_id=[0, 0, 2, 99, 0],
        phase=[None, None, None, None, "halted"],
        tag=[7, 8, 9, 10, 11],
    )
    return book.process(made, **options)


def test_the_records_are_a_view_that_outlives_everything_else(book: OrderBook) -> None:
    events = some_events(book)
    array = events.to_numpy()
    assert array is events.to_numpy()
    assert array.dtype == aeromatch.EVENT_DTYPE
    assert not array.flags.writeable
    assert not array.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        array["kind"] = 0
    kinds = array["kind"].tolist()
    assert kinds == [1, 1, 5, 1, 8, 2, 1, 10]
    del events
    some_events(book)
    gc.collect()
    assert array["kind"].tolist() == kinds


def test_memory_is_used_again_once_nothing_refers_to_it(book: OrderBook) -> None:
    def address() -> int:
        return int(some_events(book).to_numpy().ctypes.data)

    first = address()
    assert [address() for _ in range(5)] == [first] * 5
    held = some_events(book)
    assert held.to_numpy().ctypes.data == first
    assert address() != first
    kept = held.to_numpy().tobytes()
    address()
    assert held.to_numpy().tobytes() == kept


def test_events_are_a_sequence(book: OrderBook) -> None:
    events = some_events(book)
    assert (len(events), events.commands) == (8, 5)
    assert [str(event.kind) for event in events] == [
        "accepted", "accepted", "trade", "accepted", "canceled", "rejected", "accepted", "phase",
    ]  # fmt: skip
    assert events[2] == list(events)[2]
    assert events[-1].phase == "halted"
    assert events[2].price == 5
    for place in (8, -9, 10**30):
        with pytest.raises((IndexError, OverflowError)):
            events[place]
    assert repr(events) == "<Events: 8 of 5 commands, accepted=4, rejected=1, trade=1, canceled=1, phase=1>"


def test_trades_kinds_and_commands(book: OrderBook) -> None:
    events = some_events(book)
    (trade,) = events.trades
    assert (trade["price_ticks"], trade["quantity_lots"], trade["order_id"], trade["other"], trade["detail"]) == (
        10,
        1,
        1,
        2,
        1,
    )
    assert events.of_kind("canceled")["order_id"].tolist() == [2]
    assert events.of_kind(aeromatch.EventKind.FUNDS).size == 0
    with pytest.raises(ValueError, match="fill"):
        events.of_kind("fill")
    assert [len(events.of_command(sequence)) for sequence in range(7)] == [0, 1, 2, 2, 1, 2, 0]
    assert [len(events.of_command(sequence)) for sequence in (-1, 2**64 - 1, 2**64)] == [0, 0, 0]
    assert len(book.process(b"").trades) == 0
    assert repr(book.process(b"")) == "<Events: 0 of 0 commands>"


def test_R7_level_changes_of_each_command(book: OrderBook) -> None:
    changes = some_events(book, level_changes=True).level_changes
    assert changes.dtype == aeromatch.LEVEL_CHANGE_DTYPE
    listed = [
        tuple(int(change[name]) for name in ("sequence", "side", "price_ticks", "quantity_lots", "order_count"))
        for change in changes
    ]
    assert listed == [(1, 1, 10, 1, 1), (2, 0, 12, 2, 1), (2, 1, 10, 0, 0), (3, 0, 12, 0, 0)]
    assert len(book.process(b"", level_changes=True).level_changes) == 0
    with pytest.raises(ValueError, match="level_changes=True"):
        _ = some_events(book).level_changes


def test_level_changes_do_not_change_the_events() -> None:
    rng = np.random.default_rng(3)
    made = commands(
        side=rng.integers(0, 2, 500), price_ticks=rng.integers(95, 106, 500), quantity_lots=rng.integers(1, 9, 500)
    )
    books = [OrderBook(Instrument("X")), OrderBook(Instrument("X"), index="btree"), OrderBook(Instrument("X"))]
    plain, other, changed = books[0].process(made), books[1].process(made), books[2].process(made, level_changes=True)
    assert plain.to_numpy().tobytes() == other.to_numpy().tobytes() == changed.to_numpy().tobytes()
    # The last change of each level is how the book has it now.
    last = {
        (int(c["side"]), int(c["price_ticks"])): (int(c["quantity_lots"]), int(c["order_count"]))
        for c in changed.level_changes
    }
    depth = books[2].depth()
    now = {
        (side, level.price_ticks): (level.quantity_lots, level.order_count)
        for side, levels in enumerate((depth.bids, depth.asks))
        for level in levels
    }
    assert {place: state for place, state in last.items() if state != (0, 0)} == now


def test_batches_and_single_commands_say_the_same(book: OrderBook) -> None:
    single = OrderBook(Instrument("X", tick_size="0.5"))
    reports = [
        single.submit("sell", quantity=1, price=5, tag=7),
        single.submit("buy", quantity=3, price=6, tag=8),
        single.cancel(2, tag=9),
        single.cancel(99, tag=10),
        single.set_phase("halted", tag=11),
    ]
    assert [event for report in reports for event in report.events] == list(some_events(book))
    assert single.digest() == book.digest()


@pytest.mark.parametrize("library", ["arrow", "polars", "pandas"])
def test_tables_of_other_libraries(book: OrderBook, library: str) -> None:
    events = some_events(book)
    table: Any = getattr(events, f"to_{library}")()
    rows: list[dict[str, Any]]
    rows = (
        table.to_pylist()
        if library == "arrow"
        else table.to_dicts()
        if library == "polars"
        else table.to_dict("records")
    )
    assert list(rows[0]) == [
        "kind", "reason", "side", "order_type", "undisplayed", "iceberg", "instrument", "account",
        "price_ticks", "quantity_lots", "order_id", "other", "sequence", "index", "detail",
    ]  # fmt: skip
    assert [(row["kind"], row["reason"], row["side"]) for row in rows] == [
        ("accepted", "", "sell"), ("accepted", "", "buy"), ("trade", "", "buy"), ("accepted", "", ""),
        ("canceled", "requested", "buy"), ("rejected", "unknown_order", ""), ("accepted", "", ""),
        ("phase", "halted", ""),
    ]  # fmt: skip
    array = events.to_numpy()
    assert [row["order_type"] for row in rows] == ["limit", "limit"] + [""] * 6
    assert not any(row["undisplayed"] or row["iceberg"] for row in rows)
    for name in list(rows[0])[6:]:
        assert [row[name] for row in rows] == array[name].tolist()
    assert len(getattr(book.process(b""), f"to_{library}")()) == 0


@pytest.mark.parametrize("library", ["arrow", "polars", "pandas"])
def test_tables_say_what_an_accepted_order_is(library: str) -> None:
    book = OrderBook(Instrument("X"))
    made = commands(
        side="buy", quantity_lots=4, price_ticks=[5, 5, 5, None, 5],
        order_type=["limit", "limit", "limit", "stop", "stop_limit"], stop_price_ticks=[None, None, None, 9, 9],
        time_in_force=["gtc", "gtc", "aon", "fok", "gtc"], display_lots=[0, 2, None, None, 2],
    )  # fmt: skip
    table: Any = getattr(book.process(made), f"to_{library}")()
    columns = table.to_pydict() if library == "arrow" else {name: table[name].to_list() for name in table.columns}
    assert columns["kind"] == ["accepted"] * 5
    assert columns["order_type"] == ["limit", "limit", "limit", "stop", "stop_limit"]
    assert columns["undisplayed"] == [True, False, True, False, False]
    assert columns["iceberg"] == [False, True, False, False, True]


@pytest.mark.parametrize(("library", "extra"), [("pyarrow", "arrow"), ("polars", "polars"), ("pandas", "pandas")])
def test_a_missing_library_names_its_extra(
    book: OrderBook, monkeypatch: pytest.MonkeyPatch, library: str, extra: str
) -> None:
    original = builtins.__import__
    monkeypatch.setitem(sys.modules, library, None)
    assert builtins.__import__ is original
    with pytest.raises(ImportError, match=rf"pip install 'aeromatch\[{extra}\]'"):
        getattr(some_events(book), f"to_{extra}")()
