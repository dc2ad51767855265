"""What a load consists of: orders that rest, cross, change and go, in a mix, around the price that a market has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final, Literal, NamedTuple

__all__ = ["BATCH_MIX", "KINDS", "MIX", "Command", "Flow", "Market"]

Kind = Literal["new", "cancel", "amend", "crossing", "market", "batch"]

KINDS: Final[tuple[Kind, ...]] = ("new", "cancel", "amend", "crossing", "market")
"""new: rests in the book; crossing: takes what is there, the rest of it is canceled; market: the same at any price."""

MIX: Final[dict[str, float]] = {"new": 50, "cancel": 30, "amend": 10, "crossing": 8, "market": 2}
BATCH_MIX: Final[dict[str, float]] = {"new": 50, "crossing": 50}

DEPTH_TICKS: Final = 20
"""How far from the middle orders rest; crossing ones reach as far."""

WORST_SHARE: Final = Decimal("0.05")
"""How far from the middle a market order may trade."""

MOVED_TICKS: Final = 5
"""The market has moved so much: the orders follow."""

MOST_LOTS: Final = 10
MOST_KNOWN: Final = 2_000
"""Live orders that a connection remembers; from then on every new one makes it cancel first."""


@dataclass(frozen=True, slots=True)
class Market:
    """An instrument to send orders to.

    Attributes:
        symbol: The instrument.
        tick_size, lot_size: As exact text.
        middle_ticks: Around which orders are placed.
    """

    symbol: str
    tick_size: str
    lot_size: str
    middle_ticks: int


class Command(NamedTuple):
    """One request, whatever the gateway."""

    kind: Kind
    order_id: str
    """Of an order that is changed or canceled."""
    body: bytes
    """JSON: a NewOrder, an OrderBatch, an AmendOrder, or nothing."""
    orders: int
    """How many commands of the exchange it is."""


class Flow:
    """The requests of one connection, one after the other.

    Arguments:
        markets: Where orders go, by turns.
        accounts: Whose they are, by turns; empty: the key's.
        mix: Weights of KINDS.
        batch: New orders in a request; 1: each by itself.
        seed: The same seed gives the same requests, but for the ids of orders.
    """

    def __init__(
        self, markets: tuple[Market, ...], accounts: tuple[str, ...], mix: dict[str, float], batch: int, seed: int
    ) -> None:
        self._markets = markets
        self._accounts = accounts
        self._kinds: list[Kind] = [kind for kind in KINDS if mix.get(kind)]
        self._weights = [mix[kind] for kind in self._kinds]
        self._batch = batch
        self._random = Random(seed)
        self._sent = seed
        # Live orders, as far as is known, and where each is.
        self._known: list[tuple[str, Market]] = []
        self._scales = {market.symbol: _Scale(market) for market in markets}

    def next(self) -> Command:
        """The next request."""
        if self._batch > 1:
            orders = b",".join(self._order(self._choose()) for _ in range(self._batch))
            return Command("batch", "", b'{"orders":[' + orders + b"]}", self._batch)
        kind = self._choose()
        if kind == "new" and len(self._known) >= MOST_KNOWN:
            kind = "cancel"
        if kind in ("cancel", "amend") and not self._known:
            kind = "new"
        if kind == "cancel":
            order_id, _ = self._known.pop(self._random.randrange(len(self._known)))
            return Command("cancel", order_id, b"", 1)
        if kind == "amend":
            order_id, market = self._random.choice(self._known)
            lots = self._random.randint(1, MOST_LOTS)
            quantity = self._scales[market.symbol].quantity(lots)
            return Command("amend", order_id, f'{{"quantity":"{quantity}"}}'.encode(), 1)
        return Command(kind, "", self._order(kind), 1)

    def rests(self, order_id: str, command: Command) -> None:
        """A new order rests: it may be changed and canceled from now on."""
        self._known.append((order_id, self._market_of(command)))

    def traded(self, price: str, command: Command) -> None:
        """An order traded at this price: its market may have moved."""
        self._scales[self._market_of(command).symbol].follow(price)

    def _market_of(self, command: Command) -> Market:
        return next(market for market in self._markets if command.body.startswith(self._scales[market.symbol].marker))

    def _choose(self) -> Kind:
        return self._random.choices(self._kinds, self._weights)[0]

    def _order(self, kind: Kind) -> bytes:
        random = self._random
        self._sent += 1
        scale = self._scales[self._markets[self._sent % len(self._markets)].symbol]
        is_buy = random.random() < 0.5
        away = random.randint(1, DEPTH_TICKS)
        side, quantity = "buy" if is_buy else "sell", scale.quantity(random.randint(1, MOST_LOTS))
        text = f'{scale.head}"side":"{side}","quantity":"{quantity}"'
        if self._accounts:
            text += f',"account":{json.dumps(self._accounts[self._sent % len(self._accounts)])}'
        if kind == "new":
            text += f',"price":"{scale.price(-away if is_buy else away)}"'
        elif kind == "crossing":
            text += f',"price":"{scale.price(DEPTH_TICKS if is_buy else -DEPTH_TICKS)}","time_in_force":"ioc"'
        else:
            worst = scale.highest if is_buy else scale.lowest
            text += f',"type":"market","time_in_force":"ioc","protection_price":"{worst}"'
        return (text + "}").encode()


class _Scale:
    """Prices and quantities of an instrument as text, by ticks and lots."""

    def __init__(self, market: Market) -> None:
        self.head = f'{{"symbol":{json.dumps(market.symbol)},'
        self.marker = self.head.encode()
        self._tick, lot = Decimal(market.tick_size), Decimal(market.lot_size)
        self._quantities = [f"{lots * lot:f}" for lots in range(MOST_LOTS + 1)]
        self._middle_ticks = market.middle_ticks
        self._write_prices()

    def _write_prices(self) -> None:
        middle = self._middle_ticks
        self._prices = [f"{(middle + away) * self._tick:f}" for away in range(-DEPTH_TICKS, DEPTH_TICKS + 1)]
        away = max(int(abs(middle) * WORST_SHARE), DEPTH_TICKS)
        self.lowest, self.highest = f"{(middle - away) * self._tick:f}", f"{(middle + away) * self._tick:f}"

    def follow(self, price: str) -> None:
        """Move the middle to a price that was traded."""
        ticks = int(Decimal(price) / self._tick)
        if abs(ticks - self._middle_ticks) >= MOVED_TICKS:
            self._middle_ticks = ticks
            self._write_prices()

    def price(self, away_ticks: int) -> str:
        return self._prices[away_ticks + DEPTH_TICKS]

    def quantity(self, lots: int) -> str:
        return self._quantities[lots]
