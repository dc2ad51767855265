"""R10 to R13: priority, limit, market and post-only orders."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R10_price_first_then_time_of_arrival(play: Play) -> None:
    play("""
        new sell 1 @ 12
          accepted #1 sell 1 @ 12
        new sell 1 @ 11
          accepted #2 sell 1 @ 11
        new sell 1 @ 11
          accepted #3 sell 1 @ 11
        new sell 1 @ 10
          accepted #4 sell 1 @ 10
        new buy 4 @ 12
          accepted #5 buy 4 @ 12
          trade 1 buy 1 @ 10 maker #4 taker #5
          trade 2 buy 1 @ 11 maker #2 taker #5
          trade 3 buy 1 @ 11 maker #3 taker #5
          trade 4 buy 1 @ 12 maker #1 taker #5
        new buy 1 @ -1
          accepted #6 buy 1 @ -1
        new buy 1 @ 3
          accepted #7 buy 1 @ 3
        new buy 1 @ 2
          accepted #8 buy 1 @ 2
        new buy 1 @ 3
          accepted #9 buy 1 @ 3
        = 1 @ 3 #7, 1 @ 3 #9, 1 @ 2 #8, 1 @ -1 #6 |
        new sell 4 @ -1
          accepted #10 sell 4 @ -1
          trade 5 sell 1 @ 3 maker #7 taker #10
          trade 6 sell 1 @ 3 maker #9 taker #10
          trade 7 sell 1 @ 2 maker #8 taker #10
          trade 8 sell 1 @ -1 maker #6 taker #10
    """)


def test_R10_a_partial_fill_keeps_its_place(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
        new sell 2 @ 10
          accepted #3 sell 2 @ 10
          trade 1 sell 2 @ 10 maker #1 taker #3
        = 3 @ 10 #1, 5 @ 10 #2 |
        new sell 4 @ 10
          accepted #4 sell 4 @ 10
          trade 2 sell 3 @ 10 maker #1 taker #4
          trade 3 sell 1 @ 10 maker #2 taker #4
    """)


def test_R10_a_trade_prints_at_the_resting_price(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new buy 1 @ 15
          accepted #2 buy 1 @ 15
          trade 1 buy 1 @ 10 maker #1 taker #2
        new buy 1 @ 15
          accepted #3 buy 1 @ 15
        new sell 1 @ 10
          accepted #4 sell 1 @ 10
          trade 2 sell 1 @ 15 maker #3 taker #4
    """)


def test_R10_an_aggressor_never_trades_through_its_limit(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new sell 1 @ 12
          accepted #2 sell 1 @ 12
        new buy 2 @ 11
          accepted #3 buy 2 @ 11
          trade 1 buy 1 @ 10 maker #1 taker #3
        new buy 1 @ 9
          accepted #4 buy 1 @ 9
        new sell 3 @ 10
          accepted #5 sell 3 @ 10
          trade 2 sell 1 @ 11 maker #3 taker #5
        = 1 @ 9 #4 | 2 @ 10 #5, 1 @ 12 #2
    """)


def test_R10_the_book_is_never_crossed_or_locked(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new buy 3 @ 10                   -- would lock it
          accepted #2 buy 3 @ 10
          trade 1 buy 1 @ 10 maker #1 taker #2
        new sell 1 @ 9                   -- would cross it
          accepted #3 sell 1 @ 9
          trade 2 sell 1 @ 10 maker #2 taker #3
        new sell 1 @ 11
          accepted #4 sell 1 @ 11
        = 1 @ 10 #2 | 1 @ 11 #4
    """)


def test_R11_a_limit_order_trades_what_it_can_and_the_rest_rests(play: Play) -> None:
    play("""
        new sell 2 @ 10
          accepted #1 sell 2 @ 10
        new sell 2 @ 9
          accepted #2 sell 2 @ 9
        new buy 5 @ 10
          accepted #3 buy 5 @ 10
          trade 1 buy 2 @ 9 maker #2 taker #3
          trade 2 buy 2 @ 10 maker #1 taker #3
        = 1 @ 10 #3 |
    """)


def test_R11_the_rest_follows_its_time_in_force(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new buy 3 @ 10 ioc
          accepted #2 buy 3 @ 10
          trade 1 buy 1 @ 10 maker #1 taker #2
          canceled #2 buy 2 @ 10 immediate_or_cancel
        new sell 1 @ 10
          accepted #3 sell 1 @ 10
        new buy 3 @ 10 day
          accepted #4 buy 3 @ 10
          trade 2 buy 1 @ 10 maker #3 taker #4
        = 2 @ 10 #4 |
    """)


