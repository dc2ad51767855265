"""aeromatchd as a process that asks for keys, and a way to talk to it with one."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.security.desk import sign
from tests.server.process import WAIT_S, Server

from aeromatch.server.admission import KeyStore
from aeromatch.server.admission.keys import NewKey

CONFIG = """
auth: {mode: keys, keys_file: keys.yaml}
exchange: {durability: os}
logging: {level: debug, access: true}
accounts: [{name: alice}, {name: bob}]
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
"""
ORDER = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100"}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def slug(self) -> str | None:
        slug: str | None = self.body.get("slug")
        return slug


class Guarded:
    """Keys, the configuration, and the requests of a test."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder, self.config = folder, folder / "config.yaml"
        self.config.write_text(config)
        self.keys = KeyStore(folder / "keys.yaml")
        self.alice = self.keys.create("trade", "alice", key_id="alice-1")
        self.bob = self.keys.create("trade", "bob", key_id="bob-1")
        self.reader = self.keys.create("read", "alice", key_id="reader")
        self.operator = self.keys.create("admin", key_id="ops")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def secrets(self) -> list[str]:
        """All that nobody but the owners may see: secrets and what can sign in their place."""
        keys = (self.alice, self.bob, self.reader, self.operator)
        return [text for key in keys for text in (key.secret, *(secret.sha256 for secret in key.record.secrets))]


def headers_of(made: NewKey, method: str, target: str, body: bytes, **changes: str) -> dict[str, str]:
    """What signs a request; `changes` tamper with it."""
    timestamp_ms, nonce = time.time_ns() // 1_000_000, secrets.token_hex(8)
    signature = sign(made.secret, timestamp_ms=timestamp_ms, nonce=nonce, method=method, target=target, body=body)
    return {
        "x-aeromatch-key": made.record.id,
        "x-aeromatch-timestamp": str(timestamp_ms),
        "x-aeromatch-nonce": nonce,
        "x-aeromatch-signature": signature,
        **changes,
    }


def bearer(made: NewKey) -> dict[str, str]:
    return {"authorization": f"Bearer {made.token}"}


def call(
    server: Server, method: str, target: str, body: object = None, headers: dict[str, str] | NewKey | None = None
) -> Answer:
    """Asks; a key signs the request, headers go as they are."""
    data = b"" if body is None else json.dumps(body).encode()
    if isinstance(headers, NewKey):
        headers = headers_of(headers, method, target, data)
    given = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(server.address + target, data or None, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            return Answer(answer.status, dict(answer.headers.items()), answer.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            return Answer(refused.code, dict(refused.headers.items()), refused.read().decode())
