"""Orders over REST: entered, changed, canceled, looked up, sent again."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from tests.gateways.fakes import OpenAdmission
from tests.gateways.rest_client import Venue, venue

from aeromatch.gateways.services import Principal


def slug_of(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == "urn:aeromatch:problem:" + problem["slug"]
    assert problem["instance"] == response.headers["x-request-id"]
    return str(problem["slug"])


def run(test: Any) -> None:
    async def main() -> None:
        async with venue() as place:
            await test(place)

    asyncio.run(main())


def test_an_order_is_entered_looked_up_and_canceled() -> None:
    async def test(place: Venue) -> None:
        response = await place.order(account="alice", client_order_id="a-1")
        assert response.status_code == 201, response.text
        order = response.json()
        assert order["status"] == "open"
        assert (order["quantity"], order["filled_quantity"], order["remaining_quantity"]) == ("1.000", "0.000", "1.000")
        assert (order["price"], order["account"], order["client_order_id"]) == ("100.00", "alice", "a-1")
        assert order["order_id"] == str((1 << 40) + 1)
        found = (await place.http.get(f"/order/{order['order_id']}")).json()
        assert {name: found[name] for name in order if name != "fills"} == {
            name: value for name, value in order.items() if name != "fills"
        }
        book = (await place.http.get("/book/BTC-USD")).json()
        assert book["bids"] == [["100.00", "1.000"]]
        assert book["asks"] == []
        ended = (await place.http.delete(f"/order/{order['order_id']}")).json()
        assert (ended["status"], ended["reason"], ended["remaining_quantity"]) == ("canceled", "requested", "0.000")
        assert slug_of(await place.http.delete(f"/order/{order['order_id']}"), 404) == "unknown_order"

    run(test)


def test_what_is_under_way_when_the_server_drains_is_answered() -> None:
    async def test(place: Venue) -> None:
        order = (await place.order(account="alice")).json()
        for tell in place.services.on_drain:
            await tell()
        ended = await place.http.delete(f"/order/{order['order_id']}")
        assert (ended.status_code, ended.json()["status"]) == (200, "canceled")
        # This one waits for a shard.
        assert (await place.http.get("/accounts/alice/balances")).status_code == 200

    run(test)


def test_fills_are_answered_with_the_order_that_brought_them() -> None:
    async def test(place: Venue) -> None:
        await place.order(side="sell", quantity="0.4", price="99", account="bob")
        await place.order(side="sell", quantity="0.4", price="99.50", account="bob")
        order = (await place.order(account="alice")).json()
        assert order["status"] == "partially_filled"
        assert [(fill["price"], fill["quantity"], fill["liquidity"]) for fill in order["fills"]] == [
            ("99.00", "0.400", "taker"),
            ("99.50", "0.400", "taker"),
        ]
        assert order["filled_quantity"] == "0.800"
        assert order["average_price"] == "99.25"

    run(test)


def test_an_order_sent_again_is_answered_and_not_entered_again() -> None:
    async def test(place: Venue) -> None:
        first = await place.order(account="alice", client_order_id="a-1")
        again = await place.order(account="alice", client_order_id="a-1", price="100.0", quantity=1)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["order_id"] == first.json()["order_id"]
        assert (await place.http.get("/book/BTC-USD")).json()["bids"] == [["100.00", "1.000"]]
        other = await place.order(account="alice", client_order_id="a-1", price="101")
        assert slug_of(other, 409) == "duplicate_client_order_id"
        # Another account has names of its own.
        assert (await place.order(account="bob", client_order_id="a-1")).status_code == 201

    run(test)


def test_an_account_that_is_named_and_one_that_is_the_keys_are_the_same() -> None:
    alice = Principal("k1", frozenset({"read", "trade"}), "alice", 3, "test")

    async def main() -> None:
        async with venue(OpenAdmission({"one": alice})) as place:
            place.http.headers["authorization"] = "Bearer one"
            first = await place.order(client_order_id="a-1")
            again = await place.order(client_order_id="a-1", account="alice")
            assert (first.status_code, again.status_code) == (201, 200)
            assert again.json()["order_id"] == first.json()["order_id"]

    asyncio.run(main())


def test_the_same_order_many_times_at_once_is_one_order() -> None:
    async def test(place: Venue) -> None:
        answers = await asyncio.gather(*(place.order(account="alice", client_order_id="a-1") for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
        assert len({answer.json()["order_id"] for answer in answers}) == 1
        assert (await place.http.get("/book/BTC-USD")).json()["bids"] == [["100.00", "1.000"]]

    run(test)


def test_an_order_that_has_ended_is_still_the_same_order() -> None:
    async def test(place: Venue) -> None:
        await place.order(side="sell", account="bob")
        first = (await place.order(account="alice", client_order_id="a-1")).json()
        assert first["status"] == "filled"
        again = await place.order(account="alice", client_order_id="a-1")
        assert again.status_code == 200
        assert (again.json()["order_id"], again.json()["status"]) == (first["order_id"], "filled")

    run(test)


def test_a_restart_forgets_no_client_order_id(tmp_path: Path) -> None:
    async def main() -> None:
        async with venue(directory=tmp_path) as place:
            resting = (await place.order(account="alice", client_order_id="a-1")).json()
            await place.order(side="sell", account="bob", price="100", quantity="0.25")
            ended = (await place.order(account="bob", client_order_id="b-1", time_in_force="ioc", price="90")).json()
        async with venue(directory=tmp_path) as place:
            again = await place.order(account="alice", client_order_id="a-1")
            assert (again.status_code, again.json()["order_id"]) == (200, resting["order_id"])
            assert (again.json()["status"], again.json()["filled_quantity"]) == ("partially_filled", "0.250")
            late = await place.order(account="bob", client_order_id="b-1", time_in_force="ioc", price="90")
            assert (late.status_code, late.json()["order_id"]) == (200, ended["order_id"])
            other = await place.order(account="alice", client_order_id="a-1", quantity="2")
            assert slug_of(other, 409) == "duplicate_client_order_id"
            book = (await place.http.get("/book/BTC-USD")).json()
            assert book["bids"] == [["100.00", "0.750"]]

    asyncio.run(main())


def test_after_a_restart_another_order_is_still_another_one(tmp_path: Path) -> None:
    resting = {"account": "alice", "client_order_id": "a-1", "post_only": True}
    asleep = {"account": "alice", "client_order_id": "a-2", "type": "stop_limit", "price": "210", "stop_price": "200"}

    async def main() -> None:
        async with venue(directory=tmp_path) as place:
            assert [(await place.order(**order)).status_code for order in (resting, asleep)] == [201, 201]
        async with venue(directory=tmp_path) as place:
            assert (await place.order(**resting)).status_code == 200
            assert (await place.order(**{**asleep, "stop_price": "200.0"})).status_code == 200
            others = (
                {**resting, "post_only": False},
                {**resting, "time_in_force": "day"},
                {**asleep, "stop_price": "300"},
            )
            for order in others:
                assert slug_of(await place.order(**order), 409) == "duplicate_client_order_id"

    asyncio.run(main())


def test_rejections_have_their_rules_slugs() -> None:
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"symbol": "XRP-USD"}, 404, "unknown_instrument"),
        ({"account": "carol"}, 404, "unknown_account"),
        ({"quantity": "0.0001"}, 422, "invalid_quantity"),
        ({"quantity": "0"}, 422, "invalid_quantity"),
        ({"quantity": "1e40"}, 422, "invalid_quantity"),
        ({"price": "100.001"}, 422, "invalid_price"),
        ({"price": None}, 422, "invalid_combination"),
        ({"type": "market", "price": None, "time_in_force": "gtd", "expire_at": 5}, 422, "invalid_combination"),
        ({"symbol": "ETH-USD", "account": "alice", "price": "2000"}, 422, "insufficient_funds"),
    ]

    async def test(place: Venue) -> None:
        for fields, status, slug in cases:
            assert slug_of(await place.order(**fields), status) == slug, fields
        await place.order(side="sell", price="99")
        assert slug_of(await place.order(post_only=True), 422) == "post_only_would_take"
        await place.http.put("/instruments/BTC-USD/phase", json={"phase": "halted"})
        assert slug_of(await place.order(), 422) == "not_allowed_in_phase"

    run(test)


def test_an_amended_order_is_answered_as_it_is_then() -> None:
    async def test(place: Venue) -> None:
        order_id = (await place.order(account="alice")).json()["order_id"]
        order = (await place.http.patch(f"/order/{order_id}", json={"quantity": "0.5", "price": "98"})).json()
        assert (order["quantity"], order["price"], order["status"]) == ("0.500", "98.00", "open")
        refused = await place.http.patch(f"/order/{order_id}", json={"price": "98.001"})
        assert slug_of(refused, 422) == "invalid_price"
        assert slug_of(await place.http.patch("/order/77", json={"price": "98"}), 404) == "unknown_order"

    run(test)


def test_orders_are_canceled_by_client_order_id_and_all_together() -> None:
    async def test(place: Venue) -> None:
        for number in range(3):
            await place.order(account="alice", client_order_id=f"a-{number}")
        await place.order(account="bob", price="90")
        which = {"client_order_id": "a-0", "symbol": "BTC-USD", "account": "alice"}
        ended = (await place.http.delete("/order", params=which)).json()
        assert (ended["client_order_id"], ended["status"]) == ("a-0", "canceled")
        result = (await place.http.delete("/orders", params={"account": "alice"})).json()
        assert result["canceled"] == 2
        page = (await place.http.get("/orders", params={"status": "live"})).json()
        assert [order["account"] for order in page["orders"]] == ["bob"]
        assert result["order_ids"] == [str((1 << 40) + 2), str((1 << 40) + 3)]

    run(test)


def test_R5_orders_are_looked_up_and_changed_by_client_order_id() -> None:
    async def test(place: Venue) -> None:
        which = {"client_order_id": "a-1", "symbol": "BTC-USD", "account": "alice"}
        assert slug_of(await place.http.get("/order", params=which), 404) == "unknown_order"
        placed = (await place.order(account="alice", client_order_id="a-1")).json()
        await place.order(account="bob", client_order_id="a-1", price="90")
        changed = await place.http.patch("/order", params=which, json={"price": "98"})
        assert (changed.status_code, changed.json()["order_id"]) == (200, placed["order_id"])
        found = (await place.http.get("/order", params=which)).json()
        assert (found["order_id"], found["price"], found["account"]) == (placed["order_id"], "98.00", "alice")
        await place.http.delete("/order", params=which)
        assert (await place.http.get("/order", params=which)).json()["status"] == "canceled"
        assert slug_of(await place.http.patch("/order", params=which, json={"price": "97"}), 404) == "unknown_order"
        # Nobody's orders have names of their own; to change one the account is needed.
        nobodys = {"client_order_id": "a-1", "symbol": "BTC-USD"}
        assert slug_of(await place.http.get("/order", params=nobodys), 404) == "unknown_order"
        assert slug_of(await place.http.patch("/order", params=nobodys, json={"price": "97"}), 400) == "account_needed"
        elsewhere = {**which, "symbol": "XRP-USD"}
        assert slug_of(await place.http.get("/order", params=elsewhere), 404) == "unknown_instrument"
        assert slug_of(await place.http.get("/order"), 400) == "malformed"

    run(test)


def test_a_batch_answers_each_order_for_itself_in_order() -> None:
    async def test(place: Venue) -> None:
        body = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100"}
        orders = [
            body,
            {**body, "quantity": "0.0001"},
            {**body, "side": "sell", "price": "100"},
            {**body, "price": "cheap"},
            {**body, "symbol": "XRP-USD"},
        ]
        response = await place.http.post("/orders", json={"orders": orders})
        assert response.status_code == 200, response.text
        result = response.json()
        assert (result["accepted"], result["rejected"]) == (2, 3)
        slugs = [item["problem"] and item["problem"]["slug"] for item in result["results"]]
        assert slugs == [None, "invalid_quantity", None, "malformed", "unknown_instrument"]
        assert result["results"][2]["order"]["status"] == "filled"
        assert result["results"][3]["problem"]["errors"][0]["pointer"] == "/price"
        assert result["results"][1]["problem"]["instance"] == response.headers["x-request-id"]

    run(test)


def test_a_key_of_one_account_neither_sees_nor_touches_another() -> None:
    tokens = {name: Principal(name, frozenset({"read", "trade"}), name, 7, "test") for name in ("alice", "bob")}

    async def main() -> None:
        async with venue(OpenAdmission(tokens)) as place:
            assert slug_of(await place.order(), 401) == "missing_credentials"
            place.http.headers["authorization"] = "Bearer alice"
            order = (await place.order()).json()
            assert order["account"] == "alice"
            assert slug_of(await place.order(account="bob"), 403) == "not_permitted"
            place.http.headers["authorization"] = "Bearer bob"
            assert slug_of(await place.http.get(f"/order/{order['order_id']}"), 404) == "unknown_order"
            theirs = {"client_order_id": "a-1", "symbol": "BTC-USD", "account": "alice"}
            assert slug_of(await place.http.get("/order", params=theirs), 403) == "not_permitted"
            assert slug_of(await place.http.patch("/order", params=theirs, json={"price": "1"}), 403) == "not_permitted"
            assert slug_of(await place.http.delete(f"/order/{order['order_id']}"), 404) == "unknown_order"
            assert (await place.http.get("/orders")).json()["orders"] == []
            assert slug_of(await place.http.put("/kill-switch", json={"engaged": True}), 403) == "not_permitted"

    asyncio.run(main())
