"""The reference model: the matching rules in plain Python, to be read beside docs/rules.md.

`ReferenceBook` in `book.py` is the rules, and says which module has which of them; `records.py` is what goes in and
comes out. It knows nothing of the native core, which has to give the same events, byte for byte (R3).
"""

from aeromatch.market.reference.auction import Indicative
from aeromatch.market.reference.book import ReferenceBook
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
    "CancelReason",
    "Command",
    "CommandKind",
    "EventKind",
    "Indicative",
    "Matching",
    "OffsetUnit",
    "Order",
    "OrderType",
    "Phase",
    "ReferenceBook",
    "ReferenceEvent",
    "RejectReason",
    "SelfTradePrevention",
    "Side",
    "SlotError",
    "TimeInForce",
    "decode",
    "decode_event",
    "encode",
    "encode_event",
]
