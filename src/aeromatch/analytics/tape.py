"""A recording of what a market did: the best prices, the depth and the trades, as columns."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Levels = list[tuple[int, int]]


class Tape:
    """Collects books and trades as they happen; prices in ticks, quantities in lots, times in nanoseconds.

    A side without orders is recorded as NaN (price) and 0 (depth).
    """

    def __init__(self) -> None:
        self._times = array("q")
        self._bids = array("d")
        self._asks = array("d")
        self._bid_depths = array("d")
        self._ask_depths = array("d")
        self._trade_times = array("q")
        self._trade_prices = array("d")
        self._trade_quantities = array("d")
        self._buys = array("b")

    def book(self, time_ns: int, asks: Levels, bids: Levels) -> None:
        """Record the visible book, best level first."""
        self._times.append(time_ns)
        self._asks.append(asks[0][0] if asks else float("nan"))
        self._bids.append(bids[0][0] if bids else float("nan"))
        self._ask_depths.append(sum(size for _, size in asks))
        self._bid_depths.append(sum(size for _, size in bids))

    def trade(self, time_ns: int, price: int, quantity: int, buyer_was_aggressor: bool) -> None:
        """Record a trade."""
        self._trade_times.append(time_ns)
        self._trade_prices.append(price)
        self._trade_quantities.append(quantity)
        self._buys.append(buyer_was_aggressor)

    def __len__(self) -> int:
        """Count the recorded books."""
        return len(self._times)

    @property
    def times_ns(self) -> NDArray[np.int64]:
        """When each book was recorded."""
        return np.frombuffer(self._times, dtype=np.int64) if self._times else np.empty(0, np.int64)

    @property
    def bids(self) -> NDArray[np.float64]:
        """Best bid of each book, in ticks."""
        return _column(self._bids)

    @property
    def asks(self) -> NDArray[np.float64]:
        """Best ask of each book, in ticks."""
        return _column(self._asks)

    @property
    def bid_depths(self) -> NDArray[np.float64]:
        """Quantity on all visible bid levels, in lots."""
        return _column(self._bid_depths)

    @property
    def ask_depths(self) -> NDArray[np.float64]:
        """Quantity on all visible ask levels, in lots."""
        return _column(self._ask_depths)

    @property
    def trade_times_ns(self) -> NDArray[np.int64]:
        """When each trade happened."""
        return np.frombuffer(self._trade_times, dtype=np.int64) if self._trade_times else np.empty(0, np.int64)

    @property
    def trade_prices(self) -> NDArray[np.float64]:
        """Price of each trade, in ticks."""
        return _column(self._trade_prices)

    @property
    def trade_quantities(self) -> NDArray[np.float64]:
        """Quantity of each trade, in lots."""
        return _column(self._trade_quantities)

    @property
    def buyer_was_aggressor(self) -> NDArray[np.bool_]:
        """Whether the buyer crossed the spread."""
        return np.array(self._buys, dtype=np.bool_)


def _column(values: array[float]) -> NDArray[np.float64]:
    return np.frombuffer(values, dtype=np.float64) if values else np.empty(0, np.float64)
