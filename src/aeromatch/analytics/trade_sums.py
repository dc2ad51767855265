"""Events put together by period and instrument, and what the trades of each group add up to: no loop over events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Groups", "sums_of_trades"]

INSTRUMENT_BITS: Final = 24
KEY_BITS: Final = 62


@dataclass(frozen=True, slots=True)
class Groups:
    """Events put together by period and instrument."""

    starts: NDArray[np.uint64]
    """Number of the period, of each group."""
    instruments: NDArray[np.int64]
    """Of each group."""
    group: NDArray[np.int64]
    """Of each event; one past the last for those that are in none."""

    @staticmethod
    def of(starts: NDArray[np.uint64], instruments: NDArray[np.int64]) -> Groups:
        """Put events together, by the numbers of their periods and their instruments."""
        if not len(starts):
            return Groups(starts, instruments, np.zeros(0, dtype=np.int64))
        first = starts.min()
        ahead = starts - first
        numbers = None
        if int(ahead.max()) >> (KEY_BITS - INSTRUMENT_BITS):
            # Periods so far apart that number and instrument do not fit one key: their places do.
            numbers, ahead = np.unique(ahead, return_inverse=True)
        keys = (ahead.astype(np.int64) << INSTRUMENT_BITS) | instruments
        found, group = np.unique(keys, return_inverse=True)
        period = (found >> INSTRUMENT_BITS).astype(np.uint64)
        period = period if numbers is None else numbers[period]
        return Groups(period + first, found & ((1 << INSTRUMENT_BITS) - 1), group)

    def without(self, instrument: int) -> Groups:
        """Leave an instrument's groups out."""
        stay = self.instruments != instrument
        place = np.where(stay, np.cumsum(stay) - 1, int(stay.sum()))
        return Groups(self.starts[stay], self.instruments[stay], place[self.group])

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many of the chosen events are in each group."""
        return np.bincount(self.group[chosen], minlength=len(self.starts) + 1)[: len(self.starts)]


def sums_of_trades(
    group: NDArray[np.int64], size: int, prices: NDArray[np.int64], lots: NDArray[np.int64], *, priced: bool = True
) -> dict[str, list[Any]]:
    """Volume and prices of each group: sums are exact whatever their size.

    Args:
        group: Of each trade; `size` for those that are in none.
        size: How many groups there are.
        prices: Of each trade, in ticks.
        lots: Of each trade.
        priced: Whether prices of a group are in one unit: without it there is the volume alone.

    Returns:
        Columns with a value for each group: `volume_lots`, 0 without trades; `notional`, `open_ticks`, `high_ticks`,
        `low_ticks` and `last_ticks`, None without trades.
    """
    order = np.argsort(group, kind="stable")
    order = order[: int(np.count_nonzero(group < size))]
    group, prices, lots = group[order], prices[order], lots[order]
    columns: dict[str, list[Any]] = {"volume_lots": [0] * size}
    columns |= {name: [None] * size for name in ("notional", "open_ticks", "high_ticks", "low_ticks", "last_ticks")}
    if not len(group):
        return columns
    begins = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    found = {"volume_lots": np.add.reduceat(_exact(lots, int(lots.max())), begins)}
    if priced:
        largest = max(int(prices.max()), -int(prices.min())) * int(lots.max())
        found["notional"] = np.add.reduceat(_exact(prices, largest) * _exact(lots, largest), begins)
        found["open_ticks"] = prices[begins]
        found["high_ticks"] = np.maximum.reduceat(prices, begins)
        found["low_ticks"] = np.minimum.reduceat(prices, begins)
        found["last_ticks"] = prices[np.append(begins[1:], len(prices)) - 1]
    rows = group[begins].tolist()
    for name, values in found.items():
        for row, value in zip(rows, values.tolist(), strict=True):
            columns[name][row] = value
    return columns


def _exact(values: NDArray[np.int64], largest: int) -> NDArray[Any]:
    """The values, as whole numbers of any size where sums of numbers up to `largest` could leave 64 bits."""
    return values if largest * len(values) < 2**63 else values.astype(object)
