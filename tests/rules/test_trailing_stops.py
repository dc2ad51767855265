"""R15, the part about trailing stops."""

from __future__ import annotations

from tests.rules.conftest import Play

MAX, MIN = 2**63 - 1, -(2**63)


def test_R15_a_trailing_sell_stop_rises_with_the_last_price_and_never_falls(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        trailing-stop sell 1 trail=3
          accepted #3 sell 1 @ 0 trailing_stop
        = | | sell 1 stop 97 #3
        new sell 1 @ 104
          accepted #4 sell 1 @ 104
        market buy 1
          accepted #5 buy 1 @ 0 market
          trade 2 buy 1 @ 104 maker #4 taker #5
        = | | sell 1 stop 101 #3
        new sell 1 @ 102
          accepted #6 sell 1 @ 102
        market buy 1
          accepted #7 buy 1 @ 0 market
          trade 3 buy 1 @ 102 maker #6 taker #7
        = | | sell 1 stop 101 #3
        new buy 2 @ 101
          accepted #8 buy 2 @ 101
        market sell 1
          accepted #9 sell 1 @ 0 market
          trade 4 sell 1 @ 101 maker #8 taker #9
          triggered #3 sell 1 @ 0
          trade 5 sell 1 @ 101 maker #8 taker #3
        = |
    """)


def test_R15_a_trailing_buy_stop_falls_and_never_rises(play: Play) -> None:
    play("""
        new buy 1 @ 100
          accepted #1 buy 1 @ 100
        market sell 1
          accepted #2 sell 1 @ 0 market
          trade 1 sell 1 @ 100 maker #1 taker #2
        trailing-stop buy 1 trail=3 account=5
          accepted #3 buy 1 @ 0 trailing_stop account=5
        = | | buy 1 stop 103 #3
        new buy 1 @ 95
          accepted #4 buy 1 @ 95
        market sell 1
          accepted #5 sell 1 @ 0 market
          trade 2 sell 1 @ 95 maker #4 taker #5
        = | | buy 1 stop 98 #3
        new buy 1 @ 97
          accepted #6 buy 1 @ 97
        market sell 1
          accepted #7 sell 1 @ 0 market
          trade 3 sell 1 @ 97 maker #6 taker #7
        = | | buy 1 stop 98 #3
        new sell 2 @ 98
          accepted #8 sell 2 @ 98
        market buy 1
          accepted #9 buy 1 @ 0 market
          trade 4 buy 1 @ 98 maker #8 taker #9
          triggered #3 buy 1 @ 0 account=5
          trade 5 buy 1 @ 98 maker #8 taker #3
        = |
    """)


def test_R15_an_offset_in_basis_points_is_rounded_up_to_ticks(play: Play) -> None:
    play("""
        new sell 1 @ 10001
          accepted #1 sell 1 @ 10001
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 10001 maker #1 taker #2
        trailing-stop sell 1 trail-bps=25              -- 25.0025
          accepted #3 sell 1 @ 0 trailing_stop
        trailing-stop buy 1 trail-bps=10000
          accepted #4 buy 1 @ 0 trailing_stop
        = | | buy 1 stop 20002 #4, sell 1 stop 9975 #3
        new sell 1 @ 20000
          accepted #5 sell 1 @ 20000
        market buy 1                                    -- 50 below 20000
          accepted #6 buy 1 @ 0 market
          trade 2 buy 1 @ 20000 maker #5 taker #6
        = | | buy 1 stop 20002 #4, sell 1 stop 19950 #3
    """)


def test_R15_an_offset_is_at_least_one_tick_and_goes_by_the_absolute_price(play: Play) -> None:
    play("""
        new sell 1 @ -200
          accepted #1 sell 1 @ -200
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ -200 maker #1 taker #2
        trailing-stop sell 1 trail-bps=150
          accepted #3 sell 1 @ 0 trailing_stop
        trailing-stop sell 1 trail-bps=1
          accepted #4 sell 1 @ 0 trailing_stop
        trailing-stop sell 1 trail=1
          accepted #5 sell 1 @ 0 trailing_stop
        = | | sell 1 stop -201 #4, sell 1 stop -201 #5, sell 1 stop -203 #3
        trailing-stop sell 1 trail=0
          rejected invalid_price sell
        trailing-stop sell 1 trail-bps=0
          rejected invalid_price sell
        new sell 1 @ 0
          accepted #6 sell 1 @ 0
        market buy 1
          accepted #7 buy 1 @ 0 market
          trade 2 buy 1 @ 0 maker #6 taker #7
        = | | sell 1 stop -1 #3, sell 1 stop -1 #4, sell 1 stop -1 #5
    """)


def test_R15_it_is_set_at_entry_else_at_the_first_trade(play: Play) -> None:
    play("""
        trailing-stop sell 1 trail=3
          accepted #1 sell 1 @ 0 trailing_stop
        trailing-stop buy 1 trail-bps=100
          accepted #2 buy 1 @ 0 trailing_stop
        = | | sell 1 stop None #1, buy 1 stop None #2
        new sell 1 @ 500
          accepted #3 sell 1 @ 500
        market buy 1
          accepted #4 buy 1 @ 0 market
          trade 1 buy 1 @ 500 maker #3 taker #4
        = | | buy 1 stop 505 #2, sell 1 stop 497 #1
        phase pre_open
          accepted
          phase pre_open
        trailing-stop sell 1 trail=4
          accepted #5 sell 1 @ 0 trailing_stop
        = | | buy 1 stop 505 #2, sell 1 stop 497 #1, sell 1 stop 496 #5
    """)


def test_R15_it_moves_once_after_each_aggressor(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        trailing-stop sell 1 trail=3
          accepted #3 sell 1 @ 0 trailing_stop
        new buy 1 @ 110
          accepted #4 buy 1 @ 110
        new buy 1 @ 98
          accepted #5 buy 1 @ 98
        market sell 2                                    -- 110 on the way sets no stop of 107
          accepted #6 sell 2 @ 0 market
          trade 2 sell 1 @ 110 maker #4 taker #6
          trade 3 sell 1 @ 98 maker #5 taker #6
        = | | sell 1 stop 97 #3
    """)


