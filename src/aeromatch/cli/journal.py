"""`aeromatch journal`: what is in the directory of an exchange, whether it is sound, and what it was at any moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.table import Table

from aeromatch.cli.console import examples, json_option, print_json, print_table, stdout_console
from aeromatch.cli.journal_arguments import DIRECTORY, JOURNAL, moment, shards_of
from aeromatch.cli.journal_diff import diff
from aeromatch.cli.journal_export import export
from aeromatch.cli.journal_replay import replay
from aeromatch.replay.timeline import inspect_journal, verify_journal

if TYPE_CHECKING:
    from pathlib import Path

    from aeromatch.replay.timeline import Inspection, SegmentSummary, Verification


@click.group(
    epilog=examples(
        "aeromatch journal inspect data/",
        "aeromatch journal verify data/",
        "aeromatch journal replay data/ --sequence 1000",
    )
)
def journal() -> None:
    """Look into the directory that an exchange keeps its journal in.

    Nothing here locks or changes it: an exchange may be at work there.
    """


for command in (replay, diff, export):
    journal.add_command(command)


@journal.command(epilog=examples("aeromatch journal inspect data/ --json"))
@click.argument("directory", type=JOURNAL)
@json_option
def inspect(directory: Path, as_json: bool) -> None:
    """List the files of DIRECTORY, and how the journal ends.

    Segments with their commands and times, snapshots. Checksums are looked at, commands are not replayed: that does
    `verify`. Exit code 1 where a file is damaged; what stands before the damage is listed.
    """
    found = inspect_journal(directory)
    if as_json:
        print_json(found.as_dict())
    else:
        _print(directory, found)
    if found.damage is not None:
        raise found.damage


@journal.command(epilog=examples("aeromatch journal verify data/ && echo sound"))
@click.argument("directory", type=DIRECTORY)
@json_option
def verify(directory: Path, as_json: bool) -> None:
    """Replay all of DIRECTORY, and compare.

    Every checksum, the hash of the events at every frame, every digest.

    Of an exchange of several shards every shard's journal, one after the other; with --json that is one document by
    the shards' names.

    Exit code 1, with the file and the offset of a byte, where something is damaged, missing, or leads to other events
    than when it was written; also where there is no journal. A torn end is no damage: an exchange that opens the
    directory cuts it off.
    """
    shards = shards_of(directory)
    if as_json:
        found = {shard.name: verify_journal(shard).as_dict() for shard in shards}
        print_json(found if shards != [directory] else found[directory.name])
        return
    for shard in shards:
        _print_sound(shard, verify_journal(shard))


def _print_sound(directory: Path, found: Verification) -> None:
    start = "the empty exchange" if found.base_sequence is None else f"the snapshot after {found.base_sequence:,}"
    end = "closed, with the same digest" if found.is_closed else "not closed"
    if found.torn_bytes:
        end += f"; {found.torn_bytes:,} bytes of an unfinished end"
    rows = [
        ("commands", f"{found.commands:,} replayed from {start}, up to number {found.last_sequence:,}"),
        ("segments", f"{found.segments:,}: checksums and hashes of events agree"),
        ("snapshots", f"{found.snapshots:,} agree"),
        ("end", end),
        ("digest", found.digest),
        ("took", f"{found.seconds:.2f} s ({found.commands / max(found.seconds, 1e-9):,.0f} commands a second)"),
    ]
    print_table(f"{directory}: sound", rows)


def _print(directory: Path, found: Inspection) -> None:
    table = Table(title=str(directory), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for place, heading in enumerate(("segment", "commands", "", "frames", "used", "of bytes", "from", "to")):
        table.add_column(heading, justify="left" if place in (0, 6, 7) else "right", no_wrap=True)
    for segment in found.segments:
        table.add_row(*_segment_row(segment))
    console = stdout_console()
    console.width = max(console.width, 140)
    console.print(table)
    for snapshot in found.snapshots:
        click.echo(f"{snapshot.file}  after command {snapshot.sequence:,}, {snapshot.bytes:,} bytes, {snapshot.digest}")
    click.echo(found.end)


def _segment_row(segment: SegmentSummary) -> tuple[str, ...]:
    numbers = "-" if segment.commands == 0 else f"{segment.first_sequence:,} .. {segment.last_sequence:,}"
    return (
        segment.file,
        f"{segment.commands:,}",
        numbers,
        f"{segment.frames:,}",
        f"{segment.used_bytes:,}",
        f"{segment.bytes:,}",
        moment(segment.first_time_ns),
        moment(segment.last_time_ns),
    )
