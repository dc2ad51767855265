"""The digest's bytes, numbered as in docs/records.md: what can influence a later event."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from aeromatch.market.reference.records import Side

if TYPE_CHECKING:
    from aeromatch.market.reference.book import ReferenceBook

BOOK = struct.Struct("<IQBB")
COUNTERS = struct.Struct("<QQQBq")
COUNT = struct.Struct("<Q")
ORDER = struct.Struct("<QIBBBBqQQQQIB")
FINISHED = struct.Struct("<QIQB")


def state(book: ReferenceBook) -> bytes:
    """The logical state of a book, to be hashed."""
    mode, last_price = book.self_trade_prevention, book.last_price_ticks
    has_last_price = last_price is not None
    counters = (book.now_ns, book.order_counter, book.trade_id, has_last_price, last_price or 0)
    parts = [
        b"AMDIGST1",  # 1
        BOOK.pack(book.instrument, book.dedup_window_ns, mode, book.phase),  # 2
        COUNTERS.pack(*counters),  # 3
        COUNT.pack(len(book.live)),  # 4
    ]
    for order in book.resting[Side.BUY] + book.resting[Side.SELL]:
        text = order.client_order_id or b""
        flags = order.post_only | order.slide << 1
        who = (order.order_id, order.account)
        codes = (order.side, order.time_in_force, order.mode, flags)
        amounts = (order.price_ticks, order.total_lots, order.remaining_lots)
        rest = (order.entered_at_ns, order.expire_at_ns, order.group, len(text))
        parts += [ORDER.pack(*who, *codes, *amounts, *rest), text]
    parts.append(COUNT.pack(len(book.finished_client_ids)))  # 5
    for finished in book.finished_client_ids:
        text = finished.client_order_id
        when_and_who = (finished.finished_at_ns, finished.account, finished.order_id)
        parts += [FINISHED.pack(*when_and_who, len(text)), text]
    return b"".join(parts)
