"""aeromatchd on a directory and a port of its own, made from a configuration in Python and ready once it is there."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from tests.server.process import Server, serving

from aeromatch.server.config.sections import LimitsConfig

UNLIMITED = {name: 1_000_000 for name in LimitsConfig.__struct_fields__ if name.endswith(("_per_second", "_burst"))}
"""Of `limits`: nobody in a test is told to wait, unless that is the test."""


class Listening:
    """A server that is ready, and where it listens."""

    def __init__(self, server: Server, ports: Mapping[str, int]) -> None:
        self.server = server
        address = urlsplit(server.ready())
        assert address.hostname is not None
        assert address.port is not None
        self.url = server.address
        self.host, self.port = address.hostname, address.port
        self.doors = {"http": (self.host, self.port), **{door: (self.host, port) for door, port in ports.items()}}
        """Where each gateway listens; REST and WebSocket share "http"."""


@contextlib.contextmanager
def listening(directory: Path, config: Mapping[str, Any], doors: Iterable[str] = ()) -> Iterator[Listening]:
    """A server whose data is in `directory`/data; it is gone afterwards.

    `doors` are gateways beyond HTTP; each gets a port that is free now.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ports = {door: free_port() for door in doors}
    gateways = {door: {"enabled": True, "port": port} for door, port in ports.items()}
    file = directory / "config.yaml"
    server_section = {"data_dir": str(directory / "data"), "host": "127.0.0.1"}
    document = {**config, "server": server_section, "gateways": {**config.get("gateways", {}), **gateways}}
    file.write_text(yaml.safe_dump(document))
    with serving("--config", file) as server:
        yield Listening(server, ports)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port
