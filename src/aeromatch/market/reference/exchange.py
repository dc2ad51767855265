"""A whole exchange: many books, accounts and their funds, events (R2 to R5, R30 to R32).

`ReferenceExchange` gives each command its number, moves time, and hands it on:

- `administration`  commands to the exchange itself: what is made, funds, sets of shares, settlement
- `funding`         what an order has to be good for, before its book sees it
- `book`            the rules of one book, as for a book alone
- `ledger`          pays for the trades that come out of it
- `registry`        names and numbers
- `venue`           what there is, and events about it
- `exchange_digest` the bytes of the digest
"""

from __future__ import annotations

from aeromatch.market.reference.admin import FOR_ALL_SHARDS, AdminCommand, AdminKind
from aeromatch.market.reference.administration import Administration
from aeromatch.market.reference.book import ReferenceBook
from aeromatch.market.reference.changes import cancel_matching
from aeromatch.market.reference.exchange_digest import venue_digest
from aeromatch.market.reference.funding import faults_of_amend, faults_of_new, funded_order, in_terms_of_book
from aeromatch.market.reference.ledger import Balance, Place, Pool
from aeromatch.market.reference.phases import move_time
from aeromatch.market.reference.records import (
    IS_MIRRORED,
    Command,
    CommandKind,
    EventKind,
    ReferenceEvent,
    RejectReason,
)
from aeromatch.market.reference.registry import ALL, NOBODY, Group, Instrument
from aeromatch.market.reference.state import U64_MAX
from aeromatch.market.reference.triggers import run_to_quiet

EVERYWHERE = (CommandKind.MASS_CANCEL, CommandKind.ADVANCE_TIME)


def is_everywhere(command: Command | AdminCommand) -> bool:
    """Whether a command goes to every instrument (R2, R24)."""
    return isinstance(command, Command) and command.instrument == ALL and command.kind in EVERYWHERE


