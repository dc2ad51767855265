"""Threads at one exchange at once, each through a port of its own: writers, readers of books, followers of streams."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.api.test_streams import joined
from tests.sharded import PLAIN, Call, batch, books, call, settled, told

from aeromatch import Events, Exchange, Instrument, Report, Shards, StreamLagged

WRITERS = 3
ORDERS = 400
COUNTS = [1, 2]


def at_once(*works: Callable[[], None]) -> None:
    """Runs them on threads; raises what one of them raised."""
    raised: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def market(ex: Exchange) -> None:
    for symbol in PLAIN:
        ex.create_instrument(Instrument(symbol))
    for number in range(WRITERS):
        ex.create_account(f"writer-{number}")


def write(ex: Exchange, number: int, answers: list[tuple[Call, Report]]) -> None:
    """Orders around a middle that moves, some of which trade, and cancels of some of them."""
    dice, mine = random.Random(number), []
    with ex.port() as port:

        def send(command: Call) -> Report:
            report: Report = command(port)
            answers.append((command, report))
            return report

        for turn in range(ORDERS):
            symbol, side = dice.choice(PLAIN), dice.choice(("buy", "sell"))
            price = 100 + turn // 40 + (-1 if side == "buy" else 1) * dice.randint(-2, 8)
            order = {"quantity": dice.randint(1, 9), "price": price, "account": f"writer-{number}"}
            report = send(call("submit", symbol, side, **order))
            assert report.accepted
            mine.append((symbol, report.order_id))
            if turn % 5 == 4:
                send(call("cancel", *mine.pop(dice.randrange(len(mine)))))


def check_book(view: Any) -> bool:
    """Looks at a book while it changes; whether there was anything."""
    spread = view.spread
    assert spread is None or spread > 0
    depth = view.depth()
    bids, asks = [level.price for level in depth.bids], [level.price for level in depth.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    assert not (bids and asks) or bids[0] < asks[0]
    assert all(level.quantity >= level.order_count > 0 for level in [*depth.bids, *depth.asks])
    return bool(bids and asks)


@pytest.mark.parametrize("levels", [0, 4])
@pytest.mark.parametrize("count", COUNTS)
def test_books_are_whole_while_others_trade(count: int, levels: int) -> None:
    with Exchange(shards=Shards(count, published_levels=levels)) as ex:
        market(ex)
        answers: list[list[tuple[Call, Report]]] = [[] for _ in range(WRITERS)]
        done = threading.Event()
        looks = [0, 0]

        def writing() -> None:
            try:
                at_once(*(partial(write, ex, number, answers[number]) for number in range(WRITERS)))
            finally:
                done.set()

        def reading(reader: int) -> None:
            with ex.port() as port:
                views = [port.book(symbol) for symbol in PLAIN]
                while not done.is_set() or looks[reader] == 0:
                    looks[reader] += sum(map(check_book, views))

        at_once(writing, partial(reading, 0), partial(reading, 1))
        assert min(looks) > 0
        # Everything that was answered is there, and nothing else.
        assert books_after([answer for each in answers for answer in each]) == books(ex)


def books_after(answers: list[tuple[Call, Report]]) -> list[Any]:
    """The books after the same commands on one thread, in the order of the shards' logs, answered as they did."""
    with Exchange() as alone:
        market(alone)
        for command, report in sorted(answers, key=lambda answer: answer[1].events[0].sequence):
            assert told(command(alone)) == told(report)
        return books(alone)


@pytest.mark.parametrize("count", COUNTS)
def test_what_was_answered_can_be_read_at_once(count: int) -> None:
    """A reader's port sees what another one was told before: publication comes before the answer."""
    with Exchange(shards=count) as ex:
        market(ex)
        told = [Decimal(0)] * len(PLAIN)
        done = threading.Event()

        def writing() -> None:
            with ex.port() as port:
                for price in range(1, 60):
                    for place, symbol in enumerate(PLAIN):
                        assert port.submit(symbol, "buy", quantity=1, price=price, account="writer-0").accepted
                        told[place] = Decimal(price)
            done.set()

        def reading() -> None:
            with ex.port() as port:
                views = [port.book(symbol) for symbol in PLAIN]
                while not done.is_set():
                    for place, view in enumerate(views):
                        before = told[place]
                        best = view.best_bid
                        assert (best or 0) >= before

        at_once(writing, reading)


def test_names_are_known_to_all_ports(tmp_path: Path) -> None:
    with Exchange.open(tmp_path, durability="memory", shards=2) as ex:
        ex.create_account("alice")
        ex.create_asset("USD", 6)

        def making(number: int) -> None:
            with ex.port() as port:
                for each in range(15):
                    symbol = f"T{number}-{each}"
                    made = port.create_instrument(settled(f"{symbol}-USD", f"group-{number}"))
                    assert made.accepted
                    assert port.deposit("alice", "USD", 5, group=f"group-{number}").accepted
                    report = port.submit(f"{symbol}-USD", "buy", quantity="0.1", price="0.01", account="alice")
                    assert report.accepted
                    assert port.book(f"{symbol}-USD").best_bid == Decimal("0.01")

        at_once(*(partial(making, number) for number in range(3)))
        assert len(ex.instruments()) == 45
        digest = ex.digest()
    with Exchange.open(tmp_path) as again:
        assert again.digest() == digest
        assert len(again.instruments()) == 45


@pytest.mark.parametrize("ring", [128, 65536])
def test_many_followers_beside_many_writers(tmp_path: Path, ring: int) -> None:
    with Exchange.open(tmp_path, durability="memory", shards=Shards(2, stream_events=ring)) as ex:
        market(ex)
        seen: list[list[Events]] = [[], []]
        done = threading.Event()

        def follow(number: int) -> None:
            position: int | tuple[int, ...] = 0
            while True:
                stream = ex.stream(position)
                try:
                    while True:
                        events = stream.read(1 + 999 * number, timeout_s=0.01)
                        if events is not None:
                            seen[number].append(events)
                        elif done.is_set():
                            return
                except StreamLagged as lagged:
                    position = lagged.position

        answers: list[Events] = []
        lock = threading.Lock()

        def work(number: int) -> None:
            with ex.port() as port:
                for seed in range(10):
                    events = port.process(batch(300, 10 * number + seed))
                    with lock:
                        answers.append(events)

        def writing() -> None:
            try:
                at_once(*(partial(work, number) for number in range(WRITERS)))
            finally:
                done.set()

        at_once(writing, partial(follow, 0), partial(follow, 1))
        expected = joined(answers)
        for each in seen:
            got = joined(each)
            for shard in range(2):
                theirs, ours = ((array["instrument"].astype(int) - 1) % 2 == shard for array in (expected, got))
                ours &= (got["instrument"] != 0) & (got["kind"] != 11)
                # In order of the shard's numbers: each event once.
                wanted = expected[theirs]
                order = wanted[wanted["sequence"].argsort(kind="stable")]
                assert got[ours].tobytes() == order.tobytes()
