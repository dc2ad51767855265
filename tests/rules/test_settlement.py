"""R30: funds, holds and transfers between clearing groups."""

from __future__ import annotations

from tests.rules.conftest import Play

MARKET = """
    ! instrument COIN base=COIN/0 quote=USD/2 lot=10 tick=5 {}
    ! account alice
    ! account bob
    ! deposit alice USD 10000
    ! deposit bob COIN 500
"""


def test_R30_what_a_settled_instrument_needs_is_made_with_it(play_exchange: Play) -> None:
    play_exchange("""
        asset USD 2
          accepted
          created asset USD
        instrument COIN base=COIN/0 quote=USD/2 lot=10 tick=5 maker=-1 taker=2
          accepted
          created asset COIN
          created group main
          created account fees
          created instrument COIN
        instrument COIN-2 base=COIN/0 quote=USD/2 group=main number=7
          accepted
          created instrument COIN-2
    """)


def test_R30_deposits_and_withdrawals_change_what_is_available(play_exchange: Play) -> None:
    play_exchange(
        f"""
        ! asset USD 2
        ! group main
        ! account alice
        deposit alice USD 100 id=d-1 time=5 tag=9
          accepted on=1 account=alice time=5 tag=9
          funds alice USD 100 + 0
        withdraw alice USD 101
          rejected insufficient_funds on=1 account=alice time=5
        withdraw alice USD 100
          accepted on=1 account=alice time=5
          funds alice USD 0 + 0
        deposit alice USD {2**94}                        -- as much as a group may have from outside
          accepted on=1 account=alice time=5
          funds alice USD {2**94} + 0
        deposit alice USD 1
          rejected invalid_quantity on=1 account=alice time=5
    """.replace("on=1 ", "")
    )


def test_R30_a_buy_holds_its_limit_and_a_sell_the_base(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("taker=100")
        + """
    on COIN new buy 3 @ 20 account=alice               -- 3 x 20 x 5 and one percent
      accepted #1 buy 3 @ 20 account=alice
      funds alice USD 9697 + 303
    on COIN new sell 4 @ 30 account=bob                -- 4 lots of 10
      accepted #2 sell 4 @ 30 account=bob
      funds bob COIN 460 + 40
    withdraw bob COIN 461
      rejected insufficient_funds account=bob
    on COIN amend #1 2 account=alice
      accepted #1 account=alice
      amended #1 buy 2 @ 20 total 2 kept account=alice
      funds alice USD 9798 + 202
    on COIN cancel #1 account=alice
      accepted #1 account=alice
      canceled #1 buy 2 @ 20 requested account=alice
      funds alice USD 10000 + 0
    everywhere mass-cancel account=bob
      accepted account=bob
      canceled COIN#2 sell 4 @ 30 mass_cancel account=bob on=COIN
      funds bob COIN 500 + 0
    """
    )


def test_R30_orders_are_taken_against_available_funds_only(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("")
        + """
    on COIN new buy 101 @ 20 account=alice             -- 10,100 of 10,000
      rejected insufficient_funds buy account=alice
    on COIN new buy 100 @ 20 account=alice             -- all there is
      accepted #1 buy 100 @ 20 account=alice
      funds alice USD 0 + 10000
    on COIN new buy 1 @ 1 account=alice
      rejected insufficient_funds buy account=alice
    on COIN new buy 1 @ 0 account=alice                -- for nothing
      accepted #2 buy 1 @ 0 account=alice
    on COIN amend #1 100 @ 21 account=alice
      rejected insufficient_funds account=alice
    on COIN amend #1 50 @ 40 account=alice             -- what it holds itself counts
      accepted #1 account=alice
      amended #1 buy 50 @ 40 total 50 lost account=alice
    on COIN new sell 51 @ 30 account=bob
      rejected insufficient_funds sell account=bob
    on COIN new sell 1 @ 30 account=alice
      rejected insufficient_funds sell account=alice
    """
    )


def test_R30_a_better_price_gives_the_difference_back(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("")
        + """
    ! on COIN new sell 2 @ 10 account=bob
    on COIN new buy 3 @ 20 account=alice
      accepted #2 buy 3 @ 20 account=alice
      trade 1 buy 2 @ 10 maker #1 taker #2 account=bob
      funds alice COIN 20 + 0
      funds alice USD 9800 + 100                       -- paid 100, holds one lot at 20
      funds bob COIN 480 + 0
      funds bob USD 100 + 0
    """
    )


