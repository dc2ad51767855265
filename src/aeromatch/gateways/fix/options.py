"""Limits of FIX connections and their sessions."""

from dataclasses import dataclass
from typing import Final

__all__ = ["FixOptions"]

LARGEST_MESSAGE: Final = 65536


@dataclass(frozen=True, slots=True)
class FixOptions:
    """How much one connection may take, and how long.

    Attributes:
        comp_id: Who the server is: TargetCompID of what comes, SenderCompID of what goes.
        heartbeat_s, most_heartbeat_s: HeartBtInt that a client may ask for: from, to.
        logon_timeout_s: How long a connection may stay without a Logon.
        logout_timeout_s: How long the answer to a Logout is waited for.
        max_message_bytes: A longer message is no message.
        buffer_bytes: With more waiting in its socket a client is slow: nothing is read of it, nor made for it.
        kernel_bytes: What the system may keep of what was written (SO_SNDBUF).
        slow_timeout_s: How long a client may be slow without a break.
        queue_messages: What happened to its orders that may wait for a slow client.
        queue_bytes: With more market data waiting in its socket a client is cut off.
        requests: Order messages without an answer: the next one is not read.
        subscriptions: Instruments of a session's market data requests, each counted as often as it is asked for.
        accounts: Accounts that a session may enter orders for, where its key does not say whose it is.
        messages_per_s, burst_messages: Messages from a client a second, and at once; the next one is not read.
        kept_messages: Sent messages of a session that are kept to be sent again.
        kept_orders: Ended orders of a session whose ids are remembered.
        list_instruments: Instruments that one SecurityList has at most.
        sessions_per_key: SenderCompIDs that a key may have sessions of.
        cancel_on_disconnect: Whether the orders of a key's account are canceled when its connection ends.
    """

    comp_id: str = "AEROMATCH"
    heartbeat_s: int = 1
    most_heartbeat_s: int = 300
    logon_timeout_s: float = 10.0
    logout_timeout_s: float = 2.0
    max_message_bytes: int = LARGEST_MESSAGE
    buffer_bytes: int = 262_144
    kernel_bytes: int = 262_144
    slow_timeout_s: float = 15.0
    queue_messages: int = 1024
    queue_bytes: int = 4 << 20
    requests: int = 256
    subscriptions: int = 256
    accounts: int = 64
    messages_per_s: float = 10_000.0
    burst_messages: int = 20_000
    kept_messages: int = 1_000_000
    kept_orders: int = 10_000
    list_instruments: int = 200
    sessions_per_key: int = 64
    cancel_on_disconnect: bool = False
