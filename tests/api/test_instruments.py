"""Instruments carry the rules of their books: matching, bands, circuit breaker; and what phases do to a book."""

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest

from aeromatch import Indicative, Instrument, Matching, OrderBook

FULL: dict[str, Any] = {
    "tick_size": "0.01",
    "lot_size": "0.1",
    "number": 2,
    "self_trade_prevention": "decrement",
    "dedup_window_ns": 5,
    "matching": "fifo_pro_rata",
    "fifo_share_bps": 2500,
    "reference_price": "100.25",
    "static_band_bps": 500,
    "circuit_breaker_ticks": 70,
    "halt_ns": 10**9,
}


def kinds(report: Any) -> list[str]:
    return [str(event.kind) for event in report.events]


def test_every_rule_can_be_read() -> None:
    one: Any = Instrument("X", **FULL)
    assert one.matching is Matching.FIFO_PRO_RATA
    assert (one.fifo_share_bps, one.reference_price) == (2500, Decimal("100.25"))
    assert (one.static_band_ticks, one.static_band_bps) == (None, 500)
    assert (one.circuit_breaker_ticks, one.circuit_breaker_bps, one.halt_ns) == (70, None, 10**9)
    plain: Any = Instrument("X")
    assert (plain.matching, plain.fifo_share_bps, plain.reference_price) == ("fifo", None, None)
    assert (plain.static_band_ticks, plain.static_band_bps) == (None, None)
    assert (plain.circuit_breaker_ticks, plain.circuit_breaker_bps, plain.halt_ns) == (None, None, None)


def test_a_repr_shows_what_differs_from_the_default() -> None:
    assert repr(Instrument("X")) == "Instrument('X', tick_size='1', lot_size='1')"
    assert repr(Instrument("X", reference_price="7.0", static_band_ticks=3, matching="pro_rata")) == (
        "Instrument('X', tick_size='1', lot_size='1', matching='pro_rata', reference_price='7', static_band_ticks=3)"
    )
    assert repr(Instrument("X", **FULL)) == (
        "Instrument('X', tick_size='0.01', lot_size='0.1', number=2, self_trade_prevention='decrement', "
        "dedup_window_ns=5, matching='fifo_pro_rata', fifo_share_bps=2500, reference_price='100.25', "
        "static_band_bps=500, circuit_breaker_ticks=70, halt_ns=1000000000)"
    )


@pytest.mark.parametrize("fifo_share_bps", [0, 10_000])
def test_instruments_with_all_rules_are_values(fifo_share_bps: int) -> None:
    one: Any = Instrument("X", **(FULL | {"fifo_share_bps": fifo_share_bps}))
    for other in (
        pickle.loads(pickle.dumps(one)),
        copy.deepcopy(one),
        eval(repr(one), {"Instrument": Instrument}),
        OrderBook.restore(OrderBook(one).snapshot()).instrument,
    ):
        assert other == one
        assert hash(other) == hash(one)
        assert repr(other) == repr(one)


@pytest.mark.parametrize(
    "change",
    [
        {"matching": "fifo", "fifo_share_bps": None},
        {"fifo_share_bps": 2501},
        {"reference_price": "100.26"},
        {"static_band_bps": 501},
        {"static_band_bps": None, "static_band_ticks": 500},
        {"circuit_breaker_ticks": 71},
        {"circuit_breaker_ticks": None, "circuit_breaker_bps": 70},
        {"halt_ns": None},
    ],
)
def test_each_rule_makes_a_difference(change: dict[str, Any]) -> None:
    one, other = Instrument("X", **FULL), Instrument("X", **(FULL | change))
    assert one != other
    assert OrderBook(one).digest() != OrderBook(other).digest()


def test_R29_a_book_matches_as_its_instrument_says() -> None:
    taken: dict[str, Any] = {}
    for matching, share in (("fifo", None), ("pro_rata", None), ("fifo_pro_rata", 5000)):
        book: Any = OrderBook(Instrument("X", matching=matching, fifo_share_bps=share))
        book.submit("sell", quantity=4, price=10)
        book.submit("sell", quantity=8, price=10)
        report = book.submit("buy", quantity=6, price=10)
        taken[matching] = [(trade.maker_order_id, trade.quantity) for trade in report.trades]
    assert taken == {
        "fifo": [(1, 4), (2, 2)],
        "pro_rata": [(1, 2), (2, 4)],
        # 3 go to the oldest first; of the other 3, 1 + 8 are shown: floor(3/9) and floor(24/9), and 1 is left over.
        "fifo_pro_rata": [(1, 3), (2, 2), (1, 1)],
    }


def test_R28_limits_outside_the_static_band_are_rejected() -> None:
    book: Any = OrderBook(Instrument("X", tick_size="0.5", reference_price=100, static_band_ticks=4))
    assert book.submit("buy", quantity=1, price=98).status == "open"
    assert book.submit("buy", quantity=1, price="97.5").reject_reason == "price_out_of_band"
    assert book.submit("sell", quantity=1, price="102.5").reject_reason == "price_out_of_band"
    assert book.amend(1, price="97.5").reject_reason == "price_out_of_band"
    assert book.amend(1, price=102).status == "open"


