"""Whether a message is as the standard wants it: which fields, in which order, with which values and groups."""

from __future__ import annotations

from typing import Final

from aeromatch.gateways.fix import fix44
from aeromatch.gateways.fix.codec import DATA_TAGS, HEADER_TAGS, NO_TAG, TRAILER_TAGS, Pairs
from aeromatch.gateways.fix.layouts import FieldType, Layout, Reader, named_lines
from aeromatch.gateways.fix.message import FieldMap, Group, Message
from aeromatch.gateways.fix.rejects import Problem, Reason

__all__ = ["FIX44", "Dictionary"]

FRAME_TAGS: Final = frozenset((8, 9, 10, 35))
"""What is checked with the bytes."""
LONGEST_TYPE: Final = 16
"""Characters of a user's own MsgType: answers repeat it, and are kept."""


class Dictionary:
    """The messages of one version of the protocol."""

    def __init__(self) -> None:
        kinds = [FieldType.read(line) for line in fix44.FIELDS.strip().splitlines()]
        reader = Reader({kind.name: kind for kind in kinds}, named_lines(fix44.COMPONENTS))
        self._kinds = {kind.tag: kind for kind in kinds}
        self._known_tags = frozenset(_numbers(fix44.KNOWN_TAGS))
        self._known_types = frozenset(fix44.KNOWN_TYPES.split())
        lines = named_lines(fix44.MESSAGES)
        self.names = {head.split()[0]: head.split()[1] for head in lines}
        described = {head.split()[0]: reader.layout(text) for head, text in lines.items()}
        header, trailer = described.pop("header"), described.pop("trailer")
        self._header_required = [tag for tag in header.required if tag not in FRAME_TAGS]
        self._frame = Layout({**header.places, **trailer.places})
        self._messages = {
            msg_type: Layout({**layout.places, **self._frame.places}, layout.required)
            for msg_type, layout in described.items()
        }

    def describes(self, msg_type: str) -> bool:
        """Whether messages of this type are checked as a whole, and have their groups."""
        return msg_type in self._messages

    def check(self, message: Message, pairs: Pairs) -> Problem | None:
        """The first thing that is wrong with a message, in the standard's order of checks; None: it is good.

        A good message has its repeating groups afterwards. Of one that is not described here only the header and the
        shape of known fields are checked.
        """
        if (problem := _misplaced(pairs)) is not None:
            return problem
        layout = self._messages.get(message.msg_type)
        if layout is None and not self._is_type(message.msg_type):
            return Problem(Reason.INVALID_MSG_TYPE)
        for tag in self._header_required:
            if tag not in message.header._values:
                return Problem(Reason.REQUIRED_TAG_MISSING, tag)
        if layout is None:
            return self._check_loosely(pairs)
        for tag in layout.required:
            if tag not in message._values:
                return Problem(Reason.REQUIRED_TAG_MISSING, tag)
        return _Reading(self, pairs).fields(layout, message)

    def _is_type(self, msg_type: str) -> bool:
        """Whether it is a type of the standard, or one that the standard leaves to its users."""
        return msg_type in self._known_types or (msg_type.startswith("U") and 1 < len(msg_type) <= LONGEST_TYPE)

    def _check_loosely(self, pairs: Pairs) -> Problem | None:
        for tag, value in pairs:
            kind = self._kinds.get(tag)
            if kind is None:
                if tag not in self._known_tags:
                    return Problem(Reason.INVALID_TAG_NUMBER, tag)
                if not value:
                    return Problem(Reason.TAG_WITHOUT_VALUE, tag)
            elif (problem := kind.problem(value)) is not None:
                return problem
        return None

    def problem_of(self, tag: int, value: str, *, has_place: bool) -> Problem:
        """What is wrong with a field that is not right, or has no place where it stands."""
        if (kind := self._kinds.get(tag)) is not None and (problem := kind.problem(value)) is not None:
            return problem
        if not value:
            return Problem(Reason.TAG_WITHOUT_VALUE, tag)
        if has_place:
            return Problem(Reason.VALUE_INCORRECT, tag)
        return Problem(
            Reason.TAG_NOT_DEFINED_FOR_MESSAGE if tag in self._known_tags else Reason.INVALID_TAG_NUMBER, tag
        )


def _misplaced(pairs: Pairs) -> Problem | None:
    """The first field that has no number, or stands after a later part of the message: header, body, trailer."""
    part = 0
    for tag, _ in pairs:
        if tag in HEADER_TAGS:
            if part:
                return Problem(Reason.TAG_OUT_OF_ORDER, tag)
        elif tag in TRAILER_TAGS:
            part = 2
        elif tag == NO_TAG:
            return _unnumbered(pairs)
        elif part == 2:
            return Problem(Reason.TAG_OUT_OF_ORDER, tag)
        else:
            part = 1
    return None


