"""Channels as something to iterate: they go on where they were when the connection comes back."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from aeromatch.client.errors import ClientError, OutOfSyncError, RejectedError
from aeromatch.client.queued import MAX_QUEUED, Queued
from aeromatch.client.socket import Key, Socket
from aeromatch.schema.market import Candle, Ticker, TradePrint
from aeromatch.schema.messages import (
    CandleMessage,
    OrderMessage,
    SubscribeRequest,
    TickerMessage,
    TradeMessage,
)
from aeromatch.schema.orders import Order

__all__ = ["CandleStream", "OrderStream", "Stream", "TickerStream", "TradeStream"]

T = TypeVar("T")

NOT_KEPT: Final = "sequence_not_kept"
"""What the server says where a stream cannot go back so far."""


class Stream(Queued[T]):
    """What a channel brings, one by one: `async with client.stream_...() as stream: async for thing in stream`.

    It subscribes when it is entered, or first read, and ends with the block, `close` or the client. A connection that
    is lost is made again, and the subscription with it. With MAX_QUEUED things waiting a stream that must not lose any
    takes no more in; read empty, it asks for what it missed. A stream is for one task at a time.
    """

    def __init__(self, socket_for: Callable[[Key], Socket]) -> None:
        super().__init__()
        self._socket_for = socket_for
        self._socket: Socket | None = None
        self.interruptions = 0
        """How often the connection was lost."""

    @property
    @abstractmethod
    def key(self) -> Key:
        """Channel, symbol, period, account."""

    @abstractmethod
    def request(self) -> SubscribeRequest:
        """How to subscribe now: from where the stream got to."""

    def subscribed(self) -> None:
        """The server took what `request` said last."""

    def refused(self, error: RejectedError) -> bool:
        """The server does not take it: whether `request` has something else to say now."""
        del error
        return False

    @abstractmethod
    def receive(self, message: Any) -> None:
        """A message of the channel."""

    def interrupted(self) -> None:
        """The connection was lost."""
        self.interruptions += 1

    async def _prepare(self) -> None:
        """What is to be known before the subscription; nothing, mostly."""

    async def _begin(self) -> None:
        self._socket = self._socket_for(self.key)
        await self._prepare()
        await self._socket.subscribe(self)

    async def _end(self) -> None:
        if self._socket is not None:
            await self._socket.unsubscribe(self)


class TradeStream(Stream[TradePrint]):
    """An instrument's trades, each once and none left out: their ids have no gaps (R4), and are checked.

    A new connection goes on behind the last trade that came. Where the server cannot go back so far, or one is missing
    all the same, the trades since are read over REST, before anything that came later is shown; where they are not
    kept there either, reading raises OutOfSyncError.
    """

    def __init__(
        self,
        socket_for: Callable[[Key], Socket],
        symbol: str,
        from_sequence: int | None,
        stored: Callable[[], AsyncIterator[TradePrint]],
    ) -> None:
        super().__init__(socket_for)
        self._symbol = symbol
        self._position = from_sequence
        self._stored = stored
        self._last_id: int | None = None
        # What came while older trades are fetched.
        self._held: list[TradePrint] | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._has_overflowed = False

    @property
    def key(self) -> Key:
        """One of an instrument."""
        return ("trades", self._symbol, None, None)

    async def _prepare(self) -> None:
        """Learn where the trades stand, so that even the first one that comes cannot be missed."""
        if self._position is None:
            newest = await anext(self._stored(), None)
            self._last_id = 0 if newest is None else newest.trade_id
            self._position = None if newest is None else newest.sequence

    def request(self) -> SubscribeRequest:
        """From the last trade on."""
        return SubscribeRequest(channel="trades", symbol=self._symbol, from_sequence=self._position)

    def refused(self, error: RejectedError) -> bool:
        """The past is not kept for streams: it is read over REST."""
        is_too_old, self._position = error.slug == NOT_KEPT and self._position is not None, None
        return is_too_old

    def subscribed(self) -> None:
        """Where the server was not told from where on, whatever happened during the break is read."""
        if self._position is None and self._last_id is not None and self.interruptions and self._held is None:
            self._hold([], self._last_id)

    def _hold(self, trades: list[TradePrint], last_id: int) -> None:
        self._held = trades
        self._fetching = asyncio.create_task(self._fetch(last_id))

    def receive(self, message: TradeMessage) -> None:
        """Trades, oldest first."""
        if not self._has_overflowed:
            self._take(message.trades)

    def _take(self, trades: Sequence[TradePrint]) -> None:
        """Queue what is new, and in order; hold back what is behind a gap."""
        for number, trade in enumerate(trades):
            if self._held is not None:
                self._held.append(trade)
            elif self._last_id is not None and trade.trade_id <= self._last_id:
                continue
            elif self._last_id is not None and trade.trade_id > self._last_id + 1:
                self._hold(list(trades[number:]), self._last_id)
                return
            elif len(self._queue) >= MAX_QUEUED:
                self._has_overflowed = True
                return
            else:
                # The commands that follow: those of this one may come in several messages.
                self._last_id, self._position = trade.trade_id, max(trade.sequence - 1, 0)
                self._put(trade)

    async def _fetch(self, last_id: int) -> None:
        """Read the trades behind `last_id`, then take what was held back."""
        missing: list[TradePrint] = []
        try:
            async for trade in self._stored():
                if trade.trade_id <= last_id:
                    break
                missing.append(trade)
        except ClientError as error:
            self.fail(error)
            return
        held, self._held = self._held or [], None
        merged = sorted({trade.trade_id: trade for trade in (*missing, *held)}.values(), key=lambda t: t.trade_id)
        if merged and merged[0].trade_id != last_id + 1:
            lost = f"{last_id + 1} to {merged[0].trade_id - 1}"
            self.fail(OutOfSyncError(f"trades {lost} of {self._symbol} are lost: the server no longer has them"))
            return
        self._take(merged)

    def _emptied(self) -> None:
        if self._has_overflowed and self._socket is not None:
            self._has_overflowed = False
            self._socket.renew(self)

    async def close(self) -> None:
        """Ends the subscription. Whoever reads sees the end."""
        if self._fetching is not None:
            self._fetching.cancel()
        await super().close()


class TickerStream(Stream[Ticker]):
    """An instrument's ticker whenever it changes. A slow reader gets the newest, not all."""

    def __init__(self, socket_for: Callable[[Key], Socket], symbol: str, interval_ms: int | None) -> None:
        super().__init__(socket_for)
        self._symbol = symbol
        self._interval_ms = interval_ms

    @property
    def key(self) -> Key:
        """One of an instrument."""
        return ("ticker", self._symbol, None, None)

    def request(self) -> SubscribeRequest:
        """As it is now, then changes."""
        return SubscribeRequest(channel="ticker", symbol=self._symbol, interval_ms=self._interval_ms)

    def receive(self, message: TickerMessage) -> None:
        """The newest replaces what was not read."""
        self._queue.clear()
        self._put(message.ticker)


