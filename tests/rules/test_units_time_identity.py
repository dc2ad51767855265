"""R1 to R5: amounts, time, determinism, envelope, ids."""

from __future__ import annotations

import pytest
from tests.books import BOOKS, BookSetup, open_book
from tests.rules.conftest import Play
from tests.rules.notation import read_command

from aeromatch.market.reference import encode

MIN, MAX = -(2**63), 2**63 - 1


def test_R1_prices_are_signed_and_may_be_zero_or_negative(play: Play) -> None:
    play("""
        new buy 2 @ -5
          accepted #1 buy 2 @ -5
        new sell 1 @ -6
          accepted #2 sell 1 @ -6
          trade 1 sell 1 @ -5 maker #1 taker #2
        new sell 1 @ 0
          accepted #3 sell 1 @ 0
        = 1 @ -5 #1 | 1 @ 0 #3
        new buy 1 @ 0
          accepted #4 buy 1 @ 0
          trade 2 buy 1 @ 0 maker #3 taker #4
        = 1 @ -5 #1 |
    """)


def test_R1_prices_reach_both_ends_of_64_bits(play: Play) -> None:
    play(f"""
        new buy 1 @ {MIN}
          accepted #1 buy 1 @ {MIN}
        new sell 1 @ {MAX}
          accepted #2 sell 1 @ {MAX}
        = 1 @ {MIN} #1 | 1 @ {MAX} #2
        new buy 2 @ {MAX}
          accepted #3 buy 2 @ {MAX}
          trade 1 buy 1 @ {MAX} maker #2 taker #3
        new sell 3 @ {MIN}
          accepted #4 sell 3 @ {MIN}
          trade 2 sell 1 @ {MAX} maker #3 taker #4
          trade 3 sell 1 @ {MIN} maker #1 taker #4
        = | 1 @ {MIN} #4
    """)


def test_R1_quantity_is_1_to_2_to_the_48(play: Play) -> None:
    most = 2**48
    play(f"""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy {most} @ 10
          accepted #2 buy {most} @ 10
        new buy 0 @ 10
          rejected invalid_quantity buy
        new buy {most + 1} @ 10
          rejected invalid_quantity buy
        new sell {2**64 - 1} @ 10
          rejected invalid_quantity sell
        market sell {most + 1}
          rejected invalid_quantity sell
        amend #1 {most}
          accepted #1
          amended #1 buy {most} @ 10 total {most} lost
        amend #1 {most + 1}
          rejected invalid_quantity
        = {most} @ 10 #2, {most} @ 10 #1 |
    """)


def test_R1_what_is_no_whole_number_of_ticks_or_lots_is_refused(play: Play) -> None:
    play("""
        new buy 1 @ 10 off-grid
          rejected invalid_price buy
        new sell 1 off-grid
          rejected invalid_price sell
        new sell 0 @ 10                 -- how a quantity arrives that lots cannot express
          rejected invalid_quantity sell
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        amend #1 2 @ 11 off-grid
          rejected invalid_price
        = 1 @ 10 #1 |
    """)


def test_R1_the_largest_trades_are_possible(play: Play) -> None:
    most = 2**48
    play(f"""
        new sell {most} @ {MAX}
          accepted #1 sell {most} @ {MAX}
        new sell {most} @ {MAX}
          accepted #2 sell {most} @ {MAX}
        market buy {most}
          accepted #3 buy {most} @ 0 market
          trade 1 buy {most} @ {MAX} maker #1 taker #3
        market buy {most}
          accepted #4 buy {most} @ 0 market
          trade 2 buy {most} @ {MAX} maker #2 taker #4
        new buy {most} @ {MIN}
          accepted #5 buy {most} @ {MIN}
        market sell {most}
          accepted #6 sell {most} @ 0 market
          trade 3 sell {most} @ {MIN} maker #5 taker #6
        = |
    """)


