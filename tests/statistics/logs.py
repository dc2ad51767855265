"""Logs to count, and the same numbers counted the slow way: one event after the other."""

from __future__ import annotations

import os
import random
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tests.crash.load import command
from tests.sharded import ACCOUNTS, PLAIN, SETTLED

from aeromatch import EVENT_DTYPE, Commands, Exchange, _core, commands
from aeromatch.analytics.statistics import JournalSource, shard_directories
from aeromatch.stores import SqliteStatistics
from aeromatch.stores.sqlite_schema import columns_of

MILLISECOND_NS: Final = 1_000_000
SLOWER: Final = 50_000
"""The load's commands are a microsecond apart: here 50 milliseconds."""
ROUND: Final = 40
"""Orders of a round."""
NOBODY: Final = 65_534
PASS: Final = stat.S_IXGRP | stat.S_IXOTH
PERIODS: Final = ("100ms", "1s", "7s", "1d")
PERIODS_MS: Final = (100, 1_000, 7_000, 86_400_000)
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def send(exchange: Exchange, seed: int, until: int) -> None:
    """Send the commands that the seed says, up to a number: of all kinds, some of them without a time of their own."""
    while exchange.sequence < until:
        number = exchange.sequence + 1
        chosen = command(seed, number)
        if not isinstance(chosen, Mapping):
            chosen(exchange)
            continue
        row = {name: value * SLOWER if name in ("timestamp", "expire_at") else value for name, value in chosen.items()}
        if random.Random(f"{seed}/{number}/time").random() < 0.2:
            row.pop("timestamp", None)
        exchange.process(Commands.from_rows([row]))


def write_log(directory: Path, seed: int, commands: int, **options: Any) -> None:
    """Keep a journal of them, or go on with it."""
    with Exchange.open(directory, durability="os", **options) as exchange:
        send(exchange, seed, commands)


@contextmanager
def read_only_folder(path: Path) -> Iterator[None]:
    """Let nothing be written in a folder while the block runs, not even by root, who is nobody meanwhile."""
    is_root = os.geteuid() == 0
    modes = {path: path.stat().st_mode & 0o777}
    if is_root:
        # Those above are made by pytest, for their owner only.
        modes |= {it: it.stat().st_mode & 0o777 for it in path.parents if it.stat().st_mode & PASS != PASS}
    try:
        for folder, mode in modes.items():
            folder.chmod(0o555 if folder == path else mode | PASS)
        if is_root:
            os.seteuid(NOBODY)
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for folder, mode in modes.items():
            folder.chmod(mode)


def send_to_shards(exchange: Exchange, seed: int, rounds: Iterable[int]) -> None:
    """Rounds of commands for every instrument of the venue of tests.sharded: trades, refusals, and commands for all."""
    instruments = len(PLAIN) + len(SETTLED)
    for round_ in rounds:
        rng = np.random.default_rng((seed, round_))
        now = (round_ + 1) * 300 * MILLISECOND_NS
        exchange.process(
            commands(
                # One of them does not exist.
                instrument=rng.integers(1, instruments + 4, ROUND),
                timestamp=now + rng.integers(0, 200, ROUND) * MILLISECOND_NS,
                side=rng.integers(0, 2, ROUND),
                price_ticks=rng.integers(95, 106, ROUND),
                quantity_lots=rng.integers(0, 9, ROUND),
                account=rng.integers(1, len(ACCOUNTS) + 1, ROUND),
            )
        )
        exchange.submit(PLAIN[0], "buy", quantity=1, price=1, time_in_force="gtd", expire_at=now + 1, account="bob")
        if round_ % 3 == 0:
            exchange.advance_time(now + 250 * MILLISECOND_NS)
            exchange.mass_cancel(account=ACCOUNTS[round_ % len(ACCOUNTS)])


def events_of_shards(directory: Path) -> list[NDArray[np.void]]:
    """All events of each shard."""
    return [events_of(it) for it in shard_directories(directory)]


def events_of(directory: Path) -> NDArray[np.void]:
    """All events of one journal."""
    source, parts = JournalSource(directory), []
    while (part := source.read(0)) is not None:
        parts.append(part.records)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=EVENT_DTYPE)


