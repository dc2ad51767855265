"""The process that is killed: an exchange at work, and a recorder that counts beside it."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.crash.child import say
from tests.statistics.logs import PERIODS, send

from aeromatch import Exchange
from aeromatch.analytics.statistics import Recorder
from aeromatch.stores import SqliteStatistics

STEP = 7


def main() -> None:
    """Run until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    exchange = Exchange.open(arguments.directory, durability="os", segment_bytes=16_384, snapshot_bytes=65_536)
    store = SqliteStatistics(arguments.file, periods=PERIODS)
    with Recorder(arguments.directory, store, interval_s=0.01):
        while True:
            send(exchange, arguments.seed, exchange.sequence + STEP)
            say(str(exchange.sequence))


if __name__ == "__main__":
    main()
