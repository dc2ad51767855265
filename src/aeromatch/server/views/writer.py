"""Brings rows into a store in a thread of its own, as much at once as there is."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from aeromatch import AeroMatchError
from aeromatch.market.view_rows import CandleRow, Listed, Position, ViewBatch, ViewStore
from aeromatch.server.views.collecting import Collector

__all__ = ["ViewsError", "Writer"]


class ViewsError(AeroMatchError):
    """Views cannot be kept, or not any more: the message says why and what to do."""


class Writer:
    """Collects for a store, and writes every `flush_s`. Where the store is too slow, whoever brings rows waits.

    What ends its thread is raised to the next one who brings rows.
    """

    def __init__(
        self,
        store: ViewStore,
        *,
        flush_s: float,
        waiting_rows: int,
        changed: Callable[[CandleRow], object] = lambda _row: None,
    ) -> None:
        """Begin.

        Args:
            store: Where to.
            flush_s: Rows are written so often.
            waiting_rows: So many wait at most.
            changed: Told each candle that changes: in a `look` that asks for candles, or when they are to be written.
        """
        self._store = store
        self._flush_s, self._waiting_rows = flush_s, waiting_rows
        self._changed = threading.Condition()
        self._collector = Collector(store, changed)
        # Appended to by any thread, taken from by who has the lock.
        self._named: deque[tuple[int, str]] = deque()
        self.stored = {shard: position.sequence for shard, position in store.positions().items()}
        """The last command of each shard whose rows are in the store."""
        self._in_flight: ViewBatch | None = None
        self._asked = self._answered = 0
        self._is_ending = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="aeromatch-views", daemon=True)
        self._thread.start()

    def put(
        self,
        shard: int,
        records: NDArray[np.void],
        times_ns: NDArray[np.uint64],
        orders: NDArray[np.void],
        look: Callable[[Collector], object] = lambda _collector: None,
    ) -> None:
        """Bring the events of whole commands, and what they did to orders.

        Args:
            shard: Whose events.
            records: The events.
            times_ns: When each happened.
            orders: What they did.
            look: Given what was collected, before any of it is taken away to be written.

        Raises:
            ViewsError: The store has failed.
        """
        with self._changed:
            self._collector.add(shard, records, times_ns, orders)
            look(self._collector)
            if self._collector.rows >= self._waiting_rows:
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._collector.rows < self._waiting_rows or self._error is not None)
            self._raise()

    def name(self, names: Sequence[tuple[int, str]]) -> None:
        """Orders have client order ids. Waits for nobody."""
        self._named.extend(names)

    def note(self, instruments: Sequence[Listed]) -> None:
        """Instruments have come to be."""
        with self._changed:
            self._collector.note(instruments)

    def seed(self, shard: int, position: Position, orders: NDArray[np.void], names: dict[int, str]) -> None:
        """Begin behind a position, with the orders that live there."""
        with self._changed:
            self._collector.seed(shard, position, orders, names)

    def look(self, look: Callable[[Collector], object]) -> None:
        """Let somebody look at what waits, while nothing is added."""
        with self._changed:
            look(self._collector)

    def waiting(self) -> list[ViewBatch]:
        """What is not known to be in the store, the older first. To be asked before the store is."""
        with self._changed:
            flying = [self._in_flight] if self._in_flight is not None else []
            return [*flying, self._collector.waiting()]

    def order(self, order_id: int) -> np.void | None:
        """The latest row of an order that is not known to be in the store."""
        with self._changed:
            row = self._collector.order(order_id)
            if row is None and self._in_flight is not None:
                places = np.flatnonzero(self._in_flight.orders["order_id"] == order_id)
                row = self._in_flight.orders[places[-1]] if len(places) else None
            return row

    def waiting_names(self, order_ids: Sequence[int]) -> dict[int, str]:
        """Client order ids that are not known to be in the store."""
        with self._changed:
            self._take_names()
            flying = self._in_flight.names if self._in_flight is not None else {}
            found = {order_id: flying[order_id] for order_id in order_ids if order_id in flying}
            return found | self._collector.names_of(order_ids)

    def waiting_with_name(self, client_order_id: str) -> list[int]:
        """The orders that have this client order id, of those of which that is not known to be in the store."""
        with self._changed:
            self._take_names()
            flying = self._in_flight.names if self._in_flight is not None else {}
            found = [order_id for order_id, name in flying.items() if name == client_order_id]
            return found + self._collector.with_name(client_order_id)

    def last_candle(self, instrument: int, period_ms: int) -> CandleRow | None:
        """The last candle with trades of a book."""
        with self._changed:
            return self._collector.candles.last(instrument, period_ms)

    def flush(self) -> None:
        """Wait until all is written that was brought before.

        Raises:
            ViewsError: The store has failed.
        """
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= mine or self._error is not None)
            self._raise()

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(self._is_wanted, self._flush_s)
                    asked, is_ending = self._asked, self._is_ending
                    self._take_names()
                    self._in_flight = None if self._collector.is_empty else self._collector.take()
                    self._changed.notify_all()
                if self._in_flight is not None:
                    self._store.write(self._in_flight)
                    self.stored |= {shard: it.sequence for shard, it in self._in_flight.positions.items()}
                with self._changed:
                    self._in_flight, self._answered = None, asked
                    self._changed.notify_all()
                if is_ending:
                    return
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _take_names(self) -> None:
        self._collector.name([self._named.popleft() for _ in range(len(self._named))])

    def _is_wanted(self) -> bool:
        return self._is_ending or self._asked > self._answered or self._collector.rows >= self._waiting_rows

    def _raise(self) -> None:
        if self._error is not None:
            raise ViewsError(f"views are no longer kept: {self._error}") from self._error

    def close(self) -> None:
        """Write what there is and end the thread; a second time does nothing.

        Raises:
            ViewsError: The store has failed.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join()
        self._raise()
