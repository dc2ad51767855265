"""Bytes and messages of FIX: frames, fields, data, groups, what is written and read again."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeromatch.gateways.fix.codec import Framer, GarbledError, decode, encode, resent
from aeromatch.gateways.fix.dictionary import FIX44
from aeromatch.gateways.fix.message import Group, Message
from aeromatch.gateways.fix.rejects import Problem, Reason
from aeromatch.gateways.fix.values import number_of, time_of, time_text

NOW_NS = 1_700_000_000_123_456_789
VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\x01"), min_size=1, max_size=12)


def heading(message: Message, sequence: int = 7) -> Message:
    message.header.set(34, sequence).set(49, "US").set(56, "THEM").set_time(52, NOW_NS)
    return message


def order(**more: str) -> Message:
    values = {11: "a", 55: "ETH-USD", 54: "1", 40: "1", 60: "20260102-03:04:05"}
    return heading(Message("D", {**values, **{int(tag[1:]): value for tag, value in more.items()}}))


def read(frame: bytes) -> tuple[Message, Problem | None]:
    message, pairs = decode(frame)
    return message, FIX44.check(message, pairs)


def frames(framer: Framer, data: bytes) -> list[bytes]:
    framer.feed(data)
    found = []
    while (frame := framer.next()) is not None:
        found.append(frame)
    return found


def test_a_message_byte_by_byte_as_the_standard_writes_it() -> None:
    message = Message("0", {112: "HELLO"})
    message.header.set(34, 2).set(49, "ISLD").set(56, "TW").set(52, "20260102-03:04:05.006")
    assert encode(message) == (
        b"8=FIX.4.4\x019=59\x0135=0\x0134=2\x0149=ISLD\x0152=20260102-03:04:05.006\x0156=TW\x01112=HELLO\x0110=231\x01"
    )


@given(values=st.dictionaries(st.integers(1, 956).filter(lambda tag: tag not in (8, 9, 10, 35)), VALUES, max_size=12))
def test_fields_are_written_and_read_again(values: dict[int, str]) -> None:
    # Lengths of data would have to be right.
    plain = {
        tag: value for tag, value in values.items() if tag not in (90, 93, 95, 212, 618, 621, 445, *range(348, 366))
    }
    message, pairs = decode(encode(Message("B", plain)))
    assert dict(pairs) == plain
    assert {tag: message.header.text(tag) or message[tag] for tag in plain} == plain


@given(
    parties=st.lists(
        st.tuples(VALUES, st.sampled_from("BCD"), st.lists(st.tuples(VALUES, st.integers(1, 99)), max_size=3)),
        max_size=4,
    )
)
def test_groups_within_groups_are_written_and_read_again(parties: list[tuple[str, str, list[tuple[str, int]]]]) -> None:
    message = order()
    for party, source, others in parties:
        entry = Group({448: party, 447: source, 452: 1})
        for other, kind in others:
            entry.add_group(802, Group({523: other, 803: kind}))
        message.add_group(453, entry)
    again, problem = read(encode(message))
    assert problem is None
    assert again == message
    assert 448 not in again
    assert [entry[448] for entry in again.groups(453)] == [party for party, _, _ in parties]


@given(data=VALUES | st.just("a\x01b=c\x0110=000\x01"))
def test_data_may_have_the_character_that_ends_a_field(data: str) -> None:
    head = f"35=A\x0134=1\x0149=US\x0152={time_text(NOW_NS)}\x0156=THEM\x01"
    body = f"{head}95={len(data)}\x0196={data}\x0198=0\x01108=30\x01"
    text = f"8=FIX.4.4\x019={len(body)}\x01{body}".encode("latin-1")
    frame = text + b"10=%03d\x01" % (sum(text) & 0xFF)
    assert frames(Framer(), frame) == [frame]
    message, problem = read(frame)
    assert problem is None
    assert message[96] == data
    assert message[108] == "30"


def test_data_that_are_not_as_long_as_they_say_are_refused() -> None:
    logon = heading(Message("A", {98: 0, 108: 30, 95: 5, 96: "abc"}))
    assert read(encode(logon))[1] == Problem(Reason.INCORRECT_DATA_FORMAT, 95)
    logon.remove(96)
    assert read(encode(logon))[1] == Problem(Reason.INCORRECT_DATA_FORMAT, 95)


@pytest.mark.parametrize(
    "damage",
    [
        lambda frame: frame.replace(b"9=", b"9=1", 1),
        lambda frame: frame.replace(b"8=FIX.4.4\x01", b"", 1),
        lambda frame: frame[:-4] + b"9" + frame[-3:] if frame[-4:-3] != b"9" else frame[:-4] + b"0" + frame[-3:],
        lambda frame: frame[:-1],
        lambda frame: frame.replace(b"ETH", b"BTC"),
        lambda frame: frame.replace(b"10=", b"11="),
        lambda _: b"",
    ],
)
def test_a_damaged_frame_is_garbled(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(GarbledError, match=r"."):
        decode(damage(encode(order())))


@given(pieces=st.lists(st.integers(1, 40), min_size=1, max_size=30), noise=st.binary(max_size=20))
def test_a_stream_may_come_in_any_pieces(pieces: list[int], noise: bytes) -> None:
    wanted = [encode(order()), encode(heading(Message("0"))), encode(heading(Message("1", {112: "x"})))]
    stream = noise.replace(b"8", b"") + b"".join(wanted)
    framer, found, position = Framer(), [], 0
    while position < len(stream):
        size = pieces[position % len(pieces)]
        found += frames(framer, stream[position : position + size])
        position += size
    assert found == wanted
    assert framer.kept_bytes == 0


def test_what_is_kept_of_a_message_that_never_ends_is_bounded() -> None:
    framer = Framer(max_message_bytes=1000)
    for _ in range(100):
        assert frames(framer, b"8=FIX.4.4\x019=900\x0135=0\x01" + b"x" * 200) == []
        assert framer.kept_bytes <= 1300
    assert frames(framer, b"8=FIX.4.4\x019=999999\x01") == []
    good = encode(order())
    assert good in frames(framer, b"\x01" * 2000 + good)


def test_a_message_sent_again_is_the_same_but_for_when() -> None:
    message = order(t58="text")
    message.header.set(57, "DESK").set(115, "X")
    message.add_group(453, Group({448: "A", 447: "D", 452: 1}))
    first = encode(message)
    again, problem = read(resent(first, "20300101-00:00:00.000"))
    assert problem is None
    assert again.is_possible_duplicate
    assert again.header[122] == time_text(NOW_NS)
    assert again.header[52] == "20300101-00:00:00.000"
    for tag in (43, 122):
        again.header.remove(tag)
    again.header.set_time(52, NOW_NS)
    assert again == read(first)[0]


def test_routes_are_turned_round() -> None:
    message = order()
    message.header.set(50, "a").set(115, "b").set(129, "c").set(145, "d")
    answer = message.reply("8")
    assert {tag: answer.header[tag] for tag in answer.header} == {57: "a", 128: "b", 116: "c", 144: "d"}


def test_values_are_written_as_the_standard_has_them() -> None:
    message = Message("8", {14: Decimal("1E+3"), 6: Decimal("0.00000001"), 113: True, 114: False, 38: 5})
    assert [message[tag] for tag in (14, 6, 113, 114, 38)] == ["1000", "0.00000001", "Y", "N", "5"]
    assert message.decimal(14) == 1000
    assert message.integer(38) == 5
    assert message.flag(113)
    assert (message.decimal(99), message.integer(99), message.time_ns(99), message.text(99)) == (None,) * 4
    for value in ("", "a\x01b"):
        with pytest.raises(ValueError, match="tag 58"):
            message.set(58, value)


def test_a_password_is_not_in_what_is_logged() -> None:
    assert "secret" not in repr(Message("A", {553: "key", 554: "secret"}))


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_written_and_read_again(time_ms: int) -> None:
    assert time_of(time_text(time_ms * 1_000_000)) == time_ms * 1_000_000


@pytest.mark.parametrize("text", ["", "20260102", "20260102-3:4:5", "20260230-00:00:00", "20260102-03:04:05.", "now"])
def test_what_is_no_time_is_no_time(text: str) -> None:
    assert read(encode(order(t168=text or "x")))[1] == Problem(Reason.INCORRECT_DATA_FORMAT, 168)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_000", "٣", "1.0", " 1", "9" * 19])
def test_what_is_no_number_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number_of(text)
