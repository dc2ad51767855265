"""What the other side asked to have again: kept messages as they were, and gaps filled in place of all others."""

from __future__ import annotations

from collections.abc import Iterator

from aeromatch.gateways.fix.codec import resent
from aeromatch.gateways.fix.store import SessionStore

__all__ = ["Resend"]

Piece = tuple[int, int] | bytes


class Resend:
    """One request, answered a piece at a time: what is asked for may be more than should wait for a socket at once."""

    def __init__(self, begin: int, end: int) -> None:
        self._position = begin
        self._end = end

    @property
    def is_done(self) -> bool:
        """Whether all was sent."""
        return self._position > self._end

    def join(self, begin: int, end: int) -> None:
        """Take another request in: what both asked for is sent once."""
        self._position = min(self._position, begin)
        self._end = max(self._end, end)

    def pieces(self, store: SessionStore, limit: int, sending_time: str) -> Iterator[Piece]:
        """The next messages, at most `limit` of the kept ones: bytes, or a gap as its first and the next number."""
        rows = store.frames(self._position, self._end, limit)
        for sequence, frame in rows:
            if sequence > self._position:
                yield self._position, sequence
            yield resent(frame, sending_time)
            self._position = sequence + 1
        if len(rows) < limit and not self.is_done:
            yield self._position, self._end + 1
            self._position = self._end + 1
