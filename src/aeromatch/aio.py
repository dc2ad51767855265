"""The exchange for asyncio: `AsyncExchange`.

Every command of an Exchange is here, under its name and with its arguments, as something to await: `_command` makes it
from the Exchange's own method, so that neither is written twice. A command goes to the threads of the exchange's shards
at once, and its answer wakes the event loop through a file descriptor: while nothing happens, nothing runs.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from functools import partial, wraps
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeAlias, TypeVar

from aeromatch._core import (
    AeroMatchError,
    EventStream,
    Exchange,
    JournalError,
    Recovery,
)
from aeromatch.market.arguments import begins_of, timeout_of
from aeromatch.market.events import Events
from aeromatch.market.shards import Shards

__all__ = ["AsyncEventStream", "AsyncExchange"]

P = ParamSpec("P")
R = TypeVar("R")

Entered: TypeAlias = tuple[int, bytes] | tuple[str, str, int]
"""What came of a new order, as `AsyncExchange.submit_many` tells it."""

RETRY_S: Final = 0.001
"""When to try again where other users of the exchange have filled the intake of a shard."""


def _command(
    method: Callable[Concatenate[Exchange, P], R],
) -> Callable[Concatenate["AsyncExchange", P], Coroutine[Any, Any, R]]:
    """The method of an Exchange as one that is awaited: sent at once, answered by its shard."""

    @wraps(method)
    async def command(self: "AsyncExchange", /, *args: P.args, **kwargs: P.kwargs) -> R:
        answer: R = await self._ask(partial(method, self._door, *args, **kwargs))
        return answer

    return command


def _in_thread(
    method: Callable[Concatenate[Exchange, P], R],
) -> Callable[Concatenate["AsyncExchange", P], Coroutine[Any, Any, R]]:
    """The method of an Exchange, which takes its time, as one that a thread of its own runs."""

    @wraps(method)
    async def command(self: "AsyncExchange", /, *args: P.args, **kwargs: P.kwargs) -> R:
        self._check()
        return await self._turn(partial(method, self._exchange, *args, **kwargs))

    return command


def _read(method: Callable[Concatenate[Exchange, P], R]) -> Callable[Concatenate["AsyncExchange", P], R]:
    """The read of an Exchange, as it is."""

    @wraps(method)
    def read(self: "AsyncExchange", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self._door, *args, **kwargs)

    return read


def _hear(done: asyncio.Future[Any]) -> None:
    """Look at what went wrong, which is raised by whoever reads: if nobody does, asyncio is not to complain."""
    if not done.cancelled():
        done.exception()


class _Opening:
    """An exchange that is being opened: `await` it, or enter it with `async with`."""

    def __init__(self, opener: Callable[[], Exchange]) -> None:
        self._opener = opener
        self._opened: AsyncExchange | None = None

    def __await__(self) -> Generator[Any, None, "AsyncExchange"]:
        return self._open().__await__()

    async def _open(self) -> "AsyncExchange":
        # A recovery can take a while.
        return AsyncExchange._over(await asyncio.to_thread(self._opener))

    async def __aenter__(self) -> "AsyncExchange":
        self._opened = await self._open()
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._opened is not None:
            await self._opened.__aexit__(kind, error, traceback)


def _opening(method: Callable[P, Exchange]) -> Callable[P, _Opening]:
    @wraps(method)
    def opening(*args: P.args, **kwargs: P.kwargs) -> _Opening:
        if kwargs.get("shards") is None:
            kwargs["shards"] = Shards()
        return _Opening(partial(method, *args, **kwargs))

    return opening


class AsyncExchange:
    """An Exchange whose commands are awaited.

    `AsyncExchange(shards=2)` lives in memory; `await AsyncExchange.open(path)`, or `async with`, keeps a journal. The
    commands of an Exchange have the same names and arguments here, and answer with the same Reports and Receipts when
    they are awaited. What is awaited by several tasks at once, with `asyncio.gather` or a TaskGroup, is under way at
    once; commands reach the exchange in the order in which the tasks run.

    A command that was sent is not taken back: cancelling the task that awaits it only means that nobody hears the
    answer. Where `Shards.window` commands are unanswered, the next one waits for room before it is sent; cancelled
    there, it was never sent. If the journal stops, every command that waits raises JournalError. Names that a command
    makes are known when its answer is.

    Reads answer at once; they wait at most until the shard that is asked is between two batches. `process`, `digest`,
    `snapshot` and `compact` take their time, so a thread does them, one after the other, while the loop goes on.

    An AsyncExchange belongs to the event loop that it was opened in.
    """

    def __init__(self, shards: int | Shards = 1) -> None:
        loop = asyncio.get_running_loop()
        self._attach(Exchange(shards=shards), loop)

    open = staticmethod(_opening(Exchange.open))

    @classmethod
    def _over(cls, exchange: Exchange) -> Self:
        self = cls.__new__(cls)
        self._attach(exchange, asyncio.get_running_loop())
        return self

    def _attach(self, exchange: Exchange, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._exchange = exchange
        # Its commands answer with tickets. It is used by the loop's thread only, as `_exchange` is by the other one.
        self._door = exchange._door()
        self._waiting: dict[object, asyncio.Future[Any]] = {}
        # First come, first served: while somebody waits for room here, nobody else sends.
        self._queue: deque[tuple[Callable[[], object], asyncio.Future[Any]]] = deque()
        self._retry: asyncio.TimerHandle | None = None
        self._turns = asyncio.Lock()
        self._openings: set[asyncio.Future[EventStream]] = set()
        self._is_closing = False
        self._answered: asyncio.Future[None] | None = None
        self._descriptor = self._door._fileno()
        self._loop.add_reader(self._descriptor, self._collect)
        # The first look arms the descriptor.
        self._collect()

    def _check(self) -> None:
        if self._is_closing:
            raise AeroMatchError("this AsyncExchange was closed")
        if asyncio.get_running_loop() is not self._loop:
            raise AeroMatchError("this AsyncExchange belongs to the event loop that it was opened in; open one here")

    async def _ask(self, send: Callable[[], object]) -> Any:
        self._check()
        return await self._send(send)

    def _send(self, send: Callable[[], object]) -> asyncio.Future[Any]:
        """Send a command, now or as soon as there is room; the answer is to come."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self._queue or (ticket := send()) is None:
            self._queue.append((send, answer))
            self._send_queued()
        else:
            self._waiting[ticket] = answer
        return answer

    def _send_queued(self) -> None:
        """Send what waits for room, as far as there is any."""
        while self._queue:
            send, answer = self._queue[0]
            # Cancelled before it was sent, it never is.
            if not answer.done():
                try:
                    ticket = send()
                except Exception as error:
                    answer.set_exception(error)
                else:
                    if ticket is None:
                        break
                    self._waiting[ticket] = answer
            self._queue.popleft()
        if self._queue and not self._waiting and self._retry is None:
            # Others have filled a shard's intake, and no answer of ours will say when it has room again.
            self._retry = self._loop.call_later(RETRY_S, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._send_queued()

    def _collect(self) -> None:
        """Hand out the answers that are there; the loop calls it when the descriptor says that some are."""
        for ticket, answer in self._door._answers():
            future = self._waiting.pop(ticket)
            if future.done():
                continue  # The task was cancelled: nobody waits any more.
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        self._send_queued()
        if self._answered is not None and not self._waiting and not self._answered.done():
            self._answered.set_result(None)

    async def _turn(self, work: Callable[[], R]) -> R:
        """Let a thread do something with the exchange, one at a time; it ends its work whoever stops waiting."""

        async def take() -> R:
            async with self._turns:
                return await asyncio.to_thread(work)

        return await asyncio.shield(take())

    submit = _command(Exchange.submit)
    cancel = _command(Exchange.cancel)
    amend = _command(Exchange.amend)
    mass_cancel = _command(Exchange.mass_cancel)
    set_phase = _command(Exchange.set_phase)
    advance_time = _command(Exchange.advance_time)
    create_asset = _command(Exchange.create_asset)
    create_group = _command(Exchange.create_group)
    create_account = _command(Exchange.create_account)
    create_instrument = _command(Exchange.create_instrument)
    create_event = _command(Exchange.create_event)
    deposit = _command(Exchange.deposit)
    withdraw = _command(Exchange.withdraw)
    transfer = _command(Exchange.transfer)
    mint = _command(Exchange.mint)
    redeem = _command(Exchange.redeem)
    settle = _command(Exchange.settle)
    void = _command(Exchange.void)

    process = _in_thread(Exchange.process)
    digest = _in_thread(Exchange.digest)
    snapshot = _in_thread(Exchange.snapshot)
    compact = _in_thread(Exchange.compact)

    balance = _read(Exchange.balance)
    balances = _read(Exchange.balances)
    positions = _read(Exchange.positions)
    book = _read(Exchange.book)
    instruments = _read(Exchange.instruments)
    accounts = _read(Exchange.accounts)
    groups = _read(Exchange.groups)
    assets = _read(Exchange.assets)
    events = _read(Exchange.events)
    account_number = _read(Exchange.account_number)
    account_name = _read(Exchange.account_name)
    instrument_number = _read(Exchange.instrument_number)
    counters = _read(Exchange.counters)
    _samples = _read(Exchange._samples)

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return len(self._door.sequences)

    @property
    def sequences(self) -> tuple[int, ...]:
        """As `Exchange.sequences`."""
        return self._door.sequences

    @property
    def durable_sequences(self) -> tuple[int, ...] | None:
        """As `Exchange.durable_sequences`."""
        return self._door.durable_sequences

    @property
    def now(self) -> int:
        """As `Exchange.now`."""
        return self._door.now

    @property
    def memory_bytes(self) -> int:
        """As `Exchange.memory_bytes`."""
        return self._door.memory_bytes

    @property
    def durability(self) -> str | None:
        """As `Exchange.durability`."""
        return self._door.durability

    @property
    def recoveries(self) -> tuple[Recovery, ...] | None:
        """As `Exchange.recoveries`."""
        return self._door.recoveries

    def stream(self, from_sequence: int | tuple[int, ...] = 0) -> "AsyncEventStream":
        """Every event from a sequence number on, then those that come: `async for events in ex.stream()`.

        Arguments:
            from_sequence: As for `Exchange.stream`.

        Returns:
            The stream. Each is one reader with a place of its own, for one task at a time.

        Raises:
            TypeError: `from_sequence` is neither an int nor a tuple of int.
            ValueError: A number does not fit, or there are not as many as shards.
            AeroMatchError: The exchange was closed.
        """
        self._check()
        begins = begins_of(from_sequence, self.shards)
        opening = asyncio.ensure_future(asyncio.to_thread(self._exchange.stream, begins))
        # A close that comes sooner waits for it: a stream has what was there when it was asked for.
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)
        opening.add_done_callback(_hear)
        return AsyncEventStream(opening, begins)

    async def submit_many(self, orders: list[Any], accounts: list[str | None], *, tag: int = 0) -> list[Entered]:
        """Enters new orders, each shard's as one submission: as `submit` for each, at a fraction of what that costs.

        Arguments:
            orders: Objects with the attributes of `aeromatch.schema.orders.NewOrder`, which are the arguments of
                `submit`.
            accounts: Whose each of them is, by name; None for nobody's. What an order itself says is not looked at.
            tag: The sender's own number, returned in each command's first event.

        Returns:
            What came of each, in the same order: its id, and the JSON of `aeromatch.schema.orders.Order`; or, where it
            was refused, a slug (R8's, or "malformed"), a sentence that may be empty, and the id of the order that has
            its client order id already, or 0. Orders for one shard are entered in the order in which they stand.

        Raises:
            TypeError: `orders` or `accounts` is no list, or they are not of one length.
            JournalError: The journal has stopped.
            AeroMatchError: The exchange was closed.
        """
        answer: asyncio.Future[list[Entered]] = self._loop.create_future()

        def done(results: list[Entered] | BaseException) -> None:
            if answer.done():
                return
            if isinstance(results, BaseException):
                answer.set_exception(results)
            else:
                answer.set_result(results)

        self.send_many(orders, accounts, [tag] * len(orders), done)
        return await answer

    def send_many(
        self,
        orders: list[Any],
        accounts: list[str | None],
        tags: list[int],
        done: Callable[[list[Entered] | BaseException], None],
        record: Callable[[str, int, int], None] | None = None,
    ) -> None:
        """As `submit_many`, and does not wait: `done` is called with what came of the orders, or what went wrong.

        Arguments:
            orders: As for `submit_many`.
            accounts: As for `submit_many`.
            tags: Of each order.
            done: Is not to raise.
            record: Is told how long "send" and "answer" took here, in nanoseconds, and of how many orders: commands
                made of orders and sent, and JSON made of their events.

        Raises:
            TypeError: As `submit_many`.
            AeroMatchError: The exchange was closed.
        """
        self._check()
        began = perf_counter_ns()
        batch = self._door._order_batch(orders, accounts, tags)
        left = batch.parts
        failure: BaseException | None = None

        def note(stage: str, began: int) -> None:
            if record is not None:
                # Each of the orders has taken as long as all.
                record(stage, perf_counter_ns() - began, len(orders))

        def arrived(part: asyncio.Future[Any] | None) -> None:
            nonlocal left, failure
            if part is not None:
                left -= 1
                failure = failure or part.exception()
            if left:
                return
            if failure is not None:
                done(failure)
                return
            answered = perf_counter_ns()
            results = batch.results()
            note("answer", answered)
            done(results)

        parts = [self._send(batch.send) for _ in range(left)]
        note("send", began)
        for part in parts:
            part.add_done_callback(arrived)
        if not parts:
            arrived(None)

    def port(self) -> Exchange:
        """The same exchange for a thread, as `Exchange.port`: its methods wait, and are no business of the event loop.

        Returns:
            An Exchange; close it when the thread ends.

        Raises:
            AeroMatchError: The exchange was closed.
        """
        self._check()
        return self._exchange.port()

    async def close(self) -> None:
        """Wait for the answers that are under way, make everything durable and end the exchange.

        Commands that waited for room, and those that come later, raise AeroMatchError. A second close does nothing.

        Raises:
            JournalError: The journal has stopped, or cannot be written; the exchange is closed all the same.
        """
        if asyncio.get_running_loop() is not self._loop:
            self._check()
        self._is_closing = True
        while self._queue:
            _, answer = self._queue.popleft()
            if not answer.done():
                answer.set_exception(AeroMatchError("this AsyncExchange was closed"))
        # A command for all shards that waits for room on one of them is given up by this, and answered.
        self._exchange._begin_close()
        while self._waiting:
            if self._answered is None or self._answered.done():
                self._answered = self._loop.create_future()
            await asyncio.shield(self._answered)
        if self._openings:
            await asyncio.wait(set(self._openings))
        self._loop.remove_reader(self._descriptor)
        if self._retry is not None:
            self._retry.cancel()
        await self._turn(self._exchange.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except JournalError:
            # What ends the block says more than that the journal has stopped.
            if kind is None:
                raise

    def __repr__(self) -> str:
        return f"Async{self._door!r}"


class AsyncEventStream(AsyncIterator[Events]):
    """The events of an exchange for one task: all that were since some sequence number, then those that come.

    `async for` ends when the exchange was closed and everything was read, or when the stream is closed. While nothing
    happens, nothing runs.
    """

    def __init__(self, opening: asyncio.Future[EventStream], begins: tuple[int, ...]) -> None:
        self._opening = opening
        self._stream: EventStream | None = None
        self._past: asyncio.Future[Events | None] | None = None
        self._wake: asyncio.Future[None] | None = None
        # Behind what `read` has given, whatever lies read in a thread.
        self._position = begins
        self._is_reading = False
        self._is_closed = False

    async def read(self, limit: int = 4096, timeout_s: float | None = None) -> Events | None:
        """The next events, of one shard.

        Arguments:
            limit: At most about so many: the events of one command stay together.
            timeout_s: Wait at most so long for one, in seconds; 0: only look; None: as long as it takes. What lies in a
                journal is waited for in any case.

        Returns:
            The events; None if none came in time, or there will be none any more: see `ended`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            StreamLagged: The exchange has gone on so far that events are missed; `position` says where to open
                another stream, which has them from the journal.
            JournalError: The journal cannot be read.
            AeroMatchError: Another task reads this stream, or the exchange was closed before the first read.
        """
        if self._is_reading:
            raise AeroMatchError("this AsyncEventStream is being read by another task; open one for each")
        timeout_s = timeout_of(timeout_s)
        self._is_reading = True
        try:
            events = await self._next(limit, timeout_s)
            # A close while a thread reads leaves the stream open for what it brings.
            if self._stream is not None and (events is not None or not self._is_closed):
                self._position = self._stream.position
            return events
        finally:
            self._is_reading = False

    async def _next(self, limit: int, timeout_s: float | None) -> Events | None:
        deadline = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        # A reader that never has to wait leaves room for others.
        await asyncio.sleep(0)
        if self._stream is None:
            # Whoever stops waiting here leaves it to the next one.
            await asyncio.wait((self._opening,))
            self._stream = self._opening.result()
        while not self._is_closed:
            is_live = self._past is None and self._stream._is_live
            events = self._stream.read(limit, 0) if is_live else await self._read_past(self._stream, limit)
            if events is not None or self.ended:
                return events
            if not is_live:
                continue
            try:
                async with asyncio.timeout_at(deadline):
                    await self._readable(self._stream.fileno())
            except TimeoutError:
                return None
        return None

    async def _read_past(self, stream: EventStream, limit: int) -> Events | None:
        """Read what lies in journals, which takes its time, in a thread."""
        # If whoever waits here is cancelled, the next one gets what the thread has read: nothing falls between the two.
        if self._past is None:
            self._past = asyncio.ensure_future(asyncio.to_thread(stream.read, limit, 0))
            self._past.add_done_callback(_hear)
        past = self._past
        await asyncio.wait((past,))
        self._past = None
        return past.result()

    async def _readable(self, descriptor: int) -> None:
        """Wait until a descriptor can be read, or the stream is closed."""
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        loop.add_reader(descriptor, self._woken)
        try:
            await self._wake
        finally:
            loop.remove_reader(descriptor)

    def _woken(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def __anext__(self) -> Events:
        events = await self.read()
        if events is None:
            raise StopAsyncIteration
        return events

    @property
    def position(self) -> tuple[int, ...]:
        """Where to go on, by shard: `stream(position)` begins with what this one has not given."""
        return self._position

    @property
    def ended(self) -> bool:
        """Whether the stream or the exchange was closed, and everything was read."""
        return self._is_closed or (self._stream is not None and self._past is None and self._stream.ended)

    def __repr__(self) -> str:
        return f"AsyncEventStream(position={self._position})"

    def close(self) -> None:
        """Give up the place in the stream; who waits for events gets none. A second time does nothing."""
        self._is_closed = True
        self._woken()
        if self._past is None and self._stream is not None:
            self._stream.close()
