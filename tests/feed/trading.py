"""Random trading for tests of market data, and local books to compare."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aeromatch import Exchange

Side = dict[Decimal, str]


class Trader:
    """Sends orders of every kind near the middle, and cancels some."""

    def __init__(self, exchange: Exchange, symbol: str, numbers: random.Random, account: str | None = None) -> None:
        self.exchange, self.symbol, self.random, self.account = exchange, symbol, numbers, account
        self.live: list[int] = []

    def order(self) -> dict[str, Any]:
        """The arguments of some order."""
        numbers = self.random
        quantity = numbers.randrange(1, 2000)
        order: dict[str, Any] = {
            "side": numbers.choice(("buy", "sell")),
            "quantity": Decimal(quantity) / 1000,
            "price": Decimal(numbers.randrange(9980, 10020)) / 100,
            "account": self.account,
        }
        match numbers.randrange(8):
            case 0:
                order["time_in_force"] = "ioc"
            case 1:
                order["display_quantity"] = Decimal(numbers.randrange(0, quantity + 1)) / 1000
            case 2:
                order["post_only"] = True
        return order

    def trade(self, commands: int) -> None:
        """Sends so many commands and waits for their answers."""
        for _ in range(commands):
            if self.live and self.random.random() < 0.4:
                place = self.random.randrange(len(self.live))
                self.exchange.cancel(self.symbol, self.live.pop(place))
            elif (report := self.exchange.submit(self.symbol, **self.order())).order_id is not None:
                self.live.append(report.order_id)


def levels_of(book: tuple[Mapping[Decimal, str], Mapping[Decimal, str]]) -> tuple[list[Any], list[Any]]:
    """A local book's levels, best first, as `DepthReader.levels` has them."""
    bids, asks = book
    return (
        [(f"{price:f}", bids[price]) for price in sorted(bids, reverse=True)],
        [(f"{price:f}", asks[price]) for price in sorted(asks)],
    )
