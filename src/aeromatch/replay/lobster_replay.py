"""Replays LOBSTER recordings through the engine and says how far both agree.

Two questions are asked of every message:

*State*: does recorded row i-1 plus message i give row i? The engine's book is row i-1 (level by level, with the queues
that `foresight` knows); the message is sent to it; the result is compared with row i. One thing cannot be known: a
level that was below the last visible one and scrolls in because another went away. Such a level is excepted and
counted; the rest of its row is judged like any other.

*Execution*: a visible execution is sent again as a marketable order of that price and size. Does the engine's
price-time priority choose the same resting order, at the same price, for the same quantity?

After each message the book is made equal to the recorded row, so that one difference is counted once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from aeromatch import Instrument
from aeromatch.replay.foresight import Foresight
from aeromatch.replay.lines import Malformed
from aeromatch.replay.lobster import Message, MessageType, Row, read_messages, read_rows
from aeromatch.replay.named_book import NAMELESS, Hit, NamedBook
from aeromatch.replay.observer import Observer, Silent
from aeromatch.replay.tally import Agreement, RecordingError, Refused, symbol_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aeromatch import OrderBook

Levels = list[tuple[int, int]]
_Line = TypeVar("_Line", Message, Row)
TICK_SIZE: Final = "0.0001"


@dataclass(slots=True)
class LobsterResult:
    """What came out of a replay."""

    messages: int = 0
    by_type: Counter[str] = field(default_factory=Counter)
    state: Agreement = field(default_factory=Agreement)
    executions: Agreement = field(default_factory=Agreement)
    levels_compared: int = 0
    levels_excepted: int = 0
    """Levels that scrolled in from below the last visible one."""
    unpaired: int = 0
    """Messages without a row, or rows without a message."""
    traded_quantity: int = 0
    first_time_ns: int = 0
    last_time_ns: int = 0
    malformed: Refused = field(default_factory=Refused)
    book: OrderBook | None = None
    """The engine's book at the end."""

    def as_dict(self) -> dict[str, object]:
        """Give the numbers for JSON."""
        return {
            "messages": self.messages,
            "messages_by_type": dict(self.by_type),
            "state": self.state.as_dict(),
            "levels_compared": self.levels_compared,
            "levels_excepted": self.levels_excepted,
            "executions": self.executions.as_dict(),
            "traded_quantity": self.traded_quantity,
            "unpaired_lines": self.unpaired,
            "malformed": self.malformed.as_dict(),
            "first_time_ns": self.first_time_ns,
            "last_time_ns": self.last_time_ns,
        }


def orderbook_beside(messages: Path) -> Path | None:
    """Find the orderbook file that belongs to a message file, by LOBSTER's names; None if there is none."""
    for word, other in (("message", "orderbook"), ("msgs", "book"), ("messages", "book")):
        beside = messages.with_name(messages.name.replace(word, other))
        if beside != messages and beside.is_file():
            return beside
    return None


