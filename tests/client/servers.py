"""A server for the client's tests: a small venue whose every step the test decides, and a proxy that breaks things.

The venue speaks the protocol of `aeromatch.schema` and keeps to it; it matches nothing. What it is told to trade, it
publishes. Tests against the whole server are in test_real_server.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import msgspec
import uvicorn

from aeromatch.schema.market import Book, Candle, CandlePage, Ticker, TradePage, TradePrint
from aeromatch.schema.messages import (
    AmendOrderRequest,
    CancelOrderRequest,
    CandleMessage,
    DepthSnapshot,
    DepthUpdate,
    LoginRequest,
    NewOrderRequest,
    OrderMessage,
    PingRequest,
    SubscribeRequest,
    TickerMessage,
    TradeMessage,
    UnsubscribeRequest,
    WebSocketRequest,
)
from aeromatch.schema.orders import AmendOrder, BatchItem, BatchResult, NewOrder, Order, OrderBatch, OrderPage
from aeromatch.schema.problems import Problem, type_of
from aeromatch.server.listen import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from aeromatch.schema.market import PriceLevel

Scope = dict[str, Any]
Send = "Callable[[dict[str, Any]], Awaitable[None]]"


def problem(slug: str, status: int, **more: Any) -> Problem:
    return Problem(type=type_of(slug), title=slug, status=status, slug=slug, **more)


class RefusedError(Exception):
    def __init__(self, slug: str, status: int, **more: Any) -> None:
        super().__init__(slug)
        self.problem = problem(slug, status, **more)


@dataclass(eq=False)
class Session:
    """A WebSocket connection."""

    send: Callable[[dict[str, Any]], Awaitable[None]]
    channels: set[tuple[str | None, ...]] = field(default_factory=set)

    async def tell(self, message: Any) -> None:
        await self.send({"type": "websocket.send", "text": msgspec.json.encode(message).decode()})


@dataclass
class Seen:
    """A request over HTTP, as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Venue:
    """A venue that does what a test says."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.said: list[Any] = []
        """Requests over WebSockets."""
        self.orders: dict[str, Order] = {}
        self.told: list[OrderMessage] = []
        """What own orders did."""
        self.prints: list[TradePrint] = []
        self.candles: list[Candle] = []
        self.bids: dict[str, str] = {"99": "5"}
        self.asks: dict[str, str] = {"101": "5"}
        self.update_id = 10
        self.rest_book: Book | None = None
        """What REST shows instead of the book, if anything."""
        self.phase = "continuous"
        self.sequence = 0
        self.kept = 1_000_000
        """How many trades a resumed subscription reaches back."""
        self.failures: list[Problem] = []
        """What the next requests over HTTP are answered with, instead."""
        self.refusals: list[Problem] = []
        """What the next requests over WebSockets are answered with, instead."""
        self.hold: asyncio.Event | None = None
        """Answers over HTTP wait for it."""
        self.token: str | None = None
        self.sessions: list[Session] = []

    # ---- the test's hands

    async def publish(self, key: tuple[str | None, ...], message: Any) -> None:
        for session in self.sessions:
            if key in session.channels:
                await session.tell(message)

    async def trade(self, count: int = 1, *, told: bool = True) -> None:
        """Trades; untold, they happened and no message says so."""
        new: list[TradePrint] = []
        for _ in range(count):
            self.sequence += 2
            number = len(self.prints) + len(new) + 1
            new.append(
                TradePrint(
                    trade_id=number,
                    symbol="X",
                    price="100",
                    quantity="1",
                    side="buy",
                    timestamp=number,
                    sequence=self.sequence,
                )
            )
        self.prints += new
        if told:
            await self.publish(("trades", "X", None, None), TradeMessage(channel="trades", symbol="X", trades=new))

    async def update(
        self, bids: list[PriceLevel] | None = None, asks: list[PriceLevel] | None = None, *, told: bool = True
    ) -> None:
        """Changes the book; untold, the update is lost on its way."""
        for side, levels in ((self.bids, bids or []), (self.asks, asks or [])):
            for price, quantity in levels:
                side[price] = quantity
                if quantity == "0":
                    del side[price]
        first, self.update_id = self.update_id + 1, self.update_id + 3
        message = DepthUpdate(
            channel="depth",
            symbol="X",
            first_update_id=first,
            last_update_id=self.update_id,
            timestamp=self.update_id,
            bids=bids or [],
            asks=asks or [],
        )
        if told:
            await self.publish(("depth", "X", None, None), message)

    def levels(self) -> tuple[list[PriceLevel], list[PriceLevel]]:
        def sort(side: dict[str, str], *, is_bid: bool) -> list[PriceLevel]:
            return sorted(side.items(), key=lambda level: float(level[0]), reverse=is_bid)

        return sort(self.bids, is_bid=True), sort(self.asks, is_bid=False)

    async def change_order(self, order: Order) -> None:
        self.sequence += 1
        order.sequence = self.sequence
        self.orders[order.order_id] = order
        now = msgspec.structs.replace(order)
        message = OrderMessage(channel="orders", account=order.account, sequence=self.sequence, orders=[now])
        self.told.append(message)
        await self.publish(("orders", None, None, order.account), message)

    # ---- what a gateway does

    def enter(self, new: NewOrder) -> Order:
        for order in self.orders.values():
            if new.client_order_id is not None and order.client_order_id == new.client_order_id:
                return order
        if new.symbol != "X":
            raise RefusedError("unknown_instrument", 404, detail=f"there is no instrument {new.symbol!r}")
        self.sequence += 1
        order = Order(
            order_id=str(1000 + len(self.orders)),
            symbol=new.symbol,
            side=new.side,
            type=new.type,
            status="open",
            quantity=str(new.quantity),
            filled_quantity="0",
            remaining_quantity=str(new.quantity),
            price=None if new.price is None else str(new.price),
            account=new.account,
            client_order_id=new.client_order_id,
            sequence=self.sequence,
        )
        self.orders[order.order_id] = order
        return order

    def amend(self, order_id: str, change: AmendOrder) -> Order:
        self.orders[order_id].quantity = str(change.quantity)
        return self.orders[order_id]

    def cancel(self, order_id: str | None) -> Order:
        order = self.orders.get(order_id or "")
        if order is None or order.status == "canceled":
            raise RefusedError("unknown_order", 404)
        order.status = "canceled"
        return order

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(receive, send)

    async def _http(self, scope: Scope, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = scope["query_string"].decode()
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.seen.append(Seen(scope["method"], target, headers, body))
        status, answer = 200, None
        try:
            if self.failures:
                found = self.failures.pop(0)
                raise RefusedError(found.slug, found.status, retry_after_ms=found.retry_after_ms)
            answer = self._answer(scope, {name: values[0] for name, values in parse_qs(query).items()}, body)
        except RefusedError as refused:
            answer, status = refused.problem, refused.problem.status
        if self.hold is not None:
            await self.hold.wait()
        content = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        kind = b"application/json" if status < 400 else b"application/problem+json"
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Scope, query: dict[str, str], body: bytes) -> Any:
        parts = [unquote(part) for part in scope["raw_path"].decode().strip("/").split("/")]
        match (scope["method"], *parts):
            case ("POST", "order"):
                return self.enter(msgspec.json.decode(body, type=NewOrder))
            case ("POST", "orders"):
                return self._batch(msgspec.json.decode(body, type=OrderBatch))
            case ("PATCH", "order", order_id):
                change = msgspec.json.decode(body, type=AmendOrder)
                return self.amend(order_id, change)
            case ("DELETE", "order", order_id):
                return self.cancel(order_id)
            case ("GET", "order", order_id):
                return self.orders[order_id]
            case ("GET", "orders"):
                begin, limit = int(query.get("cursor", 0)), int(query["limit"])
                live = [order for order in self.orders.values() if order.status != "canceled"]
                newest = (live if query.get("status") == "live" else list(self.orders.values()))[::-1]
                more = str(begin + limit) if begin + limit < len(newest) else None
                return OrderPage(orders=newest[begin : begin + limit], next_cursor=more)
            case ("GET", "book", symbol):
                if self.rest_book is not None:
                    return self.rest_book
                bids, asks = self.levels()
                return Book(symbol=symbol, last_update_id=self.update_id, timestamp=0, bids=bids, asks=asks)
            case ("GET", "trades", _):
                begin, limit = int(query.get("cursor", 0)), int(query["limit"])
                newest_trades = self.prints[::-1]
                more = str(begin + limit) if begin + limit < len(newest_trades) else None
                return TradePage(trades=newest_trades[begin : begin + limit], next_cursor=more)
            case ("GET", "candles", symbol):
                start, end = int(query.get("start", 0)), int(query.get("end", 1 << 62))
                found = [candle for candle in self.candles if start <= candle.start < end]
                last, limit = int(query.get("cursor", len(found))), int(query["limit"])
                first = max(last - limit, 0)
                page = found[first:last]
                return CandlePage(
                    symbol=symbol, period=query["period"], candles=page, next_cursor=str(first) if first else None
                )
            case ("GET", "ticker", symbol):
                return Ticker(symbol=symbol, timestamp=0, phase=self.phase)
            case ("POST", "deposits" | "withdrawals" | "transfers"):
                return self._move(msgspec.json.decode(body))
            case ("GET", "accounts", account, "balances"):
                return {"balances": [_balance(account)], "positions": []}
            case ("GET", "stats"):
                return {**STATS, "shards": [{**SHARD, "sequence": self.sequence}]}
            case ("GET", "me"):
                return {"key": None, "roles": ["trade"], "account": None}
            case ("GET", "accounts"):
                return {"accounts": [{"account": "alice"}, {"account": "fees"}, {"account": "bob", "killed": True}]}
            case ("GET", "instruments"):
                return [INSTRUMENT]
            case ("GET", "echo"):
                return body
            case _:
                raise RefusedError("unknown_path", 404)

    def _batch(self, batch: OrderBatch) -> BatchResult:
        items = []
        for new in batch.orders:
            try:
                items.append(BatchItem(order=self.enter(new)))
            except RefusedError as refused:
                items.append(BatchItem(problem=refused.problem))
        accepted = sum(item.order is not None for item in items)
        return BatchResult(accepted=accepted, rejected=len(items) - accepted, results=items)

    moves: set[str]

    def _move(self, form: dict[str, str]) -> dict[str, Any]:
        self.__dict__.setdefault("moves", set())
        if form["id"] in self.moves:
            raise RefusedError("duplicate_transfer", 409)
        self.moves.add(form["id"])
        return {"sequence": 5, "timestamp": 6, "balances": [_balance(form["account"])]}

    async def _websocket(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        session = Session(send)
        self.sessions.append(session)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                request = msgspec.json.decode(message["text"], type=WebSocketRequest)
                self.said.append(request)
                await self._do(session, request)
        finally:
            self.sessions.remove(session)

    async def _do(self, session: Session, request: WebSocketRequest) -> None:
        try:
            if self.refusals:
                found = self.refusals.pop(0)
                raise RefusedError(found.slug, found.status, retry_after_ms=found.retry_after_ms)
            result: Any = {}
            follows: list[Any] = []
            match request:
                case LoginRequest():
                    if request.token != self.token and request.signature is None:
                        raise RefusedError("unauthenticated", 401)
                case SubscribeRequest():
                    follows = self._subscribe(session, request)
                case UnsubscribeRequest():
                    session.channels.discard((request.channel, request.symbol, request.period, request.account))
                case NewOrderRequest():
                    result = self.enter(request.order)
                case CancelOrderRequest():
                    result = self.cancel(request.order_id)
                case AmendOrderRequest(order_id=str(order_id)):
                    result = self.amend(order_id, request.amend)
                case PingRequest():
                    pass
                case _:
                    raise RefusedError("malformed", 400)
            await session.tell({"id": request.id, "result": msgspec.to_builtins(result)})
            for message in follows:
                await session.tell(message)
        except RefusedError as refused:
            await session.tell({"id": request.id, "problem": msgspec.to_builtins(refused.problem)})

    def _subscribe(self, session: Session, request: SubscribeRequest) -> list[Any]:
        key = (request.channel, request.symbol, request.period, request.account)
        if request.symbol not in ("X", None):
            raise RefusedError("unknown_instrument", 404)
        session.channels.add(key)
        if request.channel == "depth":
            bids, asks = self.levels()
            return [
                DepthSnapshot(
                    channel="depth", symbol="X", last_update_id=self.update_id, timestamp=0, bids=bids, asks=asks
                )
            ]
        if request.channel == "trades" and isinstance(request.from_sequence, int):
            kept = self.prints[-self.kept :] if self.kept else []
            if len(kept) < len(self.prints) and self.prints[-1].sequence > request.from_sequence:
                session.channels.discard(key)
                raise RefusedError("sequence_not_kept", 410)
            missed = [trade for trade in kept if trade.sequence > request.from_sequence]
            return [TradeMessage(channel="trades", symbol="X", trades=missed)] if missed else []
        if request.channel == "orders" and isinstance(request.from_sequence, list):
            known = request.from_sequence[0]
            later = [message for message in self.told if message.sequence > known]
            return list(later)
        if request.channel == "ticker":
            ticker = Ticker(symbol="X", timestamp=0, sequence=self.sequence)
            return [TickerMessage(channel="ticker", symbol="X", ticker=ticker)]
        if request.channel == "candles" and self.candles:
            newest = self.candles[-1]
            return [CandleMessage(channel="candles", symbol="X", period=request.period or "", candle=newest)]
        return []


INSTRUMENT: dict[str, Any] = {
    "symbol": "X",
    "number": 1,
    "tick_size": "0.5",
    "lot_size": "0.1",
    "phase": "continuous",
    "matching": "fifo",
    "self_trade_prevention": "none",
    "settlement": True,
    "fee_account": "fees",
    "reference_price": "200",
}


SHARD = dict.fromkeys(("shard", "commands", "batches", "events", "refused", "intake_depth", "durable_sequence"), 0)
STATS: dict[str, Any] = {
    **dict.fromkeys(("started_at", "now", "orders_per_second", "events_per_second", "trades_per_second"), 0),
    **dict.fromkeys(("http_connections", "websocket_connections", "subscriptions"), 0),
    **dict.fromkeys(("memory_bytes", "journal_bytes"), 0),
    "version": "",
    "durability": None,
    "latencies": [],
}


def _balance(account: str) -> dict[str, str]:
    return {
        "account": account,
        "asset": "USD",
        "group": "main",
        "available": "5",
        "held": "0",
        "total": "5",
    }


@contextlib.asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncIterator[int]:
    """Serves an application on a port of the system's choice, or on this one."""
    config = uvicorn.Config(
        app, port=port, lifespan="off", log_config=None, ws="websockets-sansio", ws_ping_interval=None
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


class Proxy:
    """Stands between client and server, and breaks what the test wants broken."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0
        self.swallowed_answers = 0
        """So many of the next answers are not delivered: the connection ends instead."""

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuses connections from now on, and cuts those that there are."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None
        if self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Ends all connections, as a network does: without a word."""
        for pair in list(self._pairs):
            for writer in pair:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pair = (writer, there_writer)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, pair, is_answer=False),
                self._pump(there_reader, writer, pair, is_answer=True),
            )
        finally:
            self._pairs.discard(pair)
            for each in pair:
                each.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        is_answer: bool,
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                if is_answer and self.swallowed_answers:
                    self.swallowed_answers -= 1
                    break
                sink.write(data)
                await sink.drain()
        for each in pair:
            each.transport.abort()


@contextlib.asynccontextmanager
async def proxied(app: Any) -> AsyncIterator[Proxy]:
    """Serves an application behind a proxy."""
    async with serving(app) as port:
        proxy = Proxy(port)
        await proxy.start()
        try:
            yield proxy
        finally:
            await proxy.stop()


@contextlib.contextmanager
def serving_in_a_thread(app: Any) -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """Serves an application for callers that wait: its address, and the loop that it runs in."""
    started: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = []
    is_up = threading.Event()

    async def main() -> None:
        over = asyncio.Event()
        async with serving(app) as port:
            started.append((port, asyncio.get_running_loop(), over))
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    is_up.wait()
    port, loop, over = started[0]
    try:
        yield f"http://127.0.0.1:{port}", loop
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
