"""`aeromatch.commands`: columns of any library, exact, or an error that says which column, which row and why."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import aeromatch
from aeromatch import Commands, Instrument, OrderBook

PLAIN: dict[str, Any] = {"side": ["buy", "sell", "buy"], "price_ticks": [10, -11, 12], "quantity_lots": [1, 2, 3]}


@pytest.mark.parametrize("library", [list, tuple, np.array, pa.array, pl.Series, pd.Series])
def test_columns_of_every_library_make_the_same_batch(library: Any) -> None:
    expected = aeromatch.commands(**PLAIN)
    assert aeromatch.commands(**{name: library(values) for name, values in PLAIN.items()}) == expected
    assert len(expected) == 3


@pytest.mark.parametrize(
    ("name", "column", "same_as"),
    [
        ("price_ticks", np.array([10, -11, 12], dtype=np.int8), None),
        ("price_ticks", np.array([10.0, -11.0, 12.0]), None),
        ("price_ticks", [10.0, -11, np.int64(12)], None),
        ("price_ticks", range(10, 13), [10, 11, 12]),
        ("price_ticks", pa.chunked_array([[10], [-11, 12]]), None),
        ("price_ticks", pd.Series([10, -11, 12], dtype="Int64"), None),
        ("price_ticks", pd.Series([10, -11, 12], dtype="int64[pyarrow]"), None),
        ("quantity_lots", np.array([1, 2, 3], dtype=np.uint64), None),
        ("quantity_lots", 5, [5, 5, 5]),
        ("quantity_lots", np.int32(5), [5, 5, 5]),
        ("quantity_lots", np.array(5), [5, 5, 5]),
        ("side", np.array([0, 1, 0], dtype=np.uint8), None),
        ("side", [aeromatch.Side.BUY, "sell", 0], None),
        ("side", np.array(["buy", "sell", "buy"], dtype=object), None),
        ("side", pa.array(["buy", "sell", "buy"]).dictionary_encode(), None),
        ("side", pl.Series(["buy", "sell", "buy"], dtype=pl.Categorical), None),
        ("side", pd.Series(["buy", "sell", "buy"], dtype="category"), None),
        ("side", "sell", ["sell"] * 3),
        ("side", 1, ["sell"] * 3),
        ("post_only", [False, False, False], False),
        ("post_only", np.array([True, False, False]), [True, False, None]),
        ("post_only", pa.array([True, False, None]), [True, None, False]),
    ],
)
def test_ways_to_write_a_column(name: str, column: Any, same_as: Any) -> None:
    expected = PLAIN[name] if same_as is None else same_as
    assert aeromatch.commands(**(PLAIN | {name: column})) == aeromatch.commands(**(PLAIN | {name: expected}))


@pytest.mark.parametrize(
    "column",
    [
        [10, None, 12],
        np.ma.masked_array([10, 999, 12], mask=[False, True, False]),
        np.ma.masked_array([10.0, np.nan, 12.0], mask=[False, True, False]),
        pa.array([10, None, 12]),
        pl.Series([10, None, 12]),
        pd.Series([10, None, 12], dtype="Int64"),
        pd.Series([10, None, 12], dtype=object),
        pd.Series([10, None, 12], dtype="int64[pyarrow]"),
    ],
)
def test_missing_values_are_not_given(column: Any) -> None:
    made = aeromatch.commands(side="buy", order_type=["limit", "market", "limit"], price_ticks=column, quantity_lots=1)
    assert made.slots["flags"].tolist() == [4, 0, 4]
    assert made.slots["price_ticks"].tolist() == [10, 0, 12]
    events = OrderBook(Instrument("X")).process(made)
    assert [str(event.kind) for event in events] == ["accepted", "accepted", "canceled", "accepted"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"price_ticks": [1, 2]},
            ValueError,
            "columns of unequal length: side has 3, price_ticks has 2, quantity_lots has 3",
        ),
        ({"price_ticks": [1, 2.5, 3]}, ValueError, "price_ticks: row 1: 2.5 is no whole number"),
        ({"price_ticks": np.array([1, 2, 3.5])}, ValueError, "price_ticks: row 2: 3.5 is no whole number"),
        ({"price_ticks": np.array([1, np.nan, 3])}, ValueError, "price_ticks: row 1: is NaN"),
        ({"price_ticks": [1, float("nan"), 3]}, ValueError, "price_ticks: row 1: is NaN"),
        ({"price_ticks": pd.Series([1, None, 3])}, ValueError, "price_ticks: row 1: is NaN"),
        ({"price_ticks": np.array([1, np.inf, 3])}, ValueError, "price_ticks: row 1: inf is no whole number"),
        ({"price_ticks": [1, 2**63, 3]}, ValueError, "price_ticks: row 1: 9223372036854775808 is outside"),
        (
            {"price_ticks": np.array([0, 2**63, 0], dtype=np.uint64)},
            ValueError,
            "price_ticks: row 1: 9223372036854775808 is outside",
        ),
        ({"price_ticks": np.array([0, 2.0**63, 0])}, ValueError, "price_ticks: row 1: 9.22"),
        ({"price_ticks": ["1", "2", "3"]}, TypeError, "price_ticks: row 0: must be an int, not str"),
        ({"price_ticks": [1, True, 3]}, TypeError, "price_ticks: row 1: must be an int, not bool"),
        ({"price_ticks": np.array([True, False, True])}, TypeError, "price_ticks must hold whole numbers, not bool"),
        ({"price_ticks": np.zeros((3, 1), dtype=int)}, TypeError, "price_ticks must have one dimension, not 2"),
        (
            {"price_ticks": np.array(["2026-01-01"] * 3, dtype="M8[ns]")},
            TypeError,
            "price_ticks must hold whole numbers",
        ),
        ({"price_ticks": {1, 2, 3}, "side": {}}, TypeError, "side must be a scalar or a column, not dict"),
        ({"price_ticks": object()}, TypeError, "price_ticks must be a scalar or a column, not object"),
        ({"quantity_lots": [1, -1, 1]}, ValueError, "quantity_lots: row 1: -1 is outside 0 .. 18446744073709551615"),
        ({"quantity_lots": np.array([1, 1, -1])}, ValueError, "quantity_lots: row 2: -1 is outside"),
        ({"quantity_lots": [1, 2**64, 1]}, ValueError, "quantity_lots: row 1: 18446744073709551616 is outside"),
        ({"quantity_lots": 2**64}, ValueError, "quantity_lots: 18446744073709551616 is outside"),
        ({"quantity_lots": 1.5}, ValueError, "quantity_lots: 1.5 is no whole number"),
        ({"quantity_lots": None}, ValueError, "quantity_lots: missing"),
        ({"quantity_lots": [1, None, 1]}, ValueError, "quantity_lots: row 1: missing"),
        ({"side": None}, ValueError, "side: missing"),
        ({"side": ["buy", None, "sell"]}, ValueError, "side: row 1: missing"),
        (
            {"side": ["buy", "bid", "sell"]},
            ValueError,
            "side: row 1: unknown word 'bid'; known are 'buy' (0), 'sell' (1)",
        ),
        ({"side": np.array(["buy", "sell", "ask"])}, ValueError, "side: row 2: unknown word 'ask'"),
        ({"side": np.array([0, 1, 2])}, ValueError, "side: row 2: unknown code 2"),
        ({"side": [0, 1, 2]}, ValueError, "side: row 2: unknown word 2"),
        ({"side": [True, False, True]}, TypeError, "side must hold words, not bool"),
        ({"side": [1.0, 0.0, 1.0]}, TypeError, "side must hold words, not float64"),
        ({"side": ["buy", b"sell", "buy"]}, TypeError, "side: row 1: must be a str, not bytes"),
        ({"order_type": "stop_loss"}, ValueError, "order_type: unknown word 'stop_loss'"),
        ({"kind": ["new", "new", "old"]}, ValueError, "kind: row 2: unknown word 'old'"),
        (
            {"post_only": ["slide", "no", None]},
            ValueError,
            "post_only: row 1: must be True, False or 'slide', not 'no'",
        ),
        ({"post_only": [1, 0, 1]}, TypeError, "post_only: row 0: must be True, False or 'slide', not 1"),
        ({"self_trade_group": [1, 0, 1]}, ValueError, "self_trade_group: row 1: 0 is outside 1 .. 4294967295"),
        ({"account": 2**32}, ValueError, "account: 4294967296 is outside"),
        ({"account": "alice"}, TypeError, "account: must be an int, not str"),
        ({"instrument": 2**24}, ValueError, "instrument: 16777216 is outside"),
        ({"client_order_id": ["a", 5, None]}, TypeError, "client_order_id: row 1: must be a str, not int"),
        ({"client_order_id": ["a", "\ud800", None]}, ValueError, "client_order_id: row 1: is no valid Unicode"),
        ({"stop_price_ticks": [1, 2.5, 3]}, ValueError, "stop_price_ticks: row 1: 2.5 is no whole number"),
        ({"stop_price_ticks": [1, 2, 2**63]}, ValueError, "stop_price_ticks: row 2: 9223372036854775808 is outside"),
        ({"stop_price_ticks": ["1", "2", "3"]}, TypeError, "stop_price_ticks: row 0: must be an int, not str"),
        (
            {"trail_offset_ticks": [1, -1, 3]},
            ValueError,
            "trail_offset_ticks: row 1: -1 is outside 0 .. 1844674407370955",
        ),
        ({"trail_offset_bps": np.array([1, np.nan, 3])}, ValueError, "trail_offset_bps: row 1: is NaN"),
        ({"trail_offset_bps": 2**64}, ValueError, "trail_offset_bps: 18446744073709551616 is outside"),
        (
            {"trail_offset_ticks": [1, None, 3], "trail_offset_bps": [None, 2, 4]},
            ValueError,
            "trail_offset_bps: row 2: trail_offset_ticks is given too, and they exclude one another",
        ),
        ({"trail_offset_ticks": 1, "trail_offset_bps": 2}, ValueError, "trail_offset_bps: trail_offset_ticks is given"),
        ({"display_lots": [1, True, 3]}, TypeError, "display_lots: row 1: must be an int, not bool"),
        ({"display_lots": [1, 2, -3]}, ValueError, "display_lots: row 2: -3 is outside"),
        ({"min_lots": [1, 2, 1e30]}, ValueError, "min_lots: row 2: "),
        (
            {"kind": "cancel", "side": None, "price_ticks": None, "quantity_lots": None, "min_lots": 1},
            ValueError,
            "min_lots: no command of this batch uses it",
        ),
        ({"phase": "closed"}, ValueError, "phase: no command of this batch uses it"),
        ({"kind": "phase"}, ValueError, "no command of this batch uses it"),
        ({"order_id": [5, 6, 7]}, ValueError, "order_id: no command of this batch uses it"),
        ({"price_ticks": {1, 2}}, TypeError, "price_ticks must be a scalar or a column, not set"),
        (
            {"kind": "cancel", "side": None, "price_ticks": None},
            ValueError,
            "quantity_lots: no command of this batch uses it",
        ),
    ],
)
def test_errors_say_which_column_which_row_and_why(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        aeromatch.commands(**(PLAIN | changes))
    assert message in str(caught.value)


def test_kinds_may_be_mixed() -> None:
    made = aeromatch.commands(
        kind=["new", "amend", "cancel", "mass_cancel", "phase", "advance_time", "new"],
        side=["buy", "sell", "buy", "buy", None, None, "sell"],
        price_ticks=[10, None, 5, 5, 5, 5, 5],
        quantity_lots=np.arange(1, 8),
        order_id=[9, 1, 2, 3, 4, 5, 6],
        phase=[None, None, None, None, "continuous", None, None],
        timestamp=range(7),
    )
    book = OrderBook(Instrument("X"))
    events = book.process(made)
    assert [str(event.kind) for event in events] == [
        "accepted", "accepted", "amended", "rejected", "accepted", "canceled", "accepted", "accepted", "accepted",
    ]  # fmt: skip
    assert book.best_ask == 5
    assert book.now == 6


def test_extension_slots_stand_behind_their_commands() -> None:
    made = aeromatch.commands(
        side="buy", price_ticks=[1, 2, 3, 4], quantity_lots=1, client_order_id=["a", None, "c", None],
        time_in_force=["gtc", "gtc", "gtd", "gtd"], expire_at=[None, None, 50, 60],
    )  # fmt: skip
    assert (len(made), len(made.slots)) == (4, 8)
    assert made.slots["kind"][[0, 2, 3, 6]].tolist() == [1, 1, 1, 1]
    assert Commands(made.slots) == Commands(made.slots.tobytes()) == made == pickle.loads(pickle.dumps(made))
    assert len(Commands(made.slots)) == 4
    assert hash(Commands(made.slots)) == hash(made)
    book = OrderBook(Instrument("X"))
    assert len(book.process(made)) == 4
    assert [(order.client_order_id, order.expire_at) for order in book.orders()] == [
        ("a", None),
        (None, None),
        ("c", 50),
        (None, 60),
    ]


def test_every_order_type_says_the_same_as_a_column_and_as_an_argument() -> None:
    made = aeromatch.commands(
        kind=["phase", "new", "new", "new", "new", "new", "new", "new", "phase"],
        phase=["auction", *[None] * 7, "continuous"],
        side=[None, "sell", "sell", "buy", "buy", "sell", "sell", "buy", None],
        order_type=[
            None,
            "limit",
            "stop",
            "stop_limit",
            "trailing_stop",
            "trailing_stop_limit",
            "limit",
            "market",
            None,
        ],
        price_ticks=[None, 10, None, 12, None, 3, 11, None, None],
        quantity_lots=[None, 9, 1, 1, 4, 1, 2, 9, None],
        stop_price_ticks=[None, None, 5, 12, None, None, None, None, None],
        trail_offset_ticks=[None, None, None, None, 3, None, None, None, None],
        trail_offset_bps=[None, None, None, None, None, 50, None, None, None],
        display_lots=[None, 2, None, None, None, None, 0, None, None],
        min_lots=[None, None, 1, None, 4, None, None, None, None],
        time_in_force=[None, "day", "ioc", "gtc", "fok", "gtc", "gtc", "gtc", None],
    )
    book: Any = OrderBook(Instrument("X"))
    single: Any = OrderBook(Instrument("X"))
    events = list(book.process(made))
    reports = [
        single.set_phase("auction"),
        single.submit("sell", price=10, quantity=9, display_quantity=2, time_in_force="day"),
        single.submit("sell", order_type="stop", quantity=1, stop_price=5, min_quantity=1, time_in_force="ioc"),
        single.submit("buy", order_type="stop_limit", quantity=1, stop_price=12, price=12),
        single.submit(
            "buy", order_type="trailing_stop", quantity=4, trail_offset=3, min_quantity=4, time_in_force="fok"
        ),
        single.submit("sell", order_type="trailing_stop_limit", quantity=1, trail_offset_bps=50, price=3),
        single.submit("sell", quantity=2, price=11, display_quantity=0),
        single.submit("buy", quantity=9, order_type="market"),
        single.set_phase("continuous"),
    ]
    assert [event for report in reports for event in report.events] == events
    assert single.digest() == book.digest()
    assert [(order.order_id, order.stop_price) for order in book.stops()] == [(3, 12), (4, 13), (5, 9), (2, 5)]
    assert Commands(made.slots) == made


def test_impossible_terms_are_rejected_not_refused() -> None:
    made = aeromatch.commands(
        side="buy", price_ticks=[None, None, 1, 1], quantity_lots=1,
        order_type=["trailing_stop", "trailing_stop", "limit", "limit"],
        trail_offset_ticks=[0, None, None, None], trail_offset_bps=[None, 2**64 - 1, None, None],
        display_lots=[None, None, 2**64 - 1, None], min_lots=[None, None, None, 0],
    )  # fmt: skip
    reasons = [event.reason for event in OrderBook(Instrument("X")).process(made)]
    assert reasons == ["invalid_price", "invalid_price", "invalid_quantity", "invalid_quantity"]


def test_long_client_order_ids_are_rejected_not_cut() -> None:
    book = OrderBook(Instrument("X"))
    made = aeromatch.commands(
        side="buy", price_ticks=1, quantity_lots=1, client_order_id=["x" * 36, "x" * 37, "y" * 1000, ""]
    )
    reasons = [event.reason for event in book.process(made)]
    assert reasons == [None] + ["invalid_client_order_id"] * 3


def test_rows_make_the_same_batch_as_columns() -> None:
    rows = [
        {"side": "buy", "price_ticks": 5, "quantity_lots": 1, "client_order_id": "a"},
        {"kind": "cancel", "order_id": 7, "tag": 3},
        {"side": "sell", "order_type": "market", "quantity_lots": 2},
    ]
    made = Commands.from_rows(rows)
    assert made == aeromatch.commands(
        kind=["new", "cancel", "new"], side=["buy", None, "sell"], price_ticks=[5, None, None],
        quantity_lots=[1, None, 2],
        client_order_id=["a", None, None], order_id=[0, 7, 0], tag=[0, 3, 0], order_type=["limit", None, "market"],
    )  # fmt: skip
    assert len(Commands.from_rows([])) == 0
    from_rows: Any = Commands.from_rows
    with pytest.raises(ValueError, match="row 1: unknown key 'colour'"):
        Commands.from_rows([rows[0], {"colour": 1}])
    with pytest.raises(TypeError, match="row 0 must be a mapping, not str"):
        from_rows(["x"])
    with pytest.raises(ValueError, match=r"price_ticks: row 1: 2\.5 is no whole number"):
        Commands.from_rows([rows[0], {"side": "buy", "quantity_lots": 1, "price_ticks": 2.5}])


def test_batches_are_immutable_and_readable() -> None:
    made: Any = aeromatch.commands(**PLAIN)
    assert repr(made) == "<Commands: 3 in 3 slots>"
    assert made != 3
    with pytest.raises(ValueError, match="read-only"):
        made.slots["price_ticks"][0] = 5
    with pytest.raises(AttributeError):
        made.slots = None
    for wrong in (b"x" * 63, aeromatch.commands(**PLAIN, client_order_id="a").slots.tobytes()[:-64]):
        with pytest.raises(ValueError, match=r"^slots: "):
            Commands(wrong)
    for wrong_type in (np.zeros(3), "x", [1]):
        with pytest.raises(TypeError, match=r"^slots must be"):
            Commands(wrong_type)
    assert len(aeromatch.commands(side=[], price_ticks=[], quantity_lots=[])) == 0
