"""R22 to R24: amend, cancel, mass cancel."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R22_the_quantity_is_the_new_total_filled_part_included(play: Play) -> None:
    play("""
        new buy 10 @ 10
          accepted #1 buy 10 @ 10
        new sell 4 @ 10
          accepted #2 sell 4 @ 10
          trade 1 sell 4 @ 10 maker #1 taker #2
        amend #1 7
          accepted #1
          amended #1 buy 3 @ 10 total 7 kept
        amend #1 9 @ 11
          accepted #1
          amended #1 buy 5 @ 11 total 9 lost
        amend #1 @ 12
          accepted #1
          amended #1 buy 5 @ 12 total 9 lost
        = 5 @ 12 #1 |
    """)


def test_R22_less_at_the_same_price_keeps_priority(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
        amend #1 2
          accepted #1
          amended #1 buy 2 @ 10 total 2 kept
        amend #1 1 @ 10                       -- the same price, said
          accepted #1
          amended #1 buy 1 @ 10 total 1 kept
        new sell 2 @ 10
          accepted #3 sell 2 @ 10
          trade 1 sell 1 @ 10 maker #1 taker #3
          trade 2 sell 1 @ 10 maker #2 taker #3
    """)


def test_R22_the_same_again_keeps_priority(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
        amend #1 5 @ 10
          accepted #1
          amended #1 buy 5 @ 10 total 5 kept
        amend #1 @ 10
          accepted #1
          amended #1 buy 5 @ 10 total 5 kept
        = 5 @ 10 #1, 5 @ 10 #2 |
    """)


def test_R22_more_or_another_price_loses_it(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
        amend #1 6
          accepted #1
          amended #1 buy 6 @ 10 total 6 lost
        = 5 @ 10 #2, 6 @ 10 #1 |
        amend #2 4 @ 9                          -- less, but elsewhere
          accepted #2
          amended #2 buy 4 @ 9 total 4 lost
        amend #2 @ 10
          accepted #2
          amended #2 buy 4 @ 10 total 4 lost
        = 6 @ 10 #1, 4 @ 10 #2 |
    """)


def test_R22_it_trades_as_aggressor_if_it_crosses(play: Play) -> None:
    play("""
        new buy 9 @ 10 account=1
          accepted #1 buy 9 @ 10 account=1
        new sell 2 @ 10
          accepted #2 sell 2 @ 10
          trade 1 sell 2 @ 10 maker #1 taker #2 account=1
        new sell 3 @ 12
          accepted #3 sell 3 @ 12
        new sell 3 @ 13
          accepted #4 sell 3 @ 13
        amend #1 @ 12
          accepted #1 account=1
          amended #1 buy 7 @ 12 total 9 lost account=1
          trade 2 buy 3 @ 12 maker #3 taker #1
        = 4 @ 12 #1 | 3 @ 13 #4
        amend #1 6 @ 14                         -- 5 of 6 are filled
          accepted #1 account=1
          amended #1 buy 1 @ 14 total 6 lost account=1
          trade 3 buy 1 @ 13 maker #4 taker #1
        = | 2 @ 13 #4
    """)


def test_R22_a_total_of_0_is_an_invalid_quantity(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        amend #1 0
          rejected invalid_quantity
        amend #9 0
          rejected invalid_quantity
        = 5 @ 10 #1 |
    """)


def test_R22_1_up_to_what_is_filled_ends_the_order(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1 id=a
          accepted #1 buy 5 @ 10 account=1
        new sell 3 @ 10
          accepted #2 sell 3 @ 10
          trade 1 sell 3 @ 10 maker #1 taker #2 account=1
        amend 4 id=a account=1
          accepted #1 account=1
          amended #1 buy 1 @ 10 total 4 kept account=1
        amend 3 id=a account=1
          accepted #1 account=1
          canceled #1 buy 1 @ 10 amended account=1
        new buy 5 @ 10
          accepted #3 buy 5 @ 10
        new sell 3 @ 10
          accepted #4 sell 3 @ 10
          trade 2 sell 3 @ 10 maker #3 taker #4
        amend #3 1 @ 99                         -- whatever the price
          accepted #3
          canceled #3 buy 2 @ 10 amended
        = |
    """)


