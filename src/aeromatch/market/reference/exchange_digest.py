"""The bytes of an exchange's digest, numbered as in docs/records.md: names, books, then the ledger."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b

from aeromatch.market.reference.admin import PlaceKind
from aeromatch.market.reference.bands import BASIS_POINTS
from aeromatch.market.reference.ledger import Funded, Ledger, Position
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import Side
from aeromatch.market.reference.registry import Account, Asset, Event, Group, Instrument
from aeromatch.market.reference.venue import Venue

U32, U64 = struct.Struct("<I"), struct.Struct("<Q")
TERMS = struct.Struct("<6I2h2Q")
MARKET = struct.Struct("<3I2QIB")
ORDER = struct.Struct("<Q3IBH3Q")

HAS_TERMS, IS_MIRROR = 1, 2
IS_BUY, IS_OF_MIRROR, HAS_LIMIT = 1, 2, 4


def venue_digest(venue: Venue) -> bytes:
    """32 bytes over all that can influence a later event, and what each account has traded."""
    return blake2b(b"".join([*registry_parts(venue), *ledger_parts(venue)]), digest_size=32).digest()


def text(name: str) -> bytes:
    """A text behind its length."""
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded


def wide(*numbers: int) -> bytes:
    """Numbers of 128 bits, signed or not."""
    return b"".join((number % 2**128).to_bytes(16, "little") for number in numbers)


def registry_parts(venue: Venue) -> list[bytes]:
    """What there is, and the state of each book."""
    registry = venue.registry
    parts = [b"AMEXCHG3", U64.pack(venue.registry_now_ns)]  # 1
    parts += (struct.pack("<HHQ", *venue.partition, venue.broadcasts), *placed_parts(venue))
    listed: list[Sequence[Asset | Group | Account | Event]] = [
        *(registry.assets, registry.groups, registry.accounts, registry.events)
    ]
    for named in listed:  # 2
        parts.append(U32.pack(len(named)) + b"".join(text(each.name) for each in named))
    parts.append(bytes(asset.decimals for asset in registry.assets))  # 3
    parts += [U64.pack(group.now_ns) for group in registry.groups]  # 4
    for event in registry.events:  # 5
        settlement = event.settlement
        numbers = (settlement.group.number, settlement.quote.number, settlement.terms.unit_ticks, len(event.outcomes))
        parts += map(U32.pack, numbers)
        for share, outcome in zip(event.shares, event.outcomes, strict=True):
            parts += (U32.pack(share.number), U32.pack(outcome.number))
    parts.append(U32.pack(len(registry.instruments)))  # 6
    for _, instrument in sorted(registry.instruments.items()):
        parts += instrument_parts(instrument)
    return parts


def placed_parts(venue: Venue) -> list[bytes]:
    """Groups, then instruments, that were placed, by the bytes of their names."""
    parts = []
    for kind in PlaceKind:
        placed = sorted((name.encode(), shard) for (which, name), shard in venue.placed.items() if which == kind)
        parts.append(U32.pack(len(placed)))
        parts += (bytes([len(name)]) + name + struct.pack("<H", shard) for name, shard in placed)
    return parts


def instrument_parts(instrument: Instrument) -> list[bytes]:
    """One instrument; the second of two outcomes has its book in the first's entry."""
    settlement = instrument.settlement
    flags = (settlement is not None) * HAS_TERMS | instrument.is_mirror * IS_MIRROR
    parts = [U32.pack(instrument.number), *map(text, (instrument.symbol, *instrument.units)), bytes([flags])]
    if instrument.is_mirror:
        return parts
    if settlement is not None:
        terms = settlement.terms
        parts.append(
            TERMS.pack(
                settlement.group.number,
                settlement.base.number,
                settlement.quote.number,
                settlement.fee_account.number,
                terms.unit_ticks,
                0 if instrument.event is None else instrument.event.number,
                terms.maker_fee_bps,
                terms.taker_fee_bps,
                terms.lot_base_units,
                terms.tick_lot_units,
            )
        )
    return [*parts, instrument.book.digest()]


def ledger_parts(venue: Venue) -> list[bytes]:
    """Who holds what; each list behind its length."""
    ledger, registry = venue.ledger, venue.registry
    flows = [
        struct.pack("<2I", *pool) + wide(ledger.issued[pool], ledger.moved[pool])
        for pool in sorted({*ledger.issued, *ledger.moved})
        if not registry.assets[pool[0] - 1].is_share and (ledger.issued[pool], ledger.moved[pool]) != (0, 0)
    ]
    balances = [
        struct.pack("<3I", *place) + wide(balance.available, balance.held)
        for place, balance in ledger.balances().items()
    ]
    orders = [
        order_bytes(funded, funded.instrument.book.live[number]) for number, funded in sorted(ledger.orders.items())
    ]
    positions = [position_bytes(*key, position) for key, position in sorted(ledger.positions.items())]
    markets = [market_bytes(event) for event in registry.events]
    # The last two: a whole exchange has no transfers to other shards, and none from them.
    lists: tuple[list[bytes], ...] = (flows, markets, balances, orders, positions, used_ids(ledger), [], [])
    return [part for items in lists for part in (U64.pack(len(items)), *items)]


def market_bytes(event: Event) -> bytes:
    """What an event has in its pot, and for how many sets."""
    settlement, terms = event.settlement, event.settlement.terms
    fixed = MARKET.pack(
        event.number,
        settlement.group.number,
        settlement.quote.number,
        terms.lot_base_units,
        terms.tick_lot_units,
        terms.unit_ticks,
        event.is_settled,
    )
    sets = event.pot_units // (terms.unit_ticks * terms.tick_lot_units)
    shares = [U32.pack(share.number) for share in event.shares]
    return b"".join([fixed, wide(sets, event.pot_units), U64.pack(len(shares)), *shares])


def order_bytes(funded: Funded, order: Order) -> bytes:
    """An order that holds something, in the terms of its own instrument."""
    is_buy = funded.side == Side.BUY
    flags = is_buy * IS_BUY | funded.instrument.is_mirror * IS_OF_MIRROR | order.has_limit * HAS_LIMIT
    fixed = ORDER.pack(
        order.order_id,
        funded.account.number,
        funded.settlement.group.number,
        funded.held_asset.number,
        flags,
        funded.fee_units * BASIS_POINTS - funded.fee_sum,
        funded.instrument.own_price(order.limit_ticks or 0) if is_buy else 0,
        order.remaining_lots,
        order.filled_lots,
    )
    return fixed + wide(funded.hold_of(order))


def position_bytes(account: int, instrument: int, position: Position) -> bytes:
    """What an account has traded of an instrument."""
    traded = (position.bought_lots, position.bought_units, position.sold_lots, position.sold_units)
    return struct.pack("<2I", account, instrument) + wide(*traded, position.fee_units)


def used_ids(ledger: Ledger) -> list[bytes]:
    """Ids of deposits, withdrawals and transfers, by account, by group, then by their bytes."""
    ids = sorted((account, group, identity.encode()) for account, group, identity in ledger.transfer_ids)
    return [struct.pack("<2IB", account, group, len(identity)) + identity for account, group, identity in ids]
