"""The FIX gateway, as the configuration has it."""

import logging
import ssl
from dataclasses import fields
from typing import Final

from aeromatch.gateways.fix import Acceptor, FixOptions, open_fix
from aeromatch.gateways.services import Services
from aeromatch.gateways.streams import Hub
from aeromatch.gateways.trading import Trading
from aeromatch.server.admission.tls import make_context
from aeromatch.server.certificates import reload_certificate, tls_options
from aeromatch.server.config import Loaded
from aeromatch.server.errors import ServerError

__all__ = ["FixGateway", "fix_options", "open_fix_gateway"]

log = logging.getLogger("aeromatch.fix")

STORE_FILE: Final = "fix.sqlite"


def fix_options(loaded: Loaded) -> FixOptions:
    """The limits of FIX sessions."""
    section = loaded.config.gateways.fix
    return FixOptions(**{field.name: getattr(section, field.name) for field in fields(FixOptions)})


class FixGateway:
    """The acceptor with its certificate: `services.Listener`."""

    def __init__(self, acceptor: Acceptor, loaded: Loaded, context: ssl.SSLContext | None) -> None:
        self._acceptor, self._loaded, self._context = acceptor, loaded, context

    @property
    def address(self) -> str:
        """As `services.Listener`."""
        return self._acceptor.address

    def fail(self, detail: str) -> None:
        """Nothing follows the market any more: nobody is served."""
        self._acceptor.fail(detail)

    def reload_certificate(self) -> None:
        """Takes the certificate that the files have now, for connections that come."""
        reload_certificate(self._context, self._loaded, log)

    async def drain(self) -> None:
        """As `services.Listener`."""
        await self._acceptor.drain()

    async def close(self) -> None:
        """As `services.Listener`."""
        await self._acceptor.close()


async def open_fix_gateway(
    services: Services, trading: Trading, hub: Hub, loaded: Loaded, begins: tuple[int, ...]
) -> FixGateway:
    """Opens it. `begins`: by shard, the first command of this process.

    Raises:
        ServerError: Its address cannot be had.
        FixStoreError: Its store cannot be used.
        TlsError: A certificate cannot be used.
    """
    section, tls = loaded.config.gateways.fix, tls_options(loaded)
    host = section.host or loaded.config.server.host
    context = None if tls is None else make_context(tls)
    try:
        acceptor = await open_fix(
            services,
            trading,
            hub,
            fix_options(loaded),
            store=loaded.data_dir / STORE_FILE,
            begins=begins,
            host=host,
            port=section.port,
            tls=context,
            # What was reported is never less safe than the order that it is about.
            is_power_safe=loaded.config.exchange.durability == "disk",
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise ServerError(f"cannot listen on {host} port {section.port} (gateways.fix): {why}") from error
    return FixGateway(acceptor, loaded, context)
