"""What can be configured: the structure of the file, with defaults, ranges and what each value means.

These texts are what docs/configuration.md, `aeromatch config init` and the errors are made from.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from aeromatch.market.periods import DEFAULT_PERIODS_MS, DEFAULT_RETENTION_MS, duration_text

__all__ = [
    "AccountConfig",
    "AssetConfig",
    "AuthConfig",
    "BinaryConfig",
    "Config",
    "DemoConfig",
    "DepositConfig",
    "EventConfig",
    "ExchangeConfig",
    "FixConfig",
    "GatewaysConfig",
    "GrpcConfig",
    "InstrumentConfig",
    "LimitsConfig",
    "LoggingConfig",
    "MarketDataConfig",
    "ObservabilityConfig",
    "RestConfig",
    "ScheduleConfig",
    "Section",
    "ServerConfig",
    "ShardsConfig",
    "StatisticsConfig",
    "TlsConfig",
    "ViewsConfig",
    "WebSocketConfig",
]

RELOADS: Final = "reloads"
SECRET: Final = "secret"

Phase: TypeAlias = Literal["continuous", "pre_open", "auction", "halted", "closed"]
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def doc(text: str, *, reloads: bool = False, secret: bool = False, **limits: Any) -> msgspec.Meta:
    """What a value means, its limits, and whether SIGHUP applies it."""
    extra = {name: True for name, is_set in ((RELOADS, reloads), (SECRET, secret)) if is_set}
    return msgspec.Meta(description=text, extra=extra or None, **limits)


class Section(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A part of the file. A key that is not there has its default, one that nobody knows is refused."""


class TlsConfig(Section):
    """TLS for HTTP, WebSocket, gRPC and FIX. Without a certificate the server speaks plain text."""

    certificate: Annotated[str | None, doc("PEM file with the certificate and its chain.")] = None
    private_key: Annotated[str | None, doc("PEM file with the certificate's private key.")] = None
    client_ca: Annotated[
        str | None, doc("PEM file with the authorities of clients' certificates: then each client needs one.")
    ] = None


class ServerConfig(Section):
    """Where the server listens, and where it keeps its data."""

    data_dir: Annotated[
        str,
        doc("Directory of journal, snapshots and stores; made where it is missing. A relative one is beside the file."),
    ] = "data"
    host: Annotated[str, doc("Address to listen on. Other machines reach the server only on another one.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, doc("Port for HTTP and WebSocket; 0: the system chooses one.", ge=0, le=65535)] = 8080
    tls: TlsConfig = msgspec.field(default_factory=TlsConfig)
    backlog: Annotated[int, doc("Connections that wait to be taken.", ge=1, le=65535)] = 2048
    keep_alive_s: Annotated[int, doc("How long a connection without a request is kept.", ge=1, le=3600)] = 75
    drain_timeout_s: Annotated[
        int, doc("How long requests under way may take when the server stops.", ge=0, le=3600)
    ] = 10
    request_timeout_s: Annotated[float, doc("How long a request may take to arrive (408).", gt=0, le=3600)] = 10.0
    max_header_bytes: Annotated[int, doc("Longer targets and headers are refused (431).", ge=1024, le=1 << 24)] = (
        1 << 15
    )
    max_body_bytes: Annotated[int, doc("A larger request is refused (413).", ge=1024, le=1 << 30)] = 1 << 20


class ShardsConfig(Section):
    """The threads that match. Their number is decided when the data directory is made."""

    count: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=1024)] | None,
        doc("How many; null: as many as the directory has, else one."),
    ] = None
    cores: Annotated[list[int] | None, doc("The processor of each; null: wherever the system puts them.")] = None
    idle: Annotated[
        Literal["spin", "yield", "park"],
        doc("What a thread does while nothing happens: `spin` and `yield` keep a processor busy, `park` sleeps."),
    ] = "park"
    intake_capacity: Annotated[int, doc("Commands that wait for a shard at most.", ge=16, le=1 << 24)] = 16384
    window: Annotated[int, doc("Unanswered commands of the gateways at most.", ge=1, le=1 << 20)] = 4096
    batch_commands: Annotated[int, doc("Commands that become one write of the journal at most.", ge=1, le=65536)] = 256
    stream_events: Annotated[
        int, doc("Events that a shard keeps in memory for readers that lag.", ge=1024, le=1 << 28)
    ] = 65536
    published_levels: Annotated[
        int, doc("Levels of a side that can be read without asking the shard.", ge=0, le=1024)
    ] = 8
    huge_pages: Annotated[bool, doc("Whether the system is asked for huge pages behind large tables.")] = True
    samples: Annotated[
        int, doc("Measurements of batches that wait for the metrics; 0: none are taken.", ge=0, le=1 << 24)
    ] = 65536
    groups: Annotated[dict[str, int], doc("Clearing groups that live on a certain shard.")] = {}
    instruments: Annotated[dict[str, int], doc("Unsettled instruments that live on a certain shard.")] = {}


