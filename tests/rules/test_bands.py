"""R28: the static band and the circuit breaker; what R6 says of the end of a halt."""

from __future__ import annotations

from tests.rules.conftest import Play

MAX, MIN = 2**63 - 1, -(2**63)


def test_R28_a_limit_outside_the_static_band_is_rejected_on_entry_and_amend(play: Play) -> None:
    play("""
        book reference=100 band=5
        new buy 1 @ 105
          accepted #1 buy 1 @ 105
        new buy 1 @ 106
          rejected price_out_of_band buy
        new sell 1 @ 94 ioc
          rejected price_out_of_band sell
        new buy 1 @ 95
          accepted #2 buy 1 @ 95
        amend #2 @ 94
          rejected price_out_of_band
        amend #2 @ 96
          accepted #2
          amended #2 buy 1 @ 96 total 1 lost
        amend #2 2
          accepted #2
          amended #2 buy 2 @ 96 total 2 lost
        = 1 @ 105 #1, 2 @ 96 #2 |
    """)


def test_R28_the_limits_of_stops_are_held_against_it_stop_prices_are_not(play: Play) -> None:
    play("""
        book reference=100 band=5
        stop-limit buy 1 @ 106 stop=100
          rejected price_out_of_band buy
        trailing-stop-limit sell 1 @ 94 trail=1
          rejected price_out_of_band sell
        stop-limit buy 1 @ 105 stop=200
          accepted #1 buy 1 @ 105 stop_limit
        stop sell 1 stop=1
          accepted #2 sell 1 @ 0 stop
        trailing-stop sell 1 trail=5000
          accepted #3 sell 1 @ 0 trailing_stop
        amend #1 @ 106
          rejected price_out_of_band
        market buy 1 protect=500
          accepted #4 buy 1 @ 0 market
          canceled #4 buy 1 @ 0 no_liquidity
    """)


def test_R28_a_band_in_basis_points_is_exact(play: Play) -> None:
    # 50 basis points of 999 are 4.995: 4 ticks
    play("""
        book reference=-999 band-bps=50
        new buy 1 @ -995
          accepted #1 buy 1 @ -995
        new buy 1 @ -994
          rejected price_out_of_band buy
        new sell 1 @ -900
          rejected price_out_of_band sell
        new buy 1 @ -1003
          accepted #2 buy 1 @ -1003
        new buy 1 @ -1004
          rejected price_out_of_band buy
    """)


def test_R28_bands_at_the_ends_of_64_bits_do_not_wrap(play: Play) -> None:
    play(f"""
        book reference={MAX - 1} band={MAX}
        new buy 1 @ {MAX}
          accepted #1 buy 1 @ {MAX}
        new buy 1 @ -1
          accepted #2 buy 1 @ -1
        new buy 1 @ -2
          rejected price_out_of_band buy
        new buy 1 @ {MIN}
          rejected price_out_of_band buy
    """)


def test_R28_bands_of_basis_points_at_the_ends_do_not_wrap(play: Play) -> None:
    play(f"""
        book reference={MIN} band-bps={MAX}
        new buy 1 @ {MAX}
          accepted #1 buy 1 @ {MAX}
        new buy 1 @ {MIN}
          accepted #2 buy 1 @ {MIN}
    """)


