"""The stacks of all threads as they are now."""

from __future__ import annotations

import sys
import threading
from types import FrameType
from typing import Final

from aeromatch.server.observe.pprof.profile import Frame
from aeromatch.server.observe.process import threads

__all__ = ["Stacks", "stack_of"]

MAX_DEPTH: Final = 128


def stack_of(frame: FrameType | None) -> tuple[Frame, ...]:
    """A thread's frames, the innermost first, at most 128 of them."""
    frames: list[Frame] = []
    while frame is not None and len(frames) < MAX_DEPTH:
        code = frame.f_code
        frames.append(Frame(_name(frame), code.co_filename, frame.f_lineno or 0, code.co_firstlineno))
        frame = frame.f_back
    return tuple(frames)


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


class Stacks:
    """Which threads there are, and their stacks: native ones have their name instead."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self.look()

    def look(self) -> None:
        """Looks which threads there are; it costs a file read for each."""
        self._names = threads()
        self._native_ids = {it.ident: it.native_id for it in threading.enumerate()}

    def names(self) -> dict[int, str]:
        """The system's number of each thread, and its name."""
        return self._names

    def now(self) -> dict[int, tuple[Frame, ...]]:
        """The stack of each thread that was there at the last look, by the system's number."""
        current = sys._current_frames()
        by_number = {number: current.get(ident) for ident, number in self._native_ids.items() if ident and number}
        return {
            number: stack_of(frame) if (frame := by_number.get(number)) else (Frame(f"[{name}]"),)
            for number, name in self._names.items()
        }
