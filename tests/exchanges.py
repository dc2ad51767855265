"""The exchanges that the rules are tried on: the reference model and the native one. Slots in, slots out."""

from __future__ import annotations

from typing import Protocol

from aeromatch.market.reference import ReferenceExchange

EXCHANGES = ("reference",)


class ExchangeUnderTest(Protocol):
    """An exchange."""

    def process(self, slots: bytes) -> bytes:
        """The events of these commands, as slots."""


def open_exchange(name: str) -> ExchangeUnderTest:
    """An empty exchange, one of `EXCHANGES`."""
    assert name == "reference"
    return ReferenceExchange()
