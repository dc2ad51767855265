"""What the runtime costs: hand-off, ring to ring through a live shard, acknowledgement by policy, scaling, memory.

The loops are native (`_core.ShardBench`); here stands what is compared with what, in which order and how often.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from aeromatch import _core
from aeromatch.bench.runtime_feed import Race, race

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECTIONS: Final = ("handoff", "ring", "policies", "scaling", "memory")
POLICIES: Final = ("none", "memory", "os", "disk")
"""No journal, then those of `Exchange.open`."""
PERCENTS: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
HANDOFFS: Final = (("spsc", 1, 1), ("spsc", 1, 64), ("intake", 1, 64), ("intake", 2, 64), ("intake", 3, 64))
"""Structure, producers, batch."""
RACE_BATCH: Final = 4096
"""Commands a submission where the producers must not matter."""
LOOKS: Final = 10
"""At the memory, behind the first."""
PREPARED: Final = 1_000_000
"""Commands that are made at once, at most, where they are not measured one by one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, and how long."""

    sections: tuple[str, ...] = SECTIONS
    runs: int = 5
    """Of each latency; medians are shown."""
    commands: int = 100_000
    """Of each run."""
    rates: tuple[int, ...] = (10_000, 100_000)
    """Commands a second of the open loops."""
    seconds: float = 1.0
    """Of each open loop, at most."""
    rounds: int = 15
    """Of the two set-ups of scaling, in turns."""
    race_commands: int = 1_000_000
    """Of each shard in each round."""
    memory_commands: int = 10_000_000
    directory: Path | None = None
    """Where the journals are made; None: where temporary files go."""
    is_quick: bool = False
    """Too little of everything for a verdict."""


def quick(plan: Plan) -> Plan:
    """Take the least of everything: shows that it works, and measures nothing."""
    return replace(
        plan,
        runs=2,
        commands=700,
        rates=(100_000,),
        seconds=0.01,
        rounds=2,
        race_commands=1_400,
        memory_commands=70_000,
        is_quick=True,
    )


@dataclass(slots=True)
class Handoff:
    """Numbers from producers to one consumer."""

    structure: str
    producers: int
    batch: int
    item_ns: list[float] = field(default_factory=list)
    """One entry a run."""


@dataclass(slots=True)
class Latency:
    """One kind of load on one shard."""

    policy: str
    rate: int | None
    """Commands a second; None: each after the answer to the one before."""
    percentiles_ns: list[dict[str, int]] = field(default_factory=list)
    """One entry a run."""
    counts: list[int] = field(default_factory=list)
    reached: list[float] = field(default_factory=list)
    """Commands a second."""
    latest_ns: list[int] = field(default_factory=list)
    """By how much the latest command was sent after its time."""

    def median_ns(self, name: str) -> float:
        """Give the median of the runs; of the maximum the largest."""
        values = [run[name] for run in self.percentiles_ns]
        return max(values) if name == "max" else median(values)


@dataclass(slots=True)
class Throughput:
    """The window full of single commands."""

    policy: str
    commands_a_second: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)
    """Commands that the shard took at once, on average."""


@dataclass(slots=True)
class Memory:
    """A steady flow through one shard."""

    commands: list[int]
    resident_bytes: list[int]
    """After so many commands, the first before any."""
    events: int


@dataclass(slots=True)
class RuntimeReport:
    """What was asked for; empty or None where it was not."""

    plan: Plan
    cores: tuple[int, ...]
    shard_core: int | None
    producer_core: int | None
    load_before: float
    load_after: float = 0.0
    handoffs: list[Handoff] = field(default_factory=list)
    round_trip: list[dict[str, int]] = field(default_factory=list)
    rings_alone: list[dict[str, int]] = field(default_factory=list)
    """There and back without a shard between, in the same turns as `ring`: what this machine's hand-off costs today."""
    ring: list[Latency] = field(default_factory=list)
    acknowledged: list[Latency] = field(default_factory=list)
    pipelined: list[Throughput] = field(default_factory=list)
    race: list[Race] = field(default_factory=list)
    memory: Memory | None = None


def measure_runtime(plan: Plan, progress: Callable[[int], object] = lambda _: None) -> RuntimeReport:
    """Run the plan; the shard and its producer are pinned where the system can do that and has two processors.

    Args:
        plan: What to run.
        progress: Called with the number of finished parts, of `runtime_parts(plan)`.
    """
    cores = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
    shard, producer = (cores[1], cores[0]) if len(cores) > 1 else (None, None)
    report = RuntimeReport(plan, cores, shard, producer, _load())
    done = _Counter(progress)
    with _on({producer} if producer is not None else set()):
        if "handoff" in plan.sections:
            _handoffs(plan, report, done)
        if "ring" in plan.sections:
            report.ring = [Latency("none", rate) for rate in (None, *plan.rates)]
            for _ in range(plan.runs):
                report.rings_alone.append(percentiles(_core.bench_round_trip(plan.commands, core=shard)))
                _turn(plan, report.ring, shard)
                done()
        if "policies" in plan.sections:
            report.acknowledged = [Latency(policy, rate) for policy in POLICIES for rate in plan.rates]
            for _ in range(plan.runs):
                _turn(plan, report.acknowledged, shard)
                done()
            report.pipelined = [Throughput(policy) for policy in POLICIES]
            for _ in range(plan.runs):
                for throughput in report.pipelined:
                    _pour(plan, throughput, shard)
                done()
    if "scaling" in plan.sections:
        for _ in range(plan.rounds):
            # The one that begins changes, so that neither has the quieter place.
            report.race.append(race(cores[:2], plan.race_commands, RACE_BATCH, swap=len(report.race) % 2 == 1))
            done()
    if "memory" in plan.sections:
        with _on({producer} if producer is not None else set()):
            report.memory = _memory(plan, shard)
        done()
    report.load_after = _load()
    return report


