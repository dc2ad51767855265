"""A simulated market: made-up traders who trade with one another, so that there is something to look at.

Each instrument has a price that wanders, makers who quote around it, traders who come with small orders, and now and
then somebody who sweeps through the book. What they decide depends on the seed and on what became of their orders, not
on the clock. They come through AsyncExchange, in the server's process, like anybody else.
"""

import asyncio
import logging
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol

from aeromatch import AsyncExchange, Report
from aeromatch.server.config.sections import DemoConfig

__all__ = ["DEMO_CONFIG", "Demo"]

log = logging.getLogger("aeromatch.demo")

DEMO_CONFIG: Final = Path(__file__).with_name("demo.yaml")

MAKERS: Final = ("maker-1", "maker-2", "maker-3")
TRADERS: Final = tuple(f"trader-{number}" for number in range(1, 7))
LEVELS: Final = 8
"""How many prices each maker quotes on each side."""
RESTING: Final = 6
"""How many orders each trader leaves in a book at most."""
DEFAULT_PRICE: Final = Decimal(100)
PURSE: Final = Decimal(20_000_000)
"""What each trader has in money, and in worth of what is traded; who runs out of it gets as much again."""
LATE_S: Final = 0.5
"""Who is later than this does not hurry: the market goes on from now."""


class Market(Protocol):
    """What is traded, and how an order to buy or sell it is sent."""

    name: str
    tick_size: Decimal
    lot_size: Decimal

    def place(
        self, account: str, side: str, price: Decimal, lots: int, *, kind: str = "gtc", passive: bool = False
    ) -> Awaitable[Report]:
        """Sends an order."""

    def amend(self, order: "Resting", price: Decimal) -> Awaitable[Report]:
        """Moves an order."""

    def cancel(self, order: "Resting") -> Awaitable[Report]:
        """Takes an order back."""

    def price(self, walk: float) -> Decimal:
        """The price that belongs to a place of the walk."""

    async def fund(self, account: str) -> None:
        """Gives an account what it needs to trade."""

    async def tidy(self, account: str) -> None:
        """Does what an account has to do now and then."""


@dataclass(frozen=True, slots=True)
class Resting:
    """An order that may still be in the book."""

    symbol: str
    order_id: int
    side: str


class Spot:
    """An instrument."""

    def __init__(self, exchange: AsyncExchange, symbol: str) -> None:
        self._exchange = exchange
        self._instrument = exchange.book(symbol).instrument
        self.name = symbol
        self.tick_size, self.lot_size = self._instrument.tick_size, self._instrument.lot_size
        self._middle = exchange.book(symbol).last_trade_price or self._instrument.reference_price or DEFAULT_PRICE

    def place(
        self, account: str, side: str, price: Decimal, lots: int, *, kind: str = "gtc", passive: bool = False
    ) -> Awaitable[Report]:
        return self._exchange.submit(
            self.name,
            side,
            quantity=lots * self.lot_size,
            price=price,
            time_in_force=kind,
            account=account,
            post_only="slide" if passive else False,
        )

    def amend(self, order: Resting, price: Decimal) -> Awaitable[Report]:
        return self._exchange.amend(order.symbol, order.order_id, price=price)

    def cancel(self, order: Resting) -> Awaitable[Report]:
        return self._exchange.cancel(order.symbol, order.order_id)

    def price(self, walk: float) -> Decimal:
        return self._middle * Decimal(math.exp(walk))

    async def fund(self, account: str) -> None:
        instrument = self._instrument
        if not instrument.settlement or instrument.base is None or instrument.quote is None or instrument.group is None:
            return
        coins = (PURSE / self._middle).quantize(Decimal(1)) + 1
        for asset, amount in ((instrument.quote, PURSE), (instrument.base, coins)):
            if self._exchange.balance(account, asset, instrument.group).available < amount / 4:
                await self._exchange.deposit(account, asset, amount, group=instrument.group)

    async def tidy(self, account: str) -> None:
        """Nothing to do."""


