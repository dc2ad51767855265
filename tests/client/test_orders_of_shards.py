"""A stream of own orders over several shards, from the real server: no fill is missing and none comes twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.client.servers import Proxy
from tests.server.real_venue import CONFIG, RealVenue, real_venue
from tests.server.serving import played

from aeromatch.client import AsyncClient
from aeromatch.client.streams import OrderStream
from aeromatch.schema.orders import Order

SYMBOLS = ("BTC-USD", "ETH-USD")
TWO_SHARDS = CONFIG.replace("count: 2", "count: 2, instruments: {BTC-USD: 0, ETH-USD: 1}")
ROUNDS = 12
WAIT_S = 60


async def trade(venue: RealVenue, rng: random.Random) -> list[str]:
    """Alice's orders in both shards, some of which bob takes: their ids, the last one of each shard at the end."""
    made = []
    for number in range(rng.randint(3, 12)):
        fields: dict[str, Any] = {"symbol": rng.choice(SYMBOLS), "quantity": str(rng.randint(1, 5))}
        made.append((await venue.order(**fields))["order_id"])
        if number % 3:
            fields |= {"side": "sell", "account": "bob", "time_in_force": "ioc", "quantity": str(rng.randint(1, 7))}
            await venue.order(**fields)
    return [*made, *[(await venue.order(symbol=symbol, price="1"))["order_id"] for symbol in SYMBOLS]]


async def follow(venue: RealVenue, proxy: Proxy, orders: OrderStream, seen: list[Order]) -> list[str]:
    """Trades over and over, while the connection is cut before and amid what it is told: the orders' ids."""
    rng, made = random.Random(7), []
    for number in range(ROUNDS):
        trading = asyncio.create_task(trade(venue, rng))
        if number % 3 == 1:
            proxy.cut()
        elif number % 3 == 2:
            seen.append(await anext(orders))
            proxy.cut()
        made += await trading
        missing = set(made[-2:]) - {order.order_id for order in seen}
        while missing:
            seen.append(await anext(orders))
            missing.discard(seen[-1].order_id)
    return made


@asynccontextmanager
async def cut_by_a_proxy(port: int) -> AsyncIterator[Proxy]:
    proxy = Proxy(port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


@played
async def test_orders_of_two_shards_come_once_over_connections_that_are_cut(tmp_path: Path) -> None:
    seen: list[Order] = []
    async with (
        asyncio.timeout(WAIT_S),
        real_venue(tmp_path, TWO_SHARDS) as venue,
        venue.listening() as port,
        cut_by_a_proxy(port) as proxy,
        AsyncClient(f"http://127.0.0.1:{proxy.port}", account="alice") as client,
    ):
        async with client.stream_orders() as orders:
            made = await follow(venue, proxy, orders, seen)
            assert orders.interruptions >= ROUNDS // 2
            positions = orders.request().from_sequence
        # One position of each shard, and not the same: what happens there has nothing to do with one another.
        assert positions == [shard.sequence for shard in (await client.stats()).shards]
        assert {order.order_id for order in seen} == set(made)
        fills = Counter((order.symbol, fill.trade_id) for order in seen for fill in order.fills)
        assert set(fills.values()) == {1}
        for order_id in made:
            told = [order for order in seen if order.order_id == order_id]
            assert [order.sequence for order in told] == sorted({order.sequence for order in told})
            assert sum(float(fill.quantity) for order in told for fill in order.fills) == float(
                told[-1].filled_quantity
            )
            now = await client.order(order_id)
            assert (now.sequence, now.status, now.filled_quantity) == (
                told[-1].sequence,
                told[-1].status,
                told[-1].filled_quantity,
            )
