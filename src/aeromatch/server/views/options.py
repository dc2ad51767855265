"""How views are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aeromatch.stores import MemoryViews, SqliteViews
from aeromatch.stores.sqlite_views import DEFAULT_PERIODS, KEEP

__all__ = ["ViewOptions", "open_store"]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """How views are kept. Immutable.

    Attributes:
        store: "sqlite" or "memory", which begins empty at each start and is filled from the journal.
        path: The file.
        periods: Of candles.
        keep_trades: So many trades of each instrument, the latest.
        keep_orders: So many orders that have ended, the latest made.
        keep_ns: Trades, and ended orders, no older than this; None: any.
        retention: How long candles of a period stay; what is not named stays as `market.periods` says.
        flush_s: Rows are written so often.
        follows_clock: Whether the exchange's time is the clock's (`Shards.stamp_time`): then candles close also where
            nothing happens. Else they do when the next command brings the time.
        waiting_rows: So many rows wait for the store at most: then the feed waits; matching never does.
    """

    store: Literal["sqlite", "memory"] = "sqlite"
    path: Path | None = None
    periods: tuple[str | int, ...] = DEFAULT_PERIODS
    keep_trades: int = KEEP
    keep_orders: int = KEEP
    keep_ns: int | None = None
    retention: Mapping[str | int, str | int | None] = field(default_factory=dict)
    flush_s: float = 0.25
    waiting_rows: int = 500_000
    follows_clock: bool = True


def open_store(options: ViewOptions) -> SqliteViews | MemoryViews:
    """The store that options name.

    Raises:
        StoreError: The file cannot be used.
        ValueError: An option makes no sense.
    """
    if options.store == "memory":
        return MemoryViews(
            periods=options.periods,
            keep_trades=options.keep_trades,
            keep_orders=options.keep_orders,
            keep_ns=options.keep_ns,
            retention=options.retention,
        )
    if options.path is None:
        raise ValueError("path: views in sqlite need a file")
    return SqliteViews(
        options.path,
        periods=options.periods,
        keep_trades=options.keep_trades,
        keep_orders=options.keep_orders,
        keep_ns=options.keep_ns,
        retention=options.retention,
    )
