"""What a replay tells whoever watches it (a plot, a test)."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Receives the market as the replay goes on; prices in ticks, quantities in lots, times in nanoseconds."""

    def book(self, time_ns: int, asks: list[tuple[int, int]], bids: list[tuple[int, int]]) -> None:
        """Take the visible book after a message, best level first, as (price, quantity)."""

    def trade(self, time_ns: int, price: int, quantity: int, buyer_was_aggressor: bool) -> None:
        """Take a trade that the engine made."""


class Silent:
    """An observer that keeps nothing."""

    def book(self, time_ns: int, asks: list[tuple[int, int]], bids: list[tuple[int, int]]) -> None:
        """Ignore the book."""

    def trade(self, time_ns: int, price: int, quantity: int, buyer_was_aggressor: bool) -> None:
        """Ignore the trade."""
