"""What an exchange adds to a book, and settlement to an exchange: the calm flow through each, in turns.

    .venv/bin/python benchmarks/settlement.py

Every case runs in every round from an empty start; medians of the rounds, events out as an array, nanoseconds a
command. All orders are of one account, which has enough of everything.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from aeromatch import Exchange, Instrument, OrderBook
from aeromatch.replay.generate import Mood, flow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aeromatch import Commands

COMMANDS = 200_000
ROUNDS = 9
BATCH = 4_096
NUMBER = 1
ENOUGH = "1000000000000"


def book() -> OrderBook:
    """A book alone."""
    return OrderBook(Instrument("T", number=NUMBER))


def unsettled() -> Exchange:
    """An exchange with one instrument for which no accounts are looked at, and ten more."""
    exchange = Exchange()
    for number in range(NUMBER, NUMBER + 11):
        exchange.create_instrument(Instrument(f"T{number}", number=number))
    exchange.create_account("alice")
    return exchange


def settled(maker_fee_bps: int, taker_fee_bps: int) -> Exchange:
    """An exchange whose one instrument is settled."""
    exchange = Exchange()
    exchange.create_account("alice")
    fees = {"maker_fee_bps": maker_fee_bps, "taker_fee_bps": taker_fee_bps}
    exchange.create_instrument(Instrument("T", number=NUMBER, base="T", quote="USD", settlement=True, **fees))
    for asset in ("T", "USD"):
        exchange.deposit("alice", asset, ENOUGH)
    return exchange


CASES = {
    "a book alone": book,
    "an exchange, nothing settled": unsettled,
    "an exchange, settled, no fees": lambda: settled(0, 0),
    "an exchange, settled, rebate and fee": lambda: settled(-1, 10),
}


def slots_of(commands: Commands) -> NDArray[np.void]:
    """The commands for instrument 1, all of account 1."""
    slots = commands.slots.copy()
    slots["instrument"] = NUMBER
    slots["account"] = 1
    slots["order_id"] += (slots["order_id"] > 0).astype("u8") << 40
    return slots


def one_run(name: str, opening: NDArray[np.void], session: NDArray[np.void]) -> float:
    """Nanoseconds a command of the session."""
    venue = CASES[name]()
    venue.process(opening)
    started = time.perf_counter()
    for start in range(0, len(session), BATCH):
        venue.process(session[start : start + BATCH])
    return (time.perf_counter() - started) / len(session) * 1e9


def main() -> None:
    """Prints the table."""
    opening, session = (slots_of(commands) for commands in flow(Mood("calm"), COMMANDS, 1))
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, taken in times.items():
            taken.append(one_run(name, opening, session))
    for name, taken in times.items():
        print(f"{name:38} {statistics.median(taken):5.0f} ns a command")


if __name__ == "__main__":
    main()
