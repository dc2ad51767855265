"""Commands to the exchange itself, and their slots (docs/records.md): what is made, funds, shares, settlement."""

from __future__ import annotations

import struct
from dataclasses import dataclass, fields

from aeromatch.market.reference.bands import Band
from aeromatch.market.reference.records import (
    COMMAND,
    COMMAND_FIELDS,
    SLOT_BYTES,
    VERSION,
    Code,
    Command,
    Matching,
    OffsetUnit,
    SelfTradePrevention,
    Side,
    SlotError,
    decode_one,
)

FIRST_KIND = 16
MOST_TEXT_BYTES = 63
MOST_OUTCOMES = 15
MOST_TEXTS = 6 + MOST_OUTCOMES


class AdminKind(Code):
    """What a command to the exchange asks for."""

    CREATE_ASSET = 16
    CREATE_GROUP = 17
    CREATE_ACCOUNT = 18
    CREATE_INSTRUMENT = 19
    CREATE_EVENT = 20
    DEPOSIT = 21
    WITHDRAW = 22
    TRANSFER = 23
    MINT = 24
    REDEEM = 25
    SETTLE = 26
    PARTITION = 27
    PLACE = 28


FOR_ALL_SHARDS = frozenset(
    {
        AdminKind.CREATE_ASSET,
        AdminKind.CREATE_GROUP,
        AdminKind.CREATE_ACCOUNT,
        AdminKind.CREATE_INSTRUMENT,
        AdminKind.CREATE_EVENT,
        AdminKind.PARTITION,
        AdminKind.PLACE,
    }
)


class PlaceKind(Code):
    """What a `place` command places."""

    GROUP = 0
    INSTRUMENT = 1


class TransferPart(Code):
    """What a `transfer` command is to do (D62)."""

    WHOLE = 0
    ARRIVAL = 1


class SettlementMode(Code):
    """How an event ends (R32)."""

    FULL = 0
    SCALAR = 1
    VOID = 2


class Made(Code):
    """What a `created` event tells of."""

    ASSET = 1
    GROUP = 2
    ACCOUNT = 3
    INSTRUMENT = 4
    EVENT = 5


@dataclass(slots=True)
class Rules:
    """How an instrument matches; the price index is nothing to the reference model."""

    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    matching: Matching = Matching.FIFO
    index: int = 0
    fifo_share_bps: int = 0
    dedup_window_ns: int = 0
    reference_price_ticks: int | None = None
    static_band: Band | None = None
    circuit_breaker: Band | None = None
    halt_ns: int = 0


@dataclass(slots=True)
class Terms:
    """What settlement needs to know of an instrument or an event (R30, R31)."""

    base_decimals: int = 8
    quote_decimals: int = 8
    maker_fee_bps: int = 0
    taker_fee_bps: int = 0
    lot_base_units: int = 1
    tick_lot_units: int = 1
    unit_ticks: int = 0


@dataclass(slots=True)
class AdminCommand:
    """One entry of the log that is about no order. Its numbers are a command slot's; what a kind does not use is 0."""

    kind: AdminKind
    order_type: int = 0
    instrument: int = 0
    account: int = 0
    price_ticks: int = 0
    quantity_lots: int = 0
    order_id: int = 0
    timestamp_ns: int = 0
    sequence: int = 0
    tag: int = 0
    rules: Rules | None = None
    settlement: Terms | None = None
    payouts: tuple[int, ...] | None = None
    texts: tuple[str, ...] = ()

    @property
    def amount(self) -> int:
        """What a deposit, withdrawal or transfer moves, in units of the asset."""
        return self.order_id << 64 | self.quantity_lots

    @property
    def is_arrival(self) -> bool:
        """Does it bring what has left another shard?"""
        return self.kind == AdminKind.TRANSFER and self.order_type == TransferPart.ARRIVAL

    @property
    def groups(self) -> tuple[int, int]:
        """The clearing groups that a deposit, withdrawal or transfer names: the source, and a transfer's target."""
        both = self.price_ticks % 2**64
        return both % 2**32, both >> 32


