"""TLS: what the server shows, and what it asks of clients."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aeromatch import AeroMatchError

__all__ = ["TlsError", "TlsOptions", "make_context", "reload_context", "uvicorn_options"]


class TlsError(AeroMatchError):
    """A certificate or a private key cannot be used; the message names the file and says why."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Which certificates are used.

    Attributes:
        certificate: The server's, and those between it and its root, in PEM.
        private_key: Its key, in PEM, without a passphrase; None: it is in `certificate` as well.
        client_ca: Roots of clients' certificates, in PEM: only clients that have one may connect. None: anybody may.
    """

    certificate: Path
    private_key: Path | None = None
    client_ca: Path | None = None


def make_context(options: TlsOptions) -> ssl.SSLContext:
    """A server's context: TLS 1.2 or later, the ciphers of Python's defaults, HTTP/1.1.

    Raises:
        TlsError: A file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A client that asks for another key exchange again and again makes the server work.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    reload_context(context, options)
    return context


def reload_context(context: ssl.SSLContext, options: TlsOptions) -> None:
    """Reads the certificates again: connections that begin from now on get them, others stay as they are.

    Nothing changes if a file cannot be used. Roots of clients' certificates are added; those that were there stay until
    a restart.

    Raises:
        TlsError: A file cannot be used.
    """
    # Certificate and key are looked at in a context of their own first: in this one a certificate whose key does not
    # fit would stay behind.
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), options)
    _load(context, options)


def _load(context: ssl.SSLContext, options: TlsOptions) -> None:
    named = options.certificate
    try:
        context.load_cert_chain(options.certificate, options.private_key, password=_no_passphrase)
        if options.client_ca is not None:
            named = options.client_ca
            context.load_verify_locations(cafile=options.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except ssl.SSLError as error:
        raise TlsError(f"{named}: {error.reason or error}") from error
    except (OSError, ValueError) as error:
        raise TlsError(f"{named}: {getattr(error, 'strerror', None) or error}") from error


def _no_passphrase() -> str:
    raise ValueError("the private key needs a passphrase, and there is nobody to ask")


def uvicorn_options(context: ssl.SSLContext) -> dict[str, Any]:
    """The arguments that make uvicorn use a context: `uvicorn.Config(app, **uvicorn_options(context))`."""
    return {"ssl_context_factory": lambda _config, _default: context}
