"""Every gateway of a server under the same load: which way in is how fast.

Three ways to use each: one connection with one request under way, several of them, and what the gateway has beyond
that: many requests under way on a connection, or many orders in a request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from aeromatch._core import Histogram
from aeromatch.bench.gateways import BATCHING, GATEWAYS, PIPELINING
from aeromatch.bench.load import LoadError, run_load
from aeromatch.bench.load_worker import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aeromatch.bench.load import Outcome

__all__ = ["Door", "DoorOutcome", "doors_as_json", "doors_of", "measure_doors"]

MANY: Final = 16
"""Connections, and requests under way on one."""
PERCENTS: Final = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9}


@dataclass(frozen=True, slots=True)
class Door:
    """A way to use a gateway."""

    gateway: str
    name: str
    connections: int = 1
    in_flight: int = 1
    batch: int = 1


@dataclass(frozen=True, slots=True)
class DoorOutcome:
    """What a way brought."""

    door: Door
    outcome: Outcome

    @property
    def orders_per_second(self) -> float:
        """Commands that were done: orders that were entered, changed or canceled."""
        return self.outcome.measured.orders / self.outcome.plan.seconds

    def percentiles_ns(self) -> dict[str, float]:
        """Of the time from request to answer; of batches, of the whole one."""
        total = Histogram()
        for histogram in self.outcome.measured.response.values():
            total.merge(histogram)
        return {name: total.percentile(percent) for name, percent in PERCENTS.items()}


def doors_of(gateways: tuple[str, ...] = GATEWAYS, batch: int = 500) -> Iterator[Door]:
    """The ways to use these gateways."""
    for gateway in gateways:
        yield Door(gateway, "1 connection")
        yield Door(gateway, f"{MANY} connections", connections=MANY)
        if gateway in PIPELINING:
            yield Door(gateway, f"1 connection, {MANY} under way", in_flight=MANY)
        if gateway in BATCHING:
            yield Door(gateway, f"1 connection, batches of {batch}", batch=batch)


def measure_doors(
    plan: Plan, addresses: dict[str, str], doors: list[Door], progress: Callable[[], object]
) -> list[DoorOutcome]:
    """Runs a load through one way after the other.

    Arguments:
        plan: The load: where, how long, which orders.
        addresses: host:port of the gateways that have ports of their own.
        doors: The ways.
        progress: Called after each.

    Raises:
        LoadError: The server cannot be reached, or what was sent through a way was refused: that would be fast.
    """
    outcomes = []
    for door in doors:
        chosen = replace(
            plan,
            gateway=door.gateway,
            address=addresses.get(door.gateway),
            connections=door.connections,
            in_flight=door.in_flight,
            batch=door.batch,
        )
        outcome = run_load(chosen, lambda _passed_s, _answers: None)
        measured = outcome.measured
        if not measured.orders or measured.lost:
            raise LoadError(f"{door.gateway}, {door.name}: {measured.orders} orders done, {measured.lost} lost")
        outcomes.append(DoorOutcome(door, outcome))
        progress()
    return outcomes


def doors_as_json(outcomes: list[DoorOutcome]) -> list[dict[str, Any]]:
    """One entry for each way, times in nanoseconds."""
    return [
        {
            "gateway": each.door.gateway,
            "way": each.door.name,
            "connections": each.door.connections,
            "in_flight": each.door.in_flight,
            "batch": each.door.batch,
            "orders_per_second": each.orders_per_second,
            "response_ns": each.percentiles_ns(),
            "statuses": {str(status): count for status, count in sorted(each.outcome.measured.statuses.items())},
            "slugs": dict(each.outcome.measured.slugs),
        }
        for each in outcomes
    ]
