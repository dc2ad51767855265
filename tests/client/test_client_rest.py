"""Requests: what is sent, what is repeated, what is raised."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.client.servers import Venue, problem, proxied, serving, serving_in_a_thread

from aeromatch.client import (
    AnswerTimeoutError,
    AsyncClient,
    BadAnswerError,
    BearerToken,
    BusyError,
    Client,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    RateLimitedError,
    RejectedError,
    SigningKey,
    new_order,
)
from aeromatch.schema.market import Candle
from aeromatch.schema.orders import NewOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def at(port: int, **arguments: Any) -> AsyncClient:
    return AsyncClient(f"http://127.0.0.1:{port}", **arguments)


def with_venue(test: Callable[[Venue, AsyncClient], Awaitable[None]], **arguments: Any) -> Venue:
    """Runs a test against a venue, and gives it back."""
    venue = Venue()

    async def run() -> None:
        async with serving(venue) as port, at(port, **arguments) as client:
            await test(venue, client)

    asyncio.run(run())
    return venue


def test_an_order_is_sent_as_it_is_meant() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        order = await client.submit("X", "buy", quantity=Decimal("0.50"), price=0.1, order_type="limit", post_only=True)
        assert (order.symbol, order.quantity, order.price, order.account) == ("X", "0.50", "0.1", "alice")

    venue = with_venue(test, account="alice")
    assert (venue.seen[0].method, venue.seen[0].target) == ("POST", "/order")
    sent = msgspec.json.decode(venue.seen[0].body, type=NewOrder)
    assert sent.post_only is True
    assert sent.client_order_id
    assert len(sent.client_order_id) == 32


@pytest.mark.parametrize(
    ("quantity", "error"), [("many", ValueError), (float("nan"), ValueError), (True, TypeError), ([1], TypeError)]
)
def test_amounts_that_are_none_name_the_argument(quantity: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="quantity"):
        new_order("X", "buy", quantity=quantity)


def test_large_and_small_amounts_are_sent_without_exponent() -> None:
    assert new_order("X", "buy", quantity=1e-7, price=Decimal("1E+3")).quantity == "0.0000001"
    assert new_order("X", "buy", quantity=1, price=Decimal("1E+3")).price == "1000"


def test_a_refusal_has_its_slug_and_problem() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        with pytest.raises(RejectedError, match="unknown_instrument: there is no instrument 'Y'") as caught:
            await client.submit("Y", "buy", quantity=1, price=1)
        assert (caught.value.slug, caught.value.status) == ("unknown_instrument", 404)
        assert caught.value.problem.type == "urn:aeromatch:problem:unknown_instrument"

    assert len(with_venue(test).seen) == 1


def test_a_lost_answer_is_asked_for_again_and_the_order_is_one() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port) as client:
            proxy.swallowed_answers = 2
            order = await client.submit("X", "buy", quantity=1, price=1)
            assert order.status == "open"

    asyncio.run(run())
    assert len(venue.seen) == 3
    assert len({request.body for request in venue.seen}) == 1
    assert len(venue.orders) == 1


def test_a_batch_whose_answer_is_lost_is_sent_again_and_makes_nothing_twice() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port) as client:
            proxy.swallowed_answers = 1
            orders = [new_order("X" if i % 100 else "Y", "buy", quantity=1, price=i + 1) for i in range(1_500)]
            result = await client.submit_many(orders)
            assert (result.accepted, result.rejected, len(result.results)) == (1_485, 15, 1_500)
            assert [item.order.price for item in result.results[1:99] if item.order] == [str(i) for i in range(2, 100)]
            assert result.results[100].problem is not None

    asyncio.run(run())
    assert [request.target for request in venue.seen] == ["/orders"] * 3
    assert len(venue.orders) == 1_485


def test_a_cancel_whose_answer_is_lost_is_done() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port) as client:
            order = await client.submit("X", "buy", quantity=1, price=1)
            proxy.swallowed_answers = 1
            assert (await client.cancel(order.order_id)).status == "canceled"
            with pytest.raises(RejectedError, match="unknown_order"):
                await client.cancel(order.order_id)

    asyncio.run(run())
    assert [request.method for request in venue.seen] == ["POST", "DELETE", "DELETE", "GET", "DELETE"]


def test_a_deposit_whose_answer_is_lost_is_done_once() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port) as client:
            proxy.swallowed_answers = 1
            result = await client.deposit("alice", "USD", 5)
            assert (result.sequence, result.balances[0].total) == (0, "5")
            assert (await client.deposit("alice", "USD", 5, id="mine")).sequence == 5
            with pytest.raises(RejectedError, match="duplicate_transfer"):
                await client.deposit("alice", "USD", 5, id="mine")

    asyncio.run(run())
    assert len(venue.moves) == 2


def test_an_amend_is_never_sent_twice() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port) as client:
            order = await client.submit("X", "buy", quantity=1, price=1)
            proxy.swallowed_answers = 1
            with pytest.raises(NoAnswerError, match="sent, and the connection ended") as caught:
                await client.amend(order.order_id, quantity=2)
            assert caught.value.lost_answers == 1

    asyncio.run(run())
    assert [request.method for request in venue.seen] == ["POST", "PATCH"]


def test_too_many_lost_answers_are_told() -> None:
    venue = Venue()

    async def run() -> None:
        async with proxied(venue) as proxy, at(proxy.port, retries=1) as client:
            proxy.swallowed_answers = 9
            with pytest.raises(NoAnswerError) as caught:
                await client.submit("X", "buy", quantity=1, price=1)
            assert caught.value.lost_answers == 2

    asyncio.run(run())
    assert len(venue.seen) == 2


def test_a_server_that_has_no_room_is_asked_again() -> None:
    async def test(venue: Venue, client: AsyncClient) -> None:
        venue.failures = [problem("rate_limited", 429, retry_after_ms=1), problem("capacity", 503, retry_after_ms=1)]
        assert (await client.submit("X", "buy", quantity=1, price=1)).status == "open"
        venue.failures = [problem("capacity", 503)]
        with pytest.raises(BusyError):
            await client.amend("1000", quantity=2)
        venue.failures = [problem("rate_limited", 429, retry_after_ms=1)]
        await client.amend("1000", quantity=2)
        venue.failures = [problem("rate_limited", 429, retry_after_ms=1)] * 9
        with pytest.raises(RateLimitedError) as caught:
            await client.orders().take()
        assert caught.value.retry_after_ms == 1

    assert len(with_venue(test, retries=2).seen) == 3 + 1 + 2 + 3


def test_no_answer_in_time() -> None:
    async def test(venue: Venue, client: AsyncClient) -> None:
        venue.hold = asyncio.Event()
        with pytest.raises(AnswerTimeoutError, match=r"POST /order: no answer in 0\.2 s") as caught:
            await client.submit("X", "buy", quantity=1, price=1)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.lost_answers == 1
        venue.hold.set()

    with_venue(test, timeout_s=0.2)


def test_a_server_that_is_not_there() -> None:
    async def run() -> None:
        async with serving(Venue()) as port:
            pass
        async with at(port, retries=1) as client:
            with pytest.raises(NoConnectionError, match=f"127.0.0.1:{port} cannot be reached"):
                await client.submit("X", "buy", quantity=1, price=1)

    asyncio.run(run())


def test_an_answer_that_is_none() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        with pytest.raises(BadAnswerError, match=r"GET /echo: Input data"):
            await client._get(int, "/echo")

    with_venue(test)


def test_pages_are_read_one_by_one() -> None:
    async def test(venue: Venue, client: AsyncClient) -> None:
        for price in range(1, 8):
            await client.submit("X", "buy", quantity=1, price=price)
        venue.seen.clear()
        assert [order.price async for order in client.orders(page=3)] == list("7654321")
        assert len(venue.seen) == 3
        pages = client.orders(page=3)
        assert [order.price for order in await pages.take(2)] == ["7", "6"]
        assert len(venue.seen) == 4
        assert [order.price for order in await pages.take()] == list("54321")

    with_venue(test)


def test_candles_of_several_pages_are_oldest_first() -> None:
    async def test(venue: Venue, client: AsyncClient) -> None:
        venue.candles = [candle(start) for start in range(1_200)]
        assert [each.start for each in await client.candles("X", limit=None)] == list(range(1_200))
        assert [each.start for each in await client.candles("X", limit=700)] == list(range(500, 1_200))
        assert [each.start for each in await client.candles("X", start=7, end=9)] == [7, 8]

    with_venue(test)


def candle(start: int) -> Candle:
    return Candle(
        start=start, open="1", high="1", low="1", close="1", volume="1", notional="1", trades=1, is_closed=True
    )


def test_a_symbol_may_have_a_slash() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        assert (await client.book("Election/Yes")).symbol == "Election/Yes"

    assert with_venue(test).seen[0].target == "/book/Election%2FYes?levels=20"


def test_a_bearer_token_goes_with_every_request() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        await client.ticker("X")
        assert "geheim" not in repr(client)

    assert with_venue(test, credentials=BearerToken("k.geheim")).seen[0].headers["authorization"] == "Bearer k.geheim"


def test_a_signature_covers_time_nonce_method_target_and_body() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        await client.submit("X", "buy", quantity=1, price=1)
        await client.orders(symbol="A/Ü b").take()
        assert "geheim" not in repr(client)

    seen = with_venue(test, credentials=SigningKey("k", "geheim")).seen
    assert len({request.headers["x-aeromatch-nonce"] for request in seen}) == 2
    for request in seen:
        headers = request.headers
        text = "\n".join(
            (
                headers["x-aeromatch-timestamp"],
                headers["x-aeromatch-nonce"],
                request.method,
                request.target,
                hashlib.sha256(request.body).hexdigest(),
            )
        )
        key = hashlib.sha256(b"geheim").digest()
        assert headers["x-aeromatch-signature"] == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        assert headers["x-aeromatch-key"] == "k"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "ftp://there"}, "url"),
        ({"url": "http://there/path"}, "url"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"retries": -1}, "retries"),
        ({"cancel_on_disconnect": True}, "cancel_on_disconnect"),
    ],
)
def test_misuse_names_the_argument(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AsyncClient(**arguments)


def test_misuse_of_calls() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        with pytest.raises(ValueError, match="either order_id or client_order_id"):
            await client.cancel()
        with pytest.raises(ValueError, match="symbol"):
            await client.cancel(client_order_id="a")
        with pytest.raises(ValueError, match="account"):
            await client.balances()

    assert with_venue(test).seen == []


def test_a_closed_client_says_so() -> None:
    async def test(_: Venue, client: AsyncClient) -> None:
        await client.close()
        await client.close()
        with pytest.raises(ClosedError):
            await client.ticker("X")
        with pytest.raises(ClosedError):
            async with client.stream_tickers("X"):
                pass

    with_venue(test)


def test_the_sync_client_has_every_call_of_the_async_one() -> None:
    calls = {name for name in dir(AsyncClient) if not name.startswith("_")}
    assert calls <= set(dir(Client)) | {"account", "url"}


def test_sync_and_async_give_the_same() -> None:
    venue = Venue()
    with serving_in_a_thread(venue) as (url, _):

        async def ask() -> list[Any]:
            async with AsyncClient(url, account="a") as client:
                return [
                    await client.submit("X", "buy", quantity=2, price="1.5", client_order_id="c"),
                    await client.submit_many([new_order("Y", "sell", quantity=1)]),
                    await client.orders().take(),
                    await client.book("X", levels=3),
                    await client.candles("X", "5m"),
                    await client.balances(),
                ]

        with Client(url, account="a") as client:
            answers = [
                client.submit("X", "buy", quantity=2, price="1.5", client_order_id="c"),
                client.submit_many([new_order("Y", "sell", quantity=1)]),
                list(client.orders()),
                client.book("X", levels=3),
                client.candles("X", "5m"),
                client.balances(),
            ]
            with pytest.raises(RejectedError, match="unknown_instrument"):
                client.submit("Y", "buy", quantity=1, price=1)
            assert client.orders().take(1) == answers[2]
            assert repr(client) == f"Client({url!r}, credentials=None, account='a')"
        with pytest.raises(ClosedError):
            client.ticker("X")
        client.close()
        assert asyncio.run(ask()) == answers
