"""One WebSocket to the server: it comes back when it is lost, and brings its subscriptions with it."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from aeromatch import __version__
from aeromatch.client.backoff import Backoff
from aeromatch.client.credentials import Credentials
from aeromatch.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    BusyError,
    ClientError,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    RateLimitedError,
    RejectedError,
    rejection_of,
)
from aeromatch.schema.base import Request
from aeromatch.schema.messages import (
    ClosingMessage,
    LoginRequest,
    OrderMessage,
    SubscribeRequest,
    UnsubscribeRequest,
    WebSocketMessage,
)
from aeromatch.schema.problems import Problem, type_of

__all__ = ["Key", "Socket", "Subscription"]

Key: TypeAlias = tuple[str | None, ...]
"""Channel, symbol, period, account: what tells subscriptions of a connection apart."""

MESSAGE_BYTES: Final = 64 << 20
"""A message is no longer: a whole book of a million levels fits."""

PING_S: Final = 10.0
"""How often a silent server is asked whether it lives, and how long it may take to say so."""

MS_PER_S: Final = 1000


class _Reply(msgspec.Struct):
    """What became of a request; `channel` is there in messages that are none."""

    channel: str | None = None
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    problem: Problem | None = None


class Subscription(Protocol):
    """Something that a channel's messages go to. Methods are called in the event loop and do not wait."""

    @property
    def key(self) -> Key:
        """Whose messages it takes."""

    def request(self) -> SubscribeRequest:
        """How to subscribe now: from where the stream got to."""

    def subscribed(self) -> None:
        """The server took what `request` said last: messages come from here on."""

    def refused(self, error: RejectedError) -> bool:
        """The server did not take it when the connection was back: whether to ask `request` for something else."""

    def receive(self, message: Any) -> None:
        """A message of the channel."""

    def interrupted(self) -> None:
        """The connection was lost; another one is being made, and `request` will be asked again."""

    def fail(self, error: ClientError) -> None:
        """Nothing comes any more."""


