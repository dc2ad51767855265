"""Long answers, page by page: iterate, and the next page is asked for when it is needed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Pages"]

T = TypeVar("T")


class Pages(AsyncIterator[T], Generic[T]):
    """Entries of a list that comes in pages: `async for entry in pages`, or `await pages.take(10)`.

    Nothing is asked for before the first entry is. An iterator is read once.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[tuple[list[T], str | None]]]) -> None:
        self._fetch = fetch
        self._entries: list[T] = []
        self._cursor: str | None = None
        self._has_more = True

    async def __anext__(self) -> T:
        while not self._entries:
            if not self._has_more:
                raise StopAsyncIteration
            entries, self._cursor = await self._fetch(self._cursor)
            self._has_more = self._cursor is not None
            self._entries = entries[::-1]
        return self._entries.pop()

    async def take(self, count: int | None = None) -> list[T]:
        """The next entries: so many, or all that are left.

        Raises:
            ClientError: As the call that made this; what was read so far is lost.
        """
        taken: list[T] = []
        while count is None or len(taken) < count:
            try:
                taken.append(await self.__anext__())
            except StopAsyncIteration:
                break
        return taken
