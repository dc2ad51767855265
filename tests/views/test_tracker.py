"""What `_core.OrderTracker` says of orders is what the books and the reports say, after every command."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.model.exchange_compare import slots_of
from tests.model.exchange_generator import ExchangeGenerator

from aeromatch import Exchange, Instrument, OrderBook, OrderStatus, Report, _core
from aeromatch.market.records import EVENT_DTYPE, FILL_DTYPE, NO_SIDE, ORDER_DTYPE, ORDER_HAS_FILLS
from aeromatch.market.reference import ReferenceExchange

STATUS = {code: word for word, code in _core.CODES["OrderStatus"].items()}
SIDE = {code: word for word, code in _core.CODES["Side"].items()}
KIND = _core.CODES["EventKind"]
DONE = ("filled", "canceled")


def notional_of(row: Any) -> int:
    return (int(row["notional_high"]) << 64) + int(row["notional_low"])


class Played:
    """A generated exchange, command by command, and beside it what trades and cancels add up to."""

    def __init__(self, seed: object) -> None:
        self.generator = ExchangeGenerator(random.Random(f"tracker {seed}"))
        self.reference, self.exchange = ReferenceExchange(), Exchange()
        self.traded: dict[int, tuple[int, int]] = {}
        self.canceled: dict[int, int] = {}

    def step(self) -> np.ndarray[Any, np.dtype[np.void]]:
        """The events of one more command."""
        command = self.generator.command(self.reference)
        self.reference.apply(command)
        records = self.exchange.process(slots_of(command)).to_numpy()
        for record in records:
            lots, price = int(record["quantity_lots"]), int(record["price_ticks"])
            if record["kind"] == KIND["trade"]:
                for order_id in (int(record["order_id"]), int(record["other"])):
                    filled, notional = self.traded.get(order_id, (0, 0))
                    self.traded[order_id] = (filled + lots, notional + lots * price)
            elif record["kind"] == KIND["canceled"]:
                self.canceled[int(record["order_id"])] = int(record["reason"])
        return records

    def live(self) -> Iterator[tuple[Instrument, Any]]:
        """Each live order as the book says, once, seen from the instrument that it was entered for."""
        mirrored = self.reference.ledger.orders
        for instrument in self.exchange.instruments():
            book = self.exchange.book(instrument.symbol)
            of_reference = self.reference.registry.instruments[instrument.number]
            for order in book.orders():
                funded = mirrored.get(order.order_id)
                is_own = funded.instrument is of_reference if funded is not None else not of_reference.is_mirror
                if is_own:
                    yield instrument, order


def check_row(row: Any, order: Any, instrument: Instrument) -> None:
    assert STATUS[row["status"]] == order.status
    assert SIDE[row["side"]] == order.side
    assert row["instrument"] == instrument.number
    assert row["account"] == order.account_number
    assert row["quantity_lots"] == order.quantity_lots
    assert row["remaining_lots"] == order.remaining_lots
    assert row["filled_lots"] == order.quantity_lots - order.remaining_lots
    assert row["created_ns"] == order.timestamp
    assert row["price_ticks"] == (order.price_ticks or 0)


def check_ended(played: Played, row: Any) -> None:
    order_id = int(row["order_id"])
    filled, notional = played.traded.get(order_id, (0, 0))
    if row["unit_ticks"]:
        notional = int(row["unit_ticks"]) * filled - notional
    assert (row["filled_lots"], notional_of(row)) == (filled, notional)
    if STATUS[row["status"]] in DONE:
        reason = played.canceled.get(order_id)
        assert STATUS[row["status"]] == ("filled" if reason is None else "canceled")
        assert row["reason"] == (reason or 0)
        assert row["remaining_lots"] == 0
        assert reason is not None or row["quantity_lots"] == filled


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_what_books_say_after_every_command(seed: int) -> None:
    played = Played(seed)
    tracker = _core.OrderTracker(played.exchange)
    ended, mirrored = 0, 0
    for _ in range(400):
        records = played.step()
        orders, fills = tracker.apply(records)
        for row in orders:
            check_ended(played, row)
            ended += STATUS[row["status"]] in DONE
            mirrored += row["unit_ticks"] > 0
            assert row["flags"] & ORDER_HAS_FILLS
        told = {row["order_id"]: row for row in tracker.live_orders()}
        live = list(played.live())
        assert sorted(order.order_id for _, order in live) == list(told)
        for instrument, order in live:
            check_row(told[order.order_id], order, instrument)
        check_fills(fills, records)
    assert ended > 0


def check_fills(fills: Any, records: Any) -> None:
    trades = records[records["kind"] == KIND["trade"]]
    assert fills["order_id"].tolist() == np.column_stack((trades["order_id"], trades["other"])).ravel().tolist()
    assert fills["is_maker"].tolist() == [1, 0] * len(trades)
    assert fills["trade_id"].tolist() == np.repeat(trades["detail"], 2).tolist()
    assert fills["quantity_lots"].tolist() == np.repeat(trades["quantity_lots"], 2).tolist()
    # Who takes is on the side that the trade names; who makes on the other, if he is not of the other outcome too.
    for maker, taker, trade in zip(fills[::2], fills[1::2], trades, strict=True):
        assert (maker["side"] != taker["side"]) == (maker["instrument"] == taker["instrument"])
        if maker["instrument"] == taker["instrument"]:
            assert maker["price_ticks"] == taker["price_ticks"]
        if taker["instrument"] == trade["instrument"]:
            assert taker["price_ticks"] == trade["price_ticks"]
            assert trade["side"] in (NO_SIDE, taker["side"])


@pytest.mark.parametrize("seed", range(4))
def test_batches_of_any_size_leave_the_same_rows(seed: int) -> None:
    played = Played(f"batches {seed}")
    one, many = _core.OrderTracker(played.exchange), _core.OrderTracker(played.exchange)
    last: dict[int, Any] = {}
    batches: list[Any] = []
    of_batches: dict[int, Any] = {}
    fills: list[bytes] = []
    of_batches_fills: list[bytes] = []
    for number in range(400):
        records = played.step()
        orders, filled = one.apply(records)
        last.update((int(row["order_id"]), row) for row in orders)
        fills.append(filled.tobytes())
        batches.append(records)
        if number % 23 == 0:
            orders, filled = many.apply(np.concatenate(batches))
            assert len(np.unique(orders["order_id"])) == len(orders), "each once"
            of_batches.update((int(row["order_id"]), row) for row in orders)
            of_batches_fills.append(filled.tobytes())
            batches = []
            assert many.live_orders().tobytes() == one.live_orders().tobytes()
            assert many.time_ns() == one.time_ns()
            assert {key: row.tobytes() for key, row in of_batches.items()} == {k: r.tobytes() for k, r in last.items()}
            assert b"".join(of_batches_fills) == b"".join(fills)


@pytest.mark.parametrize("seed", range(4))
def test_a_tracker_that_was_loaded_goes_on_as_the_first_would_have(seed: int) -> None:
    played = Played(f"loaded {seed}")
    first, heir = _core.OrderTracker(played.exchange), _core.OrderTracker(played.exchange)
    loaded = 0
    for number in range(400):
        records = played.step()
        assert [rows.tobytes() for rows in heir.apply(records)] == [rows.tobytes() for rows in first.apply(records)]
        if number % 19 == 0:
            heir = _core.OrderTracker(played.exchange)
            loaded += heir.load(first.live_orders(), times_ns=[first.time_ns()])
            assert len(heir) == len(first)
    assert loaded > 0


@pytest.mark.parametrize("seed", range(6))
def test_R9_rows_are_what_reports_say(seed: int) -> None:
    rng = random.Random(seed)
    book = OrderBook(Instrument("X", tick_size="0.5", lot_size="0.1"))
    tracker = _core.OrderTracker()
    ids: list[int] = []
    for number in range(600):
        before = {int(row["order_id"]): row for row in tracker.live_orders()}
        report = random_command(rng, book, ids, at=number // 3)
        orders, _ = tracker.apply(slots_of_events(report))
        if not report.accepted:
            assert len(orders) == 0 or report.events[0].kind != "rejected"
            continue
        assert report.order_id is not None
        (row,) = orders[orders["order_id"] == report.order_id]
        old = before.get(report.order_id)
        filled = int(row["filled_lots"]) - (int(old["filled_lots"]) if old is not None else 0)
        notional = notional_of(row) - (notional_of(old) if old is not None else 0)
        assert STATUS[row["status"]] == report.status
        assert Decimal(filled) / 10 == report.filled_quantity
        assert Decimal(int(row["remaining_lots"])) / 10 == report.remaining_quantity
        average = Decimal(notional) / 2 / filled if filled else None
        assert average == report.average_price
        assert (row["sequence"], row["updated_ns"]) == (report.sequence, report.timestamp)
        ids.append(report.order_id)


def random_command(rng: random.Random, book: OrderBook, ids: list[int], at: int) -> Report:
    """A command that trades often."""
    price, quantity = Decimal(rng.randint(195, 205)) / 2, Decimal(rng.randint(1, 30)) / 10
    match rng.randrange(10):
        case 0 | 1:
            return book.cancel(rng.choice(ids[-20:] or [1]), timestamp=at)
        case 2 | 3:
            return book.amend(rng.choice(ids[-20:] or [1]), quantity=quantity, price=price, timestamp=at)
        case 4:
            return book.submit(
                rng.choice(("buy", "sell")), order_type="stop", stop_price=price, quantity=quantity, timestamp=at
            )
        case 5:
            return book.submit(rng.choice(("buy", "sell")), order_type="market", quantity=quantity, timestamp=at)
    return book.submit(
        rng.choice(("buy", "sell")),
        quantity=quantity,
        price=price,
        account=rng.choice(("ann", "bob", "cid")),
        self_trade_prevention=rng.choice(("none", "decrement", "cancel_oldest")),
        time_in_force=rng.choice(("gtc", "gtc", "ioc")),
        timestamp=at,
    )


def slots_of_events(report: Report) -> bytes:
    """The events of a report as records."""
    records = np.zeros(len(report.events), EVENT_DTYPE)
    for place, event in enumerate(report.events):
        shape = 0
        if event.order_type is not None:
            shape = _core.CODES["OrderType"][event.order_type]
        reason = 0 if event.reason is None else _core.CODES[type(event.reason).__name__][event.reason]
        side = NO_SIDE if event.side is None else _core.CODES["Side"][event.side]
        records[place] = (
            KIND[event.kind],
            1,
            reason or shape,
            side,
            event.instrument,
            event.account_number,
            place,
            event.price_ticks,
            event.quantity_lots,
            event.order_id or 0,
            event.other,
            event.sequence,
            event.detail,
        )
    return records.tobytes()


def test_R32_an_order_of_the_second_outcome_is_told_in_its_own_terms() -> None:
    exchange = Exchange(shards=2)
    try:
        exchange.create_event("Election", outcomes=("Yes", "No"), currency="USD", tick_size="0.01")
        for name in ("ann", "bob"):
            exchange.create_account(name)
            exchange.deposit(name, "USD", 1000)
        stream = exchange.stream()
        tracker = _core.OrderTracker(exchange)
        resting = exchange.submit("Election/No", "buy", quantity=10, price="0.35", account="ann")
        taking = exchange.submit("Election/Yes", "buy", quantity=4, price="0.70", account="bob")
        assert (resting.status, taking.status) == ("open", "filled")
        seen: dict[int, Any] = {}
        fills: list[Any] = []
        while (events := stream.read(timeout_s=0)) is not None:
            orders, filled = tracker.apply(events, shard=0)
            seen.update((int(row["order_id"]), row) for row in orders)
            fills += list(filled)
        stream.close()
    finally:
        exchange.close()
    assert resting.order_id is not None
    assert taking.order_id is not None
    yes, no = resting.order_id >> 40, (resting.order_id >> 40) + 1
    row = seen[resting.order_id]
    assert (row["instrument"], row["book"], row["unit_ticks"]) == (no, yes, 100)
    assert (SIDE[row["side"]], row["price_ticks"], STATUS[row["status"]]) == ("buy", 35, "partially_filled")
    assert (row["filled_lots"], notional_of(row)) == (4, 4 * 35)
    row = seen[taking.order_id]
    assert (row["instrument"], SIDE[row["side"]], row["price_ticks"]) == (yes, "buy", 70)
    assert notional_of(row) == 4 * 65
    assert [(fill["instrument"], fill["price_ticks"], SIDE[fill["side"]]) for fill in fills] == [
        (no, 35, "buy"),
        (yes, 65, "buy"),
    ]


def test_what_does_not_follow_is_refused_and_stays_so() -> None:
    book = OrderBook(Instrument("X", tick_size=1, lot_size=1))
    order = book.submit("buy", quantity=1, price=1)
    tracker = _core.OrderTracker()
    canceled = slots_of_events(book.cancel(order.order_id))
    with pytest.raises(ValueError, match="command 2 is about order 1, which nothing before it has accepted"):
        tracker.apply(canceled)
    with pytest.raises(ValueError, match="command 2"):
        tracker.apply(b"")
    with pytest.raises(TypeError, match="events must be rows of 64 bytes, not bytes with items of 1 bytes"):
        _core.OrderTracker().apply(b"short")
    with pytest.raises(TypeError, match="orders must be rows of 112 bytes"):
        _core.OrderTracker().load(np.zeros(3, EVENT_DTYPE))


def test_dtypes_are_the_rows() -> None:
    assert (ORDER_DTYPE.itemsize, FILL_DTYPE.itemsize) == (112, 64)
    assert {str(status) for status in OrderStatus} >= set(STATUS.values())