def test_R30_a_market_buy_says_what_it_may_cost(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("taker=100")
        + """
    ! on COIN new sell 2 @ 10 account=bob
    ! on COIN new sell 2 @ 12 account=bob
    on COIN market buy 3 account=alice
      rejected invalid_combination buy account=alice
    on COIN stop buy 3 stop=50 account=alice
      rejected invalid_combination buy account=alice
    on COIN new buy 3 @ 9 budget=100 account=alice
      rejected invalid_combination buy account=alice
    on COIN market sell 3 budget=100 account=bob
      rejected invalid_combination sell account=bob
    on COIN market buy 1 budget=50 account=alice       -- 50 and a fee of 0.5 are more than that: at 9 it finds nothing
      accepted #3 buy 1 @ 0 market account=alice
      canceled #3 buy 1 @ 0 no_liquidity account=alice
    on COIN market buy 1 budget=51 account=alice
      accepted #4 buy 1 @ 0 market account=alice
      trade 1 buy 1 @ 10 maker #1 taker #4 account=bob
      funds fees USD 1 + 0
      funds alice COIN 10 + 0
      funds alice USD 9949 + 0
      funds bob COIN 460 + 30
      funds bob USD 50 + 0
    on COIN market buy 2 protect=11 account=alice
      accepted #5 buy 2 @ 0 market account=alice
      trade 2 buy 1 @ 10 maker #1 taker #5 account=bob
      canceled #5 buy 1 @ 0 no_liquidity account=alice
      funds fees USD 2 + 0
      funds alice COIN 20 + 0
      funds alice USD 9898 + 0
      funds bob COIN 460 + 20
      funds bob USD 100 + 0
    on COIN market buy 1000 budget=1000000000 account=alice
      rejected insufficient_funds buy account=alice
    on COIN market sell 1 account=bob                  -- a sell holds what it sells
      accepted #6 sell 1 @ 0 market account=bob
      canceled #6 sell 1 @ 0 no_liquidity account=bob
    """
    )


def test_R30_prices_are_not_negative_where_funds_are_looked_at(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("")
        + """
    ! instrument PLAIN
    on PLAIN new buy 1 @ -1 account=alice
      accepted #1 buy 1 @ -1 account=alice
    on COIN new buy 1 @ -1 account=alice
      rejected invalid_price buy account=alice
    on COIN market buy 1 protect=-1 account=alice
      rejected invalid_price buy account=alice
    on COIN new buy 1 @ 1 account=alice
      accepted #1 buy 1 @ 1 account=alice
      funds alice USD 9995 + 5
    on COIN amend #1 @ -1
      rejected invalid_price
    ! on COIN new sell 1 @ 0 account=bob
    ! on COIN new sell 1 @ 0 account=bob
    on COIN new buy 1 @ 5 post-only slide account=alice -- one tick behind 0
      rejected invalid_price buy account=alice
    on COIN new buy 1 @ 5 post-only account=alice
      rejected post_only_would_take buy account=alice
    """
    )


def test_R30_unsettled_instruments_look_at_no_account(play_exchange: Play) -> None:
    play_exchange("""
        ! instrument PLAIN
        on PLAIN new buy 9 @ 100 account=4000
          accepted #1 buy 9 @ 100 account=4000
        on PLAIN new sell 9 @ 100
          accepted #2 sell 9 @ 100
          trade 1 sell 9 @ 100 maker #1 taker #2 account=4000
        on PLAIN new buy 9 @ 100 account=?eve
          rejected unknown_account buy account=4294967295
        on PLAIN market buy 1 budget=10
          rejected invalid_combination buy
    """)


def test_R30_a_transfer_moves_funds_between_groups_once(play_exchange: Play) -> None:
    play_exchange("""
        ! asset USD 2
        ! group main
        ! group other
        ! account alice
        ! deposit alice USD 100 id=d-1
        transfer alice USD 30 main other id=t-1 time=8
          accepted account=alice time=8
          funds alice USD 70 + 0
          funds alice USD 30 + 0 in other
        transfer alice USD 30 main other id=t-1
          rejected duplicate_transfer account=alice time=8
        withdraw alice USD 1 id=d-1                      -- one set of ids in a group
          rejected duplicate_transfer account=alice time=8
        transfer alice USD 71 main other id=t-2
          rejected insufficient_funds account=alice time=8
        transfer alice USD 70 main other id=t-2          -- a refused one has not used its id
          accepted account=alice time=8
          funds alice USD 0 + 0
          funds alice USD 100 + 0 in other
        transfer alice USD 1 main main id=t-3
          rejected invalid_combination account=alice time=8
        transfer alice USD 1 main ?nowhere id=t-3
          rejected unknown_group account=alice time=8
        withdraw alice USD 1 group=other id=t-1          -- D57: an id of another group
          accepted account=alice time=8
          funds alice USD 99 + 0 in other
    """)