class LobsterReplay:
    """One recording, ready to be replayed."""

    def __init__(
        self,
        messages: Path,
        orderbook: Path,
        *,
        index: str = "ladder",
        strict: bool = False,
        observer: Observer | None = None,
    ) -> None:
        """Read the message file.

        Args:
            messages: The message file.
            orderbook: The orderbook file.
            index: The engine's price index: "ladder", "btree", "skiplist" or "heap".
            strict: Stop at the first malformed line.
            observer: Receives books and trades as they happen.

        Raises:
            OSError: A file cannot be read.
            RecordingError: There is no usable message, or a malformed line under `strict`.
        """
        self._names = (messages.name, orderbook.name)
        self._orderbook = orderbook
        self._strict = strict
        self._observer = Silent() if observer is None else observer
        self.result = LobsterResult()
        with messages.open("rb") as stream:
            self._messages = [self._kept(message, 0) for message in read_messages(stream)]
        if not any(self._messages):
            raise RecordingError(f"{messages.name}: no LOBSTER message in it; malformed lines: {self.result.malformed}")
        self._foresight = Foresight(self._messages)
        self._engine = NamedBook(Instrument(symbol_of(messages.stem), tick_size=TICK_SIZE), index=index)

    def __len__(self) -> int:
        """Count the lines to replay."""
        return len(self._messages)

    def run(self, progress: Callable[[int], object] = lambda _: None) -> LobsterResult:
        """Replay everything; `progress` is called now and then with the number of lines done.

        Raises:
            OSError: The orderbook file cannot be read.
            RecordingError: There is no usable row, or a malformed line under `strict`.
        """
        result = self.result
        before: Row | None = None
        rows = 0
        with self._orderbook.open("rb") as stream:
            for index, row in enumerate(read_rows(stream)):
                if index >= len(self._messages):
                    result.unpaired += 1
                    continue
                rows = index + 1
                before = self._step(index, before, self._kept(row, 1))
                if index % 256 == 0:
                    progress(rows)
        result.unpaired += len(self._messages) - rows
        if before is None and not result.state.judged:
            raise RecordingError(f"{self._names[1]}: no usable row in it; malformed lines: {result.malformed}")
        progress(len(self._messages))
        result.book = self._engine.book
        return result

    def _kept(self, line: _Line | Malformed, file: int) -> _Line | None:
        """Count a malformed line and drop it."""
        if not isinstance(line, Malformed):
            return line
        self.result.malformed.add(line, self._names[file], strict=self._strict)
        return None

    def _step(self, index: int, before: Row | None, row: Row | None) -> Row | None:
        """Send message `index` to a book that is `before`, compare with `row`, and go on from there."""
        message, result = self._messages[index], self.result
        if message is not None:
            result.messages += 1
            result.by_type[message.type.name.lower()] += 1
            result.last_time_ns = message.time_ns
            if result.messages == 1:
                result.first_time_ns = message.time_ns
            if before is not None:
                self._apply(index, before, message)
                if row is not None:
                    self._judge(message, before, row)
        if row is not None:
            self._make_equal(row, index)
            self._observer.book(result.last_time_ns, row.asks, row.bids)
        return row

    def _apply(self, index: int, before: Row, message: Message) -> None:
        """Let the engine do what the message says; crosses, halts and hidden executions do not touch the book."""
        is_buy, price, size, name = message.is_buy, message.price, message.size, message.order_id
        if message.type is MessageType.NEW:
            self._engine.place(is_buy, price, size, name, message.time_ns)
        elif message.type is MessageType.REDUCED:
            self._engine.reduce(is_buy, price, name, size, message.time_ns)
        elif message.type is MessageType.DELETED:
            self._engine.delete(is_buy, price, name)
        elif message.type is MessageType.EXECUTED:
            self._execute(index, before, message)

    def _execute(self, index: int, before: Row, message: Message) -> None:
        """Send an execution again as a marketable order, and see whom it meets."""
        is_buy, price, size, name = message.is_buy, message.price, message.size, message.order_id
        hits = self._engine.take(not is_buy, price, size, message.time_ns)
        for hit in hits:
            self.result.traded_quantity += hit.size
            self._observer.trade(message.time_ns, hit.price, hit.size, not is_buy)
        agrees = hits == [Hit(name, price, size)]
        met = ", ".join(f"{_named(hit.name)} {hit.size} at {hit.price}" for hit in hits) or "nobody"
        self.result.executions.count(agrees, f"line {message.line}: order {name}, {size} at {price}; engine: {met}")
        if not agrees:
            # State is judged on its own: undo what the engine did and take the size from the order that was named.
            self._make_equal(before, index - 1)
            self._engine.reduce(is_buy, price, name, size, message.time_ns)

    def _judge(self, message: Message, before: Row, row: Row) -> None:
        """Compare the engine's visible levels with the recorded row."""
        agrees, text = True, f"line {message.line}:"
        engine_asks, engine_bids = self._engine.levels()
        for side, book, recorded, last in (
            ("asks", engine_asks, row.asks, before.asks),
            ("bids", engine_bids, row.bids, before.bids),
        ):
            engine = book[: row.levels]
            scrolled_in = len(engine) == row.levels - 1 and _scrolled_in(side, last, recorded, row.levels)
            compared = recorded[:-1] if scrolled_in else recorded
            self.result.levels_excepted += scrolled_in
            self.result.levels_compared += len(compared)
            if engine != compared:
                agrees = False
                text += f" {side} {_first_difference(compared, engine)};"
        self.result.state.count(agrees, text.rstrip(";"))

    def _make_equal(self, row: Row, index: int) -> None:
        """Make the engine's book the recorded row; levels that already have their size keep their queue."""
        time_ns = self.result.last_time_ns
        engine_asks, engine_bids = self._engine.levels()
        wanted: list[tuple[bool, int, int]] = []
        for is_buy, engine, recorded in ((False, engine_asks, row.asks), (True, engine_bids, row.bids)):
            if engine == recorded:
                continue
            kept = set(engine).intersection(recorded)
            for level in engine:
                if level not in kept:
                    self._engine.clear_level(is_buy, level[0])
            wanted.extend((is_buy, *level) for level in recorded if level not in kept)
        # Only now, so that no new level ever meets an old one of the other side.
        for is_buy, price, size in wanted:
            queue = self._foresight.standing(is_buy, price, size, index)
            self._engine.fill_level(is_buy, price, size, queue, time_ns)


def _scrolled_in(side: str, before: Levels, recorded: Levels, levels: int) -> bool:
    """Tell whether the last recorded level stood behind the last visible one before."""
    if len(before) < levels or len(recorded) < levels:
        return False
    now, then = recorded[-1][0], before[-1][0]
    return now > then if side == "asks" else now < then


def _first_difference(recorded: Levels, engine: Levels) -> str:
    """Say where two sides differ first."""
    for place in range(max(len(recorded), len(engine))):
        a = recorded[place] if place < len(recorded) else None
        b = engine[place] if place < len(engine) else None
        if a != b:
            return f"level {place + 1}: recorded {_level(a)}, engine {_level(b)}"
    return "equal"


def _level(level: tuple[int, int] | None) -> str:
    return "none" if level is None else f"{level[1]} at {level[0]}"


def _named(name: int) -> str:
    return "an unnamed order" if name == NAMELESS else f"order {name}"
