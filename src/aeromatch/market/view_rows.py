"""Rows of what happened, and the protocol of whatever keeps them (docs/views.md): candles, trades, orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from aeromatch.market.records import ORDER_DTYPE

__all__ = ["NO_ORDERS", "NO_TRADES", "TRADE_DTYPE", "CandleRow", "Listed", "Position", "ViewBatch", "ViewStore"]

TRADE_DTYPE: Final = np.dtype(
    [
        ("trade_id", "<u8"),
        ("price_ticks", "<i8"),
        ("quantity_lots", "<u8"),
        ("timestamp_ns", "<u8"),
        ("sequence", "<u8"),
        ("instrument", "<u4"),
        ("side", "u1"),
        ("zero", "u1", (3,)),
    ]
)
"""A trade as the public sees it, in the terms of its book; side 255: made by an uncross."""

NO_TRADES: Final = np.zeros(0, TRADE_DTYPE)
NO_ORDERS: Final = np.zeros(0, ORDER_DTYPE)


class CandleRow(NamedTuple):
    """What was traded of an instrument's book in one period; sums are whole numbers of any size."""

    period_ms: int
    start_ms: int
    instrument: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    notional: int
    trades: int


class Position(NamedTuple):
    """How far a shard's log is kept."""

    sequence: int = 0
    """Number of the last command whose events are kept; nothing after it is."""
    time_ns: int = 0
    """Of the last answer (R2)."""
    mark_sequence: int = 0
    """Number of the last command that had events."""
    mark: int = 0
    """Checksum of those events: another log has others."""


class Listed(NamedTuple):
    """An instrument, for whoever reads the rows elsewhere."""

    number: int
    symbol: str
    tick_size: str
    lot_size: str
    book: int
    """Number of the instrument whose book it is traded in: its own, or the first outcome's."""
    unit_ticks: int
    """Ticks in one unit of cash if it is the second of two outcomes, else 0."""


@dataclass(slots=True)
class ViewBatch:
    """What is written at once: all of it, or nothing."""

    positions: dict[int, Position] = field(default_factory=dict)
    """By shard, how far this brings it."""
    candles: Sequence[CandleRow] = ()
    """As they are now: each replaces the one that is kept of its period, start and instrument."""
    trades: NDArray[np.void] = field(default_factory=lambda: NO_TRADES)
    """TRADE_DTYPE, in order of each instrument's trade ids."""
    orders: NDArray[np.void] = field(default_factory=lambda: NO_ORDERS)
    """ORDER_DTYPE, each order once, as it is now."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Client order ids by order id."""
    instruments: Sequence[Listed] = ()


class ViewStore(Protocol):
    """Where the rows are. One thread writes; any may read."""

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """The periods of the candles, ascending."""

    def positions(self) -> dict[int, Position]:
        """How far each shard's log is kept."""

    def write(self, batch: ViewBatch) -> None:
        """Adds rows and moves the positions, all or nothing, and drops what is no longer kept."""

    def live_orders(self) -> NDArray[np.void]:
        """Orders that have not ended, in order of id."""

    def last_candles(self) -> list[CandleRow]:
        """Of each period and instrument the last one."""

    def order(self, order_id: int) -> np.void | None:
        """An order, live or ended."""

    def ended_orders(
        self, *, account: int | None, instrument: int | None, before: tuple[int, int] | None, limit: int
    ) -> NDArray[np.void]:
        """Orders that have ended, newest first.

        Args:
            account: Only this account's, by number.
            instrument: Only those entered for this one.
            before: Only those before this time of creation and, at that time, this id.
            limit: At most so many.
        """

    def names(self, order_ids: Sequence[int]) -> dict[int, str]:
        """Client order ids of those that have one."""

    def with_name(self, client_order_id: str) -> list[int]:
        """Ids of the orders, whosever, that have this client order id."""

    def trades(
        self, instrument: int, *, before_id: int | None, from_sequence: int | None, limit: int
    ) -> NDArray[np.void]:
        """Trades of a book, newest first: below a trade id, and of commands from a sequence number on."""

    def candles(self, instrument: int, period_ms: int, *, start_ms: int, end_ms: int, limit: int) -> list[CandleRow]:
        """The last candles that begin at `start_ms` or later and before `end_ms`, oldest first; none for gaps."""

    def close(self) -> None:
        """Closes it."""
