"""Experiments that teach lock-free design: each measures something real here and now, and says what to learn from it.

>>> from aeromatch import lab
>>> result = lab.run("aba", seconds=0.1)
>>> result.figures["stamped"]["broken_rounds"]
0
"""

from __future__ import annotations

import math

from aeromatch.lab import aba, false_sharing, idle, pool, queues, single_writer, store_buffering, weakened
from aeromatch.lab.result import Bars, Experiment, Result, Table

__all__ = ["Bars", "Experiment", "Result", "Table", "experiments", "run"]

_EXPERIMENTS = (
    false_sharing.EXPERIMENT,
    queues.EXPERIMENT,
    store_buffering.EXPERIMENT,
    *weakened.EXPERIMENTS,
    aba.EXPERIMENT,
    pool.EXPERIMENT,
    idle.EXPERIMENT,
    single_writer.EXPERIMENT,
)


def experiments() -> tuple[Experiment, ...]:
    """Give all experiments, in the order in which to read them."""
    return _EXPERIMENTS


def run(name: str, *, seconds: float = 2.0) -> Result:
    """Run an experiment.

    Args:
        name: Of the experiment: see `experiments`.
        seconds: How long it measures, about; Ctrl-C ends it soon.

    Raises:
        ValueError: There is no such experiment, or the time is not above 0 and at most an hour.
    """
    found = {experiment.name: experiment for experiment in _EXPERIMENTS}.get(name)
    if found is None:
        raise ValueError(f"name must be one of {', '.join(each.name for each in _EXPERIMENTS)}; got {name!r}")
    if not (math.isfinite(seconds) and 0 < seconds <= 3600):
        raise ValueError(f"seconds must be above 0 and at most 3600; got {seconds}")
    return found.run(seconds)
