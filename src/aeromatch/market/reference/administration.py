"""R30 to R32: commands to the exchange itself. What refuses each, the first reason that applies, and what it does."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import category

from aeromatch.market.reference.admin import (
    MOST_TEXT_BYTES,
    AdminCommand,
    AdminKind,
    Made,
    PlaceKind,
    Rules,
    SettlementMode,
    Terms,
)
from aeromatch.market.reference.bands import BASIS_POINTS
from aeromatch.market.reference.ledger import MOST_UNITS, place_of
from aeromatch.market.reference.records import CancelReason, EventKind, Phase, RejectReason
from aeromatch.market.reference.registry import (
    LARGEST_INSTRUMENT,
    Account,
    Asset,
    Event,
    Group,
    Instrument,
    Settlement,
    are_bad,
    make_book,
)
from aeromatch.market.reference.state import QUANTITY_MAX
from aeromatch.market.reference.venue import Venue

MOST_DECIMALS = 18
MOST_ID_BYTES = 36
MOST_SHARDS = 1024
MOST_GROUPS = 4096
# How much finer than its cash a share may be, as a power of 2: so that no sum of shares leaves 128 bits.
MOST_SHARE_BITS = 20

OF_FUNDS = (AdminKind.DEPOSIT, AdminKind.WITHDRAW, AdminKind.TRANSFER)
OF_SETS = (AdminKind.MINT, AdminKind.REDEEM)


def is_name(text: str) -> bool:
    """Whether something may be called that: no control characters, no spaces around it."""
    return text == text.strip() and not any(category(character) == "Cc" for character in text)


def is_part(text: str) -> bool:
    """Whether an asset, an event or an outcome may: a slash joins the names of an event and its outcome."""
    return is_name(text) and "/" not in text


def are_bad_fees(terms: Terms) -> bool:
    """R31: beyond what is traded, or rebates that no fee pays for."""
    fees = (terms.maker_fee_bps, terms.taker_fee_bps)
    return any(abs(fee) > BASIS_POINTS for fee in fees) or sum(fees) < 0


class Administration(Venue):
    """The part of an exchange that knows of no orders."""

    def groups_of(self, command: AdminCommand) -> list[Group]:
        """The clearing group whose time a command moves: of a transfer the one that its funds leave (R2)."""
        if command.is_arrival:
            return []
        if command.kind in OF_FUNDS:
            group = self.registry.group(command.groups[0])
            return [] if group is None else [group]
        if command.kind in OF_SETS or command.kind == AdminKind.SETTLE:
            event = self.registry.event(command.instrument)
            return [] if event is None else [event.settlement.group]
        return []

    def administer(self, command: AdminCommand) -> None:
        """Refuses a command, or carries it out."""
        refuse, act = {
            AdminKind.CREATE_ASSET: (self.refusal_of_name, self.create),
            AdminKind.CREATE_GROUP: (self.refusal_of_name, self.create),
            AdminKind.CREATE_ACCOUNT: (self.refusal_of_name, self.create),
            AdminKind.CREATE_INSTRUMENT: (self.refusal_of_instrument, self.create_instrument),
            AdminKind.CREATE_EVENT: (self.refusal_of_event, self.create_event),
            AdminKind.DEPOSIT: (self.refusal_of_funds, self.move_funds),
            AdminKind.WITHDRAW: (self.refusal_of_funds, self.move_funds),
            AdminKind.TRANSFER: (self.refusal_of_funds, self.move_funds),
            AdminKind.MINT: (self.refusal_of_sets, self.make_sets),
            AdminKind.REDEEM: (self.refusal_of_sets, self.make_sets),
            AdminKind.SETTLE: (self.refusal_of_settlement, self.settle),
            AdminKind.PARTITION: (self.refusal_of_partition, self.divide),
            AdminKind.PLACE: (self.refusal_of_place, self.place),
        }[command.kind]
        groups = self.groups_of(command)
        now_ns = max((group.now_ns for group in groups), default=-1)
        reason = refuse(command)
        self.answer(command, reason, now_ns)
        if reason is None:
            act(command)

    # Shards.

    def refusal_of_partition(self, command: AdminCommand) -> RejectReason | None:
        """Which shard of how many this is, of which the reference model knows one: the whole."""
        shard, shards = command.quantity_lots, command.order_id
        if not (1 <= shards <= MOST_SHARDS and shard < shards):
            return RejectReason.INVALID_QUANTITY
        if not self.is_first:
            return RejectReason.INVALID_COMBINATION
        if shards > 1:
            raise ValueError(f"{shards} shards: the reference model is a whole exchange")
        return None

    def divide(self, command: AdminCommand) -> None:
        """It is shard 0 of 1."""
        self.partition = (command.quantity_lots, command.order_id)

    def refusal_of_place(self, command: AdminCommand) -> RejectReason | None:
        """Where a clearing group or an instrument will live."""
        (name,), kind = command.texts, PlaceKind(command.order_type)
        if not is_name(name):
            return RejectReason.INVALID_NAME
        if command.quantity_lots >= self.partition[1]:
            return RejectReason.INVALID_QUANTITY
        find = self.registry.group_named if kind == PlaceKind.GROUP else self.registry.instrument_named
        is_there = find(name) is not None or (kind, name) in self.placed
        return RejectReason.ALREADY_EXISTS if is_there else None

    def place(self, command: AdminCommand) -> None:
        """Keeps it in mind."""
        self.placed[PlaceKind(command.order_type), command.texts[0]] = command.quantity_lots

    # What is made.

    def refusal_of_name(self, command: AdminCommand) -> RejectReason | None:
        """An asset, a group or an account."""
        is_asset = command.kind == AdminKind.CREATE_ASSET
        if not (is_part if is_asset else is_name)(command.texts[0]):
            return RejectReason.INVALID_NAME
        if command.order_type > MOST_DECIMALS:
            return RejectReason.INVALID_QUANTITY
        if command.kind == AdminKind.CREATE_GROUP and self.is_one_too_many(command.texts[0]):
            return RejectReason.INVALID_QUANTITY
        find = {
            AdminKind.CREATE_ASSET: self.registry.asset_named,
            AdminKind.CREATE_GROUP: self.registry.group_named,
            AdminKind.CREATE_ACCOUNT: self.registry.account_named,
        }[command.kind]
        return RejectReason.ALREADY_EXISTS if find(command.texts[0]) is not None else None

    def create(self, command: AdminCommand) -> None:
        """Makes an asset, a group or an account."""
        (name,) = command.texts
        if command.kind == AdminKind.CREATE_ASSET:
            self.tell(Made.ASSET, self.registry.make_asset(name, command.order_type))
        elif command.kind == AdminKind.CREATE_GROUP:
            self.tell(Made.GROUP, self.registry.make_group(name))
        else:
            self.tell(Made.ACCOUNT, self.registry.make_account(name))

    def tell(self, what: Made, made: Asset | Group | Account | Instrument | Event) -> None:
        """That something was made."""
        self.emit(
            EventKind.CREATED,
            reason=what,
            instrument=made.number if what == Made.INSTRUMENT else 0,
            account=made.number if what == Made.ACCOUNT else 0,
            order_id=made.number,
        )

    def is_one_too_many(self, group: str) -> bool:
        """Whether the group of that name would have to be made, and may not."""
        return self.registry.group_named(group) is None and len(self.registry.groups) >= MOST_GROUPS

    def are_bad_units(self, terms: Terms, assets: Iterable[tuple[str, int]]) -> bool:
        """R30: units of nothing, and assets, by name and decimals, that are there with other decimals."""
        for name, decimals in assets:
            asset = self.registry.asset_named(name)
            if asset is not None and asset.decimals != decimals:
                return True
        too_fine = max(terms.base_decimals, terms.quote_decimals) > MOST_DECIMALS
        return too_fine or terms.lot_base_units == 0 or terms.tick_lot_units == 0

    def refusal_of_instrument(self, command: AdminCommand) -> RejectReason | None:
        """An instrument, settled or not."""
        terms, texts, rules = command.settlement, command.texts, command.rules
        if not all(map(is_name, texts)):
            return RejectReason.INVALID_NAME
        if rules is None or len(texts) != (3 if terms is None else 7):
            return RejectReason.INVALID_COMBINATION
        if terms is not None:
            base, quote = texts[3:5]
            has_bad_units = self.are_bad_units(terms, ((base, terms.base_decimals), (quote, terms.quote_decimals)))
            if has_bad_units or self.is_one_too_many(texts[5]):
                return RejectReason.INVALID_QUANTITY
            if rules.reference_price_ticks is not None and rules.reference_price_ticks < 0:
                return RejectReason.INVALID_PRICE
            is_pair = base != quote and is_part(base) and is_part(quote)  # R32: no shares
            if not is_pair or are_bad_fees(terms) or terms.unit_ticks != 0:
                return RejectReason.INVALID_COMBINATION
        if are_bad(rules) or command.instrument > LARGEST_INSTRUMENT:
            return RejectReason.INVALID_COMBINATION
        is_taken = command.instrument in self.registry.instruments
        if is_taken or self.registry.instrument_named(texts[0]) is not None:
            return RejectReason.ALREADY_EXISTS
        return None

    def create_instrument(self, command: AdminCommand) -> None:
        """Makes an instrument, and before it what it needs and is not there yet."""
        assert command.rules is not None
        settlement = None
        if command.settlement is not None:
            base, quote, group, fee_account = command.texts[3:]
            settlement = Settlement(
                self.asset(base, command.settlement.base_decimals),
                self.asset(quote, command.settlement.quote_decimals),
                self.group(group),
                self.account(fee_account),
                command.settlement,
            )
        number = command.instrument or self.registry.free_number()
        book = make_book(number, command.rules)
        if settlement is not None:
            book.now_ns = settlement.group.now_ns
        symbol, *units = command.texts[:3]
        self.enlist(Instrument(number, symbol, (units[0], units[1]), book, settlement))

    def enlist(self, instrument: Instrument) -> None:
        """Gives an instrument its place."""
        self.registry.instruments[instrument.number] = instrument
        self.tell(Made.INSTRUMENT, instrument)

    def asset(self, name: str, decimals: int) -> Asset:
        """The asset of that name, made if there is none."""
        asset = self.registry.asset_named(name)
        if asset is None:
            asset = self.registry.make_asset(name, decimals)
            self.tell(Made.ASSET, asset)
        return asset

    def group(self, name: str) -> Group:
        """The clearing group of that name, made if there is none."""
        group = self.registry.group_named(name)
        if group is None:
            group = self.registry.make_group(name)
            self.tell(Made.GROUP, group)
        return group

    def account(self, name: str) -> Account:
        """The account of that name, made if there is none."""
        account = self.registry.account_named(name)
        if account is None:
            account = self.registry.make_account(name)
            self.tell(Made.ACCOUNT, account)
        return account

    # R32: events.

    def refusal_of_event(self, command: AdminCommand) -> RejectReason | None:
        """An event with its outcomes."""
        name, _, _, currency, group, _, *outcomes = command.texts
        symbols, terms = [f"{name}/{outcome}" for outcome in outcomes], command.settlement
        are_names = all(map(is_name, command.texts)) and all(map(is_part, (name, *outcomes)))
        if not are_names or any(len(symbol.encode()) > MOST_TEXT_BYTES for symbol in symbols):
            return RejectReason.INVALID_NAME
        if terms is None:
            return RejectReason.INVALID_COMBINATION
        if self.are_bad_units(terms, [(currency, terms.quote_decimals)]) or self.is_one_too_many(group):
            return RejectReason.INVALID_QUANTITY
        if terms.unit_ticks < 2:
            return RejectReason.INVALID_PRICE
        if terms.lot_base_units > terms.unit_ticks * terms.tick_lot_units << MOST_SHARE_BITS:
            return RejectReason.INVALID_QUANTITY
        rules = command.rules or Rules()
        if rules.reference_price_ticks is not None and not 1 <= rules.reference_price_ticks < terms.unit_ticks:
            return RejectReason.INVALID_PRICE
        # Two buyers pay on two notionals: no fee on the one need cover a rebate on the other.
        pays_rebates = len(outcomes) == 2 and min(terms.maker_fee_bps, terms.taker_fee_bps) < 0
        is_repeated = len(set(outcomes)) < len(outcomes)
        if pays_rebates or are_bad_fees(terms) or are_bad(rules) or is_repeated or not is_part(currency):
            return RejectReason.INVALID_COMBINATION
        is_there = self.registry.event_named(name) is not None or any(
            self.registry.asset_named(symbol) is not None or self.registry.instrument_named(symbol) is not None
            for symbol in symbols
        )
        return RejectReason.ALREADY_EXISTS if is_there else None

    def create_event(self, command: AdminCommand) -> None:
        """Makes an event, a share and an instrument for each outcome, and what else it needs."""
        terms = command.settlement
        assert terms is not None
        name, tick, lot, currency, group_name, fee_name, *outcomes = command.texts
        quote = self.asset(currency, terms.quote_decimals)
        symbols = [f"{name}/{outcome}" for outcome in outcomes]
        shares = [self.registry.make_asset(symbol, terms.base_decimals, is_share=True) for symbol in symbols]
        for share in shares:
            self.tell(Made.ASSET, share)
        group, fee_account = self.group(group_name), self.account(fee_name)
        event = Event(len(self.registry.events) + 1, name)
        self.registry.events.append(event)
        for place, share in enumerate(shares):
            number = self.registry.free_number()
            is_mirror = len(outcomes) == 2 and place == 1
            book = event.outcomes[0].book if is_mirror else make_book(number, command.rules or Rules())
            book.now_ns = group.now_ns
            settlement = Settlement(share, quote, group, fee_account, terms)
            event.outcomes.append(Instrument(number, share.name, (tick, lot), book, settlement, event, is_mirror))
            self.enlist(event.outcomes[-1])
        self.tell(Made.EVENT, event)

    def refusal_of_sets(self, command: AdminCommand) -> RejectReason | None:
        """Full sets of shares, to mint or to redeem."""
        account, event = self.registry.account(command.account), self.registry.event(command.instrument)
        if account is None:
            return RejectReason.UNKNOWN_ACCOUNT
        if event is None:
            return RejectReason.UNKNOWN_EVENT
        if event.is_settled:
            return RejectReason.ALREADY_SETTLED
        terms, lots = event.settlement.terms, command.quantity_lots
        shares = lots * terms.lot_base_units
        group = event.settlement.group
        there_are = self.ledger.issued[event.settlement.base.number, group.number]
        is_mint = command.kind == AdminKind.MINT
        if not 1 <= lots <= QUANTITY_MAX or (is_mint and there_are + shares > MOST_UNITS):
            return RejectReason.INVALID_QUANTITY
        if is_mint:
            cash = place_of(account, event.settlement.quote, group)
            is_short = self.ledger.available(cash) < lots * terms.unit_ticks * terms.tick_lot_units
        else:
            places = [place_of(account, share, group) for share in event.shares]
            is_short = any(self.ledger.available(place) < shares for place in places)
        return RejectReason.INSUFFICIENT_FUNDS if is_short else None

    def make_sets(self, command: AdminCommand) -> None:
        """One unit of cash for one share of each outcome, or back."""
        account, event = self.registry.account(command.account), self.registry.event(command.instrument)
        assert account is not None
        assert event is not None
        terms, group = event.settlement.terms, event.settlement.group
        lots = command.quantity_lots * (1 if command.kind == AdminKind.MINT else -1)
        cash = lots * terms.unit_ticks * terms.tick_lot_units
        self.ledger.totals[place_of(account, event.settlement.quote, group)] -= cash
        event.pot_units += cash
        for share in event.shares:
            self.ledger.issue(place_of(account, share, group), lots * terms.lot_base_units)

    def refusal_of_settlement(self, command: AdminCommand) -> RejectReason | None:
        """The end of an event: once, and what is paid has to be what is in the pot."""
        event = self.registry.event(command.instrument)
        if event is None:
            return RejectReason.UNKNOWN_EVENT
        if event.is_settled:
            return RejectReason.ALREADY_SETTLED
        if command.order_type == SettlementMode.FULL:
            if command.quantity_lots >= len(event.outcomes):
                return RejectReason.UNKNOWN_OUTCOME
            return None if command.payouts is None else RejectReason.INVALID_COMBINATION
        if command.payouts is None:
            return RejectReason.INVALID_COMBINATION
        if len(command.payouts) != len(event.outcomes):
            return RejectReason.UNKNOWN_OUTCOME
        if sum(command.payouts) != event.settlement.terms.unit_ticks:
            return RejectReason.INVALID_PRICE
        return None if command.quantity_lots == 0 else RejectReason.INVALID_COMBINATION

    def settle(self, command: AdminCommand) -> None:
        """Ends what rests, closes the books, pays for the shares and takes them away."""
        event = self.registry.event(command.instrument)
        assert event is not None
        event.is_settled = True
        for book in event.books:
            for order in list(book.live.values()):
                book.cancel_order(order, CancelReason.SETTLED)
            if book.phase != Phase.CLOSED:
                book.phase = Phase.CLOSED
                book.emit(EventKind.PHASE, reason=Phase.CLOSED)
            book.halt_end_ns = None  # R28
        terms, currency = event.settlement.terms, event.settlement.quote.number
        for share, ticks in zip(event.shares, self.payouts(command, event), strict=True):
            for place, units in list(self.ledger.totals.items()):
                account, asset, group = place
                if asset == share.number:
                    cash = units // terms.lot_base_units * ticks * terms.tick_lot_units
                    self.ledger.issue(place, -units)
                    self.ledger.totals[account, currency, group] += cash
                    event.pot_units -= cash

    def payouts(self, command: AdminCommand, event: Event) -> tuple[int, ...]:
        """What a lot of each outcome's shares is paid, in ticks."""
        if command.payouts is not None:
            return command.payouts
        unit = event.settlement.terms.unit_ticks
        return tuple(unit if place == command.quantity_lots else 0 for place in range(len(event.outcomes)))

    def tell_settled(self, command: AdminCommand) -> None:
        """How an event ended, behind all that it paid."""
        event = self.registry.event(command.instrument)
        assert event is not None
        self.emit(
            EventKind.SETTLED,
            reason=command.order_type,
            price_ticks=self.payouts(command, event)[0],
            quantity_lots=command.quantity_lots,
            order_id=event.number,
        )

    # R30: funds.

    def refusal_of_funds(self, command: AdminCommand) -> RejectReason | None:
        """A deposit, a withdrawal or a transfer."""
        account, asset = self.registry.account(command.account), self.registry.asset(command.instrument)
        groups = [self.registry.group(number) for number in command.groups]
        if command.kind != AdminKind.TRANSFER:
            groups.pop()
        if account is None:
            return RejectReason.UNKNOWN_ACCOUNT
        if asset is None:
            return RejectReason.UNKNOWN_ASSET
        source = groups[0]
        # A whole exchange is one shard: nothing comes to it from another one (D62).
        if source is None or None in groups or command.is_arrival:
            return RejectReason.UNKNOWN_GROUP
        if any(len(text.encode()) > MOST_ID_BYTES for text in command.texts):
            return RejectReason.INVALID_NAME
        is_deposit = command.kind == AdminKind.DEPOSIT
        there_are = self.ledger.issued[asset.number, source.number] if is_deposit and not asset.is_share else 0
        if not 1 <= command.amount <= min(MOST_UNITS, MOST_UNITS - there_are):
            return RejectReason.INVALID_QUANTITY
        if asset.is_share or (command.kind == AdminKind.TRANSFER and groups[0] is groups[1]):
            return RejectReason.INVALID_COMBINATION
        if any((account.number, source.number, text) in self.ledger.transfer_ids for text in command.texts):
            return RejectReason.DUPLICATE_TRANSFER
        if not is_deposit and self.ledger.available(place_of(account, asset, source)) < command.amount:
            return RejectReason.INSUFFICIENT_FUNDS
        return None

    def move_funds(self, command: AdminCommand) -> None:
        """In or out, or the first half of a transfer; an id that it carries is never taken again."""
        group = command.groups[0]
        source = (command.account, command.instrument, group)
        if command.kind == AdminKind.TRANSFER:
            self.ledger.move(source, -command.amount)
        else:
            self.ledger.issue(source, command.amount * (1 if command.kind == AdminKind.DEPOSIT else -1))
        self.ledger.transfer_ids |= {(command.account, group, text) for text in command.texts}
