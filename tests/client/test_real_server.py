"""The client against the whole server, a process of its own: what docs/client.md promises, as a user would try it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.server.process import serving

from aeromatch.client import AsyncClient, Client, RejectedError, new_order
from aeromatch.schema.admin import NewEvent, NewInstrument

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "client.md"
BLOCK = re.compile(r"```python client\n(.*?)```", re.DOTALL)
DOCUMENTED_URL = "http://127.0.0.1:8080"
WAIT_S = 60


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A demo server: markets that trade by themselves, and alice and bob, who have money."""
    with serving("--demo") as server:
        yield server.ready()
        server.stop()


def played(test: Any, url: str, **arguments: Any) -> None:
    async def run() -> None:
        async with asyncio.timeout(WAIT_S), AsyncClient(url, account="alice", **arguments) as client:
            await test(client)

    asyncio.run(run())


@pytest.mark.parametrize("orders_over", ["rest", "websocket"])
def test_orders_come_and_go(url: str, orders_over: Any) -> None:
    async def test(client: AsyncClient) -> None:
        resting = await client.submit("BTC-USD", "buy", quantity="0.01", price=50_000)
        assert (resting.status, resting.account, resting.price) == ("open", "alice", "50000.0")
        amended = await client.amend(resting.order_id, quantity="0.02")
        assert amended.remaining_quantity == "0.0200"
        named = {"client_order_id": resting.client_order_id, "symbol": "BTC-USD"}
        amended = await client.amend(**named, price=49_999)
        assert (amended.order_id, amended.price) == (resting.order_id, "49999.0")
        assert await client.order(**named) == await client.order(resting.order_id)
        with pytest.raises(ValueError, match="either order_id or client_order_id"):
            await client.order(resting.order_id, **named)
        await client.create_instrument(NewInstrument(symbol=orders_over, tick_size="0.01"))
        await client.submit(orders_over, "sell", quantity=2, price="1.5", account="bob")
        taken = await client.submit(orders_over, "buy", quantity=3, price=2, time_in_force="ioc")
        assert (taken.status, taken.filled_quantity, taken.average_price) == ("canceled", "2", "1.50")
        assert [(fill.price, fill.quantity, fill.liquidity) for fill in taken.fills] == [("1.50", "2", "taker")]
        gone = await client.mass_cancel(symbol="BTC-USD")
        assert gone.order_ids == [resting.order_id]
        with pytest.raises(RejectedError, match="unknown_order"):
            await client.cancel(resting.order_id)
        with pytest.raises(RejectedError) as caught:
            await client.submit("BTC-USD", "buy", quantity="0.00001", price=50_000)
        assert (caught.value.slug, caught.value.status) == ("invalid_quantity", 422)
        with pytest.raises(RejectedError, match="unknown_instrument"):
            await client.submit("Nothing", "buy", quantity=1, price=1)

    played(test, url, orders_over=orders_over)


