"""Generated sessions as command batches, for benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import aeromatch
from aeromatch.replay.generate.session import ActionKind, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from aeromatch import Commands
    from aeromatch.replay.generate.moods import Mood
    from aeromatch.replay.generate.session import Action

KINDS = {ActionKind.NEW: "new", ActionKind.REDUCE: "amend", ActionKind.CANCEL: "cancel"}


class Flow(NamedTuple):
    """The same session twice: what fills the book, and what then happens.

    The order ids in both are those that a fresh library book (instrument number 0) gives, since ids count accepted
    orders from 1 (R5): send `opening`, then `session`, to the same book.
    """

    opening: Commands
    session: Commands


def flow(mood: Mood, commands: int, seed: int, progress: Callable[[int], object] = lambda _: None) -> Flow:
    """Generate `commands` commands of a mood, and those that make the book they start from."""
    opening: list[Action] = []
    steps: list[Action] = []
    for action in Session(mood, commands, seed).actions():
        (opening if action.opening else steps).append(action)
        if len(steps) % 1024 == 0:
            progress(len(steps))
    return Flow(_batch(opening), _batch(steps))


def _batch(actions: list[Action]) -> Commands:
    """Put actions into columns, and those into records."""
    new = [action.kind is ActionKind.NEW for action in actions]
    return aeromatch.commands(
        kind=[KINDS[action.kind] for action in actions],
        side=[
            ("buy" if action.is_buy else "sell") if is_new else None
            for action, is_new in zip(actions, new, strict=True)
        ],
        price_ticks=[action.price if is_new else None for action, is_new in zip(actions, new, strict=True)],
        quantity_lots=[None if action.kind is ActionKind.CANCEL else action.total for action in actions],
        order_id=[0 if is_new else action.order_id for action, is_new in zip(actions, new, strict=True)],
        timestamp=[action.time_ns for action in actions],
    )
