"""Every method of OrderBook, and what its reports say."""

import copy
import pickle
from decimal import ROUND_UP, Context, Decimal, localcontext
from typing import Any

import pytest

from aeromatch import Instrument, OrderBook, OrderStatus, RejectReason, Side

DAY_NS = 86_400 * 10**9


@pytest.fixture(params=["ladder", "btree", "skiplist", "heap"])
def book(request: pytest.FixtureRequest) -> OrderBook:
    return OrderBook(Instrument("BTC-USD", tick_size="0.01", lot_size="0.0001"), index=request.param)


def kinds(report: Any) -> list[str]:
    return [str(event.kind) for event in report.events]


def test_a_resting_order_can_be_read_everywhere(book: Any) -> None:
    report = book.submit(
        Side.BUY, quantity="1.5", price="100.25", time_in_force="gtd", expire_at=DAY_NS, account="alice",
        client_order_id="a-1", timestamp=7, post_only="slide", self_trade_prevention="decrement",
        self_trade_group=9, tag=5,
    )  # fmt: skip
    assert report.accepted
    assert report.status is OrderStatus.OPEN
    assert (report.order_id, report.sequence, report.timestamp, report.reject_reason) == (1, 1, 7, None)
    assert (report.filled_quantity, report.remaining_quantity) == (0, Decimal("1.5"))
    assert (report.average_price, report.trades, kinds(report)) == (None, [], ["accepted"])
    assert report.events[0].tag == 5
    order = book.order(1)
    assert order is not None
    assert order == book.order(client_order_id="a-1", account="alice") == book.orders(account="alice")[0]
    assert (order.order_id, order.side, order.price, order.quantity) == (1, "buy", Decimal("100.25"), Decimal("1.5"))
    assert (order.filled_quantity, order.remaining_quantity, order.status) == (0, Decimal("1.5"), OrderStatus.OPEN)
    assert (order.order_type, order.time_in_force, order.post_only) == ("limit", "gtd", "slide")
    assert (order.account, order.account_number, order.client_order_id) == ("alice", 1, "a-1")
    assert (order.timestamp, order.expire_at) == (7, DAY_NS)
    assert (order.self_trade_prevention, order.self_trade_group) == ("decrement", 9)
    assert (order.price_ticks, order.quantity_lots, order.remaining_lots) == (10_025, 15_000, 15_000)
    level = book.level("buy", "100.25")
    assert level is not None
    assert (level.side, level.price, level.quantity, level.order_count) == ("buy", Decimal("100.25"), Decimal("1.5"), 1)
    assert (level.price_ticks, level.quantity_lots, level.orders_added) == (10_025, 15_000, 1)
    assert (level.orders_canceled, level.orders_filled, level.trade_count, level.traded_quantity) == (0, 0, 0, 0)
    assert book.depth().bids == [level] == book.depth(1).bids
    assert book.depth(0).bids == book.depth().asks == []
    assert (book.best_bid, book.best_ask, book.spread, book.mid_price) == (Decimal("100.25"), None, None, None)
    assert (len(book), book.now, book.phase, book.sequence) == (1, 7, "continuous", 1)
    assert book.level("sell", "100.25") is book.level("buy", "100.255") is book.level("buy", 1) is None


