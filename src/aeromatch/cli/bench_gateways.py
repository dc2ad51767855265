"""`aeromatch bench gateways`: which way into a server is how fast."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import click

from aeromatch.bench.gateways import GATEWAYS, PORTS
from aeromatch.cli.console import (
    NumberRange,
    columns_table,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.measured_server import durability_option, machine, running

if TYPE_CHECKING:
    from rich.table import Table

    from aeromatch.bench.doors import DoorOutcome, PreparedOutcome

NS_PER_US = 1_000
MIDDLE_TICKS = 10_000
HEADINGS = ("gateway", "connections", "orders/s", "p50 us", "p99 us", "p99.9 us")


@click.command(
    name="gateways",
    epilog=examples("aeromatch bench gateways", "aeromatch bench gateways --gateway rest --seconds 10 --json"),
)
@click.option(
    "--gateway",
    "chosen",
    type=click.Choice(GATEWAYS),
    multiple=True,
    help="Only this one; may be given again. Default: every one.",
)
@click.option("--seconds", type=NumberRange(0.1, 600), default=3.0, show_default=True, help="Of each way.")
@click.option(
    "--warmup", "warmup_s", type=NumberRange(0, 600), default=0.5, show_default=True, help="Seconds before those."
)
@click.option("--batch", type=click.IntRange(2, 1000), default=500, show_default=True, help="Orders a batch.")
@durability_option("os")
@json_option
@progress_option
def bench_gateways(
    chosen: tuple[str, ...],
    seconds: float,
    warmup_s: float,
    batch: int,
    durability: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure every gateway of a server, side by side.

    Over loopback on this machine. The server is a fresh `aeromatchd` with one instrument, in a process of its own, and
    so is the client. Both share the processors: with few of them a client that costs more makes its gateway look
    slower.

    The load is that of `aeromatch load`, in closed loops: new orders, cancels, changes, and orders that take.
    """
    from aeromatch.bench.doors import doors_as_json, doors_of, measure_doors, prepared_doors
    from aeromatch.bench.load_flow import Market
    from aeromatch.bench.load_worker import Plan
    from aeromatch.bench.server_rest import SYMBOL
    from aeromatch.server.measured import ACCOUNT

    doors = list(doors_of(chosen or GATEWAYS, batch))
    done = itertools.count(1)
    sections: dict[str, Any] = {it: {"enabled": True, "port": 0} for it in chosen or GATEWAYS if it in PORTS}
    with running(durability, **sections) as server:
        plan = Plan(
            url=f"http://{server.host}:{server.port}",
            gateway="",
            markets=(Market(SYMBOL, "0.01", "0.001", MIDDLE_TICKS),),
            accounts=(ACCOUNT,),
            seconds=seconds,
            warmup_s=warmup_s,
        )
        with progress_bar("measuring", len(doors), progress) as show:
            outcomes: list[DoorOutcome | PreparedOutcome] = []
            outcomes += measure_doors(plan, server.others, doors, lambda: show(next(done)))
        if "binary" in sections:
            outcomes += prepared_doors(server, server.others["binary"], ACCOUNT, SYMBOL)
    if as_json:
        print_json(
            {"machine": machine(), "durability": durability, "seconds": seconds, "ways": doors_as_json(outcomes)}
        )
        return
    console = stdout_console()
    console.print(machine())
    console.print(_table(outcomes))
    console.print(
        f"Loopback, durability {durability}, {seconds:g} s of each way. Times are from a request to its answer; of a "
        "batch, to the answer of the whole of it. `prepared`: frames that were made before, and answers of which only "
        "the tags are looked at; of a client in Python the others measure Python as well."
    )


def _table(outcomes: list[DoorOutcome | PreparedOutcome]) -> Table:
    rows = []
    for each in outcomes:
        times = (f"{value / NS_PER_US:,.0f}" for value in each.percentiles_ns().values())
        rows.append((each.door.gateway, each.door.name, f"{each.orders_per_second:,.0f}", *times))
    return columns_table(HEADINGS, rows, words=HEADINGS[:2])
