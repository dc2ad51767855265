"""What durability costs: commands a second by policy and batch, single calls, recovery, snapshots; the disk itself.

Everything is measured in one directory in one run, the disk's bytes a second and the time of a sync included, so that
what limits the rest can be told.
"""

from __future__ import annotations

import gc
import os
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import aeromatch
from aeromatch import Commands, Exchange, Instrument
from aeromatch.market.records import SLOT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

POLICIES: Final = ("memory", "os", "disk")
TICK_SIZE: Final = "0.01"
CANCEL, AMEND = 2, 3
COUNTER_BITS: Final = 40
"""An order id is the instrument's number and, in so many bits, a counter (R5)."""
DISK_BYTES: Final = 256 * 1024 * 1024
WRITE_BYTES: Final = 1024 * 1024
SYNCS: Final = 200
SYNC_BYTES: Final = 4096
NO_SNAPSHOTS: Final = 2**50
PERMILLE: Final = {"p50": 500, "p99": 990, "p99.9": 999}


@dataclass(frozen=True, slots=True)
class Disk:
    """What the disk does by itself."""

    bytes_a_second: float
    """Written in a row and synced at the end."""
    sync_seconds: float
    """A page written into space that is there already, and synced: the median."""


@dataclass(slots=True)
class Pipelined:
    """Batches, one after the other, each acknowledged before the next."""

    policy: str
    batch: int
    """Commands a batch."""
    commands_a_second: list[float] = field(default_factory=list)
    """One entry a round."""


@dataclass(slots=True)
class Single:
    """One `submit` after the other from Python."""

    policy: str
    percentiles_us: dict[str, float]


@dataclass(slots=True)
class Recovery:
    """A directory opened again: no snapshot, every command replayed."""

    commands: int
    journal_bytes: int
    """Of the commands' slots."""
    seconds: float


@dataclass(slots=True)
class Snapshot:
    """A snapshot of resting orders."""

    orders: int
    bytes: int
    make_seconds: float
    restore_seconds: float


@dataclass(slots=True)
class JournalReport:
    """All of it."""

    disk: Disk
    pipelined: list[Pipelined]
    single: list[Single]
    recovery: Recovery
    snapshot: Snapshot


class Sessions:
    """One generated session over and over, each time on an instrument of its own."""

    def __init__(self, session: Commands, repeats: int) -> None:
        """Prepare the slots; they have no extensions, so that every slot is a command."""
        self._slots = session.slots
        self.repeats = repeats

    def __len__(self) -> int:
        return len(self._slots) * self.repeats

    def make_instruments(self, exchange: Exchange) -> None:
        """Make what the commands are about."""
        for number in range(1, self.repeats + 1):
            exchange.create_instrument(Instrument(f"BENCH-{number}", tick_size=TICK_SIZE, number=number))

    def batches(self, size: int) -> list[Commands]:
        """Cut all commands into batches."""
        slots = np.concatenate([self._on(number) for number in range(1, self.repeats + 1)])
        return [Commands(slots[first : first + size]) for first in range(0, len(slots), size)]

    def _on(self, number: int) -> NDArray[np.void]:
        slots = self._slots.copy()
        slots["instrument"] = number
        named = (slots["kind"] == CANCEL) | (slots["kind"] == AMEND)
        slots["order_id"][named] += np.uint64(number << COUNTER_BITS)
        return slots


def measure_journal(
    session: Commands,
    *,
    directory: Path | None = None,
    repeats: int = 5,
    batches: tuple[int, ...] = (64, 1_024, 16_384),
    rounds: int = 3,
    singles: int = 2_000,
    resting: int = 1_000_000,
    progress: Callable[[int], object] = lambda _: None,
) -> JournalReport:
    """Measure everything.

    Args:
        session: Commands for a fresh book of instrument 0, without extensions.
        directory: On the disk that is to be measured; None: where temporary files go.
        repeats: So many instruments get the session.
        batches: Commands a batch.
        rounds: Turns of each policy and batch.
        singles: Calls that are timed one by one, for each policy.
        resting: Orders in the snapshot.
        progress: Called with the number of finished parts, of `parts(batches, rounds)`.
    """
    sessions = Sessions(session, repeats)
    done = _Counter(progress)
    disk = done(measure_disk(directory))
    pipelined = [Pipelined(policy, batch) for policy in POLICIES for batch in batches]
    for _ in range(rounds):
        for case in pipelined:
            with _opened(case.policy, directory) as (exchange, _):
                case.commands_a_second.append(_pipeline(exchange, sessions, case.batch))
            done(None)
    single = [done(_singles(policy, directory, singles)) for policy in POLICIES]
    recovery = done(_recover(sessions, directory))
    return JournalReport(disk, pipelined, single, recovery, done(_snapshot(resting)))


def parts(batches: tuple[int, ...], rounds: int) -> int:
    """Count what `measure_journal` reports to its progress."""
    return 3 + rounds * len(batches) * len(POLICIES) + len(POLICIES)


class _Counter:
    def __init__(self, progress: Callable[[int], object]) -> None:
        self._count, self._progress = 0, progress

    def __call__(self, result: Any) -> Any:
        self._count += 1
        self._progress(self._count)
        return result


