"""`aeromatch bench views`: what it costs to keep candles, trades and orders beside the exchange."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np

from aeromatch import Exchange, Instrument, _core
from aeromatch.cli.console import examples, json_option, print_json, print_table, seed_option
from aeromatch.market.records import COMMAND_DTYPE, FLAG_PRICE, NO_SIDE, RECORD_VERSION
from aeromatch.market.times import event_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEW: Final = _core.CODES["CommandKind"]["new"]
CANCEL: Final = _core.CODES["CommandKind"]["cancel"]
ACCEPTED: Final = _core.CODES["EventKind"]["accepted"]
TRADE: Final = _core.CODES["EventKind"]["trade"]
BATCH: Final = 2_000
"""Commands whose events come at once: what a feed reads in 20 ms at 100,000 orders a second."""
INSTRUMENTS: Final = 8
ACCOUNTS: Final = 100
CANCELED: Final = 0.4
START_NS: Final = 1_760_000_000_000_000_000
RATE: Final = 100_000


@click.command("views", epilog=examples("aeromatch bench views", "aeromatch bench views --store memory --json"))
@click.option("--orders", type=click.IntRange(1_000), default=500_000, show_default=True, help="How many.")
@click.option("--store", type=click.Choice(["sqlite", "memory"]), default="sqlite", show_default=True, help="Which.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the file is made; default: the system's folder for temporary files.",
)
@seed_option
@json_option
def bench_views(orders: int, store: str, folder: Path | None, seed: int, as_json: bool) -> None:
    """Measure what candles, trades and orders on file cost.

    Orders are followed, candles added up, both and the trades written. Orders come 100,000 a second by the exchange's
    time, 40 of 100 are canceled, and their events are taken as fast as it goes, until all is in the store. The core's
    share is the processor time of all threads for 100,000 orders, in percent of a second: what of a core such a rate
    takes.
    """
    batches = _events(orders, seed)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        found = _measured(batches, store, Path(made))
    found["orders"] = orders
    found["orders_per_second"] = orders / found["seconds"]
    found["core_at_100000_orders_per_second"] = found["processor_seconds"] * RATE / orders
    if as_json:
        print_json(found)
        return
    per_second = f"{found['events'] / found['seconds']:,.0f} events/s, {found['orders_per_second']:,.0f} orders/s"
    print_table(
        f"views in {store}",
        [
            ("orders", f"{orders:,}, with cancels {found['events']:,} events, {found['trades']:,} trades"),
            ("following alone", f"{found['events'] / found['tracker_seconds']:,.0f} events/s"),
            (
                "all of it",
                per_second,
            ),
            ("core at 100,000 orders/s", f"{100 * found['core_at_100000_orders_per_second']:.0f} %"),
            ("file", f"{found['file_bytes'] / 1e6:,.0f} MB"),
        ],
    )


def _events(orders: int, seed: int) -> list[NDArray[np.void]]:
    """What random orders bring about, in batches."""
    rng = np.random.default_rng(seed)
    exchange = Exchange()
    for number in range(INSTRUMENTS):
        exchange.create_instrument(Instrument(f"I{number}", tick_size="0.01", lot_size="0.001"))
    found = []
    for first in range(0, orders, BATCH):
        count = min(BATCH, orders - first)
        commands = np.zeros(count, COMMAND_DTYPE)
        commands["kind"], commands["version"], commands["flags"] = NEW, RECORD_VERSION, FLAG_PRICE
        commands["side"] = rng.integers(0, 2, count)
        commands["instrument"] = rng.integers(1, INSTRUMENTS + 1, count)
        commands["account"] = rng.integers(1, ACCOUNTS + 1, count)
        commands["price_ticks"] = 10_000 + rng.integers(-40, 41, count) + np.where(commands["side"] == 0, -9, 9)
        commands["quantity_lots"] = rng.integers(1, 200, count)
        commands["timestamp_ns"] = START_NS + np.arange(first, first + count) * (1_000_000_000 // RATE)
        made = exchange.process(commands).to_numpy()
        accepted = made[made["kind"] == ACCEPTED]
        chosen = accepted[rng.random(len(accepted)) < CANCELED]
        cancels = np.zeros(len(chosen), COMMAND_DTYPE)
        cancels["kind"], cancels["version"], cancels["side"] = CANCEL, RECORD_VERSION, NO_SIDE
        cancels["instrument"], cancels["order_id"] = chosen["instrument"], chosen["order_id"]
        cancels["timestamp_ns"] = commands["timestamp_ns"][-1]
        found.append(np.concatenate((made, exchange.process(cancels).to_numpy())))
    return found


def _measured(batches: list[NDArray[np.void]], kind: str, folder: Path) -> dict[str, Any]:
    from aeromatch.server.views.options import ViewOptions, open_store
    from aeromatch.server.views.writer import Writer

    tracker = _core.OrderTracker()
    begin = time.perf_counter()
    for records in batches:
        tracker.apply(records)
    tracker_seconds = time.perf_counter() - begin
    file = folder / "views.sqlite"
    options = ViewOptions(store="memory" if kind == "memory" else "sqlite", path=file)
    store = open_store(options)
    tracker = _core.OrderTracker()
    begin, processor = time.perf_counter(), time.process_time()
    writer = Writer(store, flush_s=options.flush_s, waiting_rows=options.waiting_rows)
    time_ns = 0
    for records in batches:
        orders, _ = tracker.apply(records)
        times_ns = event_times(records, time_ns)
        time_ns = int(times_ns[-1])
        writer.put(0, records, times_ns, orders)
    writer.close()
    seconds, processor = time.perf_counter() - begin, time.process_time() - processor
    store.close()
    return {
        "store": kind,
        "events": sum(map(len, batches)),
        "trades": sum(int(np.count_nonzero(records["kind"] == TRADE)) for records in batches),
        "tracker_seconds": tracker_seconds,
        "seconds": seconds,
        "processor_seconds": processor,
        "file_bytes": file.stat().st_size if file.exists() else 0,
    }
