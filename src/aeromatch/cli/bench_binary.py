"""`aeromatch bench binary`: what an order costs over the binary gateway."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from aeromatch.bench.binary_pace import PERMILLE, Pace, Trial
from aeromatch.bench.server_rest import SYMBOL
from aeromatch.cli.console import (
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.measured_server import durability_option, machine, running

if TYPE_CHECKING:
    from collections.abc import Callable

RATE: Final = 1_000_000
"""The design's budget, pipelined over one TCP connection."""
TITLES: Final = {"pipelined": "pipelined, in frames", "closed": "one at a time"}


@click.command(
    name="binary",
    epilog=examples("aeromatch bench binary", "aeromatch bench binary --over unix --durability disk --orders 200000"),
)
@click.option("--rounds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Of each way.")
@click.option("--orders", type=click.IntRange(2, 1 << 28), default=1_000_000, show_default=True, help="A round.")
@click.option("--batch", type=click.IntRange(1, 16_000), default=1024, show_default=True, help="Orders a frame.")
@click.option(
    "--window",
    type=click.IntRange(1, 1 << 24),
    default=16_384,
    show_default=True,
    help="Orders that are not answered yet, at most: with more the rate rises, and so does every order's time.",
)
@click.option(
    "--singles", type=click.IntRange(2, 1 << 24), default=10_000, show_default=True, help="Orders sent one by one."
)
@click.option(
    "--over", type=click.Choice(["tcp", "unix"]), default="tcp", show_default=True, help="What the connection is."
)
@durability_option("memory")
@json_option
@progress_option
def bench_binary(
    rounds: int,
    orders: int,
    batch: int,
    window: int,
    singles: int,
    over: str,
    durability: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure the binary gateway: orders a second, latencies.

    Over one connection on this machine, from a process of its own. The server is a fresh `aeromatchd` with one
    instrument. Every second order takes what the one before it left in the book. Each order's time is from when its
    frame is given to the socket to when its answer has been read.
    """
    from aeromatch.bench.binary import Connection, closed_loop, pipelined
    from aeromatch.server.measured import ACCOUNT

    trials = {"pipelined": Trial(), "closed": Trial()}
    done = itertools.count(1)
    gateway = {"enabled": True, "port": 0}
    with (
        running(durability, binary=gateway) as server,
        progress_bar("measuring", 2 * (rounds + 1), progress) as show,
    ):
        tcp, _, unix = server.others["binary"].partition(", ")
        connection = Connection(tcp if over == "tcp" else unix, ACCOUNT, SYMBOL)
        try:
            for number in range(rounds + 1):
                # The first round warms up, and is as short as that takes.
                many, single = (orders, singles) if number else (min(orders, 200_000), min(singles, 1000))
                found = {
                    "pipelined": pipelined(server, connection, orders=many, batch=batch, window=window),
                    "closed": closed_loop(server, connection, orders=single),
                }
                for way, pace in found.items():
                    if number:
                        trials[way].paces.append(pace)
                    show(next(done))
        finally:
            connection.close()
    if as_json:
        print_json(_as_json(trials, over, durability, batch, window))
        return
    console = stdout_console()
    console.print(machine())
    console.print(_table(trials, over))
    console.print(
        f"Loopback, durability {durability}, frames of {batch} orders, at most {window:,} unanswered, {rounds} rounds "
        f"of {orders:,} orders and {singles:,} single ones in turns; medians, and in brackets the least and the most. "
        "CPU is that of all threads of the server's process."
    )


def _spread(trial: Trial, value: Callable[[Pace], float], digits: int = 0) -> str:
    values = [value(each) for each in trial.paces]
    return f"{trial.median(value):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def _table(trials: dict[str, Trial], over: str) -> Table:
    columns = ["orders/s", *(f"{name}, us" for name in PERMILLE), "server CPU an order, us"]
    table = Table("", *columns, title=f"Binary gateway, one connection over {over} (budget {RATE:,} orders/s)")
    for way, trial in trials.items():
        times = [_spread(trial, partial(Pace.percentile_us, permille=permille)) for permille in PERMILLE.values()]
        table.add_row(
            TITLES[way],
            _spread(trial, lambda each: each.rate),
            *times,
            _spread(trial, lambda each: each.cpu_us, 2),
        )
    return table


def _as_json(trials: dict[str, Trial], over: str, durability: str, batch: int, window: int) -> dict[str, Any]:
    def told(pace: Pace) -> dict[str, float]:
        times = {name: pace.percentile_us(permille) for name, permille in PERMILLE.items()}
        return {"orders": pace.orders, "rate": pace.rate, "cpu_us": pace.cpu_us, **times}

    found: dict[str, Any] = {
        "machine": machine(),
        "over": over,
        "durability": durability,
        "orders_per_frame": batch,
        "window": window,
        "budget": RATE,
    }
    for way, trial in trials.items():
        found[way] = {
            "rounds": [told(pace) for pace in trial.paces],
            "orders_per_second": trial.median(lambda each: each.rate),
        }
    return found
