"""The section "Combinations" of the rules, and what R8 says of the newer terms."""

from __future__ import annotations

import pytest
from tests.books import BOOKS, BookSetup, open_book
from tests.rules.conftest import Play
from tests.rules.notation import read_command

from aeromatch.market.reference import RejectReason, encode

ACCEPTED, REJECTED = 1, 2

INVALID = (
    "stop buy 1",
    "stop buy 1 @ 5 stop=4",
    "stop-limit buy 1 @ 5",
    "stop-limit buy 1 stop=4",
    "trailing-stop buy 1",
    "trailing-stop buy 1 @ 5 trail=1",
    "trailing-stop buy 1 trail=1 stop=4",
    "trailing-stop-limit buy 1 trail=1",
    "trailing-stop-limit buy 1 @ 5",
    "trailing-stop-limit buy 1 @ 5 trail-bps=1 stop=4",
    "stop buy 1 stop=4 trail=1",
    "stop-limit buy 1 @ 5 stop=4 trail=1",
    "new buy 1 @ 5 stop=4",
    "new buy 1 @ 5 trail=1",
    "market buy 1 stop=4",
    "market buy 1 trail-bps=1",
    "stop-limit buy 1 @ 5 stop=4 post-only",
    "stop buy 1 stop=4 post-only",
    "trailing-stop-limit buy 1 @ 5 trail=1 post-only slide",
    "new buy 1 @ 5 post-only aon",
    "new buy 2 @ 5 post-only min=1",
    "market buy 2 display=1",
    "stop buy 2 stop=4 display=1",
    "stop buy 2 stop=4 display=0",
    "trailing-stop buy 2 trail=1 display=1",
    "new buy 2 @ 5 ioc display=1",
    "new buy 2 @ 5 fok display=0",
    "new buy 2 @ 5 aon display=0",
    "stop-limit buy 2 @ 5 stop=4 aon display=1",
    "new buy 2 @ 5 aon min=1",
    "market buy 2 aon",
    "stop buy 2 stop=4 aon",
    "trailing-stop buy 2 trail=1 aon",
    "new buy 1 @ 5 aon until=9",
    "market buy 1 gtd until=9",
    "stop buy 1 stop=4 gtd",
    "stop buy 1 stop=4 until=9",
    "stop buy 1 stop=4 protect=5",
    "stop-limit buy 1 @ 5 stop=4 protect=5",
    "trailing-stop buy 1 trail=1 protect=5",
)

LEGAL = (
    "new buy 2 @ 5 display=1 post-only slide gtd until=9",
    "new buy 2 @ 5 display=0 post-only",
    "new buy 2 @ 5 display=1 min=1",
    "new buy 2 @ 5 min=2 ioc",
    "new buy 2 @ 5 min=2 fok",
    "market buy 2 min=1 protect=7 fok",
    "stop buy 1 stop=0",
    "stop buy 1 stop=4 ioc min=1",
    "stop buy 1 stop=4 fok",
    "stop buy 1 stop=4 gtd until=9",
    "trailing-stop buy 1 trail=1 gtd until=9",
    "stop-limit buy 2 @ 5 stop=4 aon",
    "stop-limit buy 2 @ 5 stop=4 display=0 day",
    "trailing-stop-limit buy 2 @ 5 trail-bps=1 aon",
    "trailing-stop-limit buy 2 @ 5 trail=1 display=1 min=2",
)


def answer(name: str, line: str) -> tuple[int, int]:
    """Kind and reason of the first event of a command, on a new book."""
    events = open_book(name, BookSetup()).process(encode(read_command(line, 0)))
    return events[0], events[2]


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("line", INVALID)
def test_R8_an_invalid_combination(name: str, line: str) -> None:
    assert answer(name, line) == (REJECTED, RejectReason.INVALID_COMBINATION)


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("line", LEGAL)
def test_R8_everything_else_is_a_legal_combination(name: str, line: str) -> None:
    assert answer(name, line)[0] == ACCEPTED


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("new buy 2 @ 5", 0),
        ("market buy 2", 1),
        ("stop buy 2 stop=4", 2),
        ("stop-limit buy 2 @ 5 stop=4", 3),
        ("trailing-stop buy 2 trail=1", 4),
        ("trailing-stop-limit buy 2 @ 5 trail=1", 5),
        ("new buy 2 @ 5 display=0", 8),
        ("new buy 2 @ 5 aon", 8),
        ("stop-limit buy 2 @ 5 stop=4 aon", 3 + 8),
        ("new buy 2 @ 5 display=2", 16),
        ("trailing-stop-limit buy 2 @ 5 trail=1 display=1", 5 + 16),
    ],
)
def test_R7_accepted_says_what_kind_of_order_it_is(name: str, line: str, kind: int) -> None:
    assert answer(name, line) == (ACCEPTED, kind)


# Each command has two faults, one of them the reason in question, the other one that comes later.
def test_R8_the_newer_terms_in_the_order_of_reasons(play: Play) -> None:
    play(f"""
        new buy 5 @ 10 min=6 off-grid
          rejected invalid_quantity buy
        new buy 5 @ 10 min=0 until=0
          rejected invalid_quantity buy
        market buy 2000 display=1                      -- whatever the order type
          rejected invalid_quantity buy
        stop buy 5 min=6
          rejected invalid_quantity buy
        new buy 5 @ 10 trail=0 until=0                 -- nor does an offset belong to it
          rejected invalid_price buy
        trailing-stop buy 5 trail={2**63} gtd until=0
          rejected invalid_price buy
        trailing-stop buy 5 trail=1 gtd until=0 @ 5
          rejected invalid_time buy
        stop buy 5 id=
          rejected invalid_client_order_id buy
        phase halted
          accepted
          phase halted
        stop buy 5
          rejected invalid_combination buy
        stop buy 5 stop=1
          rejected not_allowed_in_phase buy
    """)


def test_R8_a_slide_or_a_first_stop_price_is_an_invalid_price_only_of_a_legal_combination(play: Play) -> None:
    play(f"""
        new sell 1 @ {-(2**63)}
          accepted #1 sell 1 @ {-(2**63)}
        market buy 1
          accepted #2 buy 1 @ 0 market
          trade 1 buy 1 @ {-(2**63)} maker #1 taker #2
        trailing-stop sell 1 trail=1
          rejected invalid_price sell
        trailing-stop sell 1 trail=1 stop=4
          rejected invalid_combination sell
    """)


def test_R21_a_minimum_of_0_or_above_the_quantity_is_an_invalid_quantity(play: Play) -> None:
    play(f"""
        new buy 5 @ 10 min=0
          rejected invalid_quantity buy
        new buy 5 @ 10 min=6
          rejected invalid_quantity buy
        new buy 5 @ 10 min={2**64 - 1}
          rejected invalid_quantity buy
        new buy 5 @ 10 min=5
          accepted #1 buy 5 @ 10
        stop sell 5 stop=1 min=6
          rejected invalid_quantity sell
        new buy 5 @ 10 display={2**64 - 1}
          rejected invalid_quantity buy
    """)
