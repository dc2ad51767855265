"""A server with something to see, for programs of others."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.server.serving import Admitting, serving

from aeromatch import AsyncExchange, Instrument, Shards
from aeromatch.server.observe import Observer, metrics_app, profile_app


async def trade(exchange: AsyncExchange, ended: threading.Event) -> None:
    """Orders until it ends: those of both sides meet now and then, some are refused."""
    await exchange.create_instrument(Instrument("A"))
    number = 0
    while not ended.is_set():
        number += 1
        side = "buy" if number % 2 else "sell"
        orders = (exchange.submit("A", side, quantity=it % 9, price=100 + (number * it) % 17) for it in range(20))
        await asyncio.gather(*orders)


@asynccontextmanager
async def market(directory: Path, ended: threading.Event) -> AsyncIterator[str]:
    """The address of a market that trades."""
    options = Shards(2, samples=65536, stamp_time=True)
    async with AsyncExchange.open(directory, durability="os", shards=options) as exchange:
        observer = Observer(exchange, directory=directory, version="1.2.3")
        observer.start()
        feed = asyncio.create_task(follow(exchange, observer))
        shown, profiles = metrics_app(observer, Admitting()), profile_app(observer, Admitting())

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await (shown if scope["path"] == "/metrics" else profiles)(scope, receive, send)

        for stage in ("admit", "decode", "send", "answer", "total"):
            observer.stages.record(stage, 50_000)
        observer.stages.request("rest", "/order/{order_id}", 200, 90_000)
        observer.stages.count("aeromatch_refusals_total", gateway="rest", slug="malformed")
        trading = asyncio.create_task(trade(exchange, ended))
        async with serving(app) as url:
            yield url
        ended.set()
        await trading
        feed.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feed
        await observer.stop()


async def follow(exchange: AsyncExchange, observer: Observer) -> None:
    """The market's counts, as the feed brings them."""
    stream = exchange.stream()
    try:
        async for events in stream:
            nothing = events.to_numpy()[:0]
            observer.market.apply(0, events, np.zeros(len(events), np.uint64), nothing, nothing)
    finally:
        stream.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that trades, in a thread of its own."""
    ended, started = threading.Event(), threading.Event()
    addresses: list[str] = []

    async def main() -> None:
        async with market(tmp_path_factory.mktemp("market") / "data", ended) as url:
            addresses.append(url)
            started.set()
            while not ended.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=asyncio.run, args=(main(),), name="server")
    thread.start()
    assert started.wait(30)
    yield addresses[0]
    ended.set()
    thread.join()
