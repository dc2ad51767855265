"""Orders over the binary gateway against the real server: answers, what others do to them, and cuts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.servers import Proxy
from tests.gateways.binary_venue import CONFIG, WAIT_S, BinaryVenue, binary_venue, keyed_venue
from tests.server.serving import played

from aeromatch import Commands, commands
from aeromatch.client import AsyncBinaryClient, BinaryClient, RejectedError, new_order
from aeromatch.client.wire_codes import CODES
from aeromatch.schema.orders import Order
from aeromatch.server.admission.audit import read_notes
from aeromatch.server.admission.review import Origins, entries

KEPT = CONFIG.replace("durability: memory", "durability: os")


@played
async def test_an_order_and_its_report(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice:
        order = await alice.submit("BTC-USD", "buy", quantity="0.5", price="100.25", client_order_id="first")
        assert (order.symbol, order.side, order.type, order.status) == ("BTC-USD", "buy", "limit", "open")
        assert (order.quantity, order.remaining_quantity, order.price) == ("0.500", "0.500", "100.25")
        assert (order.account, order.client_order_id, order.fills) == ("alice", "first", [])
        shown = await venue.real.ask("GET", f"/order/{order.order_id}")
        assert shown["client_order_id"] == "first"
        ours = order.as_dict()
        assert {name: shown[name] for name in ours if name != "fills"} == {
            name: value for name, value in ours.items() if name != "fills"
        }


@played
async def test_passive_fills_are_seen_by_the_other_account(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        resting = await alice.submit("BTC-USD", "sell", quantity=2, price=100)
        async with alice.stream_orders() as own:
            taken = await bob.submit("BTC-USD", "buy", quantity=1, price=101)
            assert (taken.status, taken.average_price, taken.fills[0].liquidity) == ("filled", "100.00", "taker")
            seen = await anext(own)
            assert (seen.order_id, seen.status) == (resting.order_id, "partially_filled")
            assert (seen.filled_quantity, seen.remaining_quantity) == ("1.000", "1.000")
            (fill,) = seen.fills
            assert (fill.price, fill.quantity, fill.liquidity) == ("100.00", "1.000", "maker")
            assert (fill.trade_id, fill.timestamp) == (taken.fills[0].trade_id, taken.fills[0].timestamp)
            assert resting.created_at < fill.timestamp == seen.updated_at
            # Canceled from anywhere: over REST, by an operator.
            await venue.real.ask("DELETE", f"/order/{resting.order_id}")
            seen = await anext(own)
            assert (seen.status, seen.reason, seen.remaining_quantity) == ("canceled", "requested", "0.000")


@played
async def test_nobody_sees_whose_the_other_order_is(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        await alice.submit("BTC-USD", "sell", quantity=1, price=100)
        async with bob.stream_reports() as reports:
            await bob.submit("BTC-USD", "buy", quantity=1, price=100)
            (events,) = [(await anext(reports)).events]
            assert events["kind"].tolist() == [1, 5]
            assert events["account"].tolist()[1] == 0


@played
async def test_amend_cancel_and_mass_cancel(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice:
        order = await alice.submit("BTC-USD", "buy", quantity=2, price=100)
        changed = await alice.amend(order.order_id, quantity=1, price="99.5")
        assert (changed.quantity, changed.price, changed.status) == ("1.000", "99.50", "open")
        ended = await alice.cancel(order.order_id)
        assert (ended.status, ended.reason) == ("canceled", "requested")
        with pytest.raises(RejectedError) as refused:
            await alice.cancel(order.order_id)
        assert (refused.value.slug, refused.value.status) == ("unknown_order", 404)
        await alice.submit("ETH-USD", "sell", quantity=1, price=100, client_order_id="mine")
        assert (await alice.cancel(client_order_id="mine", symbol="ETH-USD")).client_order_id == "mine"
        kept = await alice.submit("ETH-USD", "sell", quantity=1, price=100)
        gone = [await alice.submit("BTC-USD", "buy", quantity=1, price=price) for price in (1, 2)]
        assert (await alice.mass_cancel(symbol="BTC-USD")).order_ids == [order.order_id for order in gone]
        # Two shards: the end of all of them is waited for.
        more = await alice.submit("BTC-USD", "buy", quantity=1, price=3)
        assert sorted((await alice.mass_cancel()).order_ids) == sorted([kept.order_id, more.order_id])


@played
async def test_refusals_are_those_of_every_gateway(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice:
        for fields, slug in (
            ({"price": "100.001"}, "invalid_price"),
            ({"quantity": "0.0001"}, "invalid_quantity"),
            ({"price": None}, "invalid_combination"),
            ({"client_order_id": "\N{SNOWMAN}"}, "invalid_client_order_id"),
            ({"symbol": "NONE"}, "unknown_instrument"),
            ({"account": "bob"}, "not_permitted"),
        ):
            order: dict[str, Any] = {"symbol": "BTC-USD", "side": "buy", "quantity": 1, "price": 100, **fields}
            with pytest.raises(RejectedError) as refused:
                await alice.submit(**order)
            assert refused.value.slug == slug, fields
        once = partial(alice.submit, "BTC-USD", "buy", quantity=1, price=1, client_order_id="once")
        first = await once()
        with pytest.raises(RejectedError, match=f"duplicate_client_order_id: it was used for order {first.order_id}"):
            await once()
        result = await alice.submit_many(
            [new_order("BTC-USD", "buy", quantity=1, price=price) for price in ("1", "1.001", "2")]
        )
        assert (result.accepted, result.rejected) == (2, 1)
        assert result.results[1].problem is not None
        assert result.results[1].problem.slug == "invalid_price"


@played
async def test_every_kind_of_order(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        stop = await alice.submit("BTC-USD", "buy", quantity=1, stop_price=110, order_type="stop")
        assert (stop.status, stop.price, stop.stop_price) == ("dormant", None, "110")
        hidden = await alice.submit("BTC-USD", "sell", quantity=3, price=110, display_quantity=1)
        assert hidden.display_quantity == "1"
        slid = await alice.submit("BTC-USD", "buy", quantity=1, price=110, post_only="slide")
        assert slid.price == "109.99"
        async with alice.stream_orders() as own:
            taken = await bob.submit("BTC-USD", "buy", quantity=1, order_type="market", protection_price=120)
            assert taken.status == "filled"
            seen = {order.order_id: order async for order in _some(own, 2)}
            # The trade woke the stop, which bought from the hidden one: both are alice's.
            assert seen[stop.order_id].status == "filled"
            assert seen[hidden.order_id].filled_quantity == "2.000"
        with pytest.raises(ValueError, match="budget"):
            await alice.submit("BTC-USD", "buy", quantity=1, order_type="market", budget=5)


async def _some(stream: AsyncIterator[Order], count: int) -> AsyncIterator[Order]:
    seen: set[str] = set()
    async for order in stream:
        seen.add(order.order_id)
        yield order
        if len(seen) == count:
            return


@played
async def test_second_outcomes_are_told_in_their_own_terms(tmp_path: Path) -> None:
    config = (
        CONFIG.replace("  - {name: alice}", "  - {name: alice, deposits: [{asset: USD, amount: 1000}]}")
        + """