def test_R12_a_market_order_trades_down_the_other_side(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy 1 @ -7
          accepted #2 buy 1 @ -7
        new buy 5 @ -9000000000000000000
          accepted #3 buy 5 @ -9000000000000000000
        market sell 4
          accepted #4 sell 4 @ 0 market
          trade 1 sell 1 @ 10 maker #1 taker #4
          trade 2 sell 1 @ -7 maker #2 taker #4
          trade 3 sell 2 @ -9000000000000000000 maker #3 taker #4
        = 3 @ -9000000000000000000 #3 |
    """)


def test_R12_what_is_left_is_canceled_never_rested(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        market buy 4
          accepted #2 buy 4 @ 0 market
          trade 1 buy 1 @ 10 maker #1 taker #2
          canceled #2 buy 3 @ 0 no_liquidity
        = |
    """)


def test_R12_also_where_the_protection_price_stopped_it(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new sell 1 @ 11
          accepted #2 sell 1 @ 11
        new sell 1 @ 12
          accepted #3 sell 1 @ 12
        market buy 3 protect=11
          accepted #4 buy 3 @ 0 market
          trade 1 buy 1 @ 10 maker #1 taker #4
          trade 2 buy 1 @ 11 maker #2 taker #4
          canceled #4 buy 1 @ 0 no_liquidity
        new buy 1 @ -4
          accepted #5 buy 1 @ -4
        market sell 1 protect=0               -- 0 is a price like any other
          accepted #6 sell 1 @ 0 market
          canceled #6 sell 1 @ 0 no_liquidity
        market sell 1 protect=-4
          accepted #7 sell 1 @ 0 market
          trade 3 sell 1 @ -4 maker #5 taker #7
    """)


def test_R12_on_an_empty_book_accepted_then_canceled(play: Play) -> None:
    play("""
        market buy 4 account=1
          accepted #1 buy 4 @ 0 market account=1
          canceled #1 buy 4 @ 0 no_liquidity account=1
        market sell 4
          accepted #2 sell 4 @ 0 market
          canceled #2 sell 4 @ 0 no_liquidity
    """)


def test_R12_gtc_day_and_ioc_mean_the_same(play: Play) -> None:
    play("""
        new sell 3 @ 10
          accepted #1 sell 3 @ 10
        market buy 1 gtc
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 10 maker #1 taker #2
        market buy 1 day
          accepted #3 buy 1 @ 0 market
          trade 2 buy 1 @ 10 maker #1 taker #3
        market buy 2 ioc
          accepted #4 buy 2 @ 0 market
          trade 3 buy 1 @ 10 maker #1 taker #4
          canceled #4 buy 1 @ 0 no_liquidity
        market buy 2 day
          accepted #5 buy 2 @ 0 market
          canceled #5 buy 2 @ 0 no_liquidity
        phase closed
          accepted
          phase closed
    """)


def test_R12_fok_is_honoured(play: Play) -> None:
    play("""
        new sell 3 @ 10
          accepted #1 sell 3 @ 10
        market buy 4 fok
          accepted #2 buy 4 @ 0 market
          canceled #2 buy 4 @ 0 fill_or_kill
        = | 3 @ 10 #1
        market buy 3 fok
          accepted #3 buy 3 @ 0 market
          trade 1 buy 3 @ 10 maker #1 taker #3
        market buy 1 fok
          accepted #4 buy 1 @ 0 market
          canceled #4 buy 1 @ 0 fill_or_kill
    """)


def test_R13_a_post_only_order_that_would_trade_is_rejected(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new buy 1 @ 10 post-only
          rejected post_only_would_take buy
        new buy 1 @ 11 post-only day
          rejected post_only_would_take buy
        new buy 1 @ 9 post-only
          accepted #2 buy 1 @ 9
        new sell 1 @ 9 post-only gtd until=5
          rejected post_only_would_take sell
        = 1 @ 9 #2 | 1 @ 10 #1
    """)


