"""Who stands behind a browser's request where no key is asked for.

A server on loopback that asks nobody for a key is open to whoever sits at the machine, and a browser there does what
any web page tells it. A page of somebody else's cannot read answers, but it could send orders: over a WebSocket, which
browsers open to anywhere, or by giving its own name this machine's address (DNS rebinding). Browsers tell both:
`Origin` is the page's, `Host` the name that it used. So a request is taken if its host is this machine under a name
that nobody can give it, and its page, if there is one, came from the same place.
"""

from collections.abc import Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any, Final

__all__ = ["foreign_page"]

REMEMBERED: Final = 1024
_own: set[tuple[bytes, bytes]] = set()


def foreign_page(scope: MutableMapping[str, Any]) -> str | None:
    """Why a request is not taken from a page like this; None: it is."""
    host, origin = _said(scope["headers"])
    if (host, origin) in _own:
        return None
    if host and not _is_plain(host):
        return (
            f"without keys the server answers only to localhost and to addresses, not to the name {_shown(host)}: "
            "any web page could have given it that name (docs/security.md)"
        )
    if origin and origin.partition(b"://")[2] != host:
        return f"without keys the server takes nothing from pages of {_shown(origin)} (docs/security.md)"
    if len(_own) < REMEMBERED:
        _own.add((host, origin))
    return None


def _said(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    host = origin = b""
    for name, value in headers:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
    return host, origin


def _is_plain(host: bytes) -> bool:
    """Whether it is localhost or an address, with or without a port."""
    name = host.decode("latin-1")
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _shown(text: bytes) -> str:
    return repr(text.decode("latin-1"))[:80]