def _unnumbered(pairs: Pairs) -> Problem:
    """A field with a tag that is no number; without any tag it is the rest of the value before it."""
    place, text = next((place, text) for place, (tag, text) in enumerate(pairs) if tag == NO_TAG)
    if "=" in text:
        return Problem(Reason.INVALID_TAG_NUMBER)
    return Problem(Reason.DELIMITER_IN_VALUE, pairs[place - 1][0] if place else None)


class _Reading:
    """One pass over the fields of a message."""

    __slots__ = ("_dictionary", "_pairs", "_position")

    def __init__(self, dictionary: Dictionary, pairs: Pairs) -> None:
        self._dictionary = dictionary
        self._pairs = pairs
        self._position = 0

    def fields(self, layout: Layout, message: Message) -> Problem | None:
        """Check the fields, and make the groups of the body and the header."""
        pairs, places, count = self._pairs, layout.places, len(self._pairs)
        # Outside of groups. Those of the frame were there: here they would be again.
        found = dict.fromkeys(FRAME_TAGS, "")
        has_groups = False
        while self._position < count:
            tag, value = pairs[self._position]
            if tag in found:
                return Problem(Reason.TAG_REPEATED, tag)
            found[tag] = value
            place = places.get(tag)
            if place is None:
                return self._dictionary.problem_of(tag, value, has_place=False)
            _, is_value, group = place
            if not value or (is_value is not None and not is_value(value)):
                return self._dictionary.problem_of(tag, value, has_place=True)
            self._position += 1
            if tag in DATA_TAGS and (problem := self._data(tag, value)) is not None:
                return problem
            if group is not None:
                has_groups = True
                owner = message.header if tag in HEADER_TAGS else message
                if (problem := self._group(owner, tag, value, group, layout)) is not None:
                    return problem
        return self._without_members(layout, message, found) if has_groups else None

    def _without_members(self, layout: Layout, message: Message, found: dict[int, str]) -> Problem | None:
        """Leave to groups what is theirs alone, and see that nothing is needed that only they have."""
        for fields in (message.header, message):
            fields._values = {tag: found[tag] for tag in fields._values if tag in found}
        missing = [tag for tag in layout.required if tag not in found]
        return Problem(Reason.REQUIRED_TAG_MISSING, missing[0]) if missing else None

    def _data(self, tag: int, value: str) -> Problem | None:
        """A length: the data follow it, and are as long."""
        if self._position < len(self._pairs):
            data_tag, data = self._pairs[self._position]
            if data_tag == DATA_TAGS[tag] and len(data) == int(value):
                return None
        return Problem(Reason.INCORRECT_DATA_FORMAT, tag)

    def _group(self, owner: FieldMap, count_tag: int, count: str, layout: Layout, outer: Layout) -> Problem | None:
        """Read the entries of a group: the field that counts them was read."""
        entries: list[Group] = []
        first = layout.first
        while self._position < len(self._pairs) and self._pairs[self._position][0] == first:
            entry = Group()
            if (problem := self._entry(entry, layout, outer)) is not None:
                return problem
            entries.append(entry)
        if self._position < len(self._pairs):
            tag = self._pairs[self._position][0]
            if tag in layout.places and tag not in outer.places:
                return Problem(Reason.GROUP_OUT_OF_ORDER, tag)
        if len(entries) != int(count):
            return Problem(Reason.GROUP_COUNT_INCORRECT, count_tag)
        owner.set_groups(count_tag, entries)
        return None

    def _entry(self, entry: Group, layout: Layout, outer: Layout) -> Problem | None:
        """Read one entry: up to the next, or to a field that is not of the group."""
        last = -1
        while self._position < len(self._pairs):
            tag, value = self._pairs[self._position]
            place = layout.places.get(tag)
            if place is None or (last >= 0 and tag == layout.first):
                break
            order, is_value, group = place
            if order <= last:
                if tag in outer.places:
                    break
                return Problem(Reason.TAG_REPEATED if tag in entry else Reason.GROUP_OUT_OF_ORDER, tag)
            if not value or (is_value is not None and not is_value(value)):
                return self._dictionary.problem_of(tag, value, has_place=True)
            last = order
            entry._values[tag] = value
            self._position += 1
            if tag in DATA_TAGS and (problem := self._data(tag, value)) is not None:
                return problem
            if group is not None and (problem := self._group(entry, tag, value, group, layout)) is not None:
                return problem
        for tag in layout.required:
            if tag not in entry:
                return Problem(Reason.REQUIRED_TAG_MISSING, tag)
        return None


def _numbers(text: str) -> list[int]:
    """The numbers of ranges: "1-3 7"."""
    ranges = [part.partition("-") for part in text.split()]
    return [number for low, _, high in ranges for number in range(int(low), int(high or low) + 1)]


FIX44: Final = Dictionary()
"""FIX 4.4, as `fix44` has it."""
