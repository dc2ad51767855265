"""The client of a server, for asyncio."""

import ssl
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from aeromatch.client.acting import Acting
from aeromatch.client.credentials import Credentials
from aeromatch.client.entry import RestEntry, SocketEntry
from aeromatch.client.errors import ClosedError
from aeromatch.client.live_book import LiveBook
from aeromatch.client.rest import Rest
from aeromatch.client.socket import Key, Socket
from aeromatch.client.streams import CandleStream, OrderStream, TickerStream, TradeStream
from aeromatch.schema.market import Candle

__all__ = ["AsyncClient"]

DEFAULT_URL: Final = "http://127.0.0.1:8080"
SOCKET_PATH: Final = "/ws"


class AsyncClient(Acting):
    """A client of a server: `async with AsyncClient("http://127.0.0.1:8080") as client`.

    Requests go over HTTP and, with `orders_over="websocket"`, orders over a WebSocket; streams share one. Connections
    are made when they are needed, and again when they are lost.

    Arguments:
        url: Of the server: http:// or https://, without a path.
        credentials: A BearerToken or a SigningKey; None: the server asks for none.
        account: Whose orders and money it is about where a call names no account; None: the key's.
        timeout_s: Of a call, with everything that is repeated in it.
        retries: How often a call that may be repeated is, at most.
        orders_over: How orders are entered, changed and canceled. Batches go over HTTP always.
        cancel_on_disconnect: Whether the server cancels the account's orders when the WebSocket that they are entered
            over ends. Needs `orders_over="websocket"`.
        tls: How the server's certificate is checked; None: as the system does.

    Raises:
        ValueError: The URL is none of a server, or a number is out of range.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        credentials: Credentials | None = None,
        account: str | None = None,
        timeout_s: float = 10.0,
        retries: int = 4,
        orders_over: Literal["rest", "websocket"] = "rest",
        cancel_on_disconnect: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
            raise ValueError(f"url must be http:// or https:// with a host and no path: {url!r}")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s must be above 0: {timeout_s}")
        if retries < 0:
            raise ValueError(f"retries must not be negative: {retries}")
        if cancel_on_disconnect and orders_over != "websocket":
            raise ValueError('cancel_on_disconnect: only with orders_over="websocket"')
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.account = account
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._tls = tls
        self._socket_url = urlunsplit(("wss" if parts.scheme == "https" else "ws", parts.netloc, SOCKET_PATH, "", ""))
        self._sockets: list[Socket] = []
        self._order_socket: Socket | None = None
        self._is_closed = False
        self._cancel_on_disconnect = cancel_on_disconnect
        self._rest = Rest(self.url, credentials, timeout_s, retries, True if tls is None else tls)
        rest_entry = RestEntry(self._rest)
        self._entry = rest_entry if orders_over == "rest" else SocketEntry(self._socket_for_orders, rest_entry)

    def _open_socket(self, *, cancel_on_disconnect: bool = False) -> Socket:
        if self._is_closed:
            raise ClosedError("this client was closed")
        socket = Socket(
            self._socket_url,
            self._credentials,
            self._timeout_s,
            self._tls,
            cancel_on_disconnect=cancel_on_disconnect,
        )
        self._sockets.append(socket)
        return socket

    def _socket_for(self, key: Key) -> Socket:
        """A connection that has no such subscription yet: two streams of one channel need two."""
        for socket in self._sockets:
            if socket is not self._order_socket and socket.is_usable and not socket.has(key):
                return socket
        return self._open_socket()

    def _socket_for_orders(self) -> Socket:
        """A connection of its own: market data does not stand in the way of orders."""
        if self._order_socket is None or not self._order_socket.is_usable:
            self._order_socket = self._open_socket(cancel_on_disconnect=self._cancel_on_disconnect)
        return self._order_socket

    def stream_trades(self, symbol: str, *, from_sequence: int | None = None) -> TradeStream:
        """An instrument's trades as they happen: none twice, none left out.

        Arguments:
            symbol: The instrument.
            from_sequence: Begin with what followed this sequence number; None: now.
        """
        return TradeStream(self._socket_for, symbol, from_sequence, lambda: self.trades(symbol))

    def stream_tickers(self, symbol: str, *, interval_ms: int | None = None) -> TickerStream:
        """An instrument's ticker: as it is now, then whenever it changes, at most once in `interval_ms`."""
        return TickerStream(self._socket_for, symbol, interval_ms)

    def stream_candles(self, symbol: str, period: str = "1m") -> CandleStream:
        """An instrument's candles of a period: the open one whenever it changes, and each when it has closed."""

        async def between(start: int, end: int) -> list[Candle]:
            return await self.candles(symbol, period, start=start, end=end, limit=None)

        return CandleStream(self._socket_for, symbol, period, between)

    def stream_orders(self, account: str | None = None) -> OrderStream:
        """The account's own orders whenever they change, with their new fills; None: the client's, or the key's."""

        async def sequences() -> list[int]:
            return [shard.sequence for shard in (await self.stats()).shards]

        return OrderStream(self._socket_for, account if account is not None else self.account, sequences)

    def local_book(self, symbol: str) -> LiveBook:
        """An instrument's whole book, kept in step: `async with client.local_book("BTC-USD") as book`."""
        return LiveBook(self._socket_for, symbol, timeout_s=self._timeout_s, book=self.book, ticker=self.ticker)

    async def close(self) -> None:
        """Ends all connections. What waits for an answer raises ClosedError; a second close does nothing."""
        self._is_closed = True
        sockets, self._sockets = self._sockets, []
        for socket in sockets:
            await socket.close()
        await self._rest.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, credentials={self._credentials!r}, account={self.account!r})"