def test_a_trade_is_reported_exactly(book: Any) -> None:
    book.submit("sell", quantity="0.3", price="10.01", account="alice")
    book.submit("sell", quantity="0.3", price="10.02")
    report = book.submit("buy", quantity="0.5", price="10.05", account="bob")
    assert report.status is OrderStatus.FILLED
    assert (report.filled_quantity, report.remaining_quantity) == (Decimal("0.5"), 0)
    assert report.average_price == Decimal("10.014")
    first, second = report.trades
    assert (first.trade_id, first.price, first.quantity) == (1, Decimal("10.01"), Decimal("0.3"))
    assert (first.maker_order_id, first.taker_order_id, first.aggressor_side) == (1, 3, "buy")
    assert (first.maker_account, first.sequence, first.price_ticks, first.quantity_lots) == ("alice", 3, 1001, 3000)
    assert (second.trade_id, second.price, second.quantity, second.maker_account) == (
        2,
        Decimal("10.02"),
        Decimal("0.2"),
        None,
    )
    changes = [(change.side, change.price, change.quantity, change.order_count) for change in report.level_changes]
    assert changes == [("sell", Decimal("10.01"), 0, 0), ("sell", Decimal("10.02"), Decimal("0.1"), 1)]
    statistics = book.statistics
    assert (statistics.commands, statistics.orders_accepted, statistics.trade_count) == (3, 3, 2)
    assert (statistics.traded_quantity, statistics.notional) == (Decimal("0.5"), Decimal("5.007"))
    assert (statistics.last_price, statistics.high_price, statistics.low_price) == (
        Decimal("10.02"),
        Decimal("10.02"),
        Decimal("10.01"),
    )
    assert (statistics.order_count, statistics.bid_levels, statistics.ask_levels) == (1, 0, 1)
    assert statistics.as_dict()["notional"] == statistics.notional
    assert statistics.memory_bytes > 0


def test_R7_level_changes_are_bids_then_asks_best_first(book: Any) -> None:
    for side, price in [("sell", 12), ("sell", 11), ("buy", 9), ("buy", 8)]:
        book.submit(side, quantity=1, price=price, account="alice")
    report = book.mass_cancel(account="alice")
    assert [(change.side, change.price) for change in report.level_changes] == [
        ("buy", 9),
        ("buy", 8),
        ("sell", 11),
        ("sell", 12),
    ]
    assert all(change.order_count == change.quantity == 0 for change in report.level_changes)


def test_R9_average_price_is_exact_to_28_digits_half_even(book: Any) -> None:
    for quantity, price in [("0.0001", "1.00"), ("0.0001", "1.01"), ("0.0001", "1.01")]:
        book.submit("sell", quantity=quantity, price=price)
    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        average = book.submit("buy", quantity="0.0003", price=2).average_price
    assert average == Decimal("1.006666666666666666666666667")


def test_R9_the_average_of_huge_amounts_is_exact() -> None:
    book = OrderBook(Instrument("X", tick_size="1000000000000000000", lot_size="1e-30"))
    largest = book.instrument.lots_to_quantity(2**48)
    price = book.instrument.ticks_to_price(2**63 - 1)
    for _ in range(3):
        book.submit("sell", quantity=largest, price=price)
    report = book.submit("buy", quantity=largest, price=price)
    assert report.average_price == Context(prec=28).create_decimal(price)
    assert book.statistics.notional == Decimal((2**63 - 1) * 10**18 * 2**48).scaleb(-30, Context(prec=99))
    assert book.depth().asks[0].quantity == Decimal(2**49).scaleb(-30, Context(prec=99))


@pytest.mark.parametrize(
    ("order", "status", "remaining", "reason"),
    [
        ({"quantity": 3, "price": 10}, "partially_filled", 1, None),
        ({"quantity": 2, "price": 10}, "filled", 0, None),
        ({"quantity": 3, "price": 9}, "open", 3, None),
        ({"quantity": 3, "price": 10, "time_in_force": "ioc"}, "canceled", 0, None),
        ({"quantity": 3, "price": 10, "time_in_force": "fok"}, "canceled", 0, None),
        ({"quantity": 3, "order_type": "market"}, "canceled", 0, None),
        ({"quantity": 3, "price": 10, "post_only": True}, "rejected", 0, "post_only_would_take"),
        ({"quantity": 3, "price": 10, "post_only": "slide"}, "open", 3, None),
        ({"quantity": 3, "price": 10, "post_only": False}, "partially_filled", 1, None),
        ({"quantity": 3}, "rejected", 0, "invalid_combination"),
    ],
)
def test_R9_statuses(book: Any, order: dict[str, Any], status: str, remaining: int, reason: str | None) -> None:
    book.submit("sell", quantity=2, price=10)
    report = book.submit("buy", **order)
    assert (report.status, report.remaining_quantity, report.reject_reason) == (status, remaining, reason)
    assert (report.order_id is None) == (status == "rejected")
    order_id = report.order_id
    live = book.order(order_id) if order_id else None
    assert (live.status if live else None) == (status if remaining else None)