def test_R15_it_moves_before_stops_are_looked_for(play: Play) -> None:
    # The buy stop takes the price to 106; moved first to 102, the trailing stop then moves to 103.
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        trailing-stop sell 1 trail=3
          accepted #3 sell 1 @ 0 trailing_stop
        stop buy 2 stop=105
          accepted #4 buy 2 @ 0 stop
        new sell 1 @ 105
          accepted #5 sell 1 @ 105
        new sell 1 @ 106
          accepted #6 sell 1 @ 106
        new buy 4 @ 90
          accepted #7 buy 4 @ 90
        market buy 1
          accepted #8 buy 1 @ 0 market
          trade 2 buy 1 @ 105 maker #5 taker #8
          triggered #4 buy 2 @ 0
          trade 3 buy 1 @ 106 maker #6 taker #4
          canceled #4 buy 1 @ 0 no_liquidity
        = 4 @ 90 #7 | | sell 1 stop 103 #3
        stop sell 1 stop=80
          accepted #9 sell 1 @ 0 stop
        market sell 1                                    -- each triggered order is an aggressor
          accepted #10 sell 1 @ 0 market
          trade 4 sell 1 @ 90 maker #7 taker #10
          triggered #3 sell 1 @ 0
          trade 5 sell 1 @ 90 maker #7 taker #3
        = 2 @ 90 #7 | | sell 1 stop 80 #9
    """)


def test_R15_a_move_keeps_the_entry_time(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        trailing-stop sell 1 trail=3
          accepted #3 sell 1 @ 0 trailing_stop
        stop sell 2 stop=97
          accepted #4 sell 2 @ 0 stop
        stop sell 2 stop=98
          accepted #5 sell 2 @ 0 stop
        = | | sell 2 stop 98 #5, sell 1 stop 97 #3, sell 2 stop 97 #4
        new sell 1 @ 101
          accepted #6 sell 1 @ 101
        market buy 1
          accepted #7 buy 1 @ 0 market
          trade 2 buy 1 @ 101 maker #6 taker #7
        = | | sell 1 stop 98 #3, sell 2 stop 98 #5, sell 2 stop 97 #4
    """)


