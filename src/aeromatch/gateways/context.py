"""Which request, of which session, is being answered: what logs say beside their lines."""

from contextvars import ContextVar
from typing import Final

__all__ = ["request_id", "session"]

request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id that the request's answer has as `x-request-id`, and a problem as `instance`."""

session: Final[ContextVar[int | None]] = ContextVar("session", default=None)
"""The number of the connection."""
