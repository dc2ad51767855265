"""Stops, icebergs, all-or-none, minimum quantities: how they are sent, reported and read."""

from decimal import Decimal
from typing import Any

import pytest

from aeromatch import Instrument, OrderBook, OrderStatus, OrderType


@pytest.fixture(params=["ladder", "btree"])
def book(request: pytest.FixtureRequest) -> OrderBook:
    return OrderBook(Instrument("X", tick_size="0.01"), index=request.param)


def kinds(report: Any) -> list[str]:
    return [str(event.kind) for event in report.events]


def trade_at(book: Any, price: Any) -> None:
    book.submit("sell", quantity=1, price=price)
    assert book.submit("buy", quantity=1, price=price).status == "filled"


def test_R15_a_stop_sleeps_and_can_be_read(book: Any) -> None:
    report = book.submit("buy", quantity=2, order_type="stop", stop_price="101", account="alice", timestamp=7)
    assert (report.status, report.filled_quantity, report.remaining_quantity) == (OrderStatus.DORMANT, 0, 2)
    assert "status='dormant'" in repr(report)
    (accepted,) = report.events
    assert (accepted.order_type, accepted.undisplayed, accepted.iceberg, accepted.price) == ("stop", False, False, 0)
    order = book.order(1)
    assert (order.status, order.order_type, order.price, order.price_ticks) == ("dormant", OrderType.STOP, None, None)
    assert (order.stop_price, order.stop_price_ticks) == (Decimal("101.00"), 10_100)
    assert (order.trail_offset, order.trail_offset_ticks, order.trail_offset_bps) == (None, None, None)
    assert (order.display_quantity, order.min_quantity, order.protection_price) == (None, None, None)
    assert (order.shown_quantity, order.shown_lots, order.remaining_quantity) == (0, 0, 2)
    assert book.stops() == book.orders() == [order]
    assert (len(book), book.best_bid, book.depth().bids, report.level_changes) == (1, None, [], [])
    assert repr(order) == (
        "Order(order_id=1, side='buy', order_type='stop', stop_price=101.00, quantity=2, remaining_quantity=2, "
        "time_in_force='gtc', status='dormant', account='alice')"
    )
    assert book.cancel(1).status == "canceled"
    assert book.stops() == []


def test_R16_a_stop_that_another_order_triggers_is_in_that_report(book: Any) -> None:
    book.submit("sell", quantity=1, price=101)
    book.submit("buy", quantity=2, order_type="stop", stop_price=101, account="alice")
    book.submit("sell", quantity=3, price=102)
    report = book.submit("buy", quantity=1, price=101)
    assert kinds(report) == ["accepted", "trade", "triggered", "trade"]
    triggered = report.events[2]
    assert (triggered.order_id, triggered.side, triggered.price, triggered.quantity) == (2, "buy", 0, 2)
    assert triggered.as_dict() == {
        "kind": "triggered", "side": "buy", "price": 0, "quantity": 2, "order_id": 2, "account": "alice",
        "sequence": 4, "index": 2,
    }  # fmt: skip
    # The report is about its own order: the stop's fill is not its.
    assert (report.status, report.filled_quantity, report.average_price) == ("filled", 1, 101)
    assert [trade.taker_order_id for trade in report.trades] == [4, 2]


def test_R15_a_stop_that_is_reached_on_entry_has_the_status_after_it_all(book: Any) -> None:
    trade_at(book, 100)
    book.submit("sell", quantity=2, price="100.50")
    full = book.submit("buy", quantity=1, order_type="stop", stop_price=100)
    assert kinds(full) == ["accepted", "triggered", "trade"]
    assert (full.status, full.filled_quantity, full.average_price) == ("filled", 1, Decimal("100.5"))
    part = book.submit("buy", quantity=3, order_type="stop_limit", stop_price=100, price="100.50")
    assert (part.status, part.filled_quantity, part.remaining_quantity) == ("partially_filled", 1, 2)
    assert part.events[1].price == Decimal("100.50")
    order = book.order(part.order_id)
    assert (order.order_type, order.status, order.price, order.stop_price) == (
        "limit",
        "partially_filled",
        Decimal("100.50"),
        None,
    )
    empty = book.submit("buy", quantity=1, order_type="stop", stop_price=100)
    assert (kinds(empty), empty.status) == (["accepted", "triggered", "canceled"], "canceled")
    assert empty.events[2].reason == "no_liquidity"
    assert book.stops() == []


