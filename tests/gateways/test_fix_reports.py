"""From FIX messages to orders of the exchange, and from what it says of them to execution reports."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest

from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.refusals import ORDER_REASONS, cancel_reason, order_reason, text_of
from aeromatch.gateways.fix.reports import followed, restored
from aeromatch.gateways.fix.requests import amendment, new_order, terms_of
from aeromatch.gateways.fix.tracked import Change, Tracked
from aeromatch.gateways.problems import PROBLEMS, refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.orders import Fill, Order, OrderStatus

LIMIT: dict[int, Any] = {11: "a-1", 55: "BTC-USD", 54: "1", 38: "5", 40: "2", 44: "100.5"}


def changed(fields: dict[int, Any]) -> Message:
    """A limit buy with other fields; None: without it."""
    message = Message("D", LIMIT)
    for tag, value in fields.items():
        message.remove(tag) if value is None else message.set(tag, value)
    return message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"type": "limit", "time_in_force": "day", "price": "100.5", "quantity": "5", "side": "buy"}),
        ({54: "2", 59: "1", 1: "alice"}, {"side": "sell", "time_in_force": "gtc", "account": "alice"}),
        ({59: "3"}, {"time_in_force": "ioc"}),
        ({59: "4"}, {"time_in_force": "fok"}),
        ({59: "6", 126: "20260102-09:30:00.250"}, {"time_in_force": "gtd", "expire_at": 1767346200250000000}),
        ({40: "1", 44: None}, {"type": "market", "price": None, "protection_price": None}),
        ({40: "1", 152: "1000"}, {"type": "market", "price": None, "protection_price": "100.5", "budget": "1000"}),
        ({40: "3", 44: None, 99: "90"}, {"type": "stop", "stop_price": "90"}),
        ({40: "4", 99: "90"}, {"type": "stop_limit", "stop_price": "90", "price": "100.5"}),
        ({40: "P", 18: "a", 44: None, 211: "2"}, {"type": "trailing_stop", "trail_offset": "2"}),
        (
            {40: "P", 18: "a", 211: "50", 836: "1"},
            {"type": "trailing_stop_limit", "trail_offset_bps": 50, "trail_offset": None},
        ),
        ({18: "6"}, {"post_only": True}),
        ({18: "G"}, {"time_in_force": "aon"}),
        ({111: "1", 110: "2"}, {"display_quantity": "1", "min_quantity": "2"}),
    ],
)
def test_a_new_order_single_is_an_order(fields: dict[int, Any], expected: dict[str, Any]) -> None:
    order = new_order(changed(fields))
    assert {name: getattr(order, name) for name in expected} == expected
    assert order.client_order_id == "a-1"


@pytest.mark.parametrize(
    ("fields", "slug", "tag"),
    [
        ({54: "5"}, "invalid_combination", 54),
        ({40: "J"}, "invalid_combination", 40),
        ({40: "P"}, "invalid_combination", 40),
        ({18: "a"}, "invalid_combination", 40),
        ({18: "6 M"}, "invalid_combination", 18),
        ({59: "7"}, "invalid_combination", 59),
        ({18: "G", 59: "3"}, "invalid_combination", 59),
        ({38: None}, "malformed", 38),
        ({40: "P", 18: "a", 211: "0.5", 836: "1"}, "malformed", 211),
        ({40: "P", 18: "a", 211: "5", 836: "2"}, "invalid_combination", 836),
    ],
)
def test_what_the_exchange_does_not_have_is_refused(fields: dict[int, Any], slug: str, tag: int) -> None:
    with pytest.raises(RefusedError) as refused:
        new_order(changed(fields))
    assert refused.value.slug == slug
    assert f"({tag})" in text_of(refused.value)


def test_a_replacement_changes_price_and_quantity_only() -> None:
    order = tracked(terms=[(99, "90")])
    assert amendment(changed({38: "7", 44: "99", 99: "90.0"}), order).quantity == "7"
    for fields in ({54: "2"}, {55: "ETH-USD"}, {40: "1"}, {99: "91"}):
        with pytest.raises(RefusedError) as refused:
            amendment(changed(fields), order)
        assert refused.value.slug == "invalid_combination"


def test_every_slug_has_a_reason() -> None:
    for slug in PROBLEMS:
        assert order_reason(refusal(slug)).isdigit()
        assert text_of(refusal(slug)).startswith(slug)
    assert set(ORDER_REASONS) <= set(PROBLEMS)
    assert cancel_reason(refusal("unknown_order"), has_ended=False) == "1"
    assert cancel_reason(refusal("unknown_order"), has_ended=True) == "0"
    assert "\x01" not in text_of(refusal("malformed", "a\x01b\n\u20ac"))


def tracked(**fields: Any) -> Tracked:
    known: dict[str, Any] = {
        "first": "a-1",
        "cl_ord_id": "a-1",
        "symbol": "BTC-USD",
        "side": "1",
        "quantity": "5",
        "price": "100.5",
        "account": "alice",
    }
    return Tracked(**{**known, **fields})


def state(status: OrderStatus, sequence: int, *fills: Fill, **fields: Any) -> Order:
    known: dict[str, Any] = {
        "order_id": "77",
        "symbol": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "quantity": "5",
        "filled_quantity": "0",
        "remaining_quantity": "5",
        "price": "100.5",
        "created_at": 1_000_000_000,
        "updated_at": 2_000_000_000,
    }
    return Order(**{**known, **fields}, status=status, sequence=sequence, fills=list(fills))


def fill(sequence: int, quantity: str, price: str = "100.5", trade_id: int | None = None) -> Fill:
    number = sequence if trade_id is None else trade_id
    return Fill(
        trade_id=number, price=price, quantity=quantity, liquidity="maker", sequence=sequence, timestamp=3_000_000_000
    )


def told(order: Tracked, now: Order) -> list[dict[int, str]]:
    return [dict(body) for body in followed(order, now)]


def kinds(reports: list[dict[int, str]]) -> list[tuple[str, str, str, str]]:
    """ExecType, OrdStatus, CumQty, LeavesQty."""
    return [(it[150], it[39], it[14], it[151]) for it in reports]


def test_an_order_that_trades_on_arrival() -> None:
    order = tracked(terms=[(59, "1")])
    reports = told(order, state("partially_filled", 9, fill(9, "1", "100", 4), fill(9, "2", "100.25", 5)))
    assert kinds(reports) == [("0", "0", "0", "5"), ("F", "1", "1", "4"), ("F", "1", "3", "2")]
    assert reports[2] == {
        37: "77",
        11: "a-1",
        17: "77.9.5",
        150: "F",
        39: "1",
        1: "alice",
        55: "BTC-USD",
        54: "1",
        38: "5",
        40: "2",
        44: "100.5",
        59: "1",
        151: "2",
        14: "3",
        6: "100.1666666666666666666666667",
        60: "19700101-00:00:03.000",
        32: "2",
        31: "100.25",
        851: "1",
        527: "5",
    }
    assert len({it[17] for it in reports}) == 3


def test_what_was_told_is_not_told_again() -> None:
    order = tracked()
    assert len(told(order, state("partially_filled", 9, fill(9, "1")))) == 2
    # The stream tells the same, and then a batch that begins before it.
    assert told(order, state("partially_filled", 9, fill(9, "1"))) == []
    later = told(order, state("filled", 12, fill(9, "1"), fill(11, "3"), fill(12, "1")))
    assert kinds(later) == [("F", "1", "4", "1"), ("F", "2", "5", "0")]
    assert told(order, state("filled", 12, fill(9, "1"), fill(11, "3"), fill(12, "1"))) == []


def test_replacements_stand_between_the_fills_where_they_were() -> None:
    order = tracked(order_id="77", status="0", sequence=3)
    order.changes = [
        Change(kind="amend", cl_ord_id="a-2", quantity="3", sequence=6),
        Change(kind="amend", cl_ord_id="a-3", quantity="8", price="101", sequence=8),
        Change(kind="amend", cl_ord_id="a-4", quantity="9"),
    ]
    now = state("partially_filled", 9, fill(5, "1"), fill(6, "1"), fill(9, "4"), quantity="8", price="101")
    reports = told(order, now)
    assert kinds(reports) == [
        ("F", "1", "1", "4"),
        ("5", "1", "1", "2"),
        ("F", "1", "2", "1"),
        ("5", "1", "2", "6"),
        ("F", "1", "6", "2"),
    ]
    assert [(it[11], it.get(41)) for it in reports] == [
        ("a-1", None),
        ("a-2", "a-1"),
        ("a-2", None),
        ("a-3", "a-2"),
        ("a-3", None),
    ]
    # The last one has no answer yet.
    assert [change.cl_ord_id for change in order.changes] == ["a-4"]
    assert order.cl_ord_id == "a-3"
    assert order.first == "a-1"


@pytest.mark.parametrize(
    ("reason", "exec_type"), [("requested", "4"), ("mass_cancel", "4"), ("expired", "C"), ("session_closed", "C")]
)
def test_an_end_says_why(reason: str, exec_type: str) -> None:
    order = tracked(order_id="77", status="0", sequence=3)
    order.changes = [Change(kind="cancel", cl_ord_id="a-2", sequence=7)]
    now = state("canceled", 7, fill(5, "2"), reason=reason, remaining_quantity="0")
    reports = told(order, now)
    assert kinds(reports) == [("F", "1", "2", "3"), (exec_type, exec_type, "2", "0")]
    assert reports[1][tags.TEXT] == reason
    expected = ("a-2", "a-1") if reason == "requested" else ("a-1", None)
    assert (reports[1][11], reports[1].get(41)) == expected
    assert told(order, state("canceled", 8, reason=reason)) == []


def test_a_stop_that_sleeps_and_wakes() -> None:
    order = tracked(ord_type="3", price=None, terms=[(99, "90")])
    (new,) = told(order, state("dormant", 4, price=None, type="stop"))
    assert (new[150], new[39], new[636], new[99]) == ("0", "0", "N", "90")
    woken = told(order, state("filled", 6, fill(6, "5"), price=None, type="stop"))
    assert [(it[150], it.get(378), it.get(636)) for it in woken] == [("D", "99", None), ("F", None, None)]
    assert woken[0][58] == "triggered"


def test_what_nobody_asked_for_is_restated() -> None:
    order = tracked(order_id="77", status="0", sequence=3)
    (slid,) = told(order, state("open", 4, price="101"))
    assert (slid[150], slid[378], slid[44]) == ("D", "3", "101")
    (less,) = told(order, state("open", 5, price="101", quantity="4"))
    assert (less[150], less[378], less[38], less[151]) == ("D", "5", "4", "4")
    assert told(order, state("open", 6, price="101.0", quantity="4.00")) == []


def test_after_a_crash_the_state_says_which_requests_were_done() -> None:
    order = tracked(order_id="77", status="0", sequence=3)
    order.changes = [
        Change(kind="amend", cl_ord_id="a-2", quantity="6", is_lost=True),
        Change(kind="amend", cl_ord_id="a-3", quantity="8", is_lost=True),
        # Asked for since then: its answer will come.
        Change(kind="amend", cl_ord_id="a-5", quantity="6"),
        Change(kind="cancel", cl_ord_id="a-6"),
        Change(kind="cancel", cl_ord_id="a-4", is_lost=True),
    ]
    reports = told(order, state("partially_filled", 9, fill(9, "1"), quantity="6"))
    assert [(it[150], it[11]) for it in reports] == [("5", "a-2"), ("F", "a-2")]
    ended = told(order, state("canceled", 12, quantity="6", reason="requested"))
    assert [(it[150], it[11], it[41]) for it in ended] == [("4", "a-4", "a-2")]
    assert [change.cl_ord_id for change in order.changes] == ["a-3", "a-5", "a-6"]


def test_without_the_single_fills_one_report_leads_there() -> None:
    order = tracked(order_id="77", status="0", sequence=3)
    now = state("partially_filled", 9, filled_quantity="2", average_price="100.25")
    (report,) = [dict(body) for body in restored(order, now)]
    assert kinds([report]) == [("D", "1", "2", "3")]
    assert report[58].startswith("sequence_not_kept")
    assert Decimal(report[6]) == Decimal("100.25")
    assert [dict(body) for body in restored(order, now)] == []
    # From there on fills are told one by one again.
    assert kinds(told(order, state("filled", 11, fill(11, "3", "100.5")))) == [("F", "2", "5", "0")]
    assert Decimal(order.notional) == Decimal(502)


def test_every_state_of_an_order_has_a_status() -> None:
    for status in get_args(OrderStatus):
        order = tracked()
        told(order, state(status, 4, *([fill(4, "5")] if status == "filled" else [])))
        assert order.status in ("0", "1", "2", "4", "C")
        assert order.is_done == (status in ("filled", "canceled"))


def test_terms_are_what_was_sent() -> None:
    assert terms_of(changed({59: "1", 111: "0", 110: "2"})) == [(59, "1"), (110, "2"), (111, "0")]
