"""Between the feed's thread and the event loop: who subscribes to what, and how messages get there.

Channels live in the feed's thread: a subscription is made and ended there, between two batches of events, so that it is
exact from which command on it counts. Everything that the thread has to say, messages and new subscribers alike, stands
in one queue, which the event loop works off in order.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aeromatch import Events, Exchange
from aeromatch._core import CODES
from aeromatch.gateways.problems import refusal, unknown_instrument
from aeromatch.gateways.streams.channels import (
    CandleChannel,
    CandleSource,
    DepthChannel,
    DepthSource,
    Feeder,
    Member,
    OrderChannel,
    OrderSource,
    Prints,
    Published,
    Snapshot,
    TickerChannel,
    TickerSource,
    Topic,
    TradeChannel,
)
from aeromatch.gateways.streams.past import not_kept

__all__ = ["FeedThread", "Hub"]

log = logging.getLogger("aeromatch.streams")

TRADE: Final = CODES["EventKind"]["trade"]
RECENT_ROWS: Final = 100_000
"""Changes of orders that are kept for those who come back: some 10 MB."""
BOOK_S: Final = 5.0
MOST_WAITING: Final = 1000
"""With more messages waiting for the event loop, what newer ones make up for is not made."""
CHUNK: Final = 256
"""So many subscribers get a message before the event loop does something else."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What some commands of a shard, up to one, did to orders."""

    shard: int
    sequence: int
    orders: NDArray[np.void]
    fills: NDArray[np.void]


def _answer(found: asyncio.Future[Snapshot | None], snapshot: Snapshot | None) -> None:
    if not found.done():
        found.set_result(snapshot)


class Count(Protocol):
    """As `services.Stages.count`."""

    def __call__(self, name: str, amount: int = 1, **labels: str) -> None:
        """Adds to a counter of /metrics."""


def _uncounted(name: str, amount: int = 1, **labels: str) -> None:
    """Nobody counts."""


class FeedThread(Protocol):
    """The thread that the hub is called by."""

    @property
    def position(self) -> tuple[int, ...]:
        """By shard, the first command whose events are not consumed yet."""

    def call(self, work: Callable[[], None]) -> None:
        """Lets the thread do something between two batches. Raises RefusedError (503) where it has ended."""


class RecentOrders:
    """What changed lately of all orders, for those who come back after a short time."""

    def __init__(self, feed: FeedThread) -> None:
        self._feed = feed
        self._batches: deque[_Batch] = deque()
        self._rows = 0
        # By shard, the last command of which something may be missing here.
        self._missing: list[int] | None = None

    def _begin(self) -> list[int]:
        if self._missing is None:
            self._missing = [place - 1 for place in self._feed.position]
        return self._missing

    def add(self, shard: int, sequence: int, orders: NDArray[np.void], fills: NDArray[np.void]) -> None:
        """Keeps what a batch of events changed, up to its last command."""
        missing = self._begin()
        self._batches.append(_Batch(shard, sequence, orders, fills))
        self._rows += len(orders) + len(fills)
        while self._rows > RECENT_ROWS:
            oldest = self._batches.popleft()
            self._rows -= len(oldest.orders) + len(oldest.fills)
            missing[oldest.shard] = oldest.sequence

    def since(self, known: tuple[int, ...], channel: OrderChannel) -> Iterator[Published]:
        """The messages of a channel about what followed commands; they are made as they are asked for, in any thread.

        Raises:
            RefusedError: It is not here (410).
        """
        missing = self._begin()
        if any(place < gone for place, gone in zip(known, missing, strict=True)):
            raise not_kept(max(missing) + 1)
        return _messages(list(self._batches), known, channel)


def _messages(batches: list[_Batch], known: tuple[int, ...], channel: OrderChannel) -> Iterator[Published]:
    for batch in batches:
        if batch.sequence > known[batch.shard]:
            later = np.uint64(known[batch.shard])
            orders, fills = (rows[rows["sequence"] > later] for rows in (batch.orders, batch.fills))
            message = channel.changed(batch.shard, batch.sequence, orders, fills)
            if message is not None:
                yield message


