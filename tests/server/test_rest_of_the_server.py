"""REST against the real composition: every part is the server's own, only the socket is left out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.real_venue import CONFIG, RealVenue, real_venue
from tests.server.serving import played

NS_PER_S = 1_000_000_000


async def refused(venue: RealVenue, status: int, slug: str, method: str, path: str, body: Any = None) -> None:
    """A request that is a problem with this status and slug."""
    problem = await venue.ask(method, path, body, wanted=status)
    assert (problem["status"], problem["slug"]) == (status, slug)


async def pages(venue: RealVenue, path: str, what: str, limit: int, **query: Any) -> list[Any]:
    """All pages of a list, each of which is full but for the last."""
    found: list[Any] = []
    cursor = None
    while True:
        page = await venue.ask("GET", path, limit=limit, cursor=cursor, **query)
        found += page[what]
        cursor = page["next_cursor"]
        assert len(page[what]) == limit or cursor is None
        if cursor is None:
            return found


@played
async def test_what_an_amend_and_a_cancel_answer_is_the_order_behind_them(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.order(client_order_id="mine", post_only=True)
        path = f"/order/{made['order_id']}"
        assert (made["status"], made["sequence"] > 0, made["fills"]) == ("open", True, [])
        sequence = made["sequence"]
        for change, price, quantity in (({"price": "99"}, "99.00", "1.000"), ({"quantity": "0.5"}, "99.00", "0.500")):
            changed = await venue.ask("PATCH", path, change)
            assert (changed["price"], changed["quantity"], changed["remaining_quantity"]) == (price, quantity, quantity)
            assert (changed["client_order_id"], changed["post_only"], changed["status"]) == ("mine", True, "open")
            assert changed["sequence"] > sequence
            assert changed["updated_at"] > changed["created_at"] == made["created_at"]
            assert changed == await venue.ask("GET", path)
            sequence = changed["sequence"]
        canceled = await venue.ask("DELETE", path)
        assert (canceled["status"], canceled["reason"], canceled["remaining_quantity"]) == (
            "canceled",
            "requested",
            "0.000",
        )
        assert (canceled["sequence"] > sequence, canceled["client_order_id"]) == (True, "mine")
        assert canceled == await venue.ask("GET", path)
        await refused(venue, 404, "unknown_order", "DELETE", path)
        await refused(venue, 404, "unknown_order", "PATCH", path, {"price": "1"})


@played
async def test_an_amend_that_trades_answers_its_fills(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        await venue.order(side="sell", price="101", quantity="0.4", account="bob")
        made = await venue.order()
        changed = await venue.ask("PATCH", f"/order/{made['order_id']}", {"price": "101"})
        (fill,) = changed["fills"]
        assert (fill["price"], fill["quantity"], fill["liquidity"]) == ("101.00", "0.400", "taker")
        assert fill["sequence"] == changed["sequence"]
        assert (changed["status"], changed["filled_quantity"], changed["average_price"]) == (
            "partially_filled",
            "0.400",
            "101.00",
        )
        filled = await venue.order(side="sell", price="100", quantity="0.6", account="bob", client_order_id="rest")
        assert filled["status"] == "filled"
        assert (await venue.ask("GET", f"/order/{made['order_id']}"))["status"] == "filled"


@played
async def test_orders_batches_and_cancels_of_many(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        again = await venue.order(client_order_id="one", wanted=201)
        assert await venue.order(client_order_id="one", wanted=200) == {**again, "fills": []}
        problem = await venue.order(client_order_id="one", price="98", wanted=409)
        assert problem["slug"] == "duplicate_client_order_id"
        other = {"symbol": "ETH-USD", "side": "sell", "quantity": "2", "price": "50", "account": "bob"}
        batch = [other, {**other, "price": "0.001"}, {**other, "client_order_id": "b"}]
        answer = await venue.ask("POST", "/orders", {"orders": [*batch, batch[-1]]})
        assert (answer["accepted"], answer["rejected"]) == (3, 1)
        orders = [item["order"] for item in answer["results"]]
        assert answer["results"][1]["problem"]["slug"] == "invalid_price"
        assert orders[2]["order_id"] == orders[3]["order_id"] != orders[0]["order_id"]
        canceled = await venue.ask("DELETE", "/order", client_order_id="b", symbol="ETH-USD", account="bob")
        assert (canceled["order_id"], canceled["status"]) == (orders[2]["order_id"], "canceled")
        await venue.order(symbol="ETH-USD", side="buy", price="10", account="bob")
        gone = await venue.ask("DELETE", "/orders", account="bob", side="sell")
        assert gone == {"canceled": 1, "order_ids": [orders[0]["order_id"]]}
        assert (await venue.ask("DELETE", "/orders", account="bob"))["canceled"] == 1
        assert (await venue.ask("DELETE", "/orders", account="bob"))["canceled"] == 0
        live = await venue.ask("GET", "/orders", status="live")
        assert [order["order_id"] for order in live["orders"]] == [again["order_id"]]


@played
async def test_lists_of_orders_have_each_once_and_as_it_is(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = [
            await venue.order(
                symbol="ETH-USD" if number % 3 else "BTC-USD",
                price=str(10 + number),
                account="bob" if number % 4 == 1 else "alice",
                client_order_id=f"id-{number}",
                display_quantity="0.1",
            )
            for number in range(23)
        ]
        for order in made[::5]:
            await venue.ask("DELETE", f"/order/{order['order_id']}")
        every = await pages(venue, "/orders", "orders", 4)
        assert [order["client_order_id"] for order in every] == [f"id-{number}" for number in reversed(range(23))]
        for order in every:
            assert order == await venue.ask("GET", f"/order/{order['order_id']}")
            if order["status"] == "open":
                assert (order["display_quantity"], order["time_in_force"]) == ("0.100", "gtc")
        for query in ({"account": "bob"}, {"symbol": "BTC-USD", "status": "live"}, {"status": "done"}):
            wanted = [
                order
                for order in every
                if query.get("account", order["account"]) == order["account"]
                and query.get("symbol", order["symbol"]) == order["symbol"]
                and query.get("status") in (None, "live" if order["status"] == "open" else "done")
            ]
            assert await pages(venue, "/orders", "orders", 2, **query) == wanted
        await refused(venue, 400, "invalid_cursor", "GET", "/orders?cursor=here")
        await refused(venue, 404, "unknown_instrument", "GET", "/orders?symbol=DOGE")


@played
async def test_the_market_is_what_was_traded(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        for number in range(9):
            await venue.order(side="sell", price=str(100 + number), quantity="0.5", account="bob")
            await venue.order(price=str(100 + number), quantity="0.5")
        await venue.order(price="90", quantity="3")
        await venue.order(side="sell", price="110", quantity="4", account="bob")
        trades = await pages(venue, "/trades/BTC-USD", "trades", 2)
        assert [trade["trade_id"] for trade in trades] == list(range(9, 0, -1))
        assert [trade["price"] for trade in trades] == [f"{price}.00" for price in range(108, 99, -1)]
        since = await venue.ask("GET", "/trades/BTC-USD", from_sequence=trades[3]["sequence"])
        assert since["trades"] == trades[:4]
        ticker = await venue.ask("GET", "/ticker/BTC-USD")
        assert (ticker["best_bid"], ticker["best_ask"], ticker["last_price"]) == ("90.00", "110.00", "108.00")
        assert tuple(ticker[name] for name in ("open_price", "high_price", "low_price", "volume")) == (
            "100.00",
            "108.00",
            "100.00",
            "4.500",
        )
        tickers = {each["symbol"]: each for each in await venue.ask("GET", "/tickers")}
        assert tickers.keys() == {"BTC-USD", "ETH-USD", "Rain/Yes", "Rain/No"}
        book = await venue.ask("GET", "/book/BTC-USD", levels=1)
        assert (book["bids"], book["asks"]) == ([["90.00", "3.000"]], [["110.00", "4.000"]])
        for period, seconds in (("1s", 1), ("1m", 60)):
            candles = await pages(venue, "/candles/BTC-USD", "candles", 100, period=period)
            starts = [candle["start"] for candle in candles]
            assert starts == list(range(starts[0], starts[-1] + 1, seconds * NS_PER_S))
            assert (candles[0]["open"], candles[-1]["close"]) == ("100.00", "108.00")
            assert sum(candle["trades"] for candle in candles) == 9
            assert sum(float(candle["volume"]) for candle in candles) == 4.5
        await refused(venue, 400, "unknown_period", "GET", "/candles/BTC-USD?period=7m")
        for path in ("/book/DOGE", "/trades/DOGE", "/candles/DOGE", "/ticker/DOGE", "/instruments/DOGE"):
            await refused(venue, 404, "unknown_instrument", "GET", path)
        stats = await venue.ask("GET", "/stats")
        assert (len(stats["shards"]), stats["durability"]) == (2, "memory")


@played
async def test_an_event_from_its_beginning_to_its_settlement(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.ask("POST", "/events", {"name": "Snow?", "outcomes": ["Yes", "No"], "currency": "USD"})
        assert "Snow?/No" in made["created"]
        await refused(venue, 409, "already_exists", "POST", "/events", {**EVENT, "name": "Snow?"})
        await venue.ask("POST", "/events/Snow%3F/mint", {"account": "bob", "quantity": "10"})
        await venue.ask("POST", "/events/Snow%3F/redeem", {"account": "bob", "quantity": "4"})
        sell: dict[str, Any] = {
            "symbol": "Snow?/No",
            "side": "sell",
            "price": "0.25",
            "quantity": "6",
            "account": "bob",
        }
        await venue.order(**sell)
        taken = await venue.order(symbol="Snow?/No", price="0.25", quantity="5", client_order_id="no")
        assert (taken["status"], taken["average_price"]) == ("filled", "0.25")
        again = await venue.order(symbol="Snow?/No", price="0.25", quantity="5", client_order_id="yes", side="buy")
        assert (again["filled_quantity"], again["remaining_quantity"]) == ("1", "4")
        settled = await venue.ask("POST", "/events/Snow%3F/settle", {"outcome": "No"})
        assert settled["sequence"] > again["sequence"]
        assert (await venue.ask("GET", "/events/Snow%3F"))["settled"]
        ended = await venue.ask("GET", f"/order/{again['order_id']}")
        assert (ended["status"], ended["symbol"], ended["price"]) == ("canceled", "Snow?/No", "0.25")
        # Six shares at 0.25 that pay 1.
        assert await money(venue, "alice") == 100_000 - 6 * 0.25 + 6
        assert await money(venue, "bob") == 100_000 - 6 + 6 * 0.25
        await refused(venue, 409, "already_settled", "POST", "/events/Snow%3F/settle", {"outcome": "Yes"})
        await venue.ask("POST", "/events/Rain/void", {"price": "0.5"})
        assert [event["settled"] for event in await venue.ask("GET", "/events")] == [True, True]
        await refused(venue, 404, "unknown_event", "GET", "/events/Hail")


EVENT = {"outcomes": ["Yes", "No"], "currency": "USD"}


async def money(venue: RealVenue, account: str) -> float:
    """What an account has of USD, over all groups."""
    balances = (await venue.ask("GET", f"/accounts/{account}/balances"))["balances"]
    return sum(float(each["total"]) for each in balances if each["asset"] == "USD")


@played
async def test_money_comes_goes_and_moves_once(tmp_path: Path) -> None:
    away = """  - symbol: XAU-USD
    settlement: true
    base: XAU
    quote: USD
    group: away