def test_R1_a_slide_out_of_64_bits_is_an_invalid_price(play: Play) -> None:
    play(f"""
        new sell 1 @ {MIN}
          accepted #1 sell 1 @ {MIN}
        new buy 1 @ 5 post-only slide
          rejected invalid_price buy
        cancel #1
          accepted #1
          canceled #1 sell 1 @ {MIN} requested
        new buy 1 @ {MAX}
          accepted #2 buy 1 @ {MAX}
        new sell 1 @ {MAX} post-only slide day
          rejected invalid_price sell
        new sell 1 @ {MAX} post-only
          rejected post_only_would_take sell
        = 1 @ {MAX} #2 |
    """)


def test_R1_a_slide_may_end_at_the_last_price_of_64_bits(play: Play) -> None:
    play(f"""
        new sell 1 @ {MIN + 1}
          accepted #1 sell 1 @ {MIN + 1}
        new buy 3 @ 5 post-only slide
          accepted #2 buy 3 @ 5
          repriced #2 buy @ {MIN}
        amend #2 @ {MAX}                    -- an order that rests has room to slide
          accepted #2
          amended #2 buy 3 @ {MAX} total 3 lost
          repriced #2 buy @ {MIN}
        = 3 @ {MIN} #2 | 1 @ {MIN + 1} #1
    """)


def test_R2_time_comes_with_the_command(play: Play) -> None:
    play("""
        new buy 1 @ 10 time=1700000000000000000
          accepted #1 buy 1 @ 10 time=1700000000000000000
        cancel #1 time=1700000000000000001
          accepted #1 time=1700000000000000001
          canceled #1 buy 1 @ 10 requested
        new buy 0 @ 10 time=1700000000000000002       -- a rejection moves it too
          rejected invalid_quantity buy time=1700000000000000002
        time 18446744073709551615
          accepted time=18446744073709551615
    """)


def test_R2_an_earlier_stamp_counts_as_the_last_one_seen(play: Play) -> None:
    play("""
        new buy 1 @ 10 time=500
          accepted #1 buy 1 @ 10 time=500
        new buy 1 @ 10 time=499
          accepted #2 buy 1 @ 10 time=500
        time 3
          accepted time=500
        new buy 1 @ 10 gtd until=500 time=499
          rejected expired buy time=500
    """)


def test_R2_time_is_kept_per_instrument(play: Play) -> None:
    play("""
        time 10
          accepted time=10
        new buy 1 @ 10 instrument=8 time=900
          rejected unknown_instrument buy time=10 instrument=8
        time 20
          accepted time=20
    """)


def test_R2_without_a_stamp_it_is_the_last_time_seen_and_0_at_the_start(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 time=7
          accepted #2 buy 1 @ 10 time=7
        new buy 1 @ 10
          accepted #3 buy 1 @ 10 time=7
        phase halted
          accepted time=7
          phase halted
    """)


@pytest.mark.parametrize("name", BOOKS)
def test_R2_reads_do_not_move_time(name: str) -> None:
    book = open_book(name, BookSetup())
    book.process(encode(read_command("new buy 1 @ 10 gtd until=5 time=4", 0)))
    before = book.digest()
    assert book.best_prices() == (10, None)
    assert book.digest() == before


@pytest.mark.parametrize("name", BOOKS)
def test_R3_same_commands_same_events(name: str) -> None:
    lines = (
        "new sell 5 @ 101 account=1 id=a",
        "new buy 7 @ 102 account=2 time=9",
        "amend #2 9 @ 100",
        "mass-cancel account=2",
    )
    slots = [encode(read_command(line, 0)) for line in lines]
    one_by_one, at_once = open_book(name, BookSetup()), open_book(name, BookSetup())
    events = b"".join(one_by_one.process(slot) for slot in slots)
    assert len(events) == 64 * 7
    assert at_once.process(b"".join(slots)) == events
    assert at_once.digest() == one_by_one.digest()


def test_R4_each_command_has_one_number_and_its_events_an_index(play: Play) -> None:
    # A number or index that is not the next one would be written behind the event.
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new sell 0 @ 10
          rejected invalid_quantity sell
        new sell 1 @ 10 sequence=2        -- it has had 2: the next is 3
          accepted #2 sell 1 @ 10
        new buy 2 @ 10 sequence=100       -- numbers may skip
          accepted #3 buy 2 @ 10
          trade 1 buy 1 @ 10 maker #1 taker #3
          trade 2 buy 1 @ 10 maker #2 taker #3
        new sell 1 @ 10 instrument=3      -- another instrument's takes one too
          rejected unknown_instrument sell instrument=3
        time 5 sequence=102
          accepted time=5
    """)


