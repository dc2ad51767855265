"""A good client trades through each gateway while others send garbage: `python -m tests.server.flood --seconds 5`.

The server, the garbage and the good clients are processes of their own. A good client sends an order every few
milliseconds on one connection; what it was told is compared with the journal afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.crash.kill_server import read
from tests.server.garbage import door_of, kinds_of
from tests.server.listening import UNLIMITED, Listening, listening

from aeromatch._core import Histogram
from aeromatch.bench.gateways import GATEWAYS, PORTS, Target, open_connection
from aeromatch.bench.load_flow import Command

ROOT: Final = Path(__file__).resolve().parent.parent.parent
EVERY_S: Final = 0.01
UNHURRIED: Final = 1_000_000
CONFIG: Final[dict[str, Any]] = {
    "exchange": {"durability": "os", "segment_bytes": 1 << 22, "shards": {"count": 2}},
    "instruments": [{"symbol": "AAA"}],
    "accounts": [{"name": gateway} for gateway in GATEWAYS],
    "auth": {"mode": "off"},
    "limits": UNLIMITED,
    "gateways": {"websocket": {"messages_per_s": UNHURRIED, "burst_messages": UNHURRIED}},
}
IN_PIECES: Final = {"fix"}
"""Gateways that tell of an order's trades one by one: some come after its first report."""


@dataclass
class Outcome:
    """What became of a good client's orders."""

    sent: int = 0
    accepted: dict[int, int] = field(default_factory=dict)
    """Trades by order."""
    refused: list[str] = field(default_factory=list)
    latency_ns: Histogram = field(default_factory=Histogram)


@dataclass
class Run:
    """Good clients beside some garbage."""

    title: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By gateway."""
    garbage: Counter[str] = field(default_factory=Counter)


async def trade(server: Listening, gateway: str, title: str, seconds: float) -> Outcome:
    """Sends orders at a steady pace; a latency is from when an order was due, so that no wait is left out."""
    outcome = Outcome()
    host, port = server.doors.get(gateway, server.doors["http"])
    target = Target(gateway, server.url, f"{host}:{port}", session=f"GOOD-{gateway}", account=gateway)
    connection = await open_connection(target)
    try:
        ends, due = time.monotonic() + seconds, time.perf_counter()
        while time.monotonic() < ends:
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            outcome.sent += 1
            order = {
                "symbol": "AAA",
                "side": "buy" if outcome.sent % 2 else "sell",
                "quantity": "1",
                "price": str(100 + outcome.sent % 3),
                "account": gateway,
                "client_order_id": f"{title}-{outcome.sent}",
            }
            answer = await connection.ask(Command("new", "", json.dumps(order).encode(), 1))
            outcome.latency_ns.record(int((time.perf_counter() - due) * 1e9))
            if answer.status < 300:
                outcome.accepted[int(answer.order_id())] = answer.trades()
            else:
                outcome.refused.append(f"{gateway}: {answer.status} {answer.slugs()}")
    finally:
        connection.close()
    return outcome


async def _trade_everywhere(server: Listening, title: str, seconds: float) -> dict[str, Outcome]:
    async with asyncio.TaskGroup() as group:
        clients = {it: group.create_task(trade(server, it, title, seconds)) for it in GATEWAYS}
    return {gateway: client.result() for gateway, client in clients.items()}


@contextlib.contextmanager
def flooding(server: Listening, kinds: list[str], run: Run) -> Any:
    """Garbage of these kinds, meanwhile."""
    if not kinds:
        yield
        return
    command = [sys.executable, "-m", "tests.server.garbage", json.dumps(server.doors), *kinds]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
        said, _ = process.communicate(timeout=60)
        run.garbage.update(json.loads(said))
    finally:
        process.kill()
        process.communicate()


def measure(server: Listening, title: str, kinds: list[str], seconds: float) -> Run:
    """Let the good clients trade beside garbage of these kinds."""
    run = Run(title)
    with flooding(server, kinds, run):
        run.outcomes = asyncio.run(_trade_everywhere(server, title, seconds))
    return run


def lost(runs: list[Run], directory: Path) -> list[str]:
    """What the good clients were told that the journal does not have, or has otherwise; the server has ended."""
    journal = read(directory / "data", directory / "copy")
    problems, told = [], 0
    for run in runs:
        for gateway, outcome in run.outcomes.items():
            where = f"{run.title}, {gateway}"
            problems += outcome.refused
            told += len(outcome.accepted)
            if len(outcome.accepted) != outcome.sent:
                problems.append(f"{where}: {outcome.sent} sent, {len(outcome.accepted)} accepted")
            for order, trades in outcome.accepted.items():
                there = journal.takers.get(order, 0)
                if journal.accepted.get(order) != journal.accounts[gateway]:
                    problems.append(f"{where}: order {order} is not there")
                elif there != trades and not (gateway in IN_PIECES and trades < there):
                    problems.append(f"{where}: order {order} has {there} trades, and {trades} were told")
    if len(journal.accepted) != told:
        problems.append(f"{told} orders were accepted, and {len(journal.accepted)} are there")
    return problems


def _row(run: Run, seconds: float) -> str:
    sent = sum(outcome.sent for outcome in run.outcomes.values())
    missing = sent - sum(len(outcome.accepted) for outcome in run.outcomes.values())
    times = (
        f"{outcome.latency_ns.percentile(50) / 1e6:9.2f}{outcome.latency_ns.percentile(99) / 1e6:9.2f}"
        for outcome in run.outcomes.values()
    )
    return f"{run.title:<22}{sum(run.garbage.values()) / seconds:9,.0f}{sent:8,}{missing:6}" + "".join(times)


def main() -> int:
    """Print a table: the good clients alone, beside garbage at each door, and at all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    parser.add_argument("--kinds", action="store_true", help="a row for each kind of garbage, not for each door")
    arguments = parser.parse_args()
    seconds = arguments.seconds
    kinds = kinds_of(["http", *PORTS])
    rows = {door: [kind for kind in kinds if door_of(kind) == door] for door in ("http", *PORTS)}
    if arguments.kinds:
        rows = {kind: [kind] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="aeromatch-flood-") as folder:
        with listening(Path(folder), CONFIG, PORTS) as server:
            runs = []
            print(f"{'garbage':<22}{'pieces/s':>9}{'orders':>8}{'lost':>6}" + "".join(f"{it:>18}" for it in GATEWAYS))
            print(f"{'':<45}" + f"{'p50 ms':>9}{'p99 ms':>9}" * len(GATEWAYS))
            for title, chosen in {"quiet": [], **rows, "all": kinds}.items():
                runs.append(measure(server, title, chosen, seconds))
                print(_row(runs[-1], seconds), flush=True)
            code = server.server.stop()
        problems = lost(runs, Path(folder))
    answers: Counter[str] = Counter()
    for run in runs[1:-1]:
        answers.update(run.garbage)
    print("answers:", ", ".join(f"{name} ({count:,})" for name, count in sorted(answers.items())))
    print(f"the server ended with {code}; " + ("; ".join(problems[:5]) or "the journal has every order once"))
    return 1 if problems or code else 0


if __name__ == "__main__":
    sys.exit(main())
