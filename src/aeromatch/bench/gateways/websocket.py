"""WebSocket: only what a server's text messages need of it."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import msgspec

from aeromatch.bench.gateways.base import LostError, Proof, Target
from aeromatch.bench.gateways.json_answer import JsonAnswer

if TYPE_CHECKING:
    from aeromatch.bench.load_flow import Command

__all__ = ["connect"]

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MASKED: Final = 0x80


async def connect(target: Target, host: str, port: int) -> WebSocketConnection:
    """Connects, and says who this is."""
    loop, name = asyncio.get_running_loop(), urlsplit(target.url).netloc
    _, connection = await loop.create_connection(
        lambda: WebSocketConnection(name, target.proof), host, port, ssl=target.tls()
    )
    await connection.begin()
    return connection


class WebSocketConnection(asyncio.Protocol):
    """A WebSocket: as many requests at a time as one likes, told apart by id."""

    def __init__(self, host: str, proof: Proof | None) -> None:
        self._host = host
        self._proof = proof
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._next_id = 1
        self._waiting: dict[int, asyncio.Future[JsonAnswer]] = {}
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
                waiting.set_result(JsonAnswer(_status(payload), payload))

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

    async def _send(self, number: int, text: bytes) -> JsonAnswer:
        answer: asyncio.Future[JsonAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._write(TEXT, text)
        return await answer

    async def ask(self, command: Command) -> JsonAnswer:
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