def test_an_order_sent_again_is_the_same_one(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        first = await client.submit("ACME", "buy", quantity=1, price=20, client_order_id="again")
        again = await client.submit("ACME", "buy", quantity="1.0", price="20.00", client_order_id="again")
        assert (again.order_id, again.status) == (first.order_id, "open")
        with pytest.raises(RejectedError, match="duplicate_client_order_id"):
            await client.submit("ACME", "buy", quantity=2, price=20, client_order_id="again")
        assert (await client.cancel(client_order_id="again", symbol="ACME")).status == "canceled"

    played(test, url)


def test_the_past_is_read_page_by_page(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        made = [(await client.submit("ACME", "buy", quantity=1, price=10 + i)).order_id for i in range(5)]
        live = [order.order_id async for order in client.orders(symbol="ACME", status="live", page=2)]
        assert live == made[::-1]
        assert (await client.cancel(made[0])).status == "canceled"
        assert (await client.order(made[0])).reason == "requested"
        await client.mass_cancel(symbol="ACME")
        assert await client.orders(symbol="ACME", status="live").take() == []
        done = await client.orders(symbol="ACME", status="done", page=2).take(5)
        assert sorted(order.order_id for order in done) == made

        async with client.stream_trades("BTC-USD") as stream:
            while (last := await anext(stream)).trade_id < 20:
                pass
        newest = await client.trades("BTC-USD", page=7).take(20)
        assert [trade.trade_id for trade in newest] == list(range(newest[0].trade_id, newest[0].trade_id - 20, -1))
        assert newest[0].trade_id >= last.trade_id
        async with client.stream_candles("BTC-USD", "1s") as candles:
            seen = [await anext(candles) for _ in range(3)]
        stored = {candle.start: candle for candle in await client.candles("BTC-USD", "1s", start=seen[0].start)}
        assert {candle.start for candle in seen} <= stored.keys()
        assert stored[seen[0].start].trades >= seen[0].trades

    played(test, url)


def test_a_batch_is_answered_one_by_one(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        orders = [
            new_order("ETH-USD", "buy", quantity="0.1" if i % 5 else "0.0001", price=1_000 + i) for i in range(1_100)
        ]
        result = await client.submit_many(orders)
        assert (result.accepted, result.rejected) == (880, 220)
        refused = result.results[5].problem
        assert refused is not None
        assert refused.slug == "invalid_quantity"
        assert (await client.mass_cancel(symbol="ETH-USD")).canceled == 880

    played(test, url)


def test_money_moves_once(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        await client.create_account("carol")
        await client.deposit("carol", "USD", "100.5", id="first")
        with pytest.raises(RejectedError, match="duplicate_transfer"):
            await client.deposit("carol", "USD", "100.5", id="first")
        await client.withdraw("carol", "USD", "0.5")
        balances = (await client.balances("carol")).balances
        assert [(each.asset, each.total) for each in balances] == [("USD", "100.00000000")]
        assert "carol" in [account.account async for account in client.accounts(page=2)]

    played(test, url)


def test_operators_make_things_and_turn_them_off(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        await client.create_instrument(NewInstrument(symbol="A/B", tick_size="0.5"))
        assert (await client.instrument("A/B")).tick_size == "0.5"
        await client.set_phase("A/B", "halted")
        with pytest.raises(RejectedError, match="not_allowed_in_phase"):
            await client.submit("A/B", "buy", quantity=1, price=1)
        await client.set_phase("A/B", "continuous")
        order = await client.submit("A/B", "buy", quantity=1, price="1.5")
        assert (await client.set_kill_switch(engaged=True, account="alice")).killed
        with pytest.raises(RejectedError, match="kill_switch"):
            await client.submit("A/B", "buy", quantity=1, price=1)
        assert not (await client.set_kill_switch(engaged=False, account="alice")).killed
        with pytest.raises(RejectedError, match="unknown_order"):
            await client.cancel(order.order_id)
        await client.create_event(NewEvent(name="Snow", outcomes=["Yes", "No"], currency="USD"))
        await client.mint("Snow", "alice", 10)
        await client.redeem("Snow", "alice", 4)
        await client.settle("Snow", outcome="Yes")
        assert (await client.event("Snow")).settled
        assert (await client.set_dead_man(60_000)).fires_at is not None
        assert (await client.set_dead_man(0)).fires_at is None
        assert (await client.health()).status == "ready"
        assert (await client.stats()).orders_per_second >= 0
        assert (await client.me()).account is None

    played(test, url)


def test_a_local_book_is_the_servers(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        async with client.local_book("BTC-USD") as book, client.stream_tickers("BTC-USD") as tickers:
            for _ in range(5):
                assert await book.verify_now()
            assert (book.verified, book.resyncs, book.unknown_levels) == (5, 0, 0)
            await book.until(lambda local: local.best_bid is not None)
            assert (await anext(tickers)).symbol == "BTC-USD"

    played(test, url)


def test_trades_of_the_past_and_the_present_have_no_gap(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        async with client.stream_trades("BTC-USD", from_sequence=0) as trades:
            seen = [(await anext(trades)).trade_id for _ in range(200)]
        assert seen == list(range(1, 201))

    played(test, url)


def test_own_orders_come_with_their_fills(url: str) -> None:
    async def test(client: AsyncClient) -> None:
        await client.create_instrument(NewInstrument(symbol="own", tick_size="0.01"))
        async with client.stream_orders() as orders:
            sell = await client.submit("own", "sell", quantity=5, price="1.5")
            await client.submit("own", "buy", quantity=2, price="1.5", account="bob")
            await client.submit("own", "buy", quantity=3, price="1.5", account="bob")
            fills, last = [], sell
            while last.status != "filled":
                last = await anext(orders)
                assert last.order_id == sell.order_id
                fills += last.fills
            assert [(fill.quantity, fill.liquidity) for fill in fills] == [("2", "maker"), ("3", "maker")]

    played(test, url)


def test_what_the_document_shows_runs(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = BLOCK.findall(DOCUMENT.read_text())
    assert len(blocks) >= 3
    names: dict[str, Any] = {}
    for code in blocks:
        assert DOCUMENTED_URL in code or "url" not in code
        exec(compile(code.replace(DOCUMENTED_URL, url), str(DOCUMENT), "exec"), names)
    assert "10 rest, 10 were canceled\ninvalid_quantity\n" in capsys.readouterr().out


def test_the_sync_client_trades_too(url: str) -> None:
    with Client(url, account="bob") as client:
        order = client.submit("BTC-USD", "sell", quantity="0.01", price=200_000)
        assert order.status == "open"
        assert client.mass_cancel(symbol="BTC-USD").order_ids == [order.order_id]
        with client.local_book("BTC-USD") as book:
            assert book.verify_now()