@pytest.mark.parametrize("name", BOOKS)
def test_R4_the_envelope_in_numbers(name: str) -> None:
    book = open_book(name, BookSetup())
    events = b"".join(
        book.process(encode(read_command(line, 0)))
        for line in (
            "new sell 1 @ 10 gtd until=5",
            "new sell 1 @ 10 sequence=9",
            "new buy 1 @ 10 sequence=4 time=6",
        )
    )
    starts = range(0, len(events), 64)
    sequences = [int.from_bytes(events[start + 48 : start + 56], "little") for start in starts]
    indexes = [int.from_bytes(events[start + 12 : start + 16], "little") for start in starts]
    # canceled(expired), accepted and trade of the last command share its number
    assert list(zip(sequences, indexes, strict=True)) == [(1, 0), (9, 0), (10, 0), (10, 1), (10, 2)]


def test_R4_trade_ids_run_from_1_without_gaps(play: Play) -> None:
    play("""
        new sell 1 @ 10
          accepted #1 sell 1 @ 10
        new sell 1 @ 11
          accepted #2 sell 1 @ 11
        new buy 2 @ 10 fok                  -- makes no trade and takes no trade id
          accepted #3 buy 2 @ 10
          canceled #3 buy 2 @ 10 fill_or_kill
        new buy 2 @ 11
          accepted #4 buy 2 @ 11
          trade 1 buy 1 @ 10 maker #1 taker #4
          trade 2 buy 1 @ 11 maker #2 taker #4
        new buy 1 @ 9
          accepted #5 buy 1 @ 9
        market sell 1
          accepted #6 sell 1 @ 0 market
          trade 3 sell 1 @ 9 maker #5 taker #6
    """)


def test_R5_an_order_id_is_instrument_and_counter(play: Play) -> None:
    play("""
        book instrument=7
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        new buy 1 @ 11
          accepted #2 buy 1 @ 11
        = 1 @ 11 #2, 1 @ 10 #1 |
    """)


@pytest.mark.parametrize("name", BOOKS)
def test_R5_an_order_id_in_bits(name: str) -> None:
    instrument = 2**24 - 1
    book = open_book(name, BookSetup(instrument=instrument))
    book.process(encode(read_command("new buy 1 @ 10", instrument)))
    accepted = book.process(encode(read_command("new buy 1 @ 10", instrument)))
    assert accepted[32:40] == bytes([2, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF])
    assert accepted[4:8] == bytes([0xFF, 0xFF, 0xFF, 0])


def test_R5_a_rejected_order_has_no_id_and_none_is_used_again(play: Play) -> None:
    play("""
        new buy 1 @ 10
          accepted #1 buy 1 @ 10
        cancel #1
          accepted #1
          canceled #1 buy 1 @ 10 requested
        new buy 0 @ 10
          rejected invalid_quantity buy
        new buy 1 @ 10
          accepted #2 buy 1 @ 10
    """)


def test_R5_a_client_order_id_has_1_to_36_printable_characters(play: Play) -> None:
    play("""
        new buy 1 @ 10 id=123e4567-e89b-12d3-a456-426614174000
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 id=123e4567-e89b-12d3-a456-4266141740001
          rejected invalid_client_order_id buy
        new buy 1 @ 10 id=
          rejected invalid_client_order_id buy
        new buy 1 @ 10 id=ü
          rejected invalid_client_order_id buy
        new buy 1 @ 10 id=x
          accepted #2 buy 1 @ 10
        new buy 1 @ 10 id=~!
          accepted #3 buy 1 @ 10
    """)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize(
    ("text", "kind"),
    [(b" ", 1), (b"a\x00", 2), (b"\x1f", 2), (b"\x7f", 2), (b"a" * 36, 1), (b"a" * 37, 2), (b"a" * 200, 2)],
)
def test_R5_which_bytes_a_client_order_id_may_hold(name: str, text: bytes, kind: int) -> None:
    command = read_command("new buy 1 @ 10", 0)
    command.client_order_id = text
    assert open_book(name, BookSetup()).process(encode(command))[0] == kind


