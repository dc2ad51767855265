"""R15 and R16: stops, and in which order they fire; what R17, R22 and R23 say of dormant orders."""

from __future__ import annotations

from tests.rules.conftest import Play

MAX = 2**63 - 1


def test_R15_a_buy_stop_is_dormant_until_the_last_price_is_at_or_above_it(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        stop buy 2 stop=102
          accepted #2 buy 2 @ 0 stop
        new sell 1 @ 101
          accepted #3 sell 1 @ 101
        new sell 5 @ 102
          accepted #4 sell 5 @ 102
        new buy 2 @ 101
          accepted #5 buy 2 @ 101
          trade 1 buy 1 @ 100 maker #1 taker #5
          trade 2 buy 1 @ 101 maker #3 taker #5
        = | 5 @ 102 #4 | buy 2 stop 102 #2
        ~ | 5 @ 102 x1
        new buy 1 @ 102
          accepted #6 buy 1 @ 102
          trade 3 buy 1 @ 102 maker #4 taker #6
          triggered #2 buy 2 @ 0
          trade 4 buy 2 @ 102 maker #4 taker #2
        = | 2 @ 102 #4
        stop buy 1 stop=104
          accepted #7 buy 1 @ 0 stop
        new sell 1 @ 105
          accepted #8 sell 1 @ 105
        market buy 3                                  -- beyond the stop price
          accepted #9 buy 3 @ 0 market
          trade 5 buy 2 @ 102 maker #4 taker #9
          trade 6 buy 1 @ 105 maker #8 taker #9
          triggered #7 buy 1 @ 0
          canceled #7 buy 1 @ 0 no_liquidity
    """)


def test_R15_a_sell_stop_until_it_is_at_or_below(play: Play) -> None:
    play("""
        new buy 1 @ -5
          accepted #1 buy 1 @ -5
        new buy 2 @ -6
          accepted #2 buy 2 @ -6
        new buy 2 @ -8
          accepted #3 buy 2 @ -8
        stop sell 1 stop=-6 account=3
          accepted #4 sell 1 @ 0 stop account=3
        stop sell 1 stop=-7
          accepted #5 sell 1 @ 0 stop
        new sell 1 @ -5
          accepted #6 sell 1 @ -5
          trade 1 sell 1 @ -5 maker #1 taker #6
        new sell 1 @ -6
          accepted #7 sell 1 @ -6
          trade 2 sell 1 @ -6 maker #2 taker #7
          triggered #4 sell 1 @ 0 account=3
          trade 3 sell 1 @ -6 maker #2 taker #4
        = 2 @ -8 #3 | | sell 1 stop -7 #5
        market sell 1
          accepted #8 sell 1 @ 0 market
          trade 4 sell 1 @ -8 maker #3 taker #8
          triggered #5 sell 1 @ 0
          trade 5 sell 1 @ -8 maker #3 taker #5
    """)


def test_R15_reached_on_entry_it_fires_at_once(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        stop buy 1 stop=101
          accepted #3 buy 1 @ 0 stop
        stop sell 1 stop=99
          accepted #4 sell 1 @ 0 stop
        new sell 1 @ 101
          accepted #5 sell 1 @ 101
        stop-limit buy 3 @ 101 stop=100 account=6
          accepted #6 buy 3 @ 101 stop_limit account=6
          triggered #6 buy 3 @ 101 account=6
          trade 2 buy 1 @ 101 maker #5 taker #6
          triggered #3 buy 1 @ 0
          canceled #3 buy 1 @ 0 no_liquidity
        stop sell 1 stop=102
          accepted #7 sell 1 @ 0 stop
          triggered #7 sell 1 @ 0
          trade 3 sell 1 @ 101 maker #6 taker #7 account=6
        = 1 @ 101 #6 | | sell 1 stop 99 #4
    """)


def test_R15_before_the_first_trade_nothing_is_reached(play: Play) -> None:
    play(f"""
        stop buy 1 stop={-(2**63)}
          accepted #1 buy 1 @ 0 stop
        stop sell 1 stop={MAX}
          accepted #2 sell 1 @ 0 stop
        stop-limit buy 1 @ 0 stop=0
          accepted #3 buy 1 @ 0 stop_limit
        = | | buy 1 stop {-(2**63)} #1, buy 1 stop 0 #3, sell 1 stop {MAX} #2
    """)


