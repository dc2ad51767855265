"""Replays order files through the engine.

Nothing tells the engine what should have happened, but the file knows one thing that only a book that matched rightly
can agree with: how much was left of every order when it was canceled. That is compared.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aeromatch import Instrument, OrderBook
from aeromatch.replay.lines import Malformed
from aeromatch.replay.observer import Observer, Silent
from aeromatch.replay.order_file import Instruction, OrderLine, read_orders
from aeromatch.replay.tally import Agreement, RecordingError, Refused, symbol_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aeromatch import Report

ACCOUNT: Final = "file"
"""Everybody in the file, so that orders can be named by the file's ids."""
TICK_SIZE: Final = "0.0001"
WATCHED_LEVELS: Final = 10


@dataclass(slots=True)
class OrdersResult:
    """What came out of a replay."""

    lines: int = 0
    by_instruction: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    """Commands that the engine rejected, by reason."""
    trades: int = 0
    traded_quantity: int = 0
    canceled: Agreement = field(default_factory=Agreement)
    """Cancels whose recorded quantity is what the engine had left."""
    first_time_ns: int = 0
    last_time_ns: int = 0
    malformed: Refused = field(default_factory=Refused)
    book: OrderBook | None = None
    """The engine's book at the end."""

    def as_dict(self) -> dict[str, object]:
        """Give the numbers for JSON."""
        return {
            "lines": self.lines,
            "lines_by_instruction": dict(self.by_instruction),
            "rejected": dict(self.rejected),
            "trades": self.trades,
            "traded_quantity": self.traded_quantity,
            "canceled_quantity": self.canceled.as_dict(),
            "malformed": self.malformed.as_dict(),
            "first_time_ns": self.first_time_ns,
            "last_time_ns": self.last_time_ns,
        }


class OrdersReplay:
    """One order file, ready to be replayed."""

    def __init__(
        self,
        path: Path,
        *,
        tick_size: str = TICK_SIZE,
        index: str = "ladder",
        strict: bool = False,
        observer: Observer | None = None,
    ) -> None:
        """Prepare a replay.

        Args:
            path: The order file.
            tick_size: The grid of prices; an order off it is rejected by the engine and counted.
            index: The engine's price index: "ladder", "btree", "skiplist" or "heap".
            strict: Stop at the first malformed line.
            observer: Receives books and trades as they happen.

        Raises:
            ValueError: `tick_size` is not a positive number, or `index` is unknown.
        """
        self._path = path
        self._strict = strict
        self._observer = Silent() if observer is None else observer
        self._book = OrderBook(Instrument(symbol_of(path.stem), tick_size=tick_size), index=index)
        self.result = OrdersResult()

    def __len__(self) -> int:
        """Give the size of the file in bytes: what `run` reports progress in."""
        return self._path.stat().st_size

    def run(self, progress: Callable[[int], object] = lambda _: None) -> OrdersResult:
        """Replay everything; `progress` is called now and then with the number of bytes read.

        Raises:
            OSError: The file cannot be read.
            RecordingError: There is no usable line, or a malformed line under `strict`.
        """
        result = self.result
        with self._path.open("rb") as stream:
            for count, line in enumerate(read_orders(stream)):
                if isinstance(line, Malformed):
                    result.malformed.add(line, self._path.name, strict=self._strict)
                else:
                    self._send(line)
                if count % 256 == 0:
                    progress(stream.tell())
            progress(stream.tell())
        if not result.lines:
            raise RecordingError(f"{self._path.name}: no order in it; malformed lines: {result.malformed}")
        result.book = self._book
        return result

    def _send(self, line: OrderLine) -> None:
        """Send one line to the engine."""
        result = self.result
        result.last_time_ns = line.time_ns
        if not result.lines:
            result.first_time_ns = line.time_ns
        result.lines += 1
        result.by_instruction[line.instruction] += 1
        if line.instruction is Instruction.NEW:
            report = self._new(line)
        elif line.instruction is Instruction.CANCEL:
            report = self._cancel(line)
        else:
            report = self._reduce(line)
        if report.reject_reason is not None:
            result.rejected[str(report.reject_reason)] += 1
            return
        depth = self._book.depth(WATCHED_LEVELS)
        self._observer.book(
            line.time_ns,
            [(level.price_ticks, level.quantity_lots) for level in depth.asks],
            [(level.price_ticks, level.quantity_lots) for level in depth.bids],
        )

    def _new(self, line: OrderLine) -> Report:
        report = self._book.submit(
            "buy" if line.is_buy else "sell",
            quantity=line.quantity,
            price=line.price,
            account=ACCOUNT,
            client_order_id=line.uid,
            timestamp=line.time_ns,
        )
        instrument = self._book.instrument
        for trade in report.trades:
            lots = instrument.quantity_to_lots(trade.quantity)
            self.result.trades += 1
            self.result.traded_quantity += lots
            self._observer.trade(line.time_ns, instrument.price_to_ticks(trade.price), lots, line.is_buy)
        return report

    def _cancel(self, line: OrderLine) -> Report:
        order = self._book.order(client_order_id=line.uid, account=ACCOUNT)
        if order is not None:
            text = f"line {line.line}: order {line.uid}, canceled {line.quantity}; engine: {order.remaining_lots} left"
            self.result.canceled.count(order.remaining_lots == line.quantity, text)
        return self._book.cancel(client_order_id=line.uid, account=ACCOUNT, timestamp=line.time_ns)

    def _reduce(self, line: OrderLine) -> Report:
        order = self._book.order(client_order_id=line.uid, account=ACCOUNT)
        if order is None or order.remaining_lots <= line.quantity:
            return self._book.cancel(client_order_id=line.uid, account=ACCOUNT, timestamp=line.time_ns)
        total = order.quantity - line.quantity
        return self._book.amend(client_order_id=line.uid, account=ACCOUNT, quantity=total, timestamp=line.time_ns)
