"""The server's logs: lines for machines and for people, whose request they belong to, and what is never in them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aeromatch.gateways import context
from aeromatch.server.config.sections import LoggingConfig
from aeromatch.server.logs import QUEUE_LINES, Logs

log = logging.getLogger("aeromatch.test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.fixture
def logs(file: Path) -> Iterator[Logs]:
    made = Logs(LoggingConfig(file=str(file), format="json"))
    yield made
    made.close()


def lines(logs: Logs, file: Path) -> list[dict[str, Any]]:
    logs.close()
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_line_is_an_object(logs: Logs, file: Path) -> None:
    log.info("it is %s", "so", extra={"symbol": "BTC-USD", "made": ["a", "b"]})
    log.debug("not at this level")
    (line,) = lines(logs, file)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "aeromatch.test",
        "message": "it is so",
        "symbol": "BTC-USD",
        "made": ["a", "b"],
    }


def test_a_line_of_a_request_says_which(logs: Logs, file: Path) -> None:
    token = context.request_id.set("abc-1")
    session = context.session.set(7)
    log.info("first")
    context.request_id.reset(token)
    context.session.reset(session)
    log.info("second")
    first, second = lines(logs, file)
    assert (first["request_id"], first["session"]) == ("abc-1", 7)
    assert "request_id" not in second


def test_an_exception_is_a_field(logs: Logs, file: Path) -> None:
    try:
        raise ValueError("what was wrong")
    except ValueError:
        log.exception("failed")
    (line,) = lines(logs, file)
    assert "ValueError: what was wrong" in line["exception"]


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer ops.{secret}",
        "secret={secret}",
        '{{"signature": "{secret}"}}',
        "X-AeroMatch-Signature: {secret}",
        "password: {secret}",
    ],
)
def test_no_secret_is_written(logs: Logs, file: Path, text: str) -> None:
    secret = "plhk-RqwXTBErR55jmCNtVsDfrHT9tSx7S4ViAKvMks"
    said = text.format(secret=secret)
    log.info(said)
    log.info("a fact", extra={"header": said})
    try:
        raise ValueError(said)
    except ValueError:
        log.exception("failed")
    assert len(lines(logs, file)) == 3
    assert secret not in file.read_text()


def test_the_level_can_change(logs: Logs, file: Path) -> None:
    logs.apply(LoggingConfig(level="debug"))
    log.debug("now")
    logs.apply(LoggingConfig(level="error"))
    log.info("not any more")
    assert [line["message"] for line in lines(logs, file)] == ["now"]


def test_a_file_that_was_moved_away_is_made_anew(logs: Logs, file: Path) -> None:
    log.info("first")
    logs.close()
    again = Logs(LoggingConfig(file=str(file), format="json"))
    log.info("second")
    again.flush()
    file.rename(file.with_suffix(".1"))
    log.info("third")
    assert [line["message"] for line in lines(again, file)] == ["third"]
    assert len(file.with_suffix(".1").read_text().splitlines()) == 2


def test_whoever_logs_never_waits_and_lost_lines_are_counted(file: Path) -> None:
    logs = Logs(LoggingConfig(file=str(file), format="json"))
    # As if the disk had stopped.
    held = threading.Event()
    writer = logs._target
    writer.addFilter(lambda _record: held.wait())
    for number in range(QUEUE_LINES + 102):
        log.info("line %d", number)
    held.set()
    logs.flush()
    log.info("after")
    written = lines(logs, file)
    lost = written[-1]["lines_lost"]
    assert lost >= 100
    assert len(written) == QUEUE_LINES + 102 - lost + 1


def test_the_console_is_for_people(file: Path) -> None:
    logs = Logs(LoggingConfig(file=str(file), format="console"))
    log.warning("a phase changed", extra={"symbol": "BTC-USD"})
    logs.close()
    assert file.read_text().split(" ", 1)[1] == "warning a phase changed  symbol=BTC-USD\n"


def test_logging_is_given_back(file: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    Logs(LoggingConfig(file=str(file))).close()
    assert (root.level, list(root.handlers)) == before
