"""Plays the same commands on the reference model of an exchange and on the native one, and finds where they differ.

After every command all funds have to add up, and the `funds` events so far have to tell every balance (R7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.exchanges import Native, Reference
from tests.model.compare import ANYTHING, Difference, count_events, read_events

from aeromatch.market.reference import (
    AdminCommand,
    AdminKind,
    Command,
    EventKind,
    Made,
    ReferenceEvent,
    ReferenceExchange,
    SettlementMode,
    encode,
    encode_admin,
    encode_event,
)
from aeromatch.market.reference.admin import decode_all
from aeromatch.market.reference.ledger import Balance

ALL_THERE_IS = (
    *ANYTHING,
    *(f"accepted {kind.slug}" for kind in AdminKind),
    *(f"created {made.slug}" for made in Made),
    *(f"settled {mode.slug}" for mode in SettlementMode),
    "trade that makes shares",
    "trade that takes shares",
    "order through a mirror",
    "order with a budget",
    "balance above 64 bits",
    "order that ends where a transfer arrives",
)


class Balances:
    """Every balance as the `funds` events tell it."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, int], Balance] = {}

    def hear(self, command: Command | AdminCommand, events: Sequence[ReferenceEvent]) -> None:
        """The events of one command."""
        target = command.groups[1] if command.kind == AdminKind.TRANSFER and isinstance(command, AdminCommand) else None
        last: tuple[bool, int, int, int] | None = None
        for event in events:
            if event.kind != EventKind.FUNDS:
                continue
            place = (event.account, event.instrument, event.detail)
            rank = (event.detail == target, *place)
            assert last is None or last < rank, "each pair once, in order of account and asset, half by half"
            last = rank
            balance = Balance(event.price_ticks << 64 | event.quantity_lots, event.other << 64 | event.order_id)
            assert balance != self.known.get(place, Balance()), "only what has changed is told"
            self.known[place] = balance

    def told(self) -> dict[tuple[int, int, int], Balance]:
        """Those of whom there is anything to tell."""
        return {place: balance for place, balance in sorted(self.known.items()) if balance != Balance()}


def slots_of(command: Command | AdminCommand) -> bytes:
    """The slots of either kind of command."""
    return encode_admin(command) if isinstance(command, AdminCommand) else encode(command)


class ExchangeComparison:
    """Reference model and native exchange side by side; the native one gets `at_a_time` commands at once."""

    def __init__(self, at_a_time: int = 1) -> None:
        self.at_a_time = at_a_time
        self.reference, self.native = Reference(), Native()
        self.balances = Balances()
        self.counts: Counter[str] = Counter()
        self.slots: list[bytes] = []
        self.answers: list[bytes] = []
        self.compared = 0

    @property
    def exchange(self) -> ReferenceExchange:
        """The reference model's exchange."""
        return self.reference.exchange

    def step(self, command: Command | AdminCommand) -> Difference | None:
        """Plays one command, and now and then says what the native exchange has done otherwise."""
        pots = sum(event.pot_units for event in self.exchange.registry.events)
        events = self.exchange.apply(command)
        self.exchange.check()
        self.balances.hear(command, events)
        assert self.balances.told() == self.exchange.ledger.balances(), "the events tell every balance"
        self.count(command, events, sum(event.pot_units for event in self.exchange.registry.events) - pots)
        self.slots.append(slots_of(command))
        self.answers.append(b"".join(map(encode_event, events)))
        return self.catch_up() if len(self.slots) - self.compared >= self.at_a_time else None

    def catch_up(self) -> Difference | None:
        """Plays on the native exchange what the reference model has played."""
        first, self.compared = self.compared, len(self.slots)
        wanted = b"".join(self.answers[first:])
        found = self.native.process(b"".join(self.slots[first:]))
        if found != wanted:
            return Difference("native", first, "answer", read_events(wanted), read_events(found))
        return self.compare_digests(first)

    def compare_digests(self, step: int) -> Difference | None:
        """The state of everything."""
        wanted, found = self.reference.digest(), self.native.digest()
        return None if found == wanted else Difference("native", step, "digest", [wanted], [found])

    def restore(self) -> Difference | None:
        """The native exchange goes on from a snapshot of itself."""
        difference = self.catch_up()
        if difference is None:
            self.native = self.native.restored()
            difference = self.compare_digests(self.compared)
        return difference

    def at_once(self) -> Difference | None:
        """Plays everything so far on a fresh native exchange in one batch."""
        difference = self.catch_up()
        self.native = Native()
        self.compared = 0
        return difference or self.catch_up()

    def count(self, command: Command | AdminCommand, events: Sequence[ReferenceEvent], into_pots: int) -> None:
        """How often everything occurred."""
        counts = self.counts
        count_events(counts, events)
        for event in events:
            if event.kind == EventKind.ACCEPTED and isinstance(command, AdminCommand):
                counts[f"accepted {command.kind.slug}"] += 1
                if command.kind == AdminKind.TRANSFER:
                    ends = sum(later.kind == EventKind.CANCELED for later in events[event.index :])
                    counts["order that ends where a transfer arrives"] += ends
            elif event.kind == EventKind.ACCEPTED and event.order_id and isinstance(command, Command):
                instrument = self.exchange.registry.instruments[command.instrument]
                counts["order through a mirror"] += instrument.is_mirror
                counts["order with a budget"] += command.budget_units is not None
            elif event.kind == EventKind.CREATED:
                counts[f"created {Made(event.reason).slug}"] += 1
            elif event.kind == EventKind.SETTLED:
                counts[f"settled {SettlementMode(event.reason).slug}"] += 1
            elif event.kind == EventKind.FUNDS:
                counts["balance above 64 bits"] += event.price_ticks > 0
        if isinstance(command, Command):
            counts["trade that makes shares"] += into_pots > 0
            counts["trade that takes shares"] += into_pots < 0


Step = tuple[bytes, bool]  # a command's slots, and whether the native exchange is restored from a snapshot before it


def first_difference(steps: Sequence[Step]) -> Difference | None:
    """Plays a list of commands one by one, then all at once."""
    comparison = ExchangeComparison()
    for slots, restores in steps:
        difference = comparison.restore() if restores else None
        for command in decode_all(slots):
            difference = difference or comparison.step(command)
        if difference is not None:
            return difference
    return comparison.at_once()
