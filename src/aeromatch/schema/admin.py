"""What operators do: instruments, phases, events, switches."""

from typing import Annotated, Literal

import msgspec

from aeromatch.schema.base import Amount, Answer, Name, Request, Symbol
from aeromatch.schema.orders import SelfTradePrevention

__all__ = [
    "AdminResult",
    "DeadMan",
    "DeadManState",
    "Health",
    "KillSwitch",
    "Me",
    "NewEvent",
    "NewInstrument",
    "SetPhase",
    "Settle",
    "Void",
]


class NewInstrument(Request):
    """An instrument to make: the arguments of `aeromatch.Instrument`, and the price index of its book."""

    symbol: Symbol
    tick_size: Amount = "1"
    lot_size: Amount = "1"
    index: Literal["ladder", "btree", "skiplist", "heap"] = "ladder"
    self_trade_prevention: SelfTradePrevention = "none"
    dedup_window_ns: int = 86_400_000_000_000
    matching: Literal["fifo", "pro_rata", "fifo_pro_rata"] = "fifo"
    fifo_share_bps: int | None = None
    reference_price: Amount | None = None
    static_band_ticks: int | None = None
    static_band_bps: int | None = None
    circuit_breaker_ticks: int | None = None
    circuit_breaker_bps: int | None = None
    halt_ns: int | None = None
    settlement: bool = False
    base: Name | None = None
    quote: Name | None = None
    group: Name | None = None
    fee_account: Name | None = None
    maker_fee_bps: int | None = None
    taker_fee_bps: int | None = None


class NewEvent(Request):
    """An event to make: the arguments of `Exchange.create_event`."""

    name: Name
    outcomes: Annotated[list[Name], msgspec.Meta(min_length=2, max_length=15)]
    currency: Name
    tick_size: Amount = "0.01"
    lot_size: Amount = "1"
    group: Name = "main"
    fee_account: Name = "fees"
    maker_fee_bps: int = 0
    taker_fee_bps: int = 0


class Settle(Request):
    """How an event ends. Exactly one is given.

    Attributes:
        outcome: The outcome that pays 1, the others nothing.
        value: What a share of the first of two outcomes pays; the second pays the rest.
        payouts: What a share of each outcome pays; those left out pay nothing.
    """

    outcome: Name | None = None
    value: Amount | None = None
    payouts: dict[str, Amount] | None = None


class Void(Request):
    """At what an undecided event's shares are refunded. Exactly one is given.

    Attributes:
        price: What a share of the first of two outcomes is refunded at; the second gets the rest.
        payouts: The same of each outcome; those left out get nothing.
    """

    price: Amount | None = None
    payouts: dict[str, Amount] | None = None


class SetPhase(Request):
    """The phase that an instrument goes to (R26)."""

    phase: Literal["continuous", "pre_open", "auction", "halted", "closed"]


class AdminResult(Answer):
    """A command that was done."""

    sequence: int
    timestamp: int
    created: list[str] = msgspec.field(default_factory=list)


class KillSwitch(Request):
    """Turns a kill switch on or off: new orders are refused, and with `cancel_orders` the live ones are canceled."""

    engaged: bool
    cancel_orders: bool = True
    reason: str = ""


class DeadMan(Request):
    """Cancels all orders of the account unless this is sent again in time; 0 turns it off."""

    timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=3_600_000)]


class DeadManState(Answer):
    """When the dead man's switch goes off; null: it is off."""

    timeout_ms: int
    fires_at: int | None


class Me(Answer):
    """Who is asking: the key, what it may do, and the account that it acts for; null: whichever is named."""

    key: str | None
    roles: list[Literal["read", "trade", "admin"]]
    account: str | None


class Health(Answer):
    """Whether the server lives and may be used."""

    status: Literal["starting", "ready", "draining", "failed"]
    version: str
    uptime_s: float
    detail: str = ""
