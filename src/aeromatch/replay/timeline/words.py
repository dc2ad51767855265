"""A command of the log in words: names where it has numbers, amounts where it has ticks and lots."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aeromatch import COMMAND_DTYPE, TERMS_DTYPE, _core
from aeromatch.market.records import (
    CLIENT_ID_DTYPE,
    EXTENSION_CLIENT_ID,
    EXTENSION_TERMS,
    FLAG_POST_ONLY,
    FLAG_PRICE,
    FLAG_PRICE_OFF_GRID,
    FLAG_QUANTITY,
    FLAG_SLIDE,
    NO_SIDE,
    SLOT_BYTES,
    TRAIL_BPS,
)
from aeromatch.replay.timeline.slots import PRESENT_BUDGET, payouts_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aeromatch import Exchange, Instrument

WORDS: Final = {table: {code: word for word, code in codes.items()} for table, codes in _core.CODES.items()}
"""What each code of docs/records.md stands for, by enum."""
EVERY_INSTRUMENT: Final = 2**32 - 1
FUNDS: Final = ("deposit", "withdraw", "transfer")
SETS: Final = ("mint", "redeem", "settle")
OFF_GRID: Final = "off_grid"
"""Stands for a price that was no whole number of ticks: the slot has 0 in its place."""
NO_OUTCOME: Final = 2**64 - 1
"""The place that is sent for an outcome that there is not."""
# A term: its name in `OrderBook.submit`, the field of its slot, its bit, and what it is.
TERMS: Final = (
    ("stop_price", "stop_price_ticks", 1, "price"),
    ("display_quantity", "display_lots", 4, "quantity"),
    ("min_quantity", "minimum_lots", 8, "quantity"),
    ("expire_at", "expire_at_ns", 16, "number"),
    ("protection_price", "protection_price_ticks", 32, "price"),
    ("self_trade_group", "self_trade_group", 64, "number"),
    ("budget", "protection_price_ticks", PRESENT_BUDGET, "budget"),
)


def command_fields(slots: bytes, exchange: Exchange) -> dict[str, Any]:
    """Read one command.

    Args:
        slots: The command with its extension slots.
        exchange: As it is before the command: who knows the names behind the numbers.
    """
    head = np.frombuffer(slots[:SLOT_BYTES], dtype=COMMAND_DTYPE)[0]
    kind = WORDS["CommandKind"].get(int(head["kind"])) or WORDS["AdminKind"][int(head["kind"])]
    fields: dict[str, Any] = {"kind": kind}
    if int(head["kind"]) in WORDS["CommandKind"]:
        fields |= dict(_of_orders(head, slots, exchange))
    else:
        fields |= dict(_of_exchange(kind, head, slots, exchange))
    for name in ("timestamp_ns", "tag"):
        if head[name]:
            fields[name.removesuffix("_ns")] = int(head[name])
    return fields


def command_text(fields: dict[str, Any]) -> str:
    """Put a command's fields into a line."""
    rest = " ".join(f"{name}={_shown(value)}" for name, value in fields.items() if name != "kind")
    return f"{fields['kind']} {rest}".rstrip()


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def instrument_of(exchange: Exchange, number: int) -> Instrument | None:
    """Find an instrument by its number; None if there is none."""
    return next((instrument for instrument in exchange.instruments() if instrument.number == number), None)


def _of_orders(head: np.void, slots: bytes, exchange: Exchange) -> Iterator[tuple[str, Any]]:
    number, kind = int(head["instrument"]), WORDS["CommandKind"][int(head["kind"])]
    instrument = None if number == EVERY_INSTRUMENT else instrument_of(exchange, number)
    if number != EVERY_INSTRUMENT:
        yield "symbol", number if instrument is None else instrument.symbol
    if head["account"]:
        yield "account", _named(exchange.accounts(), int(head["account"]))
    if head["side"] != NO_SIDE:
        yield "side", WORDS["Side"][int(head["side"])]
    if kind == "phase":
        yield "phase", WORDS["Phase"][int(head["order_type"])]
    if kind == "new":
        yield "order_type", WORDS["OrderType"][int(head["order_type"])]
        yield "time_in_force", WORDS["TimeInForce"][int(head["time_in_force"])]
    if head["order_id"]:
        yield "order_id", int(head["order_id"])
    flags = int(head["flags"])
    if kind == "new" or flags & FLAG_QUANTITY:
        yield "quantity", _quantity(instrument, int(head["quantity_lots"]))
    price = _off_grid_price if flags & FLAG_PRICE_OFF_GRID else _price
    if flags & FLAG_PRICE:
        yield "price", price(instrument, int(head["price_ticks"]))
    if flags & FLAG_POST_ONLY:
        yield "post_only", "slide" if flags & FLAG_SLIDE else True
    if head["self_trade_prevention"]:
        yield "self_trade_prevention", WORDS["SelfTradePrevention"][int(head["self_trade_prevention"])]
    amounts = {
        "price": price,
        "quantity": _quantity,
        "budget": lambda of, units: _money(exchange, None if of is None else of.quote, units % 2**64),
    }
    yield from _terms(int(head["extensions"]), slots, instrument, amounts)


