"""From bytes to messages and back: the frame (BeginString, BodyLength, CheckSum), fields, data fields."""

from __future__ import annotations

import re
from typing import Final

from aeromatch.gateways.fix.message import FieldMap, Message
from aeromatch.gateways.fix.profile import MAX_MESSAGE_BYTES

__all__ = [
    "BEGIN_STRING",
    "HEADER_TAGS",
    "NO_TAG",
    "TRAILER_TAGS",
    "Framer",
    "GarbledError",
    "Pairs",
    "begin_string_of",
    "decode",
    "encode",
    "resent",
]

BEGIN_STRING: Final = "FIX.4.4"

Pairs = list[tuple[int, str]]
"""Fields in the order they came in, after MsgType and before CheckSum."""

NO_TAG: Final = -(10**9)
"""In the place of a tag where a field has no number: its value is all of it."""

HEADER_TAGS: Final = frozenset({
    8, 9, 35, 34, 43, 49, 50, 52, 56, 57, 90, 91, 97, 115, 116, 122, 128, 129, 142, 143, 144, 145, 212, 213, 347, 369,
    627, 628, 629, 630,
})  # fmt: skip
TRAILER_TAGS: Final = frozenset((10, 89, 93))

DATA_TAGS: Final = {
    90: 91, 93: 89, 95: 96, 212: 213, 348: 349, 350: 351, 352: 353, 354: 355, 356: 357, 358: 359, 360: 361, 362: 363,
    364: 365, 445: 446, 618: 619, 621: 622,
}  # fmt: skip
"""Lengths, and the data that follow each: these alone may have the character that ends a field."""

HAS_DATA: Final = re.compile(b"\x01(?:%s)=" % b"|".join(b"%d" % tag for tag in DATA_TAGS)).search
BEGIN: Final = re.compile(rb"(?<=\x01)8=|8=FIX").search
LENGTH: Final = re.compile(rb"8=[^\x01]{0,32}\x019=([0-9]{1,9})\x01").match
WHOLE_HEAD: Final = 64
"""By so many bytes a message has told its length."""
TRAILER: Final = b"\x0110="
TRAILER_BYTES: Final = 16
TAG: Final = re.compile(r"-?[0-9]{1,9}").fullmatch
"""None is as low as NO_TAG."""


class GarbledError(ValueError):
    """What came is no message: it is ignored, as the standard wants. The text says why."""


