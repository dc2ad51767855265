"""A session of 600 commands with its events, byte for byte: what was once released must never change unnoticed.

The session's commands are data, not generated anew, so a change of the generator does not touch them. Where a change
of the rules or records is meant, `python -m tests.golden.test_golden` writes the events anew; the difference belongs
in CHANGELOG.md.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.books import BOOKS, EVENT_BYTES, BookSetup, open_book

from aeromatch.market.reference import SelfTradePrevention

FOLDER = Path(__file__).parent
SETUP = BookSetup(instrument=7, dedup_window_ns=60, self_trade_prevention=SelfTradePrevention.DECREMENT)


def read(name: str) -> bytes:
    """The bytes of a file that is kept compressed."""
    return gzip.decompress((FOLDER / name).read_bytes())


@pytest.mark.parametrize("kind", BOOKS)
def test_golden_session(kind: str) -> None:
    wanted, digest = read("session.events.gz"), (FOLDER / "session.digest").read_text().strip()
    book = open_book(kind, SETUP)
    found = book.process(read("session.commands.gz"))
    for at in range(0, len(wanted), EVENT_BYTES):
        assert found[at : at + EVENT_BYTES] == wanted[at : at + EVENT_BYTES], f"event {at // EVENT_BYTES}"
    assert len(found) == len(wanted)
    assert book.digest() == digest


def write() -> None:
    """Write events and digest as the reference model gives them."""
    book = open_book("reference", SETUP)
    events = book.process(read("session.commands.gz"))
    (FOLDER / "session.events.gz").write_bytes(gzip.compress(events, mtime=0))
    (FOLDER / "session.digest").write_text(book.digest() + "\n")


if __name__ == "__main__":
    write()
