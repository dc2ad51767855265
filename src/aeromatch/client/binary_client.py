"""The client of the binary gateway, for asyncio (docs/binary.md)."""

import asyncio
import contextlib
import inspect
import itertools
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Self

import numpy as np
from numpy.typing import NDArray

from aeromatch import Commands
from aeromatch.client.credentials import SigningKey
from aeromatch.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    ClientError,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    RejectedError,
)
from aeromatch.client.forms import AmountLike, maybe_text, new_order
from aeromatch.client.wire import MAX_COUNT, Kind, ServerFrame, Welcome, encode_subscription
from aeromatch.client.wire_codes import REJECTIONS, rejection
from aeromatch.client.wire_forms import NOWHERE, amend_slots, cancel_slots, heads, mass_cancel_slots, order_slots
from aeromatch.client.wire_link import Address, Link
from aeromatch.client.wire_orders import ENDED, REJECTED, Market
from aeromatch.client.wire_session import Answer, Bulk, MarketFeed, ReportReader, Session
from aeromatch.client.wire_streams import BinaryBook, OrderReports, RawReports, TradePrints
from aeromatch.market.records import SLOT_BYTES
from aeromatch.schema.orders import BatchItem, BatchResult, CancelResult, NewOrder, Order, Side

__all__ = ["AsyncBinaryClient", "Bulk"]

P = ParamSpec("P")

DEFAULT_ADDRESS: Final = "127.0.0.1:9191"
COUNTER_BITS: Final = 40
"""An order id is the instrument's number, and so many bits of a counter (R5)."""
LISTED_CANCELS: Final = 1000


def _submitting(
    form: Callable[P, NewOrder],
) -> Callable[Concatenate["AsyncBinaryClient", P], Coroutine[Any, Any, Order]]:
    """What makes an order as a method that sends it."""

    @wraps(form)
    async def submit(self: "AsyncBinaryClient", /, *args: P.args, **kwargs: P.kwargs) -> Order:
        return await self._enter(form(*args, **kwargs))

    shown = inspect.signature(form)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    submit.__dict__["__signature__"] = shown.replace(
        parameters=[own, *shown.parameters.values()], return_annotation=Order
    )
    submit.__doc__ = (form.__doc__ or "").replace(
        "An order to send:", "Enters an order, and answers what became of it:"
    )
    return submit


class _Cancels:
    """What a mass cancel ends: the orders that lived when it was sent are waited for, on every shard."""

    def __init__(self, order_ids: Iterable[int]) -> None:
        self._left = set(order_ids)
        self.canceled: list[str] = []
        self.done = asyncio.Event()
        self._check()

    def _check(self) -> None:
        if not self._left:
            self.done.set()

    def reported(self, shard: int, events: NDArray[np.void], orders: Sequence[Order]) -> None:
        del shard, events
        for order in orders:
            if order.status in ENDED:
                self._left.discard(int(order.order_id))
                if order.reason == "mass_cancel":
                    self.canceled.append(order.order_id)
        self._check()

    def fail(self, error: ClientError) -> None:
        del error
        self.done.set()


