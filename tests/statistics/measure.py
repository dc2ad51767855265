"""What counting costs: `python -m tests.statistics.measure`. Counts a journal that it has written itself.

With `--live` it trades instead, with two shards, and alternates between nobody who looks, samples that somebody takes,
and a recorder beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from aeromatch import Exchange, Instrument, Shards, commands
from aeromatch.analytics.statistics import JournalSource, Recorder, catch_up, tally
from aeromatch.stores import SqliteStatistics

BATCH = 20_000
START_NS = 1_767_614_400_000_000_000
ROUNDS = 5
SAMPLES = 65_536
STREAM_EVENTS = 524_288


def write(directory: Path, count: int, instruments: int, step_ns: int) -> None:
    """A log of orders that trade: so many, so far apart, on so many instruments."""
    with Exchange.open(directory, durability="os") as exchange:
        trade(exchange, count, instruments, step_ns)


def trade(exchange: Exchange, count: int, instruments: int, step_ns: int) -> float:
    """Orders that trade; gives the seconds that they took."""
    rng = np.random.default_rng(1)
    for number in range(instruments):
        exchange.create_instrument(Instrument(f"S{number}", tick_size="0.01", lot_size="0.001"))
    batches = [
        commands(
            instrument=rng.integers(1, instruments + 1, size),
            timestamp=START_NS + (first + np.arange(size)) * step_ns,
            side=np.where(rng.random(size) < 0.5, "buy", "sell"),
            quantity_lots=rng.integers(1, 100, size),
            price_ticks=10_000 + rng.integers(-20, 21, size),
            time_in_force=np.where(rng.random(size) < 0.3, "ioc", "gtc"),
        )
        for first in range(0, count, BATCH)
        for size in (min(BATCH, count - first),)
    ]
    began = time.perf_counter()
    for batch in batches:
        exchange.process(batch)
    return time.perf_counter() - began


def live(count: int, instruments: int, step_ns: int) -> None:
    """Prints what two shards do with and without statistics, medians of rounds that take turns. Needs Linux."""
    cases = {"no samples": 0, "samples": SAMPLES, "samples and a recorder": SAMPLES}
    for place in ("memory", "journal"):
        found: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
        for _ in range(ROUNDS):
            for case, samples in cases.items():
                with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                    shards = Shards(2, samples=samples, stream_events=STREAM_EVENTS)
                    exchange = stack.enter_context(
                        Exchange.open(Path(folder) / "data", durability="os", shards=shards)
                        if place == "journal"
                        else Exchange(shards=shards)
                    )
                    if case == "samples and a recorder":
                        store = stack.enter_context(SqliteStatistics(Path(folder) / "store"))
                        stack.enter_context(Recorder(exchange, store))
                    seconds = trade(exchange, count, instruments, step_ns)
                    found[case].append((processor_ns_of_shards() / count, count / seconds / 1e6))
        for case, each in found.items():
            own, rates = zip(*each, strict=True)
            print(
                f"{place:8} {case:23} {median(own):4.0f} ({min(own):.0f} to {max(own):.0f}) ns of shards a command, "
                f"{median(rates):.2f} ({min(rates):.2f} to {max(rates):.2f}) M commands/s"
            )


def processor_ns_of_shards() -> int:
    """How long the threads of this process's shards have run, whoever else wanted their processors."""
    threads = [it for it in Path("/proc/self/task").iterdir() if (it / "comm").read_text().startswith("shard-")]
    return sum(int((it / "schedstat").read_text().split()[0]) for it in threads)


def timed(what: str, events: int, action: Callable[[], object]) -> None:
    """Run and print the rate."""
    began = time.perf_counter()
    action()
    seconds = time.perf_counter() - began
    print(f"{what:28} {seconds:6.2f} s  {events / seconds / 1e6:6.2f} M events/s")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--instruments", type=int, default=16)
    parser.add_argument("--step-ns", type=int, default=2_000)
    parser.add_argument("--live", action="store_true")
    arguments = parser.parse_args()
    if arguments.live:
        live(arguments.commands, arguments.instruments, arguments.step_ns)
        return
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "data"
        write(directory, arguments.commands, arguments.instruments, arguments.step_ns)
        source, parts = JournalSource(directory), []
        began = time.perf_counter()
        while (part := source.read(0)) is not None:
            parts.append(part.records)
        replayed = time.perf_counter() - began
        events = sum(map(len, parts))
        with SqliteStatistics(Path(folder) / "store") as store:
            print(f"{arguments.commands:,} commands, {events:,} events, {arguments.instruments} instruments")
            print(f"{'journal read and replayed':28} {replayed:6.2f} s  {events / replayed / 1e6:6.2f} M events/s")
            timed("counted", events, lambda: [tally(records, store.periods_ms) for records in parts])
            timed("all of it, into the file", events, lambda: catch_up(directory, store))
            rows = sum(len(store.query(period)["orders"]) for period in store.periods_ms)
        print(f"{rows:,} rows, {(Path(folder) / 'store').stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
