"""A server with the WebSocket gateway, in the test's own event loop, and a client that shows what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from tests.feed.trading import levels_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from aeromatch import AsyncExchange, Exchange, Instrument, Shards
from aeromatch._core import OrderTracker
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Services, Views
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.gateways.websocket import WebSocketApp, WebSocketOptions, server_options
from aeromatch.schema.market import Candle, CandlePage, Stats
from aeromatch.server.admission import AdmissionOptions, AdmissionTable
from aeromatch.server.feed import Feed, FeedOptions, Market
from aeromatch.server.listen import HttpConfig, HttpServer
from aeromatch.server.views import OrderRows
from aeromatch.server.views.listed import Directory

BTC = Instrument("BTC-USD", tick_size="0.01", lot_size="0.001")
ETH = Instrument("ETH-USD", tick_size="0.1", lot_size="0.01")

FAST = FeedOptions(interval_ms=5, pause_ms=1)


class WsVenue:
    """An exchange, the feed, and a server that has nothing but the WebSocket gateway, on a port of the system's choice.

    Attributes:
        exchange: For the test's commands: blocking calls, another user beside the server.
    """

    def __init__(
        self,
        *,
        options: WebSocketOptions | None = None,
        feed: FeedOptions = FAST,
        keys: Path | None = None,
        **opening: Any,
    ) -> None:
        self._options = options or WebSocketOptions()
        self._feed_options = feed
        self._keys = keys
        self._folder = tempfile.TemporaryDirectory()
        self._opening = opening

    async def __aenter__(self) -> Self:
        path, begin_at_end = self._opening.pop("path", None), self._opening.pop("begin_at_end", False)
        shards = self._opening.pop("shards", Shards(1, stamp_time=True))
        if path is None:
            self.asynchronous = AsyncExchange(shards=shards)
        else:
            self.asynchronous = await AsyncExchange.open(path, durability="memory", shards=shards)
        ex = self.asynchronous._exchange
        self.exchange: Exchange = ex.port()
        if not ex.instruments():
            for instrument in (BTC, ETH):
                self.exchange.create_instrument(instrument)
            for account in ("alice", "bob"):
                self.exchange.create_account(account)
        tracker = OrderTracker(ex)
        if begin_at_end:
            await asyncio.to_thread(_catch_up, ex, tracker)
        self.feed = Feed(ex, tracker, self._feed_options, on_failure=lambda detail: self.app.fail(detail))
        self.market = Market(ex, self._feed_options, self.feed.reached)
        self.views = Candles()
        self.stages = Counted()
        folder = Path(self._folder.name)
        self.admission = AdmissionTable(self.asynchronous, folder, AdmissionOptions(keys_file=self._keys))
        await self.admission.start()
        self.services = Services(
            exchange=self.asynchronous,
            admission=self.admission,
            market=self.market,
            views=cast(Views, self.views),
            stages=self.stages,
            stats=lambda: cast(Stats, None),
            auth_required=self._keys is not None,
            state="ready",
        )
        rows = OrderRows(Directory(self.exchange), self.views.names_of)
        self.hub = Hub(ex, self.feed, self.market, self.views, rows)
        self.hub.count = self.stages.count
        self.market.followed = self.hub.book
        self.trading = Trading(self.services)
        self.app = WebSocketApp(self.services, self.trading, self.hub, self._options)
        self.feed.add(self.market)
        self.feed.add(self.hub)
        await self.feed.start(tuple(last + 1 for last in self.exchange.sequences) if begin_at_end else None)
        config = HttpConfig(
            self.app,
            host="127.0.0.1",
            port=0,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            max_header_bytes=65536,
            request_timeout_s=30.0,
            **server_options(self._options),
        )
        self.server = HttpServer(config)
        self._serving = asyncio.create_task(self.server.serve())
        while not self.server.started:
            await asyncio.sleep(0.005)
            assert not self._serving.done(), "the server did not start"
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        for tell in self.services.on_drain:
            await tell()
        self.server.should_exit = True
        await self._serving
        await self.feed.stop()
        await self.hub.close()
        await self.market.close()
        await self.trading.close()
        await self.admission.close()
        self.exchange.close()
        await self.asynchronous.close()
        self._folder.cleanup()

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[Client]:
        """A connection."""
        options.setdefault("compression", None)
        async with connect(f"ws://127.0.0.1:{self.port}/ws", proxy=None, max_size=None, **options) as connection:
            yield Client(connection)


def _catch_up(exchange: Exchange, tracker: OrderTracker) -> None:
    """Lets a tracker follow what there is."""
    stream = exchange.stream()
    while any(place <= last for place, last in zip(stream.position, exchange.sequences, strict=True)):
        if (events := stream.read(timeout_s=1.0)) is not None:
            tracker.apply(events, stream._last_shard)
    stream.close()


class Counted:
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()

    def record(self, stage: str, duration_ns: int, count: int = 1) -> None:
        assert stage
        assert duration_ns >= 0 < count

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self.counts[name, *labels.values()] += amount

    def request(self, gateway: str, route: str, status: int, duration_ns: int) -> None:
        assert duration_ns > 0
        self.counts[gateway, route, str(status)] += 1


class Candles:
    """No views, but for the candles that a test puts in."""

    def __init__(self) -> None:
        self.open: dict[tuple[str, str], Candle] = {}
        self.done: list[Candle] = []
        self.client_order_ids: dict[int, str] = {}

    def naming(self, account: str | None, orders: int) -> None:
        pass

    def named(self, order_id: int, client_order_id: str) -> None:
        self.client_order_ids[order_id] = client_order_id

    def names_of(self, rows: NDArray[np.void]) -> dict[int, str]:
        known = self.client_order_ids
        return {number: known[number] for number in rows["order_id"].tolist() if number in known}

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        if period != "1m":
            raise refusal("unknown_period")
        return self.open.get((symbol, period))

    async def candles(self, symbol: str, period: str, **_where: Any) -> CandlePage:
        return CandlePage(symbol=symbol, period=period, candles=self.done)


class Client:
    """Sends requests and keeps what channels bring until somebody asks."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.waiting: list[dict[str, Any]] = []
        self._next_id = 0

    async def read(self) -> dict[str, Any]:
        """The next message, whatever it is."""
        async with asyncio.timeout(30):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def request(self, op: str, **fields: Any) -> dict[str, Any]:
        """Sends a request, and gives its answer; what channels bring meanwhile waits."""
        self._next_id += 1
        await self.connection.send(json.dumps({"op": op, "id": self._next_id, **fields}))
        while True:
            message = await self.read()
            if message.get("id") == self._next_id:
                return message
            self.waiting.append(message)

    async def ask(self, op: str, **fields: Any) -> Any:
        """The result of a request that is not refused."""
        answer = await self.request(op, **fields)
        assert answer["problem"] is None, answer
        return answer["result"]

    async def refused(self, op: str, **fields: Any) -> dict[str, Any]:
        """The problem of a request that is."""
        answer = await self.request(op, **fields)
        assert answer["problem"] is not None, answer
        problem: dict[str, Any] = answer["problem"]
        return problem

    async def next(self, channel: str) -> dict[str, Any]:
        """The next message of a channel."""
        for place, message in enumerate(self.waiting):
            if message.get("channel") == channel:
                return self.waiting.pop(place)
        while True:
            message = await self.read()
            if message.get("channel") == channel:
                return message
            self.waiting.append(message)

    async def until_closed(self) -> tuple[int, str, list[dict[str, Any]]]:
        """Everything that still comes, and how the server closes: code and reason."""
        messages = list(self.waiting)
        try:
            while True:
                messages.append(await self.read())
        except ConnectionClosed as closed:
            frame = closed.rcvd
            return (0, "", messages) if frame is None else (frame.code, frame.reason, messages)


class LocalBook:
    """A book that follows a depth channel by the recipe of docs/websocket.md."""

    def __init__(self) -> None:
        self.last_update_id = -1
        self.bids: dict[Decimal, str] = {}
        self.asks: dict[Decimal, str] = {}
        self.snapshots = 0

    def apply(self, message: dict[str, Any]) -> None:
        if message["type"] == "snapshot":
            self.snapshots += 1
            self.bids, self.asks = {}, {}
        else:
            assert message["first_update_id"] == self.last_update_id + 1
        assert message["last_update_id"] >= self.last_update_id
        self.last_update_id = message["last_update_id"]
        for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, quantity in levels:
                if quantity == "0":
                    del side[Decimal(price)]
                else:
                    side[Decimal(price)] = quantity

    @property
    def levels(self) -> tuple[list[Any], list[Any]]:
        """As `DepthReader.levels` has them."""
        return levels_of((self.bids, self.asks))


def play(test: Callable[[WsVenue], Awaitable[None]], **options: Any) -> None:
    """Runs a test in an event loop of its own, with a venue."""

    async def main() -> None:
        async with asyncio.timeout(120), WsVenue(**options) as venue:
            await test(venue)

    asyncio.run(main())
