"""Which request, of which session, is being answered: what logs say beside their lines."""

import itertools
import secrets
from contextvars import ContextVar
from typing import Final

__all__ = ["RequestIds", "request_id", "session"]

MAX_REQUEST_ID: Final = 64

request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id that the request's answer has as `x-request-id`, and a problem as `instance`."""

session: Final[ContextVar[int | None]] = ContextVar("session", default=None)
"""The number of the connection."""


class RequestIds:
    """Names requests over HTTP, and says so to the log."""

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self._prefix = secrets.token_hex(4).encode()

    def begin(self, sent: bytes, number: int) -> bytes:
        """A request is being answered from here on.

        Arguments:
            sent: What the client calls it (`x-request-id`): taken if it is letters, digits and hyphens, at most 64.
            number: Of its connection.

        Returns:
            What it is called.
        """
        if not sent or len(sent) > MAX_REQUEST_ID or not sent.replace(b"-", b"").isalnum():
            sent = b"%b-%x" % (self._prefix, next(self._counter))
        request_id.set(sent.decode())
        session.set(number)
        return sent
