"""`aeromatch demo`: a whole replay in one command."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from aeromatch.analytics import Tape
from aeromatch.cli.book_view import book_view
from aeromatch.cli.console import (
    IN_FILE,
    OUT_FILE,
    check_plot,
    examples,
    has_matplotlib,
    print_table,
    progress_option,
    seed_option,
    stdout_console,
)
from aeromatch.cli.generate import mood_option, steps_option, write_lobster
from aeromatch.cli.replay import draw_lobster, draw_orders, lobster_rows, orders_rows, run_lobster, run_orders
from aeromatch.replay import orderbook_beside
from aeromatch.replay.generate import Mood, Session
from aeromatch.replay.lobster_replay import TICK_SIZE

LEVELS = 10
SNIFFED_BYTES = 4_096
PICTURE = Path("aeromatch-demo.png")


@click.command(epilog=examples("aeromatch demo", "aeromatch demo --mood crash --plot crash.png"))
@click.argument("path", type=IN_FILE, required=False)
@mood_option
@steps_option
@seed_option
@click.option("--plot", type=OUT_FILE, default=PICTURE, show_default=True, help="Where the picture goes (PNG).")
@progress_option
def demo(path: Path | None, mood: str, steps: int, seed: int, plot: Path, progress: bool | None) -> None:
    """Replay a session, generated or recorded, and draw it.

    PATH is a LOBSTER message file (its orderbook file is looked for beside it) or an order file. Without PATH a session
    is generated: --mood, --steps and --seed say which. The replay ends with a summary, the book as it stands then, and
    a picture.
    """
    picture = plot if plot != PICTURE or has_matplotlib() else None
    check_plot(picture)
    if path is not None:
        _replay(path, picture, progress)
        return
    with tempfile.TemporaryDirectory(prefix="aeromatch-demo-") as folder:
        messages = Path(folder) / f"{mood}_seed-{seed}_message_{LEVELS}.csv"
        rows = Path(folder) / f"{mood}_seed-{seed}_orderbook_{LEVELS}.csv"
        write_lobster(messages, rows, Session(Mood(mood), steps, seed), LEVELS, progress)
        _replay(messages, picture, progress)


def _replay(path: Path, picture: Path | None, progress: bool | None) -> None:
    """Replay a recording of either kind and show everything."""
    tape = Tape()
    if _is_order_file(path):
        orders = run_orders(path, tape, tick_size=TICK_SIZE, index="ladder", strict=False, progress=progress)
        book, rows = orders.book, orders_rows(orders)
        if picture is not None:
            draw_orders(path, tape, orders, picture, tick_size=float(TICK_SIZE))
    else:
        orderbook = orderbook_beside(path)
        if orderbook is None:
            raise click.ClickException(
                f"no orderbook file beside {path.name}: use aeromatch replay lobster {path} --orderbook BOOK.csv"
            )
        lobster = run_lobster(path, orderbook, tape, index="ladder", strict=False, progress=progress)
        book, rows = lobster.book, lobster_rows(lobster)
        if picture is not None:
            draw_lobster(path, tape, lobster, picture)
    print_table(path.name, [*rows, ("picture", str(picture) if picture else "none: pip install 'aeromatch[plot]'")])
    if book is not None:
        click.echo()
        stdout_console().print(book_view(book))


def _is_order_file(path: Path) -> bool:
    """Tell an order file from a LOBSTER one by its separator."""
    with path.open("rb") as stream:
        beginning = stream.read(SNIFFED_BYTES)
    return beginning.count(b";") > beginning.count(b",")
