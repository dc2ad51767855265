"""What channels bring: trades, tickers, candles, orders; the past without a gap; clients that are slow."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.feed.trading import Trader
from tests.gateways.ws_venue import Client, LocalBook, WsVenue, play

from aeromatch import Exchange, Shards
from aeromatch._core import DepthReader
from aeromatch.gateways.streams.channels import Prints
from aeromatch.gateways.streams.past import PastTrades
from aeromatch.gateways.websocket import WebSocketOptions
from aeromatch.schema.market import Candle
from aeromatch.server.feed import FeedOptions


def trade(venue: WsVenue, seed: int, commands: int, account: str | None = None) -> asyncio.Future[None]:
    """Trades at random in another thread."""
    trader = Trader(venue.exchange, "BTC-USD", random.Random(seed), account)
    return asyncio.ensure_future(asyncio.to_thread(trader.trade, commands))


def trades_of(exchange: Exchange) -> list[tuple[int, str, str, str | None, int]]:
    """All trades that the exchange tells."""
    stream = exchange.stream()
    found = []
    while (events := stream.read(timeout_s=0)) is not None:
        for event in events:
            if event.kind == "trade":
                side = None if event.side is None else event.side.value
                assert event.trade_id is not None
                found.append((event.trade_id, f"{event.price:f}", f"{event.quantity:f}", side, event.sequence))
    stream.close()
    return found


def shown(prints: list[dict[str, Any]]) -> list[tuple[int, str, str, str | None, int]]:
    return [(it["trade_id"], it["price"], it["quantity"], it["side"], it["sequence"]) for it in prints]


async def take_trades(client: Client, count: int, last: int = 0) -> list[dict[str, Any]]:
    """Trades, until there are so many."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found.extend((await client.next("trades"))["trades"])
        assert [it["trade_id"] for it in found] == list(range(last + 1, last + 1 + len(found)))
    return found


@pytest.mark.parametrize("interval_ms", [None, 20])
def test_trades_come_each_once(interval_ms: int | None) -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="trades", symbol="BTC-USD", interval_ms=interval_ms)
            await trade(venue, 1, 300)
            expected = trades_of(venue.exchange)
            assert len(expected) > 50
            found = await take_trades(client, len(expected))
            assert shown(found) == expected
            assert all(it["symbol"] == "BTC-USD" and it["timestamp"] > 0 for it in found)

    play(test)


@pytest.mark.parametrize("interval_ms", [None, 20])
def test_trades_begin_in_the_past_without_a_gap_or_a_double(interval_ms: int | None) -> None:
    async def test(venue: WsVenue) -> None:
        await trade(venue, 1, 300)
        before = trades_of(venue.exchange)
        trading = trade(venue, 2, 600)
        async with venue.client() as client, venue.client() as other:
            fields = {"channel": "trades", "symbol": "BTC-USD", "interval_ms": interval_ms}
            # Somebody else is there before: its interval is under way.
            await other.ask("subscribe", **fields)
            middle = before[len(before) // 2]
            await client.ask("subscribe", **fields, from_sequence=middle[4])
            rest = [it for it in before if it[4] > middle[4]]
            found = await take_trades(client, len(rest) + 20, rest[0][0] - 1)
            # The connection is lost, and another one goes on.
            last = found[-1]
        async with venue.client() as client:
            fields["from_sequence"] = last["sequence"] - 1
            await client.ask("subscribe", **fields)
            again = (await client.next("trades"))["trades"]
            await trading
            every = trades_of(venue.exchange)
            known = {it["trade_id"]: it for it in (*found, *again)}
            while max(known) < every[-1][0]:
                known |= {it["trade_id"]: it for it in (await client.next("trades"))["trades"]}
            assert shown(list(known.values())) == [it for it in every if it[0] >= rest[0][0]]

    play(test)


def test_the_past_comes_from_the_journal_after_a_restart(tmp_path: Path) -> None:
    async def first(venue: WsVenue) -> None:
        await trade(venue, 1, 200, "alice")

    async def second(venue: WsVenue) -> None:
        await trade(venue, 2, 50, "alice")
        expected = trades_of(venue.exchange)
        async with venue.client() as client:
            await client.ask("subscribe", channel="trades", symbol="BTC-USD", from_sequence=0)
            assert shown(await take_trades(client, len(expected))) == expected
            # Of orders the feed itself knows only what was since it began: the log has all of it.
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=0)
            await follow_orders(client, venue, "alice")

    play(first, path=tmp_path)
    play(second, path=tmp_path, begin_at_end=True)


