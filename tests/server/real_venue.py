"""The server's real composition, in the event loop of a test: its application called without a socket, or served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.server.process import write_config

from aeromatch.gateways.websocket import server_options
from aeromatch.server.app import App, Status
from aeromatch.server.compose import Venue, websocket_options
from aeromatch.server.config import Config, load
from aeromatch.server.listen import HttpConfig, HttpServer

CONFIG = """
exchange: {durability: memory, shards: {count: 2}}
views: {periods: [1s, 1m]}
statistics: {enabled: false}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
  - {symbol: ETH-USD, tick_size: 0.01, lot_size: 0.001}
events:
  - {name: Rain, outcomes: ["Yes", "No"], currency: USD}
accounts:
  - {name: alice, deposits: [{asset: USD, amount: 100000}]}
  - {name: bob, deposits: [{asset: USD, amount: 100000}]}
"""


@dataclass
class RealVenue:
    """What a test has at hand."""

    venue: Venue
    app: App
    http: httpx.AsyncClient
    config: Config

    async def ask(self, method: str, path: str, body: Any = None, *, wanted: int | None = None, **query: Any) -> Any:
        """An answer's JSON; its status is 200 or 201, unless another one is `wanted`."""
        asked = {name: value for name, value in query.items() if value is not None}
        answer = await self.http.request(method, path, json=body, params=asked or None)
        codes = {200, 201} if wanted is None else {wanted}
        assert answer.status_code in codes, f"{method} {path}: {answer.status_code} {answer.text}"
        found = answer.json()
        if answer.status_code >= 400 and path != "/ready":
            assert found["instance"] == answer.headers["x-request-id"]
        return found

    async def order(self, *, wanted: int | None = None, **fields: Any) -> Any:
        """`POST /order` of alice's limit buy, with other fields where they are given."""
        order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100", "account": "alice", **fields}
        body = {name: value for name, value in order.items() if value is not None}
        return await self.ask("POST", "/order", body, wanted=wanted)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The server on a port of its own, which has WebSockets too."""
        config = HttpConfig(
            self.app,
            host="127.0.0.1",
            port=0,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=2,
            max_header_bytes=self.config.server.max_header_bytes,
            request_timeout_s=self.config.server.request_timeout_s,
            **server_options(websocket_options(self.config)),
        )
        config.admission = self.venue.services.admission
        server = HttpServer(config)
        running = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
            assert not running.done(), "the server did not start"
        try:
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await running


@asynccontextmanager
async def real_venue(
    folder: Path, config: str = CONFIG, file: Path | None = None, **environ: str
) -> AsyncIterator[RealVenue]:
    """All parts of a server, ready; its data stay in the folder.

    A `file` is a whole configuration, with keys; `environ` goes over either.
    """
    variables = {"AEROMATCH_SERVER__DATA_DIR": str(folder / "data"), **environ}
    loaded = load(file or write_config(folder, config), variables)
    status = Status("test")
    app = App(status)
    venue = await Venue.open(loaded, app, status)
    try:
        status.set("ready")
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield RealVenue(venue, app, http, loaded.config)
        status.set("draining")
        await venue.drain()
    finally:
        await venue.close()
