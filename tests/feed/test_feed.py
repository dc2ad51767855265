"""The feed's thread: whole commands in order, read once, for everyone; what waits for it; how it fails."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.feed.trading import Trader

from aeromatch import Events, Exchange, Instrument, Shards
from aeromatch.gateways.services import RefusedError
from aeromatch.server.feed import DayFigures, Feed, FeedFailedError, FeedOptions, Market

BTC = Instrument("BTC-USD", tick_size="0.01", lot_size="0.001")
ETH = Instrument("ETH-USD", tick_size="0.1", lot_size="0.01")


class Recorder:
    """Keeps what it is given; may be told to be slow, or to break."""

    def __init__(self) -> None:
        self.records: dict[int, list[NDArray[np.void]]] = {}
        self.ticks = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def apply(
        self,
        shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        _orders: NDArray[np.void],
        _fills: NDArray[np.void],
    ) -> None:
        assert len(times_ns) == len(events)
        self.gate.wait()
        if self.error is not None:
            raise self.error
        self.records.setdefault(shard, []).append(events.to_numpy().copy())

    def tick(self, now_ns: int) -> None:
        assert now_ns > 0
        self.ticks += 1

    def all(self, shard: int) -> NDArray[np.void]:
        return np.concatenate(self.records[shard])


def run(work: Callable[[Exchange], Coroutine[Any, Any, None]], exchange: Exchange) -> None:
    """Runs a test in an event loop, and closes the exchange whatever happens."""

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await work(exchange)

    try:
        asyncio.run(bounded())
    finally:
        exchange.close()


def traded(exchange: Exchange, seed: int, commands: int, symbol: str = "BTC-USD") -> Awaitable[None]:
    """Trades at random in another thread."""
    return asyncio.to_thread(Trader(exchange, symbol, random.Random(seed)).trade, commands)


@pytest.mark.parametrize("shards", [1, 2])
def test_every_event_comes_once_and_in_order(shards: int, tmp_path: Path) -> None:
    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        ex.create_instrument(ETH)
        recorder, feed = Recorder(), Feed(ex)
        feed.add(recorder)
        await feed.start()
        await traded(ex, 1, 300)
        await traded(ex, 2, 300, "ETH-USD")
        await feed.reached(ex.sequences)
        assert all(place > last for place, last in zip(feed.position, (0,) * shards, strict=True))
        stream = ex.stream()
        expected: dict[int, list[NDArray[np.void]]] = {}
        while (events := stream.read(timeout_s=0)) is not None:
            expected.setdefault(stream._last_shard, []).append(events.to_numpy().copy())
        stream.close()
        assert set(recorder.records) == set(expected)
        for shard, parts in expected.items():
            assert np.array_equal(recorder.all(shard), np.concatenate(parts))
        await feed.stop()
        await feed.stop()
        assert recorder.ticks > 0

    run(work, Exchange.open(tmp_path, durability="memory", shards=Shards(shards, stamp_time=True)))


def test_it_begins_where_it_is_told_to(tmp_path: Path) -> None:
    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        await traded(ex, 1, 100)
        (last,) = ex.sequences
        recorder, feed = Recorder(), Feed(ex)
        feed.add(recorder)
        await feed.start((last - 9,))
        await feed.caught_up()
        assert sorted(set(recorder.all(0)["sequence"])) == list(range(last - 9, last + 1))
        await feed.stop()
        with pytest.raises(FeedFailedError):
            await feed.caught_up()

    run(work, Exchange.open(tmp_path, durability="memory", shards=Shards(1, stamp_time=True)))


def test_overwritten_events_come_from_the_journal(tmp_path: Path) -> None:
    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        recorder, feed = Recorder(), Feed(ex, options=FeedOptions(read_events=16))
        feed.add(recorder)
        await feed.start()
        await feed.caught_up()
        recorder.gate.clear()
        # Many times what the ring holds.
        await traded(ex, 1, 3000)
        recorder.gate.set()
        await feed.reached(ex.sequences)
        found = recorder.all(0)["sequence"]
        assert sorted(set(found)) == list(range(1, ex.sequences[0] + 1))
        assert np.all(found[1:] >= found[:-1])
        await feed.stop()

    shards = Shards(1, stamp_time=True, stream_events=256)
    run(work, Exchange.open(tmp_path, durability="memory", shards=shards))


def test_a_gap_in_memory_fails_the_feed_loudly() -> None:
    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        recorder, feed = Recorder(), Feed(ex, options=FeedOptions(read_events=16), on_failure=told.set_result)
        feed.add(recorder)
        await feed.start()
        await feed.caught_up()
        recorder.gate.clear()
        await traded(ex, 1, 3000)
        recorder.gate.set()
        assert "the feed has failed" in await told
        assert feed.error is not None
        with pytest.raises(FeedFailedError):
            await feed.reached(ex.sequences)
        await feed.stop()

    run(work, Exchange(shards=Shards(1, stamp_time=True, stream_events=256)))


def test_an_error_of_a_consumer_fails_the_feed_and_whoever_waits() -> None:
    async def work(ex: Exchange) -> None:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        recorder, feed = Recorder(), Feed(ex, on_failure=told.set_result)
        feed.add(recorder)
        await feed.start()
        await feed.caught_up()
        recorder.gate.clear()
        recorder.error = RuntimeError("the disk is full")
        await asyncio.to_thread(ex.create_instrument, BTC)
        waiting = asyncio.ensure_future(feed.reached(ex.sequences))
        await asyncio.sleep(0)
        recorder.gate.set()
        with pytest.raises(FeedFailedError):
            await waiting
        assert await told == "the feed has failed: the disk is full"
        with pytest.raises(FeedFailedError):
            feed.call(lambda: None)
        await feed.stop()

    run(work, Exchange(shards=Shards(1, stamp_time=True)))


def test_who_waits_for_a_quiet_shard_does_not_wait_for_a_busy_one() -> None:
    class Busy(Recorder):
        """Whatever it is told of leads to something else: there is always something to be read."""

        def apply(
            self,
            shard: int,
            events: Events,
            times_ns: NDArray[np.uint64],
            orders: NDArray[np.void],
            fills: NDArray[np.void],
        ) -> None:
            super().apply(shard, events, times_ns, orders, fills)
            if not over.is_set():
                port.submit("BTC-USD", "buy", quantity=1, price=90)

    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        # The other shards know the account, and have no event that says so.
        ex.create_account("ann")
        busy, feed = Busy(), Feed(ex, options=FeedOptions(pause_ms=0))
        feed.add(busy)
        await feed.start()
        assert len(ex.sequences) == 3
        for _ in range(5):
            async with asyncio.timeout(20):
                await feed.reached(ex.sequences)
        assert set(busy.records) == {0}
        over.set()
        await feed.stop()
        port.close()

    exchange = Exchange(shards=Shards(3, stamp_time=True))
    port, over = exchange.port(), threading.Event()
    run(work, exchange)


def test_calls_are_made_between_two_reads_in_order() -> None:
    async def work(ex: Exchange) -> None:
        feed = Feed(ex)
        await feed.start()
        seen: list[tuple[int, str]] = []
        for number in range(5):
            feed.call(partial(lambda number: seen.append((number, threading.current_thread().name)), number))
        await feed.caught_up()
        assert seen == [(number, "aeromatch-feed") for number in range(5)]
        await feed.stop()

    run(work, Exchange(shards=Shards(1, stamp_time=True)))


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="interval_ms"):
        FeedOptions(interval_ms=0)
    with pytest.raises(ValueError, match="depth_levels"):
        FeedOptions(depth_levels=-1)


def test_the_market_reads_its_own_writes() -> None:
    async def work(ex: Exchange) -> None:
        await asyncio.to_thread(ex.create_instrument, BTC)
        feed = Feed(ex)
        day = DayFigures("100.00", "101.00", "99.00", "12.500", "1250.00000", 3)
        market = Market(
            ex, FeedOptions(depth_levels=2), feed.reached, lambda symbol: day if symbol == "BTC-USD" else None
        )
        feed.add(market)
        await feed.start()
        for price in ("99.00", "99.10", "99.20"):
            ex.submit("BTC-USD", "buy", quantity=1, price=price)
            book = await market.book("BTC-USD", 1)
            assert book.bids == [(price, "1.000")]
            assert book.last_update_id == ex.sequence
        assert (await market.book("BTC-USD", 0)).bids == [("99.20", "1.000"), ("99.10", "1.000")]
        assert len((await market.book("BTC-USD", 50)).bids) == 2
        # An instrument that is made later is known by its events.
        ex.create_instrument(ETH)
        ex.submit("ETH-USD", "sell", quantity="0.5", price="7.5")
        ex.submit("ETH-USD", "buy", quantity="0.2", price="7.5")
        ex.set_phase("BTC-USD", "auction")
        await market.reached(ex.sequences)
        btc, eth = market.tickers()
        assert (btc.symbol, btc.phase, btc.best_bid, btc.best_ask, btc.last_price) == (
            "BTC-USD",
            "auction",
            "99.20",
            None,
            None,
        )
        assert (btc.open_price, btc.volume, btc.trades) == ("100.00", "12.500", 3)
        assert eth == market.ticker("ETH-USD")
        assert (eth.best_ask, eth.best_ask_quantity, eth.last_price, eth.volume) == ("7.5", "0.30", "7.5", "0")
        assert eth.timestamp == ex.book("ETH-USD").now
        for unknown in (market.book("XRP", 1), asyncio.to_thread(market.ticker, "XRP")):
            with pytest.raises(RefusedError) as refused:
                await unknown
            assert refused.value.status == 404
        await feed.stop()
        with pytest.raises(RefusedError) as refused:
            await market.reached((10**9,))
        assert refused.value.status == 503
        await market.close()

    run(work, Exchange(shards=Shards(1, stamp_time=True)))


def test_what_was_answered_on_another_shard_has_a_time() -> None:
    async def work(ex: Exchange) -> None:
        ex.create_instrument(BTC)
        ex.create_instrument(ETH)
        ex.create_account("ann")
        ex.submit("ETH-USD", "buy", quantity=1, price=90, account="ann")
        feed = Feed(ex)
        market = Market(ex, FeedOptions(), feed.reached)
        feed.add(market)
        before = market.ticker("ETH-USD").timestamp
        await feed.start(tuple(last + 1 for last in ex.sequences))
        await asyncio.to_thread(ex.mass_cancel, account="ann")
        await feed.reached(ex.sequences)
        ticker = market.ticker("ETH-USD")
        assert ticker.sequence == ex.sequences[1]
        assert ticker.timestamp >= before > 0
        await feed.stop()
        await market.close()

    run(work, Exchange(shards=Shards(2, stamp_time=True)))


def test_the_second_outcome_has_its_own_last_price() -> None:
    async def work(ex: Exchange) -> None:
        for name in ("alice", "bob"):
            ex.create_account(name)
        ex.create_asset("USD", 2)
        ex.create_event("rain", outcomes=["yes", "no"], currency="USD", tick_size="0.01")
        for name in ("alice", "bob"):
            ex.deposit(name, "USD", 1000, id=name)
        feed = Feed(ex)
        market = Market(ex, FeedOptions(), feed.reached)
        feed.add(market)
        await feed.start()
        ex.submit("rain/yes", "buy", quantity=10, price="0.30", account="alice")
        ex.submit("rain/no", "buy", quantity=4, price="0.70", account="bob")
        await market.reached(ex.sequences)
        assert (market.ticker("rain/yes").last_price, market.ticker("rain/no").last_price) == ("0.30", "0.70")
        assert (await market.book("rain/no", 5)).asks == [("0.70", "6")]
        await feed.stop()
        await market.close()

    run(work, Exchange(shards=Shards(1, stamp_time=True)))
