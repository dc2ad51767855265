"""What the real server tells of an account's own orders over a WebSocket: as over REST, from the first message on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import websockets
from tests.server.real_venue import RealVenue, real_venue
from tests.server.serving import played

from aeromatch.server.client_ids import ClientOrderIds, NamedViews

WAIT_S = 60
ORDERS = 150


@asynccontextmanager
async def followed(venue: RealVenue, **more: Any) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Alice's orders, one by one, as messages bring them."""
    async with (
        asyncio.timeout(WAIT_S),
        venue.listening() as port,
        websockets.connect(f"ws://127.0.0.1:{port}/ws", compression=None) as socket,
    ):
        await socket.send(json.dumps({"op": "subscribe", "channel": "orders", "account": "alice", **more}))
        assert json.loads(await socket.recv())["problem"] is None

        async def told() -> AsyncIterator[dict[str, Any]]:
            async for text in socket:
                for order in json.loads(text)["orders"]:
                    yield order

        yield told()


@played
async def test_an_order_that_ends_at_once_has_its_client_order_id_in_its_first_message(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue, followed(venue) as orders:
        for number in range(ORDERS):
            ends: dict[str, Any] = {"time_in_force": "ioc"} if number % 3 else {}
            made = await venue.order(**ends, price=f"{1 + number % 3}", client_order_id=f"mine-{number}")
            told = await anext(orders)
            assert (told["order_id"], told["client_order_id"]) == (made["order_id"], f"mine-{number}")
        batch = [
            {**order, "client_order_id": f"batch-{number}"}
            for number in range(50)
            for order in [{"symbol": "ETH-USD", "side": "buy", "quantity": "1", "price": "9", "account": "alice"}]
        ]
        answer = await venue.ask("POST", "/orders", {"orders": [{**each, "time_in_force": "ioc"} for each in batch]})
        assert answer["accepted"] == 50
        assert [(await anext(orders))["client_order_id"] for _ in batch] == [it["client_order_id"] for it in batch]


@played
async def test_who_tells_of_an_order_that_has_ended_waits_for_its_name_but_not_for_ever(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        views = venue.venue.services.views
        assert isinstance(views, NamedViews)
        ended = await venue.order(time_in_force="ioc")
        number = int(ended["order_id"])
        await venue.ask("GET", f"/order/{number}")
        row = await asyncio.to_thread(lambda: views._store.order(number) or views._writer.order(number))
        assert row is not None
        rows = row.reshape(1)
        views.naming("alice", 1)
        # Nobody names it in time.
        assert await asyncio.to_thread(views.client_order_ids.of, rows) == {}
        found: list[dict[int, str]] = []
        looking = threading.Thread(target=lambda: found.append(views.client_order_ids.of(rows)))
        looking.start()
        views.named(number, "late")
        looking.join(WAIT_S)
        views.naming("alice", -1)
        assert found == [{number: "late"}]
        # What was named before a restart, or long ago, is in the views.
        views.client_order_ids._known.clear()
        assert await asyncio.to_thread(views.client_order_ids.of, rows) == {number: "late"}


@played
async def test_messages_are_the_orders_as_they_are_over_rest(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue, followed(venue) as orders:
        await venue.ask("POST", "/events/Rain/mint", {"account": "bob", "quantity": "9"})
        fields: dict[str, Any] = {"symbol": "Rain/No", "quantity": "5", "price": "0.30", "client_order_id": "on-no"}
        made = await venue.order(**fields)
        await venue.order(symbol="Rain/No", side="sell", quantity="2", price="0.30", account="bob")
        await venue.ask("PATCH", f"/order/{made['order_id']}", {"price": "0.25"})
        await venue.ask("DELETE", f"/order/{made['order_id']}")
        seen = [await anext(orders)]
        while seen[-1]["status"] != "canceled":
            seen.append(await anext(orders))
        assert {order["client_order_id"] for order in seen} == {"on-no"}
        assert {(order["symbol"], order["side"]) for order in seen} == {("Rain/No", "buy")}
        fills = [(fill["price"], fill["quantity"], fill["liquidity"]) for order in seen for fill in order["fills"]]
        assert fills == [("0.30", "2", "maker")]
        now = await venue.ask("GET", f"/order/{made['order_id']}")
        assert {**seen[-1], "fills": []} == now
        assert (now["price"], now["average_price"]) == ("0.25", "0.30")


@played
async def test_an_order_of_the_past_that_has_ended_since_has_its_client_order_id(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.order(client_order_id="mine")
        views = venue.venue.services.views
        assert isinstance(views, NamedViews)
        await venue.venue.trading.reached()
        row = views.tracker.live_orders(account=None, instrument=None)
        await venue.ask("DELETE", f"/order/{made['order_id']}")
        # One that has heard of nothing, as after a restart: it is told how the order was before it ended.
        names = ClientOrderIds(venue.venue.exchange._exchange, views)
        try:
            assert names.of(row) == {int(made["order_id"]): "mine"}
        finally:
            names.close()