def runtime_parts(plan: Plan) -> int:
    """Count what `measure_runtime` reports to its progress."""
    counts = {"handoff": plan.runs, "ring": plan.runs, "policies": 2 * plan.runs, "scaling": plan.rounds, "memory": 1}
    return sum(counts[section] for section in plan.sections)


class _Counter:
    def __init__(self, progress: Callable[[int], object]) -> None:
        self._count, self._progress = 0, progress

    def __call__(self) -> None:
        self._count += 1
        self._progress(self._count)


def percentiles(histogram: _core.Histogram) -> dict[str, int]:
    """Take what is shown of a histogram."""
    return {name: histogram.percentile(percent) for name, percent in PERCENTS.items()}


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _handoffs(plan: Plan, report: RuntimeReport, done: Callable[[], None]) -> None:
    report.handoffs = [Handoff(*shape) for shape in HANDOFFS]
    items, core = plan.commands * 6, report.shard_core
    for _ in range(plan.runs):
        for case in report.handoffs:
            elapsed = _core.bench_handoff(case.structure, items, producers=case.producers, batch=case.batch, core=core)
            case.item_ns.append(elapsed / items)
        report.round_trip.append(percentiles(_core.bench_round_trip(plan.commands, core=core)))
        done()


@contextmanager
def _on(cores: set[int]) -> Iterator[None]:
    """Keep this thread, and those that it starts, on these processors meanwhile; without any wherever they are."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def opened(
    policy: str, directory: Path | None, shard_core: int | None, idle: str = "spin"
) -> Iterator[_core.ShardBench]:
    """Open one shard on its processor, with a journal of that policy or none."""
    with tempfile.TemporaryDirectory(prefix="aeromatch-bench-", dir=directory) as folder:
        cores = [] if shard_core is None else [shard_core]
        if policy == "none":
            bench = _core.ShardBench(idle=idle, cores=cores)
        else:
            bench = _core.ShardBench(idle=idle, cores=cores, directory=Path(folder) / "data", durability=policy)
        try:
            yield bench
        finally:
            bench.close()


def _turn(plan: Plan, cases: list[Latency], shard_core: int | None) -> None:
    for case in cases:
        with opened(case.policy, plan.directory, shard_core) as bench:
            # What comes first touches new memory: it is not measured.
            bench.prepare(max(1, plan.commands // 10))
            bench.pour()
            _once(plan, case, bench)


def _once(plan: Plan, case: Latency, bench: _core.ShardBench) -> None:
    commands = plan.commands
    if case.rate is not None:
        commands = max(1, min(commands, int(case.rate * plan.seconds)))
    bench.prepare(commands)
    if case.rate is None:
        elapsed_ns, times = bench.one_by_one()
    else:
        elapsed_ns, times, latest_ns = bench.at_rate(case.rate)
        case.latest_ns.append(latest_ns)
    case.percentiles_ns.append(percentiles(times))
    case.counts.append(times.count)
    case.reached.append(times.count / elapsed_ns * 1e9)


def _pour(plan: Plan, case: Throughput, shard_core: int | None) -> None:
    with opened(case.policy, plan.directory, shard_core) as bench:
        bench.prepare(max(1, plan.commands // 10))
        bench.pour()
        commands, batches = bench.commands_and_batches
        bench.prepare(plan.commands * 5)
        elapsed_ns = bench.pour()
        more_commands, more_batches = bench.commands_and_batches
        case.commands_a_second.append(plan.commands * 5 / elapsed_ns * 1e9)
        case.batch.append((more_commands - commands) / (more_batches - batches))


def _memory(plan: Plan, shard_core: int | None) -> Memory:
    looks = sorted({plan.memory_commands * look // LOOKS for look in range(LOOKS + 1)})
    sent, resident = 0, []
    with opened("none", None, shard_core, "park") as bench:
        for look in looks:
            while sent < look:
                step = min(PREPARED, look - sent)
                bench.prepare(step)
                bench.pour(batch=64)
                sent += step
            resident.append(resident_bytes())
        return Memory(looks, resident, bench.events)


def resident_bytes() -> int:
    """Say how much memory this process has now; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
