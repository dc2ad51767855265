"""The process that is killed: an exchange with shards, a thread for the load of each, and one for commands for all.

The load of shard 0 comes from a thread, one command after another, that of shard 1 from an event loop, many at a time.
Lines on stdout, each written in one go: `open FOR_ALL OF_SHARD...`, what it found of each load, then `SHARD NUMBER` as
soon as that command and all before it were answered; `all` in place of a shard is of those for all.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
from collections.abc import Callable
from functools import partial

from tests.crash.child import opened, say
from tests.crash.sharded_load import LONGEST_BATCH, OPTIONS, SETUP, SHARDS, Call, command, for_all, progress

from aeromatch import AsyncExchange, Exchange


def main() -> int:
    """Run until killed."""
    exchange, seed = opened(OPTIONS)
    made = progress(exchange)
    say(f"open {made.for_all} {' '.join(map(str, made.of_shard))}")
    for number in range(made.for_all + 1, len(SETUP) + 1):
        for_all(number)(exchange)
        say(f"all {number}")
    one, other = range(SHARDS)
    later = max(made.for_all, len(SETUP))
    for work in (
        partial(one_by_one, exchange.port(), str(one), partial(command, seed, one), made.of_shard[one]),
        partial(one_by_one, exchange.port(), "all", for_all, later),
    ):
        threading.Thread(target=work, daemon=True).start()
    asyncio.run(many_at_once(exchange, seed, other, made.of_shard[other]))
    return 0


def one_by_one(port: Exchange, name: str, load: Callable[[int], Call], done: int) -> None:
    """Send a load through a port of this thread's own."""
    for number in itertools.count(done + 1):
        load(number)(port)
        say(f"{name} {number}")


async def many_at_once(exchange: Exchange, seed: int, shard: int, done: int) -> None:
    """Send a load so that many commands wait for their answers at once."""
    waiting = AsyncExchange._over(exchange)
    for first in itertools.count(done + 1, LONGEST_BATCH):
        calls = [command(seed, shard, number) for number in range(first, first + LONGEST_BATCH)]
        await asyncio.gather(*(getattr(waiting, call.func.__name__)(**call.keywords) for call in calls))
        say(f"{shard} {first + LONGEST_BATCH - 1}")


if __name__ == "__main__":
    sys.exit(main())
