"""One connection: what its client asks for, and what becomes of it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.rest.forms import malformed
from aeromatch.gateways.services import Credentials, Principal, RefusedError, Role
from aeromatch.gateways.streams import Subscription, Topic
from aeromatch.gateways.websocket.outlet import POLICY, Outlet, message_frame
from aeromatch.gateways.websocket.protocol import Socket
from aeromatch.schema.base import Answer
from aeromatch.schema.messages import (
    AmendOrderRequest,
    CancelOrderRequest,
    CancelOrdersRequest,
    LoginRequest,
    NewOrderRequest,
    PingRequest,
    Reply,
    SubscribeRequest,
    UnsubscribeRequest,
    WebSocketRequest,
)
from aeromatch.schema.problems import FieldProblem

if TYPE_CHECKING:
    from aeromatch.gateways.websocket.app import WebSocketApp

__all__ = ["Session"]

log = logging.getLogger("aeromatch.websocket")

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Work = Callable[[], Awaitable[None]]
RequestId = int | str | None
Key = tuple[str, str | None, str | None, str | None]
"""A connection has one subscription of a channel, symbol, period and account: messages say no more."""

WITH_SYMBOL: Final = ("trades", "ticker", "depth", "candles")


LARGEST: Final = 1_000_000
"""Of intervals in milliseconds, and of levels."""
UNAUTHORIZED: Final = 401


class _WithId(msgspec.Struct):
    """What is read of a request whose form is wrong."""

    id: int | str | None = None


_requests: Final = msgspec.json.Decoder(WebSocketRequest)
_ids: Final = msgspec.json.Decoder(_WithId)


def _id_of(text: str | bytes) -> RequestId:
    """The id of a request that is wrong otherwise, if it can be told."""
    try:
        return _ids.decode(text).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class _Bucket:
    """So many messages at once, and so many a second."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._at = float(burst), time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * self._per_s, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Session:
    """A connection that was accepted.

    Requests are read one by one. Those about orders are sent in the order in which they came and answered as their
    answers come, so several can be under way; the others are answered before the next request is read, but for
    subscriptions, which take as long as they take.
    """

    def __init__(
        self, app: "WebSocketApp", number: int, remote: str, socket: Socket, principal: Principal | None
    ) -> None:
        self._app = app
        self._services = app.services
        self._options = app.options
        self.number = number
        self.remote = remote
        self._principal = principal
        self._outlet = Outlet(socket, app.options, app.services.stages.count, self._ended)
        self._bucket = _Bucket(app.options.messages_per_s, app.options.burst_messages)
        self._faults = 0
        self._subscriptions: dict[Key, Subscription] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_room = asyncio.Event()
        self._login_timer: asyncio.TimerHandle | None = None
        if principal is None:
            loop = asyncio.get_running_loop()
            self._login_timer = loop.call_later(app.options.login_timeout_s, self._no_login)

    def _no_login(self) -> None:
        self._outlet.close(POLICY, "missing_credentials", f"no login within {self._options.login_timeout_s:g} s")

    def _ended(self) -> None:
        """Nothing can be sent any more: nothing is followed."""
        for subscription in self._subscriptions.values():
            subscription.end()
        self._subscriptions.clear()
        if self._login_timer is not None:
            self._login_timer.cancel()

    def look_at_key(self) -> None:
        """Ends the connection if whoever it is may not look on any more, or acts for another account now."""
        before = self._principal
        if before is None or before.key_id is None:
            return
        try:
            self._principal = self._services.admission.admit_again(before, "read", 0).principal
        except RefusedError as refused:
            if refused.status == UNAUTHORIZED:
                self._outlet.close(POLICY, refused.slug, refused.detail)
            return
        if (self._principal.account, self._principal.roles) != (before.account, before.roles):
            self._outlet.close(POLICY, "invalid_key", "the key has changed: log in again")

    def go_away(self, code: int, slug: str, detail: str) -> None:
        """The server ends the connection, now."""
        self._outlet.close(code, slug, detail)

    def go_away_answered(self, code: int, slug: str, detail: str) -> None:
        """The server ends the connection, when what is under way has been answered."""
        unanswered = set(self._tasks)
        if not unanswered:
            self.go_away(code, slug, detail)
            return

        def answered(task: asyncio.Task[None]) -> None:
            unanswered.discard(task)
            if not unanswered:
                self.go_away(code, slug, detail)

        for task in tuple(unanswered):
            task.add_done_callback(answered)

    async def run(self, receive: Receive) -> None:
        """Answer until the client goes, or is sent away."""
        try:
            while not self._outlet.is_over:
                message = await receive()
                if message["type"] != "websocket.receive":
                    break
                text: str | bytes | None = message.get("text")
                await self._take(text if text is not None else message.get("bytes") or b"")
        finally:
            self._outlet.end()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                # What was sent to the exchange is done all the same: only its answer has nobody to go to.
                await asyncio.wait(self._tasks)

    async def _take(self, text: str | bytes) -> None:
        try:
            if not self._bucket.take():
                raise refusal("rate_limited", f"a connection takes {self._options.messages_per_s:g} messages a second")
            try:
                request: WebSocketRequest = _requests.decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise malformed(error) from None
        except RefusedError as refused:
            self._fault(_id_of(text), refused)
            return
        self._faults = 0
        match request:
            case SubscribeRequest():
                await self._start(request, partial(self._subscribe, request))
            case PingRequest() | LoginRequest() | UnsubscribeRequest():
                await self._answered(request, partial(self._serve, request))
            case _:
                # Sent to the exchange in this order: a task begins when it is made before another one.
                await self._start(request, partial(self._trade, request))

    def _fault(self, request_id: RequestId, refused: RefusedError) -> None:
        """A message that is no request: the connection goes on, unless there are too many of them."""
        self._refuse(request_id, refused)
        self._faults += 1
        if self._faults >= self._options.faults:
            self._outlet.close(POLICY, refused.slug, f"{self._faults} messages in a row that are no requests")

    def _refuse(self, request_id: RequestId, refused: RefusedError) -> None:
        self._services.stages.count("aeromatch_refusals_total", gateway="websocket", slug=refused.slug)
        self._outlet.send(message_frame(Reply(id=request_id, problem=problem_of(refused, str(self.number)))))

    def _reply(self, request_id: RequestId, result: Answer | msgspec.Raw | dict[str, Any]) -> None:
        plain = msgspec.Raw(msgspec.json.encode(result)) if isinstance(result, Answer) else result
        self._outlet.send(message_frame(Reply(id=request_id, result=plain)))

    async def _serve(self, request: PingRequest | LoginRequest | UnsubscribeRequest) -> None:
        match request:
            case PingRequest():
                self._reply(request.id, {"timestamp": time.time_ns()})
            case LoginRequest():
                self._log_in(request)
            case UnsubscribeRequest():
                self._unsubscribe(request)

    async def _answered(self, request: WebSocketRequest, work: Work) -> None:
        """Do what a request asks for; whatever goes wrong is answered.

        The work is made in here: a connection can end before a task has begun, and nobody would wait for it.
        """
        started_ns, status = time.perf_counter_ns(), 200
        try:
            await work()
        except RefusedError as refused:
            status = refused.status
            self._refuse(request.id, refused)
        except Exception:
            status = 500
            log.exception("a request failed", extra={"op": _op(request)})
            self._refuse(request.id, refusal("internal_error"))
        duration_ns = time.perf_counter_ns() - started_ns
        self._services.stages.request("websocket", _op(request), status, duration_ns)

    async def _start(self, request: WebSocketRequest, work: Work) -> None:
        """Let a request take its time; where too many do, the next message waits."""
        task = asyncio.create_task(self._answered(request, work))
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        while len(self._tasks) >= self._options.requests:
            self._has_room.clear()
            await self._has_room.wait()

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._has_room.set()

    def _admit(self, role: Role) -> Principal:
        """Whoever is logged in, if it may do this now."""
        if self._principal is None:
            raise refusal("missing_credentials", "log in first")
        self._principal = self._services.admission.admit_again(self._principal, role).principal
        return self._principal

    def _log_in(self, request: LoginRequest) -> None:
        admission = self._services.admission
        credentials = Credentials(
            authorization=None if request.token is None else f"Bearer {request.token}",
            key=request.key,
            timestamp=None if request.timestamp is None else str(request.timestamp),
            nonce=request.nonce,
            signature=request.signature,
            method="GET",
            target=b"/ws",
        )
        principal = admission.admit(self.number, self.remote, credentials, "read").principal
        account = admission.account_for(principal, None) if request.cancel_on_disconnect else principal.account
        if request.cancel_on_disconnect:
            if "trade" not in principal.roles:
                raise refusal("not_permitted", "cancel_on_disconnect: the key may not cancel orders")
            if account is None:
                raise refusal("malformed", "cancel_on_disconnect: the key acts for no account of its own")
            admission.cancel_on_disconnect(principal.session, account, enabled=True)
        self._principal = principal
        self._end_foreign()
        if self._login_timer is not None:
            self._login_timer.cancel()
            self._login_timer = None
        result = {"account": account, "roles": sorted(principal.roles), "session": self.number}
        self._reply(request.id, result)

    def _end_foreign(self) -> None:
        """Whoever logged in now does not go on with orders that only the key before may see."""
        for key, subscription in tuple(self._subscriptions.items()):
            channel, _, _, account = key
            if channel == "orders" and not self._may_follow(account):
                del self._subscriptions[key]
                subscription.end()

    def _may_follow(self, account: str | None) -> bool:
        assert self._principal is not None
        try:
            return self._services.admission.account_for(self._principal, account) == account
        except RefusedError:
            return False

    def _topic(self, request: SubscribeRequest, principal: Principal) -> Topic:
        """What is asked for, if that is something. Raises RefusedError."""
        interval_ms = request.interval_ms or 0
        for field in ("interval_ms", "levels"):
            if not 0 <= (getattr(request, field) or 0) <= LARGEST:
                _wrong(field, f"must be 0 .. {LARGEST:,}")
        if request.channel != "orders" and request.account is not None:
            _wrong("account", "is of orders only")
        if request.channel == "orders":
            if request.symbol is not None:
                _wrong("symbol", "an account's orders are of all instruments")
            for field in ("period", "levels", "interval_ms"):
                if getattr(request, field):
                    _wrong(field, "is of no use for orders")
            account = self._services.admission.account_for(principal, request.account)
            return Topic("orders", account=account)
        if request.symbol is None:
            _wrong("symbol", "is needed")
        if (request.period is None) == (request.channel == "candles"):
            _wrong("period", "is needed for candles, and for nothing else")
        if request.levels and request.channel != "depth":
            _wrong("levels", "is of depth only")
        if request.from_sequence is not None and request.channel != "trades":
            _wrong("from_sequence", "is of trades and orders only: other channels begin with what is now")
        if isinstance(request.from_sequence, list):
            _wrong("from_sequence", "is one number: an instrument has one shard")
        if request.from_sequence is not None:
            _check_sequences(request.from_sequence)
        return Topic(
            request.channel,
            request.symbol,
            request.period,
            levels=request.levels,
            interval_ms=interval_ms,
        )

    async def _subscribe(self, request: SubscribeRequest) -> None:
        principal = self._admit("read")
        topic = self._topic(request, principal)
        key = (topic.channel, topic.symbol, topic.period, topic.account)
        if key in self._subscriptions:
            raise RefusedError("already_subscribed", 409, "this connection follows that channel already")
        if len(self._subscriptions) >= self._options.subscriptions:
            most = self._options.subscriptions
            raise RefusedError("too_many_subscriptions", 429, f"a connection has at most {most} subscriptions")
        subscription = Subscription(self._app.hub, topic, self._outlet, self._options.queue_messages)
        self._subscriptions[key] = subscription

        def answer(_position: tuple[int, ...]) -> None:
            named = {"channel": topic.channel, "symbol": topic.symbol, "period": topic.period, "account": topic.account}
            self._reply(request.id, {name: value for name, value in named.items() if value is not None})

        begin = request.from_sequence
        try:
            if begin is None:
                await subscription.begin(answer)
            else:
                async with self._app.resumes:
                    if isinstance(begin, int) and topic.channel == "trades":
                        await subscription.trades_behind(begin, answer)
                    else:
                        await subscription.orders_behind(self._since(begin), answer)
        except BaseException:
            subscription.end()
            if self._subscriptions.get(key) is subscription:
                del self._subscriptions[key]
            raise

    def _since(self, begin: int | list[int]) -> tuple[int, ...]:
        """By shard, the last command that the client knows."""
        shards = len(self._app.hub.position())
        since = (begin,) * shards if isinstance(begin, int) else tuple(begin)
        _check_sequences(*since)
        if len(since) != shards:
            _wrong("from_sequence", f"has {len(since)} numbers for {shards} shards")
        return since

    def _unsubscribe(self, request: UnsubscribeRequest) -> None:
        account = request.account
        if request.channel == "orders":
            account = self._services.admission.account_for(self._admit("read"), account)
        key = (request.channel, request.symbol, request.period, account)
        subscription = self._subscriptions.pop(key, None)
        if subscription is None:
            raise RefusedError("not_subscribed", 404, "this connection does not follow that channel")
        subscription.end()
        self._reply(request.id, {"channel": request.channel})

    async def _trade(
        self, request: NewOrderRequest | AmendOrderRequest | CancelOrderRequest | CancelOrdersRequest
    ) -> None:
        if self._services.state != "ready":
            raise refusal("draining" if self._services.state == "draining" else "not_ready", self._services.detail)
        principal = self._admit("trade")
        trading = self._app.trading
        answer: Answer | msgspec.Raw
        match request:
            case NewOrderRequest():
                answer = msgspec.Raw((await trading.new_order_json(principal, request.order))[0])
            case AmendOrderRequest(client_order_id=str(name), symbol=str(symbol), order_id=None):
                answer = await trading.amend_named(principal, name, symbol, request.account, request.amend)
            case AmendOrderRequest(order_id=str(order_id), client_order_id=None):
                answer = await trading.amend(principal, order_id, request.amend)
            case AmendOrderRequest():
                _wrong("order_id", "is needed, or client_order_id and symbol instead")
            case CancelOrderRequest(order_id=str(), client_order_id=str()):
                _wrong("order_id", "and client_order_id exclude one another")
            case CancelOrderRequest():
                answer = await trading.cancel(
                    principal,
                    request.order_id,
                    client_order_id=request.client_order_id,
                    symbol=request.symbol,
                    account=request.account,
                )
            case CancelOrdersRequest():
                answer = await trading.cancel_all(
                    principal, symbol=request.symbol, side=request.side, account=request.account
                )
        self._reply(request.id, answer)


def _op(request: WebSocketRequest) -> str:
    """The name of what is asked for."""
    return str(type(request).__struct_config__.tag)


def _check_sequences(*sequences: int) -> None:
    if not all(0 <= sequence < 1 << 63 for sequence in sequences):
        _wrong("from_sequence", "must be 0 .. 2^63 - 1")


def _wrong(field: str, detail: str) -> NoReturn:
    raise refusal("malformed", f"{field}: {detail}", errors=(FieldProblem(pointer=f"/{field}", detail=detail),))
