"""Streams from the server over gRPC: books that chain, trades and orders that resume, clients that are slow."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from tests.feed.trading import Trader, levels_of
from tests.gateways.grpc_client import EOF, GrpcVenue, play, problem_of, submit
from tests.server.real_venue import CONFIG

from aeromatch._core import DepthReader, Exchange
from aeromatch.gateways.grpc.generated import order_pb2 as pb

Code = grpc.StatusCode
LITTLE_ROOM = {"grpc.http2.bdp_probe": 0, "grpc.http2.lookahead_bytes": 4096}
"""A client whose transport takes little before somebody reads."""


async def ended(stream: Any) -> tuple[grpc.StatusCode, str]:
    """How the server ends a stream: its code, and the slug of the reason."""

    async def read() -> None:
        while await stream.read() is not EOF:
            pass

    with pytest.raises(aio.AioRpcError) as error:
        await read()
    return error.value.code(), problem_of(error.value).slug


def exchange_of(venue: GrpcVenue) -> Exchange:
    """For blocking calls of the test, in threads."""
    return venue.real.venue.exchange.port()


async def left(venue: GrpcVenue) -> None:
    """Waits until nobody follows anything."""
    while not venue.real.venue.hub.is_idle:
        await asyncio.sleep(0.01)


class LocalBook:
    """A book that follows StreamDepth as docs/grpc.md says."""

    def __init__(self) -> None:
        self.last_update_id = -1
        self.snapshots = 0
        self.bids: dict[Decimal, str] = {}
        self.asks: dict[Decimal, str] = {}

    def apply(self, message: pb.DepthMessage) -> None:
        said = getattr(message, message.WhichOneof("message"))
        if message.HasField("snapshot"):
            self.snapshots += 1
            self.bids, self.asks = {}, {}
        else:
            assert said.first_update_id == self.last_update_id + 1
        self.last_update_id = said.last_update_id
        for side, levels in ((self.bids, said.bids), (self.asks, said.asks)):
            for level in levels:
                if level.quantity == "0":
                    del side[Decimal(level.price)]
                else:
                    side[Decimal(level.price)] = level.quantity

    @property
    def levels(self) -> tuple[list[Any], list[Any]]:
        return levels_of((self.bids, self.asks))


async def follow_to_the_end(stream: Any, book: LocalBook, reader: DepthReader) -> None:
    """Reads until the book is the exchange's."""
    reader.read()
    last = reader.levels()[0]
    while book.last_update_id < last:
        book.apply(await stream.read())
    _, _, bids, asks = reader.levels()
    assert book.levels == (bids, asks)


