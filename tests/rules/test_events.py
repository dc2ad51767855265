"""R6 to R9: answers, the stream of events, reasons, status."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.books import NATIVE
from tests.rules.conftest import Play

import aeromatch
from aeromatch.market.reference import RejectReason


def test_R6_every_kind_of_command_answers_accepted_or_rejected_once(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1 tag=11
          accepted #1 buy 5 @ 10 account=1 tag=11
        amend #1 4 tag=12
          accepted #1 account=1 tag=12
          amended #1 buy 4 @ 10 total 4 kept account=1
        cancel #1 tag=13
          accepted #1 account=1 tag=13
          canceled #1 buy 4 @ 10 requested account=1
        mass-cancel account=9 tag=14
          accepted account=9 tag=14
        phase halted tag=15
          accepted tag=15
          phase halted
        time 5 tag=16
          accepted time=5 tag=16
        new buy 5 @ 10 account=1 tag=17
          rejected not_allowed_in_phase buy account=1 time=5 tag=17
        amend #1 4 account=3 tag=18
          rejected not_allowed_in_phase account=3 time=5 tag=18
        cancel #1 account=3 tag=19
          rejected unknown_order account=3 time=5 tag=19
        mass-cancel sell account=3 tag=20 instrument=4
          rejected unknown_instrument account=3 time=5 tag=20 instrument=4
        phase closed tag=21 instrument=4
          rejected unknown_instrument time=5 tag=21 instrument=4
        time 9 tag=22 instrument=4
          rejected unknown_instrument time=5 tag=22 instrument=4
    """)


def test_R6_effects_of_time_stand_before_the_answer(play: Play) -> None:
    play("""
        new buy 1 @ 10 gtd until=50
          accepted #1 buy 1 @ 10
        new buy 1 @ 9 gtd until=60
          accepted #2 buy 1 @ 9
        new sell 1 @ 9 time=50
          canceled #1 buy 1 @ 10 expired
          accepted #3 sell 1 @ 9 time=50
          trade 1 sell 1 @ 9 maker #2 taker #3
        new buy 1 @ 9 gtd until=60
          accepted #4 buy 1 @ 9 time=50
        cancel #4 time=60                    -- too late: it has expired
          canceled #4 buy 1 @ 9 expired
          rejected unknown_order time=60
    """)


def test_R6_a_rejected_command_changes_nothing_but_number_and_time(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new sell 5 @ 10 time=9 gtd
          rejected invalid_combination sell time=9
        new sell 5 @ 11
          accepted #2 sell 5 @ 11 time=9
        = 5 @ 10 #1 | 5 @ 11 #2
    """)


def test_R7_events_stand_in_the_order_things_happen(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 2 @ 10 account=1
          accepted #1 sell 2 @ 10 account=1
        new sell 2 @ 10 account=2
          accepted #2 sell 2 @ 10 account=2
        new sell 2 @ 11 account=1
          accepted #3 sell 2 @ 11 account=1
        new buy 9 @ 11 account=2 ioc
          accepted #4 buy 9 @ 11 account=2
          trade 1 buy 2 @ 10 maker #1 taker #4 account=1
          canceled #2 sell 2 @ 10 self_trade account=2
          trade 2 buy 2 @ 11 maker #3 taker #4 account=1
          canceled #4 buy 5 @ 11 immediate_or_cancel account=2
    """)


def test_R7_nothing_tells_that_an_order_is_filled_or_rests(play: Play) -> None:
    play("""
        new sell 2 @ 10
          accepted #1 sell 2 @ 10
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
          trade 1 buy 2 @ 10 maker #1 taker #2
        = 3 @ 10 #2 |
    """)


# Each command has two faults, one of them the reason in question, the other one that comes later.
def test_R8_the_first_reason_that_applies(play: Play) -> None:
    play("""
        new buy 4 @ 10 id=a
          accepted #1 buy 4 @ 10
        new buy 0 @ 10 instrument=5 time=100
          rejected unknown_instrument buy instrument=5
        new buy 0 @ 10 off-grid
          rejected invalid_quantity buy
        new buy 1 @ 10 off-grid until=0
          rejected invalid_price buy
        new buy 1 @ 10 gtd until=0 id=
          rejected invalid_time buy
        new buy 1 id=
          rejected invalid_client_order_id buy
        phase halted
          accepted
          phase halted
        new buy 1
          rejected invalid_combination buy
        amend
          rejected invalid_combination
        amend #99 5
          rejected not_allowed_in_phase
        new buy 1 @ 10 gtd until=5 time=10
          rejected not_allowed_in_phase buy time=10
        phase continuous
          accepted time=10
          phase continuous
        amend #99 5
          rejected unknown_order time=10
        new buy 1 @ 10 gtd until=10 id=a
          rejected expired buy time=10
        new sell 1 @ 10 id=a post-only
          rejected duplicate_client_order_id sell #1 time=10
        new sell 1 @ 10 id=b post-only
          rejected post_only_would_take sell time=10
    """)


def test_R8_invalid_time_is_an_expiry_outside_1_to_2_to_the_63_less_1(play: Play) -> None:
    play(f"""
        new buy 1 @ 10 gtd until=0
          rejected invalid_time buy
        new buy 1 @ 10 gtd until={2**63}
          rejected invalid_time buy
        new buy 1 @ 10 gtd until={2**64 - 1}
          rejected invalid_time buy
        new buy 1 @ 10 until=0                 -- before invalid_combination, though not GTD
          rejected invalid_time buy
        new buy 1 @ 10 gtd until=1
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 gtd until={2**63 - 1}
          accepted #2 buy 1 @ 10
    """)


