"""The terms of orders that events do not tell: how long one was to live, its stop price, what it showed.

Of a live order its book knows them. Of one that has ended they stand where they were entered: in the command, which the
row of the order names (`accepted`). So they cost nothing until somebody asks, and no restart or rebuilding loses them;
where the journal's beginning was removed, or there is no journal, nobody knows them any more.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import numpy as np

from aeromatch import JournalError, _core
from aeromatch.market.records import (
    COMMAND_DTYPE,
    EXTENSION_TERMS,
    FLAG_POST_ONLY,
    FLAG_SLIDE,
    PRESENT_DISPLAY,
    PRESENT_EXPIRE_AT,
    PRESENT_STOP_PRICE,
    TERMS_DTYPE,
)
from aeromatch.schema.orders import Order, TimeInForce
from aeromatch.server.views.listed import Market

__all__ = ["Terms"]

NEW: Final = _core.CODES["CommandKind"]["new"]
LIFETIMES: Final = {code: word for word, code in _core.CODES["TimeInForce"].items()}


class Terms:
    """Looks terms up in the journals of an exchange. Any thread may ask; they take turns."""

    def __init__(self, logs: Sequence[Path]) -> None:
        """Remember where the shards' journals are; nothing is read before somebody asks."""
        self._logs = logs
        self._readers: dict[int, _core.JournalReader] = {}
        self._asking = threading.Lock()

    def complete(self, order: Order, row: np.void, market: Market) -> None:
        """Adds to an order what its command says, if that is still there.

        Args:
            order: Made of the row.
            row: Of ORDER_DTYPE.
            market: Of the row's instrument.
        """
        slots = self._command(int(row["accepted"]), row) if row["accepted"] else None
        if slots is None:
            return
        own = np.frombuffer(slots, COMMAND_DTYPE)[0]
        flags = int(own["flags"])
        order.time_in_force = cast(TimeInForce, LIFETIMES[int(own["time_in_force"])])
        order.post_only = "slide" if flags & FLAG_SLIDE else bool(flags & FLAG_POST_ONLY)
        if not own["extensions"] & EXTENSION_TERMS:
            return
        terms = np.frombuffer(slots, TERMS_DTYPE)[1]
        present = int(terms["present"])
        if present & PRESENT_STOP_PRICE:
            order.stop_price = market.price(int(terms["stop_price_ticks"]))
        if present & PRESENT_DISPLAY:
            order.display_quantity = market.quantity(int(terms["display_lots"]))
        if present & PRESENT_EXPIRE_AT:
            order.expire_at = int(terms["expire_at_ns"])

    def _command(self, sequence: int, row: np.void) -> bytes | None:
        """The slots of the command that entered an order.

        Numbers are those of a shard's log, and a row does not say which shard's: of all that have such a command it is
        the one that enters this order.
        """
        with self._asking:
            for shard in range(len(self._logs)):
                slots = self._read(shard, sequence)
                if slots is not None and _enters(slots, row):
                    return slots
        return None

    def _read(self, shard: int, sequence: int) -> bytes | None:
        try:
            reader = self._readers.get(shard)
            if reader is None:
                reader = self._readers[shard] = _core.JournalReader(self._logs[shard])
            if sequence > reader.last_sequence:
                reader.refresh()
            chunk = reader.commands(sequence - 1, until=sequence, limit=1)
        except JournalError:
            # Its beginning was removed, and the command with it.
            return None
        return None if chunk is None else chunk.slots


def _enters(slots: bytes, row: np.void) -> bool:
    own = np.frombuffer(slots, COMMAND_DTYPE)[0]
    same = (("instrument", "instrument"), ("account", "account"), ("side", "side"), ("order_type", "order_type"))
    return bool(own["kind"] == NEW) and all(own[theirs] == row[ours] for theirs, ours in same)