def table(store: SqliteStatistics, name: str) -> Rows:
    """All rows of a table of periods, as they stand in the file."""
    names = columns_of(name)
    keys = 5 if name == "reasons" else 3
    rows = store._connection.execute(f"SELECT {', '.join(names)} FROM {name}").fetchall()
    return {row[:keys]: row[keys:] for row in rows}


def both(store: SqliteStatistics) -> tuple[Rows, Rows]:
    """Everything that was counted."""
    return table(store, "counts"), table(store, "reasons")


KINDS: Final = {code: word for word, code in _core.CODES["EventKind"].items()}
REJECTS: Final = {code: word for word, code in _core.CODES["RejectReason"].items()}
CANCELS: Final = {code: word for word, code in _core.CODES["CancelReason"].items()}
# Why only orders, cancels and amends are refused; of the others the event does not tell what was refused.
ABOUT_ORDERS: Final = {
    "invalid_time",
    "invalid_client_order_id",
    "not_allowed_in_phase",
    "unknown_order",
    "expired",
    "price_out_of_band",
    "duplicate_client_order_id",
    "post_only_would_take",
}


def counted_slowly(shards: Iterable[NDArray[np.void]], periods_ms: Iterable[int] = PERIODS_MS) -> tuple[Rows, Rows]:
    """Count events of several shards, one after the other, as docs/statistics.md says."""
    counts: dict[tuple[int, int, int], dict[str, Any]] = defaultdict(_nothing)
    reasons: dict[tuple[Any, ...], int] = defaultdict(int)
    names = EVENT_DTYPE.names or ()
    for records in shards:
        events = [dict(zip(names, values, strict=True)) for values in records.tolist()]
        answers = {it["sequence"]: it["other"] for it in events if KINDS[it["kind"]] in ("accepted", "rejected")}
        now = 0
        for event in events:
            now = answers.get(event["sequence"], now)
            for period_ms in periods_ms:
                start_ms = now // MILLISECOND_NS // period_ms * period_ms
                for instrument in dict.fromkeys((0, _instrument(event))):
                    _count(counts, reasons, (period_ms, start_ms, instrument), event)
    shown = {key: _values(row, key[2]) for key, row in counts.items() if any(_values(row, key[2]))}
    return shown, {key: (count,) for key, count in reasons.items()}


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(("commands", "orders", "amends", "cancels", "rejects"), 0) | {"trades": []}


def _instrument(event: Mapping[str, Any]) -> int:
    kind, has_side = KINDS[event["kind"]], event["side"] != 255
    number = int(event["instrument"])
    if kind == "accepted":
        return number if has_side or event["order_id"] else 0
    if kind == "rejected":
        why = REJECTS[event["reason"]]
        return number if why in ABOUT_ORDERS or (has_side and why != "unknown_instrument") else 0
    return number


def _count(
    counts: dict[tuple[int, int, int], dict[str, Any]],
    reasons: dict[tuple[Any, ...], int],
    key: tuple[int, int, int],
    event: Mapping[str, Any],
) -> None:
    kind = KINDS[event["kind"]]
    if kind in ("accepted", "rejected"):
        counts[key]["commands"] += 1
    if kind == "accepted" and event["side"] != 255:
        counts[key]["orders"] += 1
    if kind == "rejected":
        counts[key]["rejects"] += 1
        reasons[*key, "reject", REJECTS[event["reason"]]] += 1
    if kind == "canceled":
        counts[key]["cancels"] += 1
        reasons[*key, "cancel", CANCELS[event["reason"]]] += 1
    if kind == "amended":
        counts[key]["amends"] += 1
    if kind == "trade":
        counts[key]["trades"].append((event["price_ticks"], event["quantity_lots"]))


def _values(row: Mapping[str, Any], instrument: int) -> tuple[Any, ...]:
    trades = row["trades"]
    prices = [price for price, _ in trades]
    volume = str(sum(lots for _, lots in trades))
    of_one: tuple[Any, ...] = (None,) * 5
    if trades and instrument:
        notional = str(sum(price * lots for price, lots in trades))
        of_one = (notional, prices[0], max(prices), min(prices), prices[-1])
    numbers = tuple(row[name] for name in ("commands", "orders", "amends", "cancels", "rejects"))
    return (*numbers, len(trades), volume, *of_one) if any(numbers) or trades else ()
