"""A book that follows a snapshot and the updates behind it, and notices when it no longer can: no I/O here.

The recipe is the one that large venues publish. Updates are kept until there is a snapshot; those that the snapshot has
already are dropped; the first that counts holds the id behind the snapshot's, and from then on each begins one above
where the last one ended. Levels carry the quantity that they have now, "0" where they are gone.

What goes wrong is data, for networks lose things: the book is out of step, `desync` says why, nothing is shown, and the
next snapshot mends it. Updates that come until then are kept for it.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, NamedTuple, Protocol

from aeromatch.client.errors import OutOfSyncError
from aeromatch.schema.market import PriceLevel

__all__ = ["Desync", "Level", "LocalBook"]

MAX_WAITING: Final = 10_000
"""Updates that wait for a snapshot, at most; behind that the oldest are dropped, and a later snapshot is needed."""

DesyncReason = Literal["no_snapshot", "gap", "overlap", "invalid_level", "unknown_level", "crossed", "differs"]


class Snapshot(Protocol):
    """A book as REST answers it (`Book`), or as the depth channel begins with it (`DepthSnapshot`)."""

    last_update_id: int
    timestamp: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class Update(Protocol):
    """What the depth channel brings (`DepthUpdate`)."""

    first_update_id: int
    last_update_id: int
    timestamp: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class Level(NamedTuple):
    """A price and the quantity displayed there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Desync:
    """Why a book is out of step.

    Attributes:
        reason: "no_snapshot": none has come yet. "gap": updates are missing. "overlap": an update begins before the
            last one ended. "invalid_level": a price or a quantity that is none, or a negative quantity.
            "unknown_level": a level is gone that was not there. "crossed": the best bid is not below the best ask.
            "differs": a snapshot of the same moment has other levels.
        detail: What was wrong, with its figures.
        expected_update_id: Where the next update should have begun.
        found_update_id: Where it began.
    """

    reason: DesyncReason
    detail: str
    expected_update_id: int | None = None
    found_update_id: int | None = None

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class _Side:
    """One side's levels, with the prices in ascending order beside them."""

    __slots__ = ("prices", "quantities")

    def __init__(self, levels: Iterable[Level] = ()) -> None:
        self.quantities: dict[Decimal, Decimal] = {price: quantity for price, quantity in levels if quantity}
        self.prices = sorted(self.quantities)

    def set(self, level: Level) -> bool:
        """Gives a level its quantity; False: it is gone and was not there."""
        price, quantity = level
        is_known = price in self.quantities
        if quantity:
            if not is_known:
                insort(self.prices, price)
            self.quantities[price] = quantity
        elif is_known:
            del self.quantities[price]
            del self.prices[bisect_left(self.prices, price)]
        return is_known or bool(quantity)

    def at(self, index: int) -> Level | None:
        if not self.prices:
            return None
        price = self.prices[index]
        return Level(price, self.quantities[price])

    def levels(self, prices: Iterable[Decimal]) -> Iterator[Level]:
        return (Level(price, self.quantities[price]) for price in prices)


