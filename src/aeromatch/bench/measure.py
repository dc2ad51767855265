"""What a command costs: in a native loop, in a NumPy batch, in a single `submit`, `cancel` or `amend` from Python.

The machine is never quiet, so every way takes its turn in every round, and medians over the rounds are what counts.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import Commands, Instrument, OrderBook, _core

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NEW, CANCEL, AMEND = 1, 2, 3
TICK_SIZE: Final = "0.01"
BATCH: Final = 4096
"""Commands a batch: small enough for the events to stay in the cache."""
PERMILLE: Final = {"p50": 500, "p99": 990, "p99.9": 999}


@dataclass(frozen=True, slots=True)
class Case:
    """One flow on one price index."""

    flow: str
    index: str
    opening: Commands
    """What fills the book; not measured."""
    session: Commands
    """What is measured."""


@dataclass(slots=True)
class Measurement:
    """What one case cost; times in nanoseconds, a list entry per round."""

    case: Case
    native: list[float] = field(default_factory=list)
    """Per command, in a native loop."""
    batch: list[float] = field(default_factory=list)
    """Per command, in a `process` of NumPy batches of `BATCH` commands, their events included."""
    single: list[float] = field(default_factory=list)
    """Per call from Python, its report included."""
    native_percentiles: dict[str, list[float]] = field(default_factory=dict)
    """Of single commands, each timed alone in the native loop."""
    single_percentiles: dict[str, list[float]] = field(default_factory=dict)
    """Of single calls from Python, each timed alone."""
    events: int = 0
    allocations: int = 0
    """During the second half of the native loop, in the worst round."""
    resting_orders: int = 0
    memory_bytes: int = 0
    """What the book holds at the end."""

    def median(self, way: str) -> float:
        """Give a way's median over the rounds."""
        values: list[float] = getattr(self, way)
        return median(values)

    @property
    def memory_per_order(self) -> float:
        """Bytes a resting order, levels and all."""
        return self.memory_bytes / max(self.resting_orders, 1)


def measure_in_turns(
    cases: list[Case], rounds: int, singles: int, progress: Callable[[int], object] = lambda _: None
) -> tuple[list[Measurement], float]:
    """Measure every case `rounds` times, in turns.

    Args:
        cases: What to measure.
        rounds: How often.
        singles: How many commands of each session are sent as single calls.
        progress: Called with the number of finished turns, of `rounds` times the number of cases.

    Returns:
        One measurement a case, and what an empty call from Python costs (median, nanoseconds).
    """
    measurements = [Measurement(case) for case in cases]
    empty: list[float] = []
    turns = 0
    for _ in range(rounds):
        empty.append(_empty_call())
        for measurement in measurements:
            _measure_native(measurement)
            _measure_batch(measurement)
            _measure_single(measurement, singles)
            turns += 1
            progress(turns)
    return measurements, median(empty)


def _measure_native(measurement: Measurement) -> None:
    case = measurement.case
    slots = case.opening.slots.tobytes() + case.session.slots.tobytes()
    run = partial(_core.bench_native, slots, index=case.index, warmup=len(case.opening))
    whole = run(mode="throughput")
    each = run(mode="latency")
    measurement.native.append(whole["elapsed_ns"] / whole["commands"])
    measurement.events = whole["events"]
    measurement.allocations = max(measurement.allocations, whole["allocations"])
    measurement.resting_orders = whole["resting_orders"]
    measurement.memory_bytes = whole["memory_bytes"]
    for name, value in (("p50", each["p50_ns"]), ("p99", each["p99_ns"]), ("p99.9", each["p999_ns"])):
        measurement.native_percentiles.setdefault(name, []).append(value)


def _measure_batch(measurement: Measurement) -> None:
    case = measurement.case
    book = _opened(case)
    # None of the flows has extension slots, so every slot starts a command.
    batches = [case.session.slots[first : first + BATCH] for first in range(0, len(case.session), BATCH)]
    gc.collect()
    began = perf_counter_ns()
    for batch in batches:
        book.process(batch)
    measurement.batch.append((perf_counter_ns() - began) / len(case.session))


def _measure_single(measurement: Measurement, singles: int) -> None:
    """Send the first commands of the session one by one: in a bare loop, then with a clock around each."""
    case = measurement.case
    calls = _calls(_opened(case), case.session, singles)
    gc.collect()
    began = perf_counter_ns()
    for call in calls:
        call()
    measurement.single.append((perf_counter_ns() - began) / len(calls))
    calls = _calls(_opened(case), case.session, singles)
    times = np.empty(len(calls), np.int64)
    gc.collect()
    for place, call in enumerate(calls):
        began = perf_counter_ns()
        call()
        times[place] = perf_counter_ns() - began
    times.sort()
    for name, permille in PERMILLE.items():
        at = min(len(times) * permille // 1000, len(times) - 1)
        measurement.single_percentiles.setdefault(name, []).append(float(times[at]))


def _opened(case: Case) -> OrderBook:
    book = OrderBook(Instrument("BENCH", tick_size=TICK_SIZE), index=case.index)
    book.process(case.opening)
    return book


def _calls(book: OrderBook, session: Commands, count: int) -> list[Callable[[], object]]:
    """Make the calls that a Python program would make, with their arguments ready."""
    sides = ("buy", "sell")
    calls: list[Callable[[], object]] = []
    slots: NDArray[np.void] = session.slots[:count]
    for slot in slots:
        kind, order_id, timestamp = int(slot["kind"]), int(slot["order_id"]), int(slot["timestamp_ns"])
        if kind == NEW:
            price = book.instrument.ticks_to_price(int(slot["price_ticks"]))
            side, quantity = sides[slot["side"]], int(slot["quantity_lots"])
            calls.append(partial(book.submit, side, quantity=quantity, price=price, timestamp=timestamp))
        elif kind == CANCEL:
            calls.append(partial(book.cancel, order_id, timestamp=timestamp))
        elif kind == AMEND:
            calls.append(partial(book.amend, order_id, quantity=int(slot["quantity_lots"]), timestamp=timestamp))
    return calls


def _empty_call(calls: int = 100_000) -> float:
    """Time a native function that does nothing."""
    call = _core.empty_call
    began = perf_counter_ns()
    for _ in range(calls):
        call()
    return (perf_counter_ns() - began) / calls
