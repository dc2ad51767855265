"""How the WebSocket gateway may be set."""

from dataclasses import dataclass

__all__ = ["WebSocketOptions"]


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """Limits of connections. Immutable.

    Attributes:
        max_message_bytes: A longer message from a client closes its connection (1009).
        ping_interval_s: How often a client is asked whether it lives.
        ping_timeout_s: How long it may take to answer; then its connection is closed (1011).
        login_timeout_s: Where keys are asked for: how long a connection may stay without one.
        buffer_bytes: So much may wait to be written to a connection's socket; with more, its client is slow.
        kernel_bytes: So much the system may keep of what was written (SO_SNDBUF).
        queue_messages, queue_bytes: What may wait besides for a slow client, of what cannot be conflated: with more its
            connection is closed (1013).
        slow_timeout_s: So long a client may be slow without a break before its connection is closed (1013).
        close_timeout_s: How long a closing handshake may take.
        subscriptions: Of one connection.
        messages_per_s, burst_messages: From one client: a bucket of so many messages that is filled at that rate.
        faults: So many messages in a row may be none that the server understands; then the connection is closed (1008).
        requests: Of one connection that are answered at once; further ones are read when there is room.
        resumes: Of all connections that read the past at once.
    """

    max_message_bytes: int = 65536
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0
    login_timeout_s: float = 10.0
    buffer_bytes: int = 262_144
    kernel_bytes: int = 262_144
    queue_messages: int = 1024
    queue_bytes: int = 1 << 20
    slow_timeout_s: float = 15.0
    close_timeout_s: float = 5.0
    subscriptions: int = 256
    messages_per_s: float = 500.0
    burst_messages: int = 1000
    faults: int = 20
    requests: int = 128
    resumes: int = 4
