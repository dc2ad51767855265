"""`aeromatch stats`: what was counted of an exchange's log, by period."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aeromatch.cli.console import examples, format_option, json_option, print_json, progress_option
from aeromatch.cli.journal_arguments import DIRECTORY
from aeromatch.cli.stats_arguments import Retained, Span, chosen_options, open_store, store_option, update_store
from aeromatch.cli.stats_show import show
from aeromatch.cli.stats_tables import TABLES, Choice, columns_of
from aeromatch.market.periods import duration_text
from aeromatch.replay.timeline.export import WRITERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aeromatch.replay.timeline.tables import Table


@click.group(
    epilog=examples(
        "aeromatch stats show data/",
        "aeromatch stats show data/ --period 1h --instrument BTC-USD",
        "aeromatch stats export data/ tables/ --period 1s --format csv",
    )
)
def stats() -> None:
    """Show what was counted of an exchange's log, by period.

    Orders, trades, volumes, rejections, latencies. Counts are kept in a file beside the journal. Each subcommand first
    counts what has come since the last time; the journal is not locked: an exchange may be at work there.
    """


stats.add_command(show)


@stats.command(
    epilog=examples(
        "aeromatch stats update data/",
        "aeromatch stats update data/ --store hourly.sqlite --period 1h --period 1d --retain 1h=90d",
    )
)
@click.argument("directory", type=DIRECTORY)
@store_option
@click.option(
    "--period",
    "periods_ms",
    type=Span(),
    multiple=True,
    help="Count by this; may be given again. Fixed when the file is made. Default: 1s, 1min, 1h, 1d.",
)
@click.option(
    "--retain",
    type=Retained(),
    multiple=True,
    metavar="PERIOD=SPAN",
    help="Keep rows of PERIOD for SPAN, or `all`; may be given again. Default of a new file: 1s=1d, 1min=30d, 1h=366d.",
)
@json_option
@progress_option
def update(
    directory: Path,
    store: Path | None,
    periods_ms: tuple[int, ...],
    retain: tuple[tuple[int, int | None], ...],
    as_json: bool,
    progress: bool | None,
) -> None:
    """Count what has come in DIRECTORY since the last time.

    DIRECTORY holds the journal of an exchange, or those of its shards.
    """
    with open_store(directory, store, periods_ms, dict(retain)) as statistics:
        events = update_store(directory, statistics, progress)
        file = statistics.path
        sequences = {shard: position[0] for shard, position in statistics.positions().items()}
        periods = {
            duration_text(period): None if kept is None else duration_text(kept)
            for period, kept in statistics.retention_ms.items()
        }
    if as_json:
        print_json({"file": str(file), "events": events, "sequences": sequences, "periods": periods})
        return
    click.echo(f"{file}: {events:,} events counted")
    for shard, sequence in sequences.items():
        click.echo(f"  shard {shard}: up to command {sequence:,}")
    for period, kept in periods.items():
        click.echo(f"  by {period}, kept {'for ever' if kept is None else f'for {kept}'}")


@stats.command(
    epilog=examples(
        "aeromatch stats export data/ tables/",
        "aeromatch stats export data/ tables/ --period 1s --instrument BTC-USD --format csv",
    )
)
@click.argument("directory", type=DIRECTORY)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@format_option(WRITERS)
@chosen_options
@json_option
@progress_option
def export(
    directory: Path, folder: Path, form: str, as_json: bool, progress: bool | None, choice: Choice, **where: Any
) -> None:
    """Write the rows of DIRECTORY's statistics into FOLDER.

    As the tables `counts`, `reasons` and `latencies`. Prices are in ticks, volumes in lots; docs/statistics.md explains
    the columns.
    """
    with open_store(directory, where["store"], read_only=not where["is_updated"]) as statistics:
        if where["is_updated"]:
            update_store(directory, statistics, progress)
        written = {}
        try:
            tables = {name: columns_of(statistics, name, choice) for name in TABLES}
            folder.mkdir(parents=True, exist_ok=True)
            for name, table in tables.items():
                written[f"{name}.{form}"] = _write(folder / f"{name}.{form}", form, table)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        except ImportError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        print_json({"folder": str(folder), "rows": written})
        return
    for file, rows in written.items():
        click.echo(f"{folder / file}: {rows:,} rows")


def _write(path: Path, form: str, table: Mapping[str, Any] | Table) -> int:
    writer = WRITERS[form](path)
    try:
        writer.write(table)
    finally:
        writer.close()
    return len(next(iter(table.values())))
