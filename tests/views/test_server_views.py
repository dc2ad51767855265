"""The views of a server: what they answer is what happened, whatever is written and whatever waits."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from tests.views.venue import START_NS, SYMBOLS, dump, following, open_venue, options, trade

from aeromatch import Exchange
from aeromatch.gateways.services import RefusedError
from aeromatch.market.records import ORDER_DTYPE
from aeromatch.market.view_rows import ViewBatch
from aeromatch.schema.market import Candle
from aeromatch.schema.orders import Order
from aeromatch.server.feed import Feed
from aeromatch.server.views import ServerViews, rebuild
from aeromatch.server.views.writer import ViewsError
from aeromatch.stores import MemoryViews, SqliteViews, StoreError


async def pages(views: ServerViews, limit: int, **filters: str | None) -> list[Order]:
    """All orders, page by page."""
    found: list[Order] = []
    cursor = None
    asked: dict[str, str | None] = {"account": None, "symbol": None, "status": None, **filters}
    while True:
        page = await views.orders(
            account=asked["account"], symbol=asked["symbol"], status=asked["status"], limit=limit, cursor=cursor
        )
        assert len(page.orders) <= limit
        found += page.orders
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("is_memory", [False, True])
def test_orders_are_what_books_say_and_pages_have_each_once(tmp_path: Path, *, is_memory: bool) -> None:
    async def run() -> None:
        exchange = open_venue(tmp_path / "log")
        try:
            async with following(exchange, options(None if is_memory else tmp_path / "v.sqlite"), tmp_path / "log") as (
                views,
                feed,
            ):
                rng, at_ns = random.Random(1), START_NS
                for _ in range(4):
                    at_ns = await asyncio.to_thread(trade, exchange, rng, 150, at_ns)
                    await feed.caught_up()
                    await check_orders(exchange, views)
                await check_trades(views)
                await check_filters(views)
        finally:
            exchange.close()

    asyncio.run(run())


async def check_orders(exchange: Exchange, views: ServerViews) -> None:
    every = await pages(views, 7)
    keys = [(order.created_at, int(order.order_id)) for order in every]
    assert keys == sorted(keys, reverse=True)
    assert len(set(keys)) == len(keys)
    live = {order.order_id: order for order in await pages(views, 50, status="live")}
    done = {order.order_id: order for order in await pages(views, 50, status="done")}
    assert {order.order_id for order in every} == {*live, *done}
    seen = set()
    for symbol in SYMBOLS:
        for order in exchange.book(symbol).orders():
            found = live[str(order.order_id)]
            if found.symbol != symbol:
                continue
            seen.add(found.order_id)
            assert found == await views.order(order.order_id)
            assert (found.status, found.side, found.account) == (order.status, order.side, order.account)
            assert found.client_order_id in (None, order.client_order_id)
            assert found.price == f"{order.price:f}"
            assert found.quantity == f"{order.quantity:f}"
            assert found.filled_quantity == f"{order.filled_quantity:f}"
            assert found.remaining_quantity == f"{order.remaining_quantity:f}"
    assert seen == set(live)
    for ended in list(done.values())[:20]:
        assert await views.order(int(ended.order_id)) == ended
        assert ended.status in ("filled", "canceled")
    assert await views.order(1 << 62) is None


async def check_trades(views: ServerViews) -> None:
    for symbol in SYMBOLS:
        found, cursor = [], None
        while True:
            page = await views.trades(symbol, limit=9, cursor=cursor, from_sequence=None)
            found += page.trades
            cursor = page.next_cursor
            if cursor is None:
                break
        assert [trade.trade_id for trade in found] == list(range(len(found), 0, -1))
        since = found[len(found) // 2].sequence
        page = await views.trades(symbol, limit=1000, cursor=None, from_sequence=since)
        assert page.trades == [trade for trade in found if trade.sequence >= since]
    yes, no = [
        (await views.trades(symbol, limit=1000, cursor=None, from_sequence=None)).trades for symbol in SYMBOLS[2:]
    ]
    assert yes
    for one, other in zip(yes, no, strict=True):
        assert float(one.price) + float(other.price) == pytest.approx(1)
        assert {one.side, other.side} == {"buy", "sell"}


async def check_filters(views: ServerViews) -> None:
    every = await pages(views, 1000)
    assert await pages(views, 9, account="ann") == [order for order in every if order.account == "ann"]
    assert await pages(views, 9, symbol="Election/No", account="bob", status="done") == [
        order
        for order in every
        if (order.symbol, order.account) == ("Election/No", "bob") and order.status in ("filled", "canceled")
    ]
    assert await pages(views, 9, account="nobody") == []
    for cursor in ("", "x", "1", "1.2.3", "1.-2", "1.²"):
        with pytest.raises(RefusedError) as caught:
            await views.orders(account=None, symbol=None, status=None, limit=5, cursor=cursor)
        assert (caught.value.slug, caught.value.status) == ("invalid_cursor", 400)
    given = (await views.orders(account=None, symbol=None, status=None, limit=5, cursor=None)).next_cursor
    for filters in ({"account": "ann"}, {"symbol": "BTC-USD"}, {"status": "done"}):
        asked: dict[str, str | None] = {"account": None, "symbol": None, "status": None, **filters}
        with pytest.raises(RefusedError, match="no cursor of an answer to this question"):
            await views.orders(**asked, limit=5, cursor=given)
    given = (await views.trades("BTC-USD", limit=5, cursor=None, from_sequence=None)).next_cursor
    assert given is not None
    with pytest.raises(RefusedError, match="no cursor of an answer to this question"):
        await views.trades("ETH-USD", limit=5, cursor=given, from_sequence=None)
    with pytest.raises(RefusedError) as caught:
        await views.trades("DOGE", limit=5, cursor=None, from_sequence=None)
    assert caught.value.status == 404


@pytest.mark.parametrize("is_memory", [False, True])
def test_candles_are_what_trades_add_up_to(tmp_path: Path, *, is_memory: bool) -> None:
    async def run() -> None:
        exchange = open_venue(tmp_path / "log")
        try:
            async with following(exchange, options(None if is_memory else tmp_path / "v.sqlite"), tmp_path / "log") as (
                views,
                feed,
            ):
                rng, at_ns = random.Random(2), START_NS
                for _ in range(3):
                    at_ns = await asyncio.to_thread(trade, exchange, rng, 150, at_ns, 900_000_000)
                    await feed.caught_up()
                    for symbol in SYMBOLS:
                        await check_candles(views, symbol, at_ns)
                for period in ("2s", "nonsense"):
                    with pytest.raises(RefusedError) as caught:
                        await views.candles("BTC-USD", period, start=None, end=None, limit=5, cursor=None)
                    assert caught.value.slug == "unknown_period"
        finally:
            exchange.close()

    asyncio.run(run())


async def check_candles(views: ServerViews, symbol: str, at_ns: int) -> None:
    trades = (await views.trades(symbol, limit=100_000, cursor=None, from_sequence=None)).trades[::-1]
    for period, period_ns in (("1s", 10**9), ("1m", 60 * 10**9)):
        candles: list[Candle] = []
        cursor = None
        while True:
            page = await views.candles(symbol, period, start=None, end=None, limit=40, cursor=cursor)
            candles = page.candles + candles
            cursor = page.next_cursor
            if cursor is None:
                break
        first = trades[0].timestamp // period_ns
        last = at_ns // period_ns
        assert [candle.start // period_ns for candle in candles] == list(range(first, last + 1))
        assert [candle.is_closed for candle in candles] == [True] * (len(candles) - 1) + [False]
        assert views.open_candle(symbol, period) == candles[-1]
        close = ""
        for candle in candles:
            inside = [it for it in trades if it.timestamp // period_ns == candle.start // period_ns]
            prices = [float(it.price) for it in inside]
            assert candle.trades == len(inside)
            if not inside:
                assert {candle.open, candle.high, candle.low, candle.close} == {close}
                continue
            assert (candle.open, candle.close) == (inside[0].price, inside[-1].price)
            assert (float(candle.high), float(candle.low)) == (max(prices), min(prices))
            assert float(candle.volume) == pytest.approx(sum(float(it.quantity) for it in inside))
            assert float(candle.notional) == pytest.approx(sum(float(it.quantity) * float(it.price) for it in inside))
            close = candle.close
    some = await views.candles(symbol, "1s", start=candles[-1].start, end=at_ns, limit=500, cursor=None)
    assert all(candles[-1].start <= candle.start < at_ns for candle in some.candles)
    day = views.day(symbol)
    assert day is not None
    assert day.trades == len(trades)
    assert day.open_price == trades[0].price
    assert float(day.volume) == pytest.approx(sum(float(it.quantity) for it in trades))
    assert float(day.high_price or 0) == max(float(it.price) for it in trades)
    assert float(day.low_price or 0) == min(float(it.price) for it in trades)


def test_views_that_were_closed_now_and_then_are_those_of_the_journal(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "v.sqlite"
    rng, at_ns = random.Random(3), START_NS

    async def run() -> None:
        nonlocal at_ns
        for number in range(5):
            exchange = open_venue(log)
            try:
                if number % 2:
                    at_ns = trade(exchange, rng, 100, at_ns)
                async with following(exchange, options(file), log) as (_views, feed):
                    at_ns = await asyncio.to_thread(trade, exchange, rng, 100, at_ns)
                    await feed.caught_up()
            finally:
                exchange.close()

    asyncio.run(run())
    check_rebuilt(tmp_path, log, file)


def check_rebuilt(tmp_path: Path, log: Path, file: Path, *, has_all_names: bool = False) -> None:
    """The file has, row by row, what the journal says; names only where somebody said them, or the journal was read."""
    fresh = tmp_path / "rebuilt.sqlite"
    fresh.unlink(missing_ok=True)
    store = SqliteViews(fresh, periods=("1s", "1m", "1h"), retention={"1s": None, "1m": None, "1h": None})
    try:
        assert rebuild(log, store) > 0
    finally:
        store.close()
    found, wanted = dump(file), dump(fresh)
    names, of_journal = set(found.pop("client_order_ids")), set(wanted.pop("client_order_ids"))
    assert names == of_journal if has_all_names else names <= of_journal
    # The journal goes on behind the last command that had events.
    marks = [[position[2:] for position in it.pop("positions")] for it in (found, wanted)]
    assert marks[0] == marks[1]
    assert found == wanted
    assert found["trades"]


def test_client_order_ids_come_from_the_journal_where_nobody_named_them(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "v.sqlite"
    exchange = open_venue(log)
    trade(exchange, random.Random(4), 200, START_NS)
    order = exchange.submit("BTC-USD", "buy", quantity=1, price=1, account="ann", client_order_id="mine")

    async def run() -> None:
        async with following(exchange, options(file), log) as (views, feed):
            assert order.order_id is not None
            found = await views.order(order.order_id)
            assert found is not None
            assert found.client_order_id == "mine"
            later = await asyncio.to_thread(
                lambda: exchange.submit("BTC-USD", "buy", quantity=1, price=1, account="ann", client_order_id="too")
            )
            assert later.order_id is not None
            views.named(later.order_id, "too")
            await feed.caught_up()
            found = await views.order(later.order_id)
            assert found is not None
            assert found.client_order_id == "too"
            assert await views.order_named("ann", "BTC-USD", "too") == found
            assert (await views.orders(account="ann", symbol=None, status="live", limit=1, cursor=None)).orders == [
                found
            ]
            await asyncio.to_thread(views.flush)
            assert await views.order(later.order_id) == found
            await check_names(exchange, views, feed)

    asyncio.run(run())
    exchange.close()
    check_rebuilt(tmp_path, log, file)


async def check_names(exchange: Exchange, views: ServerViews, feed: Feed) -> None:
    """Looked up by name, it is the account's own order in that instrument; of several in turn the last one."""
    for written in (True, False):
        # Without a window for repeats an order's name is free again when it has ended (R5).
        for symbol, account in (("BTC-USD", "bob"), ("Election/No", "ann"), ("BTC-USD", "ann"), ("BTC-USD", "ann")):

            def enter(symbol: str = symbol, account: str = account) -> int:
                price = "0.5" if symbol == "BTC-USD" else "0.01"
                report = exchange.submit(
                    symbol, "buy", quantity=1, price=price, account=account, client_order_id="again"
                )
                exchange.cancel(symbol, report.order_id)
                assert report.order_id is not None
                return report.order_id

            number = await asyncio.to_thread(enter)
            views.named(number, "again")
            await feed.caught_up()
            if written:
                await asyncio.to_thread(views.flush)
            found = await views.order_named(account, symbol, "again")
            assert found == await views.order(number)
            assert found is not None
            assert (found.symbol, found.account, found.status) == (symbol, account, "canceled")
    for owner, name in (("bob", "mine"), ("nobody", "mine"), (None, "mine"), ("ann", "none")):
        assert await views.order_named(owner, "BTC-USD", name) is None


