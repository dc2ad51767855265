"""R20 and R21: all-or-none orders and minimum quantities; what R10, R22, R24 and R25 say of them."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R20_it_trades_in_full_in_one_go_on_arrival(play: Play) -> None:
    play("""
        new sell 3 @ 100
          accepted #1 sell 3 @ 100
        new sell 5 @ 101 display=2
          accepted #2 sell 5 @ 101 sliced
        new buy 6 @ 101 aon
          accepted #3 buy 6 @ 101 undisplayed
          trade 1 buy 3 @ 100 maker #1 taker #3
          trade 2 buy 2 @ 101 maker #2 taker #3
          replenished #2 sell 2 @ 101
          trade 3 buy 1 @ 101 maker #2 taker #3
        = | 1/2 @ 101 #2
    """)


def test_R20_or_rests_undisplayed_until_it_can(play: Play) -> None:
    play("""
        new sell 3 @ 100
          accepted #1 sell 3 @ 100
        new buy 5 @ 100 aon account=1
          accepted #2 buy 5 @ 100 undisplayed account=1
        = 0/5 @ 100 #2 | 3 @ 100 #1
        ~ | 3 @ 100 x1
        new sell 1 @ 100
          accepted #3 sell 1 @ 100
        new sell 1 @ 100
          accepted #4 sell 1 @ 100
          trade 1 buy 3 @ 100 maker #1 taker #2
          trade 2 buy 1 @ 100 maker #3 taker #2
          trade 3 buy 1 @ 100 maker #4 taker #2
        = |
    """)


def test_R20_an_aggressor_with_enough_trades_with_it(play: Play) -> None:
    play("""
        new buy 5 @ 100 aon
          accepted #1 buy 5 @ 100 undisplayed
        new sell 7 @ 99
          accepted #2 sell 7 @ 99
          trade 1 sell 5 @ 100 maker #1 taker #2
        = | 2 @ 99 #2
    """)


def test_R20_an_aggressor_with_less_passes_it_by(play: Play) -> None:
    play("""
        new buy 5 @ 101 aon
          accepted #1 buy 5 @ 101 undisplayed
        new buy 2 @ 100
          accepted #2 buy 2 @ 100
        new sell 3 @ 100
          accepted #3 sell 3 @ 100
          trade 1 sell 2 @ 100 maker #2 taker #3
        = 0/5 @ 101 #1 | 1 @ 100 #3
        market sell 4
          accepted #4 sell 4 @ 0 market
          canceled #4 sell 4 @ 0 no_liquidity
    """)


def test_R10_undisplayed_all_or_none_orders_may_stand_across(play: Play) -> None:
    play("""
        new buy 10 @ 100 aon
          accepted #1 buy 10 @ 100 undisplayed
        new sell 4 @ 99
          accepted #2 sell 4 @ 99
        new sell 12 @ 98 aon
          accepted #3 sell 12 @ 98 undisplayed
        new buy 1 @ 98
          accepted #4 buy 1 @ 98
        = 0/10 @ 100 #1, 1 @ 98 #4 | 0/12 @ 98 #3, 4 @ 99 #2
        ~ 1 @ 98 x1 | 4 @ 99 x1
    """)


def test_R20_two_all_or_none_orders_trade_where_both_can(play: Play) -> None:
    play("""
        new buy 5 @ 100 aon
          accepted #1 buy 5 @ 100 undisplayed
        new sell 6 @ 99 aon                          -- finds 5
          accepted #2 sell 6 @ 99 undisplayed
        new sell 5 @ 99 aon
          accepted #3 sell 5 @ 99 undisplayed
          trade 1 sell 5 @ 100 maker #1 taker #3
        = | 0/6 @ 99 #2
    """)


def test_R20_under_cancel_oldest_it_walks_over_own_orders(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 2 @ 100 account=1
          accepted #1 sell 2 @ 100 account=1
        new sell 5 @ 101 account=2
          accepted #2 sell 5 @ 101 account=2
        new buy 6 @ 101 aon account=1
          accepted #3 buy 6 @ 101 undisplayed account=1
        = 0/6 @ 101 #3 | 2 @ 100 #1, 5 @ 101 #2      -- nothing happened to its own
        new buy 5 @ 101 aon account=1
          accepted #4 buy 5 @ 101 undisplayed account=1
          canceled #1 sell 2 @ 100 self_trade account=1
          trade 1 buy 5 @ 101 maker #2 taker #4 account=2
        = 0/6 @ 101 #3 |
    """)


