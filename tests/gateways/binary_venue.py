"""A real server with its binary gateway, in the event loop of a test, and a client that sends any bytes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from tests.server.real_venue import RealVenue, real_venue

from aeromatch.client import AsyncBinaryClient, SigningKey
from aeromatch.client.wire import Ended, FrameReader, Kind, ServerFrame, encode_frame
from aeromatch.client.wire_link import login_body
from aeromatch.gateways.services import Role
from aeromatch.server.admission.keys import KeyStore

F = TypeVar("F")

WAIT_S = 30
CONFIG = """
exchange: {durability: memory, shards: {count: 2, instruments: {BTC-USD: 0, ETH-USD: 1}}}
views: {store: memory, periods: [1m]}
statistics: {enabled: false}
market_data: {interval_ms: 10}
gateways: {binary: {enabled: true, port: 0, socket: null}}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
  - {symbol: ETH-USD, tick_size: 0.5, lot_size: 1}
accounts:
  - {name: alice}
  - {name: bob}
"""


@dataclass
class BinaryVenue:
    """The server, and where its binary gateway is."""

    real: RealVenue
    address: str

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def client(self, account: str | None = None, **options: Any) -> AsyncBinaryClient:
        return AsyncBinaryClient(self.address, account=account, timeout_s=WAIT_S, **options)


@asynccontextmanager
async def binary_venue(folder: Path, config: str = CONFIG, **environ: str) -> AsyncIterator[BinaryVenue]:
    """A server that asks for no keys, unless a variable says so."""
    async with asyncio.timeout(WAIT_S * 2), real_venue(folder, config, None, **environ) as real:
        yield BinaryVenue(real, real.venue.listeners["binary"].address)


@asynccontextmanager
async def keyed_venue(folder: Path, **limits: int) -> AsyncIterator[tuple[BinaryVenue, dict[str, SigningKey]]]:
    """A server that asks for keys, and those of alice, of bob, of one who reads and of an operator."""
    store = KeyStore(folder / "keys.yaml")
    keys = {}
    wanted: tuple[tuple[str, Role, str | None], ...] = (
        ("alice", "trade", "alice"),
        ("bob", "trade", "bob"),
        ("reader", "read", "alice"),
        ("operator", "admin", None),
    )
    for name, role, account in wanted:
        made = store.create(role, account)
        keys[name] = SigningKey(made.record.id, made.secret)
    variables = {f"AEROMATCH_LIMITS__{name.upper()}": str(value) for name, value in limits.items()}
    variables |= {"AEROMATCH_AUTH__MODE": "keys", "AEROMATCH_AUTH__KEYS_FILE": str(folder / "keys.yaml")}
    async with binary_venue(folder, **variables) as venue:
        yield venue, keys


class Raw:
    """A connection that sends bytes as they are given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._frames = FrameReader()
        self._waiting: list[ServerFrame] = []
        self.number = 0

    def put(self, data: bytes) -> None:
        self.writer.write(data)

    def send(self, kind: Kind, body: bytes = b"", count: int = 0) -> None:
        self.number += 1
        self.put(encode_frame(kind, self.number, body, count))

    def login(self, key: SigningKey | None = None, account: str | None = None, **more: Any) -> None:
        self.send(Kind.LOGIN, login_body(key, account, **more), len(more.get("positions", ())))

    async def next(self, kind: type[F] | None = None, when: Callable[[F], bool] = lambda _: True) -> F:
        """The next frame, or the next of a kind."""
        while True:
            while self._waiting:
                frame: Any = self._waiting.pop(0)
                if kind is None or (isinstance(frame, kind) and when(frame)):
                    return cast(F, frame)
            data = await self.reader.read(65536)
            assert data, "the server closed the connection"
            self._waiting += self._frames.feed(data)

    async def ended(self) -> Ended:
        """Why the server ends the session; then it closes the connection."""
        found = await self.next(Ended)
        assert await self.reader.read() == b""
        return found


@asynccontextmanager
async def raw(venue: BinaryVenue) -> AsyncIterator[Raw]:
    """Connects."""
    reader, writer = await asyncio.open_connection(venue.host, venue.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def signed(key: SigningKey, *, timestamp_ms: int | None = None, nonce: int | None = None) -> dict[str, Any]:
    """What a login has that is signed."""
    timestamp_ms = time.time_ns() // 1_000_000 if timestamp_ms is None else timestamp_ms
    nonce = secrets.randbits(64) if nonce is None else nonce
    signature = bytes.fromhex(key.sign(timestamp_ms, str(nonce), "LOGIN", "binary", b""))
    return {"key_id": key.key_id, "timestamp_ms": timestamp_ms, "nonce": nonce, "signature": signature}
