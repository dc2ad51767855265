"""The simulated market: it trades, it is bounded, it decides the same for the same seed, and it can be looked at."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.server.process import serving

from aeromatch import AsyncExchange, Shards
from aeromatch.server.config import load
from aeromatch.server.config.sections import DemoConfig
from aeromatch.server.demo import DEMO_CONFIG, LEVELS, MAKERS, RESTING, TRADERS, Crowd, Demo, Event, Market, Spot
from aeromatch.server.listing import list_all

MARKETS = ("BTC-USD", "ACME", "Rain tomorrow")
STEPS = 400


async def simulated(name: str, seed: int) -> tuple[str, AsyncExchange]:
    """The digest of an exchange after some steps in one market, and the exchange, closed."""
    exchange = AsyncExchange(Shards(1))
    config = load(DEMO_CONFIG, {}).config
    await list_all(exchange, config)
    # Only its accounts and funds are wanted: nobody trades before it is stopped.
    demo = Demo(exchange, DemoConfig(orders_per_second=1e-6))
    await demo.start()
    await demo.stop()
    for account in MAKERS + TRADERS:
        await exchange.mass_cancel(account=account)
    market: Market = Event(exchange, name) if name == "Rain tomorrow" else Spot(exchange, name)
    crowd = Crowd(market, random.Random(seed), 1)
    await crowd.open()
    for _ in range(STEPS):
        await crowd.step()
    digest = await exchange.digest()
    return digest, exchange


@pytest.mark.parametrize("name", MARKETS)
def test_it_trades_and_is_bounded(name: str) -> None:
    async def run() -> None:
        _, exchange = await simulated(name, 1)
        book = exchange.book(f"{name}/Yes" if name == "Rain tomorrow" else name)
        assert book.statistics.trade_count > STEPS / 10
        assert len(book) <= 2 * LEVELS * len(MAKERS) + RESTING * len(TRADERS)
        assert book.best_bid is not None
        assert book.best_ask is not None
        assert book.best_bid < book.best_ask
        assert set(book.statistics.rejected) <= {"unknown_order"}
        await exchange.close()

    asyncio.run(run())


def test_the_same_seed_decides_the_same() -> None:
    async def run() -> list[str]:
        digests = []
        for seed in (1, 1, 2):
            digest, exchange = await simulated("BTC-USD", seed)
            digests.append(digest)
            await exchange.close()
        return digests

    first, second, other = asyncio.run(run())
    assert first == second != other


def test_the_venues_kill_switch_stops_it_too() -> None:
    async def run() -> None:
        exchange = AsyncExchange(Shards(1))
        await list_all(exchange, load(DEMO_CONFIG, {}).config)
        asked = 0
        is_on = True

        def is_killed() -> bool:
            nonlocal asked
            asked += 1
            return is_on

        demo = Demo(exchange, DemoConfig(orders_per_second=1000), is_killed=is_killed)
        await demo.start()
        before = await exchange.digest()
        async with asyncio.timeout(30):
            while asked < 20:
                await asyncio.sleep(0.01)
            assert await exchange.digest() == before
            is_on = False
            while await exchange.digest() == before:
                await asyncio.sleep(0.01)
        await demo.stop()
        await exchange.close()

    asyncio.run(run())


def test_the_demo_can_be_looked_at_and_ends_by_itself() -> None:
    with serving("--demo", "--seconds", "3") as server:
        server.ready()
        assert server.ask("/ready")[0] == 200
        status, order = server.ask(
            "/order", {"symbol": "BTC-USD", "side": "buy", "quantity": "0.01", "price": "60000", "account": "alice"}
        )
        assert (status, order["status"]) == (201, "open")
        assert server.ended() == 0
        assert server.process.stdout is not None
        said = server.process.stdout.read()
        for address in ("dashboard", "API docs", "metrics", "curl -s"):
            assert address in said


def test_demo_and_config_exclude_one_another() -> None:
    with serving("--demo", "--config", DEMO_CONFIG) as server:
        assert server.ended() == 2


def test_a_demo_that_is_kept_goes_on(tmp_path: object) -> None:
    for _ in range(2):
        with serving("--demo", "--data-dir", tmp_path, "--seconds", "0.5") as server:
            server.ready()
            assert server.ended() == 0
            assert not [line for line in server.lines if line["level"] in ("error", "warning")]
