"""R14, and what R10, R13, R19, R22, R23 and R25 say of icebergs and hidden orders."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R14_an_iceberg_shows_its_display_quantity_or_all_it_has(play: Play) -> None:
    play("""
        new sell 10 @ 100 display=3
          accepted #1 sell 10 @ 100 sliced
        new sell 2 @ 101 display=5
          accepted #2 sell 2 @ 101 sliced
        = | 3/10 @ 100 #1, 2 @ 101 #2
        ~ | 3 @ 100 x1, 2 @ 101 x1
    """)


def test_R14_a_display_quantity_of_0_hides_the_order(play: Play) -> None:
    play("""
        new sell 5 @ 100 display=0
          accepted #1 sell 5 @ 100 undisplayed
        new sell 5 @ 101
          accepted #2 sell 5 @ 101
        = | 0/5 @ 100 #1, 5 @ 101 #2
        ~ | 5 @ 101 x1
        market buy 6
          accepted #3 buy 6 @ 0 market
          trade 1 buy 5 @ 100 maker #1 taker #3
          trade 2 buy 1 @ 101 maker #2 taker #3
    """)


def test_R14_the_display_quantity_is_at_least_a_1024th_rounded_up(play: Play) -> None:
    play(f"""
        new sell 1024 @ 100 display=1
          accepted #1 sell 1024 @ 100 sliced
        new sell 1025 @ 100 display=1
          rejected invalid_quantity sell
        new sell 1025 @ 100 display=2
          accepted #2 sell 1025 @ 100 sliced
        new sell 2049 @ 100 display=2
          rejected invalid_quantity sell
        new sell 2049 @ 100 display=0
          accepted #3 sell 2049 @ 100 undisplayed
        new sell 1 @ 100 display={2**48}
          accepted #4 sell 1 @ 100 sliced
        new sell 1 @ 100 display={2**48 + 1}
          rejected invalid_quantity sell
        new sell {2**48} @ 100 display={2**38}
          accepted #5 sell {2**48} @ 100 sliced
        new sell {2**48} @ 100 display={2**38 - 1}
          rejected invalid_quantity sell
    """)


def test_R14_on_amend_too(play: Play) -> None:
    play("""
        new sell 1024 @ 100 display=1
          accepted #1 sell 1024 @ 100 sliced
        amend #1 1025
          rejected invalid_quantity
        amend #1 1025 @ 101
          rejected invalid_quantity
        amend #1 1000
          accepted #1
          amended #1 sell 1000 @ 100 total 1000 kept
        amend #1 1024
          accepted #1
          amended #1 sell 1024 @ 100 total 1024 lost
        new sell 2000 @ 100 display=0
          accepted #2 sell 2000 @ 100 undisplayed
        amend #2 9000
          accepted #2
          amended #2 sell 9000 @ 100 total 9000 lost
        = | 1/1024 @ 100 #1, 0/9000 @ 100 #2
    """)


def test_R14_each_slice_is_a_trade_of_its_own_and_a_used_up_one_is_replenished(play: Play) -> None:
    play("""
        new sell 7 @ 100 display=3
          accepted #1 sell 7 @ 100 sliced
        new buy 5 @ 100
          accepted #2 buy 5 @ 100
          trade 1 buy 3 @ 100 maker #1 taker #2
          replenished #1 sell 3 @ 100
          trade 2 buy 2 @ 100 maker #1 taker #2
        = | 1/2 @ 100 #1
        new buy 1 @ 100 account=4
          accepted #3 buy 1 @ 100 account=4
          trade 3 buy 1 @ 100 maker #1 taker #3
          replenished #1 sell 1 @ 100              -- the last slice is smaller
        = | 1 @ 100 #1
        new buy 1 @ 100
          accepted #4 buy 1 @ 100
          trade 4 buy 1 @ 100 maker #1 taker #4    -- nothing is left to show
        = |
    """)


def test_R14_a_new_slice_stands_last_among_the_displayed_and_before_the_hidden(play: Play) -> None:
    play("""
        new sell 6 @ 100 display=3 account=7
          accepted #1 sell 6 @ 100 sliced account=7
        new sell 5 @ 100 display=0
          accepted #2 sell 5 @ 100 undisplayed
        new sell 2 @ 100
          accepted #3 sell 2 @ 100
        = | 3/6 @ 100 #1, 2 @ 100 #3, 0/5 @ 100 #2
        new buy 3 @ 100
          accepted #4 buy 3 @ 100
          trade 1 buy 3 @ 100 maker #1 taker #4 account=7
          replenished #1 sell 3 @ 100 account=7
        = | 2 @ 100 #3, 3 @ 100 #1, 0/5 @ 100 #2
        new buy 7 @ 100
          accepted #5 buy 7 @ 100
          trade 2 buy 2 @ 100 maker #3 taker #5
          trade 3 buy 3 @ 100 maker #1 taker #5 account=7
          trade 4 buy 2 @ 100 maker #2 taker #5
        = | 0/3 @ 100 #2
    """)


def test_R14_two_icebergs_take_turns(play: Play) -> None:
    play("""
        new buy 4 @ 100 display=2
          accepted #1 buy 4 @ 100 sliced
        new buy 5 @ 100 display=2
          accepted #2 buy 5 @ 100 sliced
        new sell 8 @ 99
          accepted #3 sell 8 @ 99
          trade 1 sell 2 @ 100 maker #1 taker #3
          replenished #1 buy 2 @ 100
          trade 2 sell 2 @ 100 maker #2 taker #3
          replenished #2 buy 2 @ 100
          trade 3 sell 2 @ 100 maker #1 taker #3
          trade 4 sell 2 @ 100 maker #2 taker #3
          replenished #2 buy 1 @ 100
        = 1 @ 100 #2 |
    """)


def test_R14_a_slice_used_in_part_keeps_its_place(play: Play) -> None:
    play("""
        new sell 6 @ 100 display=3
          accepted #1 sell 6 @ 100 sliced
        new sell 2 @ 100
          accepted #2 sell 2 @ 100
        new buy 2 @ 100
          accepted #3 buy 2 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #3
        = | 1/4 @ 100 #1, 2 @ 100 #2
        ~ | 3 @ 100 x2
    """)


def test_R14_as_aggressor_it_trades_with_all_it_has(play: Play) -> None:
    play("""
        new buy 6 @ 100
          accepted #1 buy 6 @ 100
        new buy 6 @ 99
          accepted #2 buy 6 @ 99
        new sell 9 @ 100 display=2
          accepted #3 sell 9 @ 100 sliced
          trade 1 sell 6 @ 100 maker #1 taker #3
        = 6 @ 99 #2 | 2/3 @ 100 #3                 -- what is left rests with a fresh slice
        new sell 7 @ 99 display=0
          accepted #4 sell 7 @ 99 undisplayed
          trade 2 sell 6 @ 99 maker #2 taker #4
        = | 0/1 @ 99 #4, 2/3 @ 100 #3
    """)


def test_R10_displayed_before_hidden_at_a_price(play: Play) -> None:
    play("""
        new sell 2 @ 100 display=0
          accepted #1 sell 2 @ 100 undisplayed
        new sell 2 @ 100
          accepted #2 sell 2 @ 100
        new sell 2 @ 100 display=0
          accepted #3 sell 2 @ 100 undisplayed
        new sell 2 @ 99 display=0                     -- price comes first
          accepted #4 sell 2 @ 99 undisplayed
        new buy 7 @ 101
          accepted #5 buy 7 @ 101
          trade 1 buy 2 @ 99 maker #4 taker #5
          trade 2 buy 2 @ 100 maker #2 taker #5
          trade 3 buy 2 @ 100 maker #1 taker #5
          trade 4 buy 1 @ 100 maker #3 taker #5
    """)


def test_R10_all_or_none_counts_as_hidden(play: Play) -> None:
    play("""
        new sell 2 @ 100 aon
          accepted #1 sell 2 @ 100 undisplayed
        new sell 2 @ 100 display=0
          accepted #2 sell 2 @ 100 undisplayed
        new sell 2 @ 100
          accepted #3 sell 2 @ 100
        new buy 6 @ 100
          accepted #4 buy 6 @ 100
          trade 1 buy 2 @ 100 maker #3 taker #4
          trade 2 buy 2 @ 100 maker #1 taker #4
          trade 3 buy 2 @ 100 maker #2 taker #4
    """)


def test_R13_hidden_orders_count(play: Play) -> None:
    play("""
        new sell 1 @ 100 display=0
          accepted #1 sell 1 @ 100 undisplayed
        new buy 1 @ 100 post-only
          rejected post_only_would_take buy
        new buy 1 @ 105 post-only slide
          accepted #2 buy 1 @ 105
          repriced #2 buy @ 99
        new buy 9 @ 105 post-only slide display=2
          accepted #3 buy 9 @ 105 sliced
          repriced #3 buy @ 99
        = 1 @ 99 #2, 2/9 @ 99 #3 | 0/1 @ 100 #1
    """)


def test_R13_an_all_or_none_order_larger_than_it_does_not_count(play: Play) -> None:
    play("""
        new sell 5 @ 100 aon
          accepted #1 sell 5 @ 100 undisplayed
        new buy 4 @ 101 post-only                    -- 5 will not trade with 4
          accepted #2 buy 4 @ 101
        new buy 5 @ 101 post-only                    -- but with 5
          rejected post_only_would_take buy
        amend #2 5
          rejected post_only_would_take
        = 4 @ 101 #2 | 0/5 @ 100 #1
    """)


def test_R13_slide_goes_behind_the_best_of_those_that_count(play: Play) -> None:
    play("""
        new sell 9 @ 98 aon
          accepted #1 sell 9 @ 98 undisplayed
        new sell 1 @ 102
          accepted #2 sell 1 @ 102
        new buy 5 @ 103 post-only slide
          accepted #3 buy 5 @ 103
          repriced #3 buy @ 101
        new buy 9 @ 103 post-only slide              -- the 9 at 98 count for it
          accepted #4 buy 9 @ 103
          repriced #4 buy @ 97
        = 5 @ 101 #3, 9 @ 97 #4 | 0/9 @ 98 #1, 1 @ 102 #2
    """)


def test_R13_an_amend_slides_in_the_same_way(play: Play) -> None:
    play("""
        new sell 9 @ 98 aon
          accepted #1 sell 9 @ 98 undisplayed
        new sell 1 @ 102 display=0
          accepted #2 sell 1 @ 102 undisplayed
        new buy 5 @ 90 post-only slide
          accepted #3 buy 5 @ 90
        amend #3 @ 102
          accepted #3
          amended #3 buy 5 @ 102 total 5 lost
          repriced #3 buy @ 101
    """)


def test_R19_hidden_orders_and_reserves_are_included(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=4
          accepted #1 sell 9 @ 100 sliced
        new sell 3 @ 101 display=0
          accepted #2 sell 3 @ 101 undisplayed
        new buy 13 @ 101 fok
          accepted #3 buy 13 @ 101
          canceled #3 buy 13 @ 101 fill_or_kill
        new buy 12 @ 101 fok
          accepted #4 buy 12 @ 101
          trade 1 buy 4 @ 100 maker #1 taker #4
          replenished #1 sell 4 @ 100
          trade 2 buy 4 @ 100 maker #1 taker #4
          replenished #1 sell 1 @ 100
          trade 3 buy 1 @ 100 maker #1 taker #4
          trade 4 buy 3 @ 101 maker #2 taker #4
        = |
    """)