def test_books_are_followed_by_the_chain_of_their_updates(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        exchange = exchange_of(venue)
        numbers = random.Random(5)
        traders = [Trader(exchange, symbol, numbers) for symbol in ("BTC-USD", "ETH-USD")]
        stream = venue.calls.StreamDepth(pb.StreamDepthRequest(symbols=["BTC-USD", "ETH-USD"]))
        await stream.initial_metadata()
        books = {"BTC-USD": LocalBook(), "ETH-USD": LocalBook()}
        for _ in range(10):
            for trader in traders:
                await asyncio.to_thread(trader.trade, 30)
            await venue.real.venue.trading.reached()
        readers = {symbol: DepthReader(exchange, symbol) for symbol in books}
        for reader in readers.values():
            reader.read()
        while any(books[symbol].last_update_id < reader.levels()[0] for symbol, reader in readers.items()):
            message = await stream.read()
            books[getattr(message, message.WhichOneof("message")).symbol].apply(message)
        for symbol, reader in readers.items():
            assert books[symbol].levels == tuple(reader.levels()[2:])
            assert books[symbol].snapshots == 1
        # A book that is read once leads into the same chain.
        book = await venue.calls.GetBook(pb.GetBookRequest(symbol="BTC-USD", levels=5))
        assert book.last_update_id >= books["BTC-USD"].last_update_id
        assert len(book.bids) <= 5
        stream.cancel()
        exchange.close()

    play(tmp_path, test)


def test_trades_come_live_and_behind_a_sequence_number(tmp_path: Path) -> None:
    async def trade(venue: GrpcVenue, symbol: str = "BTC-USD") -> int:
        await venue.calls.SubmitOrder(submit(symbol=symbol))
        taker = await venue.calls.SubmitOrder(submit(symbol=symbol, side=pb.SIDE_SELL, account="bob"))
        return int(taker.sequence)

    async def test(venue: GrpcVenue) -> None:
        sequences = [await trade(venue) for _ in range(3)]
        # A stream is about what the feed has not read yet: that is to be what comes.
        await venue.real.venue.trading.reached()
        live = venue.calls.StreamTrades(pb.StreamTradesRequest(symbols=["BTC-USD", "ETH-USD"]))
        await live.initial_metadata()
        behind = venue.calls.StreamTrades(pb.StreamTradesRequest(symbols=["BTC-USD"], from_sequence=sequences[0]))
        await behind.initial_metadata()
        sequences.append(await trade(venue))
        await trade(venue, "ETH-USD")
        # Instruments of different shards have no order between them.
        messages = sorted([await live.read(), await live.read()], key=lambda it: it.symbol)
        assert [(it.symbol, [one.trade_id for one in it.trades]) for it in messages] == [
            ("BTC-USD", [4]),
            ("ETH-USD", [1]),
        ]
        (print_,) = messages[0].trades
        assert (print_.price, print_.quantity, print_.side) == ("100.00", "1.000", pb.SIDE_SELL)
        found: list[int] = []
        while len(found) < 3:
            found += [one.sequence for one in (await behind.read()).trades]
        assert found == sequences[1:]
        listed = await venue.calls.ListTrades(pb.ListTradesRequest(symbol="BTC-USD", limit=2))
        assert [one.trade_id for one in listed.trades] == [4, 3]
        two = pb.StreamTradesRequest(symbols=["BTC-USD", "ETH-USD"], from_sequence=1)
        assert await ended(venue.calls.StreamTrades(two)) == (Code.INVALID_ARGUMENT, "malformed")
        live.cancel()
        behind.cancel()

    play(tmp_path, test)


def test_tickers_and_candles_come_as_they_change(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        tickers = venue.calls.StreamTickers(pb.StreamTickersRequest(symbols=["BTC-USD"]))
        first = (await tickers.read()).ticker
        assert (first.symbol, first.HasField("best_bid")) == ("BTC-USD", False)
        await venue.calls.SubmitOrder(submit())
        assert (await tickers.read()).ticker.best_bid == "100.00"
        await venue.calls.SubmitOrder(submit(side=pb.SIDE_SELL, account="bob"))
        while (ticker := (await tickers.read()).ticker).last_price != "100.00":
            pass
        assert (ticker.trades, ticker.volume) == (1, "1.000")
        candles = venue.calls.StreamCandles(pb.StreamCandlesRequest(symbols=["BTC-USD"], period="1m"))
        message = await candles.read()
        assert (message.period, message.candle.close, message.candle.is_closed) == ("1m", "100.00", False)
        listed = await venue.calls.ListCandles(pb.ListCandlesRequest(symbol="BTC-USD"))
        assert [candle.close for candle in listed.candles] == ["100.00"]
        wrong = pb.StreamCandlesRequest(symbols=["BTC-USD"], period="7m")
        assert await ended(venue.calls.StreamCandles(wrong)) == (Code.INVALID_ARGUMENT, "unknown_period")
        tickers.cancel()
        candles.cancel()

    play(tmp_path, test)


class Follower:
    """Own orders as somebody has them who is cut off again and again, and gives what he knows when he comes back."""

    def __init__(self, venue: GrpcVenue) -> None:
        self.venue = venue
        self.known: list[int] = []
        self.fills: list[tuple[int, int, int]] = []
        self.filled: dict[int, Decimal] = {}

    async def connect(self) -> Any:
        request = pb.StreamOrdersRequest(account="alice", from_sequences=self.known)
        stream = self.venue.calls.StreamOrders(request)
        begun = list((await stream.read()).begun.sequences)
        assert begun == (self.known or begun)
        self.known = begun
        return stream

    async def take(self, stream: Any) -> None:
        changed = (await stream.read()).changed
        assert changed.account == "alice"
        assert changed.sequence > self.known[changed.shard]
        self.known[changed.shard] = changed.sequence
        for order in changed.orders:
            self.fills += [(changed.shard, order.order_id, fill.trade_id) for fill in order.fills]
            self.filled[order.order_id] = Decimal(order.filled_quantity)


def test_own_orders_resume_without_a_gap_or_a_double(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        follower = Follower(venue)
        stream = await follower.connect()
        rested = [
            (await venue.calls.SubmitOrder(submit(symbol=symbol, quantity="200"))).order_id
            for symbol in ("BTC-USD", "ETH-USD")
        ]
        many = 100

        async def sell() -> None:
            for _ in range(many):
                for symbol in ("BTC-USD", "ETH-USD"):
                    await venue.calls.SubmitOrder(submit(symbol=symbol, side=pb.SIDE_SELL, account="bob"))

        selling, cuts = asyncio.create_task(sell()), 0
        while len(follower.fills) < 2 * many:
            await follower.take(stream)
            if len(follower.fills) > 20 * cuts:
                stream.cancel()
                cuts += 1
                stream = await follower.connect()
        await selling
        assert cuts > 5
        assert len(set(follower.fills)) == len(follower.fills) == 2 * many
        assert [follower.filled[number] for number in rested] == [many, many]
        stream.cancel()
        wrong = pb.StreamOrdersRequest(account="alice", from_sequences=[1])
        assert await ended(venue.calls.StreamOrders(wrong)) == (Code.INVALID_ARGUMENT, "malformed")
        wrong = pb.StreamOrdersRequest(account="carol")
        assert await ended(venue.calls.StreamOrders(wrong)) == (Code.NOT_FOUND, "unknown_account")

    play(tmp_path, test)


def test_own_orders_resume_from_the_journal_when_the_server_has_started_again(tmp_path: Path) -> None:
    known: list[int] = []

    async def first(venue: GrpcVenue) -> None:
        follower = Follower(venue)
        stream = await follower.connect()
        known.extend(follower.known)
        await venue.calls.SubmitOrder(submit(quantity="3"))
        await venue.calls.SubmitOrder(submit(side=pb.SIDE_SELL, account="bob"))
        stream.cancel()

    async def second(venue: GrpcVenue) -> None:
        follower = Follower(venue)
        follower.known = known
        stream = await follower.connect()
        while not follower.fills:
            await follower.take(stream)
        await venue.calls.SubmitOrder(submit(side=pb.SIDE_SELL, account="bob"))
        while len(follower.fills) < 2:
            await follower.take(stream)
        assert [trade_id for _, _, trade_id in follower.fills] == [1, 2]
        stream.cancel()

    play(tmp_path, first)
    play(tmp_path, second)


def test_a_slow_client_of_a_book_gets_a_snapshot_for_what_it_missed(tmp_path: Path) -> None:
    small = "market_data: {interval_ms: 1}\ngateways: {grpc: {enabled: true, port: 0, buffer_bytes: 1024}}\n"

    async def test(venue: GrpcVenue) -> None:
        exchange = exchange_of(venue)
        trader = Trader(exchange, "BTC-USD", random.Random(7))
        stream = venue.calls.StreamDepth(pb.StreamDepthRequest(symbols=["BTC-USD"]))
        await stream.initial_metadata()
        registry = venue.real.venue.observer.registry
        conflated = 'aeromatch_stream_conflated_total{gateway="grpc",channel="depth"}'
        while conflated not in registry.text():
            await asyncio.to_thread(trader.trade, 200)
            await venue.real.venue.trading.reached()
        book = LocalBook()
        await follow_to_the_end(stream, book, DepthReader(exchange, "BTC-USD"))
        assert book.snapshots > 1
        stream.cancel()
        exchange.close()

    play(tmp_path, test, config=CONFIG + small, **LITTLE_ROOM)


@pytest.mark.parametrize("limit", ["queue_messages: 8", "slow_timeout_s: 0.3"])
def test_who_does_not_read_what_cannot_be_left_out_is_told_why_and_ended(tmp_path: Path, limit: str) -> None:
    small = f"gateways: {{grpc: {{enabled: true, port: 0, buffer_bytes: 1024, {limit}}}}}\n"

    async def test(venue: GrpcVenue) -> None:
        stream = venue.calls.StreamOrders(pb.StreamOrdersRequest(account="alice"))
        await stream.initial_metadata()
        registry = venue.real.venue.observer.registry
        closed = 'aeromatch_gateway_closed_total{gateway="grpc",reason="slow_consumer"} 1'
        orders = pb.SubmitOrdersRequest(orders=[submit().order] * 100)
        while closed not in registry.text():
            await venue.calls.SubmitOrders(orders)
        # What it had room for comes, then the reason.
        assert await ended(stream) == (Code.RESOURCE_EXHAUSTED, "slow_consumer")
        await left(venue)

    play(tmp_path, test, config=CONFIG + small, **LITTLE_ROOM)


def test_streams_end_with_a_reason(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        none = pb.StreamDepthRequest(symbols=["NONE-SUCH"])
        assert await ended(calls.StreamDepth(none)) == (Code.NOT_FOUND, "unknown_instrument")
        assert await ended(calls.StreamDepth(pb.StreamDepthRequest())) == (Code.INVALID_ARGUMENT, "malformed")
        streams = [
            calls.StreamTickers(pb.StreamTickersRequest(symbols=["BTC-USD"])),
            calls.StreamOrders(pb.StreamOrdersRequest(account="alice")),
        ]
        for stream in streams:
            await stream.initial_metadata()
        venue.server.fail("the feed has failed")
        for stream in streams:
            assert await ended(stream) == (Code.UNAVAILABLE, "unavailable")
        again = calls.StreamTickers(pb.StreamTickersRequest(symbols=["BTC-USD"]))
        await again.initial_metadata()
        await venue.server.drain()
        assert await ended(again) == (Code.UNAVAILABLE, "draining")
        await left(venue)

    play(tmp_path, test)


def test_who_goes_leaves_nothing_behind(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        for _ in range(5):
            stream = venue.calls.StreamDepth(pb.StreamDepthRequest(symbols=["BTC-USD", "ETH-USD"]))
            await stream.initial_metadata()
            stream.cancel()
        await left(venue)
        text = venue.real.venue.observer.registry.text()
        assert 'aeromatch_stream_subscriptions{gateway="grpc"} 0' in text

    play(tmp_path, test)
