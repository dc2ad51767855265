"""Candles from trades: sums of arrays, then one merge for each period and instrument that traded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import _core
from aeromatch.analytics.trade_sums import Groups, sums_of_trades
from aeromatch.market.view_rows import TRADE_DTYPE, CandleRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

TRADE: Final = _core.CODES["EventKind"]["trade"]
MILLISECOND_NS: Final = np.uint64(1_000_000)


def trades_of(records: NDArray[np.void], times_ns: NDArray[np.uint64]) -> NDArray[np.void]:
    """The trades among events, as rows of TRADE_DTYPE.

    Args:
        records: Of EVENT_DTYPE.
        times_ns: When each happened: `market.times.event_times`.
    """
    places = np.flatnonzero(records["kind"] == TRADE)
    found = records[places]
    trades = np.zeros(len(found), TRADE_DTYPE)
    trades["trade_id"] = found["detail"]
    for name in ("price_ticks", "quantity_lots", "sequence", "instrument", "side"):
        trades[name] = found[name]
    trades["timestamp_ns"] = times_ns[places]
    return trades


class CandleBuilder:
    """The open candle of each period and instrument, and those that have changed since they were last taken.

    An instrument's time only rises (R2), so a candle is done once a later one begins. Trades are only put by until
    somebody asks: what a sum of arrays costs hardly depends on how many trades it is of.
    """

    def __init__(
        self,
        periods_ms: Iterable[int],
        last: Iterable[CandleRow] = (),
        changed: Callable[[CandleRow], object] = lambda _row: None,
    ) -> None:
        """Begin.

        Args:
            periods_ms: Lengths of the periods.
            last: The last candle of each period and instrument, to go on with.
            changed: Told each candle that changes, as it is then; of a period and an instrument in order of time.
        """
        self._periods_ms = tuple(sorted(periods_ms))
        self._open: dict[tuple[int, int], CandleRow] = {(row.period_ms, row.instrument): row for row in last}
        self._changed: dict[tuple[int, int, int], CandleRow] = {}
        self._tell = changed
        self._waiting: list[NDArray[np.void]] = []

    def add(self, trades: NDArray[np.void]) -> None:
        """Take trades: rows of TRADE_DTYPE, each instrument's in order."""
        if len(trades):
            self._waiting.append(trades)

    def settle(self) -> None:
        """Bring the trades that wait into their candles."""
        if not self._waiting:
            return
        trades = np.concatenate(self._waiting)
        self._waiting = []
        times_ms = trades["timestamp_ns"] // MILLISECOND_NS
        instruments = trades["instrument"].astype(np.int64)
        prices, lots = trades["price_ticks"].astype(np.int64), trades["quantity_lots"].astype(np.int64)
        made: dict[int, list[CandleRow]] = {}
        for period_ms in self._periods_ms:
            finer_ms = max((other for other in made if period_ms % other == 0), default=None)
            if finer_ms is not None:
                made[period_ms] = _coarser(made[finer_ms], period_ms)
                continue
            groups = Groups.of(times_ms // np.uint64(period_ms), instruments)
            size = len(groups.starts)
            sums = sums_of_trades(groups.group, size, prices, lots)
            rows = zip(
                (start * period_ms for start in groups.starts.tolist()),
                groups.instruments.tolist(),
                *(sums[name] for name in ("open_ticks", "high_ticks", "low_ticks", "last_ticks")),
                *(sums[name] for name in ("volume_lots", "notional")),
                np.bincount(groups.group, minlength=size).tolist(),
                strict=True,
            )
            # In order of the periods, whatever the instrument.
            made[period_ms] = [CandleRow(period_ms, *row) for row in rows]
        for found in made.values():
            for row in found:
                self._merge(row)

    def _merge(self, row: CandleRow) -> None:
        key = (row.period_ms, row.instrument)
        before = self._open.get(key)
        if before is not None and before.start_ms == row.start_ms:
            row = _both(before, row)
        self._open[key] = self._changed[(row.period_ms, row.instrument, row.start_ms)] = row
        self._tell(row)

    def last(self, instrument: int, period_ms: int) -> CandleRow | None:
        """The last candle with trades."""
        self.settle()
        return self._open.get((period_ms, instrument))

    def changed(self) -> list[CandleRow]:
        """The candles that have changed and were not taken yet."""
        self.settle()
        return list(self._changed.values())

    def take(self) -> list[CandleRow]:
        """The candles that have changed since the last call, as they are now."""
        self.settle()
        taken, self._changed = self._changed, {}
        return list(taken.values())


def _both(earlier: CandleRow, later: CandleRow) -> CandleRow:
    """One candle of what two have."""
    return later._replace(
        open_ticks=earlier.open_ticks,
        high_ticks=max(earlier.high_ticks, later.high_ticks),
        low_ticks=min(earlier.low_ticks, later.low_ticks),
        volume_lots=earlier.volume_lots + later.volume_lots,
        notional=earlier.notional + later.notional,
        trades=earlier.trades + later.trades,
    )


def _coarser(rows: Iterable[CandleRow], period_ms: int) -> list[CandleRow]:
    """Candles of a period made of those of one that divides it, which are ascending: far fewer than trades."""
    found: dict[tuple[int, int], CandleRow] = {}
    for row in rows:
        start_ms = row.start_ms - row.start_ms % period_ms
        row = row._replace(period_ms=period_ms, start_ms=start_ms)
        before = found.get((row.instrument, start_ms))
        found[row.instrument, start_ms] = row if before is None else _both(before, row)
    return list(found.values())
