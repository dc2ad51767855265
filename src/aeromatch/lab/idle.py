"""What a thread does while there is nothing to do: latency against the processor that waiting burns."""

from __future__ import annotations

from typing import Any, Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

WAYS: Final = ("spin", "yield", "park")
RATES: Final = (1_000, 20_000, 200_000)
"""Messages a second."""


def _run(seconds: float) -> Result:
    each = seconds / (len(WAYS) * len(RATES))
    cases = {rate: {idle: _wait(idle, rate, each) for idle in WAYS} for rate in RATES}
    flat = [(rate, idle, case) for rate, ways in cases.items() for idle, case in ways.items()]
    names = tuple(f"{idle}, {rate:,} a second" for rate, idle, _ in flat)
    sleepers = frozenset(name for name in names if name.startswith("park"))
    return Result(
        name="idle",
        title="Waiting for work: spin, yield or park",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="One thread sends messages through a ring at a steady rate and rings a doorbell after each; another one "
        "waits for them, by the runtime's own strategies. Spin looks again at once; yield lets other threads run "
        "between two looks; park looks some 130 times and then sleeps until the doorbell wakes it. Latency runs from "
        "just before a message is sent until it is seen.",
        tables=(
            Table(
                "",
                (
                    "a second",
                    "waits by",
                    "messages",
                    "p50 us",
                    "p99 us",
                    "p99.9 us",
                    "longest us",
                    "sending us",
                    "cpu %",
                ),
                tuple(
                    (
                        rate,
                        idle,
                        case["messages"],
                        *(case["latency"][name] / 1e3 for name in ("p50_ns", "p99_ns", "p999_ns", "max_ns")),
                        case["sending"]["p50_ns"] / 1e3,
                        case["cpu_percent"],
                    )
                    for rate, idle, case in flat
                ),
            ),
        ),
        bars=(
            *(
                Bars(
                    title=title,
                    unit="microseconds",
                    names=names,
                    values=tuple(case["latency"][name] / 1e3 for _, _, case in flat),
                    is_logarithmic=True,
                    highlighted=sleepers,
                )
                for title, name in (
                    ("Half of the messages are seen within", "p50_ns"),
                    ("99 of 100 are seen within", "p99_ns"),
                )
            ),
            Bars(
                title="Processor time of the thread that waits",
                unit="per cent of one processor",
                names=names,
                values=tuple(case["cpu_percent"] for _, _, case in flat),
                highlighted=sleepers,
            ),
        ),
        learned=(
            "Spinning sees a message as soon as its cache line arrives, and burns a whole processor at any rate. On a "
            "processor that others want as well it is worse than sleeping: it is taken away in the middle of a look.",
            "Yielding burns as much where nobody else wants to run: it only asks. It is for fewer processors than "
            "threads, and every look costs a system call.",
            "Parking costs what is sent, not what is waited. The price is a wake-up: the system call is paid by the "
            "sender (look at what sending takes), the time until the sleeper runs again by the message.",
            "A sleeper looks a while before it sleeps. Where messages come closer together than that, it never sleeps, "
            "and is a spinner; the doorbell then costs its sender a fence and a look.",
            "One number hides this: look at the median and at the tail, at the rate you expect and at the one you "
            "fear.",
        ),
        figures={f"{rate} a second": ways for rate, ways in cases.items()},
    )


def _wait(idle: str, rate: int, seconds: float) -> dict[str, Any]:
    case = _core.lab_idle(idle=idle, messages_per_second=rate, seconds=seconds)
    return {**case, "cpu_percent": 100 * case["cpu_ns"] / max(case["elapsed_ns"], 1)}


EXPERIMENT: Final = Experiment(
    "idle",
    "Waiting for work: spin, yield or park",
    "How soon is a message seen by a thread that had nothing to do, and what did its waiting cost?",
    _run,
)
