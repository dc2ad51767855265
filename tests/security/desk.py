"""An exchange with an admission table before it, a clock that stands still, and keys to come in with."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aeromatch import AsyncExchange, Instrument
from aeromatch.gateways.services import Credentials, RefusedError, Role
from aeromatch.server.admission import AdmissionOptions, AdmissionTable, KeyStore, Rate
from aeromatch.server.admission.keys import NewKey

NOW_MS = 1_800_000_000_000


@dataclass
class Clock:
    """Time that passes when it is told to, in milliseconds since 1970."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms * 1_000_000


def sign(
    secret: str,
    *,
    timestamp_ms: int,
    nonce: str,
    method: str = "GET",
    target: str = "/",
    body: bytes = b"",
) -> str:
    text = f"{timestamp_ms}\n{nonce}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
    return hmac.new(hashlib.sha256(secret.encode()).digest(), text.encode(), "sha256").hexdigest()


def signed(
    made: NewKey,
    timestamp_ms: int = NOW_MS,
    nonce: str = "n1",
    *,
    method: str = "POST",
    target: str = "/order",
    body: bytes = b'{"symbol":"A"}',
) -> Credentials:
    signature = sign(
        made.secret,
        timestamp_ms=timestamp_ms,
        nonce=nonce,
        method=method,
        target=target,
        body=body,
    )
    return Credentials(None, made.record.id, str(timestamp_ms), nonce, signature, method, target.encode(), body)


def bearer(token: str) -> Credentials:
    return Credentials(authorization=f"Bearer {token}")


@dataclass
class Desk:
    """What a test works with."""

    exchange: AsyncExchange
    folder: Path
    keys: KeyStore
    alice: NewKey
    operator: NewKey
    reader: NewKey
    clock: Clock = field(default_factory=Clock)

    def options(self, **changes: Any) -> AdmissionOptions:
        plain = AdmissionOptions(keys_file=self.keys.path, key_orders=Rate(), key_requests=Rate(), nonces=1024)
        return replace(plain, **changes)

    @asynccontextmanager
    async def table(self, folder: Path | None = None, /, **changes: Any) -> AsyncIterator[AdmissionTable]:
        """The table, its files in the desk's folder or in another one, such as the exchange's own."""
        made = AdmissionTable(self.exchange, folder or self.folder, self.options(**changes), clock_ns=self.clock)
        try:
            await made.start()
            yield made
        finally:
            await made.close()

    async def rest(self, account: str = "alice", symbol: str = "A") -> int:
        """An order that rests; its id."""
        report = await self.exchange.submit(symbol, "buy", quantity="1", price="1", account=account)
        assert report.order_id is not None
        return report.order_id

    def live(self, account: str) -> int:
        return sum(len(self.exchange.book(symbol).orders(account=account)) for symbol in ("A", "B"))


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    keys = KeyStore(folder / "keys.yaml")
    alice = keys.create("trade", "alice", key_id="alice-1")
    operator, reader = keys.create("admin", key_id="ops"), keys.create("read", "bob", key_id="reader")
    async with await AsyncExchange.open(folder / "journal", shards=2) as exchange:
        for account in ("alice", "bob"):
            if account not in exchange.accounts():
                await exchange.create_account(account)
        for symbol in ("A", "B"):
            await exchange.create_instrument(Instrument(symbol))
        yield Desk(exchange, folder, keys, alice, operator, reader)


def refusal(table: AdmissionTable, credentials: Credentials, role: Role = "read", cost: int = 1) -> RefusedError | None:
    """How a request from one address is refused; None if it is let in."""
    try:
        table.admit(0, "10.0.0.1", credentials, role, cost)
    except RefusedError as refused:
        return refused
    return None


def slug(table: AdmissionTable, credentials: Credentials, role: Role = "read", cost: int = 1) -> str | None:
    refused = refusal(table, credentials, role, cost)
    return None if refused is None else refused.slug