class Framer:
    """Cuts a stream of bytes into what look like messages.

    What stands before a BeginString is left out. A message ends with the first CheckSum that is not before the end
    that its BodyLength tells: one whose length is too great takes the next with it, and both are garbled.
    """

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._buffer = bytearray()
        self._start = 0
        # Behind what is no message only a BEGIN begins one: "8=" may be the end of another tag.
        self._is_noise = False
        self._max_bytes = max_message_bytes

    @property
    def kept_bytes(self) -> int:
        """How much of a message is there whose rest has not come: never more than one message and what came last."""
        return len(self._buffer) - self._start

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next piece that looks like a message; None: more has to come."""
        while True:
            frame, consumed = self._cut()
            self._start += consumed
            if frame is not None:
                return frame
            if not consumed:
                # Only here, not with each message: a batch of them is moved once.
                del self._buffer[: self._start]
                self._start = 0
                return None

    def _cut(self) -> tuple[bytes | None, int]:
        """A message, and how many bytes are done with; None and 0: more has to come."""
        buffer, start = self._buffer, self._start
        if not self._is_noise and len(buffer) - start < 2 and b"8=".startswith(buffer[start:]):
            return None, 0
        if self._is_noise or not buffer.startswith(b"8=", start):
            skipped = self._noise(start)
            if skipped or self._is_noise:
                return None, skipped
        head = LENGTH(buffer, start)
        if head is None:
            is_cut_off = len(buffer) - start < WHOLE_HEAD and buffer.find(TRAILER, start) < 0
            return None, 0 if is_cut_off else self._garbage(start)
        end = head.end() + int(head[1])
        if end - start > self._max_bytes:
            return None, self._garbage(start)
        trailer = buffer.find(TRAILER, end - 1)
        stop = buffer.find(b"\x01", trailer + 4) + 1 if trailer >= 0 else 0
        if stop and stop - start <= self._max_bytes + TRAILER_BYTES:
            return bytes(buffer[start:stop]), stop - start
        if len(buffer) - start > self._max_bytes + TRAILER_BYTES:
            return None, self._garbage(start)
        return None, 0

    def _noise(self, start: int) -> int:
        """How many bytes stand before what may be the begin of a message."""
        found = BEGIN(self._buffer, start)
        self._is_noise = found is None
        if found is not None:
            return found.start() - start
        # The last bytes may be the begin of one.
        return max(0, len(self._buffer) - len("8=FI") - start)

    def _garbage(self, start: int) -> int:
        """How many bytes are no message although they began as one."""
        return 2 + self._noise(start + 2)


def decode(frame: bytes) -> tuple[Message, Pairs]:
    """Read a message, and its fields in their order; whether they are as they should be is the dictionary's matter.

    The message has each field's first occurrence, header and body apart; groups are not made yet.

    Raises:
        GarbledError: Its first three fields, its length or its checksum are wrong.
    """
    head = LENGTH(frame)
    if head is None:
        raise GarbledError("BeginString and BodyLength are not its first fields")
    end = head.end() + int(head[1])
    if frame[end - 1 : end + 3] != TRAILER or len(frame) != end + 7 or frame[-1] != 1:
        raise GarbledError("BodyLength does not lead to CheckSum")
    if b"%03d" % (sum(memoryview(frame)[:end]) & 0xFF) != frame[end + 3 : end + 6]:
        raise GarbledError("CheckSum is wrong")
    if not frame.startswith(b"35=", head.end()):
        raise GarbledError("MsgType is not its third field")
    body = frame[head.end() : end - 1]
    pairs = _split_data(body) if HAS_DATA(body) else _split(body)
    msg_type = pairs[0][1]
    if not msg_type:
        raise GarbledError("MsgType has no value")
    del pairs[0]
    message = Message(msg_type)
    header, values = message.header._values, message._values
    for tag, value in pairs:
        if tag in HEADER_TAGS:
            header.setdefault(tag, value)
        else:
            values.setdefault(tag, value)
    values.pop(NO_TAG, None)
    return message, pairs


def begin_string_of(frame: bytes) -> str:
    """BeginString of what a Framer cut."""
    return frame[2 : frame.index(b"\x01")].decode("latin-1")


def _split(body: bytes) -> Pairs:
    pairs: Pairs = []
    for field in body.decode("latin-1").split("\x01"):
        tag, equals, value = field.partition("=")
        pairs.append((int(tag), value) if equals and TAG(tag) else (NO_TAG, field))
    return pairs


def _split_data(body: bytes) -> Pairs:
    """As `_split`, where there may be data: as long as the field before says."""
    text = body.decode("latin-1")
    pairs: Pairs = []
    position, data_tag, data_length = 0, 0, 0
    while position <= len(text):
        end = text.find("\x01", position)
        equals = text.find("=", position, end if end >= 0 else len(text))
        tag = int(text[position:equals]) if equals >= 0 and TAG(text[position:equals]) else NO_TAG
        if tag == data_tag and text[equals + 1 + data_length : equals + 2 + data_length] in ("\x01", ""):
            end = equals + 1 + data_length
        if end < 0 or end > len(text):
            end = len(text)
        value = text[position if tag == NO_TAG else equals + 1 : end]
        pairs.append((tag, value))
        data_tag = DATA_TAGS.get(tag, 0)
        data_length = int(value) if data_tag and value.isascii() and value.isdigit() and len(value) < 10 else 0
        position = end + 1
    return pairs


def _fields(fields: FieldMap, parts: list[str]) -> None:
    groups = fields._groups
    for tag, value in sorted(fields._values.items()):
        parts.append(f"{tag}={value}")
        if groups and tag in groups:
            for group in groups[tag]:
                _entry(group, parts)


def _entry(group: FieldMap, parts: list[str]) -> None:
    for tag, value in group._values.items():
        parts.append(f"{tag}={value}")
        for inner in group.groups(tag):
            _entry(inner, parts)


def encode(message: Message) -> bytes:
    """Write a message: fields in the order of their tags, groups as they were made.

    Characters that are not of ISO 8859-1 become question marks.
    """
    parts = [f"35={message.msg_type}"]
    _fields(message.header, parts)
    _fields(message, parts)
    return _framed("\x01".join(parts).encode("latin-1", "replace") + b"\x01")


def _framed(body: bytes) -> bytes:
    text = b"8=%s\x019=%d\x01%s" % (BEGIN_STRING.encode(), len(body), body)
    return b"%s10=%03d\x01" % (text, sum(text) & 0xFF)


def resent(frame: bytes, sending_time: str) -> bytes:
    """A message of ours as it is sent again: with PossDupFlag, OrigSendingTime and a new SendingTime, else the same."""
    fields = frame.split(b"\x01")[2:-2]
    msg_type = fields[0]
    header: dict[int, bytes] = {}
    count = 1
    for field in fields[1:]:
        tag = int(field.partition(b"=")[0])
        if tag not in HEADER_TAGS:
            break
        header[tag] = field
        count += 1
    header.setdefault(122, b"122=" + header[52][3:])
    header[43] = b"43=Y"
    header[52] = b"52=" + sending_time.encode()
    parts = [msg_type, *(header[tag] for tag in sorted(header)), *fields[count:]]
    return _framed(b"\x01".join(parts) + b"\x01")
