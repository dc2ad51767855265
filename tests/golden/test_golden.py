"""Sessions with their events, byte for byte: what was once released must never change unnoticed.

`session` is 600 commands of plain orders and changes to them; `venue` is 2,000 of every order type and phase on an
instrument with bands, a circuit breaker and shared-out matching. The commands are data, not generated anew, so a change
of the generator does not touch them. Where a change of the rules or records is meant, `python -m
tests.golden.test_golden` writes the events anew; the difference belongs in CHANGELOG.md.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tests.books import BOOKS, EVENT_BYTES, BookSetup, open_book

from aeromatch.market.reference import Matching, SelfTradePrevention

FOLDER = Path(__file__).parent
SETUPS = {
    "session": BookSetup(instrument=7, dedup_window_ns=60, self_trade_prevention=SelfTradePrevention.DECREMENT),
    "venue": BookSetup(
        instrument=8,
        dedup_window_ns=20,
        self_trade_prevention=SelfTradePrevention.CANCEL_OLDEST,
        matching=Matching.FIFO_PRO_RATA,
        fifo_share_bps=4_000,
        reference_price_ticks=100,
        static_band_ticks=3,
        circuit_breaker_ticks=4,
        halt_ns=5,
    ),
}


def read(name: str) -> bytes:
    """The bytes of a file that is kept compressed."""
    return gzip.decompress((FOLDER / name).read_bytes())


@pytest.mark.parametrize("session", SETUPS)
@pytest.mark.parametrize("kind", BOOKS)
def test_golden_session(kind: str, session: str) -> None:
    wanted, digest = read(f"{session}.events.gz"), (FOLDER / f"{session}.digest").read_text().strip()
    book = open_book(kind, SETUPS[session])
    found = book.process(read(f"{session}.commands.gz"))
    for at in range(0, len(wanted), EVENT_BYTES):
        assert found[at : at + EVENT_BYTES] == wanted[at : at + EVENT_BYTES], f"event {at // EVENT_BYTES}"
    assert len(found) == len(wanted)
    assert book.digest() == digest


def write() -> None:
    """Write events and digests as the reference model gives them."""
    for session, setup in SETUPS.items():
        book = open_book("reference", setup)
        events = book.process(read(f"{session}.commands.gz"))
        (FOLDER / f"{session}.events.gz").write_bytes(gzip.compress(events, mtime=0))
        (FOLDER / f"{session}.digest").write_text(book.digest() + "\n")


if __name__ == "__main__":
    write()
