"""What a client of the binary gateway knows: its session, its orders, and which answers are waited for. No I/O here."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aeromatch import EVENT_DTYPE
from aeromatch.client.credentials import SigningKey
from aeromatch.client.errors import BadAnswerError, ClientError
from aeromatch.client.wire import (
    FROM_NOW,
    Alive,
    Channel,
    Depth,
    Listing,
    Refusals,
    Reports,
    ServerFrame,
    Trades,
    Welcome,
)
from aeromatch.client.wire_codes import CODES, rejection
from aeromatch.client.wire_link import login_body
from aeromatch.client.wire_orders import ACCEPTED, REJECTED, Market, OwnOrder, OwnOrders, Row
from aeromatch.schema.orders import NewOrder, Order

__all__ = ["Answer", "Bulk", "MarketFeed", "ReportReader", "Session"]

TAG_BITS: Final = 32
TAGS: Final = (1 << TAG_BITS) - 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did: its first event, and the orders of the account that it changed."""

    event: Row
    orders: Mapping[int, Order]


class Bulk:
    """Commands that were sent together, and their answers in the same order.

    Attributes:
        answers: For each command its first event, `accepted` or `rejected`; all zero where none came.
        codes: Why the gateway refused it (`wire_codes.CODES`); 0: it did not.
    """

    def __init__(self, first: int, count: int) -> None:
        self._first, self._count = np.uint64(first), count
        self.answers = np.zeros(count, dtype=EVENT_DTYPE)
        self.codes = np.zeros(count, dtype=np.uint16)
        self.left = count
        self.done = asyncio.Event()
        self.error: ClientError | None = None

    def take(self, answers: NDArray[np.void]) -> None:
        """Answers of which some may be its own."""
        with np.errstate(over="ignore"):
            places = answers["detail"] - self._first
        own = places < self._count
        self.answers[places[own].astype(np.intp)] = answers[own]
        self._took(int(own.sum()))

    def refuse(self, tag: int, code: int) -> bool:
        """A command was refused: whether it is one of these."""
        place = tag - int(self._first)
        if not 0 <= place < self._count:
            return False
        self.codes[place] = code
        self._took(1)
        return True

    def _took(self, count: int) -> None:
        self.left -= count
        if self.left <= 0:
            self.done.set()

    def fail(self, error: ClientError) -> None:
        """No more answers come."""
        self.error = error
        self.done.set()


class ReportReader(Protocol):
    """Somebody whom reports are told."""

    def reported(self, shard: int, events: NDArray[np.void], orders: Sequence[Order]) -> None:
        """Events of whole commands, and the account's orders as they leave them."""

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""


class MarketFeed(Protocol):
    """A subscription of an instrument."""

    symbol: str
    market: Market

    @property
    def instrument(self) -> int:
        """The number of the book."""

    @property
    def channel(self) -> Channel:
        """What it follows."""

    @property
    def levels(self) -> int:
        """Of depth, how many of each side; 0: all that are published."""

    def interrupted(self) -> None:
        """The connection was lost; the next one subscribes again."""

    def depth(self, frame: Depth) -> None:
        """Levels of a book."""

    def trades(self, frame: Trades) -> None:
        """Trades of a book."""

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""