def test_D62_each_half_of_a_transfer_has_the_time_of_its_group(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("")
        + """
    ! instrument NEAR base=COIN/0 quote=USD/2 group=near
    ! deposit alice USD 100 group=near
    ! on COIN new buy 1 @ 20 gtd until=50 account=alice
    ! on NEAR new buy 3 @ 20 gtd until=40 account=alice
    transfer alice USD 10 main near id=t-1 time=60
      canceled COIN#1 buy 1 @ 20 expired account=alice on=COIN
      accepted account=alice time=60
      funds alice USD 9990 + 0
      canceled NEAR#1 buy 3 @ 20 expired account=alice on=NEAR
      funds alice USD 110 + 0 in near
    transfer alice USD 111 near main id=t-2 time=90    -- refused: only the source's time has passed
      rejected insufficient_funds account=alice time=90
    withdraw alice USD 1 time=5
      accepted account=alice time=60
      funds alice USD 9989 + 0
    transfer alice USD 110 near main id=t-3            -- the answer has the source's time, though the target is behind
      accepted account=alice time=90
      funds alice USD 0 + 0 in near
      funds alice USD 10099 + 0
    """
    )


def test_D63_a_group_takes_whatever_comes_but_its_deposits_have_a_limit(play_exchange: Play) -> None:
    play_exchange(f"""
        ! asset USD 2
        ! group main
        ! group other
        ! account alice
        ! deposit alice USD {2**94} group=main
        ! deposit alice USD {2**94} group=other
        transfer alice USD {2**94} main other id=t-1
          accepted account=alice
          funds alice USD 0 + 0
          funds alice USD {2**95} + 0 in other
        deposit alice USD 1                              -- what has left was deposited here all the same
          rejected invalid_quantity account=alice
        withdraw alice USD {2**94 + 1} group=other       -- no amount is larger
          rejected invalid_quantity account=alice
        withdraw alice USD 7 group=other
          accepted account=alice
          funds alice USD {2**95 - 7} + 0 in other
        deposit alice USD 8 group=other
          rejected invalid_quantity account=alice
        deposit alice USD 7 group=other
          accepted account=alice
          funds alice USD {2**95} + 0 in other
    """)


def test_R30_an_expiry_frees_its_hold_before_the_command(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("")
        + """
    ! on COIN new buy 100 @ 20 gtd until=50 account=alice
    withdraw alice USD 10000 time=49
      rejected insufficient_funds account=alice time=49
    withdraw alice USD 20000 time=50                   -- refused, but time has passed
      canceled COIN#1 buy 100 @ 20 expired account=alice on=COIN
      rejected insufficient_funds account=alice time=50
      funds alice USD 10000 + 0
    withdraw alice USD 10000
      accepted account=alice time=50
      funds alice USD 0 + 0
    """
    )


def test_R30_decremented_and_slid_orders_hold_what_they_are_now(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("mode=decrement")
        + """
    ! deposit alice COIN 100
    ! on COIN new sell 3 @ 10 account=alice
    on COIN new buy 5 @ 20 account=alice
      accepted #2 buy 5 @ 20 account=alice
      decremented #1 sell 3 @ 10 taker #2 account=alice
      canceled #1 sell 0 @ 10 self_trade account=alice
      funds alice COIN 100 + 0
      funds alice USD 9800 + 200
    ! on COIN new sell 1 @ 30 account=bob
    on COIN new buy 1 @ 40 post-only slide account=alice
      accepted #4 buy 1 @ 40 account=alice
      repriced #4 buy @ 29 account=alice
      funds alice USD 9655 + 345
    """
    )


def test_R30_an_uncross_pays_at_its_one_price(play_exchange: Play) -> None:
    play_exchange(
        MARKET.format("taker=100")
        + """
    ! on COIN phase auction
    ! on COIN new buy 2 @ 20 account=alice
    ! on COIN market sell 3 account=bob
    ! on COIN new sell 1 @ 10 account=bob
    on COIN phase continuous
      accepted
      phase continuous
      trade 1 2 @ 10 maker #1 taker #2 account=alice   -- the lower id makes
      canceled #2 sell 1 @ 0 no_liquidity account=bob
      funds fees USD 1 + 0
      funds alice COIN 20 + 0
      funds alice USD 9900 + 0
      funds bob COIN 470 + 10
      funds bob USD 99 + 0
    """
    )
