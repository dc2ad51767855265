"""The process that is killed: an exchange at work, and a recorder that counts beside it."""

from __future__ import annotations

import argparse
from itertools import count
from pathlib import Path

from tests.crash.child import say
from tests.sharded import setup
from tests.statistics.logs import PERIODS, send, send_to_shards

from aeromatch import Exchange, Shards
from aeromatch.analytics.statistics import Recorder
from aeromatch.stores import SqliteStatistics

STEP = 7


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--shards", type=int)
    arguments = parser.parse_args()
    shards = None if arguments.shards is None else Shards(arguments.shards, samples=4_096)
    exchange = Exchange.open(
        arguments.directory, durability="os", segment_bytes=16_384, snapshot_bytes=65_536, shards=shards
    )
    store = SqliteStatistics(arguments.file, periods=PERIODS)
    with Recorder(exchange, store, interval_s=0.01):
        if shards is None:
            while True:
                send(exchange, arguments.seed, exchange.sequence + STEP)
                say(str(exchange.sequence))
        if not exchange.instruments():
            for command in setup():
                command(exchange)
        begin = exchange.now // 300_000_000
        for round_ in count(begin):
            send_to_shards(exchange, arguments.seed, [round_])
            say(str(round_))


if __name__ == "__main__":
    main()
