"""What was traded in the last 24 hours, by the minute or another short period: sums that are kept, not made anew."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aeromatch.market.view_rows import CandleRow

DAY_MS: Final = 86_400_000


class DaySums(NamedTuple):
    """What was traded in a day; prices in ticks."""

    open_ticks: int
    high_ticks: int
    low_ticks: int
    volume_lots: int
    notional: int
    trades: int


class DayWindow:
    """The candles of one book over the last 24 hours: those that began no longer ago."""

    def __init__(self, rows: Iterable[CandleRow] = ()) -> None:
        self._rows: deque[CandleRow] = deque()
        self._volume_lots = self._notional = self._trades = 0
        # High and low of all but the last one; None: to be found anew.
        self._range: tuple[int, int] | None = None
        for row in rows:
            self.put(row)

    def put(self, row: CandleRow) -> None:
        """Take a candle as it is now: the last one again, or a later one."""
        if self._rows and self._rows[-1].start_ms == row.start_ms:
            self._count(self._rows.pop(), -1)
        elif self._rows:
            self._range = None
        self._rows.append(row)
        self._count(row, 1)

    def _count(self, row: CandleRow, sign: int) -> None:
        self._volume_lots += sign * row.volume_lots
        self._notional += sign * row.notional
        self._trades += sign * row.trades

    def sums(self, now_ms: int) -> DaySums | None:
        """What was traded in the 24 hours before a time; None: nothing."""
        while self._rows and self._rows[0].start_ms <= now_ms - DAY_MS:
            self._count(self._rows.popleft(), -1)
            self._range = None
        if not self._rows:
            return None
        first, last = self._rows[0], self._rows[-1]
        if self._range is None:
            before = list(self._rows)[:-1] or [last]
            self._range = max(row.high_ticks for row in before), min(row.low_ticks for row in before)
        high, low = self._range
        if len(self._rows) == 1:
            high, low = last.high_ticks, last.low_ticks
        return DaySums(
            first.open_ticks,
            max(high, last.high_ticks),
            min(low, last.low_ticks),
            self._volume_lots,
            self._notional,
            self._trades,
        )
