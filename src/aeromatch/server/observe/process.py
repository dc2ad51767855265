"""What the system says of this process: CPU, memory, descriptors, threads, and how long the collector stops it."""

from __future__ import annotations

import gc
import os
import re
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aeromatch.server.observe.registry import new_histogram

if TYPE_CHECKING:
    from aeromatch._core import Histogram
    from aeromatch.server.observe.registry import Sample

__all__ = ["GcPauses", "process_samples", "resident_bytes", "thread_cpu_ns", "threads"]

TASKS: Final = Path("/proc/self/task")
PER_THREAD_CPU_CLOCK: Final = 6
"""The bits of a Linux clock's number that say: CPU time, of one thread. The others are the complement of its id."""
POOL: Final = re.compile(r"(?:_\d+|-\d+ \(.*\))$")
"""What tells the threads of a pool apart, such as asyncio_3; not the number of a shard, "shard-0"."""


def threads() -> dict[int, str]:
    """Ids and names of all threads of the process, native ones included; empty where there is no /proc.

    Python's own names stand first: the system cuts its names after fifteen characters.
    """
    found: dict[int, str] = {}
    try:
        listed = list(TASKS.iterdir())
    except OSError:
        return found
    named = {thread.native_id: thread.name for thread in threading.enumerate()}
    for task in listed:
        number = int(task.name)
        try:
            found[number] = named.get(number) or (task / "comm").read_text().strip()
        except OSError:
            continue  # It has ended meanwhile.
    return found


def thread_cpu_ns(thread: int) -> int | None:
    """CPU time that a thread of this process has used, in nanoseconds; None if it has ended."""
    try:
        return time.clock_gettime_ns((~thread << 3) | PER_THREAD_CPU_CLOCK)
    except OSError:
        return None


def resident_bytes() -> int:
    """Resident memory of the process; 0 where the system does not say."""
    return _memory_bytes()[1]


def _memory_bytes() -> tuple[int, int]:
    """Virtual and resident memory."""
    try:
        virtual, resident, *_ = Path("/proc/self/statm").read_text().split()
    except OSError:
        return 0, 0
    page = resource.getpagesize()
    return int(virtual) * page, int(resident) * page


def _started_at() -> float:
    """When the process began, Unix time in seconds."""
    try:
        # Field 22; the name in parentheses before may hold anything.
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    except OSError:
        return 0.0
    since_boot = ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


STARTED_AT: Final = _started_at()


def process_samples() -> Iterator[Sample]:
    """The process's metrics."""
    virtual, resident = _memory_bytes()
    yield "process_cpu_seconds_total", (), time.process_time()
    yield "process_resident_memory_bytes", (), resident
    yield "process_virtual_memory_bytes", (), virtual
    yield "process_open_fds", (), _open_descriptors()
    yield "process_max_fds", (), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield "process_start_time_seconds", (), STARTED_AT
    named = threads()
    yield "process_threads", (), len(named)
    by_name: defaultdict[str, float] = defaultdict(float)
    for number, name in named.items():
        # Threads of a pool have a number at the end: they count together, so that labels stay few.
        group = POOL.sub("", name)
        by_name[group] += (thread_cpu_ns(number) or 0) / 1e9
    for group, seconds in by_name.items():
        yield "aeromatch_thread_cpu_seconds_total", (group,), seconds


def _open_descriptors() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0


class GcPauses:
    """How long runs of the garbage collector take, by generation; `close` stops looking.

    The youngest generation's come all the time and take microseconds: they are left out.
    """

    def __init__(self) -> None:
        self._pauses = {str(generation): new_histogram() for generation in (1, 2)}
        self._began = 0
        gc.callbacks.append(self._called)

    def _called(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] == 0:
            return
        if phase == "start":
            self._began = time.perf_counter_ns()
        elif self._began:
            self._pauses[str(info["generation"])].record(time.perf_counter_ns() - self._began)

    def histograms(self) -> Iterator[tuple[str, tuple[str, ...], Histogram]]:
        """The pauses, for /metrics."""
        for generation, pauses in self._pauses.items():
            yield "aeromatch_gc_pause_seconds", (generation,), pauses

    def close(self) -> None:
        """Looks no more."""
        if self._called in gc.callbacks:
            gc.callbacks.remove(self._called)
