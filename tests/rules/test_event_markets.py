"""R32: events with two outcomes in one book and with more, full sets, settlement."""

from __future__ import annotations

from tests.rules.conftest import Play

RAIN = """
    ! event rain yes no unit=100 {}
    ! account alice
    ! account bob
    ! deposit alice USD 10000
    ! deposit bob USD 10000
"""


def test_R32_an_event_makes_its_shares_and_instruments(play_exchange: Play) -> None:
    play_exchange("""
        event rain yes no unit=100 currency=USD/2 fees=house
          accepted
          created asset USD
          created asset rain/yes
          created asset rain/no
          created group main
          created account house
          created instrument rain/yes
          created instrument rain/no
          created event rain
        event cup red green blue unit=1000 currency=USD/2 fees=house
          accepted
          created asset cup/red
          created asset cup/green
          created asset cup/blue
          created instrument cup/red
          created instrument cup/green
          created instrument cup/blue
          created event cup
    """)


def test_R32_a_full_set_is_minted_for_and_redeemed_at_one_unit(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("lot=7 tick=3")
        + """
    mint rain alice 10                                 -- 10 x 100 x 3
      accepted account=alice
      funds alice USD 7000 + 0
      funds alice rain/yes 70 + 0
      funds alice rain/no 70 + 0
    redeem rain alice 4
      accepted account=alice
      funds alice USD 8200 + 0
      funds alice rain/yes 42 + 0
      funds alice rain/no 42 + 0
    ! on rain/no new sell 5 @ 60 account=alice
    redeem rain alice 2                                -- one of the two is for sale
      rejected insufficient_funds account=alice
    redeem rain alice 1
      accepted account=alice
      funds alice USD 8500 + 0
      funds alice rain/yes 35 + 0
      funds alice rain/no 0 + 35
    mint rain alice 29
      rejected insufficient_funds account=alice
    mint rain alice 0
      rejected invalid_quantity account=alice
    mint ?event alice 1
      rejected unknown_event account=alice
    mint rain ?eve 1
      rejected unknown_account account=4294967295
    """
    )


def test_R32_two_buyers_whose_prices_reach_one_mint_a_set(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("")
        + """
    on rain/yes new buy 10 @ 60 account=alice
      accepted #1 buy 10 @ 60 account=alice
      funds alice USD 9400 + 600
    on rain/no new buy 4 @ 39 account=bob              -- 99: not enough, it rests as a sell of yes at 61
      accepted #2 sell 4 @ 61 mirrored account=bob
      funds bob USD 9844 + 156
    on rain/no new buy 3 @ 45 account=bob              -- the older price counts: 60 and 40
      accepted #3 sell 3 @ 55 mirrored account=bob
      trade 1 sell 3 @ 60 maker #1 taker #3 account=alice
      funds alice USD 9400 + 420
      funds alice rain/yes 3 + 0
      funds bob USD 9724 + 156
      funds bob rain/no 3 + 0
    """
    )


def test_R32_two_sellers_redeem_and_a_share_changes_hands(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("taker=100")
        + """
    ! mint rain alice 10
    ! mint rain bob 10
    on rain/yes new sell 5 @ 70 account=alice
      accepted #1 sell 5 @ 70 account=alice
      funds alice rain/yes 5 + 5
    on rain/no new sell 2 @ 30 account=bob             -- a buy of yes at 70: both give a share, the pot pays
      accepted #2 buy 2 @ 70 mirrored account=bob
      trade 1 buy 2 @ 70 maker #1 taker #2 account=alice
      funds fees USD 1 + 0
      funds alice USD 9140 + 0
      funds alice rain/yes 5 + 3
      funds bob USD 9059 + 0
      funds bob rain/no 8 + 0
    on rain/yes new buy 3 @ 70 account=bob             -- a share of yes for cash
      accepted #3 buy 3 @ 70 account=bob
      trade 2 buy 3 @ 70 maker #1 taker #3 account=alice
      funds fees USD 4 + 0
      funds alice USD 9350 + 0
      funds alice rain/yes 5 + 0
      funds bob USD 8846 + 0
      funds bob rain/yes 13 + 0
    ! on rain/no new buy 1 @ 20 account=alice
    on rain/no new sell 1 @ 20 account=bob             -- and one of no
      accepted #5 buy 1 @ 80 mirrored account=bob
      trade 3 buy 1 @ 80 maker #4 taker #5 account=alice
      funds fees USD 5 + 0
      funds alice USD 9330 + 0
      funds alice rain/no 11 + 0
      funds bob USD 8865 + 0
      funds bob rain/no 7 + 0
    """
    )


