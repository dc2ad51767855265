"""A message: its fields by tag, with repeating groups, and typed access to both.

Values are text, one character a byte (ISO 8859-1), so that whatever came can be told or sent again as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Self

from aeromatch.gateways.fix.values import Value, time_of, time_text, value_text

__all__ = ["ADMINISTRATIVE", "FieldMap", "Group", "Message"]

ADMINISTRATIVE: Final = frozenset(["0", "1", "2", "3", "4", "5", "A"])
"""Message types of the session itself. They are not sent again: a gap is filled in their place."""

SECRETS: Final = frozenset((96, 554))
"""RawData, Password: what a log must not have."""


class FieldMap:
    """Fields by tag: each once. What occurs several times stands in groups.

    The typed accessors answer None where the field is not there. What a message of the other side has was checked
    against the dictionary: no accessor of the field's own type fails.
    """

    __slots__ = ("_groups", "_values")

    def __init__(self, values: Mapping[int, Value] | None = None) -> None:
        self._values: dict[int, str] = {}
        self._groups: dict[int, list[Group]] | None = None
        if values:
            for tag, value in values.items():
                self.set(tag, value)

    def set(self, tag: int, value: Value) -> Self:
        """Set a field.

        Raises:
            ValueError: The value is empty, or has the character that ends a field.
        """
        text = value_text(value)
        if not text or "\x01" in text:
            raise ValueError(f"tag {tag}: {text!r} cannot be a field's value")
        self._values[tag] = text
        return self

    def set_time(self, tag: int, time_ns: int) -> Self:
        """Set a UTCTimestamp, in nanoseconds since 1970; it is written with milliseconds."""
        self._values[tag] = time_text(time_ns)
        return self

    def set_optional(self, tag: int, value: Value | None) -> Self:
        """Set a field where there is a value."""
        return self if value is None or value == "" else self.set(tag, value)

    def remove(self, tag: int) -> None:
        """Take a field away where it is there."""
        self._values.pop(tag, None)

    def add_group(self, count_tag: int, group: Group) -> Self:
        """Add an entry to a repeating group: the count follows. Its fields go out in the order they were set in."""
        if self._groups is None:
            self._groups = {}
        entries = self._groups.setdefault(count_tag, [])
        entries.append(group)
        self._values[count_tag] = str(len(entries))
        return self

    def set_groups(self, count_tag: int, groups: Iterable[Group]) -> None:
        """Set all entries of a repeating group."""
        if self._groups is None:
            self._groups = {}
        self._groups[count_tag] = entries = list(groups)
        self._values[count_tag] = str(len(entries))

    def __contains__(self, tag: int) -> bool:
        return tag in self._values

    def __getitem__(self, tag: int) -> str:
        """The field's text. Raises KeyError where it is not there."""
        return self._values[tag]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldMap):
            return NotImplemented
        return self._values == other._values and (self._groups or {}) == (other._groups or {})

    def text(self, tag: int) -> str | None:
        """The field as it stands in the message."""
        return self._values.get(tag)

    def integer(self, tag: int) -> int | None:
        """A whole number: INT, LENGTH, SEQNUM, NUMINGROUP."""
        text = self._values.get(tag)
        return None if text is None else int(text)

    def decimal(self, tag: int) -> Decimal | None:
        """An exact decimal: QTY, PRICE, AMT."""
        text = self._values.get(tag)
        return None if text is None else Decimal(text)

    def flag(self, tag: int) -> bool:
        """A BOOLEAN; one that is not there is false, as the standard's are."""
        return self._values.get(tag) == "Y"

    def time_ns(self, tag: int) -> int | None:
        """A UTCTimestamp in nanoseconds since 1970."""
        text = self._values.get(tag)
        return None if text is None else time_of(text)

    def groups(self, count_tag: int) -> list[Group]:
        """The entries of a repeating group, in their order; none where there is no such group."""
        return [] if self._groups is None else self._groups.get(count_tag, [])


class Group(FieldMap):
    """An entry of a repeating group. Its first field is the one the standard begins such an entry with."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Group({self._values})"


class Message(FieldMap):
    """A message: header and body. Length, checksum and, in what is sent, the header's numbers are the session's matter.

    Attributes:
        msg_type: MsgType (35).
        header: All of the header but BeginString, BodyLength and MsgType. What is sent may have routing fields and
            PossResend here; the session sets the rest.
    """

    __slots__ = ("header", "msg_type")

    def __init__(self, msg_type: str, values: Mapping[int, Value] | None = None) -> None:
        super().__init__(values)
        self.msg_type = msg_type
        self.header = FieldMap()

    @property
    def is_administrative(self) -> bool:
        """Whether it is the session's own: application messages are everything else."""
        return self.msg_type in ADMINISTRATIVE

    @property
    def is_possible_duplicate(self) -> bool:
        """PossDupFlag: sent again with the number that it had."""
        return self.header.flag(43)

    @property
    def is_possible_resend(self) -> bool:
        """PossResend: the application's content, sent again under a new number. It is to be looked up before use."""
        return self.header.flag(97)

    @property
    def sequence(self) -> int:
        """MsgSeqNum (34). Raises KeyError where there is none yet."""
        return int(self.header[34])

    def reply(self, msg_type: str, values: Mapping[int, Value] | None = None) -> Message:
        """A message back to where this one came from: routing fields are turned round, as the standard wants."""
        answer = Message(msg_type, values)
        for source, target in ROUTES:
            if value := self.header.text(source):
                answer.header.set(target, value)
        return answer

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self.msg_type == other.msg_type and self.header == other.header and super().__eq__(other)

    def __repr__(self) -> str:
        body = {tag: "..." if tag in SECRETS else value for tag, value in self._values.items()}
        return f"Message({self.msg_type!r}, header={self.header._values}, body={body})"


def _both_ways(*pairs: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return (*pairs, *((target, source) for source, target in pairs))


ROUTES: Final = _both_ways(
    (50, 57),  # SenderSubID, TargetSubID
    (142, 143),  # SenderLocationID, TargetLocationID
    (115, 128),  # OnBehalfOfCompID, DeliverToCompID
    (116, 129),  # OnBehalfOfSubID, DeliverToSubID
    (144, 145),  # OnBehalfOfLocationID, DeliverToLocationID
)
