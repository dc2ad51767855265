"""R26: what each phase lets in; what R12, R13 and R22 say of orders that wait for an uncross."""

from __future__ import annotations

import pytest
from tests.rules.conftest import Play


def test_R26_a_book_starts_continuous(play: Play) -> None:
    play("""
        phase continuous
          accepted
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
    """)


def test_R26_any_phase_may_follow_any(play: Play) -> None:
    play("""
        phase closed
          accepted
          phase closed
        phase halted
          accepted
          phase halted
        phase continuous
          accepted
          phase continuous
        phase halted
          accepted
          phase halted
        phase closed
          accepted
          phase closed
        phase continuous
          accepted
          phase continuous
    """)


def test_R26_the_same_again_has_no_effect(play: Play) -> None:
    play("""
        new buy 1 @ 10 day
          accepted #1 buy 1 @ 10
        phase closed
          accepted
          phase closed
          canceled #1 buy 1 @ 10 session_closed
        phase closed
          accepted
        phase halted
          accepted
          phase halted
        phase halted
          accepted
    """)


def test_R26_halted_and_closed_let_only_cancels_in(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy 1 @ 10
          accepted #2 buy 1 @ 10
        phase halted
          accepted
          phase halted
        new buy 1 @ 10
          rejected not_allowed_in_phase buy
        market sell 1
          rejected not_allowed_in_phase sell
        cancel #1
          accepted #1
          canceled #1 buy 1 @ 10 requested
        phase closed
          accepted
          phase closed
        new sell 1 @ 10
          rejected not_allowed_in_phase sell
        cancel #2
          accepted #2
          canceled #2 buy 1 @ 10 requested
    """)


def test_R26_a_halt_ends_no_order(play: Play) -> None:
    play("""
        new buy 1 @ 10 day
          accepted #1 buy 1 @ 10
        phase halted
          accepted
          phase halted
        phase continuous
          accepted
          phase continuous
        = 1 @ 10 #1 |
    """)


@pytest.mark.parametrize("phase", ["pre_open", "auction"])
def test_R26_pre_open_and_auction_collect(play: Play, phase: str) -> None:
    play(f"""
        phase {phase}
          accepted
          phase {phase}
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new sell 2 @ 9 day
          accepted #2 sell 2 @ 9
        new sell 3 @ 9 gtd until=9
          accepted #3 sell 3 @ 9
        new buy 4 @ 10 display=1
          accepted #4 buy 4 @ 10 sliced
        new buy 5 @ 10 display=0
          accepted #5 buy 5 @ 10 undisplayed
        market buy 6
          accepted #6 buy 6 @ 0 market
        market sell 7 day protect=8
          accepted #7 sell 7 @ 0 market
        = 6 @ market #6, 1 @ 10 #1, 1/4 @ 10 #4, 0/5 @ 10 #5 | 7 @ 8 #7, 2 @ 9 #2, 3 @ 9 #3
        ~ 2 @ 10 x2 | 5 @ 9 x2
    """)


@pytest.mark.parametrize("phase", ["pre_open", "auction"])
def test_R26_they_refuse_what_must_act_at_once(play: Play, phase: str) -> None:
    play(f"""
        phase {phase}
          accepted
          phase {phase}
        new buy 1 @ 10 ioc
          rejected not_allowed_in_phase buy
        new buy 1 @ 10 fok
          rejected not_allowed_in_phase buy
        new buy 1 @ 10 aon
          rejected not_allowed_in_phase buy
        new buy 1 @ 10 post-only
          rejected not_allowed_in_phase buy
        new buy 1 @ 10 post-only slide day
          rejected not_allowed_in_phase buy
        new buy 1 @ 10 min=1
          rejected not_allowed_in_phase buy
        market buy 1 min=1
          rejected not_allowed_in_phase buy
        market buy 1 ioc
          rejected not_allowed_in_phase buy
        market buy 1 fok
          rejected not_allowed_in_phase buy
    """)


@pytest.mark.parametrize("phase", ["pre_open", "auction"])
def test_R26_stops_are_let_in_and_stay_dormant(play: Play, phase: str) -> None:
    play(f"""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        phase {phase}
          accepted
          phase {phase}
        stop buy 1 stop=90 ioc
          accepted #3 buy 1 @ 0 stop
        stop-limit buy 1 @ 100 stop=95 aon
          accepted #4 buy 1 @ 100 stop_limit undisplayed
        stop-limit sell 2 @ 100 stop=101 fok min=1
          accepted #5 sell 2 @ 100 stop_limit
        trailing-stop sell 1 trail=3 min=1
          accepted #6 sell 1 @ 0 trailing_stop
        = | | buy 1 stop 90 #3, buy 1 stop 95 #4, sell 2 stop 101 #5, sell 1 stop 97 #6
    """)


def test_R26_amend_moves_and_never_trades(play: Play) -> None:
    play("""
        new buy 5 @ 90 post-only
          accepted #1 buy 5 @ 90
        new sell 5 @ 100
          accepted #2 sell 5 @ 100
        new buy 9 @ 91 aon
          accepted #3 buy 9 @ 91 undisplayed
        phase auction
          accepted
          phase auction
        amend #1 @ 101                               -- post-only is not looked at
          accepted #1
          amended #1 buy 5 @ 101 total 5 lost
        amend #3 5 @ 102
          accepted #3
          amended #3 buy 5 @ 102 total 5 lost
        amend #2 4
          accepted #2
          amended #2 sell 4 @ 100 total 4 kept
        = 0/5 @ 102 #3, 5 @ 101 #1 | 4 @ 100 #2
        ~ 5 @ 101 x1 | 4 @ 100 x1
        cancel #2
          accepted #2
          canceled #2 sell 4 @ 100 requested
    """)


def test_R26_any_phase_may_follow_pre_open_and_auction(play: Play) -> None:
    play("""
        phase pre_open
          accepted
          phase pre_open
        phase auction
          accepted
          phase auction
        phase auction
          accepted
        phase pre_open
          accepted
          phase pre_open
        phase halted
          accepted
          phase halted
        phase auction
          accepted
          phase auction
        phase closed
          accepted
          phase closed
        phase pre_open
          accepted
          phase pre_open
        phase continuous
          accepted
          phase continuous
    """)


def test_R26_a_halt_keeps_waiting_orders_and_refuses_new_ones(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        market buy 2
          accepted #1 buy 2 @ 0 market
        phase halted
          accepted
          phase halted
        stop buy 1 stop=9
          rejected not_allowed_in_phase buy
        amend #1 1
          rejected not_allowed_in_phase
        = 2 @ market #1 |
        cancel #1
          accepted #1
          canceled #1 buy 2 @ 0 requested
    """)


