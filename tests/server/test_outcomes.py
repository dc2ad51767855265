"""Orders on the second of two outcomes are told, and taken, in that outcome's own terms, wherever they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.server.real_venue import RealVenue, real_venue
from tests.server.serving import played

TERMS = ("symbol", "side", "type", "status", "price", "stop_price", "quantity", "remaining_quantity")
NO: dict[str, Any] = {"symbol": "Rain/No", "side": "buy", "quantity": "5"}


def terms(order: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(order[name] for name in TERMS)


async def shown(venue: RealVenue, order_id: str) -> list[tuple[Any, ...]]:
    """What the listings and the order's own page say."""
    queries: tuple[dict[str, Any], ...] = ({"account": "alice"}, {"symbol": "Rain/No"}, {"status": "live"})
    listed = [
        order
        for query in queries
        for order in (await venue.ask("GET", "/orders", **query))["orders"]
        if order["order_id"] == order_id
    ]
    assert len(listed) == 3
    return [terms(order) for order in (*listed, await venue.ask("GET", f"/order/{order_id}"))]


@played
async def test_an_order_on_the_second_outcome_is_shown_in_its_own_terms(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.order(**NO, price="0.30", client_order_id="mine")
        wanted = ("Rain/No", "buy", "limit", "open", "0.30", None, "5", "5")
        assert [terms(made), *await shown(venue, made["order_id"])] == [wanted] * 5
        again = await venue.order(**NO, price="0.30", client_order_id="mine", wanted=200)
        assert terms(again) == wanted
        assert (await venue.ask("GET", "/orders", symbol="Rain/Yes"))["orders"] == []
        canceled = await venue.ask("DELETE", f"/order/{made['order_id']}")
        assert terms(canceled) == ("Rain/No", "buy", "limit", "canceled", "0.30", None, "5", "0")


@played
async def test_a_new_price_is_one_of_the_second_outcome(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.order(**NO, price="0.30")
        path = f"/order/{made['order_id']}"
        changed = await venue.ask("PATCH", path, {"price": "0.35", "quantity": "4"})
        wanted = ("Rain/No", "buy", "limit", "open", "0.35", None, "4", "4")
        assert [terms(changed), *await shown(venue, made["order_id"])] == [wanted] * 5
        assert (await venue.ask("GET", "/book/Rain%2FNo"))["bids"] == [["0.35", "4"]]
        # Whoever sells No at that price has it filled, and each is told of the trade at 0.35.
        await venue.ask("POST", "/events/Rain/mint", {"account": "bob", "quantity": "9"})
        await venue.order(symbol="Rain/No", side="sell", quantity="3", price="0.36", account="bob")
        taken = await venue.ask("PATCH", path, {"price": "0.36"})
        assert [(fill["price"], fill["quantity"]) for fill in taken["fills"]] == [("0.36", "3")]
        assert (taken["average_price"], taken["status"]) == ("0.36", "partially_filled")


@played
async def test_a_stop_on_the_second_outcome_is_shown_in_its_own_terms(tmp_path: Path) -> None:
    async with real_venue(tmp_path) as venue:
        made = await venue.order(**NO, type="stop_limit", price="0.40", stop_price="0.35")
        wanted = ("Rain/No", "buy", "stop_limit", "dormant", "0.40", "0.35", "5", "5")
        asked = await venue.ask("GET", f"/order/{made['order_id']}")
        assert [terms(made), terms(asked), *await shown(venue, made["order_id"])] == [wanted] * 6
        changed = await venue.ask("PATCH", f"/order/{made['order_id']}", {"price": "0.45"})
        assert terms(changed) == ("Rain/No", "buy", "stop_limit", "dormant", "0.45", "0.35", "5", "5")
