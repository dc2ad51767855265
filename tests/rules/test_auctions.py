"""R27: the uncross, its price and its trades."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R27_the_price_maximises_what_is_executed(play: Play) -> None:
    # executed: 8 at 100, 12 at 101, 10 at 102
    play("""
        phase auction
          accepted
          phase auction
        new buy 10 @ 102
          accepted #1 buy 10 @ 102
        new buy 5 @ 101
          accepted #2 buy 5 @ 101
        new sell 8 @ 100
          accepted #3 sell 8 @ 100
        new sell 4 @ 101 account=9
          accepted #4 sell 4 @ 101 account=9
        ? 12 @ 101 +3
        = 10 @ 102 #1, 5 @ 101 #2 | 8 @ 100 #3, 4 @ 101 #4
        phase continuous tag=6
          accepted tag=6
          phase continuous
          trade 1 8 @ 101 maker #1 taker #3
          trade 2 2 @ 101 maker #1 taker #4
          trade 3 2 @ 101 maker #2 taker #4
        = 3 @ 101 #2 |
        ? none
    """)


def test_R27_the_maker_is_the_lower_id_and_there_is_no_aggressor_side(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new sell 1 @ 100 account=1
          accepted #1 sell 1 @ 100 account=1
        new buy 2 @ 100 account=2
          accepted #2 buy 2 @ 100 account=2
        new sell 1 @ 100 account=3
          accepted #3 sell 1 @ 100 account=3
        phase continuous
          accepted
          phase continuous
          trade 1 1 @ 100 maker #1 taker #2 account=1
          trade 2 1 @ 100 maker #2 taker #3 account=2
    """)


def test_R27_then_the_least_surplus(play: Play) -> None:
    # 10 are executed everywhere from 100 to 103; at 102 and 103 5 are left over. 100 and 101: their middle, rounded up.
    play("""
        phase auction
          accepted
          phase auction
        new buy 10 @ 103
          accepted #1 buy 10 @ 103
        new sell 10 @ 100
          accepted #2 sell 10 @ 100
        new sell 5 @ 102
          accepted #3 sell 5 @ 102
        ? 10 @ 101 +0
        phase continuous
          accepted
          phase continuous
          trade 1 10 @ 101 maker #1 taker #2
    """)


def test_R27_then_the_highest_if_the_surplus_is_all_on_the_buy_side(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 15 @ 103
          accepted #1 buy 15 @ 103
        new sell 10 @ 100
          accepted #2 sell 10 @ 100
        ? 10 @ 103 +5
    """)


def test_R27_the_lowest_if_it_is_all_on_the_sell_side(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 10 @ 103
          accepted #1 buy 10 @ 103
        new sell 15 @ 100
          accepted #2 sell 15 @ 100
        ? 10 @ 100 -5
    """)


def test_R27_else_the_nearest_to_the_last_trade(play: Play) -> None:
    play("""
        book reference=101
        new sell 1 @ 102
          accepted #1 sell 1 @ 102
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 102 maker #1 taker #2
        phase auction
          accepted
          phase auction
        new buy 10 @ 103
          accepted #3 buy 10 @ 103
        new sell 10 @ 100
          accepted #4 sell 10 @ 100
        ? 10 @ 102 +0
        amend #3 @ 101
          accepted #3
          amended #3 buy 10 @ 101 total 10 lost
        ? 10 @ 101 +0
        amend #3 @ 110
          accepted #3
          amended #3 buy 10 @ 110 total 10 lost
        amend #4 @ 105
          accepted #4
          amended #4 sell 10 @ 105 total 10 lost
        ? 10 @ 105 +0
    """)


def test_R27_else_to_the_reference_price(play: Play) -> None:
    play("""
        book reference=102
        phase auction
          accepted
          phase auction
        new buy 10 @ 103
          accepted #1 buy 10 @ 103
        new sell 10 @ 99
          accepted #2 sell 10 @ 99
        ? 10 @ 102 +0
        amend #1 @ 101
          accepted #1
          amended #1 buy 10 @ 101 total 10 lost
        ? 10 @ 101 +0
    """)


