"""The gateway as a server: where it listens, what it says of itself, and how it ends."""

import errno
import logging
import socket
from pathlib import Path
from typing import Final

import grpc
from grpc import aio

from aeromatch.gateways.grpc import entry, following, health, market, reflection, trade
from aeromatch.gateways.grpc.gateway import Gateway
from aeromatch.gateways.grpc.options import GrpcOptions, GrpcTls
from aeromatch.gateways.grpc.typing import GenericHandler, Handler
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading

__all__ = ["GrpcServer", "open_grpc"]

log = logging.getLogger("aeromatch.grpc")

DRAINING: Final = "the server is about to stop"
LARGEST_ANSWER: Final = 1 << 26
LEAST_PING_S: Final = 5
"""A client may ask so often whether the server lives, though it calls nothing."""


async def open_grpc(
    services: Services, trading: Trading, hub: Hub, options: GrpcOptions, tls: GrpcTls | None = None
) -> "GrpcServer":
    """Begins to listen, in the running event loop.

    Arguments:
        services: What it needs of the server.
        trading: What turns requests into commands; shared with the other gateways.
        hub: Brings the channels.
        options: Where, and limits.
        tls: The certificate that it shows; None: it speaks plain text.

    Raises:
        OSError: The address cannot be used; or a file of `tls` cannot be read.
    """
    server = GrpcServer(Gateway(services, trading, hub, options), tls)
    await server.start()
    return server


class GrpcServer:
    """The gRPC gateway (`services.Listener`)."""

    def __init__(self, gateway: Gateway, tls: GrpcTls | None) -> None:
        self._gateway = gateway
        self._certificates = None if tls is None else _Certificates(tls)
        options = gateway.options
        self._server = aio.server(options=_channel_options(options), maximum_concurrent_rpcs=options.calls)
        self._server.add_generic_rpc_handlers((_Handlers(gateway),))
        self._port = self._bind()
        self._has_ended = False

    def _bind(self) -> int:
        options = self._gateway.options
        if options.port:
            _try(options.host, options.port)
        host = f"[{options.host}]" if ":" in options.host else options.host
        address = f"{host}:{options.port}"
        try:
            if self._certificates is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, self._certificates.credentials())
        except RuntimeError as error:
            raise OSError(f"cannot listen on {options.host} port {options.port} for gRPC: {error}") from error
        return int(port)

    async def start(self) -> None:
        """Takes calls from here on."""
        await self._server.start()

    @property
    def address(self) -> str:
        """Host and port, as gRPC's clients name a target."""
        host = self._gateway.options.host
        return f"{f'[{host}]' if ':' in host else host}:{self._port}"

    def reload(self) -> None:
        """Reads the certificate again: connections that begin from now on get it. Raises OSError."""
        if self._certificates is not None:
            self._certificates.read()

    def fail(self, detail: str) -> None:
        """Nothing follows the market any more: whoever does is told so, rather than shown what is stale."""
        self._gateway.end_all(refusal("unavailable", detail))

    async def drain(self) -> None:
        """As `services.Listener`: nothing new is done, what is in flight is answered, streams end with a reason."""
        self._gateway.is_draining = True
        self._gateway.end_all(refusal("draining", DRAINING))
        await self._stop(self._gateway.options.close_timeout_s)

    async def close(self) -> None:
        """As `services.Listener`."""
        self._gateway.is_draining = True
        await self._stop(0)
        await self._gateway.close()

    async def _stop(self, grace_s: float) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        await self._server.stop(grace_s)


class _Handlers(GenericHandler):
    """Which method a call is for."""

    def __init__(self, gateway: Gateway) -> None:
        self._handlers: dict[str, Handler] = {
            trade.ROUTE: trade.handler(gateway),
            **{route: gateway.unary(route, method) for route, method in (entry.METHODS | market.METHODS).items()},
            **{route: following.handler(gateway, route, stream) for route, stream in following.STREAMS.items()},
            **health.handlers(gateway),
            **(reflection.handlers() if gateway.options.reflection else {}),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """As gRPC asks; None: UNIMPLEMENTED."""
        return self._handlers.get(handler_call_details.method)


class _Certificates:
    """What is shown to clients, as it was when it was read last."""

    def __init__(self, tls: GrpcTls) -> None:
        self._tls = tls
        self.read()

    def read(self) -> None:
        """Reads the files again; with an error, what was there stays. Raises OSError."""
        tls = self._tls
        chain = tls.certificate.read_bytes()
        key = chain if tls.private_key is None else tls.private_key.read_bytes()
        roots = _read(tls.client_ca)
        self._configuration = grpc.ssl_server_certificate_configuration([(key, chain)], roots)

    def credentials(self) -> grpc.ServerCredentials:
        return grpc.dynamic_ssl_server_credentials(
            self._configuration, lambda: self._configuration, self._tls.client_ca is not None
        )


def _try(host: str, port: int) -> None:
    """Raises OSError where an address cannot be used: gRPC itself does not say why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        advice = "another process listens there; gateways.grpc.port chooses another one" if is_taken else error.strerror
        raise OSError(f"cannot listen on {host} port {port} for gRPC: {advice}") from error


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _channel_options(options: GrpcOptions) -> list[tuple[str, int]]:
    """What gRPC's core is asked to limit."""

    def milliseconds(seconds: float) -> int:
        return round(seconds * 1000)

    return [
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", LARGEST_ANSWER),
        ("grpc.max_concurrent_streams", options.streams),
        ("grpc.max_allowed_incoming_connections", options.connections),
        ("grpc.server_handshake_timeout_ms", milliseconds(options.handshake_timeout_s)),
        ("grpc.max_connection_idle_ms", milliseconds(options.idle_timeout_s)),
        ("grpc.keepalive_time_ms", milliseconds(options.keepalive_s)),
        ("grpc.keepalive_timeout_ms", milliseconds(options.keepalive_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", milliseconds(LEAST_PING_S)),
        # A second process on the same port would take half of the connections without a word.
        ("grpc.so_reuseport", 0),
    ]
