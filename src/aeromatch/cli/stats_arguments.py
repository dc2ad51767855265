"""What the subcommands of `aeromatch stats` take alike: the file, periods, what to show."""

from __future__ import annotations

from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from aeromatch.analytics.statistics import catch_up, shard_directories
from aeromatch.cli.console import progress_bar
from aeromatch.cli.journal_arguments import Moment
from aeromatch.cli.stats_tables import Choice
from aeromatch.market.periods import duration_ms
from aeromatch.stores import SqliteStatistics, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Command = TypeVar("Command", bound=Callable[..., None])

FILE_NAME: Final = "statistics.sqlite"
"""Where the counts of a directory are kept, in it."""
PERMILLE: Final = 1_000


class Span(click.ParamType[int]):
    """A duration, in milliseconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        try:
            return duration_ms(value)
        except (TypeError, ValueError) as error:
            self.fail(str(error), param, ctx)


class Retained(click.ParamType[tuple[int, "int | None"]]):
    """A period and how long its rows are kept, in milliseconds."""

    name = "period=span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int | None]:
        """Read it."""
        period, found, span = str(value).partition("=")
        if not found:
            self.fail(f"{value!r} is not PERIOD=SPAN, as in 1s=1d or 1h=all", param, ctx)
        read = Span().convert
        return read(period, param, ctx), None if span == "all" else read(span, param, ctx)


store_option = click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File of the counts. Default: {FILE_NAME} in DIRECTORY.",
)
_OPTIONS: Final = (
    store_option,
    click.option("--period", "period_ms", type=Span(), help="Rows of this length. Default: 1min, else the longest."),
    click.option("--instrument", "symbols", multiple=True, metavar="SYMBOL", help="Of SYMBOL; may be given again."),
    click.option("--each", is_flag=True, help="Of every instrument. Default: of all together."),
    click.option("--shard", type=click.IntRange(0), help="Latencies of this shard. Default: of all together."),
    click.option("--since", "since_ns", type=Moment(), help="Periods that begin then or later: nanoseconds, ISO 8601."),
    click.option("--until", "until_ns", type=Moment(), help="Periods that begin earlier."),
    click.option("--update/--no-update", "is_updated", default=True, help="Count first what has come. Default: yes."),
)


def chosen_options(command: Command) -> Command:
    """Add the options that choose rows; the command gets them as `choice`, and `store` and `is_updated`."""

    @wraps(command)
    def with_choice(
        *,
        period_ms: int | None,
        symbols: tuple[str, ...],
        each: bool,
        shard: int | None,
        since_ns: int | None,
        until_ns: int | None,
        **others: Any,
    ) -> None:
        if symbols and each:
            raise click.UsageError("--instrument and --each: one of them")
        instruments = None if each else (symbols or (0,))
        command(choice=Choice(period_ms, instruments, shard, since_ns, until_ns), **others)

    decorated: Any = with_choice
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    chosen: Command = decorated
    return chosen


def open_store(
    directory: Path,
    store: Path | None,
    periods_ms: tuple[int, ...] = (),
    retention_ms: Mapping[int, int | None] | None = None,
    *,
    read_only: bool = False,
) -> SqliteStatistics:
    """Open the file of a directory's counts; make it where it is not there and more than reading is wanted.

    Raises:
        click.UsageError: Periods or retention make no sense.
        JournalError: There is no journal.
        StoreError: The file cannot be used.
    """
    # Before a file is made: it would stand in a folder that has nothing to count.
    shard_directories(directory)
    path = directory / FILE_NAME if store is None else store
    try:
        with _elsewhere(not read_only):
            return SqliteStatistics(
                path,
                periods=periods_ms or None,
                retention={str(period) + "ms": kept for period, kept in (retention_ms or {}).items()},
                read_only=read_only,
            )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def _elsewhere(is_wanted: bool) -> Iterator[None]:
    """Where counts cannot be written, say that they can be kept in another file."""
    try:
        yield
    except StoreError as error:
        if is_wanted and error.is_not_writable:
            raise StoreError(f"{error}; --store FILE counts into another file") from error
        raise


def update_store(directory: Path, store: SqliteStatistics, progress: bool | None) -> int:
    """Count what has come; gives the number of events."""
    # Beside the locks that a reader left there, a file opens that cannot be written.
    with _elsewhere(True), progress_bar(f"counting {directory}", PERMILLE, progress) as done:
        return catch_up(directory, store, lambda ready, ahead: done(PERMILLE * ready // max(ahead, 1)))
