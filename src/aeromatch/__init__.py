"""A limit-order-book exchange: one deterministic matching core, as a library.

>>> from aeromatch import Instrument, OrderBook
>>> book = OrderBook(Instrument("BTC-USD", tick_size="0.01", lot_size="0.0001"))
>>> book.submit("sell", quantity="1.5", price="100.25", account="alice").status
<OrderStatus.OPEN: 'open'>
>>> report = book.submit("buy", quantity="0.5", price="100.30", account="bob")
>>> report.status, report.average_price, book.best_ask
(<OrderStatus.FILLED: 'filled'>, Decimal('100.25'), Decimal('100.25'))

Rules are cited by number (R1 .. R33); docs/rules.md has them.
"""

from aeromatch._core import (
    AeroMatchError,
    Asset,
    Balance,
    BookView,
    CancelReason,
    CreatedKind,
    Depth,
    Event,
    EventKind,
    EventMarket,
    EventStream,
    Exchange,
    Indicative,
    Instrument,
    JournalError,
    Level,
    LevelChange,
    Matching,
    Order,
    OrderBook,
    OrderStatus,
    OrderType,
    Phase,
    Position,
    Receipt,
    RecordError,
    Recovery,
    RejectReason,
    Report,
    SelfTradePrevention,
    SettlementMode,
    ShardCounters,
    Side,
    SnapshotError,
    SnapshotInfo,
    Statistics,
    StreamLagged,
    TimeInForce,
    Trade,
    UnknownNameError,
    __version__,
)
from aeromatch.aio import AsyncEventStream, AsyncExchange
from aeromatch.market.batches import Commands, commands
from aeromatch.market.events import Events
from aeromatch.market.records import CLIENT_ID_DTYPE, COMMAND_DTYPE, EVENT_DTYPE, LEVEL_CHANGE_DTYPE, TERMS_DTYPE
from aeromatch.market.shards import Shards

__all__ = [
    "CLIENT_ID_DTYPE",
    "COMMAND_DTYPE",
    "EVENT_DTYPE",
    "LEVEL_CHANGE_DTYPE",
    "TERMS_DTYPE",
    "AeroMatchError",
    "Asset",
    "AsyncEventStream",
    "AsyncExchange",
    "Balance",
    "BookView",
    "CancelReason",
    "Commands",
    "CreatedKind",
    "Depth",
    "Event",
    "EventKind",
    "EventMarket",
    "EventStream",
    "Events",
    "Exchange",
    "Indicative",
    "Instrument",
    "JournalError",
    "Level",
    "LevelChange",
    "Matching",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderType",
    "Phase",
    "Position",
    "Receipt",
    "RecordError",
    "Recovery",
    "RejectReason",
    "Report",
    "SelfTradePrevention",
    "SettlementMode",
    "ShardCounters",
    "Shards",
    "Side",
    "SnapshotError",
    "SnapshotInfo",
    "Statistics",
    "StreamLagged",
    "TimeInForce",
    "Trade",
    "UnknownNameError",
    "__version__",
    "commands",
]