def test_R15_the_last_price_survives_sessions(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        phase closed
          accepted
          phase closed
        phase continuous
          accepted
          phase continuous
        stop buy 1 stop=100
          accepted #3 buy 1 @ 0 stop
          triggered #3 buy 1 @ 0
          canceled #3 buy 1 @ 0 no_liquidity
    """)


def test_R15_it_becomes_a_limit_order_with_new_time(play: Play) -> None:
    play("""
        stop-limit sell 2 @ 105 stop=99
          accepted #1 sell 2 @ 105 stop_limit
        new sell 1 @ 105
          accepted #2 sell 1 @ 105
        new buy 1 @ 99
          accepted #3 buy 1 @ 99
        market sell 1
          accepted #4 sell 1 @ 0 market
          trade 1 sell 1 @ 99 maker #3 taker #4
          triggered #1 sell 2 @ 105
        = | 1 @ 105 #2, 2 @ 105 #1
        new sell 1 @ 99                                -- its stop price is forgotten
          accepted #5 sell 1 @ 99
        market buy 1
          accepted #6 buy 1 @ 0 market
          trade 2 buy 1 @ 99 maker #5 taker #6
        = | 1 @ 105 #2, 2 @ 105 #1
    """)


def test_R15_a_stop_limit_trades_within_its_limit(play: Play) -> None:
    play("""
        stop-limit sell 5 @ 98 stop=99
          accepted #1 sell 5 @ 98 stop_limit
        new buy 2 @ 99
          accepted #2 buy 2 @ 99
        new buy 2 @ 98
          accepted #3 buy 2 @ 98
        new buy 2 @ 97
          accepted #4 buy 2 @ 97
        market sell 1
          accepted #5 sell 1 @ 0 market
          trade 1 sell 1 @ 99 maker #2 taker #5
          triggered #1 sell 5 @ 98
          trade 2 sell 1 @ 99 maker #2 taker #1
          trade 3 sell 2 @ 98 maker #3 taker #1
        = 2 @ 97 #4 | 2 @ 98 #1
    """)


def test_R15_day_and_gtd_end_it_dormant_too(play: Play) -> None:
    play("""
        stop sell 1 stop=90 day account=1
          accepted #1 sell 1 @ 0 stop account=1
        new buy 1 @ 80 day
          accepted #2 buy 1 @ 80
        stop-limit buy 2 @ 121 stop=120 gtd until=50
          accepted #3 buy 2 @ 121 stop_limit
        trailing-stop sell 3 trail=2 gtd until=40
          accepted #4 sell 3 @ 0 trailing_stop
        trailing-stop-limit sell 3 @ 70 trail=2 day display=1
          accepted #5 sell 3 @ 70 trailing_stop_limit sliced
        stop sell 1 stop=90
          accepted #6 sell 1 @ 0 stop
        phase closed time=50
          canceled #4 sell 3 @ 0 expired
          canceled #3 buy 2 @ 121 expired
          accepted time=50
          phase closed
          canceled #1 sell 1 @ 0 session_closed account=1
          canceled #2 buy 1 @ 80 session_closed
          canceled #5 sell 3 @ 70 session_closed
        = | | sell 1 stop 90 #6
    """)


def test_R15_ioc_fok_aon_and_minimum_act_at_the_trigger(play: Play) -> None:
    play("""
        stop-limit sell 5 @ 98 stop=99 ioc
          accepted #1 sell 5 @ 98 stop_limit
        stop-limit sell 5 @ 98 stop=99 fok
          accepted #2 sell 5 @ 98 stop_limit
        stop sell 5 stop=99 min=3
          accepted #3 sell 5 @ 0 stop
        stop-limit sell 5 @ 98 stop=99 aon
          accepted #4 sell 5 @ 98 stop_limit undisplayed
        stop sell 2 stop=99 fok
          accepted #5 sell 2 @ 0 stop
        new buy 5 @ 99
          accepted #6 buy 5 @ 99
        market sell 1
          accepted #7 sell 1 @ 0 market
          trade 1 sell 1 @ 99 maker #6 taker #7
          triggered #1 sell 5 @ 98
          trade 2 sell 4 @ 99 maker #6 taker #1
          canceled #1 sell 1 @ 98 immediate_or_cancel
          triggered #2 sell 5 @ 98
          canceled #2 sell 5 @ 98 fill_or_kill
          triggered #3 sell 5 @ 0
          canceled #3 sell 5 @ 0 no_liquidity
          triggered #4 sell 5 @ 98
          triggered #5 sell 2 @ 0
          canceled #5 sell 2 @ 0 fill_or_kill
        = | 0/5 @ 98 #4
        new buy 2 @ 97
          accepted #8 buy 2 @ 97
        stop sell 5 stop=99 min=3                      -- reached on entry: 2 is less than 3
          accepted #9 sell 5 @ 0 stop
          triggered #9 sell 5 @ 0
          canceled #9 sell 5 @ 0 minimum_quantity
    """)


def test_R15_a_triggered_iceberg_rests_with_a_slice(play: Play) -> None:
    play("""
        stop-limit buy 9 @ 101 stop=100 display=4 day
          accepted #1 buy 9 @ 101 stop_limit sliced
        new sell 2 @ 100
          accepted #2 sell 2 @ 100
        market buy 1
          accepted #3 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #2 taker #3
          triggered #1 buy 9 @ 101
          trade 2 buy 1 @ 100 maker #2 taker #1
        = 4/8 @ 101 #1 |
        phase closed
          accepted
          phase closed
          canceled #1 buy 8 @ 101 session_closed
    """)


def test_R23_a_dormant_order_can_be_canceled(play: Play) -> None:
    play("""
        stop buy 2 stop=102 account=1 id=s
          accepted #1 buy 2 @ 0 stop account=1
        stop buy 2 stop=102 account=1 id=s
          rejected duplicate_client_order_id buy #1 account=1
        cancel #1 account=2
          rejected unknown_order account=2
        cancel id=s account=1
          accepted #1 account=1
          canceled #1 buy 2 @ 0 requested account=1
        trailing-stop-limit sell 2 @ 90 trail=1
          accepted #2 sell 2 @ 90 trailing_stop_limit
        cancel #2
          accepted #2
          canceled #2 sell 2 @ 90 requested
        new sell 1 @ 102
          accepted #3 sell 1 @ 102
        market buy 1                                  -- nothing is left to fire
          accepted #4 buy 1 @ 0 market
          trade 1 buy 1 @ 102 maker #3 taker #4
        = |
    """)


def test_R16_a_cascade_runs_until_no_stop_is_reached(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        new sell 1 @ 101
          accepted #2 sell 1 @ 101
        new sell 1 @ 102
          accepted #3 sell 1 @ 102
        new sell 1 @ 103
          accepted #4 sell 1 @ 103
        stop buy 1 stop=102
          accepted #5 buy 1 @ 0 stop
        stop buy 1 stop=101
          accepted #6 buy 1 @ 0 stop
        stop buy 1 stop=100
          accepted #7 buy 1 @ 0 stop
        stop buy 1 stop=104
          accepted #8 buy 1 @ 0 stop
        new buy 1 @ 100
          accepted #9 buy 1 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #9
          triggered #7 buy 1 @ 0
          trade 2 buy 1 @ 101 maker #2 taker #7
          triggered #6 buy 1 @ 0
          trade 3 buy 1 @ 102 maker #3 taker #6
          triggered #5 buy 1 @ 0
          trade 4 buy 1 @ 103 maker #4 taker #5
        = | | buy 1 stop 104 #8
    """)


