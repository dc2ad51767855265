"""Connections to a server that cost as little as they can: a client that measures must not be what is measured.

A gateway is a small strategy: it connects, and sends a command and waits for the answer. HTTP/1.1 is spoken with kept
connections and a native parser; of WebSocket only what a server's text messages need.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import httptools
import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aeromatch.bench.load_flow import Command
    from aeromatch.schema.messages import LoginRequest

__all__ = ["GATEWAYS", "Answer", "Connection", "LostError", "Proof", "open_connection"]

GATEWAYS: Final = ("rest", "websocket")
OPEN_S: Final = 10.0
"""How long a connection may take to be there."""
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MASKED: Final = 0x80


class LostError(Exception):
    """The connection ended, or could not be made."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    """Of HTTP; over a WebSocket the one of the problem, or 200."""
    body: bytes


class Proof(Protocol):
    """How requests prove who sends them: credentials of `aeromatch.client`."""

    def headers(self, method: str, target: str, body: bytes) -> Mapping[str, str]:
        """Of a request over HTTP."""

    def login(self) -> LoginRequest:
        """The first message over a WebSocket."""


class Connection(Protocol):
    """A connection that takes commands."""

    async def ask(self, command: Command) -> Answer:
        """Sends a command and waits for its answer. Raises LostError."""

    def close(self) -> None:
        """Ends it."""


async def open_connection(gateway: str, url: str, proof: Proof | None, ca: str | None = None) -> Connection:
    """Connects.

    Arguments:
        gateway: One of GATEWAYS.
        url: http:// or https://, with host and port.
        proof: None: the server asks for none.
        ca: A file with the certificates to trust; None: those that this machine trusts.

    Raises:
        LostError: It cannot be made.
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "https"
    host, port = parts.hostname or "127.0.0.1", parts.port or (443 if is_tls else 80)
    kind = _Rest if gateway == "rest" else _WebSocket
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(cafile=ca) if is_tls else None
    try:
        async with asyncio.timeout(OPEN_S):
            _, connection = await loop.create_connection(lambda: kind(parts.netloc, proof), host, port, ssl=tls)
            await connection.begin()
    except TimeoutError as error:
        raise LostError(f"{host}:{port}: no connection in {OPEN_S:g} s") from error
    except OSError as error:
        raise LostError(f"{host}:{port}: {error.strerror or error}") from error
    return connection


