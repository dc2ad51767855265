"""Where several rules meet: order types, phases, bands and self-trade prevention at once; reports and level changes."""

from __future__ import annotations

import pytest
from tests.books import NATIVE
from tests.rules.conftest import Play

import aeromatch


def test_R22_a_price_for_an_order_without_a_limit_is_told_to_those_who_may_amend_it(play: Play) -> None:
    play("""
        stop sell 5 stop=97 account=1 id=s
          accepted #1 sell 5 @ 0 stop account=1
        amend #1 @ 98 account=2                        -- someone else's is unknown, whatever it is
          rejected unknown_order account=2
        amend @ 98 id=s account=1
          rejected invalid_combination account=1
        amend #1 1 @ 98
          rejected invalid_combination
        phase halted
          accepted
          phase halted
        amend #1 @ 98                                  -- the earlier reason
          rejected invalid_combination
        amend #1 4
          rejected not_allowed_in_phase
    """)


def test_R22_a_triggered_order_is_amended_like_any_other(play: Play) -> None:
    play("""
        stop-limit sell 9 @ 105 stop=100 display=2 account=1 id=s
          accepted #1 sell 9 @ 105 stop_limit sliced account=1
        new buy 3 @ 100
          accepted #2 buy 3 @ 100
        market sell 1
          accepted #3 sell 1 @ 0 market
          trade 1 sell 1 @ 100 maker #2 taker #3
          triggered #1 sell 9 @ 105 account=1
        amend 5 @ 100 id=s account=1
          accepted #1 account=1
          amended #1 sell 5 @ 100 total 5 lost account=1
          trade 2 sell 2 @ 100 maker #2 taker #1
        = | 2/3 @ 100 #1
        amend 2 id=s account=1
          accepted #1 account=1
          canceled #1 sell 3 @ 100 amended account=1
    """)


def test_R17_a_triggered_order_lives_on_by_its_time_in_force(play: Play) -> None:
    play("""
        stop-limit sell 2 @ 105 stop=100 gtd until=50
          accepted #1 sell 2 @ 105 stop_limit
        stop-limit sell 2 @ 106 stop=100 day
          accepted #2 sell 2 @ 106 stop_limit
        stop sell 2 stop=100 gtd until=50
          accepted #3 sell 2 @ 0 stop
        new buy 2 @ 100 time=10
          accepted #4 buy 2 @ 100 time=10
        market sell 1
          accepted #5 sell 1 @ 0 market time=10
          trade 1 sell 1 @ 100 maker #4 taker #5
          triggered #1 sell 2 @ 105
          triggered #2 sell 2 @ 106
          triggered #3 sell 2 @ 0
          trade 2 sell 1 @ 100 maker #4 taker #3
          canceled #3 sell 1 @ 0 no_liquidity
        phase closed time=60
          canceled #1 sell 2 @ 105 expired
          accepted time=60
          phase closed
          canceled #2 sell 2 @ 106 session_closed
    """)


def test_R5_a_triggered_order_frees_its_client_order_id_when_it_is_done(play: Play) -> None:
    play("""
        book window=10
        stop sell 1 stop=100 account=1 id=s time=5
          accepted #1 sell 1 @ 0 stop account=1 time=5
        new buy 2 @ 100
          accepted #2 buy 2 @ 100 time=5
        market sell 1 time=7
          accepted #3 sell 1 @ 0 market time=7
          trade 1 sell 1 @ 100 maker #2 taker #3
          triggered #1 sell 1 @ 0 account=1
          trade 2 sell 1 @ 100 maker #2 taker #1
        new sell 1 @ 100 account=1 id=s time=16
          rejected duplicate_client_order_id sell #1 account=1 time=16
        new sell 1 @ 100 account=1 id=s time=17
          accepted #4 sell 1 @ 100 account=1 time=17
    """)