def test_R16_buy_stops_fire_lowest_first_then_by_time(play: Play) -> None:
    play("""
        new sell 9 @ 105
          accepted #1 sell 9 @ 105
        stop buy 1 stop=101
          accepted #2 buy 1 @ 0 stop
        stop-limit buy 1 @ 99 stop=100
          accepted #3 buy 1 @ 99 stop_limit
        stop buy 1 stop=100
          accepted #4 buy 1 @ 0 stop
        stop buy 1 stop=102
          accepted #5 buy 1 @ 0 stop
        = | 9 @ 105 #1 | buy 1 stop 100 #3, buy 1 stop 100 #4, buy 1 stop 101 #2, buy 1 stop 102 #5
        market buy 1
          accepted #6 buy 1 @ 0 market
          trade 1 buy 1 @ 105 maker #1 taker #6
          triggered #3 buy 1 @ 99
          triggered #4 buy 1 @ 0
          trade 2 buy 1 @ 105 maker #1 taker #4
          triggered #2 buy 1 @ 0
          trade 3 buy 1 @ 105 maker #1 taker #2
          triggered #5 buy 1 @ 0
          trade 4 buy 1 @ 105 maker #1 taker #5
    """)


def test_R16_sell_stops_fire_highest_first_then_by_time(play: Play) -> None:
    play("""
        new buy 9 @ 95
          accepted #1 buy 9 @ 95
        stop sell 1 stop=97
          accepted #2 sell 1 @ 0 stop
        stop sell 1 stop=98
          accepted #3 sell 1 @ 0 stop
        stop sell 1 stop=98
          accepted #4 sell 1 @ 0 stop
        market sell 1
          accepted #5 sell 1 @ 0 market
          trade 1 sell 1 @ 95 maker #1 taker #5
          triggered #3 sell 1 @ 0
          trade 2 sell 1 @ 95 maker #1 taker #3
          triggered #4 sell 1 @ 0
          trade 3 sell 1 @ 95 maker #1 taker #4
          triggered #2 sell 1 @ 0
          trade 4 sell 1 @ 95 maker #1 taker #2
    """)


