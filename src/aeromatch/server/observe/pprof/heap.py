"""Where memory was asked for: Python's by tracemalloc, the exchange's as one number."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import PurePath
from typing import Final

from aeromatch.server.observe.pprof.profile import Frame, Profile, ValueType

__all__ = ["NATIVE_FRAME", "TRACE_DEPTH", "heap_profile"]

TRACE_DEPTH: Final = 24
"""So many frames of each place are kept where tracing is begun here."""
NATIVE_FRAME: Final = Frame("[exchange: books and tables]")
TYPES: Final = (ValueType("inuse_objects", "count"), ValueType("inuse_space", "bytes"))


def _short(filename: str) -> str:
    """The end of a path, which says enough beside the whole one."""
    return "/".join(PurePath(filename).parts[-3:]) if filename.startswith("/") else filename


def heap_profile(exchange_bytes: int, since_ns: int | None) -> bytes:
    """What is held by whom, as far as tracemalloc has seen it be asked for.

    Args:
        exchange_bytes: What the exchange's native structures hold.
        since_ns: When tracing began (nanoseconds since 1970); None: it was on before.

    Raises:
        RuntimeError: tracemalloc is off.
    """
    began = time.time_ns()
    profile = Profile(TYPES, shown="inuse_space", period=(ValueType("space", "bytes"), 1))
    hidden = (
        tracemalloc.Filter(inclusive=False, filename_pattern=tracemalloc.__file__),
        tracemalloc.Filter(inclusive=False, filename_pattern=__file__),
    )
    for statistic in tracemalloc.take_snapshot().filter_traces(hidden).statistics("traceback"):
        # tracemalloc has the outermost first, and knows lines but not functions: the place itself is the name.
        frames = [
            Frame(f"{_short(it.filename)}:{it.lineno}", it.filename, it.lineno) for it in reversed(statistic.traceback)
        ]
        profile.add(frames, (statistic.count, statistic.size))
    profile.add((NATIVE_FRAME,), (1, exchange_bytes))
    traced = "since Python began, or it was turned on" if since_ns is None else f"for {(began - since_ns) / 1e9:.1f} s"
    return profile.encode(time_ns=began, comments=(f"allocations were traced {traced}",))
