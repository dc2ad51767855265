"""R33: whatever comes in is a rejection or an error that names the field."""

from __future__ import annotations

import random

import pytest
from tests.books import BOOKS, NATIVE, BookSetup, Native, Reference, open_book
from tests.rules.conftest import Play
from tests.rules.notation import read_command

from aeromatch.market.reference import encode

U64 = 2**64 - 1


def test_R33_unknown_instrument_and_impossible_quantities_are_rejections(play: Play) -> None:
    play(f"""
        new buy 1 @ 10 instrument=16777215
          rejected unknown_instrument buy instrument=16777215
        new buy 1 @ 10 instrument={2**32 - 1}
          rejected unknown_instrument buy instrument={2**32 - 1}
        cancel #1 instrument=1
          rejected unknown_instrument instrument=1
        amend #1 5 instrument=1
          rejected unknown_instrument instrument=1
        new buy 0 @ 10
          rejected invalid_quantity buy
        new buy {U64} @ 10
          rejected invalid_quantity buy
        amend #1 {U64}
          rejected invalid_quantity
    """)


def test_R33_the_ends_of_every_field_do_no_harm(play: Play) -> None:
    play(f"""
        new buy 1 @ 10 account={2**32 - 1} group={2**32 - 1} tag={U64} time={U64} sequence={U64 - 9}
          accepted #1 buy 1 @ 10 account={2**32 - 1} time={U64} tag={U64}
        cancel #{2**40 - 1}
          rejected unknown_order time={U64}
        new buy 1 @ 10 gtd until={2**63 - 1}
          rejected expired buy time={U64}
        time {U64}
          accepted time={U64}
    """)


def test_R33_it_loses_nothing(play: Play) -> None:
    play("""
        new buy 5 @ 10
          accepted #1 buy 5 @ 10
        new sell 3 off-grid
          rejected invalid_price sell
        new sell 3 @ 10
          accepted #2 sell 3 @ 10
          trade 1 sell 3 @ 10 maker #1 taker #2
        = 2 @ 10 #1 |
    """)


def changed(slots: bytes, offset: int, value: int) -> bytes:
    """The slots with another byte at an offset."""
    return slots[:offset] + bytes([value]) + slots[offset + 1 :]


NEW = encode(read_command("new buy 1 @ 10 gtd until=9 group=3 id=a account=1", 0))
CANCEL = encode(read_command("cancel #1", 0))
PHASE = encode(read_command("phase halted", 0))
ADVANCE = encode(read_command("time 5", 0))
TRAILING = encode(read_command("trailing-stop-limit sell 4 @ 9 trail-bps=3 display=2 min=1", 0))
MALFORMED = {
    "kind 0": changed(NEW, 0, 0),
    "kind 7": changed(CANCEL, 0, 7),
    "version": changed(NEW, 1, 2),
    "extensions": changed(CANCEL, 2, 4),
    "terms with cancel": changed(CANCEL, 2, 1) + bytes(64),
    "client id with phase": changed(PHASE, 2, 2) + bytes(64),
    "side 2": changed(NEW, 3, 2),
    "new without side": changed(NEW, 3, 255),
    "cancel with side": changed(CANCEL, 3, 0),
    "order type": changed(NEW, 4, 6),
    "phase": changed(PHASE, 4, 5),
    "time in force": changed(NEW, 5, 6),
    "self-trade prevention": changed(NEW, 6, 6),
    "flag 32": changed(NEW, 7, 4 | 32),
    "quantity given with new": changed(NEW, 7, 4 | 8),
    "price without its flag": changed(NEW, 7, 0),
    "price with cancel": changed(CANCEL, 16, 1),
    "quantity with cancel": changed(CANCEL, 24, 1),
    "order id with new": changed(NEW, 32, 1),
    "price with phase": changed(PHASE, 16, 1),
    "order id with advance time": changed(ADVANCE, 32, 1),
    "protection price or budget without its flag": changed(NEW, 112, 1),
    "protection price and budget": changed(NEW, 64, 16 | 32 | 64 | 128),
    "trail unit without an offset": changed(NEW, 65, 1),
    "trail unit 2": changed(TRAILING, 65, 2),
    "terms padding": changed(NEW, 66, 1),
    "stop price without its flag": changed(NEW, 72, 1),
    "trail offset without its flag": changed(NEW, 80, 1),
    "display quantity without its flag": changed(NEW, 88, 1),
    "minimum quantity without its flag": changed(NEW, 96, 1),
    "expiry without its flag": changed(NEW, 64, 64),
    "terms end": changed(NEW, 127, 1),
    "client id length": changed(NEW, 128, 37),
    "client id behind its end": changed(NEW, 130, 65),
    "client id padding": changed(NEW, 191, 1),
    "terms missing": NEW[:64],
    "client id missing": NEW[:128],
    "cut": CANCEL[:63],
}


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("slots", MALFORMED.values(), ids=MALFORMED.keys())
def test_R33_a_malformed_frame_is_an_error_and_nothing_of_its_batch_happens(name: str, slots: bytes) -> None:
    book = open_book(name, BookSetup())
    before = book.digest()
    with pytest.raises(ValueError, match=r"\w"):
        book.process(ADVANCE + slots)
    assert book.digest() == before


@pytest.mark.parametrize("index", NATIVE)
def test_R33_damaged_slots_are_refused_by_both_or_mean_the_same(index: str) -> None:
    """Any byte may be anything: native core and reference refuse the same slots and carry out the same ones."""
    rng = random.Random(33)
    frames = (NEW, TRAILING, CANCEL, PHASE, ADVANCE, encode(read_command("amend #1 5 @ 7 id=a account=1", 0)))
    setup = BookSetup(dedup_window_ns=5)
    taken = 0
    for _ in range(4_000):
        native, reference = Native(setup, index), Reference(setup)
        slots = rng.choice(frames)
        for _ in range(rng.randint(1, 3)):
            slots = changed(slots, rng.randrange(len(slots)), rng.choice((0, 1, 2, 4, 8, 16, 128, 255)))
        try:
            wanted = reference.process(slots)
        except ValueError:
            with pytest.raises(ValueError, match=r"\w"):
                native.process(slots)
        else:
            taken += 1
            assert native.process(slots) == wanted
            assert native.digest() == reference.digest()
    assert 500 < taken < 3_500