def measure_disk(directory: Path | None = None) -> Disk:
    """Write a file in a row, then sync single pages of it."""
    with tempfile.TemporaryDirectory(prefix="aeromatch-bench-", dir=directory) as folder:
        descriptor = os.open(Path(folder) / "file", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            return _write_and_sync(descriptor)
        finally:
            os.close(descriptor)


def _write_and_sync(descriptor: int) -> Disk:
    block = os.urandom(WRITE_BYTES)
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, DISK_BYTES)
    began = perf_counter()
    for offset in range(0, DISK_BYTES, WRITE_BYTES):
        os.pwrite(descriptor, block, offset)
    _sync(descriptor)
    written = perf_counter() - began
    times = []
    for number in range(SYNCS):
        began = perf_counter()
        os.pwrite(descriptor, block[:SYNC_BYTES], number * SYNC_BYTES)
        _sync(descriptor)
        times.append(perf_counter() - began)
    return Disk(DISK_BYTES / written, median(times))


def _sync(descriptor: int) -> None:
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(descriptor)


@contextmanager
def _opened(policy: str, directory: Path | None) -> Iterator[tuple[Exchange, Path]]:
    """An exchange in a new directory that makes no snapshots by itself; its path too."""
    with tempfile.TemporaryDirectory(prefix="aeromatch-bench-", dir=directory) as folder:
        path = Path(folder) / "data"
        with Exchange.open(path, durability=policy, snapshot_bytes=NO_SNAPSHOTS, snapshot_interval_s=0) as exchange:
            yield exchange, path


def _pipeline(exchange: Exchange, sessions: Sessions, size: int) -> float:
    """Send all sessions in batches; gives commands a second."""
    sessions.make_instruments(exchange)
    batches = sessions.batches(size)
    gc.collect()
    began = perf_counter()
    for batch in batches:
        exchange.process(batch)
    return len(sessions) / (perf_counter() - began)


def _singles(policy: str, directory: Path | None, calls: int) -> Single:
    with _opened(policy, directory) as (exchange, _):
        exchange.create_instrument(Instrument("BENCH", tick_size=TICK_SIZE))
        times = np.empty(calls)
        gc.collect()
        for place in range(calls):
            price = f"{100 + place % 50}.00"
            began = perf_counter()
            exchange.submit("BENCH", "buy", quantity=1, price=price)
            times[place] = perf_counter() - began
    times.sort()
    found = {name: times[min(calls * permille // 1000, calls - 1)] for name, permille in PERMILLE.items()}
    return Single(policy, {name: float(seconds) * 1e6 for name, seconds in found.items()})


def _recover(sessions: Sessions, directory: Path | None) -> Recovery:
    with tempfile.TemporaryDirectory(prefix="aeromatch-bench-", dir=directory) as folder:
        path = Path(folder) / "data"
        with Exchange.open(path, durability="os", snapshot_bytes=NO_SNAPSHOTS, snapshot_interval_s=0) as exchange:
            sessions.make_instruments(exchange)
            for batch in sessions.batches(16_384):
                exchange.process(batch)
            digest, commands = exchange.digest(), exchange.sequence
        began = perf_counter()
        exchange = Exchange.open(path, durability="os", snapshot_bytes=NO_SNAPSHOTS, snapshot_interval_s=0)
        seconds = perf_counter() - began
        if exchange.digest() != digest:
            raise aeromatch.AeroMatchError(f"{path}: recovered to another digest")
        exchange.close()
    return Recovery(commands, commands * SLOT_BYTES, seconds)


def _snapshot(orders: int) -> Snapshot:
    """Fill a book, write it and read it."""
    exchange = Exchange()
    exchange.create_instrument(Instrument("BENCH", tick_size=TICK_SIZE, number=1))
    places = np.arange(orders)
    for first in range(0, orders, 65_536):
        some = places[first : first + 65_536]
        exchange.process(
            aeromatch.commands(
                instrument=1,
                side=np.where(some % 2 == 0, "buy", "sell"),
                price_ticks=np.where(some % 2 == 0, 9_999 - some % 5_000, 10_001 + some % 5_000),
                quantity_lots=1 + some % 100,
                account=1 + some % 1_000,
            )
        )
    gc.collect()
    began = perf_counter()
    blob = exchange.snapshot()
    made = perf_counter()
    restored = Exchange.restore(blob)
    ended = perf_counter()
    if restored.digest() != exchange.digest():
        raise aeromatch.AeroMatchError("a snapshot restored to another digest")
    return Snapshot(orders, len(blob), made - began, ended - made)


def limits(report: JournalReport) -> list[str]:
    """Say what bounds the pipelined rates from above, by the disk as it was measured in the same run."""
    written = report.disk.bytes_a_second / SLOT_BYTES
    lines = [
        f"the disk takes {report.disk.bytes_a_second / 1e6:,.0f} MB/s, which is {written / 1e6:.1f} M commands/s "
        f"of {SLOT_BYTES} bytes",
        f"a sync takes {report.disk.sync_seconds * 1e3:.2f} ms",
    ]
    for case in report.pipelined:
        if case.policy == "disk":
            at_most = case.batch / (report.disk.sync_seconds + case.batch / written)
            rate = median(case.commands_a_second)
            lines.append(
                f"disk, batches of {case.batch:,}: write and sync alone allow {at_most / 1e6:.2f} M commands/s; "
                f"reached {rate / 1e6:.2f} M ({rate / at_most:.0%})"
            )
    return lines


def journal_as_json(report: JournalReport) -> dict[str, Any]:
    """Give every number."""
    return {
        "disk": asdict(report.disk),
        "pipelined": [
            {"policy": case.policy, "batch": case.batch, "commands_a_second": median(case.commands_a_second)}
            for case in report.pipelined
        ],
        "single": [asdict(case) for case in report.single],
        "recovery": {
            **asdict(report.recovery),
            "commands_a_second": report.recovery.commands / report.recovery.seconds,
        },
        "snapshot": asdict(report.snapshot),
        "limits": limits(report),
    }
