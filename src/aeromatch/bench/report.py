"""Measurements as rows of text, as Markdown and as JSON."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aeromatch.bench.measure import Measurement

HEADINGS: Final = (
    "flow",
    "index",
    "native loop",
    "p50 / p99 / p99.9",
    "NumPy batch",
    "single call",
    "p50 / p99 / p99.9",
    "allocations",
    "resting",
    "book KiB",
    "bytes/order",
)


def as_rows(measurements: list[Measurement]) -> list[tuple[str, ...]]:
    """Give one row a case under `HEADINGS`; times in nanoseconds a command."""
    return [
        (
            measurement.case.flow,
            measurement.case.index,
            f"{measurement.median('native'):.0f}",
            _percentiles(measurement.native_percentiles),
            f"{measurement.median('batch'):.0f}",
            f"{measurement.median('single'):.0f}",
            _percentiles(measurement.single_percentiles),
            f"{measurement.allocations:,}",
            f"{measurement.resting_orders:,}",
            f"{measurement.memory_bytes / 1024:,.0f}",
            f"{measurement.memory_per_order:,.0f}",
        )
        for measurement in measurements
    ]


def as_markdown(measurements: list[Measurement]) -> str:
    """Give the table for a README."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "| --- | --- |" + " ---: |" * (len(HEADINGS) - 2)]
    lines += ["| " + " | ".join(row) + " |" for row in as_rows(measurements)]
    return "\n".join(lines)


def as_json(measurements: list[Measurement]) -> list[dict[str, object]]:
    """Give every number, medians over the rounds; times in nanoseconds."""
    return [
        {
            "flow": measurement.case.flow,
            "index": measurement.case.index,
            "commands": len(measurement.case.session),
            "events": measurement.events,
            "native_ns": measurement.median("native"),
            "native_percentiles_ns": _medians(measurement.native_percentiles),
            "batch_ns": measurement.median("batch"),
            "single_ns": measurement.median("single"),
            "single_percentiles_ns": _medians(measurement.single_percentiles),
            "allocations": measurement.allocations,
            "resting_orders": measurement.resting_orders,
            "memory_bytes": measurement.memory_bytes,
            "rounds": len(measurement.native),
        }
        for measurement in measurements
    ]


def _medians(percentiles: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in percentiles.items()}


def _percentiles(percentiles: dict[str, list[float]]) -> str:
    return " / ".join(f"{value:.0f}" for value in _medians(percentiles).values())
