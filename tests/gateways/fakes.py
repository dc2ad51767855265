"""Small stand-ins for what the server gives its gateways: plain, and true of one exchange in memory."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from aeromatch import AsyncExchange, Event, EventStream, Exchange
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Credentials, Gate, Principal, Role, Services
from aeromatch.schema.accounts import Account
from aeromatch.schema.admin import DeadManState
from aeromatch.schema.market import Book, Candle, CandlePage, Stats, Ticker, TradePage
from aeromatch.schema.orders import Order, OrderPage

ANYBODY = Principal(None, frozenset({"read", "trade", "admin"}), None, 7, "test")


class OpenAdmission:
    """Lets everybody in who comes with a token of the table, or, with an empty table, everybody."""

    def __init__(self, tokens: dict[str, Principal] | None = None) -> None:
        self.tokens = tokens or {}
        self.killed: set[str | None] = set()
        self.costs: list[int] = []
        self.audited: list[tuple[str, dict[str, str | int | None]]] = []

    def connect(self, remote: str) -> int:
        del remote
        return 7

    def disconnect(self, session: int) -> None:
        pass

    def screen(self, remote: str, credentials: Credentials, role: Role) -> None:
        del remote
        self._find(credentials, role)

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        del session, remote
        self.costs.append(cost)
        return Gate(self._find(credentials, role), ((b"ratelimit-remaining", b"9"),))

    def _find(self, credentials: Credentials, role: Role) -> Principal:
        principal = ANYBODY
        if self.tokens:
            found = self.tokens.get((credentials.authorization or "").removeprefix("Bearer "))
            if found is None:
                raise refusal("missing_credentials")
            principal = found
        if role not in principal.roles:
            raise refusal("not_permitted")
        return principal

    def admit_again(self, principal: Principal, role: Role, cost: int = 1) -> Gate:
        return self.admit(principal.session, principal.remote, Credentials(), role, cost)

    def account_for(self, principal: Principal, account: str | None) -> str | None:
        if principal.account is None:
            return account
        if account not in (None, principal.account):
            raise refusal("not_permitted", f"the key acts for {principal.account}")
        return principal.account

    def may_trade(self, account: str | None) -> None:
        if None in self.killed or account in self.killed:
            raise refusal("kill_switch")

    def cancel_on_disconnect(self, session: int, account: str, *, enabled: bool) -> None:
        pass

    async def set_dead_man(self, principal: Principal, account: str, timeout_ms: int) -> DeadManState:
        del principal, account
        fires_at = time.time_ns() + timeout_ms * 1_000_000 if timeout_ms else None
        return DeadManState(timeout_ms=timeout_ms, fires_at=fires_at)

    async def set_kill_switch(
        self, principal: Principal, account: str | None, *, engaged: bool, cancel_orders: bool, reason: str
    ) -> Account:
        del principal, cancel_orders, reason
        (self.killed.add if engaged else self.killed.discard)(account)
        return Account(account=account or "", killed=engaged)

    def any_killed(self) -> bool:
        return bool(self.killed)

    def is_killed(self, account: str | None) -> bool:
        return account in self.killed

    def audit(self, principal: Principal, action: str, **facts: str | int | None) -> int:
        del principal
        self.audited.append((action, facts))
        return len(self.audited)


class FollowedMarket:
    """Market data and views from the event stream, read where somebody waits for it."""

    def __init__(self, exchange: AsyncExchange) -> None:
        self._exchange: Exchange = exchange.port()
        self._stream: EventStream = self._exchange.stream()
        self._orders: dict[int, Order] = {}
        self._client_ids: dict[int, str] = {}

    def close(self) -> None:
        self._stream.close()
        self._exchange.close()

    async def reached(self, sequences: Sequence[int]) -> None:
        while any(at <= sequence for at, sequence in zip(self._stream.position, sequences, strict=True)):
            batch = self._stream.read(timeout_s=10.0)
            assert batch is not None
            for event in batch:
                self._apply(event)

    def _apply(self, event: Event) -> None:
        if event.kind == "accepted" and event.order_type is not None and event.quantity is not None:
            self._orders[cast(int, event.order_id)] = self._made(event)
            return
        if event.kind == "trade":
            for number in (event.order_id, event.other_order_id):
                if number in self._orders:
                    _trade(self._orders[number], cast(Decimal, event.price), cast(Decimal, event.quantity))
            return
        order = self._orders.get(event.order_id or 0)
        if order is None:
            return
        order.updated_at = event.timestamp or order.updated_at
        if event.kind == "canceled":
            order.status, order.reason = "canceled", str(event.reason)
            order.remaining_quantity = str(Decimal(order.quantity) * 0)
        elif event.kind in ("repriced", "amended"):
            order.price = str(event.price)
            if event.kind == "amended":
                order.quantity, order.remaining_quantity = str(event.total_quantity), str(event.quantity)

    def _made(self, event: Event) -> Order:
        symbols = {each.number: each.symbol for each in self._exchange.instruments()}
        assert event.order_type is not None
        assert event.side is not None
        return Order(
            order_id=str(event.order_id),
            symbol=symbols[event.instrument],
            side=event.side.value,
            type=event.order_type.value,
            status="dormant" if "stop" in event.order_type.value else "open",
            quantity=str(event.quantity),
            filled_quantity=str((event.quantity or Decimal(0)) * 0),
            remaining_quantity=str(event.quantity),
            price=None if event.price is None else str(event.price),
            account=event.account,
            sequence=event.sequence,
            created_at=event.timestamp or 0,
            updated_at=event.timestamp or 0,
        )

    async def book(self, symbol: str, levels: int) -> Book:
        book = self._exchange.book(symbol)
        depth = book.depth(levels)
        return Book(
            symbol=symbol,
            last_update_id=book.sequence,
            timestamp=book.now,
            bids=[(str(level.price), str(level.quantity)) for level in depth.bids],
            asks=[(str(level.price), str(level.quantity)) for level in depth.asks],
        )

    def ticker(self, symbol: str) -> Ticker:
        book = self._exchange.book(symbol)
        best = book.best_bid
        return Ticker(symbol=symbol, timestamp=book.now, best_bid=None if best is None else str(best))

    def tickers(self) -> list[Ticker]:
        return [self.ticker(each.symbol) for each in self._exchange.instruments()]

    async def order(self, order_id: int) -> Order | None:
        order = self._orders.get(order_id)
        if order is not None:
            order.client_order_id = self._client_ids.get(order_id)
        return order

    async def order_named(self, account: str | None, symbol: str, client_order_id: str) -> Order | None:
        for number in sorted(self._orders, reverse=True):
            order = self._orders[number]
            if (order.account, order.symbol, self._client_ids.get(number)) == (account, symbol, client_order_id):
                return await self.order(number)
        return None

    async def orders(
        self, *, account: str | None, symbol: str | None, status: str | None, limit: int, cursor: str | None
    ) -> OrderPage:
        if cursor is not None and not cursor.isdigit():
            raise refusal("invalid_cursor")
        found = [
            order
            for number, order in sorted(self._orders.items(), reverse=True)
            if account in (None, order.account)
            and symbol in (None, order.symbol)
            and (status is None or (status == "done") == (order.status in ("filled", "canceled")))
            and (cursor is None or number < int(cursor))
        ]
        page = found[:limit]
        return OrderPage(orders=page, next_cursor=page[-1].order_id if len(found) > limit else None)

    async def trades(self, symbol: str, *, limit: int, cursor: str | None, from_sequence: int | None) -> TradePage:
        del symbol, limit, cursor, from_sequence
        return TradePage(trades=[])

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        del start, end, limit, cursor
        if period != "1m":
            raise refusal("unknown_period")
        return CandlePage(symbol=symbol, period=period, candles=[])

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        del symbol, period
        return None

    def naming(self, account: str | None, orders: int) -> None:
        pass

    def named(self, order_id: int, client_order_id: str) -> None:
        self._client_ids[order_id] = client_order_id


class NoStages:
    """Records only which requests were answered."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int]] = []

    def request(self, gateway: str, route: str, status: int, duration_ns: int) -> None:
        assert duration_ns > 0
        self.requests.append((gateway, route, status))

    def record(self, stage: str, duration_ns: int, count: int = 1) -> None:
        pass

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        pass


