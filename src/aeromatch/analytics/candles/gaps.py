"""Periods without a trade, and candles as the second of two outcomes has them."""

from collections.abc import Sequence

from aeromatch.market.view_rows import CandleRow

__all__ = ["mirrored", "with_gaps"]


def with_gaps(
    rows: Sequence[CandleRow], before: CandleRow | None, *, start_ms: int, end_ms: int, period_ms: int, limit: int
) -> list[CandleRow]:
    """The last candles of a range, one for each period: where nothing was traded all prices are the last close.

    Before the first trade there is none.

    Args:
        rows: Those with trades in the range, ascending: at least the last `limit`.
        before: The last one with trades before them.
        start_ms: Where the range begins.
        end_ms: Where it ends: no candle begins there or later.
        period_ms: Of each.
        limit: At most so many.
    """
    begun = before or (rows[0] if rows else None)
    first = max(start_ms, begun.start_ms) if begun is not None else end_ms
    first = -(-first // period_ms) * period_ms
    count = max(-(-(end_ms - first) // period_ms), 0)
    found: list[CandleRow] = []
    start = first + max(count - limit, 0) * period_ms
    last, place = before, 0
    while start < end_ms:
        while place < len(rows) and rows[place].start_ms <= start:
            last, place = rows[place], place + 1
        if last is not None:
            found.append(last if last.start_ms == start else _flat(last, start))
        start += period_ms
    return found


def _flat(last: CandleRow, start_ms: int) -> CandleRow:
    close = last.close_ticks
    return CandleRow(last.period_ms, start_ms, last.instrument, close, close, close, close, 0, 0, 0)


def mirrored(row: CandleRow, unit_ticks: int) -> CandleRow:
    """A candle as the second of two outcomes has it: one unit of cash less each price (R32).

    Args:
        row: In the terms of the book.
        unit_ticks: Ticks in one unit of cash; 0: it is the first outcome's, or no event's.
    """
    if not unit_ticks:
        return row
    return row._replace(
        open_ticks=unit_ticks - row.open_ticks,
        high_ticks=unit_ticks - row.low_ticks,
        low_ticks=unit_ticks - row.high_ticks,
        close_ticks=unit_ticks - row.close_ticks,
        notional=unit_ticks * row.volume_lots - row.notional,
    )
