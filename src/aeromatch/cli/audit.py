"""`aeromatch audit`: who did what, when, with which result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aeromatch.cli.console import examples
from aeromatch.cli.journal_arguments import DIRECTORY, Moment, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aeromatch.server.admission.audit import Note
    from aeromatch.server.admission.review import Entry


@click.command(
    epilog=examples(
        "aeromatch audit data/",
        "aeromatch audit data/ --key k0123456789ab --since 2026-01-05T09:30:00",
        "aeromatch audit data/ --actions --json | jq .action",
    )
)
@click.argument("directory", type=DIRECTORY)
@click.option("--key", help="Only what was done with this key.")
@click.option("--account", help="Only what was done for this account, or to it.")
@click.option("--tag", type=click.IntRange(1), help="Only this session's or action's, by its number.")
@click.option("--actions", is_flag=True, help="No orders: only what operators and the server itself did.")
@click.option("--since", type=Moment(), help="From this time on: nanoseconds, ISO 8601.")
@click.option("--until", type=Moment(), help="Up to this time.")
@click.option("--limit", type=click.IntRange(1), help="Only so many, the first ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def audit(
    directory: Path,
    key: str | None,
    account: str | None,
    tag: int | None,
    actions: bool,
    since: int | None,
    until: int | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Say who did what, command by command.

    Each command of the journal in DIRECTORY, the server's data directory, is shown with who is behind it. Actions that
    led to no command, or to one that is no longer in the journal, are there as well.

    What a command led to is found by replaying the journal. The server may be at work there. A command without anybody
    behind it came from the server itself. What is done for an instrument or an account of all shards stands once for
    each shard.
    """
    try:
        from aeromatch.server.admission.review import entries, origins_of
    except ImportError as error:
        raise click.ClickException(f"the audit needs {error.name}: pip install 'aeromatch[server]'") from error
    found = entries(
        directory,
        origins_of(directory),
        wanted=_wanted(key, tag, actions),
        since_ns=since or 0,
        until_ns=until,
    )
    for entry in _limited((entry for entry in found if account is None or _is_about(entry, account)), limit):
        click.echo(json.dumps(entry.as_dict(), default=str) if as_json else _line(entry))


def _wanted(key: str | None, tag: int | None, actions: bool) -> Callable[[Note], bool] | None:
    if key is None and tag is None and not actions:
        return None
    return lambda note: (
        (key is None or note.key == key)
        and (tag is None or note.number == tag)
        and (not actions or note.kind == "action")
    )


def _is_about(entry: Entry, account: str) -> bool:
    note = entry.note
    named = {entry.fields.get("account"), note and note.account, note and note.facts.get("account")}
    return account in named


def _limited(found: Iterator[Entry], limit: int | None) -> Iterator[Entry]:
    for number, entry in enumerate(found, 1):
        yield entry
        if number == limit:
            return


def _line(entry: Entry) -> str:
    who = entry.key or ("the server" if entry.tag == 0 or entry.action else "no key")
    if entry.tag and entry.note is None:
        who = f"nobody's number {entry.tag}"
    given = entry.fields if entry.kind or entry.note is None else entry.note.facts
    what = " ".join([entry.kind or "no command", *(f"{name}={value}" for name, value in given.items())])
    done = entry.result or ("as on shard 0" if entry.kind else "noted")
    if entry.events:
        done += " (" + ", ".join(f"{count} {kind}" for kind, count in entry.events.items()) + ")"
    why = f" [{entry.action}]" if entry.action else ""
    place = "-" if entry.shard is None else f"{entry.shard}/{entry.sequence}"
    return f"{moment(entry.time_ns)} {place:>10} {who} {entry.remote or '-'}{why} {what}: {done}"
