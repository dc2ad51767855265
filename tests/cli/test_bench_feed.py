"""`aeromatch bench feed`: a real server, and subscribers that all get everything."""

from __future__ import annotations

import json
import subprocess
import sys


def test_every_subscriber_gets_every_trade() -> None:
    command = [sys.executable, "-m", "aeromatch", "bench", "feed", "--subscribers", "5", "--seconds", "0.5", "--json"]
    done = subprocess.run(
        # An order and the one that takes it, between two looks, leave the book as it was: looks come between them.
        [*command, "--orders", "40", "--interval-ms", "5", "--channel", "trades", "--channel", "depth"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    trades, depth = json.loads(done.stdout)["deliveries"]
    # Every second of 20 orders trades; every change of the book is told, some of them together.
    assert (trades["orders"], trades["messages"], trades["subscribers"]) == (20, 5 * 10, 5)
    assert 0 < depth["messages"] <= 5 * 20
    assert all(0 < it["age_ms"]["p50"] <= it["age_ms"]["p99"] <= it["age_ms"]["most"] for it in (trades, depth))
