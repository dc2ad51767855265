"""The listener: who has which session, and how all of them end."""

import asyncio
import logging
import ssl
import time
from pathlib import Path
from typing import Final

import msgspec

from aeromatch.gateways.fix.actions import Send
from aeromatch.gateways.fix.connection import Connection
from aeromatch.gateways.fix.desk import Desk
from aeromatch.gateways.fix.follower import draw_back
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.options import FixOptions
from aeromatch.gateways.fix.profile import Profile
from aeromatch.gateways.fix.session import Session
from aeromatch.gateways.fix.store import FixStore, StoredSession
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Principal, RefusedError, Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading

__all__ = ["Acceptor", "Seat", "open_fix"]

log = logging.getLogger("aeromatch.fix")

RECHECK_S: Final = 5.0
"""How long a connection outlives its key, where it only listens."""
LONGEST_COMP_ID: Final = 64
DRAINING: Final = "the server is about to stop"


class Seat:
    """A session while somebody is there, or something that it asked for is under way."""

    def __init__(self, acceptor: "Acceptor", name: str, store: StoredSession) -> None:
        self.name, self.store = name, store
        self.connection: Connection | None = None
        self.session: Session | None = None
        self._sent: list[bytes] = []
        self.desk = Desk(
            acceptor.services, acceptor.trading, acceptor.hub, acceptor.options, store, self._send, acceptor.fail
        )
        self.leaving: asyncio.Task[None] | None = None

    def now_ns(self) -> int:
        """Now, by a clock that is never set; the session is told what UTC is."""
        now_ns = time.monotonic_ns()
        if self.session is not None:
            self.session.utc_offset_ns = time.time_ns() - now_ns
        return now_ns

    def _send(self, message: Message) -> None:
        """Numbers a message and keeps it; it leaves when the transaction is safe."""
        assert self.session is not None
        actions = self.session.send(message, self.now_ns())
        self._sent += [action.data for action in actions if isinstance(action, Send)]

    def take_sent(self, connection: Connection) -> bytes:
        """What is to leave over a connection now."""
        sent, self._sent = self._sent, []
        # What an earlier connection did not take is asked for again; what was not kept has never been.
        is_kept = connection is self.connection and not self.desk.is_broken
        return b"".join(sent) if is_kept else b""


