"""The fixture that plays a scenario on each book."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.books import BOOKS, EVENT_BYTES, Reference, open_book
from tests.rules.notation import book_line, depth_line, event_line, indicative_line, read_command, read_scenario

from aeromatch.market.reference import decode_event, encode

Play = Callable[[str], None]


@pytest.fixture(params=BOOKS)
def play(request: pytest.FixtureRequest) -> Play:
    """Plays a scenario of `notation.py` and compares what happens with what it says.

    The native books are also compared with the reference model: bytes of the events, digest after every command. The
    digest holds every live order, so `=` is read off the model; depth and indicative values are the book's own.
    """

    def play_on_book(text: str) -> None:
        scenario = read_scenario(text)
        instrument = scenario.setup.instrument
        book, reference = open_book(request.param, scenario.setup), Reference(scenario.setup)
        happened: list[str] = []
        for line in scenario.lines:
            if line.startswith("="):
                happened.append(book_line(reference.book))
            elif line.startswith("~"):
                happened.append(depth_line(*book.depth()))
            elif line.startswith("?"):
                happened.append(indicative_line(*book.indicative()))
            elif not line.startswith(" "):
                happened.append(line)
                command = read_command(line, instrument)
                sequence = max(reference.book.sequence + 1, command.sequence)
                slots = encode(command)
                events = book.process(slots)
                assert events == reference.process(slots), line
                assert book.digest() == reference.digest(), line
                for index, start in enumerate(range(0, len(events), EVENT_BYTES)):
                    event = decode_event(events[start : start + EVENT_BYTES])
                    happened.append("  " + event_line(event, instrument, index, sequence))
        assert happened == scenario.lines

    return play_on_book
