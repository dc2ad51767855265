"""What a load measured, as tables and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aeromatch._core import Histogram

if TYPE_CHECKING:
    from aeromatch.bench.load import Outcome

__all__ = ["HEADINGS", "load_as_json", "load_notes", "load_rows"]

PERCENTS: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
HEADINGS: Final = ("request", "answers", *PERCENTS)
NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000


def _all(histograms: dict[str, Histogram]) -> Histogram:
    total = Histogram()
    for histogram in histograms.values():
        total.merge(histogram)
    return total


def load_rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """One row a kind of request, then all: percentiles of the response time in microseconds."""
    histograms = outcome.measured.response
    shown = {kind: histograms[kind] for kind in sorted(histograms)}
    return [
        (kind, f"{histogram.count:,}", *(f"{histogram.percentile(p) / NS_PER_US:,.0f}" for p in PERCENTS.values()))
        for kind, histogram in {**shown, "all": _all(histograms)}.items()
    ]


def load_notes(outcome: Outcome) -> list[str]:
    """What the table does not say, line by line."""
    plan, measured = outcome.plan, outcome.measured
    answers = sum(histogram.count for histogram in measured.response.values())
    notes = [
        f"{answers / plan.seconds:,.0f} requests/s, {measured.orders / plan.seconds:,.0f} orders/s done, "
        f"over {plan.connections} connections of {plan.processes} processes, {plan.gateway}"
    ]
    if plan.rate is None:
        notes.append(
            f"Closed loop: each connection had {plan.in_flight} under way and sent the next when an answer came. A "
            "slow server is asked less, and looks better than it is: --rate shows it as it is."
        )
    else:
        service = _all(measured.service)
        notes.append(
            f"{plan.rate:,.0f} requests/s were due. Times count from when a request was due, whenever it was sent: "
            "what waited for its connection is in them (no coordinated omission). From when they were sent: "
            f"p50 {service.percentile(50.0) / NS_PER_US:,.0f}, p99 {service.percentile(99.0) / NS_PER_US:,.0f} us."
        )
        notes.append(f"The latest request was sent {measured.latest_ns / NS_PER_MS:.1f} ms after its time.")
        if measured.unsent:
            notes.append(f"{measured.unsent:,} requests were due and not sent before the end.")
    if measured.slugs:
        refused = ", ".join(f"{slug} {count:,}" for slug, count in measured.slugs.most_common())
        notes.append(f"Refused: {refused}.")
    if measured.slugs["rate_limited"]:
        notes.append("The server's own limits were met (limits in its configuration): they are what was measured.")
    if measured.lost or measured.reconnects:
        notes.append(f"{measured.lost:,} requests lost their connection, {measured.reconnects:,} were made again.")
    return notes


def load_as_json(outcome: Outcome) -> dict[str, Any]:
    """Everything, times in nanoseconds."""
    plan, measured = outcome.plan, outcome.measured
    return {
        "gateway": plan.gateway,
        "url": plan.url,
        "symbols": [market.symbol for market in plan.markets],
        "rate": plan.rate,
        "connections": plan.connections,
        "in_flight": plan.in_flight,
        "processes": plan.processes,
        "batch": plan.batch,
        "mix": plan.weights,
        "seconds": plan.seconds,
        "requests_per_second": sum(h.count for h in measured.response.values()) / plan.seconds,
        "orders_per_second": measured.orders / plan.seconds,
        "response_ns": _percentiles(measured.response),
        "service_ns": _percentiles(measured.service),
        "statuses": {str(status): count for status, count in sorted(measured.statuses.items())},
        "slugs": dict(measured.slugs),
        "lost": measured.lost,
        "reconnects": measured.reconnects,
        "latest_ns": measured.latest_ns,
        "unsent": measured.unsent,
    }


def _percentiles(histograms: dict[str, Histogram]) -> dict[str, dict[str, float]]:
    return {
        kind: {
            "count": histogram.count,
            "mean": histogram.mean,
            **{name: histogram.percentile(percent) for name, percent in PERCENTS.items()},
        }
        for kind, histogram in {**histograms, "all": _all(histograms)}.items()
    }