@pytest.mark.parametrize(
    ("mode", "status", "remaining"),
    [
        ("none", "filled", 0),
        ("cancel_newest", "canceled", 0),
        ("cancel_oldest", "open", 2),
        ("cancel_both", "canceled", 0),
        ("decrement", "canceled", 0),
    ],
)
def test_R25_statuses_under_self_trade_prevention(book: Any, mode: str, status: str, remaining: int) -> None:
    book.submit("sell", quantity=3, price=10, account="alice")
    report = book.submit("buy", quantity=2, price=10, account="alice", self_trade_prevention=mode)
    assert (report.status, report.remaining_quantity) == (status, remaining)


def test_cancel_and_amend_by_either_id(book: Any) -> None:
    book.submit("buy", quantity=5, price=10, account="alice", client_order_id="a")
    amended = book.amend(1, quantity=4, account="alice")
    assert (amended.status, amended.remaining_quantity, amended.order_id) == ("open", 4, 1)
    event = amended.events[1]
    assert (event.kind, event.total_quantity, event.priority_kept, event.price) == ("amended", 4, True, 10)
    moved = book.amend(client_order_id="a", account="alice", price="11.5")
    assert (moved.events[1].priority_kept, book.best_bid) == (False, Decimal("11.5"))
    assert book.amend(1, quantity=3, account="bob").reject_reason is RejectReason.UNKNOWN_ORDER
    assert book.cancel(1, account="bob").reject_reason == "unknown_order"
    with pytest.raises(TypeError, match="cancel by client_order_id needs account"):
        book.cancel(client_order_id="a")
    canceled = book.cancel(client_order_id="a", account="alice")
    assert (canceled.status, canceled.order_id, kinds(canceled)) == ("canceled", 1, ["accepted", "canceled"])
    assert canceled.events[1].reason == "requested"
    assert book.cancel(1).reject_reason == "unknown_order"
    assert len(book) == 0


def test_an_amend_that_trades_reports_what_it_traded(book: Any) -> None:
    book.submit("sell", quantity=2, price=10)
    book.submit("buy", quantity=5, price=10)
    book.submit("sell", quantity=1, price=11)
    report = book.amend(2, price=11)
    assert (report.status, report.filled_quantity, report.remaining_quantity) == ("partially_filled", 1, 2)
    assert report.average_price == 11
    order = book.order(2)
    assert order is not None
    assert (order.quantity, order.filled_quantity, order.status) == (5, 3, "partially_filled")
    assert book.amend(2, quantity=3).status == "canceled"


def test_mass_cancel_by_account_and_side(book: Any) -> None:
    for account, side, price in [("alice", "buy", 1), ("alice", "sell", 9), ("bob", "buy", 2), (None, "buy", 3)]:
        book.submit(side, quantity=1, price=price, account=account)
    assert [order.order_id for order in book.orders()] == [1, 2, 3, 4]
    assert [order.order_id for order in book.orders(account="alice", side="buy")] == [1]
    assert book.orders(account="nobody") == []
    report = book.mass_cancel(account="alice", side="sell")
    assert (report.status, report.accepted, report.order_id) == (None, True, None)
    assert [event.order_id for event in report.events] == [None, 2]
    assert book.mass_cancel(account="nobody").accepted
    assert len(book) == 3
    assert [event.order_id for event in book.mass_cancel().events[1:]] == [1, 3, 4]


def test_phases_and_time(book: Any) -> None:
    book.submit("buy", quantity=1, price=1, time_in_force="day")
    book.submit("buy", quantity=1, price=1, time_in_force="gtd", expire_at=100)
    report = book.advance_time(100)
    assert kinds(report) == ["canceled", "accepted"]
    assert (report.events[0].reason, report.timestamp, report.status) == ("expired", 100, None)
    assert book.advance_time(50).timestamp == book.now == 100
    assert book.set_phase("halted", timestamp=200).events[1].phase == "halted"
    assert book.submit("buy", quantity=1, price=1).reject_reason == "not_allowed_in_phase"
    closed = book.set_phase("closed")
    assert [event.reason for event in closed.events] == [None, None, "session_closed"]
    assert book.phase == "closed"