class ExchangeConfig(Section):
    """The matching engine and its journal."""

    durability: Annotated[
        Literal["disk", "os", "memory"],
        doc(
            "When an order is answered: `disk`: it survives a loss of power; `os`: the end of the process; "
            "`memory`: at once."
        ),
    ] = "disk"
    segment_bytes: Annotated[int, doc("Size of a file of the journal.", ge=4096, le=1 << 40)] = 1 << 26
    snapshot_bytes: Annotated[int, doc("So much journal leads to a snapshot.", ge=1)] = 1 << 28
    snapshot_interval_s: Annotated[
        int, doc("So much time leads to a snapshot, if there were commands; 0: volume only.", ge=0)
    ] = 300
    keep_snapshots: Annotated[int, doc("How many snapshots stay.", ge=1)] = 2
    retain_bytes: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        doc("What the journal may take before its oldest files go that lie before all snapshots; null: all stay."),
    ] = None
    shards: ShardsConfig = msgspec.field(default_factory=ShardsConfig)


class AssetConfig(Section):
    """Something that accounts hold."""

    name: Annotated[str, doc("Its name.", min_length=1, max_length=63)]
    decimals: Annotated[int, doc("Decimal places: balances are whole numbers of 10^-decimals.", ge=0, le=18)] = 8


class DepositConfig(Section):
    """Funds that an account begins with: they come in once, however often the server starts."""

    asset: Annotated[str, doc("What comes in.", min_length=1, max_length=63)]
    amount: Annotated[Decimal, doc("How much.")]
    group: Annotated[str, doc("The clearing group that it is kept in.", min_length=1, max_length=63)] = "main"
    id: Annotated[
        Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None,
        doc("What makes it happen once; null: `opening-` and the asset."),
    ] = None


class AccountConfig(Section):
    """An account."""

    name: Annotated[str, doc("Its name.", min_length=1, max_length=63)]
    deposits: Annotated[list[DepositConfig], doc("What it begins with.", reloads=True)] = []


class ScheduleConfig(Section):
    """When an instrument changes its phase, by the clock. An operator's own change holds until the next time here."""

    phases: Annotated[
        dict[str, Phase], doc('Times of day and the phase that begins then: `{"09:30": continuous, "16:00": closed}`.')
    ]
    timezone: Annotated[str, doc("The clock that is meant, as in the IANA database: `Europe/Berlin`.")] = "UTC"
    days: Annotated[list[Day], doc("The days on which this is so.", min_length=1)] = msgspec.field(
        default_factory=lambda: list(WEEK)
    )


