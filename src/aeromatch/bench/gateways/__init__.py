"""Connections to a server's gateways that cost as little as they can: who measures must not be what is measured.

A gateway is a small strategy: it connects, sends a command, and waits for the answer. Which one is a name.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

from aeromatch.bench.gateways.base import OPEN_S, Answer, Connection, LostError, Proof, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BATCHING",
    "GATEWAYS",
    "OF_ONE_ACCOUNT",
    "PIPELINING",
    "PORTS",
    "Answer",
    "Connection",
    "LostError",
    "Proof",
    "Target",
    "open_connection",
]

GATEWAYS: Final = ("rest", "websocket", "grpc", "fix", "binary")
PIPELINING: Final = frozenset({"websocket", "grpc", "fix", "binary"})
"""Those over which a connection can have several requests under way."""
BATCHING: Final = frozenset({"rest", "grpc", "binary"})
"""Those that take several orders in a request."""
OF_ONE_ACCOUNT: Final = frozenset({"binary"})
"""Those whose sessions are an account's own."""
PORTS: Final[Mapping[str, int]] = {"grpc": 50051, "fix": 9878, "binary": 9191}
"""Where those listen that have a port of their own, if nothing else is said."""


async def open_connection(target: Target) -> Connection:
    """Connects.

    Raises:
        LostError: It cannot be made.
    """
    # By name: whoever measures one gateway need not have what another one is made with.
    gateway = importlib.import_module(f"aeromatch.bench.gateways.{target.gateway}")
    host, port = target.place(PORTS.get(target.gateway))
    try:
        async with asyncio.timeout(OPEN_S):
            connection: Connection = await gateway.connect(target, host, port)
    except TimeoutError as error:
        raise LostError(f"{host}:{port}: no connection in {OPEN_S:g} s") from error
    except OSError as error:
        raise LostError(f"{host}:{port}: {error.strerror or error}") from error
    return connection