def test_R5_a_repeated_client_order_id_names_the_first_order(book: Any) -> None:
    book.submit("buy", quantity=1, price=1, account="alice", client_order_id="x")
    repeat = book.submit("buy", quantity=1, price=1, account="alice", client_order_id="x")
    assert repeat.reject_reason == "duplicate_client_order_id"
    assert (repeat.order_id, repeat.events[0].order_id) == (None, 1)
    assert book.submit("buy", quantity=1, price=1, account="bob", client_order_id="x").accepted


def test_accounts_have_names_and_numbers(book: Any) -> None:
    assert (book.account_number("alice"), book.account_number("bob"), book.account_number("alice")) == (1, 2, 1)
    assert (book.account_name(1), book.account_name(2), book.account_name(0), book.account_name(3)) == (
        "alice",
        "bob",
        None,
        None,
    )
    book.submit("buy", quantity=1, price=1, account=2)
    assert [order.account for order in book.orders(account="bob")] == ["bob"]
    book.submit("buy", quantity=1, price=1, account=77)
    assert [(order.account, order.account_number) for order in book.orders(account=77)] == [(None, 77)]
    assert book.cancel(2, account="carol").reject_reason == "unknown_order"


def test_middle_and_spread_are_exact(book: Any) -> None:
    book.submit("buy", quantity=1, price="-0.02")
    book.submit("sell", quantity=1, price="0.01")
    assert (book.spread, book.mid_price) == (Decimal("0.03"), Decimal("-0.005"))


def test_R5_order_ids_carry_the_instrument_number() -> None:
    book = OrderBook(Instrument("X", number=3))
    assert book.submit("buy", quantity=1, price=1).order_id == (3 << 40) + 1


def test_instruments_are_values() -> None:
    one = Instrument(
        "X", tick_size="0.050", lot_size=10, number=2, self_trade_prevention="decrement", dedup_window_ns=5
    )
    assert (one.symbol, one.number) == ("X", 2)
    assert (one.tick_size, one.lot_size) == (Decimal("0.05"), Decimal(10))
    assert (one.self_trade_prevention, one.dedup_window_ns) == ("decrement", 5)
    for other in (
        pickle.loads(pickle.dumps(one)),
        copy.copy(one),
        copy.deepcopy(one),
        eval(repr(one), {"Instrument": Instrument}),
    ):
        assert other == one
        assert hash(other) == hash(one)
    assert one != Instrument("X")
    assert one != "X"
    assert one.ticks_to_price(3) == Decimal("0.15")
    assert one.lots_to_quantity(7) == 70


def test_everything_is_immutable_and_readable(book: Any) -> None:
    book.submit("sell", quantity=1, price=10, account="al'ice", client_order_id="c")
    book.submit("sell", quantity=4, price=10, display_quantity=2)
    book.submit("sell", quantity=1, order_type="stop", stop_price=10)
    book.submit("sell", quantity=1, order_type="trailing_stop_limit", trail_offset_bps=50, price=9, display_quantity=0)
    cascade = book.submit("buy", quantity=3, price=10)
    assert [str(event.kind) for event in cascade.events] == [
        "accepted", "trade", "trade", "replenished", "triggered", "canceled",
    ]  # fmt: skip
    book.mass_cancel()
    book.submit("sell", quantity=1, price=10, account="al'ice", client_order_id="c")
    report = book.submit("buy", quantity=2, price=10, time_in_force="gtc")
    book.submit("sell", quantity=1, order_type="stop", stop_price=9)
    things: list[Any] = [
        report, *report.events, *report.trades, *report.level_changes, book.depth(), *book.depth().bids, *book.orders(),
        book.statistics, book.instrument, book, book.indicative(), *book.stops(), *cascade.events, cascade,
    ]  # fmt: skip
    for thing in things:
        assert repr(thing).startswith(type(thing).__name__ + "(")
        assert "object at" not in repr(thing)
        attributes = [name for name in dir(thing) if not name.startswith("_") and not callable(getattr(thing, name))]
        assert attributes
        for name in attributes:
            with pytest.raises(AttributeError):
                setattr(thing, name, 1)
        with pytest.raises(AttributeError):
            thing.something_new = 1
        if thing is not book:
            assert copy.copy(thing) == copy.deepcopy(thing) == thing
            assert hash(thing) == hash(copy.copy(thing))
            assert thing != 1
        with pytest.raises(TypeError, match=r"abstract|not an acceptable base"):
            type("Sub", (type(thing),), {})
    assert repr(report.trades[0]) == (
        "Trade(trade_id=3, price=10.00, quantity=1.0000, maker_order_id=6, taker_order_id=7, aggressor_side='buy')"
    )
    report.events.clear()
    assert len(report.events) == 2


