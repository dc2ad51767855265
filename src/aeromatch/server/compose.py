"""The one place where the server's parts are put together: what is made, in which order it begins and ends.

exchange -> what the configuration lists -> views, market data -> admission, measurements -> gateways -> App
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from aeromatch import AsyncExchange, Shards
from aeromatch.analytics.statistics import Recorder
from aeromatch.gateways.rest.app import RestApp
from aeromatch.gateways.services import Services
from aeromatch.gateways.trading import Trading
from aeromatch.server.app import App, Status
from aeromatch.server.config import Config, Loaded
from aeromatch.server.config.sections import ExchangeConfig, StatisticsConfig
from aeromatch.server.demo import Demo
from aeromatch.server.errors import ServerError
from aeromatch.server.listing import list_all
from aeromatch.server.open_house import LiveBooks, NoViews, OpenAdmission, Unmeasured, stats_of
from aeromatch.server.pages import Pages
from aeromatch.server.schedule import Scheduler
from aeromatch.stores import SqliteStatistics

__all__ = ["Venue", "open_exchange"]

log = logging.getLogger("aeromatch.server")

STATISTICS_FILE: Final = "statistics.sqlite"
"""Where `aeromatch stats` looks, too."""


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


class Venue:
    """Everything behind the gateways, from `open` to `close`."""

    def __init__(self, exchange: AsyncExchange, loaded: Loaded) -> None:
        self.exchange = exchange
        self.directory = loaded.data_dir
        self._loaded = loaded
        self.services: Services
        self._scheduler: Scheduler
        self._stack = AsyncExitStack()

    @classmethod
    async def open(cls, loaded: Loaded, app: App, status: Status) -> "Venue":
        """Recovers the exchange, makes what the configuration lists, and gives the application its parts.

        Raises:
            JournalError: As `open_exchange`.
        """
        config = loaded.config
        if config.gateways.dashboard:
            # The page itself says that the server is starting.
            pages = Pages()
            for path in ("/", "/docs"):
                app.mount(path, pages, always=True)
            app.mount_below("/assets/", pages)
        venue = cls(await open_exchange(loaded.data_dir, config.exchange), loaded)
        venue._stack.push_async_callback(venue.exchange.close)
        try:
            made = await list_all(venue.exchange, config)
            if made:
                log.info("made what was missing", extra={"made": made})
            await venue._compose(config, app, status)
        except BaseException:
            await venue.close()
            raise
        return venue

    async def _compose(self, config: Config, app: App, status: Status) -> None:
        """Puts the parts together."""
        if config.auth.mode == "keys":
            raise ServerError("auth.mode `keys` is not there yet: `off` is, on loopback addresses")
        self.services = services = Services(
            exchange=self.exchange,
            admission=OpenAdmission(),
            market=LiveBooks(self.exchange._exchange),
            views=NoViews(),
            stages=Unmeasured(),
            stats=stats_of(self.exchange, status.version, status.started_at),
            auth_required=False,
            max_body_bytes=config.server.max_body_bytes,
        )
        status.attach(services)
        trading = Trading(services)
        if config.gateways.rest.enabled:
            app.mount_below("/", RestApp(services, trading))
        self._scheduler = Scheduler(self.exchange, config)
        await self._scheduler.start()
        self._stack.push_async_callback(self._scheduler.stop)
        if config.statistics.enabled:
            await self._count(config.statistics)
        if config.demo.enabled:
            demo = Demo(self.exchange, config.demo)
            self._stack.push_async_callback(demo.stop)
            await demo.start()

    async def _count(self, config: StatisticsConfig) -> None:
        """Counts what happens, in a thread, from the journal."""
        path = self._loaded.path(config.path) if config.path is not None else self.directory / STATISTICS_FILE

        retention: dict[str | int, str | int | None] = dict(config.retention.items())

        def begin() -> tuple[SqliteStatistics, Recorder]:
            store = SqliteStatistics(path, periods=config.periods, retention=retention)
            return store, Recorder(self.directory, store, interval_s=config.interval_s)

        store, recorder = await asyncio.to_thread(begin)
        self._stack.callback(store.close)
        self._stack.push_async_callback(asyncio.to_thread, recorder.close)

    async def reload(self, config: Config) -> None:
        """Applies what can be applied while the server runs."""
        made = await list_all(self.exchange, config)
        if made:
            log.info("made what was missing", extra={"made": made})
        self._scheduler.apply(config)

    async def drain(self) -> None:
        """Lets the gateways tell their clients to go."""
        for tell in self.services.on_drain:
            await tell()

    async def close(self) -> None:
        """Ends the parts in the reverse of the order in which they began; the exchange last.

        Raises:
            JournalError: The journal has stopped, or cannot be written; everything is closed all the same.
        """
        await self._stack.aclose()
