"""Tells the service manager that started the server how it is: systemd's `Type=notify`, and others that do likewise."""

import contextlib
import os
import socket
from typing import Final

__all__ = ["tell_manager"]

VARIABLE: Final = "NOTIFY_SOCKET"


def tell_manager(state: str) -> None:
    """Sends a state, such as `READY=1`, if somebody waits for it; that nobody hears it is no reason to end.

    Arguments:
        state: As sd_notify(3) has them.
    """
    address = os.environ.get(VARIABLE)
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.setblocking(False)
        # An abstract address, which is no file, is written with @ for its first byte, 0.
        sender.connect("\0" + address[1:] if address.startswith("@") else address)
        sender.send(state.encode())