def test_R27_also_where_the_surplus_changes_sides(play: Play) -> None:
    # 10 are executed at 100 and at 101: at 100 with 2 more bought, at 101 with 2 more sold.
    play("""
        book reference=100
        phase auction
          accepted
          phase auction
        new buy 10 @ 101
          accepted #1 buy 10 @ 101
        new buy 2 @ 100
          accepted #2 buy 2 @ 100
        new sell 10 @ 100
          accepted #3 sell 10 @ 100
        new sell 2 @ 101
          accepted #4 sell 2 @ 101
        ? 10 @ 100 +2
        phase continuous
          accepted
          phase continuous
          trade 1 10 @ 100 maker #1 taker #3
        = 2 @ 100 #2 | 2 @ 101 #4
    """)


def test_R27_else_to_the_middle_rounded_up(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 10 @ 101
          accepted #1 buy 10 @ 101
        new buy 2 @ 100
          accepted #2 buy 2 @ 100
        new sell 10 @ 100
          accepted #3 sell 10 @ 100
        new sell 2 @ 101
          accepted #4 sell 2 @ 101
        ? 10 @ 101 -2
        mass-cancel
          accepted
          canceled #1 buy 10 @ 101 mass_cancel
          canceled #2 buy 2 @ 100 mass_cancel
          canceled #3 sell 10 @ 100 mass_cancel
          canceled #4 sell 2 @ 101 mass_cancel
        ? none
        new buy 1 @ -2
          accepted #5 buy 1 @ -2
        new sell 1 @ -5
          accepted #6 sell 1 @ -5
        ? 1 @ -3 +0
    """)


def test_R27_prices_of_all_64_bits(play: Play) -> None:
    play(f"""
        phase auction
          accepted
          phase auction
        new buy 1 @ {2**63 - 1}
          accepted #1 buy 1 @ {2**63 - 1}
        new sell 1 @ {-(2**63)}
          accepted #2 sell 1 @ {-(2**63)}
        ? 1 @ 0 +0
        new buy {2**48} @ {2**63 - 1}
          accepted #3 buy {2**48} @ {2**63 - 1}
        ? 1 @ {2**63 - 1} +{2**48}
        phase continuous
          accepted
          phase continuous
          trade 1 1 @ {2**63 - 1} maker #1 taker #2
    """)


def test_R27_only_market_orders_trade_at_the_reference_price(play: Play) -> None:
    play("""
        book reference=50
        phase auction
          accepted
          phase auction
        market buy 5
          accepted #1 buy 5 @ 0 market
        market sell 3 account=2
          accepted #2 sell 3 @ 0 market account=2
        ? 3 @ 50 +2
        phase continuous
          accepted
          phase continuous
          trade 1 3 @ 50 maker #1 taker #2
          canceled #1 buy 2 @ 0 no_liquidity
    """)


def test_R27_only_market_orders_without_a_reference_do_not(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        market sell 3
          accepted #1 sell 3 @ 0 market
        market buy 5 day
          accepted #2 buy 5 @ 0 market
        ? none
        phase continuous
          accepted
          phase continuous
          canceled #1 sell 3 @ 0 no_liquidity
          canceled #2 buy 5 @ 0 no_liquidity
        = |
    """)


def test_R27_market_orders_come_first(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 5 @ 105
          accepted #1 buy 5 @ 105
        market buy 4
          accepted #2 buy 4 @ 0 market
        new sell 6 @ 100
          accepted #3 sell 6 @ 100
        ? 6 @ 105 +3
        ~ 5 @ 105 x1 | 6 @ 100 x1
        phase continuous
          accepted
          phase continuous
          trade 1 4 @ 105 maker #2 taker #3
          trade 2 2 @ 105 maker #1 taker #3
        = 3 @ 105 #1 |
    """)


def test_R27_a_protected_market_order_is_a_limit_at_its_protection(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 2 @ 102
          accepted #1 buy 2 @ 102
        market buy 3 protect=102
          accepted #2 buy 3 @ 0 market
        new buy 2 @ 102
          accepted #3 buy 2 @ 102
        new sell 4 @ 102
          accepted #4 sell 4 @ 102
        ~ 4 @ 102 x2 | 4 @ 102 x1                      -- it is not displayed
        ? 4 @ 102 +3
        phase continuous
          accepted
          phase continuous
          trade 1 2 @ 102 maker #1 taker #4
          trade 2 2 @ 102 maker #2 taker #4
          canceled #2 buy 1 @ 0 no_liquidity
        = 2 @ 102 #3 |
    """)


