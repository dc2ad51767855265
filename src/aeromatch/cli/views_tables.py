"""Rows of the views' file as a console shows them: money instead of ticks, words instead of codes."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch import _core
from aeromatch.cli.journal_arguments import moment
from aeromatch.market.periods import duration_ms, duration_text

if TYPE_CHECKING:
    from aeromatch.market.view_rows import Listed
    from aeromatch.stores import SqliteViews

__all__ = ["rows_of"]

EXACT: Final = Context(prec=120)
AVERAGE: Final = Context(prec=28)
LAST_MS: Final = 2**62
MILLISECOND_NS: Final = 1_000_000
Row = dict[str, Any]


def _words(table: str) -> dict[int, str]:
    return {code: word for word, code in _core.CODES[table].items()}


def rows_of(
    store: SqliteViews, table: str, *, symbol: str | None, period: str, account: int | None, last: int
) -> list[Row]:
    """The latest rows of a table, oldest first.

    Raises:
        ValueError: There is no such instrument, or candles of another period.
    """
    listed = store.instruments()
    chosen = None
    if symbol is not None:
        chosen = next((it for it in listed.values() if it.symbol == symbol), None)
        if chosen is None:
            has = ", ".join(it.symbol for it in listed.values()) or "none"
            raise ValueError(f"--symbol: there is no instrument {symbol!r}, there are {has}")
    if table == "orders":
        return _orders(store, listed, chosen, account, last)
    assert chosen is not None
    return _trades(store, chosen, last) if table == "trades" else _candles(store, chosen, period, last)


def _money(ticks: int, size: str) -> str:
    return f"{EXACT.multiply(Decimal(ticks), Decimal(size)):f}"


def _candles(store: SqliteViews, listed: Listed, period: str, last: int) -> list[Row]:
    from aeromatch.analytics.candles import mirrored

    period_ms = duration_ms(period)
    if period_ms not in store.periods_ms:
        has = ", ".join(map(duration_text, store.periods_ms))
        raise ValueError(f"--period: there are candles of {has}, not of {duration_text(period_ms)}")
    rows = store.candles(listed.book, period_ms, start_ms=0, end_ms=LAST_MS, limit=last)
    return [
        {
            "start": moment(row.start_ms * MILLISECOND_NS),
            "symbol": listed.symbol,
            "open": _money(row.open_ticks, listed.tick_size),
            "high": _money(row.high_ticks, listed.tick_size),
            "low": _money(row.low_ticks, listed.tick_size),
            "close": _money(row.close_ticks, listed.tick_size),
            "volume": _money(row.volume_lots, listed.lot_size),
            "trades": row.trades,
        }
        for row in (mirrored(row, listed.unit_ticks) for row in rows)
    ]


def _trades(store: SqliteViews, listed: Listed, last: int) -> list[Row]:
    sides = _words("Side")
    other = {"buy": "sell", "sell": "buy"}
    found = []
    for row in store.trades(listed.book, before_id=None, from_sequence=None, limit=last)[::-1]:
        side, ticks = sides.get(int(row["side"])), int(row["price_ticks"])
        if listed.unit_ticks:
            side, ticks = other.get(side or ""), listed.unit_ticks - ticks
        found.append(
            {
                "time": moment(int(row["timestamp_ns"])),
                "symbol": listed.symbol,
                "trade_id": int(row["trade_id"]),
                "side": side,
                "price": _money(ticks, listed.tick_size),
                "quantity": _money(int(row["quantity_lots"]), listed.lot_size),
                "sequence": int(row["sequence"]),
            }
        )
    return found


def _orders(
    store: SqliteViews, listed: dict[int, Listed], chosen: Listed | None, account: int | None, last: int
) -> list[Row]:
    live = store.live_orders()
    if account is not None:
        live = live[live["account"] == account]
    if chosen is not None:
        live = live[live["instrument"] == chosen.number]
    ended = store.ended_orders(
        account=account, instrument=None if chosen is None else chosen.number, before=None, limit=last
    )
    live = live[np.lexsort((live["order_id"], live["created_ns"]))]
    rows = np.concatenate((ended[::-1], live))[-last:]
    names = store.names(rows["order_id"].tolist())
    words = {table: _words(table) for table in ("Side", "OrderType", "OrderStatus", "CancelReason")}
    found = []
    for row in rows:
        terms = listed[int(row["instrument"])]
        filled = int(row["filled_lots"])
        notional = (int(row["notional_high"]) << 64) + int(row["notional_low"])
        average = (
            AVERAGE.divide(EXACT.multiply(Decimal(notional), Decimal(terms.tick_size)), filled) if filled else None
        )
        found.append(
            {
                "created": moment(int(row["created_ns"])),
                "symbol": terms.symbol,
                "order_id": str(int(row["order_id"])),
                "account": int(row["account"]),
                "side": words["Side"][int(row["side"])],
                "type": words["OrderType"][int(row["order_type"])],
                "status": words["OrderStatus"][int(row["status"])],
                "reason": words["CancelReason"].get(int(row["reason"])),
                "price": _money(int(row["price_ticks"]), terms.tick_size),
                "quantity": _money(int(row["quantity_lots"]), terms.lot_size),
                "filled": _money(filled, terms.lot_size),
                "average_price": None if average is None else f"{average:f}",
                "client_order_id": names.get(int(row["order_id"])),
            }
        )
    return found
