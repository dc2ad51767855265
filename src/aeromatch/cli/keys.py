"""`aeromatch keys`: who may come in."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from aeromatch.cli.console import examples, json_option, print_json, print_table, stdout_console
from aeromatch.cli.journal_arguments import moment

if TYPE_CHECKING:
    from aeromatch.server.admission.keys import KeyRecord, KeyStore, NewKey, Role
    from aeromatch.server.admission.options import Rate

UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
MILLISECOND_NS: Final = 1_000_000
ROLES: Final = ("read", "trade", "admin")
RATE: Final = click.IntRange(0, 1_000_000)


class Duration(click.ParamType[int]):
    """How long something lasts, in milliseconds, read as a number and a unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"([0-9]{1,6})([smhdw])", value)
        if match is None:
            self.fail(f"{value!r} is not a number with s, m, h, d or w behind it, such as 90d", param, ctx)
        return int(match[1]) * UNITS_MS[match[2]]


file_option = click.option(
    "--keys-file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    default="keys.yaml",
    show_default=True,
    envvar="AEROMATCH_AUTH__KEYS_FILE",
    show_envvar=True,
    help="The file of keys, as in the configuration's `auth.keys_file`.",
)


@click.group(
    epilog=examples(
        "aeromatch keys create --role trade --account alice --label 'market maker'",
        "aeromatch keys list",
        "aeromatch keys rotate k0123456789ab --overlap 1h",
    )
)
def keys() -> None:
    """Make, list, replace and revoke keys of the server.

    A key has an id, which is no secret, and a secret, which is shown once: the file has only its hash. Each role has
    what those before it have: read, trade, admin. The server reads the file at its start and on SIGHUP.
    """


@keys.command(
    epilog=examples(
        "aeromatch keys create --role trade --account alice",
        "aeromatch keys create --role admin --label operator --expires-in 90d --json",
    )
)
@click.option("--role", type=click.Choice(ROLES), required=True, help="What it may do.")
@click.option("--account", help="The account that it acts for. With `trade` it must have one.")
@click.option("--id", "key_id", help="Its id: letters, digits, - and _. Default: a random one.")
@click.option("--label", default="", help="For people: whose it is, what for.")
@click.option("--expires-in", type=Duration(), help="How long it is good, such as 90d. Default: until it is revoked.")
@click.option("--orders-per-second", type=RATE, help="Its own limit of orders; 0: none. Default: the server's.")
@click.option("--requests-per-second", type=RATE, help="The same for all that is no order.")
@file_option
@json_option
def create(
    role: Role,
    account: str | None,
    key_id: str | None,
    label: str,
    expires_in: int | None,
    orders_per_second: int | None,
    requests_per_second: int | None,
    path: Path,
    as_json: bool,
) -> None:
    """Make a key and show its secret, this once.

    Nobody can show it again.
    """
    if role == "trade" and account is None:
        raise click.UsageError("--role trade needs --account: whose orders are they?")
    if key_id is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key_id):
        raise click.UsageError(f"--id: {key_id!r} is not 1 to 64 letters, digits, - and _")
    made = _store(path).create(
        role,
        account,
        key_id=key_id,
        label=label,
        expires_ms=_now_ms() + expires_in if expires_in else 0,
        orders=_rate(orders_per_second),
        requests=_rate(requests_per_second),
    )
    _show_secret(made, path, as_json)


@keys.command(name="list", epilog=examples("aeromatch keys list --json"))
@file_option
@json_option
def list_keys(path: Path, as_json: bool) -> None:
    """List all keys, without what proves them."""
    records = _store(path).load()
    if as_json:
        print_json({"keys": [_facts(record) for record in records]})
        return
    table = Table(title=str(path), title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for heading in ("id", "role", "account", "state", "expires", "label"):
        table.add_column(heading, no_wrap=heading != "label")
    for record in records:
        state, expires = record.state(_now_ms()), _moment(record.expires_ms)
        table.add_row(record.id, record.role, record.account or "-", state, expires, record.label)
    stdout_console().print(table)


@keys.command(epilog=examples("aeromatch keys show k0123456789ab"))
@click.argument("key_id")
@file_option
@json_option
def show(key_id: str, path: Path, as_json: bool) -> None:
    """Show one key, without what proves it."""
    record = _store(path).find(key_id)
    if as_json:
        print_json(_facts(record))
        return
    rows = [(name.replace("_", " "), "-" if value in (None, "") else str(value)) for name, value in _words(record)]
    print_table(record.id, rows)


@keys.command(epilog=examples("aeromatch keys revoke k0123456789ab"))
@click.argument("key_id")
@file_option
def revoke(key_id: str, path: Path) -> None:
    """Remove a key. A server that runs goes on with it until it reads the file again: send it SIGHUP."""
    record = _store(path).revoke(key_id)
    click.echo(f"{record.id} is revoked; a running server reads {path} on SIGHUP")


@keys.command(epilog=examples("aeromatch keys rotate k0123456789ab --overlap 1h"))
@click.argument("key_id")
@click.option("--overlap", type=Duration(), help="How long the old secret stays good. Default: not at all.")
@file_option
@json_option
def rotate(key_id: str, overlap: int | None, path: Path, as_json: bool) -> None:
    """Give a key another secret, and show it this once."""
    _show_secret(_store(path).rotate(key_id, overlap_ms=overlap or 0), path, as_json)


def _store(path: Path) -> KeyStore:
    try:
        from aeromatch.server.admission.keys import KeyStore
    except ImportError as error:
        raise click.ClickException(f"keys need {error.name}: pip install 'aeromatch[server]'") from error
    return KeyStore(path)


def _now_ms() -> int:
    return time.time_ns() // MILLISECOND_NS


def _rate(per_second: int | None) -> Rate | None:
    from aeromatch.server.admission.options import Rate

    # Twice as many at once: two seconds' worth.
    return None if per_second is None else Rate(per_second, 2 * per_second)


def _moment(time_ms: int) -> str:
    return moment(time_ms * MILLISECOND_NS) if time_ms else "never"


def _facts(record: KeyRecord) -> dict[str, Any]:
    """What may be shown of a key."""
    return {
        "id": record.id,
        "role": record.role,
        "account": record.account,
        "label": record.label,
        "state": record.state(_now_ms()),
        "created_ms": record.created_ms,
        "expires_ms": record.expires_ms or None,
        "orders": record.orders,
        "requests": record.requests,
        "secrets": len(record.secrets),
    }


def _words(record: KeyRecord) -> list[tuple[str, object]]:
    def limit(rate: tuple[int, int] | None) -> str:
        if rate is None:
            return "the server's"
        return f"{rate[0]} a second, {rate[1]} at once" if rate[0] else "none"

    return [
        ("role", record.role),
        ("account", record.account),
        ("label", record.label),
        ("state", record.state(_now_ms())),
        ("created", _moment(record.created_ms)),
        ("expires", _moment(record.expires_ms)),
        ("limit of orders", limit(record.orders)),
        ("limit of requests", limit(record.requests)),
    ]


def _show_secret(made: NewKey, path: Path, as_json: bool) -> None:
    if as_json:
        print_json({**_facts(made.record), "secret": made.secret, "token": made.token})
        return
    print_table(
        f"{made.record.id}: this is the only time that the secret is shown",
        [
            ("key", made.record.id),
            ("secret", made.secret),
            ("bearer token", made.token),
            ("role", made.record.role),
            ("account", made.record.account or "-"),
            ("expires", _moment(made.record.expires_ms)),
        ],
    )
    click.echo(f"Written to {path}, which has its hash. A running server reads it on SIGHUP.")
