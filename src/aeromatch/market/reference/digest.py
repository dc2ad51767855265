"""The digest's bytes, numbered as in docs/records.md: what can influence a later event."""

from __future__ import annotations

import struct

from aeromatch.market.reference.bands import Band
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import OffsetUnit
from aeromatch.market.reference.state import SIDES, State

BOOK = struct.Struct("<IQBBBHBqBQBQQ")
COUNTERS = struct.Struct("<QQQBqQ")
COUNT = struct.Struct("<Q")
ORDER = struct.Struct("<QIBBBBBBBqQQQQQIqQQQqB")
FINISHED = struct.Struct("<QIQB")

POST_ONLY, SLIDE, DORMANT = 1, 2, 4
HAS_STOP, HAS_TRAIL, HAS_DISPLAY, HAS_MINIMUM, HAS_PROTECTION = 1, 2, 4, 8, 32


def state_bytes(book: State) -> bytes:
    """The logical state of a book, to be hashed."""
    parts = [
        b"AMDIGST2",  # 1
        BOOK.pack(  # 2
            book.instrument,
            book.dedup_window_ns,
            book.self_trade_prevention,
            book.phase,
            book.matching,
            book.fifo_share_bps or 0,
            book.reference_price_ticks is not None,
            book.reference_price_ticks or 0,
            *band_codes(book.static_band),
            *band_codes(book.circuit_breaker),
            book.halt_ns or 0,
        ),
        COUNTERS.pack(  # 3
            book.now_ns,
            book.order_counter,
            book.trade_id,
            book.last_price_ticks is not None,
            book.last_price_ticks or 0,
            book.halt_end_ns or 0,
        ),
        COUNT.pack(len(book.live)),  # 4
    ]
    for side in SIDES:
        parts += [order_bytes(order) for order in book.waiting[side] + book.resting[side]]
    # By arrival, which is what decides between stops that come to one price (R16).
    dormant = [order for side in SIDES for order in book.dormant[side]]
    parts += [order_bytes(order) for order in sorted(dormant, key=lambda order: order.arrival)]
    parts.append(COUNT.pack(len(book.finished_client_ids)))  # 5
    for finished in book.finished_client_ids:
        text = finished.client_order_id
        when_and_who = (finished.finished_at_ns, finished.account, finished.order_id)
        parts += [FINISHED.pack(*when_and_who, len(text)), text]
    return b"".join(parts)


def band_codes(band: Band | None) -> tuple[int, int]:
    """Kind and width of a band: 0 none, 1 ticks, 2 basis points."""
    if band is None:
        return 0, 0
    return 1 if band.unit == OffsetUnit.TICKS else 2, band.value


def order_bytes(order: Order) -> bytes:
    """All of an order that still matters: a minimum only until it has acted, a trail only while dormant."""
    minimum = order.minimum_lots if order.is_dormant else None
    present = (
        (order.stop_price_ticks is not None) * HAS_STOP
        | (order.trail_offset is not None) * HAS_TRAIL
        | (order.display_lots is not None) * HAS_DISPLAY
        | (minimum is not None) * HAS_MINIMUM
        | (order.protection_price_ticks is not None) * HAS_PROTECTION
    )
    text = order.client_order_id or b""
    fixed = ORDER.pack(
        order.order_id,
        order.account,
        order.side,
        order.time_in_force,
        order.mode,
        order.post_only * POST_ONLY | order.slide * SLIDE | order.is_dormant * DORMANT,
        order.order_type,
        present,
        order.trail_unit,
        order.price_ticks,
        order.total_lots,
        order.remaining_lots,
        order.shown_lots,
        order.entered_at_ns,
        order.expire_at_ns,
        order.group,
        order.stop_price_ticks or 0,
        order.trail_offset or 0,
        order.display_lots or 0,
        minimum or 0,
        order.protection_price_ticks or 0,
        len(text),
    )
    return fixed + text
