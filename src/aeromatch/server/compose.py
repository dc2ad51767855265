"""The one place where the server's parts are put together: what is made, in which order it begins and ends.

    exchange -> what the configuration lists -> measurements, admission -> feed: views, market data -> gateways -> App

Every part is closed by the stack, in the reverse of the order in which it began; the exchange is closed last.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path
from typing import Final

from aeromatch import AeroMatchError, AsyncExchange, Shards
from aeromatch.analytics.statistics import Recorder
from aeromatch.gateways.grpc import GrpcServer
from aeromatch.gateways.rest.app import RestApp
from aeromatch.gateways.services import Listener, Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.gateways.websocket import WebSocketApp, WebSocketOptions
from aeromatch.market.periods import duration_ms
from aeromatch.server.admission import AdmissionOptions, AdmissionTable, Rate
from aeromatch.server.admission.pages import foreign_page
from aeromatch.server.app import App, Status
from aeromatch.server.binary import BinaryGateway, BinaryOptions, ClientNames, open_binary
from aeromatch.server.client_ids import NamedViews
from aeromatch.server.config import Config, Loaded
from aeromatch.server.config.sections import ExchangeConfig, StatisticsConfig
from aeromatch.server.demo import Demo
from aeromatch.server.feed import Feed, FeedOptions, Market
from aeromatch.server.fix import FixGateway, open_fix_gateway
from aeromatch.server.grpc import open_configured, reload_certificate
from aeromatch.server.listing import list_all
from aeromatch.server.observe import Observer, metrics_app, profile_app
from aeromatch.server.pages import Pages
from aeromatch.server.schedule import Scheduler
from aeromatch.server.views import OrderRows, ViewOptions, open_views
from aeromatch.stores import SqliteStatistics

__all__ = ["Venue", "open_exchange", "websocket_options"]

log = logging.getLogger("aeromatch.server")

VIEWS_FILE: Final = "views.sqlite"
"""Where `aeromatch views` looks, too."""
STATISTICS_FILE: Final = "statistics.sqlite"
"""Where `aeromatch stats` looks, too."""
KEYS_FILE: Final = "keys.yaml"
NS_PER_MS: Final = 1_000_000


async def open_exchange(directory: Path, config: ExchangeConfig) -> AsyncExchange:
    """Recovers the exchange of a data directory.

    Raises:
        JournalError: The directory is in use, cannot be used, or what is in it is damaged.
    """
    shards = config.shards
    return await AsyncExchange.open(
        directory,
        durability=config.durability,
        segment_bytes=config.segment_bytes,
        snapshot_bytes=config.snapshot_bytes,
        snapshot_interval_s=config.snapshot_interval_s,
        keep_snapshots=config.keep_snapshots,
        retain_bytes=config.retain_bytes,
        shards=Shards(
            shards.count,
            cores=shards.cores,
            idle=shards.idle,
            intake_capacity=shards.intake_capacity,
            window=shards.window,
            batch_commands=shards.batch_commands,
            stream_events=shards.stream_events,
            published_levels=shards.published_levels,
            # Commands come without a time: each gets the clock's when its shard takes it (R2).
            stamp_time=True,
            huge_pages=shards.huge_pages,
            groups=shards.groups or None,
            instruments=shards.instruments or None,
            samples=shards.samples,
        ),
    )


def admission_options(loaded: Loaded) -> AdmissionOptions:
    """Keys and limits, as the configuration has them."""
    auth, limits = loaded.config.auth, loaded.config.limits
    keys_file = loaded.path(auth.keys_file or KEYS_FILE) if auth.mode == "keys" else None
    return AdmissionOptions(
        keys_file=keys_file,
        window_ms=round(auth.signature_window_s * 1000),
        ahead_ms=round(auth.signature_ahead_s * 1000),
        nonces=auth.nonces,
        key_orders=Rate(limits.key_orders_per_second, limits.key_orders_burst),
        key_requests=Rate(limits.key_requests_per_second, limits.key_requests_burst),
        address_orders=Rate(limits.address_orders_per_second, limits.address_orders_burst),
        address_requests=Rate(limits.address_requests_per_second, limits.address_requests_burst),
        venue_orders=Rate(limits.venue_orders_per_second, limits.venue_orders_burst),
        connections=limits.connections,
        connections_per_address=limits.connections_per_address,
    )


def view_options(loaded: Loaded) -> ViewOptions:
    """How views are kept, as the configuration has it."""
    views = loaded.config.views
    file = loaded.path(views.path) if views.path is not None else loaded.data_dir / VIEWS_FILE
    return ViewOptions(
        store=views.store,
        path=file if views.store == "sqlite" else None,
        periods=tuple(views.periods),
        keep_trades=views.keep_trades,
        keep_orders=views.keep_orders,
        keep_ns=None if views.keep is None else duration_ms(views.keep) * NS_PER_MS,
        retention=dict(views.retention.items()),
        flush_s=views.flush_s,
        waiting_rows=views.waiting_rows,
    )


def websocket_options(config: Config) -> WebSocketOptions:
    """The limits of WebSocket connections, as the configuration has them."""
    section = config.gateways.websocket
    return WebSocketOptions(**{field.name: getattr(section, field.name) for field in fields(WebSocketOptions)})


def binary_options(loaded: Loaded) -> BinaryOptions:
    """How the binary gateway is run, as the configuration has it."""
    config = loaded.config
    binary = config.gateways.binary
    return BinaryOptions(
        tcp=None if binary.port is None else (binary.host or config.server.host, binary.port),
        unix_path=None if binary.socket is None else loaded.data_dir / Path(binary.socket).expanduser(),
        max_frame_bytes=binary.max_frame_bytes,
        outbound_bytes=binary.outbound_bytes,
        heartbeat_ms=round(binary.heartbeat_s * 1000),
        login_timeout_ms=round(binary.login_timeout_s * 1000),
        subscriptions=binary.subscriptions,
        depth_interval_ms=config.market_data.interval_ms,
        drain_timeout_s=float(config.server.drain_timeout_s),
    )


class Venue:
    """Everything behind the application, from `open` to `close`."""

    services: Services
    scheduler: Scheduler
    admission: AdmissionTable
    observer: Observer
    trading: Trading
    hub: Hub

    def __init__(self, exchange: AsyncExchange, loaded: Loaded, app: App, status: Status) -> None:
        self.exchange = exchange
        self.directory = loaded.data_dir
        self._loaded = loaded
        self._app = app
        self._status = status
        self._websockets: WebSocketApp | None = None
        self._binary: BinaryGateway | None = None
        self._grpc: GrpcServer | None = None
        self._fix: FixGateway | None = None
        # By shard, what the log goes on with: nothing new has happened yet.
        self._begins = tuple(last + 1 for last in exchange.sequences)
        self.listeners: dict[str, Listener] = {}
        """Gateways with addresses of their own, by name."""
        self._stack = AsyncExitStack()
        self._stack.push_async_callback(exchange.close)

    @classmethod
    async def open(cls, loaded: Loaded, app: App, status: Status) -> "Venue":
        """Recovers the exchange, makes what the configuration lists, and gives the application its parts.

        Raises:
            JournalError: As `open_exchange`.
            AeroMatchError: A part cannot begin: its message says why.
        """
        config = loaded.config
        if config.gateways.dashboard:
            # The page itself says that the server is starting.
            pages = Pages()
            for path in pages.paths:
                app.mount(path, pages, always=True)
            app.mount_below("/assets/", pages)
        venue = cls(await open_exchange(loaded.data_dir, config.exchange), loaded, app, status)
        try:
            await venue._list(config)
            await venue._compose(config)
            await venue._begin(config)
            await venue._listen(config)
        except BaseException:
            await venue.close()
            raise
        return venue

    async def _list(self, config: Config) -> None:
        made = await list_all(self.exchange, config)
        if made:
            log.info("made what was missing", extra={"made": made})

    async def _compose(self, config: Config) -> None:
        """Makes the parts that gateways stand on, then the gateways."""
        status = self._status
        self.observer = observer = Observer(
            self.exchange, directory=self.directory, version=status.version, started_at=status.started_at
        )
        self.admission = AdmissionTable(self.exchange, self.directory, admission_options(self._loaded))
        self._stack.push_async_callback(self.admission.close)
        await self.admission.start()
        data = config.market_data
        options = FeedOptions(data.interval_ms, data.pause_ms, data.read_events, data.depth_levels)
        exchange = self.exchange._exchange
        # The views read in the feed's thread while others read in theirs: each has a way of its own to the exchange.
        kept = view_options(self._loaded)
        views = await open_views(lambda port: NamedViews(port, kept, self.directory), self.exchange, kept)
        self._stack.push_async_callback(views.close)
        feed = Feed(exchange, views.tracker, options, on_failure=self._failed)
        market = Market(exchange, options, feed.reached, views.day)
        self._stack.push_async_callback(market.close)
        # First of all: whoever tells of an order has its name then.
        self._binary_names = ClientNames(views)
        feed.add(self._binary_names)
        feed.add(market)
        feed.add(views)
        feed.add(observer.market)
        self.services = services = Services(
            exchange=self.exchange,
            admission=self.admission,
            market=market,
            views=views,
            stages=observer.stages,
            stats=observer.stats,
            auth_required=config.auth.mode == "keys",
            max_body_bytes=config.server.max_body_bytes,
        )
        status.attach(services)
        if not services.auth_required:
            self._app.guard = foreign_page
        self.trading = trading = Trading(services)
        self._stack.push_async_callback(trading.close)
        if config.gateways.rest.enabled:
            self._app.mount_below("/", RestApp(services, trading), names_requests=True)
        if config.observability.metrics:
            self._app.mount("/metrics", metrics_app(observer, self.admission))
        if config.observability.profiling:
            self._app.mount_below("/debug/pprof/", profile_app(observer, self.admission))
        rows = OrderRows(views.directory, views.client_order_ids.of)
        self.hub = hub = Hub(exchange, feed, market, views, rows, depth_levels=data.depth_levels)
        hub.count = services.stages.count
        self._stack.push_async_callback(hub.close)
        feed.add(hub)
        market.followed = hub.book
        if config.gateways.websocket.enabled:
            self._websockets = WebSocketApp(services, trading, hub, websocket_options(config))
            self._app.mount_websocket("/ws", self._websockets)
        await feed.start(views.positions, views.times_ns)
        self._stack.push_async_callback(feed.stop)
        await feed.caught_up()
        observer.watched.http_connections = self._http_connections
        observer.watched.state = lambda: status.state
        # Where it goes on is one behind what it has read.
        observer.watched.feed_sequences = lambda: [number - 1 for number in feed.position]
        observer.watched.store_sequences = views.stored_sequences
        observer.start()
        self._stack.push_async_callback(observer.stop)

    async def _begin(self, config: Config) -> None:
        """Begins what acts by itself."""
        if config.statistics.enabled:
            await self._count(config.statistics)
        self.scheduler = Scheduler(self.exchange, config)
        await self.scheduler.start()
        self._stack.push_async_callback(self.scheduler.stop)
        if config.demo.enabled:
            demo = Demo(self.exchange, config.demo, is_killed=lambda: self.admission.is_killed(None))
            self._stack.push_async_callback(demo.stop)
            await demo.start()

    def _http_connections(self) -> int:
        """Of all connections those that came through no gateway with an address of its own."""
        value = self.observer.registry.value
        others = sum(value("aeromatch_gateway_connections", name) for name in self.listeners)
        # This one counts for itself, and is asked only when metrics are shown.
        binary = 0 if self._binary is None else self._binary.connections
        return self.admission.connection_count - int(others) - binary

    async def _listen(self, config: Config) -> None:
        """Opens the gateways that listen for themselves: all that they need is there."""
        if config.gateways.binary.enabled:
            options = binary_options(self._loaded)
            self._binary = await open_binary(self.services, self.admission, self._binary_names, options)
            self.observer.registry.ask(self._binary.samples)
            self._opened("binary", self._binary)
        if config.gateways.grpc.enabled:
            self._grpc = await open_configured(self.services, self.trading, self.hub, self._loaded)
            self._opened("grpc", self._grpc)
        if config.gateways.fix.enabled:
            self._fix = await open_fix_gateway(self.services, self.trading, self.hub, self._loaded, self._begins)
            self._opened("fix", self._fix)

    def _opened(self, name: str, listener: Listener) -> None:
        self.listeners[name] = listener
        self._stack.push_async_callback(listener.close)
        self.services.on_drain.append(listener.drain)

    async def _count(self, config: StatisticsConfig) -> None:
        """Counts what happens, in a thread, from the journal."""
        path = self._loaded.path(config.path) if config.path is not None else self.directory / STATISTICS_FILE
        retention: dict[str | int, str | int | None] = dict(config.retention.items())

        def begin() -> tuple[SqliteStatistics, Recorder]:
            store = SqliteStatistics(path, periods=config.periods, retention=retention)
            return store, Recorder(self.directory, store, interval_s=config.interval_s)

        store, recorder = await asyncio.to_thread(begin)
        self._stack.callback(store.close)
        self.observer.keep_latencies(store)
        self._stack.push_async_callback(self.observer.release_latencies)
        self._stack.push_async_callback(asyncio.to_thread, recorder.close)

    def _failed(self, detail: str) -> None:
        """A part on which the others stand has ended: nothing new is taken, and the process will end."""
        self._status.set("failed", detail)
        if self._websockets is not None:
            self._websockets.fail(detail)
        if self._grpc is not None:
            self._grpc.fail(detail)
        if self._fix is not None:
            self._fix.fail(detail)

    async def reload(self, loaded: Loaded) -> None:
        """Applies what can be applied while the server runs: all of it, whatever part of it fails.

        Raises:
            AeroMatchError: Not all could be: the message says what.
        """
        self._loaded = loaded
        failed: list[AeroMatchError] = []
        try:
            self.admission.reload(admission_options(loaded))
        except AeroMatchError as error:
            failed.append(error)
        if self._grpc is not None:
            reload_certificate(self._grpc)
        if self._fix is not None:
            self._fix.reload_certificate()
        try:
            await self._list(loaded.config)
        except AeroMatchError as error:
            failed.append(error)
        self.scheduler.apply(loaded.config)
        if failed:
            raise AeroMatchError("; ".join(map(str, failed)))

    async def drain(self) -> None:
        """Lets the gateways tell their clients to go."""
        for tell in self.services.on_drain:
            await tell()

    async def close(self) -> None:
        """Ends the parts.

        Raises:
            JournalError: The journal has stopped, or cannot be written; everything is closed all the same.
        """
        await self._stack.aclose()