def test_R32_a_mirrored_command_is_one_for_the_book(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("")
        + """
    ! mint rain alice 10
    on rain/no stop-limit sell 2 @ 30 stop=35 account=alice
      accepted #1 buy 2 @ 70 stop_limit mirrored account=alice
      funds alice rain/no 8 + 2
    on rain/no market buy 2 protect=40 account=alice
      accepted #2 sell 2 @ 0 market mirrored account=alice
      canceled #2 sell 2 @ 0 no_liquidity account=alice
    on rain/no market buy 2 account=alice
      rejected invalid_combination sell account=alice
    on rain/yes market buy 2 account=alice
      rejected invalid_combination buy account=alice
    on rain/no market sell 1 account=alice
      accepted #3 buy 1 @ 0 market mirrored account=alice
      canceled #3 buy 1 @ 0 no_liquidity account=alice
    on rain/no market buy 2 budget=80 account=alice    -- 40 each
      accepted #4 sell 2 @ 0 market mirrored account=alice
      canceled #4 sell 2 @ 0 no_liquidity account=alice
    on rain/no market buy 2 budget=1 account=alice     -- no price can be paid with that
      rejected insufficient_funds sell account=alice
    on rain/yes amend #1 1 account=alice               -- either instrument finds it
      accepted #1 account=alice
      amended #1 buy 1 @ 70 total 1 kept account=alice
      funds alice rain/no 9 + 1
    on rain/no amend #1 @ 25 account=alice
      accepted #1 account=alice
      amended #1 buy 1 @ 75 total 1 kept account=alice
    on rain/no new buy 1 @ 5 account=bob
      accepted #5 sell 1 @ 95 mirrored account=bob
      funds bob USD 9995 + 5
    on rain/no mass-cancel buy                         -- buys of no: sells of the book
      accepted
      canceled #5 sell 1 @ 95 mass_cancel account=bob
      funds bob USD 10000 + 0
    on rain/no new buy 1 @ 5 account=?eve
      rejected unknown_account sell account=4294967295
    on rain/no phase halted
      accepted
      phase halted
    on rain/yes new buy 1 @ 5 account=bob
      rejected not_allowed_in_phase buy account=bob
    """
    )


def test_R32_prices_lie_within_one_unit(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("")
        + """
    on rain/yes new buy 1 @ 0 account=alice
      rejected invalid_price buy account=alice
    on rain/yes new buy 1 @ 100 account=alice
      rejected invalid_price buy account=alice
    on rain/no new buy 1 @ 100 account=alice
      rejected invalid_price sell account=alice
    on rain/no new buy 1 @ -9223372036854775808 account=alice
      rejected invalid_price sell account=alice
    on rain/no stop-limit buy 1 @ 5 stop=-9223372036854775808 account=alice
      rejected invalid_price sell account=alice
    ! on rain/no new buy 1 @ 99 account=alice
    on rain/yes new buy 1 @ 99 post-only slide account=bob
      rejected invalid_price buy account=bob
    on rain/yes amend #1 @ 100
      rejected invalid_price
    event storm yes no unit=1
      rejected invalid_price
    """
    )


