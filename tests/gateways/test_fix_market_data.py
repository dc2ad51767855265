"""Market data and the list of instruments over FIX, against the whole server."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.fix_client import FixClient, Received
from tests.gateways.test_fix_orders import CONFIG, play, port_of
from tests.server.real_venue import RealVenue

FAST = CONFIG + "market_data: {interval_ms: 5}\n"


def request(client: FixClient, request_id: str, kind: str, *entries: str, depth: int = 0, **more: Any) -> None:
    symbols = more.pop("symbols", ["BTC-USD"])
    body: list[tuple[int, Any]] = [(262, request_id), (263, kind), (264, depth)]
    body += [(int(name[1:]), value) for name, value in more.items()]
    body += [(267, len(entries)), *((269, entry) for entry in entries)]
    body += [(146, len(symbols)), *((55, symbol) for symbol in symbols)]
    client.send("V", body)


def levels(message: Received) -> list[tuple[str, str, str]]:
    """Entries of a snapshot: kind, price, size."""
    entries = zip(message.all(269), message.all(270), message.all(271), strict=True)
    return [(kind, price.rstrip("0").rstrip("."), size.rstrip("0").rstrip(".")) for kind, price, size in entries]


def test_a_book_once(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        request(client, "m-0", "0", "0", "1")
        empty = await client.next("W")
        assert (empty[262], empty[55], empty[268]) == ("m-0", "BTC-USD", "0")
        for price, side in ((100, "buy"), (99, "buy"), (102, "sell"), (103, "sell")):
            await venue.order(price=str(price), side=side, quantity="2")
        request(client, "m-1", "0", "0", "1", depth=1)
        assert levels(await client.next("W")) == [("0", "100", "2"), ("1", "102", "2")]
        request(client, "m-2", "0", "1")
        assert levels(await client.next("W")) == [("1", "102", "2"), ("1", "103", "2")]
        await venue.order(price="102", side="buy", quantity="0.5")
        request(client, "m-3", "0", "2")
        trade = await client.next("W")
        assert levels(trade) == [("2", "102", "0.5")]
        assert len(trade[272]) == 8
        # Nothing follows.
        assert await client.quiet() == []

    play(tmp_path, test, FAST)


def test_a_book_as_it_changes(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        await venue.order(price="100", quantity="2")
        request(client, "m-1", "1", "0", "1", t265="1")
        assert levels(await client.next("W")) == [("0", "100", "2")]
        book: dict[tuple[str, Decimal], str] = {("0", Decimal(100)): "2"}
        ids = []
        for price, side in ((101, "buy"), (100, "buy"), (105, "sell"), (101, "sell")):
            ids.append((await venue.order(price=str(price), side=side, quantity="1"))["order_id"])
        await venue.ask("DELETE", f"/order/{ids[1]}")
        expected = {("0", Decimal(100)): "2.000", ("1", Decimal(105)): "1.000"}

        def apply(update: Received) -> None:
            columns = [update.all(tag) for tag in (279, 269, 55, 270, 271)]
            for action, kind, symbol, price, size in zip(*columns, strict=True):
                key = (kind, Decimal(price))
                assert symbol == "BTC-USD"
                assert (action == "0") == (key not in book)
                if action == "2":
                    del book[key]
                else:
                    book[key] = size

        while {key: Decimal(size) for key, size in book.items()} != {k: Decimal(v) for k, v in expected.items()}:
            apply(await client.next("X"))
        client.send("V", [(262, "m-1"), (263, "2"), (264, 0), (267, 1), (269, "0"), (146, 1), (55, "BTC-USD")])
        await client.quiet()
        await venue.order(price="90")
        assert [it.kind for it in await client.quiet()] == []

    play(tmp_path, test, FAST)


def test_a_whole_book_each_time_and_trades(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        request(client, "m-1", "1", "0", "1", "2", t265="0", symbols=["BTC-USD", "ETH-USD"])
        first = [await client.next("W") for _ in range(2)]
        assert {it[55] for it in first} == {"BTC-USD", "ETH-USD"}
        await venue.order(price="100", side="sell", quantity="2")
        assert levels(await client.next("W")) == [("1", "100", "2")]
        for _ in range(3):
            await venue.order(price="100", side="buy", quantity="0.5")
        trades: list[str] = []
        book: list[tuple[str, str, str]] = []
        while len(trades) < 3 or book != [("1", "100", "0.5")]:
            message = await client.next("W", "X")
            if message.kind == "X":
                assert message[262] == "m-1"
                assert set(message.all(279)) == {"0"}
                assert set(message.all(269)) == {"2"}
                trades += message.all(278)
            else:
                book = levels(message)
        assert trades == ["1", "2", "3"]

    play(tmp_path, test, FAST)


def test_market_data_is_not_sent_again(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        request(client, "m-1", "1", "0", t265="1")
        await client.next("W")
        await venue.order(price="100")
        await client.next("X")
        client.order("a-1", "1", "1", 99, t1="alice")
        await client.until(lambda: any(it.kind == "8" for it in client.messages))
        await client.cut()
        client.next_in, client.messages, client.numbers = 1, [], []
        await client.log_on()
        await client.until(lambda: bool(client.messages))
        # The gaps were filled, and nobody follows anything.
        await venue.order(price="101")
        await client.quiet()
        assert [it.kind for it in client.messages] == ["8"]

    play(tmp_path, test, FAST)


@pytest.mark.parametrize(
    ("asked", "reason", "slug"),
    [
        ({"symbols": ["XRP-USD"]}, "0", "unknown_instrument"),
        ({"t266": "N"}, "7", "malformed"),
        ({"entries": ("0", "4")}, "8", "malformed"),
        ({"depth": 10_000_000}, "5", "malformed"),
        ({"kind": "2"}, None, "not_subscribed"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, asked: dict[str, Any], reason: str | None, slug: str) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        entries, kind = asked.pop("entries", ("0", "1")), asked.pop("kind", "0")
        request(client, "m-1", kind, *entries, **asked)
        refused = await client.next("Y")
        assert (refused[262], refused.get(281), refused[58].partition(":")[0]) == ("m-1", reason, slug)

    play(tmp_path, test, FAST)


def test_subscriptions_are_limited(tmp_path: Path) -> None:
    async def test(_venue: RealVenue, client: FixClient) -> None:
        request(client, "m-1", "1", "0")
        await client.next("W")
        request(client, "m-1", "1", "0")
        assert (await client.next("Y"))[281] == "1"
        request(client, "m-2", "1", "0")
        await client.next("W")
        request(client, "m-3", "1", "0")
        refused = await client.next("Y")
        assert (refused[281], refused[58].partition(":")[0]) == ("2", "too_many_subscriptions")

    play(tmp_path, test, FAST.replace("port: 0", "port: 0, subscriptions: 3"))


def test_the_list_of_instruments(tmp_path: Path) -> None:
    async def test(venue: RealVenue, client: FixClient) -> None:
        client.send("x", [(320, "l-1"), (559, "4")])
        pages = [await client.next("y") for _ in range(2)]
        assert [(it[320], it[560], it[393], it[893], it.all(55)) for it in pages] == [
            ("l-1", "0", "2", "N", ["BTC-USD"]),
            ("l-1", "0", "2", "Y", ["ETH-USD"]),
        ]
        assert (pages[0][561], pages[0][58]) == ("0.001", "tick_size=0.01 phase=continuous")
        client.send("x", [(320, "l-2"), (559, "0"), (55, "ETH-USD")])
        one = await client.next("y")
        assert (one[560], one.all(55)) == ("0", ["ETH-USD"])
        for body, result in (
            ([(320, "l-3"), (559, "0"), (55, "XRP-USD")], "2"),
            ([(320, "l-4"), (559, "1")], "1"),
            ([(320, "l-5"), (559, "0")], "1"),
        ):
            client.send("x", body)
            assert (await client.next("y"))[560] == result
        assert port_of(venue)

    play(tmp_path, test, FAST.replace("port: 0", "port: 0, list_instruments: 1"))
