"""Plays the same commands on the reference model and on the native books, and finds where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.books import EVENT_BYTES, NATIVE, BookSetup, Native, Reference
from tests.model.rebuild import IS_MIRRORED, IS_SLICED, IS_UNDISPLAYED

from aeromatch.market.reference import (
    CancelReason,
    Command,
    EventKind,
    OrderType,
    Phase,
    ReferenceBook,
    ReferenceEvent,
    RejectReason,
    Side,
    decode_event,
    encode,
    encode_event,
)

COMMANDS_A_VIEW = 128


@dataclass(frozen=True)
class Difference:
    """What one native book did otherwise than the reference model."""

    index: str
    step: int
    what: str
    wanted: Sequence[object]
    found: Sequence[object]

    def __str__(self) -> str:
        lines = [f"{self.index}, command {self.step}: another {self.what}"]
        lines += [f"    reference  {item}" for item in self.wanted]
        lines += [f"    {self.index:<10} {item}" for item in self.found]
        return "\n".join(lines)


class Comparison:
    """The reference model and one native book for each price index, side by side.

    The native books get `at_a_time` commands at once; a difference is found at the end of such a stretch.
    """

    def __init__(self, setup: BookSetup, at_a_time: int = 1) -> None:
        self.setup = setup
        self.at_a_time = at_a_time
        self.commands: list[bytes] = []
        self.answers: list[bytes] = []
        self.reference = Reference(setup)
        self.natives = {index: Native(setup, index) for index in NATIVE}
        self.steps = 0
        # How far the native books are, and the levels that the reference model had then.
        self.compared = 0
        self.levels: Levels = {}

    @property
    def book(self) -> ReferenceBook:
        """The reference model's book."""
        return self.reference.book

    def step(self, command: Command, seen: Callable[[list[ReferenceEvent]], None] | None = None) -> Difference | None:
        """Plays one command; shows its events to `seen`, and says which book gives others or ends in another state."""
        events = self.book.apply(command)
        if seen is not None:
            seen(events)
        self.commands.append(encode(command))
        self.answers.append(b"".join(map(encode_event, events)))
        self.steps += 1
        return self.catch_up() if self.steps - self.compared >= self.at_a_time else None

    def catch_up(self) -> Difference | None:
        """Plays on the native books what the reference model has played, and compares all there is."""
        first, self.compared = self.compared, self.steps
        slots, wanted = b"".join(self.commands[first:]), b"".join(self.answers[first:])
        digest = self.reference.digest()
        before, self.levels = self.levels, levels_of(self.book)
        # Reading all there is takes longer than all the rest.
        is_viewed = self.at_a_time == 1 or first // COMMANDS_A_VIEW != self.steps // COMMANDS_A_VIEW
        view = self.reference.view() if is_viewed else None
        for index, native in self.natives.items():
            found, changes = native.process_with_levels(slots)
            if found != wanted:
                return Difference(index, first, "answer", read_events(wanted), read_events(found))
            if native.digest() != digest:
                return Difference(index, first, "digest", [*read_events(wanted), digest], [native.digest()])
            if changed(before, changes) != self.levels:
                return Difference(index, first, "change of levels", [*read_events(wanted), self.levels], changes)
            if view is not None and (other := native.view()) != view:
                return Difference(index, first, "view", [*read_events(wanted), view], [other])
        return None

    def at_once(self) -> Difference | None:
        """Plays all commands so far on fresh native books in one batch, which has to come to the same."""
        difference = self.catch_up()
        wanted, digest = b"".join(self.answers), self.reference.digest()
        for index in NATIVE:
            if difference is not None:
                break
            native = Native(self.setup, index)
            found = native.process(b"".join(self.commands))
            if found != wanted:
                return Difference(index, self.steps, "answer to the batch", read_events(wanted), read_events(found))
            if native.digest() != digest:
                return Difference(index, self.steps, "digest after the batch", [digest], [native.digest()])
        return difference

    def restore(self, *, swap: bool) -> Difference | None:
        """Goes on from snapshots, each index from its own or from the other one's."""
        difference = self.catch_up()
        if difference is not None:
            return difference
        digest, view = self.reference.digest(), self.reference.view()
        names = list(self.natives)
        sources = list(self.natives.values())
        for index, source in zip(names, reversed(sources) if swap else sources, strict=True):
            self.natives[index] = restored = source.restored(index)
            if restored.digest() != digest:
                return Difference(index, self.steps, "digest after a snapshot", [digest], [restored.digest()])
            if (other := restored.view()) != view:
                return Difference(index, self.steps, "view after a snapshot", [view], [other])
        return None