# The band is not held against a price that a post-only order slid to: so an order comes to rest outside.
def test_R28_a_market_order_stops_at_the_edge(play: Play) -> None:
    play("""
        book reference=100 band=5
        new sell 1 @ 95
          accepted #1 sell 1 @ 95
        new buy 2 @ 95 post-only slide
          accepted #2 buy 2 @ 95
          repriced #2 buy @ 94
        cancel #1
          accepted #1
          canceled #1 sell 1 @ 95 requested
        new buy 1 @ 95
          accepted #3 buy 1 @ 95
        market sell 3
          accepted #4 sell 3 @ 0 market
          trade 1 sell 1 @ 95 maker #3 taker #4
          canceled #4 sell 2 @ 0 price_out_of_band
        market sell 1 protect=95                      -- it could not have met the order at 94
          accepted #5 sell 1 @ 0 market
          canceled #5 sell 1 @ 0 no_liquidity
        market sell 1 fok
          accepted #6 sell 1 @ 0 market
          canceled #6 sell 1 @ 0 fill_or_kill
        market sell 1 min=1 protect=90
          accepted #7 sell 1 @ 0 market
          canceled #7 sell 1 @ 0 price_out_of_band
        stop sell 1 stop=95                            -- a triggered one too
          accepted #8 sell 1 @ 0 stop
          triggered #8 sell 1 @ 0
          canceled #8 sell 1 @ 0 price_out_of_band
        market buy 1
          accepted #9 buy 1 @ 0 market
          canceled #9 buy 1 @ 0 no_liquidity
        = 2 @ 94 #2 |
    """)


def test_R28_a_print_outside_the_dynamic_band_is_not_made_and_halts(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1                                   -- no breaker before the first trade
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 104
          accepted #3 sell 2 @ 104
        new sell 2 @ 105
          accepted #4 sell 2 @ 105
        new sell 2 @ 106
          accepted #5 sell 2 @ 106
        new buy 5 @ 110 account=2                      -- 106 is within 5 of 105, but 100 was before the command
          accepted #6 buy 5 @ 110 account=2
          trade 2 buy 2 @ 104 maker #3 taker #6
          trade 3 buy 2 @ 105 maker #4 taker #6
          phase halted
        = 1 @ 110 #6 | 2 @ 106 #5
        new buy 1 @ 90
          rejected not_allowed_in_phase buy
        time 18446744073709551615                      -- no halt_ns, no end
          accepted time=18446744073709551615
    """)


def test_R28_an_order_that_is_full_before_the_edge_halts_nothing(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new buy 1 @ 95
          accepted #3 buy 1 @ 95
        new buy 1 @ 94
          accepted #4 buy 1 @ 94
        new sell 1 @ 94
          accepted #5 sell 1 @ 94
          trade 2 sell 1 @ 95 maker #3 taker #5
        new sell 1 @ 94                                -- 94 is within 5 of 95 now
          accepted #6 sell 1 @ 94
          trade 3 sell 1 @ 94 maker #4 taker #6
    """)


def test_R28_what_is_left_of_other_orders_is_canceled_halted(play: Play) -> None:
    play("""
        book breaker-bps=500
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 1 @ 105
          accepted #3 sell 1 @ 105
        new sell 9 @ 111
          accepted #4 sell 9 @ 111
        new buy 3 @ 120 ioc
          accepted #5 buy 3 @ 120
          trade 2 buy 1 @ 105 maker #3 taker #5
          phase halted
          canceled #5 buy 2 @ 120 halted
        phase continuous
          accepted
          phase continuous
        market buy 3 day                                -- 5 % of 105 are 5.25: up to 110
          accepted #6 buy 3 @ 0 market
          phase halted
          canceled #6 buy 3 @ 0 halted
        = | 9 @ 111 #4
    """)


