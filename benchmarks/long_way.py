"""What leaves the plain path, and what it costs: the calm flow under other rules, beside other orders; trailing stops.

    .venv/bin/python benchmarks/long_way.py

Every case runs in every round on a fresh book; medians of the rounds, events out as an array, nanoseconds a command.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import aeromatch
from aeromatch import Instrument, OrderBook
from aeromatch.replay.generate import Mood, flow

COMMANDS = 200_000
ROUNDS = 7
BATCH = 4_096
FAR = 1 << 40  # a price in ticks that the market does not come near


def plain() -> OrderBook:
    """An empty book under no rules of its own."""
    return OrderBook(Instrument("T"))


def with_stop() -> OrderBook:
    """With a stop that is never reached."""
    book = plain()
    book.submit("buy", quantity=1, order_type="stop", stop_price=FAR)
    return book


def with_aon() -> OrderBook:
    """With an all-or-none order that is never met."""
    book = plain()
    book.submit("sell", quantity=1, price=FAR, time_in_force="aon")
    return book


def with_hidden() -> OrderBook:
    """With a hidden order that is never met."""
    book = plain()
    book.submit("sell", quantity=1, price=FAR, display_quantity=0)
    return book


BOOKS: dict[str, Callable[[], OrderBook]] = {
    "plain": plain,
    "every order has an account": plain,
    "a dormant stop in the book": with_stop,
    "a hidden order in the book": with_hidden,
    "an all-or-none order in the book": with_aon,
    "pro rata": lambda: OrderBook(Instrument("T", matching="pro_rata")),
    "static band": lambda: OrderBook(Instrument("T", reference_price=0, static_band_ticks=FAR)),
    "circuit breaker": lambda: OrderBook(Instrument("T", circuit_breaker_ticks=FAR)),
}


def one_run(name: str, opening: aeromatch.Commands, session: aeromatch.Commands) -> float:
    """Nanoseconds a command of the session."""
    book = BOOKS[name]()
    first = len(book)
    batches = []
    for commands in (opening, session):
        slots = commands.slots.copy()
        # Order ids count from those that stand in the book already.
        slots["order_id"] += (slots["order_id"] > 0).astype("u8") * first
        if "account" in name:
            slots["account"] = 1
        batches.append(slots)
    book.process(batches[0])
    started = time.perf_counter()
    for start in range(0, len(batches[1]), BATCH):
        book.process(batches[1][start : start + BATCH])
    return (time.perf_counter() - started) / len(session) * 1e9


def trailing(stops: int) -> float:
    """Microseconds a trade that moves the price, with so many trailing stops in the book."""
    book = plain()
    book.submit("sell", quantity=1, price=1000)
    book.submit("buy", quantity=1, price=1000)
    for number in range(stops):
        side = "sell" if number % 2 else "buy"
        book.submit(side, quantity=1, order_type="trailing_stop", trail_offset=500 + number % 97)
    prices = [1000 + number % 7 * 3 - number % 5 for number in range(2_000) for _ in range(2)]
    batch = aeromatch.commands(side=["sell", "buy"] * 2_000, price_ticks=prices, quantity_lots=1)
    started = time.perf_counter()
    book.process(batch)
    return (time.perf_counter() - started) / 2_000 * 1e6


def main() -> None:
    """Prints both tables."""
    opening, session = flow(Mood("calm"), COMMANDS, 1)
    times: dict[str, list[float]] = {name: [] for name in BOOKS}
    for _ in range(ROUNDS):
        for name, taken in times.items():
            taken.append(one_run(name, opening, session))
    for name, taken in times.items():
        print(f"{name:33} {statistics.median(taken):5.0f} ns a command")
    for stops in (0, 100, 1_000, 10_000):
        print(f"{stops:6,} trailing stops {statistics.median(trailing(stops) for _ in range(3)):18.2f} us a trade")


if __name__ == "__main__":
    main()
