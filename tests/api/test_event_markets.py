"""Event markets through `Exchange` (R32): sets of shares, two outcomes in one book, settled in full, in part, void."""

from decimal import Decimal
from typing import Any

import pytest

from aeromatch import Exchange


def market(**settings: Any) -> Any:
    ex: Any = Exchange()
    options: dict[str, Any] = {"outcomes": ["yes", "no"], "currency": "USD"} | settings
    assert ex.create_event("rain", **options).accepted
    for account in ("alice", "bob"):
        ex.create_account(account)
        assert ex.deposit(account, "USD", 100).accepted
    return ex


def cash(ex: Any, account: str) -> Any:
    return ex.balance(account, "USD").total


def test_R32_an_event_makes_its_outcomes_tradable() -> None:
    ex: Any = Exchange()
    made = ex.create_event("rain", outcomes=("yes", "no"), currency="USD", tick_size="0.001", lot_size="0.1")
    assert [f"{what} {name}" for what, name in made.created] == [
        "asset USD",
        "asset rain/yes",
        "asset rain/no",
        "group main",
        "account fees",
        "instrument rain/yes",
        "instrument rain/no",
        "event rain",
    ]
    (event,) = ex.events()
    assert (event.name, event.outcomes, event.symbols) == ("rain", ("yes", "no"), ("rain/yes", "rain/no"))
    assert (event.currency, event.group, event.fee_account, event.settled) == ("USD", "main", "fees", False)
    assert (event.tick_size, event.lot_size, event.maker_fee_bps) == (Decimal("0.001"), Decimal("0.1"), 0)
    no = ex.book("rain/no").instrument
    assert (no.symbol, no.base, no.quote, no.number) == ("rain/no", "rain/no", "USD", 2)
    assert ex.create_event("rain", outcomes=["a", "b"], currency="USD").reject_reason == "already_exists"
    assert ex.create_event("a/b", outcomes=["a", "b"], currency="USD").reject_reason == "invalid_name"
    assert ex.create_event("sun", outcomes=["a", "a"], currency="USD").reject_reason == "invalid_combination"
    rebate: dict[str, Any] = {"maker_fee_bps": -5, "taker_fee_bps": 10}
    assert ex.create_event("sun", outcomes=["a", "b"], currency="USD", **rebate).reject_reason == "invalid_combination"
    assert (
        ex.create_event("sun", outcomes=["a", "b"], currency="rain/yes", tick_size="0.1").reject_reason
        == "invalid_combination"
    )
    assert ex.create_event("sun", outcomes=["a", "b"], currency="USD", tick_size=1).reject_reason == "invalid_price"


def test_R30_the_main_group_is_there_once_something_made_it() -> None:
    ex: Any = Exchange()
    ex.create_account("alice")
    ex.create_asset("USD")
    assert ex.deposit("alice", "USD", 1).reject_reason == "unknown_group"
    ex.create_event("rain", outcomes=["yes", "no"], currency="USD")
    assert ex.deposit("alice", "USD", 1).accepted


def test_R32_two_buyers_whose_prices_reach_one_mint_a_set() -> None:
    ex = market()
    resting = ex.submit("rain/yes", "buy", quantity=10, price="0.60", account="alice")
    taken = ex.submit("rain/no", "buy", quantity=10, price="0.40", account="bob")
    assert (resting.status, taken.status) == ("open", "filled")
    assert (ex.balance("alice", "rain/yes").available, ex.balance("bob", "rain/no").available) == (10, 10)
    assert (cash(ex, "alice"), cash(ex, "bob")) == (94, 96)
    (yes,), (no,) = ex.positions("alice"), ex.positions("bob")
    assert (yes.symbol, yes.bought_quantity, yes.bought_notional) == ("rain/yes", 10, 6)
    assert (no.symbol, no.bought_quantity, no.bought_notional) == ("rain/no", 10, 4)


