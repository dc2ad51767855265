"""The dictionary: its data are whole and, where the standard's own list is beside the project, the standard's."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from aeromatch.gateways.fix import fix44
from aeromatch.gateways.fix.codec import DATA_TAGS, HEADER_TAGS, TRAILER_TAGS, decode, encode
from aeromatch.gateways.fix.dictionary import FIX44
from aeromatch.gateways.fix.layouts import named_lines
from aeromatch.gateways.fix.message import Message
from aeromatch.gateways.fix.rejects import Problem, Reason

ROOT = Path(__file__).resolve().parents[2]
LISTED = Path(os.environ.get("AEROMATCH_SHARED", ROOT.parent / "shared")) / "conformance" / "FIX44.xml"

FIELDS = {int(line.split()[0]): line.split() for line in fix44.FIELDS.strip().splitlines()}
HAVE_SYMBOL = ("D", "F", "G", "H", "8", "W")
"""Their Symbol must be there; the list leaves it open."""
NAMES = {name: tag for tag, (_, name, *_) in FIELDS.items()}


def described_tags(text: str) -> set[int]:
    """Of a message or component: all fields, those of components and groups too."""
    components = named_lines(fix44.COMPONENTS)
    tags = set()
    for is_component, name in re.findall(r"(<?)(\w+)", text):
        tags |= described_tags(components[name]) if is_component else {NAMES[name]}
    return tags


def messages() -> dict[str, set[int]]:
    return {head.split()[0]: described_tags(text) for head, text in named_lines(fix44.MESSAGES).items()}


def test_each_field_is_there_once_and_used() -> None:
    assert len(NAMES) == len(FIELDS) == len(fix44.FIELDS.strip().splitlines())
    assert [*FIELDS] == sorted(FIELDS)
    assert set.union(*messages().values()) <= FIELDS.keys()


def test_header_and_trailer_are_those_of_the_codec() -> None:
    described = messages()
    assert described["header"] == HEADER_TAGS
    assert described["trailer"] == TRAILER_TAGS
    kinds = {tag: kind for tag, (_, _, kind, *_) in FIELDS.items()}
    for length_tag, data_tag in DATA_TAGS.items():
        assert kinds.get(length_tag, "LENGTH") == "LENGTH"
        assert kinds.get(data_tag, "DATA") == "DATA"
    assert {tag for tag, kind in kinds.items() if kind == "DATA"} <= set(DATA_TAGS.values())


def test_messages_of_order_entry_and_market_data_are_described() -> None:
    assert all(FIX44.describes(msg_type) for msg_type in "012345ADFGH89qrVWXYxyj")
    assert not FIX44.describes("B")
    assert FIX44.names["q"] == "OrderMassCancelRequest"


@pytest.mark.parametrize(("tag", "reason"), [(999, 0), (101, 0), (0, 0), (-1, 0), (108, 2), (148, 2)])
def test_a_field_that_is_unknown_is_another_thing_than_one_that_has_no_place(tag: int, reason: int) -> None:
    message = Message("0", {tag: "1"})
    message.header.set(34, 1).set(49, "A").set(56, "B").set_time(52, 0)
    message, pairs = decode(encode(message))
    assert FIX44.check(message, pairs) == Problem(Reason(reason), tag)


needs_list = pytest.mark.skipif(not LISTED.exists(), reason="no list of fields beside the project")


@pytest.fixture(scope="module")
def listed() -> ET.Element:
    return ET.parse(LISTED).getroot()


@needs_list
def test_fields_are_those_of_the_list(listed: ET.Element) -> None:
    theirs = {int(each.attrib["number"]): each for each in listed.iterfind("fields/field")}
    known = {tag for low, _, high in (part.partition("-") for part in fix44.KNOWN_TAGS.split()) for tag in
             range(int(low), int(high or low) + 1)}  # fmt: skip
    assert known == theirs.keys()
    ours = {tag: (name, kind) for tag, (_, name, kind, *_) in FIELDS.items()}
    assert ours == {tag: (theirs[tag].attrib["name"], theirs[tag].attrib["type"]) for tag in ours}
    # One more type of security is the standard's and not the list's.
    extra = {(tag, value) for tag, (_, _, _, *values) in FIELDS.items() for value in values
             if value not in {each.attrib["enum"] for each in theirs[tag]}}  # fmt: skip
    assert extra == {(167, "SLQN")}


@needs_list
def test_messages_are_those_of_the_list(listed: ET.Element) -> None:
    components = {each.attrib["name"]: each for each in listed.iterfind("components/component")}

    def fields(element: ET.Element) -> set[str]:
        names = set()
        for each in element:
            if each.tag == "component":
                names |= fields(components[each.attrib["name"]])
            elif each.attrib["name"] != "NoLegs":
                names |= {each.attrib["name"], *fields(each)}
        return names

    theirs = {each.attrib["msgtype"]: fields(each) for each in listed.iterfind("messages/message")}
    assert theirs.keys() == set(fix44.KNOWN_TYPES.split())
    ours = {msg_type: {FIELDS[tag][1] for tag in tags} for msg_type, tags in messages().items()}
    ours.pop("header")
    ours.pop("trailer")
    # No instrument here has legs.
    assert {msg_type: ours[msg_type] ^ theirs[msg_type] for msg_type in ours} == {msg_type: set() for msg_type in ours}


@needs_list
def test_required_fields_are_those_of_the_list(listed: ET.Element) -> None:
    components = {each.attrib["name"]: each for each in listed.iterfind("components/component")}

    def needed(element: ET.Element) -> set[int]:
        tags = set()
        for each in element:
            if each.attrib["required"] == "Y" and each.tag == "component":
                tags |= needed(components[each.attrib["name"]])
            elif each.attrib["required"] == "Y":
                tags.add(NAMES[each.attrib["name"]])
        return tags

    types = {each.attrib["msgtype"]: each for each in listed.iterfind("messages/message")}
    described = {msg_type: each for msg_type, each in types.items() if FIX44.describes(msg_type)}
    assert {msg_type: set(FIX44._messages[msg_type].required) for msg_type in described} == {
        msg_type: needed(each) | ({55} if msg_type in HAVE_SYMBOL else set()) for msg_type, each in described.items()
    }
