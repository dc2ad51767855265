"""Session acceptance definitions against the server itself, over TCP: those of the session alone that need not wait."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from itertools import count
from pathlib import Path

import pytest
from tests.gateways.fix.acceptance import Step, differences, message_types, read_definition, sent_bytes
from tests.gateways.test_fix_orders import CONFIG, port_of
from tests.server.real_venue import real_venue

from aeromatch.gateways.fix.codec import Framer
from aeromatch.gateways.fix.message import ADMINISTRATIVE

OURS = Path(__file__).parent / "fix" / "definitions"
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("AEROMATCH_SHARED", ROOT.parent / "shared")) / "conformance" / "fix44"


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._framer = reader, writer, Framer()

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> bytes | None:
        """The next message; None: the connection has ended."""
        while (frame := self._framer.next()) is None:
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._framer.feed(data)
        return frame

    async def hang_up(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Player:
    """A definition whose client has a name of its own wherever the definition begins anew: nothing is reset here."""

    def __init__(self, port: int, names: count[int], *, goes_on: bool) -> None:
        self._port, self._names = port, names
        self._goes_on = goes_on
        self._name = f"{next(names):02}"
        self._clients: dict[int, Client] = {}
        self._live = 0

    async def play(self, steps: list[Step]) -> None:
        try:
            for step in steps:
                await self._take(step)
        finally:
            for client in self._clients.values():
                await client.hang_up()

    async def _take(self, step: Step) -> None:
        if step.kind == "connect":
            if not self._live and not self._goes_on:
                self._name = f"{next(self._names):02}"
            if step.connection in self._clients:
                await self._clients[step.connection].hang_up()
            self._clients[step.connection] = Client(*await asyncio.open_connection("127.0.0.1", self._port))
            self._live += 1
            return
        client = self._clients[step.connection]
        text = step.text.replace("=TW44", f"=TW{self._name}").replace("=TW\x01", f"={self._name}\x01")
        if step.kind == "send":
            client.send(sent_bytes(text, time.time_ns()))
        elif step.kind == "hang up":
            await client.hang_up()
            self._live -= 1
        else:
            frame = await client.receive()
            if step.kind == "expect end":
                assert frame is None, f"line {step.line}: {frame!r} instead of the end"
                self._live -= 1
            else:
                assert frame is not None, f"line {step.line}: the connection has ended"
                assert differences(text, frame) == [], f"line {step.line}: {frame!r}"


def is_quick(steps: list[Step]) -> bool:
    """Whether nothing is waited for: `test_fix_conformance` plays heartbeats in a time of its own."""
    return not any(
        step.kind == "expect"
        and ("\x0135=1\x01" in step.text or ("\x0135=0\x01" in step.text and "\x01112=" not in step.text))
        for step in steps
    )


def is_of_one_client(steps: list[Step]) -> bool:
    """Whether nobody logs on who is to be a stranger: without keys nobody is one."""
    logons = [step.text for step in steps if step.kind == "send" and "\x0135=A\x01" in step.text]
    return all("\x0149=TW\x01" in text or "\x0149=TW44\x01" in text for text in logons)


def chosen(folder: Path) -> list[Path]:
    definitions = {path: read_definition(path) for path in sorted(folder.glob("*.def"))}
    return [
        path
        for path, steps in definitions.items()
        if is_quick(steps) and is_of_one_client(steps) and message_types(steps) <= ADMINISTRATIVE
    ]


@pytest.mark.parametrize("folder", [pytest.param(SHARED, id="shared"), pytest.param(OURS, id="own")])
def test_definitions_over_tcp(tmp_path: Path, folder: Path) -> None:
    paths = chosen(folder)
    if not paths:
        pytest.skip("no definitions beside the project")

    async def main() -> list[str]:
        config = CONFIG.replace("port: 0", "port: 0, comp_id: ISLD")
        names = count(10)
        async with asyncio.timeout(120), real_venue(tmp_path, config) as venue:
            players = [Player(port_of(venue), names, goes_on=folder == OURS) for _ in paths]
            plays = [player.play(read_definition(path)) for player, path in zip(players, paths, strict=True)]
            outcomes = await asyncio.gather(*plays, return_exceptions=True)
            return [f"{path.stem}: {it!r}" for path, it in zip(paths, outcomes, strict=True) if it is not None]

    assert len(paths) >= 12
    assert asyncio.run(main()) == []
