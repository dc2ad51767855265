"""What a client reads: markets, orders, money, the server's state."""

from typing import Literal, TypeVar

from aeromatch.client.forms import check_named
from aeromatch.client.pages import Pages
from aeromatch.client.rest import Rest, path_of
from aeromatch.schema.accounts import Account, AccountList, BalanceList
from aeromatch.schema.admin import Health, Me
from aeromatch.schema.market import (
    Book,
    Candle,
    CandlePage,
    EventMarket,
    Instrument,
    Stats,
    Ticker,
    TradePage,
    TradePrint,
)
from aeromatch.schema.orders import Order, OrderPage

__all__ = ["Reading"]

T = TypeVar("T")

PAGE_ENTRIES = 500
"""What a page is asked to have; the server may give less."""


class Reading:
    """Calls that change nothing: all of them are repeated while the server does not answer.

    Each raises a ClientError; RejectedError has the server's reason.
    """

    account: str | None
    _rest: Rest

    async def _get(self, answer: type[T], path: str, **query: str | int | None) -> T:
        return await self._rest.call(answer, "GET", path, query=query, may_repeat=True)

    def _whose(self, account: str | None) -> str:
        chosen = account if account is not None else self.account
        if chosen is None:
            raise ValueError("account: name one here, or where the client is made")
        return chosen

    async def health(self) -> Health:
        """Whether the server lives; it needs no key. A server that is not ready yet answers too."""
        return await self._get(Health, "/health")

    async def me(self) -> Me:
        """Who this client is to the server: its key, what that may do, and its account."""
        return await self._get(Me, "/me")

    async def stats(self) -> Stats:
        """The venue's figures."""
        return await self._get(Stats, "/stats")

    async def instruments(self) -> list[Instrument]:
        """What can be traded."""
        return await self._get(list[Instrument], "/instruments")

    async def instrument(self, symbol: str) -> Instrument:
        """One instrument and its rules."""
        return await self._get(Instrument, path_of("instruments", symbol))

    async def book(self, symbol: str, levels: int = 20) -> Book:
        """The best levels of each side, so many (1 to 5000), as of a moment that is not before the call."""
        return await self._get(Book, path_of("book", symbol), levels=levels)

    async def ticker(self, symbol: str) -> Ticker:
        """A market at a glance."""
        return await self._get(Ticker, path_of("ticker", symbol))

    async def tickers(self) -> list[Ticker]:
        """All markets at a glance."""
        return await self._get(list[Ticker], "/tickers")

    def trades(self, symbol: str, *, from_sequence: int | None = None, page: int = PAGE_ENTRIES) -> Pages[TradePrint]:
        """An instrument's trades, newest first, as far as the server keeps them.

        Arguments:
            symbol: The instrument.
            from_sequence: Only those behind this sequence number.
            page: How many are asked for at a time.
        """

        async def fetch(cursor: str | None) -> tuple[list[TradePrint], str | None]:
            answer = await self._get(
                TradePage, path_of("trades", symbol), limit=page, cursor=cursor, from_sequence=from_sequence
            )
            return answer.trades, answer.next_cursor

        return Pages(fetch)

    async def candles(
        self,
        symbol: str,
        period: str = "1m",
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int | None = PAGE_ENTRIES,
    ) -> list[Candle]:
        """An instrument's candles, oldest first.

        Arguments:
            symbol: The instrument.
            period: One that the server keeps, such as "1m" or "1h".
            start: Those that begin then or later, in ns since 1970.
            end: Those that begin before then.
            limit: The newest so many of them; None: all, page by page.
        """
        pages: list[list[Candle]] = []
        cursor: str | None = None
        while limit is None or limit > 0:
            wanted = PAGE_ENTRIES if limit is None else min(limit, PAGE_ENTRIES)
            page = await self._get(
                CandlePage,
                path_of("candles", symbol),
                period=period,
                start=start,
                end=end,
                limit=wanted,
                cursor=cursor,
            )
            pages.append(page.candles)
            cursor = page.next_cursor
            if limit is not None:
                limit -= len(page.candles)
            if cursor is None:
                break
        return [candle for page_candles in reversed(pages) for candle in page_candles]

    async def order(
        self,
        order_id: str | None = None,
        *,
        client_order_id: str | None = None,
        symbol: str | None = None,
        account: str | None = None,
    ) -> Order:
        """An order as it is now, or as it ended, while the server keeps it.

        Arguments:
            order_id: Its id; or
            client_order_id: its client order id, and
            symbol: its instrument, and
            account: whose it is; None: the client's account or, without one, the key's.
        """
        check_named(order_id, client_order_id, symbol)
        if order_id is not None:
            return await self._get(Order, path_of("order", order_id))
        whose = account if account is not None else self.account
        return await self._get(Order, "/order", client_order_id=client_order_id, symbol=symbol, account=whose)

    def orders(
        self,
        *,
        symbol: str | None = None,
        status: Literal["live", "done"] | None = None,
        account: str | None = None,
        page: int = PAGE_ENTRIES,
    ) -> Pages[Order]:
        """Orders, newest first.

        Arguments:
            symbol: Only of this instrument.
            status: Only those that live, or only those that have ended.
            account: Whose; None: the client's account or, without one, the key's.
            page: How many are asked for at a time.
        """

        async def fetch(cursor: str | None) -> tuple[list[Order], str | None]:
            whose = account if account is not None else self.account
            answer = await self._get(
                OrderPage, "/orders", symbol=symbol, status=status, account=whose, limit=page, cursor=cursor
            )
            return answer.orders, answer.next_cursor

        return Pages(fetch)

    def accounts(self, *, page: int = PAGE_ENTRIES) -> Pages[Account]:
        """The accounts, in the order in which they were made."""

        async def fetch(cursor: str | None) -> tuple[list[Account], str | None]:
            answer = await self._get(AccountList, "/accounts", limit=page, cursor=cursor)
            return answer.accounts, answer.next_cursor

        return Pages(fetch)

    async def account_state(self, account: str | None = None) -> Account:
        """An account, and whether its kill switch is on; None: the client's."""
        return await self._get(Account, path_of("accounts", self._whose(account)))

    async def balances(self, account: str | None = None) -> BalanceList:
        """Balances and positions of an account; None: the client's."""
        return await self._get(BalanceList, path_of("accounts", self._whose(account), "balances"))

    async def events(self) -> list[EventMarket]:
        """Event markets."""
        return await self._get(list[EventMarket], "/events")

    async def event(self, name: str) -> EventMarket:
        """One event market."""
        return await self._get(EventMarket, path_of("events", name))