def test_R8_the_combinations_that_are_invalid(play: Play) -> None:
    play("""
        new buy 1                                   -- a price missing
          rejected invalid_combination buy
        market buy 1 @ 10                           -- and one too many
          rejected invalid_combination buy
        new buy 1 @ 10 post-only ioc
          rejected invalid_combination buy
        new buy 1 @ 10 post-only fok
          rejected invalid_combination buy
        market buy 1 post-only
          rejected invalid_combination buy
        new buy 1 @ 10 slide
          rejected invalid_combination buy
        market buy 1 gtd until=9
          rejected invalid_combination buy
        new buy 1 @ 10 gtd
          rejected invalid_combination buy
        new buy 1 @ 10 until=9
          rejected invalid_combination buy
        new buy 1 @ 10 ioc until=9
          rejected invalid_combination buy
        new buy 1 @ 10 protect=11
          rejected invalid_combination buy
        cancel
          rejected invalid_combination
        cancel account=1
          rejected invalid_combination account=1
        cancel #1 id=a account=1
          rejected invalid_combination account=1
        cancel id=a
          rejected invalid_combination
        amend #1
          rejected invalid_combination
        amend 5
          rejected invalid_combination
        amend #1 5 id=a account=1
          rejected invalid_combination account=1
        amend 5 id=a
          rejected invalid_combination
    """)


def test_R8_everything_else_is_legal(play: Play) -> None:
    play("""
        new buy 1 @ 10 day post-only
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 gtd until=9 post-only slide
          accepted #2 buy 1 @ 10
        new sell 1 @ 11 group=0 mode=none
          accepted #3 sell 1 @ 11
        market buy 1 day protect=11 group=4 account=1 mode=decrement
          accepted #4 buy 1 @ 0 market account=1
          trade 1 buy 1 @ 11 maker #3 taker #4
        market sell 1 fok protect=-5
          accepted #5 sell 1 @ 0 market
          trade 2 sell 1 @ 10 maker #1 taker #5
    """)


def test_R8_reasons_are_numbered_in_order_of_precedence() -> None:
    assert [(reason.slug, int(reason)) for reason in RejectReason] == [
        ("unknown_instrument", 1),
        ("unknown_account", 2),
        ("invalid_quantity", 3),
        ("invalid_price", 4),
        ("invalid_time", 5),
        ("invalid_client_order_id", 6),
        ("invalid_combination", 7),
        ("not_allowed_in_phase", 8),
        ("unknown_order", 9),
        ("expired", 10),
        ("price_out_of_band", 11),
        ("duplicate_client_order_id", 12),
        ("insufficient_funds", 13),
        ("post_only_would_take", 14),
        ("already_exists", 15),
        ("unknown_asset", 16),
        ("unknown_group", 17),
        ("unknown_event", 18),
        ("unknown_outcome", 19),
        ("already_settled", 20),
        ("duplicate_transfer", 21),
        ("invalid_name", 22),
    ]


def test_R9_the_remaining_quantity_is_what_is_live(play: Play) -> None:
    play("""
        new buy 10 @ 10
          accepted #1 buy 10 @ 10
        new sell 4 @ 10
          accepted #2 sell 4 @ 10
          trade 1 sell 4 @ 10 maker #1 taker #2
        = 6 @ 10 #1 |
        cancel #1                             -- canceled with fills
          accepted #1
          canceled #1 buy 6 @ 10 requested
        = |
    """)


@pytest.mark.parametrize("index", NATIVE)
def test_R9_status_is_as_it_is_after_the_whole_command(index: str) -> None:
    book = aeromatch.OrderBook(aeromatch.Instrument("TEST"), index=index)
    resting = book.submit("sell", quantity=5, price=10)
    partly = book.submit("buy", quantity=7, price=10)
    done = book.submit("sell", quantity=2, price=10)
    reports = (resting, partly, done)
    assert [report.status for report in reports] == ["open", "partially_filled", "filled"]
    assert [report.filled_quantity for report in reports] == [0, 5, 2]
    assert [report.remaining_quantity for report in reports] == [5, 2, 0]
    assert book.submit("sell", quantity=2, order_type="market").status == "canceled"
    assert book.submit("sell", quantity=0, price=10).status == "rejected"


@pytest.mark.parametrize("index", NATIVE)
def test_R9_the_average_price_has_28_digits_half_even(index: str) -> None:
    book = aeromatch.OrderBook(aeromatch.Instrument("TEST"), index=index)
    book.submit("sell", quantity=1, price=10)
    book.submit("sell", quantity=2, price=11)
    # 32 / 3
    assert str(book.submit("buy", quantity=3, price=11).average_price) == "10.66666666666666666666666667"


@pytest.mark.parametrize("index", NATIVE)
def test_R9_misuse_is_an_exception_and_uses_no_sequence_number(index: str) -> None:
    book = aeromatch.OrderBook(aeromatch.Instrument("TEST"), index=index)
    submit: Callable[..., aeromatch.Report] = book.submit
    first = submit("sell", quantity=5, price=10)
    with pytest.raises(ValueError, match="side"):
        submit("hold", quantity=5, price=10)
    with pytest.raises(TypeError, match="quantity"):
        submit("sell", quantity=True, price=10)
    with pytest.raises(TypeError, match="quantity"):
        submit("sell", price=10)
    impossible = submit("sell", quantity=-5, price=10)
    assert impossible.reject_reason == "invalid_quantity"
    assert impossible.sequence == first.sequence + 1
