"""The process that is killed: opens a directory, says what it found, sends its load, says what was acknowledged.

Lines on stdout, each written in one go: `open SEQUENCE DIGEST`, then `SEQUENCE` after each call that returned.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.crash.load import advance

from aeromatch import Exchange


def main() -> int:
    """Run until killed, or interrupted."""
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
    )
    say(f"open {exchange.sequence} {exchange.digest()}")
    try:
        while True:
            say(str(advance(exchange, arguments.seed)))
    except KeyboardInterrupt:
        # Not closed: what was acknowledged is there all the same.
        say(f"interrupted {exchange.sequence}")
        return 130


def say(text: str) -> None:
    """Write a line past Python's buffers: it is the parent's, whatever becomes of this process."""
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
