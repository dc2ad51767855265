"""What an exchange knows by name: assets, clearing groups, accounts, instruments, events. Numbers count from 1 (R4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from aeromatch.market.reference.admin import Rules, Terms
from aeromatch.market.reference.bands import BASIS_POINTS
from aeromatch.market.reference.book import ReferenceBook
from aeromatch.market.reference.records import Matching, Side

LARGEST_INSTRUMENT = 2**24 - 1
ALL = 2**32 - 1
"""The instrument of a command that goes to every one of them (R2, R24)."""
NOBODY = 2**32 - 1
"""An account, asset, group or event that the sender's name did not lead to."""


@dataclass(eq=False, slots=True)
class Asset:
    """Something that accounts hold; `is_share` marks an outcome of an event, which only its event makes (R32)."""

    number: int
    name: str
    decimals: int
    is_share: bool = False


@dataclass(eq=False, slots=True)
class Group:
    """A clearing group: funds, and one time for all its instruments (R2, R30)."""

    number: int
    name: str
    now_ns: int = 0


@dataclass(eq=False, slots=True)
class Account:
    """Somebody who holds funds, or just a name for orders."""

    number: int
    name: str


@dataclass(eq=False, slots=True)
class Settlement:
    """How an instrument is paid for (R30, R31)."""

    base: Asset
    quote: Asset
    group: Group
    fee_account: Account
    terms: Terms

    @property
    def worst_fee_bps(self) -> int:
        """What a hold has to be good for."""
        return max(self.terms.maker_fee_bps, self.terms.taker_fee_bps, 0)

    def notional(self, price_ticks: int, lots: int) -> int:
        """What so many lots cost at a price, in units of the quote asset."""
        return price_ticks * lots * self.terms.tick_lot_units

    @property
    def prices(self) -> range:
        """The prices that an order may have: not negative (R30), and of a share less than one unit of cash (R32)."""
        return range(1, self.terms.unit_ticks) if self.terms.unit_ticks else range(2**63)


@dataclass(eq=False, slots=True)
class Instrument:
    """What orders are for; `units` are the exact sizes of a tick and a lot, which only people read.

    The second of two outcomes has no book of its own: it is the mirror of the first (R32).
    """

    number: int
    symbol: str
    units: tuple[str, str]
    book: ReferenceBook
    settlement: Settlement | None = None
    event: Event | None = None
    is_mirror: bool = False

    def own_side(self, side: Side) -> Side:
        """A side of the book as one of this instrument, and the other way round."""
        return Side(1 - side) if self.is_mirror and side != Side.NONE else side

    def own_price(self, price_ticks: int) -> int:
        """A price of the book as one of this instrument, and back: one buys NO at 1 - p by selling YES."""
        if not self.is_mirror or self.settlement is None:
            return price_ticks
        return self.settlement.terms.unit_ticks - price_ticks


@dataclass(eq=False, slots=True)
class Event:
    """An event with two or more outcomes. `pot_units` is the cash that stands for all its shares (R32)."""

    number: int
    name: str
    outcomes: list[Instrument] = field(default_factory=list)
    pot_units: int = 0
    is_settled: bool = False

    @property
    def settlement(self) -> Settlement:
        """How its shares are paid for: the same for each outcome, but for the share itself."""
        settlement = self.outcomes[0].settlement
        assert settlement is not None
        return settlement

    @property
    def shares(self) -> list[Asset]:
        """The asset of each outcome."""
        return [outcome.settlement.base for outcome in self.outcomes if outcome.settlement is not None]

    @property
    def books(self) -> list[ReferenceBook]:
        """One for two outcomes, else one for each."""
        return [outcome.book for outcome in self.outcomes if not outcome.is_mirror]


class Registry:
    """Everything that has a name. Nothing is ever removed."""

    def __init__(self) -> None:
        self.assets: list[Asset] = []
        self.groups: list[Group] = []
        self.accounts: list[Account] = []
        self.events: list[Event] = []
        self.instruments: dict[int, Instrument] = {}

    # By number: 1 is the first; None where there is none.

    def asset(self, number: int) -> Asset | None:
        """The asset of a number."""
        return self.assets[number - 1] if 1 <= number <= len(self.assets) else None

    def group(self, number: int) -> Group | None:
        """The clearing group of a number."""
        return self.groups[number - 1] if 1 <= number <= len(self.groups) else None

    def account(self, number: int) -> Account | None:
        """The account of a number."""
        return self.accounts[number - 1] if 1 <= number <= len(self.accounts) else None

    def event(self, number: int) -> Event | None:
        """The event of a number."""
        return self.events[number - 1] if 1 <= number <= len(self.events) else None

    # By name.

    def asset_named(self, name: str) -> Asset | None:
        """The asset of that name."""
        return next((asset for asset in self.assets if asset.name == name), None)

    def group_named(self, name: str) -> Group | None:
        """The clearing group of that name."""
        return next((group for group in self.groups if group.name == name), None)

    def account_named(self, name: str) -> Account | None:
        """The account of that name."""
        return next((account for account in self.accounts if account.name == name), None)

    def instrument_named(self, symbol: str) -> Instrument | None:
        """The instrument of that symbol."""
        return next((each for each in self.instruments.values() if each.symbol == symbol), None)

    def event_named(self, name: str) -> Event | None:
        """The event of that name."""
        return next((event for event in self.events if event.name == name), None)

    # What is made.

    def make_asset(self, name: str, decimals: int, *, is_share: bool = False) -> Asset:
        """A new asset."""
        self.assets.append(Asset(len(self.assets) + 1, name, decimals, is_share))
        return self.assets[-1]

    def make_group(self, name: str) -> Group:
        """A new clearing group."""
        self.groups.append(Group(len(self.groups) + 1, name))
        return self.groups[-1]

    def make_account(self, name: str) -> Account:
        """A new account."""
        self.accounts.append(Account(len(self.accounts) + 1, name))
        return self.accounts[-1]

    def free_number(self) -> int:
        """The lowest number that no instrument has."""
        return next(number for number in range(1, 2**24 + 1) if number not in self.instruments)

    def books(self, group: Group | None = None) -> list[ReferenceBook]:
        """The books in order of number: all, or those of a clearing group."""
        return [
            instrument.book
            for _, instrument in sorted(self.instruments.items())
            if not instrument.is_mirror
            and (group is None or (instrument.settlement is not None and instrument.settlement.group is group))
        ]


def are_bad(rules: Rules) -> bool:
    """R25 to R29: rules that contradict one another, or widths that are none."""
    share, bands = rules.fifo_share_bps, (rules.static_band, rules.circuit_breaker)
    return (
        share > BASIS_POINTS
        or (share > 0 and rules.matching != Matching.FIFO_PRO_RATA)
        or any(band is not None and not 1 <= band.value < 2**63 for band in bands)
        or (rules.static_band is not None and rules.reference_price_ticks is None)
        or (rules.halt_ns > 0 and rules.circuit_breaker is None)
    )


def make_book(number: int, rules: Rules) -> ReferenceBook:
    """An empty book under these rules."""
    book = ReferenceBook(
        number,
        dedup_window_ns=rules.dedup_window_ns,
        self_trade_prevention=rules.self_trade_prevention,
        matching=rules.matching,
        fifo_share_bps=rules.fifo_share_bps if rules.matching == Matching.FIFO_PRO_RATA else None,
        reference_price_ticks=rules.reference_price_ticks,
    )
    book.static_band, book.circuit_breaker, book.halt_ns = (
        rules.static_band,
        rules.circuit_breaker,
        rules.halt_ns or None,
    )
    return book
