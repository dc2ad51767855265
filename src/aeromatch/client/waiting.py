"""What makes a client that waits out of one for asyncio: a thread with an event loop, and calls that wait for it.

Every call of the asyncio client is made from its own method, under its name and with its arguments, so that none is
written twice.
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from aeromatch.client.errors import ClosedError
from aeromatch.client.followed_book import FollowedBook
from aeromatch.client.local_book import Desync, Level, LocalBook
from aeromatch.client.queued import Queued

__all__ = ["Runner", "WaitingBook", "WaitingClient", "WaitingStream", "making", "next_of", "streaming", "waiting"]

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


def next_of(runner: Runner, iterator: AsyncIterator[T]) -> T:
    """The next thing of an iterator of the loop's; raises StopIteration at its end."""

    async def step() -> tuple[T] | None:
        try:
            return (await anext(iterator),)
        except StopAsyncIteration:
            return None

    if (found := runner.run(step())) is None:
        raise StopIteration
    return found[0]


class _Followed:
    """What `with` begins, and `close` or the end of the block gives up."""

    def __init__(self, runner: Runner, followed: Queued[Any] | FollowedBook) -> None:
        self._runner = runner
        self._followed = followed

    def close(self) -> None:
        """Ends it."""
        with contextlib.suppress(ClosedError):
            self._runner.run(self._followed.close())

    def __enter__(self) -> Self:
        self._runner.run(self._followed.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class WaitingStream(_Followed, Iterator[T], Generic[T]):
    """A stream to iterate: `with client.stream_trades(symbol) as trades: for trade in trades`."""

    def __init__(self, runner: Runner, stream: Queued[T]) -> None:
        super().__init__(runner, stream)
        self._stream = stream

    def __next__(self) -> T:
        return next_of(self._runner, self._stream)


def _looking(method: Callable[Concatenate[LocalBook, P], R]) -> Callable[Concatenate["WaitingBook", P], R]:
    """A read of a book as one that the loop's thread does, between two updates."""

    @wraps(method)
    def look(self: "WaitingBook", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.call(partial(method, self._book, *args, **kwargs))

    return look


class WaitingBook(_Followed):
    """A local book that a thread keeps in step: `with client.local_book(symbol) as book`."""

    def __init__(self, runner: Runner, book: FollowedBook) -> None:
        super().__init__(runner, book)
        self._book = book

    bids = _looking(LocalBook.bids)
    asks = _looking(LocalBook.asks)
    quantity_at = _looking(LocalBook.quantity_at)
    verify = _looking(LocalBook.verify)

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
        """As `FollowedBook.wait_live`."""
        self._runner.run(self._book.wait_live(timeout_s))
        return self

    def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """As `FollowedBook.until`; the condition is asked by the thread that keeps the book, with that book."""
        self._runner.run(self._book.until(condition, timeout_s))
        return self

    def __repr__(self) -> str:
        return repr(self._book)


class _Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class WaitingClient(Generic[C]):
    """A client for asyncio, run by a thread; `making`, `waiting` and `streaming` give it that one's calls."""

    _client: C
    _runner: Runner

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


def making(make: Callable[P, C]) -> Callable[Concatenate[WaitingClient[C], P], None]:
    """The arguments of the client for asyncio as those of the one that waits."""

    def begin(self: WaitingClient[C], /, *args: P.args, **kwargs: P.kwargs) -> None:
        client = make(*args, **kwargs)
        self._client, self._runner = client, Runner()

    shown = inspect.signature(make)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    begin.__dict__["__signature__"] = shown.replace(parameters=[own, *shown.parameters.values()])
    return begin


def waiting(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[WaitingClient[Any], P], R]:
    """A call that waits for its answer."""

    @wraps(method)
    def call(self: WaitingClient[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.run(method(self._client, *args, **kwargs))

    return call


def streaming(
    method: Callable[Concatenate[Any, P], Queued[T]],
) -> Callable[Concatenate[WaitingClient[Any], P], WaitingStream[T]]:
    """A call that gives a stream."""

    @wraps(method)
    def stream(self: WaitingClient[Any], /, *args: P.args, **kwargs: P.kwargs) -> WaitingStream[T]:
        return WaitingStream(self._runner, self._runner.call(partial(method, self._client, *args, **kwargs)))

    return stream
