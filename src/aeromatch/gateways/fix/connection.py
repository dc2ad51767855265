"""One connection: its socket, who it is, and the session that it carries.

Everything that a piece of bytes leads to at once (numbers, answers of the session, requests that are written down) is
one transaction of the store. When that is safe the bytes leave and the requests are sent.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from aeromatch.gateways.context import session as session_context
from aeromatch.gateways.fix.actions import Action, Deliver, Disconnect, LoggedOn, LoggedOut, Rejected, Send
from aeromatch.gateways.fix.entrance import Entrance, Introduction, refuse
from aeromatch.gateways.fix.market_data import MarketRequests
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.refusals import text_of
from aeromatch.gateways.fix.securities import security_lists
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Credentials, Principal, RefusedError, Role

if TYPE_CHECKING:
    from aeromatch.gateways.fix.acceptor import Acceptor, Seat

__all__ = ["Connection"]

log = logging.getLogger("aeromatch.fix")

UNAUTHORIZED: Final = 401
LONGEST_VALUE: Final = 256
"""Of a field: answers repeat them, and are kept."""
TEXTS: Final = (58, 96, 355)
"""Text, RawData, EncodedText: nothing repeats them."""
UNSUPPORTED_TYPE: Final = "3"
"""BusinessRejectReason (380)."""
NEVER_NS: Final = 1 << 63
POSTED_MOST: Final = 10_000
"""Market data messages that wait for the end of a turn at most."""


class Connection(asyncio.Protocol):
    """A client's connection: `desk.Link`, and `market_data.Outbox`."""

    def __init__(self, acceptor: "Acceptor") -> None:
        self._acceptor = acceptor
        self._services, self._options = acceptor.services, acceptor.options
        self._transport = cast(asyncio.Transport, None)
        self.remote, self.number = "", 0
        self.principal = cast(Principal, None)
        self._entrance: Entrance | None = Entrance(acceptor.profile)
        self._session: Session | None = None
        self._seat: Seat | None = None
        self._market = MarketRequests(self._services, acceptor.trading, acceptor.hub, self._options, self)
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_ns = NEVER_NS
        self._slow_timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._when_free: list[Callable[[], None]] = []
        self._posted: list[Message] = []
        self._unread = b""
        self._paused: set[str] = set()
        self._left, self._left_at = float(self._options.burst_messages), time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lists: set[asyncio.Task[None]] = set()
        self._is_over = self._is_resending = False

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection begins, or is refused."""
        self._transport = cast(asyncio.Transport, transport)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        self.remote = f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._options.kernel_bytes)
        self._transport.set_write_buffer_limits(high=self._options.buffer_bytes)
        self._acceptor.connections.add(self)
        try:
            if self._acceptor.is_draining or self._services.state != "ready":
                raise refusal("draining" if self._acceptor.is_draining else "not_ready", self._services.detail)
            self.number = self._services.admission.connect(self.remote)
        except RefusedError as refused:
            # Who has not logged on is told nothing.
            self._turn_away(refused.slug)
            return
        session_context.set(self.number)
        self._services.stages.count("aeromatch_gateway_connections", gateway="fix")
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._options.logon_timeout_s, self._turn_away, "logon_timeout")

    def _turn_away(self, reason: str) -> None:
        log.info("not let in", extra={"remote": self.remote, "reason": reason})
        self._is_over = True
        self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The connection has ended, however it did."""
        session_context.set(self.number or None)
        self._is_over = True
        for timer in (self._timer, self._slow_timer, self._closing):
            if timer is not None:
                timer.cancel()
        self._writable.set()
        self._acceptor.connections.discard(self)
        if self._session is not None:
            self._do(self._session.disconnected())
        if self._seat is not None:
            self._acceptor.leave(self._seat, self)
        for task in self._tasks:
            task.cancel()
        self._start(self._market.close())
        if self.number:
            self._services.stages.count("aeromatch_gateway_connections", -1, gateway="fix")
            self._services.admission.disconnect(self.number)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is written to."""
        self._writable.clear()
        # What it asks for would lead to more.
        self._pause("slow")
        loop = asyncio.get_running_loop()
        self._slow_timer = loop.call_later(self._options.slow_timeout_s, self._too_slow)

    def resume_writing(self) -> None:
        """It has read."""
        if self._slow_timer is not None:
            self._slow_timer.cancel()
            self._slow_timer = None
        self._writable.set()
        calls, self._when_free = self._when_free, []
        for call in calls:
            call()
        if self._writable.is_set():
            self._resume("slow")
            self._resend()

    def _too_slow(self) -> None:
        self._services.stages.count("aeromatch_gateway_closed_total", gateway="fix", reason="slow_consumer")
        log.warning("a client is cut off", extra={"remote": self.remote, "reason": "slow_consumer"})
        # It does not read: nothing that is said would arrive.
        self._transport.abort()

    def _pause(self, why: str) -> None:
        if not self._paused and not self._is_over:
            self._transport.pause_reading()
        self._paused.add(why)

    def _resume(self, why: str) -> None:
        self._paused.discard(why)
        if not self._paused and not self._is_over:
            self._transport.resume_reading()
            if self._unread:
                data, self._unread = self._unread, b""
                self.data_received(data)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        # The loop calls all connections in one context: whatever is said from here on is about this one.
        session_context.set(self.number or None)
        if self._is_over:
            return
        if self._paused:
            # The transport had them already.
            self._unread += data
            return
        if self._session is not None:
            self._receive(data)
        elif self._entrance is not None:
            came = self._entrance.received(data, time.time_ns())
            if isinstance(came, Introduction):
                self._entrance = None
                self._pause("logon")
                self._start(self._log_on(came))
            elif came is not None:
                self._services.stages.count("aeromatch_refusals_total", gateway="fix", slug=came.reason)
                self._turn_away(came.reason)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("a connection failed")
                self._transport.abort()

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # The session.

    async def _log_on(self, introduction: Introduction) -> None:
        """Lets the client in, if it is who it says and nobody is there as it."""
        profile = self._acceptor.profile
        try:
            principal = self._principal_of(introduction)
            self._seat = await self._acceptor.take_seat(principal, introduction.comp_id, self)
            if not self._is_over:
                # Not before: who is turned away, as somebody is there, is not whose end cancels orders.
                self._cancel_at_end(principal)
        except RefusedError as refused:
            self._services.stages.count("aeromatch_refusals_total", gateway="fix", slug=refused.slug)
            if refused.slug == "already_logged_on":
                # A Logout would be counted as one of the session that goes on.
                self._turn_away(refused.slug)
                return
            log.info("not logged on", extra={"remote": self.remote, "reason": refused.slug})
            self._do(refuse(introduction, profile, refused.slug, text_of(refused), time.time_ns()))
            return
        if self._is_over:
            return  # It has gone meanwhile, and its seat is free again.
        self.principal = principal
        if self._timer is not None:
            self._timer.cancel()
        seat = self._seat
        self._session = seat.session = session = Session(profile, introduction.comp_id, seat.store, time.monotonic_ns())
        self._commit(lambda: session.accept(introduction, seat.now_ns()))
        self._resume("logon")

    def _principal_of(self, introduction: Introduction) -> Principal:
        services = self._services
        credentials = Credentials()
        if services.auth_required:
            if not introduction.username or not introduction.password:
                raise refusal("missing_credentials", "Logon needs Username (553), the key's id, and Password (554)")
            credentials = Credentials(authorization=f"Bearer {introduction.username}.{introduction.password}")
        return services.admission.admit(self.number, self.remote, credentials, "read").principal

    def _cancel_at_end(self, principal: Principal) -> None:
        if self._options.cancel_on_disconnect and principal.account is not None and "trade" in principal.roles:
            self._services.admission.cancel_on_disconnect(principal.session, principal.account, enabled=True)

    def _receive(self, data: bytes) -> None:
        session, seat = self._session, self._seat
        assert session is not None
        assert seat is not None
        before = session.taken_messages
        self._commit(lambda: session.received(data, seat.now_ns()))
        self._spend(session.taken_messages - before)
        self._look_at_requests()
        if (due_ns := session.next_tick_ns) is not None and due_ns < self._wakes_ns:
            # What was asked for is answered, or HeartBtInt is another one.
            self._wake()

    def _commit(self, work: Callable[[], list[Action]]) -> None:
        """Does what a piece of bytes leads to, as one transaction; lets it out when that is safe."""
        seat = self._seat
        assert seat is not None
        written: list[bytes] = []
        later: list[Action] = []
        try:
            with seat.store.transaction():
                for action in self._sends(work(), written):
                    if isinstance(action, Deliver):
                        self._deliver(action.message)
                    else:
                        later.append(action)
        except Exception as error:
            log.exception("what a message leads to could not be kept", extra={"remote": self.remote})
            self.abort()
            seat.desk.break_off(error)
            return
        seat.desk.begin()
        data = b"".join(written) + seat.take_sent(self)
        seat.store.when_safe(partial(self._release, data, later))

    def _release(self, data: bytes, later: list[Action], failure: Exception | None) -> None:
        assert self._seat is not None
        if failure is not None:
            self.abort()
            self._seat.desk.break_off(failure)
        elif not self._is_over:
            self._transport.write(data)
            self._do(later)
            self._resend()

    def _sends(self, actions: list[Action], written: list[bytes]) -> list[Action]:
        """The session's own messages have their numbers: they leave before what answers those that it delivers."""
        written += [action.data for action in actions if isinstance(action, Send)]
        return [action for action in actions if not isinstance(action, Send)]

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._transport.write(action.data)
                case LoggedOn():
                    assert self._seat is not None
                    log.info("logged on", extra={"remote": self.remote, "fix_session": self._seat.name})
                    self._seat.desk.start(self)
                    self._wake()
                case Rejected():
                    log.error("a client rejects a message of ours", extra={"rejected": repr(action.message)})
                case LoggedOut():
                    log.info("logged out", extra={"remote": self.remote, "reason": action.reason})
                    self._wake()
                case Disconnect():
                    self._services.stages.count("aeromatch_gateway_closed_total", gateway="fix", reason=action.reason)
                    self._is_over = True
                    self._transport.close()
                    # What waits in the socket leaves first, unless nobody reads: a session is not kept busy by that.
                    loop = asyncio.get_running_loop()
                    self._closing = loop.call_later(self._options.logout_timeout_s, self._transport.abort)
                case Deliver():
                    raise AssertionError("messages are delivered within a transaction")

    def _deliver(self, message: Message) -> None:
        assert self._seat is not None
        desk = self._seat.desk
        try:
            _check_lengths(message)
            if desk.take(message, self):
                return
            if message.msg_type == "V":
                self.admit("read")
                self._market.take(message)
            elif message.msg_type == "x":
                self.admit("read")
                task = self._start(self._list(message))
                self._lists.add(task)
                task.add_done_callback(self._lists.discard)
            else:
                desk.refuse(message, refusal("malformed", f"MsgType {message.msg_type}"), reason=UNSUPPORTED_TYPE)
        except RefusedError as refused:
            desk.refuse(message, refused)

    async def _list(self, message: Message) -> None:
        for answer in await security_lists(message, self._acceptor.trading, self._options.list_instruments):
            self.post(answer)

    def _wake(self) -> None:
        """Does what time demands, and says when it does so next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wakes_ns = NEVER_NS
        session = self._session
        if session is None or self._is_over:
            return
        assert self._seat is not None
        now_ns = self._seat.now_ns()
        if (due_ns := session.next_tick_ns) is not None and due_ns <= now_ns:
            self._commit(lambda: session.tick(now_ns))
            due_ns = session.next_tick_ns
        if due_ns is not None and not self._is_over:
            self._wakes_ns = due_ns
            wait_s = max(due_ns - time.monotonic_ns(), 0) / 1e9 + 0.001
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)

    def _resend(self) -> None:
        """Goes on with what was asked for again, as the client takes it."""
        session = self._session
        if session is None or not session.has_more or not self._writable.is_set() or self._is_over:
            return
        if not self._is_resending:
            # One at a time: whatever comes meanwhile would begin another one.
            self._is_resending = True
            asyncio.get_running_loop().call_soon(self._resend_more, session)

    def _resend_more(self, session: Session) -> None:
        self._is_resending = False
        seat = self._seat
        if seat is not None and self._writable.is_set() and not self._is_over:
            self._commit(lambda: session.more(seat.now_ns()))

    def _spend(self, messages: int) -> None:
        """Reads no more for a while where too much has come."""
        now, options = time.monotonic(), self._options
        self._left = min(self._left + (now - self._left_at) * options.messages_per_s, options.burst_messages)
        self._left_at = now
        self._left -= messages
        if self._left < 0:
            self._pause("rate")
            asyncio.get_running_loop().call_later(-self._left / options.messages_per_s, self._resume, "rate")

    def _look_at_requests(self) -> None:
        """Reads no more while too many requests are under way."""
        assert self._seat is not None
        waiting = (*self._seat.desk.unanswered(), *self._market.unanswered(), *self._lists)
        if len(waiting) >= self._options.requests and "requests" not in self._paused:
            self._pause("requests")
            self._start(self._wait_for(waiting))

    async def _wait_for(self, tasks: tuple["asyncio.Task[None]", ...]) -> None:
        await asyncio.wait(tasks)
        self._resume("requests")

    # `desk.Link` and `market_data.Outbox`.

    def admit(self, role: Role) -> Principal:
        """As `desk.Link`."""
        self.principal = self._services.admission.admit_again(self.principal, role).principal
        return self.principal

    def look_at_key(self) -> None:
        """Ends the connection if its key is no longer good, or acts for another account now."""
        if self._session is None or self._is_over or self.principal.key_id is None:
            return
        before = self.principal
        try:
            now = self._services.admission.admit_again(before, "read", 0).principal
        except RefusedError as refused:
            if refused.status == UNAUTHORIZED:
                self.end(refused.slug, refused.detail)
            return
        if (now.account, now.roles) != (before.account, before.roles):
            self.end("invalid_key", "the key has changed: log on again")

    def abort(self) -> None:
        """Ends the connection at once."""
        self._is_over = True
        self._transport.abort()

    def flush(self) -> None:
        """As `desk.Link`."""
        assert self._seat is not None
        if data := self._seat.take_sent(self):
            self._seat.store.when_safe(partial(self._release, data, []))

    def end(self, slug: str, detail: str) -> None:
        """As `desk.Link`. Who has not logged on is told nothing."""
        session, seat = self._session, self._seat
        if self._is_over:
            return
        if session is None or seat is None:
            self._turn_away(slug)
            return
        self._commit(lambda: session.logout(slug, f"{slug}: {detail}" if detail else slug, seat.now_ns()))
        self._wake()

    async def room(self) -> None:
        """As `desk.Link`."""
        await self._writable.wait()

    @property
    def is_free(self) -> bool:
        """As `market_data.Outbox`."""
        return self._writable.is_set() and not self._is_over

    def when_free(self, call: Callable[[], None]) -> None:
        """As `market_data.Outbox`."""
        self._when_free.append(call)

    def post(self, message: Message) -> None:
        """As `market_data.Outbox`: at the end of this turn, with the others of it."""
        if self._is_over:
            return
        if not self._posted:
            asyncio.get_running_loop().call_soon(self._send_posted)
        self._posted.append(message)
        if len(self._posted) > POSTED_MOST or self._transport.get_write_buffer_size() > self._options.queue_bytes:
            self._posted.clear()
            self._too_slow()

    def _send_posted(self) -> None:
        posted, self._posted = self._posted, []
        session, seat = self._session, self._seat
        if session is None or seat is None or not session.is_up or self._is_over:
            return

        def send() -> list[Action]:
            now_ns = seat.now_ns()
            return [action for message in posted for action in session.send(message, now_ns, is_kept=False)]

        self._commit(send)


def _check_lengths(message: Message) -> None:
    """Raises RefusedError where a field is longer than any that is used."""
    for tag in message:
        if len(message[tag]) > LONGEST_VALUE and tag not in TEXTS:
            raise refusal("malformed", f"field {tag} has more than {LONGEST_VALUE} characters")
