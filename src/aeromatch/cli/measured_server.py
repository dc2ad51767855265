"""What the benchmarks of a server share: the server, how durable it is, and what machine they run on."""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from aeromatch import __version__
from aeromatch.bench.server_rest import SYMBOL, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.decorators import FC

__all__ = ["durability_option", "machine", "running"]

STOP_S: Final = 30.0


def durability_option(default: str) -> Callable[[FC], FC]:
    """When the measured server answers an order."""
    return click.option(
        "--durability",
        type=click.Choice(["memory", "os", "disk"]),
        default=default,
        show_default=True,
        help="When an order is answered: exchange.durability of the server.",
    )


@contextmanager
def running(durability: str, interval_ms: int = 100, **gateways: dict[str, Any]) -> Iterator[Server]:
    """A server in a process of its own, until it is not needed any more; with these sections of `gateways`."""
    from aeromatch.server.measured import config_of

    with tempfile.TemporaryDirectory(prefix="aeromatch-bench-") as directory:
        file = config_of(Path(directory), SYMBOL, durability, interval_ms, **gateways)
        command = [sys.executable, "-m", "aeromatch.server.measured", str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline().strip()
                if not line:
                    raise click.ClickException("the server did not start; what it says stands above")
                others = json.loads(line)
                parts = urlsplit(others.pop("http"))
                yield Server(parts.hostname or "127.0.0.1", parts.port or 80, process.pid, others)
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def machine() -> str:
    """What was measured, and on what."""
    python, cores = platform.python_version(), os.cpu_count()
    return f"AeroMatch {__version__}, CPython {python}, {platform.machine()}, {cores} cores"
