"""Session acceptance definitions, played against the session in a time of the test's own.

Those beside the project (AEROMATCH_SHARED) where they are there, and ours, which are of the same kind.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.gateways.fix.acceptance import Step, differences, message_types, read_definition, sent_bytes
from tests.gateways.fix.echo import SECOND_NS, EchoAcceptor, Line

from aeromatch.gateways.fix.codec import decode
from aeromatch.gateways.fix.message import ADMINISTRATIVE
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.store import FixStore

OURS = Path(__file__).parent / "fix" / "definitions"
ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("AEROMATCH_SHARED", ROOT.parent / "shared")) / "conformance" / "fix44"
PATIENCE_S = 60
TICKS_A_SECOND = 10


def wait(acceptor: EchoAcceptor, line: Line) -> None:
    """Let time pass until the server does something."""
    for _ in range(PATIENCE_S * TICKS_A_SECOND):
        if line.sent or line.ended is not None:
            return
        acceptor.advance(line, SECOND_NS // TICKS_A_SECOND)


def play(steps: list[Step], profile: Profile) -> None:
    store = FixStore(None)
    acceptor = EchoAcceptor(profile, store, ("TW", "TW44"))
    lines: dict[int, Line] = {}
    try:
        for step in steps:
            take(step, acceptor, lines)
        for line in lines.values():
            assert not line.sent, f"nobody expected {line.sent[0]!r}"
    finally:
        store.close()


def take(step: Step, acceptor: EchoAcceptor, lines: dict[int, Line]) -> None:
    where = f"line {step.line}"
    if step.kind == "connect":
        lines[step.connection] = acceptor.connect()
        return
    line = lines[step.connection]
    if step.kind == "send":
        acceptor.receive(line, sent_bytes(step.text, acceptor.now_ns))
    elif step.kind == "hang up":
        acceptor.hang_up(line)
    else:
        wait(acceptor, line)
        if step.kind == "expect end":
            assert not line.sent, f"{where}: {line.sent[0]!r} instead of the end"
            assert line.ended is not None, f"{where}: the connection does not end"
            return
        assert line.sent, f"{where}: nothing came: {line.ended}"
        frame = line.sent.popleft()
        decode(frame)
        assert differences(step.text, frame) == [], f"{where}: {frame!r}"


def definitions(folder: Path) -> list[pytest.ParameterSet]:
    return [pytest.param(path, id=path.stem) for path in sorted(folder.glob("*.def"))]


def session_only(path: Path) -> bool:
    return message_types(read_definition(path)) <= ADMINISTRATIVE | {"*"}


SHARED_DEFINITIONS = definitions(SHARED)


@pytest.mark.skipif(not SHARED_DEFINITIONS, reason="no definitions beside the project")
def test_there_are_definitions_of_the_session_alone() -> None:
    assert sum(session_only(path) for path in sorted(SHARED.glob("*.def"))) >= 26


@pytest.mark.parametrize("path", SHARED_DEFINITIONS)
def test_shared_definition(path: Path) -> None:
    play(read_definition(path), Profile(comp_id="ISLD", reset_on_logon=True))


@pytest.mark.parametrize("path", definitions(OURS))
def test_own_definition(path: Path) -> None:
    play(read_definition(path), Profile(comp_id="ISLD", reset_on_logon=path.stem.startswith("reset")))