def test_a_store_of_another_log_or_ahead_of_its_own_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "v.sqlite"

    async def follow(directory: Path, commands: int, seed: int) -> None:
        exchange = open_venue(directory)
        try:
            trade(exchange, random.Random(seed), commands, START_NS + seed)
            async with following(exchange, options(file), directory):
                pass
        finally:
            exchange.close()

    asyncio.run(follow(tmp_path / "one", 100, 1))
    with pytest.raises(ViewsError, match=r"v\.sqlite: command .* has brought other events .* views rebuild"):
        asyncio.run(follow(tmp_path / "two", 100, 2))
    with pytest.raises(ViewsError, match=r"v\.sqlite: has events up to command .* the log ends after .* views rebuild"):
        asyncio.run(follow(tmp_path / "three", 1, 1))
    with pytest.raises(StoreError, match=r"v\.sqlite: has candles of 1s, 1min, 1h, not of 5min"):
        SqliteViews(file, periods=("5m",))
    other = tmp_path / "other.sqlite"
    other.write_bytes(b"nothing of this kind" * 400)
    with pytest.raises(StoreError, match=r"other\.sqlite: file is not a database"):
        SqliteViews(other)


def test_a_file_of_the_version_before_gets_the_column_that_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "v.sqlite"
    row = np.zeros(1, ORDER_DTYPE)
    row["order_id"], row["status"], row["accepted"] = 7, 3, 99
    with SqliteViews(file) as store:
        store.write(ViewBatch(orders=row, names={7: "mine"}))
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE orders DROP COLUMN accepted")
        connection.execute("DROP INDEX by_client_order_id")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreError, match="views of schema version 1"):
        SqliteViews(file, read_only=True)
    for number in (7, 8):
        with SqliteViews(file) as store:
            kept = store.order(7)
            assert kept is not None
            assert (kept["status"], kept["accepted"]) == (3, 0)
            assert store.with_name("mine") == [7]
            row["order_id"] = number + 1
            store.write(ViewBatch(orders=row))
            added = store.order(number + 1)
            assert added is not None
            assert added["accepted"] == 99


