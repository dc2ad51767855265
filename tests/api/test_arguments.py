"""Misuse is an exception that names the argument; what is well-typed but impossible is a rejection (R1, R9)."""

import enum
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from aeromatch import Instrument, OrderBook, Side


def make_book() -> OrderBook:
    return OrderBook(Instrument("BTC-USD", tick_size="0.01", lot_size="0.0001"))


def submit(book: OrderBook, **changes: Any) -> Any:
    return book.submit(**({"side": "buy", "quantity": "1", "price": "100.25"} | changes))


PRICES = ("protection_price", "stop_price", "trail_offset")


class Tick(enum.IntEnum):
    HUNDRED = 100


@pytest.mark.parametrize(
    ("price", "ticks"),
    [
        ("100.25", 10_025),
        ("1e2", 10_000),
        ("-0.01", -1),
        ("+7", 700),
        ("0", 0),
        (100, 10_000),
        (-3, -300),
        (Tick.HUNDRED, 10_000),
        (100.25, 10_025),
        (0.1, 10),
        (1e-2, 1),
        (Decimal("100.25"), 10_025),
        (Decimal("100.250000000000000000000000000000000000"), 10_025),
        (Decimal("1E+3"), 100_000),
        (Decimal("-0"), 0),
        (np.int64(5), 500),
        (np.uint8(5), 500),
        (np.float64(0.3), 30),
        (np.str_("2.5"), 250),
        ("92233720368547758.07", 2**63 - 1),
        ("-92233720368547758.08", -(2**63)),
    ],
)
def test_R1_prices_are_taken_exactly(price: Any, ticks: int) -> None:
    book = make_book()
    report = submit(book, price=price)
    assert report.status == "open"
    assert book.orders()[0].price_ticks == ticks
    assert book.best_bid == Decimal(ticks).scaleb(-2)
    assert book.instrument.price_to_ticks(price) == ticks


@pytest.mark.parametrize(
    "price",
    [
        "100.255", 0.1 + 0.2, 1e300, "1e-3", "nan", "-inf", float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"),
        Decimal("Infinity"), Decimal("1e-400"), "92233720368547758.08", 2**63, -(2**200), "1e400", np.float64(0.001),
    ],
)  # fmt: skip
def test_R1_prices_off_the_grid_are_rejected(price: Any) -> None:
    book = make_book()
    report = submit(book, price=price)
    assert (report.status, report.reject_reason, report.order_id) == ("rejected", "invalid_price", None)
    for argument in PRICES:
        # Before the combination is looked at: a limit order has none of these.
        assert submit(book, **{argument: price}).reject_reason == "invalid_price"
    assert len(book) == 0
    with pytest.raises(ValueError, match="price"):
        book.instrument.price_to_ticks(price)


@pytest.mark.parametrize(
    "quantity",
    [0, "0", "-1", -1, "0.00001", 2**64, 2**200, "1e30", float("nan"), Decimal("NaN"), "28147497671.0657"],
)  # fmt: skip
def test_R1_quantities_outside_the_grid_are_rejected(quantity: Any) -> None:
    book = make_book()
    report = submit(book, quantity=quantity)
    assert (report.status, report.reject_reason) == ("rejected", "invalid_quantity")
    assert submit(book, min_quantity=quantity).reject_reason == "invalid_quantity"
    if quantity not in (0, "0"):  # a display quantity of 0 hides the order
        assert submit(book, display_quantity=quantity).reject_reason == "invalid_quantity"
    with pytest.raises(ValueError, match="quantity"):
        book.instrument.quantity_to_lots(quantity)


def test_R1_the_largest_quantity_is_2_to_the_48_lots() -> None:
    book = make_book()
    report = submit(book, quantity=Decimal(2**48).scaleb(-4))
    assert report.remaining_quantity == Decimal("28147497671.0656")


@pytest.mark.parametrize("argument", ["quantity", "price", *PRICES, "display_quantity", "min_quantity"])
@pytest.mark.parametrize("value", [True, False, [], b"1", 1j, object(), np.bool_(True), np.float32(1), {}])
def test_amounts_of_other_types_are_type_errors(argument: str, value: Any) -> None:
    book = make_book()
    with pytest.raises(TypeError, match=f"^{argument} must be"):
        submit(book, **{argument: value})
    assert book.sequence == 0