class Event:
    """An event with two outcomes, seen as the first: who sells it buys the other, which needs money and no shares."""

    def __init__(self, exchange: AsyncExchange, name: str) -> None:
        self._exchange = exchange
        event = next(event for event in exchange.events() if event.name == name)
        self.name = name
        self._symbols = event.symbols
        self.tick_size, self.lot_size = event.tick_size, event.lot_size
        self._currency, self._group = event.currency or "", event.group or ""

    def _mirrored(self, side: str, price: Decimal) -> tuple[str, Decimal]:
        return (self._symbols[0], price) if side == "buy" else (self._symbols[1], 1 - price)

    def place(
        self, account: str, side: str, price: Decimal, lots: int, *, kind: str = "gtc", passive: bool = False
    ) -> Awaitable[Report]:
        symbol, own_price = self._mirrored(side, price)
        return self._exchange.submit(
            symbol,
            "buy",
            quantity=lots * self.lot_size,
            price=own_price,
            time_in_force=kind,
            account=account,
            post_only="slide" if passive else False,
        )

    def amend(self, order: Resting, price: Decimal) -> Awaitable[Report]:
        symbol, own_price = self._mirrored(order.side, price)
        return self._exchange.amend(symbol, order.order_id, price=own_price)

    def cancel(self, order: Resting) -> Awaitable[Report]:
        return self._exchange.cancel(self._mirrored(order.side, Decimal(0))[0], order.order_id)

    def price(self, walk: float) -> Decimal:
        # Livelier than a price, and never certain.
        return Decimal(1 / (1 + math.exp(-40 * walk)))

    async def fund(self, account: str) -> None:
        if self._exchange.balance(account, self._currency, self._group).available < PURSE / 4:
            await self._exchange.deposit(account, self._currency, PURSE, group=self._group)

    async def tidy(self, account: str) -> None:
        """Turns full sets back into money."""
        shares = [self._exchange.balance(account, symbol, self._group).available for symbol in self._symbols]
        sets = min(shares) // self.lot_size * self.lot_size
        if sets > 0:
            await self._exchange.redeem(self.name, account, sets)


@dataclass(slots=True)
class Crowd:
    """Those who trade in one market, what they have in its book, and what they think that it is worth."""

    market: Market
    rng: random.Random
    orders_per_second: float
    walk: float = 0.0
    mood: float = 0.0
    quotes: dict[tuple[str, str, int], Resting] = field(default_factory=dict)
    resting: dict[str, deque[Resting]] = field(default_factory=dict)
    broke: set[str] = field(default_factory=set)
    refused: int = 0

    async def open(self) -> None:
        """Quotes everything once."""
        for level in range(LEVELS):
            for maker in MAKERS:
                for side in ("buy", "sell"):
                    await self.quote(maker, side, level)

    async def step(self) -> None:
        """Somebody does something."""
        rng = self.rng
        self.mood = 0.98 * self.mood + rng.gauss(0, 0.000_005)
        self.walk += self.mood + rng.gauss(0, 0.000_08) - 0.0005 * self.walk
        what = rng.random()
        if what < 0.62:
            await self.quote(
                rng.choice(MAKERS), rng.choice(("buy", "sell")), min(int(rng.expovariate(0.6)), LEVELS - 1)
            )
        elif what < 0.985:
            await self.trade(rng.choice(TRADERS))
        else:
            await self.sweep(rng.choice(TRADERS))
        if self.broke:
            await self.market.fund(self.broke.pop())
        if rng.random() < 0.01:
            await self.market.tidy(rng.choice(MAKERS + TRADERS))

    async def quote(self, maker: str, side: str, level: int) -> None:
        """A maker moves one of its quotes to where it should be, or makes it anew."""
        slot = (maker, side, level)
        distance = (0.000_15 * (1 + MAKERS.index(maker) / 2) + 0.000_2 * level) * self.rng.uniform(0.8, 1.2)
        price = self.away(side, distance, 1 + level)
        order = self.quotes.get(slot)
        if order is not None:
            report = await self.market.amend(order, price)
            if report.accepted:
                return
            del self.quotes[slot]
        lots = self.size(0.2 + 0.1 * level)
        placed = await self.send(maker, side, self.market.place(maker, side, price, lots, passive=True))
        if placed is not None:
            self.quotes[slot] = placed

    async def trade(self, trader: str) -> None:
        """A trader takes a little, leaves an order, or gives one up."""
        rng, own = self.rng, self.resting.setdefault(trader, deque())
        side = rng.choice(("buy", "sell"))
        if rng.random() < 0.4:
            price = self.away(side, -0.002, -3)
            await self.send(trader, side, self.market.place(trader, side, price, self.size(0.1), kind="ioc"))
            return
        if len(own) >= RESTING:
            await self.market.cancel(own.popleft())
            return
        price = self.away(side, rng.expovariate(1200), 1)
        placed = await self.send(trader, side, self.market.place(trader, side, price, self.size(0.15)))
        if placed is not None:
            own.append(placed)

    async def sweep(self, trader: str) -> None:
        """Somebody is in a hurry, and the price follows."""
        side = self.rng.choice(("buy", "sell"))
        price = self.away(side, -0.004, -6)
        await self.send(trader, side, self.market.place(trader, side, price, self.size(3.0), kind="ioc"))
        self.walk += 0.0004 if side == "buy" else -0.0004

    async def send(self, account: str, side: str, sent: Awaitable[Report]) -> Resting | None:
        """Waits for an order's answer; gives it where it rests."""
        report = await sent
        reason = report.reject_reason
        if reason is not None:
            self.refused += 1
            if reason.value == "insufficient_funds":
                self.broke.add(account)
            return None
        self.refused = 0
        if report.order_id is None or not report.remaining_quantity:
            return None
        return Resting(self.market.name, report.order_id, side)

    def away(self, side: str, share: float, ticks: int) -> Decimal:
        """The price so far behind the middle as seen from a side, by the larger of a share of it and some ticks."""
        tick = self.market.tick_size
        middle = self.market.price(self.walk)
        distance = max(abs(Decimal(share) * middle), abs(ticks) * tick).copy_sign(Decimal(ticks))
        wanted = middle - distance if side == "buy" else middle + distance
        rounded = (wanted / tick).to_integral_value() * tick
        highest = 1 - tick if isinstance(self.market, Event) else rounded
        return max(tick, min(rounded, highest))

    def size(self, scale: float) -> int:
        """How many lots: many small, some large."""
        worth = Decimal(self.rng.lognormvariate(0, 0.8) * scale * 20_000)
        return max(1, min(int(worth / (self.market.price(self.walk) * self.market.lot_size)), 1_000_000))