class InstrumentConfig(Section):
    """Something that is traded. What exists is never changed: a difference is reported when the server starts."""

    symbol: Annotated[str, doc("Its name.", min_length=1, max_length=48)]
    tick_size: Annotated[Decimal, doc("Size of one tick, in money.")] = Decimal(1)
    lot_size: Annotated[Decimal, doc("Size of one lot, in units.")] = Decimal(1)
    index: Annotated[Literal["ladder", "btree", "skiplist", "heap"], doc("The book's price index.")] = "ladder"
    schedule: Annotated[str | None, doc("Its phases by time of day: a name in `schedules`.", reloads=True)] = None
    matching: Annotated[
        Literal["fifo", "pro_rata", "fifo_pro_rata"], doc("How orders of one price share what comes (R29).")
    ] = "fifo"
    fifo_share_bps: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=10_000)] | None,
        doc("With `fifo_pro_rata`: the share that goes oldest first."),
    ] = None
    self_trade_prevention: Annotated[
        Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"],
        doc("What happens where two orders of one owner would trade (R25)."),
    ] = "none"
    dedup_window_s: Annotated[
        float, doc("How long a finished order's client order id stays taken (R5).", ge=0, le=31_622_400)
    ] = 86_400.0
    reference_price: Annotated[Decimal | None, doc("Middle of the static band; where an uncross falls back to.")] = None
    static_band_ticks: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        doc("Limits further than this from the reference price are refused (R28); ticks or basis points, not both."),
    ] = None
    static_band_bps: Annotated[Annotated[int, msgspec.Meta(ge=1)] | None, doc("The same in basis points.")] = None
    circuit_breaker_ticks: Annotated[
        Annotated[int, msgspec.Meta(ge=1)] | None,
        doc("A trade further than this from the last price halts the book (R28); ticks or basis points, not both."),
    ] = None
    circuit_breaker_bps: Annotated[Annotated[int, msgspec.Meta(ge=1)] | None, doc("The same in basis points.")] = None
    halt_s: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None, doc("How long such a halt lasts; null: until an operator ends it.")
    ] = None
    settlement: Annotated[bool, doc("Whether trades are settled, and orders need funds (R30).")] = False
    base: Annotated[str | None, doc("With settlement: the asset that is traded.")] = None
    quote: Annotated[str | None, doc("With settlement: the asset that it is paid in.")] = None
    group: Annotated[str, doc("With settlement: the clearing group.", min_length=1, max_length=63)] = "main"
    fee_account: Annotated[str, doc("With settlement: who gets the fees (R31).", min_length=1, max_length=63)] = "fees"
    maker_fee_bps: Annotated[int, doc("What a resting order pays; below 0 a rebate.", ge=-10_000, le=10_000)] = 0
    taker_fee_bps: Annotated[int, doc("What an aggressor pays.", ge=-10_000, le=10_000)] = 0


class EventConfig(Section):
    """A question with outcomes, each of which is traded as `event/outcome` (R32)."""

    name: Annotated[str, doc("Its name.", min_length=1, max_length=60)]
    outcomes: Annotated[list[str], doc("What can come true.", min_length=2, max_length=15)]
    currency: Annotated[str, doc("The asset that shares are paid in.", min_length=1, max_length=63)]
    tick_size: Annotated[Decimal, doc("Size of one tick; it goes into 1 a whole number of times.")] = Decimal("0.01")
    lot_size: Annotated[Decimal, doc("Size of one lot, in shares.")] = Decimal(1)
    schedule: Annotated[str | None, doc("Its phases by time of day: a name in `schedules`.", reloads=True)] = None
    group: Annotated[str, doc("The clearing group.", min_length=1, max_length=63)] = "main"
    fee_account: Annotated[str, doc("Who gets the fees.", min_length=1, max_length=63)] = "fees"
    maker_fee_bps: Annotated[int, doc("What a resting order pays.", ge=-10_000, le=10_000)] = 0
    taker_fee_bps: Annotated[int, doc("What an aggressor pays.", ge=-10_000, le=10_000)] = 0


class AuthConfig(Section):
    """Who may do what (docs/security.md)."""

    mode: Annotated[
        Literal["off", "keys"],
        doc("`keys`: each request needs a key. `off`: everybody may do everything; on loopback addresses only."),
    ] = "keys"
    keys_file: Annotated[
        str | None,
        doc("File of key hashes, which `aeromatch keys` writes; null: `keys.yaml` beside the configuration."),
    ] = None
    signature_window_s: Annotated[
        float, doc("How old a signature may be, and how long its nonce is remembered.", gt=0, le=300)
    ] = 5.0
    signature_ahead_s: Annotated[float, doc("How far a signer's clock may be ahead.", ge=0, le=300)] = 1.0
    nonces: Annotated[
        int,
        doc(
            "Nonces that can be remembered, 8 bytes each: four times the signed requests of a window.",
            ge=1024,
            le=1 << 28,
        ),
    ] = 1 << 20


