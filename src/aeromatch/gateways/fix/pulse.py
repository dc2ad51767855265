"""Heartbeats: when one is due, when the other side is asked whether it is there, and when it is given up."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["Pulse"]

NS: Final = 1_000_000_000
ASKED_AFTER: Final = 1.2
LOST_AFTER: Final = 2.4
"""In heartbeat intervals without a message: a heartbeat may take a fifth of one to arrive."""

Due = Literal["heartbeat", "test", "lost"]


class Pulse:
    """The times of one connection, in nanoseconds."""

    def __init__(self, interval_s: int, now_ns: int) -> None:
        self._interval_ns = interval_s * NS
        self._received_ns = self._sent_ns = now_ns
        self._has_asked = False

    def set_interval(self, interval_s: int) -> None:
        """Change HeartBtInt; 0: no heartbeats."""
        self._interval_ns = interval_s * NS

    def received(self, now_ns: int) -> None:
        """A message came."""
        self._received_ns = max(self._received_ns, now_ns)
        self._has_asked = False

    def sent(self, now_ns: int) -> None:
        """A message went."""
        self._sent_ns = max(self._sent_ns, now_ns)

    def due(self, now_ns: int) -> Due | None:
        """What is to be done now; a `test` is due once, until something comes.

        Once the other side was asked, no heartbeats go: its answer, or its end, comes first.
        """
        if not self._interval_ns:
            return None
        silence_ns = now_ns - self._received_ns
        if silence_ns >= LOST_AFTER * self._interval_ns:
            return "lost"
        if self._has_asked:
            return None
        if silence_ns >= ASKED_AFTER * self._interval_ns:
            self._has_asked = True
            return "test"
        return "heartbeat" if now_ns - self._sent_ns >= self._interval_ns else None

    @property
    def next_ns(self) -> int | None:
        """When `due` may answer next; None: never."""
        if not self._interval_ns:
            return None
        # Rounded up: at this very time something is due.
        factor = LOST_AFTER if self._has_asked else ASKED_AFTER
        silence_ends_ns = self._received_ns + int(factor * self._interval_ns) + 1
        return silence_ends_ns if self._has_asked else min(silence_ends_ns, self._sent_ns + self._interval_ns)
