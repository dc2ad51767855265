"""Files beside the program, such as rules, dashboards and units, name only metrics and commands that there are."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from aeromatch.cli.main import cli
from aeromatch.cli.serve import serve
from aeromatch.server.observe.catalogue import BY_NAME, metrics_table, stages_table

ROOT = Path(__file__).resolve().parent.parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboard.json"
DOCUMENT = ROOT / "docs" / "observability.md"
METRIC = re.compile(r"\b((?:aeromatch|process)_[a-z0-9_]+)(?:\{([^}]*)\})?")
RECORDED = re.compile(r"\b(aeromatch:[a-z0-9_:]+)")
# Labels that Prometheus adds to whatever it reads.
ADDED = {"job", "instance", "le"}


def groups(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression stands, and the expression."""
    for file in ("rules.yml", "alerts.yml"):
        for group in groups(file):
            for rule in group["rules"]:
                yield rule.get("record") or rule["alert"], rule["expr"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_expressions_name_metrics_that_there_are(where: str, expression: str) -> None:
    recorded = {rule["record"] for group in groups("rules.yml") for rule in group["rules"]}
    assert set(RECORDED.findall(expression)) <= recorded, where
    named = METRIC.findall(expression)
    assert named or RECORDED.search(expression) or where == "AeroMatchDown"
    for name, matchers in named:
        metric = BY_NAME.get(name) or BY_NAME[re.sub(r"_(bucket|sum|count)$", "", name)]
        assert (metric.name != name) == (metric.kind == "histogram"), f"{where}: {name}"
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        assert used <= {*metric.labels, *ADDED}, f"{where}: {name}"


def test_every_alert_is_tried() -> None:
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
    fired = {it["alertname"] for test in tests for it in test.get("alert_rule_test", ()) if it["exp_alerts"]}
    assert fired == {rule["alert"] for group in groups("alerts.yml") for rule in group["rules"]}


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/aeromatch.yaml").read_text())[
        "datasources"
    ][0]
    assert {panel["datasource"]["uid"] for panel in panels if panel["type"] != "row"} == {source["uid"]}
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def starts() -> Iterator[tuple[str, list[str]]]:
    """Where a command line stands that starts the server, and the command line."""
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    entry, arguments = (
        json.loads(line.removeprefix(word))
        for word in ("ENTRYPOINT", "CMD")
        for line in image.splitlines()
        if line.startswith(word)
    )
    yield "Dockerfile", [*entry, *arguments]
    composed = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]["aeromatch"]
    yield "compose.yaml", [*entry, *composed["command"]]
    unit = re.search("^ExecStart=(.*)$", (ROOT / "deploy" / "aeromatchd.service").read_text(), re.MULTILINE)
    assert unit is not None
    path, *rest = shlex.split(unit[1])
    yield "aeromatchd.service", [Path(path).name, *rest]


@pytest.mark.parametrize(("where", "line"), list(starts()), ids=[where for where, _ in starts()])
def test_the_server_is_started_by_commands_that_there_are(where: str, line: list[str]) -> None:
    program, *arguments = line
    assert program in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"], where
    if program != "aeromatchd":
        _, command, arguments = cli.resolve_command(click.Context(cli), arguments)
        assert command is serve, where
    _, left, _ = serve.make_parser(click.Context(serve)).parse_args(arguments)
    assert left == [], where


def test_compose_mounts_what_there_is() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    mounted = [volume.split(":")[0] for service in services.values() for volume in service["volumes"]]
    assert [it for it in mounted if it.startswith(".") and not (ROOT / "deploy" / it).exists()] == []


def test_the_document_has_every_metric_and_stage() -> None:
    text = DOCUMENT.read_text()
    assert metrics_table() in text, f"docs/observability.md must have this table:\n{metrics_table()}"
    assert stages_table() in text, f"docs/observability.md must have this table:\n{stages_table()}"