class LimitsConfig(Section):
    """What may be used at most. A key may have limits of its own, which `aeromatch keys` gives it."""

    key_orders_per_second: Annotated[
        int, doc("Of each key: orders, amends and cancels; 0: no limit.", reloads=True, ge=0)
    ] = 5000
    key_orders_burst: Annotated[int, doc("So many of them at once.", reloads=True, ge=1)] = 10000
    key_requests_per_second: Annotated[int, doc("Of each key: everything else; 0: no limit.", reloads=True, ge=0)] = (
        1000
    )
    key_requests_burst: Annotated[int, doc("So many of them at once.", reloads=True, ge=1)] = 2000
    address_orders_per_second: Annotated[
        int, doc("Of each address: orders, amends and cancels; 0: no limit.", reloads=True, ge=0)
    ] = 0
    address_orders_burst: Annotated[int, doc("So many of them at once.", reloads=True, ge=1)] = 10000
    address_requests_per_second: Annotated[
        int, doc("Of each address: everything else; 0: no limit.", reloads=True, ge=0)
    ] = 0
    address_requests_burst: Annotated[int, doc("So many of them at once.", reloads=True, ge=1)] = 2000
    venue_orders_per_second: Annotated[
        int, doc("Of all together: orders, amends and cancels; 0: no limit.", reloads=True, ge=0)
    ] = 0
    venue_orders_burst: Annotated[int, doc("So many of them at once.", reloads=True, ge=1)] = 100_000
    connections: Annotated[int, doc("Connections to the server.", reloads=True, ge=1)] = 4096
    connections_per_address: Annotated[int, doc("Connections from one address.", reloads=True, ge=1)] = 2048


class MarketDataConfig(Section):
    """What everyone sees of the market, and how often."""

    interval_ms: Annotated[int, doc("How often depth updates are made.", ge=1, le=60_000)] = 100
    pause_ms: Annotated[
        int,
        doc("After a read with events the next one waits so long: what comes meanwhile comes together.", ge=0, le=1000),
    ] = 10
    read_events: Annotated[int, doc("About so many events of a shard are taken at once.", ge=1, le=1 << 24)] = 16384
    depth_levels: Annotated[int, doc("Levels of each side that are followed and answered; 0: all.", ge=0)] = 5000


class ViewsConfig(Section):
    """Candles, trades and orders of the past (docs/views.md)."""

    store: Annotated[
        Literal["sqlite", "memory"], doc("Where they are kept; `memory` is made from the journal at every start.")
    ] = "sqlite"
    path: Annotated[str | None, doc("The file; null: `views.sqlite` in `data_dir`.")] = None
    periods: Annotated[list[str], doc("Periods of candles; fixed when the file is made.", min_length=1)] = (
        msgspec.field(default_factory=lambda: ["1s", "1m", "5m", "15m", "1h", "4h", "1d"])
    )
    retention: Annotated[
        dict[str, str | None], doc("How long candles of a period stay; null: for ever. Others stay as statistics do.")
    ] = {}
    keep_trades: Annotated[int, doc("Trades of each instrument that are kept: the latest.", ge=1)] = 1_000_000
    keep_orders: Annotated[int, doc("Ended orders that are kept: the latest.", ge=1)] = 1_000_000
    keep: Annotated[
        str | None, doc("How long trades and ended orders stay at most, such as `30d`; null: for ever.")
    ] = None
    flush_s: Annotated[float, doc("How often rows are written.", gt=0, le=60)] = 0.25
    waiting_rows: Annotated[
        int, doc("Rows that wait for the store at most: then the views wait; matching never does.", ge=1000)
    ] = 500_000


class StatisticsConfig(Section):
    """Counts by period, kept beside the journal (docs/statistics.md)."""

    enabled: Annotated[
        bool, doc("Whether they are counted while the server runs; `aeromatch stats` counts whenever it is asked.")
    ] = False
    path: Annotated[str | None, doc("The file; null: `statistics.sqlite` in `data_dir`.")] = None
    interval_s: Annotated[float, doc("How often they are written.", gt=0, le=3600)] = 1.0
    periods: Annotated[list[str], doc("What is counted by; fixed when the file is made.", min_length=1)] = (
        msgspec.field(default_factory=lambda: [duration_text(period) for period in DEFAULT_PERIODS_MS])
    )
    retention: Annotated[dict[str, str | None], doc("How long the rows of a period are kept; null: for ever.")] = (
        msgspec.field(
            default_factory=lambda: {
                duration_text(period): None if kept is None else duration_text(kept)
                for period, kept in DEFAULT_RETENTION_MS.items()
            }
        )
    )


