"""How the gRPC gateway may be set."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["GrpcOptions", "GrpcTls"]


@dataclass(frozen=True, slots=True)
class GrpcOptions:
    """Where it listens, and its limits. Immutable.

    Attributes:
        host: Address to listen on.
        port: 0: the system chooses one.
        max_message_bytes: A larger request is refused.
        connections: Connections to this gateway at most; further ones are closed as they come.
        calls: Calls at once, over all connections.
        streams: Calls at once over one connection.
        subscriptions: Instruments that one stream may follow.
        requests: Of one Trade stream that are not answered yet; further ones are read when there is room.
        buffer_bytes: So much may wait to be sent over one stream; with more, its client is slow.
        queue_messages, queue_bytes: What may wait besides for a slow client, of what cannot be conflated: with more its
            stream is ended.
        slow_timeout_s: So long a client may be slow without a break before its stream is ended.
        close_timeout_s: How long calls under way may take when the server stops.
        handshake_timeout_s: How long a connection may take to say that it speaks HTTP/2, and TLS.
        idle_timeout_s: How long a connection without a call is kept.
        session_idle_s: How long the session of an address and port stays when its last call has ended.
        keepalive_s: How often a silent client is asked whether it lives, and how long it may take to answer.
        resumes: Of all streams that read the past at once.
        reflection: Whether the server tells what services it has.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    max_message_bytes: int = 1 << 20
    connections: int = 1024
    calls: int = 8192
    streams: int = 256
    subscriptions: int = 256
    requests: int = 1024
    buffer_bytes: int = 262_144
    queue_messages: int = 1024
    queue_bytes: int = 1 << 20
    slow_timeout_s: float = 15.0
    close_timeout_s: float = 5.0
    handshake_timeout_s: float = 10.0
    idle_timeout_s: float = 300.0
    session_idle_s: float = 10.0
    keepalive_s: float = 20.0
    resumes: int = 4
    reflection: bool = True


@dataclass(frozen=True, slots=True)
class GrpcTls:
    """Which certificates are used, as files in PEM.

    Attributes:
        certificate: The server's, and those between it and its root.
        private_key: Its key; None: it is in `certificate` as well.
        client_ca: Roots of clients' certificates: only clients that have one may connect. None: anybody may.
    """

    certificate: Path
    private_key: Path | None = None
    client_ca: Path | None = None
