"""What `aeromatch bench runtime` prints: tables, and how each was measured."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from aeromatch.bench.runtime import PERCENTS, PREPARED, RACE_BATCH, Latency, Memory, RuntimeReport
from aeromatch.bench.runtime_feed import INSTRUMENTS, WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Title, headings, rows."""

RING_P99_NS = 2_000
SCALING = 0.95
"""The design's budgets."""
NOT_MEASURED = "not measured (--quick)"
WARM_LOOKS = 1
"""Books, rings and pools have reached their size at this look."""


def runtime_tables(report: RuntimeReport) -> Iterator[Table]:
    """Make the tables of the sections that were run."""
    rows: list[tuple[str, ...]]
    if report.handoffs:
        rows = [
            (case.structure, str(case.producers), str(case.batch), f"{median(case.item_ns):.1f}", _range(case.item_ns))
            for case in report.handoffs
        ]
        yield "hand-off, ns an item", ("structure", "producers", "batch", "median", "from, to"), rows
        trip = Latency("", None, report.round_trip)
        yield "there and back through two rings, us", tuple(PERCENTS), [_percentiles_us(trip)]
    headings: tuple[str, ...] = ("load", *PERCENTS, "reached/s", "sent late, us")
    if report.ring:
        alone = Latency("", None, report.rings_alone)
        rows = [
            ("the rings alone", *_percentiles_us(alone), "", ""),
            *((_load(case), *_tail(case)) for case in report.ring),
        ]
        yield "ring to ring through a live shard, us", headings, rows
    if report.acknowledged:
        rows = [(case.policy, _load(case), *_tail(case)) for case in report.acknowledged]
        yield "submit to acknowledgement, us", ("journal", *headings), rows
    if report.pipelined:
        rows = [
            (
                case.policy,
                f"{median(case.commands_a_second) / 1e6:.2f}",
                _range([rate / 1e6 for rate in case.commands_a_second], 2),
                f"{median(case.batch):,.0f}",
            )
            for case in report.pipelined
        ]
        headings = ("journal", "median", "from, to", "commands a batch")
        yield "pipelined, single commands, M/s", headings, rows
    if report.race:
        sides = ("two shards of one process", [one.together / 1e6 for one in report.race])
        others = ("two processes, one shard each", [one.apart / 1e6 for one in report.race])
        rows = [(name, f"{median(rates):.2f}", _quartiles(rates, 2)) for name, rates in (sides, others)]
        ratios = [one.ratio for one in report.race]
        rows.append(("ratio of each round", f"{median(ratios):.3f}", _quartiles(ratios, 3)))
        yield "scaling, M commands/s of both shards", ("", "median", "quartiles"), rows
    if report.memory is not None:
        memory = report.memory
        warm = memory.resident_bytes[WARM_LOOKS]
        rows = [
            (f"{commands:,}", f"{resident / 1e6:,.1f}", f"{(resident - warm) / 1e6:+,.1f}")
            for commands, resident in zip(memory.commands, memory.resident_bytes, strict=True)
        ]
        yield "memory of the process", ("commands", "resident, MB", "against the second line"), rows