def test_R28_a_resting_rest_of_an_iceberg_has_a_fresh_slice(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 1 @ 105
          accepted #3 sell 1 @ 105
        new sell 9 @ 110
          accepted #4 sell 9 @ 110
        new buy 8 @ 120 display=3 day
          accepted #5 buy 8 @ 120 sliced
          trade 2 buy 1 @ 105 maker #3 taker #5
          phase halted
        = 3/7 @ 120 #5 | 9 @ 110 #4
        phase closed
          accepted
          phase closed
          canceled #5 buy 7 @ 120 session_closed
    """)


def test_R28_fok_aon_and_minimum_count_what_stands_inside(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 105
          accepted #3 sell 2 @ 105
        new sell 9 @ 111
          accepted #4 sell 9 @ 111
        new buy 3 @ 120 fok
          accepted #5 buy 3 @ 120
          canceled #5 buy 3 @ 120 fill_or_kill
        new buy 3 @ 120 aon
          accepted #6 buy 3 @ 120 undisplayed
        new buy 3 @ 120 min=3 ioc
          accepted #7 buy 3 @ 120
          canceled #7 buy 3 @ 120 minimum_quantity
        = 0/3 @ 120 #6 | 2 @ 105 #3, 9 @ 111 #4
        new buy 4 @ 120 min=2                          -- met, and then it halts
          accepted #8 buy 4 @ 120
          trade 2 buy 2 @ 105 maker #3 taker #8
          phase halted
        = 2 @ 120 #8, 0/3 @ 120 #6 | 9 @ 111 #4
        new buy 1 @ 1 min=1
          rejected not_allowed_in_phase buy
    """)


def test_R28_where_nothing_stands_inside_the_minimum_found_nothing_and_the_walk_halts(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 9 @ 111
          accepted #3 sell 9 @ 111
        new buy 3 @ 120 min=2
          accepted #4 buy 3 @ 120
          phase halted
        = 3 @ 120 #4 | 9 @ 111 #3
    """)


def test_R28_stops_and_all_or_none_orders_wait(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 1 @ 105
          accepted #3 sell 1 @ 105
        new sell 2 @ 106
          accepted #4 sell 2 @ 106
        stop buy 1 stop=105
          accepted #5 buy 1 @ 0 stop
        new buy 1 @ 106 aon                            -- reaches 105
          accepted #6 buy 1 @ 106 undisplayed
          trade 2 buy 1 @ 105 maker #3 taker #6
          triggered #5 buy 1 @ 0
          phase halted
          canceled #5 buy 1 @ 0 halted
        = | 2 @ 106 #4
    """)


def test_R28_the_anchor_is_that_of_the_command_in_a_cascade_too(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 1 @ 105
          accepted #3 sell 1 @ 105
        new sell 2 @ 108
          accepted #4 sell 2 @ 108
        stop-limit buy 2 @ 108 stop=105
          accepted #5 buy 2 @ 108 stop_limit
        stop buy 1 stop=105
          accepted #6 buy 1 @ 0 stop
        market buy 1
          accepted #7 buy 1 @ 0 market
          trade 2 buy 1 @ 105 maker #3 taker #7
          triggered #5 buy 2 @ 108
          phase halted
        = 2 @ 108 #5 | 2 @ 108 #4 | buy 1 stop 105 #6
        phase continuous
          accepted
          phase continuous
          trade 3 2 @ 108 maker #4 taker #5
          triggered #6 buy 1 @ 0
          canceled #6 buy 1 @ 0 no_liquidity
    """)


def test_R28_an_amended_order_can_halt(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 108
          accepted #3 sell 2 @ 108
        new buy 2 @ 99
          accepted #4 buy 2 @ 99
        amend #4 @ 108
          accepted #4
          amended #4 buy 2 @ 108 total 2 lost
          phase halted
        = 2 @ 108 #4 | 2 @ 108 #3
    """)


def test_R28_self_trade_prevention_comes_first(play: Play) -> None:
    play("""
        book breaker=5 mode=cancel_oldest
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 108 account=1
          accepted #3 sell 2 @ 108 account=1
        new buy 2 @ 109 account=1                       -- no print would come of it
          accepted #4 buy 2 @ 109 account=1
          canceled #3 sell 2 @ 108 self_trade account=1
        = 2 @ 109 #4 |
    """)