class RestConfig(Section):
    """The REST interface (docs/rest.md)."""

    enabled: Annotated[bool, doc("Whether it is there.")] = True


class WebSocketConfig(Section):
    """The WebSocket interface (docs/websocket.md), at /ws; the limits are of one connection."""

    enabled: Annotated[bool, doc("Whether it is there.")] = True
    max_message_bytes: Annotated[int, doc("A longer message closes the connection.", ge=256, le=1 << 26)] = 65536
    ping_interval_s: Annotated[float, doc("How often a client is asked whether it lives.", gt=0, le=3600)] = 20.0
    ping_timeout_s: Annotated[float, doc("How long it may take to answer.", gt=0, le=3600)] = 20.0
    login_timeout_s: Annotated[
        float, doc("Where keys are asked for: how long it may stay without one.", gt=0, le=3600)
    ] = 10.0
    buffer_bytes: Annotated[int, doc("With more waiting in its socket a client is slow.", ge=1024, le=1 << 30)] = (
        262_144
    )
    kernel_bytes: Annotated[
        int, doc("What the system may keep of what was written (SO_SNDBUF).", ge=4096, le=1 << 30)
    ] = 262_144
    queue_messages: Annotated[
        int, doc("Messages that may wait for a slow client, of those that cannot be conflated.", ge=1, le=1 << 20)
    ] = 1024
    queue_bytes: Annotated[int, doc("The same in bytes.", ge=1024, le=1 << 30)] = 1 << 20
    slow_timeout_s: Annotated[float, doc("How long a client may be slow without a break.", gt=0, le=3600)] = 15.0
    close_timeout_s: Annotated[float, doc("How long a closing handshake may take.", gt=0, le=3600)] = 5.0
    subscriptions: Annotated[int, doc("Subscriptions.", ge=1, le=1 << 20)] = 256
    messages_per_s: Annotated[float, doc("Messages from a client a second.", gt=0)] = 500.0
    burst_messages: Annotated[int, doc("So many of them at once.", ge=1)] = 1000
    faults: Annotated[int, doc("Messages in a row that may make no sense.", ge=1)] = 20
    requests: Annotated[int, doc("Requests that are answered at the same time.", ge=1, le=1 << 20)] = 128
    resumes: Annotated[int, doc("Of all connections: those that read the past at the same time.", ge=1, le=1024)] = 4


class BinaryConfig(Section):
    """The binary interface (docs/binary.md), at a port of its own and a Unix socket; the limits are of one session."""

    enabled: Annotated[bool, doc("Whether it is there.")] = False
    host: Annotated[str | None, doc("Address to listen on; null: `server.host`.")] = None
    port: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=65535)] | None, doc("Port; 0: the system chooses one; null: none.")
    ] = 9191
    socket: Annotated[
        str | None, doc("Path of the Unix socket; a relative one is in `server.data_dir`; null: there is none.")
    ] = "binary.sock"
    max_frame_bytes: Annotated[int, doc("A longer frame ends the session.", ge=4096, le=1 << 22)] = 1 << 20
    outbound_bytes: Annotated[
        int, doc("With more waiting for it a client is slow, and the session ends.", ge=65536, le=1 << 32)
    ] = 1 << 24
    heartbeat_s: Annotated[
        float, doc("Each side says something so often, unless a client asks for another time.", ge=0.1, le=600)
    ] = 10.0
    login_timeout_s: Annotated[float, doc("How long the login may take.", gt=0, le=3600)] = 10.0
    subscriptions: Annotated[int, doc("Instruments whose trades or depth it follows.", ge=1, le=1 << 20)] = 256


