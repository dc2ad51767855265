"""`aeromatch journal export`: commands and events as tables."""

from __future__ import annotations

from pathlib import Path

import click

from aeromatch.cli.console import examples, format_option, json_option, print_json, progress_bar, progress_option
from aeromatch.cli.journal_arguments import JOURNAL
from aeromatch.replay import Timeline
from aeromatch.replay.timeline import FORMATS, export_tables


@click.command(
    epilog=examples(
        "aeromatch journal export data/ tables/",
        "aeromatch journal export data/ tables/ --format csv --from 1000 --to 2000",
    )
)
@click.argument("directory", type=JOURNAL)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@format_option(FORMATS)
@click.option("--from", "start", type=click.IntRange(0), help="Only what comes after this command.")
@click.option("--to", "end", type=click.IntRange(0), help="Up to this command. Default: the last one.")
@json_option
@progress_option
def export(
    directory: Path,
    folder: Path,
    form: str,
    start: int | None,
    end: int | None,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Write the commands and events of DIRECTORY as tables.

    Two tables go into FOLDER: the commands, and the events that they lead to. Prices are in ticks and quantities in
    lots, accounts and instruments are numbers: docs/records.md explains the columns. More tables give names and sizes:
    `instruments`, `accounts`, `assets`, `groups` and `event_markets`.
    """
    timeline = Timeline(directory)
    try:
        timeline.seek(timeline.first if start is None else start)
        last = timeline.last if end is None else end
        if not timeline.sequence <= last <= timeline.last:
            raise ValueError(f"--to must be in {timeline.sequence} .. {timeline.last}, not {last}")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    first = timeline.sequence
    with progress_bar(f"exporting {directory}", last - first, progress) as done:
        try:
            written = export_tables(timeline, folder, form, last, lambda sequence: done(sequence - first))
        except ImportError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print_json({"folder": str(folder), "rows": written})
        return
    for name, rows in written.items():
        click.echo(f"{folder / name}: {rows:,} rows")
