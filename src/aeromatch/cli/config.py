"""`aeromatch config`: writes, checks, shows and describes the server's configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aeromatch.cli.console import OUT_FILE, examples, json_option, print_json
from aeromatch.cli.serve import CONFIG_FILE, ConfigMisuse, needs_server

if TYPE_CHECKING:
    from aeromatch.server.config import Loaded

STDOUT = Path("-")


@click.group(
    epilog=examples(
        "aeromatch config init config.yaml",
        "aeromatch config check config.yaml",
        "aeromatch config show config.yaml",
    )
)
def config() -> None:
    """Write, check and show the server's configuration."""


def load_checked(file: Path | None) -> Loaded:
    """Read a configuration with the environment's overrides; what is wrong with it ends the command.

    Raises:
        click.ClickException: Something is wrong with it, or the server's packages are missing.
    """
    try:
        from aeromatch.server.config import ConfigError, load
    except ModuleNotFoundError as error:
        raise needs_server(error) from error
    try:
        return load(file, os.environ)
    except ConfigError as error:
        raise ConfigMisuse(str(error)) from error


@config.command(epilog=examples("aeromatch config init config.yaml", "aeromatch config init - | less"))
@click.argument("file", type=OUT_FILE, default=Path("config.yaml"))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(file: Path, force: bool) -> None:
    """Write a configuration to FILE, with every value explained.

    `-` is stdout. Default: config.yaml.
    """
    try:
        from aeromatch.server.config.reference import as_template
    except ModuleNotFoundError as error:
        raise needs_server(error) from error
    if file == STDOUT:
        click.echo(as_template(), nl=False)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(as_template())
    except FileExistsError as error:
        raise click.ClickException(f"{file} is there already; --force writes over it") from error
    click.echo(f"{file}: written; `aeromatch serve --config {file}` starts the server with it")


@config.command(epilog=examples("aeromatch config check config.yaml"))
@click.argument("file", type=CONFIG_FILE, default=Path("config.yaml"))
def check(file: Path) -> None:
    """Look for mistakes in FILE: each is a line.

    The environment's overrides are looked at too. Default: config.yaml.
    """
    loaded = load_checked(file)
    config = loaded.config
    click.echo(
        f"{file}: good; {len(config.instruments)} instruments, {len(config.events)} events, "
        f"{len(config.accounts)} accounts; {config.server.host} port {config.server.port}, auth {config.auth.mode}"
    )


@config.command(epilog=examples("aeromatch config show config.yaml", "AEROMATCH_SERVER__PORT=80 aeromatch config show"))
@click.argument("file", type=CONFIG_FILE, required=False)
@json_option
def show(file: Path | None, as_json: bool) -> None:
    """Print every value in force, and where it comes from.

    From FILE, the environment or the default. Secrets are masked.
    """
    loaded = load_checked(file)
    from aeromatch.server.config.reference import effective

    rows = list(effective(loaded))
    if as_json:
        print_json({path: {"value": value, "source": source} for path, value, source in rows})
        return
    width = min(max(len(f"{path}: {value}") for path, value, _ in rows), 72)
    for path, value, source in rows:
        click.echo(f"{f'{path}: {value}':{width}}  # {source}")


@config.command(hidden=True)
def reference() -> None:
    """Print the page docs/configuration.md."""
    try:
        from aeromatch.server.config.reference import as_markdown
    except ModuleNotFoundError as error:
        raise needs_server(error) from error
    click.echo(as_markdown(), nl=False)
