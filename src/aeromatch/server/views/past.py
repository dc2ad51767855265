"""What a journal says beside its events: client order ids, which only commands have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core
from aeromatch.market.records import CLIENT_ID_DTYPE, COMMAND_DTYPE, EXTENSION_CLIENT_ID, EXTENSION_TERMS, NO_SIDE

__all__ = ["CHUNK_COMMANDS", "Names", "names_of_commands", "shard_paths"]

CHUNK_COMMANDS: Final = 65_536
NEW: Final = _core.CODES["CommandKind"]["new"]
ACCEPTED: Final = _core.CODES["EventKind"]["accepted"]
SHARDS: Final = "shard-[0-9][0-9][0-9]*"


def shard_paths(directory: Path) -> list[Path]:
    """The directories of an exchange's journals, in order of the shards; itself where there are none below it."""
    return sorted(directory.glob(SHARDS), key=lambda it: (len(it.name), it.name)) or [directory]


def names_of_commands(slots: bytes, starts: bytes) -> tuple[NDArray[np.uint64], list[str]]:
    """The commands that enter orders with a client order id: their numbers, and the ids.

    Args:
        slots: Of a chunk of the journal.
        starts: Where each command's own slot is.
    """
    commands = np.frombuffer(slots, COMMAND_DTYPE)
    places = np.frombuffer(starts, "<u4")
    own = commands[places]
    chosen = (own["kind"] == NEW) & (own["extensions"] & EXTENSION_CLIENT_ID != 0)
    own, places = own[chosen], places[chosen].astype(np.int64)
    # The id stands behind the terms, if there are any.
    ids = np.frombuffer(slots, CLIENT_ID_DTYPE)[places + 1 + (own["extensions"] & EXTENSION_TERMS != 0)]
    return own["sequence"].astype(np.uint64), [text.decode("ascii", "replace") for text in ids["text"].tolist()]


class Names:
    """The client order ids that a part of a shard's journal has, to be matched with its events."""

    def __init__(self, path: Path, after: int, until: int | None = None) -> None:
        """Read the commands after a number, up to another one, or the journal's end by now.

        Raises:
            JournalError: The journal is damaged, or begins later.
        """
        log = _core.JournalReader(path)
        after = max(after, log.first_sequence)
        self.until = log.last_sequence if until is None else min(until, log.last_sequence)
        """Number of the last command that was read."""
        self._names: dict[int, str] = {}
        while (chunk := log.commands(after, until=self.until, limit=CHUNK_COMMANDS)) is not None:
            sequences, names = names_of_commands(chunk.slots, chunk.starts)
            self._names.update(zip(sequences.tolist(), names, strict=True))
            after = int(np.frombuffer(chunk.slots, COMMAND_DTYPE)["sequence"][np.frombuffer(chunk.starts, "<u4")][-1])

    def of(self, records: NDArray[np.void]) -> Iterator[tuple[int, str]]:
        """Order id and client order id of the orders that these events have accepted."""
        if not self._names:
            return
        accepted = records[(records["kind"] == ACCEPTED) & (records["side"] != NO_SIDE)]
        for sequence, order_id in zip(accepted["sequence"].tolist(), accepted["order_id"].tolist(), strict=True):
            name = self._names.get(sequence)
            if name is not None:
                yield order_id, name
