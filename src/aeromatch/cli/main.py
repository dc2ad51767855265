"""The command `aeromatch`: what its subcommands are, and how it ends.

Exit codes: 0 done, 1 failed (a broken file, a threshold not reached), 2 misuse, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from io import StringIO, TextIOWrapper
from typing import Final

import click

from aeromatch import AeroMatchError, __version__
from aeromatch.cli.audit import audit
from aeromatch.cli.bench import bench
from aeromatch.cli.completion import completion
from aeromatch.cli.config import config
from aeromatch.cli.demo import demo
from aeromatch.cli.generate import generate
from aeromatch.cli.journal import journal
from aeromatch.cli.keys import keys
from aeromatch.cli.lab import lab_group
from aeromatch.cli.load import load
from aeromatch.cli.replay import replay
from aeromatch.cli.serve import serve
from aeromatch.cli.stats import stats
from aeromatch.cli.views import views

FAILED, INTERRUPTED = 1, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="aeromatch", message="%(prog)s %(version)s")
def cli() -> None:
    """AeroMatch: a limit-order-book exchange.

    Serve an exchange, replay recorded markets through the matching engine, generate lifelike ones, and measure how fast
    it is. Start with `aeromatch serve --demo`, a market to look at, or `aeromatch demo`, a replay.
    """


for command in (
    *(serve, config, keys, audit, demo, replay, generate, journal, stats, views, bench, load),
    *(lab_group, completion),
):
    cli.add_command(command)


EXTRAS: Final = (
    "google",
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "httptools",
    "httpx",
    "msgspec",
    "uvicorn",
    "uvloop",
    "websockets",
    "yaml",
)
"""Packages that only the server and its client need."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run() if _streams_are_usable() else FAILED)


def _streams_are_usable() -> bool:
    """Tell whether there is a stdout; what it or stderr cannot encode is shown as `?`, not as a traceback."""
    if sys.stderr is None:
        sys.stderr = StringIO()  # Closed by our caller: there is nobody to tell.
    if sys.stdout is None:
        click.echo("Error: stdout is closed", err=True)
        return False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    return True


def run() -> int:
    """Run the command line; every expected failure becomes one line on stderr and an exit code."""
    try:
        code = cli.main(prog_name="aeromatch", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone. Python would complain again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (AeroMatchError, OSError, MemoryError) as error:
        click.echo(f"Error: {describe(error)}", err=True)
        return FAILED
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        click.echo(f"Error: {error.name} is needed here: pip install 'aeromatch[server]'", err=True)
        return FAILED
    return code if isinstance(code, int) else 0


def describe(error: BaseException) -> str:
    """Put an error into one line without Python's decorations."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