def test_R20_under_other_modes_an_own_order_stops_it(play: Play) -> None:
    play("""
        new sell 2 @ 100 account=1
          accepted #1 sell 2 @ 100 account=1
        new sell 5 @ 101 account=2
          accepted #2 sell 5 @ 101 account=2
        new buy 5 @ 101 aon account=1 mode=cancel_newest
          accepted #3 buy 5 @ 101 undisplayed account=1
        new buy 5 @ 101 aon account=1 mode=cancel_both
          accepted #4 buy 5 @ 101 undisplayed account=1
        new buy 5 @ 101 aon account=1 mode=decrement
          accepted #5 buy 5 @ 101 undisplayed account=1
        = 0/5 @ 101 #3, 0/5 @ 101 #4, 0/5 @ 101 #5 | 2 @ 100 #1, 5 @ 101 #2
        cancel #1                                     -- any accepted command tries them again
          accepted #1 account=1
          canceled #1 sell 2 @ 100 requested account=1
          trade 1 buy 5 @ 101 maker #2 taker #3 account=2
        = 0/5 @ 101 #4, 0/5 @ 101 #5 |
    """)


def test_R25_is_looked_at_after_one_too_large_has_been_passed_by(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new buy 5 @ 100 aon account=1
          accepted #1 buy 5 @ 100 undisplayed account=1
        new sell 3 @ 100 account=1
          accepted #2 sell 3 @ 100 account=1
        new sell 6 @ 100 account=1
          accepted #3 sell 6 @ 100 account=1
          canceled #3 sell 6 @ 100 self_trade account=1
        = 0/5 @ 100 #1 | 3 @ 100 #2
    """)


def test_R25_decrement_shrinks_an_all_or_none_order(play: Play) -> None:
    play("""
        book mode=decrement
        new buy 5 @ 100 aon account=1
          accepted #1 buy 5 @ 100 undisplayed account=1
        new sell 7 @ 100 account=1
          accepted #2 sell 7 @ 100 account=1
          decremented #1 buy 5 @ 100 taker #2 account=1
          canceled #1 buy 0 @ 100 self_trade account=1
        = | 2 @ 100 #2
    """)


def test_R20_buys_are_tried_first_best_price_first_then_time(play: Play) -> None:
    play("""
        new buy 4 @ 100 aon
          accepted #1 buy 4 @ 100 undisplayed
        new buy 4 @ 101 aon
          accepted #2 buy 4 @ 101 undisplayed
        new buy 4 @ 101 aon
          accepted #3 buy 4 @ 101 undisplayed
        new sell 3 @ 100
          accepted #4 sell 3 @ 100
        new sell 3 @ 100
          accepted #5 sell 3 @ 100
          trade 1 buy 3 @ 100 maker #4 taker #2
          trade 2 buy 1 @ 100 maker #5 taker #2
        = 0/4 @ 101 #3, 0/4 @ 100 #1 | 2 @ 100 #5
        new sell 5 @ 99                               -- large enough for one of them itself
          accepted #6 sell 5 @ 99
          trade 3 sell 4 @ 101 maker #3 taker #6
        new sell 1 @ 100
          accepted #7 sell 1 @ 100
          trade 4 buy 1 @ 99 maker #6 taker #1
          trade 5 buy 2 @ 100 maker #5 taker #1
          trade 6 buy 1 @ 100 maker #7 taker #1
        = |
    """)


def test_R20_then_sells(play: Play) -> None:
    # Own orders stop both until time takes them away: a single command makes both feasible.
    play("""
        book mode=cancel_newest
        new sell 1 @ 100 account=1 gtd until=50
          accepted #1 sell 1 @ 100 account=1
        new sell 5 @ 101 account=3
          accepted #2 sell 5 @ 101 account=3
        new buy 1 @ 90 account=2 gtd until=50
          accepted #3 buy 1 @ 90 account=2
        new buy 6 @ 89 account=3
          accepted #4 buy 6 @ 89 account=3
        new sell 6 @ 89 aon account=2
          accepted #5 sell 6 @ 89 undisplayed account=2
        new buy 5 @ 101 aon account=1
          accepted #6 buy 5 @ 101 undisplayed account=1
        time 50
          canceled #1 sell 1 @ 100 expired account=1
          canceled #3 buy 1 @ 90 expired account=2
          accepted time=50
          trade 1 buy 5 @ 101 maker #2 taker #6 account=3
          trade 2 sell 6 @ 89 maker #4 taker #5 account=3
        = |
    """)


def test_R20_a_rejected_command_tries_none(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 1 @ 100 account=1 gtd until=50
          accepted #1 sell 1 @ 100 account=1
        new sell 5 @ 101
          accepted #2 sell 5 @ 101
        new buy 5 @ 101 aon account=1
          accepted #3 buy 5 @ 101 undisplayed account=1
        cancel #9 time=50
          canceled #1 sell 1 @ 100 expired account=1
          rejected unknown_order time=50
        mass-cancel account=8                          -- an accepted one does
          accepted account=8 time=50
          trade 1 buy 5 @ 101 maker #2 taker #3
    """)


