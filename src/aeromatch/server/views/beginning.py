"""Whether a store is of the log that it is to go on with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import Exchange, StreamLagged, _core
from aeromatch.market.view_rows import Position, ViewStore
from aeromatch.server.views.collecting import mark_of
from aeromatch.server.views.past import Names
from aeromatch.server.views.writer import ViewsError

__all__ = ["OtherLogError", "check_store", "names_again"]

AGAIN_COMMANDS: Final = 65_536
"""So many of the last commands that a store has are read again: more than a gateway leaves unnamed."""
REBUILD: Final = "stop the server, move the file away and start again, or make it anew with `aeromatch views rebuild`"


class OtherLogError(ViewsError):
    """The views have events that the log has not: they are not of it, or it has lost its end.

    Attributes:
        reason: Which.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: they are not of this log, or it has lost its end: {REBUILD}")
        self.reason = reason


def check_store(exchange: Exchange, store: ViewStore, path: Path | None) -> None:
    """Find out whether an exchange's log goes on where a store ends.

    Raises:
        OtherLogError: The store has more than the log.
        ViewsError: It does not otherwise: the message names the store and says what to do.
        JournalError: The journal cannot be read.
    """
    name = path or "the views"
    known = store.positions()
    shards = exchange.shards or 1
    if known and max(known) >= shards:
        raise ViewsError(f"{name}: has events of shard {max(known)}, and the exchange has {shards} shards: {REBUILD}")
    for shard, last in enumerate(exchange.sequences):
        position = known.get(shard, Position())
        if position.sequence > last:
            raise OtherLogError(
                f"{name}: has events up to command {position.sequence:,} of shard {shard}, "
                f"and the log ends after {last:,}"
            )


def names_again(exchange: Exchange, position: Position, shard: int, log: Path, store: Path | None) -> dict[int, str]:
    """The client order ids of the last commands that a store has, from the journal; checks the store's mark on the way.

    A gateway names an order when it has its answer; the store may have had the order's events before that, and the
    process may have been killed in between. So what was written last is read once more.

    Raises:
        OtherLogError: The events are not those that the store has.
        ViewsError: The journal begins behind them.
        JournalError: The journal cannot be read.
    """
    begin = _core.JournalReader(log).first_sequence
    if position.sequence < begin:
        raise ViewsError(
            f"{store or 'the views'}: has events up to command {position.sequence:,} of shard {shard}, and the journal "
            f"begins behind {begin:,}: what lies between was removed: {REBUILD}"
        )
    first = max(min(position.sequence - AGAIN_COMMANDS, position.mark_sequence - 1), begin)
    names = Names(log, first, position.sequence)
    found: dict[int, str] = {}
    # What came before the journal's beginning cannot be compared.
    mark = position.mark if position.mark_sequence <= first else None
    for records in again(exchange, shard, first + 1, position.sequence):
        found.update(names.of(records))
        if int(records["sequence"][-1]) == position.mark_sequence:
            mark = mark_of(records, position.mark_sequence)
    if mark != position.mark:
        raise OtherLogError(
            f"{store or 'the views'}: command {position.mark_sequence:,} of shard {shard} has brought other events "
            "than the log says"
        )
    return found


def again(exchange: Exchange, shard: int, first: int, last: int) -> Iterator[NDArray[np.void]]:
    """The events of a shard's commands from one number to another, once more."""
    # Of the other shards nothing is read: they are asked for what is to come.
    begins = [sequence + 1 for sequence in exchange.sequences]
    begins[shard] = first
    try:
        stream = exchange.stream(tuple(begins))
    except StreamLagged:
        # They are gone with the journal's beginning.
        return
    try:
        while stream.position[shard] <= last and (events := stream.read(timeout_s=0)) is not None:
            if stream._last_shard == shard:
                records = events.to_numpy()
                records = records[records["sequence"] <= np.uint64(last)]
                if len(records):
                    yield records
    finally:
        stream.close()
