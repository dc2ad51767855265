"""What gateways need of the server that they stand in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from aeromatch.aio import AsyncExchange
from aeromatch.schema.accounts import Account
from aeromatch.schema.admin import DeadManState
from aeromatch.schema.market import Book, Candle, CandlePage, Stats, Ticker, TradePage
from aeromatch.schema.orders import Order, OrderPage
from aeromatch.schema.problems import FieldProblem

__all__ = [
    "Admission",
    "Credentials",
    "Gate",
    "Listener",
    "MarketData",
    "Principal",
    "RefusedError",
    "Services",
    "Stages",
    "Views",
]

Role = Literal["read", "trade", "admin"]
State = Literal["starting", "ready", "draining", "failed"]


class RefusedError(Exception):
    """A request that is refused: every gateway answers with it in its protocol's way.

    Attributes:
        slug: A stable name: R8's, or one of docs/rest.md.
        status: The HTTP status that goes with it.
    """

    def __init__(
        self,
        slug: str,
        status: int,
        detail: str = "",
        *,
        errors: Sequence[FieldProblem] = (),
        retry_after_ms: int | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(detail or slug)
        self.slug = slug
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_ms = retry_after_ms
        self.headers = tuple(headers)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking.

    Attributes:
        key_id: The key that was used; None where the server asks for none.
        roles: What it may do. "admin" may act for any account, others for their own.
        account: The account that it acts for; None: whichever is named.
        session: A number for the connection: log, audit and the commands' tags have it.
        remote: The other end's address.
    """

    key_id: str | None
    roles: frozenset[Role]
    account: str | None
    session: int
    remote: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings to prove who it is, as it stood in its headers, and what a signature covers."""

    authorization: str | None = None
    key: str | None = None
    timestamp: str | None = None
    nonce: str | None = None
    signature: str | None = None
    method: str = "GET"
    target: bytes = b"/"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Gate:
    """A request that was let in: who it is, and headers that tell how much the limits leave."""

    principal: Principal
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Admission(Protocol):
    """The one table that lets requests in, whichever gateway they came through."""

    def connect(self, remote: str) -> int:
        """A connection begins: its session's number. Raises RefusedError (429) above the limits of connections."""

    def disconnect(self, session: int) -> None:
        """A connection ended: what it asked to be canceled then is canceled."""

    def admit(self, session: int, remote: str, credentials: Credentials, role: Role, cost: int = 1) -> Gate:
        """Lets a request in that needs a role, and takes `cost` from its limits. Raises RefusedError."""

    def screen(self, remote: str, credentials: Credentials, role: Role) -> None:
        """Raises RefusedError where `admit` would, whatever the body is: before it is there. Takes from no limit."""

    def admit_again(self, principal: Principal, role: Role, cost: int = 1) -> Gate:
        """As `admit`, for another request of somebody who was let in before over this very connection: a WebSocket.

        The gate's principal is to be used from then on: keys can have changed. Raises RefusedError (401 where the key
        is no longer good).
        """

    def account_for(self, principal: Principal, account: str | None) -> str | None:
        """The account that a principal acts for when it names one, or none. Raises RefusedError (403)."""

    def may_trade(self, account: str | None) -> None:
        """Raises RefusedError (403, `kill_switch`) where the account's kill switch or the venue's is on."""

    def cancel_on_disconnect(self, session: int, account: str, *, enabled: bool) -> None:
        """Whether the account's orders are canceled when this connection ends."""

    async def set_dead_man(self, principal: Principal, account: str, timeout_ms: int) -> DeadManState:
        """The account's orders are canceled unless this comes again in time; 0: off."""

    async def set_kill_switch(
        self, principal: Principal, account: str | None, *, engaged: bool, cancel_orders: bool, reason: str
    ) -> Account:
        """Turns the kill switch of an account, or of the venue (None), on or off."""

    def is_killed(self, account: str | None) -> bool:
        """Whether an account's kill switch, or the venue's (None), is on."""

    def any_killed(self) -> bool:
        """Whether any kill switch is on: only then it matters whose an order is."""

    def audit(self, principal: Principal, action: str, **facts: str | int | None) -> int:
        """Notes who does what; the answer is the tag of the command that does it: the journal leads back here."""


