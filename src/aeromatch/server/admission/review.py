"""The audit: notes of who asked for what, joined with what the journal says was done.

Each command of the journal has a tag; the notes say who stands behind it (`audit`). Of a command that came over the
binary gateway, the number of its session is the tag's upper half: the lower one is the client's own. What a
command led to is found by replaying the journal, which is exact (R3). Nothing is changed, and an exchange may be at
work in the directory.
"""

import bisect
import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import Commands
from aeromatch._core import JournalReader
from aeromatch.replay.timeline import Step, Timeline
from aeromatch.server.admission.audit import Note, read_notes
from aeromatch.server.admission.table import AUDIT_FILE

__all__ = ["Entry", "Origins", "entries", "journals"]

CHUNK: Final = 16_384
SESSION_SHIFT: Final = 32
UNSHOWN: Final = {"sequence", "timestamp", "tag", "kind"}
ANSWERS: Final = ("accepted", "rejected")


@dataclass(frozen=True, slots=True)
class Entry:
    """A command and who is behind it; or an action that led to none.

    Attributes:
        shard: Whose journal has it; None: no command.
        sequence: Its number there; 0: no command.
        time_ns: The command's time, or the note's.
        tag: The number of the note; 0: none, the server itself.
        note: The session or the action; None where no note has that number.
        kind: What the command is; "": no command.
        fields: Its arguments, by the names of docs/records.md.
        result: "accepted", or the slug that it was rejected with. None: what concerns all shards is answered by shard 0
            alone, and this is another one; or there is no command.
        events: How many events of each kind followed.
        session: For an action, the note of the session that asked for it, if that one traded as well.
    """

    shard: int | None
    sequence: int
    time_ns: int
    tag: int
    note: Note | None
    kind: str
    fields: dict[str, Any]
    result: str | None
    events: dict[str, int]
    session: Note | None = None

    @property
    def key(self) -> str | None:
        """The key that was used."""
        return self.note.key if self.note else None

    @property
    def action(self) -> str:
        """What was asked for where it is no plain command."""
        return self.note.action if self.note else ""

    @property
    def remote(self) -> str:
        """The other end's address."""
        return self.note.remote if self.note else ""

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "time_ns": self.time_ns,
            "shard": self.shard,
            "sequence": self.sequence,
            "tag": self.tag,
            "key": self.key,
            "remote": self.remote,
            "action": self.action,
            "facts": self.note.facts if self.note else {},
            "kind": self.kind,
            "fields": self.fields,
            "result": self.result,
            "events": self.events,
        }


class Origins:
    """Finds the note behind a tag."""

    def __init__(self, notes: Sequence[Note]) -> None:
        named = sorted((note for note in notes if note.number), key=lambda note: note.number)
        self._numbers = [note.number for note in named]
        self._notes = named

    def __getitem__(self, tag: int) -> Note | None:
        place = bisect.bisect_left(self._numbers, tag)
        return self._notes[place] if place < len(self._numbers) and self._numbers[place] == tag else None

    def actions(self, wanted: Callable[[Note], bool] | None) -> list[Note]:
        """The actions that are wanted, oldest first."""
        return [note for note in self._notes if note.kind == "action" and (wanted is None or wanted(note))]

    def tags(self, wanted: Callable[[Note], bool]) -> list[int]:
        """The numbers of the notes that are wanted."""
        return [note.number for note in self._notes if wanted(note)]


def journals(directory: Path) -> list[tuple[int, Path]]:
    """The directories of the shards' journals, with their numbers."""
    shards = sorted(path for path in directory.glob("shard-*") if path.is_dir())
    return [(int(path.name.removeprefix("shard-")), path) for path in shards] or [(0, directory)]


def origins_of(directory: Path) -> Origins:
    """Reads the notes of a data directory. Raises AuditError."""
    return Origins(read_notes(directory / AUDIT_FILE))


