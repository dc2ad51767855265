"""Session acceptance definitions: what the client sends (I), what the server must answer (E), connects and ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

SOH = "\x01"
LINE = re.compile(r"(?P<who>[iIeE])(?:(?P<number>\d+),)?(?P<text>.*)")
TIME = re.compile(r"<TIME([+-]\d+)?>")
SECONDS = re.compile(r"\d{8}-\d\d:\d\d:\d\d")
MILLISECONDS = re.compile(r"\d{8}-\d\d:\d\d:\d\d\.\d{3}")

Kind = Literal["connect", "hang up", "send", "expect", "expect end"]
KINDS: dict[tuple[str, str], Kind] = {
    ("i", "CONNECT"): "connect",
    ("i", "DISCONNECT"): "hang up",
    ("e", "DISCONNECT"): "expect end",
}


@dataclass(frozen=True)
class Step:
    """A line: what is done on which connection."""

    line: int
    kind: Kind
    connection: int
    text: str


def read_definition(path: Path) -> list[Step]:
    """The steps of a file, in which | may stand for the character that ends a field."""
    steps = []
    for number, raw in enumerate(path.read_text("latin-1").splitlines(), 1):
        line = raw.strip("\r\n\t ")
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        assert match is not None, f"{path.name}:{number}: {line}"
        who, text = match["who"], match["text"].replace("|", SOH)
        kind = KINDS[who, text] if who.islower() else ("send" if who == "I" else "expect")
        steps.append(Step(number, kind, int(match["number"] or 1), text))
    return steps


def message_types(steps: list[Step]) -> set[str]:
    """Of all messages that are sent or expected."""
    return {found[1] for step in steps if (found := re.search(r"(?:^|\x01)35=([^\x01]*)", step.text))}


def sent_bytes(text: str, now_ns: int) -> bytes:
    """What the client sends: times are filled in, length and checksum where a message has none."""

    def time(match: re.Match[str]) -> str:
        moment = datetime.fromtimestamp(now_ns // 1_000_000_000 + int(match[1] or 0), UTC)
        return moment.strftime("%Y%m%d-%H:%M:%S")

    text = TIME.sub(time, text)
    if not text.endswith(SOH):
        text += SOH
    if not text.startswith("8="):
        return text.encode("latin-1")
    begin, _, rest = text.partition(SOH)
    if not re.search(r"(?:^|\x01)9=", text):
        body = rest.partition(f"{SOH}10=")[0]
        length = len(body) + (body != rest)
        text = f"{begin}{SOH}9={length}{SOH}{rest}"
    data = text.encode("latin-1")
    if not re.search(r"\x0110=", text):
        data += b"10=%03d\x01" % (sum(data) & 0xFF)
    return data


def fields_of(text: str) -> list[tuple[str, str]]:
    """Tags and values, in their order."""
    return [(tag, value) for tag, _, value in (part.partition("=") for part in text.split(SOH) if part)]


def shape(tag: str, value: str) -> str:
    """A value as it is compared: times by how they look, a checksum not at all, as it was checked with the frame."""
    if tag == "10":
        return "checksum"
    if MILLISECONDS.fullmatch(value):
        return "time in milliseconds"
    return "time in seconds" if SECONDS.fullmatch(value) else value


def differences(expected: str, frame: bytes) -> list[str]:
    """How a message is other than expected: its fields in their order, times by their shape."""
    wanted = [(tag, shape(tag, value)) for tag, value in fields_of(expected)]
    got = [(tag, shape(tag, value)) for tag, value in fields_of(frame.decode("latin-1"))]
    optional = {"9", "10", "52"} - {tag for tag, _ in wanted}
    got = [(tag, value) for tag, value in got if tag not in optional]
    # The definitions were written when SendingTime had no milliseconds, and some lines still say so.
    wanted = [(tag, "time in milliseconds" if tag == "52" else value) for tag, value in wanted]
    if wanted == got:
        return []
    missing = [f"-{tag}={value}" for tag, value in wanted if (tag, value) not in got]
    extra = [f"+{tag}={value}" for tag, value in got if (tag, value) not in wanted]
    return missing + extra or ["the order of the fields"]
