"""Messages that came before their turn, and the gap before them that was asked for."""

from __future__ import annotations

from typing import Final

from aeromatch.gateways.fix.codec import Pairs
from aeromatch.gateways.fix.message import Message

__all__ = ["Ahead", "Gap"]

ASKED_AGAIN_NS: Final = 30_000_000_000
"""A gap that is not filled is asked for again with a message that comes so much later."""

Ahead = tuple[Message, Pairs] | None
"""A message with its fields; None: it was dealt with when it came, and only its number is to be counted."""


class Gap:
    """What is known of the other side's numbers above the expected one. Bounded: more than that is sent again."""

    def __init__(self, max_messages: int) -> None:
        self._ahead: dict[int, Ahead] = {}
        self._max_messages = max_messages
        self._until = 0
        self._asked_ns = 0

    def keep(self, sequence: int, ahead: Ahead) -> None:
        """Keep a message until its turn, where there is room."""
        if len(self._ahead) < self._max_messages:
            self._ahead.setdefault(sequence, ahead)

    def has(self, sequence: int) -> bool:
        """Whether a number came already."""
        return sequence in self._ahead

    def take(self, sequence: int) -> Ahead:
        """The message of a number that came."""
        return self._ahead.pop(sequence)

    def is_to_be_asked(self, expected: int, sequence: int, now_ns: int) -> bool:
        """Whether what is missing before `sequence` is to be asked for now: not twice for the same gap."""
        if expected <= self._until and now_ns - self._asked_ns < ASKED_AGAIN_NS:
            return False
        self._until = max(self._until, sequence - 1)
        self._asked_ns = now_ns
        return True

    def forget_below(self, expected: int) -> None:
        """What came of lower numbers is no longer waited for."""
        for sequence in [sequence for sequence in self._ahead if sequence < expected]:
            del self._ahead[sequence]

    def clear(self) -> None:
        """Numbers begin anew."""
        self._ahead.clear()
        self._until = 0
