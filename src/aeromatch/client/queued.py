"""What comes by itself, as something to iterate."""

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from aeromatch.client.errors import ClientError

__all__ = ["MAX_QUEUED", "Queued"]

T = TypeVar("T")

MAX_QUEUED: Final = 100_000
"""What waits for a reader, at most."""


class Queued(AsyncIterator[T], Generic[T]):
    """Things in the order in which they come: `async with ... as things: async for thing in things`.

    It begins when it is entered, or first read, and ends with the block, `close` or the client. For one task at a time.
    """

    def __init__(self) -> None:
        self._queue: deque[T] = deque()
        self._wake = asyncio.Event()
        self._error: ClientError | None = None
        self._has_begun = self._has_ended = False

    @abstractmethod
    async def _begin(self) -> None:
        """Ask for what is to come."""

    @abstractmethod
    async def _end(self) -> None:
        """It is not wanted any more. Only what has begun is ended."""

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more: what is there can still be read."""
        self._error = error
        self._wake.set()

    async def _open(self) -> None:
        if not self._has_begun and not self._has_ended:
            self._has_begun = True
            try:
                await self._begin()
            except BaseException:
                self._has_ended = True
                raise

    def _put(self, thing: T) -> None:
        self._queue.append(thing)
        self._wake.set()

    async def __anext__(self) -> T:
        await self._open()
        while not self._queue:
            if self._has_ended:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            self._emptied()
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def _emptied(self) -> None:
        """The reader has everything that came."""

    async def close(self) -> None:
        """Ends it. Whoever reads sees the end."""
        if self._has_ended:
            return
        self._has_ended = True
        self._queue.clear()
        self._wake.set()
        if self._has_begun:
            await self._end()

    async def __aenter__(self) -> Self:
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
