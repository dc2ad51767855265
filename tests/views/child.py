"""The process that is killed: an exchange at work, and views that follow it."""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path

from tests.views.venue import START_NS, following, open_venue, options, trade

STEP = 50


async def run(directory: Path, file: Path, seed: int) -> None:
    """Trade until killed."""
    exchange = open_venue(directory)
    rng = random.Random(seed)
    at_ns = max(START_NS, exchange.now)
    async with following(exchange, options(file, flush_s=0.005), directory) as (views, _feed):
        while True:
            at_ns = await asyncio.to_thread(trade, exchange, rng, STEP, at_ns, named=views.named)
            print(at_ns, flush=True)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.directory, arguments.file, arguments.seed))


if __name__ == "__main__":
    main()
