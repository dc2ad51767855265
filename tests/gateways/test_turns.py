"""Orders that come in one turn of the event loop go to the exchange together, and in order with everything else."""

import asyncio
from typing import Any

import pytest
from tests.gateways.fakes import ANYBODY, services

from aeromatch import AeroMatchError, AsyncExchange, Instrument, Shards
from aeromatch.gateways.trading import Trading
from aeromatch.gateways.turns import MOST, Turns
from aeromatch.schema.orders import NewOrder

ORDER = NewOrder(symbol="A", side="buy", quantity="1", price="1")


class Counted(AsyncExchange):
    """Notes how many orders each submission had."""

    def send_many(self, orders: list[Any], *rest: Any) -> None:
        self.__dict__.setdefault("sizes", []).append(len(orders))
        super().send_many(orders, *rest)


def sizes(ex: AsyncExchange) -> list[int]:
    found: list[int] = ex.__dict__.get("sizes", [])
    return found


def ignore(_stage: str, _duration_ns: int, _count: int) -> None:
    """Where nobody asks how long it took."""


def test_what_comes_in_one_turn_is_one_submission() -> None:
    async def main() -> None:
        async with Counted() as ex:
            await ex.create_instrument(Instrument("A"))
            turns = Turns(ex, ignore)
            results = await asyncio.gather(*(turns.enter(ORDER, None, n) for n in range(5)))
            assert [number for number, *_ in results] == [(1 << 40) + n for n in range(1, 6)]
            await turns.enter(ORDER, None, 0)
            assert sizes(ex) == [5, 1]
            await asyncio.gather(*(turns.enter(ORDER, None, 0) for _ in range(MOST + 1)))
            assert sizes(ex) == [5, 1, MOST, 1]

    asyncio.run(main())


def test_each_command_has_the_tag_of_its_sender() -> None:
    async def main() -> None:
        async with AsyncExchange() as ex:
            await ex.create_instrument(Instrument("A"))
            turns = Turns(ex, ignore)
            await asyncio.gather(*(turns.enter(ORDER, None, tag) for tag in (7, 8, 9)))
            async for batch in ex.stream():
                tags = [event.tag for event in batch if event.kind == "accepted" and event.order_id]
                if tags:
                    assert tags == [7, 8, 9]
                    return

    asyncio.run(main())


def test_a_cancel_that_comes_behind_an_order_finds_it() -> None:
    async def main() -> None:
        async with AsyncExchange() as ex:
            await ex.create_instrument(Instrument("A"))
            made, market = services(ex)
            trading = Trading(made)
            entering = asyncio.ensure_future(trading.new_order(ANYBODY, ORDER))
            canceling = asyncio.ensure_future(trading.cancel_all(ANYBODY, symbol=None, side=None, account=None))
            (order, _), canceled = await entering, await canceling
            assert canceled.order_ids == [order.order_id]
            await trading.close()
            market.close()

    asyncio.run(main())


def test_who_has_gone_hurts_nobody_and_the_order_stands() -> None:
    async def main() -> None:
        async with AsyncExchange() as ex:
            await ex.create_instrument(Instrument("A"))
            turns = Turns(ex, ignore)
            gone, stays = turns.enter(ORDER, None, 0), turns.enter(ORDER, None, 0)
            gone.cancel()
            assert len(await stays) == 2
            assert len(ex.book("A")) == 2

    asyncio.run(main())


def test_where_there_are_several_shards_each_gets_its_own() -> None:
    async def main() -> None:
        async with AsyncExchange(Shards(2, instruments={"A": 0, "B": 1}, window=1)) as ex:
            for symbol in ("A", "B"):
                await ex.create_instrument(Instrument(symbol))
            turns = Turns(ex, ignore)
            orders = [
                NewOrder(symbol=symbol, side="sell", quantity=n, price=5) for n, symbol in enumerate("ABAB" * 9, 1)
            ]
            results = await asyncio.gather(*(turns.enter(order, None, 0) for order in orders))
            assert all(len(result) == 2 for result in results)
            assert (len(ex.book("A")), len(ex.book("B"))) == (18, 18)

    asyncio.run(main())


def test_a_closed_exchange_is_told_to_everyone_who_waits() -> None:
    async def main() -> None:
        ex = AsyncExchange()
        await ex.create_instrument(Instrument("A"))
        turns = Turns(ex, ignore)
        waiting = [turns.enter(ORDER, None, 0) for _ in range(3)]
        await ex.close()
        for answer in waiting:
            with pytest.raises(AeroMatchError):
                await answer

    asyncio.run(main())
