"""The thread that reads the exchange's events for everyone who follows them."""

import asyncio
import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np

from aeromatch import AeroMatchError, Events, EventStream, Exchange, StreamLagged
from aeromatch.market.times import event_times
from aeromatch.market.turns import Turns
from aeromatch.server.feed.protocols import EventConsumer, FeedFailedError, FeedOptions, OrderFollower

__all__ = ["Feed"]

log = logging.getLogger("aeromatch.feed")

NO_ROWS: Final = np.zeros(0, dtype="V1")


class _Waiting:
    """Somebody who waits until the consumers have what there was when he came."""

    __slots__ = ("left", "reached", "sequences")

    def __init__(self, sequences: tuple[int, ...] | None, reached: asyncio.Future[None]) -> None:
        self.sequences = sequences
        self.reached = reached
        self.left = None if sequences is None else set(range(len(sequences)))
        """The shards of which he may not have all; None: he waits until there is nothing to be read."""

    def look(self, position: tuple[int, ...], empty: Iterable[int]) -> bool:
        """Whether he has it all now: of a shard by its position, or as it had nothing to be read."""
        if self.left is None or self.sequences is None:
            return False
        self.left.difference_update(empty)
        self.left.difference_update([shard for shard in self.left if position[shard] > self.sequences[shard]])
        return not self.left


