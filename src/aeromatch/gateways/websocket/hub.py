"""Between the feed's thread and the event loop: who subscribes to what, and how messages get there.

Channels live in the feed's thread: a subscription is made and ended there, between two batches of events, so that it is
exact from which command on it counts. Everything that the thread has to say, messages and new subscribers alike, stands
in one queue, which the event loop works off in order.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aeromatch import Events, Exchange
from aeromatch._core import CODES
from aeromatch.gateways.problems import unknown_instrument
from aeromatch.gateways.websocket.channels import (
    CandleChannel,
    CandleSource,
    DepthChannel,
    DepthSource,
    Feeder,
    Member,
    OrderChannel,
    Prints,
    Published,
    TickerChannel,
    TickerSource,
    Topic,
    TradeChannel,
)
from aeromatch.market.times import event_times
from aeromatch.schema.orders import Order

__all__ = ["FeedThread", "Hub", "OrderSource"]

TRADE: Final = CODES["EventKind"]["trade"]
CHUNK: Final = 256
"""So many subscribers get a message before the event loop does something else."""


class FeedThread(Protocol):
    """The thread that the hub is called by."""

    @property
    def position(self) -> tuple[int, ...]:
        """By shard, the first command whose events are not consumed yet."""

    def call(self, work: Callable[[], None]) -> None:
        """Lets the thread do something between two batches. Raises RefusedError (503) where it has ended."""


class OrderSource(Protocol):
    """Who says what rows of orders mean."""

    def changed_orders(self, orders: NDArray[np.void], fills: NDArray[np.void]) -> Mapping[str | None, list[Order]]:
        """The orders of rows of ORDER_DTYPE by account, each with those of the fills that are its own."""


class Hub:
    """All channels and their subscribers. Consumes events, after those that know tickers, candles and orders."""

    def __init__(
        self,
        exchange: Exchange,
        feed: FeedThread,
        tickers: TickerSource,
        candles: CandleSource,
        orders: OrderSource | None,
        *,
        depth_levels: int = 5000,
    ) -> None:
        """Make it, in the event loop that its subscribers live in.

        Arguments:
            exchange: Whose books depth is read of.
            feed: Whose thread calls `apply` and `tick`.
            tickers: Who knows tickers.
            candles: Who keeps candles.
            orders: Who knows orders; None: there is no such channel.
            depth_levels: Levels of each side that are followed at most; 0: all.
        """
        # A door of its own: it is used by the feed's thread only.
        self._exchange = exchange.port()
        self.exchange = exchange
        self._feed = feed
        self._tickers, self._candles, self._orders = tickers, candles, orders
        self._depth_levels = depth_levels
        self._loop = asyncio.get_running_loop()
        self._channels: dict[Topic, Feeder] = {}
        self._sources: dict[str, DepthSource] = {}
        # Channels by the number of the book whose events they follow.
        self._by_book: dict[int, list[Feeder]] = {}
        self._books: dict[Topic, int] = {}
        self._times: dict[int, int] = {}
        self._said: list[Callable[[], None] | tuple[Feeder, Published]] = []
        self._queue: deque[Callable[[], None] | tuple[Feeder, Published]] = deque()
        self._pump: asyncio.Task[None] | None = None
        self.subscriptions = 0

    # What follows is called by the event loop.

    def position(self) -> tuple[int, ...]:
        """By shard, the first command whose events the channels do not have yet."""
        return self._feed.position

    def subscribe(self, topic: Topic, member: Member) -> None:
        """Lets a member join a topic: it is called when it has, or when that failed.

        Raises:
            RefusedError: The feed has ended (503).
        """
        self._feed.call(lambda: self._join(topic, member))
        self.subscriptions += 1

    def unsubscribe(self, topic: Topic, member: Member) -> None:
        """Ends what `subscribe` began, once and only if it did not fail; nothing is delivered any more."""
        self.subscriptions -= 1
        channel = self._channels.get(topic)
        if channel is not None:
            channel.members.discard(member)
        try:
            self._feed.call(lambda: self._leave(topic))
        except Exception:
            return  # The feed has ended: there is nothing to be ended.

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
            for count, member in enumerate(tuple(channel.members), 1):
                if member in channel.members:
                    member.deliver(message)
                if not count % CHUNK:
                    await asyncio.sleep(0)

    async def close(self) -> None:
        """Lets go of the exchange; the feed has ended."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait((self._pump,))
        self._exchange.close()

    # What follows is called by the feed's thread.

    def _join(self, topic: Topic, member: Member) -> None:
        try:
            channel = self._channels.get(topic)
            if channel is None:
                channel = self._make(topic)
            self._say(*((channel, message) for message in channel.settle()))
            first = channel.begin()
        except Exception as error:
            self._say(partial(self._refuse, member, error))
            self._flush()
            return
        channel.references += 1
        position = self._feed.position

        def joined() -> None:
            channel.members.add(member)
            member.joined(channel, first, position)

        self._say(joined)
        self._flush()

    def _refuse(self, member: Member, error: Exception) -> None:
        self.subscriptions -= 1
        member.failed(error)

    def _leave(self, topic: Topic) -> None:
        channel = self._channels[topic]
        channel.references -= 1
        if channel.references:
            return
        del self._channels[topic]
        book = self._books.pop(topic, None)
        if book is not None:
            self._by_book[book].remove(channel)
            if not self._by_book[book]:
                del self._by_book[book]
        if isinstance(channel, DepthChannel):
            channel.source.channels -= 1
            if not channel.source.channels:
                del self._sources[channel.source.reader.symbol]

    def _make(self, topic: Topic) -> Feeder:
        if topic.channel == "orders":
            channel: Feeder = OrderChannel(topic)
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
            self._loop.call_soon_threadsafe(self._hand_over, said)

    def apply(self, shard: int, events: Events, orders: NDArray[np.void], fills: NDArray[np.void]) -> None:
        """As the feed's consumer."""
        records = events.to_numpy()
        times = event_times(records, self._times.get(shard, 0))
        self._times[shard] = int(times[-1])
        if self._by_book:
            instruments = records["instrument"]
            is_trade = records["kind"] == TRADE
            for book in np.unique(instruments).tolist():
                channels = self._by_book.get(book)
                if channels is not None:
                    mine = is_trade & (instruments == book)
                    self._touch(channels, records[mine], times[mine])
        if self._orders is not None and len(orders):
            self._changed(orders, fills, int(records["sequence"][-1]))
        self._flush()

    def _touch(self, channels: list[Feeder], trades: NDArray[np.void], times: NDArray[np.uint64]) -> None:
        for channel in channels:
            if isinstance(channel, TradeChannel):
                if len(trades):
                    self._say(*((channel, message) for message in channel.traded(trades, times)))
            elif isinstance(channel, (DepthChannel, TickerChannel)):
                channel.touch()

    def _changed(self, orders: NDArray[np.void], fills: NDArray[np.void], sequence: int) -> None:
        followed = {topic.account: channel for topic, channel in self._channels.items() if topic.channel == "orders"}
        if not followed or self._orders is None:
            return
        for account, changed in self._orders.changed_orders(orders, fills).items():
            channel = followed.get(account)
            if isinstance(channel, OrderChannel):
                self._say((channel, channel.changed(changed, sequence)))

    def tick(self, now_ns: int) -> None:
        """As the feed's consumer."""
        for channel in self._channels.values():
            self._say(*((channel, message) for message in channel.tick(now_ns)))
        self._flush()