@pytest.mark.parametrize("argument", ["quantity", "price", *PRICES, "display_quantity", "min_quantity"])
@pytest.mark.parametrize(
    "value", ["", "abc", "1,5", " 1", "1 ", "1_000", "0x1", "1e", "--1", "\u0661", "\ud800", "1" * 50 + "x"]
)
def test_unreadable_amounts_are_value_errors(argument: str, value: str) -> None:
    book = make_book()
    with pytest.raises(ValueError, match=f"^{argument} is no decimal number"):
        submit(book, **{argument: value})
    assert book.sequence == 0


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("side", "bid", ValueError),
        ("side", 0, TypeError),
        ("side", None, TypeError),
        ("order_type", "stop_loss", ValueError),
        ("order_type", Side, TypeError),
        ("time_in_force", "GTC", ValueError),
        ("time_in_force", 1, TypeError),
        ("account", "", ValueError),
        ("account", 0, ValueError),
        ("account", -1, ValueError),
        ("account", 2**32, ValueError),
        ("account", True, TypeError),
        ("account", 1.5, TypeError),
        ("account", b"alice", TypeError),
        ("account", "\ud800", ValueError),
        ("client_order_id", 5, TypeError),
        ("client_order_id", "\udcff", ValueError),
        ("timestamp", -1, ValueError),
        ("timestamp", 2**64, ValueError),
        ("timestamp", 1.0, TypeError),
        ("timestamp", True, TypeError),
        ("timestamp", "1", TypeError),
        ("expire_at", "1", TypeError),
        ("expire_at", True, TypeError),
        ("trail_offset_bps", "1", TypeError),
        ("trail_offset_bps", 1.0, TypeError),
        ("trail_offset_bps", True, TypeError),
        ("post_only", "yes", ValueError),
        ("post_only", 1, TypeError),
        ("self_trade_prevention", "never", ValueError),
        ("self_trade_prevention", 1, TypeError),
        ("self_trade_group", 0, ValueError),
        ("self_trade_group", 2**32, ValueError),
        ("self_trade_group", "a", TypeError),
        ("tag", -1, ValueError),
        ("tag", 2**64, ValueError),
        ("tag", "1", TypeError),
    ],
)
def test_misuse_names_the_argument(argument: str, value: Any, error: type[Exception]) -> None:
    book = make_book()
    with pytest.raises(error, match=rf"^{argument}\b"):
        submit(book, **{argument: value})
    assert (book.sequence, len(book)) == (0, 0)


def test_missing_and_unknown_arguments_are_type_errors() -> None:
    book: Any = make_book()
    book_class: Any = OrderBook
    calls: list[Any] = [
        lambda: book.submit("buy", price=1),
        lambda: book.submit(quantity=1),
        lambda: book.submit("buy", 1),
        lambda: book.submit("buy", quantity=1, color="red"),
        lambda: book.submit("buy", quantity=None),
        lambda: book.cancel(),
        lambda: book.cancel(None),
        lambda: book.amend(quantity=1),
        lambda: book.order(),
        lambda: book.order(1, client_order_id="a"),
        lambda: book.level("buy"),
        lambda: book.set_phase(),
        lambda: book.advance_time(),
        lambda: book_class(),
        lambda: book_class("BTC"),
    ]
    for call in calls:
        with pytest.raises(TypeError):
            call()
    assert book.sequence == 0


@pytest.mark.parametrize("order_id", [0, -1, 2**64, 2**200, 99])
def test_R23_ids_that_no_order_has_are_unknown(order_id: int) -> None:
    book = make_book()
    assert book.cancel(order_id).reject_reason == "unknown_order"
    assert book.amend(order_id, quantity=1).reject_reason == "unknown_order"
    assert book.order(order_id) is None


@pytest.mark.parametrize("value", [True, 1.0, "1", b"1"])
def test_order_ids_are_whole_numbers(value: Any) -> None:
    book: Any = make_book()
    for call in (book.cancel, book.amend, book.order):
        with pytest.raises(TypeError, match="order_id must be an int"):
            call(value)


@pytest.mark.parametrize("expire_at", [0, -1, 2**63, 2**64, 2**200])
def test_R8_impossible_expiries_are_rejected(expire_at: int) -> None:
    report = submit(make_book(), time_in_force="gtd", expire_at=expire_at)
    assert report.reject_reason == "invalid_time"


@pytest.mark.parametrize("argument", ["trail_offset", "trail_offset_bps"])
@pytest.mark.parametrize("offset", [0, -1, 2**63, 2**64, 2**200])
def test_R15_impossible_trail_offsets_are_rejected(argument: str, offset: int) -> None:
    book = OrderBook(Instrument("X"))
    order: dict[str, Any] = {"order_type": "trailing_stop", "quantity": 1, argument: offset}
    report = book.submit("sell", **order)
    assert (report.status, report.reject_reason) == ("rejected", "invalid_price")


def test_R15_a_trailing_stop_has_one_offset() -> None:
    book = make_book()
    with pytest.raises(ValueError, match=r"^trail_offset_bps and trail_offset exclude one another"):
        submit(book, order_type="trailing_stop", price=None, trail_offset=1, trail_offset_bps=1)
    assert book.sequence == 0


