"""Plays the same commands on the reference model and on the native books, and finds where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.books import EVENT_BYTES, NATIVE, BookSetup, Native, Reference
from tests.model.rebuild import IS_SLICED, IS_UNDISPLAYED

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
    """The reference model and one native book for each price index, side by side."""

    def __init__(self, setup: BookSetup) -> None:
        self.setup = setup
        self.commands: list[bytes] = []
        self.answers: list[bytes] = []
        self.reference = Reference(setup)
        self.natives = {index: Native(setup, index) for index in NATIVE}
        self.steps = 0

    @property
    def book(self) -> ReferenceBook:
        """The reference model's book."""
        return self.reference.book

    def step(self, command: Command, seen: Callable[[list[ReferenceEvent]], None] | None = None) -> Difference | None:
        """Plays one command; shows its events to `seen`, and says which book gives others or ends in another state."""
        slots = encode(command)
        events = self.book.apply(command)
        if seen is not None:
            seen(events)
        wanted, digest = b"".join(map(encode_event, events)), self.reference.digest()
        self.commands.append(slots)
        self.answers.append(wanted)
        for index, native in self.natives.items():
            found = native.process(slots)
            if found != wanted:
                return Difference(index, self.steps, "answer", events, read_events(found))
            other = native.digest()
            if other != digest:
                return Difference(index, self.steps, "digest", [*events, digest], [other])
        self.steps += 1
        return None

    def at_once(self) -> Difference | None:
        """Plays all commands so far on fresh native books in one batch, which has to come to the same."""
        wanted, digest = b"".join(self.answers), self.reference.digest()
        for index in NATIVE:
            native = Native(self.setup, index)
            found = native.process(b"".join(self.commands))
            if found != wanted:
                return Difference(index, self.steps, "answer to the batch", read_events(wanted), read_events(found))
            if native.digest() != digest:
                return Difference(index, self.steps, "digest after the batch", [digest], [native.digest()])
        return None

    def restore(self, *, swap: bool) -> Difference | None:
        """Goes on from snapshots, each index from its own or from the other one's."""
        digest = self.reference.digest()
        names = list(self.natives)
        sources = list(self.natives.values())
        for index, source in zip(names, reversed(sources) if swap else sources, strict=True):
            self.natives[index] = source.restored(index)
            found = self.natives[index].digest()
            if found != digest:
                return Difference(index, self.steps, "digest after a snapshot", [digest], [found])
        return None


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


EVERYTHING = (
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
