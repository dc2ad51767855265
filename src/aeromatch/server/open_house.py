"""What stands in for parts that are not there: everybody may come in, books are read as they are, nothing is kept."""

import itertools
import time
from collections.abc import Callable, Sequence

from aeromatch import AsyncExchange, Exchange, UnknownNameError
from aeromatch.gateways.problems import refusal, unknown_instrument
from aeromatch.gateways.services import Credentials, Gate, Principal, Role
from aeromatch.gateways.trading import decimal_text
from aeromatch.schema.accounts import Account
from aeromatch.schema.admin import DeadManState
from aeromatch.schema.market import Book, Candle, CandlePage, ShardStats, Stats, Ticker, TradePage
from aeromatch.schema.orders import Order, OrderPage

__all__ = ["LiveBooks", "NoViews", "OpenAdmission", "Unmeasured", "stats_of"]


class OpenAdmission:
    """Lets everybody in, to do everything: `auth: off`."""

    def __init__(self) -> None:
        self._sessions = itertools.count(1)
        self._principals: dict[int, Principal] = {}

    def connect(self, remote: str) -> int:
        session = next(self._sessions)
        self._principals[session] = Principal(None, frozenset({"read", "trade", "admin"}), None, session, remote)
        return session

    def disconnect(self, session: int) -> None:
        self._principals.pop(session, None)

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        del credentials, role, cost
        return Gate(
            self._principals.get(session) or Principal(None, frozenset({"read", "trade", "admin"}), None, 0, remote)
        )

    def account_for(self, principal: Principal, account: str | None) -> str | None:
        del principal
        return account

    def may_trade(self, account: str | None) -> None:
        """Everybody may."""

    def cancel_on_disconnect(self, session: int, account: str, *, enabled: bool) -> None:
        raise refusal("unavailable", "there is no cancel on disconnect here")

    async def set_dead_man(self, principal: Principal, account: str, timeout_ms: int) -> DeadManState:
        raise refusal("unavailable", "there is no dead man's switch here")

    async def set_kill_switch(
        self, principal: Principal, account: str | None, *, engaged: bool, cancel_orders: bool, reason: str
    ) -> Account:
        raise refusal("unavailable", "there is no kill switch here")

    def is_killed(self, account: str | None) -> bool:
        del account
        return False

    def audit(self, principal: Principal, action: str, **facts: str | int | None) -> int:
        del principal, action, facts
        return 0


class LiveBooks:
    """Market data, read from the books whenever somebody asks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def book(self, symbol: str, levels: int) -> Book:
        try:
            book = self._exchange.book(symbol)
        except UnknownNameError as error:
            raise unknown_instrument(symbol) from error
        depth = book.depth(levels or None)
        return Book(
            symbol=symbol,
            last_update_id=book.sequence,
            timestamp=book.now,
            bids=[(decimal_text(level.price), decimal_text(level.quantity)) for level in depth.bids],
            asks=[(decimal_text(level.price), decimal_text(level.quantity)) for level in depth.asks],
        )

    def ticker(self, symbol: str) -> Ticker:
        try:
            book = self._exchange.book(symbol)
        except UnknownNameError as error:
            raise unknown_instrument(symbol) from error
        bid, ask, last = (
            None if price is None else decimal_text(price)
            for price in (book.best_bid, book.best_ask, book.last_trade_price)
        )
        return Ticker(
            symbol=symbol, timestamp=book.now, best_bid=bid, best_ask=ask, last_price=last, phase=book.phase.value
        )

    def tickers(self) -> list[Ticker]:
        return [self.ticker(instrument.symbol) for instrument in self._exchange.instruments()]

    async def reached(self, sequences: Sequence[int]) -> None:
        """A book that is read has everything."""


class NoViews:
    """Nothing of the past."""

    async def order(self, order_id: int) -> Order | None:
        del order_id
        return None

    async def orders(
        self, *, account: str | None, symbol: str | None, status: str | None, limit: int, cursor: str | None
    ) -> OrderPage:
        raise refusal("unavailable", "orders are not kept here")

    async def trades(self, symbol: str, *, limit: int, cursor: str | None, from_sequence: int | None) -> TradePage:
        raise refusal("unavailable", "trades are not kept here")

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        raise refusal("unavailable", "candles are not kept here")

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        del symbol, period
        return None

    def named(self, order_id: int, client_order_id: str) -> None:
        """Nobody asks for it."""


class Unmeasured:
    """Measures nothing."""

    def record(self, stage: str, duration_ns: int) -> None:
        """Passed over."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Passed over."""

    def request(self, gateway: str, route: str, status: int, duration_ns: int) -> None:
        """Passed over."""


def stats_of(exchange: AsyncExchange, version: str, started_at: int) -> Callable[[], Stats]:
    """What the shards have counted."""

    def stats() -> Stats:
        shards = [
            ShardStats(
                shard=counters.shard,
                commands=counters.commands,
                batches=counters.batches,
                events=counters.events,
                refused=counters.refused,
                intake_depth=counters.intake_depth,
                sequence=counters.sequence,
                durable_sequence=durable,
            )
            for counters, durable in zip(exchange.counters(), exchange.durable_sequences or (), strict=True)
        ]
        return Stats(
            version=version,
            started_at=started_at,
            now=time.time_ns(),
            durability=exchange.durability,
            orders_per_second=0.0,
            events_per_second=0.0,
            trades_per_second=0.0,
            http_connections=0,
            websocket_connections=0,
            subscriptions=0,
            memory_bytes=0,
            journal_bytes=0,
            shards=shards,
            latencies=[],
        )

    return stats