events:
"""
    async with real_venue(tmp_path, CONFIG.replace("events:\n", away)) as venue:
        await venue.ask("POST", "/accounts", {"account": "carol"})
        await refused(venue, 409, "already_exists", "POST", "/accounts", {"account": "carol"})
        deposit = {"account": "carol", "asset": "USD", "amount": "100.5", "id": "wire-1"}
        (left,) = (await venue.ask("POST", "/deposits", deposit))["balances"]
        assert (left["available"], left["group"]) == ("100.50000000", "main")
        await refused(venue, 409, "duplicate_transfer", "POST", "/deposits", deposit)
        moved = {"account": "carol", "asset": "USD", "amount": "40", "id": "move-1", "source": "main", "target": "away"}
        await venue.ask("POST", "/transfers", moved)
        await refused(venue, 409, "duplicate_transfer", "POST", "/transfers", moved)
        await venue.ask("POST", "/withdrawals", {**deposit, "amount": "0.5", "id": "out-1"})
        too_much = {**deposit, "amount": "61", "id": "out-2"}
        await refused(venue, 422, "insufficient_funds", "POST", "/withdrawals", too_much)
        balances = (await venue.ask("GET", "/accounts/carol/balances"))["balances"]
        assert {each["group"]: float(each["total"]) for each in balances} == {"main": 60.0, "away": 40.0}
        held = await venue.order(symbol="XAU-USD", price="10", quantity="4", account="carol")
        assert held["status"] == "open"
        more = {"symbol": "XAU-USD", "side": "buy", "quantity": "1", "price": "10", "account": "carol"}
        await refused(venue, 422, "insufficient_funds", "POST", "/order", more)
        names = [each["account"] for each in await pages(venue, "/accounts", "accounts", 2)]
        assert {"alice", "bob", "carol"} <= set(names)
        assert len(names) == len(set(names))
        await refused(venue, 404, "unknown_account", "GET", "/accounts/dave")


@played
async def test_phases_and_switches_stop_trading(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        await venue.ask("POST", "/instruments", {"symbol": "A/B", "tick_size": "0.5"})
        assert (await venue.ask("GET", "/instruments/A%2FB"))["tick_size"] == "0.5"
        new = {"symbol": "A/B", "side": "buy", "quantity": "1", "price": "1.5", "account": "alice"}
        await venue.ask("PUT", "/instruments/A%2FB/phase", {"phase": "halted"})
        await refused(venue, 422, "not_allowed_in_phase", "POST", "/order", new)
        # An auction: orders cross, and trade when it ends.
        await venue.ask("PUT", "/instruments/A%2FB/phase", {"phase": "pre_open"})
        await venue.ask("POST", "/order", new)
        await venue.ask("POST", "/order", {**new, "side": "sell", "account": "bob"})
        assert (await venue.ask("GET", "/ticker/A%2FB"))["phase"] == "pre_open"
        await venue.ask("PUT", "/instruments/A%2FB/phase", {"phase": "continuous"})
        (trade,) = (await venue.ask("GET", "/trades/A%2FB"))["trades"]
        assert (trade["price"], trade["quantity"]) == ("1.5", "1")
        order = await venue.ask("POST", "/order", new)
        assert await venue.ask("PUT", "/accounts/alice/kill-switch", {"engaged": True, "reason": "test"}) == {
            "account": "alice",
            "killed": True,
        }
        await refused(venue, 403, "kill_switch", "POST", "/order", new)
        assert (await venue.ask("GET", f"/order/{order['order_id']}"))["status"] == "canceled"
        assert (await venue.ask("POST", "/order", {**new, "account": "bob"}))["status"] == "open"
        await venue.ask("PUT", "/kill-switch", {"engaged": True, "cancel_orders": False})
        await refused(venue, 403, "kill_switch", "POST", "/order", {**new, "account": "bob"})
        assert await venue.ask("GET", "/kill-switch") == {"account": "*", "killed": True}
        for path in ("/kill-switch", "/accounts/alice/kill-switch"):
            await venue.ask("PUT", path, {"engaged": False})
        assert await venue.ask("GET", "/kill-switch") == {"account": "*", "killed": False}
        assert (await venue.ask("POST", "/order", new))["status"] == "open"


@played
async def test_the_dead_mans_switch_cancels(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        order = await venue.order()
        armed = await venue.ask("PUT", "/accounts/alice/dead-man", {"timeout_ms": 20})
        assert armed["fires_at"] is not None
        async with asyncio.timeout(60):
            while (await venue.ask("GET", f"/order/{order['order_id']}"))["status"] != "canceled":
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/nothing", "/order/1/2", "/debug/pprof/nothing", "/assets/nothing"])
@played
async def test_what_is_not_there_is_a_problem_of_the_table(tmp_path: Path, path: str) -> None:
    async with real_venue(tmp_path) as venue:
        await refused(venue, 404, "unknown_path", "GET", path)
