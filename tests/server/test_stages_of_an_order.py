"""An order over REST leaves its time in every stage's histogram, and its request in the route's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.server.listening import Listening, listening
from tests.server.test_metrics import Shown, shown
from tests.server.wire import Connection

from aeromatch.server.observe.catalogue import STAGES
from aeromatch.stores import SqliteStatistics

ORDERS = 40
CONFIG = {
    "exchange": {"durability": "disk", "segment_bytes": 1 << 20},
    "instruments": [{"symbol": "AAA"}],
    "accounts": [{"name": "alice"}],
    "auth": {"mode": "off"},
    "statistics": {"enabled": True, "periods": ["1min", "1d"], "retention": {}},
}
OF_SHARDS = {"wait", "journal", "sync", "match", "publish"}
METRIC = "aeromatch_stage_duration_seconds"


async def trade(server: Listening) -> tuple[Shown, dict[str, Any], str]:
    """Orders of which half are refused; then metrics, statistics and the threads."""
    async with Connection(server.host, server.port) as connection:
        for number in range(ORDERS):
            order = {"symbol": "AAA", "side": "buy", "quantity": str(number % 2), "price": "5", "account": "alice"}
            answer = await connection.request("POST", "/order", order)
            assert answer.status == (201 if number % 2 else 422), answer.body
        assert (await connection.request("GET", "/book/NOBODY")).status == 404
        # The shards' samples are taken by a timer, and the feed counts a moment after the answer.
        async with asyncio.timeout(30):
            while True:
                metrics = shown((await connection.request("GET", "/metrics")).body.decode())
                counted = metrics.get(("aeromatch_orders_total", (("result", "accepted"),)), 0)
                behind = {metrics[f"aeromatch_{it}_lag_commands", (("shard", "0"),)] for it in ("feed", "store")}
                timed = metrics[f"{METRIC}_count", (("stage", "match"),)]
                if counted == ORDERS // 2 and timed >= ORDERS and behind == {0}:
                    break
                await asyncio.sleep(0.05)
        stats = (await connection.request("GET", "/stats")).json
        text = (await connection.request("GET", "/debug/pprof/threads?debug=1")).body.decode()
    return metrics, stats, text


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def seen(directory: Path) -> tuple[Shown, dict[str, Any], str]:
    with listening(directory, CONFIG) as server:
        found = asyncio.run(trade(server))
        assert server.server.stop() == 0
    return found


Seen = tuple[Shown, dict[str, Any], str]


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_has_every_order(seen: Seen, stage: str) -> None:
    count = seen[0][f"{METRIC}_count", (("stage", stage),)]
    # Shards have had other commands too.
    assert count == ORDERS or (stage in OF_SHARDS and count > ORDERS)


def test_the_parts_are_within_the_whole(seen: Seen) -> None:
    sums = {stage: seen[0][f"{METRIC}_sum", (("stage", stage),)] for stage in STAGES}
    assert sum(sums[stage] for stage in ("admit", "decode", "send", "answer")) < sums["total"]


def test_requests_and_refusals_are_counted_by_route_and_slug(seen: Seen) -> None:
    metrics = seen[0]
    route = (("gateway", "rest"), ("route", "/order"))
    assert metrics["aeromatch_requests_total", (*route, ("status", "201"))] == ORDERS // 2
    assert metrics["aeromatch_requests_total", (*route, ("status", "422"))] == ORDERS // 2
    refusals = {labels: it for (name, labels), it in metrics.items() if name == "aeromatch_refusals_total"}
    assert refusals == {
        (("gateway", "rest"), ("slug", "invalid_quantity")): ORDERS // 2,
        (("gateway", "rest"), ("slug", "unknown_instrument")): 1,
    }
    assert metrics["aeromatch_rejections_total", (("slug", "invalid_quantity"),)] == ORDERS // 2
    assert metrics["aeromatch_state", (("state", "ready"),)] == 1
    assert metrics["aeromatch_http_connections", ()] == 1


def test_statistics_say_the_same(seen: Seen) -> None:
    stats = seen[1]
    assert stats["durability"] == "disk"
    assert stats["memory_bytes"] > 1 << 20
    assert stats["journal_bytes"] >= 1 << 20
    assert {it["stage"] for it in stats["latencies"]} == set(STAGES)
    assert "'shard-0'" in seen[2]


def test_latencies_are_kept_beside_the_counts(directory: Path, seen: Seen) -> None:
    store = SqliteStatistics(directory / "data" / "statistics.sqlite", read_only=True)
    kept = store.query_latencies("1d", instrument=0)
    counts = store.query("1d", instrument="AAA")
    store.close()
    matched = sum(it.histogram.count for it in kept if it.measure == "match_ns")
    # Without what was made before anybody counted.
    assert ORDERS <= matched <= seen[0][f"{METRIC}_count", (("stage", "match"),)]
    assert sum(counts["orders"]) == ORDERS // 2
