"""What differs between two states: books, orders, balances, positions, in words and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aeromatch import Asset, Balance, BookView, Instrument, Order, Position

NOTHING = "-"


@runtime_checkable
class Readable(Protocol):
    """What can be compared: an Exchange, a Timeline."""

    def digest(self) -> str:
        """Hash of the state."""
        ...

    def instruments(self) -> Sequence[Instrument]:
        """All instruments."""
        ...

    def accounts(self) -> Sequence[str]:
        """Names of all accounts."""
        ...

    def assets(self) -> Sequence[Asset]:
        """All assets."""
        ...

    def groups(self) -> Sequence[str]:
        """Names of all clearing groups."""
        ...

    def book(self, symbol: str) -> BookView:
        """Give the book of an instrument."""
        ...

    def balances(self, account: str) -> Sequence[Balance]:
        """Give what an account has."""
        ...

    def positions(self, account: str) -> Sequence[Position]:
        """Give what an account traded."""
        ...


class Difference(NamedTuple):
    """One thing that is not the same in both; `-` stands for what is not there."""

    where: str
    """An instrument, or an account."""
    what: str
    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {self.left} | {self.right}"


class Comparison:
    """Two states side by side."""

    def __init__(self, left_digest: str, right_digest: str, differences: Sequence[Difference]) -> None:
        """Keep what was found."""
        self.left_digest = left_digest
        self.right_digest = right_digest
        self.differences = tuple(differences)

    @property
    def same(self) -> bool:
        """Whether both states lead to the same events from here on: their digests are equal."""
        return self.left_digest == self.right_digest

    def __str__(self) -> str:
        if self.same:
            return f"the same: {self.left_digest}"
        lines = [f"digests: {self.left_digest[:16]}... | {self.right_digest[:16]}..."]
        return "\n".join([*lines, *(str(difference) for difference in self.differences)])

    def as_dict(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return {
            "same": self.same,
            "left_digest": self.left_digest,
            "right_digest": self.right_digest,
            "differences": [difference._asdict() for difference in self.differences],
        }


def compare(left: Readable, right: Readable) -> Comparison:
    """Compare two states, however they came about: moments of one timeline, branches, exchanges.

    What can be read is compared: instruments and their orders, levels and last trades; accounts, balances, positions.
    States with the same digest have no differences. Others may differ only in what is not shown, such as the ids of
    transfers that were seen.

    Raises:
        TypeError: One of them is neither an Exchange nor a Timeline.
    """
    for name, side in (("left", left), ("right", right)):
        if not isinstance(side, Readable):
            raise TypeError(f"{name} must be an Exchange or a Timeline, not {side!r}")
    digests = left.digest(), right.digest()
    differences = [] if digests[0] == digests[1] else list(_differences(left, right))
    return Comparison(*digests, differences)


def _differences(left: Readable, right: Readable) -> Iterator[Difference]:
    named = [
        {
            "instruments": [instrument.symbol for instrument in side.instruments()],
            "assets": [asset.name for asset in side.assets()],
            "groups": list(side.groups()),
            "accounts": list(side.accounts()),
        }
        for side in (left, right)
    ]
    for what, ours in named[0].items():
        theirs = named[1][what]
        if ours != theirs:
            yield Difference("exchange", what, _names(ours, theirs), _names(theirs, ours))
    for symbol in named[0]["instruments"]:
        if symbol in named[1]["instruments"]:
            yield from _of_books(symbol, left.book(symbol), right.book(symbol))
    for account in left.accounts():
        if account in right.accounts():
            yield from _of_accounts(account, left, right)


def _names(names: list[str], others: list[str]) -> str:
    return ", ".join(name for name in names if name not in others) or NOTHING


def _of_books(symbol: str, left: BookView, right: BookView) -> Iterator[Difference]:
    for what in ("phase", "last_trade_price"):
        ours, theirs = getattr(left, what), getattr(right, what)
        if ours != theirs:
            yield Difference(symbol, what.replace("_", " "), _text(ours), _text(theirs))
    yield from _of_maps(symbol, _levels(left), _levels(right))
    yield from _of_maps(symbol, _orders(left), _orders(right))


def _levels(book: BookView) -> dict[str, str]:
    depth = book.depth()
    return {
        f"{level.side} {level.price}": f"{level.quantity} in {level.order_count}" for level in depth.bids + depth.asks
    }


def _orders(book: BookView) -> dict[str, str]:
    return {f"order {order.order_id}": _order(order) for order in book.orders()}


def _order(order: Order) -> str:
    price = "" if order.price is None else f" at {order.price}"
    account = "" if order.account is None else f" of {order.account}"
    return f"{order.side} {order.remaining_quantity}{price}{account}"


def _of_accounts(account: str, left: Readable, right: Readable) -> Iterator[Difference]:
    yield from _of_maps(account, _balances(account, left), _balances(account, right))
    yield from _of_maps(account, _positions(account, left), _positions(account, right))


def _balances(account: str, side: Readable) -> dict[str, str]:
    return {f"{has.asset} in {has.group}": f"{has.available:f} and {has.held:f} held" for has in side.balances(account)}


def _positions(account: str, side: Readable) -> dict[str, str]:
    return {
        f"position in {it.symbol}": f"bought {it.bought_quantity}, sold {it.sold_quantity}, fees {it.fees}"
        for it in side.positions(account)
    }


def _of_maps(where: str, left: Mapping[str, str], right: Mapping[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys((*left, *right)):
        ours, theirs = left.get(what, NOTHING), right.get(what, NOTHING)
        if ours != theirs:
            yield Difference(where, what, ours, theirs)


def _text(value: object) -> str:
    return NOTHING if value is None else str(value)
