"""What a session keeps: together or not at all, over restarts and kill -9, pruned, with errors that name the file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest
from tests.gateways.fix.keeper import kept_positions

from aeromatch.gateways.fix.store import MOVED_EVERY, FixStore, FixStoreError, StoredSession

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def opened(path: Path | None, *, is_power_safe: bool = False, kept_messages: int = 1000) -> Iterator[FixStore]:
    with closing(FixStore(path, is_power_safe=is_power_safe, kept_messages=kept_messages)) as store:
        yield store


def state(session: StoredSession) -> tuple[int, int, list[tuple[int, bytes]], str | None]:
    return session.next_out, session.next_in, session.frames(1, 1 << 60, 100), session.fact("position")


def test_sessions_are_kept_apart_and_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "fix.sqlite"
    with opened(path) as store:
        one, other = store.session("one"), store.session("other")
        assert store.session("one") is one
        one.take(b"first")
        one.take(None)
        one.take(b"third")
        one.expect(7)
        one.note("position", "17")
        other.take(b"else")
        other.note("position", "1")
        other.note("position", None)
        before = state(one), state(other)
    assert before == ((4, 7, [(1, b"first"), (3, b"third")], "17"), (2, 1, [(1, b"else")], None))
    with opened(path, is_power_safe=True) as store:
        assert store.names() == ["one", "other"]
        assert (state(store.session("one")), state(store.session("other"))) == before
        store.session("one").reset()
        assert state(store.session("one")) == (1, 1, [], "17")
        assert state(store.session("other")) == before[1]


def fail_midway(session: StoredSession) -> None:
    with session.transaction():
        session.take(b"lost")
        session.note("position", "2")
        with session.transaction():
            session.expect(9)
        assert (session.next_out, session.next_in) == (3, 9)
        raise ZeroDivisionError


def test_a_transaction_is_kept_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "fix.sqlite"
    with opened(path) as store:
        session = store.session("one")
        session.take(b"kept")
        before = state(session)
        with pytest.raises(ZeroDivisionError):
            fail_midway(session)
        assert state(session) == before
        with session.transaction():
            session.take(b"second")
            with pytest.raises(FixStoreError, match="opened within a transaction"):
                store.session("new")
            session.note("position", "3")
        after = state(session)
    assert after == (3, 1, [(1, b"kept"), (2, b"second")], "3")
    with opened(path) as store:
        assert state(store.session("one")) == after


def test_messages_are_given_in_order_and_in_pieces() -> None:
    with opened(None) as store:
        session = store.session("one")
        for sequence in range(1, 11):
            session.take(b"%d" % sequence if sequence % 3 else None)
        assert [sequence for sequence, _ in session.frames(2, 8, 100)] == [2, 4, 5, 7, 8]
        assert [sequence for sequence, _ in session.frames(2, 8, 2)] == [2, 4]
        assert session.frames(9, 9, 5) == []


def test_old_messages_are_let_go() -> None:
    with opened(None, kept_messages=100) as store:
        session = store.session("one")
        with session.transaction():
            for _ in range(3000):
                session.take(b"x")
        kept = session.frames(1, 3000, 3000)
        assert kept[-1][0] == 3000
        assert 100 <= len(kept) <= 1124
        assert session.next_out == 3001


def test_a_thread_brings_the_log_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "fix.sqlite"
    with opened(path) as store:
        session = store.session("one")
        before = path.stat().st_size
        for _ in range(MOVED_EVERY):
            session.take(b"x" * 1000)
        assert store._moving is not None
        store._moving.result(20)
        assert path.stat().st_size > before + MOVED_EVERY * 1000
        session.take(b"after it")
    with opened(path) as store:
        assert len(store.session("one").frames(1, 1000, 1000)) == MOVED_EVERY + 1


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("this is no database, but long enough to be looked at as if it were one" * 20)
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (a)")
    for path in (text, other, tmp_path / "missing" / "fix.sqlite"):
        with pytest.raises(FixStoreError, match=path.name):
            FixStore(path)


def test_a_killed_process_leaves_whole_pairs(tmp_path: Path) -> None:
    path, random, told = tmp_path / "fix.sqlite", Random(1), 0
    for _ in range(4):
        command = [sys.executable, "-m", "tests.gateways.fix.keeper", str(path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            try:
                for _ in range(random.randrange(20, 200)):
                    told = int(child.stdout.readline())
            finally:
                child.kill()
            # It went on until then: what was said last is still in the pipe.
            told = max([told, *(int(line) for line in child.stdout if line.endswith("\n"))])
        positions, noted, next_in = kept_positions(path)
        assert positions == list(range(1, len(positions) + 1))
        assert len(positions) >= told
        assert noted == str(len(positions))
        assert next_in == len(positions) + 1
