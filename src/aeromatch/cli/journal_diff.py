"""`aeromatch journal diff`: where two journals part, or what changed between two moments of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from aeromatch.cli.console import examples, json_option, print_json
from aeromatch.cli.journal_arguments import JOURNAL
from aeromatch.replay import Timeline
from aeromatch.replay.timeline import compare, first_difference

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    epilog=examples("aeromatch journal diff data/ backup/", "aeromatch journal diff data/ --from 1000 --to 1200")
)
@click.argument("left", type=JOURNAL)
@click.argument("right", type=JOURNAL, required=False)
@click.option("--from", "start", type=click.IntRange(0), help="With one directory: the moment after this command.")
@click.option(
    "--to", "end", type=click.IntRange(0), help="With one directory: the other moment. Default: the last one."
)
@json_option
def diff(left: Path, right: Path | None, start: int | None, end: int | None, as_json: bool) -> None:
    """Compare two directories, or two moments of one.

    The first command that differs is shown, then the states at their ends. With LEFT alone, compare two of its moments.
    Exit code 0 also where they differ: the output says how.
    """
    ours = Timeline(left)
    if right is None:
        if start is None:
            raise click.UsageError("one directory needs --from: the moment to start from")
        _seek(ours, start)
        before = ours.fork()
        _seek(ours, ours.last if end is None else end)
        comparison = compare(before, ours)
        if as_json:
            print_json({"left": start, "right": ours.sequence, **comparison.as_dict()})
        else:
            click.echo(f"after command {start:,} | after command {ours.sequence:,}\n{comparison}")
        return
    if start is not None or end is not None:
        raise click.UsageError("--from and --to are for one directory")
    theirs = Timeline(right)
    parting = first_difference(ours, theirs)
    comparison = compare(ours.seek(ours.last), theirs.seek(theirs.last))
    if as_json:
        print_json({"first_difference": None if parting is None else parting.as_dict(), **comparison.as_dict()})
        return
    if parting is None:
        click.echo(f"the same {ours.sequence:,} commands")
    else:
        click.echo(f"{parting}\n\nat the ends, after command {ours.sequence:,} | {theirs.sequence:,}:")
    click.echo(str(comparison))


def _seek(timeline: Timeline, sequence: int) -> None:
    try:
        timeline.seek(sequence)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
