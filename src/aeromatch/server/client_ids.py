"""Client order ids of orders that changed lately: events do not have them, and those who tell of orders need them."""

import threading
from collections import OrderedDict
from typing import Final

from aeromatch import AeroMatchError, Exchange
from aeromatch.server.views import ServerViews

__all__ = ["ClientOrderIds", "NamedViews"]

KEPT: Final = 100_000
COUNTER_BITS: Final = 40
"""An order id is the instrument's number, and so many bits of a counter (R5)."""


class ClientOrderIds:
    """Of the last orders that somebody named or asked for."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange.port()
        self._lock = threading.Lock()
        # Who asks a shard waits for it; who names an order does not wait for those.
        self._asking = threading.Lock()
        self._known: OrderedDict[int, str | None] = OrderedDict()
        self._symbols: dict[int, str] = {}

    def named(self, order_id: int, client_order_id: str | None) -> None:
        """Keeps what a gateway knows."""
        with self._lock:
            self._known[order_id] = client_order_id
            if len(self._known) > KEPT:
                self._known.popitem(last=False)

    def find(self, order_id: int) -> str | None:
        """The client order id of an order; one that nobody has named is looked for in its book, once.

        In any thread but the event loop's: it waits for the order's shard. An order that has ended before its gateway
        named it has none here.
        """
        try:
            return self._known[order_id]
        except KeyError:
            pass
        number = order_id >> COUNTER_BITS
        try:
            with self._asking:
                if number not in self._symbols:
                    self._symbols = {each.number: each.symbol for each in self._exchange.instruments()}
                order = self._exchange.book(self._symbols[number]).order(order_id)
        except (AeroMatchError, KeyError):
            return None
        if order is None:
            return None
        self.named(order_id, order.client_order_id)
        return order.client_order_id

    def close(self) -> None:
        """Ends its way to the exchange."""
        self._exchange.close()


class NamedViews(ServerViews):
    """The views, which pass on what gateways name."""

    client_order_ids: ClientOrderIds

    def named(self, order_id: int, client_order_id: str) -> None:
        """As `services.Views`."""
        self.client_order_ids.named(order_id, client_order_id)
        super().named(order_id, client_order_id)
