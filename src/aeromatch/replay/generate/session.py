"""A seeded market session: traders' actions, carried out by the real engine.

A fair price follows the mood's path. Traders place limit orders around it, cancel and reduce them (those far from the
market first), and cross the spread, more eagerly while the book lags behind the fair price. Only `random.random` and
exact arithmetic are used, so that one seed gives the same session on every machine.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from aeromatch import Instrument, OrderBook
from aeromatch.replay.generate.moods import PER_MILLE, TEMPERS, Mood

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aeromatch import Report

PULL: Final = 1_024
"""How strongly what has been wandered away pulls back: by one part in so many at each step of it."""
LATELY: Final = 24
ROUND_LOTS: Final = (100, 100, 100, 100, 200, 200, 300, 500, 1_000)
NANOSECONDS: Final = 1_000_000_000
SESSION_NS: Final = 23_400 * NANOSECONDS
"""Six and a half hours."""


class ActionKind(StrEnum):
    """What a trader does."""

    NEW = "new"
    REDUCE = "reduce"
    CANCEL = "cancel"


class Action(NamedTuple):
    """One action of a trader; prices in ticks, quantities in lots."""

    kind: ActionKind
    time_ns: int
    """Nanoseconds after the opening."""
    order_id: int
    """The engine's id; of a new order the one that it gets."""
    is_buy: bool
    price: int
    quantity: int
    """Of a new order all of it; else what is taken away."""
    total: int
    """The order's total quantity afterwards (filled part included)."""
    opening: bool
    """Whether it belongs to the book that the session opens with."""


@dataclass(slots=True)
class _Resting:
    """A live order, as the traders see it."""

    order_id: int
    is_buy: bool
    price: int
    total: int
    remaining: int


