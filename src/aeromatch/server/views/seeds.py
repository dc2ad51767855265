"""Live orders as their books know them, for logs whose beginning was removed."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import Exchange, _core
from aeromatch.market.records import ORDER_DTYPE, ORDER_HAS_FILLS
from aeromatch.market.view_rows import Position

__all__ = ["rows_of_books", "seed_of"]

STATUS: Final = _core.CODES["OrderStatus"]
SIDE: Final = _core.CODES["Side"]
TYPE: Final = _core.CODES["OrderType"]


def seed_of(log: Path) -> tuple[Position, NDArray[np.void], dict[int, str]] | None:
    """Where a journal begins whose beginning was removed, and what lived then; None: it has everything.

    Raises:
        JournalError: The journal is damaged; names the file.
    """
    reader = _core.JournalReader(log)
    first = reader.first_sequence
    if not first:
        return None
    exchange = reader.load_snapshot(first)
    return Position(first, exchange.now), *rows_of_books(exchange)


def rows_of_books(exchange: Exchange) -> tuple[NDArray[np.void], dict[int, str]]:
    """Rows of ORDER_DTYPE of all live orders, in the terms of the book that they stand in, and their client order ids.

    What a book does not know is left out: at which prices an order was filled, that it was a stop, and for which of two
    outcomes it was entered.
    """
    seconds = {event.symbols[1] for event in exchange.events() if len(event.symbols) == 2}
    found, names = [], {}
    for instrument in exchange.instruments():
        if instrument.symbol in seconds:
            continue
        for order in exchange.book(instrument.symbol).orders():
            row = np.zeros((), ORDER_DTYPE)
            filled = order.quantity_lots - order.remaining_lots
            row["order_id"], row["account"] = order.order_id, order.account_number
            row["instrument"] = row["book"] = instrument.number
            row["side"], row["order_type"] = SIDE[order.side], TYPE[order.order_type]
            row["status"] = STATUS[order.status]
            row["flags"] = 0 if filled else ORDER_HAS_FILLS
            row["price_ticks"] = order.price_ticks or 0
            row["quantity_lots"], row["remaining_lots"] = order.quantity_lots, order.remaining_lots
            row["filled_lots"] = filled
            row["created_ns"] = row["updated_ns"] = order.timestamp
            row["sequence"] = exchange.sequence
            found.append(row)
            if order.client_order_id is not None:
                names[order.order_id] = order.client_order_id
    return np.array(found, ORDER_DTYPE), names
