"""`aeromatch bench`: what a command costs."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import click

from aeromatch import __version__
from aeromatch.bench import (
    Case,
    Measurement,
    Trial,
    as_markdown,
    as_rows,
    measure_in_turns,
    trials_as_json,
    trials_as_markdown,
    trials_as_tables,
    try_in_turns,
)
from aeromatch.bench.report import HEADINGS
from aeromatch.bench.report import as_json as report_as_json
from aeromatch.cli.bench_binary import bench_binary
from aeromatch.cli.bench_feed import bench_feed
from aeromatch.cli.bench_gateways import bench_gateways
from aeromatch.cli.bench_journal import bench_journal
from aeromatch.cli.bench_runtime import bench_runtime
from aeromatch.cli.bench_server import bench_server
from aeromatch.cli.bench_views import bench_views
from aeromatch.cli.console import (
    INDEXES,
    columns_table,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    seed_option,
    stdout_console,
)
from aeromatch.cli.measured_server import machine
from aeromatch.replay.generate import TEMPERS, Mood, flow

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL = "all"
USUAL = ("ladder", "btree")
TABLE_WIDTH = 160
"""A narrower terminal wraps lines; columns are never cut."""


@click.group(
    invoke_without_command=True,
    epilog=examples("aeromatch bench --flow calm", "aeromatch bench --compare", "aeromatch bench gateways"),
)
@click.option(
    "--flow",
    "flows",
    type=click.Choice([mood.value for mood in Mood]),
    multiple=True,
    default=[mood.value for mood in Mood],
    help="Only this flow; may be given again. Default: every one. "
    + "; ".join(f"{mood}: {temper.about}" for mood, temper in TEMPERS.items())
    + ".",
)
@click.option(
    "--index",
    "indexes",
    type=click.Choice([*INDEXES, ALL]),
    multiple=True,
    help="Only this price index; may be given again. Default: ladder and btree, with --compare all.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="The price indexes side by side, in tables of their own: native loop, depth, memory; nothing else.",
)
@click.option(
    "--commands", type=click.IntRange(1, 10_000_000), default=200_000, show_default=True, help="For each flow."
)
@click.option("--rounds", type=click.IntRange(1, 1_000), default=5, show_default=True, help="Turns of each case.")
@click.option(
    "--singles",
    type=click.IntRange(1, 10_000_000),
    default=20_000,
    show_default=True,
    help="Commands of each flow that are sent as single calls.",
)
@seed_option
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@json_option
@progress_option
@click.pass_context
def bench(
    context: click.Context,
    flows: tuple[str, ...],
    indexes: tuple[str, ...],
    compare: bool,
    commands: int,
    rounds: int,
    singles: int,
    seed: int,
    markdown: bool,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure what a command costs, or a server.

    Without a subcommand: native loop, NumPy batch, single calls. Generated flows are sent to books that are as full as
    their mood wants. Every case takes its turn in every round; medians over the rounds are shown, in nanoseconds a
    command. Percentiles are of commands that are timed one by one. Allocations are those of the second half of the
    native loop, its steady state.
    """
    if context.invoked_subcommand is not None:
        return
    if markdown and as_json:
        raise click.UsageError("--json and --markdown: one of them")
    chosen = INDEXES if ALL in indexes or (compare and not indexes) else indexes or USUAL
    cases = _cases(flows, chosen, commands, seed, progress)
    about = {
        "version": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "commands": commands,
        "rounds": rounds,
        "seed": seed,
    }
    if compare:
        with progress_bar("comparing", rounds * len(cases), progress) as done:
            trials = try_in_turns(cases, rounds, done)
        note = f"medians of {rounds} rounds, a session of {commands:,} commands; {machine()}"
        _print_trials(trials, note, about, as_json=as_json, markdown=markdown)
        return
    with progress_bar("measuring", rounds * len(cases), progress) as done:
        measurements, empty_ns = measure_in_turns(cases, rounds, singles, done)
    if as_json:
        _print_as_json(measurements, empty_ns, about)
        return
    note = (
        f"ns a command, medians of {rounds} rounds over {commands:,} commands "
        f"(single calls: {min(singles, commands):,}); an empty call from Python: {empty_ns:.0f} ns; {machine()}"
    )
    if markdown:
        click.echo(f"{as_markdown(measurements)}\n\n{note}")
    else:
        _print_as_table(measurements, note)


bench.add_command(bench_journal)
bench.add_command(bench_runtime)
bench.add_command(bench_server)
bench.add_command(bench_binary)
bench.add_command(bench_gateways)
bench.add_command(bench_feed)
bench.add_command(bench_views)


def _cases(
    flows: tuple[str, ...], indexes: tuple[str, ...], commands: int, seed: int, progress: bool | None
) -> list[Case]:
    """Generate the flows; every index gets the same."""
    cases = []
    for mood in dict.fromkeys(flows):
        with progress_bar(f"generating {mood}", commands, progress) as done:
            opening, session = flow(Mood(mood), commands, seed, done)
        cases += [Case(mood, index, opening, session) for index in dict.fromkeys(indexes)]
    return cases


def _print_as_json(measurements: list[Measurement], empty_ns: float, about: Mapping[str, object]) -> None:
    print_json({**about, "empty_call_ns": empty_ns, "cases": report_as_json(measurements)})


def _print_as_table(measurements: list[Measurement], note: str) -> None:
    table = columns_table(HEADINGS, as_rows(measurements), words=HEADINGS[:2])
    console = stdout_console()
    console.width = max(console.width, TABLE_WIDTH)
    console.print(table)
    click.echo(f"\n{note}")


def _print_trials(
    trials: list[Trial], note: str, about: Mapping[str, object], *, as_json: bool, markdown: bool
) -> None:
    if as_json:
        print_json({**about, "cases": trials_as_json(trials)})
        return
    if markdown:
        click.echo(trials_as_markdown(trials))
    else:
        console = stdout_console()
        for title, (heading, *rows) in trials_as_tables(trials).items():
            console.print(columns_table(heading, rows, words=heading[:1], title=title))
            click.echo()
    click.echo(f"\n{note}" if markdown else note)