class Session:
    """One session of a mood: `actions` yields what traders do, and `book` is the market as it stands then."""

    def __init__(self, mood: Mood, steps: int, seed: int, *, index: str = "ladder") -> None:
        """Prepare a session.

        Args:
            mood: How the market feels.
            steps: Actions after the opening.
            seed: Everything that is left to chance follows from it.
            index: The engine's price index.
        """
        self.mood = mood
        self.steps = steps
        self.book = OrderBook(Instrument(f"GENERATED-{mood.upper()}", tick_size="0.01"), index=index)
        self.report: Report | None = None
        """The engine's answer to the last action."""
        self._scale = self.book.instrument
        self._temper = TEMPERS[mood]
        self._chance = Random(seed).random
        self._live: list[_Resting] = []
        self._places: dict[int, int] = {}
        self._fair = self._temper.start_ticks
        self._wandered = 0
        self._time_ns = 0

    def actions(self) -> Iterator[Action]:
        """Yield every action, right after the engine has carried it out."""
        for _ in range(self._temper.resting):
            yield self._place(self._chance() < 0.5, opening=True)
        for step in range(self.steps):
            self._move_fair_price(step)
            self._pass_time()
            yield self._act()

    def best(self, is_buy: bool) -> int | None:
        """Give the best bid or ask in ticks; None where there is none."""
        price = self.book.best_bid if is_buy else self.book.best_ask
        return None if price is None else self._scale.price_to_ticks(price)

    def chance(self, below: int) -> int:
        """Draw a number of 0 to `below` - 1."""
        return int(self._chance() * below)

    def _move_fair_price(self, step: int) -> None:
        path, at = self._temper.path, step * PER_MILLE
        for (start, low), (end, high) in itertools.pairwise(path):
            if at <= end * self.steps:
                part, whole = at - start * self.steps, (end - start) * self.steps
                offset = low + (high - low) * part // whole
                break
        else:
            offset = path[-1][1]
        if self.chance(PER_MILLE) < self._temper.wander_per_mille:
            step_ticks = 1 + self.chance(self._temper.wander_ticks)
            self._wandered += step_ticks if self._chance() < 0.5 else -step_ticks
            self._wandered -= self._wandered // PULL
        self._fair = self._temper.start_ticks + offset + self._wandered

    def _pass_time(self) -> None:
        """Two steps of three follow at once, the third after a pause."""
        mean_ns = SESSION_NS // max(self.steps, 1)
        pause = self._chance() < 1 / 3
        self._time_ns += 1 + self.chance(6 * mean_ns if pause else min(mean_ns // 100 + 1, 1_000_000))

    def _act(self) -> Action:
        dice, temper, live = self.chance(PER_MILLE), self._temper, len(self._live)
        bid, ask = self.best(True), self.best(False)
        lag = 0
        if bid is not None and bid > self._fair:
            lag = -1
        elif ask is not None and ask < self._fair:
            lag = 1
        if dice < (temper.chase if lag else temper.take):
            is_buy = lag > 0 if lag else self._chance() < 0.5
            best = ask if is_buy else bid
            if best is not None:
                return self._cross(is_buy, best, chasing=lag != 0)
        if dice >= PER_MILLE - temper.reduce and live:
            return self._take_away(whole=False)
        # More cancels than arrivals above the target, fewer the farther below it.
        cancels = 560 if live >= temper.resting else 420 if 20 * live >= 19 * temper.resting else 250
        if live > temper.resting // 2 and self.chance(PER_MILLE) < cancels:
            return self._take_away(whole=True)
        return self._place(self._chance() < 0.5)

    def _place(self, is_buy: bool, *, opening: bool = False) -> Action:
        """Place a limit order behind the fair price, never across the spread."""
        draw = self._chance()
        nearness = 1.0 if opening else draw * draw
        behind = int(self._temper.reach_ticks * draw * nearness)
        other = self.best(not is_buy)
        if is_buy:
            price = self._fair - behind
            price = price if other is None else min(price, other - 1)
        else:
            price = self._fair + 1 + behind
            price = price if other is None else max(price, other + 1)
        return self._submit(is_buy, max(price, 1), self._size(), opening=opening)

    def _cross(self, is_buy: bool, best: int, *, chasing: bool) -> Action:
        """Cross the spread: up to the fair price when the book lags behind it, else a little."""
        if not chasing:
            return self._submit(is_buy, best, self._size())
        price = max(self._fair, best) if is_buy else min(self._fair, best)
        return self._submit(is_buy, max(price, 1), self._size() * (1 + self.chance(4)))

    def _size(self) -> int:
        if self._chance() < 0.7:
            return ROUND_LOTS[self.chance(len(ROUND_LOTS))]
        return 1 + self.chance(300)

    def _submit(self, is_buy: bool, price: int, quantity: int, *, opening: bool = False) -> Action:
        report = self.report = self.book.submit(
            "buy" if is_buy else "sell",
            quantity=quantity,
            price=self._scale.ticks_to_price(price),
            timestamp=self._time_ns,
        )
        for trade in report.trades:
            maker = self._live[self._places[trade.maker_order_id]]
            self._shrink(maker, self._scale.quantity_to_lots(trade.quantity))
        order_id = report.order_id or 0
        remaining = self._scale.quantity_to_lots(report.remaining_quantity) if report.remaining_quantity else 0
        if remaining:
            self._places[order_id] = len(self._live)
            self._live.append(_Resting(order_id, is_buy, price, quantity, remaining))
        return Action(ActionKind.NEW, self._time_ns, order_id, is_buy, price, quantity, quantity, opening)

    def _take_away(self, *, whole: bool) -> Action:
        """Cancel or reduce an order: one that came lately, or the farthest from the fair price of three looked at."""
        live, lately = self._live, self._chance() < 0.6
        if lately:
            order = live[-1 - self.chance(min(len(live), LATELY))]
        else:
            looked_at = [live[self.chance(len(live))] for _ in range(3)]
            order = max(looked_at, key=lambda resting: abs(resting.price - self._fair))
        quantity = order.remaining
        if not whole and order.remaining > 1:
            quantity = 1 + self.chance(order.remaining - 1)
        if quantity == order.remaining:
            kind, total = ActionKind.CANCEL, order.total
            self.report = self.book.cancel(order.order_id, timestamp=self._time_ns)
        else:
            kind, total = ActionKind.REDUCE, order.total - quantity
            self.report = self.book.amend(order.order_id, quantity=total, timestamp=self._time_ns)
            order.total = total
        self._shrink(order, quantity)
        return Action(kind, self._time_ns, order.order_id, order.is_buy, order.price, quantity, total, False)

    def _shrink(self, order: _Resting, quantity: int) -> None:
        """Take quantity from a live order, and forget it when nothing is left (the last one takes its place)."""
        order.remaining -= quantity
        if order.remaining:
            return
        place, last = self._places.pop(order.order_id), self._live.pop()
        if last is not order:
            self._live[place] = last
            self._places[last.order_id] = place
