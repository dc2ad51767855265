"""HTTP over a socket, as little as tests of faults need: every byte that is sent is the test's own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Self

ANSWER_S = 60.0


class GoneError(Exception):
    """The other end has closed the connection, or does not answer."""


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Connection:
    """One connection, kept; a request that finds it closed raises GoneError and opens no other."""

    host: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        try:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port)
        except OSError as error:
            raise GoneError(str(error)) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    def abort(self) -> None:
        """Closes it as a process does that ends: nothing more is sent or read."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Sends a request, with a body of JSON if there is one, and gives the answer."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.host}:{self.port}", f"content-length: {len(content)}"]
        if content:
            lines.append("content-type: application/json")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
        return await self.answer()

    async def send(self, data: bytes) -> None:
        """Sends bytes."""
        assert self._writer is not None
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise GoneError(str(error)) from error

    async def answer(self) -> Answer:
        """The next answer."""
        assert self._reader is not None
        try:
            async with asyncio.timeout(ANSWER_S):
                head = await self._reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")[:-2]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise GoneError(repr(error)) from error
        return Answer(int(first.split()[1]), headers, body)
