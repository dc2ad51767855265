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
