"""An exchange that trades, and the server's views of it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aeromatch import Exchange, Instrument, Shards
from aeromatch.server.feed import Feed
from aeromatch.server.views import ServerViews, ViewOptions

SYMBOLS = ("BTC-USD", "ETH-USD", "Election/Yes", "Election/No")
TABLES = ("positions", "candles", "trades", "orders", "client_order_ids", "instruments")
START_NS = 1_760_000_000_000_000_000


def open_venue(directory: Path, shards: int = 2) -> Exchange:
    """An exchange with a journal; what it lists is made if it is not there."""
    exchange = Exchange.open(directory, durability="os", shards=Shards(shards, stream_events=4096))
    if not exchange.instruments():
        for symbol in SYMBOLS[:2]:
            exchange.create_instrument(Instrument(symbol, tick_size="0.5", lot_size="0.01"))
        exchange.create_event("Election", outcomes=("Yes", "No"), currency="USD", tick_size="0.01")
        for name in ("ann", "bob", "cid"):
            exchange.create_account(name)
            exchange.deposit(name, "USD", 1_000_000)
    return exchange


def trade(
    exchange: Exchange,
    rng: random.Random,
    commands: int,
    at_ns: int,
    step_ns: int = 40_000_000,
    named: Callable[[int, str], None] = lambda *_: None,
) -> int:
    """Random orders; the time of the last one."""
    for _ in range(commands):
        at_ns += rng.randrange(step_ns)
        symbol = rng.choice(SYMBOLS)
        side, account = rng.choice(("buy", "sell")), rng.choice(("ann", "bob", "cid"))
        is_event = symbol.startswith("Election")
        price = f"0.{rng.randint(35, 65)}" if is_event else rng.randint(98, 102)
        name = f"{rng.getrandbits(60):x}" if rng.random() < 0.3 else None
        report = exchange.submit(
            symbol,
            "buy" if is_event else side,
            quantity=rng.randint(1, 9) if is_event else f"0.{rng.randint(1, 99):02}",
            price=price,
            account=account,
            client_order_id=name,
            time_in_force=rng.choice(("gtc", "gtc", "gtc", "ioc")),
            timestamp=at_ns,
        )
        if name is not None and report.order_id is not None:
            named(report.order_id, name)
        if rng.random() < 0.01:
            exchange.mass_cancel(account=account, timestamp=at_ns)
    return at_ns


def options(path: Path | None, **others: Any) -> ViewOptions:
    """Views in a file, or in memory."""
    keep: dict[str, Any] = {
        "periods": ("1s", "1m", "1h"),
        "flush_s": 0.02,
        "follows_clock": False,
        "retention": {"1s": None, "1m": None, "1h": None},
    }
    return ViewOptions(store="memory" if path is None else "sqlite", path=path, **{**keep, **others})


@asynccontextmanager
async def following(
    exchange: Exchange, views: ViewOptions, directory: Path | None
) -> AsyncIterator[tuple[ServerViews, Feed]]:
    """The views, with everything that has happened."""
    port = exchange.port()
    kept = ServerViews(exchange.port(), views, directory)
    feed = Feed(port, kept.tracker)
    feed.add(kept)
    await feed.start(kept.positions)
    try:
        await feed.caught_up()
        yield kept, feed
    finally:
        await feed.stop()
        await kept.close()
        port.close()


def dump(path: Path, tables: Sequence[str] = TABLES) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a file, by table."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in tables}
    finally:
        connection.close()
