"""The reference model's commands and events, and their 64-byte slots (docs/records.md).

The numbers below are the codes of record version 1. The names are the slugs of docs/rules.md in
capitals. Prices count ticks, quantities lots, times nanoseconds since the Unix epoch.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 1
SLOT_BYTES = 64


class Code(IntEnum):
    """A number of a record whose name, in small letters, is its slug."""

    @property
    def slug(self) -> str:
        """The word for it in events, gateways and docs."""
        return self.name.lower()


class CommandKind(Code):
    """What a command asks for."""

    NEW = 1
    CANCEL = 2
    AMEND = 3
    MASS_CANCEL = 4
    PHASE = 5
    ADVANCE_TIME = 6


class Side(Code):
    """A side of the book; none, or both in a mass cancel, is 255."""

    BUY = 0
    SELL = 1
    NONE = 255


class OrderType(Code):
    """R11, R12, R15."""

    LIMIT = 0
    MARKET = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4
    TRAILING_STOP_LIMIT = 5


class TimeInForce(Code):
    """R17 to R20."""

    GTC = 0
    DAY = 1
    GTD = 2
    IOC = 3
    FOK = 4
    AON = 5


class SelfTradePrevention(Code):
    """R25; `INSTRUMENT` leaves it to the instrument's mode."""

    INSTRUMENT = 0
    NONE = 1
    CANCEL_NEWEST = 2
    CANCEL_OLDEST = 3
    CANCEL_BOTH = 4
    DECREMENT = 5


class Phase(Code):
    """R26."""

    CONTINUOUS = 0
    PRE_OPEN = 1
    AUCTION = 2
    HALTED = 3
    CLOSED = 4


class Matching(Code):
    """R29."""

    FIFO = 0
    PRO_RATA = 1
    FIFO_PRO_RATA = 2


class OffsetUnit(Code):
    """R15: what a trail offset counts."""

    TICKS = 0
    BPS = 1


class EventKind(Code):
    """R7."""

    ACCEPTED = 1
    REJECTED = 2
    REPRICED = 3
    TRIGGERED = 4
    TRADE = 5
    REPLENISHED = 6
    DECREMENTED = 7
    CANCELED = 8
    AMENDED = 9
    PHASE = 10
    CREATED = 11
    FUNDS = 12
    SETTLED = 13


class RejectReason(Code):
    """R8, in order of precedence; those from 15 on answer the commands of R30 to R32."""

    UNKNOWN_INSTRUMENT = 1
    UNKNOWN_ACCOUNT = 2
    INVALID_QUANTITY = 3
    INVALID_PRICE = 4
    INVALID_TIME = 5
    INVALID_CLIENT_ORDER_ID = 6
    INVALID_COMBINATION = 7
    NOT_ALLOWED_IN_PHASE = 8
    UNKNOWN_ORDER = 9
    EXPIRED = 10
    PRICE_OUT_OF_BAND = 11
    DUPLICATE_CLIENT_ORDER_ID = 12
    INSUFFICIENT_FUNDS = 13
    POST_ONLY_WOULD_TAKE = 14
    ALREADY_EXISTS = 15
    UNKNOWN_ASSET = 16
    UNKNOWN_GROUP = 17
    UNKNOWN_EVENT = 18
    UNKNOWN_OUTCOME = 19
    ALREADY_SETTLED = 20
    DUPLICATE_TRANSFER = 21
    INVALID_NAME = 22


class CancelReason(Code):
    """R8."""

    REQUESTED = 1
    MASS_CANCEL = 2
    AMENDED = 3
    NO_LIQUIDITY = 4
    IMMEDIATE_OR_CANCEL = 5
    FILL_OR_KILL = 6
    MINIMUM_QUANTITY = 7
    SELF_TRADE = 8
    EXPIRED = 9
    SESSION_CLOSED = 10
    PRICE_OUT_OF_BAND = 11
    HALTED = 12
    SETTLED = 13


