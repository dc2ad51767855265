"""A connection to the binary gateway: logged in, kept alive, and made again when it is lost."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aeromatch.client.backoff import Backoff
from aeromatch.client.credentials import SigningKey
from aeromatch.client.errors import (
    BadAnswerError,
    ClientError,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
)
from aeromatch.client.wire import Ended, FrameReader, Kind, ServerFrame, Welcome, encode_frame, encode_login
from aeromatch.client.wire_codes import rejection

__all__ = ["Address", "Link", "LinkOwner", "login_body"]

READ_BYTES: Final = 1 << 18
NS_PER_MS: Final = 1_000_000
PATIENCE: Final = 2.5
"""So many heartbeats may pass without a word."""
PASSING: Final = (
    "draining",
    "unavailable",
    "rate_limited",
    "too_many_connections",
    "capacity",
    "idle",
    "slow_consumer",
    "request_timeout",
    "internal_error",
)
"""Why a session can end without the next one ending the same way."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the gateway listens: host and port, or the path of a Unix socket.

    Raises:
        ValueError: The text names neither.
    """

    text: str
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads "127.0.0.1:9191", "[::1]:9191" or "/run/aeromatch/binary.sock"."""
        if "/" in text:
            return cls(text)
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"address must be host:port or the path of a socket: {text!r}")
        return cls(text, host.removeprefix("[").removesuffix("]"), int(port))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Raises OSError."""
        if self.host:
            return await asyncio.open_connection(self.host, self.port)
        return await asyncio.open_unix_connection(self.text)


def login_body(
    credentials: SigningKey | None,
    account: str | None,
    *,
    cancel_on_disconnect: bool = False,
    heartbeat_ms: int = 0,
    positions: Sequence[int] = (),
) -> bytes:
    """The body of a login that is signed now: it is good once."""
    key_id, signature, timestamp_ms, nonce = "", bytes(32), time.time_ns() // NS_PER_MS, secrets.randbits(64)
    if credentials is not None:
        key_id = credentials.key_id
        signature = bytes.fromhex(credentials.sign(timestamp_ms, str(nonce), "LOGIN", "binary", b""))
    return encode_login(
        key_id=key_id,
        account=account or "",
        timestamp_ms=timestamp_ms,
        nonce=nonce,
        signature=signature,
        cancel_on_disconnect=cancel_on_disconnect,
        heartbeat_ms=heartbeat_ms,
        positions=positions,
    )


class LinkOwner(Protocol):
    """Whom a connection is for. Methods are called in the event loop and do not wait."""

    def login(self) -> tuple[bytes, int]:
        """The body of a login, and how many positions it has."""

    def connected(self, welcome: Welcome) -> None:
        """The server took the login."""

    def received(self, frame: ServerFrame) -> None:
        """A frame came."""

    def lost(self, error: ClientError) -> None:
        """The connection was lost; another one is being made."""

    def failed(self, error: ClientError) -> None:
        """There will be no connection any more."""


class Link:
    """A connection that is made again when it is lost, until it is closed.

    Arguments:
        address: Where the gateway is.
        owner: Whom it is for.
        timeout_s: Of each attempt to connect and log in.
    """

    def __init__(self, address: Address, owner: LinkOwner, timeout_s: float) -> None:
        self._address, self._owner, self._timeout_s = address, owner, timeout_s
        self._writer: asyncio.StreamWriter | None = None
        self._number = 0
        self._welcome: Welcome | None = None
        self._has_ended = False
        self._last_sent_s = self._last_received_s = 0.0
        self.error: ClientError | None = None
        """Why there is no connection."""
        self._runner = asyncio.create_task(self._run())

    def send(self, kind: Kind, body: bytes | memoryview = b"", count: int = 0) -> None:
        """Sends a frame.

        Raises:
            NoConnectionError: There is no connection now: nothing was sent.
        """
        if self._writer is None or self._welcome is None:
            raise NoConnectionError(f"{self._address.text}: there is no connection: {self.error}")
        self._write(kind, body, count)

    def _write(self, kind: Kind, body: bytes | memoryview = b"", count: int = 0) -> None:
        assert self._writer is not None
        self._number += 1
        self._writer.write(encode_frame(kind, self._number, body, count))
        self._last_sent_s = asyncio.get_running_loop().time()

    async def drain(self) -> None:
        """Waits until the socket has taken most of what was sent."""
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    def abort(self) -> None:
        """Cuts the connection, as a network does; another one is made."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def close(self) -> None:
        """Logs out and ends."""
        if not self._has_ended:
            self._has_ended = True
            if self._writer is not None and self._welcome is not None:
                with contextlib.suppress(OSError):
                    self._write(Kind.LOGOUT)
            self._owner.failed(ClosedError("this client was closed"))
        self._runner.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._runner

    async def _run(self) -> None:
        delays_s = Backoff().delays_s()
        while not self._has_ended:
            try:
                await self._live()
            except (OSError, TimeoutError) as error:
                self.error = NoConnectionError(f"{self._address.text}: {str(error) or type(error).__name__}")
            except ClientError as error:
                self.error = error
                if not isinstance(error, NoConnectionError):
                    self._end(error)
                    return
            except Exception as error:
                self._end(BadAnswerError(f"{self._address.text}: {type(error).__name__}: {error}"))
                raise
            if self._welcome is not None:
                delays_s = Backoff().delays_s()
                self._welcome = None
                self._owner.lost(NoAnswerError(f"{self._address.text}: the connection was lost: {self.error}"))
            if not self._has_ended:
                await asyncio.sleep(next(delays_s))

    def _end(self, error: ClientError) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._owner.failed(error)

    async def _live(self) -> None:
        """One connection, from its beginning to its end, which is an exception."""
        async with asyncio.timeout(self._timeout_s):
            reader, self._writer = await self._address.connect()
        self._number, frames = 0, FrameReader()
        beating: asyncio.Task[None] | None = None
        try:
            self._write(Kind.LOGIN, *self._owner.login())
            welcome_by_s = asyncio.get_running_loop().time() + self._timeout_s
            while True:
                async with asyncio.timeout_at(None if self._welcome else welcome_by_s):
                    data = await reader.read(READ_BYTES)
                if not data:
                    raise NoConnectionError(f"{self._address.text}: the server ended the connection")
                self._last_received_s = asyncio.get_running_loop().time()
                for frame in frames.feed(data):
                    if isinstance(frame, Welcome):
                        self._welcome = frame
                        beating = asyncio.create_task(self._beat(frame.heartbeat_ms / 1000))
                        self._owner.connected(frame)
                    else:
                        self._take(frame)
        finally:
            if beating is not None:
                beating.cancel()
            writer, self._writer = self._writer, None
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def _take(self, frame: ServerFrame) -> None:
        if not isinstance(frame, Ended):
            self._owner.received(frame)
            return
        error = rejection(frame.slug, frame.detail, frame.retry_after_ns)
        if frame.slug in PASSING:
            raise NoConnectionError(f"{self._address.text}: the server ended the session: {error}")
        raise error

    async def _beat(self, heartbeat_s: float) -> None:
        """Sends something now and then, and ends a connection over which nothing comes."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(heartbeat_s / 2)
            now_s = loop.time()
            if now_s - self._last_received_s > heartbeat_s * PATIENCE:
                self.error = NoConnectionError(f"{self._address.text}: nothing came for {heartbeat_s * PATIENCE:g} s")
                self.abort()
                return
            if now_s - self._last_sent_s >= heartbeat_s / 2:
                self._write(Kind.HEARTBEAT)