def test_R20_after_one_has_traded_come_stops_then_the_list_anew(play: Play) -> None:
    play("""
        new sell 2 @ 100
          accepted #1 sell 2 @ 100
        new buy 4 @ 100 aon
          accepted #2 buy 4 @ 100 undisplayed
        new sell 2 @ 103
          accepted #3 sell 2 @ 103
        new buy 3 @ 103 aon
          accepted #4 buy 3 @ 103 undisplayed
          trade 1 buy 2 @ 100 maker #1 taker #4
          trade 2 buy 1 @ 103 maker #3 taker #4
        stop buy 1 stop=104
          accepted #5 buy 1 @ 0 stop
        stop sell 1 stop=100
          accepted #6 sell 1 @ 0 stop
        new buy 3 @ 90
          accepted #7 buy 3 @ 90
        new sell 4 @ 101 aon
          accepted #8 sell 4 @ 101 undisplayed
        new sell 2 @ 100
          accepted #9 sell 2 @ 100
        new sell 2 @ 100 display=0
          accepted #10 sell 2 @ 100 undisplayed
          trade 3 buy 2 @ 100 maker #9 taker #2
          trade 4 buy 2 @ 100 maker #10 taker #2
          triggered #6 sell 1 @ 0                    -- before another AON is tried
          trade 5 sell 1 @ 90 maker #7 taker #6
        = 2 @ 90 #7 | 0/4 @ 101 #8, 1 @ 103 #3 | buy 1 stop 104 #5
    """)


def test_R20_amending_makes_it_feasible(play: Play) -> None:
    play("""
        new sell 3 @ 100
          accepted #1 sell 3 @ 100
        new buy 5 @ 100 aon
          accepted #2 buy 5 @ 100 undisplayed
        amend #2 3
          accepted #2
          amended #2 buy 3 @ 100 total 3 kept
          trade 1 buy 3 @ 100 maker #1 taker #2
        new sell 3 @ 101
          accepted #3 sell 3 @ 101
        new buy 3 @ 100 aon
          accepted #4 buy 3 @ 100 undisplayed
        amend #4 @ 101
          accepted #4
          amended #4 buy 3 @ 101 total 3 lost
          trade 2 buy 3 @ 101 maker #3 taker #4
        = |
    """)


def test_R20_it_lives_like_gtc(play: Play) -> None:
    play("""
        new buy 5 @ 100 aon
          accepted #1 buy 5 @ 100 undisplayed
        phase closed
          accepted
          phase closed
        phase continuous time=18446744073709551615
          accepted time=18446744073709551615
          phase continuous
        = 0/5 @ 100 #1 |
        mass-cancel buy
          accepted time=18446744073709551615
          canceled #1 buy 5 @ 100 mass_cancel
    """)


def test_R21_what_the_dry_run_finds_is_nothing_or_at_least_the_minimum(play: Play) -> None:
    play("""
        new sell 3 @ 100
          accepted #1 sell 3 @ 100
        new buy 5 @ 100 min=4
          accepted #2 buy 5 @ 100
          canceled #2 buy 5 @ 100 minimum_quantity
        = | 3 @ 100 #1
        new buy 5 @ 100 min=3
          accepted #3 buy 5 @ 100
          trade 1 buy 3 @ 100 maker #1 taker #3
        = 2 @ 100 #3 |
        new sell 2 @ 100 min=2
          accepted #4 sell 2 @ 100
          trade 2 sell 2 @ 100 maker #3 taker #4
    """)


def test_R21_reserves_and_hidden_orders_count(play: Play) -> None:
    play("""
        new sell 3 @ 100 display=1
          accepted #1 sell 3 @ 100 sliced
        new sell 1 @ 100 display=0
          accepted #2 sell 1 @ 100 undisplayed
        new sell 5 @ 100 aon                           -- larger than what would be left
          accepted #3 sell 5 @ 100 undisplayed
        new buy 6 @ 100 min=5 ioc
          accepted #4 buy 6 @ 100
          canceled #4 buy 6 @ 100 minimum_quantity
        new buy 2 @ 100 min=2 ioc
          accepted #5 buy 2 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #5
          replenished #1 sell 1 @ 100
          trade 2 buy 1 @ 100 maker #1 taker #5
          replenished #1 sell 1 @ 100
    """)


