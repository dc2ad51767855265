"""`aeromatch serve`, and `aeromatchd`, which is the same: the exchange as a server."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aeromatch import __version__
from aeromatch.cli.console import NumberRange, examples

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_FILE", "ConfigMisuse", "main", "needs_server", "serve"]

DATA_DIR_VARIABLE = "AEROMATCH_SERVER__DATA_DIR"
CONFIG_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class ConfigMisuse(click.ClickException):
    """A configuration that cannot be used: a restart will not help."""

    exit_code = 2


def needs_server(error: ModuleNotFoundError) -> click.ClickException:
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
@click.option("--demo", is_flag=True, help="A market that trades by itself, to look at; its data is temporary.")
@click.option("--seconds", type=NumberRange(0, min_open=True), help="With --demo: stop after this (demo.seconds).")
@click.version_option(__version__, prog_name="aeromatch", message="%(prog)s %(version)s")
def serve(
    file: Path | None, host: str | None, port: int | None, data_dir: Path | None, demo: bool, seconds: float | None
) -> int:
    """Serve the exchange until SIGTERM or Ctrl-C.

    Over HTTP and WebSocket, and over gRPC, FIX and the binary protocol where the configuration says so. A second signal
    does not wait for what is under way.

    The exchange is recovered from its data directory; /ready says when it may be used.
    """
    if demo and file is not None:
        raise click.UsageError("--demo and --config: one of them; `demo.enabled` in the file has its traders, too")
    given: dict[str, tuple[tuple[str, ...], object]] = {
        "--host": (("server", "host"), host),
        "--port": (("server", "port"), port),
        "--data-dir": (("server", "data_dir"), None if data_dir is None else data_dir.absolute()),
        "--seconds": (("demo", "seconds"), seconds),
    }
    options = {name: (path, value) for name, (path, value) in given.items() if value is not None}
    if demo and port == 0:
        # Two demos side by side are not to meet at any port.
        options |= {f"--port ({name})": (("gateways", name, "port"), 0) for name in ("grpc", "fix", "binary")}
    with ExitStack() as stack:
        if demo and data_dir is None and DATA_DIR_VARIABLE not in os.environ:
            temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="aeromatch-demo-"))
            options["--demo"] = (("server", "data_dir"), temporary)
        return _serve(file, options, is_demo=demo)


def _serve(file: Path | None, options: dict[str, tuple[tuple[str, ...], object]], *, is_demo: bool) -> int:
    try:
        from aeromatch.server import daemon
        from aeromatch.server.config import ConfigError, load
        from aeromatch.server.demo import DEMO_CONFIG
        from aeromatch.server.logs import Logs
        from aeromatch.server.welcome import welcome
    except ModuleNotFoundError as error:
        raise needs_server(error) from error
    try:
        loaded = load(DEMO_CONFIG if is_demo else file, os.environ, options)
    except ConfigError as error:
        raise ConfigMisuse(str(error)) from error

    def greet(address: str, others: Mapping[str, str]) -> None:
        if loaded.config.demo.enabled:
            click.echo(welcome(address, others, loaded.config, loaded.data_dir))

    logs = Logs(loaded.config.logging)
    try:
        return daemon.run(loaded, logs, greet)
    finally:
        logs.close()


def main() -> None:
    """Run `aeromatchd`."""
    from aeromatch.cli.main import main as run_main

    sys.argv.insert(1, "serve")
    run_main()
