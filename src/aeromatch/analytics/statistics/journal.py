"""Logs read from the directories of an exchange's journals, closed or at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aeromatch import Commands, Exchange, JournalError, _core
from aeromatch.analytics.statistics.errors import StatisticsError
from aeromatch.analytics.statistics.protocols import Part, Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

    from aeromatch import Events, Instrument

CHUNK_COMMANDS: Final = 65_536
"""Commands replayed at a time."""
SHARD_DIRECTORIES: Final = "shard-[0-9][0-9][0-9]*"
PAUSE_S: Final = 0.02
"""Between two looks at a journal that has not grown."""


def shard_directories(directory: str | PathLike[str]) -> list[Path]:
    """List the directories of an exchange's journals, in order of the shards; itself where there are none below it.

    Raises:
        JournalError: There is no journal in one of them.
    """
    path = Path(directory)
    # There may be a thousand, and then they have four digits.
    found = sorted(path.glob(SHARD_DIRECTORIES), key=lambda it: (len(it.name), it.name)) or [path]
    for each in found:
        if _core.JournalReader(each).segment_count == 0:
            error = JournalError(f"{each}: there is no journal in this directory")
            error.kind, error.file, error.offset = "incomplete", str(each), None
            raise error
    return found


class JournalSource:
    """All shards of a directory. Locks and changes nothing: an exchange may be at work there."""

    def __init__(self, directory: str | PathLike[str], positions: Mapping[int, Position] | None = None) -> None:
        """Go to the positions; where none is given, to the beginning.

        Raises:
            JournalError: It is no such directory, damaged or incomplete; names the file.
            StatisticsError: A journal begins later or ends before its position, or there is none.
        """
        paths = shard_directories(directory)
        positions = positions or {}
        missing = [shard for shard in positions if shard >= len(paths)]
        if missing:
            raise StatisticsError(f"{directory}: the statistics count shard {missing[0]}, of which there is no journal")
        self._logs = [JournalLog(path, positions.get(shard, Position())) for shard, path in enumerate(paths)]

    @property
    def remaining(self) -> int:
        """How many numbers of commands there are ahead, by now."""
        return sum(log.last_sequence - log.sequence for log in self._logs)

    def read(self, timeout_s: float) -> Part | None:
        """Give the events of the next commands; None where none come in that time.

        Raises:
            JournalError: A journal is damaged; names file and offset.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            for part in self._parts():
                return part
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            time.sleep(min(left, PAUSE_S))

    def _parts(self) -> Iterator[Part]:
        # Shards take turns: none waits for the end of another.
        for shard, log in sorted(enumerate(self._logs), key=lambda it: it[1].sequence):
            events = log.read()
            if events is not None:
                yield Part(shard, events.to_numpy(), log.sequence)

    def instruments(self) -> Sequence[Instrument]:
        """All instruments there are by now: each shard lists those whose books it has."""
        return [instrument for log in self._logs for instrument in log.instruments()]


class JournalLog:
    """The log of one shard, replayed from a position on."""

    def __init__(self, directory: str | PathLike[str], position: Position) -> None:
        """Go to a position: reading begins with the command of its mark, or as early as the journal does.

        Raises:
            JournalError: It is no such directory, damaged or incomplete; names the file.
            StatisticsError: The journal begins behind the position, or ends before it.
        """
        self._log = _core.JournalReader(directory)
        begin, last = self._log.first_sequence, self.last_sequence
        if position.sequence > last:
            raise StatisticsError(
                f"{directory}: the journal ends after command {last:,}, the statistics count up to "
                f"{position.sequence:,}: they are not of this journal, or it has lost its end"
            )
        # Statistics that have nothing yet begin where the journal does.
        if 0 < position.sequence < begin:
            raise StatisticsError(
                f"{directory}: the journal begins behind command {begin:,}, the statistics count up to "
                f"{position.sequence:,}: what lies between was removed and cannot be counted any more"
            )
        self._exchange = self._state(max(position.mark_sequence - 1, begin))

    def _state(self, after: int) -> Exchange:
        """The exchange as it was after a command."""
        exchange = Exchange()
        for sequence in sorted((it for it in self._log.snapshots() if it <= after), reverse=True):
            try:
                exchange = self._log.load_snapshot(sequence)
                break
            except JournalError:
                # Damaged, or removed since it was listed: an older state and more commands lead there as well.
                continue
        while (chunk := self._log.commands(exchange.sequence, until=after, limit=CHUNK_COMMANDS)) is not None:
            exchange.process(Commands(chunk.slots))
        return exchange

    @property
    def sequence(self) -> int:
        """Number of the last command that was read."""
        return self._exchange.sequence

    @property
    def last_sequence(self) -> int:
        """Number of the log's last command by now."""
        self._log.refresh()
        return self._log.last_sequence

    def read(self) -> Events | None:
        """Give the events of the next commands; None where the log ends for now."""
        self._log.refresh()
        chunk = self._log.commands(self._exchange.sequence, limit=CHUNK_COMMANDS)
        return None if chunk is None else self._exchange.process(Commands(chunk.slots))

    def instruments(self) -> Sequence[Instrument]:
        """All instruments there are by now."""
        return self._exchange.instruments()
