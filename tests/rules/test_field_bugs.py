"""Mistakes that matching engines make again and again, one test each, on the reference model and every price index.

The names say the mistake; the rule that it breaks stands first, as everywhere.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.books import BOOKS, NATIVE, BookSetup, Native, Reference, open_book
from tests.rules.conftest import Play
from tests.rules.notation import read_command

from aeromatch.market.reference import encode

ROOT = Path(__file__).resolve().parents[2]
MAX, MIN, MOST = 2**63 - 1, -(2**63), 2**48


def test_R19_fok_that_counts_what_self_trade_prevention_will_take_away(play: Play) -> None:
    play("""
        book mode=cancel_oldest
        new sell 3 @ 100 account=1
          accepted #1 sell 3 @ 100 account=1
        new sell 2 @ 100 account=2
          accepted #2 sell 2 @ 100 account=2
        new sell 9 @ 101 account=1 display=1
          accepted #3 sell 9 @ 101 sliced account=1
        new buy 5 @ 101 fok account=1                  -- 14 lots stand there, 2 are someone else's
          accepted #4 buy 5 @ 101 account=1
          canceled #4 buy 5 @ 101 fill_or_kill account=1
        = | 3 @ 100 #1, 2 @ 100 #2, 1/9 @ 101 #3
        new buy 5 @ 101 fok account=1 mode=decrement
          accepted #5 buy 5 @ 101 account=1
          canceled #5 buy 5 @ 101 fill_or_kill account=1
        = | 3 @ 100 #1, 2 @ 100 #2, 1/9 @ 101 #3
    """)


def test_R20_all_or_none_that_counts_what_self_trade_prevention_will_take_away(play: Play) -> None:
    play("""
        book mode=cancel_both
        new sell 3 @ 100 account=2
          accepted #1 sell 3 @ 100 account=2
        new sell 3 @ 100 account=1
          accepted #2 sell 3 @ 100 account=1
        new sell 3 @ 100 account=2
          accepted #3 sell 3 @ 100 account=2
        new buy 6 @ 100 aon account=1
          accepted #4 buy 6 @ 100 undisplayed account=1
        = 0/6 @ 100 #4 | 3 @ 100 #1, 3 @ 100 #2, 3 @ 100 #3
        new buy 3 @ 100 aon account=1                  -- full before it meets its own
          accepted #5 buy 3 @ 100 undisplayed account=1
          trade 1 buy 3 @ 100 maker #1 taker #5 account=2
    """)


def test_R19_fok_that_forgets_hidden_orders_or_counts_what_will_not_trade(play: Play) -> None:
    play("""
        new sell 1 @ 100 display=0
          accepted #1 sell 1 @ 100 undisplayed
        new sell 4 @ 100 display=1
          accepted #2 sell 4 @ 100 sliced
        new sell 9 @ 100 aon
          accepted #3 sell 9 @ 100 undisplayed
        new buy 6 @ 100 fok                            -- 5, and not 9 of the one that is left
          accepted #4 buy 6 @ 100
          canceled #4 buy 6 @ 100 fill_or_kill
        new buy 5 @ 100 aon
          accepted #5 buy 5 @ 100 undisplayed
          trade 1 buy 1 @ 100 maker #2 taker #5
          replenished #2 sell 1 @ 100
          trade 2 buy 1 @ 100 maker #2 taker #5
          replenished #2 sell 1 @ 100
          trade 3 buy 1 @ 100 maker #2 taker #5
          replenished #2 sell 1 @ 100
          trade 4 buy 1 @ 100 maker #2 taker #5
          trade 5 buy 1 @ 100 maker #1 taker #5
        = | 0/9 @ 100 #3
    """)


def test_R19_fok_whose_sum_wraps_at_the_lot_limit(play: Play) -> None:
    play(f"""
        new sell {MOST} @ 100
          accepted #1 sell {MOST} @ 100
        new sell {MOST} @ 100 display=0
          accepted #2 sell {MOST} @ 100 undisplayed
        new buy {MOST} @ 100 fok
          accepted #3 buy {MOST} @ 100
          trade 1 buy {MOST} @ 100 maker #1 taker #3
        new buy {MOST} @ 100 aon
          accepted #4 buy {MOST} @ 100 undisplayed
          trade 2 buy {MOST} @ 100 maker #2 taker #4
    """)


def test_R18_ioc_whose_residue_rests(play: Play) -> None:
    play("""
        new sell 2 @ 100
          accepted #1 sell 2 @ 100
        new buy 5 @ 100 ioc
          accepted #2 buy 5 @ 100
          trade 1 buy 2 @ 100 maker #1 taker #2
          canceled #2 buy 3 @ 100 immediate_or_cancel
        = |
        ~ |
        stop-limit buy 5 @ 100 stop=100 ioc             -- nor that of a triggered one
          accepted #3 buy 5 @ 100 stop_limit
          triggered #3 buy 5 @ 100
          canceled #3 buy 5 @ 100 immediate_or_cancel
        = |
    """)


@pytest.mark.parametrize("name", BOOKS)
def test_R10_a_level_left_behind_after_the_last_cancel_a_phantom_best_price(name: str) -> None:
    book = open_book(name, BookSetup())

    def do(line: str) -> None:
        book.process(encode(read_command(line, 0)))

    for line in ("new buy 5 @ 100", "new buy 5 @ 99 display=2", "new sell 5 @ 110 display=0", "new sell 9 @ 111 aon"):
        do(line)
    assert book.best_prices() == (100, None)  # what is hidden is no best price
    do("cancel #1")
    assert book.best_prices() == (99, None)
    do("cancel #2")
    do("cancel #3")
    do("cancel #4")
    assert book.best_prices() == (None, None)
    assert book.depth() == ([], [])
    # A phantom level would trade, or stop a post-only order.
    do("new sell 1 @ 90 post-only")
    do("new buy 1 @ 89 post-only")
    assert book.best_prices() == (89, 90)


@pytest.mark.parametrize("index", NATIVE)
def test_R10_a_level_left_behind_leaks(index: str) -> None:
    """Each round the same orders at the same prices come and go: after the first one memory has what it needs."""
    native = Native(BookSetup(), index)
    rng = random.Random(10)
    terms = ("", "display=1", "display=0", "aon", "gtd until=9000")
    prices = [(rng.choice(("buy", "sell")), rng.randint(-5_000, 5_000), rng.choice(terms)) for _ in range(2_000)]
    lines = [f"new {side} 3 @ {20_000 + price if side == 'sell' else price} {term}" for side, price, term in prices]
    memory = []
    for round_ in range(4):
        for number, line in enumerate(lines):
            native.process(encode(read_command(line, 0)))
            native.process(encode(read_command(f"cancel #{round_ * len(lines) + number + 1}", 0)))
        statistics = native.book.statistics
        assert (statistics.order_count, statistics.bid_levels, statistics.ask_levels) == (0, 0, 0)
        memory.append(statistics.memory_bytes)
    assert memory[1:] == [memory[1]] * 3


def test_R22_amend_that_leaves_the_book_crossed(play: Play) -> None:
    play("""
        new buy 5 @ 99
          accepted #1 buy 5 @ 99
        new sell 5 @ 101
          accepted #2 sell 5 @ 101
        new sell 2 @ 100 display=0
          accepted #3 sell 2 @ 100 undisplayed
        amend #1 @ 102
          accepted #1
          amended #1 buy 5 @ 102 total 5 lost
          trade 1 buy 2 @ 100 maker #3 taker #1
          trade 2 buy 3 @ 101 maker #2 taker #1
        amend #2 9 @ 90
          accepted #2
          amended #2 sell 6 @ 90 total 9 lost
        = | 6 @ 90 #2
    """)


def test_R10_fifo_lost_after_a_partial_fill(play: Play) -> None:
    play("""
        new sell 5 @ 100
          accepted #1 sell 5 @ 100
        new sell 5 @ 100
          accepted #2 sell 5 @ 100
        new buy 1 @ 100
          accepted #3 buy 1 @ 100
          trade 1 buy 1 @ 100 maker #1 taker #3
        amend #1 4                                     -- less, after it too
          accepted #1
          amended #1 sell 3 @ 100 total 4 kept
        new buy 4 @ 100
          accepted #4 buy 4 @ 100
          trade 2 buy 3 @ 100 maker #1 taker #4
          trade 3 buy 1 @ 100 maker #2 taker #4
    """)


def test_R23_survivors_lost_on_cancel(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        new sell 1 @ 100
          accepted #2 sell 1 @ 100
        new sell 1 @ 100 display=0
          accepted #3 sell 1 @ 100 undisplayed
        new sell 1 @ 100
          accepted #4 sell 1 @ 100
        new sell 1 @ 100 display=0
          accepted #5 sell 1 @ 100 undisplayed
        cancel #2                                      -- in the middle
          accepted #2
          canceled #2 sell 1 @ 100 requested
        cancel #3                                      -- at the head of the hidden ones
          accepted #3
          canceled #3 sell 1 @ 100 requested
        cancel #4                                      -- at the tail of the displayed ones
          accepted #4
          canceled #4 sell 1 @ 100 requested
        new sell 1 @ 100
          accepted #6 sell 1 @ 100
        market buy 9
          accepted #7 buy 9 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #7
          trade 2 buy 1 @ 100 maker #6 taker #7
          trade 3 buy 1 @ 100 maker #5 taker #7
          canceled #7 buy 6 @ 0 no_liquidity
    """)


