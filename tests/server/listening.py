"""aeromatchd on a directory and a port of its own, made from a configuration in Python and ready once it is there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
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

    def __init__(self, server: Server) -> None:
        self.server = server
        address = urlsplit(server.ready())
        assert address.hostname is not None
        assert address.port is not None
        self.host, self.port = address.hostname, address.port


@contextlib.contextmanager
def listening(directory: Path, config: Mapping[str, Any]) -> Iterator[Listening]:
    """A server whose data is in `directory`/data; it is gone afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "config.yaml"
    file.write_text(yaml.safe_dump({**config, "server": {"data_dir": str(directory / "data"), "host": "127.0.0.1"}}))
    with serving("--config", file) as server:
        yield Listening(server)
