"""How a client proves who it is: a bearer token, or signed requests (docs/security.md)."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from aeromatch.schema.messages import LoginRequest

__all__ = ["BearerToken", "Credentials", "SigningKey"]

NS_PER_MS: Final = 1_000_000
SOCKET_TARGET: Final = "/ws"
"""What a login over a WebSocket signs: GET of this, without a body."""


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A key as a bearer token: simple, and for TLS or loopback only, since whoever reads it has it.

    Arguments:
        token: "<key id>.<secret>".
    """

    token: str = field(repr=False)

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """The same for every request."""
        del method, target, body
        return {"authorization": f"Bearer {self.token}"}

    def login(self) -> LoginRequest:
        """What a WebSocket is told first."""
        return LoginRequest(token=self.token)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs every request: the secret never leaves the client, and no request can be sent twice by others.

    The server takes a request for some seconds around its timestamp: this machine's clock must be about right.

    Arguments:
        key_id: The key's id.
        secret: Its secret.
    """

    key_id: str
    secret: str = field(repr=False)

    def sign(self, timestamp_ms: int, nonce: str, method: str, target: str, body: bytes) -> str:
        """HMAC-SHA256, in hex, over time, nonce, method, target (path and query as sent) and the body's SHA-256."""
        text = f"{timestamp_ms}\n{nonce}\n{method}\n{target}\n{hashlib.sha256(body).hexdigest()}"
        key = hashlib.sha256(self.secret.encode()).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Those of one request, now; a repeat of it needs new ones."""
        timestamp_ms, nonce = time.time_ns() // NS_PER_MS, secrets.token_hex(16)
        return {
            "x-aeromatch-key": self.key_id,
            "x-aeromatch-timestamp": str(timestamp_ms),
            "x-aeromatch-nonce": nonce,
            "x-aeromatch-signature": self.sign(timestamp_ms, nonce, method, target, body),
        }

    def login(self) -> LoginRequest:
        """What a WebSocket is told first."""
        timestamp_ms, nonce = time.time_ns() // NS_PER_MS, secrets.token_hex(16)
        signature = self.sign(timestamp_ms, nonce, "GET", SOCKET_TARGET, b"")
        return LoginRequest(key=self.key_id, timestamp=timestamp_ms, nonce=nonce, signature=signature)


Credentials: TypeAlias = BearerToken | SigningKey