class CandleStream(Stream[Candle]):
    """An instrument's candles of a period: the open one whenever it changes, and each once more when it has closed.

    Of a candle that changed several times a slow reader gets the newest. Candles that closed while the connection was
    lost are fetched when it is back.
    """

    def __init__(
        self,
        socket_for: Callable[[Key], Socket],
        symbol: str,
        period: str,
        between: Callable[[int, int], Awaitable[list[Candle]]],
    ) -> None:
        super().__init__(socket_for)
        self._symbol = symbol
        self._period = period
        self._between = between
        self._last: Candle | None = None
        self._is_behind = False

    @property
    def key(self) -> Key:
        """One of an instrument and a period."""
        return ("candles", self._symbol, self._period, None)

    def request(self) -> SubscribeRequest:
        """The open candle, then changes."""
        return SubscribeRequest(channel="candles", symbol=self._symbol, period=self._period)

    def receive(self, message: CandleMessage) -> None:
        """The newest of each candle replaces what was not read."""
        if self._queue and self._queue[-1].start == message.candle.start:
            self._queue.pop()
        self._put(message.candle)

    def interrupted(self) -> None:
        """Candles may close meanwhile."""
        super().interrupted()
        self._is_behind = True

    async def __anext__(self) -> Candle:
        candle = await super().__anext__()
        if self._is_behind and self._last is not None and candle.start > self._last.start:
            missed = await self._between(self._last.start, candle.start)
            self._queue.extendleft([candle, *reversed(missed)])
            candle = self._queue.popleft()
        self._is_behind = False
        self._last = candle
        return candle


class OrderStream(Stream[Order]):
    """The account's own orders, each whenever it changes, with the fills that it got since the last time.

    It begins behind the last command of each shard when it is entered, and a new connection goes on behind the last
    message of each: every fill comes once. Where the server cannot go back so far any more, reading raises
    RejectedError (`sequence_not_kept`): what became of orders meanwhile is to be asked for.
    """

    def __init__(
        self,
        socket_for: Callable[[Key], Socket],
        account: str | None,
        sequences: Callable[[], Awaitable[list[int]]],
    ) -> None:
        super().__init__(socket_for)
        self._account = account
        self._sequences = sequences
        # By shard, the last command whose doings have come.
        self._positions: list[int] = []
        self._has_overflowed = False

    @property
    def key(self) -> Key:
        """One of an account."""
        return ("orders", None, None, self._account)

    async def _prepare(self) -> None:
        self._positions = await self._sequences()

    def request(self) -> SubscribeRequest:
        """From the last messages on."""
        return SubscribeRequest(channel="orders", account=self._account, from_sequence=list(self._positions))

    def receive(self, message: OrderMessage) -> None:
        """All of a message, or none of it where it was here already."""
        if self._has_overflowed or message.sequence <= self._positions[message.shard]:
            return
        if len(self._queue) >= MAX_QUEUED:
            self._has_overflowed = True
            return
        self._positions[message.shard] = message.sequence
        for order in message.orders:
            self._put(order)

    def _emptied(self) -> None:
        if self._has_overflowed and self._socket is not None:
            self._has_overflowed = False
            self._socket.renew(self)