def test_what_is_no_longer_kept_is_dropped(tmp_path: Path) -> None:
    async def run() -> None:
        exchange = open_venue(tmp_path / "log")
        try:
            few = options(tmp_path / "v.sqlite", keep_trades=10, keep_ns=1_500_000_000, retention={"1s": "2s"})
            async with following(exchange, few, tmp_path / "log") as (views, feed):
                await asyncio.to_thread(trade, exchange, random.Random(5), 600, START_NS)
                await feed.caught_up()
                await asyncio.to_thread(views.flush)
            rows = dump(tmp_path / "v.sqlite")
            for number in {row[0] for row in rows["trades"]}:
                ids = [row[1] for row in rows["trades"] if row[0] == number]
                assert len(ids) <= 10
            starts = sorted({row[1] for row in rows["candles"] if row[0] == 1_000})
            assert len(starts) <= 3
            assert {row[0] for row in rows["candles"]} == {1_000, 60_000, 3_600_000}
        finally:
            exchange.close()

    asyncio.run(run())


def test_the_feed_waits_where_the_store_is_slow_and_fails_where_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_store: MemoryViews, _batch: ViewBatch) -> None:
        raise OSError("the disk is gone")

    async def run() -> None:
        exchange = open_venue(tmp_path / "log")
        try:
            port = exchange.port()
            views = ServerViews(exchange.port(), options(None, waiting_rows=1), None)
            feed = Feed(port, views.tracker)
            feed.add(views)
            await feed.start(views.positions)
            at_ns = await asyncio.to_thread(trade, exchange, random.Random(6), 50, START_NS)
            await feed.caught_up()
            assert len(await pages(views, 100)) == 50
            # What is taken away to be written at once is counted in the day's figures all the same.
            for symbol in SYMBOLS:
                traded = (await views.trades(symbol, limit=100, cursor=None, from_sequence=None)).trades
                day = views.day(symbol)
                assert traded
                assert day is not None
                assert (day.trades, day.open_price) == (len(traded), traded[-1].price)
            monkeypatch.setattr(MemoryViews, "write", fail)
            await asyncio.to_thread(trade, exchange, random.Random(7), 50, at_ns)
            with pytest.raises(RefusedError):
                await feed.caught_up()
            assert "the disk is gone" in str(feed.error)
            await feed.stop()
            # Whoever closes is told, too.
            with pytest.raises(ViewsError, match="the disk is gone"):
                await views.close()
            port.close()
        finally:
            exchange.close()

    asyncio.run(run())
