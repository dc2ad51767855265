"""The certificates that the configuration names, for whoever listens."""

import logging
import ssl

from aeromatch.server.admission.tls import TlsError, TlsOptions, reload_context
from aeromatch.server.config import Loaded

__all__ = ["reload_certificate", "tls_options"]


def tls_options(loaded: Loaded) -> TlsOptions | None:
    """What the configuration says of TLS; None: there is none."""
    tls = loaded.config.server.tls
    if tls.certificate is None:
        return None
    return TlsOptions(
        loaded.path(tls.certificate),
        None if tls.private_key is None else loaded.path(tls.private_key),
        None if tls.client_ca is None else loaded.path(tls.client_ca),
    )


def reload_certificate(context: ssl.SSLContext | None, loaded: Loaded, log: logging.Logger) -> None:
    """Takes the certificate that the files have now, for connections that come."""
    options = tls_options(loaded)
    if context is None or options is None:
        return
    try:
        reload_context(context, options)
    except TlsError as error:
        log.error("the certificate stays as it was", extra={"problem": str(error)})