def test_R10_trade_at_the_takers_price(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        stop-limit buy 1 @ 130 stop=100
          accepted #2 buy 1 @ 130 stop_limit
        new sell 1 @ 101
          accepted #3 sell 1 @ 101
        new sell 2 @ 102
          accepted #4 sell 2 @ 102
        new buy 3 @ 120 aon
          accepted #5 buy 3 @ 120 undisplayed
          trade 1 buy 1 @ 100 maker #1 taker #5
          trade 2 buy 1 @ 101 maker #3 taker #5
          trade 3 buy 1 @ 102 maker #4 taker #5
          triggered #2 buy 1 @ 130
          trade 4 buy 1 @ 102 maker #4 taker #2
        new buy 1 @ 98
          accepted #6 buy 1 @ 98
        new sell 1 @ 50
          accepted #7 sell 1 @ 50
          trade 5 sell 1 @ 98 maker #6 taker #7
    """)


def test_R14_iceberg_that_invents_quantity(play: Play) -> None:
    # 7 lots in slices of 3: shown, traded, amended, decremented, they stay 7.
    play("""
        book mode=decrement
        new sell 7 @ 100 display=3 account=1
          accepted #1 sell 7 @ 100 sliced account=1
        new buy 4 @ 100 account=2
          accepted #2 buy 4 @ 100 account=2
          trade 1 buy 3 @ 100 maker #1 taker #2 account=1
          replenished #1 sell 3 @ 100 account=1
          trade 2 buy 1 @ 100 maker #1 taker #2 account=1
        = | 2/3 @ 100 #1
        amend #1 6 account=1
          accepted #1 account=1
          amended #1 sell 2 @ 100 total 6 kept account=1
        = | 2 @ 100 #1
        new buy 1 @ 100 account=1
          accepted #3 buy 1 @ 100 account=1
          decremented #1 sell 1 @ 100 taker #3 account=1
          canceled #3 buy 0 @ 100 self_trade account=1
        market buy 9
          accepted #4 buy 9 @ 0 market
          trade 3 buy 1 @ 100 maker #1 taker #4 account=1
          canceled #4 buy 8 @ 0 no_liquidity
    """)


def test_R14_iceberg_that_crosses_after_a_refresh(play: Play) -> None:
    play("""
        new sell 9 @ 100 display=2
          accepted #1 sell 9 @ 100 sliced
        new buy 4 @ 101                                 -- ends where a new slice has just come up
          accepted #2 buy 4 @ 101
          trade 1 buy 2 @ 100 maker #1 taker #2
          replenished #1 sell 2 @ 100
          trade 2 buy 2 @ 100 maker #1 taker #2
          replenished #1 sell 2 @ 100
        new buy 9 @ 101                                 -- and nothing rests before the reserve is gone
          accepted #3 buy 9 @ 101
          trade 3 buy 2 @ 100 maker #1 taker #3
          replenished #1 sell 2 @ 100
          trade 4 buy 2 @ 100 maker #1 taker #3
          replenished #1 sell 1 @ 100
          trade 5 buy 1 @ 100 maker #1 taker #3
        = 4 @ 101 #3 |
    """)


def test_R27_iceberg_that_crosses_after_an_uncross(play: Play) -> None:
    play("""
        phase auction
          accepted
          phase auction
        new sell 9 @ 100 display=2
          accepted #1 sell 9 @ 100 sliced
        new buy 5 @ 103 display=1
          accepted #2 buy 5 @ 103 sliced
        new buy 5 @ 101
          accepted #3 buy 5 @ 101
        phase continuous
          accepted
          phase continuous
          trade 1 5 @ 101 maker #1 taker #2
          trade 2 4 @ 101 maker #1 taker #3
        = 1 @ 101 #3 |
        ~ 1 @ 101 x1 |
    """)


def test_R27_peak_shown_in_an_auction(play: Play) -> None:
    # The whole order counts for price and quantity; what depth shows is the slice.
    play("""
        phase auction
          accepted
          phase auction
        new sell 100 @ 99 display=1
          accepted #1 sell 100 @ 99 sliced
        new sell 10 @ 101
          accepted #2 sell 10 @ 101
        new buy 60 @ 101 display=2
          accepted #3 buy 60 @ 101 sliced
        ? 60 @ 99 -40
        ~ 2 @ 101 x1 | 1 @ 99 x1, 10 @ 101 x1
        phase continuous
          accepted
          phase continuous
          trade 1 60 @ 99 maker #1 taker #3
          replenished #1 sell 1 @ 99
        = | 1/40 @ 99 #1, 10 @ 101 #2
    """)


def test_R23_stop_that_cannot_be_canceled(play: Play) -> None:
    play("""
        stop buy 1 stop=100 account=1 id=a
          accepted #1 buy 1 @ 0 stop account=1
        trailing-stop buy 1 trail=5
          accepted #2 buy 1 @ 0 trailing_stop
        new sell 2 @ 100
          accepted #3 sell 2 @ 100
        cancel id=a account=1
          accepted #1 account=1
          canceled #1 buy 1 @ 0 requested account=1
        cancel #2
          accepted #2
          canceled #2 buy 1 @ 0 requested
        cancel #2
          rejected unknown_order
        new buy 1 @ 100                                 -- neither fires any more
          accepted #4 buy 1 @ 100
          trade 1 buy 1 @ 100 maker #3 taker #4
        = | 1 @ 100 #3
    """)


def test_R15_stop_that_is_inverted(play: Play) -> None:
    play("""
        new sell 1 @ 100
          accepted #1 sell 1 @ 100
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #2
        stop buy 1 stop=101                             -- above: it waits for a rise
          accepted #3 buy 1 @ 0 stop
        stop sell 1 stop=99                             -- below: it waits for a fall
          accepted #4 sell 1 @ 0 stop
        new buy 3 @ 99
          accepted #5 buy 3 @ 99
        market sell 1
          accepted #6 sell 1 @ 0 market
          trade 2 sell 1 @ 99 maker #5 taker #6
          triggered #4 sell 1 @ 0
          trade 3 sell 1 @ 99 maker #5 taker #4
        = 1 @ 99 #5 | | buy 1 stop 101 #3
        stop buy 1 stop=98                              -- below the last price: reached
          accepted #7 buy 1 @ 0 stop
          triggered #7 buy 1 @ 0
          canceled #7 buy 1 @ 0 no_liquidity
    """)


@pytest.mark.parametrize("name", BOOKS)
def test_R16_stops_that_cascade_once_only(name: str) -> None:
    """Each stop's trade reaches the next one: a thousand in one command, and no stack grows with them."""
    book, stops = open_book(name, BookSetup()), 1_000
    for price in range(stops + 1):
        book.process(encode(read_command(f"new sell 1 @ {price}", 0)))
    for price in range(stops):
        book.process(encode(read_command(f"stop buy 1 stop={price}", 0)))
    events = book.process(encode(read_command("market buy 1", 0)))
    kinds = list(events[::64])
    assert kinds == [1] + [5] + [4, 5] * stops
    assert book.best_prices() == (None, None)


def test_R1_overflow_near_2_to_the_63(play: Play) -> None:
    play(f"""
        new sell {MOST} @ {MAX}
          accepted #1 sell {MOST} @ {MAX}
        new sell {MOST} @ {MAX} display={MOST}
          accepted #2 sell {MOST} @ {MAX} sliced
        new buy {MOST} @ {MIN}
          accepted #3 buy {MOST} @ {MIN}
        ~ {MOST} @ {MIN} x1 | {2 * MOST} @ {MAX} x2
        stop buy {MOST} stop={MAX}
          accepted #4 buy {MOST} @ 0 stop
        stop sell {MOST} stop={MIN}
          accepted #5 sell {MOST} @ 0 stop
        trailing-stop sell 1 trail={MAX}
          accepted #6 sell 1 @ 0 trailing_stop
        new buy {MOST} @ {MAX}
          accepted #7 buy {MOST} @ {MAX}
          trade 1 buy {MOST} @ {MAX} maker #1 taker #7
          triggered #4 buy {MOST} @ 0
          trade 2 buy {MOST} @ {MAX} maker #2 taker #4
        = {MOST} @ {MIN} #3 | | sell 1 stop 0 #6, sell {MOST} stop {MIN} #5
        new sell 1 @ {MIN}
          accepted #8 sell 1 @ {MIN}
          trade 3 sell 1 @ {MIN} maker #3 taker #8
          triggered #6 sell 1 @ 0
          trade 4 sell 1 @ {MIN} maker #3 taker #6
          triggered #5 sell {MOST} @ 0
          trade 5 sell {MOST - 2} @ {MIN} maker #3 taker #5
          canceled #5 sell 2 @ 0 no_liquidity
    """)


def test_R1_overflow_of_a_band_or_an_auction_price_near_2_to_the_63(play: Play) -> None:
    play(f"""
        book breaker-bps=1 reference={MAX}
        new sell 1 @ {MIN}
          accepted #1 sell 1 @ {MIN}
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ {MIN} maker #1 taker #2
        new sell 1 @ {MAX}
          accepted #3 sell 1 @ {MAX}
        market buy 1
          accepted #4 buy 1 @ 0 market
          phase halted
          canceled #4 buy 1 @ 0 halted
        phase auction
          accepted
          phase auction
        new buy 1 @ {MAX}
          accepted #5 buy 1 @ {MAX}
        ? 1 @ {MAX} +0
        amend #3 @ {MIN}
          accepted #3
          amended #3 sell 1 @ {MIN} total 1 lost
        ? 1 @ {MIN} +0
    """)


def test_R5_duplicate_id_that_trades_before_it_is_rejected(play: Play) -> None:
    play("""
        new sell 5 @ 100
          accepted #1 sell 5 @ 100
        stop-limit buy 1 @ 90 stop=200 account=1 id=a
          accepted #2 buy 1 @ 90 stop_limit account=1
        new buy 5 @ 100 account=1 id=a
          rejected duplicate_client_order_id buy #2 account=1
        market buy 5 account=1 id=a
          rejected duplicate_client_order_id buy #2 account=1
        = | 5 @ 100 #1 | buy 1 stop 200 #2
        market buy 1                                    -- trade id 1 is still to come
          accepted #3 buy 1 @ 0 market
          trade 1 buy 1 @ 100 maker #1 taker #3
    """)


def test_R25_residue_after_self_trade_prevention_that_rests(play: Play) -> None:
    play("""
        new sell 1 @ 99 account=2
          accepted #1 sell 1 @ 99 account=2
        new sell 2 @ 100 account=1
          accepted #2 sell 2 @ 100 account=1
        new buy 9 @ 100 display=2 account=1 mode=cancel_newest
          accepted #3 buy 9 @ 100 sliced account=1
          trade 1 buy 1 @ 99 maker #1 taker #3 account=2
          canceled #3 buy 8 @ 100 self_trade account=1
        = | 2 @ 100 #2
        new buy 5 @ 90 account=1 mode=cancel_both
          accepted #4 buy 5 @ 90 account=1
        amend #4 @ 100
          accepted #4 account=1
          amended #4 buy 5 @ 100 total 5 lost account=1
          canceled #2 sell 2 @ 100 self_trade account=1
          canceled #4 buy 5 @ 100 self_trade account=1
        = |
    """)


# What is played in processes whose hashes are seeded differently: accounts, client ids, groups, expiries, stops.
HASHED_PLAY = """
import random, sys
from tests.books import BookSetup, open_book
from tests.rules.notation import read_command
from aeromatch.market.reference import encode
rng = random.Random(5)
book = open_book(sys.argv[1], BookSetup(dedup_window_ns=50))
def do(line):
    sys.stdout.buffer.write(book.process(encode(read_command(line, 0))))
for number in range(600):
    side, price = rng.choice(("buy", "sell")), rng.randint(90, 110)
    who = f"account={rng.randint(1, 9)} id=x{number} mode=decrement group={rng.randint(1, 3)} time={number}"
    what = rng.choice((f"new {side} 5 @ {price} gtd until={number + rng.randint(1, 90)}", f"new {side} 9 @ {price} day",
                       f"new {side} 4 @ {price} aon", f"stop {side} 3 stop={price}", f"trailing-stop {side} 2 trail=3",
                       f"new {side} 9 @ {price} display=2"))
    do(f"{what} {who}")
    if number % 150 == 149:
        do("mass-cancel account=3")
        do("phase auction")
        do("phase continuous")
do("phase closed")
do("mass-cancel")
sys.stdout.write(book.digest())
"""


@pytest.mark.parametrize("name", BOOKS)
def test_R3_replay_that_differs_by_hash_order(name: str) -> None:
    said = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", HASHED_PLAY, name]
        result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr.decode()
        said.append(result.stdout)
    assert len(said[0]) > 64 * 1_000
    assert hashlib.blake2b(said[0]).digest() == hashlib.blake2b(said[1]).digest()


@pytest.mark.parametrize("index", NATIVE)
def test_R3_replay_goes_the_same_way_from_a_snapshot(index: str) -> None:
    lines = (
        "new sell 9 @ 105 display=2 account=1",
        "new sell 3 @ 104 display=0",
        "new buy 9 @ 110 aon",
        "stop-limit buy 4 @ 120 stop=105 min=1 account=2 id=s",
        "trailing-stop sell 2 trail-bps=100",
        "new buy 5 @ 100 gtd until=50 group=3",
        "new buy 1 @ 104",
        "phase auction",
        "market sell 3 protect=99",
        "market buy 2",
    )
    later = ("phase continuous time=20", "new sell 4 @ 100", "market buy 8", "time 60", "phase closed", "mass-cancel")
    native, reference = Native(BookSetup(), index), Reference(BookSetup())
    for line in lines:
        native.process(encode(read_command(line, 0)))
        reference.process(encode(read_command(line, 0)))
        assert native.digest() == reference.digest(), line
    for other in NATIVE:
        restored = native.restored(other)
        assert restored.digest() == native.digest()
        goes_on = Reference(BookSetup())
        for line in lines:
            goes_on.process(encode(read_command(line, 0)))
        for line in later:
            slots = encode(read_command(line, 0))
            assert restored.process(slots) == goes_on.process(slots), line
        assert restored.digest() == goes_on.digest()
