"""The reference model: the matching rules in plain Python, to be read beside docs/rules.md.

`ReferenceBook` in `book.py` is the rules of one book, `ReferenceExchange` in `exchange.py` those of many with accounts
and events; each says which module has which of them. `records.py` and `admin.py` are what goes in and comes out. It
knows nothing of the native core, which has to give the same events, byte for byte (R3).
"""

from aeromatch.market.reference.admin import (
    AdminCommand,
    AdminKind,
    Made,
    PlaceKind,
    Rules,
    SettlementMode,
    Terms,
    TransferPart,
    encode_admin,
)
from aeromatch.market.reference.auction import Indicative
from aeromatch.market.reference.bands import Band
from aeromatch.market.reference.book import ReferenceBook
from aeromatch.market.reference.exchange import ReferenceExchange
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import (
    CancelReason,
    Command,
    CommandKind,
    EventKind,
    Matching,
    OffsetUnit,
    OrderType,
    Phase,
    ReferenceEvent,
    RejectReason,
    SelfTradePrevention,
    Side,
    SlotError,
    TimeInForce,
    decode,
    decode_event,
    encode,
    encode_event,
)

__all__ = [
    "AdminCommand",
    "AdminKind",
    "Band",
    "CancelReason",
    "Command",
    "CommandKind",
    "EventKind",
    "Indicative",
    "Made",
    "Matching",
    "OffsetUnit",
    "Order",
    "OrderType",
    "Phase",
    "PlaceKind",
    "ReferenceBook",
    "ReferenceEvent",
    "ReferenceExchange",
    "RejectReason",
    "Rules",
    "SelfTradePrevention",
    "SettlementMode",
    "Side",
    "SlotError",
    "Terms",
    "TimeInForce",
    "TransferPart",
    "decode",
    "decode_event",
    "encode",
    "encode_admin",
    "encode_event",
]