def _terms(
    extensions: int, slots: bytes, instrument: Instrument | None, amounts: dict[str, Callable[..., Any]]
) -> Iterator[tuple[str, Any]]:
    at = SLOT_BYTES
    if extensions & EXTENSION_TERMS:
        terms = np.frombuffer(slots[at : at + SLOT_BYTES], dtype=TERMS_DTYPE)[0]
        for name, field, bit, what in TERMS:
            if terms["present"] & bit:
                value = int(terms[field])
                yield name, amounts[what](instrument, value) if what in amounts else value
        if terms["present"] & 2:
            offset = int(terms["trail_offset"])
            if terms["trail_unit"] == TRAIL_BPS:
                yield "trail_offset_bps", offset
            else:
                yield "trail_offset", amounts["price"](instrument, offset)
        at += SLOT_BYTES
    if extensions & EXTENSION_CLIENT_ID:
        client_id = np.frombuffer(slots[at : at + SLOT_BYTES], dtype=CLIENT_ID_DTYPE)[0]
        yield "client_order_id", bytes(client_id["text"]).decode("ascii", "replace")


def _of_exchange(kind: str, head: np.void, slots: bytes, exchange: Exchange) -> Iterator[tuple[str, Any]]:
    texts = texts_of(slots)
    if kind in FUNDS:
        groups = int(head["price_ticks"]) % 2**64
        yield "account", _named(exchange.accounts(), int(head["account"]))
        asset, units = int(head["instrument"]), int(head["order_id"]) << 64 | int(head["quantity_lots"])
        yield "asset", _named([known.name for known in exchange.assets()], asset)
        if 1 <= asset <= len(exchange.assets()):
            yield "amount", Decimal(units).scaleb(-exchange.assets()[asset - 1].decimals)
        else:
            yield "amount_units", units
        named = [_named(exchange.groups(), number) for number in (groups & 0xFFFF_FFFF, groups >> 32)]
        yield from zip(("source", "target"), named, strict=True) if kind == "transfer" else (("group", named[0]),)
        if texts:
            yield "id", texts[0]
    elif kind in SETS:
        yield "event", _named([market.name for market in exchange.events()], int(head["instrument"]))
        if kind == "settle":
            yield from _settlement(head, slots, exchange)
        else:
            yield "account", _named(exchange.accounts(), int(head["account"]))
            yield "quantity_lots", int(head["quantity_lots"])
    else:
        yield "names", texts


def _settlement(head: np.void, slots: bytes, exchange: Exchange) -> Iterator[tuple[str, Any]]:
    mode, number, markets = WORDS["SettlementMode"][int(head["order_type"])], int(head["instrument"]), exchange.events()
    market = markets[number - 1] if 1 <= number <= len(markets) else None
    yield "mode", mode
    if mode == "full":
        place = int(head["quantity_lots"])
        if place == NO_OUTCOME:
            yield "outcome", "unknown"
        else:
            yield "outcome", place if market is None or place >= len(market.outcomes) else market.outcomes[place]
    payouts = payouts_of(slots)
    if payouts is not None:
        yield "payouts", [f"{ticks} ticks" if market is None else market.tick_size * ticks for ticks in payouts]


def _named(names: Any, number: int) -> str | int:
    """Give the name of what was made as number so many, or the number where nothing was."""
    return names[number - 1] if 1 <= number <= len(names) else number


def _price(instrument: Instrument | None, ticks: int) -> Any:
    return f"{ticks} ticks" if instrument is None else instrument.ticks_to_price(ticks)


def _off_grid_price(instrument: Instrument | None, ticks: int) -> Any:
    """Give a price of a command that says that one of its prices is off the grid: that one has been sent as 0."""
    return _price(instrument, ticks) if ticks else OFF_GRID


def _money(exchange: Exchange, asset: str | None, units: int) -> Any:
    decimals = next((known.decimals for known in exchange.assets() if known.name == asset), None)
    return f"{units} units" if decimals is None else Decimal(units).scaleb(-decimals)


def _quantity(instrument: Instrument | None, lots: int) -> Any:
    return f"{lots} lots" if instrument is None else instrument.lots_to_quantity(lots)