class MarketData(Protocol):
    """The market as it is now, kept beside the matching threads."""

    async def book(self, symbol: str, levels: int) -> Book:
        """The best levels, as of a moment that is not before the call. Raises RefusedError (404)."""

    def ticker(self, symbol: str) -> Ticker:
        """Raises RefusedError (404)."""

    def tickers(self) -> list[Ticker]:
        """Of all instruments."""

    async def reached(self, sequences: Sequence[int]) -> None:
        """Waits until the views have what these sequence numbers, one a shard, brought."""


class Views(Protocol):
    """What happened, from memory and the stores."""

    async def order(self, order_id: int) -> Order | None:
        """A live order, or one that ended and is still kept."""

    async def order_named(self, account: str | None, symbol: str, client_order_id: str) -> Order | None:
        """The same by account, instrument and client order id: of several in turn (R5) the last one.

        Raises RefusedError (404, `unknown_instrument`).
        """

    async def orders(
        self, *, account: str | None, symbol: str | None, status: str | None, limit: int, cursor: str | None
    ) -> OrderPage:
        """Newest first. status: "live", "done" or None for both. Raises RefusedError (400, `invalid_cursor`)."""

    async def trades(self, symbol: str, *, limit: int, cursor: str | None, from_sequence: int | None) -> TradePage:
        """Newest first. Raises RefusedError (404, 400)."""

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        """Oldest first. Raises RefusedError (404 `unknown_instrument`, 400 `unknown_period`, `invalid_cursor`)."""

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        """The candle that is open."""

    def naming(self, account: str | None, orders: int) -> None:
        """A gateway sends so many orders, which it will name when it has their answers; below 0: it has so many.

        Whoever tells of an order that has ended at once can wait for its name.
        """

    def named(self, order_id: int, client_order_id: str) -> None:
        """A gateway knows an order's client order id: events do not have it."""


class Stages(Protocol):
    """Where the time of a request goes: a histogram for each stage of an order's way (docs/observability.md)."""

    def record(self, stage: str, duration_ns: int, count: int = 1) -> None:
        """Adds a measurement, as often as `count` says. Cheap: a lookup and a native call."""

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        """Adds to a counter of /metrics; `amount` may be below 0 for what goes up and down, such as connections."""

    def request(self, gateway: str, route: str, status: int, duration_ns: int) -> None:
        """A request was answered. `route` is the template of its path ("/order/{id}"), or the message's `op`."""


class Listener(Protocol):
    """A gateway that listens at an address of its own."""

    @property
    def address(self) -> str:
        """Where clients find it; several are joined by commas."""

    async def drain(self) -> None:
        """Lets nobody in any more, tells the clients to go, and waits for them for a while."""

    async def close(self) -> None:
        """Ends what is left of it."""


@dataclass(slots=True)
class Services:
    """Everything that a gateway is made with."""

    exchange: AsyncExchange
    admission: Admission
    market: MarketData
    views: Views
    stages: Stages
    stats: Callable[[], Stats]
    auth_required: bool = True
    max_body_bytes: int = 1 << 20
    version: str = ""
    started_at: int = 0
    state: State = "starting"
    detail: str = ""
    on_failure: list[Callable[[str], None]] = field(default_factory=list)
    """Who is told that nothing new is taken any more, and why."""
    on_drain: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is to end before the exchange closes: gateways add how they tell their clients to go."""

    def fail(self, detail: str) -> None:
        """Nothing new is taken from now on: what all the rest stands on has ended. Says so once."""
        if self.state != "failed":
            self.state, self.detail = "failed", detail
            for tell in self.on_failure:
                tell(detail)
