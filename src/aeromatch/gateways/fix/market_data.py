"""MarketDataRequest: books and trades, once or as they change.

What a book's subscriber misses while it is slow is made up for by a whole book (W). Nothing of this is sent again: a
gap is filled in its place, and whoever comes back subscribes anew.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.message import Group, Message
from aeromatch.gateways.fix.options import FixOptions
from aeromatch.gateways.fix.refusals import text_of
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import MarketData, RefusedError, Services
from aeromatch.gateways.streams import Hub, Published, Stale, Subscription, Topic
from aeromatch.gateways.trading import Trading
from aeromatch.schema.market import Book, PriceLevel, TradePrint
from aeromatch.schema.messages import Channel, DepthSnapshot, DepthUpdate, TradeMessage

__all__ = ["MarketRequests", "Outbox"]

log = logging.getLogger("aeromatch.fix")

BID, OFFER, TRADE = "0", "1", "2"
KINDS: Final = (BID, OFFER, TRADE)
SNAPSHOT, UPDATES, NO_MORE = "0", "1", "2"
"""SubscriptionRequestType (263)."""
FULL_REFRESH: Final = "0"
"""MDUpdateType (265): a whole book each time."""
NEW, CHANGED, DELETED = "0", "1", "2"
"""MDUpdateAction (279)."""
GONE: Final = "0"

UNKNOWN_SYMBOL, DUPLICATE_ID, NO_BANDWIDTH = "0", "1", "2"
BAD_KIND, BAD_DEPTH, BAD_AGGREGATION, BAD_ENTRY = "4", "5", "7", "8"
"""MDReqRejReason (281)."""
LARGEST: Final = 1_000_000


class Outbox(Protocol):
    """The way to a client, for what is not sent again."""

    @property
    def is_free(self) -> bool:
        """Whether a message would leave at once."""

    def post(self, message: Message) -> None:
        """Sends a message, soon: several go together."""

    def when_free(self, call: Callable[[], None]) -> None:
        """Calls once when the client takes messages again."""

    def end(self, slug: str, detail: str) -> None:
        """Sends the client away."""


class _RefusedError(Exception):
    """A request that is refused, with its MDReqRejReason."""

    def __init__(self, reason: str | None, refused: RefusedError) -> None:
        super().__init__(refused.slug)
        self.reason, self.refused = reason, refused


class MarketRequests:
    """The market data that one connection asks for."""

    def __init__(self, services: Services, trading: Trading, hub: Hub, options: FixOptions, outbox: Outbox) -> None:
        self._services, self._trading, self._hub, self._options = services, trading, hub, options
        self._outbox = outbox
        self._followed: dict[str, list[_Feed]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def unanswered(self) -> tuple[asyncio.Task[None], ...]:
        """Requests under way."""
        return tuple(self._tasks)

    def take(self, message: Message) -> None:
        """Answers a MarketDataRequest, soon."""
        request_id = message[tags.MD_REQ_ID]
        try:
            if message[tags.SUBSCRIPTION_REQUEST_TYPE] == NO_MORE:
                self._unsubscribe(request_id)
                return
            kinds, symbols, levels = self._asked(message)
        except _RefusedError as refused:
            self._refuse(request_id, refused)
            return
        if message[tags.SUBSCRIPTION_REQUEST_TYPE] == SNAPSHOT:
            self._start(request_id, self._tell(request_id, kinds, symbols, levels))
            return
        whole = message.text(tags.MD_UPDATE_TYPE) == FULL_REFRESH
        feeds: list[_Feed] = []
        for symbol in symbols:
            if BID in kinds or OFFER in kinds:
                book = _BookFeed(self._outbox, request_id, symbol, kinds, is_whole=whole)
                book.join(self._hub, Topic("depth", symbol, levels=levels), self._options.queue_messages)
                feeds.append(book)
            if TRADE in kinds:
                prints = _TradeFeed(self._outbox, request_id, symbol)
                prints.join(self._hub, Topic("trades", symbol), self._options.queue_messages)
                feeds.append(prints)
        self._followed[request_id] = feeds
        for feed in feeds:
            self._start(request_id, feed.begin())

    def _asked(self, message: Message) -> tuple[set[str], list[str], int]:
        """What is asked for: kinds of entries, symbols, levels."""
        request_id = message[tags.MD_REQ_ID]
        if request_id in self._followed:
            raise _RefusedError(DUPLICATE_ID, refusal("already_subscribed", f"MDReqID {request_id!r} is in use"))
        if message[tags.SUBSCRIPTION_REQUEST_TYPE] not in (SNAPSHOT, UPDATES):
            raise _RefusedError(BAD_KIND, refusal("malformed", "SubscriptionRequestType (263) is 0, 1 or 2"))
        kinds = {entry[tags.MD_ENTRY_TYPE] for entry in message.groups(tags.NO_MD_ENTRY_TYPES)}
        if not kinds or not kinds.issubset(KINDS):
            raise _RefusedError(BAD_ENTRY, refusal("malformed", "MDEntryType (269) is 0, 1 or 2: bids, offers, trades"))
        levels = message.integer(tags.MARKET_DEPTH) or 0
        if not 0 <= levels <= LARGEST:
            raise _RefusedError(BAD_DEPTH, refusal("malformed", f"MarketDepth (264) is 0 .. {LARGEST}"))
        if message.text(tags.AGGREGATED_BOOK) == "N":
            raise _RefusedError(BAD_AGGREGATION, refusal("malformed", "AggregatedBook (266) is Y: a book has levels"))
        # A symbol that stands twice is one.
        symbols = list(dict.fromkeys(entry[tags.SYMBOL] for entry in message.groups(tags.NO_RELATED_SYM)))
        for symbol in symbols:
            try:
                self._trading.check_symbol(symbol)
            except RefusedError as refused:
                raise _RefusedError(UNKNOWN_SYMBOL, refused) from None
        if sum(map(len, self._followed.values())) + 2 * len(symbols) > self._options.subscriptions:
            most = self._options.subscriptions
            raise _RefusedError(NO_BANDWIDTH, refusal("too_many_subscriptions", f"at most {most}, two for a symbol"))
        return kinds, symbols, levels

    def _unsubscribe(self, request_id: str) -> None:
        feeds = self._followed.pop(request_id, None)
        if feeds is None:
            raise _RefusedError(None, refusal("not_subscribed", f"no request {request_id!r} is followed"))
        for feed in feeds:
            feed.end()

    def _refuse(self, request_id: str, refused: _RefusedError) -> None:
        self._services.stages.count("aeromatch_refusals_total", gateway="fix", slug=refused.refused.slug)
        answer = Message("Y").set(tags.MD_REQ_ID, request_id).set_optional(tags.MD_REQ_REJ_REASON, refused.reason)
        self._outbox.post(answer.set(tags.TEXT, text_of(refused.refused)))

    def _start(self, request_id: str, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await work
            except RefusedError as refused:
                for feed in self._followed.pop(request_id, ()):
                    feed.end()
                self._refuse(request_id, _RefusedError(None, refused))
            except Exception:
                log.exception("a market data request failed")
                self._refuse(request_id, _RefusedError(None, refusal("internal_error")))

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, request_id: str, kinds: set[str], symbols: list[str], levels: int) -> None:
        market: MarketData = self._services.market
        for symbol in symbols:
            entries: list[Group] = []
            if BID in kinds or OFFER in kinds:
                entries += _levels(await market.book(symbol, levels), kinds)
            if TRADE in kinds:
                # With what was answered before this was asked.
                await self._trading.reached()
                page = await self._services.views.trades(symbol, limit=1, cursor=None, from_sequence=None)
                entries += [_trade(each) for each in page.trades]
            self._outbox.post(_snapshot(request_id, symbol, entries))

    async def close(self) -> None:
        """The connection has ended."""
        for feeds in self._followed.values():
            for feed in feeds:
                feed.end()
        self._followed.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _snapshot(request_id: str, symbol: str, entries: Iterable[Group]) -> Message:
    message = Message("W").set(tags.MD_REQ_ID, request_id).set(tags.SYMBOL, symbol)
    message.set_groups(tags.NO_MD_ENTRIES, entries)
    return message


def _level(kind: str, level: PriceLevel) -> Group:
    group = Group()
    group.set(tags.MD_ENTRY_TYPE, kind).set(tags.MD_ENTRY_PX, level[0]).set(tags.MD_ENTRY_SIZE, level[1])
    return group


def _levels(book: Book | DepthSnapshot, kinds: set[str]) -> list[Group]:
    sides = ((BID, book.bids), (OFFER, book.asks))
    return [_level(kind, level) for kind, levels in sides if kind in kinds for level in levels]


def _trade(trade: TradePrint) -> Group:
    moment = datetime.fromtimestamp(trade.timestamp // 1_000_000_000, UTC)
    milliseconds = trade.timestamp // 1_000_000 % 1000
    group = _level(TRADE, (trade.price, trade.quantity))
    group.set(tags.MD_ENTRY_DATE, f"{moment:%Y%m%d}").set(tags.MD_ENTRY_TIME, f"{moment:%H:%M:%S}.{milliseconds:03}")
    return group


class _Feed(ABC):
    """One channel of one request: `streams.Outlet`."""

    gateway = "fix"

    def __init__(self, outbox: Outbox, request_id: str, symbol: str) -> None:
        self._outbox, self._request_id, self.symbol = outbox, request_id, symbol
        self._subscription: Subscription | None = None
        self._stale: Stale | None = None

    def join(self, hub: Hub, topic: Topic, queue_messages: int) -> None:
        """Says what it follows."""
        self._subscription = Subscription(hub, topic, self, queue_messages)

    async def begin(self) -> None:
        """Follows it. Raises RefusedError where that cannot be."""
        assert self._subscription is not None
        await self._subscription.begin(lambda _position: None)

    def end(self) -> None:
        """Follows nothing any more."""
        if self._subscription is not None:
            self._subscription.end()

    def size(self, _message: Published) -> int:
        """As `streams.Outlet`: nothing is held here."""
        return 1

    def publish(self, message: Published) -> None:
        """As `streams.Outlet`."""
        for each in self.messages(message):
            self._outbox.post(each)

    def offer(self, message: Published, subscription: Stale, _channel: Channel | str) -> None:
        """As `streams.Outlet`."""
        if self._stale is not None:
            return
        if self._outbox.is_free:
            self.publish(message)
            return
        self._stale = subscription
        self._outbox.when_free(self._make_up)

    def _make_up(self) -> None:
        stale, self._stale = self._stale, None
        fresh = stale.fresh() if stale is not None else None
        if fresh is not None:
            self.publish(fresh)

    def forget(self, _subscription: Stale) -> None:
        """As `streams.Outlet`."""
        self._stale = None

    async def room(self) -> None:
        """As `streams.Outlet`: nothing of the past is read here."""
        return

    def end_slow(self, detail: str) -> None:
        """As `streams.Outlet`."""
        self._outbox.end("slow_consumer", detail)

    @abstractmethod
    def messages(self, published: Published) -> Iterable[Message]:
        """What a client is told."""


class _BookFeed(_Feed):
    """A book's levels."""

    def __init__(self, outbox: Outbox, request_id: str, symbol: str, kinds: set[str], *, is_whole: bool) -> None:
        super().__init__(outbox, request_id, symbol)
        self._kinds, self._is_whole = kinds, is_whole
        self._sides: dict[str, dict[str, str]] = {BID: {}, OFFER: {}}

    def messages(self, published: Published) -> Iterable[Message]:
        """A snapshot as it is; an update as what it changes, or as the whole book."""
        message = published.message
        if isinstance(message, DepthSnapshot):
            self._sides = {BID: dict(message.bids), OFFER: dict(message.asks)}
            yield _snapshot(self._request_id, self.symbol, _levels(message, self._kinds))
            return
        assert isinstance(message, DepthUpdate)
        changes = [
            self._change(kind, level)
            for kind, levels in ((BID, message.bids), (OFFER, message.asks))
            for level in levels
        ]
        if self._is_whole:
            yield _snapshot(self._request_id, self.symbol, self._whole())
            return
        entries = [entry for entry in changes if entry[tags.MD_ENTRY_TYPE] in self._kinds]
        if entries:
            update = Message("X").set(tags.MD_REQ_ID, self._request_id)
            update.set_groups(tags.NO_MD_ENTRIES, entries)
            yield update

    def _change(self, kind: str, level: PriceLevel) -> Group:
        price, quantity = level
        side = self._sides[kind]
        action = CHANGED if price in side else NEW
        if quantity == GONE:
            side.pop(price, None)
            action = DELETED
        else:
            side[price] = quantity
        return _entry(action, self.symbol, _level(kind, level))

    def _whole(self) -> list[Group]:
        """Both sides, best first."""
        bids = sorted(self._sides[BID].items(), key=_price, reverse=True)
        offers = sorted(self._sides[OFFER].items(), key=_price)
        return [
            _level(kind, level)
            for kind, levels in ((BID, bids), (OFFER, offers))
            if kind in self._kinds
            for level in levels
        ]


class _TradeFeed(_Feed):
    """Trades, every one."""

    def messages(self, published: Published) -> Iterable[Message]:
        """Trades that came together."""
        message = published.message
        assert isinstance(message, TradeMessage)
        update = Message("X").set(tags.MD_REQ_ID, self._request_id)
        for trade in message.trades:
            update.add_group(tags.NO_MD_ENTRIES, _entry(NEW, self.symbol, _trade(trade), str(trade.trade_id)))
        yield update


def _entry(action: str, symbol: str, told: Group, entry_id: str | None = None) -> Group:
    """An entry of an incremental refresh: what happens to what is told."""
    entry = Group()
    entry.set(tags.MD_UPDATE_ACTION, action).set(tags.MD_ENTRY_TYPE, told[tags.MD_ENTRY_TYPE])
    entry.set_optional(tags.MD_ENTRY_ID, entry_id).set(tags.SYMBOL, symbol)
    for tag in told:
        if tag != tags.MD_ENTRY_TYPE:
            entry.set(tag, told[tag])
    return entry


def _price(level: PriceLevel) -> Decimal:
    return Decimal(level[0])
