"""Who did what: notes beside the journal, whose commands name them by their tags.

A JSON object a line. A session's note says which key and address stand behind a number; an action's, who asked for
what. The number is the tag of the commands: of every order of a session, of every command that an action leads to. A
note is written before the first command with its number is sent, and on the disk where the journal's commands are
before they are answered: whatever the journal has can be led back, after any crash.

Numbers are never given twice: each note says up to where they are reserved, and after a restart they begin above that.

A file that has become large is put aside as a part (`audit-000001.jsonl`, and so on), and a new one is begun. Each step
of that can be the last one before a crash: what was reserved is found in the newest file that has a note.
"""

import contextlib
import errno
import logging
import os
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from aeromatch import AeroMatchError
from aeromatch.server.admission.files import PRIVATE, sync_folder

__all__ = ["AuditError", "AuditLog", "Note", "parts_of", "read_notes"]

log = logging.getLogger("aeromatch.admission")

RESERVED: Final = 1 << 16
PART_BYTES: Final = 64 << 20
TAIL_BYTES: Final = 1 << 16
"""More than most notes have: a reason can be long."""


class AuditError(AeroMatchError):
    """The notes cannot be read or written; the message names the file and says why."""


class Note(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A line.

    Attributes:
        kind: "open", "close", "session", "action" or "reserve".
        time_ns: When, in nanoseconds since 1970.
        reserved: The highest number that may have been given.
        number: Of a session or an action: the tag of its commands.
        key: The key that was used; None: none was needed, or the server itself acts.
        account: Of a session: the key's account.
        remote: The other end's address.
        session: Of an action: the session that asked for it.
        action: Of an action: what.
        facts: Of an action: its arguments.
    """

    kind: str
    time_ns: int
    reserved: int
    number: int = 0
    key: str | None = None
    account: str | None = None
    remote: str = ""
    session: int = 0
    action: str = ""
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class AuditLog:
    """Writes notes. One process at a time: the exchange's directory, in which the file is, is locked by its owner."""

    def __init__(self, path: Path, *, is_synced: bool = True, part_bytes: int = PART_BYTES) -> None:
        """Opens the file, or makes it; a line that a crash has torn is cut off.

        Arguments:
            path: The file.
            is_synced: Whether notes are to survive a loss of power, and not only the end of the process.
            part_bytes: A file that has so many is put aside before the next note.

        Raises:
            AuditError: It cannot be opened, or is no file of notes.
        """
        self._path, self._is_synced, self._part_bytes = path, is_synced, part_bytes
        self._rotate_at = part_bytes
        try:
            self._descriptor = _open(path)
            self._length, last = _mend(self._descriptor, path)
            # Without one, a crash came between two files: the part has what this one would begin with.
            for part in reversed(parts_of(path)):
                if last is not None:
                    break
                last = _last_of(part)
        except OSError as error:
            raise AuditError(f"{path}: {error.strerror}") from error
        self.last_run_end_ns = _end_of(last)
        """When the run before this one ended; None: it crashed, 0: there was none."""
        self._next = 1 if last is None else last.reserved + 1
        self._reserved = self._next - 1
        self._write("open")

    def _rotate(self) -> None:
        """Puts the file aside and begins the next one. Where that cannot be, the notes go on where they are."""
        try:
            # A part is whole: nothing in it waits for the disk, whatever the next file's notes wait for.
            os.fdatasync(self._descriptor)
            with contextlib.suppress(FileNotFoundError):
                # Absent: a try before this one has come so far.
                self._path.rename(_next_part(self._path))
            descriptor = _open(self._path)
        except OSError as error:
            log.warning("the audit goes on in one file", extra={"reason": error.strerror, "file": str(self._path)})
            self._rotate_at = self._length + self._part_bytes
            return
        os.close(self._descriptor)
        self._descriptor, self._length, self._rotate_at = descriptor, 0, self._part_bytes

    def number(self) -> int:
        """The next number. Raises AuditError if it cannot be reserved."""
        if self._next > self._reserved:
            self._write("reserve")
        self._next += 1
        return self._next - 1

    def session(self, number: int, *, key: str | None, account: str | None, remote: str) -> None:
        """Notes who a session is; written when this returns. Raises AuditError."""
        self._write("session", number=number, key=key, account=account, remote=remote)

    def action(self, action: str, *, key: str | None, remote: str, session: int, facts: dict[str, Any]) -> int:
        """Notes what is about to be done, and returns its number; written when this returns. Raises AuditError."""
        number = self.number()
        self._write("action", number=number, action=action, key=key, remote=remote, session=session, facts=facts)
        return number

    def _write(self, kind: str, *, ahead: int = RESERVED, **fields: Any) -> None:
        if self._length >= self._rotate_at:
            self._rotate()
        reserved = self._next - 1 + ahead
        note = Note(kind=kind, time_ns=time.time_ns(), reserved=reserved, **fields)
        line = msgspec.json.encode(note) + b"\n"
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            # What is reserved is so after a loss of power as well: numbers are not given twice.
            if self._is_synced or kind in ("open", "reserve", "close"):
                os.fdatasync(self._descriptor)
        except OSError as error:
            # Half a line would hide the next one.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._length)
            raise AuditError(f"{self._path}: {error.strerror}") from error
        self._length += len(line)
        self._reserved = reserved

    def close(self) -> None:
        """Notes that the run ends; a second time does nothing."""
        if self._descriptor < 0:
            return
        try:
            # What was reserved and not given can be given by the next run.
            self._write("close", ahead=0)
        finally:
            os.close(self._descriptor)
            self._descriptor = -1


def _end_of(last: Note | None) -> int | None:
    if last is None:
        return 0
    return last.time_ns if last.kind == "close" else None


def _open(path: Path) -> int:
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
    if is_new:
        sync_folder(path.parent)
    return descriptor


def _mend(descriptor: int, path: Path) -> tuple[int, Note | None]:
    """Cuts a torn line off the end of a file: its length then, and its last note."""
    length = os.fstat(descriptor).st_size
    size, tail = TAIL_BYTES, b""
    while len(tail) < length:
        tail = os.pread(descriptor, size, max(length - size, 0))
        # The last whole line, with the end of the one before it; there may be a torn one behind it.
        if tail.count(b"\n") > 1:
            break
        size *= 2
    torn = len(tail) - (tail.rfind(b"\n") + 1)
    if torn:
        length -= torn
        os.ftruncate(descriptor, length)
    lines = tail[: len(tail) - torn].splitlines()
    if not lines:
        return length, None
    try:
        return length, msgspec.json.decode(lines[-1], type=Note)
    except msgspec.DecodeError as error:
        raise AuditError(f"{path}: the last line is no note: {error}") from error


def _last_of(part: Path) -> Note | None:
    descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        return _mend(descriptor, part)[1]
    finally:
        os.close(descriptor)


def _number_of(part: Path, path: Path) -> int:
    digits = part.name.removeprefix(f"{path.stem}-").removesuffix(path.suffix)
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def parts_of(path: Path) -> list[Path]:
    """The files that were put aside, oldest first."""
    found = path.parent.glob(f"{path.stem}-*{path.suffix}")
    return sorted((part for part in found if _number_of(part, path)), key=lambda part: _number_of(part, path))


def _next_part(path: Path) -> Path:
    parts = parts_of(path)
    number = _number_of(parts[-1], path) + 1 if parts else 1
    return path.with_name(f"{path.stem}-{number:06}{path.suffix}")


def read_notes(path: Path) -> list[Note]:
    """All notes of all parts, oldest first; one that a crash has torn, at the end, is left out.

    A server may be at work there.

    Raises:
        AuditError: There are none, or a line is no note.
    """
    files: list[tuple[Path, bytes]] = []
    opened = 0
    try:
        # Read before the parts are listed: it may be put aside meanwhile, and would be in neither.
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            opened = os.fstat(stream.fileno()).st_ino
            files = [(path, stream.read())]
        older = [part for part in parts_of(path) if part.stat().st_ino != opened]
        files = [*((part, part.read_bytes()) for part in older), *files]
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}") from error
    if not files:
        raise AuditError(f"{path}: no server has kept notes here")
    return [note for name, text in files for note in _notes_in(name, text)]


def _notes_in(path: Path, text: bytes) -> list[Note]:
    notes = []
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        try:
            notes.append(msgspec.json.decode(line, type=Note))
        except msgspec.DecodeError as error:
            raise AuditError(f"{path}: line {number} is no note: {error}") from error
    return notes