def test_a_past_that_is_not_kept_is_said() -> None:
    async def test(venue: WsVenue) -> None:
        await trade(venue, 1, 2000)
        await venue.feed.caught_up()
        async with venue.client() as client:
            problem = await client.refused("subscribe", channel="trades", symbol="BTC-USD", from_sequence=0)
            assert (problem["slug"], problem["status"]) == ("sequence_not_kept", 410)
            problem = await client.refused("subscribe", channel="orders", account="alice", from_sequence=0)
            assert (problem["slug"], problem["status"]) == ("sequence_not_kept", 410)
            await venue.feed.caught_up()
            assert venue.hub.is_idle
            await client.ask("subscribe", channel="trades", symbol="BTC-USD")

    play(test, shards=Shards(1, stamp_time=True, stream_events=1024), feed=FeedOptions(interval_ms=5, pause_ms=0))


async def follow_orders(client: Client, venue: WsVenue, account: str) -> dict[str, dict[str, Any]]:
    """Follows an account's orders until all of its live ones are as the book has them; gives them, with all fills."""
    orders: dict[str, dict[str, Any]] = {}
    last = 0
    while True:
        live = {str(it.order_id): it for it in venue.exchange.book("BTC-USD").orders(account=account)}
        known = {order_id: it for order_id, it in orders.items() if it["status"] in ("open", "partially_filled")}
        if live and {key: f"{it.remaining_quantity:f}" for key, it in live.items()} == {
            key: it["remaining_quantity"] for key, it in known.items()
        }:
            return orders
        message = await client.next("orders")
        assert message["account"] == account
        assert message["sequence"] > last
        last = message["sequence"]
        for order in message["orders"]:
            before = orders.get(order["order_id"], {"fills": []})
            order["fills"] = before["fills"] + order["fills"]
            orders[order["order_id"]] = order


def check_fills(orders: dict[str, dict[str, Any]]) -> None:
    """Each order's fills are all of its fills, each once."""
    from decimal import Decimal

    for order in orders.values():
        assert len({fill["trade_id"] for fill in order["fills"]}) == len(order["fills"])
        assert sum(Decimal(fill["quantity"]) for fill in order["fills"]) == Decimal(order["filled_quantity"])


def test_own_orders_and_fills() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice")
            trading = asyncio.gather(trade(venue, 1, 200, "alice"), return_exceptions=False)
            await trading
            await trade(venue, 2, 200, "bob")
            orders = await follow_orders(client, venue, "alice")
            assert len(orders) > 100
            check_fills(orders)
            assert {it["account"] for it in orders.values()} == {"alice"}

    play(test)


def test_own_orders_over_a_lost_connection() -> None:
    async def test(venue: WsVenue) -> None:
        trading = trade(venue, 1, 600, "alice")
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=0)
            messages = [await client.next("orders") for _ in range(5)]
        async with venue.client() as client:
            await trading
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=messages[-1]["sequence"])
            client.waiting = messages + client.waiting
            check_fills(await follow_orders(client, venue, "alice"))

    play(test)


def test_own_orders_that_are_more_than_a_client_may_leave_waiting() -> None:
    async def test(venue: WsVenue) -> None:
        await trade(venue, 1, 300, "alice")
        await venue.feed.caught_up()
        trading = trade(venue, 2, 10, "alice")
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=0)
            await trading
            orders = await follow_orders(client, venue, "alice")
            check_fills(orders)
            assert len(orders) > 150

    few = WebSocketOptions(buffer_bytes=4096, kernel_bytes=4096, queue_bytes=16384, queue_messages=200)
    play(test, options=few)


def test_own_orders_of_several_shards() -> None:
    async def test(venue: WsVenue) -> None:
        order: dict[str, Any] = {"side": "buy", "quantity": 1, "price": 90, "account": "alice"}
        first = [str(venue.exchange.submit(symbol, **order).order_id) for symbol in ("BTC-USD", "ETH-USD")]
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=0)
            messages = [await client.next("orders") for _ in range(2)]
            assert sorted(message["shard"] for message in messages) == [0, 1]
            assert sorted(message["orders"][0]["order_id"] for message in messages) == sorted(first)
        venue.exchange.submit("ETH-USD", **order)
        async with venue.client() as client:
            since = [message["sequence"] for message in sorted(messages, key=lambda it: it["shard"])]
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=since)
            message = await client.next("orders")
            assert [it["symbol"] for it in message["orders"]] == ["ETH-USD"]
            assert message["sequence"] > since[message["shard"]]

    play(test, shards=Shards(2, stamp_time=True))