@pytest.mark.parametrize("text", ["", "x" * 37, "tab\t", "é", "x" * 1000])
def test_R5_malformed_client_order_ids_are_rejected(text: str) -> None:
    book = make_book()
    assert submit(book, client_order_id=text).reject_reason == "invalid_client_order_id"
    assert book.cancel(client_order_id=text, account="a").reject_reason == "invalid_client_order_id"
    assert book.order(client_order_id=text) is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"symbol": 5}, TypeError),
        ({"tick_size": 0}, ValueError),
        ({"tick_size": "-0.01"}, ValueError),
        ({"tick_size": "nan"}, ValueError),
        ({"tick_size": "x"}, ValueError),
        ({"tick_size": True}, TypeError),
        ({"lot_size": "1e-31"}, ValueError),
        ({"lot_size": "1e19"}, ValueError),
        ({"number": 2**24}, ValueError),
        ({"number": -1}, ValueError),
        ({"number": "1"}, TypeError),
        ({"self_trade_prevention": "all"}, ValueError),
        ({"dedup_window_ns": -1}, ValueError),
        ({"dedup_window_ns": 2**64}, ValueError),
        ({"matching": "lifo"}, ValueError),
        ({"matching": 1}, TypeError),
        ({"fifo_share_bps": 10_001, "matching": "fifo_pro_rata"}, ValueError),
        ({"fifo_share_bps": -1, "matching": "fifo_pro_rata"}, ValueError),
        ({"fifo_share_bps": "1", "matching": "fifo_pro_rata"}, TypeError),
        ({"fifo_share_bps": 0}, ValueError),
        ({"fifo_share_bps": 5, "matching": "pro_rata"}, ValueError),
        ({"fifo_share_bps": None, "matching": "fifo_pro_rata"}, ValueError),
        ({"reference_price": "0.5"}, ValueError),
        ({"reference_price": "nan"}, ValueError),
        ({"reference_price": "x"}, ValueError),
        ({"reference_price": True}, TypeError),
        ({"static_band_ticks": 1}, ValueError),
        ({"static_band_bps": 1}, ValueError),
        ({"static_band_ticks": 0, "reference_price": 1}, ValueError),
        ({"static_band_ticks": 2**63, "reference_price": 1}, ValueError),
        ({"static_band_bps": 0, "reference_price": 1}, ValueError),
        ({"static_band_bps": "1", "reference_price": 1}, TypeError),
        ({"static_band_ticks": 1, "static_band_bps": 1, "reference_price": 1}, ValueError),
        ({"circuit_breaker_ticks": 0}, ValueError),
        ({"circuit_breaker_bps": 2**63}, ValueError),
        ({"circuit_breaker_bps": 1.0}, TypeError),
        ({"circuit_breaker_ticks": 1, "circuit_breaker_bps": 1}, ValueError),
        ({"halt_ns": 1}, ValueError),
        ({"halt_ns": 0, "circuit_breaker_ticks": 1}, ValueError),
        ({"halt_ns": 2**63, "circuit_breaker_ticks": 1}, ValueError),
    ],
)
def test_instruments_refuse_what_they_cannot_be(changes: dict[str, Any], error: type[Exception]) -> None:
    arguments: dict[str, Any] = {"symbol": "X"} | changes
    with pytest.raises(error, match=f"^{next(iter(changes))}"):
        Instrument(**arguments)


@pytest.mark.parametrize("index", ["", "skiplist", "LADDER"])
def test_unknown_indexes_are_value_errors(index: str) -> None:
    with pytest.raises(ValueError, match=r"^index must be one of"):
        OrderBook(Instrument("X"), index=index)


def test_python_code_that_an_argument_runs_finds_the_book_free() -> None:
    book = make_book()

    class Sly(Decimal):
        def __str__(self) -> str:
            book.submit("sell", quantity="1", price="7")
            return super().__str__()

    assert submit(book, price=Sly("7")).status == "filled"


def test_what_is_no_instrument_and_no_count_is_named() -> None:
    instrument, wrong = Instrument("A"), cast("Any", "1")
    with pytest.raises(TypeError, match="instrument must be an Instrument, not str"):
        OrderBook(wrong)
    with pytest.raises(TypeError, match="ticks must be an int, not str"):
        instrument.ticks_to_price(wrong)
    with pytest.raises(ValueError, match="ticks must fit 64 bits"):
        instrument.ticks_to_price(2**63)
    with pytest.raises(TypeError, match="lots must be an int, not str"):
        instrument.lots_to_quantity(wrong)
