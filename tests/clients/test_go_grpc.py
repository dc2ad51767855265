"""A client in Go, generated from the proto alone, trades; and so does the program of docs/grpc.md."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.tools import program
from tests.gateways.grpc_client import GrpcVenue, play

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).with_name("go_grpc")
MODULE = "example.com/trader"
PLUGINS = ("google.golang.org/protobuf/cmd/protoc-gen-go", "google.golang.org/grpc/cmd/protoc-gen-go-grpc")
PROGRAM = re.findall(r"```go\n(.*?)```", (ROOT / "docs" / "grpc.md").read_text(), re.DOTALL)
LONGEST_S = 600


def run(directory: Path, *command: str | Path) -> str:
    """What a command prints; it must be able to do what it is there for."""
    environ = os.environ | {"GOFLAGS": "-mod=readonly"}
    done = subprocess.run(command, cwd=directory, env=environ, capture_output=True, text=True, timeout=LONGEST_S)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Go module with what protoc makes of the proto, and both programs, built."""
    go, directory = program("go"), tmp_path_factory.mktemp("go")
    for name in ("go.mod", "go.sum", "main.go"):
        shutil.copy(SOURCES / name, directory)
    for package in PLUGINS:
        run(directory, go, "build", "-o", directory / "plugins" / package.rpartition("/")[2], package)
    mapped = f"Maeromatch/v1/order.proto={MODULE}/aeromatch/v1"
    options = [
        option
        for plugin in ("go", "go-grpc")
        for option in (
            f"--plugin=protoc-gen-{plugin}={directory / 'plugins' / f'protoc-gen-{plugin}'}",
            f"--{plugin}_out={directory}",
            f"--{plugin}_opt=module={MODULE}",
            f"--{plugin}_opt={mapped}",
        )
    ]
    proto = f"--proto_path=aeromatch/v1={ROOT / 'api' / 'grpc'}"
    run(directory, sys.executable, "-m", "grpc_tools.protoc", proto, *options, "aeromatch/v1/order.proto")
    (code,) = PROGRAM
    (directory / "example").mkdir()
    (directory / "example" / "main.go").write_text(code)
    run(directory, go, "vet", ".", "./example", "./aeromatch/v1")
    run(directory, go, "build", "-o", directory / "bin" / "trader", ".")
    run(directory, go, "build", "-o", directory / "bin" / "example", "./example")
    return directory


def printed(module: Path, folder: Path, name: str) -> str:
    """What a program prints that trades with a server of its own."""
    said: list[str] = []

    async def test(venue: GrpcVenue) -> None:
        said.append(await asyncio.to_thread(run, module, module / "bin" / name, venue.address))

    play(folder, test)
    return said[0]


def test_a_client_that_knows_the_proto_alone_trades(module: Path, tmp_path: Path) -> None:
    done = json.loads(printed(module, tmp_path, "trader"))
    assert done["Resumed"] > 0
    assert done["Updates"] > 0
    # Both of the event's outcomes are instruments too; the first order is filled, the second one rests.
    assert {name: value for name, value in done.items() if name not in ("Resumed", "Updates")} == {
        "Instruments": 4,
        "Refused": "InvalidArgument",
        "Slug": "invalid_price",
        "Batch": 2,
        "Streamed": 500,
        "Filled": "500.000",
        "Canceled": 1,
        "Deadline": "DeadlineExceeded",
    }


def test_the_program_of_the_page_trades(module: Path, tmp_path: Path) -> None:
    entered, refused, *replies = printed(module, tmp_path, "example").splitlines()
    assert re.fullmatch(r"\d+ ORDER_STATUS_OPEN", entered)
    assert refused == "NotFound unknown_instrument"
    assert sorted(replies) == [f"{number} ORDER_STATUS_FILLED" for number in range(1, 4)]