HAS_RULES, HAS_SETTLEMENT, HAS_PAYOUTS, HAS_TEXTS = 4, 8, 16, 32
MAKERS = HAS_RULES | HAS_SETTLEMENT | HAS_TEXTS
# Which slots a kind may carry, the least and the most texts, and the fields that it uses beside those of every kind.
SHAPES: dict[AdminKind, tuple[int, int, int, tuple[str, ...]]] = {
    AdminKind.CREATE_ASSET: (HAS_TEXTS, 1, 1, ("order_type",)),
    AdminKind.CREATE_GROUP: (HAS_TEXTS, 1, 1, ()),
    AdminKind.CREATE_ACCOUNT: (HAS_TEXTS, 1, 1, ()),
    AdminKind.CREATE_INSTRUMENT: (MAKERS, 3, 7, ("instrument",)),
    AdminKind.CREATE_EVENT: (MAKERS, 8, MOST_TEXTS, ()),
    AdminKind.DEPOSIT: (HAS_TEXTS, 0, 1, ("instrument", "account", "price_ticks", "quantity_lots", "order_id")),
    AdminKind.WITHDRAW: (HAS_TEXTS, 0, 1, ("instrument", "account", "price_ticks", "quantity_lots", "order_id")),
    AdminKind.TRANSFER: (
        HAS_TEXTS,
        1,
        1,
        ("order_type", "instrument", "account", "price_ticks", "quantity_lots", "order_id"),
    ),
    AdminKind.MINT: (0, 0, 0, ("instrument", "account", "quantity_lots")),
    AdminKind.REDEEM: (0, 0, 0, ("instrument", "account", "quantity_lots")),
    AdminKind.SETTLE: (HAS_PAYOUTS, 0, 0, ("order_type", "instrument", "quantity_lots")),
    AdminKind.PARTITION: (0, 0, 0, ("quantity_lots", "order_id")),
    AdminKind.PLACE: (HAS_TEXTS, 1, 1, ("order_type", "quantity_lots")),
}
USED_BY_ALL = ("kind", "timestamp_ns", "sequence", "tag", "rules", "settlement", "payouts", "texts")

RULES = struct.Struct("<8BH6xQqQQQ8x")
TERMS = struct.Struct("<BBBxhhQQI36x")
PAYOUTS = struct.Struct("<B3x15I")
TEXT = struct.Struct("<B63s")
HAS_REFERENCE, HAS_BAND, HAS_BREAKER = 1, 2, 4


def encode_admin(command: AdminCommand) -> bytes:
    """The command's slots."""
    extensions = (
        (command.rules is not None) * HAS_RULES
        | (command.settlement is not None) * HAS_SETTLEMENT
        | (command.payouts is not None) * HAS_PAYOUTS
        | bool(command.texts) * HAS_TEXTS
    )
    slots = COMMAND.pack(
        command.kind, VERSION, extensions, Side.NONE, command.order_type, 0, len(command.texts), 0,
        command.instrument, command.account, command.price_ticks, command.quantity_lots, command.order_id,
        command.timestamp_ns, command.sequence, command.tag,
    )  # fmt: skip
    if command.rules is not None:
        slots += encode_rules(command.rules)
    if command.settlement is not None:
        slots += TERMS.pack(1, *(getattr(command.settlement, field.name) for field in fields(Terms)))
    if command.payouts is not None:
        slots += PAYOUTS.pack(len(command.payouts), *command.payouts, *(0,) * (MOST_OUTCOMES - len(command.payouts)))
    return slots + b"".join(TEXT.pack(len(text.encode()), text.encode()) for text in command.texts)


def encode_rules(rules: Rules) -> bytes:
    """The slot of an instrument's rules."""
    band, breaker = rules.static_band, rules.circuit_breaker
    present = (
        (rules.reference_price_ticks is not None) * HAS_REFERENCE
        | (band is not None) * HAS_BAND
        | (breaker is not None) * HAS_BREAKER
    )
    return RULES.pack(
        1, rules.self_trade_prevention, rules.matching, rules.index, present,
        band.unit if band else 0, breaker.unit if breaker else 0, 0, rules.fifo_share_bps, rules.dedup_window_ns,
        rules.reference_price_ticks or 0, band.value if band else 0, breaker.value if breaker else 0, rules.halt_ns,
    )  # fmt: skip


HIGHEST_SEQUENCE = 1 << 62  # so that the numbers of a log cannot run out


def decode_all(slots: bytes) -> list[Command | AdminCommand]:
    """The commands of a batch for an exchange. Raises `SlotError` for one that the layout does not allow."""
    commands: list[Command | AdminCommand] = []
    start = 0
    while start < len(slots):
        began = start
        command, start = (decode_admin if slots[start] >= FIRST_KIND else decode_one)(slots, start)
        if command.sequence > HIGHEST_SEQUENCE:
            raise SlotError(f"sequence at {began + 48}: above 2^62")
        commands.append(command)
    return commands


