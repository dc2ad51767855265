"""A good client trades while others send garbage: `python -m tests.server.flood --seconds 5` prints its latencies.

The server, the garbage and the good client are processes of their own. The good client sends an order every few
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
from tests.server.garbage import KINDS
from tests.server.listening import UNLIMITED, Listening, listening
from tests.server.wire import Connection

from aeromatch._core import Histogram

ROOT: Final = Path(__file__).resolve().parent.parent.parent
GOOD: Final = "good"
EVERY_S: Final = 0.005
CONFIG: Final[dict[str, Any]] = {
    "exchange": {"durability": "os", "segment_bytes": 1 << 22, "shards": {"count": 2}},
    "instruments": [{"symbol": "AAA"}],
    "accounts": [{"name": GOOD}],
    "auth": {"mode": "off"},
    "limits": UNLIMITED,
}


@dataclass
class Outcome:
    """What became of the good client's orders, and of the garbage."""

    title: str
    sent: int = 0
    accepted: dict[int, int] = field(default_factory=dict)
    """Trades by order."""
    refused: list[str] = field(default_factory=list)
    latency_ns: Histogram = field(default_factory=Histogram)
    garbage: Counter[str] = field(default_factory=Counter)


async def trade(server: Listening, seconds: float, outcome: Outcome) -> None:
    """Sends orders at a steady pace; a latency is from when an order was due, so that no wait is left out."""
    async with Connection(server.host, server.port) as connection:
        ends = time.monotonic() + seconds
        due = time.perf_counter()
        while time.monotonic() < ends:
            due += EVERY_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            outcome.sent += 1
            order = {
                "symbol": "AAA",
                "side": "buy" if outcome.sent % 2 else "sell",
                "quantity": "1",
                "price": str(100 + outcome.sent % 3),
                "account": GOOD,
                "client_order_id": f"{outcome.title}-{outcome.sent}",
            }
            answer = await connection.request("POST", "/order", order)
            outcome.latency_ns.record(int((time.perf_counter() - due) * 1e9))
            if answer.status == 201:
                outcome.accepted[int(answer.json["order_id"])] = len(answer.json["fills"])
            else:
                outcome.refused.append(f"{answer.status} {answer.body.decode()}")


@contextlib.contextmanager
def flooding(server: Listening, kinds: list[str], outcome: Outcome) -> Any:
    """Garbage of these kinds, meanwhile."""
    if not kinds:
        yield
        return
    command = [sys.executable, "-m", "tests.server.garbage", server.host, str(server.port), *kinds]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield
        said, _ = process.communicate(timeout=60)
        outcome.garbage.update(json.loads(said))
    finally:
        process.kill()
        process.communicate()


def measure(server: Listening, title: str, kinds: list[str], seconds: float) -> Outcome:
    """Let the good client trade beside garbage of these kinds."""
    outcome = Outcome(title)
    with flooding(server, kinds, outcome):
        asyncio.run(trade(server, seconds, outcome))
    return outcome


def lost(outcomes: list[Outcome], directory: Path) -> list[str]:
    """What the good client was told that the journal does not have, or has otherwise; the server has ended."""
    journal = read(directory / "data", directory / "copy")
    problems = [problem for outcome in outcomes for problem in outcome.refused]
    for outcome in outcomes:
        if len(outcome.accepted) != outcome.sent:
            problems.append(f"{outcome.title}: {outcome.sent} sent, {len(outcome.accepted)} accepted")
        for order, trades in outcome.accepted.items():
            if order not in journal.accepted:
                problems.append(f"{outcome.title}: order {order} is not there")
            elif journal.takers.get(order, 0) != trades:
                problems.append(f"{outcome.title}: order {order} has other trades")
    told = sum(len(outcome.accepted) for outcome in outcomes)
    if len(journal.accepted) != told:
        problems.append(f"{told} orders were accepted, and {len(journal.accepted)} are there")
    return problems


def main() -> int:
    """Print a table: the good client alone, beside each kind of garbage, and beside all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    seconds = parser.parse_args().seconds
    runs: list[tuple[str, list[str]]] = [("quiet", []), *((kind, [kind]) for kind in KINDS), ("all", list(KINDS))]
    with tempfile.TemporaryDirectory(prefix="aeromatch-flood-") as folder:
        with listening(Path(folder), CONFIG) as server:
            outcomes = []
            print(f"{'garbage':<14}{'pieces/s':>10}{'orders':>8}{'lost':>6}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}")
            for title, kinds in runs:
                outcome = measure(server, title, kinds, seconds)
                outcomes.append(outcome)
                p50, p99, longest = (outcome.latency_ns.percentile(it) / 1e6 for it in (50, 99, 100))
                pieces = sum(outcome.garbage.values()) / seconds
                missing = outcome.sent - len(outcome.accepted)
                print(f"{title:<14}{pieces:10,.0f}{outcome.sent:8,}{missing:6}{p50:9.2f}{p99:9.2f}{longest:9.2f}")
            code = server.server.stop()
        problems = lost(outcomes, Path(folder))
    answers: Counter[str] = Counter()
    for outcome in outcomes[1:-1]:
        answers.update(outcome.garbage)
    print("answers:", ", ".join(f"{name} ({count:,})" for name, count in sorted(answers.items())))
    print(f"the server ended with {code}; " + ("; ".join(problems[:5]) or "the journal has every order once"))
    return 1 if problems or code else 0


if __name__ == "__main__":
    sys.exit(main())