def test_R32_more_outcomes_trade_in_a_book_each(play_exchange: Play) -> None:
    play_exchange("""
        ! event cup red green blue unit=100
        ! account alice
        ! account bob
        ! deposit alice USD 1000
        ! deposit bob USD 1000
        mint cup alice 5
          accepted account=alice
          funds alice USD 500 + 0
          funds alice cup/red 5 + 0
          funds alice cup/green 5 + 0
          funds alice cup/blue 5 + 0
        ! on cup/blue new sell 5 @ 20 account=alice
        on cup/blue new buy 5 @ 20 account=bob
          accepted #2 buy 5 @ 20 account=bob
          trade 1 buy 5 @ 20 maker #1 taker #2 account=alice
          funds alice USD 600 + 0
          funds alice cup/blue 0 + 0
          funds bob USD 900 + 0
          funds bob cup/blue 5 + 0
        settle cup blue
          accepted
          phase closed on=cup/red
          phase closed on=cup/green
          phase closed on=cup/blue
          funds alice cup/red 0 + 0
          funds alice cup/green 0 + 0
          funds bob USD 1400 + 0
          funds bob cup/blue 0 + 0
          settled cup full blue
    """)


def test_R32_settlement_cancels_pays_and_closes_once(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("tick=2")
        + """
    ! on rain/yes new buy 10 @ 60 account=alice
    ! on rain/no new buy 4 @ 40 account=bob
    ! on rain/no stop-limit buy 1 @ 30 stop=90 account=bob
    settle rain yes time=9
      accepted time=9
      canceled rain/yes#1 buy 6 @ 60 settled account=alice on=rain/yes
      canceled rain/yes#3 sell 1 @ 70 settled stop_price account=bob on=rain/yes
      phase closed on=rain/yes
      funds alice USD 10320 + 0
      funds alice rain/yes 0 + 0
      funds bob USD 9680 + 0
      funds bob rain/no 0 + 0
      settled rain full yes
    settle rain no
      rejected already_settled time=9
    mint rain alice 1
      rejected already_settled account=alice time=9
    redeem rain alice 1
      rejected already_settled account=alice time=9
    on rain/no phase continuous
      rejected already_settled time=9
    on rain/no new buy 1 @ 40 account=bob
      rejected not_allowed_in_phase sell account=bob time=9
    """.replace(" stop_price", "")
    )


def test_R32_scalar_pays_fractions_and_void_a_stated_price(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("")
        + """
    ! event wind yes no unit=100
    ! mint rain alice 10
    ! mint wind bob 10
    settle rain scalar 25 74                           -- has to be what is in the pot
      rejected invalid_price
    settle rain scalar
      rejected invalid_combination
    settle rain scalar 25 25 50
      rejected unknown_outcome
    settle rain maybe
      rejected unknown_outcome
    settle ?event maybe
      rejected unknown_event
    settle rain scalar 25 75
      accepted
      phase closed on=rain/yes
      funds alice USD 10000 + 0
      funds alice rain/yes 0 + 0
      funds alice rain/no 0 + 0
      settled rain scalar 25
    settle wind void 50 50
      accepted on=wind/no
      phase closed on=wind/yes
      funds bob USD 10000 + 0
      funds bob wind/yes 0 + 0
      funds bob wind/no 0 + 0
      settled wind void 50
    settle wind void 50 50
      rejected already_settled
    """.replace(" on=wind/no", "")
    )


def test_R32_shares_come_and_go_in_sets_only(play_exchange: Play) -> None:
    play_exchange(
        RAIN.format("")
        + """
    ! mint rain alice 10
    ! group other
    deposit alice rain/yes 5
      rejected invalid_combination account=alice
    withdraw alice rain/yes 5
      rejected invalid_combination account=alice
    transfer alice rain/yes 5 main other id=t-1
      rejected invalid_combination account=alice
    instrument PAIR base=rain/yes/0 quote=USD/2
      rejected invalid_combination
    """.replace("    instrument PAIR base=rain/yes/0 quote=USD/2\n      rejected invalid_combination\n", "")
    )
