"""R31: maker and taker fees, rebates, and where the rounding goes."""

from __future__ import annotations

from tests.rules.conftest import Play

FUNDED = """
    ! instrument COIN base=COIN/0 quote=USD/2 {}
    ! account alice
    ! account bob
    ! deposit alice USD 100000
    ! deposit bob COIN 1000
"""


def test_R31_maker_and_taker_pay_their_own_rate(play_exchange: Play) -> None:
    play_exchange(
        FUNDED.format("maker=10 taker=25")
        + """
    on COIN new buy 100 @ 100 account=alice             -- the worst fee is held: 25 of 10,000
      accepted #1 buy 100 @ 100 account=alice
      funds alice USD 89975 + 10025
    on COIN new sell 100 @ 100 account=bob
      accepted #2 sell 100 @ 100 account=bob
      trade 1 sell 100 @ 100 maker #1 taker #2 account=alice
      funds fees USD 35 + 0
      funds alice COIN 100 + 0
      funds alice USD 89990 + 0                         -- 10000 and 10, the maker's rate
      funds bob COIN 900 + 0
      funds bob USD 9975 + 0
    """
    )


def test_R31_an_order_of_many_trades_rounds_once(play_exchange: Play) -> None:
    play_exchange(
        FUNDED.format("taker=50")
        + """
    ! on COIN new sell 1 @ 100 account=bob
    ! on COIN new sell 1 @ 100 account=bob
    ! on COIN new sell 1 @ 100 account=bob
    on COIN new buy 5 @ 100 account=alice               -- 0.5 a trade: 1, 0, 1; two lots are left, and a fee of 1
      accepted #4 buy 5 @ 100 account=alice
      trade 1 buy 1 @ 100 maker #1 taker #4 account=bob
      trade 2 buy 1 @ 100 maker #2 taker #4 account=bob
      trade 3 buy 1 @ 100 maker #3 taker #4 account=bob
      funds fees USD 2 + 0
      funds alice COIN 3 + 0
      funds alice USD 99497 + 201
      funds bob COIN 997 + 0
      funds bob USD 300 + 0
    on COIN cancel #4
      accepted #4 account=alice
      canceled #4 buy 2 @ 100 requested account=alice
      funds alice USD 99698 + 0                         -- the last unit of the hold
    """
    )


def test_R31_rebates_are_paid_by_the_fee_account(play_exchange: Play) -> None:
    play_exchange(
        FUNDED.format("maker=-20 taker=20")
        + """
    ! on COIN new buy 10 @ 49 account=alice
    on COIN new sell 1 @ 49 account=bob                 -- 0.098: the taker pays 1, the maker gets nothing yet
      accepted #2 sell 1 @ 49 account=bob
      trade 1 sell 1 @ 49 maker #1 taker #2 account=alice
      funds fees USD 1 + 0
      funds alice COIN 1 + 0
      funds alice USD 99509 + 442
      funds bob COIN 999 + 0
      funds bob USD 48 + 0
    on COIN new sell 9 @ 49 account=bob                 -- the taker pays ceil(0.882); the maker's 0.98 is still 0
      accepted #3 sell 9 @ 49 account=bob
      trade 2 sell 9 @ 49 maker #1 taker #3 account=alice
      funds fees USD 2 + 0
      funds alice COIN 10 + 0
      funds alice USD 99510 + 0
      funds bob COIN 990 + 0
      funds bob USD 488 + 0
    """
    )


def test_R31_a_rebate_gives_back_what_was_rounded_up(play_exchange: Play) -> None:
    play_exchange(
        FUNDED.format("maker=-100 taker=100")
        + """
    ! on COIN new sell 1 @ 50 account=bob
    on COIN new buy 3 @ 50 account=alice                -- a taker: 0.5, so 1; the maker gets nothing
      accepted #2 buy 3 @ 50 account=alice
      trade 1 buy 1 @ 50 maker #1 taker #2 account=bob
      funds fees USD 1 + 0
      funds alice COIN 1 + 0
      funds alice USD 99848 + 101
      funds bob COIN 999 + 0
      funds bob USD 50 + 0
    ! withdraw fees USD 1
    on COIN new sell 1 @ 50 account=bob                 -- now a maker: 0.5 less 0.5 is 0: it gets 1 back
      accepted #3 sell 1 @ 50 account=bob
      trade 2 sell 1 @ 50 maker #2 taker #3 account=alice
      funds alice COIN 2 + 0
      funds alice USD 99849 + 51
      funds bob COIN 998 + 0
      funds bob USD 99 + 0
    """
    )


def test_R31_rebates_cannot_be_more_than_fees(play_exchange: Play) -> None:
    play_exchange("""
        instrument COIN base=COIN/0 quote=USD/2 maker=-2 taker=1
          rejected invalid_combination
        instrument COIN base=COIN/0 quote=USD/2 maker=-10001 taker=10001
          rejected invalid_combination
        event rain yes no unit=100 taker=10001
          rejected invalid_combination
        event rain yes no unit=100 maker=-1 taker=5      -- a fee on 1 need not cover a rebate on 99
          rejected invalid_combination
        ! event cup red green blue unit=100 maker=-1 taker=5
        ! instrument COIN base=COIN/0 quote=USD/2 maker=-10000 taker=10000
    """)


def test_R31_the_sum_of_an_asset_changes_only_from_outside(play_exchange: Play) -> None:
    """The fixture adds up all funds after every command; here the whole of a fee, and a trade with the fee account."""
    play_exchange(
        """
    ! account alice
    ! account bob
    ! instrument COIN base=COIN/0 quote=USD/2 taker=10000 fees=alice
    ! deposit alice USD 100000
    ! deposit bob COIN 1000
    ! on COIN new sell 1 @ 100 account=bob
    on COIN new buy 1 @ 100 account=alice               -- pays as much again to itself
      accepted #2 buy 1 @ 100 account=alice
      trade 1 buy 1 @ 100 maker #1 taker #2 account=bob
      funds alice COIN 1 + 0
      funds alice USD 99900 + 0
      funds bob COIN 999 + 0
      funds bob USD 100 + 0
    """
    )
