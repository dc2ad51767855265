"""The stacks of all threads as they are now: as a profile, or as text for people."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aeromatch.server.observe.pprof.frames import Stacks
from aeromatch.server.observe.pprof.profile import Profile, ValueType
from aeromatch.server.observe.process import thread_cpu_ns

__all__ = ["threads_profile", "threads_text"]

THREADS = ValueType("threads", "count")


def threads_profile() -> bytes:
    """One sample for each thread."""
    stacks = Stacks()
    profile = Profile((THREADS,), shown="threads", period=(THREADS, 1))
    for thread, frames in stacks.now().items():
        profile.add(frames, (1,), stacks.names()[thread])
    return profile.encode(time_ns=time.time_ns())


def threads_text() -> str:
    """Each thread with its CPU time, and its frames below, the innermost first."""
    stacks = Stacks()
    return "\n".join(_lines(stacks))


def _lines(stacks: Stacks) -> Iterator[str]:
    for thread, frames in sorted(stacks.now().items()):
        used_s = (thread_cpu_ns(thread) or 0) / 1e9
        yield f"thread {thread} {stacks.names()[thread]!r}: {used_s:.3f} s of CPU time"
        for frame in frames:
            yield f"    {frame.function} {frame.file}:{frame.line}" if frame.file else f"    {frame.function}"
        yield ""
