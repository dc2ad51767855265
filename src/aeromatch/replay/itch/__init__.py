"""NASDAQ TotalView-ITCH 5.0 files: one symbol's book rebuilt and checked, and their messages for notebooks.

`replay(path, "AAPL")` replays a symbol, `symbols(path)` lists them all, `messages(path, "A", "AAPL")` gives messages of
one type as a structured array, `iterate(path)` every message as a dict. Files are plain or gzip, with lengths before
their messages, with zeros there, or with nothing.
"""

from aeromatch.replay.itch.layout import LAYOUTS, Layout, decode, dtype_of, encode
from aeromatch.replay.itch.reading import Listing, first_symbols, iterate, messages, symbols
from aeromatch.replay.itch.rebuild import ItchResult, TradingAction, Volume, replay, some_symbols

__all__ = [
    "LAYOUTS",
    "ItchResult",
    "Layout",
    "Listing",
    "TradingAction",
    "Volume",
    "decode",
    "dtype_of",
    "encode",
    "first_symbols",
    "iterate",
    "messages",
    "replay",
    "some_symbols",
    "symbols",
]