def test_R32_the_second_outcome_is_told_in_its_own_terms() -> None:
    ex = market()
    report = ex.submit("rain/no", "buy", quantity=4, price="0.35", account="bob")
    assert report.order_id is not None
    first = report.events[0]
    assert (first.side, first.price, first.instrument) == ("buy", Decimal("0.35"), 2)
    (change,) = report.level_changes
    assert (change.side, change.price, change.quantity, change.instrument) == ("buy", Decimal("0.35"), 4, 2)
    no, yes = ex.book("rain/no"), ex.book("rain/yes")
    assert (no.best_bid, no.best_ask, yes.best_bid, yes.best_ask) == (Decimal("0.35"), None, None, Decimal("0.65"))
    assert [(str(level.side), level.price) for level in no.depth().bids] == [("buy", Decimal("0.35"))]
    level, order = no.level("buy", "0.35"), no.order(report.order_id)
    assert level is not None
    assert order is not None
    assert (level.side, level.order_count, order.side, order.price) == ("buy", 1, "buy", Decimal("0.35"))
    other = yes.order(report.order_id)
    assert other is not None
    assert (other.side, other.price) == ("sell", Decimal("0.65"))
    trade = ex.submit("rain/no", "sell", quantity=4, price="0.30", account="alice")
    assert trade.reject_reason == "insufficient_funds"
    ex.mint("rain", "alice", 4)
    trade = ex.submit("rain/no", "sell", quantity=4, price="0.30", account="alice")
    assert (trade.status, trade.average_price) == ("filled", Decimal("0.35"))
    assert [(t.price, str(t.aggressor_side)) for t in trade.trades] == [(Decimal("0.35"), "sell")]
    assert (no.last_trade_price, yes.last_trade_price) == (Decimal("0.35"), Decimal("0.65"))
    assert (no.statistics.notional, yes.statistics.notional) == (Decimal("1.40"), Decimal("2.60"))
    assert (no.statistics.high_price, no.statistics.low_price) == (Decimal("0.35"), Decimal("0.35"))
    assert len(no) == len(yes) == 0


def test_R32_stops_and_auctions_in_the_mirror() -> None:
    ex = market()
    ex.mint("rain", "alice", 20)
    ex.submit("rain/yes", "sell", quantity=1, price="0.60", account="alice")
    ex.submit("rain/yes", "buy", quantity=1, price="0.60", account="bob")
    options: dict[str, Any] = {"order_type": "stop_limit", "account": "alice", "quantity": 1}
    ids = [
        ex.submit("rain/no", "sell", stop_price="0.30", price="0.29", **options).order_id,
        ex.submit("rain/no", "sell", stop_price="0.35", price="0.29", **options).order_id,
        ex.submit("rain/no", "buy", stop_price="0.50", price="0.52", **options).order_id,
    ]
    stops = ex.book("rain/no").stops()
    assert [(o.order_id, str(o.side), o.stop_price, o.price) for o in stops] == [
        (ids[2], "buy", Decimal("0.50"), Decimal("0.52")),
        (ids[1], "sell", Decimal("0.35"), Decimal("0.29")),
        (ids[0], "sell", Decimal("0.30"), Decimal("0.29")),
    ]
    ex.set_phase("rain/no", "auction")
    assert ex.book("rain/yes").phase == "auction"
    ex.submit("rain/no", "buy", quantity=5, price="0.44", account="bob")
    ex.submit("rain/no", "sell", quantity=3, price="0.41", account="alice")
    no, yes = ex.book("rain/no").indicative(), ex.book("rain/yes").indicative()
    assert (no.price, no.quantity, no.surplus) == (Decimal("0.41") + Decimal("0.03"), 3, 2)
    assert (yes.price, yes.surplus) == (1 - Decimal("0.44"), -2)


def test_R32_prices_stand_inside_the_unit() -> None:
    ex = market()
    for price in (0, 1, "1.01", "-0.5", "0.005"):
        for symbol in ("rain/yes", "rain/no"):
            report = ex.submit(symbol, "buy", quantity=1, price=price, account="alice")
            assert report.reject_reason == "invalid_price"
    assert ex.submit("rain/no", "buy", quantity=1, price="0.99", account="alice").status == "open"


