"""The native half of `aeromatch`; import the package, not this module.

The docstrings here are the extension's own: a test compares them.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import StrEnum
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, SupportsIndex, TypeAlias, TypedDict, final, type_check_only

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer, disjoint_base

from aeromatch.market.batches import Commands
from aeromatch.market.events import Events
from aeromatch.market.shards import Shards

__all__ = [
    "CODES",
    "ITCH_MESSAGES",
    "AdminKind",
    "Admission",
    "AdmissionRefusal",
    "AeroMatchError",
    "Asset",
    "Balance",
    "BinaryServer",
    "BookView",
    "CancelReason",
    "ChangeBuffer",
    "CommandKind",
    "CreatedKind",
    "Depth",
    "DepthDiffer",
    "DepthReader",
    "Event",
    "EventBuffer",
    "EventKind",
    "EventMarket",
    "EventStream",
    "Exchange",
    "Histogram",
    "Indicative",
    "Instrument",
    "ItchReader",
    "JournalChunk",
    "JournalError",
    "JournalReader",
    "Level",
    "LevelChange",
    "Matching",
    "Order",
    "OrderBook",
    "OrderStatus",
    "OrderTracker",
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
    "ShardBench",
    "ShardCounters",
    "Side",
    "SnapshotError",
    "SnapshotInfo",
    "Statistics",
    "StreamLagged",
    "TimeInForce",
    "Trade",
    "UnknownNameError",
    "_OrderBatch",
    "__version__",
    "bench_depth",
    "bench_handoff",
    "bench_native",
    "bench_round_trip",
    "empty_call",
    "lab_aba_race",
    "lab_aba_script",
    "lab_cpus",
    "lab_false_sharing",
    "lab_idle",
    "lab_pool",
    "lab_queue",
    "lab_replay",
    "lab_ring",
    "lab_seqlock",
    "lab_single_writer",
    "lab_store_buffer",
    "register_events",
    "verify_journal",
]

__version__: Final[str]

CODES: Final[dict[str, dict[str, int]]]
"""Each enum's words, and the bytes that stand for them in records (docs/records.md)."""

ITCH_MESSAGES: Final[dict[str, tuple[str, int, list[tuple[str, str, int, int]]]]]
"""Each type of ITCH message by its letter: name, bytes, and the name, kind, place and bytes of each field."""

_Amount: TypeAlias = Decimal | str | float | SupportsIndex
"""A price in money or a quantity in units; a float counts by its shortest repr (R1)."""

_Account: TypeAlias = str | SupportsIndex
"""An account's name, or its number."""

class Side(StrEnum):
    """Side of an order or a price level."""

    BUY = "buy"
    SELL = "sell"

class OrderType(StrEnum):
    """What an order does on arrival (R11, R12), or once its stop price is reached (R15)."""

    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"
    TRAILING_STOP_LIMIT = "trailing_stop_limit"

class TimeInForce(StrEnum):
    """How long an order lives (R17 to R20)."""

    GTC = "gtc"
    DAY = "day"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"
    AON = "aon"

class SelfTradePrevention(StrEnum):
    """What happens where two orders of one owner would trade (R25)."""

    NONE = "none"
    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"
    DECREMENT = "decrement"

class Phase(StrEnum):
    """Trading phase of a book (R26)."""

    CONTINUOUS = "continuous"
    PRE_OPEN = "pre_open"
    AUCTION = "auction"
    HALTED = "halted"
    CLOSED = "closed"

class OrderStatus(StrEnum):
    """An order's status after the whole command (R9)."""

    DORMANT = "dormant"
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"

class EventKind(StrEnum):
    """What happened (R7)."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REPRICED = "repriced"
    TRIGGERED = "triggered"
    TRADE = "trade"
    REPLENISHED = "replenished"
    DECREMENTED = "decremented"
    CANCELED = "canceled"
    AMENDED = "amended"
    PHASE = "phase"
    CREATED = "created"
    FUNDS = "funds"
    SETTLED = "settled"

class RejectReason(StrEnum):
    """Why a command was rejected, in order of precedence (R8)."""

    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_ACCOUNT = "unknown_account"
    INVALID_QUANTITY = "invalid_quantity"
    INVALID_PRICE = "invalid_price"
    INVALID_TIME = "invalid_time"
    INVALID_CLIENT_ORDER_ID = "invalid_client_order_id"
    INVALID_COMBINATION = "invalid_combination"
    NOT_ALLOWED_IN_PHASE = "not_allowed_in_phase"
    UNKNOWN_ORDER = "unknown_order"
    EXPIRED = "expired"
    PRICE_OUT_OF_BAND = "price_out_of_band"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    ALREADY_EXISTS = "already_exists"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_GROUP = "unknown_group"
    UNKNOWN_EVENT = "unknown_event"
    UNKNOWN_OUTCOME = "unknown_outcome"
    ALREADY_SETTLED = "already_settled"
    DUPLICATE_TRANSFER = "duplicate_transfer"
    INVALID_NAME = "invalid_name"
    CAPACITY = "capacity"

class CancelReason(StrEnum):
    """Why an order, or what was left of it, was canceled (R8)."""

    REQUESTED = "requested"
    MASS_CANCEL = "mass_cancel"
    AMENDED = "amended"
    NO_LIQUIDITY = "no_liquidity"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"
    MINIMUM_QUANTITY = "minimum_quantity"
    SELF_TRADE = "self_trade"
    EXPIRED = "expired"
    SESSION_CLOSED = "session_closed"
    PRICE_OUT_OF_BAND = "price_out_of_band"
    HALTED = "halted"
    SETTLED = "settled"

class CommandKind(StrEnum):
    """What a command asks for (docs/records.md)."""

    NEW = "new"
    CANCEL = "cancel"
    AMEND = "amend"
    MASS_CANCEL = "mass_cancel"
    PHASE = "phase"
    ADVANCE_TIME = "advance_time"

class AdminKind(StrEnum):
    """What a command to an exchange asks for, beyond the orders of one book (docs/records.md)."""

    CREATE_ASSET = "create_asset"
    CREATE_GROUP = "create_group"
    CREATE_ACCOUNT = "create_account"
    CREATE_INSTRUMENT = "create_instrument"
    CREATE_EVENT = "create_event"
    DEPOSIT = "deposit"
    WITHDRAW = "withdraw"
    TRANSFER = "transfer"
    MINT = "mint"
    REDEEM = "redeem"
    SETTLE = "settle"
    PARTITION = "partition"
    PLACE = "place"

class CreatedKind(StrEnum):
    """What a `created` event says was made (R7)."""

    ASSET = "asset"
    GROUP = "group"
    ACCOUNT = "account"
    INSTRUMENT = "instrument"
    EVENT = "event"

class SettlementMode(StrEnum):
    """How an event market was settled (R32)."""

    FULL = "full"
    SCALAR = "scalar"
    VOID = "void"

class Matching(StrEnum):
    """How a price level's orders share what an aggressor takes (R29)."""

    FIFO = "fifo"
    PRO_RATA = "pro_rata"
    FIFO_PRO_RATA = "fifo_pro_rata"

class AeroMatchError(Exception):
    """Base of the package's own exceptions.

    Raised itself where a book or an exchange is used from two threads at once, in a forked process or after it was
    closed, and after an internal error has made it unusable.
    Wrong types, unknown words and missing arguments are Python's TypeError and ValueError, which name the argument.
    """

class RecordError(AeroMatchError, ValueError):
    """A slot of a batch is no command (docs/records.md); nothing of the batch was applied.

    Attributes:
        slot: Number of the offending 64-byte slot, from 0.
        offset: Byte offset from the start of the batch.
        field: Name of the field, as in docs/records.md.
        problem: What was found, and what would be legal.
    """

    slot: int
    offset: int
    field: str
    problem: str

class SnapshotError(AeroMatchError, ValueError):
    """These bytes are no snapshot that this version can restore: the message says what is wrong."""

class JournalError(AeroMatchError):
    """The journal of an exchange cannot be opened, or not be written any more.

    Attributes:
        kind: What is wrong, as a word: "directory_in_use", "not_a_directory", "not_writable", "unknown_version",
            "damaged", "incomplete", "replay_mismatch", "shards", "stopped" or "io" (docs/reliability.md).
        file: Path of the file that it is about; None if it is about no single one.
        offset: Byte offset in that file; None if it is about no single place.
    """

    kind: str
    file: str | None
    offset: int | None

class StreamLagged(AeroMatchError):
    """A stream's reader has fallen so far behind that events it has not read are overwritten.

    The exchange waits for no reader. Another stream from `position` has what was missed, from the journal; in memory it
    is gone, and `position` is the oldest that is there.

    Attributes:
        position: Where to go on, as `Exchange.stream` takes it: a sequence number for each shard.
    """

    position: tuple[int, ...]

class UnknownNameError(AeroMatchError, LookupError):
    """A read names something that is not there.

    Attributes:
        argument: Name of the argument.
        name: What it named.
    """

    argument: str
    name: str

