"""Counts what happened in the market, from the events that the feed reads: whichever way a command came in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch import _core

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aeromatch import Events
    from aeromatch.server.observe.registry import Sample

__all__ = ["MarketCounts"]

KINDS: Final = _core.CODES["EventKind"]
NO_SIDE: Final = 255
BYTE_VALUES: Final = 256


def _names(codes: str) -> dict[int, str]:
    return {code: name for name, code in _core.CODES[codes].items()}


class MarketCounts:
    """A consumer of the feed. It is used by the feed's thread; others read its numbers, each of which only grows.

    What the feed reads again after a start, from where the stores are, is counted too.
    """

    def __init__(self) -> None:
        self.accepted = 0
        self.rejected = 0
        self.amended = 0
        self.trades = 0
        self._rejections = np.zeros(BYTE_VALUES, dtype=np.int64)
        self._cancellations = np.zeros(BYTE_VALUES, dtype=np.int64)
        self._reject_slugs = _names("RejectReason")
        self._cancel_reasons = _names("CancelReason")

    def apply(self, shard: int, events: Events, orders: NDArray[Any], fills: NDArray[Any] | None = None) -> None:
        """Counts a batch of events."""
        del shard, orders, fills
        records = events.to_numpy()
        kinds, reasons = records["kind"], records["reason"]
        is_order = records["side"] != NO_SIDE
        is_rejected = kinds == KINDS["rejected"]
        # A new order's answer has its side; that of a cancel or an amend has none.
        self.accepted += int(np.count_nonzero((kinds == KINDS["accepted"]) & is_order))
        self.rejected += int(np.count_nonzero(is_rejected & is_order))
        self.amended += int(np.count_nonzero(kinds == KINDS["amended"]))
        self.trades += int(np.count_nonzero(kinds == KINDS["trade"]))
        self._rejections += np.bincount(reasons[is_rejected], minlength=BYTE_VALUES)
        self._cancellations += np.bincount(reasons[kinds == KINDS["canceled"]], minlength=BYTE_VALUES)

    def tick(self, now_ns: int) -> None:
        """Nothing is due."""

    def samples(self) -> Iterator[Sample]:
        """The counters, for /metrics."""
        yield "aeromatch_orders_total", ("accepted",), self.accepted
        yield "aeromatch_orders_total", ("rejected",), self.rejected
        yield "aeromatch_amendments_total", (), self.amended
        yield "aeromatch_trades_total", (), self.trades
        for code, slug in self._reject_slugs.items():
            yield "aeromatch_rejections_total", (slug,), int(self._rejections[code])
        for code, reason in self._cancel_reasons.items():
            yield "aeromatch_cancellations_total", (reason,), int(self._cancellations[code])
