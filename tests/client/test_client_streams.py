"""Streams and local books: they come back after a break, without a gap and without a double."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.servers import Proxy, Venue, problem, proxied, serving, serving_in_a_thread

from aeromatch.client import (
    AnswerTimeoutError,
    AsyncClient,
    BearerToken,
    BusyError,
    Client,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    OutOfSyncError,
    RateLimitedError,
    RejectedError,
    SigningKey,
)
from aeromatch.schema.market import Book, Candle
from aeromatch.schema.messages import CandleMessage, ClosingMessage, LoginRequest, NewOrderRequest, SubscribeRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WAIT_S = 20
"""Longer than anything here takes."""


def with_proxy(test: Callable[[Venue, Proxy, AsyncClient], Awaitable[None]], **arguments: Any) -> Venue:
    """Runs a test against a venue behind a proxy, and gives it back."""
    venue = Venue()

    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            proxied(venue) as proxy,
            AsyncClient(f"http://127.0.0.1:{proxy.port}", **arguments) as client,
        ):
            await test(venue, proxy, client)

    asyncio.run(run())
    return venue


async def ids(stream: Any, count: int) -> list[int]:
    return [(await anext(stream)).trade_id for _ in range(count)]


def subscriptions(venue: Venue) -> list[SubscribeRequest]:
    return [request for request in venue.said if isinstance(request, SubscribeRequest)]


def test_trades_go_on_where_they_were_cut_off() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        await venue.trade(5)
        async with client.stream_trades("X") as trades:
            for round_ in range(4):
                await venue.trade(3)
                assert await ids(trades, 3) == [6 * round_ + i for i in (6, 7, 8)]
                proxy.cut()
                await venue.trade(3)
                assert await ids(trades, 3) == [6 * round_ + i for i in (9, 10, 11)]
            assert trades.interruptions == 4

    venue = with_proxy(test)
    assert all(request.from_sequence is not None for request in subscriptions(venue))


async def lost_its_session(venue: Venue) -> None:
    """Waits until the venue knows that the connection is gone."""
    while venue.sessions:
        await asyncio.sleep(0.005)


def test_trades_are_resumed_before_the_first_one_came() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades:
            proxy.cut()
            await lost_its_session(venue)
            await venue.trade(2)
            assert await ids(trades, 2) == [1, 2]

    with_proxy(test)


def test_trades_that_the_stream_cannot_go_back_to_are_fetched() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        venue.kept = 1
        async with client.stream_trades("X") as trades:
            await venue.trade(3)
            assert await ids(trades, 3) == [1, 2, 3]
            proxy.cut()
            await lost_its_session(venue)
            await venue.trade(3)
            assert await ids(trades, 3) == [4, 5, 6]
            await venue.trade(1)
            assert await ids(trades, 1) == [7]

    with_proxy(test)


def test_a_trade_that_is_not_told_is_fetched_before_what_follows() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades:
            await venue.trade(2)
            await venue.trade(700, told=False)
            await venue.trade(2)
            await venue.trade(1)
            assert await ids(trades, 705) == list(range(1, 706))

    with_proxy(test)


def test_trades_that_nobody_has_any_more_are_told() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades:
            await venue.trade(2)
            await venue.trade(3, told=False)
            del venue.prints[:4]
            venue.prints.append(venue.prints[-1])
            await venue.publish(
                ("trades", "X", None, None),
                {
                    "type": "trades",
                    "channel": "trades",
                    "symbol": "X",
                    "trades": [
                        {
                            "trade_id": 9,
                            "symbol": "X",
                            "price": "1",
                            "quantity": "1",
                            "side": None,
                            "timestamp": 1,
                            "sequence": 99,
                        }
                    ],
                },
            )
            assert await ids(trades, 2) == [1, 2]
            with pytest.raises(OutOfSyncError, match="trades 3 to 4 of X are lost"):
                await anext(trades)

    with_proxy(test)


def test_trades_from_a_sequence() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        await venue.trade(5)
        async with client.stream_trades("X", from_sequence=4) as trades:
            assert await ids(trades, 2) == [3, 4]
            proxy.cut()
            await venue.trade(1)
            assert await ids(trades, 2) == [5, 6]

    with_proxy(test)


def test_two_streams_of_one_channel_have_a_connection_each() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as one, client.stream_trades("X") as other, client.stream_tickers("X"):
            await venue.trade(2)
            assert await ids(one, 2) == await ids(other, 2) == [1, 2]
            assert len(venue.sessions) == 2
        async with client.stream_trades("X"):
            assert len(venue.sessions) == 2

    with_proxy(test)


def test_a_stream_ends_with_its_block_and_with_the_client() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades:
            await venue.trade()
        assert [trade async for trade in trades] == []
        async with client.stream_trades("X") as trades:
            waiting = asyncio.create_task(anext(trades))
            await asyncio.sleep(0)
            await client.close()
            with pytest.raises(ClosedError):
                await waiting

    with_proxy(test)


def test_a_refused_subscription_is_told_where_it_is_entered() -> None:
    async def test(_: Venue, __: Proxy, client: AsyncClient) -> None:
        with pytest.raises(RejectedError, match="unknown_instrument"):
            async with client.stream_tickers("Y"):
                pass
        with pytest.raises(RejectedError, match="unknown_instrument"):
            async with client.local_book("Y"):
                pass

    with_proxy(test)


def test_a_ticker_is_the_newest() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        async with client.stream_tickers("X") as tickers:
            assert (await anext(tickers)).sequence == 0
            venue.sequence = 7
            proxy.cut()
            assert (await anext(tickers)).sequence == 7

    with_proxy(test)


def candle(start: int, *, is_closed: bool = True) -> Candle:
    return Candle(
        start=start, open="1", high="1", low="1", close="1", volume="1", notional="1", trades=1, is_closed=is_closed
    )


def test_candles_that_closed_during_a_break_are_fetched() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        venue.candles = [candle(1), candle(2, is_closed=False)]
        async with client.stream_candles("X", "1m") as candles:
            assert (await anext(candles)).start == 2
            proxy.cut()
            venue.candles = [candle(start) for start in range(1, 6)] + [candle(6, is_closed=False)]
            seen = [await anext(candles) for _ in range(5)]
            assert [(each.start, each.is_closed) for each in seen] == [(n, n < 6) for n in (2, 3, 4, 5, 6)]
            await venue.publish(
                ("candles", "X", "1m", None),
                CandleMessage(channel="candles", symbol="X", period="1m", candle=candle(6)),
            )
            assert (await anext(candles)).is_closed

    with_proxy(test)


def test_own_orders_go_on_where_they_were_cut_off() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        old = await client.submit("X", "buy", quantity=1, price=1)
        await venue.change_order(venue.orders[old.order_id])
        async with client.stream_orders() as orders:
            made = [await client.submit("X", "buy", quantity=1, price=price) for price in (1, 2, 3)]

            async def tell(*numbers: int) -> None:
                for number in numbers:
                    await venue.change_order(venue.orders[made[number].order_id])

            async def told(count: int) -> list[int]:
                names = [order.order_id for order in made]
                return [names.index((await anext(orders)).order_id) for _ in range(count)]

            proxy.cut()
            await tell(0)
            assert await told(1) == [0]
            await tell(0, 1, 2)
            assert await told(3) == [0, 1, 2]
            proxy.cut()
            await lost_its_session(venue)
            await tell(1, 0)
            assert await told(2) == [1, 0]
            await tell(2)
            assert await told(1) == [2]

    venue = with_proxy(test, account="alice")
    begins = [request.from_sequence for request in subscriptions(venue)]
    assert begins[0] == [2]
    assert len(begins) == 3


def test_a_local_book_follows_and_is_verified() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            await venue.update([("100", "1"), ("99", "0")])
            await book.changed()
            assert str(book.best_bid) == "Level(price=Decimal('100'), quantity=Decimal('1'))"
            assert await book.verify_now(timeout_s=0.05)
            checking = asyncio.create_task(book.verify_now())
            while book._shadow is None or not book._shadow.is_live:
                await asyncio.sleep(0.001)
            await venue.update([("98", "4")])
            assert await checking
            assert book.verified == 2

    with_proxy(test)


def test_a_dropped_update_is_noticed_and_mended() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            await venue.update([("98", "1")])
            await venue.update([("97", "1")], told=False)
            await venue.update([("96", "1")])
            while book.is_live:
                await book.changed()
            assert book.desync is not None
            assert book.desync.reason == "gap"
            with pytest.raises(OutOfSyncError, match="gap"):
                book.bids()
            await book.wait_live()
            assert [str(level.price) for level in book.bids()] == ["99", "98", "97", "96"]
            assert book.resyncs == 1

    with_proxy(test)


def test_a_book_that_differs_from_rest_is_noticed_and_mended() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            venue.rest_book = Book(
                symbol="X", last_update_id=venue.update_id, timestamp=0, bids=[("99", "4")], asks=[("101", "5")]
            )
            assert not await book.verify_now(timeout_s=0.05)
            assert book.desync is not None
            assert book.desync.reason == "differs"
            await book.wait_live()
            venue.rest_book = None
            assert await book.verify_now(timeout_s=0.05)

    with_proxy(test)


def test_a_book_that_was_cut_off_begins_anew() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            proxy.cut()
            await venue.update([("98", "2")])
            while book.is_live:
                await book.changed()
            await book.wait_live()
            assert book.quantity_at("buy", 98) == 2

    with_proxy(test)


def test_a_crossed_book_is_mended_or_shown_in_an_auction() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            venue.phase = "auction"
            await venue.update([("105", "1")])
            while book.is_live:
                await book.changed()
            assert book.desync is not None
            assert book.desync.reason == "crossed"
            await book.wait_live()
            assert str(book.best_bid) == "Level(price=Decimal('105'), quantity=Decimal('1'))"

    with_proxy(test)


def test_a_book_ends_with_the_client() -> None:
    async def test(_: Venue, __: Proxy, client: AsyncClient) -> None:
        async with client.local_book("X") as book:
            await client.close()
            with pytest.raises(ClosedError):
                await book.changed()
            with pytest.raises(OutOfSyncError):
                book.bids()

    with_proxy(test)


def test_orders_over_a_websocket_are_one_where_the_answer_is_lost() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        first = await client.submit("X", "buy", quantity=1, price=1)
        proxy.swallowed_answers = 1
        second = await client.submit("X", "buy", quantity=1, price=2)
        assert {first.order_id, second.order_id} == set(venue.orders)
        assert (await client.cancel(first.order_id)).status == "canceled"
        proxy.swallowed_answers = 1
        assert (await client.cancel(second.order_id)).status == "canceled"
        with pytest.raises(RejectedError, match="unknown_order"):
            await client.cancel(first.order_id)
        assert (await client.amend(first.order_id, quantity=2)).quantity == "2"
        proxy.swallowed_answers = 1
        with pytest.raises(NoAnswerError):
            await client.amend(first.order_id, quantity=1)

    venue = with_proxy(test, orders_over="websocket")
    entered = [request for request in venue.said if isinstance(request, NewOrderRequest)]
    assert len(entered) == 3
    assert entered[1].order == entered[2].order


def test_a_login_goes_first_and_a_refused_one_ends_it() -> None:
    venue = Venue()
    venue.token = "k.right"

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), serving(venue) as port:
            url = f"http://127.0.0.1:{port}"
            right = BearerToken("k.right")
            async with AsyncClient(
                url, credentials=right, orders_over="websocket", cancel_on_disconnect=True
            ) as client:
                await client.submit("X", "buy", quantity=1, price=1)
            async with (
                AsyncClient(url, credentials=SigningKey("k", "s")) as client,
                client.stream_tickers("X") as tickers,
            ):
                await anext(tickers)
            async with AsyncClient(url, credentials=BearerToken("k.wrong")) as client:
                with pytest.raises(RejectedError, match="unauthenticated"):
                    async with client.stream_tickers("X"):
                        pass

    asyncio.run(run())
    logins = [request for request in venue.said if isinstance(request, LoginRequest)]
    assert [login.cancel_on_disconnect for login in logins] == [True, False, False]
    signed = logins[1]
    assert signed.timestamp is not None
    assert signed.nonce is not None
    expected = SigningKey("k", "s").sign(signed.timestamp, signed.nonce, "GET", "/ws", b"")
    assert signed.signature == expected


def test_a_server_that_goes_away_for_a_while() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades:
            port = proxy.port
            await venue.trade()
            assert await ids(trades, 1) == [1]
            await venue.publish(
                ("trades", "X", None, None),
                ClosingMessage(channel="system", problem=problem("draining", 503)),
            )
            await proxy.stop()
            await venue.trade(2)
            await asyncio.sleep(0.3)
            await proxy.start(port)
            assert await ids(trades, 2) == [2, 3]

    with_proxy(test)


def test_streams_that_the_server_has_no_room_for_yet_are_resumed_all_the_same() -> None:
    async def test(venue: Venue, proxy: Proxy, client: AsyncClient) -> None:
        async with client.stream_trades("X") as trades, client.local_book("X") as book:
            await venue.trade(2)
            assert await ids(trades, 2) == [1, 2]
            venue.refusals = [problem("rate_limited", 429, retry_after_ms=1), problem("capacity", 503)]
            proxy.cut()
            await lost_its_session(venue)
            await venue.trade(2)
            assert await ids(trades, 2) == [3, 4]
            await book.wait_live()
            assert venue.refusals == []
            # So are those that ask anew without a break.
            venue.refusals = [problem("rate_limited", 429)] * 2
            await venue.update(bids=[("98", "1")], told=False)
            await venue.update(bids=[("97", "1")])
            await book.until(lambda book: [level.price for level in book.bids()] == [99, 98, 97])
            assert venue.refusals == []

    with_proxy(test)


def test_a_login_that_the_server_has_no_room_for_yet_is_sent_again() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        venue.token = "k.right"
        venue.refusals = [problem("rate_limited", 429), problem("not_ready", 503)]
        async with client.stream_tickers("X") as tickers:
            await anext(tickers)

    venue = with_proxy(test, credentials=BearerToken("k.right"))
    assert len([request for request in venue.said if isinstance(request, LoginRequest)]) == 3


def test_orders_over_a_websocket_that_the_server_has_no_room_for_yet() -> None:
    async def test(venue: Venue, _: Proxy, client: AsyncClient) -> None:
        venue.refusals = [problem("rate_limited", 429), problem("capacity", 503)]
        order = await client.submit("X", "buy", quantity=1, price=1)
        venue.refusals = [problem("rate_limited", 429)]
        assert (await client.amend(order.order_id, quantity=2)).quantity == "2"
        venue.refusals = [problem("capacity", 503)]
        with pytest.raises(BusyError, match="capacity"):
            await client.amend(order.order_id, quantity=3)
        # What the server said last is told, not that time is up.
        venue.refusals = [problem("rate_limited", 429, retry_after_ms=60_000)]
        with pytest.raises(RateLimitedError):
            await client.submit("X", "buy", quantity=1, price=1)

    assert len(with_proxy(test, orders_over="websocket", timeout_s=2.0).orders) == 1


def test_no_server_in_time() -> None:
    async def run() -> None:
        async with serving(Venue()) as port:
            pass
        async with AsyncClient(f"http://127.0.0.1:{port}", timeout_s=0.3) as client:
            with pytest.raises(NoConnectionError, match="cannot be reached"):
                async with client.stream_tickers("X"):
                    pass

    asyncio.run(run())


def test_a_server_that_has_no_room_for_the_connection() -> None:
    refusals = 0

    async def full(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal refusals
        if scope["type"] == "websocket":
            refusals += 1
            await receive()
            await send({"type": "websocket.close"})

    async def run() -> None:
        async with serving(full) as port, AsyncClient(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(RejectedError, match="http_403") as caught:
                async with client.stream_tickers("X"):
                    pass
            assert not isinstance(caught.value, BusyError)

    asyncio.run(run())
    assert refusals == 1


def test_streams_and_books_of_the_sync_client() -> None:
    venue = Venue()
    with serving_in_a_thread(venue) as (url, loop), Client(url) as client:

        def do(work: Any) -> None:
            asyncio.run_coroutine_threadsafe(work, loop).result()

        with client.stream_trades("X") as trades, client.local_book("X") as book:
            do(venue.trade(2))
            assert [next(trades).trade_id, next(trades).trade_id] == [1, 2]
            do(venue.update([("100", "1")]))
            book.until(lambda local: local.last_update_id > 10)
            with pytest.raises(AnswerTimeoutError, match="what is waited for has not happened"):
                book.until(lambda local: local.last_update_id > 99, timeout_s=0.02)
            assert [str(level.price) for level in book.bids()] == ["100", "99"]
            assert book.best_ask is not None
            assert book.verify_now(timeout_s=0.05)
            assert (book.is_live, book.desync) == (True, None)
        assert list(trades) == []
        with pytest.raises(OutOfSyncError):
            book.bids()