class Socket:
    """A connection that is made again when it is lost, until it is closed.

    Arguments:
        url: ws:// or wss://, with path.
        credentials: None: the server asks for none.
        timeout_s: Of an answer, and of each attempt to connect.
        tls: How the server's certificate is checked; None: as the system does.
        cancel_on_disconnect: Whether the server is to cancel the account's orders when the connection ends.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None,
        timeout_s: float,
        tls: ssl.SSLContext | None,
        *,
        cancel_on_disconnect: bool = False,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._tls = tls
        self._cancel_on_disconnect = cancel_on_disconnect
        self._connection: ClientConnection | None = None
        self._connected = asyncio.Event()
        self._error: ClientError | None = None
        """Why there is no connection; the last attempt's failure while more are made."""
        self._has_ended = False
        self._pending: dict[int | str | None, asyncio.Future[msgspec.Raw]] = {}
        self._next_id = 1
        self._subscriptions: dict[Key, Subscription] = {}
        # Those that the server has taken once: a new connection subscribes to them by itself.
        self._settled: set[Key] = set()
        self._resubscribing: set[asyncio.Task[None]] = set()
        self._renewed: set[Key] = set()
        self._message = msgspec.json.Decoder(WebSocketMessage)
        self._reply = msgspec.json.Decoder(_Reply)
        self.connections = 0
        """How often it was connected."""
        self._runner = asyncio.create_task(self._run())

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now, logged in."""
        return self._connection is not None and self._connected.is_set() and not self._has_ended

    @property
    def is_usable(self) -> bool:
        """Whether there may be a connection again, if there is none."""
        return not self._has_ended

    def has(self, key: Key) -> bool:
        """Whether there is such a subscription: there can be one of a key."""
        return key in self._subscriptions

    async def close(self) -> None:
        """Ends the connection, and all that hangs on it."""
        self._end(ClosedError("this client was closed"))
        self._runner.cancel()
        for task in self._resubscribing:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._runner

    async def subscribe(self, subscription: Subscription) -> None:
        """Sends a channel's messages to a subscription from now on, over all connections to come.

        Raises:
            ClientError: The server refused, or cannot be reached in time; there is no subscription then.
        """
        self._subscriptions[subscription.key] = subscription
        try:
            await self.request(subscription.request(), may_repeat=True)
        except BaseException:
            self._subscriptions.pop(subscription.key, None)
            raise
        self._settled.add(subscription.key)
        subscription.subscribed()

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Ends a subscription; what the server thinks of it does not matter."""
        if self._subscriptions.get(subscription.key) is not subscription:
            return
        del self._subscriptions[subscription.key]
        self._settled.discard(subscription.key)
        if self.is_connected:
            with contextlib.suppress(ClientError):
                await self.request(_unsubscribe(subscription), may_repeat=False)

    def renew(self, subscription: Subscription) -> None:
        """Subscribes again from where the stream got to: for one that found something missing."""
        if self.is_connected and subscription.key not in self._renewed:
            # Of two at the same time one would find that the other has subscribed already.
            self._renewed.add(subscription.key)
            self._start(self._renew(subscription))

    async def _renew(self, subscription: Subscription) -> None:
        try:
            # Where the server knows of no subscription, so much the better.
            with contextlib.suppress(RejectedError):
                await self._insist(subscription, lambda: _unsubscribe(subscription))
            if self._subscriptions.get(subscription.key) is subscription:
                await self._subscribe_again(subscription)
        except NoAnswerError:
            return  # The next connection subscribes.
        finally:
            self._renewed.discard(subscription.key)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._resubscribing.add(task)
        task.add_done_callback(self._resubscribing.discard)

    async def request(self, message: Request, *, may_repeat: bool, timeout_s: float | None = None) -> msgspec.Raw:
        """Sends a request, over the next connection if there is none now, and waits for the answer.

        Arguments:
            message: With an `id`, which is set here.
            may_repeat: Whether it is sent again where the connection is lost before the answer.
            timeout_s: For all of it; None: the socket's.

        Raises:
            RejectedError: The server refused it; `lost_answers` says how often it was sent before, unanswered. One that
                had no room for it was asked again until then.
            NoConnectionError: There was no connection in time; nothing was sent.
            NoAnswerError: It was sent, and no answer came.
            ClosedError: The client is closed.
        """
        lost_answers = 0
        refused: RejectedError | None = None
        delays_s = Backoff().delays_s()
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    try:
                        await self._ready()
                        refused = None
                        return await self._ask(message)
                    except RejectedError as error:
                        error.lost_answers = lost_answers
                        if not _passes(error) or not (may_repeat or isinstance(error, RateLimitedError)):
                            raise
                        refused = error
                        await asyncio.sleep(_pause_s(error, next(delays_s)))
                    except ClientError as error:
                        lost_answers += isinstance(error, NoAnswerError)
                        error.lost_answers = lost_answers
                        if not may_repeat or not isinstance(error, NoAnswerError):
                            raise
        except TimeoutError as error:
            if refused is not None:
                raise refused from None
            if not self.is_connected and not lost_answers:
                reason = f": {self._error}" if self._error else ""
                raise NoConnectionError(f"{self._url} cannot be reached in {limit_s:g} s{reason}") from error
            timed_out = AnswerTimeoutError(f"{type(message).__name__}: no answer in {limit_s:g} s")
            timed_out.lost_answers = lost_answers + 1
            raise timed_out from error

    async def _ready(self) -> None:
        if self._has_ended and self._error is not None:
            raise self._error
        await self._connected.wait()
        # The wait ends when everything does, too.
        if self._has_ended and self._error is not None:
            raise self._error

    async def _ask(self, message: Request) -> msgspec.Raw:
        """Send over the connection that there is, and wait."""
        connection = self._connection
        if connection is None:
            raise NoAnswerError(f"{self._url}: the connection was lost")
        number = self._next_id
        self._next_id += 1
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        text = msgspec.json.encode(msgspec.structs.replace(message, id=number))
        try:
            try:
                await connection.send(text, text=True)
            except ConnectionClosed as error:
                raise NoAnswerError(f"{self._url}: the connection was lost: {error}") from error
            return await answer
        finally:
            self._pending.pop(number, None)
            if answer.done() and not answer.cancelled():
                answer.exception()

    async def _run(self) -> None:
        """Connect, read until it ends, and again."""
        delays_s = Backoff().delays_s()
        while not self._has_ended:
            connections = self.connections
            try:
                async with connect(
                    self._url,
                    ssl=self._tls,
                    open_timeout=self._timeout_s,
                    ping_interval=PING_S,
                    ping_timeout=PING_S,
                    close_timeout=1.0,
                    max_size=MESSAGE_BYTES,
                    compression=None,
                    user_agent_header=f"aeromatch/{__version__}",
                    proxy=None,
                ) as connection:
                    # What kept the one before from standing is over.
                    self._error = None
                    await self._live(connection)
            except InvalidStatus as error:
                if self._refused(error):
                    return
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
                self._error = NoConnectionError(f"{self._url}: {str(error) or type(error).__name__}")
            except InvalidURI as error:
                self._end(NoConnectionError(str(error)))
            except ClientError as error:
                # The login was refused, or the server speaks something else: another attempt would end the same way.
                self._end(error)
            except Exception as error:
                self._end(BadAnswerError(f"{self._url}: {type(error).__name__}: {error}"))
                raise
            if self.connections > connections:
                delays_s = Backoff().delays_s()
            if not self._has_ended:
                await asyncio.sleep(next(delays_s))

    def _refused(self, error: InvalidStatus) -> bool:
        """A server that answers with a status instead: whether it is no use to try again."""
        status = error.response.status_code
        slug = f"http_{status}"
        problem = Problem(type=type_of(slug), title=slug, status=status, slug=slug, detail="no WebSocket here")
        if error.response.body:
            with contextlib.suppress(msgspec.MsgspecError):
                problem = msgspec.json.decode(error.response.body, type=Problem)
        rejection = rejection_of(problem)
        if status in (429, 503) or status >= 500:
            self._error = rejection
            return False
        self._end(rejection)
        return True

    async def _live(self, connection: ClientConnection) -> None:
        """What a connection does from its beginning to its end."""
        self._connection = connection
        greeting = asyncio.create_task(self._greet())
        try:
            async for text in connection:
                self._take(text)
            raise NoConnectionError(f"{self._url}: the server ended the connection")
        except ConnectionClosed as error:
            if self._error is None or not greeting.done():
                self._error = NoConnectionError(f"{self._url}: {error}")
        except NoConnectionError as error:
            # What the server said before it ended says more.
            self._error = self._error or error
        finally:
            self._connection = None
            self._connected.clear()
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(NoAnswerError(f"{self._url}: the connection was lost"))
            if not greeting.done():
                greeting.cancel()
            with contextlib.suppress(asyncio.CancelledError, NoAnswerError):
                await greeting
            for subscription in list(self._subscriptions.values()):
                subscription.interrupted()

    async def _greet(self) -> None:
        """Log in, subscribe to what there was; then requests may come."""
        try:
            if self._credentials is not None or self._cancel_on_disconnect:
                login = LoginRequest() if self._credentials is None else self._credentials.login()
                login = msgspec.structs.replace(login, cancel_on_disconnect=self._cancel_on_disconnect)
                await self._ask(login)
        except NoAnswerError:
            return
        except ClientError as error:
            if _passes(error):
                self._error = error
            else:
                self._end(error)
            if self._connection is not None:
                await self._connection.close()
            return
        again = [subscription for key, subscription in self._subscriptions.items() if key in self._settled]
        self.connections += 1
        self._error = None
        self._connected.set()
        for subscription in again:
            self._start(self._subscribe_again(subscription))

    async def _insist(self, subscription: Subscription, message: Callable[[], Request]) -> None:
        """Asks for something about a subscription, and again while the server has no room for it.

        Raises:
            RejectedError: The server refused it for another reason.
            NoAnswerError: The connection, or the subscription, has ended meanwhile.
        """
        connection, delays_s = self._connection, Backoff().delays_s()
        while True:
            try:
                await self._ask(message())
                return
            except RejectedError as error:
                if not _passes(error):
                    raise
                await asyncio.sleep(_pause_s(error, next(delays_s)))
                if self._connection is not connection or self._subscriptions.get(subscription.key) is not subscription:
                    raise NoAnswerError(f"{self._url}: nobody waits for this any more") from error

    async def _subscribe_again(self, subscription: Subscription) -> None:
        try:
            try:
                await self._insist(subscription, subscription.request)
            except RejectedError as error:
                if not subscription.refused(error):
                    raise
                await self._insist(subscription, subscription.request)
        except NoAnswerError:
            return
        except ClientError as error:
            self._subscriptions.pop(subscription.key, None)
            self._settled.discard(subscription.key)
            subscription.fail(error)
        else:
            subscription.subscribed()

    def _take(self, text: str | bytes) -> None:
        """A message of the server: an answer, or something of a channel."""
        try:
            reply = self._reply.decode(text)
            if reply.channel is None:
                self._answer(reply)
                return
            message = self._message.decode(text)
        except msgspec.MsgspecError as error:
            raise BadAnswerError(f"{self._url}: {error}") from error
        if isinstance(message, ClosingMessage):
            self._error = rejection_of(message.problem)
            return
        subscription = self._subscription_of(message)
        if subscription is not None:
            subscription.receive(message)

    def _subscription_of(self, message: Any) -> Subscription | None:
        if isinstance(message, OrderMessage):
            # Who did not say whose orders gets those of the key's account, and learns its name here.
            own = self._subscriptions.get(("orders", None, None, message.account))
            return own or self._subscriptions.get(("orders", None, None, None))
        key = (message.channel, message.symbol, getattr(message, "period", None), None)
        return self._subscriptions.get(key)

    def _answer(self, reply: _Reply) -> None:
        answer = self._pending.get(reply.id)
        if answer is None or answer.done():
            return
        if reply.problem is not None:
            answer.set_exception(rejection_of(reply.problem))
        else:
            answer.set_result(reply.result)

    def _end(self, error: ClientError) -> None:
        """Nothing more comes: whoever waits hears why."""
        if self._has_ended:
            return
        self._has_ended, self._error = True, error
        self._connected.set()
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(error)
        for subscription in list(self._subscriptions.values()):
            subscription.fail(error)
        self._subscriptions.clear()


def _passes(error: ClientError) -> bool:
    """Whether what the server refuses now it may take a moment later."""
    return isinstance(error, BusyError) or (isinstance(error, RejectedError) and error.slug == "rate_limited")


def _pause_s(error: RejectedError, delay_s: float) -> float:
    """The server's wish, if it has one."""
    return max((error.retry_after_ms or 0) / MS_PER_S, delay_s)


def _unsubscribe(subscription: Subscription) -> UnsubscribeRequest:
    asked = subscription.request()
    return UnsubscribeRequest(channel=asked.channel, symbol=asked.symbol, period=asked.period, account=asked.account)
