"""R29: how an aggressor is shared out among the orders of a price level."""

from __future__ import annotations

from tests.rules.conftest import Play


def test_R29_fifo_is_the_default(play: Play) -> None:
    play("""
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        new buy 7 @ 100
          accepted #3 buy 7 @ 100
          trade 1 buy 6 @ 100 maker #1 taker #3
          trade 2 buy 1 @ 100 maker #2 taker #3
    """)


def test_R29_pro_rata_shares_by_shown_quantity_and_leaves_the_rest_to_the_oldest(play: Play) -> None:
    # 5 * 6 / 10 = 3, 5 * 3 / 10 = 1.5, 5 * 1 / 10 = 0.5; one lot is left over
    play("""
        book matching=pro_rata
        new sell 6 @ 100 account=1
          accepted #1 sell 6 @ 100 account=1
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        new sell 1 @ 100
          accepted #3 sell 1 @ 100
        new buy 5 @ 100
          accepted #4 buy 5 @ 100
          trade 1 buy 3 @ 100 maker #1 taker #4 account=1
          trade 2 buy 1 @ 100 maker #2 taker #4
          trade 3 buy 1 @ 100 maker #1 taker #4 account=1
        = | 2 @ 100 #1, 2 @ 100 #2, 1 @ 100 #3
    """)


def test_R29_left_over_lots_go_to_the_oldest_as_many_as_each_shows(play: Play) -> None:
    # 5 lots among 1, 1, 1, 3: shares 0, 0, 0, 2; three are left over
    play("""
        book matching=pro_rata
        new buy 1 @ 100
          accepted #1 buy 1 @ 100
        new buy 1 @ 100
          accepted #2 buy 1 @ 100
        new buy 1 @ 100
          accepted #3 buy 1 @ 100
        new buy 3 @ 100
          accepted #4 buy 3 @ 100
        new sell 5 @ 100
          accepted #5 sell 5 @ 100
          trade 1 sell 2 @ 100 maker #4 taker #5
          trade 2 sell 1 @ 100 maker #1 taker #5
          trade 3 sell 1 @ 100 maker #2 taker #5
          trade 4 sell 1 @ 100 maker #3 taker #5
        = 1 @ 100 #4 |
    """)


def test_R29_an_aggressor_that_takes_all_gives_each_its_own(play: Play) -> None:
    play("""
        book matching=pro_rata
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 4 @ 100
          accepted #2 sell 4 @ 100
        new sell 4 @ 101
          accepted #3 sell 4 @ 101
        new buy 12 @ 101                               -- price comes first here too
          accepted #4 buy 12 @ 101
          trade 1 buy 6 @ 100 maker #1 taker #4
          trade 2 buy 4 @ 100 maker #2 taker #4
          trade 3 buy 2 @ 101 maker #3 taker #4
        = | 2 @ 101 #3
    """)


def test_R29_new_slices_wait_for_the_next_round(play: Play) -> None:
    play("""
        book matching=pro_rata
        new sell 10 @ 100 display=4
          accepted #1 sell 10 @ 100 sliced
        new sell 4 @ 100
          accepted #2 sell 4 @ 100
        new buy 10 @ 100
          accepted #3 buy 10 @ 100
          trade 1 buy 4 @ 100 maker #1 taker #3
          replenished #1 sell 4 @ 100
          trade 2 buy 4 @ 100 maker #2 taker #3
          trade 3 buy 2 @ 100 maker #1 taker #3
        = | 2/4 @ 100 #1
    """)


def test_R29_shares_go_by_what_is_shown_not_by_reserves(play: Play) -> None:
    # shown 2 and 6: 4 * 2 / 8 = 1, 4 * 6 / 8 = 3
    play("""
        book matching=pro_rata
        new sell 100 @ 100 display=2
          accepted #1 sell 100 @ 100 sliced
        new sell 6 @ 100
          accepted #2 sell 6 @ 100
        new buy 4 @ 100
          accepted #3 buy 4 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #3
          trade 2 buy 3 @ 100 maker #2 taker #3
        = | 1/99 @ 100 #1, 3 @ 100 #2
    """)


