"""Client order ids of orders that changed lately: events do not have them, and those who tell of orders need them."""

import threading
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import AeroMatchError, Exchange, _core
from aeromatch.server.views import ServerViews, ViewOptions

__all__ = ["ClientOrderIds", "NamedViews"]

KEPT: Final = 100_000
COUNTER_BITS: Final = 40
"""An order id is the instrument's number, and so many bits of a counter (R5)."""
ENDED: Final = _core.CODES["OrderStatus"]["filled"]
ANSWER_S: Final = 0.05
"""A gateway names an order when it has the exchange's answer, which is on its way when the order's events are read:
so long that is waited for at most, as it holds up everybody's events."""


class ClientOrderIds:
    """Of the last orders that somebody named or asked for."""

    def __init__(self, exchange: Exchange, views: ServerViews) -> None:
        self._exchange = exchange.port()
        self._views = views
        self._changed = threading.Condition()
        self._asking = threading.Lock()
        self._known: OrderedDict[int, str | None] = OrderedDict()
        self._symbols: dict[int, str] = {}
        # By account, how many orders with a client order id gateways have sent, and how many of them were answered.
        self._sent: Counter[str | None] = Counter()
        self._answered: Counter[str | None] = Counter()

    # What follows is called by gateways.

    def naming(self, account: str | None, orders: int) -> None:
        """So many orders of an account will be named when they are answered; below 0: so many have been answered."""
        with self._changed:
            if orders > 0:
                self._sent[account] += orders
            else:
                self._answered[account] -= orders
                self._changed.notify_all()

    def named(self, order_id: int, client_order_id: str | None) -> None:
        """Keeps what a gateway knows."""
        with self._changed:
            self._keep(order_id, client_order_id)
            self._changed.notify_all()

    def _keep(self, order_id: int, client_order_id: str | None) -> None:
        self._known[order_id] = client_order_id
        if len(self._known) > KEPT:
            self._known.popitem(last=False)

    # What follows is called by those who tell of orders: the feed's thread, and threads that read the past.

    def of(self, rows: NDArray[np.void]) -> dict[int, str]:
        """The client order ids of rows of ORDER_DTYPE, by order id.

        What nobody has named, or named long ago, is looked up: of an order that has ended in the views, of a live one
        in its book, which waits for its shard.
        """
        unknown = [row for row in rows if int(row["order_id"]) not in self._known]
        for row in unknown:
            if row["status"] < ENDED:
                self._ask(int(row["order_id"]))
        # A row may be of the past: what lived then can have ended since.
        ended = [row for row in unknown if row["status"] >= ENDED or int(row["order_id"]) not in self._known]
        found = {}
        if ended:
            self._wait(ended)
            found = self._views.names_of([int(row["order_id"]) for row in ended])
        for order_id in rows["order_id"].tolist():
            name = self._known.get(order_id)
            if name is not None:
                found[order_id] = name
        return found

    def _wait(self, rows: list[np.void]) -> None:
        """Waits until orders are named, or all that was sent by now for their accounts is answered, but not for long.

        They have ended: whoever sent one that was filled at once may not have heard of it yet.
        """
        accounts = {self._views.directory.account_name(int(row["account"])) for row in rows}
        orders = [int(row["order_id"]) for row in rows]
        with self._changed:
            until = {account: self._sent[account] for account in accounts}
            self._changed.wait_for(
                lambda: (
                    all(self._answered[account] >= count for account, count in until.items())
                    or all(order_id in self._known for order_id in orders)
                ),
                ANSWER_S,
            )

    def _ask(self, order_id: int) -> None:
        """Asks the book of a live order, once."""
        number = order_id >> COUNTER_BITS
        with self._asking:
            if number not in self._symbols:
                self._symbols = {each.number: each.symbol for each in self._exchange.instruments()}
            try:
                order = self._exchange.book(self._symbols[number]).order(order_id)
            except (AeroMatchError, KeyError):
                return
        if order is not None:
            self.named(order_id, order.client_order_id)

    def close(self) -> None:
        """Ends its way to the exchange."""
        self._exchange.close()


class NamedViews(ServerViews):
    """The views, and the client order ids that gateways tell them."""

    def __init__(self, exchange: Exchange, options: ViewOptions, directory: Path | None = None) -> None:
        super().__init__(exchange, options, directory)
        self.client_order_ids = ClientOrderIds(exchange, self)

    def naming(self, account: str | None, orders: int) -> None:
        """As `services.Views`."""
        self.client_order_ids.naming(account, orders)

    def named(self, order_id: int, client_order_id: str) -> None:
        """As `services.Views`."""
        # The store first: whoever is told that an order has its name finds it here or there.
        super().named(order_id, client_order_id)
        self.client_order_ids.named(order_id, client_order_id)

    async def close(self) -> None:
        """As `ServerViews`."""
        self.client_order_ids.close()
        await super().close()