def test_R19_a_reserve_behind_an_own_order_is_not_reached(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 6 @ 100 display=2 account=2
          accepted #1 sell 6 @ 100 sliced account=2
        new sell 1 @ 100 account=1
          accepted #2 sell 1 @ 100 account=1
        new buy 3 @ 100 fok account=1                  -- 2, then its own, then the next slice
          accepted #3 buy 3 @ 100 account=1
          canceled #3 buy 3 @ 100 fill_or_kill account=1
        new buy 2 @ 100 fok account=1
          accepted #4 buy 2 @ 100 account=1
          trade 1 buy 2 @ 100 maker #1 taker #4 account=2
          replenished #1 sell 2 @ 100 account=2
        = | 1 @ 100 #2, 2/4 @ 100 #1
    """)


def test_R19_an_all_or_none_maker_larger_than_what_is_left_is_passed_by(play: Play) -> None:
    play("""
        new sell 3 @ 100
          accepted #1 sell 3 @ 100
        new sell 4 @ 100 aon
          accepted #2 sell 4 @ 100 undisplayed
        new sell 2 @ 101
          accepted #3 sell 2 @ 101
        new buy 6 @ 101 fok                            -- 3, not 4 of the 3 left, 2
          accepted #4 buy 6 @ 101
          canceled #4 buy 6 @ 101 fill_or_kill
        new buy 7 @ 101 fok
          accepted #5 buy 7 @ 101
          trade 1 buy 3 @ 100 maker #1 taker #5
          trade 2 buy 4 @ 100 maker #2 taker #5
        = | 2 @ 101 #3
    """)


def test_R22_less_on_an_iceberg_shrinks_the_reserve_first(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=3
          accepted #1 sell 9 @ 100 sliced
        new sell 1 @ 100
          accepted #2 sell 1 @ 100
        amend #1 5
          accepted #1
          amended #1 sell 5 @ 100 total 5 kept
        = | 3/5 @ 100 #1, 1 @ 100 #2
        amend #1 2
          accepted #1
          amended #1 sell 2 @ 100 total 2 kept
        = | 2 @ 100 #1, 1 @ 100 #2
    """)


