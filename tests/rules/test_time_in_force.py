"""R17 to R19: how long an order lives."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R17_gtc_lives_until_done(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        phase closed
          accepted
          phase closed
        phase continuous time=18446744073709551615
          accepted time=18446744073709551615
          phase continuous
        new sell 1 @ 10
          accepted #2 sell 1 @ 10 time=18446744073709551615
          trade 1 sell 1 @ 10 maker #1 taker #2
    """)


def test_R17_day_ends_with_the_change_to_closed_in_order_of_id(play: Play) -> None:
    play("""
        new sell 1 @ 20 day
          accepted #1 sell 1 @ 20
        new buy 2 @ 10 day account=1
          accepted #2 buy 2 @ 10 account=1
        new buy 3 @ 11
          accepted #3 buy 3 @ 11
        new sell 4 @ 19 day
          accepted #4 sell 4 @ 19
        phase halted
          accepted
          phase halted
        phase closed tag=5
          accepted tag=5
          phase closed
          canceled #1 sell 1 @ 20 session_closed
          canceled #2 buy 2 @ 10 session_closed account=1
          canceled #4 sell 4 @ 19 session_closed
        = 3 @ 11 #3 |
    """)


def test_R17_gtd_ends_at_its_expiry_in_order_of_expiry_then_id(play: Play) -> None:
    play("""
        new buy 1 @ 10 gtd until=30
          accepted #1 buy 1 @ 10
        new sell 2 @ 20 gtd until=20
          accepted #2 sell 2 @ 20
        new buy 3 @ 11 gtd until=20 account=1
          accepted #3 buy 3 @ 11 account=1
        new buy 4 @ 12 gtd until=31
          accepted #4 buy 4 @ 12
        time 19
          accepted time=19
        = 4 @ 12 #4, 3 @ 11 #3, 1 @ 10 #1 | 2 @ 20 #2
        time 30
          canceled #2 sell 2 @ 20 expired
          canceled #3 buy 3 @ 11 expired account=1
          canceled #1 buy 1 @ 10 expired
          accepted time=30
        = 4 @ 12 #4 |
    """)


def test_R17_gtd_ends_in_every_phase_with_what_was_live(play: Play) -> None:
    play("""
        new buy 5 @ 10 gtd until=30
          accepted #1 buy 5 @ 10
        new sell 2 @ 10
          accepted #2 sell 2 @ 10
          trade 1 sell 2 @ 10 maker #1 taker #2
        phase closed
          accepted
          phase closed
        cancel #2 time=31                    -- the rejected command brings the time
          canceled #1 buy 3 @ 10 expired
          rejected unknown_order time=31
    """)


def test_R17_at_or_before_now_is_expired_on_entry_too(play: Play) -> None:
    play("""
        new buy 1 @ 10 gtd until=50 time=51
          rejected expired buy time=51
        new buy 1 @ 10 gtd until=51
          rejected expired buy time=51
        new buy 1 @ 10 gtd until=52
          accepted #1 buy 1 @ 10 time=51
        time 52
          canceled #1 buy 1 @ 10 expired
          accepted time=52
    """)


def test_R17_an_expired_order_is_not_traded_with(play: Play) -> None:
    play("""
        new sell 1 @ 10 gtd until=50
          accepted #1 sell 1 @ 10
        market buy 1 time=50
          canceled #1 sell 1 @ 10 expired
          accepted #2 buy 1 @ 0 market time=50
          canceled #2 buy 1 @ 0 no_liquidity
    """)


def test_R17_an_amended_gtd_order_keeps_its_expiry(play: Play) -> None:
    play("""
        new sell 1 @ 10 gtd until=50
          accepted #1 sell 1 @ 10
        amend #1 4 @ 11 time=49
          accepted #1 time=49
          amended #1 sell 4 @ 11 total 4 lost
        time 50
          canceled #1 sell 4 @ 11 expired
          accepted time=50
    """)


def test_R18_ioc_trades_what_it_can_and_the_rest_is_canceled(play: Play) -> None:
    play("""
        new sell 2 @ 10
          accepted #1 sell 2 @ 10
        new sell 2 @ 11
          accepted #2 sell 2 @ 11
        new buy 5 @ 10 ioc
          accepted #3 buy 5 @ 10
          trade 1 buy 2 @ 10 maker #1 taker #3
          canceled #3 buy 3 @ 10 immediate_or_cancel
        new buy 1 @ 10 ioc
          accepted #4 buy 1 @ 10
          canceled #4 buy 1 @ 10 immediate_or_cancel
        new buy 2 @ 11 ioc
          accepted #5 buy 2 @ 11
          trade 2 buy 2 @ 11 maker #2 taker #5
        = |
    """)


