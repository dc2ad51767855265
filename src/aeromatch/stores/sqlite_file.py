"""A file of SQLite in WAL mode: one writer, any readers, and errors that name the file."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, Self

from aeromatch import AeroMatchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike
    from types import TracebackType

BUSY_S: Final = 30.0
"""How long a transaction waits for that of another process."""
PRIMARY: Final = 0xFF
"""What of an error code of SQLite says which kind it is."""
NOT_WRITABLE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
"""Kinds of error where something had to be written, or made, and may not be."""


class StoreError(AeroMatchError):
    """The file of a store cannot be used: the message names it and says why."""

    is_not_writable = False
    """Whether it is because the file, or its folder, cannot be written."""


class SqliteFile:
    """A file with one connection for all threads of this process: a lock lets them take turns."""

    def __init__(self, path: str | PathLike[str], *, what: str, read_only: bool) -> None:
        """Open it, or make it.

        Raises:
            StoreError: It cannot be opened, or is not there and must not be made.
        """
        self.path = Path(path)
        self._lock = RLock()
        if read_only and not self.path.exists():
            raise StoreError(f"{self.path}: there are no {what} yet")
        with self._named():
            self._connection = self._connect_to_read() if read_only else self._connect()

    def _connect(self, how: str = "") -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self.path.absolute().as_uri()}{how}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )

    def _connect_to_read(self) -> sqlite3.Connection:
        connection = self._connect("?mode=ro")
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.Error as error:
            connection.close()
            if error.sqlite_errorcode & PRIMARY not in NOT_WRITABLE:
                raise
            wal = self.path.with_name(f"{self.path.name}-wal")
            if wal.exists() and wal.stat().st_size:
                raise StoreError(
                    f"{self.path}: its latest rows are in {wal.name}, which cannot be read in a folder that cannot be "
                    "written: copy both elsewhere"
                ) from error
            # Whoever reads in WAL mode makes a file of locks beside the database, and here it can be neither made nor
            # found. So nobody is at work, and without a log everything is in the database itself: it may be read
            # without locks. Someone else who begins to write meanwhile is not noticed; without the right to write no
            # lock could keep him away.
            connection = self._connect("?mode=ro&immutable=1")
        return connection

    def _write_ahead(self) -> None:
        """Let a new file be read while it is written."""
        if self._pragma("journal_mode") != "wal" and self._is_empty():
            self._connection.execute("PRAGMA journal_mode = WAL")
        # Rows and position are lost together or not at all when the machine stops: that is enough.
        self._connection.execute("PRAGMA synchronous = NORMAL")

    def _pragma(self, name: str) -> Any:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def _is_empty(self) -> bool:
        return not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Use the connection, alone, and let errors name the file."""
        with self._lock, self._naming():
            yield

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Let errors name the file."""
        try:
            yield
        except sqlite3.Error as error:
            told = StoreError(f"{self.path}: {error}")
            told.is_not_writable = getattr(error, "sqlite_errorcode", 0) & PRIMARY in NOT_WRITABLE
            raise told from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file. What was added is there."""
        with self._named():
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
