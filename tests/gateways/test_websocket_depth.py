"""Depth over a WebSocket: ids that chain, the local book that is the book, conflation."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest
from tests.feed.trading import Trader
from tests.gateways.ws_venue import LocalBook, WsVenue, play

from aeromatch._core import DepthReader
from aeromatch.gateways.streams import hub


class Watched(Trader):
    """Notes the book after each command, by the number of the command: what a local book has to be at that id."""

    def __init__(self, venue: WsVenue, symbol: str, seed: int) -> None:
        super().__init__(venue.exchange, symbol, random.Random(seed))
        self.reader = DepthReader(venue.exchange, symbol)
        self.books: dict[int, Any] = {}
        self.note()

    def note(self) -> None:
        self.reader.read()
        sequence, _, bids, asks = self.reader.levels()
        self.books[sequence] = (bids, asks)

    def trade(self, commands: int) -> None:
        for _ in range(commands):
            super().trade(1)
            self.note()


def test_an_event_loop_that_is_behind_is_not_given_ever_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_WAITING", 3)

    async def test(venue: WsVenue) -> None:
        ticks = 0
        tick = venue.hub.tick

        def counted(now_ns: int) -> None:
            nonlocal ticks
            tick(now_ns)
            ticks += 1

        monkeypatch.setattr(venue.hub, "tick", counted)
        trader = Trader(venue.exchange, "BTC-USD", random.Random(4))
        async with venue.client() as client:
            await client.ask("subscribe", channel="depth", symbol="BTC-USD")
            book = LocalBook()
            book.apply(await client.next("depth"))
            # The loop does nothing else meanwhile.
            until = ticks + 30
            while ticks < until:
                trader.trade(1)
            given, updates = venue.hub._given - venue.hub._done, 0
            assert given <= 5
            reader = DepthReader(venue.exchange, "BTC-USD")
            reader.read()
            _, _, bids, asks = reader.levels()
            while book.levels != (bids, asks):
                book.apply(await client.next("depth"))
                updates += 1
            assert updates <= 10
            assert book.snapshots == 1

    play(test)


@pytest.mark.parametrize(("seed", "levels"), [(1, 0), (2, 3)])
def test_the_local_book_is_the_book_at_each_update_id(seed: int, levels: int) -> None:
    async def test(venue: WsVenue) -> None:
        trader = Watched(venue, "BTC-USD", seed)
        async with venue.client() as client:
            await asyncio.to_thread(trader.trade, 20)
            await client.ask("subscribe", channel="depth", symbol="BTC-USD", levels=levels)
            book, seen = LocalBook(), 0

            async def follow() -> None:
                book.apply(await client.next("depth"))
                bids, asks = trader.books.get(book.last_update_id) or await noted(trader, book.last_update_id)
                assert book.levels == (bids[: levels or None], asks[: levels or None])

            await follow()
            while seen < 20:
                # Updates are made meanwhile, and wait.
                await asyncio.to_thread(trader.trade, 20)
                bids, asks = trader.books[trader.reader.sequence]
                while book.levels != (bids[: levels or None], asks[: levels or None]):
                    await follow()
                    seen += 1
            assert book.snapshots == 1

    play(test)


async def noted(trader: Watched, sequence: int) -> Any:
    """The feed may be a moment ahead of the one who trades."""
    async with asyncio.timeout(10):
        while sequence not in trader.books:
            await asyncio.sleep(0.001)
    return trader.books[sequence]


def test_the_recipe_with_a_book_over_rest_works() -> None:
    async def test(venue: WsVenue) -> None:
        trader = Trader(venue.exchange, "BTC-USD", random.Random(7))
        async with venue.client() as client:
            await client.ask("subscribe", channel="depth", symbol="BTC-USD")
            # 1. Updates are kept. 2. The book is asked for, and trading goes on.
            await client.next("depth")
            await asyncio.to_thread(trader.trade, 50)
            trading = asyncio.ensure_future(asyncio.to_thread(trader.trade, 50))
            snapshot = await venue.market.book("BTC-USD", 0)
            await trading
            await asyncio.to_thread(trader.trade, 20)
            kept = [await client.next("depth")]
            while kept[-1]["last_update_id"] <= snapshot.last_update_id:
                kept.append(await client.next("depth"))
            # 3. Those that the book has are dropped. 4. The first one that is not holds the next id.
            later = [update for update in kept if update["last_update_id"] > snapshot.last_update_id]
            first = later[0]
            assert first["first_update_id"] <= snapshot.last_update_id + 1 <= first["last_update_id"]
            book = LocalBook()
            book.apply({"type": "snapshot", **snapshot.as_dict()})
            # What the first one takes away may be gone already.
            for side, levels in ((book.bids, first["bids"]), (book.asks, first["asks"])):
                for price, quantity in levels:
                    if quantity == "0":
                        side.pop(Decimal(price), None)
                    else:
                        side[Decimal(price)] = quantity
            book.last_update_id = first["last_update_id"]
            for update in later[1:]:
                book.apply(update)
            reader = DepthReader(venue.exchange, "BTC-USD")
            reader.read()
            while book.levels != reader.levels()[2:]:
                book.apply(await client.next("depth"))

    play(test)


def test_a_book_over_rest_beside_a_channel_has_what_was_answered_before() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="depth", symbol="BTC-USD")
            book = LocalBook()
            book.apply(await client.next("depth"))
            for place in range(20):
                price = f"{90 + place}.00"
                report = venue.exchange.submit("BTC-USD", "buy", quantity=1, price=price)
                found = await venue.market.book("BTC-USD", 1)
                assert found.bids == [(price, "1.000")]
                assert found.last_update_id >= report.sequence
                # It stands between two updates.
                while book.last_update_id < found.last_update_id:
                    book.apply(await client.next("depth"))
                assert book.last_update_id == found.last_update_id

    play(test)
