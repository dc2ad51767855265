"""The books that the rules are tried on: the reference model and the native core with each of its price indexes.

All take the slots of commands and give the slots of events, so that they can be compared byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import aeromatch
from aeromatch.market.reference import ReferenceBook, SelfTradePrevention, decode, encode_event

NATIVE = ("ladder", "btree", "skiplist", "heap")
BOOKS = ("reference", *NATIVE)
EVENT_BYTES = 64


@dataclass(frozen=True)
class BookSetup:
    """What an instrument decides about its book."""

    instrument: int = 0
    dedup_window_ns: int = 0
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE


class Book(Protocol):
    """A book under test."""

    def process(self, slots: bytes) -> bytes:
        """The events of these commands, as slots."""

    def digest(self) -> str:
        """The digest in 64 hexadecimal digits."""

    def best_prices(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks."""


class Reference:
    """The reference model behind slots."""

    def __init__(self, setup: BookSetup) -> None:
        self.book = ReferenceBook(
            setup.instrument,
            dedup_window_ns=setup.dedup_window_ns,
            self_trade_prevention=setup.self_trade_prevention,
        )

    def process(self, slots: bytes) -> bytes:
        return b"".join(encode_event(event) for command in decode(slots) for event in self.book.apply(command))

    def digest(self) -> str:
        return self.book.digest().hex()

    def best_prices(self) -> tuple[int | None, int | None]:
        return self.book.best_bid, self.book.best_ask


class Native:
    """The native core behind slots, with one of its price indexes."""

    def __init__(self, setup: BookSetup, index: str) -> None:
        self.setup = setup
        instrument = aeromatch.Instrument(
            "TEST",
            number=setup.instrument,
            self_trade_prevention=setup.self_trade_prevention.slug,
            dedup_window_ns=setup.dedup_window_ns,
        )
        self.book = aeromatch.OrderBook(instrument, index=index)

    def process(self, slots: bytes) -> bytes:
        return self.book.process(slots).to_numpy().tobytes()

    def digest(self) -> str:
        return self.book.digest()

    def best_prices(self) -> tuple[int | None, int | None]:
        # The instrument's tick is 1: the Decimal is the number of ticks.
        bid, ask = self.book.best_bid, self.book.best_ask
        return None if bid is None else int(bid), None if ask is None else int(ask)

    def restored(self, index: str) -> Native:
        """A book that goes on from a snapshot of this one, with the price index told."""
        restored = Native(self.setup, index)
        restored.book = aeromatch.OrderBook.restore(self.book.snapshot(), index=index)
        return restored


def open_book(name: str, setup: BookSetup) -> Book:
    """A fresh book of one of the `BOOKS`."""
    return Reference(setup) if name == "reference" else Native(setup, name)
