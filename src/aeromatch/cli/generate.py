"""`aeromatch generate`: seeded sessions as files."""

from __future__ import annotations

import gzip
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aeromatch.cli.console import OUT_FILE, check_writable, examples, progress_bar, progress_option, seed_option
from aeromatch.replay.generate import FRAMINGS, TEMPERS, LobsterWriter, Mood, Session, write_itch, write_orders

if TYPE_CHECKING:
    from io import BufferedIOBase

MAX_STEPS = 10_000_000
MAX_LEVELS = 200
MAX_SYMBOLS = 99
SEEDS_APART = 1_000_003
"""Between the sessions of two symbols of one file."""

mood_option = click.option(
    "--mood",
    type=click.Choice([mood.value for mood in Mood]),
    default=Mood.CALM.value,
    show_default=True,
    help="; ".join(f"{mood}: {temper.about}" for mood, temper in TEMPERS.items()) + ".",
)
steps_option = click.option(
    "--steps", type=click.IntRange(1, MAX_STEPS), default=20_000, show_default=True, help="Actions of traders."
)
levels_option = click.option(
    "--levels",
    type=click.IntRange(1, MAX_LEVELS),
    default=10,
    show_default=True,
    help="Levels a side in the orderbook file.",
)


@click.group(
    epilog=examples(
        "aeromatch generate lobster message.csv --mood crash",
        "aeromatch generate itch day.itch.gz --symbols 5",
        "aeromatch generate orders orders.csv --seed 7",
    )
)
def generate() -> None:
    """Write a lifelike session, the same for the same seed."""


@generate.command()
@click.argument("messages", type=OUT_FILE)
@click.option(
    "--orderbook", type=OUT_FILE, help="Default: MESSAGES with `message` replaced by `orderbook` in its name."
)
@mood_option
@steps_option
@seed_option
@levels_option
@progress_option
def lobster(
    messages: Path, orderbook: Path | None, mood: str, steps: int, seed: int, levels: int, progress: bool | None
) -> None:
    """Write a LOBSTER session: MESSAGES and its orderbook file."""
    rows = orderbook or messages.with_name(messages.name.replace("message", "orderbook"))
    if rows == messages:
        raise click.UsageError("name the orderbook file with --orderbook, or put `message` into the name of MESSAGES")
    check_writable(messages)
    check_writable(rows)
    written = write_lobster(messages, rows, Session(Mood(mood), steps, seed), levels, progress)
    click.echo(f"{messages}: {written:,} messages\n{rows}: {written:,} rows of {levels} levels")


@generate.command()
@click.argument("file", type=OUT_FILE)
@mood_option
@steps_option
@seed_option
@progress_option
def orders(file: Path, mood: str, steps: int, seed: int, progress: bool | None) -> None:
    """Write an order FILE.

    It has every instruction of every trader, from an empty book on.
    """
    check_writable(file)
    with file.open("wb") as stream, progress_bar(f"generating {file.name}", steps, progress) as done:
        written = write_orders(Session(Mood(mood), steps, seed), stream, done)
    click.echo(f"{file}: {written:,} instructions")


@generate.command()
@click.argument("file", type=OUT_FILE)
@click.option(
    "--symbols",
    type=click.IntRange(1, MAX_SYMBOLS),
    default=3,
    show_default=True,
    help="How many symbols: AM01, AM02, ...",
)
@click.option(
    "--framing",
    type=click.Choice(FRAMINGS),
    default=FRAMINGS[0],
    show_default=True,
    help="What stands before each message: its length, two zero bytes, nothing.",
)
@mood_option
@steps_option
@seed_option
@progress_option
def itch(file: Path, symbols: int, framing: str, mood: str, steps: int, seed: int, progress: bool | None) -> None:
    """Write a TotalView-ITCH 5.0 FILE.

    It has a day of some symbols, with every type of message. Each symbol has a session of --steps actions. Where the
    name of FILE ends in .gz, it is compressed.
    """
    check_writable(file)
    sessions = {
        f"AM{place:02}": Session(Mood(mood), steps, seed + place * SEEDS_APART) for place in range(1, symbols + 1)
    }
    with ExitStack() as stack:
        stream: BufferedIOBase = stack.enter_context(file.open("wb"))
        if file.suffix == ".gz":
            # Without a name or time in it, so that the same seed gives the same bytes.
            stream = stack.enter_context(
                gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0)
            )
        done = stack.enter_context(progress_bar(f"generating {file.name}", steps * symbols, progress))
        written = write_itch(sessions, stream, seed=seed, framing=framing, progress=done)
    click.echo(f"{file}: {written:,} messages of {symbols} symbol{'' if symbols == 1 else 's'}")


def write_lobster(messages: Path, rows: Path, session: Session, levels: int, progress: bool | None) -> int:
    """Write both files under a progress bar; returns the number of messages."""
    with (
        messages.open("wb") as message_stream,
        rows.open("wb") as row_stream,
        progress_bar(f"generating {messages.name}", session.steps, progress) as done,
    ):
        return LobsterWriter(session, levels, message_stream, row_stream).run(done)