class GrpcConfig(Section):
    """The gRPC interface (docs/grpc.md), on a port of its own."""

    enabled: Annotated[bool, doc("Whether it is there.")] = False
    host: Annotated[str | None, doc("Address to listen on; null: that of `server`.")] = None
    port: Annotated[int, doc("Its port; 0: the system chooses one.", ge=0, le=65535)] = 50051
    max_message_bytes: Annotated[int, doc("A larger request is refused.", ge=1024, le=1 << 30)] = 1 << 20
    connections: Annotated[int, doc("Connections; further ones are closed as they come.", ge=1, le=1 << 20)] = 1024
    calls: Annotated[int, doc("Calls at the same time.", ge=1, le=1 << 20)] = 8192
    streams: Annotated[int, doc("Calls at the same time over one connection.", ge=1, le=1 << 20)] = 256
    subscriptions: Annotated[int, doc("Instruments that one stream may follow.", ge=1, le=1 << 20)] = 256
    requests: Annotated[int, doc("Of one Trade stream: requests that are not answered.", ge=1, le=1 << 20)] = 1024
    buffer_bytes: Annotated[int, doc("With more waiting for its stream a client is slow.", ge=1024, le=1 << 30)] = (
        262_144
    )
    queue_messages: Annotated[
        int, doc("Messages that may wait for a slow client, of those that cannot be conflated.", ge=1, le=1 << 20)
    ] = 1024
    queue_bytes: Annotated[int, doc("The same in bytes.", ge=1024, le=1 << 30)] = 1 << 20
    slow_timeout_s: Annotated[float, doc("How long a client may be slow without a break.", gt=0, le=3600)] = 15.0
    close_timeout_s: Annotated[
        float, doc("How long calls under way may take when the server stops.", gt=0, le=3600)
    ] = 5.0
    handshake_timeout_s: Annotated[float, doc("How long a connection may take to begin.", gt=0, le=3600)] = 10.0
    idle_timeout_s: Annotated[float, doc("How long a connection without a call is kept.", ge=1, le=86_400)] = 300.0
    session_idle_s: Annotated[
        float, doc("How long the session of an address and port stays behind its last call.", gt=0, le=3600)
    ] = 10.0
    keepalive_s: Annotated[float, doc("How often a silent client is asked whether it lives.", ge=1, le=3600)] = 20.0
    resumes: Annotated[int, doc("Of all streams: those that read the past at the same time.", ge=1, le=1024)] = 4
    reflection: Annotated[bool, doc("Whether the server tells what services it has.")] = True


class FixConfig(Section):
    """The FIX interface (docs/fix.md), at a port of its own; with TLS where HTTP has it. Limits are of one session."""

    enabled: Annotated[bool, doc("Whether it is there.")] = False
    host: Annotated[str | None, doc("Address to listen on; null: `server.host`.")] = None
    port: Annotated[int, doc("Its port; 0: the system chooses one.", ge=0, le=65535)] = 9878
    comp_id: Annotated[str, doc("Who the server is: clients' TargetCompID.", min_length=1, max_length=64)] = "AEROMATCH"
    heartbeat_s: Annotated[int, doc("The least HeartBtInt that a client may ask for.", ge=1, le=3600)] = 1
    most_heartbeat_s: Annotated[int, doc("The longest one.", ge=1, le=3600)] = 300
    logon_timeout_s: Annotated[float, doc("How long a connection may stay without a Logon.", gt=0, le=3600)] = 10.0
    logout_timeout_s: Annotated[float, doc("How long the answer to a Logout is waited for.", gt=0, le=60)] = 2.0
    cancel_on_disconnect: Annotated[
        bool, doc("Whether the orders of a key's account are canceled when its connection ends.")
    ] = False
    max_message_bytes: Annotated[int, doc("A longer message is garbled.", ge=1024, le=1 << 24)] = 65536
    buffer_bytes: Annotated[
        int, doc("With more waiting in its socket a client is slow: nothing is read of it.", ge=1024, le=1 << 30)
    ] = 262_144
    kernel_bytes: Annotated[
        int, doc("What the system may keep of what was written (SO_SNDBUF).", ge=4096, le=1 << 30)
    ] = 262_144
    slow_timeout_s: Annotated[float, doc("How long a client may be slow without a break.", gt=0, le=3600)] = 15.0
    queue_messages: Annotated[int, doc("Changes of its orders that may wait for a slow client.", ge=16, le=1 << 20)] = (
        1024
    )
    queue_bytes: Annotated[
        int, doc("With more market data waiting for it a client is cut off.", ge=65536, le=1 << 30)
    ] = 1 << 22
    requests: Annotated[int, doc("Order messages that are answered at the same time.", ge=1, le=1 << 20)] = 256
    subscriptions: Annotated[int, doc("Books and trades that it follows.", ge=1, le=1 << 20)] = 256
    accounts: Annotated[int, doc("Accounts that a key without one may trade for.", ge=1, le=4096)] = 64
    messages_per_s: Annotated[float, doc("Messages from a client a second; others wait.", gt=0)] = 10_000.0
    burst_messages: Annotated[int, doc("So many of them at once.", ge=1)] = 20_000
    kept_messages: Annotated[int, doc("Sent messages that can be asked for again.", ge=1000)] = 1_000_000
    kept_orders: Annotated[int, doc("Ended orders whose ids are remembered.", ge=100, le=1 << 20)] = 10_000
    list_instruments: Annotated[int, doc("Instruments of one SecurityList.", ge=1, le=10_000)] = 200
    sessions_per_key: Annotated[int, doc("SenderCompIDs that a key may have sessions of.", ge=1, le=65536)] = 64


