"""What an order was entered with is told after its end too: from the journal, whatever became of the views."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.real_venue import RealVenue, real_venue

CONFIG = """
auth: {mode: off}
exchange: {durability: os, shards: {count: 2}}
accounts: [{name: ann}, {name: bob, deposits: [{asset: USD, amount: 1000}]}]
assets: [{name: USD, decimals: 2}]
events: [{name: "Snow?", outcomes: ["Yes", "No"], currency: USD}]
instruments:
  - {symbol: AAA, tick_size: 0.5, lot_size: 0.1}
  - {symbol: BBB}
"""
FAR_NS = 2**62
TERMS = ("time_in_force", "stop_price", "display_quantity", "post_only", "expire_at")
ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({"price": "90"}, {"time_in_force": "gtc"}),
    "day": ({"price": "90", "time_in_force": "day"}, {"time_in_force": "day"}),
    "ioc": ({"price": "90", "time_in_force": "ioc"}, {"time_in_force": "ioc"}),
    "market": ({"type": "market", "time_in_force": "ioc"}, {"time_in_force": "ioc"}),
    "until": (
        {"price": "90", "time_in_force": "gtd", "expire_at": FAR_NS},
        {"time_in_force": "gtd", "expire_at": FAR_NS},
    ),
    "iceberg": ({"price": "90", "display_quantity": "0.2"}, {"time_in_force": "gtc", "display_quantity": "0.2"}),
    "poster": ({"price": "90", "post_only": True}, {"time_in_force": "gtc", "post_only": True}),
    "slider": ({"price": "90", "post_only": "slide"}, {"time_in_force": "gtc", "post_only": "slide"}),
    "stop": (
        {"type": "stop_limit", "price": "95.5", "stop_price": "150.5"},
        {"time_in_force": "gtc", "stop_price": "150.5"},
    ),
    "outcome": (
        {"symbol": "Snow?/No", "quantity": "2", "price": "0.25", "account": "bob", "time_in_force": "day"},
        {"time_in_force": "day"},
    ),
}


async def told(venue: RealVenue, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {name: await venue.ask("GET", f"/order/{number}") for name, number in ids.items()}


@pytest.mark.parametrize("views", ["kept", "lost"])
def test_ended_orders_are_told_with_their_terms(tmp_path: Path, views: str) -> None:
    sent = {
        name: {"symbol": "AAA", "side": "buy", "quantity": "1", "account": "ann", "client_order_id": name, **fields}
        for name, (fields, _) in ORDERS.items()
    }

    async def first() -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        async with real_venue(tmp_path, CONFIG) as venue:
            ids = {name: (await venue.ask("POST", "/order", order))["order_id"] for name, order in sent.items()}
            for account in ("ann", "bob"):
                await venue.ask("DELETE", f"/orders?account={account}")
            found = await told(venue, ids)
            listed = await venue.ask("GET", "/orders?status=done&limit=100")
            by_id = {order["order_id"]: order for order in listed["orders"]}
            assert {name: by_id[number] for name, number in ids.items()} == found
            return ids, found

    async def again(ids: dict[str, str]) -> dict[str, dict[str, Any]]:
        async with real_venue(tmp_path, CONFIG) as venue:
            found = await told(venue, ids)
            for name, order in sent.items():
                answer = await venue.http.post("/order", json=order)
                if name != "outcome":
                    assert (answer.status_code, answer.json()["order_id"]) == (200, ids[name]), name
            return found

    ids, found = asyncio.run(first())
    for name, (_, terms) in ORDERS.items():
        assert found[name]["status"] == "canceled", name
        expected = {"post_only": False, **terms}
        assert {term: found[name][term] for term in TERMS} == {term: expected.get(term) for term in TERMS}, name
    if views == "lost":
        (tmp_path / "data" / "views.sqlite").unlink()
    assert asyncio.run(again(ids)) == found
