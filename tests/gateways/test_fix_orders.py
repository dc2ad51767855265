"""Orders over FIX, against the whole server: what is sent, what is told, and that it is told once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateways.fix_client import FixClient, now_text
from tests.server.real_venue import RealVenue, real_venue

CONFIG = """
exchange: {durability: os, shards: {count: 2}}
views: {periods: [1s, 1m]}
statistics: {enabled: false}
gateways: {fix: {enabled: true, port: 0}}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
  - {symbol: ETH-USD, tick_size: 0.01, lot_size: 0.001}
accounts: [{name: alice}, {name: bob}]
"""


def port_of(venue: RealVenue) -> int:
    return int(venue.venue.listeners["fix"].address.rpartition(":")[2])


@asynccontextmanager
async def logged_on(folder: Path, config: str = CONFIG) -> AsyncIterator[tuple[RealVenue, FixClient]]:
    async with real_venue(folder, config) as venue:
        client = await FixClient(port_of(venue)).log_on()
        try:
            yield venue, client
        finally:
            if not client.closed.is_set():
                await client.log_out()


def play(tmp_path: Path, test: Callable[[RealVenue, FixClient], Awaitable[None]], config: str = CONFIG) -> None:
    async def main() -> None:
        async with asyncio.timeout(120), logged_on(tmp_path, config) as (venue, client):
            await test(venue, client)

    asyncio.run(main())


def test_orders_of_both_sides_trade(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", t1="alice")
        new = await client.next("8")
        assert (new[150], new[39], new[11], new[1], new[151]) == ("0", "0", "a-1", "alice", "2")
        client.order("b-1", "2", "0.5", "99.5", t1="bob")
        reports = sorted([await client.next("8") for _ in range(3)], key=lambda it: (it[11], it[150]))
        told = [(it[11], it[150], it[39]) for it in reports]
        assert told == [("a-1", "F", "1"), ("b-1", "0", "0"), ("b-1", "F", "2")]
        maker, taker = reports[0], reports[2]
        assert (maker[32], maker[31], maker[851]) == ("0.500", "100.00", "1")
        assert (taker[32], taker[31], taker[851], taker[151]) == ("0.500", "100.00", "2", "0")
        assert maker[527] == taker[527]
        assert maker[17] != taker[17]
        assert maker[37] == new[37]
        assert float(maker[6]) == 100
        order = await venue.ask("GET", f"/order/{new[37]}")
        assert (order["client_order_id"], order["filled_quantity"]) == ("a-1", "0.500")
        assert await client.quiet() == []

    play(tmp_path, test)


def test_what_others_do_to_an_order_is_reported(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        for number in range(3):
            client.order(f"a-{number}", "1", "1", 100 - number, t1="alice")
        ids = [(await client.next("8"))[37] for _ in range(3)]
        await venue.order(account="bob", side="sell", quantity="1", price="100")
        trade = await client.next("8")
        assert (trade[11], trade[150], trade[39], trade[851]) == ("a-0", "F", "2", "1")
        await venue.ask("DELETE", f"/order/{ids[1]}")
        ended = await client.next("8")
        assert (ended[11], ended[150], ended[58], ended.get(41)) == ("a-1", "4", "requested", None)
        # What alice enters elsewhere is not this session's.
        await venue.order(side="buy", price="50")
        await venue.ask("DELETE", "/orders?account=alice")
        ended = await client.next("8")
        assert (ended[11], ended[150], ended[58]) == ("a-2", "4", "mass_cancel")
        assert await client.quiet() == []

    play(tmp_path, test)


def test_changes_make_a_chain(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", t1="alice")
        client.replace("a-2", "a-1", "3", "101")
        client.replace("a-3", "a-2", "4", "101")
        client.cancel("a-4", "a-3")
        reports = [await client.next("8") for _ in range(4)]
        assert [(it[150], it[11], it.get(41), it[38], it[44]) for it in reports] == [
            ("0", "a-1", None, "2", "100"),
            ("5", "a-2", "a-1", "3", "101"),
            ("5", "a-3", "a-2", "4", "101"),
            ("4", "a-4", "a-3", "4", "101"),
        ]
        assert len({it[37] for it in reports}) == 1
        order = await venue.ask("GET", f"/order/{reports[0][37]}")
        # The exchange knows it by the id that it was entered with.
        assert (order["client_order_id"], order["status"], order["quantity"]) == ("a-1", "canceled", "4.000")

    play(tmp_path, test)


def test_what_cannot_be_changed_is_refused(tmp_path: Path) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", t1="alice")
        await client.next("8")
        client.cancel("c-1", "nobody")
        refused = await client.next("9")
        assert (refused[37], refused[39], refused[102], refused[434]) == ("NONE", "8", "1", "1")
        assert refused[58].startswith("unknown_order:")
        client.cancel("a-1", "a-1")
        assert (await client.next("9"))[102] == "6"
        client.replace("c-2", "a-1", "2", "100", "2")
        refused = await client.next("9")
        assert (refused[102], refused[434], refused[39]) == ("99", "2", "0")
        client.replace("c-3", "a-1", "0", "100")
        refused = await client.next("9")
        assert refused[58].startswith("invalid_quantity")
        client.cancel("c-4", "a-1")
        assert (await client.next("8"))[150] == "4"
        client.cancel("c-5", "a-1")
        refused = await client.next("9")
        assert (refused[102], refused[39]) == ("0", "4")
        assert await client.quiet() == []

    play(tmp_path, test)


@pytest.mark.parametrize(
    ("fields", "reason", "slug"),
    [
        ({"t55": "XRP-USD"}, "1", "unknown_instrument"),
        ({"t38": "0.0001"}, "13", "invalid_quantity"),
        ({"t44": "100.001"}, "99", "invalid_price"),
        ({"t1": "nobody"}, "15", "unknown_account"),
        ({"t54": "5"}, "11", "invalid_combination"),
        ({"t11": "x" * 37}, "99", "invalid_client_order_id"),
        ({"t59": "6", "t126": "20200101-00:00:00"}, "4", "expired"),
        ({"t59": "6"}, "11", "invalid_combination"),
    ],
)
def test_what_is_not_taken_is_rejected(tmp_path: Path, fields: dict[str, str], reason: str, slug: str) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", **{"t1": "alice", **fields})
        rejected = await client.next("8")
        assert (rejected[150], rejected[39], rejected[103], rejected[37]) == ("8", "8", reason, "NONE")
        assert rejected[58].partition(":")[0] == slug
        assert await client.quiet() == []

    play(tmp_path, test)


def test_an_id_is_used_once(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", t1="alice")
        client.order("a-1", "1", "2", "100", t1="alice")
        found = [await client.next("8") for _ in range(2)]
        assert {(it[150], it.get(103)) for it in found} == {("0", None), ("8", "6")}
        # Sent again on purpose it is asked about.
        client.order("a-1", "1", "2", "100", t1="alice", resend=True)
        status = await client.next("8")
        assert (status[150], status[39], status[17]) == ("I", "0", "0")
        # Used over another gateway it is another order.
        await venue.order(client_order_id="r-1", price="90")
        client.order("r-1", "1", "2", "90", t1="alice")
        rejected = await client.next("8")
        assert (rejected[150], rejected[103]) == ("8", "6")
        assert len((await venue.ask("GET", "/orders?account=alice&status=live"))["orders"]) == 2

    play(tmp_path, test)


def test_times_stops_and_icebergs(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.order("m-1", "2", "1", "100", t1="bob", t111="0.1")
        assert (await client.next("8"))[111] == "0.1"
        client.order("i-1", "1", "0.1", "100", t1="alice", t59="3")
        reports = {(it[11], it[150], it[39]) for it in [await client.next("8") for _ in range(3)]}
        assert reports == {("i-1", "0", "0"), ("i-1", "F", "2"), ("m-1", "F", "1")}
        client.order("f-1", "1", "5", "100", t1="alice", t59="4")
        ended = [await client.next("8") for _ in range(2)]
        assert [(it[150], it.get(58)) for it in ended] == [("0", None), ("4", "fill_or_kill")]
        client.order("s-1", "1", "0.1", None, t1="alice", t40="3", t99="150")
        assert [(await client.next("8"))[150]] == ["0"]
        client.order("p-1", "1", "1", "100", t1="alice", t18="6")
        rejected = await client.next("8")
        assert rejected[58].startswith("post_only_would_take")
        client.order("g-1", "1", "1", "90", t1="alice", t59="6", t126="20990101-00:00:00")
        assert (await client.next("8"))[126] == "20990101-00:00:00"
        assert (await venue.ask("GET", "/orders?account=alice&status=live"))["orders"]

    play(tmp_path, test)


def test_a_mass_cancel(tmp_path: Path) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        for number, (account, side, symbol) in enumerate(
            [("alice", "1", "BTC-USD"), ("alice", "2", "BTC-USD"), ("alice", "1", "ETH-USD"), ("bob", "1", "BTC-USD")]
        ):
            client.order(f"a-{number}", side, "1", "200" if side == "2" else "100", t1=account, t55=symbol)
        for _ in range(4):
            await client.next("8")
        client.send("q", [(11, "q-1"), (530, "1"), (55, "BTC-USD"), (54, "1"), (60, now_text())])
        found = [await client.next("8", "r") for _ in range(3)]
        (report,) = [it for it in found if it.kind == "r"]
        assert (report[11], report[530], report[531], report[533]) == ("q-1", "1", "1", "2")
        assert report.all(41) == ["a-0", "a-3"]
        assert {(it[11], it[58]) for it in found if it.kind == "8"} == {("a-0", "mass_cancel"), ("a-3", "mass_cancel")}
        client.send("q", [(11, "q-2"), (530, "7"), (60, now_text())])
        found = [await client.next("8", "r") for _ in range(3)]
        assert {it[11] for it in found} == {"q-2", "a-1", "a-2"}
        client.send("q", [(11, "q-3"), (530, "6"), (60, now_text())])
        refused = await client.next("r")
        assert (refused[531], refused[532]) == ("0", "0")
        client.send("q", [(11, "q-4"), (530, "1"), (55, "XRP-USD"), (60, now_text())])
        refused = await client.next("r")
        assert (refused[531], refused[532]) == ("0", "1")

    play(tmp_path, test)


def test_the_status_of_an_order(tmp_path: Path) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        client.order("a-1", "1", "2", "100", t1="alice")
        new = await client.next("8")
        client.send("H", [(11, "a-1"), (55, "BTC-USD"), (54, "1"), (790, "s-1")])
        status = await client.next("8")
        assert (status[150], status[39], status[37], status[790]) == ("I", "0", new[37], "s-1")
        client.send("H", [(11, "a-9"), (55, "BTC-USD"), (54, "1")])
        unknown = await client.next("8")
        assert (unknown[150], unknown[39], unknown[103]) == ("I", "8", "5")

    play(tmp_path, test)


def test_what_is_not_a_message_of_ours_is_refused(tmp_path: Path) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        number = client.send("B", [(148, "news"), (33, "1"), (58, "text")])
        refused = await client.next("j")
        assert (refused[45], refused[372], refused[380]) == (str(number), "B", "3")

    play(tmp_path, test)
