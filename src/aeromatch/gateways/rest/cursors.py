"""Cursors of lists that the gateway pages itself: opaque, and refused where they belong to another question."""

import base64
import binascii
import zlib

from aeromatch.gateways.problems import refusal

__all__ = ["cursor_of", "place_of"]


def cursor_of(question: str, place: int) -> str:
    """Where the next page of a list begins."""
    data = place.to_bytes(8, "big")
    return base64.urlsafe_b64encode(data + _check(question, data)).decode().rstrip("=")


def place_of(question: str, cursor: str) -> int:
    """What `cursor_of` was given. Raises RefusedError (400, `invalid_cursor`)."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 12 or data[8:] != _check(question, data[:8]):
        raise refusal("invalid_cursor")
    return int.from_bytes(data[:8], "big")


def _check(question: str, data: bytes) -> bytes:
    return zlib.crc32(question.encode() + data).to_bytes(4, "big")
