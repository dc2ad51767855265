"""Hypothesis strategies for commands that do not look at a book, so that a failure shrinks to the few that matter."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.books import BookSetup
from tests.model.generator import (
    AT_ONCE,
    ENDS_IN_MARKET,
    IMPOSSIBLE_EXPIRIES,
    IMPOSSIBLE_QUANTITIES,
    IMPOSSIBLE_TRAILS,
    MALFORMED_CLIENT_IDS,
    PRICE_MAX,
    PRICE_MIN,
    TRAILING,
    U64_MAX,
    WITH_LIMIT,
    WITH_STOP_PRICE,
)

from aeromatch.market.reference import (
    Command,
    CommandKind,
    Matching,
    OffsetUnit,
    OrderType,
    Phase,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

INSTRUMENT = 3

rarely = st.integers(0, 39).map(lambda number: number == 39)


def mostly(usual: st.SearchStrategy[int], unusual: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """The usual, and now and then the unusual."""
    return rarely.flatmap(lambda is_rare: unusual if is_rare else usual)


prices = mostly(st.integers(-2, 3), st.sampled_from((PRICE_MIN, PRICE_MIN + 1, PRICE_MAX - 1, PRICE_MAX)))
quantities = mostly(st.integers(1, 5), st.sampled_from((*IMPOSSIBLE_QUANTITIES, 2**48, 1025)))
offsets = mostly(st.integers(1, 3), st.sampled_from((*IMPOSSIBLE_TRAILS, 2**63 - 1)))
displays = mostly(st.integers(0, 3), st.sampled_from((2**48, 2**48 + 1, U64_MAX)))
minima = mostly(st.integers(1, 3), st.sampled_from((0, 6, U64_MAX)))
accounts = st.integers(0, 3)
client_ids = rarely.flatmap(
    lambda is_rare: st.sampled_from(MALFORMED_CLIENT_IDS) if is_rare else st.sampled_from((b"a", b"b", b"c"))
)
order_ids = mostly(
    st.integers(1, 12).map(lambda counter: INSTRUMENT << 40 | counter), st.sampled_from((0, 1, 2**40, U64_MAX))
)
times = mostly(st.integers(0, 30), st.sampled_from((2**63 - 1, 2**63, U64_MAX)))
expiries = mostly(st.integers(1, 30), st.sampled_from((*IMPOSSIBLE_EXPIRIES, 2**63 - 1)))
modes = st.sampled_from(SelfTradePrevention)
instruments = mostly(st.just(INSTRUMENT), st.sampled_from((0, 2**32 - 1)))
sequences = mostly(st.just(0), st.sampled_from((1, 2**63, U64_MAX)))
tags = st.sampled_from((0, 7, U64_MAX))
order_types = st.integers(0, 11).map(lambda number: OrderType(number) if number < 6 else OrderType.LIMIT)


def command_of(draw: st.DrawFn, kind: CommandKind) -> Command:
    """A command with what every kind has."""
    return Command(
        kind,
        instrument=draw(instruments),
        account=draw(accounts),
        timestamp_ns=draw(times),
        sequence=draw(sequences),
        tag=draw(tags),
    )


@st.composite
def new_orders(draw: st.DrawFn) -> Command:
    """A new order: legal in most of its fields, but nothing keeps it from being nonsense."""
    command = command_of(draw, CommandKind.NEW)
    command.side = draw(st.sampled_from((Side.BUY, Side.SELL)))
    command.quantity_lots = draw(quantities)
    command.order_type = kind = draw(order_types)
    command.time_in_force = draw(st.sampled_from(TimeInForce))
    if kind in ENDS_IN_MARKET and not draw(rarely):
        command.time_in_force = draw(st.sampled_from((TimeInForce.GTC, TimeInForce.DAY, *AT_ONCE)))
    command.self_trade_prevention = draw(modes)
    command.self_trade_group = draw(st.none() | st.integers(0, 2))
    command.client_order_id = draw(st.none() | client_ids)
    command.price_off_grid = draw(rarely)
    if (kind in WITH_LIMIT) != draw(rarely):
        command.price_ticks = draw(prices)
    if (kind in WITH_STOP_PRICE) != draw(rarely):
        command.stop_price_ticks = draw(prices)
    if (kind in TRAILING) != draw(rarely):
        command.trail_offset, command.trail_unit = draw(offsets), draw(st.sampled_from(OffsetUnit))
    if kind == OrderType.MARKET:
        command.protection_price_ticks = draw(st.none() | prices)
    if (command.time_in_force == TimeInForce.GTD) != draw(rarely):
        command.expire_at_ns = draw(expiries)
    extras(draw, command)
    return command


def extras(draw: st.DrawFn, command: Command) -> None:
    """Post-only, display and minimum quantity: mostly where they may be."""
    resting = command.time_in_force not in (*AT_ONCE, TimeInForce.AON) and command.order_type in WITH_LIMIT
    if (command.order_type == OrderType.LIMIT and resting) != draw(rarely):
        command.post_only = draw(st.booleans())
    command.slide = (command.post_only and draw(st.booleans())) or draw(rarely)
    if resting != draw(rarely):
        command.display_lots = draw(st.none() | displays)
    if (command.time_in_force != TimeInForce.AON and not command.post_only) != draw(rarely):
        command.minimum_lots = draw(st.none() | st.none() | minima)


@st.composite
def commands_about_an_order(draw: st.DrawFn) -> Command:
    """A cancel or an amend of an order that may or may not be there."""
    command = command_of(draw, draw(st.sampled_from((CommandKind.CANCEL, CommandKind.AMEND, CommandKind.AMEND))))
    by_client_id = draw(st.booleans())
    if by_client_id or draw(rarely):
        command.client_order_id = draw(client_ids)
    if not by_client_id or draw(rarely):
        command.order_id = draw(order_ids)
    if command.kind == CommandKind.AMEND:
        command.quantity_lots = draw(st.none() | quantities)
        command.price_ticks = draw(st.none() | prices)
        command.price_off_grid = draw(rarely)
    return command


@st.composite
def other_commands(draw: st.DrawFn) -> Command:
    """A mass cancel, a phase or an advance of time."""
    kinds = (CommandKind.PHASE, CommandKind.PHASE, CommandKind.MASS_CANCEL, CommandKind.ADVANCE_TIME)
    command = command_of(draw, draw(st.sampled_from(kinds)))
    if command.kind == CommandKind.MASS_CANCEL:
        command.side = draw(st.sampled_from(Side))
    elif command.kind == CommandKind.PHASE:
        command.phase = draw(st.sampled_from((Phase.CONTINUOUS, Phase.CONTINUOUS, *Phase)))
    return command


commands = st.integers(0, 9).flatmap(
    lambda number: new_orders() if number < 6 else commands_about_an_order() if number < 9 else other_commands()
)


@st.composite
def setups(draw: st.DrawFn) -> BookSetup:
    """A book of any kind."""
    matching = draw(st.sampled_from(Matching))
    reference = draw(st.none() | prices)
    breaker = draw(st.sampled_from((None, "circuit_breaker_ticks", "circuit_breaker_bps")))
    band = draw(st.sampled_from((None, "static_band_ticks", "static_band_bps"))) if reference is not None else None
    widths = {name: draw(st.sampled_from((1, 2, 5000, 2**63 - 1))) for name in (breaker, band) if name is not None}
    return BookSetup(
        instrument=INSTRUMENT,
        dedup_window_ns=draw(st.sampled_from((0, 5, U64_MAX))),
        self_trade_prevention=draw(st.sampled_from([mode for mode in SelfTradePrevention if mode])),
        matching=matching,
        fifo_share_bps=draw(st.sampled_from((0, 3000, 10_000))) if matching == Matching.FIFO_PRO_RATA else None,
        reference_price_ticks=reference,
        halt_ns=draw(st.sampled_from((None, 5))) if breaker is not None else None,
        static_band_ticks=widths.get("static_band_ticks"),
        static_band_bps=widths.get("static_band_bps"),
        circuit_breaker_ticks=widths.get("circuit_breaker_ticks"),
        circuit_breaker_bps=widths.get("circuit_breaker_bps"),
    )
