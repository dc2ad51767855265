"""Random commands for a whole exchange: some books, few accounts with little money, events, and impossible things."""

from __future__ import annotations

import random
from dataclasses import replace

from tests.model.generator import Generator

from aeromatch.market.reference import (
    AdminCommand,
    AdminKind,
    Band,
    Command,
    CommandKind,
    OffsetUnit,
    OrderType,
    PlaceKind,
    ReferenceExchange,
    Rules,
    SettlementMode,
    Side,
    Terms,
    TransferPart,
)
from aeromatch.market.reference.ledger import MOST_UNITS
from aeromatch.market.reference.registry import Event, Instrument

U32_MAX, U64_MAX = 2**32 - 1, 2**64 - 1
ALL = U32_MAX
MOST_BOOKS = 6
MOST_LIVE_ORDERS = 24
CASH = ("USD", "EUR")
COINS = ("BTC", "ETH", "USD")
GROUPS = ("main", "main", "main", "other")
FEE_ACCOUNTS = ("fees", "fees", "house", "a1")
OUTCOMES = ("yes", "no", "maybe", "never", "later")
FEES = ((0, 0), (0, 0), (10, 25), (-5, 20), (3, 3), (-7, 7), (9999, 10_000), (-10_000, 10_000), (33, -33))
IMPOSSIBLE_FEES = ((-2, 1), (10_001, 0), (0, -1), (-10_001, 10_001), (32_767, 32_767))
IMPOSSIBLE_AMOUNTS = (0, MOST_UNITS + 1, 2**127, 2**128 - 1)
WITH_BUDGETS_AT = {OrderType.STOP: OrderType.STOP_LIMIT, OrderType.TRAILING_STOP: OrderType.TRAILING_STOP_LIMIT}
MIRRORED = ("price_ticks", "protection_price_ticks", "stop_price_ticks")


