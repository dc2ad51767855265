"""The fixtures that play a scenario on each book, and on each exchange."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests import exchanges
from tests.books import BOOKS, EVENT_BYTES, Reference, open_book
from tests.exchanges import EXCHANGES, open_exchange
from tests.model.exchange_compare import slots_of
from tests.rules.exchange_notation import Names, read_lines
from tests.rules.notation import book_line, depth_line, event_line, indicative_line, read_command, read_scenario

from aeromatch.market.reference import EventKind, decode_event, encode

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
                assert book.stop_ids() == reference.stop_ids(), "the order in which stops would fire"
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


@pytest.fixture(params=EXCHANGES)
def play_exchange(request: pytest.FixtureRequest) -> Play:
    """Plays a scenario of `exchange_notation.py` and compares what happens with what it says.

    The native exchange is also compared with the reference model, byte for byte. Funds add up after every command.
    """

    def play_on_exchange(text: str) -> None:
        exchange, reference = open_exchange(request.param), exchanges.Reference()
        names = Names(reference.exchange)
        lines = read_lines(text)
        happened: list[str] = []
        for line in lines:
            if line.startswith(" "):
                continue
            happened.append(line)
            command = names.read(line.removeprefix("! "))
            sequence = max(reference.exchange.sequence + 1, command.sequence)
            slots = slots_of(command)
            events = exchange.process(slots)
            assert events == reference.process(slots), line
            assert exchange.digest() == reference.digest(), line
            reference.exchange.check()
            told = [decode_event(events[start : start + EVENT_BYTES]) for start in range(0, len(events), EVENT_BYTES)]
            if line.startswith("! "):
                assert EventKind.ACCEPTED in {event.kind for event in told}, line
                continue
            for index, event in enumerate(told):
                happened.append("  " + names.line(event, command, index, sequence))
        assert happened == lines

    return play_on_exchange