class Hub:
    """All channels and their subscribers. Consumes events, after those that know tickers, candles and orders."""

    def __init__(
        self,
        exchange: Exchange,
        feed: FeedThread,
        tickers: TickerSource,
        candles: CandleSource,
        orders: OrderSource,
        *,
        depth_levels: int = 5000,
    ) -> None:
        """Make it, in the event loop that its subscribers live in.

        Arguments:
            exchange: Whose books depth is read of.
            feed: Whose thread calls `apply` and `tick`.
            tickers: Who knows tickers.
            candles: Who keeps candles.
            orders: Who says what rows of orders mean.
            depth_levels: Levels of each side that are followed at most; 0: all.
        """
        # A door of its own: it is used by the feed's thread only.
        self._exchange = exchange.port()
        self.exchange = exchange
        self._feed = feed
        self._tickers, self._candles, self.orders = tickers, candles, orders
        self._recent = RecentOrders(feed)
        self._depth_levels = depth_levels
        self._loop = asyncio.get_running_loop()
        self._channels: dict[Topic, Feeder] = {}
        self._sources: dict[str, DepthSource] = {}
        # Channels by the number of the book whose events they follow.
        self._by_book: dict[int, list[Feeder]] = {}
        self._books: dict[Topic, int] = {}
        self._wanted: list[tuple[str, int, asyncio.Future[Snapshot | None]]] = []
        # By the number of the account whose orders it follows.
        self._by_account: dict[int, OrderChannel] = {}
        self._said: list[Callable[[], None] | tuple[Feeder, Published]] = []
        self._queue: deque[Callable[[], None] | tuple[Feeder, Published]] = deque()
        # What the feed's thread has given to the event loop, counted by that thread, and what has been done with it,
        # counted by the loop.
        self._given = self._done = 0
        self._pump: asyncio.Task[None] | None = None
        self._reading: set[asyncio.Task[None]] = set()
        self.count: Count = _uncounted
        """Adds to a counter of /metrics."""

    # What follows is called by the event loop.

    def position(self) -> tuple[int, ...]:
        """By shard, the first command whose events the channels do not have yet."""
        return self._feed.position

    @property
    def is_idle(self) -> bool:
        """Whether nobody follows anything."""
        return not (self._channels or self._sources or self._by_book or self._books or self._by_account)

    def account_number(self, account: str | None) -> int:
        """The number that an account's orders have in rows. Raises RefusedError (404); any thread may ask."""
        try:
            return 0 if account is None else self.exchange.account_number(account)
        except LookupError:
            raise refusal("unknown_account", f"there is no account {account!r}") from None

    def subscribe(self, topic: Topic, member: Member, since: tuple[int, ...] | None = None) -> None:
        """Lets a member join a topic: it is called when it has, or when that failed.

        Arguments:
            topic: What it follows.
            member: Who.
            since: Of orders, by shard: begin with what followed these commands, if it is still at hand.

        Raises:
            RefusedError: The feed has ended (503).
        """
        self._feed.call(lambda: self._join(topic, member, since))
        self.count("aeromatch_stream_subscriptions", gateway=member.gateway)

    def unsubscribe(self, topic: Topic, member: Member) -> None:
        """Ends what `subscribe` began, once and only if it did not fail; nothing is delivered any more."""
        self.count("aeromatch_stream_subscriptions", -1, gateway=member.gateway)
        channel = self._channels.get(topic)
        if channel is not None:
            channel.members.discard(member)
        try:
            self._feed.call(lambda: self._leave(topic))
        except Exception:
            return  # The feed has ended: there is nothing to be ended.

    def tell_position(self, tell: Callable[[tuple[int, ...]], None]) -> None:
        """Calls back, in the event loop, with what `position` is behind every message of what came before that.

        Raises:
            RefusedError: The feed has ended (503).
        """

        def say() -> None:
            self._say(partial(tell, self._feed.position))
            self._flush()

        self._feed.call(say)

    def _take_over(self, said: list[Callable[[], None] | tuple[Feeder, Published]]) -> None:
        count = len(said)
        self._hand_over([*said, partial(self._count_done, count)])

    def _count_done(self, count: int) -> None:
        self._done += count

    def _hand_over(self, said: list[Callable[[], None] | tuple[Feeder, Published]]) -> None:
        self._queue.extend(said)
        if self._pump is None or self._pump.done():
            self._pump = self._loop.create_task(self._work_off())

    async def _work_off(self) -> None:
        while self._queue:
            said = self._queue.popleft()
            if callable(said):
                said()
                continue
            channel, message = said
            members = tuple(channel.members)
            for count, member in enumerate(members, 1):
                if member in channel.members:
                    member.deliver(message)
                if not count % CHUNK:
                    await asyncio.sleep(0)
            self._count_sent(members, message, channel.topic.channel)

    def _count_sent(self, members: Sequence[Member], message: Published, channel: str) -> None:
        sizes: dict[str, list[int]] = {}
        for member in members:
            try:
                sizes[member.gateway][0] += 1
            except KeyError:
                # All clients of a gateway get the same bytes.
                sizes[member.gateway] = [1, member.size(message)]
        for gateway, (count, size) in sizes.items():
            self.count("aeromatch_stream_messages_total", count, gateway=gateway, channel=channel)
            self.count("aeromatch_stream_sent_bytes_total", count * size, gateway=gateway)

    def _tell_closed(self, channel: CandleChannel, start: int, end: int) -> None:
        """Candles that have closed are read, and told when they are there."""

        async def tell() -> None:
            try:
                messages = await channel.closed(start, end)
            except Exception:
                log.exception("candles that have closed could not be read")
                return
            self._hand_over([(channel, message) for message in messages])

        task = self._loop.create_task(tell())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def close(self) -> None:
        """Lets go of the exchange; the feed has ended."""
        tasks = [*self._reading, *((self._pump,) if self._pump is not None else ())]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._exchange.close()

    async def book(self, symbol: str, levels: int) -> Snapshot | None:
        """A book at a moment, not before the call, at which an update of its depth channel ends.

        An update tells what differs between two moments: a level that changed in between and changed back is not in it.
        So a book as it was in between would be wrong from there on; one of these moments is right with the updates that
        follow. It waits for the next update that is due.

        Returns:
            Update id, time, bids and asks; None: nobody follows all of the instrument's depth without an interval.

        Raises:
            RefusedError: The feed has ended (503).
        """
        if Topic("depth", symbol) not in self._channels:
            return None
        found: asyncio.Future[Snapshot | None] = self._loop.create_future()
        self._feed.call(lambda: self._wanted.append((symbol, levels, found)))
        try:
            async with asyncio.timeout(BOOK_S):
                return await found
        except TimeoutError:
            return None  # The feed has failed meanwhile: no update follows.

    # What follows is called by the feed's thread.

    def _show_books(self) -> None:
        """Answers who waits for a book, behind the update that leads to it."""
        wanted, self._wanted = self._wanted, []
        for symbol, levels, found in wanted:
            channel = self._channels.get(Topic("depth", symbol))
            snapshot = channel.book(levels) if isinstance(channel, DepthChannel) else None
            self._say(partial(_answer, found, snapshot))

    def _join(self, topic: Topic, member: Member, since: tuple[int, ...] | None) -> None:
        try:
            channel = self._channels.get(topic)
            if channel is None:
                channel = self._make(topic)
            self._say(*((channel, message) for message in channel.settle()))
            messages = self._first(channel, since)
        except Exception as error:
            self._drop_unused(topic)
            self._say(partial(self._refuse, member, error))
            self._flush()
            return
        channel.references += 1
        position = self._feed.position

        def joined() -> None:
            channel.members.add(member)
            member.joined(channel, messages, position)

        self._say(joined)
        self._flush()

    def _first(self, channel: Feeder, since: tuple[int, ...] | None) -> Iterable[Published]:
        """What a new subscriber gets first."""
        if since is not None and isinstance(channel, OrderChannel):
            # It may be a lot: this thread has others to serve.
            return self._recent.since(since, channel)
        message = channel.begin()
        return [] if message is None else [message]

    def _refuse(self, member: Member, error: Exception) -> None:
        self.count("aeromatch_stream_subscriptions", -1, gateway=member.gateway)
        member.failed(error)

    def _leave(self, topic: Topic) -> None:
        self._channels[topic].references -= 1
        self._drop_unused(topic)

    def _drop_unused(self, topic: Topic) -> None:
        channel = self._channels.get(topic)
        if channel is None or channel.references:
            return
        del self._channels[topic]
        book = self._books.pop(topic, None)
        if book is not None:
            self._by_book[book].remove(channel)
            if not self._by_book[book]:
                del self._by_book[book]
        if isinstance(channel, OrderChannel):
            del self._by_account[channel.number]
        elif isinstance(channel, DepthChannel):
            channel.source.channels -= 1
            if not channel.source.channels:
                del self._sources[channel.source.reader.symbol]

    def _make(self, topic: Topic) -> Feeder:
        if topic.channel == "orders":
            own = OrderChannel(topic, self.account_number(topic.account), self.orders)
            self._by_account[own.number] = own
            channel: Feeder = own
        else:
            symbol = topic.symbol or ""
            try:
                prints = Prints(self._exchange, symbol)
            except LookupError:
                raise unknown_instrument(symbol) from None
            channel = self._of_market(topic, symbol, prints)
            self._by_book.setdefault(prints.book, []).append(channel)
            self._books[topic] = prints.book
        self._channels[topic] = channel
        return channel

    def _of_market(self, topic: Topic, symbol: str, prints: Prints) -> Feeder:
        match topic.channel:
            case "trades":
                return TradeChannel(topic, prints)
            case "ticker":
                return TickerChannel(topic, symbol, self._tickers)
            case "candles":
                return CandleChannel(topic, symbol, topic.period or "", self._candles)
        source = self._sources.get(symbol)
        if source is None:
            source = DepthSource(self._exchange, symbol, self._depth_levels)
        channel = DepthChannel(topic, source)
        self._sources[symbol] = source
        source.channels += 1
        return channel

    def _say(self, *said: Callable[[], None] | tuple[Feeder, Published]) -> None:
        self._said.extend(said)

    def _flush(self) -> None:
        if self._said and not self._loop.is_closed():
            said, self._said = self._said, []
            self._given += len(said)
            self._loop.call_soon_threadsafe(self._take_over, said)

    def apply(
        self,
        shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        orders: NDArray[np.void],
        fills: NDArray[np.void],
    ) -> None:
        """As the feed's consumer."""
        records = events.to_numpy()
        if self._by_book:
            instruments = records["instrument"]
            is_trade = records["kind"] == TRADE
            for book in np.unique(instruments).tolist():
                channels = self._by_book.get(book)
                if channels is not None:
                    mine = is_trade & (instruments == book)
                    self._touch(channels, records[mine], times_ns[mine])
        if len(orders):
            self._recent.add(shard, int(records["sequence"][-1]), orders, fills)
            followed = self._by_account.keys() & set(orders["account"].tolist()) if self._by_account else ()
            for number in followed:
                channel = self._by_account[number]
                message = channel.changed(shard, int(records["sequence"][-1]), orders, fills)
                if message is not None:
                    self._say((channel, message))
        self._flush()

    def _touch(self, channels: list[Feeder], trades: NDArray[np.void], times: NDArray[np.uint64]) -> None:
        for channel in channels:
            if isinstance(channel, TradeChannel):
                if len(trades):
                    self._say(*((channel, message) for message in channel.traded(trades, times)))
            elif isinstance(channel, (DepthChannel, TickerChannel)):
                channel.touch()

    def tick(self, now_ns: int) -> None:
        """As the feed's consumer."""
        # Where the event loop is behind, channels speak when it has caught up: what changed meanwhile comes together.
        is_behind = self._given - self._done > MOST_WAITING
        for symbol, _, _ in self._wanted:
            # What was answered before somebody asked is to be in his book: its events may not have been read yet.
            channel = self._channels.get(Topic("depth", symbol))
            if isinstance(channel, DepthChannel):
                channel.touch()
        for channel in self._channels.values():
            if is_behind and channel.conflates:
                continue
            self._say(*((channel, message) for message in channel.tick(now_ns)))
            if isinstance(channel, CandleChannel) and (closed := channel.take_closed()) is not None:
                self._say(partial(self._tell_closed, channel, *closed))
        if not is_behind:
            self._show_books()
        self._flush()
