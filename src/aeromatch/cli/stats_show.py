"""`aeromatch stats show`: rows of statistics on the terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from aeromatch.cli.console import columns_table, examples, json_option, print_json, progress_option, stdout_console
from aeromatch.cli.journal_arguments import DIRECTORY
from aeromatch.cli.stats_arguments import chosen_options, open_store, update_store
from aeromatch.cli.stats_tables import PERCENTILES, TABLES, Choice, in_money, measured, rows_of, time_text
from aeromatch.market.periods import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aeromatch.stores import SqliteStatistics

WIDTH: Final = 150
REFRESH_S: Final = 1.0
COUNTS: Final = ("commands", "orders", "amends", "cancels", "rejects", "trades")
MONEY: Final = ("volume", "turnover", "open", "high", "low", "last")
SUMMARY: Final = ("count", "mean", "min", *PERCENTILES, "max")


@click.command(
    epilog=examples(
        "aeromatch stats show data/ --period 1h --each",
        "aeromatch stats show data/ --table reasons --since 2026-01-05T09:30:00",
        "aeromatch stats show data/ --period 1s --follow",
    )
)
@click.argument("directory", type=DIRECTORY)
@click.option("--table", type=click.Choice(TABLES), default=TABLES[0], show_default=True, help="What to show.")
@chosen_options
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="At most so many rows, the latest.")
@click.option("--follow", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@json_option
@progress_option
def show(
    directory: Path,
    table: str,
    last: int,
    follow: bool,
    as_json: bool,
    progress: bool | None,
    choice: Choice,
    **where: Any,
) -> None:
    """Show what was counted of DIRECTORY, the latest rows.

    Counts are by the time of the exchange, latencies by the clock on the wall. Of all instruments together there is no
    turnover and no price, and volume is in lots. Of one instrument there is the latency of matching only.
    """
    if follow and (as_json or not sys.stdout.isatty()):
        raise click.UsageError("--follow needs a terminal, and goes without --json")
    if choice.shard is not None and table != "latencies":
        raise click.UsageError("--shard chooses latencies: it goes with --table latencies")
    with open_store(directory, where["store"], read_only=not where["is_updated"]) as store:

        def look() -> tuple[int, list[dict[str, Any]]]:
            if where["is_updated"]:
                update_store(directory, store, False if follow else progress)
            try:
                return choice.period_of(store), _rows(store, table, choice, last)
            except ValueError as error:
                raise click.UsageError(str(error)) from error

        period_ms, rows = look()
        title = f"{directory}: {table} by {duration_text(period_ms)}"
        if as_json:
            print_json({"directory": str(directory), "table": table, "period": duration_text(period_ms), "rows": rows})
        elif follow:
            with Live(_drawn(title, period_ms, table, rows), auto_refresh=False) as live:
                while True:
                    time.sleep(REFRESH_S)
                    period_ms, rows = look()
                    live.update(_drawn(title, period_ms, table, rows), refresh=True)
        elif not rows:
            click.echo(f"{title}: nothing was counted there")
        else:
            console = stdout_console()
            console.width = max(console.width, WIDTH)
            console.print(_drawn(title, period_ms, table, rows))


def _rows(store: SqliteStatistics, table: str, choice: Choice, last: int) -> list[dict[str, Any]]:
    if table == "latencies":
        columns = measured(store, choice)
        rows = _as_rows(columns)[-last:]
    else:
        columns = rows_of(store, table, choice, last)
        rows = list(in_money(store, columns)) if table == "counts" else _as_rows(columns)
    return [{name: value for name, value in row.items() if name not in ("period_ms", "instrument")} for row in rows]


def _as_rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _drawn(title: str, period_ms: int, table: str, rows: Iterable[dict[str, Any]]) -> Group:
    words = {"counts": ("symbol",), "reasons": ("symbol", "kind", "reason"), "latencies": ("symbol", "measure")}[table]
    numbers = {"counts": (*COUNTS, *MONEY), "reasons": ("count",), "latencies": SUMMARY}[table]
    headings = ("from", *words, *(name.replace("p99_9", "p99.9") for name in numbers))
    drawn = columns_table(
        headings,
        (
            (
                time_text(row["start_ms"], period_ms),
                *(str(row[name]) for name in words),
                *(_number(row[name]) for name in numbers),
            )
            for row in rows
        ),
        words=("from", *words),
    )
    # No title of the table's own: that would be folded to the table's width.
    return Group(Text(title, style="bold", no_wrap=True), drawn)


def _number(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:,.1f}" if isinstance(value, float) else f"{value:,f}" if not isinstance(value, int) else f"{value:,}"
    )
