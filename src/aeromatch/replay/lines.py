"""Lines of a recording, read one by one, whatever the file holds.

A recording may be cut off, hold binary garbage or one endless line. Nothing here raises because of that: a line that is
too long comes out shortened (and will be refused by the parser), the rest is skipped without being kept in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT_BYTES = 1 << 20
SHOWN_CHARACTERS = 60


class Malformed(NamedTuple):
    """A line that means nothing, and why."""

    line: int
    """Number of the line in its file, from 1."""
    reason: str
    """One clause that names the field."""
    text: str
    """The line's beginning, made printable."""

    def __str__(self) -> str:
        """Say where and why, with the line itself."""
        return f"line {self.line}: {self.reason}: {self.text!r}"


def malformed(line: int, reason: str, raw: bytes) -> Malformed:
    """Describe a refused line; only its beginning is kept."""
    text = raw[: SHOWN_CHARACTERS + 1].decode("ascii", errors="backslashreplace")
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS] + "..."
    return Malformed(line, reason, "".join(c if c.isprintable() else "?" for c in text))


def numbered_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number, without its line end; blank lines at the end of the file are left out."""
    number = 0
    blank: list[int] = []
    while chunk := stream.readline(LINE_LIMIT_BYTES):
        number += 1
        if not chunk.endswith(b"\n"):
            _skip_rest_of_line(stream, chunk)
        line = chunk.strip(b"\r\n")
        if not line.strip():
            blank.append(number)
            continue
        for skipped in blank:
            yield skipped, b""
        blank.clear()
        yield number, line


def _skip_rest_of_line(stream: BinaryIO, chunk: bytes) -> None:
    """Read up to the line end that `chunk` did not reach."""
    while len(chunk) == LINE_LIMIT_BYTES and not chunk.endswith(b"\n"):
        chunk = stream.readline(LINE_LIMIT_BYTES)