def test_R27_what_does_not_reach_its_protection_is_canceled(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        market buy 3 protect=99
          accepted #1 buy 3 @ 0 market
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        ? none
        phase continuous
          accepted
          phase continuous
          canceled #1 buy 3 @ 0 no_liquidity
        = | 3 @ 100 #2
    """)


def test_R27_icebergs_and_hidden_orders_take_part_with_all_they_have(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new sell 10 @ 100 display=3 account=8
          accepted #1 sell 10 @ 100 sliced account=8
        new sell 2 @ 100
          accepted #2 sell 2 @ 100
        new buy 8 @ 100 display=0
          accepted #3 buy 8 @ 100 undisplayed
        ? 8 @ 100 -4
        ~ | 5 @ 100 x2
        phase continuous
          accepted
          phase continuous
          trade 1 8 @ 100 maker #1 taker #3 account=8   -- all at once, not slice by slice
          replenished #1 sell 2 @ 100 account=8
        = | 2 @ 100 #2, 2 @ 100 #1
    """)


def test_R27_a_slice_that_is_not_used_up_keeps_its_place(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 10 @ 100 display=5
          accepted #1 buy 10 @ 100 sliced
        new buy 2 @ 100
          accepted #2 buy 2 @ 100
        new sell 3 @ 100
          accepted #3 sell 3 @ 100
        phase continuous
          accepted
          phase continuous
          trade 1 3 @ 100 maker #1 taker #3
        = 2/7 @ 100 #1, 2 @ 100 #2 |
    """)


def test_R27_displayed_orders_come_before_hidden_ones(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 2 @ 100 display=0
          accepted #1 buy 2 @ 100 undisplayed
        new buy 2 @ 100
          accepted #2 buy 2 @ 100
        new sell 3 @ 100
          accepted #3 sell 3 @ 100
        phase continuous
          accepted
          phase continuous
          trade 1 2 @ 100 maker #2 taker #3
          trade 2 1 @ 100 maker #1 taker #3
        = 0/1 @ 100 #1 |
    """)


def test_R27_all_or_none_and_dormant_orders_do_not_take_part(play: Play) -> None:
    play("""
        new buy 5 @ 100 aon
          accepted #1 buy 5 @ 100 undisplayed
        stop-limit buy 5 @ 100 stop=90
          accepted #2 buy 5 @ 100 stop_limit
        phase auction
          accepted
          phase auction
        new sell 6 @ 100
          accepted #3 sell 6 @ 100
        ? none
        phase continuous                                -- no uncross; then R20, and after its trade R16
          accepted
          phase continuous
          trade 1 buy 5 @ 100 maker #3 taker #1
          triggered #2 buy 5 @ 100
          trade 2 buy 1 @ 100 maker #3 taker #2
        = 4 @ 100 #2 |
    """)


def test_R25_is_not_applied_in_an_uncross(play: Play) -> None:
    play("""
        book mode=cancel_newest
        phase auction
          accepted
          phase auction
        new sell 1 @ 100 account=1
          accepted #1 sell 1 @ 100 account=1
        new buy 1 @ 100 account=1
          accepted #2 buy 1 @ 100 account=1
        ? 1 @ 100 +0
        phase continuous
          accepted
          phase continuous
          trade 1 1 @ 100 maker #1 taker #2 account=1
    """)


