"""Candles: open, high, low, close, volume by period, from the event stream (docs/views.md).

`CandleBuilder` follows trades and has the candles that changed; `with_gaps` puts in those of periods without trades.
"""

from aeromatch.analytics.candles.builder import CandleBuilder, trades_of
from aeromatch.analytics.candles.day import DaySums, DayWindow
from aeromatch.analytics.candles.gaps import mirrored, with_gaps

__all__ = ["CandleBuilder", "DaySums", "DayWindow", "mirrored", "trades_of", "with_gaps"]
