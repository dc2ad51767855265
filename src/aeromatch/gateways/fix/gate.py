"""What relies on a transaction waits here until that is on the disk; the disk is waited for in a thread of its own.

So a disk that is slow holds up FIX messages alone. Whatever is committed in one turn of the loop, and while the disk is
busy, is synced at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

__all__ = ["Gate"]

log = logging.getLogger("aeromatch.fix")

Call = Callable[[Exception | None], None]
"""Is told why nothing can be kept any more; None: what it waited for is safe."""


class Gate:
    """Calls in the order they came in, each once everything is on the disk that was committed before it came."""

    def __init__(self, sync: Callable[[], None] | None) -> None:
        """`sync` brings to the disk what was committed, and is called in a thread; None: nothing is waited for."""
        self._sync = sync
        self._thread = None if sync is None else ThreadPoolExecutor(1, "fix-store")
        self._waiting: list[Call] = []
        self._has_unsynced = self._is_busy = self._is_closed = False
        self._failure: Exception | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing has to be waited for."""
        return not (self._has_unsynced or self._is_busy or self._failure)

    def committed(self) -> None:
        """Something was committed."""
        self._has_unsynced = self._sync is not None

    def then(self, call: Call) -> None:
        """Call at once where nothing has to be waited for, else when its turn has come."""
        if self.is_open or self._failure is not None:
            call(self._failure)
            return
        self._waiting.append(call)
        if not self._is_busy:
            self._is_busy = True
            # Not before the end of this turn: the others of it want the same.
            asyncio.get_running_loop().call_soon(self._begin)

    async def passed(self) -> None:
        """Wait for that turn. Raises what `sync` has failed with."""
        if self.is_open:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def call(failure: Exception | None) -> None:
            if not done.done():
                done.set_result(None) if failure is None else done.set_exception(failure)

        self.then(call)
        await done

    def _begin(self) -> None:
        if self._is_closed:
            return
        assert self._sync is not None
        calls, self._waiting = self._waiting, []
        self._has_unsynced = False
        syncing = asyncio.get_running_loop().run_in_executor(self._thread, self._sync)
        syncing.add_done_callback(lambda done: self._ended(done, calls))

    def _ended(self, done: asyncio.Future[None], calls: list[Call]) -> None:
        if self._is_closed or done.cancelled():
            return
        if (error := done.exception()) is not None:
            self._failure = error if isinstance(error, Exception) else RuntimeError(repr(error))
        while calls:
            for call in calls:
                self._make(call)
            if self._has_unsynced and self._waiting and self._failure is None:
                self._begin()
                return
            calls, self._waiting = self._waiting, []
        self._is_busy = False

    def _make(self, call: Call) -> None:
        try:
            call(self._failure)
        except Exception:
            # The others are of other sessions.
            log.exception("what was kept could not be told")

    def close(self) -> None:
        """End the thread; nothing is called any more."""
        self._is_closed = True
        if self._thread is not None:
            self._thread.shutdown()
