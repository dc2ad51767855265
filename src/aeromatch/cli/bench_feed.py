"""`aeromatch bench feed`: how long market data takes to many subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import click
from rich.table import Table

from aeromatch.bench.feed import CHANNELS, Delivery, deliver
from aeromatch.cli.console import (
    NumberRange,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.measured_server import machine, running

PERCENTS: Final = (50.0, 90.0, 99.0, 99.9, 100.0)


@click.command(
    name="feed",
    epilog=examples("aeromatch bench feed", "aeromatch bench feed --channel trades --subscribers 200 --seconds 5"),
)
@click.option(
    "--channel",
    "channels",
    type=click.Choice(CHANNELS),
    multiple=True,
    help="What is subscribed to; may be given again. Default: depth and trades.",
)
@click.option("--subscribers", type=click.IntRange(1, 4000), default=1000, show_default=True, help="Connections.")
@click.option(
    "--orders",
    type=NumberRange(0.1, 100_000),
    default=10.0,
    show_default=True,
    help="Orders a second; each changes the book, every second one trades.",
)
@click.option("--seconds", type=NumberRange(0.1, 3600), default=10.0, show_default=True, help="Of each channel.")
@click.option(
    "--interval-ms",
    type=click.IntRange(1, 60_000),
    default=100,
    show_default=True,
    help="How often depth updates are made: market_data.interval_ms of the server.",
)
@json_option
@progress_option
def bench_feed(
    channels: tuple[Any, ...],
    subscribers: int,
    orders: float,
    seconds: float,
    interval_ms: int,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure how old market data is at its subscribers.

    Over loopback. The server is a fresh `aeromatchd` with one instrument; subscribers live in this process and read the
    same clock. An age runs from when the shard took the command to when the subscriber had the message: of depth it
    includes the time until the next update is made.
    """
    found = []
    chosen = channels or ("depth", "trades")
    with (
        running("os", interval_ms=interval_ms) as server,
        progress_bar("connecting", subscribers * len(chosen), progress) as show,
    ):
        for place, channel in enumerate(chosen):
            measured = deliver(
                server,
                channel,
                subscribers=subscribers,
                orders_per_s=orders,
                seconds=seconds,
                progress=partial(_shown, show, place * subscribers),
            )
            found.append(asyncio.run(measured))
    if as_json:
        print_json({"machine": machine(), "interval_ms": interval_ms, "deliveries": [_as_json(each) for each in found]})
        return
    console = stdout_console()
    console.print(machine())
    console.print(_table(found))
    console.print(
        f"Loopback, {orders:g} orders a second for {seconds:g} s, depth updates every {interval_ms} ms. CPU is that of "
        "all threads of the server's process: 100 % is one core."
    )


def _shown(show: Callable[[int], object], before: int, made: int) -> None:
    show(before + made)


def _name(percent: float) -> str:
    return "most" if percent == 100 else f"p{percent:g}"


def _table(found: list[Delivery]) -> Table:
    columns = (f"{_name(percent)} ms" for percent in PERCENTS)
    table = Table("", "clients", "messages", "a second", *columns, "CPU", title="Age of a message at its subscriber")
    for each in found:
        table.add_row(
            each.channel,
            f"{each.subscribers:,}",
            f"{each.messages:,}",
            f"{each.rate:,.0f}",
            *(f"{each.age_ms(percent):,.1f}" for percent in PERCENTS),
            f"{each.cpu_s / each.wall_s:.0%}",
        )
    return table


def _as_json(each: Delivery) -> dict[str, Any]:
    return {
        "channel": each.channel,
        "subscribers": each.subscribers,
        "orders": each.orders,
        "messages": each.messages,
        "messages_per_s": each.rate,
        "server_cpu": each.cpu_s / each.wall_s,
        "age_ms": {_name(percent): each.age_ms(percent) for percent in PERCENTS},
    }
