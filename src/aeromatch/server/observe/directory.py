"""What the exchange keeps on the disk: sizes of journals and snapshots, looked at when somebody asks."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aeromatch.server.observe.registry import Sample

__all__ = ["DataDirectory", "ShardFiles"]

SEGMENT: Final = re.compile(r"journal-[0-9a-f]{16}\.log")
SNAPSHOT: Final = re.compile(r"snapshot-[0-9a-f]{16}\.snap")
KEPT_S: Final = 2.0
"""What was found is good for so long: several who ask at once cost one look."""


@dataclass(slots=True)
class ShardFiles:
    """What one shard has on the disk."""

    journal_bytes: int = 0
    segments: int = 0
    snapshot_bytes: int = 0
    snapshots: int = 0
    newest_snapshot_s: float = 0.0


class DataDirectory:
    """The directory of an exchange, by shard (docs/journal-format.md); an exchange in memory has none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._found: dict[int, ShardFiles] = {}
        self._looked_at = -KEPT_S

    def files(self) -> dict[int, ShardFiles]:
        """What each shard has; empty where there is no directory."""
        if self._path is not None and time.monotonic() - self._looked_at >= KEPT_S:
            self._found = dict(self._look(self._path))
            self._looked_at = time.monotonic()
        return self._found

    @property
    def journal_bytes(self) -> int:
        """Size of all journals."""
        return sum(files.journal_bytes for files in self.files().values())

    @staticmethod
    def _look(path: Path) -> Iterator[tuple[int, ShardFiles]]:
        # A directory of one exchange without shards has its files in itself.
        folders = sorted(path.glob("shard-[0-9]*")) or [path]
        for folder in folders:
            number = int(folder.name.partition("-")[2]) if folder != path else 0
            yield number, _files_of(folder)

    def samples(self) -> Iterator[Sample]:
        """The directory's metrics."""
        for shard, files in self.files().items():
            labels = (str(shard),)
            yield "aeromatch_journal_bytes", labels, files.journal_bytes
            yield "aeromatch_journal_segments", labels, files.segments
            yield "aeromatch_snapshots", labels, files.snapshots
            yield "aeromatch_snapshot_bytes", labels, files.snapshot_bytes
            if files.snapshots:
                yield "aeromatch_snapshot_timestamp_seconds", labels, files.newest_snapshot_s
        if self._path is not None and self.files():
            disk = os.statvfs(self._path)
            yield "aeromatch_disk_free_bytes", (), disk.f_bavail * disk.f_frsize


def _files_of(folder: Path) -> ShardFiles:
    found = ShardFiles()
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return found
    for entry in entries:
        try:
            status = entry.stat()
        except OSError:
            continue  # Compaction has just removed it.
        if SEGMENT.fullmatch(entry.name):
            found.journal_bytes += status.st_size
            found.segments += 1
        elif SNAPSHOT.fullmatch(entry.name):
            found.snapshot_bytes += status.st_size
            found.snapshots += 1
            found.newest_snapshot_s = max(found.newest_snapshot_s, status.st_mtime)
    return found
