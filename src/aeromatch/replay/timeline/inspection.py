"""What stands in a directory: segments, snapshots, the end; and the proof that all of it replays to the same."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeromatch import JournalError, _core
from aeromatch.replay.timeline.arguments import no_journal

if TYPE_CHECKING:
    from os import PathLike


@dataclass(frozen=True, slots=True)
class SegmentSummary:
    """One segment file."""

    file: str
    bytes: int
    used_bytes: int
    """Up to the end of its last whole frame."""
    frames: int
    commands: int
    first_sequence: int
    """Of its first command, or of the one that would be its first."""
    last_sequence: int
    first_time_ns: int | None
    """The first time that a command of it brings; None if none does."""
    last_time_ns: int | None
    """The latest."""
    is_closed: bool
    """Whether its last frame says that the exchange was closed."""
    torn_at: int | None
    """Offset of an unfinished frame behind the last whole one; None if there is none."""


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """One snapshot file."""

    file: str
    sequence: int
    """Of the last command in it."""
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `aeromatch journal inspect` lists."""

    segments: tuple[SegmentSummary, ...]
    snapshots: tuple[SnapshotSummary, ...]
    end: str
    """How the journal ends, in words."""
    damage: JournalError | None
    """What is wrong, where something is; the rest was read up to there."""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        damage = self.damage
        found = None if damage is None else {"kind": damage.kind, "file": damage.file, "offset": damage.offset}
        return {
            "segments": [asdict(segment) for segment in self.segments],
            "snapshots": [asdict(snapshot) for snapshot in self.snapshots],
            "end": self.end,
            "damage": None if found is None else {**found, "message": str(damage)},
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What `aeromatch journal verify` proved."""

    segments: int
    base_sequence: int | None
    """Of the snapshot that the journal starts from; None: from the empty exchange."""
    commands: int
    """How many were replayed."""
    last_sequence: int
    snapshots: int
    """How many are the state that the journal leads to."""
    digest: str
    """Of the state at the end."""
    torn_bytes: int
    """Of an unfinished end: the next opening cuts them off."""
    is_closed: bool
    """Whether the journal ends with a close, whose digest agrees."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


def inspect_journal(directory: str | PathLike[str]) -> Inspection:
    """Read all frames of a directory, without replaying them.

    Raises:
        JournalError: It is no such directory, or its files do not belong together.
    """
    log = _core.JournalReader(directory)
    segments: list[SegmentSummary] = []
    snapshots: list[SnapshotSummary] = []
    damage: JournalError | None = None
    try:
        for place in range(log.segment_count):
            segments.append(SegmentSummary(**log.segment(place)))
    except JournalError as error:
        damage = error
    for sequence in log.snapshots():
        try:
            snapshots.append(SnapshotSummary(**log.snapshot(sequence)))
        except JournalError as error:
            # The exchange at work there may have replaced it since it was listed.
            if error.kind != "io" or Path(error.file or "").exists():
                damage = damage or error
    end = _end(segments) if damage is None else "damaged"
    return Inspection(tuple(segments), tuple(snapshots), end, damage)


def _end(segments: list[SegmentSummary]) -> str:
    """Say how the journal ends: in its last segment, if that goes on from the one before."""
    if not segments:
        return "no journal yet"
    last = next((it for it, after in pairwise(segments) if after.first_sequence != it.last_sequence + 1), segments[-1])
    if last.torn_at is not None:
        return f"ends in an unfinished frame at byte {last.torn_at:,} of {last.file}: the next opening cuts it off"
    if last.is_closed:
        return f"closed after command {last.last_sequence:,}"
    return f"open, or not closed: ends after command {last.last_sequence:,}"


def verify_journal(directory: str | PathLike[str]) -> Verification:
    """Replay everything, from the first command that is there, and compare every hash and digest on the way.

    Args:
        directory: Of an exchange, open or not.

    Raises:
        JournalError: There is no journal, something is damaged or missing, or leads to other events than when it was
            written.
    """
    began = time.perf_counter()
    # In a thread of its own, so that Ctrl-C is seen meanwhile.
    done: list[Any] = []
    thread = threading.Thread(target=_verify, args=(directory, done), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
    if isinstance(done[0], BaseException):
        raise done[0]
    if done[0]["segments"] == 0:
        raise no_journal(directory)
    return Verification(**done[0], seconds=time.perf_counter() - began)


def _verify(directory: str | PathLike[str], done: list[Any]) -> None:
    try:
        done.append(_core.verify_journal(directory))
    except BaseException as error:
        done.append(error)
