"""Messages that came before their turn, and the gap before them that was asked for."""

from __future__ import annotations

from typing import Final

__all__ = ["Ahead", "Gap"]

ASKED_AGAIN_NS: Final = 30_000_000_000
"""A gap that is not filled is asked for again with a message that comes so much later."""

Ahead = bytes | None
"""A message; None: it was dealt with when it came, and only its number is to be counted."""


class Gap:
    """What is known of the other side's numbers above the expected one. Bounded: more than that is sent again."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._ahead: dict[int, Ahead] = {}
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._bytes = 0
        self._until = 0
        self._asked_ns = 0

    def keep(self, sequence: int, ahead: Ahead) -> None:
        """Keep a message until its turn, where there is room."""
        size = len(ahead or b"")
        if sequence not in self._ahead and len(self._ahead) < self._max_messages:
            if self._bytes + size > self._max_bytes:
                return
            self._bytes += size
            self._ahead[sequence] = ahead

    def has(self, sequence: int) -> bool:
        """Whether a number came already."""
        return sequence in self._ahead

    def take(self, sequence: int) -> Ahead:
        """The message of a number that came."""
        ahead = self._ahead.pop(sequence)
        self._bytes -= len(ahead or b"")
        return ahead

    def is_to_be_asked(self, expected: int, sequence: int, now_ns: int) -> bool:
        """Whether what is missing before `sequence` is to be asked for now: not twice for the same gap."""
        if expected <= self._until and now_ns - self._asked_ns < ASKED_AGAIN_NS:
            return False
        self.asked(sequence, now_ns)
        return True

    def asked(self, sequence: int, now_ns: int) -> None:
        """What is missing before `sequence` is asked for now."""
        self._until = max(self._until, sequence - 1)
        self._asked_ns = now_ns

    def forget_below(self, expected: int) -> None:
        """What came of lower numbers is no longer waited for."""
        for sequence in [sequence for sequence in self._ahead if sequence < expected]:
            self.take(sequence)

    def clear(self) -> None:
        """Numbers begin anew."""
        self._ahead.clear()
        self._bytes = self._until = 0
