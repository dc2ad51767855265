"""Every metric of /metrics: its name, labels and meaning, in the order in which they are shown.

docs/observability.md has the same table, and a test compares them. Names follow Prometheus: a unit in the name, seconds
and bytes, `_total` where a number only grows. Labels have few values: a route is a template, never a path, and nothing
is named after an order, an account or a symbol.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final, Literal

__all__ = ["BY_NAME", "DURATION_BOUNDS", "METRICS", "STAGES", "Metric", "metrics_table", "stages_table"]

NS: Final = 1e-9

DURATION_BOUNDS: Final = (
    *(float(f"{digit}e{power}") for power in range(-6, 1) for digit in ("1", "2.5", "5")),
    10.0,
)
"""Upper bounds of buckets for times, in seconds: 1 us to 10 s."""
SIZE_BOUNDS: Final = tuple(float(1 << power) for power in range(13))
"""Upper bounds of buckets for numbers of commands: 1 to 4,096."""

STAGES: Final = {
    "admit": "the gateway asks the admission table who it is and whether its limits allow it",
    "decode": "the request's JSON becomes a NewOrder, checked",
    "send": "the order becomes a command and goes into the shard's ring, once there is room",
    "wait": "the first command of its batch waits in the ring until the shard takes it",
    "journal": "its batch is written to the journal",
    "sync": "the disk is waited for, where durability asks for it",
    "match": "the command is applied: matching and settlement, until its events are there",
    "publish": "the batch's books and events are shown to readers",
    "answer": "its events become JSON",
    "total": "from the request's last byte until its answer is given to the socket",
}
"""The stages of an order's way, in its order. `wait` to `publish` are told by the shards, the others by gateways."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What one name of /metrics stands for.

    Attributes:
        name: The whole name.
        kind: Prometheus's type.
        help: The meaning, in one line; the documents have it too.
        labels: Names of labels, in the order in which their values are given.
        bounds: Of a histogram: upper bounds of its buckets, in the metric's unit.
        scale: Of a histogram: what a recorded whole number is times, to be in the metric's unit.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    _: KW_ONLY
    bounds: tuple[float, ...] = ()
    scale: float = 1.0


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "counter", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "gauge", meaning, labels)


def _times(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "histogram", meaning, labels, bounds=DURATION_BOUNDS, scale=NS)


