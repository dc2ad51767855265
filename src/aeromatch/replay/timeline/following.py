"""The log's own commands in a branch that has gone another way: orders are found again under the branch's ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import COMMAND_DTYPE, Commands, _core
from aeromatch.market.records import NO_SIDE, SLOT_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aeromatch import Events, Exchange

CHUNK_COMMANDS: Final = 4_096
NAMES_AN_ORDER: Final = frozenset(_core.CODES["CommandKind"][word] for word in ("cancel", "amend"))
ACCEPTED: Final = _core.CODES["EventKind"]["accepted"]
NO_ORDER: Final = 2**64 - 1
"""An id that no order has: the rejection says `unknown_order`."""


@dataclass(slots=True)
class Followed:
    """What became of the log's commands in a branch."""

    commands: int = 0
    """How many happened in both."""
    order_ids: dict[int, int | None] = field(default_factory=dict)
    """The branch's id for each order that the log accepted on the way; None where the branch did not accept it."""


def follow(
    log: _core.JournalReader, exchange: Exchange, branch: Exchange, until: int, without: frozenset[int]
) -> Followed:
    """Let commands up to `until` happen in both, but for those left out of the branch."""
    followed = Followed()
    while (chunk := log.commands(exchange.sequence, until=until, limit=CHUNK_COMMANDS)) is not None:
        starts = [*np.frombuffer(chunk.starts, dtype=np.uint32).tolist(), len(chunk.slots) // SLOT_BYTES]
        slots = np.frombuffer(chunk.slots, dtype=COMMAND_DTYPE)
        for start, end in pairwise(starts):
            command = slots[start:end].copy()
            original = _accepted(exchange.process(Commands(command)))
            if int(command["sequence"][0]) in without:
                if original is not None:
                    followed.order_ids[original] = None
                continue
            _name_in_branch(command, followed)
            counterpart = _accepted(branch.process(Commands(command)))
            followed.commands += 1
            if original is not None:
                followed.order_ids[original] = counterpart
    return followed


def _name_in_branch(command: NDArray[np.void], followed: Followed) -> None:
    """Put the branch's own id and number into a command of the log."""
    # The branch numbers its commands itself: it may have taken more of them than the log.
    command["sequence"][0] = 0
    if int(command["kind"][0]) not in NAMES_AN_ORDER:
        return
    order_id = int(command["order_id"][0])
    if order_id in followed.order_ids:
        found = followed.order_ids[order_id]
        command["order_id"][0] = NO_ORDER if found is None else found


def _accepted(events: Events) -> int | None:
    """Find the id of the new order that a command made."""
    records = events.to_numpy()
    made = records[(records["kind"] == ACCEPTED) & (records["side"] != NO_SIDE)]
    return int(made["order_id"][0]) if len(made) else None
