"""R25: what happens when two orders of the same owner would trade."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R25_none_lets_own_orders_trade(play: Play) -> None:
    play("""
        new sell 1 @ 10 account=1
          accepted #1 sell 1 @ 10 account=1
        new buy 1 @ 10 account=1
          accepted #2 buy 1 @ 10 account=1
          trade 1 buy 1 @ 10 maker #1 taker #2 account=1
    """)


def test_R25_cancel_newest_ends_the_aggressor(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 1 @ 9 account=2
          accepted #1 sell 1 @ 9 account=2
        new sell 2 @ 10 account=1
          accepted #2 sell 2 @ 10 account=1
        new sell 3 @ 10 account=2
          accepted #3 sell 3 @ 10 account=2
        new buy 5 @ 10 account=1
          accepted #4 buy 5 @ 10 account=1
          trade 1 buy 1 @ 9 maker #1 taker #4 account=2
          canceled #4 buy 4 @ 10 self_trade account=1
        = | 2 @ 10 #2, 3 @ 10 #3
    """)


def test_R25_cancel_oldest_ends_the_resting_order(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 2 @ 10 account=1
          accepted #1 sell 2 @ 10 account=1
        new sell 3 @ 10 account=2
          accepted #2 sell 3 @ 10 account=2
        new sell 1 @ 10 account=1
          accepted #3 sell 1 @ 10 account=1
        new buy 5 @ 10 account=1
          accepted #4 buy 5 @ 10 account=1
          canceled #1 sell 2 @ 10 self_trade account=1
          trade 1 buy 3 @ 10 maker #2 taker #4 account=2
          canceled #3 sell 1 @ 10 self_trade account=1
        = 2 @ 10 #4 |
    """)


def test_R25_cancel_oldest_takes_the_whole_order(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 9 @ 10 account=1
          accepted #1 sell 9 @ 10 account=1
        new buy 2 @ 10
          accepted #2 buy 2 @ 10
          trade 1 buy 2 @ 10 maker #1 taker #2 account=1
        market buy 1 account=1
          accepted #3 buy 1 @ 0 market account=1
          canceled #1 sell 7 @ 10 self_trade account=1
          canceled #3 buy 1 @ 0 no_liquidity account=1
    """)


def test_R25_cancel_both_ends_the_resting_one_first(play: Play) -> None:
    play("""
        book mode=cancel_both
        new buy 1 @ 11 account=2
          accepted #1 buy 1 @ 11 account=2
        new buy 4 @ 10 account=1
          accepted #2 buy 4 @ 10 account=1
        new buy 4 @ 10 account=1
          accepted #3 buy 4 @ 10 account=1
        new sell 9 @ 10 account=1
          accepted #4 sell 9 @ 10 account=1
          trade 1 sell 1 @ 11 maker #1 taker #4 account=2
          canceled #2 buy 4 @ 10 self_trade account=1
          canceled #4 sell 8 @ 10 self_trade account=1
        = 4 @ 10 #3 |
    """)


def test_R25_decrement_shrinks_both_by_the_smaller_remainder(play: Play) -> None:
    play("""
        book mode=decrement
        new sell 2 @ 10 account=1
          accepted #1 sell 2 @ 10 account=1
        new sell 9 @ 11 account=1
          accepted #2 sell 9 @ 11 account=1
        new buy 5 @ 11 account=1
          accepted #3 buy 5 @ 11 account=1
          decremented #1 sell 2 @ 10 taker #3 account=1
          canceled #1 sell 0 @ 10 self_trade account=1
          decremented #2 sell 3 @ 11 taker #3 account=1
          canceled #3 buy 0 @ 11 self_trade account=1
        = | 6 @ 11 #2
    """)


def test_R25_decrement_of_equal_orders_ends_both_resting_first(play: Play) -> None:
    play("""
        book mode=decrement
        new buy 4 @ 10 account=1
          accepted #1 buy 4 @ 10 account=1
        new sell 4 @ 10 account=1
          accepted #2 sell 4 @ 10 account=1
          decremented #1 buy 4 @ 10 taker #2 account=1
          canceled #1 buy 0 @ 10 self_trade account=1
          canceled #2 sell 0 @ 10 self_trade account=1
        = |
    """)


def test_R25_decrement_shrinks_totals_and_leaves_fills(play: Play) -> None:
    play("""
        book mode=decrement
        new sell 10 @ 10 account=1
          accepted #1 sell 10 @ 10 account=1
        new buy 3 @ 10 account=2
          accepted #2 buy 3 @ 10 account=2
          trade 1 buy 3 @ 10 maker #1 taker #2 account=1
        new buy 2 @ 10 account=1
          accepted #3 buy 2 @ 10 account=1
          decremented #1 sell 2 @ 10 taker #3 account=1
          canceled #3 buy 0 @ 10 self_trade account=1
        amend #1 8                       -- the total is 8 by now: the same again
          accepted #1 account=1
          amended #1 sell 5 @ 10 total 8 kept account=1
        amend #1 3                       -- and 3 are filled
          accepted #1 account=1
          canceled #1 sell 5 @ 10 amended account=1
    """)


def test_R25_a_decremented_order_keeps_its_place(play: Play) -> None:
    play("""
        book mode=decrement
        new sell 5 @ 10 account=1
          accepted #1 sell 5 @ 10 account=1
        new sell 5 @ 10 account=2
          accepted #2 sell 5 @ 10 account=2
        new buy 2 @ 10 account=1
          accepted #3 buy 2 @ 10 account=1
          decremented #1 sell 2 @ 10 taker #3 account=1
          canceled #3 buy 0 @ 10 self_trade account=1
        = | 3 @ 10 #1, 5 @ 10 #2
    """)


