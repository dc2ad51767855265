"""What stands in a directory: segments, snapshots, the end; and the proof that all of it replays to the same."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from aeromatch import JournalError, _core

if TYPE_CHECKING:
    from collections.abc import Callable
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
    unfinished: tuple[str, ...]
    """Files in the making, or left behind by a crash."""
    end: str
    """How the journal ends, in words."""
    torn_bytes: int
    """Bytes behind the last whole frame: the next opening cuts them off."""
    damage: JournalError | None
    """What is wrong, where something is; the rest was read up to there."""

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        damage = self.damage
        found = None if damage is None else {"kind": damage.kind, "file": damage.file, "offset": damage.offset}
        return {
            "segments": [asdict(segment) for segment in self.segments],
            "snapshots": [asdict(snapshot) for snapshot in self.snapshots],
            "unfinished": list(self.unfinished),
            "end": self.end,
            "torn_bytes": self.torn_bytes,
            "damage": None if found is None else {**found, "message": str(damage)},
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What `aeromatch journal verify` proved."""

    commands: int
    last_sequence: int
    frames: int
    digests: int
    """How many digests of snapshots and closings were compared."""
    digest: str
    """Of the state at the end."""
    end: str
    torn_bytes: int
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
    segments = []
    damage: JournalError | None = None
    try:
        for place in range(log.segment_count):
            segments.append(SegmentSummary(**log.segment(place)))
    except JournalError as error:
        damage = error
    snapshots = []
    for found in log.snapshots():
        try:
            snapshots.append(SnapshotSummary(**log.snapshot_info(found)))
        except JournalError as error:
            damage = damage or error
    end, torn_bytes = ("damaged", 0) if damage is not None else _end(log)
    return Inspection(tuple(segments), tuple(snapshots), tuple(log.unfinished()), end, torn_bytes, damage)


def verify_journal(
    directory: str | PathLike[str], progress: Callable[[float], object] = lambda _: None
) -> Verification:
    """Replay everything, from the first command that is there, and compare every hash and digest on the way.

    Args:
        directory: Of an exchange, open or not.
        progress: Called with the share that is done.

    Raises:
        JournalError: Something is damaged, missing, or leads to other events than when it was written.
    """
    began = time.perf_counter()
    verifier = _core.JournalVerifier(directory)
    while verifier.step():
        progress(verifier.done)
    log = _core.JournalReader(directory)
    log.refresh()
    end, torn_bytes = _end(log)
    return Verification(
        verifier.commands,
        verifier.sequence,
        verifier.frames,
        verifier.digests,
        verifier.digest(),
        end,
        torn_bytes,
        time.perf_counter() - began,
    )
