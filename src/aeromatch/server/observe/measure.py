"""What recording costs: `python -m aeromatch.server.observe.measure`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from aeromatch.server.observe.catalogue import STAGES
from aeromatch.server.observe.registry import Registry
from aeromatch.server.observe.stages import StageRecorder

__all__ = ["main"]

CALLS: Final = 200_000
ROUNDS: Final = 5


def best_ns(call: Callable[[int], object]) -> float:
    """The quickest of some rounds, in nanoseconds a call; what the loop itself takes is in it."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter_ns()
        for number in range(CALLS):
            call(number)
        rounds.append((time.perf_counter_ns() - began) / CALLS)
    return min(rounds)


def main() -> None:
    """Measure and print."""
    registry = Registry()
    stages = StageRecorder(registry)
    for stage in STAGES:
        for value in range(1_000, 1_000_000, 997):
            stages.record(stage, value)
    calls: dict[str, Callable[[int], object]] = {
        "record a stage": lambda number: stages.record("total", number),
        "tell of a request": lambda number: stages.request("rest", "/order", 201, number),
        "count with two labels": lambda _: stages.count("aeromatch_refusals_total", gateway="rest", slug="malformed"),
    }
    for name, call in calls.items():
        print(f"{name:<24}{best_ns(call):8.0f} ns")
    began = time.perf_counter()
    registry.text()
    print(f"{'show /metrics':<24}{(time.perf_counter() - began) * 1e3:8.1f} ms")


if __name__ == "__main__":
    main()