@dataclass(slots=True)
class Command:
    """One entry of the log. What is None was not given; a kind ignores what it has no use for."""

    kind: CommandKind
    side: Side = Side.NONE
    order_type: OrderType = OrderType.LIMIT
    phase: Phase = Phase.CONTINUOUS
    time_in_force: TimeInForce = TimeInForce.GTC
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.INSTRUMENT
    post_only: bool = False
    slide: bool = False
    price_ticks: int | None = None
    price_off_grid: bool = False
    quantity_lots: int | None = None
    instrument: int = 0
    account: int = 0
    order_id: int = 0
    timestamp_ns: int = 0
    sequence: int = 0
    tag: int = 0
    stop_price_ticks: int | None = None
    trail_offset: int | None = None
    trail_unit: OffsetUnit = OffsetUnit.TICKS
    display_lots: int | None = None
    minimum_lots: int | None = None
    expire_at_ns: int | None = None
    protection_price_ticks: int | None = None
    self_trade_group: int | None = None
    # R30: what a market buy may cost, in units of the quote asset.
    budget_units: int | None = None
    client_order_id: bytes | None = None


@dataclass(slots=True)
class ReferenceEvent:
    """One event, with every field of its slot; docs/records.md says what each kind puts where."""

    kind: EventKind
    reason: int = 0
    side: Side = Side.NONE
    instrument: int = 0
    account: int = 0
    index: int = 0
    price_ticks: int = 0
    quantity_lots: int = 0
    order_id: int = 0
    other: int = 0
    sequence: int = 0
    detail: int = 0


class SlotError(ValueError):
    """A slot that the layout does not allow; the message names the field and its offset."""


COMMAND = struct.Struct("<8B2IqQQQQQ")
TERMS = struct.Struct("<BB6xqQQQQqI4x")
CLIENT_ID = struct.Struct("<B36s27x")
EVENT = struct.Struct("<4B3IqQQQQQ")

HAS_TERMS, HAS_CLIENT_ID = 1, 2
POST_ONLY, SLIDE, PRICE_GIVEN, QUANTITY_GIVEN, PRICE_OFF_GRID = 1, 2, 4, 8, 16
# Each term of a terms slot: its bit, and its name in a command.
TERMS_BITS = {
    1: "stop_price_ticks", 2: "trail_offset", 4: "display_lots", 8: "minimum_lots",
    16: "expire_at_ns", 32: "protection_price_ticks", 64: "self_trade_group",
}  # fmt: skip
# A budget stands where a protection price would: an order has one of them.
HAS_BUDGET = 128

# The reason byte of an accepted new order: its type, how it stands in the book, and whether it is of a second outcome.
IS_UNDISPLAYED, SHOWS_SLICES, IS_MIRRORED = 8, 16, 32

CLIENT_ID_BYTES = 36
TOO_LONG = 255

# Where each field of a command slot starts, to name what is wrong with one.
COMMAND_FIELDS = {
    0: "kind", 1: "version", 2: "extensions", 3: "side", 4: "order type or phase",
    5: "time in force", 6: "self-trade prevention", 7: "flags", 8: "instrument", 12: "account",
    16: "price_ticks", 24: "quantity_lots", 32: "order_id", 40: "timestamp_ns", 48: "sequence",
    56: "tag",
}  # fmt: skip
TERMS_FIELDS = {
    0: "present", 1: "trail unit", 2: "padding", 8: "stop_price_ticks", 16: "trail_offset",
    24: "display_lots", 32: "minimum_lots", 40: "expire_at_ns", 48: "protection_price_ticks",
    56: "self_trade_group", 60: "padding",
}  # fmt: skip
CLIENT_ID_FIELDS = {0: "length", 1: "text", 37: "padding"}


def encode(command: Command) -> bytes:
    """The command's slot and the extension slots that it needs."""
    has_terms = any(getattr(command, name) is not None for name in (*TERMS_BITS.values(), "budget_units"))
    has_client_id = command.client_order_id is not None
    slots = _encode_command(command, has_terms * HAS_TERMS | has_client_id * HAS_CLIENT_ID)
    if has_terms:
        slots += _encode_terms(command)
    if has_client_id:
        slots += _encode_client_id(command)
    return slots