class ExchangeGenerator:
    """The commands of one exchange. It looks at the exchange to hit what is there, and to miss it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.books: dict[str, Generator] = {}
        self.accounts = rng.choice((2, 3, 5))
        self.decimals = {name: rng.choice((0, 2, 8)) for name in {*CASH, *COINS}}
        # How finely cash and shares are counted, and how much of it comes in at a time.
        self.tick_lot_units = rng.choice((1, 1, 3, 100, 10**6, 2**45))
        self.lot_base_units = rng.choice((1, 1, 7, 10**8))
        self.wealth = rng.choice((20, 200, 2_000, 10**6))
        self.settled_share = rng.choice((0.5, 0.8, 1.0))
        self.admin_share = rng.choice((0.06, 0.15, 0.4))
        self.transfer_ids = rng.choice((3, 30))
        self.made = 0
        # Orders that lead somewhere only one after the other.
        self.planned: list[Command] = []

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def command(self, exchange: ReferenceExchange) -> Command | AdminCommand:
        """The next command for an exchange in this state."""
        registry = exchange.registry
        if exchange.sequence == 0 and self.chance(0.3):
            return self.first()
        is_bare = len(registry.accounts) < self.accounts or len(registry.books()) < 2
        if is_bare or self.chance(self.admin_share):
            command: Command | AdminCommand = self.admin(exchange, is_bare=is_bare)
            command.tag = self.rng.choice((0, self.rng.getrandbits(64)))
        elif self.planned:
            command = self.planned.pop(0)
        elif self.chance(0.02):
            command = self.everywhere(exchange)
        else:
            command = self.order(exchange)
        if isinstance(command, AdminCommand) and not command.timestamp_ns and self.chance(0.5):
            command.timestamp_ns = self.timestamp(exchange)
        if self.chance(0.01):
            command.sequence = self.rng.choice((1, exchange.sequence, exchange.sequence + self.rng.randint(1, 9)))
        return command

    def timestamp(self, exchange: ReferenceExchange) -> int:
        now_ns = exchange.now_ns
        # Rarely far: then much falls due at once, in several books and clearing groups.
        step = self.rng.randint(5, 200) if self.chance(0.05) else self.rng.randint(0, 3)
        return self.rng.choice((0, now_ns, min(U64_MAX, now_ns + step), now_ns // 2))

    # Orders.

    def order(self, exchange: ReferenceExchange) -> Command | AdminCommand:
        """A command for one of the books, mostly such as its book's own generator makes it."""
        instruments = list(exchange.registry.instruments.values())
        trading = [each for each in instruments if each.event is None or not each.event.is_settled]
        instrument = self.rng.choice(trading if trading and self.chance(0.98) else instruments)
        generator = self.books.setdefault(instrument.symbol, self.books_generator(instrument))
        command = generator.command(instrument.book)
        if command.instrument != instrument.book.instrument:
            command.instrument = self.rng.choice((2**24, 2**24 - 1, U32_MAX, command.instrument))
            return command
        command.instrument = instrument.number
        if instrument.settlement is None:
            if generator.edges is not None and self.chance(0.03):
                self.planned = self.out_of_band(instrument.number, generator.edges)
            return command
        command.account = self.account(exchange, command.account, is_new=command.kind == CommandKind.NEW)
        if instrument.is_mirror:
            self.mirror(command, instrument.settlement.terms.unit_ticks)
        if command.kind == CommandKind.NEW:
            self.afford(command, generator, instrument.settlement.terms)
            if self.chance(0.6):
                return self.means(exchange, instrument, command) or command
        return command

    def out_of_band(self, instrument: int, edges: tuple[int, int]) -> list[Command]:
        """An order that slides out of the band, and a market order that would meet it there."""
        side, edge = self.rng.choice(tuple(zip((Side.SELL, Side.BUY), edges, strict=True)))
        other = Side(1 - side)
        at_edge = Command(CommandKind.NEW, instrument=instrument, side=side, price_ticks=edge, quantity_lots=500)
        sliding = replace(at_edge, side=other, quantity_lots=5, post_only=True, slide=True)
        return [at_edge, sliding, replace(at_edge, order_type=OrderType.MARKET, price_ticks=None)]

    def means(self, exchange: ReferenceExchange, instrument: Instrument, command: Command) -> AdminCommand | None:
        """What an account needs first, where it has too little for an order."""
        settlement, account = instrument.settlement, exchange.registry.account(command.account)
        lots = command.quantity_lots or 0
        if settlement is None or account is None or not 1 <= lots <= 1000:
            return None
        terms, many = settlement.terms, self.rng.choice((1, 3, 20))
        needs = lots * max(1, abs(command.price_ticks or command.protection_price_ticks or 100)) * terms.tick_lot_units
        asset = settlement.quote
        if command.side == Side.SELL:
            asset, needs = settlement.base, lots * terms.lot_base_units
        place = (account.number, asset.number, settlement.group.number)
        if needs > 2**90 or exchange.ledger.available(place) >= needs:
            return None
        if not asset.is_share:
            amount = many * needs * 11 // 10
            kind, number, group = AdminKind.DEPOSIT, asset.number, settlement.group.number
            return AdminCommand(kind, 0, number, account.number, group, amount % 2**64, amount >> 64, texts=())
        event = exchange.registry.events.index(instrument.event) + 1 if instrument.event is not None else 0
        return AdminCommand(AdminKind.MINT, instrument=event, account=account.number, quantity_lots=many * lots)

    def books_generator(self, instrument: Instrument) -> Generator:
        """For a book that was made by somebody else."""
        unit = 0 if instrument.settlement is None else instrument.settlement.terms.unit_ticks
        return Generator(self.rng, (unit // 2 or 100,), MOST_LIVE_ORDERS)

    def account(self, exchange: ReferenceExchange, account: int, *, is_new: bool = True) -> int:
        """An account that there is; 0, the operator, stays what it is where it may."""
        if self.chance(0.01):
            return self.rng.choice((0, U32_MAX, len(exchange.registry.accounts) + 1))
        if 1 <= account <= len(exchange.registry.accounts) or (account == 0 and not is_new):
            return account
        return self.rng.randint(1, len(exchange.registry.accounts) or 1)

    def mirror(self, command: Command, unit_ticks: int) -> None:
        """The same order through the other outcome: so both meet in one book."""
        if command.side != Side.NONE:
            command.side = Side(1 - command.side)
        for name in MIRRORED:
            price = getattr(command, name)
            if price is not None and abs(unit_ticks - price) < 2**63:
                setattr(command, name, unit_ticks - price)

    def afford(self, command: Command, generator: Generator, terms: Terms) -> None:
        """What a buy may cost is said, mostly."""
        if command.side != Side.BUY or self.chance(0.03):
            return
        if command.order_type in WITH_BUDGETS_AT and self.chance(0.9):
            command.order_type = WITH_BUDGETS_AT[command.order_type]
            command.price_ticks = generator.price(command.side)
        if command.order_type != OrderType.MARKET or command.protection_price_ticks is not None:
            if self.chance(0.01):
                command.budget_units = self.rng.randint(0, 1000)
                command.protection_price_ticks = None
            return
        if self.chance(0.5):
            command.protection_price_ticks = generator.protection()
            return
        notional = max(0, generator.price()) * (command.quantity_lots or 0) * terms.tick_lot_units
        fee = notional * max(terms.taker_fee_bps, 0) // 10_000
        budget = notional + self.rng.choice((0, fee, fee + 1, fee - 1, terms.tick_lot_units))
        command.budget_units = max(0, min(U64_MAX, self.rng.choice((budget, budget, budget, budget // 2, 0, U64_MAX))))

    def everywhere(self, exchange: ReferenceExchange) -> Command:
        """A mass cancel or a time for every instrument."""
        command = Command(CommandKind.ADVANCE_TIME, instrument=ALL, timestamp_ns=self.timestamp(exchange))
        if self.chance(0.5):
            command.kind = CommandKind.MASS_CANCEL
            command.side = self.rng.choice((Side.NONE, Side.NONE, Side.BUY, Side.SELL))
            command.account = self.account(exchange, self.rng.randint(0, self.accounts))
        elif self.chance(0.1):
            command.account = U32_MAX
        return command

    # Commands to the exchange itself.

    def admin(self, exchange: ReferenceExchange, *, is_bare: bool) -> AdminCommand:
        registry = exchange.registry
        if is_bare and self.chance(0.9):
            return self.account_for(exchange) if len(registry.accounts) < self.accounts else self.book(exchange)
        makers = (self.name, self.book, self.funds, self.sets, self.settle, self.shard)
        room = 3 if len(registry.books()) < MOST_BOOKS else 0.2
        sets = 15 if any(not event.is_settled for event in registry.events) else 1
        return self.rng.choices(makers, weights=(1, room, 40, sets, 0.7, 0.5))[0](exchange)

    def account_for(self, exchange: ReferenceExchange) -> AdminCommand:
        return AdminCommand(AdminKind.CREATE_ACCOUNT, texts=(f"a{len(exchange.registry.accounts) + 1}",))

    def name(self, _: ReferenceExchange) -> AdminCommand:
        """An asset, group or account, often one that is there."""
        kind = self.rng.choice((AdminKind.CREATE_ASSET, AdminKind.CREATE_GROUP, AdminKind.CREATE_ACCOUNT))
        names = ("USD", "BTC", "main", "other", "fees", "a1", f"n{self.rng.randint(0, 9)}", "é" * 31)
        command = AdminCommand(kind, texts=(self.rng.choice(names),))
        if kind == AdminKind.CREATE_ASSET:
            name = command.texts[0]
            command.order_type = self.decimals.get(name, self.rng.choice((0, 8, 18, 19, 255)))
        return command

    def first(self) -> AdminCommand:
        """What a log of one shard may begin with."""
        return AdminCommand(AdminKind.PARTITION, quantity_lots=0, order_id=1, timestamp_ns=self.rng.randint(0, 3))

    def shard(self, _: ReferenceExchange) -> AdminCommand:
        """Which shard it is, or where something will live: the reference model is shard 0 of 1."""
        shard = self.rng.choice((0, 0, 0, 1, 2**64 - 1))
        if self.chance(0.2):
            return AdminCommand(AdminKind.PARTITION, quantity_lots=shard, order_id=self.rng.choice((0, 1, 1, 1025)))
        names = ("main", "other", f"n{self.rng.randint(0, 9)}", f"plain{self.made + 1}", " ")
        kind = self.rng.choice(tuple(PlaceKind))
        return AdminCommand(AdminKind.PLACE, kind, quantity_lots=shard, texts=(self.rng.choice(names),))

    def book(self, exchange: ReferenceExchange) -> AdminCommand:
        """An instrument or an event."""
        self.made += 1
        if not self.chance(self.settled_share):
            generator = Generator(self.rng, most_live_orders=MOST_LIVE_ORDERS)
            command = AdminCommand(AdminKind.CREATE_INSTRUMENT, texts=(f"plain{self.made}", "1", "1"))
        elif self.chance(0.5):
            generator = Generator(self.rng, (3, 10, 100), MOST_LIVE_ORDERS)
            command = self.pair()
        else:
            generator = Generator(self.rng, (5, 50), MOST_LIVE_ORDERS)
            command = self.event(2 * generator.center)
        generator.wide &= self.chance(0.2)
        command.rules = self.rules(generator)
        for symbol in self.symbols(command):
            self.books[symbol] = generator
        if command.kind == AdminKind.CREATE_INSTRUMENT and self.chance(0.3):
            number = self.rng.choice((self.rng.randint(1, 20), 2**24 - 1, *exchange.registry.instruments))
            command.instrument = number if self.chance(0.95) else 2**24
        if self.chance(0.15):
            self.spoil(command, exchange)
        return command

    def symbols(self, command: AdminCommand) -> list[str]:
        name, *texts = command.texts
        return [name] if command.kind == AdminKind.CREATE_INSTRUMENT else [f"{name}/{each}" for each in texts[5:]]

    def pair(self) -> AdminCommand:
        """A settled instrument."""
        base, quote = self.rng.choice(COINS), self.rng.choice(CASH)
        texts = (f"pair{self.made}", "1", "1", base, quote, self.rng.choice(GROUPS), self.rng.choice(FEE_ACCOUNTS))
        return AdminCommand(AdminKind.CREATE_INSTRUMENT, texts=texts, settlement=self.terms(base, quote))

    def event(self, unit_ticks: int) -> AdminCommand:
        """An event, mostly with two outcomes."""
        outcomes = OUTCOMES[: self.rng.choice((2, 2, 2, 3, 5))]
        quote = self.rng.choice(CASH)
        texts = (
            f"event{self.made}",
            "1",
            "1",
            quote,
            self.rng.choice(GROUPS),
            self.rng.choice(FEE_ACCOUNTS),
            *outcomes,
        )
        terms = self.terms("", quote)
        terms.unit_ticks = unit_ticks
        if len(outcomes) == 2 and self.chance(0.9):  # there are no rebates
            terms.maker_fee_bps, terms.taker_fee_bps = abs(terms.maker_fee_bps), abs(terms.taker_fee_bps)
        return AdminCommand(AdminKind.CREATE_EVENT, texts=texts, settlement=terms)

    def terms(self, base: str, quote: str) -> Terms:
        maker, taker = self.rng.choice(FEES)
        lot, tick = self.lot_base_units, self.tick_lot_units
        return Terms(self.decimals.get(base, 0), self.decimals[quote], maker, taker, lot, tick)

    def rules(self, generator: Generator) -> Rules:
        """The rules of a book as its generator has drawn them."""
        setup = generator.setup
        ticks, bps = setup.static_band_ticks, setup.static_band_bps
        breaker_ticks, breaker_bps = setup.circuit_breaker_ticks, setup.circuit_breaker_bps
        return Rules(
            self_trade_prevention=setup.self_trade_prevention,
            matching=setup.matching,
            index=self.rng.randrange(4),
            fifo_share_bps=setup.fifo_share_bps or 0,
            dedup_window_ns=setup.dedup_window_ns,
            reference_price_ticks=setup.reference_price_ticks,
            static_band=self.band(ticks, bps),
            circuit_breaker=self.band(breaker_ticks, breaker_bps),
            halt_ns=setup.halt_ns or 0,
        )

    def band(self, ticks: int | None, bps: int | None) -> Band | None:
        if ticks is not None:
            return Band(OffsetUnit.TICKS, ticks)
        return None if bps is None else Band(OffsetUnit.BPS, bps)

    def spoil(self, command: AdminCommand, exchange: ReferenceExchange) -> None:
        """Puts something into the making of a book that does not go with the rest."""
        rng, terms, texts = self.rng, command.settlement, list(command.texts)
        registry, first_name = exchange.registry, 3 if command.kind == AdminKind.CREATE_EVENT else 4
        match rng.randrange(12):
            case 0:
                texts[0] = rng.choice(["plain1", "pair1", "event1", "x" * 63, *(e.name for e in registry.events)])
            case 1 if terms is not None:
                terms.maker_fee_bps, terms.taker_fee_bps = rng.choice(IMPOSSIBLE_FEES)
            case 2 if terms is not None:
                terms.quote_decimals = rng.choice((1, 19, 255))
            case 3 if terms is not None:
                terms.base_decimals = rng.choice((1, 19, 255))
            case 4 if terms is not None:
                terms.lot_base_units = rng.choice((0, 2**40, U64_MAX))
            case 5 if terms is not None:
                terms.tick_lot_units = rng.choice((0, 2**40, U64_MAX))
            case 6 if terms is not None:
                terms.unit_ticks = rng.choice((0, 1, 2, U32_MAX))
            case 7 if command.rules is not None:
                command.rules.fifo_share_bps = rng.choice((1, 10_001, 65_535))
            case 8:
                command.rules = None
            case 9:
                command.settlement = None if terms is not None else self.terms("BTC", "USD")
            case 10 if len(texts) > first_name:
                texts[first_name] = rng.choice([asset.name for asset in registry.assets] or ["USD"])
            case _:
                texts = texts[: rng.randint(3, len(texts))] if command.kind != AdminKind.CREATE_EVENT else texts
                texts = [*texts, texts[-1]] if len(texts) > 7 else texts
        command.texts = tuple(texts)

    def funds(self, exchange: ReferenceExchange) -> AdminCommand:
        """A deposit, mostly, a withdrawal or a transfer."""
        rng, registry = self.rng, exchange.registry
        kind = rng.choices((AdminKind.DEPOSIT, AdminKind.WITHDRAW, AdminKind.TRANSFER), weights=(5, 2, 4))[0]
        source, target = (rng.randint(1, len(registry.groups) or 1) for _ in range(2))
        if registry.instruments and self.chance(0.7):  # where it will be needed
            settled = [each.settlement for each in registry.instruments.values() if each.settlement is not None]
            source = rng.choice(settled).group.number if settled else source
        if self.chance(0.01):
            source, target = rng.choice(((U32_MAX, target), (source, U32_MAX), (0, target)))
        both = source | (target << 32 if kind == AdminKind.TRANSFER else 0)
        assets = [asset.number for asset in registry.assets if not asset.is_share] or [1]
        asset = rng.choice(assets) if self.chance(0.97) else rng.choice((0, U32_MAX, len(registry.assets)))
        account, timestamp_ns = self.account(exchange, rng.randint(1, self.accounts)), 0
        if kind == AdminKind.TRANSFER and self.chance(0.7):  # of something that is there
            there = [place for place, balance in exchange.ledger.balances().items() if balance.available > 0]
            account, asset, source = rng.choice(there or [(account, asset, source)])
            target, timestamp_ns = self.where_something_ends(exchange, target)
            both = source | target << 32
        amount = self.amount(exchange, (account, asset, source), kind)
        identity = f"t{rng.randint(1, self.transfer_ids)}" if self.chance(0.97) else "i" * rng.randint(36, 38)
        is_arrival = kind == AdminKind.TRANSFER and self.chance(0.02)
        return AdminCommand(
            kind,
            order_type=TransferPart.ARRIVAL if is_arrival else TransferPart.WHOLE,
            instrument=asset,
            account=account,
            price_ticks=both - 2**64 if both >= 2**63 else both,
            quantity_lots=amount % 2**64,
            order_id=amount >> 64,
            timestamp_ns=timestamp_ns,
            texts=(identity,) if kind == AdminKind.TRANSFER or self.chance(0.1) else (),
        )

    def where_something_ends(self, exchange: ReferenceExchange, group: int) -> tuple[int, int]:
        """Now and then a group in which an order expires, and when; else that group."""
        orders = exchange.ledger.orders.items()
        found = [
            (each.settlement.group.number, each.instrument.book.live[number].expire_at_ns) for number, each in orders
        ]
        ends = [(number, end_ns) for number, end_ns in found if 0 < end_ns < exchange.now_ns + 1000]
        return self.rng.choice(ends) if ends and self.chance(0.5) else (group, 0)

    def amount(self, exchange: ReferenceExchange, place: tuple[int, int, int], kind: AdminKind) -> int:
        if self.chance(0.01):
            return self.rng.choice(IMPOSSIBLE_AMOUNTS)
        if kind != AdminKind.DEPOSIT:
            return max(0, exchange.ledger.available(place) * self.rng.randint(0, 9) // 8 + self.rng.randint(0, 1))
        if self.chance(0.003):
            return max(0, MOST_UNITS - exchange.ledger.issued.get(place[1:], 0) + self.rng.randint(-1, 1))
        return self.rng.randint(1, self.wealth * 100 * max(self.tick_lot_units, self.lot_base_units))

    def sets(self, exchange: ReferenceExchange) -> AdminCommand:
        """Full sets of an event's shares."""
        kind = self.rng.choice((AdminKind.MINT, AdminKind.MINT, AdminKind.REDEEM))
        lots = self.rng.randint(1, 8) if self.chance(0.97) else self.rng.choice((0, 2**48, 2**48 + 1, U64_MAX))
        account = self.account(exchange, self.rng.randint(1, self.accounts))
        return AdminCommand(kind, instrument=self.an_event(exchange), account=account, quantity_lots=lots)

    def an_event(self, exchange: ReferenceExchange) -> int:
        events = exchange.registry.events
        if not events or self.chance(0.03):
            return self.rng.choice((0, U32_MAX, len(events) + 1))
        trading = [event.number for event in events if not event.is_settled]
        return self.rng.choice(trading) if trading and self.chance(0.9) else self.rng.randint(1, len(events))

    def settle(self, exchange: ReferenceExchange) -> AdminCommand:
        """The end of an event."""
        command = AdminCommand(AdminKind.SETTLE, instrument=self.an_event(exchange))
        event = exchange.registry.event(command.instrument)
        command.order_type = self.rng.choice(tuple(SettlementMode))
        if event is None:
            return command
        if command.order_type == SettlementMode.FULL:
            command.quantity_lots = self.rng.randrange(len(event.outcomes)) if self.chance(0.9) else U64_MAX
        else:
            command.payouts = self.payouts(event)
        if self.chance(0.05):
            command.payouts = self.rng.choice((None, (1,), self.payouts(event)))
        if self.chance(0.03):
            command.quantity_lots = self.rng.choice((1, 9, U64_MAX))
        return command

    def payouts(self, event: Event) -> tuple[int, ...]:
        """One unit of cash cut into as many parts as there are outcomes, mostly."""
        unit = event.settlement.terms.unit_ticks + (self.rng.choice((-1, 1)) if self.chance(0.1) else 0)
        cuts = sorted(self.rng.randint(0, unit) for _ in event.outcomes[1:])
        return tuple(high - low for low, high in zip([0, *cuts], [*cuts, unit], strict=True))
