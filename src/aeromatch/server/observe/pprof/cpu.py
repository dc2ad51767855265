"""Where CPU time goes: the stacks of the threads that use it, a hundred times a second.

What a thread used between two looks, by its own clock, counts for where it stands at the second one, so the times of a
profile add up to what the process used. Threads that wait used nothing and cost nothing but a look at their clock.

The main thread, which runs the event loop, is looked at by a timer of its own (`cpu_timer` says why). Other threads are
looked at by a thread: Python's ones stand where they last let go of the interpreter. Native threads (shards, compactor)
have no stack to look at: their time stands under their name.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from types import FrameType
from typing import Final

from aeromatch.server.observe.pprof.cpu_timer import CpuTimer
from aeromatch.server.observe.pprof.frames import Stacks, stack_of
from aeromatch.server.observe.pprof.profile import Frame, Profile, ValueType
from aeromatch.server.observe.process import thread_cpu_ns

__all__ = ["DEFAULT_HZ", "CpuProfiler"]

DEFAULT_HZ: Final = 100
THREADS_EVERY: Final = 20
"""After so many looks it asks which threads there are."""
SAMPLES: Final = ValueType("samples", "count")
CPU: Final = ValueType("cpu", "nanoseconds")


class CpuProfiler:
    """Takes samples from `start` to `finish`, both called by one thread: best the main thread.

    Args:
        hz: Samples a second.
    """

    def __init__(self, hz: int = DEFAULT_HZ) -> None:
        self._interval_s = 1 / hz
        self._period_ns = 1_000_000_000 // hz
        self._profile = Profile((SAMPLES, CPU), shown="cpu", period=(CPU, self._period_ns))
        # The timer's handler comes at any time and can wait for nobody: what it sees is put aside for the other thread.
        self._seen: deque[tuple[tuple[Frame, ...], int]] = deque()
        self._stacks = Stacks()
        self._used: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="profiler", daemon=True)
        self._looks = 0
        self._timer: CpuTimer | None = None
        self._timed: int | None = None
        """The thread that the timer looks at."""

    def start(self) -> None:
        """Begins."""
        self._began_ns, self._began = time.time_ns(), time.perf_counter_ns()
        try:
            self._timer = CpuTimer(self._period_ns, self._look_at_main)
        except OSError:
            self._timer = None  # The thread looks at this one too.
        else:
            self._timed = threading.get_native_id()
            self._timed_ns = time.thread_time_ns()
            self._timer.start()
        self._look(is_first=True)
        self._thread.start()

    def stop(self) -> None:
        """Takes no more samples."""
        if self._timer is not None:
            self._timer.stop()
        self._ended.set()

    def finish(self) -> bytes:
        """Waits for the last sample after `stop`, and gives the profile as a file."""
        self._thread.join()
        duration_ns = time.perf_counter_ns() - self._began
        comments = (
            f"{self._period_ns / 1e6:g} ms between samples; main thread by {'timer' if self._timer else 'look'}",
        )
        return self._profile.encode(time_ns=self._began_ns, duration_ns=duration_ns, comments=comments)

    def _look_at_main(self, frame: FrameType | None) -> None:
        now_ns = time.thread_time_ns()
        used_ns, self._timed_ns = now_ns - self._timed_ns, now_ns
        self._seen.append((stack_of(frame), used_ns))

    def _count(self, used_ns: int) -> int:
        return max(1, round(used_ns / self._period_ns))

    def _run(self) -> None:
        due = time.monotonic() + self._interval_s
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._look()
            # What was missed while nobody let this thread run is not made up for: it would be the same stacks.
            due = max(due + self._interval_s, time.monotonic())
        self._look()

    def _look(self, *, is_first: bool = False) -> None:
        while self._seen:
            frames, used_ns = self._seen.popleft()
            self._profile.add(frames, (self._count(used_ns), used_ns), "MainThread")
        if self._looks % THREADS_EVERY == 0:
            self._stacks.look()
        self._looks += 1
        names = self._stacks.names()
        active: dict[int, int] = {}
        for thread in names:
            used = None if thread == self._timed else thread_cpu_ns(thread)
            if used is None:
                continue
            # A thread that began since the last look has used all of it since then.
            before = self._used.get(thread, used if is_first else 0)
            self._used[thread] = used
            if used > before:
                active[thread] = used - before
        if is_first or not active:
            return
        stacks = self._stacks.now()
        for thread, used_ns in active.items():
            self._profile.add(stacks[thread], (self._count(used_ns), used_ns), names[thread])