def test_R32_settlement_in_full_pays_once_and_cancels_what_rests() -> None:
    ex = market()
    ex.mint("rain", "alice", 10)
    ex.submit("rain/no", "sell", quantity=10, price="0.50", account="alice")
    ex.submit("rain/yes", "buy", quantity=4, price="0.20", account="bob")
    settled = ex.settle("rain", outcome="no")
    kinds = [str(event.kind) for event in settled.events]
    assert kinds[0] == "accepted"
    assert kinds.count("canceled") == 2
    last = settled.events[-1]
    assert (last.kind, last.event, last.mode, last.outcome) == ("settled", "rain", "full", "no")
    assert {str(event.reason) for event in settled.events if event.kind == "canceled"} == {"settled"}
    assert (cash(ex, "alice"), cash(ex, "bob")) == (100, 100)
    assert ex.balances("alice") == (ex.balance("alice", "USD"),)
    assert ex.events()[0].settled
    for again in (ex.settle("rain", outcome="yes"), ex.void("rain", price="0.5"), ex.mint("rain", "alice", 1)):
        assert again.reject_reason == "already_settled"
    late = ex.submit("rain/yes", "buy", quantity=1, price="0.5", account="bob")
    assert late.reject_reason == "not_allowed_in_phase"
    assert ex.set_phase("rain/no", "continuous").reject_reason == "already_settled"


@pytest.mark.parametrize(
    ("end", "alice"),
    [
        (lambda ex: ex.settle("rain", value="0.25"), "96.50"),
        (lambda ex: ex.settle("rain", payouts={"yes": "0.25", "no": "0.75"}), "96.50"),
        (lambda ex: ex.settle("rain", payouts={"no": 1}), "94"),
        (lambda ex: ex.void("rain", price="0.6"), "100"),
        (lambda ex: ex.void("rain", payouts={"yes": "0.60", "no": "0.40"}), "100"),
    ],
)
def test_R32_scalar_settlement_and_void_pay_parts(end: Any, alice: str) -> None:
    ex = market()
    ex.submit("rain/yes", "buy", quantity=10, price="0.60", account="alice")
    ex.submit("rain/no", "buy", quantity=10, price="0.40", account="bob")
    assert end(ex).accepted
    assert cash(ex, "alice") == Decimal(alice)
    assert cash(ex, "alice") + cash(ex, "bob") == 200


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda ex: ex.settle("rain", outcome="maybe"), "unknown_outcome"),
        (lambda ex: ex.settle("rain", payouts={"yes": "0.5", "maybe": "0.5"}), "unknown_outcome"),
        (lambda ex: ex.settle("rain", payouts={}), "invalid_price"),
        (lambda ex: ex.settle("rain", payouts={"yes": "0.5"}), "invalid_price"),
        (lambda ex: ex.settle("rain", payouts={"yes": 2, "no": -1}), "invalid_price"),
        (lambda ex: ex.settle("rain", value="0.255"), "invalid_price"),
        (lambda ex: ex.settle("rain", value=-1), "invalid_price"),
        (lambda ex: ex.settle("rain", value="1.01"), "invalid_price"),
        (lambda ex: ex.void("rain", price="nan"), "invalid_price"),
    ],
)
def test_R32_settlements_that_cannot_be_are_rejected_and_change_nothing(end: Any, reason: str) -> None:
    ex = market()
    ex.mint("rain", "alice", 3)
    before = ex.balances("alice")
    assert end(ex).reject_reason == reason
    assert ex.balances("alice") == before
    assert not ex.events()[0].settled


def test_R32_more_than_two_outcomes_have_a_book_each() -> None:
    ex = market(outcomes=["red", "green", "blue"], lot_size="0.5", taker_fee_bps=100)
    ex.mint("rain", "alice", "2.5")
    assert [balance.available for balance in ex.balances("alice")][1:] == [Decimal("2.5")] * 3
    ex.submit("rain/blue", "sell", quantity=2, price="0.25", account="alice")
    taken = ex.submit("rain/blue", "buy", quantity=1, price="0.25", account="bob")
    assert taken.status == "filled"
    assert cash(ex, "bob") == 100 - Decimal("0.25") - Decimal("0.0025")
    assert ex.book("rain/red").best_ask is None
    assert ex.mint("rain", "alice", "0.3").reject_reason == "invalid_quantity"
    assert ex.redeem("rain", "alice", 1).reject_reason == "insufficient_funds"
    ex.mass_cancel(account="alice")
    assert ex.redeem("rain", "alice", 1).accepted
    assert ex.settle("rain", outcome="blue").accepted
    assert cash(ex, "alice") + cash(ex, "bob") + cash(ex, "fees") == 200