def test_R22_more_or_another_price_rests_with_a_fresh_slice(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=3
          accepted #1 sell 9 @ 100 sliced
        new sell 1 @ 100
          accepted #2 sell 1 @ 100
        new buy 2 @ 100
          accepted #3 buy 2 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #3
        = | 1/7 @ 100 #1, 1 @ 100 #2
        amend #1 10
          accepted #1
          amended #1 sell 8 @ 100 total 10 lost
        = | 1 @ 100 #2, 3/8 @ 100 #1
        amend #1 @ 99
          accepted #1
          amended #1 sell 8 @ 99 total 10 lost
        = | 3/8 @ 99 #1, 1 @ 100 #2
    """)


def test_R22_an_iceberg_that_crosses_trades_with_all_it_has(play: Play) -> None:
    play("""
        new buy 6 @ 98
          accepted #1 buy 6 @ 98
        new sell 9 @ 100 display=2
          accepted #2 sell 9 @ 100 sliced
        amend #2 @ 98
          accepted #2
          amended #2 sell 9 @ 98 total 9 lost
          trade 1 sell 6 @ 98 maker #1 taker #2
        = | 2/3 @ 98 #2
    """)


def test_R23_a_canceled_iceberg_ends_with_its_reserve(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=2 account=1
          accepted #1 sell 9 @ 100 sliced account=1
        new sell 4 @ 100 display=0
          accepted #2 sell 4 @ 100 undisplayed
        cancel #1
          accepted #1 account=1
          canceled #1 sell 9 @ 100 requested account=1
        cancel #2
          accepted #2
          canceled #2 sell 4 @ 100 requested
        = |
        ~ |
    """)