def test_R5_a_malformed_client_order_id_is_refused_in_cancel_and_amend_too(play: Play) -> None:
    play("""
        new buy 1 @ 10 account=1
          accepted #1 buy 1 @ 10 account=1
        cancel id= account=1
          rejected invalid_client_order_id account=1
        amend 2 id=0123456789012345678901234567890123456 account=1
          rejected invalid_client_order_id account=1
        = 1 @ 10 #1 |
    """)


def test_R5_a_client_order_id_is_unique_per_account_among_live_orders(play: Play) -> None:
    play("""
        new buy 1 @ 10 account=1 id=a
          accepted #1 buy 1 @ 10 account=1
        new buy 1 @ 10 account=2 id=a
          accepted #2 buy 1 @ 10 account=2
        new sell 1 @ 90 account=1 id=a
          rejected duplicate_client_order_id sell #1 account=1
        new sell 1 @ 90 account=1 id=A
          accepted #3 sell 1 @ 90 account=1
    """)


def test_R5_a_finished_one_is_remembered_for_the_dedup_window(play: Play) -> None:
    play("""
        book window=100
        new buy 1 @ 10 account=1 id=a time=1000
          accepted #1 buy 1 @ 10 account=1 time=1000
        cancel #1 time=1050
          accepted #1 account=1 time=1050
          canceled #1 buy 1 @ 10 requested account=1
        new buy 1 @ 10 account=1 id=a time=1149
          rejected duplicate_client_order_id buy #1 account=1 time=1149
        new buy 1 @ 10 account=1 id=a time=1150
          accepted #2 buy 1 @ 10 account=1 time=1150
    """)


def test_R5_a_filled_one_is_remembered_from_its_last_trade(play: Play) -> None:
    play("""
        book window=10
        new buy 2 @ 10 account=1 id=a time=100
          accepted #1 buy 2 @ 10 account=1 time=100
        new sell 1 @ 10 account=2 id=b time=101
          accepted #2 sell 1 @ 10 account=2 time=101
          trade 1 sell 1 @ 10 maker #1 taker #2 account=1
        new sell 1 @ 10 account=2 id=c time=105
          accepted #3 sell 1 @ 10 account=2 time=105
          trade 2 sell 1 @ 10 maker #1 taker #3 account=1
        new buy 1 @ 9 account=2 id=b time=111
          accepted #4 buy 1 @ 9 account=2 time=111
        new buy 1 @ 9 account=1 id=a time=114
          rejected duplicate_client_order_id buy #1 account=1 time=114
        new buy 1 @ 9 account=1 id=a time=115
          accepted #5 buy 1 @ 9 account=1 time=115
    """)


def test_R5_an_expired_one_is_remembered_from_the_command_that_brought_the_time(play: Play) -> None:
    play("""
        book window=10
        new buy 1 @ 10 id=a gtd until=50
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 id=a time=100
          canceled #1 buy 1 @ 10 expired
          rejected duplicate_client_order_id buy #1 time=100
        new buy 1 @ 10 id=a time=109
          rejected duplicate_client_order_id buy #1 time=109
        new buy 1 @ 10 id=a time=110
          accepted #2 buy 1 @ 10 time=110
    """)


def test_R5_with_a_window_of_0_it_is_free_at_once(play: Play) -> None:
    play("""
        new buy 1 @ 10 id=a gtd until=50
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 id=a time=50            -- within the same command already
          canceled #1 buy 1 @ 10 expired
          accepted #2 buy 1 @ 10 time=50
        cancel #2
          accepted #2 time=50
          canceled #2 buy 1 @ 10 requested
        new buy 1 @ 10 id=a
          accepted #3 buy 1 @ 10 time=50
    """)