def test_R25_a_triggered_order_is_the_newest(play: Play) -> None:
    play("""
        book mode=cancel_newest
        new buy 5 @ 99 account=1
          accepted #1 buy 5 @ 99 account=1
        stop-limit sell 4 @ 99 stop=100 account=1
          accepted #2 sell 4 @ 99 stop_limit account=1
        new buy 1 @ 100 account=2
          accepted #3 buy 1 @ 100 account=2
        market sell 1 account=3
          accepted #4 sell 1 @ 0 market account=3
          trade 1 sell 1 @ 100 maker #3 taker #4 account=2
          triggered #2 sell 4 @ 99 account=1
          canceled #2 sell 4 @ 99 self_trade account=1
        = 5 @ 99 #1 |
    """)


def test_R25_decrement_of_a_triggered_market_order(play: Play) -> None:
    play("""
        book mode=decrement
        new buy 3 @ 99 account=1
          accepted #1 buy 3 @ 99 account=1
        stop sell 4 stop=100 account=1
          accepted #2 sell 4 @ 0 stop account=1
        new buy 1 @ 100
          accepted #3 buy 1 @ 100
        market sell 1
          accepted #4 sell 1 @ 0 market
          trade 1 sell 1 @ 100 maker #3 taker #4
          triggered #2 sell 4 @ 0 account=1
          decremented #1 buy 3 @ 99 taker #2 account=1
          canceled #1 buy 0 @ 99 self_trade account=1
          canceled #2 sell 1 @ 0 no_liquidity account=1
        = |
    """)


def test_R25_a_retried_all_or_none_order_cancels_its_own_under_cancel_oldest(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 2 @ 100 account=1
          accepted #1 sell 2 @ 100 account=1
        new buy 5 @ 101 aon account=1
          accepted #2 buy 5 @ 101 undisplayed account=1
        new sell 4 @ 101 account=2
          accepted #3 sell 4 @ 101 account=2
        = 0/5 @ 101 #2 | 2 @ 100 #1, 4 @ 101 #3
        new sell 1 @ 101 account=2
          accepted #4 sell 1 @ 101 account=2
          canceled #1 sell 2 @ 100 self_trade account=1
          trade 1 buy 4 @ 101 maker #3 taker #2 account=2
          trade 2 buy 1 @ 101 maker #4 taker #2 account=2
        = |
    """)


def test_R28_a_retried_all_or_none_order_counts_what_stands_inside(play: Play) -> None:
    play("""
        book breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 105
          accepted #3 sell 2 @ 105
        new buy 4 @ 120 aon
          accepted #4 buy 4 @ 120 undisplayed
        new sell 2 @ 106                               -- 106 would halt: it is not tried
          accepted #5 sell 2 @ 106
        new sell 1 @ 105
          accepted #6 sell 1 @ 105
        = 0/4 @ 120 #4 | 2 @ 105 #3, 1 @ 105 #6, 2 @ 106 #5
        new sell 4 @ 105                               -- it meets the order at 120 itself
          accepted #7 sell 4 @ 105
          phase halted
        = 0/4 @ 120 #4 | 2 @ 105 #3, 1 @ 105 #6, 4 @ 105 #7, 2 @ 106 #5
    """)


def test_R27_market_orders_meet_each_other_between_limits_that_do_not(play: Play) -> None:
    # Everywhere 5 are executed; at 90 one more is bid, at 110 one more is offered. What is left: 91 to 109.
    play("""
        phase auction
          accepted
          phase auction
        market buy 5
          accepted #1 buy 5 @ 0 market
        market sell 5
          accepted #2 sell 5 @ 0 market
        ? none                                         -- no limit, no reference
        new buy 1 @ 90
          accepted #3 buy 1 @ 90
        ? 5 @ 90 +1
        new sell 1 @ 110
          accepted #4 sell 1 @ 110
        ? 5 @ 100 +0
        phase continuous
          accepted
          phase continuous
          trade 1 5 @ 100 maker #1 taker #2
        = 1 @ 90 #3 | 1 @ 110 #4
    """)


def test_R27_what_was_there_before_the_auction_takes_part(play: Play) -> None:
    play("""
        new buy 2 @ 100 post-only
          accepted #1 buy 2 @ 100
        new buy 9 @ 100 display=2
          accepted #2 buy 9 @ 100 sliced
        new buy 5 @ 101 aon
          accepted #3 buy 5 @ 101 undisplayed
        phase halted
          accepted
          phase halted
        phase auction
          accepted
          phase auction
        new sell 6 @ 99
          accepted #4 sell 6 @ 99
        ? 6 @ 100 +5
        phase continuous
          accepted
          phase continuous
          trade 1 2 @ 100 maker #1 taker #4
          trade 2 4 @ 100 maker #2 taker #4
          replenished #2 buy 2 @ 100
        = 0/5 @ 101 #3, 2/5 @ 100 #2 |
    """)


def test_R24_mass_cancel_takes_waiting_market_orders(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        market buy 2 account=1
          accepted #1 buy 2 @ 0 market account=1
        new sell 2 @ 100 account=1
          accepted #2 sell 2 @ 100 account=1
        market sell 3 account=1 protect=100
          accepted #3 sell 3 @ 0 market account=1
        market sell 4 account=2
          accepted #4 sell 4 @ 0 market account=2
        mass-cancel account=1 sell
          accepted account=1
          canceled #2 sell 2 @ 100 mass_cancel account=1
          canceled #3 sell 3 @ 0 mass_cancel account=1
        mass-cancel
          accepted
          canceled #1 buy 2 @ 0 mass_cancel account=1
          canceled #4 sell 4 @ 0 mass_cancel account=2
        ? none
    """)