def test_R19_fok_trades_in_full_at_once(play: Play) -> None:
    play("""
        new sell 2 @ 10
          accepted #1 sell 2 @ 10
        new sell 2 @ 11
          accepted #2 sell 2 @ 11
        new buy 3 @ 11 fok
          accepted #3 buy 3 @ 11
          trade 1 buy 2 @ 10 maker #1 taker #3
          trade 2 buy 1 @ 11 maker #2 taker #3
        = | 1 @ 11 #2
    """)


def test_R19_or_is_accepted_and_canceled_and_nothing_else_happens(play: Play) -> None:
    play("""
        new sell 2 @ 10
          accepted #1 sell 2 @ 10
        new sell 2 @ 12
          accepted #2 sell 2 @ 12
        new buy 3 @ 11 fok account=1
          accepted #3 buy 3 @ 11 account=1
          canceled #3 buy 3 @ 11 fill_or_kill account=1
        = | 2 @ 10 #1, 2 @ 12 #2
        new sell 1 @ 3 fok
          accepted #4 sell 1 @ 3
          canceled #4 sell 1 @ 3 fill_or_kill
        = | 2 @ 10 #1, 2 @ 12 #2
    """)


def test_R19_the_dry_run_respects_the_protection_price(play: Play) -> None:
    play("""
        new buy 2 @ 10
          accepted #1 buy 2 @ 10
        new buy 2 @ 8
          accepted #2 buy 2 @ 8
        market sell 3 fok protect=9
          accepted #3 sell 3 @ 0 market
          canceled #3 sell 3 @ 0 fill_or_kill
        market sell 3 fok protect=8
          accepted #4 sell 3 @ 0 market
          trade 1 sell 2 @ 10 maker #1 taker #4
          trade 2 sell 1 @ 8 maker #2 taker #4
    """)


def test_R19_cancel_oldest_walks_over_own_orders(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 2 @ 10 account=1
          accepted #1 sell 2 @ 10 account=1
        new sell 2 @ 11 account=2
          accepted #2 sell 2 @ 11 account=2
        new buy 3 @ 11 fok account=1              -- without its own, 2 are there
          accepted #3 buy 3 @ 11 account=1
          canceled #3 buy 3 @ 11 fill_or_kill account=1
        = | 2 @ 10 #1, 2 @ 11 #2
        new buy 2 @ 11 fok account=1
          accepted #4 buy 2 @ 11 account=1
          canceled #1 sell 2 @ 10 self_trade account=1
          trade 1 buy 2 @ 11 maker #2 taker #4 account=2
        = |
    """)


def test_R19_other_modes_end_at_the_first_own_order(play: Play) -> None:
    play("""
        new sell 1 @ 9 account=2
          accepted #1 sell 1 @ 9 account=2
        new sell 2 @ 10 account=1
          accepted #2 sell 2 @ 10 account=1
        new sell 5 @ 11 account=2
          accepted #3 sell 5 @ 11 account=2
        new buy 2 @ 11 fok account=1 mode=cancel_newest
          accepted #4 buy 2 @ 11 account=1
          canceled #4 buy 2 @ 11 fill_or_kill account=1
        new buy 2 @ 11 fok account=1 mode=cancel_both
          accepted #5 buy 2 @ 11 account=1
          canceled #5 buy 2 @ 11 fill_or_kill account=1
        new buy 2 @ 11 fok account=1 mode=decrement
          accepted #6 buy 2 @ 11 account=1
          canceled #6 buy 2 @ 11 fill_or_kill account=1
        = | 1 @ 9 #1, 2 @ 10 #2, 5 @ 11 #3
        new buy 1 @ 11 fok account=1 mode=cancel_both   -- full before it meets its own
          accepted #7 buy 1 @ 11 account=1
          trade 1 buy 1 @ 9 maker #1 taker #7 account=2
        new buy 4 @ 11 fok account=1 mode=none
          accepted #8 buy 4 @ 11 account=1
          trade 2 buy 2 @ 10 maker #2 taker #8 account=1
          trade 3 buy 2 @ 11 maker #3 taker #8 account=2
        = | 3 @ 11 #3
    """)


def test_R19_there_is_no_second_chance(play: Play) -> None:
    play("""
        new buy 2 @ 10 fok
          accepted #1 buy 2 @ 10
          canceled #1 buy 2 @ 10 fill_or_kill
        new sell 2 @ 10
          accepted #2 sell 2 @ 10
        = | 2 @ 10 #2
    """)
