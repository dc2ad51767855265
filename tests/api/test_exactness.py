"""R1 and R9 as properties: what the package says of an amount is what exact fractions say."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeromatch import Instrument, OrderBook

GRIDS = st.sampled_from(["0.01", "0.25", "5", "0.0001", "1e-8", "1", "0.3", "1000", "1e-18"])
AMOUNTS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.integers(min_value=-(2**80), max_value=2**80),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(GRIDS, AMOUNTS, st.booleans())
def test_R1_a_price_is_its_ticks_or_is_refused(tick_size: str, amount: Decimal | int | float, as_text: bool) -> None:
    written = repr(amount) if isinstance(amount, float) else str(amount)
    exact = Fraction(written) / Fraction(tick_size)
    price = written if as_text else amount
    instrument = Instrument("X", tick_size=tick_size)
    report = OrderBook(instrument).submit("buy", quantity=1, price=price)
    if exact.denominator == 1 and -(2**63) <= exact < 2**63:
        assert report.accepted
        assert instrument.price_to_ticks(price) == exact
        assert Fraction(str(instrument.ticks_to_price(int(exact)))) == Fraction(written)
    else:
        assert report.reject_reason == "invalid_price"
        with pytest.raises(ValueError, match="price"):
            instrument.price_to_ticks(price)


@given(GRIDS, AMOUNTS)
def test_R1_stop_prices_and_trail_offsets_are_ticks_or_are_refused(
    tick_size: str, amount: Decimal | int | float
) -> None:
    exact = Fraction(repr(amount) if isinstance(amount, float) else str(amount)) / Fraction(tick_size)
    book = OrderBook(Instrument("X", tick_size=tick_size))
    stop = book.submit("buy", order_type="stop", quantity=1, stop_price=amount)
    trailing = book.submit("buy", order_type="trailing_stop", quantity=1, trail_offset=amount)
    is_whole = exact.denominator == 1
    if is_whole and -(2**63) <= exact < 2**63:
        order = book.order(stop.order_id)
        assert order is not None
        assert order.stop_price_ticks == exact
        assert Fraction(str(order.stop_price)) == exact * Fraction(tick_size)
    else:
        assert stop.reject_reason == "invalid_price"
    if is_whole and 1 <= exact < 2**63:
        order = book.order(trailing.order_id)
        assert order is not None
        assert order.trail_offset_ticks == exact
        assert Fraction(str(order.trail_offset)) == exact * Fraction(tick_size)
    else:
        assert trailing.reject_reason == "invalid_price"


@given(GRIDS, AMOUNTS)
def test_R1_display_and_minimum_quantities_are_lots_or_are_refused(
    lot_size: str, amount: Decimal | int | float
) -> None:
    exact = Fraction(repr(amount) if isinstance(amount, float) else str(amount)) / Fraction(lot_size)
    instrument = Instrument("X", lot_size=lot_size)
    book, total_lots = OrderBook(instrument), 1000
    total = instrument.lots_to_quantity(total_lots)
    shown = book.submit("buy", price=1, quantity=total, display_quantity=amount)
    least = book.submit("buy", price=1, quantity=total, min_quantity=amount)
    is_whole = exact.denominator == 1
    if is_whole and 0 <= exact <= 2**48:
        order = book.order(shown.order_id)
        assert order is not None
        assert order.display_lots == exact
        assert order.shown_lots == min(exact, total_lots)
    else:
        assert shown.reject_reason == "invalid_quantity"
    assert (least.reject_reason is None) == (is_whole and 1 <= exact <= total_lots)
    assert least.reject_reason in (None, "invalid_quantity")


@given(GRIDS, st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_R1_ticks_come_back(tick_size: str, ticks: int) -> None:
    instrument = Instrument("X", tick_size=tick_size)
    price = instrument.ticks_to_price(ticks)
    assert Fraction(str(price)) == ticks * Fraction(tick_size)
    assert instrument.price_to_ticks(price) == instrument.price_to_ticks(str(price)) == ticks


@given(
    GRIDS,
    st.lists(
        st.tuples(st.integers(min_value=-(2**62), max_value=2**62), st.integers(min_value=1, max_value=2**44)),
        min_size=1,
        max_size=6,
    ),
)
def test_R9_the_average_is_the_fraction_rounded_once(tick_size: str, asks: list[tuple[int, int]]) -> None:
    instrument = Instrument("X", tick_size=tick_size, lot_size="0.001")
    book = OrderBook(instrument)
    for ticks, lots in asks:
        book.submit("sell", price=instrument.ticks_to_price(ticks), quantity=instrument.lots_to_quantity(lots))
    total = sum(lots for _, lots in asks)
    report = book.submit("buy", order_type="market", quantity=instrument.lots_to_quantity(total))
    notional = sum(ticks * lots for ticks, lots in asks)
    exact = Fraction(notional, total) * Fraction(tick_size)
    assert report.average_price == Context(prec=28).divide(Decimal(exact.numerator), Decimal(exact.denominator))
    assert Fraction(str(book.statistics.notional)) == notional * Fraction(tick_size) / 1000
    assert report.filled_quantity == sum(trade.quantity for trade in report.trades)
