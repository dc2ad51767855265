"""The books that the rules are tried on: the reference model and the native core with each of its price indexes.

All take the slots of commands and give the slots of events, so that they can be compared byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import aeromatch
from aeromatch.market.reference import Matching, ReferenceBook, SelfTradePrevention, Side, decode, encode_event

NATIVE = ("ladder", "btree", "skiplist", "heap")
BOOKS = ("reference", *NATIVE)
EVENT_BYTES = 64

Levels = list[tuple[int, int, int]]
"""Price levels of a side, best first: price in ticks, quantity in lots, number of orders."""


@dataclass(frozen=True)
class BookSetup:
    """What an instrument decides about its book."""

    instrument: int = 0
    dedup_window_ns: int = 0
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    matching: Matching = Matching.FIFO
    fifo_share_bps: int | None = None
    reference_price_ticks: int | None = None
    static_band_ticks: int | None = None
    static_band_bps: int | None = None
    circuit_breaker_ticks: int | None = None
    circuit_breaker_bps: int | None = None
    halt_ns: int | None = None

    def rules(self) -> dict[str, Any]:
        """How it matches, its bands and its halts, as keyword arguments; what is at its default is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)[3:]}
        return {name: value for name, value in values.items() if value is not None and value is not Matching.FIFO}


@dataclass(frozen=True)
class View:
    """What can be read of a book."""

    phase: str
    halt_end_ns: int | None
    depth: tuple[Levels, Levels]
    stops: list[int]
    indicative: tuple[int | None, int, int]
    orders: list[dict[str, object]]


ORDER_FIELDS = (
    "order_id", "status", "order_type", "price_ticks", "stop_price_ticks", "protection_price_ticks", "quantity_lots",
    "remaining_lots", "shown_lots", "display_lots", "min_lots",
)  # fmt: skip


class Book(Protocol):
    """A book under test."""

    def process(self, slots: bytes) -> bytes:
        """The events of these commands, as slots."""

    def digest(self) -> str:
        """The digest in 64 hexadecimal digits."""

    def best_prices(self) -> tuple[int | None, int | None]:
        """Best bid and best ask in ticks."""

    def depth(self) -> tuple[Levels, Levels]:
        """What bids and asks display."""

    def indicative(self) -> tuple[int | None, int, int]:
        """Price, quantity and surplus that an uncross would have now."""


class Reference:
    """The reference model behind slots."""

    def __init__(self, setup: BookSetup) -> None:
        self.book = ReferenceBook(
            setup.instrument,
            dedup_window_ns=setup.dedup_window_ns,
            self_trade_prevention=setup.self_trade_prevention,
            **setup.rules(),
        )

    def process(self, slots: bytes) -> bytes:
        return b"".join(encode_event(event) for command in decode(slots) for event in self.book.apply(command))

    def digest(self) -> str:
        return self.book.digest().hex()

    def best_prices(self) -> tuple[int | None, int | None]:
        return self.book.best_bid, self.book.best_ask

    def depth(self) -> tuple[Levels, Levels]:
        return self.book.depth(Side.BUY), self.book.depth(Side.SELL)

    def indicative(self) -> tuple[int | None, int, int]:
        found = self.book.indicative()
        return found.price_ticks, found.quantity_lots, found.surplus_lots

    def view(self) -> View:
        book = self.book
        return View(
            phase=book.phase.slug,
            halt_end_ns=book.halt_end_ns,
            depth=self.depth(),
            stops=[order.order_id for order in book.stops()],
            indicative=self.indicative(),
            orders=[
                {
                    "order_id": order.order_id,
                    "status": "dormant" if order.is_dormant else "partially_filled" if order.filled_lots else "open",
                    "order_type": order.order_type.slug,
                    "price_ticks": order.price_ticks if order.has_limit else None,
                    "stop_price_ticks": order.stop_price_ticks,
                    "protection_price_ticks": order.protection_price_ticks,
                    "quantity_lots": order.total_lots,
                    "remaining_lots": order.remaining_lots,
                    "shown_lots": order.shown_lots,
                    "display_lots": order.display_lots,
                    "min_lots": order.minimum_lots if order.is_dormant else None,
                }
                for order in book.orders()
            ],
        )


class Native:
    """The native core behind slots, with one of its price indexes."""

    def __init__(self, setup: BookSetup, index: str) -> None:
        self.setup = setup
        rules = setup.rules()
        if setup.matching != Matching.FIFO:
            rules["matching"] = setup.matching.slug
        if setup.reference_price_ticks is not None:
            # The instrument's tick is 1: its price is the number of ticks.
            rules["reference_price"] = rules.pop("reference_price_ticks")
        instrument = aeromatch.Instrument(
            "TEST",
            number=setup.instrument,
            self_trade_prevention=setup.self_trade_prevention.slug,
            dedup_window_ns=setup.dedup_window_ns,
            **rules,
        )
        self.book = aeromatch.OrderBook(instrument, index=index)

    def process(self, slots: bytes) -> bytes:
        return self.book.process(slots).to_numpy().tobytes()

    def process_with_levels(self, slots: bytes) -> tuple[bytes, list[tuple[int, ...]]]:
        """The events, and the level changes: sequence, side, price, quantity and number of orders."""
        events = self.book.process(slots, level_changes=True)
        changes = events.level_changes[["sequence", "side", "price_ticks", "quantity_lots", "order_count"]]
        return events.to_numpy().tobytes(), changes.tolist()

    def digest(self) -> str:
        return self.book.digest()

    def view(self) -> View:
        book = self.book
        return View(
            phase=book.phase,
            halt_end_ns=book.halt_end,
            depth=self.depth(),
            stops=[order.order_id for order in book.stops()],
            indicative=self.indicative(),
            orders=[{name: getattr(order, name) for name in ORDER_FIELDS} for order in book.orders()],
        )

    def best_prices(self) -> tuple[int | None, int | None]:
        # The tick is 1: the Decimal is the number of ticks.
        bid, ask = self.book.best_bid, self.book.best_ask
        return None if bid is None else int(bid), None if ask is None else int(ask)

    def depth(self) -> tuple[Levels, Levels]:
        depth = self.book.depth()
        bids, asks = (
            [(x.price_ticks, x.quantity_lots, x.order_count) for x in side] for side in (depth.bids, depth.asks)
        )
        return bids, asks

    def indicative(self) -> tuple[int | None, int, int]:
        found = self.book.indicative()
        return found.price_ticks, found.quantity_lots, found.surplus_lots

    def restored(self, index: str) -> Native:
        """A book that goes on from a snapshot of this one, with the price index told."""
        restored = Native(self.setup, index)
        restored.book = aeromatch.OrderBook.restore(self.book.snapshot(), index=index)
        return restored


def open_book(name: str, setup: BookSetup) -> Book:
    """A fresh book of one of the `BOOKS`."""
    return Reference(setup) if name == "reference" else Native(setup, name)