def test_R22_refused_in_halted_and_closed(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        phase halted
          accepted
          phase halted
        amend #1 4
          rejected not_allowed_in_phase
        phase closed
          accepted
          phase closed
        amend #1 4
          rejected not_allowed_in_phase
        phase continuous
          accepted
          phase continuous
        amend #1 4
          accepted #1
          amended #1 buy 4 @ 10 total 4 kept
    """)


def test_R22_the_rest_of_the_order_is_as_it_was(play: Play) -> None:
    play("""
        new buy 5 @ 10 day account=1 group=4 mode=cancel_both id=a time=7
          accepted #1 buy 5 @ 10 account=1 time=7
        new sell 1 @ 12 account=2 group=4
          accepted #2 sell 1 @ 12 account=2 time=7
        amend #1 @ 12 time=8
          accepted #1 account=1 time=8
          amended #1 buy 5 @ 12 total 5 lost account=1
          canceled #2 sell 1 @ 12 self_trade account=2
          canceled #1 buy 5 @ 12 self_trade account=1
        new buy 5 @ 10 day
          accepted #3 buy 5 @ 10 time=8
        amend #3 @ 9
          accepted #3 time=8
          amended #3 buy 5 @ 9 total 5 lost
        phase closed
          accepted time=8
          phase closed
          canceled #3 buy 5 @ 9 session_closed
    """)


def test_R23_cancel_frees_an_order(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1
          accepted #1 buy 5 @ 10 account=1
        new sell 2 @ 10
          accepted #2 sell 2 @ 10
          trade 1 sell 2 @ 10 maker #1 taker #2 account=1
        cancel #1 account=1
          accepted #1 account=1
          canceled #1 buy 3 @ 10 requested account=1
        = |
    """)


def test_R23_unknown_done_or_someone_elses_is_unknown(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1 id=a
          accepted #1 buy 5 @ 10 account=1
        cancel #2 account=1                       -- unknown
          rejected unknown_order account=1
        cancel id=b account=1
          rejected unknown_order account=1
        cancel #1 account=2                       -- someone else's
          rejected unknown_order account=2
        cancel id=a account=2
          rejected unknown_order account=2
        market sell 5
          accepted #2 sell 5 @ 0 market
          trade 1 sell 5 @ 10 maker #1 taker #2 account=1
        cancel #1 account=1                       -- done
          rejected unknown_order account=1
        cancel id=a account=1
          rejected unknown_order account=1
        cancel #2
          rejected unknown_order
        cancel #18446744
          rejected unknown_order
    """)


def test_R23_a_remembered_client_order_id_is_no_live_order(play: Play) -> None:
    play("""
        book window=1000
        new buy 5 @ 10 account=1 id=a
          accepted #1 buy 5 @ 10 account=1
        cancel id=a account=1
          accepted #1 account=1
          canceled #1 buy 5 @ 10 requested account=1
        cancel id=a account=1
          rejected unknown_order account=1
        amend 4 id=a account=1
          rejected unknown_order account=1
    """)


def test_R23_without_an_account_it_is_the_operators_and_finds_any(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1
          accepted #1 buy 5 @ 10 account=1
        new buy 5 @ 10
          accepted #2 buy 5 @ 10
        cancel #1
          accepted #1 account=1
          canceled #1 buy 5 @ 10 requested account=1
        cancel #2 account=1                       -- an order without account is not account 1's
          rejected unknown_order account=1
        cancel #2
          accepted #2
          canceled #2 buy 5 @ 10 requested
    """)