def test_R5_an_id_is_free_at_once_when_its_order_is_filled_at_rest(play: Play) -> None:
    play("""
        new sell 4 @ 101 account=3 id=a
          accepted #1 sell 4 @ 101 account=3
        market buy 4 protect=105
          accepted #2 buy 4 @ 0 market
          trade 1 buy 4 @ 101 maker #1 taker #2 account=3
        new sell 4 @ 103 account=3 id=a
          accepted #3 sell 4 @ 103 account=3
        new buy 4 @ 103
          accepted #4 buy 4 @ 103
          trade 2 buy 4 @ 103 maker #3 taker #4 account=3
        new sell 4 @ 103 account=3 id=a
          accepted #5 sell 4 @ 103 account=3
    """)


def test_R5_a_window_to_the_end_of_time_does_not_wrap(play: Play) -> None:
    play(f"""
        book window={2**64 - 1}
        new buy 1 @ 10 id=a ioc time=100
          accepted #1 buy 1 @ 10 time=100
          canceled #1 buy 1 @ 10 immediate_or_cancel
        new buy 1 @ 10 id=a time={2**64 - 2}
          rejected duplicate_client_order_id buy #1 time={2**64 - 2}
    """)


def test_R5_at_the_end_of_time_it_is_free_at_once(play: Play) -> None:
    # "while now is before t + window", which saturates: no time is before the last one
    play(f"""
        book window=60
        new buy 1 @ 10 id=a ioc time={2**64 - 1}
          accepted #1 buy 1 @ 10 time={2**64 - 1}
          canceled #1 buy 1 @ 10 immediate_or_cancel
        new buy 1 @ 10 id=a
          accepted #2 buy 1 @ 10 time={2**64 - 1}
    """)


def test_R5_a_repeat_changes_nothing_and_a_rejected_order_reserves_nothing(play: Play) -> None:
    play("""
        new sell 1 @ 10 id=a
          accepted #1 sell 1 @ 10
        new buy 1 @ 10 id=a                    -- would have traded
          rejected duplicate_client_order_id buy #1
        new buy 0 @ 10 id=b
          rejected invalid_quantity buy
        new buy 1 @ 9 id=b
          accepted #2 buy 1 @ 9
        = 1 @ 9 #2 | 1 @ 10 #1
    """)


def test_R5_an_accepted_then_canceled_order_does_reserve(play: Play) -> None:
    play("""
        book window=10
        new buy 1 @ 10 id=a fok
          accepted #1 buy 1 @ 10
          canceled #1 buy 1 @ 10 fill_or_kill
        new buy 1 @ 10 id=a
          rejected duplicate_client_order_id buy #1
        market buy 1 id=b
          accepted #2 buy 1 @ 0 market
          canceled #2 buy 1 @ 0 no_liquidity
        new buy 1 @ 10 id=b
          rejected duplicate_client_order_id buy #2
    """)


def test_R5_orders_without_account_share_one_namespace(play: Play) -> None:
    play("""
        new buy 1 @ 10 id=a
          accepted #1 buy 1 @ 10
        new buy 1 @ 10 id=a
          rejected duplicate_client_order_id buy #1
        new buy 1 @ 10 id=a account=1
          accepted #2 buy 1 @ 10 account=1
    """)


def test_R5_cancel_and_amend_take_either_id(play: Play) -> None:
    play("""
        new buy 3 @ 10 account=1 id=a
          accepted #1 buy 3 @ 10 account=1
        new buy 3 @ 10 account=1 id=b
          accepted #2 buy 3 @ 10 account=1
        amend 2 id=a account=1
          accepted #1 account=1
          amended #1 buy 2 @ 10 total 2 kept account=1
        amend #2 1
          accepted #2 account=1
          amended #2 buy 1 @ 10 total 1 kept account=1
        cancel id=b account=1
          accepted #2 account=1
          canceled #2 buy 1 @ 10 requested account=1
        cancel #1
          accepted #1 account=1
          canceled #1 buy 2 @ 10 requested account=1
    """)
