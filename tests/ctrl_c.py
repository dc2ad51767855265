"""Ctrl-C, pressed while something runs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest


def press_ctrl_c(seconds: float, during: Callable[[], object]) -> None:
    """Presses Ctrl-C once, so many seconds after a call began; one that is faster gets it behind the call."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))

    def call() -> None:
        # On a busy machine it may be pressed before this returns.
        timer.start()
        during()
        time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        call()
    timer.join()