def test_R23_by_client_order_id_the_account_is_required(play: Play) -> None:
    play("""
        new buy 5 @ 10 id=a
          accepted #1 buy 5 @ 10
        cancel id=a
          rejected invalid_combination
        amend 4 id=a
          rejected invalid_combination
        cancel id=a account=1
          rejected unknown_order account=1
    """)


def test_R23_the_same_for_amend(play: Play) -> None:
    play("""
        new buy 5 @ 10 account=1 id=a
          accepted #1 buy 5 @ 10 account=1
        amend #2 4 account=1
          rejected unknown_order account=1
        amend #1 4 account=2
          rejected unknown_order account=2
        amend 4 id=a account=2
          rejected unknown_order account=2
        amend #1 4                                -- the operator's
          accepted #1 account=1
          amended #1 buy 4 @ 10 total 4 kept account=1
        cancel #1
          accepted #1 account=1
          canceled #1 buy 4 @ 10 requested account=1
        amend #1 3
          rejected unknown_order
    """)


def test_R24_mass_cancel_by_account_in_order_of_id(play: Play) -> None:
    play("""
        new buy 1 @ 10 account=1
          accepted #1 buy 1 @ 10 account=1
        new sell 2 @ 20 account=2
          accepted #2 sell 2 @ 20 account=2
        new sell 3 @ 21 account=1
          accepted #3 sell 3 @ 21 account=1
        new buy 4 @ 11 account=1
          accepted #4 buy 4 @ 11 account=1
        new buy 5 @ 12
          accepted #5 buy 5 @ 12
        amend #1 @ 9                              -- its id stays the lowest
          accepted #1 account=1
          amended #1 buy 1 @ 9 total 1 lost account=1
        mass-cancel account=1 tag=3
          accepted account=1 tag=3
          canceled #1 buy 1 @ 9 mass_cancel account=1
          canceled #3 sell 3 @ 21 mass_cancel account=1
          canceled #4 buy 4 @ 11 mass_cancel account=1
        = 5 @ 12 #5 | 2 @ 20 #2
    """)


def test_R24_optionally_by_side_and_instrument(play: Play) -> None:
    play("""
        book instrument=6
        new buy 1 @ 10 account=1
          accepted #1 buy 1 @ 10 account=1
        new sell 2 @ 20 account=1
          accepted #2 sell 2 @ 20 account=1
        mass-cancel account=1 instrument=7
          rejected unknown_instrument account=1 instrument=7
        mass-cancel sell account=1
          accepted account=1
          canceled #2 sell 2 @ 20 mass_cancel account=1
        = 1 @ 10 #1 |
    """)


def test_R24_without_an_account_it_takes_every_order(play: Play) -> None:
    play("""
        new buy 1 @ 10 account=1
          accepted #1 buy 1 @ 10 account=1
        new sell 2 @ 20
          accepted #2 sell 2 @ 20
        new buy 3 @ 9
          accepted #3 buy 3 @ 9
        mass-cancel buy
          accepted
          canceled #1 buy 1 @ 10 mass_cancel account=1
          canceled #3 buy 3 @ 9 mass_cancel
        mass-cancel
          accepted
          canceled #2 sell 2 @ 20 mass_cancel
        = |
    """)


def test_R24_in_every_phase(play: Play) -> None:
    play("""
        new buy 1 @ 10 account=1
          accepted #1 buy 1 @ 10 account=1
        new buy 2 @ 10 account=2
          accepted #2 buy 2 @ 10 account=2
        phase halted
          accepted
          phase halted
        mass-cancel account=1
          accepted account=1
          canceled #1 buy 1 @ 10 mass_cancel account=1
        phase closed
          accepted
          phase closed
        mass-cancel account=2
          accepted account=2
          canceled #2 buy 2 @ 10 mass_cancel account=2
    """)


def test_R24_finding_nothing_is_accepted(play: Play) -> None:
    play("""
        mass-cancel account=1
          accepted account=1
        mass-cancel
          accepted
        mass-cancel sell
          accepted
    """)
