"""Rows as the answers of the API, and cursors."""

import zlib
from collections.abc import Mapping
from typing import Final, cast

import numpy as np

from aeromatch import _core
from aeromatch.analytics.candles import mirrored
from aeromatch.gateways.services import RefusedError
from aeromatch.market.view_rows import CandleRow
from aeromatch.schema.market import Candle, TradePrint
from aeromatch.schema.orders import Side
from aeromatch.server.views.listed import Market

__all__ = ["MILLISECOND_NS", "candle_of", "cursor_of", "read_cursor", "trade_of"]

MILLISECOND_NS: Final = 1_000_000
SIDES: Final = {code: word for word, code in _core.CODES["Side"].items()}
OTHER: Final[Mapping[str, str]] = {"buy": "sell", "sell": "buy"}


def trade_of(row: np.void, market: Market) -> TradePrint:
    """A row of TRADE_DTYPE, in the instrument's own terms."""
    side = SIDES.get(int(row["side"]))
    if market.unit_ticks and side is not None:
        side = OTHER[side]
    return TradePrint(
        trade_id=int(row["trade_id"]),
        symbol=market.symbol,
        price=market.price(market.own_price(int(row["price_ticks"]))),
        quantity=market.quantity(int(row["quantity_lots"])),
        side=cast(Side | None, side),
        timestamp=int(row["timestamp_ns"]),
        sequence=int(row["sequence"]),
    )


def candle_of(row: CandleRow, market: Market, now_ms: int) -> Candle:
    """A candle of the book, in the instrument's own terms."""
    row = mirrored(row, market.unit_ticks)
    return Candle(
        start=row.start_ms * MILLISECOND_NS,
        open=market.price(row.open_ticks),
        high=market.price(row.high_ticks),
        low=market.price(row.low_ticks),
        close=market.price(row.close_ticks),
        volume=market.quantity(row.volume_lots),
        notional=market.notional(row.notional),
        trades=row.trades,
        is_closed=row.start_ms + row.period_ms <= now_ms,
    )


def read_cursor(question: tuple[object, ...], cursor: str | None, numbers: int) -> tuple[int, ...] | None:
    """The numbers of a cursor; RefusedError (400) where it is none, or one of another question."""
    if cursor is None:
        return None
    parts = cursor.split(".")
    if len(parts) == numbers + 1 and all(part.isascii() and part.isdigit() and len(part) <= 20 for part in parts):
        found = tuple(map(int, parts[:numbers]))
        if cursor_of(question, *found) == cursor:
            return found
    raise RefusedError("invalid_cursor", 400, f"no cursor of an answer to this question: {cursor[:60]!r}")


def cursor_of(question: tuple[object, ...], *numbers: int) -> str:
    """The cursor of some numbers: good for the same question only."""
    return ".".join(map(str, (*numbers, zlib.crc32(repr((question, numbers)).encode()))))