def test_events_show_what_their_kind_has(book: Any) -> None:
    book.submit("sell", quantity=1, price=10, account="alice")
    accepted, trade = book.submit("buy", quantity=2, price=11, tag=9, timestamp=4).events
    assert accepted.as_dict() == {
        "kind": "accepted", "order_type": "limit", "side": "buy", "price": 11, "quantity": 2, "order_id": 2,
        "timestamp": 4, "tag": 9, "sequence": 2, "index": 0,
    }  # fmt: skip
    assert trade.as_dict() == {
        "kind": "trade", "side": "buy", "price": 10, "quantity": 1, "order_id": 1, "other_order_id": 2, "trade_id": 1,
        "account": "alice", "sequence": 2, "index": 1,
    }  # fmt: skip
    assert (trade.tag, trade.timestamp, trade.reason, trade.phase, trade.priority_kept) == (None,) * 5
    assert (trade.price_ticks, trade.quantity_lots, trade.other, trade.detail, trade.instrument) == (
        1000,
        10_000,
        2,
        1,
        0,
    )
    rejected = book.cancel(99, account="bob").events[0]
    assert (rejected.kind, rejected.reason, rejected.account, rejected.price, rejected.order_id) == (
        "rejected", "unknown_order", "bob", None, None,
    )  # fmt: skip


def test_live_things_say_that_they_do_not_pickle(book: Any) -> None:
    report = book.submit("sell", quantity=1, price=10)
    for thing in (book, report, report.events[0], book.depth(), book.orders()[0], book.statistics, book.indicative()):
        with pytest.raises(TypeError, match=f"cannot pickle 'aeromatch.{type(thing).__name__}' object"):
            pickle.dumps(thing)


def test_reports_of_equal_books_are_equal() -> None:
    def run() -> list[Any]:
        book = OrderBook(Instrument("X"))
        return [book.submit("sell", quantity=1, price=5), book.submit("buy", quantity=2, price=5)]

    assert run() == run()
    assert run()[0] != run()[1]


def test_R10_queue_is_the_order_in_which_orders_would_trade() -> None:
    book = OrderBook(Instrument("X"))
    first, iceberg, hidden, grown, last = (
        book.submit("sell", quantity=10, price=100).order_id,
        book.submit("sell", quantity=9, price=100, display_quantity=3).order_id,
        book.submit("sell", quantity=5, price=100, display_quantity=0).order_id,
        book.submit("sell", quantity=4, price=100).order_id,
        book.submit("sell", quantity=2, price=100).order_id,
    )
    assert [order.order_id for order in book.queue("sell", 100)] == [first, iceberg, grown, last, hidden]
    book.amend(first, quantity=8)
    book.amend(grown, quantity=6)
    assert [order.order_id for order in book.queue("sell", "100")] == [first, iceberg, last, grown, hidden]
    book.submit("buy", quantity=11, price=100)
    queue = book.queue(Side.SELL, 100)
    assert [order.order_id for order in queue] == [last, grown, iceberg, hidden]
    makers = [trade.maker_order_id for trade in book.submit("buy", quantity=100, price=100).trades]
    assert makers == [last, grown, iceberg, iceberg, hidden]
    assert book.queue("buy", 100)[0].remaining_quantity == 81
    assert book.queue("sell", 100) == book.queue("buy", "99.5") == []
