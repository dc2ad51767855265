"""`AsyncExchange.submit_many`: the same orders as by `submit`, and what came of them as JSON."""

import asyncio
import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aeromatch import AsyncExchange, Instrument, JournalError, Report, Shards
from aeromatch.schema.orders import NewOrder, Order

SYMBOLS = ("PLAIN", "SETTLED", "Vote/Yes", "Vote/No")
ACCOUNTS = ("alice", 'b"o\\b\u00e9', "carol")
decode = msgspec.json.Decoder(Order).decode


async def furnish(ex: AsyncExchange) -> None:
    await ex.create_instrument(Instrument("PLAIN", tick_size="0.01", lot_size="0.001", dedup_window_ns=10**15))
    await ex.create_instrument(
        Instrument("SETTLED", tick_size="0.5", lot_size="1", settlement=True, base="THING", quote="USD", group="main")
    )
    for account in ACCOUNTS:
        await ex.create_account(account)
        for asset in ("USD", "THING"):
            await ex.deposit(account, asset, "100000")
    await ex.create_event("Vote", outcomes=["Yes", "No"], currency="USD")
    for account in ACCOUNTS:
        await ex.mint("Vote", account, "1000")


def some_order(dice: random.Random) -> NewOrder:
    symbol = dice.choice(SYMBOLS)
    scale = {"PLAIN": "0.01", "SETTLED": "0.5"}.get(symbol, "0.01")
    middle = {"PLAIN": 10_000, "SETTLED": 200}.get(symbol, 50)
    price = str((middle + dice.randint(-4, 4)) * Decimal(scale))
    fields: dict[str, Any] = {
        "symbol": symbol,
        "side": dice.choice(["buy", "sell"]),
        "quantity": dice.choice(["1", "2", 3, "0.5", "7"]),
        "type": dice.choice(["limit"] * 6 + ["market", "stop", "stop_limit", "trailing_stop"]),
        "time_in_force": dice.choice(["gtc"] * 5 + ["ioc", "fok", "day", "gtd", "aon"]),
    }
    if fields["type"] in ("limit", "stop_limit") or dice.random() < 0.05:
        fields["price"] = price
    if fields["type"].startswith("stop"):
        fields["stop_price"] = price
    if fields["type"] == "trailing_stop":
        fields["trail_offset_bps"] = 50
    if fields["time_in_force"] == "gtd":
        fields["expire_at"] = dice.choice([0, 1, 10**18])
    rarer: list[tuple[str, Any]] = [
        ("post_only", dice.choice([True, "slide"])),
        ("display_quantity", dice.choice(["0", "1"])),
        ("min_quantity", "1"),
        ("client_order_id", f'id {dice.randint(1, 60)} "\\'),
        ("protection_price", price),
        ("self_trade_prevention", dice.choice(["cancel_newest", "cancel_oldest", "cancel_both", "decrement"])),
        ("quantity", dice.choice(["0", "0.0001", "1e30", "many"])),
        ("price", dice.choice(["0.001", "-5", "cheap"])),
    ]
    for name, value in rarer:
        if dice.random() < 0.06:
            fields[name] = value
    return NewOrder(**fields)


async def by_submit(ex: AsyncExchange, order: NewOrder, account: str | None) -> Report | Exception:
    fields = {name: getattr(order, name) for name in NewOrder.__struct_fields__}
    symbol, side, fields["order_type"] = fields.pop("symbol"), fields.pop("side"), fields.pop("type")
    fields["account"] = account
    try:
        return await ex.submit(symbol, side, **fields)
    except (ValueError, TypeError) as error:
        return error


