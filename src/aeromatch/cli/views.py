"""`aeromatch views`: candles, trades and orders that the server keeps, made anew or shown."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from aeromatch.cli.console import (
    columns_table,
    examples,
    json_option,
    print_json,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.journal_arguments import DIRECTORY

FILE_NAME: Final = "views.sqlite"
TABLES: Final = ("candles", "trades", "orders")
WORDS: Final = ("symbol", "side", "type", "status", "reason", "client_order_id")

Row = dict[str, Any]

file_option = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file, if it is not {FILE_NAME} in DIRECTORY: the configuration's `views.path`.",
)


@click.group(
    epilog=examples("aeromatch views rebuild data/", "aeromatch views show data/ candles --symbol BTC-USD --period 1m")
)
def views() -> None:
    """Show candles, trades and orders, or make them anew.

    The server keeps them in a SQLite file beside the exchange's journals (docs/views.md). Nothing in it is more than
    the journal says: it can always be made again.
    """


@views.command(
    short_help="Make the file of DIRECTORY anew from its journals.",
    epilog=examples("aeromatch views rebuild data/", "aeromatch views rebuild data/ --periods 1m,1h,1d"),
)
@click.argument("directory", type=DIRECTORY)
@file_option
@click.option(
    "--periods",
    default=None,
    help="Periods of candles, as in the configuration's `views.periods`: 1s,1m,1h. Default: those of the old file.",
)
@click.option("--keep-trades", type=click.IntRange(1), default=1_000_000, show_default=True, help="Of each instrument.")
@click.option("--keep-orders", type=click.IntRange(1), default=1_000_000, show_default=True, help="That have ended.")
@json_option
@progress_option
def rebuild(
    directory: Path,
    path: Path | None,
    periods: str | None,
    keep_trades: int,
    keep_orders: int,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Make the file of DIRECTORY anew from its journals, client order ids included.

    An old file stays until the new one is complete, and says which periods that has, unless --periods does. A file that
    a server is at work with cannot be made anew.
    """
    # The server's parts are needed for nothing else here.
    from aeromatch.server.views.rebuild import count_commands
    from aeromatch.server.views.rebuild import rebuild as fill
    from aeromatch.stores import SqliteViews

    target = path or directory / FILE_NAME
    if path is None and _is_in_use(directory):
        raise click.ClickException(f"{directory} is in use: stop the server first, or make another file with --file")
    fresh = target.with_name(f"{target.name}.new")
    _remove(fresh)
    wanted = _periods_of(target) if periods is None else [period.strip() for period in periods.split(",")]
    try:
        store = SqliteViews(fresh, periods=wanted, keep_trades=keep_trades, keep_orders=keep_orders)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with store, progress_bar("commands", count_commands(directory), progress) as said:
            commands = fill(directory, store, said)
        _remove(target)
        fresh.replace(target)
    finally:
        _remove(fresh)
    if as_json:
        print_json({"file": str(target), "commands": commands})
    else:
        click.echo(f"{target}: made from {commands:,} commands")


def _is_in_use(directory: Path) -> bool:
    """Whether an exchange is open there."""
    try:
        import fcntl

        for file in (*directory.glob("lock"), *directory.glob("shard-*/lock")):
            with file.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        # A system that cannot say.
        return False
    return False


def _periods_of(file: Path) -> Sequence[str | int] | None:
    """The periods that a file has; None: there is none, or it cannot be read."""
    from aeromatch.stores import SqliteViews, StoreError

    try:
        with SqliteViews(file, read_only=True) as store:
            return store.periods_ms
    except StoreError:
        return None


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


@views.command(
    epilog=examples(
        "aeromatch views show data/ candles --symbol BTC-USD --period 1m",
        "aeromatch views show data/ trades --symbol BTC-USD --last 1000 --csv > trades.csv",
        "aeromatch views show data/ orders --account 3 --json",
    )
)
@click.argument("directory", type=DIRECTORY)
@click.argument("table", type=click.Choice(TABLES))
@file_option
@click.option("--symbol", help="The instrument; orders need none.")
@click.option("--period", default="1m", show_default=True, help="Of candles.")
@click.option("--account", type=click.IntRange(0), help="Only orders of this account, by number.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="At most so many rows, the latest.")
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
@json_option
def show(
    directory: Path,
    table: str,
    path: Path | None,
    symbol: str | None,
    period: str,
    account: int | None,
    last: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what is kept of DIRECTORY, the latest rows.

    The server may be at work there. Candles are those of periods with trades. Orders are those that have ended, then
    those that live.
    """
    from aeromatch.cli.views_tables import rows_of
    from aeromatch.stores import SqliteViews

    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other")
    if symbol is None and table != "orders":
        raise click.UsageError(f"{table} are of an instrument: say --symbol")
    target = path or directory / FILE_NAME
    with SqliteViews(target, read_only=True) as store:
        try:
            rows = rows_of(store, table, symbol=symbol, period=period, account=account, last=last)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        print_json({"file": str(target), "table": table, "rows": rows})
    elif as_csv:
        _write_csv(rows)
    elif not rows:
        click.echo(f"{target}: no {table} there")
    else:
        _draw(f"{target}: {table}", rows)


def _write_csv(rows: list[Row]) -> None:
    writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)


def _draw(title: str, rows: list[Row]) -> None:
    texts = [["-" if value is None else str(value) for value in row.values()] for row in rows]
    columns = list(zip(rows[0], *texts, strict=True))
    console = stdout_console()
    # Columns are never cut: a narrower terminal wraps lines.
    console.width = max(console.width, len(title), sum(max(map(len, column)) + 2 for column in columns))
    console.print(title, style="bold", no_wrap=True)
    console.print(columns_table(tuple(rows[0]), texts, words=WORDS))
