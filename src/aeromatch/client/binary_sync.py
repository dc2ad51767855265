"""The client of the binary gateway without asyncio: the AsyncBinaryClient, run by a thread.

As with `Client`, every call is here under its name and with its arguments, as one that waits.
"""

import contextlib
import inspect
from collections.abc import Callable, Coroutine, Iterator
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from aeromatch.client.binary_client import AsyncBinaryClient
from aeromatch.client.errors import ClosedError
from aeromatch.client.local_book import Level, LocalBook
from aeromatch.client.sync_client import Runner
from aeromatch.client.wire import Reports
from aeromatch.client.wire_streams import BinaryBook, BinaryStream
from aeromatch.schema.market import TradePrint
from aeromatch.schema.orders import Order

__all__ = ["BinaryClient", "SyncBinaryBook", "SyncBinaryStream"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class _Followed:
    """What `with` begins, and `close` or the end of the block gives up."""

    def __init__(self, runner: Runner, followed: BinaryStream[Any] | BinaryBook) -> None:
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


class SyncBinaryStream(_Followed, Iterator[T], Generic[T]):
    """A stream to iterate: `with client.stream_orders() as orders: for order in orders`."""

    def __init__(self, runner: Runner, stream: BinaryStream[T]) -> None:
        super().__init__(runner, stream)
        self._stream = stream

    def __next__(self) -> T:
        async def step() -> tuple[T] | None:
            try:
                return (await anext(self._stream),)
            except StopAsyncIteration:
                return None

        if (found := self._runner.run(step())) is None:
            raise StopIteration
        return found[0]


class SyncBinaryBook(_Followed):
    """The published levels of a book, which a thread keeps in step: `with client.local_book(symbol) as book`."""

    def __init__(self, runner: Runner, book: BinaryBook) -> None:
        super().__init__(runner, book)
        self._book = book

    def bids(self, levels: int | None = None) -> list[Level]:
        """As `LocalBook.bids`."""
        return self._runner.call(lambda: self._book.bids(levels))

    def asks(self, levels: int | None = None) -> list[Level]:
        """As `LocalBook.asks`."""
        return self._runner.call(lambda: self._book.asks(levels))

    @property
    def best_bid(self) -> Level | None:
        """As `LocalBook.best_bid`."""
        return self._runner.call(lambda: self._book.best_bid)

    @property
    def best_ask(self) -> Level | None:
        """As `LocalBook.best_ask`."""
        return self._runner.call(lambda: self._book.best_ask)

    def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """As `BinaryBook.until`; the condition is asked by the thread that keeps the book, with that book."""
        self._runner.run(self._book.until(condition, timeout_s))
        return self


def _making(make: Callable[P, AsyncBinaryClient]) -> Callable[Concatenate["BinaryClient", P], None]:
    """The AsyncBinaryClient's arguments as a BinaryClient's."""

    def begin(self: "BinaryClient", /, *args: P.args, **kwargs: P.kwargs) -> None:
        self._runner = Runner()
        try:
            self._client = self._runner.call(partial(make, *args, **kwargs))
        except BaseException:
            self._runner.close()
            raise

    shown = inspect.signature(make)
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    begin.__dict__["__signature__"] = shown.replace(parameters=[own, *shown.parameters.values()])
    return begin


def _waiting(
    method: Callable[Concatenate[AsyncBinaryClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate["BinaryClient", P], R]:
    """The call of an AsyncBinaryClient as one that waits for its answer."""

    @wraps(method)
    def call(self: "BinaryClient", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._runner.run(method(self._client, *args, **kwargs))

    return call


class BinaryClient:
    """A client of the binary gateway: `with BinaryClient("127.0.0.1:9191") as client`.

    It has the arguments and calls of an AsyncBinaryClient, and each waits for its answer. A thread keeps the
    connection; several threads may use one client.
    """

    _client: AsyncBinaryClient
    _runner: Runner

    __init__ = _making(AsyncBinaryClient)

    connect = _waiting(AsyncBinaryClient.connect)
    submit = _waiting(AsyncBinaryClient.submit)
    submit_many = _waiting(AsyncBinaryClient.submit_many)
    process = _waiting(AsyncBinaryClient.process)
    amend = _waiting(AsyncBinaryClient.amend)
    cancel = _waiting(AsyncBinaryClient.cancel)
    mass_cancel = _waiting(AsyncBinaryClient.mass_cancel)
    symbols = _waiting(AsyncBinaryClient.symbols)
    instrument_number = _waiting(AsyncBinaryClient.instrument_number)

    def stream_orders(self) -> SyncBinaryStream[Order]:
        """As `AsyncBinaryClient.stream_orders`."""
        return SyncBinaryStream(self._runner, self._runner.call(self._client.stream_orders))

    def stream_reports(self) -> SyncBinaryStream[Reports]:
        """As `AsyncBinaryClient.stream_reports`."""
        return SyncBinaryStream(self._runner, self._runner.call(self._client.stream_reports))

    def stream_trades(self, symbol: str) -> SyncBinaryStream[TradePrint]:
        """As `AsyncBinaryClient.stream_trades`."""
        return SyncBinaryStream(self._runner, self._runner.call(partial(self._client.stream_trades, symbol)))

    def local_book(self, symbol: str, levels: int = 0) -> SyncBinaryBook:
        """As `AsyncBinaryClient.local_book`."""
        return SyncBinaryBook(self._runner, self._runner.call(partial(self._client.local_book, symbol, levels)))

    @property
    def positions(self) -> list[int]:
        """As `AsyncBinaryClient.positions`."""
        return self._runner.call(lambda: self._client.positions)

    @property
    def account(self) -> str | None:
        """As `AsyncBinaryClient.account`."""
        return self._client.account

    def close(self) -> None:
        """Ends the connection and the thread. What waits in other threads raises ClosedError."""
        with contextlib.suppress(ClosedError):
            self._runner.run(self._client.close())
        self._runner.close()

    def __enter__(self) -> Self:
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client).removeprefix("Async")