def decode(slots: bytes) -> list[Command]:
    """The commands of a batch. Raises `SlotError` for one that the layout does not allow."""
    commands = []
    start = 0
    while start < len(slots):
        command, start = decode_one(slots, start)
        commands.append(command)
    return commands


def encode_event(event: ReferenceEvent) -> bytes:
    """The event's slot."""
    return EVENT.pack(
        event.kind, VERSION, event.reason, event.side, event.instrument, event.account,
        event.index, event.price_ticks, event.quantity_lots, event.order_id, event.other,
        event.sequence, event.detail,
    )  # fmt: skip


def decode_event(slot: bytes) -> ReferenceEvent:
    """The event of a slot."""
    kind, _version, reason, side, instrument, account, index, *rest = EVENT.unpack(slot)
    price_ticks, quantity_lots, order_id, other, sequence, detail = rest
    return ReferenceEvent(
        EventKind(kind), reason, Side(side), instrument, account, index, price_ticks,
        quantity_lots, order_id, other, sequence, detail,
    )  # fmt: skip


def _encode_command(command: Command, extensions: int) -> bytes:
    flags = (
        command.post_only * POST_ONLY
        | command.slide * SLIDE
        | (command.price_ticks is not None) * PRICE_GIVEN
        | (command.kind == CommandKind.AMEND and command.quantity_lots is not None) * QUANTITY_GIVEN
        | command.price_off_grid * PRICE_OFF_GRID
    )
    type_or_phase = command.phase if command.kind == CommandKind.PHASE else command.order_type
    return COMMAND.pack(
        command.kind, VERSION, extensions, command.side, type_or_phase, command.time_in_force,
        command.self_trade_prevention, flags, command.instrument, command.account,
        command.price_ticks or 0, command.quantity_lots or 0, command.order_id,
        command.timestamp_ns, command.sequence, command.tag,
    )  # fmt: skip


def _encode_terms(command: Command) -> bytes:
    terms = {bit: getattr(command, name) for bit, name in TERMS_BITS.items()}
    present = sum(bit for bit, term in terms.items() if term is not None)
    if command.budget_units is not None:
        present |= HAS_BUDGET
        terms[32] = command.budget_units - (2**64 if command.budget_units >= 2**63 else 0)
    trail_unit = command.trail_unit if command.trail_offset is not None else 0
    return TERMS.pack(present, trail_unit, *(term or 0 for term in terms.values()))


def _encode_client_id(command: Command) -> bytes:
    text = command.client_order_id or b""
    length = len(text) if len(text) <= CLIENT_ID_BYTES else TOO_LONG
    return CLIENT_ID.pack(length, text[:CLIENT_ID_BYTES])