def test_R29_a_left_over_lot_can_use_a_slice_up(play: Play) -> None:
    # 3 lots among 2, 1, 1: shares 1, 0, 0; two are left over, of which the first still shows one
    play("""
        book matching=pro_rata
        new sell 5 @ 100 display=2
          accepted #1 sell 5 @ 100 sliced
        new sell 1 @ 100
          accepted #2 sell 1 @ 100
        new sell 1 @ 100
          accepted #3 sell 1 @ 100
        new buy 3 @ 100
          accepted #4 buy 3 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #4
          trade 2 buy 1 @ 100 maker #1 taker #4
          replenished #1 sell 2 @ 100
          trade 3 buy 1 @ 100 maker #2 taker #4
        = | 1 @ 100 #3, 2/3 @ 100 #1
    """)


def test_R29_then_hidden_and_all_or_none_by_time(play: Play) -> None:
    play("""
        book matching=pro_rata
        new sell 3 @ 100 display=0
          accepted #1 sell 3 @ 100 undisplayed
        new sell 4 @ 100 aon
          accepted #2 sell 4 @ 100 undisplayed
        new sell 3 @ 100 display=0
          accepted #3 sell 3 @ 100 undisplayed
        new sell 2 @ 100 display=1
          accepted #4 sell 2 @ 100 sliced
        new sell 1 @ 100
          accepted #5 sell 1 @ 100
        new buy 8 @ 100                                 -- 3 shown and in reserve, 3 hidden, 2 left: not 4
          accepted #6 buy 8 @ 100
          trade 1 buy 1 @ 100 maker #4 taker #6
          replenished #4 sell 1 @ 100
          trade 2 buy 1 @ 100 maker #5 taker #6
          trade 3 buy 1 @ 100 maker #4 taker #6
          trade 4 buy 3 @ 100 maker #1 taker #6
          trade 5 buy 2 @ 100 maker #3 taker #6
        = | 0/4 @ 100 #2, 0/1 @ 100 #3
    """)


def test_R29_a_level_with_an_own_order_is_matched_fifo(play: Play) -> None:
    play("""
        book matching=pro_rata mode=cancel_oldest
        new sell 6 @ 100 account=1
          accepted #1 sell 6 @ 100 account=1
        new sell 4 @ 100 account=2
          accepted #2 sell 4 @ 100 account=2
        new buy 5 @ 100 account=2
          accepted #3 buy 5 @ 100 account=2
          trade 1 buy 5 @ 100 maker #1 taker #3 account=1
        new buy 2 @ 100 account=2 mode=none              -- nothing is own to it: 2 * 1 / 5, 2 * 4 / 5
          accepted #4 buy 2 @ 100 account=2
          trade 2 buy 1 @ 100 maker #2 taker #4 account=2
          trade 3 buy 1 @ 100 maker #1 taker #4 account=1
        = | 3 @ 100 #2
        new sell 4 @ 100 account=4
          accepted #5 sell 4 @ 100 account=4
        new buy 4 @ 100 account=2
          accepted #6 buy 4 @ 100 account=2
          canceled #2 sell 3 @ 100 self_trade account=2
          trade 4 buy 4 @ 100 maker #5 taker #6 account=4
        = |
    """)


def test_R29_also_where_the_own_order_is_hidden(play: Play) -> None:
    play("""
        book matching=pro_rata mode=cancel_newest
        new sell 6 @ 100 account=1
          accepted #1 sell 6 @ 100 account=1
        new sell 6 @ 100 account=3
          accepted #2 sell 6 @ 100 account=3
        new sell 9 @ 100 display=0 account=2
          accepted #3 sell 9 @ 100 undisplayed account=2
        new buy 4 @ 100 account=2
          accepted #4 buy 4 @ 100 account=2
          trade 1 buy 4 @ 100 maker #1 taker #4 account=1
        new buy 4 @ 100 account=5
          accepted #5 buy 4 @ 100 account=5
          trade 2 buy 1 @ 100 maker #1 taker #5 account=1
          trade 3 buy 3 @ 100 maker #2 taker #5 account=3
        = | 1 @ 100 #1, 3 @ 100 #2, 0/9 @ 100 #3
    """)