def test_R21_nothing_found_and_the_time_in_force_decides(play: Play) -> None:
    play("""
        new buy 5 @ 90 min=5
          accepted #1 buy 5 @ 90
        new buy 5 @ 90 min=5 ioc
          accepted #2 buy 5 @ 90
          canceled #2 buy 5 @ 90 immediate_or_cancel
        new buy 5 @ 90 min=5 fok
          accepted #3 buy 5 @ 90
          canceled #3 buy 5 @ 90 fill_or_kill
        market buy 5 min=5
          accepted #4 buy 5 @ 0 market
          canceled #4 buy 5 @ 0 no_liquidity
        = 5 @ 90 #1 |
    """)


def test_R21_less_is_canceled_and_a_fok_is_fill_or_kill(play: Play) -> None:
    play("""
        new sell 2 @ 100
          accepted #1 sell 2 @ 100
        new buy 5 @ 100 min=3 ioc
          accepted #2 buy 5 @ 100
          canceled #2 buy 5 @ 100 minimum_quantity
        new buy 5 @ 100 min=3 fok
          accepted #3 buy 5 @ 100
          canceled #3 buy 5 @ 100 fill_or_kill
        market buy 5 min=3
          accepted #4 buy 5 @ 0 market
          canceled #4 buy 5 @ 0 minimum_quantity
        market buy 5 min=2
          accepted #5 buy 5 @ 0 market
          trade 1 buy 2 @ 100 maker #1 taker #5
          canceled #5 buy 3 @ 0 no_liquidity
    """)


def test_R21_an_own_order_ends_the_dry_run(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new sell 2 @ 100
          accepted #1 sell 2 @ 100
        new sell 3 @ 101 account=1
          accepted #2 sell 3 @ 101 account=1
        new buy 5 @ 101 min=3 account=1
          accepted #3 buy 5 @ 101 account=1
          canceled #3 buy 5 @ 101 minimum_quantity account=1
        new buy 5 @ 101 min=2 account=1
          accepted #4 buy 5 @ 101 account=1
          trade 1 buy 2 @ 100 maker #1 taker #4
          canceled #4 buy 3 @ 101 self_trade account=1
    """)


def test_R21_once_resting_it_has_no_more_effect(play: Play) -> None:
    play("""
        new buy 5 @ 90 min=4
          accepted #1 buy 5 @ 90
        new sell 1 @ 90
          accepted #2 sell 1 @ 90
          trade 1 sell 1 @ 90 maker #1 taker #2
        new sell 1 @ 95
          accepted #3 sell 1 @ 95
        amend #1 @ 95                                 -- nor does an amended order look at it
          accepted #1
          amended #1 buy 4 @ 95 total 5 lost
          trade 2 buy 1 @ 95 maker #3 taker #1
        amend #1 3
          accepted #1
          amended #1 buy 1 @ 95 total 3 kept
        = 1 @ 95 #1 |
    """)


def test_R24_mass_cancel_takes_hidden_all_or_none_and_dormant_orders_in_order_of_id(play: Play) -> None:
    play("""
        stop sell 4 stop=50 account=1
          accepted #1 sell 4 @ 0 stop account=1
        new buy 5 @ 100 aon account=1
          accepted #2 buy 5 @ 100 undisplayed account=1
        new sell 6 @ 110 display=0 account=1
          accepted #3 sell 6 @ 110 undisplayed account=1
        stop-limit buy 7 @ 121 stop=120 account=1
          accepted #4 buy 7 @ 121 stop_limit account=1
        new buy 8 @ 90 display=2 account=2
          accepted #5 buy 8 @ 90 sliced account=2
        trailing-stop sell 9 trail=3 account=2
          accepted #6 sell 9 @ 0 trailing_stop account=2
        mass-cancel sell account=1
          accepted account=1
          canceled #1 sell 4 @ 0 mass_cancel account=1
          canceled #3 sell 6 @ 110 mass_cancel account=1
        phase halted
          accepted
          phase halted
        mass-cancel
          accepted
          canceled #2 buy 5 @ 100 mass_cancel account=1
          canceled #4 buy 7 @ 121 mass_cancel account=1
          canceled #5 buy 8 @ 90 mass_cancel account=2
          canceled #6 sell 9 @ 0 mass_cancel account=2
        = |
    """)