@final
class Instrument:
    """What is traded, in which units, under which settings. Immutable; equal to another one with the same facts.

    Amounts are exact: a price is a whole number of ticks, a quantity a whole number of lots, and what is not is
    refused (R1).

    Arguments:
        symbol: Its name, for people.
        tick_size: Size of one tick, in money: Decimal, str, int or float, above 0, e.g. "0.01", "0.25", "5",
            "1e-8".
        lot_size: Size of one lot, in units of the thing traded, likewise.
        number: Its number in records and order ids (24 bits); 0 in a library book unless it says otherwise (R5).
        self_trade_prevention: What happens where two orders of one owner would trade, unless the order says
            otherwise (R25).
        dedup_window_ns: How long, in nanoseconds of log time, a finished order's client order id stays taken
            (R5).
        matching: How the orders of a level share what an aggressor takes: "fifo", "pro_rata" or "fifo_pro_rata"
            (R29).
        fifo_share_bps: With "fifo_pro_rata" the share, in basis points, that goes oldest first: 0 .. 10,000.
        reference_price: In money: the middle of the static band, and what an uncross falls back on before the first
            trade (R27, R28).
        static_band_ticks: Limits further than this from the reference price are rejected (R28); or
        static_band_bps: the same in basis points of the reference price.
        circuit_breaker_ticks: A trade further than this from the last one before the command halts the book (R28); or
        circuit_breaker_bps: the same in basis points of that price.
        halt_ns: How long such a halt lasts, in nanoseconds, before an auction; None: until a command ends it.
        base: With settlement, the asset that is traded.
        quote: With settlement, the asset that it is paid in.
        settlement: Whether an Exchange settles its trades between accounts, and takes orders against their available
            funds only (R30); an OrderBook has no accounts and takes no such instrument.
        group: With settlement, the clearing group: balances are kept per group.
        fee_account: With settlement, the account that fees go to and rebates come from (R31).
        maker_fee_bps: What a resting order pays, in basis points of what it trades; below 0 a rebate.
        taker_fee_bps: What an aggressor pays; both together are at least 0.
        base_decimals: Decimal places of the base asset: its balances are whole numbers of 10^-decimals. None: what the
            asset has, or, where the instrument makes it, what a lot needs, at least 8.
        quote_decimals: The same of the quote asset, and of a tick times a lot.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range or no number, or two of them contradict one another.
    """

    def __new__(
        cls,
        symbol: str,
        *,
        tick_size: _Amount = "1",
        lot_size: _Amount = "1",
        number: SupportsIndex = 0,
        self_trade_prevention: SelfTradePrevention | str = "none",
        dedup_window_ns: SupportsIndex = 0,
        matching: Matching | str = "fifo",
        fifo_share_bps: SupportsIndex | None = None,
        reference_price: _Amount | None = None,
        static_band_ticks: SupportsIndex | None = None,
        static_band_bps: SupportsIndex | None = None,
        circuit_breaker_ticks: SupportsIndex | None = None,
        circuit_breaker_bps: SupportsIndex | None = None,
        halt_ns: SupportsIndex | None = None,
        base: str | None = None,
        quote: str | None = None,
        settlement: bool = False,
        group: str = "main",
        fee_account: str = "fees",
        maker_fee_bps: SupportsIndex = 0,
        taker_fee_bps: SupportsIndex = 0,
        base_decimals: SupportsIndex | None = None,
        quote_decimals: SupportsIndex | None = None,
    ) -> Self: ...
    @property
    def symbol(self) -> str:
        """Its name."""
    @property
    def tick_size(self) -> Decimal:
        """Size of one tick, in money."""
    @property
    def lot_size(self) -> Decimal:
        """Size of one lot, in units of the thing traded."""
    @property
    def number(self) -> int:
        """Its number in records and order ids."""
    @property
    def self_trade_prevention(self) -> SelfTradePrevention:
        """What happens where two orders of one owner would trade (R25)."""
    @property
    def dedup_window_ns(self) -> int:
        """How long a finished order's client order id stays taken, in nanoseconds (R5)."""
    @property
    def matching(self) -> Matching:
        """How the orders of a level share what an aggressor takes (R29)."""
    @property
    def fifo_share_bps(self) -> int | None:
        """The share that goes oldest first, in basis points; None unless matching is "fifo_pro_rata" (R29)."""
    @property
    def reference_price(self) -> Decimal | None:
        """Reference price in money; None if there is none (R27, R28)."""
    @property
    def static_band_ticks(self) -> int | None:
        """Width of the static band to either side, in ticks; None if it has none or is in basis points (R28)."""
    @property
    def static_band_bps(self) -> int | None:
        """The same in basis points of the reference price."""
    @property
    def circuit_breaker_ticks(self) -> int | None:
        """How far from the last price a trade halts the book, in ticks; None if nothing does, or basis points (R28)."""
    @property
    def circuit_breaker_bps(self) -> int | None:
        """The same in basis points of the last price."""
    @property
    def halt_ns(self) -> int | None:
        """How long the circuit breaker halts, in nanoseconds; None: until a command ends it (R28)."""
    @property
    def settlement(self) -> bool:
        """Whether an Exchange settles its trades between accounts (R30)."""
    @property
    def base(self) -> str | None:
        """The asset that is traded; None without settlement."""
    @property
    def quote(self) -> str | None:
        """The asset that it is paid in; None without settlement."""
    @property
    def group(self) -> str | None:
        """The clearing group; None without settlement (R30)."""
    @property
    def fee_account(self) -> str | None:
        """The account that fees go to; None without settlement (R31)."""
    @property
    def maker_fee_bps(self) -> int | None:
        """What a resting order pays, in basis points, below 0 a rebate; None without settlement (R31)."""
    @property
    def taker_fee_bps(self) -> int | None:
        """What an aggressor pays, in basis points; None without settlement (R31)."""
    @property
    def base_decimals(self) -> int | None:
        """Decimal places of the base asset; None where nothing was said about them."""
    @property
    def quote_decimals(self) -> int | None:
        """Decimal places of the quote asset; None where nothing was said about them."""
    def price_to_ticks(self, price: _Amount) -> int:
        """The whole number of ticks that a price is (R1).

        Arguments:
            price: Decimal, str, int or float; a float counts by its shortest repr.

        Returns:
            Signed 64-bit count of ticks.

        Raises:
            ValueError: The price is no number, off the grid, or outside 64 bits of ticks.
            TypeError: The price is of another type.
        """
    def ticks_to_price(self, ticks: SupportsIndex) -> Decimal:
        """The exact price of so many ticks.

        Arguments:
            ticks: Signed 64-bit count of ticks.

        Returns:
            The price, with as many decimal places as the tick size has.

        Raises:
            ValueError: The count is outside 64 bits.
            TypeError: The count is no int.
        """
    def quantity_to_lots(self, quantity: _Amount) -> int:
        """The whole number of lots that a quantity is (R1).

        Arguments:
            quantity: Decimal, str, int or float; a float counts by its shortest repr.

        Returns:
            Count of lots, 1 .. 2^48.

        Raises:
            ValueError: The quantity is no number, no whole number of lots, or outside 1 .. 2^48 lots.
            TypeError: The quantity is of another type.
        """
    def lots_to_quantity(self, lots: SupportsIndex) -> Decimal:
        """The exact quantity of so many lots.

        Arguments:
            lots: Count of lots, 0 .. 2^64 - 1.

        Returns:
            The quantity, with as many decimal places as the lot size has.

        Raises:
            ValueError: The count is outside 64 bits.
            TypeError: The count is no int.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@disjoint_base
class BookView:
    """A live view of one instrument's book: each read shows it as it is then.

    Reads change nothing and do not move time (R2).
    `Exchange.book` gives one; an OrderBook is one that also takes commands. The view of an event's second outcome shows
    the book of both in that outcome's own terms: sides swapped, prices one unit less those of the first (R32). It keeps
    its exchange alive.
    """

    @property
    def best_bid(self) -> Decimal | None:
        """Highest displayed bid in money; None if there is none."""
    @property
    def best_ask(self) -> Decimal | None:
        """Lowest displayed ask in money; None if there is none."""
    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid in money; None unless there are both."""
    @property
    def mid_price(self) -> Decimal | None:
        """Middle of best bid and best ask in money, exact; None unless there are both."""
    @property
    def last_trade_price(self) -> Decimal | None:
        """Price of the last trade in money; None before the first."""
    @property
    def statistics(self) -> Statistics:
        """What the book has seen since it was made."""
    @property
    def instrument(self) -> Instrument:
        """What is traded."""
    @property
    def index(self) -> str:
        """The price index: "ladder", "btree", "skiplist" or "heap"."""
    @property
    def now(self) -> int:
        """Time of the last command in nanoseconds since the Unix epoch; 0 before the first that brought one (R2)."""
    @property
    def phase(self) -> Phase:
        """The trading phase (R26)."""
    @property
    def halt_end(self) -> int | None:
        """When a halt will become an auction, in nanoseconds since the Unix epoch; None if none will (R28)."""
    @property
    def sequence(self) -> int:
        """Number of the last command (R4)."""
    def depth(self, n: SupportsIndex | None = None) -> Depth:
        """The best price levels of both sides: what is displayed.

        Arguments:
            n: At most so many levels a side; None: all.

        Returns:
            The levels as they are now, best first.
        """
    def level(self, side: Side | str, price: _Amount) -> Level | None:
        """The price level at a price.

        Arguments:
            side: "buy" or "sell".
            price: In money; a price off the grid has no level.

        Returns:
            The level as it is now; None if nothing is displayed there.
        """
    def queue(self, side: Side | str, price: _Amount) -> list[Order]:
        """The orders that stand at a price, in the order in which they would trade (R10).

        Arguments:
            side: "buy" or "sell".
            price: In money; at a price off the grid there are none.

        Returns:
            A new list: displayed orders, then hidden and all-or-none ones, the oldest first.
        """
    def order(
        self,
        order_id: SupportsIndex | None = None,
        *,
        client_order_id: str | None = None,
        account: _Account | None = None,
    ) -> Order | None:
        """A live order.

        Arguments:
            order_id: Its id; or
            client_order_id: its client order id, and
            account: its account (orders without one share one namespace, R5).

        Returns:
            The order as it is now; None if there is no such live order.

        Raises:
            TypeError: Not exactly one of both ids was given, or an argument has the wrong type.
            UnknownNameError: An exchange has no such account.
        """
    def orders(self, *, account: _Account | None = None, side: Side | str | None = None) -> list[Order]:
        """Live orders in order of id.

        Arguments:
            account: Only that account's; None: everybody's.
            side: Only that side's; None: both.

        Returns:
            A new list.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The side is unknown.
            UnknownNameError: An exchange has no such account.
        """
    def stops(self) -> list[Order]:
        """Orders that wait for their stop price (R15).

        Returns:
            A new list: buys, then sells, in the order in which they would be triggered; those that wait for a first
            trade stand last.
        """
    def indicative(self) -> Indicative:
        """What an uncross would do now, in whatever phase (R27).

        Returns:
            Price, quantity and surplus.
        """
    def account_name(self, number: SupportsIndex) -> str | None:
        """The name of an account's number.

        Arguments:
            number: 0 .. 2^32 - 1.

        Returns:
            The name; None if that number has none.
        """
    def digest(self) -> str:
        """Hash of all that can influence a later event (docs/records.md): equal for every index and platform.

        Returns:
            64 hexadecimal digits.
        """
    def __len__(self) -> int: ...

