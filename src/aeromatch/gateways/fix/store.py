"""What a session must not forget: its numbers, what it sent, and where its application stood; in one SQLite file.

What is in a transaction is on its way to the disk when the transaction ends: a process that is killed then loses
nothing of it. A machine that loses power does not either, where the store is `is_power_safe`, once `when_safe` calls.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Final, Protocol

from aeromatch._core import AeroMatchError
from aeromatch.gateways.fix.gate import Gate

__all__ = ["FixStore", "FixStoreError", "SessionStore", "StoredSession"]

log = logging.getLogger("aeromatch.fix")

VERSION: Final = 1
BUSY_S: Final = 30.0
PRUNED_EVERY: Final = 1024
MOVED_EVERY: Final = 128
"""Transactions after which the log of them is brought into the file."""
LOG_PAGES: Final = 8_000
"""With more in the log a transaction does that itself: a thread's work is never all of it while transactions go on."""

SCHEMA: Final = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next_out INTEGER NOT NULL, next_in INTEGER NOT NULL
) STRICT;
CREATE TABLE messages (
    session INTEGER NOT NULL, sequence INTEGER NOT NULL, frame BLOB NOT NULL, PRIMARY KEY (session, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE facts (
    session INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (session, name)
) STRICT, WITHOUT ROWID;
"""


class FixStoreError(AeroMatchError):
    """The store cannot be used: the message names its file and says why."""


class SessionStore(Protocol):
    """What one session keeps. A number that is set and a message that is added are written when the transaction ends.

    Every change outside of a transaction is one of its own.
    """

    @property
    def next_out(self) -> int:
        """The number of the next message that is sent."""

    @property
    def next_in(self) -> int:
        """The number of the next message that is expected."""

    def transaction(self) -> AbstractContextManager[None]:
        """All changes until its end are made together or, where it ends by an exception, not at all.

        One within another belongs to the outer one.
        """

    @property
    def is_safe(self) -> bool:
        """Whether `when_safe` calls at once."""

    def when_safe(self, call: Callable[[Exception | None], None]) -> None:
        """Call when all that was committed is as safe as it is to be; calls keep their order.

        It is told why nothing can be kept any more, or None.
        """

    async def safe(self) -> None:
        """Wait until then. Raises FixStoreError where nothing can be kept any more."""

    def expect(self, next_in: int) -> None:
        """Set the number of the next message that is expected."""

    def take(self, frame: bytes | None) -> None:
        """Count a message of the next outgoing number; with its bytes where it is to be sent again when asked for."""

    def frames(self, begin: int, end: int, limit: int) -> list[tuple[int, bytes]]:
        """Numbers and bytes of kept messages from `begin` to `end`, both included, at most `limit`, in order."""

    def reset(self) -> None:
        """Both sides' numbers begin at 1, and no message is kept. Facts stay."""

    def fact(self, name: str) -> str | None:
        """What the application noted."""

    def facts(self, prefix: str) -> list[tuple[str, str]]:
        """What the application noted under names that begin so, in order of name."""

    def note(self, name: str, value: str | None) -> None:
        """Note something for the application: where in a stream it stands. None forgets it."""


class FixStore:
    """The file with all sessions of an acceptor: one process, one thread."""

    def __init__(self, path: Path | None, *, is_power_safe: bool = False, kept_messages: int = 1_000_000) -> None:
        """Open it, or make it; None: in memory, for tests.

        Raises:
            FixStoreError: It cannot be opened, or is of another version.
        """
        self.path = path
        self.kept_messages = kept_messages
        self._depth = 0
        self._sessions: dict[str, StoredSession] = {}
        self._log_path = f"{path}-wal"
        self._in_log = 0
        self._mover = ThreadPoolExecutor(1, "fix-store-file")
        self._moving: Future[None] | None = None
        self.gate = Gate(self._sync if is_power_safe and path is not None else None)
        with self._naming():
            self._connection = sqlite3.connect(path or ":memory:", timeout=BUSY_S, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        # A transaction's end writes to the log and does not wait for the disk: that is the gate's matter.
        execute("PRAGMA synchronous = NORMAL")
        execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        version = execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION:
            return
        if version or execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise FixStoreError(f"{self.path}: is no store of FIX sessions of version {VERSION}")
        self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _sync(self) -> None:
        """Bring the log of transactions to the disk, in a thread: what has left the log is there already."""
        try:
            file = os.open(self._log_path, os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise FixStoreError(f"{self.path}: its log cannot be brought to the disk: {error.strerror}") from error

    def _committed(self) -> None:
        self.gate.committed()
        self._in_log += 1
        if self.path is not None and self._in_log >= MOVED_EVERY and (self._moving is None or self._moving.done()):
            self._in_log = 0
            self._moving = self._mover.submit(self._move)

    def _move(self) -> None:
        """Bring the log into the file, in a thread: that waits for the disk, and everybody would wait with it."""
        assert self.path is not None
        try:
            with closing(sqlite3.connect(self.path, timeout=BUSY_S)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            log.warning("the log of FIX sessions cannot be brought into its file", extra={"problem": str(error)})

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise FixStoreError(f"{self.path or 'store in memory'}: {error}") from error

    def session(self, name: str) -> StoredSession:
        """What a session keeps, under a name that is its own: made where it is not there. The same each time."""
        if name not in self._sessions:
            if self._depth:
                raise FixStoreError(f"session {name!r}: opened within a transaction")
            with self.transaction():
                self._connection.execute("INSERT OR IGNORE INTO sessions VALUES (NULL, ?, 1, 1)", (name,))
            found = self._connection.execute("SELECT id FROM sessions WHERE name = ?", (name,)).fetchone()
            self._sessions[name] = StoredSession(self, self._connection, found[0])
        return self._sessions[name]

    def names(self) -> list[str]:
        """Of all sessions that there are."""
        with self._naming():
            return [name for (name,) in self._connection.execute("SELECT name FROM sessions ORDER BY id")]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes of all sessions until its end are made together, or not at all."""
        if self._depth:
            yield
            return
        with self._naming():
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        before = self._connection.total_changes
        try:
            # Whatever fails within is named, too: the changes are written as they are made.
            with self._naming():
                yield
                for session in self._sessions.values():
                    session.write()
                self._connection.execute("COMMIT")
            if self._connection.total_changes != before:
                self._committed()
        except BaseException:
            with self._naming():
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                for session in self._sessions.values():
                    session.read()
            raise
        finally:
            self._depth = 0

    def close(self) -> None:
        """Close the file; what waits is not called any more."""
        self.gate.close()
        self._mover.shutdown()
        with self._naming():
            self._connection.close()


class StoredSession:
    """One session in the file."""

    def __init__(self, store: FixStore, connection: sqlite3.Connection, number: int) -> None:
        self._store = store
        self._execute = connection.execute
        self._number = number
        self._next_out = self._next_in = 1
        self._is_changed = False
        self.read()

    @property
    def next_out(self) -> int:
        """The number of the next message that is sent."""
        return self._next_out

    @property
    def next_in(self) -> int:
        """The number of the next message that is expected."""
        return self._next_in

    def read(self) -> None:
        """Take the numbers from the file: nothing else is meant."""
        row = self._execute("SELECT next_out, next_in FROM sessions WHERE id = ?", (self._number,)).fetchone()
        self._next_out, self._next_in = row
        self._is_changed = False

    def write(self) -> None:
        """Put changed numbers into the transaction."""
        if self._is_changed:
            numbers = (self._next_out, self._next_in, self._number)
            self._execute("UPDATE sessions SET next_out = ?, next_in = ? WHERE id = ?", numbers)
            self._is_changed = False

    def transaction(self) -> AbstractContextManager[None]:
        """All changes until its end are made together, or not at all."""
        return self._store.transaction()

    @property
    def is_safe(self) -> bool:
        """Whether `when_safe` calls at once."""
        return self._store.gate.is_open

    def when_safe(self, call: Callable[[Exception | None], None]) -> None:
        """Call when all that was committed is as safe as it is to be; it is told why nothing can be kept, or None."""
        self._store.gate.then(call)

    async def safe(self) -> None:
        """Wait until then. Raises FixStoreError where nothing can be kept any more."""
        await self._store.gate.passed()

    def expect(self, next_in: int) -> None:
        """Set the number of the next message that is expected."""
        with self._store.transaction():
            self._next_in = next_in
            self._is_changed = True

    def take(self, frame: bytes | None) -> None:
        """Count a message of the next outgoing number, with its bytes where it is to be kept."""
        with self._store.transaction():
            if frame is not None:
                self._execute("INSERT INTO messages VALUES (?, ?, ?)", (self._number, self._next_out, frame))
            self._next_out += 1
            self._is_changed = True
            if self._next_out % PRUNED_EVERY == 0:
                oldest = self._next_out - self._store.kept_messages
                self._execute("DELETE FROM messages WHERE session = ? AND sequence < ?", (self._number, oldest))

    def frames(self, begin: int, end: int, limit: int) -> list[tuple[int, bytes]]:
        """Numbers and bytes of kept messages from `begin` to `end`, both included, at most `limit`, in order."""
        rows = self._execute(
            "SELECT sequence, frame FROM messages WHERE session = ? AND sequence BETWEEN ? AND ? ORDER BY sequence "
            "LIMIT ?",
            (self._number, begin, end, limit),
        )
        return rows.fetchall()

    def reset(self) -> None:
        """Both sides' numbers begin at 1, and no message is kept."""
        with self._store.transaction():
            self._execute("DELETE FROM messages WHERE session = ?", (self._number,))
            self._next_out = self._next_in = 1
            self._is_changed = True

    def fact(self, name: str) -> str | None:
        """What the application noted."""
        query = "SELECT value FROM facts WHERE session = ? AND name = ?"
        row = self._execute(query, (self._number, name)).fetchone()
        return None if row is None else str(row[0])

    def facts(self, prefix: str) -> list[tuple[str, str]]:
        """What the application noted under names that begin so, in order of name."""
        # No character of a name comes behind the last one of Unicode.
        query = "SELECT name, value FROM facts WHERE session = ? AND name BETWEEN ? AND ? ORDER BY name"
        return self._execute(query, (self._number, prefix, f"{prefix}\U0010ffff")).fetchall()

    def note(self, name: str, value: str | None) -> None:
        """Note something for the application; None forgets it."""
        with self._store.transaction():
            if value is None:
                self._execute("DELETE FROM facts WHERE session = ? AND name = ?", (self._number, name))
            else:
                self._execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (self._number, name, value))
