"""Replays one symbol of a TotalView-ITCH file through the engine and says how far both agree.

The native reader does the work (`crates/itch`): every order of the symbol stands in a real `OrderBook`, and every
execution that can be judged must meet the order that is first there at the best price. It is then sent as an order of
the other side, immediate or cancel, and the engine must trade with exactly that order. Executions that do not meet the
first one are counted and taken from the order that the file names.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aeromatch import Instrument, OrderBook, _core
from aeromatch.replay.itch.chunks import Chunks
from aeromatch.replay.itch.reading import Listing, damage_text
from aeromatch.replay.tally import Agreement, RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

TICK_SIZE: Final = "0.0001"
SHOWN_SYMBOLS: Final = 12
HALTED: Final = frozenset({"H", "P"})


class Volume(NamedTuple):
    """Trades of one kind."""

    trades: int
    shares: int


class TradingAction(NamedTuple):
    """A change of the symbol's trading state."""

    time_ns: int
    """Nanoseconds since midnight."""
    state: str
    """H halted, P paused, Q quoted only, T trading; of an operational halt market center and action, e.g. Q:H."""
    reason: str


@dataclass(slots=True)
class ItchResult:
    """What came out of a replay."""

    file: str
    symbol: str
    locate: int
    """The symbol's number in the file."""
    is_gzip: bool
    framing: str
    """What stands before each message: "lengths", "zeros", or nothing ("bare")."""
    book: OrderBook
    """The engine's book at the end."""
    damage: str | None
    """Where the file stops making sense; None for a whole file. The numbers are about what stands before that."""
    bytes: int
    """Bytes of messages, after inflating."""
    messages: int
    """Of the whole file."""
    messages_by_type: Counter[str]
    unknown_types: int
    """Messages of types that are not in the specification of 2023; their lengths let them be passed over."""
    first_time_ns: int
    """Nanoseconds since midnight."""
    last_time_ns: int
    system_events: list[tuple[int, str]]
    """Time and code: O, S, Q, M, E and C on a usual day."""
    symbol_messages: int
    orders_added: int
    """Replacements included."""
    orders_replaced: int
    orders_reduced: int
    """Messages that cancel a part of an order."""
    orders_canceled: int
    """Orders that were deleted, or reduced to nothing."""
    orders_filled: int
    """Orders that were executed to the last share."""
    orders_left: int
    orders_waited: int
    """Orders that would have traded on arrival, and waited until the book was not crossed any more."""
    orders_waiting: int
    """Of those that are left, those that still wait: they are not in `book`."""
    executions: Volume
    """Of displayed orders."""
    judged: Agreement
    """Executions that were judged, and how many met the order that is first in our book."""
    different: Counter[str]
    """Those that did not, by reason."""
    not_judged: Counter[str]
    """Executions that say nothing about priority, by reason."""
    hidden_trades: Volume
    crosses: Volume
    broken_trades: int
    trading_actions: list[TradingAction]
    unknown_orders: Counter[str]
    """Messages about orders that are not there, by type."""
    refused: Counter[str]
    """Messages that cannot be, by reason."""
    seconds: float = 0.0
    """What the whole replay took."""
    decode_seconds: float = 0.0
    """Of this, what decoding and matching took, without reading and inflating."""
    symbols: list[Listing] = field(default_factory=list)
    """Every symbol of the file."""

    @property
    def halts(self) -> list[TradingAction]:
        """Give the trading actions that halted or paused the symbol."""
        return [action for action in self.trading_actions if action.state in HALTED]

    @property
    def megabytes_per_second(self) -> float:
        """Give the speed over the whole file, in 10^6 bytes of messages."""
        return self.bytes / max(self.seconds, 1e-9) / 1e6

    @property
    def decode_megabytes_per_second(self) -> float:
        """Give the speed of decoding and matching alone."""
        return self.bytes / max(self.decode_seconds, 1e-9) / 1e6

    def as_dict(self) -> dict[str, object]:
        """Give the numbers for JSON."""
        bid, ask = self.book.best_bid, self.book.best_ask
        return {
            **{name: getattr(self, name) for name in PLAIN},
            "messages_by_type": dict(self.messages_by_type),
            "system_events": [list(event) for event in self.system_events],
            "executions": self.executions._asdict(),
            "judged": self.judged.as_dict(),
            "different": dict(self.different),
            "not_judged": dict(self.not_judged),
            "hidden_trades": self.hidden_trades._asdict(),
            "crosses": self.crosses._asdict(),
            "trading_actions": [action._asdict() for action in self.trading_actions],
            "unknown_orders": dict(self.unknown_orders),
            "refused": dict(self.refused),
            "best_bid": None if bid is None else str(bid),
            "best_ask": None if ask is None else str(ask),
            "digest": self.book.digest(),
            "megabytes_per_second": round(self.megabytes_per_second, 1),
            "decode_megabytes_per_second": round(self.decode_megabytes_per_second, 1),
        }


