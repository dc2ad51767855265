"""Files that nobody else may read, and that are there whole or not at all."""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["locked", "replace", "sync_folder"]

PRIVATE = 0o600


def replace(path: Path, text: str) -> None:
    """Puts a text in a file's place: who reads it, after whatever crash, reads the old or the new.

    A new file is its owner's only. One that was there keeps its owner and group as far as the system allows, and what
    they may do with it: an operator's change does not shut out the service that reads it.

    Raises:
        OSError: It cannot be written; the old one is untouched.
    """
    # Made with mode 0600.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            old = path.stat()
            os.fchown(descriptor, old.st_uid, old.st_gid)
            # Only once it is the same group that is let in.
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & 0o640)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes a folder's entries survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lets one process at a time read a file, change it and put it back; the lock is a file beside it."""
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
