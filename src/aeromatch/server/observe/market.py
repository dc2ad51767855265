"""Counts what happened in the market, from the events that the feed reads: whichever way a command came in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import _core

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aeromatch import Events
    from aeromatch.server.observe.registry import Sample

__all__ = ["MarketCounts"]

KINDS: Final = _core.CODES["EventKind"]
ACCEPTED: Final = KINDS["accepted"]
REJECTED: Final = KINDS["rejected"]
CANCELED: Final = KINDS["canceled"]
NO_SIDE: Final = 255
BYTE_VALUES: Final = 256


def _names(codes: str) -> dict[int, str]:
    return {code: name for name, code in _core.CODES[codes].items()}


class MarketCounts:
    """A consumer of the feed. It is used by the feed's thread; others read its numbers, each of which only grows.

    What the feed reads again after a start, from where the stores are, is counted too.
    """

    def __init__(self) -> None:
        # By kind of event, and whether it has a side: a new order's answer has one, a cancel's or an amend's has none.
        self._kinds = np.zeros((BYTE_VALUES, 2), dtype=np.int64)
        self._rejections = np.zeros(BYTE_VALUES, dtype=np.int64)
        self._cancellations = np.zeros(BYTE_VALUES, dtype=np.int64)
        self._reject_slugs = _names("RejectReason")
        self._cancel_reasons = _names("CancelReason")

    def apply(
        self,
        _shard: int,
        events: Events,
        _times_ns: NDArray[np.uint64],
        _orders: NDArray[np.void],
        _fills: NDArray[np.void],
    ) -> None:
        """Counts a batch of events."""
        records = events.to_numpy()
        kinds, reasons = records["kind"], records["reason"]
        places = kinds.astype(np.intp) * 2 + (records["side"] != NO_SIDE)
        counts = np.bincount(places, minlength=2 * BYTE_VALUES).reshape(BYTE_VALUES, 2)
        self._kinds += counts
        for kind, by_reason in ((REJECTED, self._rejections), (CANCELED, self._cancellations)):
            if counts[kind].any():
                by_reason += np.bincount(reasons[kinds == kind], minlength=BYTE_VALUES)

    @property
    def accepted(self) -> int:
        """New orders that were accepted."""
        return int(self._kinds[ACCEPTED, 1])

    @property
    def rejected(self) -> int:
        """New orders that were rejected."""
        return int(self._kinds[REJECTED, 1])

    @property
    def amended(self) -> int:
        """Amendments."""
        return int(self._kinds[KINDS["amended"]].sum())

    @property
    def trades(self) -> int:
        """Trades."""
        return int(self._kinds[KINDS["trade"]].sum())

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
