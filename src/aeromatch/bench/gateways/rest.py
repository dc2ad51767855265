"""REST: HTTP/1.1 over kept connections, with a native parser."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import httptools

from aeromatch.bench.gateways.base import LostError, Proof, Target
from aeromatch.bench.gateways.json_answer import JsonAnswer

if TYPE_CHECKING:
    from aeromatch.bench.load_flow import Command

__all__ = ["connect"]


async def connect(target: Target, host: str, port: int) -> RestConnection:
    """Connects."""
    loop, name = asyncio.get_running_loop(), urlsplit(target.url).netloc
    _, connection = await loop.create_connection(
        lambda: RestConnection(name, target.proof), host, port, ssl=target.tls()
    )
    return connection


class RestConnection(asyncio.Protocol):
    """HTTP/1.1: one request at a time, over a connection that stays."""

    def __init__(self, host: str, proof: Proof | None) -> None:
        self._host = host.encode()
        self._proof = proof
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[JsonAnswer] | None = None
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None

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
            self._answer.set_result(JsonAnswer(self._parser.get_status_code(), body))
        if not self._parser.should_keep_alive():
            self.close()

    async def ask(self, command: Command) -> JsonAnswer:
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
