"""`aeromatch bench journal`: what durability costs on this disk."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from aeromatch import Commands, __version__
from aeromatch.bench import journal_as_json, limits, measure_journal, parts
from aeromatch.cli.console import (
    columns_table,
    directory_option,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    seed_option,
    stdout_console,
)
from aeromatch.cli.measured_server import machine
from aeromatch.replay.generate import Mood, flow

if TYPE_CHECKING:
    from rich.table import Table

    from aeromatch.bench import JournalReport


@click.command(name="journal", epilog=examples("aeromatch bench journal --batch 1024 --batch 65536"))
@directory_option
@click.option(
    "--commands",
    type=click.IntRange(1, 10_000_000),
    default=200_000,
    show_default=True,
    help="Of the generated session, which a market of its own gets --repeats times.",
)
@click.option("--repeats", type=click.IntRange(1, 1_000), default=10, show_default=True, help="How many such markets.")
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(1, 1_000_000),
    multiple=True,
    default=(64, 1_024, 16_384),
    show_default=True,
    help="Commands a batch; may be given again.",
)
@click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="Turns of each case.")
@click.option(
    "--singles", type=click.IntRange(1, 1_000_000), default=2_000, show_default=True, help="Calls timed one by one."
)
@click.option(
    "--resting",
    type=click.IntRange(1, 50_000_000),
    default=1_000_000,
    show_default=True,
    help="Resting orders in the snapshot.",
)
@seed_option
@json_option
@progress_option
def bench_journal(
    directory: Path | None,
    commands: int,
    repeats: int,
    batches: tuple[int, ...],
    rounds: int,
    singles: int,
    resting: int,
    seed: int,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Measure what durability costs on this disk.

    Batches and single calls by policy, recovery, a snapshot. In the same run the disk's own speed is measured, bytes a
    second and the time of a sync, and compared: what limits the rest is printed below the tables. A batch is
    acknowledged before the next is sent.
    """
    with progress_bar("generating", commands, progress) as done:
        opening, session = flow(Mood.CALM, commands, seed, done)
    with progress_bar("measuring", parts(batches, rounds), progress) as done:
        report = measure_journal(
            Commands(opening.slots.tobytes() + session.slots.tobytes()),
            directory=directory,
            repeats=repeats,
            batches=batches,
            rounds=rounds,
            singles=singles,
            resting=resting,
            progress=done,
        )
    if as_json:
        print_json({"version": __version__, "cores": os.cpu_count(), "seed": seed, **journal_as_json(report)})
        return
    _print_tables(report)
    for line in limits(report):
        click.echo(line)
    click.echo(f"\nmedians of {rounds} rounds, {report.recovery.commands:,} commands each; {machine()}")


def _print_tables(report: JournalReport) -> None:
    console = stdout_console()
    console.print(
        _table(
            "batches, M commands/s",
            ("policy", *(f"{case.batch:,}" for case in report.pipelined if case.policy == "os")),
            [
                (
                    policy,
                    *(
                        f"{median(case.commands_a_second) / 1e6:.2f}"
                        for case in report.pipelined
                        if case.policy == policy
                    ),
                )
                for policy in dict.fromkeys(case.policy for case in report.pipelined)
            ],
        )
    )
    console.print(
        _table(
            "single submit, us",
            ("policy", *report.single[0].percentiles_us),
            [(case.policy, *(f"{value:,.1f}" for value in case.percentiles_us.values())) for case in report.single],
        )
    )
    recovery, snapshot = report.recovery, report.snapshot
    rate = recovery.commands / recovery.seconds
    click.echo(
        f"recovery: {recovery.commands:,} commands in {recovery.seconds:.2f} s, {rate / 1e6:.2f} M commands/s, "
        f"{recovery.journal_bytes / recovery.seconds / 1e6:,.0f} MB/s of them"
    )
    click.echo(
        f"snapshot: {snapshot.orders:,} resting orders, {snapshot.bytes / 1e6:,.1f} MB, "
        f"made in {snapshot.make_seconds:.2f} s, restored in {snapshot.restore_seconds:.2f} s\n"
    )


def _table(title: str, heading: tuple[str, ...], rows: list[tuple[str, ...]]) -> Table:
    return columns_table(heading, rows, words=heading[:1], title=title)