@final
class OrderBook(BookView):
    """One instrument's limit order book: price, then time (R10), deterministic (R3).

    Commands answer with a Report; a rejection is data, an exception means misuse and uses no sequence number
    (R9). Prices and quantities are Decimal, str, int or float (a float by its shortest repr), exact or refused
    (R1). Times are nanoseconds since the Unix epoch; without one the book's last time counts (R2). Accounts are
    names, which the book numbers 1, 2, ... as they come, or such numbers. A book is used by one thread at a time;
    a second one gets an AeroMatchError, never a wait.

    Arguments:
        instrument: What is traded, and in which units.
        index: Price index: "ladder" (constant time), "btree", "skiplist" or "heap". Events do not depend on it (R3).

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The index is unknown, or the instrument is one with settlement.
    """

    def __new__(
        cls, instrument: Instrument, *, index: Literal["ladder", "btree", "skiplist", "heap"] | str = "ladder"
    ) -> Self: ...
    def submit(
        self,
        side: Side | str,
        *,
        quantity: _Amount,
        price: _Amount | None = None,
        order_type: OrderType | str = "limit",
        time_in_force: TimeInForce | str = "gtc",
        account: _Account | None = None,
        client_order_id: str | None = None,
        timestamp: SupportsIndex | None = None,
        expire_at: SupportsIndex | None = None,
        post_only: bool | Literal["slide"] = False,
        protection_price: _Amount | None = None,
        stop_price: _Amount | None = None,
        trail_offset: _Amount | None = None,
        trail_offset_bps: SupportsIndex | None = None,
        display_quantity: _Amount | None = None,
        min_quantity: _Amount | None = None,
        self_trade_prevention: SelfTradePrevention | str | None = None,
        self_trade_group: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Enters a new order.

        Arguments:
            side: Side.BUY or Side.SELL, or "buy", "sell".
            quantity: In units, a whole number of lots, 1 .. 2^48 of them.
            price: Limit price in money, a whole number of ticks; for order types with a limit only.
            order_type: "limit" (R11), "market" (R12), or "stop", "stop_limit", "trailing_stop", "trailing_stop_limit".
            time_in_force: "gtc", "day", "gtd" (R17), "ioc" (R18), "fok" (R19) or "aon" (R20).
            account: Whose order it is; None for nobody's.
            client_order_id: The sender's own id, 1 to 36 printable ASCII characters, unique per account (R5).
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            expire_at: When a "gtd" order ends, in nanoseconds (R17).
            post_only: True: rejected rather than taking; "slide": repriced one tick behind what it would take (R13).
            protection_price: A market order's worst price, in money (R12).
            stop_price: Last trade price that wakes a "stop" or "stop_limit" order, in money (R15).
            trail_offset: How far a trailing stop's price follows the last trade, in money; or
            trail_offset_bps: the same in basis points of that price.
            display_quantity: What an iceberg shows at a time, in units; 0: hidden; None: all of it (R14).
            min_quantity: What it finds on arrival is nothing or at least this, in units; else it is canceled (R21).
            self_trade_prevention: The order's own mode; None: the instrument's (R25).
            self_trade_group: Orders of one group count as one owner (R25).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; `status` is "rejected" where the rules refuse the order (R8).

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A word is unknown, a text is no number, a number does not fit, or both trail offsets are given.
            AeroMatchError: Another thread is using the book.
        """
    def cancel(
        self,
        order_id: SupportsIndex | None = None,
        *,
        client_order_id: str | None = None,
        account: _Account | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Cancels a live order (R23).

        Arguments:
            order_id: Its id; or
            client_order_id: its client order id, which needs the account.
            account: Whose order it must be; None asks as the operator, who finds any order by its id.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            Status "canceled", or "rejected" with "unknown_order" where there is no such live order.

        Raises:
            TypeError: No id was given, or a client_order_id without account, or a wrong type.
            ValueError: A number does not fit its field.
            AeroMatchError: Another thread is using the book.
        """
    def amend(
        self,
        order_id: SupportsIndex | None = None,
        *,
        quantity: _Amount | None = None,
        price: _Amount | None = None,
        client_order_id: str | None = None,
        account: _Account | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Changes a live order's total quantity, its price, or both (R22).

        Less at the same price keeps its priority. More, or another price, loses it: the order trades if it crosses,
        and rests with what is left. A total of no more than what is filled cancels the order.

        Arguments:
            order_id: Its id; or
            quantity: The new total in units, filled part included; None: as it is.
            price: The new limit price in money; None: as it is.
            client_order_id: its client order id, which needs the account.
            account: Whose order it must be; None asks as the operator, who finds any order by its id.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            The order's status after it; "rejected" leaves the order as it was.

        Raises:
            TypeError: No id was given, or a client_order_id without account, or a wrong type.
            ValueError: A text is no number, or a number does not fit its field.
            AeroMatchError: Another thread is using the book.
        """
    def mass_cancel(
        self,
        *,
        account: _Account | None = None,
        side: Side | str | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Cancels every live order of an account, in order of id (R24). Finding none is accepted.

        Arguments:
            account: Whose orders; None: everybody's, as the operator.
            side: Only that side; None: both.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report whose events name the canceled orders; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A word is unknown, or a number does not fit its field.
            AeroMatchError: Another thread is using the book.
        """
    def set_phase(
        self, phase: Phase | str, *, timestamp: SupportsIndex | None = None, tag: SupportsIndex = 0
    ) -> Report:
        """Changes the trading phase (R26); the same phase again has no effect.

        "pre_open" and "auction" collect orders without trading. A change to "continuous", and one from "auction" to
        "closed", trades them at one price (R27). "halted" and "closed" take cancels only. Closing ends DAY orders
        (R17).

        Arguments:
            phase: "continuous", "pre_open", "auction", "halted" or "closed".
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report with the events; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The phase is unknown, or a number does not fit its field.
            AeroMatchError: Another thread is using the book.
        """
    def advance_time(self, timestamp: SupportsIndex, *, tag: SupportsIndex = 0) -> Report:
        """Lets time pass (R2): what expires by then ends (R17), a halt that ends by then becomes an auction (R28).

        Arguments:
            timestamp: The time it is now, in nanoseconds; earlier than the last one seen counts as that.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report with the events; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A number does not fit its field.
            AeroMatchError: Another thread is using the book.
        """
    def process(self, batch: Commands | Buffer | NDArray[Any], *, level_changes: bool = False) -> Events:
        """Applies a batch, all or nothing, with the interpreter lock released.

        Ctrl-C is seen when the batch is done: the book holds its effects, its events are lost. Split what takes long.

        Arguments:
            batch: What `aeromatch.commands` made, or 64-byte slots (docs/records.md) as a contiguous array of
                COMMAND_DTYPE or of bytes, or as bytes. Read-only memory is read in place, writable memory is copied
                first.
            level_changes: Also collect each level that each command changed (R7).

        Returns:
            The events, in memory that the book uses again once nothing refers to it any more.

        Raises:
            TypeError: The batch is nothing of this kind.
            ValueError: The array's memory is not contiguous.
            RecordError: A slot is no command; it says which, and why. Nothing was applied.
            AeroMatchError: Another thread is using the book.
        """
    def account_number(self, name: str) -> int:
        """The number of an account's name, a new one if the name is new: what batches carry.

        Arguments:
            name: Not empty.

        Returns:
            1, 2, ... in the order in which names came.
        """
    def snapshot(self) -> bytes:
        """The whole book as versioned, checksummed bytes: orders, statistics, instrument, account names.

        Returns:
            What `restore` takes.
        """
    @staticmethod
    def restore(
        blob: Buffer | NDArray[Any], *, index: Literal["ladder", "btree", "skiplist", "heap"] | str | None = None
    ) -> OrderBook:
        """The book of a snapshot: the same commands lead to the same events as in the book it was taken of (R3).

        Arguments:
            blob: What `snapshot` gave, as bytes or any contiguous buffer.
            index: Another price index than the snapshot's; None: the same.

        Returns:
            A new book.

        Raises:
            SnapshotError: The bytes are no snapshot, of another version, or damaged: it says what is wrong.
            TypeError: The blob has no bytes.
            ValueError: The index is unknown.
        """

@final
class Exchange:
    """Many markets and the accounts that trade there: one state machine, driven by one log of commands.

    It begins empty: assets, clearing groups, accounts, instruments and events are made by commands. Order commands
    answer with a Report, the others with a Receipt; a rejection is data in them (R8), an exception means misuse and
    uses no sequence number (R9). Amounts are Decimal, str, int or float (a float by its shortest repr), exact or
    refused (R1). Times are nanoseconds since the Unix epoch; without one the last time seen counts (R2). A command that
    names what is not there is rejected; a read that does raises UnknownNameError. An exchange is used by one thread at
    a time; a second one gets an AeroMatchError, never a wait.

    `Exchange()` lives in memory and ends with the process. `Exchange.open` keeps a journal. With `shards`, a number or
    Shards, commands are applied by threads of their own, each for its part of the clearing groups and instruments;
    reports and events are the same for any number, but for sequence numbers, which each shard counts for itself, and
    for the order in which the shards answer a command about all instruments.
    """

    @property
    def sequence(self) -> int:
        """Number of the last command (R4).

        Several shards have a log each, and so a number each: AeroMatchError, see `sequences`.
        """
    @property
    def sequences(self) -> tuple[int, ...]:
        """Number of the last command of each shard, as a tuple; of one number where there is one log."""
    @property
    def shards(self) -> int | None:
        """How many shards there are; None: none, commands are applied by the thread that brings them."""
    @property
    def now(self) -> int:
        """The latest time of any book, clearing group or the registry (D59), Unix time in ns; 0 before the first."""
    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that the books' structures hold."""
    @property
    def durability(self) -> str | None:
        """When a command is answered: "disk", "os" or "memory"; None: there is no journal."""
    @property
    def durable_sequence(self) -> int | None:
        """Number of the last command that survives a loss of power; None: there is no journal.

        Of several shards each has its own: AeroMatchError, see `durable_sequences`.
        """
    @property
    def durable_sequences(self) -> tuple[int, ...] | None:
        """The same of each shard, as a tuple; None: there is no journal."""
    @property
    def recovery(self) -> Recovery | None:
        """What opening the journal found; None: there is no journal.

        Of several shards each has its own: AeroMatchError, see `recoveries`.
        """
    @property
    def recoveries(self) -> tuple[Recovery, ...] | None:
        """The same of each shard, as a tuple; None: there is no journal."""
    @property
    def _path(self) -> Path | None:
        """The directory of its journals, from the root on; None: there is no journal."""
    def __new__(cls, shards: int | Shards | None = None) -> Self: ...
    @staticmethod
    def open(
        path: str | PathLike[str],
        *,
        durability: Literal["disk", "os", "memory"] | str = "disk",
        segment_bytes: SupportsIndex = 67108864,
        snapshot_bytes: SupportsIndex = 268435456,
        snapshot_interval_s: SupportsIndex = 300,
        keep_snapshots: SupportsIndex = 2,
        retain_bytes: SupportsIndex | None = None,
        shards: int | Shards | None = None,
    ) -> Exchange:
        """Opens the directory of an exchange's journal and snapshots, new or not, and recovers what is there.

        Every command is in the journal before it is applied and answered. A forgotten close loses nothing that was
        answered: it is made up for when the exchange is forgotten, and when the interpreter ends. Ctrl-C ends the
        recovery; the next one begins again.

        With shards, each has a thread and a journal of its own; several have a directory each below this one. Their
        number is decided when the directory is made.

        Arguments:
            path: The directory; it is made if it is not there.
            durability: When a command is answered: "disk": it survives a loss of power; "os": it survives the end of
                the process, however it ends; "memory": at once, and it is lost with a process that is killed.
            segment_bytes: Size of a file of the journal, 4,096 .. 2^40.
            snapshot_bytes: So many bytes of full files of the journal lead to a snapshot.
            snapshot_interval_s: So many seconds lead to a snapshot, if there were commands; 0: by volume only.
            keep_snapshots: How many snapshots stay, at least 1.
            retain_bytes: What the journal may take before its oldest files go that lie before all snapshots; None: all
                stay.
            shards: How many shards, or Shards; None: as many as are there, and for a new directory none: commands are
                applied by the thread that brings them.

        Returns:
            The exchange, as it was after the last command that is in the journal; also a context manager.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The path is empty, a word is unknown, or a number is out of range.
            JournalError: The directory is in use, a file, not writable, has another number of shards, or what is in it
                is damaged, incomplete or of an unknown version: `kind` says which. Nothing in it was changed.
        """
    def submit(
        self,
        symbol: str,
        side: Side | str,
        *,
        quantity: _Amount,
        price: _Amount | None = None,
        order_type: OrderType | str = "limit",
        time_in_force: TimeInForce | str = "gtc",
        account: _Account | None = None,
        client_order_id: str | None = None,
        timestamp: SupportsIndex | None = None,
        expire_at: SupportsIndex | None = None,
        post_only: bool | Literal["slide"] = False,
        protection_price: _Amount | None = None,
        budget: _Amount | None = None,
        stop_price: _Amount | None = None,
        trail_offset: _Amount | None = None,
        trail_offset_bps: SupportsIndex | None = None,
        display_quantity: _Amount | None = None,
        min_quantity: _Amount | None = None,
        self_trade_prevention: SelfTradePrevention | str | None = None,
        self_trade_group: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Enters a new order.

        Where the instrument has settlement, the order is accepted against available funds only (R30): a buy holds its
        price times quantity and the worst fee, a sale what it sells.

        Arguments:
            symbol: The instrument.
            side: Side.BUY or Side.SELL, or "buy", "sell".
            quantity: In units, a whole number of lots, 1 .. 2^48 of them.
            price: Limit price in money, a whole number of ticks; for order types with a limit only.
            order_type: "limit" (R11), "market" (R12), or "stop", "stop_limit", "trailing_stop", "trailing_stop_limit".
            time_in_force: "gtc", "day", "gtd" (R17), "ioc" (R18), "fok" (R19) or "aon" (R20).
            account: Whose order it is, by name or number; None for nobody's, which settlement does not take.
            client_order_id: The sender's own id, 1 to 36 printable ASCII characters, unique per account (R5).
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            expire_at: When a "gtd" order ends, in nanoseconds (R17).
            post_only: True: rejected rather than taking; "slide": repriced one tick behind what it would take (R13).
            protection_price: A market order's worst price, in money (R12); or
            budget: the most that a market buy may cost, fees included, in money: with settlement it needs either (R30).
                It becomes the protection price that it affords for the whole quantity: the order does not buy until the
                money is used up. Below 0, off the asset's units or above 2^64 - 1 of them it is "invalid_price".
            stop_price: Last trade price that wakes a "stop" or "stop_limit" order, in money (R15).
            trail_offset: How far a trailing stop's price follows the last trade, in money; or
            trail_offset_bps: the same in basis points of that price.
            display_quantity: What an iceberg shows at a time, in units; 0: hidden; None: all of it (R14).
            min_quantity: What it finds on arrival is nothing or at least this, in units; else it is canceled (R21).
            self_trade_prevention: The order's own mode; None: the instrument's (R25).
            self_trade_group: Orders of one group count as one owner (R25).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; `status` is "rejected" where the rules refuse the order (R8). Orders on the second outcome of
            a two-outcome event are told in that outcome's own terms (R32).

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A word is unknown, a text is no number, a number does not fit, or two arguments exclude one
                another.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def cancel(
        self,
        symbol: str,
        order_id: SupportsIndex | None = None,
        *,
        client_order_id: str | None = None,
        account: _Account | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Cancels a live order (R23) and frees what was held for it.

        Arguments:
            symbol: The instrument.
            order_id: Its id; or
            client_order_id: its client order id, which needs the account.
            account: Whose order it must be; None asks as the operator, who finds any order by its id.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            Status "canceled", or "rejected" with "unknown_order" where there is no such live order.

        Raises:
            TypeError: No id was given, or a client_order_id without account, or a wrong type.
            ValueError: A number does not fit its field.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def amend(
        self,
        symbol: str,
        order_id: SupportsIndex | None = None,
        *,
        quantity: _Amount | None = None,
        price: _Amount | None = None,
        client_order_id: str | None = None,
        account: _Account | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Changes a live order's total quantity, its price, or both (R22), and what is held for it.

        Less at the same price keeps its priority. More, or another price, loses it: the order trades if it crosses,
        and rests with what is left. A total of no more than what is filled cancels the order.

        Arguments:
            symbol: The instrument.
            order_id: Its id; or
            quantity: The new total in units, filled part included; None: as it is.
            price: The new limit price in money; None: as it is.
            client_order_id: its client order id, which needs the account.
            account: Whose order it must be; None asks as the operator, who finds any order by its id.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            The order's status after it; "rejected" leaves the order as it was.

        Raises:
            TypeError: No id was given, or a client_order_id without account, or a wrong type.
            ValueError: A text is no number, or a number does not fit its field.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def mass_cancel(
        self,
        *,
        symbol: str | None = None,
        account: _Account | None = None,
        side: Side | str | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Report:
        """Cancels every live order of an account, in order of instrument, then id (R24). Finding none is accepted.

        Arguments:
            symbol: Only that instrument's orders; None: all.
            account: Whose orders; None: everybody's, as the operator.
            side: Only that side; None: both.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report whose events name the canceled orders; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A word is unknown, or a number does not fit its field.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def set_phase(
        self, symbol: str, phase: Phase | str, *, timestamp: SupportsIndex | None = None, tag: SupportsIndex = 0
    ) -> Report:
        """Changes an instrument's trading phase (R26); the same phase again has no effect.

        "pre_open" and "auction" collect orders without trading. A change to "continuous", and one from "auction" to
        "closed", trades them at one price (R27). "halted" and "closed" take cancels only. Closing ends DAY orders
        (R17).

        Arguments:
            symbol: The instrument; of a two-outcome event both have one book, and so one phase.
            phase: "continuous", "pre_open", "auction", "halted" or "closed".
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report with the events; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The phase is unknown, or a number does not fit its field.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def advance_time(self, timestamp: SupportsIndex, symbol: str | None = None, *, tag: SupportsIndex = 0) -> Report:
        """Lets time pass (R2): what expires by then ends (R17), a halt that ends by then becomes an auction (R28).

        Arguments:
            timestamp: The time it is now, in nanoseconds; earlier than the last one seen counts as that.
            symbol: Only for that instrument, with settlement for its clearing group; None: everywhere.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            A report with the events; its `status` is None, it is about no single order.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A number does not fit its field.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def process(self, batch: Commands | Buffer | NDArray[Any]) -> Events:
        """Applies a batch of commands of any kind, with the interpreter lock released.

        The whole batch is checked before its first command is applied. Ctrl-C is seen between groups of commands: those
        before it stay applied, `sequence` tells how many, and their events are lost.

        Arguments:
            batch: What `aeromatch.commands` made, or 64-byte slots (docs/records.md) as a contiguous array of
                COMMAND_DTYPE or of bytes, or as bytes. Read-only memory is read in place, writable memory is copied
                first.

        Returns:
            The events, each in the terms of its book, in memory that the exchange uses again once nothing refers to it
            any more.

        Raises:
            TypeError: The batch is nothing of this kind.
            ValueError: The array's memory is not contiguous.
            RecordError: A slot is no command; it says which, and why. Nothing was applied.
            JournalError: The journal has stopped.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def create_asset(self, name: str, decimals: SupportsIndex = 8, *, tag: SupportsIndex = 0) -> Receipt:
        """Makes an asset: money, a coin, whatever accounts hold.

        Arguments:
            name: 1 to 63 bytes, without control characters, outer spaces and slashes.
            decimals: Decimal places, 0 .. 18: balances are whole numbers of 10^-decimals.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The name is too long or empty, or the decimals are out of range.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def create_group(self, name: str, *, tag: SupportsIndex = 0) -> Receipt:
        """Makes a clearing group: balances are kept per group, and instruments with settlement belong to one (R30).

        Arguments:
            name: 1 to 63 bytes, without control characters and outer spaces.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The name is too long or empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def create_account(self, name: str, *, tag: SupportsIndex = 0) -> Receipt:
        """Makes an account, with nothing in it.

        Arguments:
            name: 1 to 63 bytes, without control characters and outer spaces.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "already_exists" or "invalid_name" where it cannot be made.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The name is too long or empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def create_instrument(
        self,
        instrument: Instrument,
        *,
        index: Literal["ladder", "btree", "skiplist", "heap"] | str = "ladder",
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Makes an instrument and its book.

        With settlement, also the assets, the clearing group and the fee account that it names, where they are not there
        yet.

        Arguments:
            instrument: What is traded, in which units, under which settings. Its number 0 means the lowest free one
                from 1.
            index: Price index: "ladder", "btree", "skiplist" or "heap". Events do not depend on it (R3).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened and was made; rejected with "already_exists" where symbol or number are taken, "invalid_name",
            or "invalid_quantity" where an asset is there with decimals that do not fit.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The index is unknown, or a name is too long or empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def create_event(
        self,
        name: str,
        *,
        outcomes: Sequence[str],
        currency: str,
        tick_size: _Amount = "0.01",
        lot_size: _Amount = "1",
        group: str = "main",
        fee_account: str = "fees",
        maker_fee_bps: SupportsIndex = 0,
        taker_fee_bps: SupportsIndex = 0,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Makes an event market (R32).

        One unit of cash buys a full set of shares, one of each outcome, of which the winner's will be worth one unit
        and the others nothing. Each outcome trades as "event/outcome", at prices between 0 and 1. Two outcomes share
        one book, in which buying one at p is selling the other at 1 - p.

        Arguments:
            name: The event's name: without control characters, outer spaces and slashes.
            outcomes: 2 to 15 names, likewise, in their order; with the event's name and a slash at most 63 bytes.
            currency: The asset that shares are paid in; it is made if it is not there.
            tick_size: Size of one tick, in money; it goes into 1 a whole number of times.
            lot_size: Size of one lot, in shares.
            group: The clearing group; it is made if it is not there.
            fee_account: The account that fees go to and rebates come from; it is made if it is not there.
            maker_fee_bps: What a resting order pays, in basis points of what it trades; below 0 a rebate (R31).
            taker_fee_bps: What an aggressor pays; both together are at least 0.
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened and was made; rejected with "already_exists", "invalid_name", "invalid_quantity" (the currency
            is there with decimals that do not fit), "invalid_price" (a tick of 1, which leaves no price between 0 and
            1) or "invalid_combination" (two outcomes of one name, a rebate with two outcomes, shares as currency).

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A name is too long or empty, or a number is out of range.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def deposit(
        self,
        account: _Account,
        asset: str,
        amount: _Amount,
        *,
        group: str = "main",
        id: str | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Brings funds in.

        Arguments:
            account: Whose they are, by name or number.
            asset: The asset.
            amount: A whole number of the asset's units, above 0.
            group: The clearing group that they are kept in (R30). There is none at first, not even "main": an
                instrument with settlement, an event or `create_group` makes it.
            id: The sender's own id, 1 to 36 bytes: a second deposit, withdrawal or transfer of the account with it,
                in the same group, is rejected, so that one whose answer was lost can be sent again.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "unknown_account", "unknown_asset", "unknown_group", "invalid_name" (the id is
            longer than 36 bytes), "invalid_quantity" (also off the asset's units), "invalid_combination" (shares of an
            event are minted) or "duplicate_transfer".

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A text is no number, or the account or the id is empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def withdraw(
        self,
        account: _Account,
        asset: str,
        amount: _Amount,
        *,
        group: str = "main",
        id: str | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Takes available funds out; what is held for live orders stays.

        Arguments:
            account: Whose they are, by name or number.
            asset: The asset.
            amount: A whole number of the asset's units, above 0.
            group: The clearing group that they are kept in (R30).
            id: The sender's own id, 1 to 36 bytes: a second deposit, withdrawal or transfer of the account with it,
                in the same group, is rejected.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected as a deposit can be, or with "insufficient_funds".

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A text is no number, or the account or the id is empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def transfer(
        self,
        account: _Account,
        asset: str,
        amount: _Amount,
        *,
        source: str,
        target: str,
        id: str,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Moves an account's available funds from one clearing group to another, once for each id (R30).

        Arguments:
            account: Whose they are, by name or number.
            asset: The asset.
            amount: A whole number of the asset's units, above 0.
            source: The clearing group that they leave.
            target: The clearing group that they go to.
            id: The sender's own id, 1 to 36 bytes.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected as a withdrawal can be, or with "invalid_combination" where both groups are one.

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A text is no number, or the account or the id is empty.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def mint(
        self,
        event: str,
        account: _Account,
        quantity: _Amount,
        *,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Turns cash into full sets of an event's shares: one of each outcome for one unit of cash (R32).

        Arguments:
            event: The event.
            account: Who pays and gets them, by name or number.
            quantity: How many sets: a whole number of lots, above 0.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "unknown_account", "unknown_event", "already_settled", "invalid_quantity" or
            "insufficient_funds".

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A text is no number.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def redeem(
        self,
        event: str,
        account: _Account,
        quantity: _Amount,
        *,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Turns full sets of an event's shares, available ones, back into cash (R32).

        Arguments:
            event: The event.
            account: Who gives them and is paid, by name or number.
            quantity: How many sets: a whole number of lots, above 0.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected as `mint` can be.

        Raises:
            TypeError: An argument is missing or has the wrong type.
            ValueError: A text is no number.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def settle(
        self,
        event: str,
        *,
        outcome: str | None = None,
        value: _Amount | None = None,
        payouts: dict[str, _Amount] | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Ends an event market: cancels its orders, closes its books and pays its shares, once (R32).

        Exactly one of outcome, value and payouts says what they are worth; the parts of a set are worth one unit of
        cash together.

        Arguments:
            event: The event.
            outcome: The one that came true: its shares are worth one unit each, the others nothing.
            value: What a share of the first outcome is worth, in money; with two outcomes the second is worth the rest.
            payouts: A dict of what a share of each outcome is worth, in money; those left out are worth nothing.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected with "unknown_event", "already_settled", "unknown_outcome", or "invalid_price" where
            the parts are no whole numbers of ticks or not worth one unit together.

        Raises:
            TypeError: Not exactly one of outcome, value and payouts was given, or an argument has the wrong type.
            ValueError: A text is no number.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def void(
        self,
        event: str,
        *,
        price: _Amount | None = None,
        payouts: dict[str, _Amount] | None = None,
        timestamp: SupportsIndex | None = None,
        tag: SupportsIndex = 0,
    ) -> Receipt:
        """Ends an event market that nothing was decided in: its shares are refunded at stated prices (R32).

        Arguments:
            event: The event.
            price: What a share of the first outcome is refunded at, in money; with two outcomes the second gets the
                rest; or
            payouts: a dict of what a share of each outcome is refunded at; those left out get nothing.
            timestamp: Time of the command in nanoseconds; None: the last time seen (R2).
            tag: The sender's own number, returned in the command's first event.

        Returns:
            What happened; rejected as `settle` can be.

        Raises:
            TypeError: Not exactly one of price and payouts was given, or an argument has the wrong type.
            ValueError: A text is no number.
            JournalError: The journal has stopped; nothing was applied.
            AeroMatchError: Another thread is using the exchange, or it was closed.
        """
    def balance(self, account: _Account, asset: str, group: str = "main") -> Balance:
        """What an account has of an asset.

        Arguments:
            account: Its name or number.
            asset: The asset.
            group: The clearing group (R30).

        Returns:
            What is available and what is held, exact Decimals with the asset's decimal places; 0 where nothing ever
            was.

        Raises:
            TypeError: An argument has the wrong type.
            UnknownNameError: There is no such account, asset or group.
            AeroMatchError: Another thread is using the exchange.
        """
    def balances(self, account: _Account) -> tuple[Balance, ...]:
        """Everything that an account has.

        Arguments:
            account: Its name or number.

        Returns:
            A tuple of its balances that are not 0, in order in which assets, then groups, were made.

        Raises:
            TypeError: An argument has the wrong type.
            UnknownNameError: There is no such account.
            AeroMatchError: Another thread is using the exchange.
        """
    def positions(self, account: _Account) -> tuple[Position, ...]:
        """What an account traded of each instrument with settlement, and has of it.

        Arguments:
            account: Its name or number.

        Returns:
            A tuple of positions by number of instrument; instruments that it never traded are left out.

        Raises:
            TypeError: An argument has the wrong type.
            UnknownNameError: There is no such account.
            AeroMatchError: Another thread is using the exchange.
        """
    def book(self, symbol: str) -> BookView:
        """An instrument's book: a live, read-only view.

        Arguments:
            symbol: The instrument; of an event "event/outcome".

        Returns:
            A view that shows the book as it is whenever it is asked; of the second of two outcomes in that outcome's
            terms.

        Raises:
            TypeError: The symbol is no str.
            UnknownNameError: There is no such instrument.
        """
    def instruments(self) -> tuple[Instrument, ...]:
        """Every instrument, by number, as it is here: with its number, and of its assets the decimals.

        Returns:
            A tuple of Instrument.
        """
    def accounts(self) -> tuple[str, ...]:
        """The names of all accounts, in the order in which they were made: number 1 first.

        Returns:
            A tuple of str.
        """
    def groups(self) -> tuple[str, ...]:
        """The names of all clearing groups, in the order in which they were made (R30).

        Returns:
            A tuple of str.
        """
    def assets(self) -> tuple[Asset, ...]:
        """All assets, in the order in which they were made; shares of events are called "event/outcome".

        Returns:
            A tuple of Asset.
        """
    def events(self) -> tuple[EventMarket, ...]:
        """All event markets, in the order in which they were made (R32).

        Returns:
            A tuple of EventMarket.

        Raises:
            AeroMatchError: Another thread is using the exchange.
        """
    def account_number(self, name: str) -> int:
        """The number of an account, which batches carry.

        Arguments:
            name: The account.

        Returns:
            1, 2, ... in the order in which accounts were made.

        Raises:
            TypeError: The name is no str.
            UnknownNameError: There is no such account.
        """
    def account_name(self, number: SupportsIndex) -> str | None:
        """The name of an account's number.

        Arguments:
            number: 0 .. 2^32 - 1.

        Returns:
            The name; None if that number has none.
        """
    def instrument_number(self, symbol: str) -> int:
        """The number of an instrument, which batches carry.

        Arguments:
            symbol: The instrument.

        Returns:
            1 .. 2^24 - 1.

        Raises:
            TypeError: The symbol is no str.
            UnknownNameError: There is no such instrument.
        """
    def digest(self) -> str:
        """Hash of all that can influence a later event (docs/records.md): equal for every index and platform.

        Of several shards it is the hash, BLAKE2b of 32 bytes too, of their digests in order.

        Returns:
            64 hexadecimal digits.
        """
    def snapshot(self, shard: SupportsIndex | None = None) -> bytes:
        """The whole exchange as versioned, checksummed bytes.

        Several shards have a state each: a snapshot is of one of them, and what is restored from it is that shard
        alone, which refuses what lives elsewhere.

        Arguments:
            shard: Of which shard, from 0; None: of the only one.

        Returns:
            What `restore` takes.

        Raises:
            AeroMatchError: There are several shards and none of them was named.
        """
    @staticmethod
    def restore(blob: Buffer | NDArray[Any]) -> Exchange:
        """The exchange of a snapshot, in memory: the same commands lead to the same events as in the old one (R3).

        Arguments:
            blob: What `snapshot` gave, as bytes or any contiguous buffer.

        Returns:
            A new exchange.

        Raises:
            SnapshotError: The bytes are no snapshot, of another version, or damaged: it says what is wrong.
            TypeError: The blob has no bytes.
        """
    def compact(self, shard: SupportsIndex | None = None) -> SnapshotInfo | None:
        """Makes a snapshot of everything up to now and proves it.

        The compactor does the same in the background, by volume and time. Ctrl-C is seen when the snapshot is done.

        Arguments:
            shard: Of which shard, from 0; None: of the only one.

        Returns:
            The newest snapshot; None before the first command.

        Raises:
            JournalError: There is no room for it (kind "io"; the exchange goes on), or the journal has stopped.
            AeroMatchError: The exchange is in memory, in use by another thread, or closed, or it has several shards and
                none of them was named.
        """
    def stream(self, from_sequence: SupportsIndex | tuple[SupportsIndex, ...] = 0) -> EventStream:
        """Every event from a sequence number on, then those that come: needs shards.

        Arguments:
            from_sequence: The number of the first command whose events are wanted, of every shard; or a tuple with one
                for each, such as an earlier stream's `position`. 0 and 1 are the beginning.

        Returns:
            A stream with a place of its own, for one thread at a time.

        Raises:
            TypeError: `from_sequence` is neither an int nor a tuple of int.
            ValueError: A number does not fit or is beyond the next command, or there are not as many as shards.
            StreamLagged: The exchange is in memory and has those events no more.
            JournalError: The journal cannot be read.
            AeroMatchError: The exchange has no shards, or it was closed.
        """
    def counters(self) -> list[ShardCounters]:
        """What each shard has done since it was opened.

        Returns:
            A list of ShardCounters, by shard; empty where there are no shards.

        Raises:
            AeroMatchError: The exchange was closed.
        """
    def _samples(self) -> NDArray[np.void]:
        """The samples of batches that the shards have taken since the last call.

        Returns:
            An array of SAMPLE_DTYPE, by shard.
        """
    def port(self) -> Exchange:
        """Another way to the same exchange, for one thread more: needs shards.

        An exchange, and each of its ports, is used by one thread at a time. Commands of one port are applied in its
        order if one shard takes them, those of two in any. Closing a port gives up this way only; closing the exchange
        ends its ports.

        Returns:
            The exchange with everything that it has, as another object; also a context manager.

        Raises:
            AeroMatchError: The exchange has no shards, or it was closed.
        """
    def _door(self) -> Exchange:
        """A port whose commands return tickets, None where there is no room: `_answers` gives what came of them.

        Returns:
            An exchange to be used by one thread, beside the first one.
        """
    def _order_batch(self, orders: list[Any], accounts: list[str | None], tags: list[int]) -> _OrderBatch:
        """New orders, read and ready to be sent.

        Arguments:
            orders: A list of objects with the attributes of `aeromatch.schema.orders.NewOrder`.
            accounts: Whose each of them is, by name; None for nobody's.
            tags: The sender's own number of each, returned in its command's first event.

        Returns:
            A batch, whose orders go to the shards with `send`.

        Raises:
            TypeError: An argument is no list, or the lists are not of one length.
            AeroMatchError: The exchange has no shards.
        """
    def _begin_close(self) -> None:
        """Takes no more commands, from any port: the first step of `close`, which may have to wait for answers."""
    def _fileno(self) -> int:
        """What becomes readable when a door has answers, once `_answers` has said that there are no more.

        Returns:
            A file descriptor.
        """
    def _answers(self) -> list[tuple[int, Report | Receipt | Exception]]:
        """What came of a door's commands since the last call.

        Returns:
            A list of tickets with a Report, a Receipt or the exception to raise.
        """
    def close(self) -> None:
        """Makes everything durable and ends the exchange: it and its views cannot be used any more.

        Raises:
            JournalError: The journal has stopped, or cannot be written; the exchange is closed all the same.
            AeroMatchError: Another thread is using the exchange.
        """
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None, /
    ) -> None: ...

@final
class _OrderBatch:
    """New orders on their way to the shards, and what came of them."""

    @property
    def parts(self) -> int:
        """How many shards its orders go to: `send` has to succeed as often."""
    def send(self) -> int | None:
        """Sends the orders that go to the next shard.

        Returns:
            The ticket under which they are answered; None: there was no room, and nothing was sent.

        Raises:
            AeroMatchError: The exchange was closed, or has stopped.
        """
    def results(self) -> list[tuple[int, bytes] | tuple[str, str, int]]:
        """What came of the orders, once every part is answered.

        Returns:
            A list in the order in which they came, of tuples: the order's id and its JSON as bytes; or, where it was
            refused, a slug, a sentence that may be empty, and the id of the order that has its client order id, or 0.
        """
    def __len__(self) -> int: ...

@final
class EventStream:
    """Every event of an exchange with shards, from some number on and then as they come.

    What an exchange still has in memory comes from there, what is older from its journals. Reading it costs the
    matching threads nothing: they never wait for a reader. One that falls so far behind that events it has not read are
    overwritten gets StreamLagged, and another stream from its `position` has them from the journal.

    Events of one shard come in order, those of several in any. It is an iterator over batches that ends when the
    exchange is closed and everything was read.
    """

    def read(self, limit: SupportsIndex = 65536, timeout_s: float | None = None) -> Events | None:
        """The next events, of one shard.

        Arguments:
            limit: About so many at most: on to the end of the command that reaches it.
            timeout_s: Wait at most so long for one, in seconds; 0: only look; None: as long as it takes. Ctrl-C ends
                the wait.

        Returns:
            The events; None if none came in time, or there will be none any more: see `ended`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
            StreamLagged: Events that were not read are overwritten; `position` says where to open another stream.
            JournalError: The journal cannot be read.
            AeroMatchError: Another thread is using the stream, or it was closed.
        """
    @property
    def position(self) -> tuple[int, ...]:
        """Where to go on, by shard: `Exchange.stream(position)` begins with what was not read yet.

        Commands without events are not seen on the way, so it may lie before the end of a shard that has none to give.
        """
    @property
    def _last_shard(self) -> int:
        """The shard whose events the last `read` gave, from 0."""
    @property
    def _is_live(self) -> bool:
        """Whether the next `read` looks at memory only: everything that lies in journals was read."""
    @property
    def ended(self) -> bool:
        """Whether the exchange was closed and everything was read."""
    def fileno(self) -> int:
        """What becomes readable when there are events again, after `read` has given None.

        Returns:
            A file descriptor, for select, poll and event loops; it is only to be waited for.

        Raises:
            AeroMatchError: The stream was closed.
        """
    def close(self) -> None:
        """Gives up the place in the stream. A second time does nothing."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> Events: ...

@final
class DepthReader:
    """A copy of a book's best levels, of one moment between two batches of its shard.

    `read` makes a new one, past whatever door other threads use the exchange by; it waits until the shard is between
    two batches, so an event loop is no place for it. What it has read stays until the next time: any thread may look
    at it.

    Arguments:
        exchange: Whose book it is.
        symbol: The instrument; of an event's second outcome the levels are in that outcome's own terms (R32).
        levels: At most so many of each side; 0: all.

    Raises:
        TypeError: An argument has the wrong type.
        UnknownNameError: There is no such instrument.
    """

    def __new__(cls, exchange: Exchange, symbol: str, levels: SupportsIndex = 0) -> Self: ...
    @property
    def symbol(self) -> str:
        """The instrument."""
    @property
    def instrument(self) -> int:
        """The instrument's number."""
    @property
    def book(self) -> int:
        """The number of the instrument in whose book this one trades: its own, or the event's first outcome."""
    @property
    def shard(self) -> int:
        """The shard that has the book, from 0; without shards 0."""
    @property
    def sequence(self) -> int:
        """Number of the last command that the copy has seen; 0 before the first `read`."""
    def read(self) -> bool:
        """Copies the book as it is now.

        Returns:
            Whether its levels are others than the last time.

        Raises:
            JournalError: The shard has stopped.
            AeroMatchError: The exchange was closed; or, without shards, another thread is using it.
        """
    def levels(self, levels: SupportsIndex = 0) -> tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]]:
        """The copy's best levels.

        Arguments:
            levels: At most so many of each side; 0: all that were read.

        Returns:
            Its sequence number, the time of the book's last command in nanoseconds since the Unix epoch, bids and asks:
            lists of price and quantity as text, best first.
        """
    def top(self) -> tuple[int, tuple[str, str] | None, tuple[str, str] | None]:
        """The best levels as the shard has published them: nobody waits for that. Of the copy, where it publishes none.

        Returns:
            A sequence number, then price and quantity of the best bid and of the best ask; None where there is none.

        Raises:
            AeroMatchError: The exchange was closed.
        """

@final
class DepthDiffer:
    """What changed of a book since the last time that this was asked.

    It begins with the reader's copy as it is: `snapshot`. Whoever applies every `take` to that has what the reader had
    then; each begins one above the id that the last one ended with.

    Arguments:
        reader: Where the copies come from; several differs may follow one.
        levels: At most so many of each side; 0: all that the reader has.
    """

    def __new__(cls, reader: DepthReader, levels: SupportsIndex = 0) -> Self: ...
    def take(self) -> tuple[int, int, int, list[tuple[str, str]], list[tuple[str, str]]] | None:
        """What is different in the reader's copy since the last `take`, or the beginning.

        Returns:
            First id, last id, time, and the bids and asks that changed: lists of price and quantity as text, best
            first; quantity "0": the level is gone, or, of those that are followed, out of sight. None: nothing changed.
        """
    def snapshot(self) -> tuple[int, int, list[tuple[str, str]], list[tuple[str, str]]]:
        """The levels that the next `take` leads on from.

        Returns:
            The id that the last `take` ended with, time, bids and asks, as of `DepthReader.levels`.
        """

@final
class ShardCounters:
    """What a shard has done since it was opened. Immutable.

    Its numbers were read one by one while the shard worked: they are not of one moment.
    """

    @property
    def shard(self) -> int:
        """Number of the shard, from 0."""
    @property
    def commands(self) -> int:
        """Commands that it has applied."""
    @property
    def batches(self) -> int:
        """Batches that they came in: each is one write of the journal."""
    @property
    def events(self) -> int:
        """Events that came of them."""
    @property
    def refused(self) -> int:
        """Submissions that were refused because the disk is full."""
    @property
    def intake_depth(self) -> int:
        """Submissions that wait for it."""
    @property
    def sequence(self) -> int:
        """Number of its last command (R4)."""
    @property
    def durable_sequence(self) -> int:
        """Number of its last command that survives a loss of power; 0 in memory."""
    @property
    def samples_dropped(self) -> int:
        """Samples of batches that nobody took in time."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Receipt:
    """What a command that is about no order did. Immutable.

    A rejection is data: `status` is "rejected" and `reject_reason` says why (R8).
    """

    @property
    def status(self) -> EventKind:
        """How it was answered: "accepted" or "rejected" (R6)."""
    @property
    def accepted(self) -> bool:
        """Whether the command was accepted."""
    @property
    def reject_reason(self) -> RejectReason | None:
        """Why the command was rejected (R8), None if it was not."""
    @property
    def created(self) -> list[tuple[CreatedKind, str]]:
        """What the command made, in order: pairs of what it is ("asset", "group", ...) and its name."""
    @property
    def events(self) -> list[Event]:
        """All events of this command in order (R7), effects of time first (R6)."""
    @property
    def sequence(self) -> int:
        """The command's number in the log (R4)."""
    @property
    def timestamp(self) -> int:
        """The time of the command, in nanoseconds since the Unix epoch (R2)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Balance:
    """What an account has of one asset in one clearing group, as it was when it was asked for. Immutable."""

    @property
    def account(self) -> str | None:
        """Name of the account."""
    @property
    def asset(self) -> str | None:
        """Name of the asset."""
    @property
    def group(self) -> str | None:
        """Name of the clearing group (R30)."""
    @property
    def available(self) -> Decimal:
        """What can be spent or withdrawn; below 0 only in a fee account, by rebates ahead of fees (R31)."""
    @property
    def held(self) -> Decimal:
        """What is held for live orders (R30)."""
    @property
    def total(self) -> Decimal:
        """Both together."""
    def as_dict(self) -> dict[str, Any]:
        """Its fields, by name.

        Returns:
            A new dict: names and Decimals.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Position:
    """What an account traded of one instrument and has of it, as it was when it was asked for. Immutable."""

    @property
    def account(self) -> str | None:
        """Name of the account."""
    @property
    def symbol(self) -> str:
        """Symbol of the instrument."""
    @property
    def quantity(self) -> Decimal:
        """What the account has of the traded asset in the instrument's clearing group, held part included."""
    @property
    def bought_quantity(self) -> Decimal:
        """What it bought, in units."""
    @property
    def bought_notional(self) -> Decimal:
        """What that cost without fees, in money."""
    @property
    def sold_quantity(self) -> Decimal:
        """What it sold, in units."""
    @property
    def sold_notional(self) -> Decimal:
        """What that brought without fees, in money."""
    @property
    def fees(self) -> Decimal:
        """Fees paid less rebates received, in money (R31)."""
    def as_dict(self) -> dict[str, Any]:
        """Its fields, by name.

        Returns:
            A new dict: names and Decimals.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Asset:
    """Something that accounts hold. Immutable."""

    @property
    def name(self) -> str:
        """Its name."""
    @property
    def decimals(self) -> int:
        """Decimal places: balances are whole numbers of 10^-decimals."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class EventMarket:
    """An event market, as it was when it was asked for (R32). Immutable."""

    @property
    def name(self) -> str:
        """Its name."""
    @property
    def outcomes(self) -> tuple[str, ...]:
        """The names of its outcomes, in their order."""
    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols at which its outcomes trade, which are also the names of their shares."""
    @property
    def currency(self) -> str | None:
        """The asset that its shares are paid in."""
    @property
    def group(self) -> str | None:
        """Its clearing group (R30)."""
    @property
    def fee_account(self) -> str | None:
        """The account that fees go to (R31)."""
    @property
    def maker_fee_bps(self) -> int | None:
        """What a resting order pays, in basis points, below 0 a rebate (R31)."""
    @property
    def taker_fee_bps(self) -> int | None:
        """What an aggressor pays, in basis points (R31)."""
    @property
    def tick_size(self) -> Decimal:
        """Size of one tick, in money."""
    @property
    def lot_size(self) -> Decimal:
        """Size of one lot, in shares."""
    @property
    def settled(self) -> bool:
        """Whether it was settled or voided."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Recovery:
    """What opening a journal found. Immutable."""

    @property
    def snapshot_sequence(self) -> int | None:
        """Number of the last command in the snapshot that was used; None: the journal was replayed from its start."""
    @property
    def commands_replayed(self) -> int:
        """Commands that were replayed behind it."""
    @property
    def bytes_cut(self) -> int:
        """Bytes of an unfinished end, which held nothing that was durable, that were cut off."""
    @property
    def cut_file(self) -> str | None:
        """Name of the file in which the cut was made; None if none was."""
    @property
    def cut_offset(self) -> int | None:
        """Byte offset of the cut in that file; None if none was made."""
    @property
    def snapshots_refused(self) -> tuple[str, ...]:
        """What was wrong with snapshots that were damaged, newest first; older ones stood in for them."""
    @property
    def clean(self) -> bool:
        """Whether the journal ended with a close, and the state has the digest that it had then."""

@final
class SnapshotInfo:
    """A snapshot on disk. Immutable."""

    @property
    def file(self) -> str:
        """Name of the file, in the exchange's directory."""
    @property
    def sequence(self) -> int:
        """Number of the last command in it."""
    @property
    def digest(self) -> str:
        """Digest of the state, 64 hexadecimal digits: what `Exchange.digest` was after that command."""
    @property
    def bytes(self) -> int:
        """Bytes of the file."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Report:
    """What a command did. Immutable; amounts are exact Decimals.

    A rejection is data: `status` is "rejected" and `reject_reason` says why (R8).
    """

    @property
    def order_id(self) -> int | None:
        """Id of the order that the command made, changed or ended; None if rejected, or about no single order."""
    @property
    def status(self) -> OrderStatus | None:
        """Status of that order after the whole command (R9); "rejected" if it was; None if about no single order."""
    @property
    def accepted(self) -> bool:
        """Whether the command was accepted (R6)."""
    @property
    def filled_quantity(self) -> Decimal:
        """What the order traded in this command, in units."""
    @property
    def remaining_quantity(self) -> Decimal:
        """What of the order is live after the command, in units; 0 once it is done."""
    @property
    def average_price(self) -> Decimal | None:
        """Average price of `filled_quantity`: exact to 28 digits, half-even (R9); None without a fill."""
    @property
    def trades(self) -> list[Trade]:
        """The trades of this command, in order."""
    @property
    def events(self) -> list[Event]:
        """All events of this command in order (R7), effects of time first (R6)."""
    @property
    def level_changes(self) -> list[LevelChange]:
        """The price levels that this command changed, as it left them: bids, then asks, best price first (R7)."""
    @property
    def reject_reason(self) -> RejectReason | None:
        """Why the command was rejected (R8), None if it was not."""
    @property
    def sequence(self) -> int:
        """The command's number in the log (R4)."""
    @property
    def timestamp(self) -> int:
        """The book's time after the command, in nanoseconds since the Unix epoch (R2)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Event:
    """One thing that happened (R7). Immutable.

    What a field means depends on the kind (docs/records.md); a field that the kind does not have is None.
    `price_ticks`, `quantity_lots`, `other` and `detail` are the record's own numbers.
    """

    @property
    def kind(self) -> EventKind:
        """What happened."""
    @property
    def reason(self) -> RejectReason | CancelReason | None:
        """Why: a RejectReason or a CancelReason; None for other kinds."""
    @property
    def phase(self) -> Phase | None:
        """The new phase of a `phase` event."""
    @property
    def order_type(self) -> OrderType | None:
        """What an accepted order does on arrival or once its stop price is reached; None in other events."""
    @property
    def undisplayed(self) -> bool | None:
        """Whether an accepted order is not displayed where it rests: hidden (R14) or all-or-none (R20)."""
    @property
    def iceberg(self) -> bool | None:
        """Whether an accepted order is an iceberg, which shows a slice at a time (R14)."""
    @property
    def side(self) -> Side | None:
        """The order's side; of a trade the aggressor's, None in an uncross (R27)."""
    @property
    def price(self) -> Decimal | None:
        """Price in money; 0 for an order without a limit."""
    @property
    def quantity(self) -> Decimal | None:
        """Quantity in units: asked, traded, taken off, canceled, live (amended, triggered) or shown (replenished)."""
    @property
    def order_id(self) -> int | None:
        """The order; of a trade the maker, of a rejected duplicate the first order."""
    @property
    def other_order_id(self) -> int | None:
        """The second order: a trade's taker, a decrement's aggressor."""
    @property
    def total_quantity(self) -> Decimal | None:
        """An amended order's new total, filled part included, in units."""
    @property
    def priority_kept(self) -> bool | None:
        """Whether an amended order kept its priority (R22)."""
    @property
    def trade_id(self) -> int | None:
        """A trade's number, from 1 without gaps (R4)."""
    @property
    def tag(self) -> int | None:
        """The command's own tag, in its accepted or rejected event."""
    @property
    def timestamp(self) -> int | None:
        """The book's time, in its accepted or rejected event: nanoseconds since the Unix epoch."""
    @property
    def created(self) -> CreatedKind | None:
        """What a `created` event says was made: "asset", "group", "account", "instrument" or "event"."""
    @property
    def name(self) -> str | None:
        """The name of what a `created` event says was made."""
    @property
    def asset(self) -> str | None:
        """The asset of a `funds` event."""
    @property
    def group(self) -> str | None:
        """The clearing group of a `funds` event."""
    @property
    def available(self) -> Decimal | None:
        """What the account has available of the asset, after the command."""
    @property
    def held(self) -> Decimal | None:
        """What is held for its live orders, after the command."""
    @property
    def event(self) -> str | None:
        """The event market that a `settled` event is about (R32)."""
    @property
    def mode(self) -> SettlementMode | None:
        """How it was settled: "full", "scalar" or "void" (R32)."""
    @property
    def outcome(self) -> str | None:
        """The outcome that won, in full settlement."""
    @property
    def account(self) -> str | None:
        """Name of the account of the order in `order_id` (of the command in a rejection); None if it has no name."""
    @property
    def account_number(self) -> int:
        """Number of that account, 0 for none."""
    @property
    def instrument(self) -> int:
        """The instrument's number; in a `funds` event the asset's."""
    @property
    def sequence(self) -> int:
        """The command's number in the log (R4)."""
    @property
    def index(self) -> int:
        """The event's place within its command, from 0 (R4)."""
    @property
    def price_ticks(self) -> int:
        """Price in ticks."""
    @property
    def quantity_lots(self) -> int:
        """Quantity in lots."""
    @property
    def other(self) -> int:
        """The record's field `other`."""
    @property
    def detail(self) -> int:
        """The record's field `detail`."""
    def as_dict(self) -> dict[str, Any]:
        """The fields that this kind of event has, by name.

        Returns:
            A new dict: enum members, Decimals, ints and bools.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Trade:
    """Two orders traded. Immutable."""

    @property
    def trade_id(self) -> int:
        """Its number: per instrument, from 1, without gaps (R4)."""
    @property
    def price(self) -> Decimal:
        """Price in money: the maker's (R10), or an uncross's one price (R27)."""
    @property
    def quantity(self) -> Decimal:
        """Quantity in units."""
    @property
    def price_ticks(self) -> int:
        """Price in ticks."""
    @property
    def quantity_lots(self) -> int:
        """Quantity in lots."""
    @property
    def maker_order_id(self) -> int:
        """The resting order; in an uncross the one with the lower id (R27)."""
    @property
    def taker_order_id(self) -> int:
        """The aggressor; in an uncross the order with the higher id."""
    @property
    def aggressor_side(self) -> Side | None:
        """Side of the aggressor; None in an uncross, which has none."""
    @property
    def maker_account(self) -> str | None:
        """Name of the maker's account; None if it has no name."""
    @property
    def sequence(self) -> int:
        """The command's number in the log (R4)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Level:
    """A price level as it was when it was asked for, with its statistics since it came to exist. Immutable."""

    @property
    def side(self) -> Side:
        """Its side."""
    @property
    def price(self) -> Decimal:
        """Its price in money."""
    @property
    def quantity(self) -> Decimal:
        """Sum of what its orders display, in units; hidden ones are not counted (R14)."""
    @property
    def order_count(self) -> int:
        """Number of its displayed orders."""
    @property
    def price_ticks(self) -> int:
        """Its price in ticks."""
    @property
    def quantity_lots(self) -> int:
        """Sum of what its orders display, in lots."""
    @property
    def orders_added(self) -> int:
        """Orders that came to rest here since the level came to exist."""
    @property
    def orders_filled(self) -> int:
        """Of these, how many were filled here."""
    @property
    def orders_canceled(self) -> int:
        """Of these, how many left otherwise: canceled, expired, amended away."""
    @property
    def trade_count(self) -> int:
        """Trades at this level since it came to exist."""
    @property
    def traded_quantity(self) -> Decimal:
        """What traded at this level since it came to exist, in units."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class LevelChange:
    """A price level as a command left it (R7). Immutable."""

    @property
    def side(self) -> Side:
        """Its side."""
    @property
    def price(self) -> Decimal:
        """Its price in money."""
    @property
    def quantity(self) -> Decimal:
        """What is displayed there now, in units; 0 if the level is gone."""
    @property
    def order_count(self) -> int:
        """Number of orders displayed there now."""
    @property
    def instrument(self) -> int:
        """The instrument's number."""
    @property
    def price_ticks(self) -> int:
        """Its price in ticks."""
    @property
    def quantity_lots(self) -> int:
        """What is displayed there now, in lots."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Depth:
    """The best levels of both sides as they were when they were asked for. Immutable."""

    @property
    def bids(self) -> list[Level]:
        """Bids, best (highest) first."""
    @property
    def asks(self) -> list[Level]:
        """Asks, best (lowest) first."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Order:
    """A live order as it was when it was asked for. Immutable."""

    @property
    def order_id(self) -> int:
        """Its id (R5)."""
    @property
    def side(self) -> Side:
        """Its side."""
    @property
    def price(self) -> Decimal | None:
        """Its limit price in money; None if it has no limit."""
    @property
    def quantity(self) -> Decimal:
        """Its total quantity in units, filled part included."""
    @property
    def filled_quantity(self) -> Decimal:
        """What of it has been filled, in units."""
    @property
    def remaining_quantity(self) -> Decimal:
        """What of it is live, in units."""
    @property
    def status(self) -> OrderStatus:
        """Its status: "dormant", "open" or "partially_filled" (R9)."""
    @property
    def order_type(self) -> OrderType:
        """Its type; a stop that was triggered is the limit or market order that it became (R15)."""
    @property
    def time_in_force(self) -> TimeInForce:
        """How long it lives (R17 to R20): "gtc", "day", "gtd" or "aon"; a dormant order's may be any."""
    @property
    def account(self) -> str | None:
        """Name of its account; None if it has no name."""
    @property
    def account_number(self) -> int:
        """Number of its account, 0 for none."""
    @property
    def client_order_id(self) -> str | None:
        """Its client order id, None if it has none."""
    @property
    def timestamp(self) -> int:
        """When it was accepted, in nanoseconds since the Unix epoch (R2)."""
    @property
    def expire_at(self) -> int | None:
        """When it ends, in nanoseconds since the Unix epoch; None unless GTD (R17)."""
    @property
    def post_only(self) -> bool | Literal["slide"]:
        """Whether it is post-only: False, True, or "slide" (R13)."""
    @property
    def self_trade_prevention(self) -> SelfTradePrevention | None:
        """Its own self-trade prevention; None for the instrument's (R25)."""
    @property
    def self_trade_group(self) -> int | None:
        """Its self-trade group; None if it has none (R25)."""
    @property
    def stop_price(self) -> Decimal | None:
        """Price that wakes a dormant order, in money; None if it has none, or none yet (R15)."""
    @property
    def trail_offset(self) -> Decimal | None:
        """How far its stop price follows the last trade, in money; None unless trailing so (R15)."""
    @property
    def trail_offset_bps(self) -> int | None:
        """How far its stop price follows the last trade, in basis points of it; None unless trailing so (R15)."""
    @property
    def display_quantity(self) -> Decimal | None:
        """What it shows at most, in units: 0 if hidden, None if all (R14)."""
    @property
    def shown_quantity(self) -> Decimal:
        """What of it is displayed now, in units: 0 for hidden, all-or-none, dormant and waiting market orders."""
    @property
    def min_quantity(self) -> Decimal | None:
        """The least that it trades once its stop price is reached, in units; None if any, or not dormant (R21)."""
    @property
    def protection_price(self) -> Decimal | None:
        """A market order's worst price, in money; None if it has none (R12)."""
    @property
    def price_ticks(self) -> int | None:
        """Its limit price in ticks; None if it has no limit."""
    @property
    def stop_price_ticks(self) -> int | None:
        """Its stop price in ticks."""
    @property
    def trail_offset_ticks(self) -> int | None:
        """Its trail offset in ticks."""
    @property
    def protection_price_ticks(self) -> int | None:
        """Its protection price in ticks."""
    @property
    def quantity_lots(self) -> int:
        """Its total quantity in lots."""
    @property
    def remaining_lots(self) -> int:
        """What of it is live, in lots."""
    @property
    def display_lots(self) -> int | None:
        """What it shows at most, in lots."""
    @property
    def shown_lots(self) -> int:
        """What of it is displayed now, in lots."""
    @property
    def min_lots(self) -> int | None:
        """The least that it trades once its stop price is reached, in lots."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class OrderTracker:
    """Follows every order of an exchange through its events, from its `accepted` to its end (R7, R9).

    Rows are in the orders' own terms, also those entered for the second of two outcomes, which stand in the first one's
    book (R32). An order that has ended is told of once more and then forgotten.

    Arguments:
        exchange: Whose events they are: it knows second outcomes. Without it there are none.
    """

    def __new__(cls, exchange: Exchange | None = None) -> Self: ...
    def apply(
        self, events: Events | Buffer | NDArray[Any], /, shard: SupportsIndex = 0
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Takes events of whole commands of one shard, each shard's in order.

        Arguments:
            events: Events, or an array of EVENT_DTYPE.
            shard: Which shard's they are.

        Returns:
            Two arrays: of ORDER_DTYPE the orders that changed, each once and as the events leave it, and of FILL_DTYPE
            what was traded, two rows for each trade.

        Raises:
            TypeError: They are no events.
            ValueError: They do not follow from what was taken before; then the tracker is of no more use.
        """
    def load(self, orders: Buffer | NDArray[Any], /, *, times_ns: Sequence[SupportsIndex] = ...) -> int:
        """Goes on where another tracker was: to be called before `apply`.

        Arguments:
            orders: Rows of ORDER_DTYPE; those that have ended are passed over.
            times_ns: The time of each shard, as the other one's `time_ns` gave it.

        Returns:
            How many orders are live now.

        Raises:
            TypeError: They are no such rows.
        """
    def order(self, order_id: SupportsIndex, /) -> np.void | None:
        """A live order as it is now: a row of ORDER_DTYPE.

        Arguments:
            order_id: Its id.

        Returns:
            The row; None where no such order is live.
        """
    def live_orders(
        self, *, account: SupportsIndex | None = None, instrument: SupportsIndex | None = None
    ) -> NDArray[np.void]:
        """Live orders in order of id, as an array of ORDER_DTYPE.

        Arguments:
            account: Only those of this account, by number; None: of all.
            instrument: Only those entered for this instrument, by number; None: for any.
        """
    def time_ns(self, shard: SupportsIndex = 0, /) -> int:
        """Time of the last answer of a shard, in nanoseconds since the Unix epoch (R2); 0 before the first."""
    def __len__(self) -> int:
        """Return len(self)."""

@final
class BinaryServer:
    """Serves the binary protocol (docs/binary.md) over TCP and a Unix socket. Linux only.

    Its threads are its own: no interpreter is on the path of an order. It reads and writes by the exchange's shards,
    not by the object that it is given, which others go on using. `close` it before the exchange; it is a context
    manager.

    Arguments:
        exchange: An exchange with shards.
        admission: Who may come in.
        tcp: Host and port to listen at, port 0 for one that the system chooses; None: not at all.
        unix_path: Where to make a socket for this user alone; None: nowhere. One that nobody listens on is replaced.
        open_session: Called with key id, account and remote address of every login that was good, the first two None
            where there is none, and with whether the account's orders end with the session; returns the session's
            number, above 0 and below 2^31. It is called on a thread of the server's. An error with a `slug` refuses the
            session.
        close_session: Called with the number when the session has ended, and orders that were to end with it are
            canceled; also on a thread of the server's.
        max_frame_bytes: Most bytes of a frame's body, from 4096 to 4 MiB.
        outbound_bytes: Most bytes that wait for a client before it is ended.
        heartbeat_ms: Time between heartbeats where the client does not say, from 100 to 600000.
        login_timeout_ms: How long a login may take.
        max_subscriptions: Subscriptions of one session.
        depth_interval_ms: Levels of a book are told at most this often.

    Raises:
        ValueError: An argument is not what it can be, or there is nowhere to listen.
        OSError: An address cannot be had.
        AeroMatchError: The exchange has no shards, or is closed.
    """

    def __new__(
        cls,
        exchange: Exchange,
        admission: Admission,
        *,
        open_session: Callable[[str | None, str | None, str, bool], int],
        close_session: Callable[[int], object] | None = None,
        tcp: tuple[str, int] | None = None,
        unix_path: str | PathLike[str] | None = None,
        max_frame_bytes: int = 1048576,
        outbound_bytes: int = 16777216,
        heartbeat_ms: int = 10000,
        login_timeout_ms: int = 5000,
        max_subscriptions: int = 256,
        depth_interval_ms: int = 10,
    ) -> Self: ...
    @property
    def addresses(self) -> dict[str, str]:
        """Where it listens: "tcp" with host and port, "unix" with the path, each where it does."""
    def counters(self) -> dict[str, int]:
        """What it has counted, by name; empty once it is closed."""
    def take_names(self) -> list[tuple[int, str]]:
        """Order ids and client order ids of the orders that came with one since the last time, in order.

        The last 131072 are kept.
        """
    def drain(self, timeout_s: float, /) -> bool:
        """Takes nothing new, has all answered that was taken, tells every client why and waits until they are gone.

        Arguments:
            timeout_s: Seconds to wait at most.

        Returns:
            Whether that was done in time.

        Raises:
            ValueError: The time is none.
        """
    def close(self) -> None:
        """Ends it: connections are closed as they are. A second time does nothing."""
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None, /
    ) -> None: ...

@final
class AdmissionRefusal:
    """Why the admission table refuses a request or a connection. Immutable."""

    @property
    def slug(self) -> str:
        """A stable name (docs/security.md)."""
    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
    @property
    def detail(self) -> str:
        """The reason in a sentence."""
    @property
    def retry_after_ms(self) -> int | None:
        """When to try again, in milliseconds from now; None where that does not help."""
    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """What the answer's headers say of it: limits, when to try again, how to authenticate."""

@final
class Admission:
    """Keys, signatures, limits and kill switches: one table for every gateway (docs/security.md).

    No call waits for another: several threads may use it at once. Where a method takes `now_ns`, that is the time
    instead of the machine's clocks: for tests.

    Arguments:
        required: Whether every request needs a key.
        window_ms: How old a signature may be, in milliseconds.
        ahead_ms: How far a signer's clock may be ahead, in milliseconds.
        not_before_ms: Signatures that are not later are refused, in milliseconds since 1970.
        nonces: How many nonces can be remembered; 8 bytes each.
    """

    def __new__(
        cls,
        *,
        required: bool,
        window_ms: int = 5000,
        ahead_ms: int = 1000,
        not_before_ms: int = 0,
        nonces: int = 1048576,
    ) -> Self: ...
    def set_limits(
        self,
        *,
        address_orders: tuple[int, int],
        address_requests: tuple[int, int],
        venue_orders: tuple[int, int],
        failures: tuple[int, int],
        connections: int,
        connections_per_address: int,
    ) -> None:
        """Replaces all limits; a rate is (tokens a second, tokens at once), and 0 a second is no limit.

        Arguments:
            address_orders: Orders, amends and cancels from one address.
            address_requests: Everything else from one address.
            venue_orders: Orders, amends and cancels of all.
            failures: Wrong credentials from one address that are told why.
            connections: Connections of all.
            connections_per_address: Connections from one address.
        """
    def set_keys(
        self,
        keys: Sequence[tuple[str, Sequence[tuple[bytes, int]], str, str | None, tuple[int, int], tuple[int, int]]],
    ) -> None:
        """Replaces all keys. What a key has used of its limits stays used if one with its id is there again.

        Arguments:
            keys: For each its id; its secrets' SHA-256 hashes, each with when it ends in milliseconds since 1970, or 0;
                its role, "read", "trade" or "admin"; its account; its limits of orders and of other requests.

        Raises:
            ValueError: Another role.
        """
    @property
    def connections(self) -> int:
        """How many connections there are."""
    def connect(self, remote: str, /) -> AdmissionRefusal | None:
        """A connection begins: None if it may, and then `disconnect` is to be called when it ends.

        Arguments:
            remote: The other end's address, with or without a port.
        """
    def disconnect(self, remote: str, /) -> None:
        """A connection that was let in has ended.

        Arguments:
            remote: As for `connect`.
        """
    def admit(
        self,
        remote: str,
        role: str,
        cost: int,
        authorization: str | None,
        key: str | None,
        timestamp: str | None,
        nonce: str | None,
        signature: str | None,
        method: str,
        target: bytes,
        body: bytes,
        now_ns: int | None = None,
        /,
    ) -> tuple[str | None, tuple[tuple[bytes, bytes], ...]] | AdmissionRefusal:
        """Lets a request in, or says why not.

        Arguments:
            remote: The other end's address, with or without a port.
            role: What it needs: "read", "trade" or "admin".
            cost: How many tokens it takes from its limits.
            authorization: The header of that name.
            key: Who signed.
            timestamp: When, in milliseconds since 1970.
            nonce: What nobody with this key signs twice.
            signature: 64 hexadecimal digits.
            method: The request's method.
            target: Path and query as they stand in the request.
            body: The body.
            now_ns: Nanoseconds since 1970.

        Returns:
            The key's id, None where no key is needed, and headers that tell what its limits leave.

        Raises:
            ValueError: Another role.
        """
    def screen(
        self,
        remote: str,
        role: str,
        authorization: str | None,
        key: str | None,
        timestamp: str | None,
        nonce: str | None,
        signature: str | None,
        method: str,
        target: bytes,
        now_ns: int | None = None,
        /,
    ) -> AdmissionRefusal | None:
        """Says why a request would be refused, before its body has come; None: it could be let in. Takes from no limit.

        Arguments: as of `admit`, without the body.

        Raises:
            ValueError: Another role.
        """
    def admit_again(
        self, remote: str, key: str, role: str, cost: int, now_ns: int | None = None, /
    ) -> tuple[tuple[bytes, bytes], ...] | AdmissionRefusal:
        """Lets another request in from a connection that has proved who it is, or says why not.

        Arguments:
            remote: The other end's address, with or without a port.
            key: The id of the key that it was let in with.
            role: What it needs: "read", "trade" or "admin".
            cost: How many tokens it takes from the limits of the address and the key.
            now_ns: Nanoseconds since 1970.

        Returns:
            Headers that tell what its limits leave.

        Raises:
            ValueError: Another role.
        """
    def set_switch(self, account: str | None, engaged: bool, /) -> None:
        """Turns the kill switch of an account, or of the venue (None), on or off.

        Arguments:
            account: The account's name.
            engaged: Whether it is on.
        """
    def is_killed(self, account: str | None, /) -> bool:
        """Whether an account may not trade: its kill switch is on, or the venue's.

        Arguments:
            account: The account's name; None: only the venue's counts.
        """

@final
class Histogram:
    """How often each value occurred, to so many significant digits; values are whole numbers from 0 to 2^62 - 1.

    Arguments:
        significant_digits: 1 to 5; a value is known to one part in ten to this power.

    Raises:
        ValueError: Another number of digits.
    """

    def __new__(cls, *, significant_digits: int = 3) -> Self: ...
    def record(self, value: int, /, count: int = 1) -> None:
        """Counts a value.

        Arguments:
            value: From 0 to 2^62 - 1.
            count: How often.

        Raises:
            ValueError: A larger value.
        """
    def record_correct(self, value: int, interval: int, /, count: int = 1) -> None:
        """Counts a value, and those that were not measured because it took so long (coordinated omission).

        Who measures every `interval` and was held up for `value` would also have measured `value` less one interval,
        less two, and so on down to one.

        Arguments:
            value: From 0 to 2^62 - 1.
            interval: Between two measurements that nothing holds up, in the value's unit; 0 adds none.
            count: How often.

        Raises:
            ValueError: A larger value, or one that left out more than 10^8 measurements.
        """
    def record_many(self, values: Buffer | NDArray[Any], /, *, interval: int = 0) -> None:
        """Counts each value of an array; all or, where one is refused, none.

        Arguments:
            values: Whole numbers of 64 bits, as in an array of NumPy's uint64 or int64.
            interval: As in `record_correct`; 0 adds no values.

        Raises:
            TypeError: Not an array of such numbers.
            ValueError: One is out of range.
        """
    def merge(self, other: Histogram, /) -> None:
        """Adds all that another one counted. The digits of this one stay.

        Arguments:
            other: May be this one.
        """
    def percentile(self, percent: float, /) -> int:
        """The value that so many percent of all do not exceed; 0 where nothing was counted.

        Arguments:
            percent: 0 to 100.

        Raises:
            ValueError: Another number.
        """
    @property
    def count(self) -> int:
        """How many values were counted."""
    @property
    def min(self) -> int:
        """The smallest value, 0 where nothing was counted."""
    @property
    def max(self) -> int:
        """The largest value, 0 where nothing was counted."""
    @property
    def mean(self) -> float:
        """The mean, 0 where nothing was counted."""
    @property
    def significant_digits(self) -> int:
        """How many digits of a value are known."""
    def recorded(self) -> list[tuple[int, int]]:
        """Each value that occurs, as the largest that is not told apart from it, and how often it occurs; ascending."""
    def to_bytes(self) -> bytes:
        """All of it as bytes, a few for each value that occurs; equal histograms have equal bytes."""
    @staticmethod
    def from_bytes(data: bytes, /) -> Histogram:
        """The histogram that was made bytes.

        Arguments:
            data: What `to_bytes` gave.

        Raises:
            ValueError: It is nothing of this kind, damaged, or of a version that this one does not know.
        """

@final
class Indicative:
    """What an uncross would do, as it was when it was asked for (R27). Immutable."""

    @property
    def price(self) -> Decimal | None:
        """The one price that everything would trade at, in money; None if nothing would trade."""
    @property
    def quantity(self) -> Decimal:
        """What would trade, in units."""
    @property
    def surplus(self) -> Decimal:
        """What would be left over at that price, in units: above 0 on the buy side, below 0 on the sell side."""
    @property
    def price_ticks(self) -> int | None:
        """That price in ticks; None if nothing would trade."""
    @property
    def quantity_lots(self) -> int:
        """What would trade, in lots."""
    @property
    def surplus_lots(self) -> int:
        """What would be left over, in lots."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Statistics:
    """What a book has seen since it was made, as it was when it was asked for. Immutable."""

    @property
    def commands(self) -> int:
        """Commands that took a sequence number in this book (R4)."""
    @property
    def orders_accepted(self) -> int:
        """New orders accepted."""
    @property
    def orders_amended(self) -> int:
        """Orders amended (R22)."""
    @property
    def rejected(self) -> dict[RejectReason, int]:
        """Commands rejected, by RejectReason; reasons that never occurred are left out (R8)."""
    @property
    def canceled(self) -> dict[CancelReason, int]:
        """Orders canceled, in whole or what was left, by CancelReason; those that never occurred left out (R8)."""
    @property
    def trade_count(self) -> int:
        """Trades."""
    @property
    def traded_quantity(self) -> Decimal:
        """Sum of the trades' quantities, in units."""
    @property
    def notional(self) -> Decimal:
        """Sum of price times quantity over all trades, in money."""
    @property
    def decremented_quantity(self) -> Decimal:
        """Taken off by self-trade prevention's decrement, in units, counted once a pair (R25)."""
    @property
    def last_price(self) -> Decimal | None:
        """Price of the last trade in money; None before the first."""
    @property
    def high_price(self) -> Decimal | None:
        """Highest price of a trade in money; None before the first."""
    @property
    def low_price(self) -> Decimal | None:
        """Lowest price of a trade in money; None before the first."""
    @property
    def order_count(self) -> int:
        """Live orders now."""
    @property
    def bid_levels(self) -> int:
        """Price levels with bids now."""
    @property
    def ask_levels(self) -> int:
        """Price levels with asks now."""
    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that the book's structures hold."""
    def as_dict(self) -> dict[str, Any]:
        """All of it, by name.

        Returns:
            A new dict; the counts by reason are dicts themselves.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class EventBuffer:
    """The events of a batch, as bytes that NumPy reads in place. Read-only; lives as long as an array over it."""

    @property
    def commands(self) -> int:
        """Number of commands that the batch had."""
    @property
    def changes(self) -> ChangeBuffer | None:
        """The level changes of the batch, None unless they were asked for."""
    def event(self, place: SupportsIndex, /) -> Event:
        """The event at a place.

        Arguments:
            place: From 0 to one below the number of events.

        Raises:
            IndexError: There is no such event.
        """
    def __len__(self) -> int: ...

@final
class ChangeBuffer:
    """The level changes of a batch, as bytes that NumPy reads in place. Read-only."""

    def __len__(self) -> int: ...

@final
class ItchReader:
    """Reads a TotalView-ITCH 5.0 file that comes in chunks. For one thread at a time.

    It counts messages, and either replays those of one symbol into a book or keeps some as they are.

    Arguments:
        symbol: The symbol to replay, or to keep messages of; None for none, or every one.
        book: An empty book that the symbol's messages are replayed into; one tick is 0.0001, one lot a share.
        types: The types of messages that `feed` returns, as letters; "" for all of them, None for none.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The symbol cannot be one, a type is unknown, or there are both a book and types.
    """

    def __new__(cls, symbol: str | None = None, *, book: OrderBook | None = None, types: str | None = None) -> Self: ...
    def feed(self, chunk: Buffer, /) -> bytes:
        """Takes the next bytes of the file. Behind a damage nothing is read.

        Arguments:
            chunk: The bytes, as many or few as there are.

        Returns:
            The messages to keep, one after the other, without what stands between them in the file.

        Raises:
            TypeError: The chunk has no bytes.
            ValueError: Its bytes are not contiguous.
            AeroMatchError: Another thread is using the book.
        """
    def finish(self) -> None:
        """Says that the file is over: it is damaged if it ends inside a message."""
    @property
    def damage(self) -> tuple[int, str] | None:
        """Where the file stops making sense: the offset of a byte, and what is wrong there. None: nowhere yet."""
    @property
    def locate(self) -> int | None:
        """The symbol's number in the file; None while no directory message has named it."""
    def symbols(self) -> list[tuple[str, int, int]]:
        """Gives the symbols of the file, in order of their numbers.

        Returns:
            Symbol, number and count of messages of each.
        """
    def day(self) -> dict[str, Any]:
        """Sums up the file.

        Returns:
            A new dict.
        """
    def replayed(self) -> dict[str, Any]:
        """Sums up the replay of the symbol.

        Returns:
            A new dict.
        """

@final
class JournalChunk:
    """Commands of a journal that stand together."""

    @property
    def slots(self) -> bytes:
        """Their slots, extension slots included, numbers stamped."""
    @property
    def starts(self) -> bytes:
        """The place of each command's own slot, as little-endian u32."""
    def __len__(self) -> int: ...

@final
class JournalReader:
    """Looks at the directory of an exchange, which may be at work there: nothing is locked, nothing is changed.

    Arguments:
        path: The directory.

    Raises:
        JournalError: It is no such directory, or its files do not belong together.
    """

    def __new__(cls, path: str | PathLike[str], /) -> Self: ...
    def refresh(self) -> None:
        """Looks at the directory again: it may have grown.

        Raises:
            JournalError: What has come is damaged.
        """
    @property
    def first_sequence(self) -> int:
        """Number of the earliest state: 0, or that of a snapshot where the journal's beginning was removed."""
    @property
    def last_sequence(self) -> int:
        """Number of the last command, as of the last refresh."""
    def commands(self, after: int, /, *, until: int | None = None, limit: int) -> JournalChunk | None:
        """The next commands after one.

        Arguments:
            after: Number of the command before them.
            until: None with a higher number.
            limit: At most so many; there may be fewer though more follow.

        Returns:
            None where there are none, as of the last refresh.

        Raises:
            JournalError: Damaged, or the journal begins later.
        """
    def sequence_at(self, time_ns: int, /) -> int:
        """Number of the last command before the first that brings a later time.

        Arguments:
            time_ns: Nanoseconds since the Unix epoch.
        """
    def snapshots(self) -> list[int]:
        """Numbers of the snapshots, by their files' names, oldest first."""
    def load_snapshot(self, sequence: int, /) -> Exchange:
        """The exchange of a snapshot, in memory.

        Arguments:
            sequence: The snapshot's number.

        Raises:
            JournalError: Missing or damaged.
        """
    def snapshot(self, sequence: int, /) -> dict[str, Any]:
        """What a snapshot's file says.

        Arguments:
            sequence: The snapshot's number.

        Returns:
            A dict: file, sequence, bytes, digest.

        Raises:
            JournalError: Missing or damaged.
        """
    @property
    def segment_count(self) -> int:
        """Number of segments."""
    def segment(self, place: int, /) -> dict[str, Any]:
        """What a segment's frames hold.

        Arguments:
            place: From 0, the oldest first.

        Returns:
            A dict: file, bytes, used_bytes, frames, commands, first_sequence, last_sequence, first_time_ns,
            last_time_ns (both None where no command brings a time), is_closed (its last frame is that of a close),
            torn_at.

        Raises:
            IndexError: There is no such segment.
            JournalError: Damaged.
        """

@type_check_only
class BenchResult(TypedDict, total=False):
    """What `bench_native` measured; the latencies only if they were asked for."""

    commands: int
    events: int
    elapsed_ns: int
    allocations: int
    resting_orders: int
    memory_bytes: int
    p50_ns: int
    p99_ns: int
    p999_ns: int
    max_ns: int

@type_check_only
class DepthResult(TypedDict):
    """What `bench_depth` measured."""

    levels: int
    index_bytes: int
    top_ns: int
    depth_ns: int

def bench_handoff(
    structure: str,
    items: SupportsIndex,
    *,
    producers: SupportsIndex = 1,
    batch: SupportsIndex = 1,
    core: SupportsIndex | None = None,
) -> int:
    """Hands numbers from producers to one consumer, each on a thread of its own.

    Arguments:
        structure: "spsc" (one producer) or "intake".
        items: How many numbers, a multiple of the producers.
        producers: Threads that push.
        batch: Numbers a push of the ring (the intake takes one at a time), and at most in one take.
        core: The processor that the producers are pinned to; the consumer is the calling thread. None: they are not.

    Returns:
        Nanoseconds from the first push to the last take.

    Raises:
        ValueError: An argument is out of range.
        RuntimeError: What came out is not what went in.
        OSError: There is no such processor.
    """

def bench_round_trip(trips: SupportsIndex, *, core: SupportsIndex | None = None) -> Histogram:
    """Sends a number to another thread and waits for it to come back, through two rings, one at a time.

    Arguments:
        trips: How often.
        core: The processor that the other thread is pinned to; None: it is not.

    Returns:
        A histogram of nanoseconds there and back, a reading of the clock included.

    Raises:
        RuntimeError: What came back is not what was sent.
        OSError: There is no such processor.
    """

@final
class ShardBench:
    """Live shards with books, and one producer each, to be measured and not to trade with.

    Each has the same number of instruments, with standing orders. One thread uses it at a time.

    Arguments:
        shards: How many.
        directory: Where the journals are made; None: there is none.
        durability: "memory", "os" or "disk".
        idle: "spin", "yield" or "park", of the shards and of `pour`.
        cores: The processors that the shards' threads are pinned to, one each; empty: none is.
        window: Submissions that a producer may have unanswered.
        instruments: On each shard.

    Raises:
        ValueError: An argument is unknown or out of range.
        RuntimeError: The shards cannot be opened.
    """

    def __new__(
        cls,
        *,
        shards: int = 1,
        directory: str | PathLike[str] | None = None,
        durability: str = "os",
        idle: str = "spin",
        cores: Sequence[int] = ...,
        window: int = 4096,
        instruments: int = 2,
    ) -> Self: ...
    def prepare(self, commands: int) -> None:
        """Makes the commands that every producer sends next, so that making them is not measured.

        Arguments:
            commands: Of each producer.

        Raises:
            RuntimeError: What was prepared before has not been sent.
        """
    def one_by_one(self) -> tuple[int, Histogram]:
        """Sends what was prepared for the first shard, each command when the one before was answered.

        A closed loop, from this thread.

        Returns:
            Nanoseconds in all, and a histogram of those of each command.

        Raises:
            RuntimeError: A command was refused, or the shards have stopped; also below.
        """
    def at_rate(self, commands_a_second: float, /) -> tuple[int, Histogram, int]:
        """Sends what was prepared for the first shard at fixed times, whatever the answers do.

        An open loop, from this thread.

        Arguments:
            commands_a_second: The rate.

        Returns:
            Nanoseconds in all; a histogram of those from when each command should have been sent to its answer; by how
            many nanoseconds the latest command was sent after its time.
        """
    def pour(self, *, batch: int = 1) -> int:
        """Sends what was prepared for every shard, each from a thread of its own, as fast as it is taken.

        Arguments:
            batch: Commands a submission.

        Returns:
            Nanoseconds until the last answer.
        """
    @property
    def events(self) -> int:
        """Events that came back so far, without those of the standing orders."""
    @property
    def commands_and_batches(self) -> tuple[int, int]:
        """Commands and rounds of all shards so far, the making of the market included."""
    def close(self) -> None:
        """Ends the threads and closes the journals. Nothing can be measured afterwards."""

def register_events(events: type[Events], /) -> None:
    """Tells the extension which class holds the events of a batch; the package does so once, when it is imported.

    Arguments:
        events: A class that is made of an EventBuffer.
    """

def verify_journal(path: str | PathLike[str], /) -> dict[str, Any]:
    """Replays a whole journal and compares every hash of events and every digest on the way. Cannot be interrupted.

    Arguments:
        path: The directory of an exchange, open or not.

    Returns:
        A dict: segments, base_sequence (of the snapshot that the journal starts from, None: the empty exchange),
        commands, last_sequence, snapshots (that agree), digest, torn_bytes, is_closed.

    Raises:
        JournalError: The first thing that is wrong.
    """

def lab_cpus() -> int:
    """Says how many processors this process may use."""

def lab_false_sharing(
    *, threads: SupportsIndex, distance_bytes: SupportsIndex, increment: str, seconds: float
) -> dict[str, int]:
    """Lets threads increment counters of their own at a distance from each other.

    Arguments:
        threads: 1 or 2.
        distance_bytes: Between the counters: 8, 16, 32, 64, 128 or 256.
        increment: "plain" (a load and a store) or "locked" (one locked instruction).
        seconds: How long.

    Returns:
        A dict: increments, what the threads made; counted, what the counters say; elapsed_ns.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_store_buffer(*, ordering: str, seconds: float) -> dict[str, int]:
    """Plays rounds in which two threads each store and then look for the other's store.

    Arguments:
        ordering: "relaxed", "acquire-release", "sequentially consistent" or "fence" (relaxed, with a sequentially
            consistent fence in between).
        seconds: How long.

    Returns:
        A dict of counts: rounds, and of these both_missed, first_saw (only the first saw the second), second_saw and
        both_saw.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_aba_script(*, stamped: bool) -> list[tuple[str, str, int, list[int], list[tuple[int, str]]]]:
    """Plays the interleaving that breaks a free list without stamps, step by step, on the free list itself.

    Arguments:
        stamped: Whether the head has a stamp.

    Returns:
        One tuple a step: thread, action, stamp of the head afterwards, free slots in order, and used slots, each with
        its user; a slot that stands there twice has two.
    """

def lab_aba_race(*, stamped: bool, seconds: float) -> dict[str, int]:
    """Lets two threads take slots of a free list and give them back, in rounds.

    Arguments:
        stamped: Whether the head has a stamp.
        seconds: How long.

    Returns:
        A dict: rounds; broken_rounds, those in which a slot had two users or the list was not whole at the end; takes,
        slots taken.

    Raises:
        ValueError: The time is none.
    """

def lab_seqlock(*, flaw: str, seconds: float) -> dict[str, int]:
    """Lets one thread write pairs of equal words through a seqlock and one read them.

    Arguments:
        flaw: What the seqlock lacks: "none", "writer fence", "publish release", "reader acquire", "reader fence" or
            "second look".
        seconds: How long.

    Returns:
        A dict: values, pairs read; wrong, those of unequal words; nothing, reads to be tried again.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_ring(*, flaw: str, seconds: float) -> dict[str, int]:
    """Lets one thread push 1, 2, 3, ... into a ring and one pop them.

    Arguments:
        flaw: What the ring lacks: "none", "push release", "pop acquire" or "count first" (the producer counts before it
            writes).
        seconds: How long.

    Returns:
        A dict: values, those popped; wrong, those that were not the next number; nothing, looks into an empty ring.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_queue(*, queue: str, producers: SupportsIndex, batch: SupportsIndex, seconds: float) -> dict[str, int]:
    """Moves items of 64 bytes from producers to one consumer.

    Arguments:
        queue: Who keeps them apart: "mutex", "spin", "claimed" (crossbeam's ArrayQueue), "intake" or "rings" (one
            for each producer).
        producers: 1 to 64.
        batch: How many items each side moves at a time at most: 1 to 1024.
        seconds: How long.

    Returns:
        A dict: items, those that came; misplaced, those that were not the next of their producer; lost, those that
        were pushed and never came; elapsed_ns.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_single_writer(*, writing: str, clients: SupportsIndex, window: SupportsIndex, seconds: float) -> dict[str, Any]:
    """Lets clients send orders to one book.

    Arguments:
        writing: Who writes it: "lock" (every client, under a mutex), "shared" (every client at once, by
            compare-exchange) or "single" (one thread, to which clients send).
        clients: 1 to 64.
        window: Orders that a client may have unanswered, 1 to 1024; only "single" heeds it.
        seconds: How long.

    Returns:
        A dict: orders; traded_lots; overtaken, how often a step began again because another one came first;
        is_balanced, 1 if what was bought was sold and the rest rests; latency, a dict of count, p50_ns, p99_ns,
        p999_ns and max_ns from order to answer; elapsed_ns.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_replay(*, threads: SupportsIndex, orders: SupportsIndex, seconds: float) -> dict[str, int]:
    """Lets threads write a book at once, and replays their steps in the order of the tickets on a book of one thread.

    Arguments:
        threads: 1 to 64.
        orders: How many each thread sends at most.
        seconds: How long at most.

    Returns:
        A dict: steps; trades; overtaken, as in lab_single_writer; wrong_tickets, missing ones or double ones;
        different, steps that the replay carries out otherwise; is_same_book, 1 if the same rests at the end.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_pool(*, source: str, load: str, seconds: float) -> dict[str, Any]:
    """Takes memory for values of 64 bytes and gives it back.

    Arguments:
        source: "allocator" (the system's) or "pool".
        load: "one" (one thread), "two" (two threads, each gives back what it took) or "hand-over" (one takes, the
            other one gives back).
        seconds: How long.

    Returns:
        A dict: values, those taken; wrong, those that had two users; turn, a dict of count, p50_ns, p99_ns, p999_ns
        and max_ns of some turns (giving one value and taking another; where another thread gives: taking); elapsed_ns.

    Raises:
        ValueError: An argument is none of these.
    """

def lab_idle(*, idle: str, messages_per_second: SupportsIndex, seconds: float) -> dict[str, Any]:
    """Sends messages at a steady rate to a thread that waits for them.

    Arguments:
        idle: How it waits: "spin", "yield" or "park".
        messages_per_second: 1 to 10 million.
        seconds: How long.

    Returns:
        A dict: messages; latency, from just before each was sent until it was seen, and sending, what it took the
        sender, dicts of count, p50_ns, p99_ns, p999_ns and max_ns; cpu_ns, processor time of the receiver; elapsed_ns.

    Raises:
        ValueError: An argument is none of these.
        OSError: No descriptor is left.
    """

def empty_call() -> None:
    """Calls nothing and returns nothing: the yardstick for the cost of one call from Python."""

def bench_native(
    batch: Commands | Buffer | NDArray[Any],
    *,
    index: str = "ladder",
    mode: str = "throughput",
    warmup: SupportsIndex = 0,
) -> BenchResult:
    """Runs a batch through a new book in a native loop.

    Arguments:
        batch: Commands for instrument 0, or their slots.
        index: Price index: "ladder", "btree", "skiplist" or "heap".
        mode: "throughput" times batches of 4,096 commands whose events go to one buffer, "latency" each command (which
            costs about 20 ns more a command).
        warmup: So many commands run before the measurement starts.

    Returns:
        A dict: commands, events and elapsed_ns of what was measured; allocations of its second half, the steady state;
        resting_orders and memory_bytes of the book at the end; with "latency" also p50_ns, p99_ns, p999_ns and max_ns.

    Raises:
        TypeError: The batch is nothing of this kind.
        ValueError: Index or mode is unknown, or nothing is left to measure.
        RecordError: A slot is no command.
    """

def bench_depth(
    batch: Commands | Buffer | NDArray[Any], *, index: str = "ladder", times: SupportsIndex = 51
) -> DepthResult:
    """Runs a batch through a new book, then reads its depth, each time after a new level has come and gone.

    Arguments:
        batch: Commands for instrument 0, or their slots.
        index: Price index: "ladder", "btree", "skiplist" or "heap".
        times: How often each depth is read.

    Returns:
        A dict: levels of both sides; index_bytes, what their price indexes hold; top_ns, the median time in which the
        ten best levels of both sides are read, and depth_ns, that of all levels.

    Raises:
        TypeError: The batch is nothing of this kind.
        ValueError: The index is unknown, or times is 0.
        RecordError: A slot is no command.
    """
