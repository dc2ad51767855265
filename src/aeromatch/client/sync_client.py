"""The client of a server without asyncio: the AsyncClient, run by a thread.

Every call of an AsyncClient is here under its name and with its arguments, as one that waits; `_waiting` and its like
make it from the AsyncClient's own method, so that none is written twice.
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from aeromatch.client.async_client import AsyncClient
from aeromatch.client.errors import ClosedError
from aeromatch.client.live_book import LiveBook
from aeromatch.client.local_book import Desync, Level, LocalBook
from aeromatch.client.pages import Pages
from aeromatch.client.streams import Stream

__all__ = ["Client", "SyncBook", "SyncPages", "SyncStream"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Runner:
    """An event loop in a thread of its own, for things that belong to one client."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="aeromatch-client", daemon=True)
        self._is_closed = False
        self._thread.start()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Lets the loop do it, and waits; what interrupts the wait takes the work back."""
        if self._is_closed:
            work.close()
            raise ClosedError("this client was closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def call(self, function: Callable[[], R]) -> R:
        """Calls a function in the loop's thread: between two of its steps."""

        async def do() -> R:
            return function()

        return self.run(do())

    def close(self) -> None:
        """Ends the loop and its thread."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()


class _Subscribed:
    """What `with` subscribes to, and `close` or the end of the block gives up."""

    def __init__(self, runner: Runner, subscription: Stream[Any] | LiveBook) -> None:
        self._runner = runner
        self._subscription = subscription

    def close(self) -> None:
        """Ends the subscription."""
        with contextlib.suppress(ClosedError):
            self._runner.run(self._subscription.close())

    def __enter__(self) -> Self:
        self._runner.run(self._subscription.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SyncStream(_Subscribed, Iterator[T], Generic[T]):
    """A stream to iterate: `with client.stream_trades(symbol) as trades: for trade in trades`."""

    def __init__(self, runner: Runner, stream: Stream[T]) -> None:
        super().__init__(runner, stream)
        self._stream = stream

    def __next__(self) -> T:
        return _step(self._runner, self._stream)

    @property
    def interruptions(self) -> int:
        """How often the connection was lost."""
        return self._stream.interruptions


class SyncPages(Iterator[T], Generic[T]):
    """Entries of a list that comes in pages: `for order in client.orders()`, or `client.orders().take(10)`."""

    def __init__(self, runner: Runner, pages: Pages[T]) -> None:
        self._runner = runner
        self._pages = pages

    def __next__(self) -> T:
        return _step(self._runner, self._pages)

    def take(self, count: int | None = None) -> list[T]:
        """As `Pages.take`."""
        return self._runner.run(self._pages.take(count))


def _step(runner: Runner, iterator: AsyncIterator[T]) -> T:
    async def step() -> tuple[T] | None:
        try:
            return (await anext(iterator),)
        except StopAsyncIteration:
            return None

    if (found := runner.run(step())) is None:
        raise StopIteration
    return found[0]


def _look(method: Callable[Concatenate[LocalBook, P], R]) -> Callable[Concatenate["SyncBook", P], R]:
    """A read of a book as one that the loop's thread does, between two updates."""

    @wraps(method)
    def look(self: "SyncBook", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.call(partial(method, self._book, *args, **kwargs))

    return look


def _follow(
    method: Callable[Concatenate[LiveBook, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["SyncBook", P], R]:
    @wraps(method)
    def follow(self: "SyncBook", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.run(method(self._book, *args, **kwargs))

    return follow


class SyncBook(_Subscribed):
    """A local book that a thread keeps in step: `with client.local_book(symbol) as book`."""

    def __init__(self, runner: Runner, book: LiveBook) -> None:
        super().__init__(runner, book)
        self._book = book

    bids = _look(LocalBook.bids)
    asks = _look(LocalBook.asks)
    quantity_at = _look(LocalBook.quantity_at)
    verify = _look(LocalBook.verify)
    verify_now = _follow(LiveBook.verify_now)

    @property
    def best_bid(self) -> Level | None:
        """As `LocalBook.best_bid`."""
        return self._runner.call(lambda: self._book.best_bid)

    @property
    def best_ask(self) -> Level | None:
        """As `LocalBook.best_ask`."""
        return self._runner.call(lambda: self._book.best_ask)

    @property
    def last_update_id(self) -> int:
        """As `LocalBook.last_update_id`."""
        return self._runner.call(lambda: self._book.last_update_id)

    @property
    def is_live(self) -> bool:
        """As `LocalBook.is_live`."""
        return self._book.is_live

    @property
    def desync(self) -> Desync | None:
        """As `LocalBook.desync`."""
        return self._book.desync

    def wait_live(self, timeout_s: float | None = None) -> Self:
        """As `LiveBook.wait_live`."""
        self._runner.run(self._book.wait_live(timeout_s))
        return self

    def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """As `LiveBook.until`; the condition is asked by the thread that keeps the book, with that book."""
        self._runner.run(self._book.until(condition, timeout_s))
        return self

    def __repr__(self) -> str:
        return repr(self._book)


def _making(make: Callable[P, AsyncClient]) -> Callable[Concatenate["Client", P], None]:
    """The AsyncClient's arguments as a Client's."""

    def begin(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> None:
        client = make(*args, **kwargs)
        self._client, self._runner = client, Runner()

    shown = inspect.signature(make)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    begin.__dict__["__signature__"] = shown.replace(parameters=[own, *shown.parameters.values()])
    return begin


def _waiting(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["Client", P], R]:
    """The call of an AsyncClient as one that waits for its answer."""

    @wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.run(method(self._client, *args, **kwargs))

    return call


def _streaming(
    method: Callable[Concatenate[AsyncClient, P], Stream[T]],
) -> Callable[Concatenate["Client", P], SyncStream[T]]:
    @wraps(method)
    def stream(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> SyncStream[T]:
        return SyncStream(self._runner, self._runner.call(partial(method, self._client, *args, **kwargs)))

    return stream


def _paging(
    method: Callable[Concatenate[AsyncClient, P], Pages[T]],
) -> Callable[Concatenate["Client", P], SyncPages[T]]:
    @wraps(method)
    def pages(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> SyncPages[T]:
        return SyncPages(self._runner, method(self._client, *args, **kwargs))

    return pages


class Client:
    """A client of a server: `with Client("http://127.0.0.1:8080") as client`.

    It has the arguments and calls of an AsyncClient, and each waits for its answer. A thread keeps its connections, so
    that streams and local books go on while the caller does something else; several threads may use one client.
    """

    _client: AsyncClient
    _runner: Runner

    __init__ = _making(AsyncClient)

    health = _waiting(AsyncClient.health)
    me = _waiting(AsyncClient.me)
    stats = _waiting(AsyncClient.stats)
    instruments = _waiting(AsyncClient.instruments)
    instrument = _waiting(AsyncClient.instrument)
    book = _waiting(AsyncClient.book)
    ticker = _waiting(AsyncClient.ticker)
    tickers = _waiting(AsyncClient.tickers)
    trades = _paging(AsyncClient.trades)
    candles = _waiting(AsyncClient.candles)
    order = _waiting(AsyncClient.order)
    orders = _paging(AsyncClient.orders)
    accounts = _paging(AsyncClient.accounts)
    account_state = _waiting(AsyncClient.account_state)
    balances = _waiting(AsyncClient.balances)
    events = _waiting(AsyncClient.events)
    event = _waiting(AsyncClient.event)

    submit = _waiting(AsyncClient.submit)
    submit_many = _waiting(AsyncClient.submit_many)
    amend = _waiting(AsyncClient.amend)
    cancel = _waiting(AsyncClient.cancel)
    mass_cancel = _waiting(AsyncClient.mass_cancel)
    deposit = _waiting(AsyncClient.deposit)
    withdraw = _waiting(AsyncClient.withdraw)
    transfer = _waiting(AsyncClient.transfer)
    create_account = _waiting(AsyncClient.create_account)
    create_instrument = _waiting(AsyncClient.create_instrument)
    create_event = _waiting(AsyncClient.create_event)
    set_phase = _waiting(AsyncClient.set_phase)
    mint = _waiting(AsyncClient.mint)
    redeem = _waiting(AsyncClient.redeem)
    settle = _waiting(AsyncClient.settle)
    void = _waiting(AsyncClient.void)
    set_kill_switch = _waiting(AsyncClient.set_kill_switch)
    set_dead_man = _waiting(AsyncClient.set_dead_man)

    stream_trades = _streaming(AsyncClient.stream_trades)
    stream_tickers = _streaming(AsyncClient.stream_tickers)
    stream_candles = _streaming(AsyncClient.stream_candles)
    stream_orders = _streaming(AsyncClient.stream_orders)

    def local_book(self, symbol: str) -> SyncBook:
        """As `AsyncClient.local_book`."""
        return SyncBook(self._runner, self._runner.call(partial(self._client.local_book, symbol)))

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._client.url

    @property
    def account(self) -> str | None:
        """Whose orders and money it is about where a call names no account."""
        return self._client.account

    def close(self) -> None:
        """Ends all connections, and the thread. What waits in other threads raises ClosedError."""
        with contextlib.suppress(ClosedError):
            self._runner.run(self._client.close())
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client).removeprefix("Async")
