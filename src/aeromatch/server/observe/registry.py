"""Counters and histograms that cost a fraction of a microsecond to add to, and their text for Prometheus.

A histogram is a native one (`aeromatch._core.Histogram`): it keeps every value to one part in a hundred, and is cut
into buckets only when it is shown.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from aeromatch._core import Histogram
from aeromatch.server.observe.catalogue import BY_NAME, METRICS, Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_SERIES", "OTHER", "Recent", "Registry", "Sample", "new_histogram"]

log = logging.getLogger("aeromatch.observe")

MAX_SERIES: Final = 500
"""So many sets of labels a metric has at most: what comes beyond is counted together, so memory stays bounded."""
OTHER: Final = "other"

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name, the values of its labels, and its value."""
Labels = tuple[str, ...]


def new_histogram() -> Histogram:
    """A histogram of two digits: a percentile of it is true to one part in a hundred, in a few kilobytes."""
    return Histogram(significant_digits=2)


class Recent:
    """A histogram since the start that also knows its last minute.

    Values go into the newest part only. A part that has grown old is added to the sum long after the last value has
    reached it, so none is lost between two threads though nothing is locked.
    """

    PARTS: Final = 6

    __slots__ = ("_old", "_parts", "record")

    def __init__(self) -> None:
        self._old = new_histogram()
        self._parts = deque([new_histogram()])
        self.record = self._parts[-1].record
        """Adds a value, a whole number; looked up anew each time, since `turn` puts another one here."""

    def record_many(self, values: NDArray[Any]) -> None:
        """Adds each value of an array of 64-bit whole numbers."""
        self._parts[-1].record_many(values)

    def turn(self) -> None:
        """Begins a new part: called every ten seconds, the last six parts are the last minute."""
        fresh = new_histogram()
        self._parts.append(fresh)
        self.record = fresh.record
        if len(self._parts) > self.PARTS + 1:
            self._old.merge(self._parts.popleft())

    def last_minute(self) -> Histogram:
        """What was recorded in the last sixty to seventy seconds."""
        merged = new_histogram()
        for part in tuple(self._parts):
            merged.merge(part)
        return merged

    def total(self) -> Histogram:
        """What was recorded since the start."""
        merged = self.last_minute()
        merged.merge(self._old)
        return merged


class Registry:
    """All that /metrics shows: what was counted here, and what is asked for when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A number in a list of its own, so that those who count need not find their way to it twice.
        self._counts: dict[str, dict[Labels, list[float]]] = {
            metric.name: {} if metric.labels else {(): [0]} for metric in METRICS if metric.kind != "histogram"
        }
        self._cells: dict[tuple[str | tuple[str, str], ...], list[float]] = {}
        self._sources: list[Callable[[], Iterable[Sample]]] = []
        self._histograms: list[Callable[[], Iterable[tuple[str, Labels, Histogram]]]] = []

    def count(self, name: str, amount: float, labels: dict[str, str]) -> None:
        """Adds to a counter, or to a gauge that goes up and down, from any thread.

        Raises:
            KeyError: No metric has this name, or a label is missing.
        """
        cell = self._cells.get((name, *labels.items())) or self._cell(name, labels)
        with self._lock:
            cell[0] += amount

    def _cell(self, name: str, labels: dict[str, str]) -> list[float]:
        series = self._counts[name]
        names = BY_NAME[name].labels
        key = tuple([labels[it] for it in names])
        with self._lock:
            if key not in series and len(series) >= MAX_SERIES:
                return series.setdefault((OTHER,) * len(names), [0])
            cell = series.setdefault(key, [0])
            self._cells[name, *labels.items()] = cell
            return cell

    def value(self, name: str, *labels: str) -> float:
        """What was counted of a metric: with labels that begin with these, or over all of them."""
        counts = tuple(self._counts[name].items())
        return sum(cell[0] for key, cell in counts if key[: len(labels)] == labels)

    def ask(self, source: Callable[[], Iterable[Sample]]) -> None:
        """Adds a source of values that is asked whenever metrics are shown."""
        self._sources.append(source)

    def ask_histograms(self, source: Callable[[], Iterable[tuple[str, Labels, Histogram]]]) -> None:
        """Adds a source of histograms that is asked whenever metrics are shown."""
        self._histograms.append(source)

    def text(self) -> str:
        """Everything in Prometheus's text format, version 0.0.4; every metric is named though it has no value yet."""
        with self._lock:
            values = {name: {key: cell[0] for key, cell in series.items()} for name, series in self._counts.items()}
        for source in self._sources:
            try:
                for name, labels, value in source():
                    values[name][labels] = value
            except Exception:
                # What one part cannot tell is missing; the others are still told of, above all then.
                log.exception("a source of metrics failed")
        histograms: dict[str, list[tuple[Labels, Histogram]]] = {}
        for ask in self._histograms:
            for name, labels, histogram in ask():
                histograms.setdefault(name, []).append((labels, histogram))
        lines: list[str] = []
        for metric in METRICS:
            lines += (f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}")
            if metric.kind == "histogram":
                for labels, histogram in sorted(histograms.get(metric.name, ()), key=lambda it: it[0]):
                    lines += _histogram_lines(metric, labels, histogram)
            else:
                series = values[metric.name]
                lines += (f"{metric.name}{_braces(metric.labels, it)} {_number(series[it])}" for it in sorted(series))
        return "\n".join(lines) + "\n"


def _histogram_lines(metric: Metric, labels: Labels, histogram: Histogram) -> Iterator[str]:
    counts = [0] * (len(metric.bounds) + 1)
    # A value that was recorded is known as the largest that is not told apart from it: a bucket's edge is as exact.
    for value, count in histogram.recorded():
        counts[bisect_left(metric.bounds, value * metric.scale)] += count
    running = 0
    names = (*metric.labels, "le")
    for bound, count in zip((*map(_number, metric.bounds), "+Inf"), counts, strict=True):
        running += count
        yield f"{metric.name}_bucket{_braces(names, (*labels, bound))} {running}"
    total = histogram.mean * histogram.count * metric.scale
    yield f"{metric.name}_sum{_braces(metric.labels, labels)} {_number(total)}"
    yield f"{metric.name}_count{_braces(metric.labels, labels)} {histogram.count}"


def _braces(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    whole = int(value)
    return str(whole) if whole == value else repr(float(value))
