"""The 64-byte records as NumPy dtypes (docs/records.md): one description for batches, events, files and the wire."""

from typing import Final

import numpy as np

__all__ = [
    "CLIENT_ID_DTYPE",
    "COMMAND_DTYPE",
    "EVENT_DTYPE",
    "FILL_DTYPE",
    "ORDER_DTYPE",
    "RECORD_VERSION",
    "SLOT_BYTES",
    "TERMS_DTYPE",
]

SLOT_BYTES: Final = 64
RECORD_VERSION: Final = 1

NO_SIDE: Final = 255

EXTENSION_TERMS: Final = 1
EXTENSION_CLIENT_ID: Final = 2
EXTENSION_RULES: Final = 4
EXTENSION_SETTLEMENT: Final = 8
EXTENSION_PAYOUTS: Final = 16
EXTENSION_TEXTS: Final = 32

FLAG_POST_ONLY: Final = 1
FLAG_SLIDE: Final = 2
FLAG_PRICE: Final = 4
FLAG_QUANTITY: Final = 8
FLAG_PRICE_OFF_GRID: Final = 16

PRESENT_STOP_PRICE: Final = 1
PRESENT_TRAIL_OFFSET: Final = 2
PRESENT_DISPLAY: Final = 4
PRESENT_MINIMUM: Final = 8
PRESENT_EXPIRE_AT: Final = 16
PRESENT_PROTECTION: Final = 32
PRESENT_GROUP: Final = 64

TRAIL_TICKS: Final = 0
TRAIL_BPS: Final = 1

SHAPE_UNDISPLAYED: Final = 8
SHAPE_SLICES: Final = 16
SHAPE_MIRRORED: Final = 32

COMMAND_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("version", "u1"),
        ("extensions", "u1"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("time_in_force", "u1"),
        ("self_trade_prevention", "u1"),
        ("flags", "u1"),
        ("instrument", "<u4"),
        ("account", "<u4"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
        ("order_id", "<u8"),
        ("timestamp_ns", "<u8"),
        ("sequence", "<u8"),
        ("tag", "<u8"),
    ]
)
"""A command's own slot. Byte 4, `order_type`, is the phase in a phase command."""

TERMS_DTYPE: Final = np.dtype(
    [
        ("present", "u1"),
        ("trail_unit", "u1"),
        ("zero", "u1", (6,)),
        ("stop_price_ticks", "<i8"),
        ("trail_offset", "<u8"),
        ("display_lots", "<u8"),
        ("minimum_lots", "<u8"),
        ("expire_at_ns", "<u8"),
        ("protection_price_ticks", "<i8"),
        ("self_trade_group", "<u4"),
        ("zero_too", "<u4"),
    ]
)
"""The extension slot with a new order's rarer terms."""

CLIENT_ID_DTYPE: Final = np.dtype([("length", "u1"), ("text", "S36"), ("zero", "u1", (27,))])
"""The extension slot with a client order id."""

EVENT_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("version", "u1"),
        ("reason", "u1"),
        ("side", "u1"),
        ("instrument", "<u4"),
        ("account", "<u4"),
        ("index", "<u4"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
        ("order_id", "<u8"),
        ("other", "<u8"),
        ("sequence", "<u8"),
        ("detail", "<u8"),
    ]
)
"""One event. What the fields mean depends on its kind: docs/records.md has the table."""

LEVEL_CHANGE_DTYPE: Final = np.dtype(
    [
        ("sequence", "<u8"),
        ("side", "u1"),
        ("zero", "u1", (3,)),
        ("order_count", "<u4"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
    ]
)
"""A level as it stands after the command that changed it; count 0 where it is gone (R7)."""

ORDER_DTYPE: Final = np.dtype(
    [
        ("order_id", "<u8"),
        ("instrument", "<u4"),
        ("account", "<u4"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("status", "u1"),
        ("reason", "u1"),
        ("flags", "u1"),
        ("zero", "u1", (3,)),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
        ("filled_lots", "<u8"),
        ("remaining_lots", "<u8"),
        ("notional_low", "<u8"),
        ("notional_high", "<i8"),
        ("created_ns", "<u8"),
        ("updated_ns", "<u8"),
        ("sequence", "<u8"),
        ("book", "<u4"),
        ("unit_ticks", "<u4"),
        ("accepted", "<u8"),
    ]
)
"""An order as events tell it, in its own terms (docs/views.md): what `_core.OrderTracker` gives."""

ORDER_HAS_FILLS: Final = 1
"""Of `flags`: the notional has all of the order's fills."""

FILL_DTYPE: Final = np.dtype(
    [
        ("order_id", "<u8"),
        ("trade_id", "<u8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
        ("sequence", "<u8"),
        ("timestamp_ns", "<u8"),
        ("instrument", "<u4"),
        ("account", "<u4"),
        ("side", "u1"),
        ("is_maker", "u1"),
        ("zero", "u1", (6,)),
    ]
)
"""One execution of an order, in its own terms."""

SAMPLE_DTYPE: Final = np.dtype(
    [
        ("end_wall_ns", "<u8"),
        ("commands", "<u4"),
        ("intake_depth", "<u4"),
        ("waited_ns", "<u8"),
        ("journal_ns", "<u8"),
        ("sync_ns", "<u8"),
        ("match_ns", "<u8"),
        ("publish_ns", "<u8"),
        ("first_sequence", "<u8"),
        ("timed_ns", "<u8"),
        ("timed_instrument", "<u4"),
        ("timed_place", "<u4"),
        ("shard", "<u8"),
    ]
)
"""How long the stages of one batch of a shard took, and one of its commands, in nanoseconds (docs/statistics.md)."""
