"""The slots behind a command to the exchange itself (docs/records.md): rules, settlement, payouts, texts."""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from aeromatch import _core
from aeromatch.market.records import (
    EXTENSION_PAYOUTS,
    EXTENSION_RULES,
    EXTENSION_SETTLEMENT,
    EXTENSION_TEXTS,
    SLOT_BYTES,
    TRAIL_BPS,
)

PRESENT_BUDGET: Final = 128
"""Of the terms of an order: its protection price is a budget (R30)."""
IN_ORDER: Final = (EXTENSION_RULES, EXTENSION_SETTLEMENT, EXTENSION_PAYOUTS, EXTENSION_TEXTS)
PRICE_INDEXES: Final = ("ladder", "btree", "skiplist", "heap")
HAS_REFERENCE_PRICE, HAS_STATIC_BAND, HAS_CIRCUIT_BREAKER = 1, 2, 4
RULES: Final = Struct("<x6BxH6xQqQQQ8x")
SETTLEMENT: Final = Struct("<xBBxhhQQI36x")
SETTLEMENT_FIELDS: Final = (
    "base_decimals",
    "quote_decimals",
    "maker_fee_bps",
    "taker_fee_bps",
    "lot_base_units",
    "tick_lot_units",
    "unit_ticks",
)
PAYOUTS: Final = Struct("<B3x15I")


def rules_of(slots: bytes) -> dict[str, Any] | None:
    """Read how an instrument matches; None where the command does not say."""
    slot = _slot(slots, EXTENSION_RULES)
    if slot is None:
        return None
    mode, matching, index, present, band_unit, breaker_unit, share, window, price, band, breaker, halt = RULES.unpack(
        slot
    )
    return {
        "self_trade_prevention": _word("SelfTradePrevention", mode),
        "matching": _word("Matching", matching),
        "price_index": PRICE_INDEXES[index],
        "fifo_share_bps": share,
        "dedup_window_ns": window,
        "reference_price_ticks": price if present & HAS_REFERENCE_PRICE else None,
        "static_band": _width(band_unit, band) if present & HAS_STATIC_BAND else None,
        "circuit_breaker": _width(breaker_unit, breaker) if present & HAS_CIRCUIT_BREAKER else None,
        "halt_ns": halt,
    }


def settlement_of(slots: bytes) -> dict[str, int] | None:
    """Read the units and fees of an instrument or an event; None where the command does not say."""
    slot = _slot(slots, EXTENSION_SETTLEMENT)
    return None if slot is None else dict(zip(SETTLEMENT_FIELDS, SETTLEMENT.unpack(slot), strict=True))


def payouts_of(slots: bytes) -> list[int] | None:
    """Read what each outcome of an event is paid, in ticks; None where the command does not say."""
    slot = _slot(slots, EXTENSION_PAYOUTS)
    if slot is None:
        return None
    count, *ticks = PAYOUTS.unpack(slot)
    return ticks[:count]


def texts_of(slots: bytes) -> list[str]:
    """Read the texts; none where the command has none."""
    first = _place(slots, EXTENSION_TEXTS)
    if first is None:
        return []
    places = range(first, first + slots[6] * SLOT_BYTES, SLOT_BYTES)
    return [slots[place + 1 : place + 1 + slots[place]].decode("utf-8", "replace") for place in places]


def _slot(slots: bytes, extension: int) -> bytes | None:
    place = _place(slots, extension)
    return None if place is None else slots[place : place + SLOT_BYTES]


def _place(slots: bytes, extension: int) -> int | None:
    extensions = slots[2]
    if not extensions & extension:
        return None
    return SLOT_BYTES * (1 + sum(bool(extensions & bit) for bit in IN_ORDER if bit < extension))


def _word(table: str, code: int) -> str:
    return next(word for word, known in _core.CODES[table].items() if known == code)


def _width(unit: int, width: int) -> dict[str, Any]:
    return {"unit": "basis_points" if unit == TRAIL_BPS else "ticks", "width": width}
