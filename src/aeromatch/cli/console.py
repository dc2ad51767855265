"""What the subcommands share: progress on stderr, JSON and tables on stdout, checks of outputs before long work."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from click.decorators import FC

IN_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
OUT_FILE = click.Path(dir_okay=False, path_type=Path)


class NumberRange(click.FloatRange):
    """A number within bounds; NaN, which no comparison refuses, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the number, or call it misuse."""
        number = super().convert(value, param, ctx)
        return number if number == number else self.fail(f"{value} is not a number.", param, ctx)


SHARE = NumberRange(0, 1)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on stdout instead of tables."
)
progress_option = click.option(
    "--progress/--no-progress",
    default=None,
    help="Show a progress bar on stderr, or none. Default: when stderr is a terminal.",
)
INDEXES: Final = ("ladder", "btree", "skiplist", "heap")
index_option = click.option(
    "--index",
    type=click.Choice(INDEXES),
    default="ladder",
    show_default=True,
    help="The engine's price index.",
)
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=1,
    show_default=True,
    help="The same seed gives the same bytes.",
)
directory_option = click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="Where journals are written, and so which disk is measured. Default: where temporary files go.",
)


def format_option(formats: Iterable[str]) -> Callable[[FC], FC]:
    """How tables are written; the first one is the default."""
    names = tuple(formats)
    return click.option(
        "--format",
        "form",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="Parquet needs pyarrow: pip install 'aeromatch[arrow]'.",
    )


@contextmanager
def progress_bar(text: str, total: int, wanted: bool | None) -> Iterator[Callable[[int], object]]:
    """Show a bar while the block runs; yields a function that takes how much is done of `total`."""
    shown = sys.stderr.isatty() if wanted is None else wanted
    if not shown:
        yield lambda _: None
        return
    console = Console(stderr=True, force_terminal=True if wanted else None)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=not wanted, expand=True) as progress:
        task = progress.add_task(text, total=max(total, 1))
        yield lambda done: progress.update(task, completed=done)


def examples(*lines: str) -> str:
    """Make the examples at the end of a command's help; the first character keeps click from joining the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, default=_plain))


def _plain(value: object) -> str:
    """Show what JSON has no type for; amounts without an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def print_table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values on stdout, two columns."""
    table = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    stdout_console().print(table)


def columns_table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], *, words: Container[str], title: str | None = None
) -> Table:
    """Columns of words, which stand left, and of figures, which stand right; none is cut."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if heading in words else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def stdout_console() -> Console:
    """Give a console on stdout that does not read brackets in file names as colours."""
    return Console(file=sys.stdout, markup=False, highlight=False, width=None if sys.stdout.isatty() else 110)


def check_writable(path: Path | None) -> None:
    """Fail before the work is done, not after it, when an output cannot be written.

    Raises:
        click.ClickException: The folder is missing or cannot be written to.
    """
    if path is None:
        return
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
        if path.exists():
            with path.open("ab"):
                pass
    except OSError as error:
        raise click.ClickException(f"cannot write {path}: {error.strerror}") from error


def check_plot(path: Path | None) -> None:
    """Fail early when a picture cannot be drawn or written.

    Raises:
        click.ClickException: matplotlib is missing, or the file cannot be written.
        click.UsageError: The name does not end in .png.
    """
    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise click.UsageError(f"--plot writes a PNG: {path} does not end in .png")
    if not has_matplotlib():
        raise click.ClickException("pictures need matplotlib: pip install 'aeromatch[plot]'")
    check_writable(path)


def has_matplotlib() -> bool:
    """Tell whether pictures can be drawn here."""
    try:
        import matplotlib.figure
    except ImportError:
        return False
    return matplotlib.figure.Figure is not None


def percent(ratio: float | None) -> str:
    """Show a share; as many digits as tell 1 from nearly 1."""
    if ratio is None:
        return "nothing to compare"
    text = f"{100 * ratio:.2f} %"
    if text == "100.00 %" and ratio < 1:
        return f"{100 * ratio:.6f} %"
    return "100 %" if ratio == 1 else text


def clock(time_ns: int) -> str:
    """Show the time of day of nanoseconds since midnight or since the epoch."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    minutes, second = divmod(seconds % 86_400, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}.{fraction // 1_000_000:03}"