class Demo:
    """The traders of all instruments, from `start` to `stop`."""

    def __init__(
        self, exchange: AsyncExchange, config: DemoConfig, *, is_killed: Callable[[], bool] = lambda: False
    ) -> None:
        """The traders come through no gateway; `is_killed` says whether the venue's kill switch stops them as well."""
        self._exchange = exchange
        self._config = config
        self._is_killed = is_killed
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Makes the traders, gives them funds, and lets them trade."""
        outcomes = {symbol for event in self._exchange.events() for symbol in event.symbols}
        markets: list[Market] = [
            Spot(self._exchange, instrument.symbol)
            for instrument in self._exchange.instruments()
            if instrument.symbol not in outcomes
        ]
        markets += [
            Event(self._exchange, event.name)
            for event in self._exchange.events()
            if len(event.outcomes) == 2 and not event.settled
        ]
        known = self._exchange.accounts()
        for account in MAKERS + TRADERS:
            if account not in known:
                await self._exchange.create_account(account)
            else:
                await self._exchange.mass_cancel(account=account)  # What another run of the demo has left.
            for market in markets:
                await market.fund(account)
        for market in markets:
            crowd = Crowd(market, random.Random(f"{self._config.seed} {market.name}"), self._config.orders_per_second)
            await crowd.open()
            self._tasks.append(asyncio.create_task(self._trade(crowd)))

    async def _trade(self, crowd: Crowd) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        try:
            while True:
                # Where the market is closed or halted, whoever is refused comes back later.
                rate = crowd.orders_per_second / (1 + min(crowd.refused, 100))
                due = max(due + crowd.rng.expovariate(rate), loop.time() - LATE_S)
                await asyncio.sleep(due - loop.time())
                if not self._is_killed():
                    await crowd.step()
        except Exception:
            log.exception("the simulated market has stopped", extra={"market": crowd.market.name})

    async def stop(self) -> None:
        """Lets the traders go; their orders stay."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
