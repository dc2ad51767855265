"""A real Prometheus scrapes the server, with the configuration of deploy/, and computes the rules."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.clients.tools import program

PROMETHEUS = Path(__file__).resolve().parent.parent.parent / "deploy" / "prometheus"
WAIT_S = 60


@pytest.fixture
def prometheus(server: str, tmp_path: Path) -> Iterator[str]:
    """Its address; of the configuration only the target's port is another."""
    for file in ("rules.yml", "alerts.yml"):
        shutil.copy(PROMETHEUS / file, tmp_path)
    text = (PROMETHEUS / "prometheus.yml").read_text()
    text = text.replace("127.0.0.1:8080", server.removeprefix("http://")).replace("interval: 5s", "interval: 1s")
    (tmp_path / "prometheus.yml").write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = subprocess.Popen(
        [program("prometheus"), *options, f"--web.listen-address={address}", "--log.level=warn"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def ask(prometheus: str, query: str) -> list[dict[str, str]]:
    """What it answers to a query by now: labels, and `value`."""
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query})
        if answer.status_code == 200:
            return [it["metric"] | {"value": it["value"][1]} for it in answer.json()["data"]["result"]]
    return []


def wait_for(prometheus: str, query: str) -> list[dict[str, str]]:
    """What it answers as soon as it has an answer."""
    deadline = time.monotonic() + WAIT_S
    while not (found := ask(prometheus, query)):
        assert time.monotonic() < deadline, f"no answer to {query}"
        time.sleep(0.2)
    return found


def test_a_scrape_has_what_the_rules_need(prometheus: str) -> None:
    assert float(wait_for(prometheus, "aeromatch:orders:rate1m{result='accepted'} > 0")[0]["value"]) > 0
    stages = wait_for(prometheus, "aeromatch:stage_duration_seconds:p99_1m{stage='match'} > 0")
    assert stages[0]["stage"] == "match"
    assert ask(prometheus, "up{job='aeromatch'}")[0]["value"] == "1"
    assert ask(prometheus, "ALERTS{alertname='AeroMatchDown'}") == []
