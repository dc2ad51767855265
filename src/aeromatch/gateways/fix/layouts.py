"""What messages consist of: read from data in a small grammar.

A field's line is its tag, its name, its type and, where it has only certain ones, its values. A component or message is
its name and its fields in the standard's order: `Name` is a field, `Name*` one that must be there, `<Name>` stands for
a component's fields (`<Name>*`: those that the component needs are needed), and `Name[...]` is a repeating group with
the fields of an entry; the first of them begins an entry and must be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from aeromatch.gateways.fix.rejects import Problem, Reason
from aeromatch.gateways.fix.values import time_of

__all__ = ["Check", "FieldType", "Layout", "Reader", "named_lines"]

Check = Callable[[str], object]
"""Whether a value is one: true or not."""

TIME_OF_DAY: Final = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{3}|\.\d{6}|\.\d{9}|\.\d{12})?"
DAY: Final = r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
NUMBER: Final = r"-?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})"
COUNT: Final = r"\d{1,9}"
is_timestamp_shaped: Final = re.compile(f"{DAY}-{TIME_OF_DAY}", re.ASCII).fullmatch


def is_timestamp(text: str) -> bool:
    """Whether it is a moment that there is: the 30th of February is none."""
    if not is_timestamp_shaped(text):
        return False
    try:
        time_of(text)
    except ValueError:
        return False
    return True


def _is(pattern: str) -> Check:
    return re.compile(pattern, re.ASCII).fullmatch


def _is_day(text: str) -> bool:
    return is_timestamp(f"{text}-00:00:00")


TYPES: Final[dict[str, Check | None]] = {
    "STRING": None,
    "DATA": None,
    "MULTIPLEVALUESTRING": _is(r"[^ ]+( [^ ]+)*"),
    "EXCHANGE": None,
    "COUNTRY": _is(r"[A-Z]{2}"),
    "CURRENCY": _is(r"[A-Z0-9]{3,10}"),
    "CHAR": _is(r"[^\x01]"),
    "BOOLEAN": frozenset(("Y", "N")).__contains__,
    "INT": _is(r"-?\d{1,18}"),
    "LENGTH": _is(COUNT),
    "NUMINGROUP": _is(COUNT),
    "SEQNUM": _is(r"\d{1,18}"),
    **dict.fromkeys(("FLOAT", "QTY", "PRICE", "PRICEOFFSET", "AMT", "PERCENTAGE"), _is(NUMBER)),
    "UTCTIMESTAMP": is_timestamp,
    "UTCTIMEONLY": _is(TIME_OF_DAY),
    "UTCDATEONLY": _is_day,
    "LOCALMKTDATE": _is_day,
    "MONTHYEAR": _is(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]|w[1-5])?"),
}


def _all_of(values: frozenset[str]) -> Check:
    return lambda text: values.issuperset(text.split(" "))


@dataclass(frozen=True, slots=True)
class FieldType:
    """A field: what its values look like, and which there are."""

    tag: int
    name: str
    has_shape: Check | None
    is_value: Check | None

    @classmethod
    def read(cls, line: str) -> FieldType:
        """A line of the fields' data."""
        tag, name, kind, *values = line.split()
        if not values:
            return cls(int(tag), name, TYPES[kind], TYPES[kind])
        allowed = frozenset(values)
        is_value = _all_of(allowed) if kind == "MULTIPLEVALUESTRING" else allowed.__contains__
        return cls(int(tag), name, TYPES[kind], is_value)

    def problem(self, value: str) -> Problem | None:
        """What is wrong with a value."""
        if not value:
            return Problem(Reason.TAG_WITHOUT_VALUE, self.tag)
        if self.has_shape is not None and not self.has_shape(value):
            return Problem(Reason.INCORRECT_DATA_FORMAT, self.tag)
        if self.is_value is not None and not self.is_value(value):
            return Problem(Reason.VALUE_INCORRECT, self.tag)
        return None


@dataclass(slots=True)
class Layout:
    """The fields of a message, or of a group's entry, in their order.

    Attributes:
        places: By tag: where it stands, which values it takes, and its group where it counts one.
        required: Fields that must be there, by tag; those within groups are the groups' own.
    """

    places: dict[int, tuple[int, Check | None, Layout | None]] = field(default_factory=dict)
    required: list[int] = field(default_factory=list)

    def add(self, kind: FieldType, group: Layout | None, *, is_required: bool) -> None:
        """Add a field at the end."""
        self.places[kind.tag] = (len(self.places), kind.is_value, group)
        if is_required:
            self.required.append(kind.tag)
            self.required.sort()

    @property
    def first(self) -> int:
        """The field that begins an entry of a group."""
        return next(iter(self.places))


class Reader:
    """Reads messages and components."""

    TOKEN: Final = re.compile(r"<?\w+>?\*?\[?|\]")

    def __init__(self, fields: dict[str, FieldType], components: dict[str, str]) -> None:
        self._fields = fields
        self._components = components

    def layout(self, text: str) -> Layout:
        """What a message consists of."""
        layout = Layout()
        self._read(layout, iter(self.TOKEN.findall(text)), are_required=True)
        return layout

    def _read(self, layout: Layout, tokens: Iterator[str], *, are_required: bool) -> None:
        """Read fields up to the end, or the end of a group."""
        for token in tokens:
            if token == "]":
                return
            name = token.strip("<>*[")
            is_required = are_required and "*" in token
            if token.startswith("<"):
                inner = iter(self.TOKEN.findall(self._components[name]))
                self._read(layout, inner, are_required=is_required)
                continue
            group = None
            if token.endswith("["):
                group = Layout()
                self._read(group, tokens, are_required=True)
            layout.add(self._fields[name], group, is_required=is_required)


def named_lines(text: str) -> dict[str, str]:
    """Lines of a name and a text: of components and messages."""
    return {name: fields for name, _, fields in (line.partition(":") for line in text.strip().splitlines())}
