"""A Ctrl-C that comes while the extension is at work is neither lost nor turned into another error."""

import signal
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from aeromatch import Instrument, OrderBook

INTERRUPTS = 100
PAUSE_S = 0.0005


class Pressed(KeyboardInterrupt):
    """Raised by the handler, as KeyboardInterrupt is by Python's own."""


@pytest.fixture
def pressed() -> Iterator[list[int]]:
    """How often the handler has raised; it is called by a timer."""
    count = [0]

    def handler(*_: object) -> None:
        count[0] += 1
        raise Pressed

    before = signal.signal(signal.SIGALRM, handler)
    yield count
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def calls() -> list[Callable[[], object]]:
    instrument = Instrument("BTC-USD", tick_size="0.01")
    book = OrderBook(instrument)
    return [
        partial(instrument.ticks_to_price, 12_345),
        partial(instrument.ticks_to_price, np.int64(12_345)),
        partial(book.submit, "buy", quantity=np.int64(3), price="1.5", account="alice", time_in_force="ioc"),
        partial(repr, instrument),
    ]


def call_until(pressed: list[int], call: Callable[[], object]) -> None:
    number = pressed[0]
    signal.setitimer(signal.ITIMER_REAL, PAUSE_S)
    while pressed[0] == number:
        call()


@pytest.mark.parametrize("call", calls())
def test_no_interrupt_is_lost(call: Callable[[], object], pressed: list[int]) -> None:
    for _ in range(INTERRUPTS):
        with pytest.raises(Pressed):
            call_until(pressed, call)
