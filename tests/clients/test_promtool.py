"""Prometheus's own tool reads our metrics, its configuration and the rules, and tries the rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
from tests.clients.tools import program

PROMETHEUS = Path(__file__).resolve().parent.parent.parent / "deploy" / "prometheus"


def promtool(*arguments: str, text: str = "") -> str:
    """What it says; it must be content."""
    done = subprocess.run(
        [program("promtool"), *arguments], input=text, cwd=PROMETHEUS, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_metrics_follow_prometheus(server: str) -> None:
    text = httpx.get(f"{server}/metrics").text
    assert "aeromatch_trades_total" in text
    # It says what is not as it should be, and nothing else.
    assert promtool("check", "metrics", text=text) == ""


def test_the_configuration_is_valid() -> None:
    assert "2 rule files found" in promtool("check", "config", "prometheus.yml")


def test_the_rules_are_valid() -> None:
    said = promtool("check", "rules", "rules.yml", "alerts.yml")
    assert "FAILED" not in said
    assert said.count("SUCCESS") == 2


def test_the_rules_do_what_they_say() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")
