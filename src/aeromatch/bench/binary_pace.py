"""How fast orders were answered over the binary gateway: rounds, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PERMILLE", "Pace", "Trial"]

PERMILLE: Final = {"p50": 500, "p99": 990, "p99.9": 999}


@dataclass(frozen=True, slots=True)
class Pace:
    """One round: how many orders were answered in which time, how long each took, and what the server used."""

    orders: int
    wall_ns: int
    times_ns: NDArray[np.int64]
    """Of each order, from when it was given to the socket to when its answer was read; sorted."""
    cpu_s: float

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.wall_ns * 1e9

    def percentile_us(self, permille: int) -> float:
        """The time that so many of a thousand orders did not exceed."""
        return float(self.times_ns[min(len(self.times_ns) * permille // 1000, len(self.times_ns) - 1)]) / 1000

    @property
    def cpu_us(self) -> float:
        """The server's time for one order."""
        return self.cpu_s / self.orders * 1e6


@dataclass(slots=True)
class Trial:
    """Rounds of one way."""

    paces: list[Pace] = field(default_factory=list)

    def median(self, value: Callable[[Pace], float]) -> float:
        """The median over the rounds."""
        return median(value(each) for each in self.paces)