def test_R25_oldest_loses_the_whole_order_with_its_reserve(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 9 @ 100 display=2 account=1
          accepted #1 sell 9 @ 100 sliced account=1
        new sell 2 @ 100 display=0 account=1
          accepted #2 sell 2 @ 100 undisplayed account=1
        new buy 3 @ 100 account=1
          accepted #3 buy 3 @ 100 account=1
          canceled #1 sell 9 @ 100 self_trade account=1
          canceled #2 sell 2 @ 100 self_trade account=1
        = 3 @ 100 #3 |
    """)


def test_R25_decrement_goes_by_whole_remainders_and_takes_the_reserve_first(play: Play) -> None:
    play("""
        book mode=decrement
        new sell 9 @ 100 display=2 account=1
          accepted #1 sell 9 @ 100 sliced account=1
        new sell 1 @ 100 account=2
          accepted #2 sell 1 @ 100 account=2
        new buy 3 @ 100 account=1
          accepted #3 buy 3 @ 100 account=1
          decremented #1 sell 3 @ 100 taker #3 account=1
          canceled #3 buy 0 @ 100 self_trade account=1
        = | 2/6 @ 100 #1, 1 @ 100 #2                 -- its slice and its place are what they were
        new buy 5 @ 100 display=1 account=1
          accepted #4 buy 5 @ 100 sliced account=1
          decremented #1 sell 5 @ 100 taker #4 account=1
          canceled #4 buy 0 @ 100 self_trade account=1
        = | 1 @ 100 #1, 1 @ 100 #2
        amend #1 1 account=1                         -- the total has shrunk with it
          accepted #1 account=1
          amended #1 sell 1 @ 100 total 1 kept account=1
        new buy 2 @ 100 account=1
          accepted #5 buy 2 @ 100 account=1
          decremented #1 sell 1 @ 100 taker #5 account=1
          canceled #1 sell 0 @ 100 self_trade account=1
          trade 1 buy 1 @ 100 maker #2 taker #5 account=2
        = |
    """)


def test_R17_icebergs_and_hidden_orders_end_whole(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=2 day
          accepted #1 sell 9 @ 100 sliced
        new buy 4 @ 90 display=0 gtd until=5
          accepted #2 buy 4 @ 90 undisplayed
        phase closed time=5
          canceled #2 buy 4 @ 90 expired
          accepted time=5
          phase closed
          canceled #1 sell 9 @ 100 session_closed
        ~ |
    """)