class _Rest(asyncio.Protocol):
    """HTTP/1.1: one request at a time, over a connection that stays."""

    def __init__(self, host: str, proof: Proof | None) -> None:
        self._host = host.encode()
        self._proof = proof
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Answer] | None = None
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    async def begin(self) -> None:
        """There is nothing to say first."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LostError(str(error or "the server ended the connection")))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._answer is not None and not self._answer.done():
                self._answer.set_exception(LostError(f"no HTTP: {error}"))
            self.close()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), body))
        if not self._parser.should_keep_alive():
            self.close()

    async def ask(self, command: Command) -> Answer:
        """As `Connection.ask`."""
        if self._transport is None or self._transport.is_closing():
            raise LostError("the server ended the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._request(command))
        return await self._answer

    def _request(self, command: Command) -> bytes:
        method, target = _place(command)
        lines = b"%s %s HTTP/1.1\r\nhost: %s\r\n" % (method, target, self._host)
        if self._proof is not None:
            for name, value in self._proof.headers(method.decode(), target.decode(), command.body).items():
                lines += f"{name}: {value}\r\n".encode()
        if not command.body:
            return lines + b"\r\n"
        head = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(command.body)
        return lines + head + command.body

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()


def _place(command: Command) -> tuple[bytes, bytes]:
    """Method and target."""
    if command.kind == "cancel":
        return b"DELETE", b"/order/" + command.order_id.encode()
    if command.kind == "amend":
        return b"PATCH", b"/order/" + command.order_id.encode()
    return b"POST", b"/orders" if command.kind == "batch" else b"/order"


class _WebSocket(asyncio.Protocol):
    """A WebSocket: as many requests at a time as one likes, told apart by id."""

    def __init__(self, host: str, proof: Proof | None) -> None:
        self._host = host
        self._proof = proof
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._next_id = 1
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._greeting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /ws HTTP/1.1\r\nhost: {self._host}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n".encode()
        )

    async def begin(self) -> None:
        """Waits until the server speaks WebSocket, and says who this is."""
        await self._greeting
        if self._proof is not None:
            login = msgspec.structs.replace(self._proof.login(), id=0)
            answer = await self._send(0, msgspec.json.encode(login))
            if answer.status != 200:
                raise LostError(f"the login was refused: {answer.body[:300]!r}")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        lost = LostError(str(error or "the server ended the connection"))
        if not self._greeting.done():
            self._greeting.set_exception(lost)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(lost)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_open:
            head, end, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self._greeting.set_exception(LostError(head.split(b"\r\n", 1)[0].decode("ascii", "replace")))
                self.close()
                return
            self._is_open, self._buffer = True, bytearray(rest)
            self._greeting.set_result(None)
        self._read_frames()

    def _read_frames(self) -> None:
        buffer, position = self._buffer, 0
        while len(buffer) - position >= 2:
            size, begin = buffer[position + 1] & 0x7F, position + 2
            if size == 126:
                size, begin = int.from_bytes(buffer[begin : begin + 2]), begin + 2
            elif size == 127:
                size, begin = int.from_bytes(buffer[begin : begin + 8]), begin + 8
            if len(buffer) < begin + size:
                break
            self._take(buffer[position] & 0x0F, bytes(buffer[begin : begin + size]))
            position = begin + size
        del buffer[:position]

    def _take(self, code: int, payload: bytes) -> None:
        if code == PING:
            self._write(PONG, payload)
        elif code == CLOSE:
            self.close()
        elif code == TEXT and (at := payload.find(b'"id":')) >= 0:
            digits = payload[at + 5 : at + 25].split(b",", 1)[0].split(b"}", 1)[0]
            waiting = self._waiting.pop(int(digits), None) if digits.isdigit() else None
            if waiting is not None and not waiting.done():
                waiting.set_result(Answer(_status(payload), payload))

    def _write(self, code: int, payload: bytes) -> None:
        """A frame; its mask is zeros: it is there, as it must be, and changes nothing."""
        if self._transport is None:
            raise LostError("the server ended the connection")
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | code, MASKED | size))
        elif size < 65536:
            head = bytes((0x80 | code, MASKED | 126)) + size.to_bytes(2)
        else:
            head = bytes((0x80 | code, MASKED | 127)) + size.to_bytes(8)
        self._transport.write(head + b"\0\0\0\0" + payload)

    async def _send(self, number: int, text: bytes) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._write(TEXT, text)
        return await answer

    async def ask(self, command: Command) -> Answer:
        """As `Connection.ask`."""
        number = self._next_id
        self._next_id += 1
        if command.kind == "cancel":
            text = b'{"op":"order.cancel","id":%d,"order_id":"%s"}' % (number, command.order_id.encode())
        elif command.kind == "amend":
            text = b'{"op":"order.amend","id":%d,"order_id":"%s","amend":%s}' % (
                number,
                command.order_id.encode(),
                command.body,
            )
        else:
            text = b'{"op":"order.new","id":%d,"order":%s}' % (number, command.body)
        return await self._send(number, text)

    def close(self) -> None:
        """Ends it."""
        if self._transport is not None:
            self._transport.close()


def _status(payload: bytes) -> int:
    at = payload.find(b'"problem":{')
    if at < 0:
        return 200
    at = payload.find(b'"status":', at)
    digits = payload[at + 9 : at + 12]
    return int(digits) if digits.isdigit() else 500