def check(result: Any, report: Report | Exception, order: NewOrder, account: str | None) -> str:
    """Compares, and says how the order ended."""
    if isinstance(report, Exception):
        assert result == ("malformed", str(report), 0)
        return "malformed"
    if report.reject_reason is not None:
        assert result == (report.reject_reason.value, "", report.events[-1].order_id or 0)
        return "rejected"
    number, data = result
    answered = decode(data)
    assert (number, answered.order_id) == (report.order_id, str(report.order_id))
    # It is what msgspec makes of it, byte for byte but for how signs are escaped.
    assert msgspec.json.decode(data) == msgspec.to_builtins(answered)
    assert list(msgspec.json.decode(data)) == list(Order.__struct_fields__)
    assert (answered.symbol, answered.side, answered.type) == (order.symbol, order.side, order.type)
    assert (answered.time_in_force, answered.post_only) == (order.time_in_force, order.post_only)
    assert (answered.account, answered.client_order_id) == (account, order.client_order_id)
    assert answered.expire_at == order.expire_at
    assert answered.status == report.status
    assert Decimal(answered.filled_quantity) == report.filled_quantity
    assert Decimal(answered.remaining_quantity) == report.remaining_quantity
    average = None if answered.average_price is None else Decimal(answered.average_price)
    assert average == report.average_price
    own = [t for t in report.trades if report.order_id in (t.maker_order_id, t.taker_order_id)]
    fills = [(f.trade_id, Decimal(f.price), Decimal(f.quantity), f.liquidity) for f in answered.fills]
    taker = [t.taker_order_id == report.order_id for t in own]
    assert fills == [
        (t.trade_id, t.price, t.quantity, "taker" if is_taker else "maker")
        for t, is_taker in zip(own, taker, strict=True)
    ]
    events = [event for event in report.events if event.order_id == report.order_id]
    reasons = [event.reason for event in events if event.kind == "canceled"]
    assert answered.reason == (reasons[-1] if reasons else None)
    if order.price is not None:
        slid = [event.price for event in events if event.kind == "repriced"]
        assert Decimal(answered.price or 0) == (slid[-1] if slid else Decimal(order.price))
    assert (answered.sequence, answered.created_at) == (report.sequence, report.timestamp)
    return answered.status


@pytest.mark.parametrize("seed", range(3))
def test_many_orders_are_the_same_as_one_after_the_other(seed: int) -> None:
    async def main() -> set[str]:
        dice = random.Random(seed)
        ends = set()
        async with AsyncExchange() as one, AsyncExchange() as other:
            await furnish(one)
            await furnish(other)
            for _ in range(60):
                orders = [some_order(dice) for _ in range(dice.randint(1, 40))]
                accounts = [dice.choice(ACCOUNTS) for _ in orders]
                reports = [
                    await by_submit(one, order, account) for order, account in zip(orders, accounts, strict=True)
                ]
                results = await other.submit_many(list(orders), list(accounts), tag=7)
                for result, report, order, account in zip(results, reports, orders, accounts, strict=True):
                    ends.add(check(result, report, order, account))
            assert await one.digest() == await other.digest()
        return ends

    ended = asyncio.run(main())
    assert ended == {"malformed", "rejected", "open", "partially_filled", "filled", "canceled", "dormant"}


def test_orders_for_several_shards_are_one_answer() -> None:
    async def main() -> None:
        shards = Shards(2, instruments={"A": 0, "B": 1})
        async with AsyncExchange(shards) as ex:
            for symbol in ("A", "B"):
                await ex.create_instrument(Instrument(symbol))
            symbols = ["A", "B", "NONE", "B", "A"] * 40
            orders = [NewOrder(symbol=symbol, side="buy", quantity="1", price=n) for n, symbol in enumerate(symbols, 1)]
            results = await ex.submit_many(list(orders), [None] * len(orders))
            for order, result in zip(orders, results, strict=True):
                if order.symbol == "NONE":
                    assert result == ("unknown_instrument", 'there is no instrument "NONE"', 0)
                else:
                    assert len(result) == 2
                    assert decode(result[1]).price == str(order.price)
                    assert decode(result[1]).symbol == order.symbol
            assert [each.sequence for each in ex.counters()] == list(ex.sequences)

    asyncio.run(main())


def test_more_batches_than_there_is_room_for_wait_their_turn() -> None:
    async def main() -> None:
        async with AsyncExchange(Shards(1, window=2)) as ex:
            await ex.create_instrument(Instrument("A"))
            order = NewOrder(symbol="A", side="buy", quantity="1", price="1")
            batches = await asyncio.gather(*(ex.submit_many([order] * 10, [None] * 10) for _ in range(50)))
            numbers = [result[0] for results in batches for result in results]
            assert sorted(numbers, key=str) == sorted(set(numbers), key=str)
            assert len(ex.book("A")) == 500

    asyncio.run(main())


def test_no_orders_are_no_command() -> None:
    async def main() -> None:
        async with AsyncExchange() as ex:
            assert await ex.submit_many([], []) == []
            assert ex.sequences == (0,)
            with pytest.raises(TypeError, match="of one length"):
                await ex.submit_many([], [None])
            with pytest.raises(AttributeError):
                await ex.submit_many([7], [None])

    asyncio.run(main())


def test_a_closed_exchange_takes_none() -> None:
    async def main() -> None:
        ex = AsyncExchange()
        await ex.create_instrument(Instrument("A"))
        await ex.close()
        with pytest.raises(Exception, match="closed") as raised:
            await ex.submit_many([NewOrder(symbol="A", side="buy", quantity="1", price="1")], [None])
        assert not isinstance(raised.value, JournalError)

    asyncio.run(main())
