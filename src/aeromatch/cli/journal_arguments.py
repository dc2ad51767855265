"""What the subcommands of `aeromatch journal` take and show alike: directories, moments, times."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from aeromatch.replay import Timeline

DIRECTORY: Final = click.Path(exists=True, file_okay=False, readable=True, path_type=Path)
NANOSECONDS: Final = 1_000_000_000
LONG_AGO_S, FAR_AHEAD_S = 10**8, 10**11
"""Seconds between which a time is shown as a date: from 1973 on; times of tests and simulations often start at 0."""


def shards_of(directory: Path) -> list[Path]:
    """The journals of an exchange's directory: one of each shard, or the directory itself."""
    return sorted(path for path in directory.glob("shard-[0-9]*") if path.is_dir()) or [directory]


class JournalDirectory(click.Path):
    """The directory of one journal: of an exchange of several shards, one shard's."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, readable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Look what it is."""
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path), "the class says which type is made"
        first = shards_of(path)[0]
        if first != path:
            self.fail(f"{path} has a journal for each shard; name one of them, such as {first}", param, ctx)
        return path


JOURNAL: Final = JournalDirectory()


class Moment(click.ParamType[int]):
    """A time: nanoseconds since the Unix epoch, or date and time as ISO 8601 writes them, UTC unless it says else."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        if value.isdigit():
            return int(value)
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither nanoseconds nor a date and time, as in 2026-01-05T09:30:00.5", param, ctx)
        aware = read.replace(tzinfo=UTC) if read.tzinfo is None else read
        since = aware - datetime.fromtimestamp(0, UTC)
        return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1_000


sequence_option = click.option(
    "--sequence", type=click.IntRange(0), help="The moment after this command. Default: the last one."
)
time_option = click.option(
    "--time", "time_ns", type=Moment(), help="The moment after the last command up to this time: nanoseconds, ISO 8601."
)


def seek(timeline: Timeline, sequence: int | None, time_ns: int | None) -> None:
    """Go where the options say.

    Raises:
        click.UsageError: Both were given, or there is no such moment.
    """
    if sequence is not None and time_ns is not None:
        raise click.UsageError("--sequence and --time: one of them")
    try:
        if time_ns is not None:
            timeline.seek(time=time_ns)
        else:
            timeline.seek(timeline.last if sequence is None else sequence)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def moment(time_ns: int | None) -> str:
    """Show a time as UTC, or as plain nanoseconds where it is hardly meant as a date."""
    if not time_ns:
        return "-"
    seconds, fraction = divmod(time_ns, NANOSECONDS)
    if not LONG_AGO_S <= seconds < FAR_AHEAD_S:
        return f"{time_ns:,} ns"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09}Z"
