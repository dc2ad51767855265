"""What happened before a subscription began, from the exchange's streams, which have it from the journal."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import EVENT_DTYPE, Exchange, StreamLagged
from aeromatch._core import CODES, OrderTracker
from aeromatch.gateways.services import RefusedError
from aeromatch.gateways.streams.channels import MOST_PRINTS, OrderChannel, Prints, Published, trade_message
from aeromatch.market.times import event_times
from aeromatch.market.turns import Turns

__all__ = ["NOT_KEPT", "PastOrders", "PastTrades", "not_kept"]

TRADE: Final = CODES["EventKind"]["trade"]
NOT_KEPT: Final = 410
READ_EVENTS: Final = 16384
READ_S: Final = 0.05


def not_kept(oldest: int) -> RefusedError:
    """What followed a sequence number is not there any more."""
    return RefusedError(
        "sequence_not_kept", NOT_KEPT, f"events are kept from sequence {oldest} on: begin with a snapshot, or over REST"
    )


class PastTrades:
    """The trades of an instrument from a command on, in order, as messages. Reading happens in threads."""

    def __init__(self, exchange: Exchange, prints: Prints, begin: int) -> None:
        """Make it.

        Arguments:
            exchange: With shards.
            prints: Makes the trades of the instrument.
            begin: The first command of its shard.
        """
        self._exchange = exchange
        self._prints = prints
        self._position = begin
        self._time_ns = 0
        self._others: tuple[int, ...] = ()
        # Who asked may have gone while a thread reads: the stream is closed behind that.
        self._reading = threading.Lock()

    async def open(self, position: tuple[int, ...]) -> None:
        """Look whether there is such a past.

        Arguments:
            position: Where the feed is, by shard.

        Raises:
            RefusedError: It is not kept (410), or lies in the future (400).
        """
        self._others = position
        self._turns = Turns(len(position))
        try:
            self._stream = await asyncio.to_thread(self._exchange.stream, self._begins())
        except StreamLagged as lagged:
            raise not_kept(lagged.position[self._prints.shard]) from lagged
        except ValueError as error:
            raise RefusedError("malformed", 400, f"from_sequence: {error}") from error

    def _begins(self) -> tuple[int, ...]:
        begins = list(self._others)
        begins[self._prints.shard] = self._position
        return tuple(begins)

    async def until(self, end: int) -> AsyncIterator[Published]:
        """The trades of all commands below a number, which have happened.

        Raises:
            RefusedError: They are not kept any more (410).
        """
        while self._position < end:
            try:
                trades, times = await asyncio.to_thread(self._read, end)
            except StreamLagged as lagged:
                raise not_kept(lagged.position[self._prints.shard]) from lagged
            prints = self._prints.make(trades, times)
            for start in range(0, len(prints), MOST_PRINTS):
                yield trade_message(self._prints.symbol, prints[start : start + MOST_PRINTS])

    def _read(self, end: int) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
        """The next events' trades, of commands below `end`."""
        with self._reading:
            return self._next(end)

    def _next(self, end: int) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
        was_live, shard = self._stream._is_live, self._prints.shard
        try:
            events = self._stream.read(READ_EVENTS, READ_S)
        except StreamLagged:
            # What was overwritten in memory is in the journal; if there is none, this raises it again.
            self._begin_again()
            return self._nothing()
        had = None if events is None else self._stream._last_shard
        passed = [shard] if had is None else self._turns.had(had)
        if was_live and shard in passed:
            # What had happened before this read, it would have found: the last commands have brought nothing here.
            self._position = max(self._position, end)
        if events is None or had != shard:
            return self._nothing()
        records = events.to_numpy()
        times = event_times(records, self._time_ns)
        self._time_ns = int(times[-1])
        below = int(np.searchsorted(records["sequence"], np.uint64(end), side="left"))
        self._position = int(records["sequence"][-1]) + 1 if below == len(records) else end
        mine = (records["kind"] == TRADE) & (records["instrument"] == self._prints.book)
        mine[below:] = False
        # A batch that went beyond the end is read again from there.
        if below < len(records):
            self._begin_again()
        return records[mine], times[mine]

    def _begin_again(self) -> None:
        self._stream.close()
        self._stream = self._exchange.stream(self._begins())
        self._turns = Turns(len(self._others))

    def _nothing(self) -> tuple[NDArray[np.void], NDArray[np.uint64]]:
        return np.zeros(0, dtype=EVENT_DTYPE), np.zeros(0, dtype=np.uint64)

    def close(self) -> None:
        """Gives up its place, when nobody reads any more. A second time does nothing."""
        with self._reading:
            self._stream.close()


class PastOrders:
    """What happened to an account's orders, from a log that is there from its first command on."""

    def __init__(self, exchange: Exchange, channel: OrderChannel) -> None:
        """Make it; `channel` makes the messages."""
        self._exchange = exchange
        self._channel = channel
        self._tracker = OrderTracker(exchange)
        self._reading = threading.Lock()

    async def open(self) -> None:
        """Look whether the log is there. Raises RefusedError (410) where it has lost its beginning."""
        try:
            self._stream = await asyncio.to_thread(self._exchange.stream)
            self._turns = Turns(len(self._stream.position))
        except StreamLagged as lagged:
            raise not_kept(max(lagged.position)) from lagged

    async def between(self, since: tuple[int, ...], end: tuple[int, ...]) -> AsyncIterator[Published]:
        """What the commands did that followed some, one a shard, and came before others, which have happened.

        Raises:
            RefusedError: The log was overwritten before it was read (410): the exchange keeps no journal.
        """
        position = [0] * len(end)
        while any(place < last for place, last in zip(position, end, strict=True)):
            try:
                message = await asyncio.to_thread(self._read, since, end, position)
            except StreamLagged as lagged:
                raise not_kept(max(lagged.position)) from lagged
            if message is not None:
                yield message

    def _read(self, since: tuple[int, ...], end: tuple[int, ...], position: list[int]) -> Published | None:
        with self._reading:
            # What had happened before this read, it finds: a shard where it finds nothing was read to its end.
            was_live = self._stream._is_live
            events = self._stream.read(READ_EVENTS, READ_S)
            shard = 0 if events is None else self._stream._last_shard
        passed = range(len(end)) if events is None else self._turns.had(shard)
        for each in passed if was_live else ():
            # The last commands may have brought nothing there.
            position[each] = max(position[each], end[each])
        if events is None:
            return None
        records = events.to_numpy()
        position[shard] = int(records["sequence"][-1]) + 1
        records = records[: int(np.searchsorted(records["sequence"], np.uint64(end[shard]), side="left"))]
        if not len(records):
            return None
        orders, fills = self._tracker.apply(records, shard)
        later = np.uint64(since[shard])
        orders, fills = orders[orders["sequence"] > later], fills[fills["sequence"] > later]
        return self._channel.changed(shard, int(records["sequence"][-1]), orders, fills)

    def close(self) -> None:
        """Gives up its place, when nobody reads any more. A second time does nothing."""
        with self._reading:
            self._stream.close()
