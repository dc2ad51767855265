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
    from collections.abc import Callable, Iterator, Sequence

    from aeromatch.bench.binary_pace import Pace
    from aeromatch.bench.load import Outcome
    from aeromatch.bench.server_rest import Server

__all__ = [
    "Door",
    "DoorOutcome",
    "PreparedOutcome",
    "doors_as_json",
    "doors_of",
    "measure_doors",
    "prepared_doors",
]

MANY: Final = 16
"""Connections, and requests under way on one."""
NS_PER_US: Final = 1_000
PREPARED_SINGLES: Final = 5_000
PREPARED_ORDERS: Final = 500_000
PREPARED_BATCH: Final = 256
PREPARED_WINDOW: Final = 16_384
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


@dataclass(frozen=True, slots=True)
class PreparedOutcome:
    """What a client brought that sends frames which were made before, as `aeromatch bench binary` does."""

    door: Door
    pace: Pace

    @property
    def orders_per_second(self) -> float:
        """Orders that were entered."""
        return self.pace.rate

    def percentiles_ns(self) -> dict[str, float]:
        """Of the time from when an order's frame is given to the socket to its answer."""
        return {name: self.pace.percentile_us(round(percent * 10)) * NS_PER_US for name, percent in PERCENTS.items()}


def prepared_doors(server: Server, address: str, account: str, symbol: str) -> list[PreparedOutcome]:
    """The binary gateway with a client that costs nearly nothing: what is measured otherwise is Python's time.

    Raises:
        ConnectionError: The server does not take the login, or ended the session.
    """
    from aeromatch.bench.binary import Connection, closed_loop, pipelined

    connection = Connection(address.split(",")[0], account, symbol)
    try:
        # The first round warms up.
        for _ in range(2):
            one = closed_loop(server, connection, orders=PREPARED_SINGLES)
            many = pipelined(server, connection, orders=PREPARED_ORDERS, batch=PREPARED_BATCH, window=PREPARED_WINDOW)
    finally:
        connection.close()
    window = Door("binary", f"1, prepared, {PREPARED_WINDOW:,} under way", 1, PREPARED_WINDOW, PREPARED_BATCH)
    return [PreparedOutcome(Door("binary", "1, prepared"), one), PreparedOutcome(window, many)]


def doors_of(gateways: tuple[str, ...] = GATEWAYS, batch: int = 500) -> Iterator[Door]:
    """The ways to use these gateways."""
    for gateway in gateways:
        yield Door(gateway, "1")
        yield Door(gateway, f"{MANY}", connections=MANY)
        if gateway in PIPELINING:
            yield Door(gateway, f"1, {MANY} under way", in_flight=MANY)
        if gateway in BATCHING:
            yield Door(gateway, f"1, batches of {batch}", batch=batch)


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


def doors_as_json(outcomes: Sequence[DoorOutcome | PreparedOutcome]) -> list[dict[str, Any]]:
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
            "slugs": dict(each.outcome.measured.slugs) if isinstance(each, DoorOutcome) else {},
        }
        for each in outcomes
    ]