class ReferenceExchange(Administration):
    """An exchange, created empty: everything in it is made by commands."""

    def apply(self, command: Command | AdminCommand) -> list[ReferenceEvent]:
        """Carries out one command and returns its events. Never raises for what is in it (R33)."""
        self.events = []
        self.is_first = self.sequence == 0
        self.sequence = min(max(self.sequence + 1, command.sequence), U64_MAX)  # R4
        for book in self.registry.books():
            book.events, book.sequence = self.events, self.sequence
        before = self.ledger.balances()
        self.move_time(command)
        if isinstance(command, AdminCommand):
            self.administer(command)
        elif is_everywhere(command):
            self.everywhere(command)
        else:
            self.to_a_book(command)
        self.pay()
        self.tell_funds(before)
        is_accepted = any(event.kind == EventKind.ACCEPTED for event in self.events)
        if is_accepted and isinstance(command, AdminCommand):
            if command.kind == AdminKind.SETTLE:
                self.tell_settled(command)
            elif command.kind == AdminKind.TRANSFER:
                self.arrive(command)
        return self.events

    def digest(self) -> bytes:
        """The 32 bytes of docs/records.md: all that can influence a later event."""
        return venue_digest(self)

    # R2: time.

    @property
    def now_ns(self) -> int:
        """The latest time that it is anywhere: for a book, a clearing group, or for the registry."""
        of_groups = [group.now_ns for group in self.registry.groups]
        return max(self.registry_now_ns, *of_groups, *(book.now_ns for book in self.registry.books()), 0)

    def move_time(self, command: Command | AdminCommand) -> None:
        """Time is one book's own; where funds are looked at it is that of the clearing group, so of all its books."""
        groups, books = self.concerned(command)
        if is_everywhere(command) or command.kind in FOR_ALL_SHARDS:
            self.broadcasts += 1
            self.registry_now_ns = max(self.registry_now_ns, command.timestamp_ns)
        self.bring_time(groups, books, command.timestamp_ns)

    def bring_time(self, groups: list[Group], books: list[ReferenceBook], timestamp_ns: int) -> None:
        """It is later there, and what that brings about happens."""
        for group in groups:
            group.now_ns = max(group.now_ns, timestamp_ns)
        move_time(books, timestamp_ns)
        for book in books:
            book.anchor_ticks = book.last_price_ticks  # R28

    def concerned(self, command: Command | AdminCommand) -> tuple[list[Group], list[ReferenceBook]]:
        """The clearing groups and books whose time a command moves."""
        if isinstance(command, AdminCommand):
            groups = self.groups_of(command)
        elif is_everywhere(command):
            return self.registry.groups, self.registry.books()
        else:
            instrument = self.registry.instruments.get(command.instrument)
            if instrument is None:
                return [], []
            if instrument.settlement is None:
                return [], [instrument.book]
            groups = [instrument.settlement.group]
        return groups, [book for book in self.registry.books() if self.group_of(book) in groups]

    def group_of(self, book: ReferenceBook) -> Group | None:
        """The clearing group of a book, if its instrument is settled."""
        settlement = self.registry.instruments[book.instrument].settlement
        return None if settlement is None else settlement.group

    # Orders.

    def to_a_book(self, command: Command) -> None:
        """A command about one instrument."""
        instrument = self.registry.instruments.get(command.instrument)
        if instrument is None:
            self.answer(command, RejectReason.UNKNOWN_INSTRUMENT)
            return
        book = instrument.book
        if self.is_unknown(instrument, command):
            book.command = in_terms_of_book(instrument, command)
            book.reject(RejectReason.UNKNOWN_ACCOUNT)
        elif command.kind == CommandKind.PHASE and instrument.event is not None and instrument.event.is_settled:
            book.command = in_terms_of_book(instrument, command)
            book.reject(RejectReason.ALREADY_SETTLED)
        elif instrument.settlement is None:
            book.carry_out(command)
        else:
            self.to_a_settled_book(instrument, command)

    def is_unknown(self, instrument: Instrument, command: Command) -> bool:
        """Where nothing is settled an account is any number; a command without one is the operator's (R23)."""
        if instrument.settlement is None:
            return command.account == NOBODY
        if command.account == 0:
            return command.kind == CommandKind.NEW
        return self.registry.account(command.account) is None

    def to_a_settled_book(self, instrument: Instrument, command: Command) -> None:
        """R30: with what funds have to say about it."""
        book = instrument.book
        if command.kind == CommandKind.NEW:
            account = self.registry.account(command.account)
            assert account is not None, "an unknown account is rejected before"
            funded = funded_order(instrument, account, command.side)
            translated, book.faults = faults_of_new(self.ledger, funded, command)
            book.carry_out(translated)
            answer = next(event for event in self.events if event.kind in (EventKind.ACCEPTED, EventKind.REJECTED))
            if answer.kind == EventKind.ACCEPTED:
                self.ledger.enter(answer.order_id, funded)
                answer.reason |= IS_MIRRORED * instrument.is_mirror
        elif command.kind == CommandKind.AMEND:
            translated, book.faults = faults_of_amend(self.ledger, instrument, command)
            book.carry_out(translated)
        else:
            book.carry_out(in_terms_of_book(instrument, command))
        book.faults = frozenset()

    def everywhere(self, command: Command) -> None:
        """R2, R24: a mass cancel or a time for every instrument."""
        if command.account == NOBODY:
            self.answer(command, RejectReason.UNKNOWN_ACCOUNT)
            return
        self.answer(command)
        for book in self.registry.books():
            if command.kind == CommandKind.MASS_CANCEL:
                cancel_matching(book, command)
            run_to_quiet(book)

    # What follows.

    def arrive(self, command: AdminCommand) -> None:
        """R30: the second half of a transfer, by the time of the group that its funds go to."""
        before = self.ledger.balances()
        target = self.registry.group(command.groups[1])
        assert target is not None, "a transfer to nowhere is refused"
        self.bring_time([target], self.registry.books(target), command.timestamp_ns)
        self.ledger.forget_done()
        self.ledger.move((command.account, command.instrument, target.number), command.amount)
        self.tell_funds(before)

    def pay(self) -> None:
        """R31, R32: for the trades of this command."""
        for event in self.events:
            if event.kind == EventKind.TRADE and self.registry.instruments[event.instrument].settlement is not None:
                into_pot = self.ledger.trade(event)
                market = self.registry.instruments[event.instrument].event
                assert market is not None or into_pot == 0, "what a buyer pays its seller gets"
                if market is not None:
                    market.pot_units += into_pot
        self.ledger.forget_done()

    def tell_funds(self, before: dict[Place, Balance]) -> None:
        """R7: each balance that this command has changed, once."""
        after = self.ledger.balances()
        for place in sorted({*before, *after}):
            balance = after.get(place, Balance())
            if balance == before.get(place, Balance()):
                continue
            account, asset, group = place
            self.emit(
                EventKind.FUNDS,
                instrument=asset,
                account=account,
                price_ticks=balance.available >> 64,
                quantity_lots=balance.available % 2**64,
                order_id=balance.held % 2**64,
                other=balance.held >> 64,
                detail=group,
            )

    def check(self) -> None:
        """R31, R32: raises `AssertionError` where funds do not add up, or something is negative that cannot be."""
        pots: dict[Pool, int] = {}
        for market in self.registry.events:
            terms, group = market.settlement.terms, market.settlement.group.number
            pool = (market.settlement.quote.number, group)
            pots[pool] = pots.get(pool, 0) + market.pot_units
            # As many shares of each outcome, and for each set of them one unit of cash.
            shares = {self.ledger.issued[share.number, group] for share in market.shares}
            assert len(shares) == 1, "shares are made and taken away in sets"
            assert market.pot_units * terms.lot_base_units == shares.pop() * terms.unit_ticks * terms.tick_lot_units
        self.ledger.check_conservation(pots)
        takers = {each.settlement.fee_account.number for each in self.registry.instruments.values() if each.settlement}
        for (account, _, _), balance in self.ledger.balances().items():
            assert balance.held >= 0, "a hold is never negative"
            assert balance.available >= 0 or account in takers, "only rebates are paid ahead"