METRICS: Final[tuple[Metric, ...]] = (
    # What comes in.
    _counter(
        "aeromatch_requests_total", "Requests answered, by gateway, route and status.", "gateway", "route", "status"
    ),
    _times("aeromatch_request_duration_seconds", "Time a request took in the server.", "gateway", "route"),
    _counter("aeromatch_refusals_total", "Requests that a gateway refused, by problem's slug.", "gateway", "slug"),
    _times("aeromatch_stage_duration_seconds", "Time in each stage of an order's way.", "stage"),
    _gauge("aeromatch_http_connections", "Connections that are open, WebSocket ones included."),
    _gauge("aeromatch_gateway_connections", "Connections of gateways that keep them, such as WebSockets.", "gateway"),
    _counter("aeromatch_gateway_closed_total", "Connections that a gateway closed, by reason.", "gateway", "reason"),
    _gauge("aeromatch_stream_subscriptions", "Subscriptions to channels, over all connections.", "gateway"),
    _counter("aeromatch_stream_messages_total", "Messages that channels sent to clients.", "gateway", "channel"),
    _counter("aeromatch_stream_sent_bytes_total", "Bytes of these messages.", "gateway"),
    _counter(
        "aeromatch_stream_conflated_total", "Updates merged into a later one for slow clients.", "gateway", "channel"
    ),
    _gauge("aeromatch_binary_connections", "Connections to the binary gateway that are open."),
    _gauge("aeromatch_binary_sessions", "Those of them that have logged in."),
    _counter("aeromatch_binary_logins_total", "Logins at the binary gateway: good or refused.", "result"),
    _counter("aeromatch_binary_commands_total", "Commands that came there: sent to the exchange or refused.", "result"),
    _counter("aeromatch_binary_reports_total", "Events that it has reported."),
    _counter("aeromatch_binary_bytes_total", "Bytes that it has received or sent.", "direction"),
    _counter("aeromatch_binary_ended_total", "Sessions that it has ended: slow_consumer or fault.", "reason"),
    # What came of it.
    _counter("aeromatch_orders_total", "New orders the exchange has answered: accepted or rejected.", "result"),
    _counter("aeromatch_rejections_total", "Commands that the exchange rejected, by R8's slug.", "slug"),
    _counter("aeromatch_cancellations_total", "Orders that ended canceled, by reason.", "reason"),
    _counter("aeromatch_amendments_total", "Orders amended."),
    _counter("aeromatch_trades_total", "Trades."),
    _gauge("aeromatch_feed_lag_commands", "Commands that the market data feed is behind the shard.", "shard"),
    _gauge("aeromatch_store_lag_commands", "Commands that the stored views are behind the shard.", "shard"),
    # The shards.
    _counter("aeromatch_shard_commands_total", "Commands a shard has applied since it was opened.", "shard"),
    _counter("aeromatch_shard_batches_total", "Batches they came in, each one write of the journal.", "shard"),
    _counter("aeromatch_shard_events_total", "Events that came of them.", "shard"),
    _counter("aeromatch_shard_refused_total", "Submissions refused because the disk is full.", "shard"),
    _gauge("aeromatch_shard_intake_depth", "Submissions that wait for the shard.", "shard"),
    _gauge("aeromatch_shard_sequence", "Number of the shard's last command (R4).", "shard"),
    _gauge("aeromatch_shard_durable_sequence", "Number of its last command that survives power loss.", "shard"),
    _counter("aeromatch_shard_samples_dropped_total", "Measurements of batches nobody took in time.", "shard"),
    Metric("aeromatch_shard_batch_commands", "histogram", "Commands in a batch.", ("shard",), bounds=SIZE_BOUNDS),
    # What lies on the disk.
    _gauge("aeromatch_journal_bytes", "Size of the journal's segments, claimed space included.", "shard"),
    _gauge("aeromatch_journal_segments", "Segments of the journal.", "shard"),
    _gauge("aeromatch_snapshots", "Snapshots that are kept.", "shard"),
    _gauge("aeromatch_snapshot_bytes", "Size of the snapshots that are kept.", "shard"),
    _gauge("aeromatch_snapshot_timestamp_seconds", "When the newest snapshot was written, Unix time.", "shard"),
    _gauge("aeromatch_disk_free_bytes", "Free space where the journal is."),
    _gauge("aeromatch_recovery_replayed_commands", "Commands replayed when it was opened.", "shard"),
    _gauge("aeromatch_recovery_cut_bytes", "Bytes of an unfinished end that opening cut off.", "shard"),
    _gauge("aeromatch_exchange_memory_bytes", "Memory of the exchange's books and tables."),
    # The process.
    _gauge("aeromatch_build_info", "1; the labels say which version runs.", "version", "python"),
    _gauge("aeromatch_state", "1 for the state that the server is in, 0 for the others.", "state"),
    _times("aeromatch_event_loop_delay_seconds", "How late the event loop wakes a timer."),
    _times("aeromatch_gc_pause_seconds", "Time a run of the garbage collector took (1 and 2).", "generation"),
    _counter("aeromatch_thread_cpu_seconds_total", "CPU time of the threads that live, by name.", "thread"),
    _counter("process_cpu_seconds_total", "CPU time of the process, user and system."),
    _gauge("process_resident_memory_bytes", "Resident memory."),
    _gauge("process_virtual_memory_bytes", "Virtual memory."),
    _gauge("process_open_fds", "Open file descriptors."),
    _gauge("process_max_fds", "How many of them the process may have."),
    _gauge("process_threads", "Threads, native ones included."),
    _gauge("process_start_time_seconds", "When the process began, Unix time."),
)

BY_NAME: Final = {metric.name: metric for metric in METRICS}


def metrics_table() -> str:
    """All metrics as a table of Markdown: docs/observability.md has it."""
    rows = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
    return "\n".join(rows)


def stages_table() -> str:
    """The stages of an order's way as a table of Markdown."""
    rows = ["| stage | what happens in it |", "| --- | --- |"]
    return "\n".join(rows + [f"| `{stage}` | {meaning} |" for stage, meaning in STAGES.items()])
