"""Whatever happens, a report says of its order what the book says of it afterwards (R9)."""

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from aeromatch import Instrument, OrderBook, Report

INSTRUMENTS: list[dict[str, Any]] = [
    {},
    {"matching": "pro_rata", "self_trade_prevention": "cancel_oldest"},
    {"matching": "fifo_pro_rata", "fifo_share_bps": 4000, "self_trade_prevention": "decrement"},
    {"reference_price": 100, "static_band_ticks": 12, "circuit_breaker_ticks": 6, "halt_ns": 40},
    {"circuit_breaker_bps": 500, "self_trade_prevention": "cancel_both"},
]
TIMES_IN_FORCE = ("gtc", "gtc", "gtc", "day", "ioc", "fok", "aon", "aon")
PHASES = ("continuous", "continuous", "auction", "pre_open", "halted", "closed")


class Market:
    """A person who enters every kind of order around one price."""

    def __init__(self, seed: int, **rules: Any) -> None:
        self.random = random.Random(seed)
        self.book = OrderBook(Instrument("X", **rules))
        self.time_ns = 0

    def price(self) -> int:
        return 100 + self.random.randint(-8, 8)

    def order(self) -> dict[str, Any]:
        """The arguments of a new order that the rules might take."""
        rng, quantity = self.random, self.random.randint(1, 20)
        order_type = rng.choice(
            ["limit"] * 6 + ["market", "stop", "stop_limit", "trailing_stop", "trailing_stop_limit"]
        )
        order: dict[str, Any] = {
            "order_type": order_type,
            "quantity": quantity,
            "account": rng.choice([None, "a", "b"]),
        }
        if "limit" in order_type:
            order |= {"price": self.price(), "time_in_force": rng.choice(TIMES_IN_FORCE)}
        if order_type.startswith("stop"):
            order["stop_price"] = self.price()
        elif order_type.startswith("trailing"):
            order |= rng.choice([{"trail_offset": rng.randint(1, 5)}, {"trail_offset_bps": rng.randint(1, 500)}])
        kept = order.get("time_in_force", "ioc") in ("gtc", "day")
        if "limit" in order_type and kept and rng.random() < 0.4:
            order["display_quantity"] = rng.randint(0, quantity)
        elif order.get("time_in_force") != "aon" and rng.random() < 0.2:
            order["min_quantity"] = rng.randint(1, quantity)
        return order

    def command(self) -> Report:
        """Does something, most often enters an order."""
        rng, book = self.random, self.book
        self.time_ns += rng.randint(0, 3)
        dice = rng.random()
        if dice < 0.7 or not len(book):
            return book.submit(rng.choice(["buy", "sell"]), timestamp=self.time_ns, **self.order())
        if dice < 0.95:
            order = rng.choice(book.orders())
            price = self.price() if order.price is not None and rng.random() < 0.5 else None
            quantity = rng.randint(1, 25) if price is None or rng.random() < 0.5 else None
            return book.amend(order.order_id, quantity=quantity, price=price, timestamp=self.time_ns)
        if dice < 0.97:
            return book.set_phase(rng.choice(PHASES), timestamp=self.time_ns)
        if book.phase != "continuous":
            return book.set_phase("continuous", timestamp=self.time_ns)
        return book.advance_time(self.time_ns + rng.randint(0, 50))


def check(report: Any, before: Any, book: OrderBook) -> None:
    """Compares a report with the book after it; `before` is the order before an amend."""
    if report.status in (None, "rejected"):
        return
    after = book.order(report.order_id)
    if report.status in ("filled", "canceled"):
        assert (after, report.remaining_quantity) == (None, 0)
    else:
        assert after is not None
        assert (after.status, after.remaining_quantity) == (report.status, report.remaining_quantity)
        had = before.filled_quantity if before else 0
        assert after.filled_quantity - had == report.filled_quantity
    fills = [
        (trade.price, trade.quantity)
        for trade in report.trades
        if report.order_id in (trade.maker_order_id, trade.taker_order_id)
    ]
    filled = sum((quantity for _, quantity in fills), Decimal(0))
    assert report.filled_quantity == filled
    notional = sum((price * quantity for price, quantity in fills), Decimal(0))
    assert report.average_price == (notional / filled if filled else None)


@pytest.mark.parametrize("rules", INSTRUMENTS)
def test_R9_reports_agree_with_the_book(rules: dict[str, Any]) -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        market = Market(seed, **rules)
        for _ in range(400):
            orders = {order.order_id: order for order in market.book.orders()}
            report = market.command()
            check(report, orders.get(report.order_id or 0), market.book)
            seen[str(report.status)] += 1
            seen.update(str(event.kind) for event in report.events)
            if any(trade.maker_order_id == report.order_id for trade in report.trades):
                seen["maker in its own command"] += 1
    for what in ("dormant", "open", "partially_filled", "filled", "canceled", "rejected", "triggered", "replenished"):
        assert seen[what] > 10, what
    assert seen["maker in its own command"] > 0