def test_the_past_ends_where_a_shard_has_no_more_events(tmp_path: Path) -> None:
    order: dict[str, Any] = {"side": "buy", "quantity": 1, "price": 90, "account": "alice"}

    async def first(venue: WsVenue) -> None:
        venue.exchange.submit("ETH-USD", **order)
        venue.exchange.submit("ETH-USD", **{**order, "side": "sell"})
        # The other shards know it, and have no event that says so; and then the one that traded.
        for name in "cdefgh":
            venue.exchange.create_account(name)

    async def second(venue: WsVenue) -> None:
        over = asyncio.Event()

        async def noise() -> None:
            while not over.is_set():
                await asyncio.to_thread(venue.exchange.submit, "BTC-USD", "buy", quantity=1, price=9)

        busy = asyncio.ensure_future(noise())
        async with venue.client() as client:
            await client.ask("subscribe", channel="trades", symbol="ETH-USD", from_sequence=0)
            assert len((await client.next("trades"))["trades"]) == 1
            while venue.hub.is_idle:  # It has not joined those who are told what happens now.
                await asyncio.sleep(0.005)
            over.set()
            await busy
            venue.exchange.submit("ETH-USD", **order)
            venue.exchange.submit("ETH-USD", **{**order, "side": "sell"})
            assert [it["trade_id"] for it in (await client.next("trades"))["trades"]] == [2]
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice", from_sequence=0)
            assert {it["symbol"] for it in (await client.next("orders"))["orders"]} == {"ETH-USD"}
            # It goes on with what happens now.
            number = str(venue.exchange.submit("ETH-USD", **order).order_id)
            while number not in [it["order_id"] for it in (await client.next("orders"))["orders"]]:
                pass

    play(first, path=tmp_path, shards=Shards(3, stamp_time=True))
    play(second, path=tmp_path, shards=Shards(3, stamp_time=True), begin_at_end=True)


def test_who_goes_while_the_past_is_read_leaves_nothing_open() -> None:
    async def test(venue: WsVenue) -> None:
        prints = Prints(venue.exchange, "BTC-USD")
        for begin in range(1, 4):
            past = PastTrades(venue.exchange, prints, begin)
            await past.open(venue.hub.position())
            # There is no such command yet: it reads until it is left.
            reading = asyncio.ensure_future(anext(past.until(venue.hub.position()[0] + 1)))
            await asyncio.sleep(0)
            while not past._reading.locked():
                await asyncio.sleep(0)
            reading.cancel()
            await asyncio.to_thread(past.close)
            with pytest.raises(asyncio.CancelledError):
                await reading

    play(test)


def test_orders_are_entered_amended_and_canceled() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="orders", account="alice")
            order = {"symbol": "BTC-USD", "side": "buy", "quantity": "2", "price": "99.50", "account": "alice"}
            made = await client.ask("order.new", order={**order, "client_order_id": "mine"})
            assert (made["status"], made["remaining_quantity"]) == ("open", "2.000")
            told = (await client.next("orders"))["orders"][0]
            assert (told["order_id"], told["status"], told["price"]) == (made["order_id"], "open", "99.50")
            assert told["created_at"] == made["created_at"]
            report = venue.exchange.submit("BTC-USD", "sell", quantity="0.5", price="99.50", account="bob")
            filled = (await client.next("orders"))["orders"][0]
            assert filled["client_order_id"] == "mine"
            assert (filled["status"], filled["filled_quantity"], filled["average_price"]) == (
                "partially_filled",
                "0.500",
                "99.50",
            )
            assert [(it["trade_id"], it["liquidity"]) for it in filled["fills"]] == [
                (report.trades[0].trade_id, "maker")
            ]
            problem = await client.refused("order.new", order={**order, "price": "99.505"})
            assert (problem["slug"], problem["status"]) == ("invalid_price", 422)
            for number in range(3):
                await client.ask("order.new", order={**order, "price": f"9{number}"})
            canceled = await client.ask("orders.cancel", symbol="BTC-USD", account="alice")
            assert canceled["canceled"] == 4

    play(test)