def test_R15_the_limit_of_a_trailing_stop_limit_is_absolute(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        trailing-stop-limit sell 4 @ 99 trail=3
          accepted #3 sell 4 @ 99 trailing_stop_limit
        new sell 1 @ 110
          accepted #4 sell 1 @ 110
        market buy 1
          accepted #5 buy 1 @ 0 market
          trade 2 buy 1 @ 110 maker #4 taker #5
        new buy 2 @ 106
          accepted #6 buy 2 @ 106
        new buy 2 @ 98
          accepted #7 buy 2 @ 98
        market sell 1
          accepted #8 sell 1 @ 0 market
          trade 3 sell 1 @ 106 maker #6 taker #8
          triggered #3 sell 4 @ 99
          trade 4 sell 1 @ 106 maker #6 taker #3
        = 2 @ 98 #7 | 3 @ 99 #3
    """)


def test_R15_an_uncross_moves_it_once_before_stops(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        trailing-stop sell 1 trail=3
          accepted #1 sell 1 @ 0 trailing_stop
        stop buy 1 stop=100
          accepted #2 buy 1 @ 0 stop
        new sell 2 @ 100
          accepted #3 sell 2 @ 100
        new buy 2 @ 100
          accepted #4 buy 2 @ 100
        new sell 1 @ 109
          accepted #5 sell 1 @ 109
        phase continuous
          accepted
          phase continuous
          trade 1 2 @ 100 maker #3 taker #4
          triggered #2 buy 1 @ 0
          trade 2 buy 1 @ 109 maker #5 taker #2
        = | | sell 1 stop 106 #1
    """)


def test_R1_a_first_stop_price_outside_64_bits_is_an_invalid_price(play: Play) -> None:
    play(f"""
        new sell 1 @ {MAX - 3}
          accepted #1 sell 1 @ {MAX - 3}
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ {MAX - 3} maker #1 taker #2
        trailing-stop buy 1 trail=4
          rejected invalid_price buy
        trailing-stop buy 1 trail-bps=1
          rejected invalid_price buy
        trailing-stop buy 1 trail=3
          accepted #3 buy 1 @ 0 trailing_stop
        trailing-stop sell 1 trail={MAX}
          accepted #4 sell 1 @ 0 trailing_stop
        trailing-stop sell 1 trail={2**63}
          rejected invalid_price sell
        = | | buy 1 stop {MAX} #3, sell 1 stop -3 #4
    """)


def test_R1_later_it_saturates(play: Play) -> None:
    play(f"""
        trailing-stop buy 1 trail=9
          accepted #1 buy 1 @ 0 trailing_stop
        trailing-stop sell 1 trail=9
          accepted #2 sell 1 @ 0 trailing_stop
        new sell 1 @ {MAX - 3}
          accepted #3 sell 1 @ {MAX - 3}
        market buy 1
          accepted #4 buy 1 @ 0 market
          trade 1 buy 1 @ {MAX - 3} maker #3 taker #4
        = | | buy 1 stop {MAX} #1, sell 1 stop {MAX - 12} #2
        trailing-stop sell 1 trail={MAX}
          accepted #5 sell 1 @ 0 trailing_stop
        new buy 2 @ {MIN}
          accepted #6 buy 2 @ {MIN}
        market sell 1
          accepted #7 sell 1 @ 0 market
          trade 2 sell 1 @ {MIN} maker #6 taker #7
          triggered #2 sell 1 @ 0
          trade 3 sell 1 @ {MIN} maker #6 taker #2
          triggered #5 sell 1 @ 0
          canceled #5 sell 1 @ 0 no_liquidity
        = | | buy 1 stop {MIN + 9} #1
        trailing-stop sell 1 trail=1                       -- below the lowest price
          rejected invalid_price sell
    """)
