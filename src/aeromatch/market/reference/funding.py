"""R30, R32: what an order on a settled instrument has to be good for, and what it is in the terms of its book."""

from __future__ import annotations

from dataclasses import replace

from aeromatch.market.reference.changes import amended_terms, named
from aeromatch.market.reference.checks import ENDING_IN_MARKET, post_only_arrival
from aeromatch.market.reference.ledger import Funded, Ledger
from aeromatch.market.reference.matching import slid_price
from aeromatch.market.reference.records import Command, CommandKind, OrderType, RejectReason, Side
from aeromatch.market.reference.registry import Account, Instrument
from aeromatch.market.reference.state import PRICE_MAX, PRICE_MIN, QUANTITY_MAX

MIRRORED_PRICES = ("price_ticks", "protection_price_ticks", "stop_price_ticks")


def in_terms_of_book(instrument: Instrument, command: Command) -> Command:
    """R32: a command for the second of two outcomes as one for the first: the other side, one unit less the price."""
    command = replace(command, instrument=instrument.book.instrument, side=instrument.own_side(command.side))
    for name in MIRRORED_PRICES if instrument.is_mirror else ():
        price: int | None = getattr(command, name)
        if price is None:
            continue
        price = instrument.own_price(price)
        command.price_off_grid |= not PRICE_MIN <= price <= PRICE_MAX  # R1
        setattr(command, name, price)
    return command


def with_protection(funded: Funded, command: Command) -> Command | None:
    """R30: the command with the protection price that its budget makes; None where it buys at no price."""
    if command.budget_units is None:
        return command
    price, quantity = None, command.quantity_lots or 0
    prices = funded.settlement.prices
    if is_affordable(funded, prices.start, quantity, command.budget_units):
        # The highest price that can be paid lies in low..high: halve that until one is left.
        low, high = prices.start, prices.stop - 1
        while low < high:
            middle = (low + high + 1) // 2
            if is_affordable(funded, middle, quantity, command.budget_units):
                low = middle
            else:
                high = middle - 1
        price = low
    return None if price is None else replace(command, budget_units=None, protection_price_ticks=price)


def is_affordable(funded: Funded, price_ticks: int, lots: int, budget_units: int) -> bool:
    """Whether a budget is enough for what has to be held."""
    return funded.hold(price_ticks, lots) <= budget_units


def funded_order(instrument: Instrument, account: Account, side: Side) -> Funded:
    """A new order on a settled instrument."""
    assert instrument.settlement is not None
    return Funded(account, instrument, instrument.settlement, side)


def is_ill_funded(command: Command) -> bool:
    """R30: a market buy says what it may cost, in one way; nothing else has a budget."""
    is_market_buy = command.side == Side.BUY and command.order_type in ENDING_IN_MARKET
    has_protection, has_budget = command.protection_price_ticks is not None, command.budget_units is not None
    if has_budget and (has_protection or command.side != Side.BUY or command.order_type != OrderType.MARKET):
        return True
    return is_market_buy and not has_protection and not has_budget


Verdict = tuple[Command, frozenset[RejectReason]]
"""A command as its book takes it, and what is against it."""


def faults_of_new(ledger: Ledger, funded: Funded, command: Command) -> Verdict:
    """For a new order, told in the terms of its own instrument."""
    faults: set[RejectReason] = set()
    instrument, prices = funded.instrument, funded.settlement.prices
    given = (command.price_ticks, command.protection_price_ticks)
    if any(price is not None and price not in prices for price in given):
        faults.add(RejectReason.INVALID_PRICE)
    if is_ill_funded(command):
        faults.add(RejectReason.INVALID_COMBINATION)
        return in_terms_of_book(instrument, replace(command, budget_units=None)), frozenset(faults)
    protected = with_protection(funded, command)
    if protected is None:
        faults.add(RejectReason.INSUFFICIENT_FUNDS)
        protected = replace(command, budget_units=None)
    translated = in_terms_of_book(instrument, protected)
    if slides_out(funded, translated):
        faults.add(RejectReason.INVALID_PRICE)
    limit = protected.protection_price_ticks if protected.order_type == OrderType.MARKET else protected.price_ticks
    quantity = protected.quantity_lots or 0
    is_complete = (limit is not None or command.side == Side.SELL) and quantity <= QUANTITY_MAX
    if is_complete and ledger.available(funded.place) < funded.hold(limit or 0, quantity):
        faults.add(RejectReason.INSUFFICIENT_FUNDS)
    return translated, frozenset(faults)


def faults_of_amend(
    ledger: Ledger, instrument: Instrument, command: Command
) -> tuple[Command, frozenset[RejectReason]]:
    """For an amend."""
    faults: set[RejectReason] = set()
    assert instrument.settlement is not None
    translated = in_terms_of_book(instrument, command)
    if command.price_ticks is not None and command.price_ticks not in instrument.settlement.prices:
        faults.add(RejectReason.INVALID_PRICE)
    order = named(instrument.book, translated)
    if order is None:
        return translated, frozenset(faults)
    funded = ledger.orders[order.order_id]
    if slides_out(funded, translated):
        faults.add(RejectReason.INVALID_PRICE)
    _, total = amended_terms(order, translated)
    limit = order.limit_ticks if translated.price_ticks is None else translated.price_ticks
    lots = total - order.filled_lots
    if lots > 0:  # else it ends, and needs nothing
        hold = funded.hold(funded.instrument.own_price(limit or 0), lots)
        held = funded.hold_of(order)
        # What needs no more than it holds needs nothing, also of a fee account that owes.
        if held < hold and ledger.available(funded.place) + held < hold:
            faults.add(RejectReason.INSUFFICIENT_FUNDS)
    return translated, frozenset(faults)


def slides_out(funded: Funded, translated: Command) -> bool:
    """R1, R13: whether a sliding order would go to a price that it must not have."""
    book = funded.instrument.book
    if translated.kind == CommandKind.NEW and translated.price_ticks is None:
        return False
    arrival = post_only_arrival(book, translated)
    if arrival is None:
        return False
    side, price, lots, slides = arrival
    return slides and slid_price(book, side, price, lots) not in funded.settlement.prices
