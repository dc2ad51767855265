"""The process that is killed: opens a directory, says what it found, sends its load, says what was acknowledged.

Lines on stdout, each written in one go: `open SEQUENCE DIGEST`, then `SEQUENCE` after each call that returned.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.crash.load import advance

from aeromatch import Exchange, Shards


def main() -> int:
    """Run until killed, or interrupted."""
    exchange, seed = opened()
    say(f"open {exchange.sequence} {exchange.digest()}")
    try:
        while True:
            say(str(advance(exchange, seed)))
    except KeyboardInterrupt:
        # Not closed: what was acknowledged is there all the same.
        say(f"interrupted {exchange.sequence}")
        return 130


def opened(shards: Shards | None = None) -> tuple[Exchange, int]:
    """Open what the command line names; the exchange, and the seed of its load."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--durability", choices=("os", "disk"), required=True)
    parser.add_argument("--segment-bytes", type=int, required=True)
    parser.add_argument("--snapshot-bytes", type=int, required=True)
    arguments = parser.parse_args()
    exchange = Exchange.open(
        arguments.directory,
        durability=arguments.durability,
        segment_bytes=arguments.segment_bytes,
        snapshot_bytes=arguments.snapshot_bytes,
        shards=shards,
    )
    return exchange, arguments.seed


def say(text: str) -> None:
    """Write a line past Python's buffers: it is the parent's, whatever becomes of this process."""
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