class Feed:
    """Reads every event once, in order, and hands it to the consumers, in a thread of its own.

    Matching never waits for it. Where it falls so far behind that events are overwritten in memory, it goes on from the
    journal, without a gap; an exchange in memory has none. Then, as with any error of a consumer, the feed fails: it
    says so to `on_failure`, and whoever waits for it gets FeedFailedError.
    """

    def __init__(
        self,
        exchange: Exchange,
        tracker: OrderFollower | None = None,
        options: FeedOptions | None = None,
        *,
        on_failure: Callable[[str], None] = lambda _detail: None,
    ) -> None:
        """Make it: `add` says who follows, `start` starts it.

        Arguments:
            exchange: With shards.
            tracker: Follows orders, from where the feed begins; None: nobody does.
            options: How it reads.
            on_failure: Told, in the event loop, why the feed has failed: a sentence.
        """
        self._exchange = exchange
        self._tracker = tracker
        self._consumers: tuple[EventConsumer, ...] = ()
        self._options = options or FeedOptions()
        self._on_failure = on_failure
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stream: EventStream | None = None
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._waiting: list[_Waiting] = []
        self._is_ending = False
        self._error: BaseException | None = None
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_writer, False)
        os.set_blocking(self._wake_reader, False)
        self._position: tuple[int, ...] = ()
        # By shard, the time of the last event.
        self._times_ns: list[int] = []
        self._turns = Turns(1)
        self._due = 0.0

    def add(self, consumer: EventConsumer) -> None:
        """Let somebody follow, after those who were added before; only before the start."""
        if self._thread is not None:
            raise RuntimeError("the feed has started")
        self._consumers = (*self._consumers, consumer)

    @property
    def position(self) -> tuple[int, ...]:
        """By shard, the first command whose events the consumers do not have yet."""
        return self._position

    @property
    def error(self) -> BaseException | None:
        """What has ended the feed; None while it is well."""
        return self._error

    async def start(self, positions: tuple[int, ...] | None = None, times_ns: tuple[int, ...] | None = None) -> None:
        """Start the thread.

        Arguments:
            positions: By shard, the number of the first command whose events are read; None: from the first on. What
                is no longer kept is passed over, with a line in the log.
            times_ns: By shard, the time of the last answer before that; None: there was none.

        Raises:
            ValueError: There are not as many as shards, or one is beyond the end of its log.
            JournalError: The journal cannot be read.
        """
        self._loop = asyncio.get_running_loop()
        self._stream = await asyncio.to_thread(self._begin, positions)
        self._position = self._stream.position
        self._times_ns = list(times_ns or [0] * len(self._position))
        self._turns = Turns(len(self._position))
        self._thread = threading.Thread(target=self._run, name="aeromatch-feed", daemon=True)
        self._thread.start()

    def _begin(self, positions: tuple[int, ...] | None) -> EventStream:
        begins = positions if positions is not None else (0,) * (self._exchange.shards or 1)
        while True:
            try:
                return self._exchange.stream(begins)
            except StreamLagged as lagged:
                log.warning("events are no longer kept: the feed begins later", extra={"position": lagged.position})
                begins = lagged.position

    def call(self, work: Callable[[], None]) -> None:
        """Let the feed's thread do something between two reads; soon, and in the order in which it was asked.

        Raises:
            FeedFailedError: The feed has ended.
        """
        with self._lock:
            if self._error is not None or self._is_ending:
                raise FeedFailedError() from self._error
            self._calls.append(work)
        self._wake()

    async def caught_up(self) -> None:
        """Wait until the consumers have all that had happened when this was called.

        Raises:
            FeedFailedError: The feed has ended, or ends meanwhile.
        """
        await self._wait_for(None)

    async def reached(self, sequences: Sequence[int]) -> None:
        """Wait until the consumers have what these sequence numbers, one a shard, brought.

        Raises:
            FeedFailedError: The feed has ended, or ends meanwhile.
        """
        if self._error is None and all(
            place > sequence for place, sequence in zip(self._position, sequences, strict=True)
        ):
            return
        await self._wait_for(tuple(sequences))

    async def _wait_for(self, sequences: tuple[int, ...] | None) -> None:
        reached = asyncio.get_running_loop().create_future()
        with self._lock:
            if self._error is not None or self._is_ending:
                raise FeedFailedError() from self._error
            self._waiting.append(_Waiting(sequences, reached))
        self._wake()
        await reached

    def _wake(self) -> None:
        # A full pipe is full of calls to wake up.
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b"\0")

    async def stop(self) -> None:
        """Read what there is, then end the thread. A second time does nothing."""
        with self._lock:
            self._is_ending = True
        if self._wake_writer < 0:
            return
        self._wake()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
        if self._stream is not None:
            self._stream.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)
        self._wake_writer = -1

    def _run(self) -> None:
        try:
            self._due = time.monotonic()
            while self._round():
                pass
        except BaseException as error:
            log.exception("the feed has failed")
            self._fail(error)
        else:
            self._fail(None)

    def _fail(self, error: BaseException | None) -> None:
        """Tell everyone that it is over."""
        with self._lock:
            self._error, self._is_ending = error, True
            waiting, self._waiting = self._waiting, []
        self._settle([entry.reached for entry in waiting], FeedFailedError())
        if error is not None and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_failure, f"the feed has failed: {error}")

    def _round(self) -> bool:
        """One read and what it brings; False: it was the last one."""
        with self._lock:
            calls, self._calls = self._calls, []
            waiting, is_ending = list(self._waiting), self._is_ending
        for work in calls:
            work()
        stream = self._stream
        assert stream is not None
        # What had been published before this read, it finds: if it finds nothing, whoever waited has it all.
        was_live = stream._is_live
        events = self._read(stream)
        if stream is not self._stream:
            return True
        if events is not None:
            shard = stream._last_shard
            empty = self._turns.had(shard)
            self._apply(shard, events)
            self._position = stream.position
            self._answer([entry for entry in waiting if entry.look(self._position, empty if was_live else ())])
        elif was_live:
            self._answer(waiting)
        self._tick()
        if events is None and (is_ending or stream.ended):
            return False
        self._pause(stream, events is not None)
        return True

    def _read(self, stream: EventStream) -> Events | None:
        try:
            return stream.read(self._options.read_events, 0)
        except StreamLagged:
            # What was overwritten in memory is in the journal. Without one the new stream could only begin later.
            self._stream = self._exchange.stream(self._position)
            self._turns = Turns(len(self._position))
            log.info("the feed goes on from the journal", extra={"position": self._position})
            stream.close()
            return None

    def _apply(self, shard: int, events: Events) -> None:
        orders, fills = (NO_ROWS, NO_ROWS) if self._tracker is None else self._tracker.apply(events, shard)
        times_ns = event_times(events.to_numpy(), self._times_ns[shard])
        self._times_ns[shard] = int(times_ns[-1])
        for consumer in self._consumers:
            consumer.apply(shard, events, times_ns, orders, fills)

    def _answer(self, reached: list[_Waiting]) -> None:
        if not reached:
            return
        done = {id(entry) for entry in reached}
        with self._lock:
            self._waiting = [entry for entry in self._waiting if id(entry) not in done]
        self._settle([entry.reached for entry in reached], None)

    def _settle(self, futures: list[asyncio.Future[None]], error: Exception | None) -> None:
        def settle() -> None:
            for future in futures:
                if future.done():
                    continue
                if error is None:
                    future.set_result(None)
                else:
                    future.set_exception(error)

        if futures and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(settle)

    def _tick(self) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        interval_s = self._options.interval_ms / 1000
        # One that comes late is not made up for.
        self._due = max(self._due + interval_s, now)
        now_ns = time.time_ns()
        for consumer in self._consumers:
            consumer.tick(now_ns)

    def _pause(self, stream: EventStream, had_events: bool) -> None:
        """Wait for what comes next: events, a call, or the time for a tick."""
        if not stream._is_live:
            return
        left_ms = max(self._due - time.monotonic(), 0) * 1000
        poll = select.poll()
        poll.register(self._wake_reader, select.POLLIN)
        if had_events:
            left_ms = min(left_ms, self._options.pause_ms)
        else:
            try:
                poll.register(stream.fileno(), select.POLLIN)
            except AeroMatchError:
                return
        if any(descriptor == self._wake_reader for descriptor, _ in poll.poll(left_ms)):
            os.read(self._wake_reader, 4096)