def test_R29_decrement_within_a_level_is_fifo(play: Play) -> None:
    play("""
        book matching=fifo_pro_rata share=5000 mode=decrement
        new sell 4 @ 100 account=2
          accepted #1 sell 4 @ 100 account=2
        new sell 4 @ 100 account=1
          accepted #2 sell 4 @ 100 account=1
        new sell 4 @ 100 account=2
          accepted #3 sell 4 @ 100 account=2
        new buy 9 @ 100 account=1
          accepted #4 buy 9 @ 100 account=1
          trade 1 buy 4 @ 100 maker #1 taker #4 account=2
          decremented #2 sell 4 @ 100 taker #4 account=1
          canceled #2 sell 0 @ 100 self_trade account=1
          trade 2 buy 1 @ 100 maker #3 taker #4 account=2
        = | 3 @ 100 #3
    """)


def test_R28_the_breaker_stops_a_shared_out_aggressor_at_a_level(play: Play) -> None:
    play("""
        book matching=pro_rata breaker=5
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        new sell 2 @ 105
          accepted #3 sell 2 @ 105
        new sell 2 @ 105
          accepted #4 sell 2 @ 105
        new sell 2 @ 106
          accepted #5 sell 2 @ 106
        new buy 5 @ 106 ioc
          accepted #6 buy 5 @ 106
          trade 2 buy 2 @ 105 maker #3 taker #6
          trade 3 buy 2 @ 105 maker #4 taker #6
          phase halted
          canceled #6 buy 1 @ 106 halted
    """)


