"""A signal for the main thread whenever it has used so much CPU time: a Linux timer over that thread's own clock.

Samples that another thread takes are skewed: it runs when the others let go of the interpreter, which they do at system
calls, so all time seems to be spent there. A signal comes wherever the thread is, and its handler is called before the
next step of the loop or function that it is in. It goes to this one thread: no other's system call is interrupted.
"""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

__all__ = ["CpuTimer"]

SIGEV_THREAD_ID: Final = 4
NS_PER_S: Final = 1_000_000_000


class _SigEvent(ctypes.Structure):
    """`struct sigevent` of Linux, where a thread is named: 64 bytes in all."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("padding", ctypes.c_byte * 44),
    )


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (("interval", _TimeSpec), ("first", _TimeSpec))


class CpuTimer:
    """Calls a function with the frame that the main thread is in, from `start` to `stop`, both in that thread.

    Args:
        interval_ns: CPU time between two calls; the system rounds it up to its tick.
        called: Is given the frame.

    Raises:
        OSError: There are no such timers here, or this is not the main thread.
    """

    def __init__(self, interval_ns: int, called: Callable[[FrameType | None], None]) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise OSError("signals are handled by the main thread: this is another one")
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            create = self._libc.timer_create
        except (AttributeError, TypeError) as error:
            raise OSError("there are no timers of threads here") from error
        self._called = called
        self._interval_ns = interval_ns
        self._timer = ctypes.c_void_p()
        event = _SigEvent(signo=signal.SIGPROF, notify=SIGEV_THREAD_ID, thread=threading.get_native_id())
        if create(time.CLOCK_THREAD_CPUTIME_ID, ctypes.byref(event), ctypes.byref(self._timer)) != 0:
            raise OSError(ctypes.get_errno(), "timer_create")

    def start(self) -> None:
        """Begins to call. What handled SIGPROF before does not any more."""
        signal.signal(signal.SIGPROF, self._handle)
        interval = _TimeSpec(*divmod(self._interval_ns, NS_PER_S))
        self._libc.timer_settime(self._timer, 0, ctypes.byref(_TimerSpec(interval, interval)), None)

    def stop(self) -> None:
        """Calls no more. SIGPROF is ignored from now on: one that is still under way would end the process."""
        self._libc.timer_delete(self._timer)
        signal.signal(signal.SIGPROF, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> Any:
        del number
        self._called(frame)
