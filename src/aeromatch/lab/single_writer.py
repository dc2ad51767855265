"""Who writes the book: one thread, whoever holds the lock, or everybody at once."""

from __future__ import annotations

from typing import Any, Final

from aeromatch import _core
from aeromatch.lab.result import Bars, Experiment, Result, Table

WAYS: Final = {
    "lock": ("lock", 1),
    "many writers": ("shared", 1),
    "single, awaited": ("single", 1),
    "single, in flight": ("single", 1024),
}
"""What `lab_single_writer` calls it, and how many orders a client may have unanswered."""
LOCK, SHARED, AWAITED, PIPELINED = WAYS
CLIENTS: Final = (1, 2, 4)
REPLAYED_THREADS: Final = 4
REPLAYED_ORDERS: Final = 50_000


def _run(seconds: float) -> Result:
    each = seconds / (len(WAYS) * len(CLIENTS) + 1)
    cases = {clients: {way: _trade(way, clients, each) for way in WAYS} for clients in CLIENTS}
    replay = _core.lab_replay(threads=REPLAYED_THREADS, orders=REPLAYED_ORDERS, seconds=max(each, 0.1))
    return Result(
        name="single-writer",
        title="Who writes the book: one thread, or many",
        seconds=seconds,
        cpus=_core.lab_cpus(),
        done="Clients send orders to one small book: 32 price levels, resting quantity at each, every order trades at "
        "the best level first. Under the lock and with many writers each client changes the book itself; a single "
        "writer is one more thread, with a ring from and a ring to every client, who waits for each answer or has up "
        "to 1024 orders in flight. What is bought must be sold, and what is not traded must rest. Then four threads "
        "write the shared book and keep a log of their steps, which is replayed by one thread.",
        tables=(
            _orders(cases),
            Table(
                "The log of many writers, replayed by one in the order of its tickets",
                (
                    "threads",
                    "steps",
                    "trades",
                    "retries",
                    "wrong tickets",
                    "different steps",
                    "same book at the end",
                ),
                (
                    (
                        REPLAYED_THREADS,
                        *(replay[name] for name in ("steps", "trades", "overtaken", "wrong_tickets", "different")),
                        "yes" if replay["is_same_book"] else "no",
                    ),
                ),
            ),
        ),
        bars=(
            *(
                Bars(
                    title=f"Orders carried out for {_clients(clients)}",
                    unit="million a second",
                    names=tuple(WAYS),
                    values=tuple(_millions(case) for case in ways.values()),
                    highlighted=frozenset({AWAITED, PIPELINED}),
                )
                for clients, ways in cases.items()
            ),
            Bars(
                title="Until an order is answered, for two clients",
                unit="nanoseconds, 99th percentile",
                names=tuple(WAYS),
                values=tuple(case["latency"]["p99_ns"] for case in cases[2].values()),
                is_logarithmic=True,
                highlighted=frozenset({AWAITED, PIPELINED}),
            ),
        ),
        learned=(*_verdict(cases), *_LESSONS),
        figures={**{_clients(clients): ways for clients, ways in cases.items()}, "replay": replay},
    )


_LESSONS: Final = (
    "The book's words have to be where the thread is that changes them. A single writer has them in its own cache for "
    "ever; what travels are orders and answers, many to a line. Under a lock, and with many writers, the book itself "
    "travels, and the lock's word or the head with it.",
    "A single writer has a processor to itself. Where there are few, a lock gives that one to a client too: compare "
    "what one client reaches with a writer beside it, and two clients with a lock between them.",
    "To wait for each answer costs two hand-overs an order, one after the other, and nothing is batched. A client that "
    "needs the answer before it goes on, and meets nobody, is best served by a lock.",
    "Many writers do not write at once. To trade at the best price and take what is there is to change one thing that "
    "depends on all of the book, so every step has to go through one word, and the others begin again. What is gained "
    "over a lock is that nobody waits for a thread that has lost its processor.",
    "With many writers an order of several steps is not one step: others trade in between. One thread carries out "
    "whole orders, writes its log in the order in which it acts, and needs no argument about memory orderings: that, "
    "more than the figures, is why a shard has one.",
)


def _trade(way: str, clients: int, seconds: float) -> dict[str, Any]:
    writing, window = WAYS[way]
    return _core.lab_single_writer(writing=writing, clients=clients, window=window, seconds=seconds)


def _millions(case: dict[str, Any]) -> float:
    """Give orders a second."""
    return float(1e3 * case["orders"] / max(case["elapsed_ns"], 1))


def _clients(clients: int) -> str:
    return f"{clients} client{'s' * (clients > 1)}"


def _orders(cases: dict[int, dict[str, dict[str, Any]]]) -> Table:
    return Table(
        "Orders",
        ("who writes", "clients", "orders", "ns each", "p50 ns", "p99 ns", "p99.9 ns", "retries", "balanced"),
        tuple(
            (
                way,
                clients,
                case["orders"],
                case["elapsed_ns"] / max(case["orders"], 1),
                *(case["latency"][name] for name in ("p50_ns", "p99_ns", "p999_ns")),
                case["overtaken"],
                "yes" if case["is_balanced"] else "no",
            )
            for clients, ways in cases.items()
            for way, case in ways.items()
        ),
    )


def _verdict(cases: dict[int, dict[str, dict[str, Any]]]) -> tuple[str, ...]:
    """Say what this run showed, from its own numbers."""
    lines = []
    for clients, ways in cases.items():
        rates = {way: _millions(case) for way, case in ways.items()}
        best, *others = sorted(rates, key=rates.__getitem__, reverse=True)
        shares = ", ".join(f"{other} {100 * rates[other] / max(rates[best], 1e-9):.0f} %" for other in others)
        lines.append(f"Here, {_clients(clients)}: {best} carried out most; of that, {shares}.")
    return tuple(lines)


EXPERIMENT: Final = Experiment(
    "single-writer",
    "Who writes the book: one thread, or many",
    "Several threads want to trade. Should all of them write the book, or should one write for all?",
    _run,
)