def test_R28_a_print_outside_the_circuit_breaker_halts_the_book() -> None:
    book: Any = OrderBook(Instrument("X", circuit_breaker_ticks=5, halt_ns=1000))
    book.submit("sell", quantity=1, price=100, timestamp=50)
    book.submit("buy", quantity=1, price=100)
    book.submit("sell", quantity=1, price=105)
    book.submit("sell", quantity=1, price=106)
    assert (book.phase, book.halt_end) == ("continuous", None)
    report = book.submit("buy", quantity=3, price=110)
    assert kinds(report) == ["accepted", "trade", "phase"]
    assert (report.status, report.filled_quantity, report.remaining_quantity) == ("partially_filled", 1, 2)
    assert (report.events[2].phase, book.phase, book.halt_end) == ("halted", "halted", 1050)
    restored = OrderBook.restore(book.snapshot())
    assert (restored.halt_end, restored.phase, restored.digest()) == (1050, "halted", book.digest())
    assert book.submit("buy", quantity=1, price=1).reject_reason == "not_allowed_in_phase"
    assert kinds(book.advance_time(1049)) == ["accepted"]
    ended = book.advance_time(1050)
    assert (kinds(ended), ended.events[0].phase) == (["phase", "accepted"], "auction")
    assert (book.phase, book.halt_end) == ("auction", None)
    opened = book.set_phase("continuous")
    assert kinds(opened) == ["accepted", "phase", "trade"]


def test_R26_phases_that_collect_orders() -> None:
    book: Any = OrderBook(Instrument("X", tick_size="0.5"))
    assert book.set_phase("pre_open").events[1].phase == "pre_open"
    assert book.submit("buy", quantity=5, price=101).status == "open"
    assert book.submit("sell", quantity=3, price=100).status == "open"
    waiting = book.submit("buy", quantity=1, order_type="market")
    assert (waiting.status, waiting.remaining_quantity) == ("open", 1)
    order = book.order(3)
    assert (order.order_type, order.price, order.price_ticks, order.shown_quantity) == ("market", None, None, 0)
    assert "order_type='market', quantity=1" in repr(order)
    limited = book.submit("buy", quantity=1, order_type="market", protection_price=99)
    assert limited.order_id == 4
    protected = book.order(4)
    assert (protected.protection_price, protected.protection_price_ticks) == (99, 198)
    assert book.submit("buy", quantity=1, price=1, time_in_force="ioc").reject_reason == "not_allowed_in_phase"
    assert book.submit("buy", quantity=1, price=1, time_in_force="aon").reject_reason == "not_allowed_in_phase"
    # The displayed book may be crossed now.
    assert (book.best_bid, book.best_ask) == (101, 100)
    assert book.set_phase("auction").events[1].phase == "auction"
    opened = book.set_phase("continuous")
    # 3 trade at any price of 100 to 101, and buyers are left over: the highest.
    assert kinds(opened) == ["accepted", "phase", "trade", "trade", "canceled"]
    first, second = opened.trades
    assert (first.maker_order_id, first.taker_order_id, first.quantity, first.price) == (2, 3, 1, 101)
    assert (second.maker_order_id, second.taker_order_id, second.quantity, second.price) == (1, 2, 2, 101)
    assert first.aggressor_side is opened.events[2].side is None
    assert repr(first).endswith("taker_order_id=3, aggressor_side=None)")
    assert (opened.events[4].order_id, opened.events[4].reason) == (4, "no_liquidity")
    assert (book.best_bid, book.best_ask, len(book)) == (101, None, 1)


def test_R27_the_indicative_price_can_be_read_in_any_phase() -> None:
    book: Any = OrderBook(Instrument("X", tick_size="0.5", lot_size="0.1"))
    nothing = book.indicative()
    assert (nothing.price, nothing.quantity, nothing.surplus) == (None, 0, 0)
    assert (nothing.price_ticks, nothing.quantity_lots, nothing.surplus_lots) == (None, 0, 0)
    assert repr(nothing) == "Indicative(price=None, quantity=0.0, surplus=0.0)"
    book.set_phase("auction")
    book.submit("buy", quantity=2, price="100.5")
    book.submit("sell", quantity="3.5", price="99.5", display_quantity=0)
    shown: Any = book.indicative()
    assert isinstance(shown, Indicative)
    # Sellers are left over: the lowest price.
    assert (shown.price, shown.quantity, shown.surplus) == (Decimal("99.5"), Decimal(2), Decimal("-1.5"))
    assert (shown.price_ticks, shown.quantity_lots, shown.surplus_lots) == (199, 20, -15)
    assert repr(shown) == "Indicative(price=99.5, quantity=2.0, surplus=-1.5)"
    assert shown == book.indicative() == copy.copy(shown) == copy.deepcopy(shown)
    assert hash(shown) == hash(book.indicative())
    assert shown != nothing
    book.set_phase("halted")
    assert book.indicative() == shown
    anything: Any = book.indicative()
    with pytest.raises(AttributeError):
        anything.price = 1
