"""What every gateway of a load is: a connection that takes commands and gives answers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aeromatch.bench.load_flow import Command
    from aeromatch.schema.messages import LoginRequest

__all__ = ["OPEN_S", "Answer", "Connection", "LostError", "Proof", "Target", "key_of"]

OPEN_S: Final = 10.0
"""How long a connection may take to be there."""


class LostError(Exception):
    """The connection ended, or could not be made."""


class Proof(Protocol):
    """How requests prove who sends them: credentials of `aeromatch.client`."""

    def headers(self, method: str, target: str, body: bytes) -> Mapping[str, str]:
        """Of a request over HTTP."""

    def login(self) -> LoginRequest:
        """The first message over a WebSocket."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection goes.

    Attributes:
        gateway: One of GATEWAYS.
        url: Of REST: http:// or https://, with host and port. The others are on its host.
        address: host:port of the gateway, where it is not at the usual port of the host.
        proof: None: the server asks for none.
        ca: A file with the certificates to trust over TLS; None: those that this machine trusts.
        session: Names the connection to a gateway whose sessions have names.
        account: Whose the orders are, for a gateway whose sessions are an account's own.
        in_flight: How many requests are under way at most.
    """

    gateway: str
    url: str
    address: str | None = None
    proof: Proof | None = None
    ca: str | None = None
    session: str = "LOAD"
    account: str | None = None
    in_flight: int = 1

    @property
    def is_tls(self) -> bool:
        """Whether everything is encrypted."""
        return self.url.startswith("https:")

    def place(self, port: int | None) -> tuple[str, int]:
        """Host and port; `port` is the gateway's usual one, None where it shares that of the address."""
        parts = urlsplit(self.url)
        if self.address is not None and port is not None:
            # As the server tells it: with a scheme or without, and a Unix socket behind it.
            host, _, given = self.address.split(",")[0].rpartition("://")[2].rpartition(":")
            return host.strip("[]"), int(given)
        return parts.hostname or "127.0.0.1", port or parts.port or (443 if self.is_tls else 80)

    def tls(self) -> ssl.SSLContext | None:
        """Whom to trust; None: nothing is encrypted."""
        return ssl.create_default_context(cafile=self.ca) if self.is_tls else None


def key_of(proof: Proof | None) -> tuple[str, str] | None:
    """Key id and secret of a bearer token, for gateways that take them apart.

    Raises:
        LostError: The key is one that signs, and never leaves the client.
    """
    if proof is None:
        return None
    token = proof.headers("", "", b"").get("authorization", "").removeprefix("Bearer ")
    key_id, dot, secret = token.partition(".")
    if not dot:
        raise LostError("this gateway takes key id and secret, no signatures")
    return key_id, secret


class Answer(Protocol):
    """What became of a command."""

    @property
    def status(self) -> int:
        """The HTTP status that goes with it in any gateway: below 400 it was done."""

    def slugs(self) -> list[str]:
        """Why it, or orders of it, were refused."""

    def order_id(self) -> str:
        """Of a new order; empty if there is none."""

    def is_resting(self) -> bool:
        """Whether the new order rests in the book, whole."""

    def is_live(self) -> bool:
        """Whether something of the new order rests in the book."""

    def price(self) -> str:
        """What a new order traded at, on average; empty if it did not."""

    def trades(self) -> int:
        """How many trades a new order took."""


class Connection(Protocol):
    """A connection that takes commands."""

    async def ask(self, command: Command) -> Answer:
        """Sends a command and waits for its answer. Raises LostError."""

    def close(self) -> None:
        """Ends it."""
