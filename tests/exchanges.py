"""The exchanges that the rules are tried on: the reference model and the native one. Slots in, slots out."""

from __future__ import annotations

from typing import Protocol

import aeromatch
from aeromatch.market.reference import ReferenceExchange, encode_event
from aeromatch.market.reference.admin import decode_all

EXCHANGES = ("reference", "native")


class ExchangeUnderTest(Protocol):
    """An exchange."""

    def process(self, slots: bytes) -> bytes:
        """The events of these commands, as slots."""

    def digest(self) -> str:
        """The digest in 64 hexadecimal digits."""


class Reference:
    """The reference model behind slots."""

    def __init__(self) -> None:
        self.exchange = ReferenceExchange()

    def process(self, slots: bytes) -> bytes:
        return b"".join(encode_event(event) for each in decode_all(slots) for event in self.exchange.apply(each))

    def digest(self) -> str:
        return self.exchange.digest().hex()


class Native:
    """The native exchange behind slots."""

    def __init__(self, exchange: aeromatch.Exchange | None = None) -> None:
        self.exchange = exchange if exchange is not None else aeromatch.Exchange()

    def process(self, slots: bytes) -> bytes:
        return self.exchange.process(slots).to_numpy().tobytes()

    def digest(self) -> str:
        return self.exchange.digest()

    def restored(self) -> Native:
        """An exchange that goes on from a snapshot of this one."""
        return Native(aeromatch.Exchange.restore(self.exchange.snapshot()))


def open_exchange(name: str) -> ExchangeUnderTest:
    """An empty exchange, one of `EXCHANGES`."""
    return Reference() if name == "reference" else Native()