def test_the_ticker_comes_at_once_and_whenever_it_changes() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="ticker", symbol="BTC-USD")
            first = (await client.next("ticker"))["ticker"]
            assert (first["best_bid"], first["last_price"], first["phase"]) == (None, None, "continuous")
            venue.exchange.submit("BTC-USD", "buy", quantity="1", price="99")
            assert (await client.next("ticker"))["ticker"]["best_bid"] == "99.00"
            venue.exchange.submit("BTC-USD", "sell", quantity="0.4", price="99")
            last = (await client.next("ticker"))["ticker"]
            assert (last["last_price"], last["best_bid_quantity"]) == ("99.00", "0.600")

    play(test)


def test_candles_as_they_change_and_once_more_when_they_have_closed() -> None:
    def candle(start: int, close: str, *, is_closed: bool = False) -> Candle:
        prices = {"open": "1", "high": "9", "low": "1", "close": close}
        return Candle(start=start, **prices, volume="1", notional="1", trades=1, is_closed=is_closed)

    async def test(venue: WsVenue) -> None:
        venue.views.open["BTC-USD", "1m"] = candle(60, "2")
        async with venue.client() as client:
            await client.ask("subscribe", channel="candles", symbol="BTC-USD", period="1m")
            assert (await client.next("candles"))["candle"]["close"] == "2"
            venue.views.open["BTC-USD", "1m"] = candle(60, "3")
            message = await client.next("candles")
            assert (message["period"], message["candle"]["close"]) == ("1m", "3")
            # Two have closed: one had another trade at its end, one had none.
            venue.views.done = [candle(0, "1", is_closed=True), candle(60, "4", is_closed=True)]
            venue.views.done += [candle(120, "4", is_closed=True), candle(180, "5")]
            venue.views.open["BTC-USD", "1m"] = candle(180, "5")
            told = [(await client.next("candles"))["candle"] for _ in range(3)]
            assert [(it["start"], it["close"], it["is_closed"]) for it in told] == [
                (180, "5", False),
                (60, "4", True),
                (120, "4", True),
            ]

    play(test)


def test_a_first_candle_that_closes_between_two_looks_is_told() -> None:
    def candle(start: int, *, is_closed: bool) -> Candle:
        return Candle(
            start=start, open="1", high="1", low="1", close="1", volume="1", notional="1", trades=1, is_closed=is_closed
        )

    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="candles", symbol="BTC-USD", period="1m")
            venue.views.done = [candle(60, is_closed=True)]
            venue.views.open["BTC-USD", "1m"] = candle(120, is_closed=False)
            told = [(await client.next("candles"))["candle"] for _ in range(2)]
            assert [(it["start"], it["is_closed"]) for it in told] == [(120, False), (60, True)]

    play(test)


def test_updates_of_an_interval_come_together() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as often, venue.client() as seldom:
            await often.ask("subscribe", channel="depth", symbol="BTC-USD")
            await seldom.ask("subscribe", channel="depth", symbol="BTC-USD", interval_ms=1000)
            books, counts = (LocalBook(), LocalBook()), [0, 0]
            reader = DepthReader(venue.exchange, "BTC-USD")

            async def follow(place: int) -> None:
                client, book = (often, seldom)[place], books[place]
                while book.levels != reader.levels()[2:]:
                    book.apply(await client.next("depth"))
                    counts[place] += 1

            for seed in range(20):
                await trade(venue, seed, 10)
                reader.read()
                await follow(0)
            await follow(1)
            assert 1 <= counts[1] < counts[0]

    play(test)


SLOW: dict[str, Any] = {"buffer_bytes": 8192, "kernel_bytes": 4096, "close_timeout_s": 0.5}


