"""Writes profiles: the messages of pprof's profile.proto in Protocol Buffers' wire format, gzipped.

A message is a row of fields, each a key (field number << 3 | wire type) and a value: type 0 is a varint, type 2 a
length and so many bytes, which are a text, a message, or varints one behind the other. Numbers that are 0 and texts
that are empty are left out. The numbers of fields below are those of profile.proto; texts stand once in a table, and
fields that are texts have the place in it.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

__all__ = ["Frame", "Profile", "ValueType"]


class Frame(NamedTuple):
    """A place in the code: a function and the line that it is at."""

    function: str
    file: str = ""
    line: int = 0
    first_line: int = 0
    """Where the function begins."""


class ValueType(NamedTuple):
    """What a sample's number counts, and its unit."""

    kind: str
    unit: str


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number) if number else b""


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _packed(field: int, numbers: Iterable[int]) -> bytes:
    return _bytes(field, b"".join(map(_varint, numbers)))


class Profile:
    """A profile in the making.

    Args:
        types: What the numbers of each sample count, in their order.
        shown: Which of them a reader is to show first.
        period: Between two samples, and what that number counts; None: samples were not taken at intervals.
    """

    # profile.proto, message Profile
    SAMPLE_TYPE: Final = 1
    SAMPLE: Final = 2
    MAPPING: Final = 3
    LOCATION: Final = 4
    FUNCTION: Final = 5
    STRING_TABLE: Final = 6
    TIME_NANOS: Final = 9
    DURATION_NANOS: Final = 10
    PERIOD_TYPE: Final = 11
    PERIOD: Final = 12
    COMMENT: Final = 13
    DEFAULT_SAMPLE_TYPE: Final = 14

    def __init__(self, types: Sequence[ValueType], *, shown: str, period: tuple[ValueType, int] | None = None) -> None:
        self._texts: dict[str, int] = {"": 0}
        self._functions: dict[tuple[str, str], int] = {}
        self._locations: dict[Frame, int] = {}
        self._samples: dict[tuple[tuple[int, ...], str], list[int]] = {}
        self._parts: list[bytes] = [_bytes(self.SAMPLE_TYPE, self._value_type(it)) for it in types]
        if period is not None:
            self._parts += (
                _bytes(self.PERIOD_TYPE, self._value_type(period[0])),
                _number(self.PERIOD, period[1]),
            )
        self._parts.append(_number(self.DEFAULT_SAMPLE_TYPE, self._text(shown)))
        # Without a mapping that says it has names already, a reader looks for them in the program on the disk.
        has = b"".join(_number(field, 1) for field in (7, 8, 9))
        self._parts.append(_bytes(self.MAPPING, _number(1, 1) + _number(5, self._text(sys.executable)) + has))

    def add(self, frames: Iterable[Frame], values: Sequence[int], thread: str = "") -> None:
        """Adds a sample; those with the same frames and thread become one.

        Args:
            frames: The innermost first.
            values: One for each type.
            thread: Goes along as the label `thread`.
        """
        key = (tuple(map(self._location, frames)), thread)
        sums = self._samples.setdefault(key, [0] * len(values))
        for place, value in enumerate(values):
            sums[place] += value

    def encode(self, *, time_ns: int, duration_ns: int = 0, comments: Iterable[str] = ()) -> bytes:
        """The profile as a file: taken at a time (nanoseconds since 1970), over so long, with remarks for people."""
        parts = list(self._parts)
        for (locations, thread), values in self._samples.items():
            label = _bytes(3, _number(1, self._text("thread")) + _number(2, self._text(thread))) if thread else b""
            parts.append(_bytes(self.SAMPLE, _packed(1, locations) + _packed(2, values) + label))
        parts += (_number(self.TIME_NANOS, time_ns), _number(self.DURATION_NANOS, duration_ns))
        parts += (_number(self.COMMENT, self._text(comment)) for comment in comments)
        # Last: whatever came before has put its texts into the table.
        parts += (_bytes(self.STRING_TABLE, text.encode("utf-8", "replace")) for text in self._texts)
        return gzip.compress(b"".join(parts), compresslevel=6, mtime=0)

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def _value_type(self, it: ValueType) -> bytes:
        return _number(1, self._text(it.kind)) + _number(2, self._text(it.unit))

    def _location(self, frame: Frame) -> int:
        number = self._locations.get(frame)
        if number is None:
            number = self._locations[frame] = len(self._locations) + 1
            line = _number(1, self._function(frame)) + _number(2, frame.line)
            self._parts.append(_bytes(self.LOCATION, _number(1, number) + _number(2, 1) + _bytes(4, line)))
        return number

    def _function(self, frame: Frame) -> int:
        key = (frame.function, frame.file)
        number = self._functions.get(key)
        if number is None:
            number = self._functions[key] = len(self._functions) + 1
            name, file = self._text(frame.function), self._text(frame.file)
            fields = (number, name, name, file, frame.first_line)
            body = b"".join(_number(field, value) for field, value in enumerate(fields, 1))
            self._parts.append(_bytes(self.FUNCTION, body))
        return number
