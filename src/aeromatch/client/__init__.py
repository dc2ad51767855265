"""The client of an AeroMatch server: trade, watch, and keep a local book in step.

`Client` waits for answers, `AsyncClient` is for asyncio; both are one implementation. docs/client.md shows them.
`BinaryClient` and `AsyncBinaryClient` are the same for the binary gateway: docs/binary.md.
"""

from aeromatch.client.async_client import AsyncClient
from aeromatch.client.binary_client import AsyncBinaryClient
from aeromatch.client.binary_sync import BinaryClient
from aeromatch.client.credentials import BearerToken, SigningKey
from aeromatch.client.errors import (
    AnswerTimeoutError,
    BadAnswerError,
    BusyError,
    ClientError,
    ClosedError,
    NoAnswerError,
    NoConnectionError,
    OutOfSyncError,
    RateLimitedError,
    RejectedError,
)
from aeromatch.client.forms import new_order
from aeromatch.client.live_book import LiveBook
from aeromatch.client.local_book import Desync, Level, LocalBook
from aeromatch.client.sync_client import Client

__all__ = [
    "AnswerTimeoutError",
    "AsyncBinaryClient",
    "AsyncClient",
    "BadAnswerError",
    "BearerToken",
    "BinaryClient",
    "BusyError",
    "Client",
    "ClientError",
    "ClosedError",
    "Desync",
    "Level",
    "LiveBook",
    "LocalBook",
    "NoAnswerError",
    "NoConnectionError",
    "OutOfSyncError",
    "RateLimitedError",
    "RejectedError",
    "SigningKey",
    "new_order",
]
