"""Reads a pprof profile, written after profile.proto and without what writes it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Read:
    """A profile by its texts."""

    types: list[tuple[str, str]] = field(default_factory=list)
    samples: list[tuple[tuple[tuple[str, str, int], ...], tuple[int, ...], dict[str, str]]] = field(
        default_factory=list
    )
    """Frames (function, file, line; the innermost first), values and labels."""
    comments: list[str] = field(default_factory=list)
    period: int = 0
    duration_ns: int = 0

    def total(self, kind: str) -> int:
        """The sum of one type's values."""
        place = [name for name, _ in self.types].index(kind)
        return sum(values[place] for _, values, _ in self.samples)

    def cumulative(self, kind: str, function: str) -> int:
        """The sum over samples in which a function of this name stands."""
        place = [name for name, _ in self.types].index(kind)
        return sum(
            values[place] for frames, values, _ in self.samples if any(name.endswith(function) for name, _, _ in frames)
        )


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return number, at


def fields(data: bytes) -> dict[int, list[Any]]:
    """A message's fields: numbers and bytes by field number."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value: Any
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length
        found.setdefault(key >> 3, []).append(value)
    return found


def packed(data: bytes) -> tuple[int, ...]:
    numbers, at = [], 0
    while at < len(data):
        number, at = varint(data, at)
        numbers.append(number)
    return tuple(numbers)


def read(data: bytes) -> Read:
    """The profile of a file. Every reference in it must lead somewhere."""
    whole = fields(gzip.decompress(data))
    texts = [text.decode() for text in whole[6]]
    assert texts[0] == ""
    functions = {it[1][0]: (texts[it[2][0]], texts[it.get(4, [0])[0]]) for it in map(fields, whole.get(5, []))}
    mappings = {it[1][0] for it in map(fields, whole[3])}
    locations = {}
    for it in map(fields, whole.get(4, [])):
        line = fields(it[4][0])
        assert it[2][0] in mappings
        locations[it[1][0]] = (*functions[line[1][0]], line.get(2, [0])[0])
    found = Read(
        types=[(texts[it[1][0]], texts[it[2][0]]) for it in map(fields, whole[1])],
        comments=[texts[it] for it in whole.get(13, [])],
        period=whole.get(12, [0])[0],
        duration_ns=whole.get(10, [0])[0],
    )
    for it in map(fields, whole.get(2, [])):
        labels = {texts[pair[1][0]]: texts[pair[2][0]] for pair in map(fields, it.get(3, []))}
        found.samples.append((tuple(locations[number] for number in packed(it[1][0])), packed(it[2][0]), labels))
    return found