def test_R29_fifo_pro_rata_gives_a_part_to_the_oldest_first(play: Play) -> None:
    # 40 % of 5 are 2 for the oldest; 3 among 4, 3, 1: shares 1, 1, 0 and one left over
    play("""
        book matching=fifo_pro_rata share=4000
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        new sell 1 @ 100
          accepted #3 sell 1 @ 100
        new buy 5 @ 100
          accepted #4 buy 5 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #4
          trade 2 buy 1 @ 100 maker #1 taker #4
          trade 3 buy 1 @ 100 maker #2 taker #4
          trade 4 buy 1 @ 100 maker #1 taker #4
        = | 2 @ 100 #1, 2 @ 100 #2, 1 @ 100 #3
    """)


def test_R29_the_fifo_part_can_use_a_slice_up(play: Play) -> None:
    # half of 6 is 3: 2 of the slice, 1 of the next order; its other 3 take the pro rata part
    play("""
        book matching=fifo_pro_rata share=5000
        new sell 6 @ 100 display=2
          accepted #1 sell 6 @ 100 sliced
        new sell 4 @ 100
          accepted #2 sell 4 @ 100
        new buy 6 @ 100
          accepted #3 buy 6 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #3
          replenished #1 sell 2 @ 100
          trade 2 buy 1 @ 100 maker #2 taker #3
          trade 3 buy 3 @ 100 maker #2 taker #3
        = | 2/4 @ 100 #1
    """)


def test_R29_the_ends_of_the_fifo_share(play: Play) -> None:
    play("""
        book matching=fifo_pro_rata share=10000
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 6 @ 100
          accepted #2 sell 6 @ 100
        new buy 4 @ 100
          accepted #3 buy 4 @ 100
          trade 1 buy 4 @ 100 maker #1 taker #3
    """)
    play("""
        book matching=fifo_pro_rata share=0
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 6 @ 100
          accepted #2 sell 6 @ 100
        new buy 4 @ 100
          accepted #3 buy 4 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #3
          trade 2 buy 2 @ 100 maker #2 taker #3
    """)


def test_R29_the_largest_quantities_do_not_wrap(play: Play) -> None:
    most = 2**48
    play(f"""
        book matching=pro_rata
        new sell {most} @ 100
          accepted #1 sell {most} @ 100
        new sell {most} @ 100
          accepted #2 sell {most} @ 100
        new sell {most} @ 100
          accepted #3 sell {most} @ 100
        new buy {most} @ 100
          accepted #4 buy {most} @ 100
          trade 1 buy {most // 3} @ 100 maker #1 taker #4
          trade 2 buy {most // 3} @ 100 maker #2 taker #4
          trade 3 buy {most // 3} @ 100 maker #3 taker #4
          trade 4 buy 1 @ 100 maker #1 taker #4
    """)


def test_R29_totals_are_the_same_for_fok_and_aon(play: Play) -> None:
    play("""
        book matching=pro_rata
        new sell 3 @ 100 display=1
          accepted #1 sell 3 @ 100 sliced
        new sell 3 @ 100
          accepted #2 sell 3 @ 100
        new buy 7 @ 100 fok
          accepted #3 buy 7 @ 100
          canceled #3 buy 7 @ 100 fill_or_kill
        new buy 6 @ 100 aon                              -- 1 and 3, then the slices
          accepted #4 buy 6 @ 100 undisplayed
          trade 1 buy 1 @ 100 maker #1 taker #4
          replenished #1 sell 1 @ 100
          trade 2 buy 3 @ 100 maker #2 taker #4
          trade 3 buy 1 @ 100 maker #1 taker #4
          replenished #1 sell 1 @ 100
          trade 4 buy 1 @ 100 maker #1 taker #4
        = |
    """)


def test_R27_an_uncross_does_not_share_out(play: Play) -> None:
    play("""
        book matching=pro_rata
        phase auction
          accepted
          phase auction
        new sell 6 @ 100
          accepted #1 sell 6 @ 100
        new sell 6 @ 100
          accepted #2 sell 6 @ 100
        new buy 4 @ 100
          accepted #3 buy 4 @ 100
        phase continuous
          accepted
          phase continuous
          trade 1 4 @ 100 maker #1 taker #3
        = | 2 @ 100 #1, 6 @ 100 #2
    """)