def test_R16_a_long_chain_of_stops_and_all_or_none_orders(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        new buy 6 @ 102 aon
          accepted #2 buy 6 @ 102 undisplayed
        stop-limit sell 4 @ 102 stop=100
          accepted #3 sell 4 @ 102 stop_limit
        stop buy 1 stop=103
          accepted #4 buy 1 @ 0 stop
        stop-limit sell 3 @ 95 stop=96
          accepted #5 sell 3 @ 95 stop_limit
        new buy 1 @ 96
          accepted #6 buy 1 @ 96
        new sell 1 @ 103
          accepted #7 sell 1 @ 103
        new buy 2 @ 103
          accepted #8 buy 2 @ 103
          trade 1 buy 1 @ 100 maker #1 taker #8
          trade 2 buy 1 @ 103 maker #7 taker #8
          triggered #4 buy 1 @ 0
          canceled #4 buy 1 @ 0 no_liquidity
        new sell 1 @ 101
          accepted #9 sell 1 @ 101
        market sell 1                                  -- 96 fires both, the higher stop first
          accepted #10 sell 1 @ 0 market
          trade 3 sell 1 @ 96 maker #6 taker #10
          triggered #3 sell 4 @ 102
          triggered #5 sell 3 @ 95
          trade 4 buy 3 @ 95 maker #5 taker #2
          trade 5 buy 1 @ 101 maker #9 taker #2
          trade 6 buy 2 @ 102 maker #3 taker #2
        = | 2 @ 102 #3
    """)


@pytest.mark.parametrize("index", NATIVE)
def test_R9_status_of_stops_and_of_what_happens_later_in_the_command(index: str) -> None:
    book = aeromatch.OrderBook(aeromatch.Instrument("TEST"), index=index)
    stop = book.submit("buy", quantity=1, order_type="stop", stop_price=101)
    assert [stop.status, stop.remaining_quantity, book.stops()[0].status] == ["dormant", 1, "dormant"]
    book.submit("sell", quantity=3, price=100)
    waits = book.submit("buy", quantity=5, price=100, time_in_force="aon")
    assert [waits.status, waits.remaining_quantity] == ["open", 5]
    # It rests, and the all-or-none order takes it within the same command.
    taken = book.submit("sell", quantity=2, price=100)
    assert [taken.status, taken.filled_quantity, taken.remaining_quantity] == ["filled", 2, 0]
    assert book.order(waits.order_id or 0) is None
    reached = book.submit("sell", quantity=1, order_type="stop_limit", stop_price=100, price=102)
    assert [reached.status, reached.remaining_quantity] == ["open", 1]
    book.set_phase("auction")
    waiting = book.submit("buy", quantity=2, order_type="market")
    assert waiting.status == "open"
    opened = book.set_phase("continuous")
    assert [trade.price for trade in opened.trades] == [102]
    assert book.order(waiting.order_id or 0) is None


@pytest.mark.parametrize("index", NATIVE)
def test_R7_level_changes_tell_of_what_is_displayed_only(index: str) -> None:
    book = aeromatch.OrderBook(aeromatch.Instrument("TEST"), index=index)

    def changes(report: aeromatch.Report) -> list[tuple[str, int, int, int]]:
        found = report.level_changes
        return [(change.side, change.price_ticks, change.quantity_lots, change.order_count) for change in found]

    assert changes(book.submit("sell", quantity=7, price=100, display_quantity=3)) == [("sell", 100, 3, 1)]
    assert changes(book.submit("sell", quantity=9, price=100, display_quantity=0)) == []
    assert changes(book.submit("sell", quantity=99, price=100, time_in_force="aon")) == []
    assert changes(book.submit("buy", quantity=9, order_type="stop", stop_price=500)) == []
    assert changes(book.submit("buy", quantity=3, price=100)) == []  # a new slice, as large as the one before
    assert changes(book.submit("buy", quantity=2, price=100)) == [("sell", 100, 1, 1)]
    assert changes(book.submit("buy", quantity=1, price=100)) == []  # the last lot comes up
    assert changes(book.submit("buy", quantity=1, price=100)) == [("sell", 100, 0, 0)]  # hidden ones stay
    assert changes(book.submit("buy", quantity=12, price=100)) == [("buy", 100, 3, 1)]
    book.set_phase("auction")
    assert changes(book.submit("sell", quantity=4, order_type="market", protection_price=90)) == []
    assert changes(book.submit("buy", quantity=2, price=101)) == [("buy", 101, 2, 1)]
    assert changes(book.set_phase("continuous")) == [("buy", 101, 0, 0), ("buy", 100, 1, 1)]
