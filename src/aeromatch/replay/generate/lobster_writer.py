"""Writes a generated session as a LOBSTER message file and orderbook file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aeromatch.replay.generate.session import NANOSECONDS, Action, ActionKind, Session
from aeromatch.replay.lobster import NO_ASK, NO_BID, MessageType

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

Levels = list[tuple[int, int]]

OPENING_NS: Final = 34_200 * NANOSECONDS
"""Half past nine."""
TICK: Final = 100
"""A tick of the generated market in LOBSTER's 1/10,000."""
HIDDEN_ONE_IN: Final = 24
"""One execution of an invisible order for so many visible messages."""


class LobsterWriter:
    """Writes one message and one row for each change of the visible levels, as LOBSTER does."""

    def __init__(self, session: Session, levels: int, messages: BinaryIO, rows: BinaryIO) -> None:
        """Prepare to write; `levels` is how many levels a side the orderbook file shows."""
        self._session = session
        self._levels = levels
        self._messages = messages
        self._rows = rows
        self._asks: Levels = []
        self._bids: Levels = []
        self.written = 0

    def run(self, progress: Callable[[int], object] = lambda _: None) -> int:
        """Play the whole session; returns how many messages were written."""
        steps = 0
        for action in self._session.actions():
            if action.opening:
                continue
            if steps == 0:
                self._asks, self._bids = self._visible(self._levels)
                # The first action has been carried out already: it is part of the book that the file opens with.
            else:
                self._write_action(action)
            steps += 1
            if steps % 256 == 0:
                progress(steps)
        progress(steps)
        return self.written

    def _visible(self, count: int) -> tuple[Levels, Levels]:
        depth = self._session.book.depth(count)
        return (
            [(level.price_ticks, level.quantity_lots) for level in depth.asks],
            [(level.price_ticks, level.quantity_lots) for level in depth.bids],
        )

    def _write_action(self, action: Action) -> None:
        """Write what an action changed, if it can be seen."""
        if action.kind is ActionKind.NEW:
            rest = self._write_executions(action)
            kind, size = MessageType.NEW, rest
        else:
            kind = MessageType.DELETED if action.kind is ActionKind.CANCEL else MessageType.REDUCED
            size = action.quantity
        before = (self._asks, self._bids)
        self._asks, self._bids = self._visible(self._levels)
        if size and (self._asks, self._bids) != before:
            self._write(action.time_ns, kind, action.order_id, size, action.price, action.is_buy)
        if self._asks and self._bids and self._session.chance(HIDDEN_ONE_IN) == 0:
            middle = (self._asks[0][0] + self._bids[0][0]) * TICK // 2
            is_buy, shares = self._session.chance(2) == 0, 1 + self._session.chance(200)
            self._write_line(action.time_ns, MessageType.HIDDEN_EXECUTION, 0, shares, middle, is_buy)

    def _write_executions(self, action: Action) -> int:
        """Write the trades of a new order, each with the book right after it; returns what is left of the order."""
        report, left = self._session.report, action.quantity
        if report is None or not report.trades:
            return left
        instrument = self._session.book.instrument
        trades = [
            (trade.maker_order_id, instrument.price_to_ticks(trade.price), instrument.quantity_to_lots(trade.quantity))
            for trade in report.trades
        ]
        makers = self._makers_before(action.is_buy, trades)
        for maker, price, quantity in trades:
            left -= quantity
            remaining = makers[0][1] - quantity
            makers = [(price, remaining), *makers[1:]] if remaining else makers[1:]
            if action.is_buy:
                self._asks = makers[: self._levels]
            else:
                self._bids = makers[: self._levels]
            self._write(action.time_ns, MessageType.EXECUTED, maker, quantity, price, not action.is_buy)
        return left

    def _makers_before(self, taker_is_buy: bool, trades: list[tuple[int, int, int]]) -> Levels:
        """Work out the side that was hit, as it was before: what stands there now and what was traded from it."""
        standing = dict(self._visible(self._levels + 1)[0 if taker_is_buy else 1])
        for _, price, quantity in trades:
            standing[price] = standing.get(price, 0) + quantity
        return sorted(standing.items(), reverse=not taker_is_buy)

    def _write(self, time_ns: int, kind: MessageType, order_id: int, size: int, ticks: int, is_buy: bool) -> None:
        self._write_line(time_ns, kind, order_id, size, ticks * TICK, is_buy)

    def _write_line(self, time_ns: int, kind: MessageType, order_id: int, size: int, price: int, is_buy: bool) -> None:
        seconds, fraction = divmod(OPENING_NS + time_ns, NANOSECONDS)
        direction = 1 if is_buy else -1
        line = f"{seconds}.{fraction:09},{kind.value},{order_id},{size},{price},{direction}\n"
        self._messages.write(line.encode())
        self._rows.write(self._row().encode())
        self.written += 1

    def _row(self) -> str:
        cells = []
        for place in range(self._levels):
            ask = self._asks[place] if place < len(self._asks) else None
            bid = self._bids[place] if place < len(self._bids) else None
            cells.append(f"{NO_ASK},0" if ask is None else f"{ask[0] * TICK},{ask[1]}")
            cells.append(f"{NO_BID},0" if bid is None else f"{bid[0] * TICK},{bid[1]}")
        return ",".join(cells) + "\n"
