"""A local book that can be waited for, whatever brings its updates."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aeromatch.client.errors import AnswerTimeoutError, ClientError, ClosedError
from aeromatch.client.local_book import LocalBook

__all__ = ["FollowedBook"]


class FollowedBook(LocalBook):
    """A local book that is in step once its block is entered, and ends with it.

    Where an update is lost, or the connection, it falls out of step and goes on with a new snapshot: reading it
    meanwhile raises OutOfSyncError, `wait_live` waits.
    """

    def __init__(self, symbol: str, *, timeout_s: float, is_whole: bool = True) -> None:
        super().__init__(symbol, is_whole=is_whole)
        self._timeout_s = timeout_s
        self._changed = asyncio.Event()
        self._error: ClientError | None = None

    @abstractmethod
    async def _begin(self) -> None:
        """Subscribe."""

    @abstractmethod
    async def _end(self) -> None:
        """Give the subscription up. A block that could not be entered has none."""

    def _notify(self) -> None:
        """Wake whoever waits; those that wait next wait for the next time."""
        self._changed.set()
        self._changed = asyncio.Event()

    def interrupted(self) -> None:
        """The connection was lost: the next one begins with a snapshot."""
        self.lose("gap", "the connection was lost")
        self._notify()

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""
        self._error = error
        self.lose("gap", str(error))
        self._notify()

    def _check_error(self) -> None:
        if self._error is not None:
            raise self._error

    async def changed(self) -> Self:
        """Waits for the next change of the book, or of whether it is in step.

        Raises:
            ClientError: Nothing comes any more.
        """
        self._check_error()
        await self._changed.wait()
        self._check_error()
        return self

    async def wait_live(self, timeout_s: float | None = None) -> Self:
        """Waits until the book is in step: `until` without a condition."""
        return await self.until(lambda _book: True, timeout_s)

    async def until(self, condition: Callable[[LocalBook], bool], timeout_s: float | None = None) -> Self:
        """Waits until the book is in step and a condition holds.

        Arguments:
            condition: Asked behind every change, with the book: it reads it, and does not wait.
            timeout_s: None: the client's.

        Raises:
            AnswerTimeoutError: It does not hold in time.
            ClientError: Nothing comes any more.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                while not (self.is_live and condition(self)):
                    await self.changed()
        except TimeoutError as error:
            state = "what is waited for has not happened" if self.is_live else f"out of step, {self.desync}"
            raise AnswerTimeoutError(f"the book of {self.symbol} after {limit_s:g} s: {state}") from error
        self._check_error()
        return self

    async def close(self) -> None:
        """Ends the subscription."""
        if not isinstance(self._error, ClosedError):
            self.fail(ClosedError(f"the book of {self.symbol} was closed"))
            await self._end()

    async def __aenter__(self) -> Self:
        await self._begin()
        return await self.wait_live()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