class LocalBook:
    """A copy of a book, kept in step by updates.

    Arguments:
        symbol: The instrument, for messages.
        is_whole: Whether snapshots have every level. Then the end of a level that is not there says that something was
            lost; where a snapshot stops at some depth it is an everyday thing, and counted in `unknown_levels`.
        may_cross: Whether bids may stand at or above asks: in an auction they do (R26). Turn it on when the
            instrument's phase says so; it turns itself off once the book is uncrossed.
    """

    def __init__(self, symbol: str, *, is_whole: bool = True, may_cross: bool = False) -> None:
        self.symbol = symbol
        self.is_whole = is_whole
        self.may_cross = may_cross
        self.updates = 0
        """How many updates were applied."""
        self.unknown_levels = 0
        """How many levels ended that were not there."""
        self.resyncs = 0
        """How often the book was in step and fell out of it."""
        self._waiting: deque[Update] = deque(maxlen=MAX_WAITING)
        self._desync: Desync | None = Desync("no_snapshot", "no snapshot has come yet")
        self._is_joined = False
        self._last_update_id = 0
        self._timestamp = 0
        self._bids, self._asks = _Side(), _Side()

    @property
    def desync(self) -> Desync | None:
        """Why the book needs a snapshot; None: it is in step."""
        return self._desync

    @property
    def is_live(self) -> bool:
        """Whether the book is in step."""
        return self._desync is None

    def load(self, snapshot: Snapshot) -> bool:
        """Begins anew with a snapshot and the updates behind it that came already.

        Returns:
            Whether the book is in step then. It is not where the snapshot is older than the updates reach back, or is
            damaged itself: `desync` says which, and another snapshot is needed.
        """
        bids, asks = _parse(snapshot.bids), _parse(snapshot.asks)
        if isinstance(bids, str) or isinstance(asks, str):
            return self._lose(Desync("invalid_level", f"snapshot {snapshot.last_update_id}: {_text(bids, asks)}"))
        self._bids, self._asks = _Side(bids), _Side(asks)
        self._last_update_id, self._timestamp = snapshot.last_update_id, snapshot.timestamp
        self._desync, self._is_joined = None, False
        if not self._check_crossed():
            return False
        waiting, self._waiting = self._waiting, deque(maxlen=MAX_WAITING)
        for update in waiting:
            self.apply(update)
        return self.is_live

    def apply(self, update: Update) -> bool:
        """Takes an update in; one that the book has already does nothing.

        Returns:
            Whether the book has changed by it. Where it has not, look at `desync`.
        """
        if self._desync is not None:
            self._waiting.append(update)
            return False
        if update.last_update_id <= self._last_update_id:
            return False
        expected, first = self._last_update_id + 1, update.first_update_id
        if first > expected:
            self._lose(Desync("gap", f"expected update {expected}, got {first}", expected, first), keep=update)
            return False
        if first < expected and self._is_joined:
            detail = f"update {first} begins before {expected}, where the last one ended"
            return self._lose(Desync("overlap", detail, expected, first))
        bids, asks = _parse(update.bids), _parse(update.asks)
        if isinstance(bids, str) or isinstance(asks, str):
            return self._lose(Desync("invalid_level", f"update {first}: {_text(bids, asks)}", expected, first))
        # Where the update reaches back behind the snapshot, it may end levels that the snapshot has no more.
        is_exact = self.is_whole and first == expected
        unknown = self._set(self._bids, bids) + self._set(self._asks, asks)
        self.unknown_levels += len(unknown)
        if unknown and is_exact:
            detail = f"update {first} ends levels that were not there: {', '.join(map(str, unknown[:3]))}"
            return self._lose(Desync("unknown_level", detail, expected, first))
        self._last_update_id, self._timestamp = update.last_update_id, update.timestamp
        self._is_joined = True
        self.updates += 1
        return self._check_crossed()

    def _set(self, side: _Side, levels: Sequence[Level]) -> list[Decimal]:
        return [level.price for level in levels if not side.set(level)]

    def _check_crossed(self) -> bool:
        bid, ask = self._bids.at(-1), self._asks.at(0)
        if bid is None or ask is None or bid.price < ask.price:
            self.may_cross = False
            return True
        if self.may_cross:
            return True
        return self._lose(Desync("crossed", f"bid {bid.price} is not below ask {ask.price}"))

    def _lose(self, desync: Desync, keep: Update | None = None) -> bool:
        """Out of step: nothing is shown until there is a snapshot."""
        self.resyncs += self._desync is None
        self._desync = desync
        self._bids, self._asks = _Side(), _Side()
        if keep is not None:
            self._waiting.append(keep)
        return False

    def lose(self, reason: DesyncReason, detail: str) -> None:
        """Puts the book out of step for what its owner knows: a connection that broke, a check that failed."""
        self._lose(Desync(reason, detail))

    def verify(self, snapshot: Snapshot, levels: int = 0) -> bool:
        """Compares with a snapshot of the same moment, and falls out of step where the two differ.

        Arguments:
            snapshot: Of the same book.
            levels: How many of each side it was asked for; 0: all.

        Returns:
            Whether all levels are the same. True also where nothing can be said: the book is out of step, or the
            snapshot is of another moment.
        """
        if self._desync is not None or snapshot.last_update_id != self._last_update_id:
            return True
        for name, own, texts in (("bids", self.bids(), snapshot.bids), ("asks", self.asks(), snapshot.asks)):
            theirs = _parse(texts)
            if isinstance(theirs, str):
                return self._lose(Desync("invalid_level", f"snapshot {snapshot.last_update_id}: {theirs}"))
            # Where snapshots stop at some depth, so does what can be compared.
            depth = (levels or None) if self.is_whole else min(len(own), len(theirs))
            if own[:depth] != theirs[:depth]:
                return self._lose(Desync("differs", f"the {name} at {self._last_update_id} are not the snapshot's"))
        return True

    def _check_live(self) -> None:
        if self._desync is not None:
            raise OutOfSyncError(f"the local book of {self.symbol} is out of step: {self._desync}")

    @property
    def last_update_id(self) -> int:
        """Up to where the book has come. Raises OutOfSyncError."""
        self._check_live()
        return self._last_update_id

    @property
    def timestamp(self) -> int:
        """When the last update was made, in ns since 1970. Raises OutOfSyncError."""
        self._check_live()
        return self._timestamp

    @property
    def best_bid(self) -> Level | None:
        """The highest bid; None: there is none. Raises OutOfSyncError."""
        self._check_live()
        return self._bids.at(-1)

    @property
    def best_ask(self) -> Level | None:
        """The lowest ask; None: there is none. Raises OutOfSyncError."""
        self._check_live()
        return self._asks.at(0)

    def bids(self, levels: int | None = None) -> list[Level]:
        """The bids, best first; all, or so many. Raises OutOfSyncError."""
        self._check_live()
        prices = self._bids.prices
        return list(self._bids.levels(reversed(prices if levels is None else prices[max(len(prices) - levels, 0) :])))

    def asks(self, levels: int | None = None) -> list[Level]:
        """The asks, best first; all, or so many. Raises OutOfSyncError."""
        self._check_live()
        return list(self._asks.levels(self._asks.prices[:levels]))

    def quantity_at(self, side: Literal["buy", "sell"], price: Decimal | int | str) -> Decimal:
        """The quantity displayed at a price, 0 where no level is. Raises OutOfSyncError."""
        self._check_live()
        chosen = self._bids if side == "buy" else self._asks
        return chosen.quantities.get(Decimal(price), Decimal())

    def __repr__(self) -> str:
        if self._desync is not None:
            return f"LocalBook({self.symbol!r}, out of step: {self._desync})"
        bid, ask = self._bids.at(-1), self._asks.at(0)
        tops = " / ".join("-" if top is None else f"{top.quantity} @ {top.price}" for top in (bid, ask))
        return f"LocalBook({self.symbol!r}, {tops}, last_update_id={self._last_update_id})"


def _parse(levels: Iterable[PriceLevel]) -> list[Level] | str:
    """The levels as numbers, or what is wrong with the first that is none."""
    parsed = []
    for price_text, quantity_text in levels:
        try:
            price, quantity = Decimal(price_text), Decimal(quantity_text)
        except InvalidOperation:
            return f"{quantity_text!r} at {price_text!r} is no level"
        if not price.is_finite() or not quantity.is_finite() or quantity < 0:
            return f"quantity {quantity_text} at {price_text}"
        parsed.append(Level(price, quantity))
    return parsed


def _text(*parsed: list[Level] | str) -> str:
    return "; ".join(part for part in parsed if isinstance(part, str))
