"""Any moment of a journal, and the steps between.

A directory is read as it is on disk, also while an exchange writes to it: nothing is locked, nothing is changed. States
come from the directory's snapshots and from checkpoints in memory, and from there on by replaying commands, which is
exact (R3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from aeromatch import Commands, Exchange, JournalError, _core
from aeromatch.replay.timeline.arguments import LATEST_NS, no_journal, whole
from aeromatch.replay.timeline.checkpoints import Checkpoints
from aeromatch.replay.timeline.following import Followed, follow
from aeromatch.replay.timeline.words import command_fields, command_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from os import PathLike
    from typing import Any

    from numpy.typing import NDArray

    from aeromatch import Asset, Balance, BookView, Event, EventMarket, Events, Instrument, Position

CHUNK_COMMANDS: Final = 16_384
"""Commands replayed at a time."""
SPACING_COMMANDS: Final = 262_144
"""Distance of checkpoints on the way forward."""
LANDING_COMMANDS: Final = (16, 256, 4_096)
"""Where checkpoints are laid before a moment that was gone back to: whoever goes back once goes back again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the log and what it did."""

    sequence: int
    """Its number in the log (R4)."""
    commands: Commands
    """The command as a batch of one, as `Exchange.process` takes it."""
    fields: dict[str, Any]
    """The command in words and amounts, by the names of docs/records.md; what it does not use is left out."""
    events: tuple[Event, ...]
    """What happened, in order (R7)."""

    def __str__(self) -> str:
        return f"#{self.sequence} {command_text(self.fields)}"


@dataclass(frozen=True, slots=True)
class Batch:
    """Commands of the log that stand together."""

    commands: Commands
    """As `Exchange.process` takes them."""
    starts: NDArray[np.uint32]
    """The place of each command among the slots, its extension slots behind it."""
    events: Events
    """What happened; none if the commands were only looked at."""

    @property
    def sequences(self) -> NDArray[np.uint64]:
        """The number of each command."""
        numbers: NDArray[np.uint64] = self.commands.slots["sequence"][self.starts]
        return numbers


def _parts(chunk: _core.JournalChunk) -> tuple[Commands, NDArray[np.uint32]]:
    return Commands(chunk.slots), np.frombuffer(chunk.starts, dtype=np.uint32)


class Timeline:
    """The states that a journal has been through; it stands at one of them, at first at the beginning.

    Reads (`book`, `balance` ...) show the moment that it stands at; ask anew after every move. Moves go by sequence
    number or by time; `fork` gives an exchange in memory that starts there and takes other commands.
    """

    def __init__(self, directory: str | PathLike[str]) -> None:
        """Open a directory for reading.

        Args:
            directory: Where an `Exchange.open` has kept its journal; it may be open still.

        Raises:
            JournalError: It is no such directory, holds no journal, is of an unknown version, damaged or incomplete;
                names file and offset.
        """
        self._log = _core.JournalReader(directory)
        if self._log.segment_count == 0:
            raise no_journal(directory)
        self._checkpoints = Checkpoints()
        self._exchange = self._start()

    def _start(self) -> Exchange:
        first = self._log.first_sequence
        return self._log.load_snapshot(first) if first else Exchange()

    @property
    def first(self) -> int:
        """Number of the earliest moment: 0, the empty exchange, unless the journal's beginning was removed."""
        return self._log.first_sequence

    @property
    def last(self) -> int:
        """Number of the last command; looks at the directory again, so that it grows where an exchange is at work."""
        self._log.refresh()
        return self._log.last_sequence

    @property
    def snapshots(self) -> tuple[int, ...]:
        """Numbers of the directory's snapshots."""
        return tuple(self._log.snapshots())

    @property
    def sequence(self) -> int:
        """Number of the last command that has happened at this moment."""
        return self._exchange.sequence

    @property
    def now(self) -> int:
        """The latest time that a command has brought, in nanoseconds since the Unix epoch."""
        return self._exchange.now

    def seek(self, sequence: int | None = None, *, time: int | None = None) -> Self:
        """Go to a moment.

        Args:
            sequence: The moment after this command; or
            time: the moment after the last command that came at this time or before, in nanoseconds since the epoch.

        Returns:
            The timeline itself.

        Raises:
            TypeError: Not exactly one of both was given, or it is no int.
            ValueError: There is no such moment: before `first`, or after `last`; or the time does not fit 64 bits.
            JournalError: The journal is damaged on the way there; names file and offset.
        """
        if (sequence is None) == (time is None):
            raise TypeError("seek needs either sequence or time")
        time = None if time is None else whole("time", time, 0, LATEST_NS)
        self._log.refresh()
        if time is not None:
            sequence = self._log.sequence_at(time)
        self._go(whole("sequence", sequence, self._log.first_sequence, self._log.last_sequence))
        return self

    def forward(self, count: int = 1) -> Self:
        """Let the next commands happen; fewer where the log ends.

        Raises:
            TypeError: The count is no int.
            ValueError: It is below 0.
        """
        left = whole("count", count, 0)
        while left > 0 and (batch := self.peek(min(left, CHUNK_COMMANDS))) is not None:
            self._go(int(batch.sequences[-1]))
            left -= len(batch.commands)
        return self

    def back(self, count: int = 1) -> Self:
        """Undo the last commands; fewer where the log begins.

        Raises:
            TypeError: The count is no int.
            ValueError: It is below 0.
        """
        count = whole("count", count, 0)
        # Numbers may have been left out (R4): then less than `count` commands stand in that stretch.
        stretch, found = count, self._numbers_back(count)
        while len(found) <= count and self.sequence - stretch > self.first:
            stretch *= 2
            found = self._numbers_back(stretch)
        return self.seek(int(found[-1 - count]) if len(found) > count else self.first)

    def _numbers_back(self, stretch: int) -> list[int]:
        """The numbers of the commands from so far back up to here, and `first` where that is the beginning."""
        start = max(self.sequence - stretch - 1, self.first)
        numbers = [start] if start == self.first else []
        while (chunk := self._log.commands(start, until=self.sequence, limit=CHUNK_COMMANDS)) is not None:
            commands, starts = _parts(chunk)
            numbers += commands.slots["sequence"][starts].tolist()
            start = numbers[-1]
        return numbers

    def step(self) -> Step | None:
        """Let the next command happen, and tell what it was and did; None where the log ends."""
        self._log.refresh()
        chunk = self._log.commands(self.sequence, limit=1)
        if chunk is None:
            return None
        commands = Commands(chunk.slots)
        # Before it happens: what it is about may be gone afterwards.
        fields = command_fields(chunk.slots, self._exchange)
        events = tuple(self._exchange.process(commands))
        return Step(self.sequence, commands, fields, events)

    def peek(self, limit: int = CHUNK_COMMANDS, until: int | None = None) -> Batch | None:
        """Look at the log's next commands without letting them happen.

        Args:
            limit: At most so many.
            until: None beyond this number.

        Returns:
            A batch without events; None where the log ends.
        """
        self._log.refresh()
        chunk = self._log.commands(self.sequence, until=until, limit=limit)
        return None if chunk is None else Batch(*_parts(chunk), Exchange().process(b""))

    def batches(self, until: int | None = None, *, limit: int = CHUNK_COMMANDS) -> Iterator[Batch]:
        """Walk on in large pieces, for tables of commands and events.

        Args:
            until: The last command to happen; None: to where the log ends now.
            limit: At most so many commands a batch.
        """
        last = self.last if until is None else until
        while (chunk := self._log.commands(self.sequence, until=last, limit=limit)) is not None:
            commands, starts = _parts(chunk)
            yield Batch(commands, starts, self._exchange.process(commands))

    def steps(self, until: int | None = None) -> Iterator[Step]:
        """Walk on, step by step, up to a command or to where the log ends now.

        Args:
            until: The last command to happen; None: whatever comes.
        """
        while until is None or self.sequence < until:
            step = self.step()
            if step is None:
                return
            yield step

    def fork(self) -> Exchange:
        """Give an exchange in memory that is as it is here; it takes any commands, and nothing is written.

        Returns:
            A new exchange, independent of this timeline.
        """
        return Exchange.restore(self._exchange.snapshot())

    def follow(self, branch: Exchange, until: int | None = None, *, without: Collection[int] = ()) -> Followed:
        """Let the log's next commands happen here and in a branch, so that both can be compared.

        Orders have ids of their own in the branch, if it has taken other commands: where the log cancels or amends an
        order, that order's id in the branch is put in its place. What has no counterpart there is rejected there.

        Args:
            branch: What `fork` gave at this moment, with whatever commands it has taken since.
            until: The last command to happen; None: all of them.
            without: Numbers of commands that happen here only.

        Returns:
            How many commands happened in both, and which order of the branch is which of the log's.

        Raises:
            TypeError: The branch is no Exchange, or `until` no int.
            ValueError: The command is not ahead, or beyond the end.
        """
        if not isinstance(branch, Exchange):
            raise TypeError(f"branch must be an Exchange, not {branch!r}")
        last = self.last
        last = last if until is None else whole("until", until, self.sequence, last)
        return follow(self._log, self._exchange, branch, last, frozenset(without))

    def book(self, symbol: str) -> BookView:
        """Give the book of an instrument."""
        return self._exchange.book(symbol)

    def balance(self, account: str, asset: str, group: str = "main") -> Balance:
        """Give what an account has of an asset."""
        return self._exchange.balance(account, asset, group)

    def balances(self, account: str) -> Sequence[Balance]:
        """Give all that an account has."""
        return self._exchange.balances(account)

    def positions(self, account: str) -> Sequence[Position]:
        """Give what an account has traded."""
        return self._exchange.positions(account)

    def instruments(self) -> Sequence[Instrument]:
        """List all instruments."""
        return self._exchange.instruments()

    def accounts(self) -> Sequence[str]:
        """List the names of all accounts."""
        return self._exchange.accounts()

    def assets(self) -> Sequence[Asset]:
        """List all assets."""
        return self._exchange.assets()

    def groups(self) -> Sequence[str]:
        """List the names of all clearing groups."""
        return self._exchange.groups()

    def events(self) -> Sequence[EventMarket]:
        """List all event markets."""
        return self._exchange.events()

    def digest(self) -> str:
        """Hash the state: all that can influence a later event."""
        return self._exchange.digest()

    def _go(self, target: int) -> None:
        back = target < self.sequence
        self._load(target)
        landings = [target - distance for distance in LANDING_COMMANDS if back]
        while self.sequence < target:
            here = self.sequence
            until = min([target, *(landing for landing in landings if landing > here)])
            chunk = self._log.commands(here, until=until, limit=CHUNK_COMMANDS)
            if chunk is None:
                return
            self._exchange.process(Commands(chunk.slots))
            self._keep(here, landings, target)

    def _load(self, target: int) -> None:
        """Take the state that is nearest before the target, of what there is in memory and on disk."""
        kept = self._checkpoints.at_or_before(target)
        at_hand = max(self.sequence if self.sequence <= target else -1, kept.sequence if kept is not None else -1)
        # A stored one must be read, checked and restored: worth it where many commands are saved.
        worth = at_hand + SPACING_COMMANDS if at_hand >= 0 else 0
        stored = self._stored(worth, target)
        if stored is not None:
            self._exchange = stored
        elif kept is not None and kept.sequence == at_hand != self.sequence:
            self._exchange = Exchange.restore(kept.snapshot)
        elif at_hand < 0:
            self._exchange = self._start()

    def _stored(self, above: int, target: int) -> Exchange | None:
        """The newest snapshot on disk above a number, up to the target, that is whole."""
        for sequence in sorted(self.snapshots, reverse=True):
            if above < sequence <= target:
                try:
                    return self._log.load_snapshot(sequence)
                except JournalError:
                    # Damaged, or removed since it was listed: an older state and more commands lead there as well.
                    continue
        return None

    def _keep(self, before: int, landings: Sequence[int], target: int) -> None:
        """Lay a checkpoint here, if one belongs here and is worth it."""
        here = self.sequence
        passed = here // SPACING_COMMANDS != before // SPACING_COMMANDS
        if (here in landings and self._checkpoints.pays(target - here)) or (
            passed and self._checkpoints.pays(SPACING_COMMANDS)
        ):
            self._checkpoints.add(here, self._exchange.snapshot())