def stats() -> Stats:
    return Stats(
        version="test",
        started_at=1,
        now=2,
        durability=None,
        orders_per_second=0.0,
        events_per_second=0.0,
        trades_per_second=0.0,
        http_connections=0,
        websocket_connections=0,
        subscriptions=0,
        memory_bytes=0,
        journal_bytes=0,
        shards=[],
        latencies=[],
    )


def services(exchange: AsyncExchange, admission: OpenAdmission | None = None) -> tuple[Services, FollowedMarket]:
    """Everything that a gateway is made with, ready; close the market at the end."""
    market = FollowedMarket(exchange)
    made = Services(
        exchange=exchange,
        admission=admission or OpenAdmission(),
        market=market,
        views=market,
        stages=NoStages(),
        stats=stats,
        auth_required=False,
        version="test",
        started_at=time.time_ns(),
        state="ready",
    )
    return made, market


def _trade(order: Order, price: Decimal, quantity: Decimal) -> None:
    filled, remaining = Decimal(order.filled_quantity), Decimal(order.remaining_quantity)
    notional = filled * Decimal(order.average_price or 0) + price * quantity
    order.filled_quantity, order.remaining_quantity = str(filled + quantity), str(remaining - quantity)
    order.average_price = str(notional / (filled + quantity))
    order.status = "filled" if remaining == quantity else "partially_filled"
