"""Who did what: notes beside the journal, whose commands name them by their tags.

A JSON object a line. A session's note says which key and address stand behind a number; an action's, who asked for
what. The number is the tag of the commands: of every order of a session, of every command that an action leads to. A
note is written before the first command with its number is sent, and on the disk where the journal's commands are
before they are answered: whatever the journal has can be led back, after any crash.

Numbers are never given twice: each note says up to where they are reserved, and after a restart they begin above that.
"""

import contextlib
import errno
import os
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from aeromatch import AeroMatchError
from aeromatch.server.admission.files import PRIVATE, sync_folder

__all__ = ["AuditError", "AuditLog", "Note", "read_notes"]

RESERVED: Final = 1 << 16
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

    def __init__(self, path: Path, *, is_synced: bool = True) -> None:
        """Opens the file, or makes it; a line that a crash has torn is cut off.

        Arguments:
            path: The file.
            is_synced: Whether notes are to survive a loss of power, and not only the end of the process.

        Raises:
            AuditError: It cannot be opened, or is no file of notes.
        """
        self._path, self._is_synced = path, is_synced
        is_new = not path.exists()
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
            if is_new:
                sync_folder(path.parent)
            self._length = os.fstat(self._descriptor).st_size
            last = self._last()
        except OSError as error:
            raise AuditError(f"{path}: {error.strerror}") from error
        self.last_run_end_ns = _end_of(last)
        """When the run before this one ended; None: it crashed, 0: there was none."""
        self._next = 1 if last is None else last.reserved + 1
        self._reserved = self._next - 1
        self._write("open")

    def _last(self) -> Note | None:
        size, tail = TAIL_BYTES, b""
        while len(tail) < self._length:
            tail = os.pread(self._descriptor, size, max(self._length - size, 0))
            # The last whole line, with the end of the one before it; there may be a torn one behind it.
            if tail.count(b"\n") > 1:
                break
            size *= 2
        torn = len(tail) - (tail.rfind(b"\n") + 1)
        if torn:
            self._length -= torn
            os.ftruncate(self._descriptor, self._length)
        lines = tail[: len(tail) - torn].splitlines()
        if not lines:
            return None
        try:
            return msgspec.json.decode(lines[-1], type=Note)
        except msgspec.DecodeError as error:
            raise AuditError(f"{self._path}: the last line is no note: {error}") from error

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


def read_notes(path: Path) -> list[Note]:
    """All notes, oldest first; one that a crash has torn, at the end, is left out.

    Raises:
        AuditError: There are none, or a line is no note.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise AuditError(f"{path}: no server has kept notes here") from None
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}") from error
    notes = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            notes.append(msgspec.json.decode(line, type=Note))
        except msgspec.DecodeError as error:
            raise AuditError(f"{path}: line {number} is no note: {error}") from error
    return notes
