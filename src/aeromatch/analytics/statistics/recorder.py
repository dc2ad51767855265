"""Counts beside an exchange at work, in a thread of its own: matching never waits for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Self

from aeromatch.analytics.statistics.attach import Countable, attach
from aeromatch.analytics.statistics.counter import Counter
from aeromatch.analytics.statistics.errors import StatisticsError
from aeromatch.analytics.statistics.samples import Latencies
from aeromatch.market.arguments import seconds_of

if TYPE_CHECKING:
    from types import TracebackType

    from aeromatch.analytics.statistics.protocols import Part, Store

READ_S: Final = 0.1
"""How long one read waits: `flush` and `close` are heard that late at most."""
MOST_EVENTS: Final = 262_144
"""So many are counted at once, even if it is not time yet."""


class Recorder:
    """Counts what comes, from where the store ends, until it is closed. Also a context manager.

    What ends its thread is raised by every `flush` from then on, and by `close` if no `flush` has told; matching goes
    on, and what was not counted is counted when the statistics are opened again.
    """

    def __init__(self, exchange: Countable, store: Store, *, interval_s: float = 1.0) -> None:
        """Start.

        Args:
            exchange: An Exchange or an AsyncExchange, with a journal or with shards: its log and, if `Shards.samples`
                says so, its latencies. Or the directory of one, at work in this process or another: its log. Or what
                opens a `Source` of events at given positions.
            store: Where the rows go; it must stay open until this is closed.
            interval_s: How often rows are written.

        Raises:
            JournalError: There is no journal, or it is damaged.
            StatisticsError: The statistics are not of this log, or what lies between was removed or overwritten.
            TypeError: It is nothing that can be counted, or the interval is no number.
            ValueError: The exchange has neither journal nor shards, or the interval is not above 0.
        """
        seconds = seconds_of(interval_s)
        if seconds is None:
            raise TypeError(f"interval_s must be a number, not {type(interval_s).__name__}")
        if not seconds > 0:
            raise ValueError(f"interval_s must be above 0, not {interval_s}")
        open_source, self._gauges = attach(exchange)
        self._counter = Counter(store, open_source)
        self._store = store
        self._latencies = Latencies(store.periods_ms)
        self._interval_s = seconds
        self._parts: list[Part] = []
        self._changed = threading.Condition()
        self._asked = self._answered = 0
        self._is_ending = self._has_ended = False
        self._error: BaseException | None = None
        self._is_told = False
        self._thread = threading.Thread(target=self._run, name="aeromatch-statistics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            due = time.monotonic() + self._interval_s
            while True:
                with self._changed:
                    asked, is_ending = self._asked, self._is_ending
                is_wanted = asked > self._answered or is_ending
                while self._take(0 if is_wanted else min(READ_S, max(due - time.monotonic(), 0))) and is_wanted:
                    pass
                if is_wanted or time.monotonic() >= due or self._waiting_events() >= MOST_EVENTS:
                    self._write()
                    due = time.monotonic() + self._interval_s
                with self._changed:
                    self._answered = asked
                    self._changed.notify_all()
                if is_ending:
                    return
        except BaseException as error:
            self._error = error
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _take(self, timeout_s: float) -> bool:
        """Take one part, if there is one."""
        part = self._counter.source.read(timeout_s)
        if part is None:
            return False
        self._parts.append(part)
        lag = self._gauges.behind(part.shard, part.sequence) if self._gauges else None
        if lag is not None:
            self._latencies.record_lag(time.time_ns(), part.shard, lag)
        if self._waiting_events() >= MOST_EVENTS:
            self._write()
        return True

    def _waiting_events(self) -> int:
        return sum(len(part.records) for part in self._parts)

    def _write(self) -> None:
        parts, self._parts = self._parts, []
        self._counter.count(parts)
        if self._gauges is not None:
            self._latencies.record(self._gauges.samples())
            self._store.add_latencies(self._latencies.take())

    def flush(self) -> None:
        """Wait until all is counted that had happened when this was called.

        Raises:
            StatisticsError: It was closed, or what ended its thread: the cause is attached.
        """
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.wait_for(lambda: self._answered >= mine or self._has_ended)
        self._raise()
        if self._answered < mine:
            raise StatisticsError("the recorder was closed")

    def close(self) -> None:
        """Count what there is and end the thread; a second time does nothing.

        Raises:
            StatisticsError: What ended the thread, unless `flush` has told: the cause is attached.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
        self._thread.join()
        if not self._is_told:
            self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            self._is_told = True
            raise StatisticsError(f"statistics are no longer counted: {self._error}") from self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
