"""Random commands that collide: few prices, small sizes, few accounts, and now and then something impossible."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from tests.books import BookSetup

from aeromatch.market.reference import (
    Command,
    CommandKind,
    Matching,
    OffsetUnit,
    Order,
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
MOST_LIVE_ORDERS = 60
# Most books trade around 0 or 100, some at an end of 64 bits, some over a wide range too.
CENTERS = (100, 100, 1000, 0, PRICE_MIN + 3, PRICE_MAX - 3)
MOST_SLICES = 1024

MALFORMED_CLIENT_IDS = (b"", b"a\x00", b"\x1f", b"\x7f", b"caf\xc3\xa9", b"x" * 37, b"x" * 90)
IMPOSSIBLE_QUANTITIES = (0, QUANTITY_MAX + 1, 2**63, U64_MAX)
IMPOSSIBLE_EXPIRIES = (0, 2**63, U64_MAX)
IMPOSSIBLE_TRAILS = (0, 2**63, U64_MAX)

WITH_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
WITH_STOP_PRICE = (OrderType.STOP, OrderType.STOP_LIMIT)
TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
ENDS_IN_MARKET = (OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
COLLECTING = (Phase.PRE_OPEN, Phase.AUCTION)

# How often each order type and each time in force comes, in books of different moods.
TYPE_WEIGHTS = (
    (70, 12, 4, 4, 3, 3),
    (60, 10, 9, 8, 7, 6),
    (40, 10, 15, 12, 12, 11),
    (90, 5, 1, 1, 1, 1),
    (20, 60, 6, 6, 4, 4),
)
TIME_WEIGHTS = (
    (50, 12, 14, 12, 8, 4),
    (40, 10, 10, 10, 10, 20),
    (70, 10, 10, 4, 3, 3),
    (40, 5, 5, 5, 5, 40),
)


class Generator:
    """The commands of one book. It looks at the book to hit orders that live, and to miss them."""

    def __init__(
        self, rng: random.Random, centers: Sequence[int] = CENTERS, most_live_orders: int = MOST_LIVE_ORDERS
    ) -> None:
        self.rng = rng
        self.most_live_orders = most_live_orders
        self.center = rng.choice(centers)
        self.spread = rng.choice((2, 4, 8))
        self.setup = self.venue()
        self.edges = self.band_edges()
        self.wide = rng.random() < 0.2
        # How far buys and sells keep apart: where they do, books grow deep.
        self.apart = rng.choice((0, 0, self.spread // 2, self.spread))
        self.lifetime = rng.choice((20, 400))
        self.cancels = rng.choice((40, 120))
        self.phases = rng.choice((4, 12, 40))
        self.accounts = rng.choice((2, 3, 5))
        self.client_id_share = rng.choice((0.0, 0.2, 0.6))
        self.display_share = rng.choice((0.0, 0.15, 0.5))
        self.post_only_share = rng.choice((0.05, 0.15, 0.4))
        self.minimum_share = rng.choice((0.0, 0.1, 0.3))
        self.type_weights = rng.choice(TYPE_WEIGHTS)
        self.time_weights = rng.choice(TIME_WEIGHTS)
        self.largest = rng.choice((6, 6, 6, 6, 40, 40, QUANTITY_MAX))
        self.last_days = rng.random() < 0.05
        # Some books open with an auction: there is no last price yet.
        self.opening = rng.choice((None, None, Phase.PRE_OPEN, Phase.AUCTION))

    def venue(self) -> BookSetup:
        """What an instrument decides: identity, self-trade prevention, matching, bands, circuit breaker."""
        rng = self.rng
        matching = rng.choice(tuple(Matching))
        setup = BookSetup(
            instrument=rng.choice((0, 0, 7, 2**24 - 1)),
            dedup_window_ns=rng.choice((0, 5, 60, U64_MAX)),
            self_trade_prevention=SelfTradePrevention(rng.randint(1, 5)),
            matching=matching,
            fifo_share_bps=rng.choice((0, 1000, 4000, 6667, 10_000)) if matching == Matching.FIFO_PRO_RATA else None,
        )
        if self.chance(0.5):
            around = self.center + rng.randint(-self.spread, self.spread)
            setup = replace(setup, reference_price_ticks=max(PRICE_MIN, min(PRICE_MAX, around)))
            match rng.randrange(4):
                case 0:
                    setup = replace(setup, static_band_ticks=rng.choice((self.spread, 2 * self.spread, 2**63 - 1)))
                case 1:
                    setup = replace(setup, static_band_bps=rng.choice((100, 500, 1000, 2**63 - 1)))
        if self.chance(0.5):
            if self.chance(0.5):
                setup = replace(setup, circuit_breaker_ticks=rng.choice((1, 2, self.spread)))
            else:
                setup = replace(setup, circuit_breaker_bps=rng.choice((1, 150, 300, 800, 2**63 - 1)))
            setup = replace(setup, halt_ns=rng.choice((None, 1, 5, 30, 2**63 - 1)))
        return setup

    def band_edges(self) -> tuple[int, int] | None:
        """The prices at which the static band ends, where they are near."""
        around, width = self.setup.reference_price_ticks, self.setup.static_band_ticks
        if around is None:
            return None
        if width is None:
            width = abs(around) * (self.setup.static_band_bps or 2**63) // 10_000
        near = around - width > PRICE_MIN and around + width < PRICE_MAX and width < 1000
        return (around - width, around + width) if near else None

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def command(self, book: ReferenceBook) -> Command:
        """The next command for a book in this state."""
        if len(book.live) >= self.most_live_orders:
            return self.mass_cancel(book)
        command = self.way_out(book)
        if command is None:
            makers = (self.new, self.cancel, self.amend, self.mass_cancel, self.phase, self.advance_time)
            maker = self.rng.choices(makers, weights=(560, self.cancels, 240, 3, self.phases, 30))[0]
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

    def way_out(self, book: ReferenceBook) -> Command | None:
        """Out of phases without trading: soon where nothing gets in, later where orders are collected."""
        if self.opening is not None:
            opening, self.opening = self.opening, None
            return Command(CommandKind.PHASE, phase=opening)
        if book.phase == Phase.CONTINUOUS or not self.chance(0.06 if book.phase in COLLECTING else 0.4):
            return None
        if book.halt_end_ns is not None and self.chance(0.7):
            return Command(CommandKind.ADVANCE_TIME, timestamp_ns=min(U64_MAX, book.halt_end_ns))
        phases = (Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.CONTINUOUS, Phase.AUCTION, Phase.PRE_OPEN, Phase.CLOSED)
        return Command(CommandKind.PHASE, phase=self.rng.choice(phases))

    # Kinds of command.

    def new(self, book: ReferenceBook) -> Command:
        rng = self.rng
        command = Command(
            CommandKind.NEW,
            side=rng.choice((Side.BUY, Side.SELL)),
            quantity_lots=self.quantity(),
            account=self.account(),
            order_type=OrderType(rng.choices(range(6), weights=self.type_weights)[0]),
            time_in_force=TimeInForce(rng.choices(range(6), weights=self.time_weights)[0]),
        )
        kind = command.order_type
        if book.phase in COLLECTING and kind in (OrderType.LIMIT, OrderType.MARKET) and self.chance(0.8):
            command.time_in_force = rng.choice((TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD))
        if kind in ENDS_IN_MARKET and command.time_in_force == TimeInForce.AON:
            command.time_in_force = TimeInForce.GTC
        if kind == OrderType.MARKET and command.time_in_force == TimeInForce.GTD:
            command.time_in_force = TimeInForce.DAY
        if kind in WITH_LIMIT:
            command.price_ticks = self.price(command.side)
        if kind in WITH_STOP_PRICE:
            command.stop_price_ticks = self.stop_price(book, command.side)
        if kind in TRAILING:
            self.trail(command)
        if kind == OrderType.MARKET and self.chance(0.3):
            command.protection_price_ticks = self.protection()
        if command.time_in_force == TimeInForce.GTD:
            command.expire_at_ns = self.expiry(book)
        self.extras(book, command)
        if self.chance(0.3):
            command.self_trade_prevention = SelfTradePrevention(rng.randint(0, 5))
        if self.chance(0.25):
            command.self_trade_group = rng.randint(0, 2)
        command.client_order_id = self.client_id() if self.chance(self.client_id_share) else None
        command.price_off_grid = self.chance(0.003)
        if self.chance(0.02):
            self.spoil(command)
        return command

    def extras(self, book: ReferenceBook, command: Command) -> None:
        """Post-only, display quantity or minimum quantity, where it goes with the rest."""
        is_collecting = book.phase in COLLECTING and self.chance(0.8)
        at_once = command.time_in_force in AT_ONCE
        is_all_or_none = command.time_in_force == TimeInForce.AON
        is_at_edge = self.edges is not None and command.price_ticks in self.edges
        may_be_post_only = command.order_type == OrderType.LIMIT and not at_once and not is_all_or_none
        if may_be_post_only and not is_collecting and self.chance(0.5 if is_at_edge else self.post_only_share):
            command.post_only, command.slide = True, self.chance(0.5)
        may_show_less = command.order_type in WITH_LIMIT and not at_once and not is_all_or_none
        if may_show_less and self.chance(self.display_share):
            self.display(command)
        may_have_minimum = not is_all_or_none and not command.post_only and not is_collecting
        if may_have_minimum and self.chance(self.minimum_share):
            command.minimum_lots = self.rng.randint(1, max(1, min(command.quantity_lots or 0, 9)))

    def display(self, command: Command) -> None:
        """Hidden, or an iceberg: of a few slices, or at the edge of what is allowed."""
        rng = self.rng
        what = rng.random()
        if what < 0.3:
            command.display_lots = 0
        elif what < 0.97:
            if self.largest < MOST_SLICES and self.chance(0.6):
                command.quantity_lots = rng.randint(2, 24)
            slices = rng.randint(1, 12)
            command.display_lots = max(1, min(command.quantity_lots or 0, QUANTITY_MAX) // slices)
        else:
            slices = rng.choice((1, 1, 2, QUANTITY_MAX // MOST_SLICES))
            command.quantity_lots = min(QUANTITY_MAX + 1, slices * MOST_SLICES + rng.randint(-1, 1))
            command.display_lots = slices
        if self.chance(0.01):
            command.display_lots = rng.choice((QUANTITY_MAX, QUANTITY_MAX + 1, U64_MAX))

    def cancel(self, book: ReferenceBook) -> Command:
        command = Command(CommandKind.CANCEL)
        self.name_an_order(command, book)
        return command

    def amend(self, book: ReferenceBook) -> Command:
        command = Command(CommandKind.AMEND)
        self.name_an_order(command, book)
        order = book.live.get(command.order_id)
        if order is None and command.client_order_id is not None:
            order = book.live_with_client_id(command.account, command.client_order_id)
        what = self.rng.random()
        if what < 0.7:
            command.quantity_lots = self.amended_total(order)
        if what > 0.4 and (order is None or order.has_limit or self.chance(0.05)):
            command.price_ticks = self.price(order.side if order is not None else Side.NONE)
            command.price_off_grid = self.chance(0.01)
        if command.quantity_lots is None and command.price_ticks is None and self.chance(0.9):
            command.quantity_lots = self.quantity()
        return command

    def amended_total(self, order: Order | None) -> int:
        """Mostly a little less or more than it is."""
        if order is None or self.chance(0.3):
            return self.quantity()
        total = order.total_lots + self.rng.randint(-3, 2)
        if order.display_lots and self.chance(0.02):
            total = order.display_lots * MOST_SLICES + self.rng.randint(0, 1)
        return max(0 if self.chance(0.05) else 1, total)

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
        if self.edges is not None and self.chance(0.1):
            price = self.rng.choice(self.edges)  # where a post-only order slides out of the band
        return max(PRICE_MIN, min(PRICE_MAX, price))

    def protection(self) -> int:
        """Any price, also well away from where the others are."""
        price = self.price() + self.rng.choice((0, 0, self.rng.randint(-2 * self.spread, 2 * self.spread)))
        return max(PRICE_MIN, min(PRICE_MAX, price))

    def stop_price(self, book: ReferenceBook, side: Side) -> int:
        """Near the last price, mostly on the side that is not reached yet, so that stops set off one another."""
        last = book.last_price_ticks
        if last is None or self.chance(0.2):
            return self.price()
        away = self.rng.randint(-1, 4)
        return max(PRICE_MIN, min(PRICE_MAX, last + away if side == Side.BUY else last - away))

    def trail(self, command: Command) -> None:
        if self.chance(0.5):
            command.trail_offset = self.rng.randint(1, 4)
        else:
            command.trail_unit = OffsetUnit.BPS
            command.trail_offset = self.rng.choice((1, 50, 150, 400, 20_000))
        if self.chance(0.02):
            command.trail_offset = self.rng.choice((*IMPOSSIBLE_TRAILS, 2**63 - 1))

    def quantity(self) -> int:
        if self.chance(0.004):
            return self.rng.choice(IMPOSSIBLE_QUANTITIES)
        if self.chance(0.004):
            return QUANTITY_MAX - self.rng.randint(0, 1)
        return self.rng.randint(1, self.largest)

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
        if book.halt_end_ns is not None and self.chance(0.3):
            return min(U64_MAX, book.halt_end_ns + self.rng.randint(-1, 1))
        # Rounded, so that orders expire at the same time.
        return max(1, min(U64_MAX, (book.now_ns + self.rng.randint(-1, self.lifetime)) // 3 * 3))

    def name_an_order(self, command: Command, book: ReferenceBook) -> None:
        """Mostly a live order by one of its names and its own account or none; else any mistake there is."""
        rng = self.rng
        order = rng.choice(list(book.live.values())) if book.live else None
        if order is None or self.chance(0.06):
            counter = rng.choice((rng.randint(0, book.order_counter + 2), 2**40 - 1))
            command.order_id = rng.choice((book.instrument << 40 | counter, counter, U64_MAX))
            command.account = self.account()
            return
        command.account = rng.choice((0, order.account, order.account, order.account, order.account, self.account()))
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
        match self.rng.randrange(13):
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
            case 6:
                command.stop_price_ticks = self.rng.choice((None, self.price()))
            case 7:
                command.trail_offset = self.rng.choice((None, 1, *IMPOSSIBLE_TRAILS))
            case 8:
                command.display_lots = self.rng.choice((0, 1, self.quantity(), U64_MAX))
            case 9:
                command.minimum_lots = self.rng.choice((0, 1, self.quantity(), U64_MAX))
            case 10:
                command.order_type = OrderType(self.rng.randrange(6))
            case 11:
                command.post_only, command.minimum_lots = True, 1
            case _:
                command.time_in_force = TimeInForce(self.rng.randrange(6))