def entries(
    directory: Path,
    origins: Origins,
    *,
    wanted: Callable[[Note], bool] | None = None,
    since_ns: int = 0,
    until_ns: int | None = None,
) -> Iterator[Entry]:
    """The commands of all shards and the actions that led to none, by time; of each shard as its journal has them.

    Arguments:
        directory: The server's data directory.
        origins: Its notes.
        wanted: Which notes; None: all commands, also those that nobody asked for.
        since_ns: Only commands from this time on.
        until_ns: Only commands up to this time.

    Raises:
        JournalError: A journal is damaged, or there is none.
    """
    tags = None if wanted is None else np.array(origins.tags(wanted), dtype=np.uint64)
    shards = journals(directory)
    sources = [_of_shard(shard, path, tags, origins) for shard, path in shards]
    sent = set().union(*(_tags_sent(path) for _, path in shards))
    actions = (_unsent(note) for note in origins.actions(wanted) if note.number not in sent)
    for entry in heapq.merge(actions, *sources, key=attrgetter("time_ns")):
        if entry.time_ns >= since_ns and (until_ns is None or entry.time_ns <= until_ns):
            yield entry


def _of_shard(shard: int, path: Path, tags: Any, origins: Origins) -> Iterator[Entry]:
    timeline = Timeline(path)
    timeline.seek(timeline.first)
    for step in _steps(timeline, tags):
        yield _entry(shard, step, origins)


def _tags_sent(path: Path) -> set[int]:
    """The tags of all commands of a journal."""
    log = JournalReader(path)
    at, found = log.first_sequence, set[int]()
    while (chunk := log.commands(at, limit=CHUNK)) is not None:
        slots, starts = Commands(chunk.slots).slots, np.frombuffer(chunk.starts, dtype=np.uint32)
        found.update(np.unique(_numbers(slots["tag"][starts])).tolist())
        at = int(slots["sequence"][starts[-1]])
    return found


def _numbers(tags: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The notes' numbers that stand in tags."""
    upper = tags >> np.uint64(SESSION_SHIFT)
    return np.where(upper > 0, upper, tags)


def _unsent(note: Note) -> Entry:
    return Entry(
        shard=None,
        sequence=0,
        time_ns=note.time_ns,
        tag=note.number,
        note=note,
        kind="",
        fields={},
        result=None,
        events={},
    )


def _steps(timeline: Timeline, tags: Any) -> Iterator[Step]:
    """The commands with these tags; what lies between happens in large pieces."""
    if tags is None:
        yield from timeline.steps(timeline.last)
        return
    last = timeline.last
    while timeline.sequence < last and (batch := timeline.peek(CHUNK, last)) is not None:
        numbers = batch.sequences
        found = numbers[np.isin(_numbers(batch.commands.slots["tag"][batch.starts]), tags)]
        for number in found.tolist():
            before = int(numbers[np.searchsorted(numbers, number) - 1]) if number != numbers[0] else timeline.sequence
            timeline.seek(max(before, timeline.sequence))
            step = timeline.step()
            if step is not None:
                yield step
        timeline.seek(int(numbers[-1]))


def _entry(shard: int, step: Step, origins: Origins) -> Entry:
    fields = step.fields
    whole = int(fields.get("tag", 0))
    tag = whole >> SESSION_SHIFT or whole
    note = origins[tag] if tag else None
    answer = step.events[0] if step.events and step.events[0].kind in ANSWERS else None
    result = None if answer is None else str(answer.reason or answer.kind)
    counts = Counter(str(event.kind) for event in step.events if event is not answer)
    return Entry(
        shard=shard,
        sequence=step.sequence,
        time_ns=(answer.timestamp if answer is not None else None) or int(fields.get("timestamp", 0)),
        tag=tag,
        note=note,
        kind=str(fields["kind"]),
        fields={name: value for name, value in fields.items() if name not in UNSHOWN},
        result=result,
        events=dict(counts),
        session=origins[note.session] if note is not None and note.session else None,
    )
