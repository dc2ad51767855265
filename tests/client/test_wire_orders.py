"""Own orders followed through reports: the same as the native tracker that the views use, and second outcomes."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from aeromatch import EVENT_DTYPE, Instrument, OrderBook, _core
from aeromatch.client.errors import ClosedError
from aeromatch.client.wire_orders import Market, OwnOrders
from aeromatch.client.wire_streams import OrderReports
from aeromatch.replay.generate import Mood, flow

CODES = _core.CODES
TICK, LOT = Decimal("0.01"), Decimal(1)


@pytest.mark.parametrize("mood", list(Mood))
def test_orders_are_those_of_the_native_tracker(mood: Mood) -> None:
    book = OrderBook(Instrument("X", tick_size=TICK))
    market = Market(0, "X", TICK, LOT, 0)
    made = flow(mood, 3000, seed=5)
    # None of the flows has extension slots, so every slot starts a command.
    slots = np.concatenate((made.opening.slots, made.session.slots))
    ours, native = OwnOrders(), _core.OrderTracker()
    statuses = {code: word for word, code in CODES["OrderStatus"].items()}
    for begin in range(0, len(slots), 100):
        events = book.process(slots[begin : begin + 100])
        changed = {order.order_id: order for order in ours.apply(events.to_numpy(), {0: market}, {}, {})}
        rows, fills = native.apply(events)
        assert set(changed) == set(rows["order_id"].tolist())
        for row in rows:
            order = changed[int(row["order_id"])]
            told = (order.quantity_lots, order.filled_lots, order.price_ticks, order.status, order.updated_ns)
            theirs = [int(row[name]) for name in ("quantity_lots", "filled_lots", "price_ticks")]
            assert told == (*theirs, statuses[int(row["status"])], int(row["updated_ns"]))
        assert sum(len(order.fills) for order in changed.values()) == len(fills)
        for order in changed.values():
            order.fills.clear()
    assert set(ours.live) == set(native.live_orders()["order_id"].tolist())


def event(kind: str, **fields: int) -> NDArray[np.void]:
    row = np.zeros(1, dtype=EVENT_DTYPE)
    row["kind"], row["version"] = CODES["EventKind"][kind], 1
    for name, value in fields.items():
        row[name] = value
    return row


YES = Market(1, "Rain/Yes", TICK, LOT, 1)
NO = Market(2, "Rain/No", TICK, LOT, 1, unit_ticks=100)


def test_the_second_of_two_outcomes_is_told_in_its_own_terms() -> None:
    # A buy of No at 0.30 stands in the book of Yes as a sell at 0.70.
    rows = [
        event("accepted", reason=32, side=1, instrument=1, account=1, price_ticks=70, quantity_lots=5, order_id=9),
        event("trade", side=0, instrument=1, account=1, index=1, price_ticks=70, quantity_lots=2, order_id=9, other=8),
    ]
    (order,) = OwnOrders().apply(np.concatenate(rows), {1: YES, 2: NO}, {1: NO}, {})
    told = order.told({1: "alice"})
    assert (told.symbol, told.side, told.price, told.average_price) == ("Rain/No", "buy", "0.30", "0.30")
    assert (told.account, told.fills[0].price, told.fills[0].liquidity) == ("alice", "0.30", "maker")


def test_an_order_from_before_is_told_with_what_its_reports_say() -> None:
    ours = OwnOrders()
    fill = event("trade", side=0, instrument=1, account=1, price_ticks=70, quantity_lots=2, order_id=9, other=8)
    (order,) = ours.apply(fill, {1: YES}, {}, {})
    assert (order.status, order.told({}).filled_quantity, order.updated_ns) == ("partially_filled", "2", 0)
    amended = event("amended", side=1, instrument=1, account=1, order_id=9, price_ticks=71, quantity_lots=4, other=10)
    (order,) = ours.apply(amended, {1: YES}, {}, {})
    told = order.told({})
    assert (told.quantity, told.filled_quantity, told.remaining_quantity, told.average_price) == ("10", "6", "4", None)
    ended = event("canceled", reason=1, side=1, instrument=1, account=1, order_id=9, quantity_lots=4)
    (order,) = ours.apply(ended, {1: YES}, {}, {})
    assert (order.status, order.told({}).reason) == ("canceled", "requested")
    assert not ours.live


def test_what_is_somebody_elses_is_passed_over() -> None:
    other = event("trade", side=0, instrument=1, account=0, price_ticks=70, quantity_lots=2, order_id=9, other=8)
    assert OwnOrders().apply(other, {1: YES}, {}, {}) == []


def test_a_stream_that_could_not_begin_has_ended() -> None:
    async def refused(_: object) -> None:
        raise ClosedError("this client was closed")

    async def read() -> None:
        stream = OrderReports(refused, lambda _: None)
        with pytest.raises(ClosedError):
            await anext(stream)
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), 10)

    asyncio.run(read())
