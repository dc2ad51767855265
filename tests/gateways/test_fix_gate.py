"""What relies on the disk waits for it, in order, and nothing else does; a disk that fails is told to all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from aeromatch.gateways.fix.gate import Gate
from aeromatch.gateways.fix.store import FixStore, FixStoreError


class Disk:
    """One that takes as long as a test wants."""

    def __init__(self) -> None:
        self.begun, self._may_end = threading.Semaphore(0), threading.Semaphore(0)
        self.failure: Exception | None = None
        self.gate = Gate(self.sync)
        self.told: list[str] = []

    def sync(self) -> None:
        self.begun.release()
        assert self._may_end.acquire(timeout=20)
        if self.failure is not None:
            raise self.failure

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.acquire, timeout=20)

    def end(self) -> None:
        self._may_end.release()

    def commit(self, name: str) -> None:
        self.gate.committed()
        self.gate.then(lambda failure: self.told.append(name if failure is None else f"{name}: {failure}"))

    async def play(self, test: Callable[[Disk], Awaitable[None]]) -> None:
        try:
            await test(self)
        finally:
            self.end()
            self.gate.close()


def play(test: Callable[[Disk], Awaitable[None]]) -> None:
    asyncio.run(Disk().play(test))


def test_without_a_disk_nothing_waits() -> None:
    told: list[Exception | None] = []
    gate = Gate(None)
    gate.committed()
    assert gate.is_open
    gate.then(told.append)
    assert told == [None]
    gate.close()


def test_commits_of_one_turn_share_a_wait_and_later_ones_the_next() -> None:
    async def test(disk: Disk) -> None:
        disk.commit("a")
        disk.commit("b")
        await disk.has_begun()
        disk.commit("c")
        disk.commit("d")
        passed = asyncio.create_task(disk.gate.passed())
        await asyncio.sleep(0)
        assert disk.told == []
        disk.end()
        await disk.has_begun()
        # The first has ended: what came meanwhile waits for the second.
        assert disk.told == ["a", "b"]
        assert not passed.done()
        disk.end()
        await passed
        assert disk.told == ["a", "b", "c", "d"]
        assert disk.gate.is_open
        assert not disk.begun.acquire(blocking=False)

    play(test)


def test_what_changed_nothing_keeps_its_place_and_needs_no_wait_of_its_own() -> None:
    async def test(disk: Disk) -> None:
        disk.commit("a")
        await disk.has_begun()
        disk.gate.then(lambda _failure: disk.told.append("b"))
        assert disk.told == []
        disk.end()
        await disk.gate.passed()
        assert disk.told == ["a", "b"]
        assert not disk.begun.acquire(blocking=False)

    play(test)


def test_a_call_that_fails_holds_up_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    def failing(_failure: Exception | None) -> None:
        raise ZeroDivisionError

    async def test(disk: Disk) -> None:
        disk.gate.committed()
        disk.gate.then(failing)
        disk.commit("a")
        await disk.has_begun()
        disk.end()
        await disk.gate.passed()
        assert disk.told == ["a"]

    play(test)
    assert "what was kept could not be told" in caplog.text


def test_a_disk_that_fails_is_told_to_all_and_is_not_tried_again() -> None:
    async def test(disk: Disk) -> None:
        disk.commit("a")
        await disk.has_begun()
        disk.commit("b")
        disk.failure = FixStoreError("the disk is gone")
        disk.end()
        with pytest.raises(FixStoreError, match="the disk is gone"):
            await disk.gate.passed()
        assert disk.told == ["a: the disk is gone", "b: the disk is gone"]
        disk.commit("c")
        assert disk.told[2:] == ["c: the disk is gone"]
        assert not disk.gate.is_open
        with pytest.raises(FixStoreError, match="the disk is gone"):
            await disk.gate.passed()
        assert not disk.begun.acquire(blocking=False)

    play(test)


def test_a_power_safe_store_syncs_its_log_for_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(store: FixStore) -> None:
        session = store.session("one")
        with session.transaction():
            session.take(b"first")
        was_safe = [session.is_safe]
        await session.safe()
        was_safe.append(session.is_safe)
        with session.transaction():
            pass
        was_safe.append(session.is_safe)
        assert was_safe == [False, True, True]
        session.expect(2)
        monkeypatch.setattr(store, "_log_path", f"{tmp_path}/missing/log")
        with pytest.raises(FixStoreError, match=r"fix\.sqlite: its log cannot be brought to the disk: No such file"):
            await session.safe()

    with closing(FixStore(tmp_path / "fix.sqlite", is_power_safe=True)) as store:
        asyncio.run(test(store))
    with closing(FixStore(tmp_path / "fix.sqlite")) as store:
        assert (store.session("one").next_out, store.session("one").next_in) == (2, 2)
        assert store.session("one").is_safe
