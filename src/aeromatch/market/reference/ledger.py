"""R30, R31: who holds what.

Only what somebody holds in all is kept. What of it is held for orders is added up from the live orders whenever it is
asked for, and the rest is available: so a hold cannot outlive its order, nor differ from what the order still needs.
All amounts are whole units of an asset.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from aeromatch.market.reference.bands import BASIS_POINTS
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import ReferenceEvent, Side
from aeromatch.market.reference.registry import Account, Asset, Group, Instrument, Settlement

MOST_UNITS = 2**94
"""The most of an asset that an amount may be, and that a clearing group may have from outside."""

Place = tuple[int, int, int]
"""Whose funds: the numbers of account, asset and group."""

Pool = tuple[int, int]
"""All of an asset in a clearing group: their numbers."""


@dataclass(eq=False, slots=True)
class Funded:
    """An order that has to be paid for, with the fees of its trades so far.

    Fees add up over an order before they are rounded up, so that an order of many trades pays less than one unit more
    than its exact fee. The sum is kept in units x basis points.
    """

    account: Account
    instrument: Instrument
    settlement: Settlement
    side: Side  # of its instrument: with a mirror not that of the book
    fee_sum: int = 0

    @property
    def fee_units(self) -> int:
        """What it has paid; below 0 it has been paid."""
        return rounded_up(self.fee_sum)

    def hold(self, price_ticks: int, lots: int) -> int:
        """What has to be held for so many lots at a price of its instrument (R30)."""
        if self.side == Side.SELL:
            return lots * self.settlement.terms.lot_base_units
        notional = self.settlement.notional(price_ticks, lots)
        worst = rounded_up(self.fee_sum + notional * self.settlement.worst_fee_bps)
        return notional + max(0, worst - self.fee_units)

    @property
    def held_asset(self) -> Asset:
        """What it is held in."""
        return self.settlement.quote if self.side == Side.BUY else self.settlement.base

    @property
    def place(self) -> Place:
        """Where it is held."""
        return place_of(self.account, self.held_asset, self.settlement.group)

    def hold_of(self, order: Order) -> int:
        """What has to be held for an order as it is."""
        if self.side == Side.SELL:
            return self.hold(0, order.remaining_lots)
        limit = order.limit_ticks
        assert limit is not None, "a buy has a limit or a protection price"
        return self.hold(self.instrument.own_price(limit), order.remaining_lots)


@dataclass(eq=False, slots=True)
class Position:
    """What an account has traded of an instrument; `fee_units` below 0 is what it was paid."""

    bought_lots: int = 0
    bought_units: int = 0
    sold_lots: int = 0
    sold_units: int = 0
    fee_units: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What somebody has of an asset in a group. Only a fee account's available part can be below 0 (R31)."""

    available: int = 0
    held: int = 0


class Ledger:
    """Funds, orders that hold some of them, and how much of each asset there is."""

    def __init__(self) -> None:
        self.totals: defaultdict[Place, int] = defaultdict(int)
        # What came from outside less what went there, and what transfers brought less what they took.
        self.issued: defaultdict[Pool, int] = defaultdict(int)
        self.moved: defaultdict[Pool, int] = defaultdict(int)
        self.orders: dict[int, Funded] = {}
        self.positions: defaultdict[tuple[int, int], Position] = defaultdict(Position)
        # Of accounts, by group.
        self.transfer_ids: set[tuple[int, int, str]] = set()

    # Reads.

    def balances(self) -> dict[Place, Balance]:
        """Everybody's funds; nothing is left out but what is nothing at all."""
        held: defaultdict[Place, int] = defaultdict(int)
        for order_id, funded in self.orders.items():
            order = funded.instrument.book.live.get(order_id)
            if order is not None:
                held[funded.place] += funded.hold_of(order)
        found = {place: Balance(self.totals[place] - held[place], held[place]) for place in {*self.totals, *held}}
        return {place: balance for place, balance in sorted(found.items()) if balance != Balance()}

    def available(self, place: Place) -> int:
        """What can be spent or withdrawn."""
        return self.balances().get(place, Balance()).available

    # Changes.

    def issue(self, place: Place, units: int) -> None:
        """R31: what comes in from outside, or goes out; so an asset's sum changes."""
        self.totals[place] += units
        self.issued[place[1:]] += units

    def move(self, place: Place, units: int) -> None:
        """R30: one half of a transfer."""
        self.totals[place] += units
        self.moved[place[1:]] += units

    def enter(self, order_id: int, funded: Funded) -> None:
        """An order was accepted: from now on it holds what it needs."""
        self.orders[order_id] = funded

    def forget_done(self) -> None:
        """Orders that are done hold nothing."""
        self.orders = {number: each for number, each in self.orders.items() if number in each.instrument.book.live}

    def trade(self, event: ReferenceEvent) -> int:
        """Pays for a trade; returns by how much it makes the pot of its event larger (R32).

        Each of the two does what its own instrument says. The money that one outcome's buyer pays to its seller and the
        share that goes the other way cancel out. Two buyers of the two outcomes together pay one unit of cash for two
        shares that were not there before: the cash goes to the pot. Two sellers: the reverse.
        """
        into_pot = 0
        for order_id, is_maker in ((event.order_id, True), (event.other, False)):
            funded = self.orders[order_id]
            terms, lots = funded.settlement.terms, event.quantity_lots
            sign = 1 if funded.side == Side.BUY else -1
            units = funded.settlement.notional(funded.instrument.own_price(event.price_ticks), lots)
            fee = self.charge(funded, units * (terms.maker_fee_bps if is_maker else terms.taker_fee_bps))
            group = funded.settlement.group
            self.totals[place_of(funded.account, funded.settlement.quote, group)] -= sign * units + fee
            self.totals[place_of(funded.settlement.fee_account, funded.settlement.quote, group)] += fee
            shares = sign * lots * terms.lot_base_units
            self.totals[place_of(funded.account, funded.settlement.base, group)] += shares
            if funded.settlement.base.is_share:
                self.issued[funded.settlement.base.number, group.number] += shares
            into_pot += sign * units
            position = self.positions[funded.account.number, funded.instrument.number]
            position.bought_lots += lots if sign > 0 else 0
            position.bought_units += units if sign > 0 else 0
            position.sold_lots += lots if sign < 0 else 0
            position.sold_units += units if sign < 0 else 0
            position.fee_units += fee
        return into_pot

    def charge(self, funded: Funded, exact: int) -> int:
        """What an order pays for one more trade whose exact fee is that many units x basis points."""
        before = funded.fee_units
        funded.fee_sum += exact
        return funded.fee_units - before

    def check_conservation(self, pots: dict[Pool, int]) -> None:
        """R31: raises `AssertionError` where a group's funds are not what was issued and what transfers moved.

        Args:
            pots: what all events hold of each asset.
        """
        sums: defaultdict[Pool, int] = defaultdict(int, pots)
        for place, units in self.totals.items():
            sums[place[1:]] += units
        for pool in {*sums, *self.issued, *self.moved}:
            expected = self.issued[pool] + self.moved[pool]
            assert sums[pool] == expected, f"asset and group {pool}: {sums[pool]} is not {expected}"
        assert sum(self.moved.values()) == 0, "what leaves one group arrives in another"


def place_of(account: Account, asset: Asset, group: Group) -> Place:
    """The place of somebody's funds."""
    return account.number, asset.number, group.number


def rounded_up(fee_sum: int) -> int:
    """Units x basis points as whole units, against who pays."""
    return -(-fee_sum // BASIS_POINTS)