async def slow_client(venue: WsVenue) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that takes little before it has to be read: (101 Switching Protocols was answered)."""
    endpoint = socket.socket()
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    endpoint.setblocking(False)
    await asyncio.get_running_loop().sock_connect(endpoint, ("127.0.0.1", venue.port))
    reader, writer = await asyncio.open_connection(sock=endpoint, limit=4096)
    writer.write(
        b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b"101" in await reader.readline()
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def masked(text: bytes) -> bytes:
    """A short text frame of a client."""
    size = bytes((0x81, 0x80 | len(text))) if len(text) < 126 else b"\x81\xfe" + len(text).to_bytes(2)
    return size + b"\0\0\0\0" + text


async def frames(reader: asyncio.StreamReader) -> tuple[list[bytes], int]:
    """Everything to the end: text messages, and the close code."""
    texts: list[bytes] = []
    while True:
        first, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await reader.readexactly(8))
        payload = await reader.readexactly(size)
        if first & 15 == 8:
            return texts, int.from_bytes(payload[:2])
        if first & 15 == 1:
            texts.append(payload)


def test_a_slow_client_gets_a_new_snapshot_instead_of_what_it_missed() -> None:
    async def test(venue: WsVenue) -> None:
        reader, writer = await slow_client(venue)
        for channel in ("depth", "ticker"):
            writer.write(masked(f'{{"op":"subscribe","channel":"{channel}","symbol":"BTC-USD"}}'.encode()))
        trader = Trader(venue.exchange, "BTC-USD", random.Random(1))
        conflated = "aeromatch_stream_conflated_total", "websocket"
        while min(venue.stages.counts[*conflated, channel] for channel in ("depth", "ticker")) < 10:
            await asyncio.to_thread(trader.trade, 50)
            await venue.feed.caught_up()
        # From here on it reads, and ends with the book as it is.
        book = LocalBook()
        tickers: list[dict[str, Any]] = []
        depth = DepthReader(venue.exchange, "BTC-USD")
        depth.read()
        expected = depth.levels()[2:]
        while book.levels != expected or not tickers or tickers[-1] != venue.market.ticker("BTC-USD").as_dict():
            message = json.loads(await text_of(reader))
            if message.get("channel") == "depth":
                book.apply(message)
            elif message.get("channel") == "ticker":
                tickers.append(message["ticker"])
        assert book.snapshots > 1
        assert venue.app.connections == 1
        writer.close()

    play(test, options=WebSocketOptions(**SLOW, slow_timeout_s=60.0))


@pytest.mark.parametrize(
    "limits", [{"slow_timeout_s": 0.1}, {"slow_timeout_s": 60.0, "queue_bytes": 20_000}, {"queue_messages": 20}]
)
def test_who_stays_slow_is_told_why_and_let_go(limits: dict[str, Any]) -> None:
    async def test(venue: WsVenue) -> None:
        reader, writer = await slow_client(venue)
        writer.write(masked(b'{"op":"subscribe","channel":"trades","symbol":"BTC-USD"}'))
        trader = Trader(venue.exchange, "BTC-USD", random.Random(1))
        closed = "aeromatch_gateway_closed_total", "websocket", "slow_consumer"
        async with venue.client() as other:
            while not venue.stages.counts[closed]:
                await asyncio.to_thread(trader.trade, 50)
            # It reads after all: the reason stands at the end.
            async with asyncio.timeout(30):
                texts, code = await frames(reader)
            assert code == 1013
            last = json.loads(texts[-1])
            assert (last["type"], last["problem"]["slug"]) == ("closing", "slow_consumer")
            assert "timestamp" in await other.ask("ping")
        writer.close()

    play(test, options=WebSocketOptions(**{**SLOW, "close_timeout_s": 20.0, **limits}))


def test_who_reads_nothing_at_all_is_cut_off() -> None:
    async def test(venue: WsVenue) -> None:
        _, writer = await slow_client(venue)
        writer.write(masked(b'{"op":"subscribe","channel":"trades","symbol":"BTC-USD"}'))
        trader = Trader(venue.exchange, "BTC-USD", random.Random(1))
        while not venue.stages.counts["aeromatch_gateway_closed_total", "websocket", "slow_consumer"]:
            await asyncio.to_thread(trader.trade, 50)
        async with asyncio.timeout(30):
            while venue.app.connections:
                await asyncio.sleep(0.001)
        writer.close()

    play(test, options=WebSocketOptions(**SLOW, slow_timeout_s=0.1))


async def text_of(reader: asyncio.StreamReader) -> bytes:
    """The next text message."""
    while True:
        first, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2))
        elif size == 127:
            size = int.from_bytes(await reader.readexactly(8))
        payload = await reader.readexactly(size)
        if first & 15 == 1:
            return payload
