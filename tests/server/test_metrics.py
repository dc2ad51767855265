"""/metrics: what is shown is what was recorded, in a form that Prometheus reads."""

from __future__ import annotations

import ast
import asyncio
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.serving import Admitting, played, serving

from aeromatch import AsyncExchange, Exchange, Instrument, Shards
from aeromatch.gateways.services import RefusedError
from aeromatch.server.observe import Observer, metrics_app
from aeromatch.server.observe.catalogue import BY_NAME, METRICS, STAGES
from aeromatch.server.observe.market import MarketCounts
from aeromatch.server.observe.process import thread_cpu_ns, threads
from aeromatch.server.observe.registry import MAX_SERIES, OTHER, Recent, Registry, Sample
from aeromatch.server.observe.stages import StageRecorder
from aeromatch.stores import SqliteStatistics

ROOT = Path(__file__).resolve().parent.parent.parent
Shown = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def shown(text: str) -> Shown:
    """The samples of a text, as Prometheus's own parser reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_counter_adds_up_over_threads_and_labels(registry: Registry) -> None:
    stages = StageRecorder(registry)

    def count() -> None:
        for _ in range(2_000):
            stages.count("aeromatch_refusals_total", gateway="rest", slug="malformed")
            stages.count("aeromatch_refusals_total", slug="malformed", gateway="rest", amount=2)
            stages.count("aeromatch_gateway_connections", 1, gateway="websocket")
            stages.count("aeromatch_gateway_connections", -1, gateway="websocket")

    workers = [threading.Thread(target=count) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = shown(registry.text())
    assert found["aeromatch_refusals_total", (("gateway", "rest"), ("slug", "malformed"))] == 4 * 2_000 * 3
    assert found["aeromatch_gateway_connections", (("gateway", "websocket"),)] == 0


def test_labels_of_two_names_are_not_mixed_up(registry: Registry) -> None:
    registry.count("aeromatch_refusals_total", 1, {"gateway": "a", "slug": "b"})
    registry.count("aeromatch_refusals_total", 5, {"slug": "a", "gateway": "b"})
    found = shown(registry.text())
    assert found["aeromatch_refusals_total", (("gateway", "a"), ("slug", "b"))] == 1
    assert found["aeromatch_refusals_total", (("gateway", "b"), ("slug", "a"))] == 5


def test_any_text_may_be_a_label(registry: Registry) -> None:
    odd = 'a "quoted" \\ back\nslash'
    registry.count("aeromatch_stream_messages_total", 7, {"gateway": "a", "channel": odd})
    assert shown(registry.text())["aeromatch_stream_messages_total", (("channel", odd), ("gateway", "a"))] == 7


def test_what_nobody_declared_is_refused(registry: Registry) -> None:
    stages = StageRecorder(registry)
    with pytest.raises(KeyError, match="aeromatch_orders"):
        stages.count("aeromatch_orders")
    with pytest.raises(KeyError, match="slug"):
        stages.count("aeromatch_refusals_total", gateway="rest")
    with pytest.raises(KeyError, match="dreaming"):
        stages.record("dreaming", 1)


def test_labels_without_end_do_not_grow_without_end(registry: Registry) -> None:
    stages = StageRecorder(registry)
    for number in range(MAX_SERIES + 100):
        stages.count("aeromatch_stream_messages_total", gateway="a", channel=f"channel-{number}")
        stages.request("rest", f"/route/{number}", 200, 1_000)
    found = shown(registry.text())
    messages = {labels: it for (name, labels), it in found.items() if name == "aeromatch_stream_messages_total"}
    requests = {labels: it for (name, labels), it in found.items() if name == "aeromatch_requests_total"}
    assert (len(messages), messages[("channel", OTHER), ("gateway", OTHER)]) == (MAX_SERIES + 1, 100)
    assert (len(requests), sum(requests.values())) == (MAX_SERIES + 1, MAX_SERIES + 100)


def test_a_histogram_shows_what_was_recorded(registry: Registry) -> None:
    stages = StageRecorder(registry)
    values_ns = [0, 900, 40_000, 41_000, 3_000_000, 20_000_000_000]
    for value in values_ns:
        stages.record("total", value)
    found = shown(registry.text())
    name, labels = "aeromatch_stage_duration_seconds", (("stage", "total"),)
    buckets = {
        float(dict(key)["le"]): it for (n, key), it in found.items() if n == f"{name}_bucket" and labels[0] in key
    }
    for bound, count in buckets.items():
        assert count == sum(value / 1e9 <= bound for value in values_ns)
    assert set(buckets) == {*BY_NAME[name].bounds, math.inf}
    assert found[f"{name}_count", labels] == len(values_ns)
    assert found[f"{name}_sum", labels] == pytest.approx(sum(values_ns) / 1e9, rel=0.01)


def test_requests_are_told_by_route_and_status(registry: Registry) -> None:
    stages = StageRecorder(registry)
    for status in (201, 201, 409):
        stages.request("rest", "/order", status, 250_000)
    found = shown(registry.text())
    route = (("gateway", "rest"), ("route", "/order"))
    assert found["aeromatch_requests_total", (*route, ("status", "201"))] == 2
    assert found["aeromatch_requests_total", (*route, ("status", "409"))] == 1
    assert found["aeromatch_request_duration_seconds_count", route] == 3


def test_the_last_minute_forgets_and_the_sum_does_not() -> None:
    recent = Recent()
    for _ in range(10):
        recent.record(5)
        recent.turn()
    assert recent.last_minute().count == Recent.PARTS
    assert recent.total().count == 10


def test_nothing_is_lost_while_parts_turn() -> None:
    recent = Recent()
    ended = threading.Event()

    def record() -> None:
        for _ in range(20_000):
            recent.record(1)

    def turn() -> None:
        while not ended.wait(0.000_1):
            recent.turn()

    turner = threading.Thread(target=turn)
    workers = [threading.Thread(target=record) for _ in range(3)]
    for thread in (turner, *workers):
        thread.start()
    for worker in workers:
        worker.join()
    ended.set()
    turner.join()
    assert recent.total().count == 60_000


def test_the_market_is_counted_as_it_was() -> None:
    market = MarketCounts()
    registry = Registry()
    registry.ask(market.samples)
    with Exchange(shards=1) as exchange:
        stream = exchange.stream()
        exchange.create_instrument(Instrument("A"))
        exchange.submit("A", "buy", quantity=3, price=10)
        exchange.submit("A", "sell", quantity=1, price=10)
        second = exchange.submit("A", "sell", quantity=1, price=12)
        exchange.amend("A", second.order_id, price=13)
        exchange.submit("A", "buy", quantity=0, price=10)
        exchange.cancel("A", second.order_id)
        exchange.cancel("A", second.order_id)
        exchange.submit("A", "sell", quantity=5, price=10, time_in_force="ioc")
        while (events := stream.read(timeout_s=0)) is not None:
            nothing = events.to_numpy()[:0]
            market.apply(0, events, np.zeros(len(events), np.uint64), nothing, nothing)
        stream.close()
    found = shown(registry.text())
    assert found["aeromatch_orders_total", (("result", "accepted"),)] == 4
    assert found["aeromatch_orders_total", (("result", "rejected"),)] == 1
    assert found["aeromatch_rejections_total", (("slug", "invalid_quantity"),)] == 1
    assert found["aeromatch_rejections_total", (("slug", "unknown_order"),)] == 1
    assert found["aeromatch_cancellations_total", (("reason", "requested"),)] == 1
    assert found["aeromatch_cancellations_total", (("reason", "immediate_or_cancel"),)] == 1
    assert found["aeromatch_amendments_total", ()] == 1
    assert found["aeromatch_trades_total", ()] == 2


@played
async def test_shards_stages_and_files_are_shown(tmp_path: Path) -> None:
    shards = Shards(2, samples=4096, stamp_time=True)
    async with AsyncExchange.open(tmp_path / "data", durability="disk", shards=shards) as exchange:
        observer = Observer(exchange, directory=tmp_path / "data", version="9.9")
        observer.start()
        observer.watched.feed_sequences = lambda: (1, 10**9)
        observer.watched.http_connections = lambda: 3
        observer.watched.state = lambda: "draining"
        store = SqliteStatistics(tmp_path / "statistics.sqlite", periods=["1s", "1min"])
        observer.keep_latencies(store)
        await exchange.create_instrument(Instrument("A"))
        await asyncio.gather(*(exchange.submit("A", "buy", quantity=1, price=it) for it in range(1, 41)))
        async with asyncio.timeout(30):
            # A batch's sample is there soon after its answers.
            timed = 0
            while timed < sum(it.commands for it in exchange.counters()):
                observer.take()
                timed = next(it.count for stage, it in observer.stages.last_minute() if stage == "match")
                await asyncio.sleep(0.001)
        stats, found = observer.stats(), shown(observer.registry.text())
        await observer.release_latencies()
        kept = store.query_latencies("1min", instrument=0)
        store.close()
        await observer.stop()

    commands = [shard.commands for shard in stats.shards]
    for stage in ("wait", "journal", "sync", "match", "publish"):
        assert found["aeromatch_stage_duration_seconds_count", (("stage", stage),)] == sum(commands), stage
    assert sum(it.histogram.count for it in kept if it.measure == "match_ns") == sum(commands)
    sizes = [found["aeromatch_shard_batch_commands_sum", (("shard", str(it)),)] for it in range(2)]
    assert sizes == commands
    for shard in stats.shards:
        label = (("shard", str(shard.shard)),)
        assert found["aeromatch_shard_sequence", label] == shard.sequence == shard.durable_sequence
        assert found["aeromatch_journal_segments", label] == 1
        segments = list((tmp_path / "data" / f"shard-{shard.shard:03}").glob("*.log"))
        assert found["aeromatch_journal_bytes", label] == segments[0].stat().st_size
    assert found["aeromatch_feed_lag_commands", (("shard", "0"),)] == stats.shards[0].sequence - 1
    assert found["aeromatch_feed_lag_commands", (("shard", "1"),)] == 0
    assert found["aeromatch_http_connections", ()] == stats.http_connections == 3
    states = {dict(labels)["state"]: it for (name, labels), it in found.items() if name == "aeromatch_state"}
    assert states == {"starting": 0, "ready": 0, "draining": 1, "failed": 0}
    assert {it.stage for it in stats.latencies} == {"wait", "journal", "sync", "match", "publish"}
    assert all(it.p50_us <= it.p90_us <= it.p99_us <= it.p999_us <= it.max_us for it in stats.latencies)
    assert stats.events_per_second > 0
    assert stats.journal_bytes == sum(it for (name, _), it in found.items() if name == "aeromatch_journal_bytes")


@played
async def test_an_exchange_in_memory_is_shown_too() -> None:
    exchange = AsyncExchange(1)
    observer = Observer(exchange)
    found = shown(observer.registry.text())
    assert not [name for name, _ in found if name.startswith("aeromatch_journal")]
    assert observer.stats().durability is None
    await exchange.close()
    # What is shown of it ends, and the rest goes on.
    observer.take()
    assert ("process_threads", ()) in shown(observer.registry.text())
    await observer.stop()


@played
async def test_metrics_over_http() -> None:
    exchange = AsyncExchange(1)
    observer, admission = Observer(exchange, version="9.9"), Admitting()
    async with serving(metrics_app(observer, admission)) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/metrics", headers={"authorization": "Bearer k.s"})
        refused = await client.post("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    # The parser has counters without `_total`.
    assert families == {metric.name.removesuffix("_total") for metric in METRICS}
    assert [(role, credentials.authorization) for role, credentials in admission.asked] == [("read", "Bearer k.s")]
    assert (refused.status_code, refused.json()["slug"]) == (405, "method_not_allowed")
    await observer.stop()
    await exchange.close()


@played
async def test_metrics_are_not_for_everyone() -> None:
    exchange = AsyncExchange(1)
    observer = Observer(exchange)
    async with (
        serving(metrics_app(observer, Admitting(RefusedError("missing_credentials", 401, "a key is needed")))) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        refused = await client.get("/metrics")
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert refused.json()["type"] == "urn:aeromatch:problem:missing_credentials"
    await observer.stop()
    await exchange.close()


def test_a_source_that_fails_takes_no_other_with_it(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[Sample]:
        yield "aeromatch_trades_total", (), 3
        raise ValueError("on purpose")

    registry.ask(broken)
    registry.ask(lambda: [("aeromatch_disk_free_bytes", (), 7)])
    found = shown(registry.text())
    assert (found["aeromatch_trades_total", ()], found["aeromatch_disk_free_bytes", ()]) == (3, 7)
    assert "on purpose" in caplog.text


def test_threads_have_clocks_and_names() -> None:
    named = threads()
    assert named[threading.get_native_id()] == threading.current_thread().name
    before = time.thread_time_ns()
    used = thread_cpu_ns(threading.get_native_id())
    assert used is not None
    assert before <= used <= time.thread_time_ns()
    assert thread_cpu_ns(os.getppid()) is None


def test_names_follow_prometheus() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"(aeromatch|process)(_[a-z0-9]+)+", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith("."), metric.name
        assert not {"order_id", "account", "symbol", "client_order_id", "session"} & set(metric.labels), metric.name


def calls() -> Iterator[tuple[str, str, str]]:
    """Where the server and its gateways record something: place, method and first argument."""
    for path in (ROOT / "src" / "aeromatch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            target, first = node.func.value, node.args[0]
            owner = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if owner.strip("_") == "stages" and isinstance(first, ast.Constant):
                yield f"{path.name}:{node.lineno}", node.func.attr, str(first.value)


def test_whatever_is_recorded_is_declared() -> None:
    known = {"record": set(STAGES), "count": set(BY_NAME)}
    assert [call for call in calls() if call[1] in known and call[2] not in known[call[1]]] == []


def test_whatever_is_declared_is_told_by_somebody() -> None:
    sources = [path.read_text() for path in (ROOT / "src" / "aeromatch").rglob("*.py") if path.name != "catalogue.py"]
    assert [metric.name for metric in METRICS if not any(f'"{metric.name}"' in source for source in sources)] == []
