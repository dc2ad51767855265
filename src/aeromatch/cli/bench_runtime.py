"""`aeromatch bench runtime`: what threads, rings and shards cost."""

from __future__ import annotations

from pathlib import Path

import click

from aeromatch import __version__
from aeromatch.bench.runtime import SECTIONS, Plan, measure_runtime, quick, runtime_parts
from aeromatch.bench.runtime_report import runtime_as_json, runtime_notes, runtime_tables
from aeromatch.cli.console import (
    NumberRange,
    columns_table,
    directory_option,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.measured_server import machine


@click.command(
    name="runtime",
    epilog=examples(
        "aeromatch bench runtime --section ring --rate 50000 --rate 500000",
        "aeromatch bench runtime --section memory --memory-commands 100000000",
    ),
)
@click.option(
    "--section",
    "sections",
    type=click.Choice(SECTIONS),
    multiple=True,
    help="Only this one; may be given again. Default: every one. handoff: rings by themselves; ring: from ring to "
    "ring through a live shard; policies: acknowledgement and throughput by durability; scaling: two shards "
    "against two processes; memory: whether it grows.",
)
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True, help="Of each latency.")
@click.option(
    "--commands", type=click.IntRange(1, 10_000_000), default=100_000, show_default=True, help="Of each run, at most."
)
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(1, 100_000_000),
    multiple=True,
    default=(10_000, 100_000),
    show_default=True,
    help="Commands a second of an open loop; may be given again.",
)
@click.option(
    "--seconds",
    type=NumberRange(0.001, 600),
    default=1.0,
    show_default=True,
    help="Of each open loop, at most, as long as it keeps up.",
)
@click.option("--rounds", type=click.IntRange(1, 1_000), default=15, show_default=True, help="Of scaling.")
@click.option(
    "--race-commands",
    type=click.IntRange(1, 10_000_000),
    default=1_000_000,
    show_default=True,
    help="Of each shard in each round of scaling.",
)
@click.option(
    "--memory-commands",
    type=click.IntRange(1, 10_000_000_000),
    default=10_000_000,
    show_default=True,
    help="Through the shard whose memory is looked at, at each tenth.",
)
@directory_option
@click.option(
    "--quick",
    "is_quick",
    is_flag=True,
    help="The least of everything, whatever the numbers above: shows that it works.",
)
@json_option
@progress_option
def bench_runtime(
    sections: tuple[str, ...],
    runs: int,
    commands: int,
    rates: tuple[int, ...],
    seconds: float,
    rounds: int,
    race_commands: int,
    memory_commands: int,
    directory: Path | None,
    is_quick: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure what threads, rings and shards cost.

    Hand-off, latency by load and durability, throughput, scaling, memory. Latencies of an open loop count from when a
    command should have been sent. How each table was measured, with which threads, processors, clock and load, is
    printed below. Two processors that nobody else uses are asked for.
    """
    chosen = tuple(section for section in SECTIONS if section in sections) or SECTIONS
    plan = Plan(
        sections=chosen,
        runs=runs,
        commands=commands,
        rates=tuple(dict.fromkeys(rates)),
        seconds=seconds,
        rounds=rounds,
        race_commands=race_commands,
        memory_commands=memory_commands,
        directory=directory,
    )
    if is_quick:
        plan = quick(plan)
    with progress_bar("measuring", runtime_parts(plan), progress) as done:
        report = measure_runtime(plan, done)
    if as_json:
        print_json({"version": __version__, **runtime_as_json(report)})
        return
    console = stdout_console()
    for title, headings, rows in runtime_tables(report):
        console.print(columns_table(headings, rows, words=headings[:1], title=title))
        click.echo()
    for note in runtime_notes(report):
        click.echo(note)
    click.echo(machine())