PLAIN: Final = (
    *("file", "symbol", "locate", "is_gzip", "framing", "damage", "bytes", "messages", "unknown_types"),
    *("first_time_ns", "last_time_ns", "symbol_messages", "orders_added", "orders_replaced", "orders_reduced"),
    *("orders_canceled", "orders_filled", "orders_left", "orders_waited", "orders_waiting", "broken_trades"),
)
"""Fields of a result that JSON takes as they are."""


def replay(
    path: str | PathLike[str],
    symbol: str,
    *,
    index: str = "ladder",
    progress: Callable[[int], object] = lambda _: None,
) -> ItchResult:
    """Replay one symbol of a file.

    Args:
        path: A TotalView-ITCH 5.0 file, plain or gzip.
        symbol: The symbol, without padding.
        index: The engine's price index.
        progress: Called now and then with the number of bytes read from the file.

    Returns:
        What came out; of a damaged file what stands before the damage, which `damage` names.

    Raises:
        OSError: The file cannot be read.
        RecordingError: It is no ITCH 5.0 file, or has no such symbol.
        ValueError: The symbol cannot be one, or the index is unknown.
    """
    path = Path(path)
    book = OrderBook(Instrument(symbol, tick_size=TICK_SIZE), index=index)
    reader, chunks = _core.ItchReader(symbol, book=book), Chunks(path, progress)
    decode_seconds, broken = 0.0, None
    began = perf_counter()
    try:
        for chunk in chunks:
            fed = perf_counter()
            reader.feed(chunk)
            decode_seconds += perf_counter() - fed
            if reader.damage is not None:
                break
    except RecordingError as error:
        broken = str(error)  # The messages end where the gzip stream does: that is the one damage, not two.
    else:
        reader.finish()
        broken = None if reader.damage is None else damage_text(path.name, chunks.is_gzip, reader.damage)
    seconds = perf_counter() - began
    day, symbols = reader.day(), [Listing(*found) for found in reader.symbols()]
    if not day["messages"]:
        raise RecordingError(broken or f"{path.name}: no ITCH 5.0 message in it")
    if reader.locate is None:
        raise RecordingError(unknown_symbol(path.name, symbol, symbols) + (f"; {broken}" if broken else ""))
    sums = reader.replayed()
    return ItchResult(
        file=path.name,
        symbol=symbol.rstrip(" "),
        locate=reader.locate,
        is_gzip=chunks.is_gzip,
        book=book,
        damage=broken,
        symbols=symbols,
        seconds=seconds,
        decode_seconds=decode_seconds,
        **_converted(day, sums),
    )


def _converted(day: dict[str, Any], sums: dict[str, Any]) -> dict[str, Any]:
    """Turn what the native reader says into the types of `ItchResult`."""
    judged = Agreement(sums.pop("executions_judged"), sums.pop("executions_agreed"), sums.pop("differences"))
    counters = ("different", "not_judged", "refused", "unknown_orders")
    volumes = ("executions", "hidden_trades", "crosses")
    return {
        **day,
        **sums,
        "messages_by_type": Counter(day["messages_by_type"]),
        "judged": judged,
        "trading_actions": [TradingAction(*action) for action in sums["trading_actions"]],
        **{name: Counter(sums[name]) for name in counters},
        **{name: Volume(*sums[name]) for name in volumes},
    }


def unknown_symbol(name: str, symbol: str, listed: list[Listing]) -> str:
    """Say that a file has no such symbol, and which it has: the busiest ones."""
    busiest = sorted(listed, key=lambda found: -found.messages)
    return f"{name}: no symbol {symbol!r}; {some_symbols([found.symbol for found in busiest])}"


def some_symbols(symbols: list[str]) -> str:
    """Name some symbols of a file."""
    if not symbols:
        return "it has no directory of symbols"
    more = len(symbols) - SHOWN_SYMBOLS
    shown = ", ".join(symbols[:SHOWN_SYMBOLS])
    return f"it has {shown} and {more:,} more" if more > 0 else f"it has {shown}"
