"""The client of a server without asyncio: the AsyncClient, run by a thread."""

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Concatenate, Generic, ParamSpec, TypeVar

from aeromatch.client.async_client import AsyncClient
from aeromatch.client.live_book import LiveBook
from aeromatch.client.pages import Pages
from aeromatch.client.streams import Stream
from aeromatch.client.waiting import Runner, WaitingBook, WaitingClient, WaitingStream, making, next_of, waiting

__all__ = ["Client", "SyncBook", "SyncPages", "SyncStream"]

P = ParamSpec("P")
T = TypeVar("T")


class SyncStream(WaitingStream[T]):
    """A channel to iterate: `with client.stream_trades(symbol) as trades: for trade in trades`."""

    def __init__(self, runner: Runner, channel: Stream[T]) -> None:
        super().__init__(runner, channel)
        self._channel = channel

    @property
    def interruptions(self) -> int:
        """How often the connection was lost."""
        return self._channel.interruptions


class SyncBook(WaitingBook):
    """A book that can be compared with the server's: `with client.local_book(symbol) as book`."""

    def __init__(self, runner: Runner, book: LiveBook) -> None:
        super().__init__(runner, book)
        self._live_book = book

    def verify_now(self, timeout_s: float = 1.0) -> bool:
        """As `LiveBook.verify_now`."""
        return self._runner.run(self._live_book.verify_now(timeout_s))


class SyncPages(Iterator[T], Generic[T]):
    """Entries of a list that comes in pages: `for order in client.orders()`, or `client.orders().take(10)`."""

    def __init__(self, runner: Runner, pages: Pages[T]) -> None:
        self._runner = runner
        self._pages = pages

    def __next__(self) -> T:
        return next_of(self._runner, self._pages)

    def take(self, count: int | None = None) -> list[T]:
        """As `Pages.take`."""
        return self._runner.run(self._pages.take(count))


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


class Client(WaitingClient[AsyncClient]):
    """A client of a server: `with Client("http://127.0.0.1:8080") as client`.

    It has the arguments and calls of an AsyncClient, and each waits for its answer. A thread keeps its connections, so
    that streams and local books go on while the caller does something else; several threads may use one client.
    """

    __init__ = making(AsyncClient)

    health = waiting(AsyncClient.health)
    me = waiting(AsyncClient.me)
    stats = waiting(AsyncClient.stats)
    instruments = waiting(AsyncClient.instruments)
    instrument = waiting(AsyncClient.instrument)
    book = waiting(AsyncClient.book)
    ticker = waiting(AsyncClient.ticker)
    tickers = waiting(AsyncClient.tickers)
    trades = _paging(AsyncClient.trades)
    candles = waiting(AsyncClient.candles)
    order = waiting(AsyncClient.order)
    orders = _paging(AsyncClient.orders)
    accounts = _paging(AsyncClient.accounts)
    account_state = waiting(AsyncClient.account_state)
    balances = waiting(AsyncClient.balances)
    events = waiting(AsyncClient.events)
    event = waiting(AsyncClient.event)

    submit = waiting(AsyncClient.submit)
    submit_many = waiting(AsyncClient.submit_many)
    amend = waiting(AsyncClient.amend)
    cancel = waiting(AsyncClient.cancel)
    mass_cancel = waiting(AsyncClient.mass_cancel)
    deposit = waiting(AsyncClient.deposit)
    withdraw = waiting(AsyncClient.withdraw)
    transfer = waiting(AsyncClient.transfer)
    create_account = waiting(AsyncClient.create_account)
    create_instrument = waiting(AsyncClient.create_instrument)
    create_event = waiting(AsyncClient.create_event)
    set_phase = waiting(AsyncClient.set_phase)
    mint = waiting(AsyncClient.mint)
    redeem = waiting(AsyncClient.redeem)
    settle = waiting(AsyncClient.settle)
    void = waiting(AsyncClient.void)
    set_kill_switch = waiting(AsyncClient.set_kill_switch)
    set_dead_man = waiting(AsyncClient.set_dead_man)

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