def test_R12_a_waiting_market_order_ends_at_the_uncross(play: Play) -> None:
    play("""
        phase pre_open
          accepted
          phase pre_open
        market buy 9
          accepted #1 buy 9 @ 0 market
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        new sell 3 @ 101
          accepted #3 sell 3 @ 101
        = 9 @ market #1 | 3 @ 100 #2, 3 @ 101 #3
        amend #1 8
          accepted #1
          amended #1 buy 8 @ 0 total 8 kept
        amend #1 @ 101
          rejected invalid_combination
        ? 6 @ 101 +2
        phase auction
          accepted
          phase auction
        phase continuous
          accepted
          phase continuous
          trade 1 3 @ 101 maker #1 taker #2
          trade 2 3 @ 101 maker #1 taker #3
          canceled #1 buy 2 @ 0 no_liquidity
        = |
    """)


def test_R22_more_loses_a_waiting_market_order_its_time(play: Play) -> None:
    play("""
        book reference=10
        phase auction
          accepted
          phase auction
        market buy 1
          accepted #1 buy 1 @ 0 market
        market buy 1
          accepted #2 buy 1 @ 0 market
        amend #1 2
          accepted #1
          amended #1 buy 2 @ 0 total 2 lost
        = 1 @ market #2, 2 @ market #1 |
        market sell 1
          accepted #3 sell 1 @ 0 market
        phase continuous
          accepted
          phase continuous
          trade 1 1 @ 10 maker #2 taker #3
          canceled #1 buy 2 @ 0 no_liquidity
    """)
