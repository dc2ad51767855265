"""How the server says that it cannot start."""

from aeromatch import AeroMatchError

__all__ = ["ServerError"]


class ServerError(AeroMatchError):
    """The server cannot start; the message is one line for whoever started it."""
