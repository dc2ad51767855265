"""Writes generated sessions as a TotalView-ITCH 5.0 file: a day of some symbols on which every type of message occurs.

Before the opening come the directory and the orders that the books open with, then the sessions, interleaved by time,
with a halt in their middle, then closing crosses. Every execution is one of the engine's own, in the order of its
queues; a few are written with another price (C), as NASDAQ does. A cancel that is followed at once by a new order of
the same side is written as the replacement (U) that it could have been.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from aeromatch.replay.generate.session import NANOSECONDS, SESSION_NS, Action, ActionKind
from aeromatch.replay.itch.layout import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedIOBase

    from aeromatch.replay.generate.session import Session

Timed = tuple[int, bytes]
Fields = dict[str, str | int]

HOUR_NS: Final = 3_600 * NANOSECONDS
DIRECTORY_NS: Final = 3 * HOUR_NS + 5 * 60 * NANOSECONDS
OPENING_NS: Final = 34_200 * NANOSECONDS
"""Half past nine."""
FIRST_ORDER_NS: Final = 9 * HOUR_NS
BETWEEN_ORDERS_NS: Final = 40_000_000
"""Between the orders that a book opens with; even those of the deepest mood are there before the opening."""
TICK: Final = 100
"""A tick of the generated market in 1/10,000."""
FRAMINGS: Final = ("lengths", "zeros", "bare")
HIDDEN_ONE_IN: Final = 24
ATTRIBUTED_ONE_IN: Final = 20
PRICED_ONE_IN: Final = 16
"""One execution at another price than its order's for so many."""
MPIDS: Final = ("AERO", "MTCH", "VIRT")
PROGRESS_EVERY: Final = 256