def decode_one(slots: bytes, start: int) -> tuple[Command, int]:
    """The command that starts there, and where the next one does.

    Each field is taken as it stands. Then the command is encoded again: where the bytes differ,
    a field that the kind does not use, a flag or the padding was not zero.
    """
    slot = _slot(slots, start)
    kind, version, extensions, side, type_or_phase, time_in_force, mode, flags, *rest = COMMAND.unpack(slot)
    instrument, account, price, quantity, order_id, timestamp, sequence, tag = rest
    if version != VERSION:
        raise SlotError(f"version: {version} is not {VERSION}, at offset {start + 1}")
    try:
        command = Command(CommandKind(kind), side=Side(side))
        if command.kind == CommandKind.PHASE:
            command.phase = Phase(type_or_phase)
        else:
            command.order_type = OrderType(type_or_phase)
        command.time_in_force = TimeInForce(time_in_force)
        command.self_trade_prevention = SelfTradePrevention(mode)
    except ValueError as error:
        raise SlotError(f"{error}, in the command at offset {start}") from None
    command.post_only = bool(flags & POST_ONLY)
    command.slide = bool(flags & SLIDE)
    command.price_ticks = price if flags & PRICE_GIVEN else None
    command.price_off_grid = bool(flags & PRICE_OFF_GRID)
    if command.kind == CommandKind.NEW or flags & QUANTITY_GIVEN:
        command.quantity_lots = quantity
    command.instrument, command.account, command.order_id = instrument, account, order_id
    command.timestamp_ns, command.sequence, command.tag = timestamp, sequence, tag
    _same_bytes(_encode_command(_used(command), extensions), slot, start, COMMAND_FIELDS)
    start += SLOT_BYTES
    if extensions & HAS_TERMS:
        slot = _slot(slots, start)
        present, trail_unit, *terms = TERMS.unpack(slot)
        for (bit, name), term in zip(TERMS_BITS.items(), terms, strict=True):
            setattr(command, name, term if present & bit else None)
        command.budget_units = terms[5] % 2**64 if present & HAS_BUDGET else None
        if present & HAS_BUDGET and command.protection_price_ticks is not None:
            raise SlotError(f"present: a protection price and a budget in one field, at offset {start}")
        command.trail_unit = OffsetUnit.BPS if trail_unit == OffsetUnit.BPS else OffsetUnit.TICKS
        _same_bytes(_encode_terms(command), slot, start, TERMS_FIELDS)
        start += SLOT_BYTES
    if extensions & HAS_CLIENT_ID:
        slot = _slot(slots, start)
        length, text = CLIENT_ID.unpack(slot)
        # Of a longer text only its first 36 bytes are known: one zero byte stands for the rest.
        command.client_order_id = text[:length] if length <= CLIENT_ID_BYTES else text + b"\0"
        _same_bytes(_encode_client_id(command), slot, start, CLIENT_ID_FIELDS)
        start += SLOT_BYTES
    _check_extensions(command.kind, extensions, start)
    return command, start


def _slot(slots: bytes, start: int) -> bytes:
    slot = slots[start : start + SLOT_BYTES]
    if len(slot) < SLOT_BYTES:
        raise SlotError(f"a slot has {SLOT_BYTES} bytes, the last one {len(slot)}, at {start}")
    return slot


def _used(command: Command) -> Command:
    """What a well-formed command of this kind looks like: the fields it uses, no other."""
    kind = command.kind
    used = Command(
        kind,
        instrument=command.instrument,
        account=command.account,
        timestamp_ns=command.timestamp_ns,
        sequence=command.sequence,
        tag=command.tag,
    )
    if kind in (CommandKind.CANCEL, CommandKind.AMEND):
        used.order_id = command.order_id
    if kind in (CommandKind.NEW, CommandKind.AMEND):
        used.price_ticks, used.price_off_grid = command.price_ticks, command.price_off_grid
        used.quantity_lots = command.quantity_lots
    if kind == CommandKind.NEW:
        # A new order has a side: where none was given, the slot differs from one with a buy.
        used.side = Side.BUY if command.side == Side.NONE else command.side
        used.order_type, used.time_in_force = command.order_type, command.time_in_force
        used.self_trade_prevention = command.self_trade_prevention
        used.post_only, used.slide = command.post_only, command.slide
    if kind == CommandKind.MASS_CANCEL:
        used.side = command.side
    if kind == CommandKind.PHASE:
        used.phase = command.phase
    return used


def _same_bytes(wanted: bytes, found: bytes, start: int, fields: dict[int, str]) -> None:
    """Raises `SlotError`, naming field and offset, where a slot is not as it has to be."""
    for offset, (want, have) in enumerate(zip(wanted, found, strict=True)):
        if want != have:
            name = fields[max(first for first in fields if first <= offset)]
            raise SlotError(f"{name}: {have} is not allowed here, at offset {start + offset}")


def _check_extensions(kind: CommandKind, extensions: int, end: int) -> None:
    """Only a new order has terms; only new, cancel and amend have a client id."""
    allowed = 0
    if kind in (CommandKind.NEW, CommandKind.CANCEL, CommandKind.AMEND):
        allowed |= HAS_CLIENT_ID
    if kind == CommandKind.NEW:
        allowed |= HAS_TERMS
    if extensions & ~allowed:
        raise SlotError(f"extensions: {extensions} is not allowed with {kind.slug}, before offset {end}")