@dataclass
class Session:
    """The state behind a connection, which outlives it.

    Attributes:
        credentials, account, cancel_on_disconnect, heartbeat_ms: As `AsyncBinaryClient`.
        positions: By shard, the last command whose reports have come; empty before the first login.
        follows: Whether every order is followed.
    """

    credentials: SigningKey | None = None
    account: str | None = None
    cancel_on_disconnect: bool = False
    heartbeat_ms: int = 0
    positions: list[int] = field(default_factory=list)
    follows: bool = True
    welcome: Welcome | None = None
    account_number: int = 0
    orders: OwnOrders = field(default_factory=OwnOrders)
    markets: dict[str, Market] = field(default_factory=dict)
    by_number: dict[int, Market] = field(default_factory=dict)
    seconds: dict[int, Market] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    readers: list[ReportReader] = field(default_factory=list)
    feeds: dict[int, MarketFeed] = field(default_factory=dict)
    _pending: dict[int, "asyncio.Future[Answer]"] = field(default_factory=dict)
    _bulks: list[Bulk] = field(default_factory=list)
    _sent: dict[int, NewOrder] = field(default_factory=dict)
    _held: dict[int, NDArray[np.void]] = field(default_factory=dict)
    is_listed: bool = False
    """Whether the instruments are known, without which reports say little."""
    _early: list[Reports] = field(default_factory=list)
    _next_tag: int = 1

    def login(self) -> tuple[bytes, int]:
        """The body of a login that goes on where the reports ended, and its count."""
        body = login_body(
            self.credentials,
            self.account,
            cancel_on_disconnect=self.cancel_on_disconnect,
            heartbeat_ms=self.heartbeat_ms,
            positions=self.positions,
        )
        return body, len(self.positions)

    def begin(self, welcome: Welcome) -> None:
        """A connection was logged in."""
        self.welcome = welcome
        self.account_number = welcome.account
        self._held.clear()
        # The server tells again what is behind the positions.
        self._early.clear()
        if len(self.positions) != len(welcome.positions):
            self.positions = list(welcome.positions)
        self.positions = [
            begun if known == FROM_NOW else known
            for known, begun in zip(self.positions, welcome.positions, strict=True)
        ]

    def tags(self, count: int) -> tuple[int, range]:
        """Tags for so many commands: the first one as it comes back, and all as they are sent."""
        if self._next_tag + count > TAGS:
            self._next_tag = 1
        first, self._next_tag = self._next_tag, self._next_tag + count
        return self._full(first), range(first, first + count)

    def _full(self, tag: int) -> int:
        session = 0 if self.welcome is None else self.welcome.session
        return session << TAG_BITS | tag

    def expect(self, tag: int, order: NewOrder | None = None) -> "asyncio.Future[Answer]":
        """What will come of a command with this (whole) tag."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending[tag] = answer
        if order is not None:
            self._sent[tag] = order
        return answer

    def forget(self, tag: int) -> None:
        """Nobody waits for this any more."""
        self._pending.pop(tag, None)
        self._sent.pop(tag, None)

    def expect_bulk(self, first: int, count: int) -> Bulk:
        """What will come of commands with tags from this (whole) one on."""
        bulk = Bulk(first, count)
        self._bulks.append(bulk)
        return bulk

    def forget_bulk(self, bulk: Bulk) -> None:
        """Nobody waits for these any more."""
        self._bulks.remove(bulk)

    def receive(self, frame: ServerFrame) -> None:
        """A frame of the server, other than a welcome or an end.

        Raises:
            BadAnswerError: It does not follow from what came before.
        """
        match frame:
            case Reports() if not self.is_listed:
                # What was missed can be there before the list that was asked for.
                self._early.append(frame)
            case Reports():
                self._reports(frame)
            case Refusals():
                self._refused(frame)
            case Alive():
                self._alive(frame)
            case Listing():
                self._listed(frame)
            case Depth():
                for feed in list(self.feeds.values()):
                    if feed.instrument == frame.instrument:
                        feed.depth(frame)
            case Trades() if len(frame.events):
                for feed in list(self.feeds.values()):
                    if feed.instrument == int(frame.events["instrument"][0]):
                        feed.trades(frame)

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(error)
        for bulk in self._bulks:
            bulk.fail(error)
        for reader in self.readers:
            reader.fail(error)
        for feed in self.feeds.values():
            feed.fail(error)

    def _alive(self, frame: Alive) -> None:
        if self._early:
            return
        for shard, position in enumerate(frame.positions):
            if shard < len(self.positions) and shard not in self._held:
                self.positions[shard] = max(self.positions[shard], position)

    def _listed(self, frame: Listing) -> None:
        for listed in frame.instruments:
            sizes = Decimal(listed.tick_size), Decimal(listed.lot_size)
            market = Market(listed.number, listed.symbol, *sizes, listed.number)
            self.markets[market.symbol] = self.by_number[market.number] = market
        self.seconds = _seconds(self.markets.values())
        if frame.account:
            self.names[frame.account] = frame.account_name
        if len(self.markets) >= frame.total:
            self.is_listed = True
            early, self._early = self._early, []
            for reports in early:
                self._reports(reports)

    def _refused(self, frame: Refusals) -> None:
        for tag, code, _, retry_after_ns in frame.entries.tolist():
            whole = self._full(tag)
            error = rejection(CODES.get(code, f"refused_{code}"), "", retry_after_ns)
            answer = self._pending.pop(whole, None)
            self._sent.pop(whole, None)
            if answer is not None:
                if not answer.done():
                    answer.set_exception(error)
            elif not any(bulk.refuse(whole, code) for bulk in self._bulks) and tag in self.feeds:
                self.feeds.pop(tag).fail(error)

    def _reports(self, frame: Reports) -> None:
        shard, events = frame.shard, frame.events
        if shard >= len(self.positions):
            raise BadAnswerError(f"reports of shard {shard}, where there are {len(self.positions)}")
        if (held := self._held.pop(shard, None)) is not None:
            events = np.concatenate((held, events))
        if frame.goes_on and len(events):
            # Only whole commands are told: a connection that ends here begins anew before this one.
            last = events["sequence"] == events["sequence"][-1]
            self._held[shard] = events[last].copy()
            events = events[~last]
        if len(events) and int(events["sequence"][0]) <= self.positions[shard]:
            events = events[events["sequence"] > np.uint64(self.positions[shard])]
        if not len(events):
            return
        self.positions[shard] = int(events["sequence"][-1])
        if self._bulks:
            answers = events[(events["kind"] == ACCEPTED) | (events["kind"] == REJECTED)]
            for bulk in self._bulks:
                bulk.take(answers)
        for command in _commands(events) if self._pending else (events,):
            self._told(shard, command)

    def _told(self, shard: int, events: NDArray[np.void]) -> None:
        """Events of one command, or of several whose answers nobody waits for one by one."""
        answered = self._answered(events) if self._pending else None
        changed: list[OwnOrder] = []
        if self.follows or answered is not None:
            # Who follows nothing is told what the command itself did, and no more.
            orders = self.orders if self.follows else OwnOrders()
            changed = orders.apply(events, self.by_number, self.seconds, self._sent)
        if answered is not None or self.readers:
            told = {order.order_id: order.told(self.names) for order in changed}
            for reader in list(self.readers):
                reader.reported(shard, events, list(told.values()))
            if answered is not None:
                self._sent.pop(answered[12], None)
                answer = self._pending.pop(answered[12])
                if not answer.done():
                    answer.set_result(Answer(answered, told))
            return
        for order in changed:
            # Nobody was told of these fills, and nobody will be.
            order.fills.clear()

    def _answered(self, events: NDArray[np.void]) -> Row | None:
        """The answer of a command that somebody waits for."""
        rows: list[Row] = events[(events["kind"] == ACCEPTED) | (events["kind"] == REJECTED)].tolist()
        return next((row for row in rows if row[12] in self._pending), None)


def _seconds(markets: Iterable[Market]) -> dict[int, Market]:
    """What could be second outcomes of events, by the number of the first one's book (R32).

    Outcomes are `event/outcome`, and a unit of cash is a whole number of ticks. Only events that say that their order
    was entered for a second outcome are looked up here: two instruments that are merely named like this do no harm.
    """
    named: dict[str, list[Market]] = {}
    for market in sorted(markets, key=lambda each: each.number):
        event, slash, _ = market.symbol.rpartition("/")
        if slash:
            named.setdefault(event, []).append(market)
    pairs = [pair for pair in named.values() if len(pair) == 2]
    return {
        first.number: replace(second, book=first.number, unit_ticks=int(1 / second.tick_size))
        for first, second in pairs
    }


def _commands(events: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    """Events, command by command."""
    ends = np.flatnonzero(np.diff(events["sequence"])) + 1
    yield from np.split(events, ends)