def test_R22_an_amended_stop_is_still_dormant(book: Any) -> None:
    book.submit("sell", quantity=5, order_type="stop_limit", stop_price=90, price=89, min_quantity=2)
    report = book.amend(1, quantity=4, price=88)
    assert (report.status, report.remaining_quantity, kinds(report)) == ("dormant", 4, ["accepted", "amended"])
    assert (report.events[1].price, report.events[1].priority_kept) == (88, True)
    order = book.order(1)
    assert (order.price, order.quantity, order.stop_price, order.min_quantity, order.min_lots) == (88, 4, 90, 2, 2)
    assert book.amend(1, quantity=1).reject_reason == "invalid_quantity"
    book.submit("sell", quantity=5, order_type="stop", stop_price=90)
    assert book.amend(2, price=88).reject_reason == "invalid_combination"
    resting = book.submit("buy", quantity=1, price=1)
    assert book.amend(resting.order_id, price=2).status == "open"


@pytest.mark.parametrize(
    ("offset", "ticks", "bps", "money", "stop"),
    [
        ({"trail_offset": "0.50"}, 50, None, Decimal("0.50"), Decimal("99.50")),
        ({"trail_offset": 0.25}, 25, None, Decimal("0.25"), Decimal("99.75")),
        ({"trail_offset_bps": 100}, None, 100, None, Decimal("99.00")),
        # ceil(10,000 ticks * 3 / 10,000) is 3 ticks.
        ({"trail_offset_bps": 3}, None, 3, None, Decimal("99.97")),
    ],
)
def test_R15_trailing_stops(book: Any, offset: Any, ticks: Any, bps: Any, money: Any, stop: Decimal) -> None:
    report = book.submit("sell", quantity=1, order_type="trailing_stop_limit", price=90, **offset)
    assert report.status == "dormant"
    order = book.order(1)
    assert (order.order_type, order.price, order.stop_price) == ("trailing_stop_limit", 90, None)
    assert (order.trail_offset, order.trail_offset_ticks, order.trail_offset_bps) == (money, ticks, bps)
    trade_at(book, 100)
    assert [order.stop_price for order in book.stops()] == [stop]
    trade_at(book, 101)
    assert book.order(1).stop_price > stop


def test_R16_stops_are_listed_in_the_order_in_which_they_fire(book: Any) -> None:
    book.submit("sell", quantity=1, order_type="stop", stop_price=80)
    book.submit("buy", quantity=1, order_type="trailing_stop", trail_offset=1)
    book.submit("buy", quantity=1, order_type="stop", stop_price=120)
    book.submit("sell", quantity=1, order_type="stop", stop_price=90)
    book.submit("buy", quantity=1, order_type="stop", stop_price=110)
    assert [order.order_id for order in book.stops()] == [5, 3, 4, 1, 2]
    assert [order.order_id for order in book.orders()] == [1, 2, 3, 4, 5]
    assert [event.order_id for event in book.mass_cancel(side="buy").events[1:]] == [2, 3, 5]


def test_R14_icebergs_show_slices(book: Any) -> None:
    report = book.submit("sell", quantity=10, price=100, display_quantity=3)
    accepted = report.events[0]
    assert (accepted.order_type, accepted.undisplayed, accepted.iceberg) == ("limit", False, True)
    assert accepted.as_dict()["iceberg"] is True
    order = book.order(1)
    assert (order.display_quantity, order.display_lots, order.shown_quantity, order.shown_lots) == (3, 3, 3, 3)
    assert (order.remaining_quantity, book.level("sell", 100).quantity) == (10, 3)
    assert "remaining_quantity=10, display_quantity=3, " in repr(order)
    taking = book.submit("buy", quantity=4, price=100)
    assert kinds(taking) == ["accepted", "trade", "replenished", "trade"]
    replenished = taking.events[2]
    assert (replenished.side, replenished.price, replenished.quantity, replenished.order_id) == ("sell", 100, 3, 1)
    order = book.order(1)
    assert (order.remaining_quantity, order.shown_quantity, order.status) == (6, 2, "partially_filled")


def test_R14_hidden_orders_are_not_displayed(book: Any) -> None:
    report = book.submit("sell", quantity=10, price=100, display_quantity=0)
    accepted = report.events[0]
    assert (accepted.undisplayed, accepted.iceberg, report.status) == (True, False, "open")
    assert accepted.as_dict()["undisplayed"] is True
    order = book.order(1)
    assert (order.display_quantity, order.shown_quantity, order.remaining_quantity) == (0, 0, 10)
    assert (book.best_ask, book.depth().asks, book.level("sell", 100), report.level_changes) == (None, [], None, [])
    assert book.submit("buy", quantity=4, price=100).status == "filled"


def test_R14_slices_that_are_too_small_are_rejected(book: Any) -> None:
    order: dict[str, Any] = {"quantity": 2048, "price": 100}
    assert book.submit("buy", **order, display_quantity=1).reject_reason == "invalid_quantity"
    assert book.submit("buy", **order, display_quantity=2).status == "open"
    assert book.submit("buy", **order, display_quantity=5000).status == "open"
    assert book.submit("buy", **order, display_quantity=1, order_type="market").reject_reason == "invalid_quantity"
    del order["price"]
    assert book.submit("buy", **order, display_quantity=2, order_type="market").reject_reason == "invalid_combination"


