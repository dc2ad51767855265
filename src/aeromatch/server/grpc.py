"""The gRPC gateway, as the configuration has it."""

import logging
from dataclasses import fields

from aeromatch.gateways.grpc import GrpcOptions, GrpcServer, GrpcTls, open_grpc
from aeromatch.gateways.services import Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.server.certificates import tls_options
from aeromatch.server.config import Config, Loaded
from aeromatch.server.errors import ServerError

__all__ = ["grpc_options", "open_configured", "reload_certificate"]

log = logging.getLogger("aeromatch.server")


def grpc_options(config: Config) -> GrpcOptions:
    """Where the gateway listens, and its limits."""
    section = config.gateways.grpc
    host = config.server.host if section.host is None else section.host
    limits = {field.name: getattr(section, field.name) for field in fields(GrpcOptions) if field.name != "host"}
    return GrpcOptions(host=host, **limits)


def _tls(loaded: Loaded) -> GrpcTls | None:
    tls = tls_options(loaded)
    return None if tls is None else GrpcTls(tls.certificate, tls.private_key, tls.client_ca)


async def open_configured(services: Services, trading: Trading, hub: Hub, loaded: Loaded) -> GrpcServer:
    """Begins to listen. Raises ServerError where it cannot."""
    try:
        return await open_grpc(services, trading, hub, grpc_options(loaded.config), _tls(loaded))
    except OSError as error:
        raise ServerError(str(error)) from error


def reload_certificate(server: GrpcServer) -> None:
    """Takes the certificate that the files have now, for connections that come."""
    try:
        server.reload()
    except OSError as error:
        log.error("the certificate of gRPC stays as it was", extra={"problem": str(error)})
