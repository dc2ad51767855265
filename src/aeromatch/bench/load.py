"""A load on a server: processes that send orders, and what they measured together."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final

from aeromatch import AeroMatchError
from aeromatch._core import Histogram
from aeromatch.bench.load_worker import Measured, Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection as Pipe

__all__ = ["LoadError", "Outcome", "run_load"]

WORK: Final = "import sys; from aeromatch.bench.load_worker import work; work(int(sys.argv[1]))"

START_S: Final = 0.2
"""Between everybody's being ready and the first request."""
PATIENCE_S: Final = 60.0
"""How long a process may take to begin, or to end."""


class LoadError(AeroMatchError):
    """A load that could not be run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plan."""

    plan: Plan
    measured: Measured


def run_load(plan: Plan, progress: Callable[[float, int], object]) -> Outcome:
    """Runs a plan.

    Arguments:
        plan: What to send.
        progress: Called a few times a second with the seconds that have passed and the answers so far.

    Raises:
        LoadError: The server cannot be reached, or a process ended.
    """
    workers: list[tuple[subprocess.Popen[bytes], Pipe[Any, Any]]] = []
    try:
        for index in range(plan.processes):
            own, theirs = multiprocessing.Pipe()
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-c", WORK, str(theirs.fileno())], pass_fds=[theirs.fileno()]
                )
            workers.append((process, own))
            own.send((plan, index))
        pipes = [pipe for _, pipe in workers]
        for pipe in pipes:
            _expect(pipe, "ready")
        start_ns = time.monotonic_ns() + round(START_S * 1e9)
        for pipe in pipes:
            pipe.send(start_ns)
        return Outcome(plan, _collect(plan, pipes, start_ns, progress))
    finally:
        for process, pipe in workers:
            pipe.close()
            try:
                process.wait(1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _receive(pipe: Pipe[Any, Any]) -> tuple[str, Any]:
    try:
        word, value = pipe.recv()
    except (EOFError, ConnectionError):
        raise LoadError("a client process has ended") from None
    if word == "failed":
        raise LoadError(value)
    return word, value


def _expect(pipe: Pipe[Any, Any], expected: str) -> Any:
    if not pipe.poll(PATIENCE_S):
        raise LoadError(f"a client process is not {expected} after {PATIENCE_S:g} s")
    _, value = _receive(pipe)
    return value


def _collect(
    plan: Plan, pipes: list[Pipe[Any, Any]], start_ns: int, progress: Callable[[float, int], object]
) -> Measured:
    """Follow the processes to their end."""
    measured = Measured()
    answers = dict.fromkeys(range(len(pipes)), 0)
    running = set(pipes)
    end_s = plan.warmup_s + plan.seconds + PATIENCE_S
    while running:
        passed_s = (time.monotonic_ns() - start_ns) / 1e9
        if passed_s > end_s:
            raise LoadError(f"client processes have not ended {PATIENCE_S:g} s after their time")
        ready = wait(list(running), timeout=1.0)
        for pipe in [each for each in pipes if each in ready]:
            word, value = _receive(pipe)
            if word == "answers":
                answers[pipes.index(pipe)] = value
            else:
                running.discard(pipe)
                measured.merge(_unpacked(value))
        progress(max(passed_s, 0.0), sum(answers.values()))
    return measured


def _unpacked(packed: dict[str, Any]) -> Measured:
    def histograms(name: str) -> dict[str, Histogram]:
        return {kind: Histogram.from_bytes(blob) for kind, blob in packed[name].items()}

    return Measured(
        response=histograms("response"),
        service=histograms("service"),
        statuses=Counter(packed["statuses"]),
        slugs=Counter(packed["slugs"]),
        orders=packed["orders"],
        lost=packed["lost"],
        reconnects=packed["reconnects"],
        latest_ns=packed["latest_ns"],
        unsent=packed["unsent"],
    )