def decode_admin(slots: bytes, start: int) -> tuple[AdminCommand, int]:
    """The command that starts there, and where the next one does.

    As for orders: what is read is encoded again, and where the bytes differ something was not as it has to be.
    """
    read = Reader(slots, start)
    kind, version, extensions, _, order_type, _, texts, _, *rest = read.slot(COMMAND)
    instrument, account, price, quantity, order_id, timestamp, sequence, tag = rest
    if version != VERSION:
        raise SlotError(f"version: {version} is not {VERSION}, at offset {start + 1}")
    try:
        command = AdminCommand(
            AdminKind(kind), order_type, instrument, account, price, quantity, order_id, timestamp, sequence, tag
        )
        if command.kind == AdminKind.SETTLE:
            SettlementMode(order_type)
        if command.kind == AdminKind.PLACE:
            PlaceKind(order_type)
        if command.kind == AdminKind.TRANSFER:
            TransferPart(order_type)
        command.rules = read.rules() if extensions & HAS_RULES else None
        command.settlement = Terms(*read.slot(TERMS)[1:]) if extensions & HAS_SETTLEMENT else None
        command.payouts = read.payouts() if extensions & HAS_PAYOUTS else None
        command.texts = tuple(read.text() for _ in range(texts))
    except ValueError as error:
        raise SlotError(f"{error}, in the command at offset {start}") from None
    check_shape(command, extensions, start)
    for offset, (want, have) in enumerate(zip(encode_admin(command), slots[start : read.next], strict=True)):
        if want != have:
            name = COMMAND_FIELDS.get(offset, "a slot behind the command")
            raise SlotError(f"{name}: {have} is not allowed here, at offset {start + offset}")
    return command, read.next


def check_shape(command: AdminCommand, extensions: int, start: int) -> None:
    """Raises `SlotError` for slots, texts and fields that a kind does not use."""
    allowed, least, most, used = SHAPES[command.kind]
    if extensions & ~allowed:
        raise SlotError(f"extensions: {extensions} is not allowed with {command.kind.slug}, at offset {start + 2}")
    if not least <= len(command.texts) <= most:
        raise SlotError(f"number of texts: {len(command.texts)} is not {least} to {most}, at offset {start + 6}")
    for field in fields(AdminCommand):
        if field.name not in (*used, *USED_BY_ALL) and getattr(command, field.name) != 0:
            raise SlotError(f"{field.name}: not used by {command.kind.slug}, in the command at offset {start}")
    if command.kind in (AdminKind.DEPOSIT, AdminKind.WITHDRAW) and command.groups[1] != 0:
        raise SlotError(f"price_ticks: a second group, at offset {start + 20}")


class Reader:
    """Reads the slots of one command."""

    def __init__(self, slots: bytes, start: int) -> None:
        self.slots = slots
        self.next = start

    def slot(self, layout: struct.Struct) -> tuple[int, ...]:
        """The fields of the next slot."""
        slot = self.slots[self.next : self.next + SLOT_BYTES]
        if len(slot) < SLOT_BYTES:
            raise SlotError(f"a slot has {SLOT_BYTES} bytes, the last one {len(slot)}, at {self.next}")
        self.next += SLOT_BYTES
        return layout.unpack(slot)

    def rules(self) -> Rules:
        """The next slot as an instrument's rules."""
        _, mode, matching, index, present, unit, breaker_unit, _, share, window, price, value, breaker, halt = (
            self.slot(RULES)
        )
        if not 1 <= mode <= 5 or index > 3 or present > 7:
            raise SlotError("rules: an unknown mode, price index or present bit")
        return Rules(
            self_trade_prevention=SelfTradePrevention(mode),
            matching=Matching(matching),
            index=index,
            fifo_share_bps=share,
            dedup_window_ns=window,
            reference_price_ticks=price if present & HAS_REFERENCE else None,
            static_band=Band(OffsetUnit(unit), value) if present & HAS_BAND else None,
            circuit_breaker=Band(OffsetUnit(breaker_unit), breaker) if present & HAS_BREAKER else None,
            halt_ns=halt,
        )

    def payouts(self) -> tuple[int, ...]:
        """The next slot as what each outcome pays, in ticks."""
        count, *ticks = self.slot(PAYOUTS)
        if not 1 <= count <= MOST_OUTCOMES:
            raise SlotError(f"number of payouts: {count}")
        return tuple(ticks[:count])

    def text(self) -> str:
        """The next slot as a text."""
        length, text = TEXT.unpack(self.slots[self.next : self.next + SLOT_BYTES].ljust(SLOT_BYTES, b"\0"))
        if len(self.slots) < self.next + SLOT_BYTES or not 1 <= length <= MOST_TEXT_BYTES:
            raise SlotError(f"length: {length} is not a text's, at offset {self.next}")
        self.next += SLOT_BYTES
        taken: bytes = text[:length]
        return taken.decode()