Levels = dict[tuple[int, int], tuple[int, int]]  # side and price: quantity and number of orders


def levels_of(book: ReferenceBook) -> Levels:
    """The levels that a book shows."""
    return {
        (side, price): (quantity, count)
        for side in (Side.BUY, Side.SELL)
        for price, quantity, count in book.depth(side)
    }


def changed(levels: Levels, changes: Sequence[tuple[int, ...]]) -> Levels | None:
    """The levels after changes: bids then asks, best first, each level once a command (R7); None if not so."""
    after = dict(levels)
    last: tuple[int, int, int] | None = None
    for sequence, side, price, quantity, count in changes:
        place = (sequence, side, -price if side == Side.BUY else price)
        if last is not None and last[0] == sequence and place <= last:
            return None
        last = place
        after.pop((side, price), None)
        if count:
            after[side, price] = (quantity, count)
    return after


def read_events(slots: bytes) -> list[ReferenceEvent]:
    """The events of a native book's answer."""
    return [decode_event(slots[start : start + EVENT_BYTES]) for start in range(0, len(slots), EVENT_BYTES)]


def first_difference(setup: BookSetup, commands: Sequence[Command], restore_at: frozenset[int]) -> Difference | None:
    """Plays a list of commands one by one, with a snapshot before those told, then all at once."""
    comparison = Comparison(setup)
    for step, command in enumerate(commands):
        difference = comparison.restore(swap=step % 2 == 0) if step in restore_at else None
        difference = difference or comparison.step(command)
        if difference is not None:
            return difference
    return comparison.at_once()


Item = TypeVar("Item")


def shrink(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """A shorter list that still fails: leaves out ever smaller stretches until no single item can go."""
    kept = list(items)
    size = max(1, len(kept) // 2)
    while True:
        start, removed = 0, False
        while start < len(kept):
            rest = kept[:start] + kept[start + size :]
            if fails(rest):
                kept, removed = rest, True
            else:
                start += size
        if size > 1:
            size = size // 2
        elif not removed:
            return kept


# What takes an exchange: accounts, assets, events (R30 to R32).
OF_AN_EXCHANGE = {
    *(kind.slug for kind in (EventKind.CREATED, EventKind.FUNDS, EventKind.SETTLED)),
    *("rejected unknown_account", "rejected insufficient_funds", "canceled settled"),
    *(f"rejected {reason.slug}" for reason in RejectReason if reason >= RejectReason.ALREADY_EXISTS),
}
ANYTHING = (
    *(kind.slug for kind in EventKind),
    *(f"accepted {order_type.slug}" for order_type in OrderType),
    "accepted undisplayed",
    "accepted sliced",
    "trade in an uncross",
    *(f"phase {phase.slug}" for phase in Phase),
    "phase by time",
    *(f"rejected {reason.slug}" for reason in RejectReason),
    *(f"canceled {reason.slug}" for reason in CancelReason),
)
EVERYTHING = tuple(name for name in ANYTHING if name not in OF_AN_EXCHANGE)


def count_events(counts: Counter[str], events: Sequence[ReferenceEvent]) -> None:
    """How often each kind of event, and each reason, occurred."""
    is_answered = False
    for event in events:
        counts[event.kind.slug] += 1
        is_answered |= event.kind in (EventKind.ACCEPTED, EventKind.REJECTED)
        if event.kind == EventKind.ACCEPTED and event.side != Side.NONE:
            count_accepted(counts, event.reason)
        elif event.kind == EventKind.REJECTED:
            counts[f"rejected {RejectReason(event.reason).slug}"] += 1
        elif event.kind == EventKind.CANCELED:
            counts[f"canceled {CancelReason(event.reason).slug}"] += 1
        elif event.kind == EventKind.TRADE and event.side == Side.NONE:
            counts["trade in an uncross"] += 1
        elif event.kind == EventKind.PHASE:
            counts[f"phase {Phase(event.reason).slug}"] += 1
            counts["phase by time"] += not is_answered


def count_accepted(counts: Counter[str], reason: int) -> None:
    """What the reason byte of an accepted new order says."""
    counts[f"accepted {OrderType(reason & 7).slug}"] += 1
    counts["accepted undisplayed"] += bool(reason & IS_UNDISPLAYED)
    counts["accepted sliced"] += bool(reason & IS_SLICED)
    counts["accepted mirrored"] += bool(reason & IS_MIRRORED)
