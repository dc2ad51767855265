"""What everyone may see of a market."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from aeromatch.schema.base import Answer, DecimalText, Nanoseconds, Symbol

__all__ = [
    "Book",
    "Candle",
    "CandlePage",
    "EventMarket",
    "Instrument",
    "PriceLevel",
    "Stats",
    "Ticker",
    "TradePage",
    "TradePrint",
]

PriceLevel: TypeAlias = tuple[DecimalText, DecimalText]
"""A price and the quantity displayed there. In an update quantity "0" means that the level is gone."""


class Book(Answer):
    """The book's levels, best first, as of `last_update_id`.

    With the `depth` channel it makes a local book: take the updates, drop those whose `last_update_id` is not above
    this one, begin with the one that holds the next id, and from then on each begins one above where the last ended.
    """

    symbol: Symbol
    last_update_id: int
    timestamp: Nanoseconds
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class TradePrint(Answer):
    """A trade as the public sees it. `side` is the aggressor's; null for an uncross."""

    trade_id: int
    symbol: Symbol
    price: DecimalText
    quantity: DecimalText
    side: Literal["buy", "sell"] | None
    timestamp: Nanoseconds
    sequence: int


class TradePage(Answer):
    """Some trades, newest first, and where to go on: null at the end."""

    trades: list[TradePrint]
    next_cursor: str | None = None


class Candle(Answer):
    """What was traded in a period that begins at `start`. Where nothing was, all prices are the last close."""

    start: Nanoseconds
    open: DecimalText
    high: DecimalText
    low: DecimalText
    close: DecimalText
    volume: DecimalText
    notional: DecimalText
    trades: int
    is_closed: bool


class CandlePage(Answer):
    """Some candles, oldest first, and where to go on towards older ones: null at the end."""

    symbol: Symbol
    period: str
    candles: list[Candle]
    next_cursor: str | None = None


class Ticker(Answer):
    """A market at a glance; the figures of the last 24 hours."""

    symbol: Symbol
    timestamp: Nanoseconds
    best_bid: DecimalText | None = None
    best_bid_quantity: DecimalText | None = None
    best_ask: DecimalText | None = None
    best_ask_quantity: DecimalText | None = None
    last_price: DecimalText | None = None
    open_price: DecimalText | None = None
    high_price: DecimalText | None = None
    low_price: DecimalText | None = None
    volume: DecimalText = "0"
    notional: DecimalText = "0"
    trades: int = 0
    phase: str = "continuous"
    sequence: int = 0


class Instrument(Answer):
    """What can be traded, and its rules: `aeromatch.Instrument`, its phase, and its number."""

    symbol: Symbol
    number: int
    tick_size: DecimalText
    lot_size: DecimalText
    phase: str
    matching: str
    self_trade_prevention: str
    settlement: bool
    index: str | None = None
    base: str | None = None
    quote: str | None = None
    group: str | None = None
    fee_account: str | None = None
    maker_fee_bps: int | None = None
    taker_fee_bps: int | None = None
    reference_price: DecimalText | None = None
    static_band_ticks: int | None = None
    static_band_bps: int | None = None
    circuit_breaker_ticks: int | None = None
    circuit_breaker_bps: int | None = None
    halt_ns: int | None = None
    event: str | None = None
    outcome: str | None = None


class EventMarket(Answer):
    """A question with outcomes, each an instrument that pays 1 or nothing (R31, R32)."""

    name: str
    outcomes: list[str]
    symbols: list[Symbol]
    currency: str | None
    group: str | None
    fee_account: str | None
    maker_fee_bps: int | None
    taker_fee_bps: int | None
    tick_size: DecimalText
    lot_size: DecimalText
    settled: bool


class ShardStats(Answer):
    """One shard: counters since the start, in whole numbers."""

    shard: int
    commands: int
    batches: int
    events: int
    refused: int
    intake_depth: int
    sequence: int
    durable_sequence: int


class LatencyStats(Answer):
    """Percentiles of one stage of an order's way, in microseconds, over the last minute."""

    stage: Annotated[str, msgspec.Meta(description="a stage of docs/observability.md")]
    count: int
    p50_us: float
    p90_us: float
    p99_us: float
    p999_us: float
    max_us: float


class Stats(Answer):
    """The venue at a glance: what the system page shows."""

    version: str
    started_at: Nanoseconds
    now: Nanoseconds
    durability: str | None
    orders_per_second: float
    events_per_second: float
    trades_per_second: float
    http_connections: int
    websocket_connections: int
    subscriptions: int
    memory_bytes: int
    journal_bytes: int
    shards: list[ShardStats]
    latencies: list[LatencyStats]