def runtime_notes(report: RuntimeReport) -> Iterator[str]:
    """Say how each section was measured, and where its budget is."""
    plan = report.plan
    pins = "neither is pinned"
    if report.shard_core is not None:
        pins = f"the shard's is pinned to processor {report.shard_core}, the producer's to {report.producer_core}"
    if report.handoffs:
        yield (
            f"hand-off: medians of {plan.runs} runs of {6 * plan.commands:,} numbers, 1,024 places. The "
            f"producers are {_pinned(report.shard_core)}, the consumer is {_pinned(report.producer_core)}."
        )
    if report.ring or report.acknowledged or report.pipelined:
        yield (
            f"latencies: one shard thread and one producer; {pins}; both spin; no statistics are taken; 2 instruments, "
            "each with 128 standing orders; the monotonic clock, read before a submission and after the poll that "
            "finds its answer."
        )
        yield (
            f"runs: {plan.runs} of at most {plan.commands:,} commands or {plan.seconds:g} s each, cases in turns; "
            "medians of their percentiles, and the largest of all maxima. One by one: each command is sent when the "
            "one before was answered, so that what a delay held up is not seen (coordinated omission). A rate: each "
            "command has its time, and its latency counts from there, however late it could be sent."
        )
    if report.ring:
        yield (
            "the rings alone: a number goes to another thread and comes back, with nothing between, in the same turns: "
            "what of the rest is the machine's way between two processors at the time."
        )
        found = "; ".join(f"{_load(case)} {_met(case)}" for case in report.ring)
        yield (
            f"budget: p99 ring to ring, without a journal, under {RING_P99_NS / 1e3:g} us: "
            f"{NOT_MEASURED if plan.is_quick else found}."
        )
    if report.race:
        ratio = median(one.ratio for one in report.race)
        yield (
            f"scaling: {len(report.race)} rounds in turns, who begins changes; {plan.race_commands:,} commands a "
            f"shard, the same ones on both sides, made beforehand, {INSTRUMENTS} instruments a shard, in memory. Each "
            f"shard has a producer of its own, on both sides, which sends {RACE_BATCH:,} commands at a time, {WINDOW} "
            f"such under way; shards are pinned to {_names(report.cores)}, producers are not; all threads park. From "
            "the first start to the last answer."
        )
        found = f"{ratio:.1%}, {'met' if ratio >= SCALING else 'not met'}"
        yield f"budget: {SCALING:.0%} of two processes: {NOT_MEASURED if plan.is_quick else found}."
    if report.memory is not None:
        yield _memory(report.memory)
    yield f"load average of the machine: {report.load_before:.2f} before, {report.load_after:.2f} after."


def _memory(memory: Memory) -> str:
    warm, resident = memory.commands[WARM_LOOKS], memory.resident_bytes[WARM_LOOKS:]
    return (
        f"memory: {memory.commands[-1]:,} commands through one shard in memory, 64 a submission, {memory.events:,} "
        f"events back; up to {min(PREPARED, memory.commands[-1]):,} commands at once are made beforehand, in "
        f"memory that is used again, and part of what is resident. In the last {memory.commands[-1] - warm:,} commands "
        f"it grew by {(resident[-1] - resident[0]) / 1e6:,.1f} MB."
    )


def runtime_as_json(report: RuntimeReport) -> dict[str, Any]:
    """Give every number of every run, and how it was measured."""
    document = asdict(report)
    document["race"] = [{**asdict(one), "ratio": one.ratio} for one in report.race]
    return {**document, "notes": list(runtime_notes(report))}


def _met(case: Latency) -> str:
    p99 = case.median_ns("p99")
    word = "met" if p99 < RING_P99_NS else "not met"
    return f"{p99 / 1e3:,.2f}, {word} (maximum {case.median_ns('max') / 1e3:,.0f})"


def _load(case: Latency) -> str:
    return "one by one" if case.rate is None else f"{case.rate:,}/s"


def _tail(case: Latency) -> tuple[str, ...]:
    late = f"{max(case.latest_ns) / 1e3:,.0f}" if case.latest_ns else ""
    return (*_percentiles_us(case), f"{median(case.reached):,.0f}", late)


def _percentiles_us(case: Latency) -> tuple[str, ...]:
    return tuple(f"{case.median_ns(name) / 1e3:,.2f}" for name in PERCENTS)


def _range(values: Sequence[float], digits: int = 1) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def _quartiles(values: Sequence[float], digits: int) -> str:
    if len(values) < 2:
        return ""
    first, _, third = quantiles(values, n=4, method="inclusive")
    return f"{first:.{digits}f} to {third:.{digits}f}"


def _pinned(core: int | None) -> str:
    return "not pinned" if core is None else f"pinned to processor {core}"


def _names(cores: Sequence[int]) -> str:
    return f"processors {cores[0]} and {cores[1]}" if len(cores) > 1 else "no processor"