class AsyncBinaryClient:
    """A client of the binary gateway: `async with AsyncBinaryClient("127.0.0.1:9191") as client`.

    One connection, over which an account's commands go and everything comes that happens to its orders. Lost, it is
    made again, and goes on with what happened meanwhile: no report is missing and none comes twice.

    Arguments:
        address: host:port, or the path of the gateway's Unix socket.
        credentials: Signs the login; None: the server asks for no keys.
        account: Whose session it is; None: the key's own account.
        timeout_s: Of a call, and of each attempt to connect.
        positions: Begin with the reports behind these sequence numbers, one a shard, as `positions` of an earlier
            client; zeros: from the journal's beginning. None: with what happens from now on.
        cancel_on_disconnect: Whether the account's orders are canceled when a connection ends.
        heartbeat_ms: How often each side says something; 0: as the server likes.
        follow_orders: Whether every order is followed, so that each answer knows its past. False costs less: who sends
            a hundred thousand orders a second with `process` needs the records alone.

    Raises:
        ValueError: The address names nothing, or a number is out of range.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        credentials: SigningKey | None = None,
        account: str | None = None,
        timeout_s: float = 10.0,
        positions: Sequence[int] | None = None,
        cancel_on_disconnect: bool = False,
        heartbeat_ms: int = 0,
        follow_orders: bool = True,
    ) -> None:
        if not timeout_s > 0:
            raise ValueError(f"timeout_s must be above 0: {timeout_s}")
        if heartbeat_ms < 0:
            raise ValueError(f"heartbeat_ms must not be negative: {heartbeat_ms}")
        self._address = Address.parse(address)
        self._timeout_s = timeout_s
        self._session = Session(
            credentials,
            account,
            cancel_on_disconnect,
            heartbeat_ms,
            list(positions or ()),
            follow_orders,
        )
        self._link: Link | None = None
        self._ready = asyncio.Event()
        self._error: ClientError | None = None
        self._is_listing = False
        self._changed = asyncio.Event()
        self.connections = 0
        """How often it was connected."""

    # ---- the connection's side: LinkOwner

    def login(self) -> tuple[bytes, int]:
        """As `LinkOwner.login`."""
        return self._session.login()

    def connected(self, welcome: Welcome) -> None:
        """As `LinkOwner.connected`."""
        assert self._link is not None
        self._session.begin(welcome)
        self.connections += 1
        feeds, self._session.feeds = list(self._session.feeds.values()), {}
        for feed in feeds:
            self._subscribe(feed)
        self._list()

    def _list(self) -> None:
        if self._link is not None and not self._is_listing:
            self._is_listing = True
            self._link.send(Kind.LIST)

    def received(self, frame: ServerFrame) -> None:
        """As `LinkOwner.received`."""
        self._session.receive(frame)
        if self._is_listing and len(self._session.markets) >= getattr(frame, "total", 1 << 62):
            self._is_listing = False
            self._ready.set()
            self._changed.set()
            self._changed = asyncio.Event()

    def lost(self, error: ClientError) -> None:
        """As `LinkOwner.lost`: who waits for an answer goes on waiting, for the reports behind the cut may have it."""
        del error
        self._ready.clear()
        self._is_listing = False
        for feed in self._session.feeds.values():
            feed.interrupted()

    def failed(self, error: ClientError) -> None:
        """As `LinkOwner.failed`."""
        self._error = error
        self._session.fail(error)
        self._ready.set()
        self._changed.set()

    # ---- what every call needs

    async def connect(self) -> Self:
        """Connects and logs in, as entering the block does.

        Raises:
            RejectedError: The server does not take the login.
            NoConnectionError: It cannot be reached in time.
        """
        try:
            await self._wait_ready()
        except BaseException:
            await self.close()
            raise
        return self

    async def _wait_ready(self) -> Link:
        if self._link is None and self._error is None:
            self._link = Link(self._address, self, self._timeout_s)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._ready.wait()
        except TimeoutError as error:
            reason = "" if self._link is None or self._link.error is None else f": {self._link.error}"
            where = self._address.text
            raise NoConnectionError(f"{where} cannot be reached in {self._timeout_s:g} s{reason}") from error
        if self._error is not None:
            raise self._error
        assert self._link is not None
        return self._link

    async def _market(self, symbol: str) -> Market | None:
        """The instrument of a symbol; asked for again where it is unknown, for it may be new."""
        link = await self._wait_ready()
        if symbol not in self._session.markets:
            await self._list_again(link)
        return self._session.markets.get(symbol)

    async def _list_again(self, link: Link) -> None:
        changed = self._changed
        if not self._is_listing:
            self._is_listing = True
            link.send(Kind.LIST)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_s):
                await changed.wait()

    async def _listed(self, symbol: str) -> Market:
        market = await self._market(symbol)
        if market is None:
            raise rejection("unknown_instrument", f"there is no instrument {symbol!r}")
        return market

    def _account(self, named: str | None) -> int:
        """The session's account; another one's name leads nowhere."""
        own = self._session.names.get(self._session.account_number)
        return self._session.account_number if named is None or named == own else NOWHERE

    async def _command(self, link: Link, slots: NDArray[np.void], tag: int, order: NewOrder | None = None) -> Answer:
        """Sends a command and waits for its answer."""
        answer = self._session.expect(tag, order)
        try:
            link.send(Kind.COMMANDS, slots.tobytes(), len(slots))
            async with asyncio.timeout(self._timeout_s):
                found = await answer
        except TimeoutError as error:
            raise AnswerTimeoutError(f"no answer in {self._timeout_s:g} s") from error
        finally:
            self._session.forget(tag)
        if found.event[0] == REJECTED:
            raise _rejected(found)
        return found

    # ---- orders

    async def _enter(self, order: NewOrder) -> Order:
        await self._market(order.symbol)
        return (await self._enter_all([order]))[0].result()

    async def _enter_all(self, orders: Sequence[NewOrder]) -> "list[asyncio.Future[Order]]":
        """Sends orders in one frame, or as few as hold them, and gives what becomes of each."""
        link = await self._wait_ready()
        session = self._session
        first, tags = session.tags(len(orders))
        accounts = {name: self._account(name) for name in {order.account for order in orders}}
        slots = order_slots(orders, session.markets, accounts, tags)
        answers = [session.expect(first + place, order) for place, order in enumerate(orders)]
        try:
            self._send(link, slots)
            async with asyncio.timeout(self._timeout_s):
                await asyncio.wait(answers)
        except TimeoutError:
            pass
        finally:
            for place in range(len(orders)):
                session.forget(first + place)
        return [self._outcome(answer) for answer in answers]

    def _outcome(self, answer: "asyncio.Future[Answer]") -> "asyncio.Future[Order]":
        outcome: asyncio.Future[Order] = asyncio.get_running_loop().create_future()
        if not answer.done():
            answer.cancel()
            outcome.set_exception(AnswerTimeoutError(f"no answer in {self._timeout_s:g} s"))
        elif (error := answer.exception()) is not None:
            outcome.set_exception(error)
        elif answer.result().event[0] == REJECTED:
            outcome.set_exception(_rejected(answer.result()))
        else:
            found = answer.result()
            try:
                outcome.set_result(_order(found, found.event[9]))
            except ClientError as problem:
                outcome.set_exception(problem)
        # Whoever asks for one of a batch need not ask for all.
        outcome.exception()
        return outcome

    def _send(self, link: Link, slots: NDArray[np.void]) -> None:
        for piece in self._pieces(slots):
            link.send(Kind.COMMANDS, memoryview(piece.tobytes()), len(piece))

    def _pieces(self, slots: NDArray[np.void]) -> Iterable[NDArray[np.void]]:
        """Whole commands, as many at a time as a frame holds."""
        welcome = self._session.welcome
        assert welcome is not None
        most = min(MAX_COUNT, welcome.max_frame_bytes // SLOT_BYTES)
        if len(slots) <= most:
            return [slots]
        places = np.append(heads(slots), len(slots))
        cuts, begin = [0], 0
        while begin < len(slots):
            begin = int(places[np.searchsorted(places, begin + most, "right") - 1])
            cuts.append(begin)
        return [slots[one:other] for one, other in itertools.pairwise(cuts)]

    submit = _submitting(new_order)

    async def submit_many(self, orders: Iterable[NewOrder]) -> BatchResult:
        """Enters orders in as few frames as hold them; each is answered for itself.

        Arguments:
            orders: As `new_order` makes them.

        Returns:
            What became of each, in the order in which they were given: an order or a problem.

        Raises:
            NoAnswerError: Nobody knows what became of some of them.
        """
        listed = list(orders)
        if not listed:
            return BatchResult(accepted=0, rejected=0, results=[])
        for symbol in {order.symbol for order in listed}:
            await self._market(symbol)
        results = []
        for outcome in await self._enter_all(listed):
            error = outcome.exception()
            if isinstance(error, RejectedError):
                results.append(BatchItem(problem=error.problem))
            else:
                results.append(BatchItem(order=outcome.result()))
        accepted = sum(item.order is not None for item in results)
        return BatchResult(accepted=accepted, rejected=len(results) - accepted, results=results)

    async def process(self, batch: Commands | NDArray[np.void], *, timeout_s: float | None = None) -> Bulk:
        """Sends a whole batch of commands, pipelined, and waits for all of its answers.

        Arguments:
            batch: New orders, cancels, amends and mass cancels, as `aeromatch.commands` makes them. Account 0 is the
                session's; tags, times and sequence numbers are written here.
            timeout_s: How long no answer may come; None: the client's.

        Returns:
            `answers`, the first event of each command, in the order of the batch, and `codes`, why the gateway refused
            it, where it did.

        Raises:
            AnswerTimeoutError: Nothing came for so long, and some are not answered.
            NoAnswerError: The connection was lost before all was sent.
        """
        link = await self._wait_ready()
        commands = batch if isinstance(batch, Commands) else Commands(batch)
        if not len(commands):
            return Bulk(0, 0)
        slots = commands.slots.copy()
        places = heads(slots)
        first, tags = self._session.tags(len(places))
        slots["tag"][places] = np.arange(tags.start, tags.stop, dtype=np.uint64)
        bulk = self._session.expect_bulk(first, len(places))
        try:
            for piece in self._pieces(slots):
                try:
                    link.send(Kind.COMMANDS, memoryview(piece.tobytes()), len(piece))
                except NoConnectionError as error:
                    raise NoAnswerError(f"not all of the batch was sent: {error}") from error
                await link.drain()
            await self._wait_for(bulk, self._timeout_s if timeout_s is None else timeout_s)
        finally:
            self._session.forget_bulk(bulk)
        return bulk

    async def _wait_for(self, bulk: Bulk, timeout_s: float) -> None:
        left = bulk.left + 1
        while not bulk.done.is_set():
            if bulk.left >= left:
                raise AnswerTimeoutError(f"no answer in {timeout_s:g} s: {left} commands are not answered")
            left = bulk.left
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await bulk.done.wait()
        if bulk.error is not None:
            raise bulk.error

    async def _place(self, order_id: str) -> tuple[int, Market]:
        """An order's number, and the instrument that it was entered for, as far as that is known."""
        await self._wait_ready()
        number = int(order_id) if order_id.isascii() and order_id.isdigit() else 0
        live = self._session.orders.live.get(number)
        market = live.market if live is not None else self._session.by_number.get(number >> COUNTER_BITS)
        if market is None:
            raise rejection("unknown_order", f"there is no such order: {order_id}")
        return number, market

    async def amend(
        self, order_id: str, *, quantity: AmountLike | None = None, price: AmountLike | None = None
    ) -> Order:
        """Changes an order's quantity (its total), its price, or both (R22)."""
        number, market = await self._place(order_id)
        link = await self._wait_ready()
        tag, tags = self._session.tags(1)
        slots = amend_slots(
            number,
            market,
            self._session.account_number,
            quantity=maybe_text(quantity, "quantity"),
            price=maybe_text(price, "price"),
            tag=tags.start,
        )
        return _order(await self._command(link, slots, tag), number)

    async def cancel(
        self, order_id: str | None = None, *, client_order_id: str | None = None, symbol: str | None = None
    ) -> Order:
        """Cancels an order: by its id, or by its client order id and instrument.

        Returns:
            The order as it ended. Of one that was entered before the client's first report, its quantity is what the
            reports told of.
        """
        if (order_id is None) == (client_order_id is None):
            raise ValueError("either order_id or client_order_id names the order")
        number = 0
        if order_id is not None:
            number, market = await self._place(order_id)
        elif symbol is None:
            raise ValueError("symbol: client order ids are an instrument's own")
        else:
            market = await self._listed(symbol)
        link = await self._wait_ready()
        tag, tags = self._session.tags(1)
        slots = cancel_slots(
            market.number,
            self._session.account_number,
            order_id=number,
            client_order_id=client_order_id,
            tag=tags.start,
        )
        answer = await self._command(link, slots, tag)
        return _order(answer, answer.event[9])

    async def mass_cancel(self, *, symbol: str | None = None, side: Side | None = None) -> CancelResult:
        """Cancels all live orders of the account: of one instrument or side, where they are named.

        Waits for the end of those that the client knows, on every shard.
        """
        market = None if symbol is None else await self._listed(symbol)
        link = await self._wait_ready()
        tag, tags = self._session.tags(1)
        slots = mass_cancel_slots(
            None if market is None else market.number, self._session.account_number, side, tags.start
        )
        known = [
            order.order_id
            for order in self._session.orders.live.values()
            if (market is None or order.market == market) and (side is None or order.own_side == side)
        ]
        cancels = _Cancels(known)
        self._session.readers.append(cancels)
        try:
            await self._command(link, slots, tag)
            async with asyncio.timeout(self._timeout_s):
                await cancels.done.wait()
        except TimeoutError as error:
            raise AnswerTimeoutError(f"not all orders ended in {self._timeout_s:g} s") from error
        finally:
            self._session.readers.remove(cancels)
        return CancelResult(canceled=len(cancels.canceled), order_ids=cancels.canceled[:LISTED_CANCELS])

    # ---- what comes by itself

    def stream_orders(self) -> OrderReports:
        """The account's own orders whenever they change, with their new fills.

        Raises:
            ValueError: The client follows none.
        """
        if not self._session.follows:
            raise ValueError("stream_orders: this client was made with follow_orders=False")
        return OrderReports(self._join, self._leave)

    def stream_reports(self) -> RawReports:
        """The account's reports as records of EVENT_DTYPE."""
        return RawReports(self._join, self._leave)

    async def _join(self, reader: ReportReader) -> None:
        # A stream that is opened before the client connects has what was missed, which comes at once.
        self._session.readers.append(reader)
        try:
            await self._wait_ready()
        except BaseException:
            self._leave(reader)
            raise

    def _leave(self, reader: ReportReader) -> None:
        if reader in self._session.readers:
            self._session.readers.remove(reader)

    def stream_trades(self, symbol: str) -> TradePrints:
        """An instrument's trades as they happen, from now on."""
        return TradePrints(self._follow, self._unsubscribe, symbol)

    def local_book(self, symbol: str, levels: int = 0) -> BinaryBook:
        """The published levels of a book, kept in step: `async with client.local_book("BTC-USD") as book`.

        Arguments:
            symbol: The instrument.
            levels: Of each side; 0: all that are published.
        """
        return BinaryBook(symbol, levels, self._timeout_s, self._follow, self._unsubscribe)

    async def _follow(self, feed: MarketFeed) -> None:
        feed.market = await self._listed(feed.symbol)
        self._subscribe(feed)

    def _subscribe(self, feed: MarketFeed) -> None:
        _, tags = self._session.tags(1)
        self._session.feeds[tags.start] = feed
        self._tell(Kind.SUBSCRIBE, feed, tags.start)

    def _unsubscribe(self, feed: MarketFeed) -> None:
        for tag, each in list(self._session.feeds.items()):
            if each is feed:
                del self._session.feeds[tag]
                self._tell(Kind.UNSUBSCRIBE, feed, tag)

    def _tell(self, kind: Kind, feed: MarketFeed, tag: int) -> None:
        body = encode_subscription(feed.channel, feed.instrument, levels=feed.levels, tag=tag)
        # Without a connection now, the next one subscribes to what there is.
        with contextlib.suppress(NoConnectionError):
            if self._link is not None:
                self._link.send(kind, body)

    # ---- the rest

    @property
    def positions(self) -> list[int]:
        """By shard, the last command whose reports have come: another client goes on behind it."""
        return list(self._session.positions)

    @property
    def account(self) -> str | None:
        """Whose session it is; None before it is connected, or where it is for nobody."""
        return self._session.names.get(self._session.account_number, self._session.account)

    async def symbols(self) -> list[str]:
        """What can be traded."""
        await self._wait_ready()
        return sorted(self._session.markets)

    async def instrument_number(self, symbol: str) -> int:
        """The number that commands name an instrument by. Raises RejectedError where there is none."""
        return (await self._listed(symbol)).number

    async def close(self) -> None:
        """Ends the connection. What waits for an answer raises ClosedError; a second close does nothing."""
        link, self._link = self._link, None
        if link is not None:
            await link.close()
        if self._error is None or not isinstance(self._error, ClosedError):
            self._error = self._error or ClosedError("this client was closed")
        self._ready.set()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address.text!r}, credentials={self._session.credentials!r})"


def _rejected(answer: Answer) -> RejectedError:
    """What an event of a rejection says."""
    slug = REJECTIONS.get(answer.event[2], f"rejected_{answer.event[2]}")
    first = answer.event[9]
    detail = f"it was used for order {first}" if slug == "duplicate_client_order_id" and first else ""
    return rejection(slug, detail)


def _order(answer: Answer, number: int) -> Order:
    """The order that a command was about."""
    order = answer.orders.get(number)
    if order is None:
        raise BadAnswerError(f"the reports of command {answer.event[11]} do not tell of order {number}")
    return order
