"""An engine book whose orders carry the recording's ids.

The engine gives its own ids and keeps the queues; this only remembers which id is whose, level by level.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from aeromatch import Instrument, OrderBook

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from aeromatch import Report

NAMELESS: Final = -1
"""Name of quantity that nothing in the file ever refers to; it stands last in its level."""


class Hit(NamedTuple):
    """One trade of an order that was resent."""

    name: int
    price: int
    size: int


class NamedBook:
    """A real `OrderBook`, driven with the ids and prices (in ticks) of a recording."""

    def __init__(self, instrument: Instrument, *, index: str = "ladder") -> None:
        self.book = OrderBook(instrument, index=index)
        self._engine_ids: dict[tuple[bool, int], dict[int, int]] = {}
        self._price = lru_cache(maxsize=1 << 16)(instrument.ticks_to_price)
        self._names: dict[int, int] = {}

    def price(self, ticks: int) -> Decimal:
        """Give the price of a count of ticks (remembered, since a market visits the same prices again and again)."""
        return self._price(ticks)

    def levels(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Read the whole book: asks and bids, best first, as (price in ticks, quantity in lots)."""
        depth = self.book.depth()
        return (
            [(level.price_ticks, level.quantity_lots) for level in depth.asks],
            [(level.price_ticks, level.quantity_lots) for level in depth.bids],
        )

    def place(self, is_buy: bool, price: int, size: int, name: int, time_ns: int) -> Report:
        """Enter a limit order, and move those behind it who came later (higher ids, and the nameless)."""
        later = self._later_than(is_buy, price, name)
        report = self._submit(is_buy, price, size, name, time_ns)
        for other in later:
            order = self.book.order(self._engine_ids[is_buy, price][other])
            if order is not None:
                self._submit(is_buy, price, order.remaining_lots, other, time_ns)
        return report

    def _later_than(self, is_buy: bool, price: int, name: int) -> list[int]:
        """List who must stand behind an order that arrives now, in order of the queue (which is sorted by id)."""
        later = []
        for other in reversed(self._engine_ids.get((is_buy, price), {})):
            if other != NAMELESS and other <= name:
                break
            later.append(other)
        return later[::-1]

    def take(self, is_buy: bool, price: int, size: int, time_ns: int) -> list[Hit]:
        """Send a marketable order (limit at `price`, immediate or cancel); say whom it met."""
        side = "buy" if is_buy else "sell"
        report = self.book.submit(side, quantity=size, price=self.price(price), time_in_force="ioc", timestamp=time_ns)
        return self._hits(report, not is_buy)

    def reduce(self, is_buy: bool, price: int, name: int, size: int, time_ns: int) -> bool:
        """Take `size` from an order, all of it if it has no more; False if nobody of that name stands there."""
        engine_id = self._engine_ids.get((is_buy, price), {}).get(name)
        order = None if engine_id is None else self.book.order(engine_id)
        if engine_id is None or order is None:
            return False
        if order.remaining_lots <= size:
            self._remove(is_buy, price, name)
        else:
            self.book.amend(engine_id, quantity=order.quantity - size, timestamp=time_ns)
        return True

    def delete(self, is_buy: bool, price: int, name: int) -> bool:
        """Cancel an order; False if nobody of that name stands there."""
        if name not in self._engine_ids.get((is_buy, price), {}):
            return False
        self._remove(is_buy, price, name)
        return True

    def clear_level(self, is_buy: bool, price: int) -> None:
        """Cancel everybody at a price."""
        for name in list(self._engine_ids.get((is_buy, price), {})):
            self._remove(is_buy, price, name)

    def fill_level(self, is_buy: bool, price: int, size: int, queue: Iterable[tuple[int, int]], time_ns: int) -> None:
        """Build an empty level of `size`: the named ones in order, and nameless quantity for the rest."""
        for name, quantity in queue:
            self._submit(is_buy, price, quantity, name, time_ns)
            size -= quantity
        if size > 0:
            self._submit(is_buy, price, size, NAMELESS, time_ns)

    def _submit(self, is_buy: bool, price: int, size: int, name: int, time_ns: int) -> Report:
        if name in self._engine_ids.get((is_buy, price), {}):
            self._remove(is_buy, price, name)
        side = "buy" if is_buy else "sell"
        report = self.book.submit(side, quantity=size, price=self.price(price), timestamp=time_ns)
        if report.trades:
            self._hits(report, not is_buy)
        if report.order_id is not None and report.remaining_quantity:
            self._engine_ids.setdefault((is_buy, price), {})[name] = report.order_id
            self._names[report.order_id] = name
        return report

    def _hits(self, report: Report, maker_is_buy: bool) -> list[Hit]:
        """Name the makers of a report, and forget those who are done."""
        hits = []
        for trade in report.trades:
            ticks = self.book.instrument.price_to_ticks(trade.price)
            lots = self.book.instrument.quantity_to_lots(trade.quantity)
            name = self._names[trade.maker_order_id]
            hits.append(Hit(name, ticks, lots))
            if self.book.order(trade.maker_order_id) is None:
                self._forget(maker_is_buy, ticks, name)
        return hits

    def _remove(self, is_buy: bool, price: int, name: int) -> None:
        self.book.cancel(self._engine_ids[is_buy, price][name])
        self._forget(is_buy, price, name)

    def _forget(self, is_buy: bool, price: int, name: int) -> None:
        queue = self._engine_ids[is_buy, price]
        del self._names[queue.pop(name)]
        if not queue:
            del self._engine_ids[is_buy, price]
