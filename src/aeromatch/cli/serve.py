"""`aeromatch serve`, and `aeromatchd`, which is the same: the exchange as a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from aeromatch.cli.console import examples

__all__ = ["CONFIG_FILE", "ConfigMisuse", "main", "needs_server", "serve"]

CONFIG_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class ConfigMisuse(click.ClickException):
    """A configuration that cannot be used: a restart will not help."""

    exit_code = 2


def needs_server(error: ImportError) -> click.ClickException:
    """What to say where the server's packages are not installed."""
    return click.ClickException(f"the server needs more packages: pip install 'aeromatch[server]' ({error})")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "aeromatch serve --config config.yaml",
        "aeromatch serve --demo",
        "aeromatchd --config=/etc/aeromatch/config.yaml",
    ),
)
@click.option("--config", "file", type=CONFIG_FILE, help="The configuration: `aeromatch config init` writes one.")
@click.option("--host", help="Address to listen on (server.host).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: any (server.port).")
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), help="Where data is kept (server.data_dir)."
)
def serve(file: Path | None, host: str | None, port: int | None, data_dir: Path | None) -> int:
    """Serve the exchange over HTTP and WebSocket until SIGTERM or Ctrl-C; a second one does not wait.

    The exchange is recovered from its data directory; /ready says when it may be used.
    """
    try:
        from aeromatch.server import daemon
        from aeromatch.server.config import ConfigError, load
        from aeromatch.server.logs import Logs
    except ImportError as error:
        raise needs_server(error) from error
    given = {
        "--host": (("server", "host"), host),
        "--port": (("server", "port"), port),
        "--data-dir": (("server", "data_dir"), None if data_dir is None else data_dir.absolute()),
    }
    options = {name: (path, value) for name, (path, value) in given.items() if value is not None}
    try:
        loaded = load(file, os.environ, options)
    except ConfigError as error:
        raise ConfigMisuse(str(error)) from error
    logs = Logs(loaded.config.logging)
    try:
        return daemon.run(loaded.config, loaded.base)
    finally:
        logs.close()


def main() -> None:
    """Run `aeromatchd`."""
    from aeromatch.cli.main import main as run_main

    sys.argv.insert(1, "serve")
    run_main()
