"""Random commands that collide: few prices, small sizes, few accounts, and now and then something impossible."""

from __future__ import annotations

import random

from tests.books import BookSetup

from aeromatch.market.reference import (
    Command,
    CommandKind,
    OrderType,
    Phase,
    ReferenceBook,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

PRICE_MIN, PRICE_MAX = -(2**63), 2**63 - 1
QUANTITY_MAX = 2**48
U64_MAX = 2**64 - 1
MOST_LIVE_ORDERS = 100

MALFORMED_CLIENT_IDS = (b"", b"a\x00", b"\x1f", b"\x7f", b"caf\xc3\xa9", b"x" * 37, b"x" * 90)
IMPOSSIBLE_QUANTITIES = (0, QUANTITY_MAX + 1, 2**63, U64_MAX)
IMPOSSIBLE_EXPIRIES = (0, 2**63, U64_MAX)


class Generator:
    """The commands of one book. It looks at the book to hit orders that live, and to miss them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.setup = BookSetup(
            instrument=rng.choice((0, 0, 7, 2**24 - 1)),
            dedup_window_ns=rng.choice((0, 5, 60, U64_MAX)),
            self_trade_prevention=SelfTradePrevention(rng.randint(1, 5)),
        )
        # Most books trade around 0 or 100, some at an end of 64 bits, some over a wide range too.
        self.center = rng.choice((100, 100, 0, PRICE_MIN + 3, PRICE_MAX - 3))
        self.spread = rng.choice((2, 4, 8))
        self.wide = rng.random() < 0.2
        # How far buys and sells keep apart: where they do, books grow deep.
        self.apart = rng.choice((0, 0, self.spread // 2, self.spread))
        self.lifetime = rng.choice((20, 400))
        self.cancels = rng.choice((40, 120))
        self.accounts = rng.choice((2, 3, 5))
        self.client_id_share = rng.choice((0.0, 0.2, 0.6))
        self.last_days = rng.random() < 0.05

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def command(self, book: ReferenceBook) -> Command:
        """The next command for a book in this state."""
        if len(book.live) >= MOST_LIVE_ORDERS:
            return self.mass_cancel(book)
        if book.phase != Phase.CONTINUOUS and self.chance(0.15):
            command = Command(CommandKind.PHASE, phase=Phase.CONTINUOUS)
        else:
            makers = (self.new, self.cancel, self.amend, self.mass_cancel, self.phase, self.advance_time)
            maker = self.rng.choices(makers, weights=(560, self.cancels, 240, 3, 7, 30))[0]
            command = maker(book)
        command.instrument = book.instrument
        command.tag = self.rng.choice((0, self.rng.getrandbits(64)))
        if command.kind != CommandKind.ADVANCE_TIME:
            command.timestamp_ns = self.timestamp(book)
        if self.chance(0.01):
            command.sequence = self.rng.choice((1, book.sequence, book.sequence + self.rng.randint(1, 9)))
        if self.chance(0.004):
            command.instrument = self.rng.choice((book.instrument + 1, 2**24, 2**32 - 1))
        return command

    # Kinds of command.

    def new(self, book: ReferenceBook) -> Command:
        rng = self.rng
        command = Command(
            CommandKind.NEW,
            side=rng.choice((Side.BUY, Side.SELL)),
            quantity_lots=self.quantity(),
            account=self.account(),
            time_in_force=TimeInForce(rng.choices(range(5), weights=(50, 12, 14, 12, 12))[0]),
        )
        if self.chance(0.12):
            command.order_type = OrderType.MARKET
            if command.time_in_force == TimeInForce.GTD and self.chance(0.9):
                command.time_in_force = TimeInForce.GTC
            if self.chance(0.3):
                command.protection_price_ticks = self.price()
        else:
            command.price_ticks = self.price(command.side)
            command.price_off_grid = self.chance(0.004)
            if self.chance(0.15):
                command.post_only, command.slide = True, self.chance(0.5)
                if command.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and self.chance(0.9):
                    command.time_in_force = TimeInForce.GTC
        if command.time_in_force == TimeInForce.GTD:
            command.expire_at_ns = self.expiry(book)
        if self.chance(0.3):
            command.self_trade_prevention = SelfTradePrevention(rng.randint(0, 5))
        if self.chance(0.25):
            command.self_trade_group = rng.randint(0, 2)
        command.client_order_id = self.client_id() if self.chance(self.client_id_share) else None
        if self.chance(0.01):
            self.spoil(command)
        return command

    def cancel(self, book: ReferenceBook) -> Command:
        command = Command(CommandKind.CANCEL)
        self.name_an_order(command, book)
        return command

    def amend(self, book: ReferenceBook) -> Command:
        command = Command(CommandKind.AMEND)
        self.name_an_order(command, book)
        order = book.live.get(command.order_id)
        what = self.rng.random()
        if what < 0.7:
            near = order is not None and self.chance(0.7)
            total = order.total_lots + self.rng.randint(-3, 2) if near and order is not None else self.quantity()
            command.quantity_lots = max(0 if self.chance(0.05) else 1, total)
        if what > 0.4:
            command.price_ticks = self.price(order.side if order is not None else Side.NONE)
            command.price_off_grid = self.chance(0.01)
        if self.chance(0.005):
            command.quantity_lots = command.price_ticks = None
        return command

    def mass_cancel(self, book: ReferenceBook) -> Command:
        side = self.rng.choice((Side.NONE, Side.NONE, Side.BUY, Side.SELL))
        return Command(
            CommandKind.MASS_CANCEL, side=side, account=self.rng.choice((0, self.account())), instrument=book.instrument
        )

    def phase(self, book: ReferenceBook) -> Command:
        return Command(CommandKind.PHASE, phase=self.rng.choice((book.phase, *Phase)))

    def advance_time(self, book: ReferenceBook) -> Command:
        return Command(CommandKind.ADVANCE_TIME, timestamp_ns=self.timestamp(book))

    # Their fields.

    def price(self, side: Side = Side.NONE) -> int:
        shift = {Side.BUY: -self.apart, Side.SELL: self.apart, Side.NONE: 0}[side]
        price = self.center + shift + self.rng.randint(-self.spread, self.spread)
        if self.wide and self.chance(0.1):
            price = self.rng.choice((PRICE_MIN, PRICE_MAX, 0, self.rng.randint(PRICE_MIN, PRICE_MAX)))
            price = self.rng.choice((price, self.center + self.rng.randint(-(10**6), 10**6)))
        return max(PRICE_MIN, min(PRICE_MAX, price))

    def quantity(self) -> int:
        if self.chance(0.004):
            return self.rng.choice(IMPOSSIBLE_QUANTITIES)
        if self.chance(0.004):
            return QUANTITY_MAX - self.rng.randint(0, 1)
        return self.rng.randint(1, 6)

    def account(self) -> int:
        accounts: list[int] = [0, *range(1, self.accounts + 1), 2**32 - 1]
        return self.rng.choice(accounts)

    def client_id(self) -> bytes:
        if self.chance(0.02):
            return self.rng.choice(MALFORMED_CLIENT_IDS)
        return b"%d" % self.rng.randint(1, 25) if self.chance(0.9) else b"z" * self.rng.randint(30, 36)

    def timestamp(self, book: ReferenceBook) -> int:
        if self.last_days and self.chance(0.001):
            return self.rng.choice((2**63 - 3, 2**63 - 1, U64_MAX - 1, U64_MAX))
        what = self.rng.random()
        if what < 0.5:
            return 0
        if what < 0.9:
            return min(U64_MAX, book.now_ns + self.rng.randint(0, 2))
        return self.rng.choice((book.now_ns // 2, min(U64_MAX, book.now_ns + self.rng.randint(0, 30))))

    def expiry(self, book: ReferenceBook) -> int:
        if self.chance(0.03):
            return self.rng.choice(IMPOSSIBLE_EXPIRIES)
        if self.chance(0.03):
            return 2**63 - 1
        return max(1, min(U64_MAX, book.now_ns + self.rng.randint(-1, self.lifetime)))

    def name_an_order(self, command: Command, book: ReferenceBook) -> None:
        """Mostly a live order by one of its names and its own account or none; else any mistake there is."""
        rng = self.rng
        order = rng.choice(list(book.live.values())) if book.live else None
        if order is None or self.chance(0.1):
            counter = rng.choice((rng.randint(0, book.order_counter + 2), 2**40 - 1))
            command.order_id = rng.choice((book.instrument << 40 | counter, counter, U64_MAX))
            command.account = self.account()
            return
        command.account = rng.choice((0, order.account, order.account, self.account()))
        if order.client_order_id is not None and self.chance(0.5):
            command.client_order_id = order.client_order_id
        else:
            command.order_id = order.order_id
        if self.chance(0.02):
            command.client_order_id = self.client_id()
        if self.chance(0.01):
            command.order_id = rng.choice((0, order.order_id))

    def spoil(self, command: Command) -> None:
        """Puts something into a new order that does not go with the rest."""
        match self.rng.randrange(7):
            case 0:
                command.price_ticks = None
            case 1:
                command.price_ticks = self.price()
            case 2:
                command.expire_at_ns = self.rng.choice((None, 0, 10, U64_MAX))
            case 3:
                command.slide = not command.slide
            case 4:
                command.protection_price_ticks = self.price()
            case 5:
                command.post_only = not command.post_only
            case _:
                command.time_in_force = TimeInForce(self.rng.randrange(5))
