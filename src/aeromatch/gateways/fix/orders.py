"""The orders of a session: found by each ClOrdID that they have had, and kept in the session's store."""

from collections import deque
from typing import Final

import msgspec

from aeromatch.gateways.fix.store import SessionStore
from aeromatch.gateways.fix.tracked import Tracked

__all__ = ["MOST_IDS", "SessionOrders"]

PREFIX: Final = "order/"
MOST_IDS: Final = 100
"""So many ClOrdIDs of an order are remembered: the one that it was entered with, and the last ones."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Tracked).decode


class SessionOrders:
    """All orders of a session that live, and the last ones that have ended. Every change is within a transaction."""

    def __init__(self, store: SessionStore, kept: int) -> None:
        """Read what the store has.

        Arguments:
            store: The session's.
            kept: So many ended orders are remembered.
        """
        self._store = store
        self._kept = kept
        self._by_id: dict[str, Tracked] = {}
        self._by_venue: dict[str, Tracked] = {}
        self._ended: deque[Tracked] = deque()
        self._number = 0
        self.live: dict[int, Tracked] = {}
        """Those that have not ended, by number."""
        for _, text in store.facts(PREFIX):
            self._enlist(_decode(text))

    def _enlist(self, order: Tracked) -> None:
        self._number = max(self._number, order.number)
        for cl_ord_id in order.ids:
            self._by_id[cl_ord_id] = order
        if order.order_id:
            self._by_venue[order.order_id] = order
        if order.is_done:
            self._ended.append(order)
        else:
            self.live[order.number] = order

    def unanswered(self) -> list[Tracked]:
        """Those with a request that has no answer, in the order in which they came."""
        known = [*self._ended, *self.live.values()]
        asked = [it for it in known if it.status == "A" or any(not change.sequence for change in it.changes)]
        return sorted(asked, key=lambda order: order.number)

    def find(self, cl_ord_id: str) -> Tracked | None:
        """The order that has, or had, a ClOrdID."""
        return self._by_id.get(cl_ord_id)

    def of_venue(self, order_id: str) -> Tracked | None:
        """The order that the venue has given an id."""
        return self._by_venue.get(order_id)

    def add(self, order: Tracked) -> None:
        """An order that is about to be sent."""
        self._number += 1
        order.number = self._number
        self.link(order, order.first)
        self.live[order.number] = order
        self.save(order)

    def link(self, order: Tracked, cl_ord_id: str) -> None:
        """The order is asked for under another ClOrdID, too; to be saved."""
        order.ids.append(cl_ord_id)
        self._by_id[cl_ord_id] = order
        if len(order.ids) > MOST_IDS:
            self._forget(order.ids.pop(1), order)

    def _forget(self, cl_ord_id: str, order: Tracked) -> None:
        if self._by_id.get(cl_ord_id) is order:
            del self._by_id[cl_ord_id]

    def save(self, order: Tracked) -> None:
        """Keep an order as it is now."""
        if order.order_id:
            self._by_venue[order.order_id] = order
        self._store.note(f"{PREFIX}{order.number:015}", _encode(order).decode())
        if order.is_done and self.live.pop(order.number, None) is not None:
            self._ended.append(order)
            if len(self._ended) > self._kept:
                self._drop(self._ended.popleft())

    def _drop(self, order: Tracked) -> None:
        for cl_ord_id in order.ids:
            self._forget(cl_ord_id, order)
        if self._by_venue.get(order.order_id) is order:
            del self._by_venue[order.order_id]
        self._store.note(f"{PREFIX}{order.number:015}", None)