def test_R28_an_uncross_is_not_checked(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        phase auction
          accepted
          phase auction
        new sell 1 @ 200
          accepted #3 sell 1 @ 200
        new buy 1 @ 200
          accepted #4 buy 1 @ 200
        phase continuous
          accepted
          phase continuous
          trade 2 1 @ 200 maker #3 taker #4
    """)


def test_R28_after_the_configured_time_halted_becomes_auction(play: Play) -> None:
    play("""
        book breaker=5 halt=1000
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 106
          accepted #3 sell 2 @ 106
        new buy 3 @ 110 time=10
          accepted #4 buy 3 @ 110 time=10
          phase halted
        cancel #9 time=1009
          rejected unknown_order time=1009
        new buy 1 @ 107 time=1010                      -- lets itself in
          phase auction
          accepted #5 buy 1 @ 107 time=1010
        ? 2 @ 110 +1
        phase continuous
          accepted time=1010
          phase continuous
          trade 2 2 @ 110 maker #3 taker #4
        = 1 @ 110 #4, 1 @ 107 #5 |
        time 5000                                      -- once
          accepted time=5000
    """)


def test_R6_expiries_and_the_end_of_a_halt_go_by_due_time_expiries_first(play: Play) -> None:
    play("""
        book breaker=5 halt=1000
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new buy 1 @ 50 gtd until=1011
          accepted #3 buy 1 @ 50
        new buy 1 @ 50 gtd until=1010
          accepted #4 buy 1 @ 50
        new buy 1 @ 50 gtd until=1009
          accepted #5 buy 1 @ 50
        new sell 2 @ 106
          accepted #6 sell 2 @ 106
        market buy 1 time=10
          accepted #7 buy 1 @ 0 market time=10
          phase halted
          canceled #7 buy 1 @ 0 halted
        cancel #7 time=2000                             -- of a rejected command too
          canceled #5 buy 1 @ 50 expired
          canceled #4 buy 1 @ 50 expired
          phase auction
          canceled #3 buy 1 @ 50 expired
          rejected unknown_order time=2000
    """)


def test_R28_a_change_of_phase_by_command_forgets_the_end(play: Play) -> None:
    play("""
        book breaker=5 halt=1000
        phase halted time=10                             -- a halt by command has none
          accepted time=10
          phase halted
        phase continuous time=5000
          accepted time=5000
          phase continuous
        new sell 1 @ 100
          accepted #1 sell 1 @ 100 time=5000
        market buy 1
          accepted #2 buy 1 @ 0 market time=5000
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 106
          accepted #3 sell 2 @ 106 time=5000
        market buy 1
          accepted #4 buy 1 @ 0 market time=5000
          phase halted
          canceled #4 buy 1 @ 0 halted
        phase halted                                     -- the same again changes nothing
          accepted time=5000
        phase closed
          accepted time=5000
          phase closed
        phase halted
          accepted time=5000
          phase halted
        time 9000
          accepted time=9000
    """)


def test_R28_a_halt_to_the_end_of_time_does_not_wrap(play: Play) -> None:
    play(f"""
        book breaker=5 halt={MAX}
        new sell 1 @ 100 time={2**64 - 10}
          accepted #1 sell 1 @ 100 time={2**64 - 10}
        market buy 1
          accepted #2 buy 1 @ 0 market time={2**64 - 10}
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 106
          accepted #3 sell 2 @ 106 time={2**64 - 10}
        market buy 1
          accepted #4 buy 1 @ 0 market time={2**64 - 10}
          phase halted
          canceled #4 buy 1 @ 0 halted
        time {2**64 - 2}
          accepted time={2**64 - 2}
    """)


def test_R8_price_out_of_band_stands_between_expired_and_duplicate(play: Play) -> None:
    play("""
        book reference=100 band=5
        new buy 1 @ 100 id=a time=10
          accepted #1 buy 1 @ 100 time=10
        new buy 1 @ 200 gtd until=5
          rejected expired buy time=10
        new buy 1 @ 200 id=a
          rejected price_out_of_band buy time=10
        amend #9 @ 200
          rejected unknown_order time=10
        new sell 1 @ 99 post-only id=a
          rejected duplicate_client_order_id sell #1 time=10
    """)
