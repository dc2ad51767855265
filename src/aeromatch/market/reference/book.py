"""One order book, by the rules of docs/rules.md.

`ReferenceBook` takes commands and gives events. What each command means stands in the modules beside this one, each
step marked with the number of its rule:

- `checks`     why a command is refused (R8)
- `changes`    new orders, amends, cancels (R22 to R24)
- `matching`   an aggressor meets the book: trades, self-trade prevention, what becomes of the rest (R10 to R29)
- `triggers`   stops, trailing stops, all-or-none orders: the loop until all is quiet (R15, R16, R20)
- `auction`    the price of an uncross, and its trades (R27)
- `phases`     time and phases (R17, R26, R28)
- `state`      what there is, and events about it
"""

from __future__ import annotations

from hashlib import blake2b

from aeromatch.market.reference.auction import Indicative, indicative
from aeromatch.market.reference.changes import amend, cancel, mass_cancel, new_order
from aeromatch.market.reference.checks import refusal
from aeromatch.market.reference.digest import state_bytes
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.phases import change_phase, move_time
from aeromatch.market.reference.records import Command, CommandKind, ReferenceEvent, RejectReason, Side
from aeromatch.market.reference.state import SIDES, U64_MAX, State
from aeromatch.market.reference.triggers import firing_order, run_to_quiet


class ReferenceBook(State):
    """The book of one instrument. `apply` takes a command and gives its events."""

    # R3, R4, R6: one command in, its events out.

    def apply(self, command: Command) -> list[ReferenceEvent]:
        """Carries out one command and returns its events. Never raises for what is in it (R33)."""
        self.command = command
        self.events = []
        # R4: one number each, also where the command is rejected.
        self.sequence = min(max(self.sequence + 1, command.sequence), U64_MAX)
        if command.instrument != self.instrument:
            # R8, the first reason. Another instrument's command does not move this one's time.
            self.reject(RejectReason.UNKNOWN_INSTRUMENT)
            return self.events
        move_time([self], command.timestamp_ns)
        self.carry_out(command)
        return self.events

    def carry_out(self, command: Command) -> None:
        """A command for this book, when its number is given and time has moved."""
        self.command = command
        self.anchor_ticks = self.last_price_ticks  # R28
        reason = refusal(self, command)
        if reason is not None:
            self.reject(reason)
            return
        if command.kind == CommandKind.NEW:
            new_order(self, command)
        elif command.kind == CommandKind.CANCEL:
            cancel(self, command)
        elif command.kind == CommandKind.AMEND:
            amend(self, command)
        elif command.kind == CommandKind.MASS_CANCEL:
            mass_cancel(self, command)
        elif command.kind == CommandKind.PHASE:
            change_phase(self, command.phase)
        else:
            self.accept()  # advance time: what it does is done by now
        run_to_quiet(self)

    # Reads: they do not move time (R2).

    def best_price(self, side: Side) -> int | None:
        """The best price that a side shows in ticks, None where it shows nothing."""
        return next((order.price_ticks for order in self.resting[side] if order.shown_lots), None)

    @property
    def best_bid(self) -> int | None:
        """The highest price of a displayed buy order in ticks."""
        return self.best_price(Side.BUY)

    @property
    def best_ask(self) -> int | None:
        """The lowest price of a displayed sell order in ticks."""
        return self.best_price(Side.SELL)

    def depth(self, side: Side) -> list[tuple[int, int, int]]:
        """The levels that a side shows, best first: price in ticks, quantity in lots, number of orders."""
        shown = [order for order in self.resting[side] if order.shown_lots]
        levels = []
        for price in dict.fromkeys(order.price_ticks for order in shown):
            quantities = [order.shown_lots for order in shown if order.price_ticks == price]
            levels.append((price, sum(quantities), len(quantities)))
        return levels

    def orders(self) -> list[Order]:
        """The live orders in order of id."""
        return list(self.live.values())

    def stops(self) -> list[Order]:
        """The dormant orders, buys then sells, as they would fire; then those without a stop price yet, by arrival."""
        stops = [order for side in SIDES for order in firing_order(self, side)]
        without = [order for order in stops if order.stop_price_ticks is None]
        return [order for order in stops if order not in without] + sorted(without, key=lambda order: order.arrival)

    def indicative(self) -> Indicative:
        """What an uncross would do now (R27)."""
        return indicative(self)

    def digest(self) -> bytes:
        """The 32 bytes of docs/records.md: all that can influence a later event."""
        return blake2b(state_bytes(self), digest_size=32).digest()
