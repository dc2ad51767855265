"""A venue behind the REST gateway, in this process, and a client that calls it without a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.gateways.fakes import OpenAdmission, services

from aeromatch import AsyncExchange, Instrument
from aeromatch.gateways.rest.app import RestApp
from aeromatch.gateways.services import Services
from aeromatch.gateways.trading import Trading
from aeromatch.server.listen import HttpConfig, HttpServer

DAY_NS = 86_400_000_000_000


@dataclass
class Venue:
    """What a test has at hand."""

    exchange: AsyncExchange
    services: Services
    admission: OpenAdmission
    app: RestApp
    http: httpx.AsyncClient

    async def order(self, **fields: Any) -> httpx.Response:
        """`POST /order` of a limit buy, with other fields where they are given."""
        body = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100", **fields}
        return await self.http.post("/order", json={name: value for name, value in body.items() if value is not None})


async def furnish(exchange: AsyncExchange) -> None:
    """An instrument without settlement, one with, an event and two accounts with money."""
    await exchange.create_instrument(
        Instrument("BTC-USD", tick_size="0.01", lot_size="0.001", dedup_window_ns=DAY_NS, number=1)
    )
    await exchange.create_instrument(
        Instrument(
            "ETH-USD",
            tick_size="0.01",
            lot_size="0.001",
            settlement=True,
            base="ETH",
            quote="USD",
            group="main",
            fee_account="fees",
            maker_fee_bps=0,
            taker_fee_bps=10,
        )
    )
    for account in ("alice", "bob"):
        await exchange.create_account(account)
        await exchange.deposit(account, "USD", "1000", id=f"first-{account}")
    await exchange.create_event("Election", outcomes=["Yes", "No"], currency="USD")


@asynccontextmanager
async def venue(admission: OpenAdmission | None = None, directory: Path | None = None) -> AsyncIterator[Venue]:
    """A furnished venue; with a directory, one that has been there before."""
    async with AsyncExchange() if directory is None else AsyncExchange.open(directory) as exchange:
        if not exchange.instruments():
            await furnish(exchange)
        admission = admission or OpenAdmission()
        made, market = services(exchange, admission)
        trading = Trading(made)
        app = RestApp(made, trading)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://venue") as http:
            yield Venue(exchange, made, admission, app, http)
        await trading.close()
        market.close()


class _Listening(HttpServer):
    """Says when it listens."""

    def __init__(self, config: HttpConfig) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@asynccontextmanager
async def listening(place: Venue, **limits: Any) -> AsyncIterator[int]:
    """The venue behind a socket on loopback, with the connections' limits: its port."""
    options = {"max_header_bytes": 32 << 10, "request_timeout_s": 10.0, **limits}
    config = HttpConfig(place.app, loop="none", lifespan="off", log_config=None, access_log=False, **options)
    config.admission = place.admission
    server = _Listening(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        task = asyncio.create_task(server.serve([listener]))
        await server.is_up.wait()
        yield listener.getsockname()[1]
        server.should_exit = True
        await task