def test_R13_own_orders_count_whatever_the_mode(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 1 @ 10 account=1
          accepted #1 sell 1 @ 10 account=1
        new buy 1 @ 10 account=1 post-only
          rejected post_only_would_take buy account=1
        new buy 1 @ 10 account=1 post-only mode=none
          rejected post_only_would_take buy account=1
        new buy 1 @ 10 account=1 post-only slide mode=decrement
          accepted #2 buy 1 @ 10 account=1
          repriced #2 buy @ 9 account=1
    """)


def test_R13_slide_rests_one_tick_behind_the_best(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new sell 1 @ 12
          accepted #2 sell 1 @ 12
        new buy 1 @ 15 post-only slide
          accepted #3 buy 1 @ 15
          repriced #3 buy @ 9
        new sell 1 @ 9 post-only slide
          accepted #4 sell 1 @ 9
          repriced #4 sell @ 10
        new buy 1 @ 9 post-only slide           -- nothing to slide from
          accepted #5 buy 1 @ 9
        = 1 @ 9 #3, 1 @ 9 #5 | 1 @ 10 #1, 1 @ 10 #4, 1 @ 12 #2
    """)


def test_R13_an_amend_that_would_trade_is_rejected_and_leaves_the_order(play: Play) -> None:
    play("""
        new buy 5 @ 9 post-only
          accepted #1 buy 5 @ 9
        new buy 5 @ 9
          accepted #2 buy 5 @ 9
        new sell 1 @ 10
          accepted #3 sell 1 @ 10
        amend #1 2 @ 10
          rejected post_only_would_take
        = 5 @ 9 #1, 5 @ 9 #2 | 1 @ 10 #3
        amend #1 @ 8
          accepted #1
          amended #1 buy 5 @ 8 total 5 lost
        amend #2 @ 10                             -- it is not post-only
          accepted #2
          amended #2 buy 5 @ 10 total 5 lost
          trade 1 buy 1 @ 10 maker #3 taker #2
    """)


def test_R13_a_sliding_amend_is_accepted_amended_repriced(play: Play) -> None:
    play("""
        new buy 5 @ 7 post-only slide account=1
          accepted #1 buy 5 @ 7 account=1
        new sell 1 @ 10
          accepted #2 sell 1 @ 10
        amend #1 6 @ 12
          accepted #1 account=1
          amended #1 buy 6 @ 12 total 6 lost account=1
          repriced #1 buy @ 9 account=1
        amend #1 @ 12                             -- it stands at 9: another price
          accepted #1 account=1
          amended #1 buy 6 @ 12 total 6 lost account=1
          repriced #1 buy @ 9 account=1
        amend #1 7                                -- more, at its own price
          accepted #1 account=1
          amended #1 buy 7 @ 9 total 7 lost account=1
        = 7 @ 9 #1 | 1 @ 10 #2
    """)


def test_R13_post_only_says_nothing_about_what_is_filled_already(play: Play) -> None:
    play("""
        new buy 5 @ 9 post-only
          accepted #1 buy 5 @ 9
        new sell 3 @ 9
          accepted #2 sell 3 @ 9
          trade 1 sell 3 @ 9 maker #1 taker #2
        new sell 1 @ 10
          accepted #3 sell 1 @ 10
        amend #1 3 @ 10                           -- no more than what is filled: it ends, and does not arrive
          accepted #1
          canceled #1 buy 2 @ 9 amended
    """)