class Acceptor:
    """Listens, and gives each client its session: `services.Listener`."""

    def __init__(
        self,
        services: Services,
        trading: Trading,
        hub: Hub,
        options: FixOptions,
        store: FixStore,
        begins: tuple[int, ...],
    ) -> None:
        self.services, self.trading, self.hub, self.options = services, trading, hub, options
        self.profile = Profile(
            comp_id=options.comp_id,
            heartbeat_s=(options.heartbeat_s, options.most_heartbeat_s),
            logout_timeout_s=options.logout_timeout_s,
            max_message_bytes=options.max_message_bytes,
        )
        self.connections: set[Connection] = set()
        self.is_draining = False
        self._store = store
        self._seats: dict[str, Seat] = {}
        self._server: asyncio.Server | None = None
        self._address = ""
        self._recheck: asyncio.TimerHandle | None = None
        self._failure = ""
        for name in store.names():
            draw_back(store.session(name), begins)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Begins to listen. Raises OSError where the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), host, port, ssl=tls, backlog=512)
        host, port = self._server.sockets[0].getsockname()[:2]
        self._address = f"{'fixs' if tls is not None else 'fix'}://{f'[{host}]' if ':' in host else host}:{port}"
        self._recheck = loop.call_later(RECHECK_S, self._look_at_keys)

    @property
    def address(self) -> str:
        """As `services.Listener`."""
        return self._address

    def _look_at_keys(self) -> None:
        for connection in tuple(self.connections):
            connection.look_at_key()
        self._recheck = asyncio.get_running_loop().call_later(RECHECK_S, self._look_at_keys)

    async def take_seat(self, principal: Principal, comp_id: str, connection: Connection) -> Seat:
        """The session of a key and a CompID, if nobody is there. Raises RefusedError.

        A key that acts for another account by now has another session: what the one before has kept is not for it.
        """
        if self._failure:
            raise refusal("unavailable", "no session is served any more")
        if len(comp_id) > LONGEST_COMP_ID:
            raise refusal("malformed", f"SenderCompID (49) has more than {LONGEST_COMP_ID} characters")
        key_id = principal.key_id
        name = msgspec.json.encode([key_id, comp_id, principal.account, "admin" in principal.roles]).decode()
        seat = self._seats.get(name)
        while seat is not None and seat.leaving is not None:
            await asyncio.wait({seat.leaving})
            seat = self._seats.get(name)
        if seat is None:
            owner = msgspec.json.encode([key_id]).decode()[:-1] + ","
            names = self._store.names()
            if name not in names and sum(each.startswith(owner) for each in names) >= self.options.sessions_per_key:
                raise refusal("too_many_connections", f"a key has at most {self.options.sessions_per_key} sessions")
            seat = self._seats[name] = Seat(self, name, self._store.session(name))
        if seat.connection is not None:
            raise RefusedError("already_logged_on", 409, f"{comp_id} is logged on over another connection")
        seat.connection = connection
        return seat

    def leave(self, seat: Seat, connection: Connection) -> None:
        """A connection has ended."""
        if seat.connection is not connection or seat.leaving is not None:
            return

        async def left() -> None:
            try:
                await seat.desk.stop()
                await seat.desk.finished()
            except Exception:
                log.exception("a session did not end as it should")
            finally:
                seat.connection = seat.leaving = None
                self._seats.pop(seat.name, None)

        seat.leaving = asyncio.get_running_loop().create_task(left())

    def fail(self, reason: str) -> None:
        """Nothing can be kept, or followed, any more: nobody is served."""
        if not self._failure:
            self._failure = reason
            log.error("no FIX session is served any more", extra={"reason": reason})
        for connection in tuple(self.connections):
            connection.abort()

    async def drain(self) -> None:
        """As `services.Listener`: what is under way is answered, then everybody is logged out."""
        self.is_draining = True
        if self._server is not None:
            self._server.close()
        for seat in tuple(self._seats.values()):
            await seat.desk.finished()
        for connection in tuple(self.connections):
            connection.end("draining", DRAINING)
        try:
            async with asyncio.timeout(self.options.logout_timeout_s + 1):
                while self.connections or self._seats:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            log.warning("connections did not close in time", extra={"connections": len(self.connections)})

    async def close(self) -> None:
        """As `services.Listener`."""
        self.is_draining = True
        if self._recheck is not None:
            self._recheck.cancel()
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.abort()
        while self.connections or self._seats:
            await asyncio.sleep(0.01)
        self._store.close()


async def open_fix(
    services: Services,
    trading: Trading,
    hub: Hub,
    options: FixOptions,
    *,
    store: Path | None,
    begins: tuple[int, ...],
    host: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    is_power_safe: bool = False,
) -> Acceptor:
    """Opens the gateway.

    Arguments:
        services: What it needs of the server.
        trading: What turns requests into commands; shared with the other gateways.
        hub: Brings what happens to orders and books; has all that the journal has.
        options: Limits.
        store: The file of the sessions' store; None: in memory.
        begins: By shard, the first command of this process: nothing that was reported lies behind it.
        host: Where it listens.
        port: Where it listens; 0: the system chooses.
        tls: Speaks TLS with it.
        is_power_safe: Whether what was sent is on the disk before it leaves.

    Raises:
        FixStoreError: The store cannot be used.
        OSError: The address cannot be had.
    """
    sessions = FixStore(store, is_power_safe=is_power_safe, kept_messages=options.kept_messages)
    try:
        acceptor = Acceptor(services, trading, hub, options, sessions, begins)
        await acceptor.listen(host, port, tls)
    except BaseException:
        sessions.close()
        raise
    return acceptor
