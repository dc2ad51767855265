"""aeromatchd on a directory and a port of its own, made from a configuration in Python and ready once it is there."""

from __future__ import annotations

import contextlib
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

    def __init__(self, server: Server, doors: Iterable[str] = ()) -> None:
        self.server = server
        address = urlsplit(server.ready())
        assert address.hostname is not None
        assert address.port is not None
        self.url = server.address
        self.host, self.port = address.hostname, address.port
        ready = next(line for line in server.lines if line["message"] == "ready")
        # Several are joined by commas; the first one is of TCP.
        ports = {door: int(ready[door].split(",")[0].rpartition(":")[2]) for door in doors}
        self.doors = {"http": (self.host, self.port), **{door: (self.host, port) for door, port in ports.items()}}
        """Where each gateway listens; REST and WebSocket share "http"."""


@contextlib.contextmanager
def listening(directory: Path, config: Mapping[str, Any], doors: Iterable[str] = ()) -> Iterator[Listening]:
    """A server whose data is in `directory`/data; it is gone afterwards.

    `doors` are gateways beyond HTTP; each listens on a port that the system chooses.
    """
    directory.mkdir(parents=True, exist_ok=True)
    gateways = {door: {"enabled": True, "port": 0} for door in doors}
    file = directory / "config.yaml"
    server_section = {"data_dir": str(directory / "data"), "host": "127.0.0.1"}
    document = {**config, "server": server_section, "gateways": {**config.get("gateways", {}), **gateways}}
    file.write_text(yaml.safe_dump(document))
    with serving("--config", file) as server:
        yield Listening(server, doors)