def test_R16_buys_before_sells_and_each_time_it_is_looked_afresh(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        new sell 1 @ 101
          accepted #2 sell 1 @ 101
        new buy 5 @ 99
          accepted #3 buy 5 @ 99
        stop sell 1 stop=100
          accepted #4 sell 1 @ 0 stop
        stop buy 1 stop=100
          accepted #5 buy 1 @ 0 stop
        new buy 1 @ 100
          accepted #6 buy 1 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #6
          triggered #5 buy 1 @ 0
          trade 2 buy 1 @ 101 maker #2 taker #5
        = 5 @ 99 #3 | | sell 1 stop 100 #4            -- 101 does not reach it any more
    """)


def test_R16_the_last_price_alone_decides(play: Play) -> None:
    play("""
        new buy 1 @ 103
          accepted #1 buy 1 @ 103
        new buy 1 @ 100
          accepted #2 buy 1 @ 100
        stop buy 1 stop=102
          accepted #3 buy 1 @ 0 stop
        market sell 2                                  -- 103 was passed on the way
          accepted #4 sell 2 @ 0 market
          trade 1 sell 1 @ 103 maker #1 taker #4
          trade 2 sell 1 @ 100 maker #2 taker #4
        = | | buy 1 stop 102 #3
    """)


def test_R16_stops_fire_on_entering_continuous_trading_only(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 3 @ 101
          accepted #3 sell 3 @ 101
        phase pre_open
          accepted
          phase pre_open
        stop buy 1 stop=99
          accepted #4 buy 1 @ 0 stop
        phase auction
          accepted
          phase auction
        stop-limit buy 1 @ 101 stop=98
          accepted #5 buy 1 @ 101 stop_limit
        phase halted
          accepted
          phase halted
        phase continuous
          accepted
          phase continuous
          triggered #5 buy 1 @ 101
          trade 2 buy 1 @ 101 maker #3 taker #5
          triggered #4 buy 1 @ 0
          trade 3 buy 1 @ 101 maker #3 taker #4
        = | 1 @ 101 #3
    """)


def test_R22_an_amend_of_a_dormant_order_changes_quantity_and_limit(play: Play) -> None:
    play("""
        stop-limit sell 5 @ 95 stop=97 account=1
          accepted #1 sell 5 @ 95 stop_limit account=1
        amend #1 3 @ 94
          accepted #1 account=1
          amended #1 sell 3 @ 94 total 3 kept account=1
        amend #1 6 @ 94
          accepted #1 account=1
          amended #1 sell 6 @ 94 total 6 lost account=1
        amend #1 @ 93
          accepted #1 account=1
          amended #1 sell 6 @ 93 total 6 kept account=1
        stop sell 5 stop=97
          accepted #2 sell 5 @ 0 stop
        amend #2 4
          accepted #2
          amended #2 sell 4 @ 0 total 4 kept
        trailing-stop-limit buy 5 @ 120 trail=3
          accepted #3 buy 5 @ 120 trailing_stop_limit
        amend #3 @ 121
          accepted #3
          amended #3 buy 5 @ 121 total 5 kept
        = | | sell 6 stop 97 #1, sell 4 stop 97 #2, buy 5 stop None #3
    """)


def test_R22_more_on_a_dormant_order_loses_its_time_and_less_does_not(play: Play) -> None:
    play("""
        stop sell 5 stop=97
          accepted #1 sell 5 @ 0 stop
        stop sell 5 stop=97
          accepted #2 sell 5 @ 0 stop
        stop sell 5 stop=97
          accepted #3 sell 5 @ 0 stop
        amend #1 6
          accepted #1
          amended #1 sell 6 @ 0 total 6 lost
        amend #2 1
          accepted #2
          amended #2 sell 1 @ 0 total 1 kept
        = | | sell 1 stop 97 #2, sell 5 stop 97 #3, sell 6 stop 97 #1
    """)


def test_R22_what_is_not_amendable(play: Play) -> None:
    play("""
        stop sell 5 stop=97 min=3
          accepted #1 sell 5 @ 0 stop
        amend #1 @ 98
          rejected invalid_combination
        amend #1 4 @ 98
          rejected invalid_combination
        amend #1 2                                    -- below its minimum
          rejected invalid_quantity
        amend #1 3
          accepted #1
          amended #1 sell 3 @ 0 total 3 kept
        trailing-stop sell 5 trail=1
          accepted #2 sell 5 @ 0 trailing_stop
        amend #2 @ 98
          rejected invalid_combination
        amend #2 0
          rejected invalid_quantity
    """)


def test_R22_an_amend_of_a_dormant_order_is_no_arrival(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        stop-limit buy 1 @ 90 stop=105
          accepted #2 buy 1 @ 90 stop_limit
        amend #2 2 @ 100
          accepted #2
          amended #2 buy 2 @ 100 total 2 lost
        = | 1 @ 100 #1 | buy 2 stop 105 #2
    """)