def write_itch(
    sessions: Mapping[str, Session],
    stream: BufferedIOBase,
    *,
    seed: int,
    framing: str = "lengths",
    progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Play the sessions into one file; returns how many messages were written.

    Args:
        sessions: One for each symbol (at most 8 ASCII characters).
        stream: Where the file goes.
        seed: What is left to chance beside the sessions follows from it.
        framing: What stands before each message: its length ("lengths"), zeros ("zeros"), nothing ("bare").
        progress: Called now and then with the number of steps done, of all sessions.

    Raises:
        ValueError: The framing is unknown.
    """
    if framing not in FRAMINGS:
        raise ValueError(f"framing must be one of {', '.join(FRAMINGS)}; got {framing!r}")
    matches = itertools.count(1)
    books = [
        _Symbol(stock, place, len(sessions), session, Random(f"{seed} {stock}"), matches)
        for place, (stock, session) in enumerate(sessions.items(), 1)
    ]
    middle = heapq.merge([(OPENING_NS, _system(OPENING_NS, "Q"))], *(book.day() for book in books), key=lambda m: m[0])
    written, last_ns, steps = 0, 0, 0
    for time_ns, message in itertools.chain(_morning(books), middle):
        stream.write(_framed(framing, message))
        written, last_ns = written + 1, max(last_ns, time_ns)
        if written % PROGRESS_EVERY == 0:
            steps = sum(book.steps for book in books)
            progress(steps)
    for _, message in _evening(books, max(last_ns + 1, OPENING_NS + SESSION_NS)):
        stream.write(_framed(framing, message))
        written += 1
    if framing == "lengths":
        stream.write(b"\0\0")  # The mark of the end.
    progress(sum(book.steps for book in books))
    return written


def _framed(framing: str, message: bytes) -> bytes:
    if framing == "bare":
        return message
    return (len(message) if framing == "lengths" else 0).to_bytes(2, "big") + message


def _system(time_ns: int, code: str) -> bytes:
    return encode("S", stock_locate=0, tracking_number=0, timestamp=time_ns, event_code=code)


def _morning(books: list[_Symbol]) -> Iterator[Timed]:
    """Yield what comes before the first order: the directory, and the levels of the circuit breaker."""
    time_ns = DIRECTORY_NS
    yield 3 * HOUR_NS, _system(3 * HOUR_NS, "O")
    for book in books:
        yield from ((time_ns, message) for message in book.directory(time_ns))
    levels = {"level_1": 4_650 * 10**8, "level_2": 4_350 * 10**8, "level_3": 4_000 * 10**8}
    yield time_ns, encode("V", stock_locate=0, tracking_number=0, timestamp=time_ns, **levels)
    yield 4 * HOUR_NS, _system(4 * HOUR_NS, "S")


def _evening(books: list[_Symbol], time_ns: int) -> Iterator[Timed]:
    """Yield what comes after the last step: the closing crosses."""
    yield time_ns, _system(time_ns, "M")
    for book in books:
        yield from ((time_ns + 1, message) for message in book.closing(time_ns + 1))
    end_ns = max(time_ns + 2, 20 * HOUR_NS)
    yield end_ns, _system(end_ns, "E")
    yield end_ns + 1, _system(end_ns + 1, "C")


@dataclass(slots=True)
class _Symbol:
    """One symbol's messages."""

    stock: str
    locate: int
    symbols: int
    session: Session
    random: Random
    matches: Iterator[int]
    steps: int = 0
    _has_halted: bool = False
    _last_match: int = 0

    def day(self) -> Iterator[Timed]:
        """Yield the orders of the opening book, the opening cross, and the session."""
        opened, canceled = 0, None
        for action in self.session.actions():
            if action.opening:
                time_ns = FIRST_ORDER_NS + opened * BETWEEN_ORDERS_NS
                opened += 1
                yield time_ns, self._add(action, time_ns, action.quantity)
                continue
            if self.steps == 0:
                yield OPENING_NS - 1, self._imbalance(OPENING_NS - 1, "O")
                yield OPENING_NS, self._cross(OPENING_NS, 0, 0, "O")
            self.steps += 1
            time_ns = OPENING_NS + action.time_ns
            if canceled is not None:
                if self._replaces(canceled, action):
                    yield time_ns, self._replace(canceled, action, time_ns)
                    canceled = None
                    continue
                yield OPENING_NS + canceled.time_ns, self._delete(canceled)
                canceled = None
            if not self._has_halted and 2 * self.steps >= self.session.steps:
                self._has_halted = True
                yield from ((time_ns, message) for message in self._halt(time_ns))
            if action.kind is ActionKind.CANCEL:
                canceled = action  # What comes next says how it is written.
                continue
            yield from ((time_ns, message) for message in self._messages(action, time_ns))
        if canceled is not None:
            yield OPENING_NS + canceled.time_ns, self._delete(canceled)

    def directory(self, time_ns: int) -> list[bytes]:
        """Make the messages that introduce the symbol."""
        about: Fields = {"market_category": "Q", "financial_status": "N", "round_lot_size": 100, "round_lots_only": "N"}
        kind = {"issue_classification": "C", "issue_sub_type": "Z", "authenticity": "P", "short_sale_threshold": "N"}
        funds: Fields = {"ipo_flag": "N", "luld_reference_price_tier": "1", "etp_flag": "N", "etp_leverage_factor": 0}
        market_maker = {"mpid": MPIDS[0], "primary_market_maker": "Y", "market_maker_mode": "N"}
        quoting: Fields = {
            "ipo_quotation_release_time": 35_100,
            "ipo_quotation_release_qualifier": "A",
            "ipo_price": 10_000,
        }
        listing: Fields = {
            "open_eligibility_status": "N",
            "minimum_allowable_price": 8_000,
            "maximum_allowable_price": 18_000,
        }
        near: Fields = {"near_execution_price": 9_000, "near_execution_time": time_ns}
        collar: Fields = {"lower_price_range_collar": 8_100, "upper_price_range_collar": 9_900}
        make = self._make
        return [
            make("R", time_ns, stock=self.stock, **about, **kind, **funds, inverse_indicator="N"),
            make("H", time_ns, stock=self.stock, trading_state="T", reserved="", reason=""),
            make("Y", time_ns, stock=self.stock, reg_sho_action="0"),
            make("L", time_ns, stock=self.stock, **market_maker, market_participant_state="A"),
            make("K", time_ns, stock=self.stock, **quoting),
            make("O", time_ns, stock=self.stock, **listing, **near, **collar),
        ]

    def closing(self, time_ns: int) -> list[bytes]:
        """Make the closing cross: the best two orders meet in the middle, and one trade is broken."""
        imbalance = self._imbalance(time_ns, "C")
        resting = [(order.price_ticks or 0, order) for order in self.session.book.orders()]
        bids = [(-price, order.order_id, order) for price, order in resting if order.side == "buy"]
        asks = [(price, order.order_id, order) for price, order in resting if order.side == "sell"]
        if not bids or not asks:
            return [imbalance, self._cross(time_ns, 0, 0, "C")]
        (bid_price, _, bid), (ask_price, _, ask) = min(bids), min(asks)
        shares = min(bid.remaining_lots, ask.remaining_lots)
        price = (ask_price - bid_price) * TICK // 2
        crossed = [self._execute_at(time_ns, order.order_id, shares, "N", price) for order in (bid, ask)]
        broken = self._make("B", time_ns, match_number=self._last_match)
        return [imbalance, *crossed, self._cross(time_ns, shares, price, "C"), broken]

    def _halt(self, time_ns: int) -> list[bytes]:
        """Make a halt that is over at once: the sessions know of none."""
        states = [("H", "MWC1"), ("P", "LUDP"), ("Q", "MWCQ"), ("T", "MWCQ")]
        halts = [
            self._make("H", time_ns, stock=self.stock, trading_state=state, reserved="", reason=reason)
            for state, reason in states
        ]
        collars = {"upper_auction_collar_price": 11_000, "lower_auction_collar_price": 9_000}
        collar = {"auction_collar_reference_price": 10_000, **collars, "auction_collar_extension": 0}
        operational = [
            self._make("h", time_ns, stock=self.stock, market_code="Q", operational_halt_action=action)
            for action in "HT"
        ]
        breach = encode("W", stock_locate=0, tracking_number=0, timestamp=time_ns, breached_level="1")
        return [
            *([breach] if self.locate == 1 else []),
            *halts[:2],
            self._make("J", time_ns, stock=self.stock, **collar),
            *operational,
            *halts[2:],
            self._make("N", time_ns, stock=self.stock, interest_flag="A"),
        ]

    def _messages(self, action: Action, time_ns: int) -> Iterator[bytes]:
        """Make what an action that is no cancel looks like."""
        if action.kind is ActionKind.REDUCE:
            reference = self._reference(action.order_id)
            yield self._make("X", time_ns, order_reference_number=reference, canceled_shares=action.quantity)
            return
        left, instrument = action.quantity, self.session.book.instrument
        for trade in self.session.report.trades if self.session.report is not None else ():
            shares = instrument.quantity_to_lots(trade.quantity)
            left -= shares
            if self.random.random() * PRICED_ONE_IN < 1:
                price = instrument.price_to_ticks(trade.price) * TICK + (-1 if action.is_buy else 1) * TICK // 2
                yield self._execute_at(time_ns, trade.maker_order_id, shares, "Y", price)
            else:
                yield self._make(
                    "E",
                    time_ns,
                    order_reference_number=self._reference(trade.maker_order_id),
                    executed_shares=shares,
                    match_number=self._match(),
                )
        if left:
            yield self._add(action, time_ns, left)
        if self.random.random() * HIDDEN_ONE_IN < 1:
            yield from self._hidden(time_ns)

    def _hidden(self, time_ns: int) -> Iterator[bytes]:
        """Make a trade between the best prices."""
        bid, ask = self.session.best(True), self.session.best(False)
        if bid is not None and ask is not None:
            yield self._make(
                "P",
                time_ns,
                order_reference_number=0,
                buy_sell_indicator="B",
                shares=1 + int(self.random.random() * 200),
                stock=self.stock,
                price=(bid + ask) * TICK // 2,
                match_number=self._match(),
            )

    def _add(self, action: Action, time_ns: int, shares: int) -> bytes:
        order: Fields = {
            "order_reference_number": self._reference(action.order_id),
            "buy_sell_indicator": "B" if action.is_buy else "S",
            "shares": shares,
            "stock": self.stock,
            "price": action.price * TICK,
        }
        if self.random.random() * ATTRIBUTED_ONE_IN < 1:
            whose = MPIDS[int(self.random.random() * len(MPIDS))]
            return self._make("F", time_ns, **order, attribution=whose)
        return self._make("A", time_ns, **order)

    def _replaces(self, canceled: Action, action: Action) -> bool:
        """Tell whether an action could have been one with the cancel before it: the same side, and no trade."""
        is_new = action.kind is ActionKind.NEW and action.is_buy == canceled.is_buy
        return is_new and self.session.report is not None and not self.session.report.trades

    def _replace(self, canceled: Action, action: Action, time_ns: int) -> bytes:
        return self._make(
            "U",
            time_ns,
            original_order_reference_number=self._reference(canceled.order_id),
            new_order_reference_number=self._reference(action.order_id),
            shares=action.quantity,
            price=action.price * TICK,
        )

    def _delete(self, action: Action) -> bytes:
        reference = self._reference(action.order_id)
        return self._make("D", OPENING_NS + action.time_ns, order_reference_number=reference)

    def _execute_at(self, time_ns: int, order_id: int, shares: int, printable: str, price: int) -> bytes:
        return self._make(
            "C",
            time_ns,
            order_reference_number=self._reference(order_id),
            executed_shares=shares,
            match_number=self._match(),
            printable=printable,
            execution_price=price,
        )

    def _cross(self, time_ns: int, shares: int, price: int, kind: str) -> bytes:
        cross: Fields = {"shares": shares, "cross_price": price, "match_number": self._match()}
        return self._make("Q", time_ns, stock=self.stock, **cross, cross_type=kind)

    def _imbalance(self, time_ns: int, kind: str) -> bytes:
        bid = self.session.best(True)
        prices = dict.fromkeys(("far_price", "near_price", "current_reference_price"), (bid or 0) * TICK)
        imbalance: Fields = {"paired_shares": 100, "imbalance_shares": 0, "imbalance_direction": "N"}
        return self._make(
            "I",
            time_ns,
            stock=self.stock,
            **imbalance,
            **prices,
            cross_type=kind,
            price_variation_indicator="L",
        )

    def _reference(self, order_id: int) -> int:
        """Give an order the number that it has in the file, unlike those of all other symbols."""
        return order_id * self.symbols + self.locate - 1

    def _match(self) -> int:
        self._last_match = next(self.matches)
        return self._last_match

    def _make(self, letter: str, time_ns: int, **fields: str | int) -> bytes:
        return encode(letter, stock_locate=self.locate, tracking_number=0, timestamp=time_ns, **fields)