class GatewaysConfig(Section):
    """The ways in."""

    rest: RestConfig = msgspec.field(default_factory=RestConfig)
    websocket: WebSocketConfig = msgspec.field(default_factory=WebSocketConfig)
    binary: BinaryConfig = msgspec.field(default_factory=BinaryConfig)
    grpc: GrpcConfig = msgspec.field(default_factory=GrpcConfig)
    fix: FixConfig = msgspec.field(default_factory=FixConfig)
    dashboard: Annotated[bool, doc("Whether the page is served at /.")] = True


class LoggingConfig(Section):
    """What the server says, on stderr or into a file."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"], doc("The least important lines that are written.", reloads=True)
    ] = "info"
    format: Annotated[
        Literal["json", "console"] | None, doc("`json`: an object a line; null: `console` on a terminal, else `json`.")
    ] = None
    file: Annotated[str | None, doc("Where to; null: stderr. It may be moved away at any time: another is opened.")] = (
        None
    )
    access: Annotated[bool, doc("Whether each HTTP request is a line, too.", reloads=True)] = False


class ObservabilityConfig(Section):
    """What can be measured from outside (docs/observability.md)."""

    metrics: Annotated[bool, doc("Whether /metrics is there.")] = True
    profiling: Annotated[bool, doc("Whether /debug/pprof is there, for admins.")] = True


class DemoConfig(Section):
    """A simulated market, to look at: made-up traders who trade with one another."""

    enabled: Annotated[bool, doc("Whether they trade.")] = False
    seed: Annotated[int, doc("The same seed decides the same.", ge=0, le=(1 << 63) - 1)] = 1
    orders_per_second: Annotated[float, doc("For each instrument, about.", gt=0, le=10_000)] = 30.0
    seconds: Annotated[
        Annotated[float, msgspec.Meta(gt=0)] | None, doc("The server stops after this; null: it goes on.")
    ] = None


class Config(Section):
    """Everything."""

    server: ServerConfig = msgspec.field(default_factory=ServerConfig)
    exchange: ExchangeConfig = msgspec.field(default_factory=ExchangeConfig)
    assets: Annotated[list[AssetConfig], doc("Assets to make, where they are missing.", reloads=True)] = []
    groups: Annotated[list[str], doc("Clearing groups to make, where they are missing.", reloads=True)] = []
    instruments: Annotated[
        list[InstrumentConfig], doc("Instruments to make, where they are missing.", reloads=True)
    ] = []
    events: Annotated[list[EventConfig], doc("Event markets to make, where they are missing.", reloads=True)] = []
    accounts: Annotated[list[AccountConfig], doc("Accounts to make, where they are missing.", reloads=True)] = []
    schedules: Annotated[dict[str, ScheduleConfig], doc("Phases by time of day, by name.", reloads=True)] = {}
    auth: AuthConfig = msgspec.field(default_factory=AuthConfig)
    limits: LimitsConfig = msgspec.field(default_factory=LimitsConfig)
    market_data: MarketDataConfig = msgspec.field(default_factory=MarketDataConfig)
    views: ViewsConfig = msgspec.field(default_factory=ViewsConfig)
    statistics: StatisticsConfig = msgspec.field(default_factory=StatisticsConfig)
    gateways: GatewaysConfig = msgspec.field(default_factory=GatewaysConfig)
    logging: LoggingConfig = msgspec.field(default_factory=LoggingConfig)
    observability: ObservabilityConfig = msgspec.field(default_factory=ObservabilityConfig)
    demo: DemoConfig = msgspec.field(default_factory=DemoConfig)