def test_R9_fills_as_maker_of_the_own_command_count(book: Any) -> None:
    waiting = book.submit("sell", quantity=5, price=100, time_in_force="aon")
    assert (waiting.status, waiting.events[0].undisplayed, book.best_ask) == ("open", True, None)
    assert book.order(1).time_in_force == "aon"
    assert book.submit("buy", quantity=3, price=100).status == "open"
    report = book.submit("buy", quantity=4, price="100.01")
    # It rests, and the all-or-none order then trades with it as aggressor: all of it, and one of the other.
    assert kinds(report) == ["accepted", "trade", "trade"]
    assert [(trade.maker_order_id, trade.quantity, trade.price) for trade in report.trades] == [
        (3, 4, Decimal("100.01")),
        (2, 1, 100),
    ]
    assert (report.status, report.filled_quantity, report.average_price) == ("filled", 4, Decimal("100.01"))
    assert (report.remaining_quantity, book.order(3), book.order(2).remaining_quantity) == (0, None, 2)


def test_R9_a_maker_of_the_own_command_may_be_left_with_something(book: Any) -> None:
    book.submit("sell", quantity=5, price=100, time_in_force="aon")
    report = book.submit("buy", quantity=7, price=100, time_in_force="day", display_quantity=2)
    # It has more than the all-or-none order needs: it takes it on arrival and rests with a fresh slice.
    assert (report.status, report.filled_quantity, report.remaining_quantity) == ("partially_filled", 5, 2)
    assert book.submit("sell", quantity=6, price=100, time_in_force="aon").status == "open"
    more = book.submit("buy", quantity=9, price="99.50")
    assert (more.status, more.filled_quantity) == ("open", 0)


def test_R25_a_decremented_maker_of_the_own_command_shrinks(book: Any) -> None:
    """A stop that our order's trade has woken meets what is left of our order, and both shrink."""
    book.submit("sell", quantity=1, price=100)
    own: dict[str, Any] = {"account": "alice", "self_trade_prevention": "decrement"}
    book.submit("sell", quantity=2, order_type="stop", stop_price=100, **own)
    report = book.submit("buy", quantity=5, price=100, **own)
    assert kinds(report) == ["accepted", "trade", "triggered", "decremented", "canceled"]
    assert (report.status, report.filled_quantity, report.remaining_quantity) == ("partially_filled", 1, 2)
    assert book.order(3).quantity == 3


def test_R21_minimum_quantities(book: Any) -> None:
    nothing = book.submit("buy", quantity=3, price=100, min_quantity=2)
    assert (nothing.status, book.order(1).min_quantity) == ("open", None)
    book.cancel(1)
    book.submit("sell", quantity=1, price=100)
    less = book.submit("buy", quantity=3, price=100, min_quantity=2)
    assert (less.status, less.events[1].reason) == ("canceled", "minimum_quantity")
    assert book.submit("buy", quantity=3, price=100, min_quantity=1).status == "partially_filled"
    assert book.submit("buy", quantity=3, price=100, min_quantity=4).reject_reason == "invalid_quantity"


@pytest.mark.parametrize(
    "order",
    [
        {"order_type": "stop"},
        {"order_type": "stop", "stop_price": 5, "price": 5},
        {"order_type": "stop", "stop_price": 5, "trail_offset": 1},
        {"order_type": "stop_limit", "stop_price": 5},
        {"order_type": "trailing_stop"},
        {"order_type": "trailing_stop", "trail_offset": 1, "stop_price": 5},
        {"order_type": "trailing_stop_limit", "trail_offset_bps": 1},
        {"price": 5, "stop_price": 5},
        {"price": 5, "trail_offset": 1},
        {"price": 5, "display_quantity": 1, "time_in_force": "ioc"},
        {"price": 5, "display_quantity": 0, "time_in_force": "aon"},
        {"price": 5, "min_quantity": 1, "time_in_force": "aon"},
        {"price": 5, "min_quantity": 1, "post_only": True},
        {"price": 5, "post_only": True, "time_in_force": "aon"},
        {"order_type": "market", "time_in_force": "aon"},
        {"order_type": "stop", "stop_price": 5, "time_in_force": "aon"},
        {"order_type": "stop", "stop_price": 5, "protection_price": 5},
    ],
)
def test_combinations_that_contradict_themselves_are_rejected(book: Any, order: dict[str, Any]) -> None:
    report = book.submit("buy", quantity=1, **order)
    assert (report.status, report.reject_reason) == ("rejected", "invalid_combination")