assets: [{name: USD}]
events: [{name: Rain, outcomes: ["Yes", "No"], currency: USD}]
"""
    )
    async with binary_venue(tmp_path, config) as venue, venue.client("alice") as alice:
        order = await alice.submit("Rain/No", "buy", quantity=10, price="0.30")
        assert (order.symbol, order.side, order.price, order.status) == ("Rain/No", "buy", "0.30", "open")
        shown = await venue.real.ask("GET", f"/order/{order.order_id}")
        assert (shown["symbol"], shown["side"], shown["price"]) == ("Rain/No", "buy", "0.30")
        changed = await alice.amend(order.order_id, price="0.25")
        assert (changed.symbol, changed.price) == ("Rain/No", "0.25")
        taken = await alice.submit("Rain/Yes", "buy", quantity=4, price="0.75")
        assert (taken.symbol, taken.average_price) == ("Rain/Yes", "0.75")
        ended = await alice.cancel(order.order_id)
        assert (ended.filled_quantity, ended.average_price) == ("4", "0.25")


@asynccontextmanager
async def closing(client: AsyncBinaryClient) -> AsyncIterator[AsyncBinaryClient]:
    """A client that connects when its first stream is opened: what was missed comes at once."""
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def proxied(venue: BinaryVenue) -> AsyncIterator[Proxy]:
    proxy = Proxy(venue.port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


@pytest.mark.parametrize("config", [CONFIG, KEPT], ids=["memory", "journal"])
@played
async def test_a_cut_leaves_no_gap_and_tells_nothing_twice(tmp_path: Path, config: str) -> None:
    async with binary_venue(tmp_path, config) as venue, proxied(venue) as proxy, venue.client("bob") as bob:
        through = AsyncBinaryClient(f"127.0.0.1:{proxy.port}", account="alice", timeout_s=WAIT_S)
        async with through as alice, alice.stream_orders() as own:
            resting = [await alice.submit(symbol, "sell", quantity=50, price=100) for symbol in ("BTC-USD", "ETH-USD")]
            for turn in range(30):
                if turn % 10 == 5:
                    # Answered over the connection that there is, once there is one.
                    await alice.symbols()
                    proxy.cut()
                await bob.submit(("BTC-USD", "ETH-USD")[turn % 2], "buy", quantity=1, price=100)
            fills: list[tuple[str, int]] = []
            while len(fills) < 30:
                order = await anext(own)
                fills += [(order.order_id, fill.trade_id) for fill in order.fills]
            assert alice.connections == 4
            for order in resting:
                ids = [trade_id for order_id, trade_id in fills if order_id == order.order_id]
                assert ids == list(range(1, 16))
            assert (await alice.cancel(resting[0].order_id)).filled_quantity == "15.000"


@played
async def test_an_answer_that_was_lost_comes_with_the_next_connection(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, proxied(venue) as proxy:
        through = AsyncBinaryClient(f"127.0.0.1:{proxy.port}", account="alice", timeout_s=WAIT_S)
        async with through as alice:
            proxy.swallowed_answers = 1
            order = await alice.submit("BTC-USD", "buy", quantity=1, price=1, client_order_id="lost")
            assert (order.client_order_id, order.status) == ("lost", "open")
            assert alice.connections == 2


@played
async def test_another_process_goes_on_from_the_journal(tmp_path: Path) -> None:
    async with binary_venue(tmp_path, KEPT) as venue:
        async with venue.client("alice") as alice:
            order = await alice.submit("BTC-USD", "sell", quantity=10, price=100)
            positions = alice.positions
        async with venue.client("bob") as bob:
            for _ in range(3):
                await bob.submit("BTC-USD", "buy", quantity=1, price=100)
        async with closing(venue.client("alice", positions=positions)) as alice, alice.stream_orders() as own:
            seen = [await anext(own)]
            while len(seen[-1].fills) + sum(len(order.fills) for order in seen[:-1]) < 3:
                seen.append(await anext(own))
            assert {each.order_id for each in seen} == {order.order_id}
        # From the very beginning, the order is known from its own.
        async with closing(venue.client("alice", positions=[0, 0])) as alice, alice.stream_orders() as own:
            last = await anext(own)
            while last.filled_quantity != "3.000":
                last = await anext(own)
            assert (last.quantity, last.remaining_quantity, last.average_price) == ("10.000", "7.000", "100.00")


@played
async def test_orders_end_with_the_connection_where_that_was_asked_for(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as watching, watching.stream_orders() as own:
        trading = await venue.client("alice", cancel_on_disconnect=True).connect()
        order = await trading.submit("BTC-USD", "buy", quantity=1, price=1)
        await trading.close()
        async for seen in own:
            if seen.status == "canceled":
                assert (seen.order_id, seen.reason) == (order.order_id, "mass_cancel")
                break


@played
async def test_kill_switches(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        order = await alice.submit("BTC-USD", "buy", quantity=1, price=1)
        switch = {"engaged": True, "cancel_orders": False}
        await venue.real.ask("PUT", "/accounts/alice/kill-switch", switch)
        for refused in (alice.submit("BTC-USD", "buy", quantity=1, price=1), alice.amend(order.order_id, price=2)):
            with pytest.raises(RejectedError) as error:
                await refused
            assert (error.value.slug, error.value.status) == ("kill_switch", 403)
        assert (await bob.submit("BTC-USD", "buy", quantity=1, price=1)).status == "open"
        assert (await alice.cancel(order.order_id)).status == "canceled"
        await venue.real.ask("PUT", "/accounts/alice/kill-switch", {**switch, "engaged": False})
        assert (await alice.submit("BTC-USD", "buy", quantity=1, price=1)).status == "open"


@played
async def test_limits_are_those_of_every_gateway(tmp_path: Path) -> None:
    async with keyed_venue(tmp_path, key_orders_per_second=1, key_orders_burst=10) as (venue, keys):
        async with venue.client(credentials=keys["alice"]) as alice:
            number = await alice.instrument_number("BTC-USD")
            batch = commands(side=["buy"] * 50, price_ticks=100, quantity_lots=1, instrument=number)
            bulk = await alice.process(batch)
            taken = int((bulk.answers["kind"] == 1).sum())
            # A second or two may pass meanwhile, and bring a token each.
            assert 10 <= taken < 50
            assert {CODES[code] for code in bulk.codes[bulk.codes > 0].tolist()} == {"rate_limited"}
            assert int((bulk.codes > 0).sum()) == 50 - taken
            many = [new_order("BTC-USD", "buy", quantity=1, price=1) for _ in range(50)]
            problems = [item.problem for item in (await alice.submit_many(many)).results if item.problem is not None]
            assert {(problem.slug, problem.status) for problem in problems} == {("rate_limited", 429)}
            assert all(problem.retry_after_ms for problem in problems)
        # Another key has buckets of its own.
        async with venue.client(credentials=keys["bob"]) as bob:
            assert (await bob.submit("BTC-USD", "buy", quantity=1, price=1)).status == "open"


@played
async def test_a_whole_batch(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice", follow_orders=False) as alice:
        number = await alice.instrument_number("BTC-USD")
        count = 50_000
        sides = np.where(np.arange(count) % 2, "sell", "buy").tolist()
        ids = [f"id-{place}" if place % 3 == 0 else None for place in range(count)]
        batch = commands(side=sides, price_ticks=100, quantity_lots=1, instrument=number, client_order_id=ids)
        bulk = await alice.process(batch)
        assert (bulk.answers["kind"] == 1).all()
        assert not bulk.codes.any()
        assert (np.diff(bulk.answers["order_id"].astype(np.int64)) > 0).all()
        # The same again: those with a client order id were there before.
        again = await alice.process(batch)
        assert (again.answers["kind"] == np.where(np.arange(count) % 3 == 0, 2, 1)).all()
        slots = batch.slots.copy()
        with pytest.raises(ValueError, match="follow_orders"):
            alice.stream_orders()
        slots["timestamp_ns"][0] = 5
        refused = await alice.process(Commands(slots[:2]))
        assert [CODES[code] for code in refused.codes.tolist()] == ["malformed"]
        # Single calls work all the same.
        assert (await alice.submit("ETH-USD", "buy", quantity=1, price=1)).status == "open"


@played
async def test_books_and_trades(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        await alice.submit("BTC-USD", "sell", quantity=2, price=101)
        async with alice.local_book("BTC-USD") as book, alice.stream_trades("BTC-USD") as trades:
            assert book.best_bid is None
            for price in range(80, 100):
                await bob.submit("BTC-USD", "buy", quantity=1, price=price)
            await book.until(lambda local: local.best_bid is not None and local.best_bid.price == 99)
            # So many levels are published, and no more.
            assert [level.price for level in book.bids()] == list(range(99, 91, -1))
            taken = await bob.submit("BTC-USD", "buy", quantity="0.5", price=101)
            trade = await anext(trades)
            assert (trade.price, trade.quantity, trade.side) == ("101.00", "0.500", "buy")
            assert (trade.trade_id, trade.sequence) == (taken.fills[0].trade_id, taken.sequence)
            assert trade.timestamp == taken.updated_at
            await book.until(lambda local: local.quantity_at("sell", 101) == 1.5)
            await bob.mass_cancel()
            await book.until(lambda local: not local.bids())
        with pytest.raises(RejectedError, match="unknown_instrument"):
            async with alice.local_book("NONE"):
                pass


@played
async def test_two_accounts_over_one_venue_keep_apart(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice, venue.client("bob") as bob:
        order = await alice.submit("BTC-USD", "buy", quantity=1, price=1)
        with pytest.raises(RejectedError, match="unknown_order"):
            await bob.cancel(order.order_id)
        async with bob.stream_reports() as reports:
            await alice.submit("BTC-USD", "buy", quantity=1, price=1)
            await bob.submit("BTC-USD", "buy", quantity=1, price=1)
            events = (await anext(reports)).events
            assert set(events["account"].tolist()) == {2}


@played
async def test_the_audit_knows_the_session(tmp_path: Path) -> None:
    async with binary_venue(tmp_path, KEPT) as venue, venue.client("alice") as alice:
        await alice.submit("BTC-USD", "buy", quantity=1, price=1)
        welcome = alice._session.welcome
        assert welcome is not None
        session = welcome.session
    data = tmp_path / "data"
    origins = Origins(read_notes(data / "audit.jsonl"))
    (entry,) = [each for each in entries(data, origins) if each.kind == "new"]
    assert (entry.tag, entry.result) == (session, "accepted")
    assert entry.note is not None
    assert entry.note.account == "alice"


@played
async def test_metrics(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, venue.client("alice") as alice:
        await alice.submit("BTC-USD", "buy", quantity=1, price=1)
        text = (await venue.real.http.get("/metrics")).text
        assert "aeromatch_binary_sessions 1" in text
        assert 'aeromatch_gateway_connections{gateway="binary"} 1' in text
        # The test's own requests come over none.
        assert "aeromatch_http_connections 0" in text
        assert 'aeromatch_binary_commands_total{result="sent"} 1' in text
        assert 'aeromatch_binary_logins_total{result="good"} 1' in text


def test_the_client_that_waits(tmp_path: Path) -> None:
    async def run() -> None:
        async with binary_venue(tmp_path) as venue:
            await asyncio.to_thread(trade, venue.address)

    def trade(address: str) -> None:
        with BinaryClient(address, account="alice", timeout_s=WAIT_S) as alice, alice.stream_orders() as own:
            order = alice.submit("BTC-USD", "sell", quantity=1, price=5)
            assert next(own).order_id == order.order_id
            with alice.local_book("BTC-USD") as book:
                best = book.best_ask
                assert best is not None
                assert best.price == 5
            assert alice.symbols() == ["BTC-USD", "ETH-USD"]
            assert alice.mass_cancel().order_ids == [order.order_id]
            assert alice.account == "alice"

    asyncio.run(run())


def test_nobody_there() -> None:
    with contextlib.suppress(OSError), pytest.raises(Exception, match="cannot be reached"):
        asyncio.run(AsyncBinaryClient("127.0.0.1:1", timeout_s=0.3).connect())