def test_R25_a_decremented_aggressor_goes_on_with_the_rest(play: Play) -> None:
    play("""
        book mode=decrement
        new sell 2 @ 10 account=1
          accepted #1 sell 2 @ 10 account=1
        new sell 2 @ 10 account=2
          accepted #2 sell 2 @ 10 account=2
        new buy 6 @ 10 account=1 ioc
          accepted #3 buy 6 @ 10 account=1
          decremented #1 sell 2 @ 10 taker #3 account=1
          canceled #1 sell 0 @ 10 self_trade account=1
          trade 1 buy 2 @ 10 maker #2 taker #3 account=2
          canceled #3 buy 2 @ 10 immediate_or_cancel account=1
    """)


def test_R25_the_aggressors_mode_counts_its_own_else_the_instruments(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 1 @ 10 account=1 mode=cancel_both
          accepted #1 sell 1 @ 10 account=1
        new buy 1 @ 10 account=1                      -- the instrument's
          accepted #2 buy 1 @ 10 account=1
          canceled #2 buy 1 @ 10 self_trade account=1
        new buy 1 @ 10 account=1 mode=decrement       -- its own
          accepted #3 buy 1 @ 10 account=1
          decremented #1 sell 1 @ 10 taker #3 account=1
          canceled #1 sell 0 @ 10 self_trade account=1
          canceled #3 buy 0 @ 10 self_trade account=1
        new sell 1 @ 10 account=1 mode=cancel_both
          accepted #4 sell 1 @ 10 account=1
        new buy 1 @ 10 account=1 mode=none            -- its own none, whatever the others have
          accepted #5 buy 1 @ 10 account=1
          trade 1 buy 1 @ 10 maker #4 taker #5 account=1
    """)


def test_R25_own_is_the_same_group_where_both_carry_one(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 1 @ 10 account=1 group=5
          accepted #1 sell 1 @ 10 account=1
        new buy 1 @ 10 account=2 group=5              -- another account, the same group
          accepted #2 buy 1 @ 10 account=2
          canceled #2 buy 1 @ 10 self_trade account=2
        new buy 1 @ 10 account=1 group=6              -- the same account, another group
          accepted #3 buy 1 @ 10 account=1
          trade 1 buy 1 @ 10 maker #1 taker #3 account=1
    """)


def test_R25_else_the_same_account(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 2 @ 10 account=1 group=5
          accepted #1 sell 2 @ 10 account=1
        new buy 1 @ 10 account=1                      -- one of them carries none
          accepted #2 buy 1 @ 10 account=1
          canceled #2 buy 1 @ 10 self_trade account=1
        new buy 1 @ 10 account=1 group=0              -- 0 is none
          accepted #3 buy 1 @ 10 account=1
          canceled #3 buy 1 @ 10 self_trade account=1
        new buy 1 @ 10 account=2
          accepted #4 buy 1 @ 10 account=2
          trade 1 buy 1 @ 10 maker #1 taker #4 account=1
        new sell 1 @ 9 account=1                      -- the resting one carries none
          accepted #5 sell 1 @ 9 account=1
        new buy 1 @ 9 account=1 group=5
          accepted #6 buy 1 @ 9 account=1
          canceled #6 buy 1 @ 9 self_trade account=1
    """)


def test_R25_no_account_no_own_orders(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new buy 1 @ 10
          accepted #2 buy 1 @ 10
          trade 1 buy 1 @ 10 maker #1 taker #2
        new sell 1 @ 10 group=3
          accepted #3 sell 1 @ 10
        new buy 1 @ 10 group=3 account=1
          accepted #4 buy 1 @ 10 account=1
          trade 2 buy 1 @ 10 maker #3 taker #4
    """)


def test_R25_it_is_looked_at_when_two_orders_would_trade(play: Play) -> None:
    play("""
        book mode=cancel_both
        new sell 1 @ 12 account=1
          accepted #1 sell 1 @ 12 account=1
        new sell 1 @ 10 account=2
          accepted #2 sell 1 @ 10 account=2
        new buy 1 @ 11 account=1                      -- its own stands beyond its limit
          accepted #3 buy 1 @ 11 account=1
          trade 1 buy 1 @ 10 maker #2 taker #3 account=2
        new sell 1 @ 11 account=2
          accepted #4 sell 1 @ 11 account=2
        new buy 1 @ 12 account=1                      -- full before it meets its own
          accepted #5 buy 1 @ 12 account=1
          trade 2 buy 1 @ 11 maker #4 taker #5 account=2
        = | 1 @ 12 #1
    """)


def test_R25_an_amended_order_is_an_aggressor(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new buy 5 @ 9 account=1
          accepted #1 buy 5 @ 9 account=1
        new sell 1 @ 10 account=1
          accepted #2 sell 1 @ 10 account=1
        amend #1 @ 10
          accepted #1 account=1
          amended #1 buy 5 @ 10 total 5 lost account=1
          canceled #1 buy 5 @ 10 self_trade account=1
        = | 1 @ 10 #2
    """)


def test_R25_in_decrement_too_an_amended_order_shrinks(play: Play) -> None:
    play("""
        new buy 5 @ 9 account=1 mode=decrement
          accepted #1 buy 5 @ 9 account=1
        new sell 2 @ 10 account=1
          accepted #2 sell 2 @ 10 account=1
        amend #1 @ 10
          accepted #1 account=1
          amended #1 buy 5 @ 10 total 5 lost account=1
          decremented #2 sell 2 @ 10 taker #1 account=1
          canceled #2 sell 0 @ 10 self_trade account=1
        = 3 @ 10 #1 |
    """)
