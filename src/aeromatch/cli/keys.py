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
    from aeromatch.server.admission.keys import KeyRecord, KeyStore, NewKey

UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
MILLISECOND_NS: Final = 1_000_000


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
@click.option("--role", type=click.Choice(["read", "trade", "admin"]), required=True, help="What it may do.")
@click.option("--account", help="The account that it acts for. With `trade` it must have one.")
@click.option("--id", "key_id", help="Its id: letters, digits, - and _. Default: a random one.")
@click.option("--label", default="", help="For people: whose it is, what for.")
@click.option("--expires-in", type=Duration(), help="How long it is good, such as 90d. Default: until it is revoked.")
@click.option("--orders-per-second", type=click.IntRange(0), help="Its own limit; 0: none. Default: the server's.")
@click.option("--requests-per-second", type=click.IntRange(0), help="The same for all that is no order.")
@file_option
@json_option
def create(
    role: str,
    account: str | None,
    key_id: str | None,
    label: str,
    expires_in: int | None,
    orders_per_second: int | None,
    requests_per_second: int | None,
    path: Path,
    as_json: bool,
) -> None:
    """Make a key and show its secret: this once, nobody can show it again."""
    if role == "trade" and account is None:
        raise click.UsageError("--role trade needs --account: whose orders are they?")
    if key_id is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key_id):
        raise click.UsageError(f"--id: {key_id!r} is not 1 to 64 letters, digits, - and _")
    made = _store(path).create(
        role,  # type: ignore[arg-type]
        account,
        key_id=key_id,
        label=label,
        expires_ms=_now_ms() + expires_in if expires_in else 0,
        orders=_rate(orders_per_second),
        requests=_rate(requests_per_second),
    )
    _show_secret(made, path, as_json)