def test_R27_from_auction_to_closed_market_remainders_end_then_day_orders(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 3 @ 100 day
          accepted #1 buy 3 @ 100
        market buy 9 day
          accepted #2 buy 9 @ 0 market
        new sell 5 @ 100
          accepted #3 sell 5 @ 100
        new sell 1 @ 101 day
          accepted #4 sell 1 @ 101
        new sell 1 @ 105 day
          accepted #5 sell 1 @ 105
        stop sell 1 stop=105
          accepted #6 sell 1 @ 0 stop
        ? 7 @ 105 +2
        phase closed
          accepted
          phase closed
          trade 1 5 @ 105 maker #2 taker #3
          trade 2 1 @ 105 maker #2 taker #4
          trade 3 1 @ 105 maker #2 taker #5
          canceled #2 buy 2 @ 0 no_liquidity
          canceled #1 buy 3 @ 100 session_closed
        = | | sell 1 stop 105 #6                      -- reached, but nothing fires when closed
        phase continuous
          accepted
          phase continuous
          triggered #6 sell 1 @ 0
          canceled #6 sell 1 @ 0 no_liquidity
    """)


def test_R27_from_other_phases_to_closed_there_is_none(play: Play) -> None:
    play("""
        book reference=100
        phase pre_open
          accepted
          phase pre_open
        new buy 3 @ 100
          accepted #1 buy 3 @ 100
        market sell 2
          accepted #2 sell 2 @ 0 market
        market sell 2 day
          accepted #3 sell 2 @ 0 market
        phase closed
          accepted
          phase closed
          canceled #3 sell 2 @ 0 session_closed
        = 3 @ 100 #1 | 2 @ market #2
        ? 2 @ 100 +1                                   -- it can be read in any phase
        phase halted
          accepted
          phase halted
        phase closed
          accepted
          phase closed
        phase continuous                               -- every change to continuous has one
          accepted
          phase continuous
          trade 1 2 @ 100 maker #1 taker #2
        = 1 @ 100 #1 |
    """)


def test_R27_the_order_of_events(play: Play) -> None:
    play("""
        new buy 2 @ 99 aon
          accepted #1 buy 2 @ 99 undisplayed
        phase auction
          accepted
          phase auction
        market sell 1
          accepted #2 sell 1 @ 0 market
        market buy 2
          accepted #3 buy 2 @ 0 market
        new sell 9 @ 100 display=2
          accepted #4 sell 9 @ 100 sliced
        new buy 5 @ 100
          accepted #5 buy 5 @ 100
        stop buy 1 stop=100
          accepted #6 buy 1 @ 0 stop
        new buy 1 @ 90 gtd until=7
          accepted #7 buy 1 @ 90
        stop-limit sell 2 @ 99 stop=100
          accepted #8 sell 2 @ 99 stop_limit
        phase continuous time=7
          canceled #7 buy 1 @ 90 expired
          accepted time=7
          phase continuous
          trade 1 1 @ 100 maker #2 taker #3
          trade 2 1 @ 100 maker #3 taker #4
          trade 3 5 @ 100 maker #4 taker #5
          replenished #4 sell 2 @ 100
          triggered #6 buy 1 @ 0
          trade 4 buy 1 @ 100 maker #4 taker #6
          triggered #8 sell 2 @ 99
          trade 5 sell 2 @ 99 maker #1 taker #8
        = | 1/2 @ 100 #4
    """)


def test_R27_where_nothing_would_trade_waiting_market_orders_still_end(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new buy 1 @ 99
          accepted #1 buy 1 @ 99
        new sell 1 @ 100
          accepted #2 sell 1 @ 100
        market sell 1 protect=100
          accepted #3 sell 1 @ 0 market
        ? none
        phase continuous
          accepted
          phase continuous
          canceled #3 sell 1 @ 0 no_liquidity
        = 1 @ 99 #1 | 1 @ 100 #2
    """)


def test_R27_inside_the_static_band(play: Play) -> None:
    # A protection price is not held against the band: 8 wanted up to 110, but the band ends at 105.
    play("""
        book reference=100 band=5
        phase auction
          accepted
          phase auction
        market buy 8 protect=110
          accepted #1 buy 8 @ 0 market
        new sell 5 @ 100
          accepted #2 sell 5 @ 100
        ? 5 @ 105 +3
        phase continuous
          accepted
          phase continuous
          trade 1 5 @ 105 maker #1 taker #2
          canceled #1 buy 3 @ 0 no_liquidity
    """)
