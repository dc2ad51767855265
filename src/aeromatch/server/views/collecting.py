"""What events bring to the views: collected here until it is written, whole commands at a time."""

import zlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from aeromatch.analytics.candles import CandleBuilder, trades_of
from aeromatch.market.view_rows import NO_ORDERS, NO_TRADES, CandleRow, Listed, Position, ViewBatch, ViewStore

__all__ = ["Collector", "latest", "mark_of"]


class Collector:
    """Rows that are not written yet. Used by one thread at a time: whoever has several lets them take turns."""

    def __init__(self, store: ViewStore, changed: Callable[[CandleRow], object] = lambda _row: None) -> None:
        """Go on where the store ends; `changed` is told each candle that changes, when somebody asks for candles."""
        self.positions = store.positions()
        self.candles = CandleBuilder(store.periods_ms, store.last_candles(), changed)
        self._moved: dict[int, Position] = {}
        self._trades: list[NDArray[np.void]] = []
        self._orders: list[NDArray[np.void]] = []
        self._names: dict[int, str] = {}
        self._instruments: list[Listed] = []
        self.rows = 0
        """How many wait."""

    def add(
        self, shard: int, records: NDArray[np.void], times_ns: NDArray[np.uint64], orders: NDArray[np.void]
    ) -> None:
        """Take the events of whole commands of a shard, when each happened, and what they did to orders."""
        if not len(records):
            return
        trades = trades_of(records, times_ns)
        self.candles.add(trades)
        last = int(records["sequence"][-1])
        self.move(shard, Position(last, int(times_ns[-1]), last, mark_of(records, last)))
        if len(trades):
            self._trades.append(trades)
        if len(orders):
            self._orders.append(orders)
        self.rows += len(trades) + len(orders)

    def seed(self, shard: int, position: Position, orders: NDArray[np.void], names: dict[int, str]) -> None:
        """Begin behind a position, with the orders that live there."""
        self.move(shard, position)
        self._orders.append(orders)
        self._names.update(names)
        self.rows += len(orders)

    def move(self, shard: int, position: Position) -> None:
        """A shard's log has been read so far."""
        self.positions[shard] = self._moved[shard] = position

    def name(self, names: Iterable[tuple[int, str]]) -> None:
        """Orders have client order ids."""
        self._names.update(names)

    def names_of(self, order_ids: Iterable[int]) -> dict[int, str]:
        """The client order ids that wait, of these orders."""
        return {order_id: self._names[order_id] for order_id in order_ids if order_id in self._names}

    def with_name(self, client_order_id: str) -> list[int]:
        """The orders among those whose names wait that have this one."""
        return [order_id for order_id, name in self._names.items() if name == client_order_id]

    def note(self, instruments: Iterable[Listed]) -> None:
        """Instruments have come to be."""
        self._instruments.extend(instruments)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self._moved or self._names or self._instruments)

    def order(self, order_id: int) -> np.void | None:
        """The latest row of an order among what waits."""
        for orders in reversed(self._orders):
            places = np.flatnonzero(orders["order_id"] == order_id)
            if len(places):
                row: np.void = orders[places[-1]]
                return row
        return None

    def waiting(self) -> ViewBatch:
        """What waits, as it is; it goes on waiting."""
        return ViewBatch(
            dict(self._moved),
            self.candles.changed(),
            np.concatenate(self._trades) if self._trades else NO_TRADES,
            latest(np.concatenate(self._orders)) if self._orders else NO_ORDERS,
            dict(self._names),
            list(self._instruments),
        )

    def take(self) -> ViewBatch:
        """What waits; it waits no longer."""
        batch = self.waiting()
        self.candles.take()
        self._moved, self._names = {}, {}
        self._trades, self._orders, self._instruments = [], [], []
        self.rows = 0
        return batch


def latest(orders: NDArray[np.void]) -> NDArray[np.void]:
    """Of each order its last row."""
    _, places = np.unique(orders["order_id"][::-1], return_index=True)
    return orders[len(orders) - 1 - places]


def mark_of(records: NDArray[np.void], sequence: int) -> int:
    """A checksum of the events of one command."""
    return zlib.crc32(records[records["sequence"] == np.uint64(sequence)].tobytes())
