"""`aeromatch bench server`: what a request costs over REST."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Final

import click
from rich.table import Table

from aeromatch.bench.server_rest import Race, Round, echo_requests, order_requests, race
from aeromatch.cli.console import (
    NumberRange,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.measured_server import durability_option, machine, running

SECTIONS: Final = ("order", "batch")
ORDER_RATIO: Final = 1.5
BATCH_RATE: Final = 100_000
"""The design's budgets."""


@click.command(
    name="server",
    epilog=examples("aeromatch bench server", "aeromatch bench server --section batch --durability disk"),
)
@click.option(
    "--section",
    "sections",
    type=click.Choice(SECTIONS),
    multiple=True,
    help="Only this one; may be given again. Default: every one. order: one order a request, and an empty JSON object "
    "that is decoded and answered, in turns; batch: orders in batches.",
)
@click.option("--rounds", type=click.IntRange(1, 1000), default=7, show_default=True, help="Of each way.")
@click.option("--seconds", type=NumberRange(0.01, 600), default=1.0, show_default=True, help="Of each round.")
@click.option(
    "--connections",
    type=click.IntRange(1, 1024),
    multiple=True,
    default=(16, 64),
    show_default=True,
    help="Each has one request under way; may be given again.",
)
@click.option(
    "--batch-connections", type=click.IntRange(1, 1024), default=2, show_default=True, help="The same for batches."
)
@click.option("--batch", type=click.IntRange(1, 1000), default=500, show_default=True, help="Orders a batch.")
@durability_option("os")
@json_option
@progress_option
def bench_server(
    sections: tuple[str, ...],
    rounds: int,
    seconds: float,
    connections: tuple[int, ...],
    batch_connections: int,
    batch: int,
    durability: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure what a request costs over REST.

    Over loopback on this machine, from a process of its own. The server is a fresh `aeromatchd` with one instrument and
    an echo. Requests are prepared, connections stay open, and each has one request under way. Every second order takes
    what the one before it left in the book.
    """
    chosen = sections or SECTIONS
    # What a server that is never idle costs is told by many connections, what waiting for the shard adds by few.
    counts = tuple(dict.fromkeys(connections)) if "order" in chosen else ()
    done = itertools.count(1)
    total = (len(counts) + ("batch" in chosen)) * (rounds + 1)
    with running(durability) as server, progress_bar("measuring", total, progress) as show:

        def run(ways: dict[str, list[bytes]], connections: int) -> Race:
            measured = race(
                server,
                ways,
                rounds=rounds,
                connections=connections,
                seconds=seconds,
                progress=lambda: show(next(done)),
            )
            return asyncio.run(measured)

        orders = {count: run({"echo": echo_requests(), "order": order_requests()}, count) for count in counts}
        batches = run({"batch": order_requests(batch)}, batch_connections) if "batch" in chosen else None
    if as_json:
        print_json(_as_json(orders, batches, batch, durability))
        return
    console = stdout_console()
    console.print(machine())
    for count, result in orders.items():
        console.print(_order_table(result, count))
    if batches is not None:
        console.print(_batch_table(batches, batch))
    console.print(
        f"Loopback, durability {durability}, {rounds} rounds of {seconds:g} s in turns; medians, and in brackets the "
        "least and the most. CPU is that of all threads of the server's process, the one of the event loop among them."
    )


def _spread(result: Race, way: str, value: Callable[[Round], float], digits: int = 0) -> str:
    values = [value(each) for each in result.rounds[way]]
    return f"{result.median(way, value):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def _order_table(result: Race, connections: int) -> Table:
    title = f"POST /order against an empty JSON echo, {connections} connections"
    table = Table("", "requests/s", "wall, us", "CPU, us", "event loop, us", title=title)
    for way in ("echo", "order"):
        table.add_row(
            way,
            _spread(result, way, lambda each: each.rate),
            _spread(result, way, lambda each: each.wall_us),
            _spread(result, way, lambda each: each.cpu_us),
            _spread(result, way, lambda each: each.loop_us),
        )
    table.add_row(
        f"ratio (budget {ORDER_RATIO})",
        "",
        f"{result.ratio('order', 'echo', lambda each: each.wall_us):.2f}",
        f"{result.ratio('order', 'echo', lambda each: each.cpu_us):.2f}",
        f"{result.ratio('order', 'echo', lambda each: each.loop_us):.2f}",
    )
    return table


def _batch_table(result: Race, batch: int) -> Table:
    table = Table("", "orders/s", "server CPU an order, us", title=f"POST /orders, {batch} orders a batch")
    table.add_row(
        f"batch (budget {BATCH_RATE:,})",
        _spread(result, "batch", lambda each: each.rate * batch),
        _spread(result, "batch", lambda each: each.cpu_us / batch, 2),
    )
    return table


def _as_json(orders: dict[int, Race], batches: Race | None, batch: int, durability: str) -> dict[str, Any]:
    def rounds(result: Race) -> dict[str, list[dict[str, float]]]:
        return {
            way: [
                {"rate": each.rate, "wall_us": each.wall_us, "cpu_us": each.cpu_us, "loop_us": each.loop_us}
                for each in measured
            ]
            for way, measured in result.rounds.items()
        }

    found: dict[str, Any] = {"machine": machine(), "durability": durability}
    if orders:
        found["order"] = [
            {
                "connections": count,
                "rounds": rounds(result),
                "wall_ratio": result.ratio("order", "echo", lambda each: each.wall_us),
                "cpu_ratio": result.ratio("order", "echo", lambda each: each.cpu_us),
                "loop_ratio": result.ratio("order", "echo", lambda each: each.loop_us),
            }
            for count, result in orders.items()
        ]
    if batches is not None:
        rate = batches.median("batch", lambda each: each.rate)
        found["batch"] = {"rounds": rounds(batches), "orders_per_batch": batch, "orders_per_second": rate * batch}
    return found
