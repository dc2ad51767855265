from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aeromatch.replay.lines import LINE_LIMIT_BYTES, Malformed, numbered_lines
from aeromatch.replay.lobster import Message, MessageType, Row, parse_message, parse_row, read_messages, read_rows

GOOD = b"34200.004241176,1,16113575,18,5853300,1"
PIECES = st.sampled_from(
    [b"34200.1", b"1", b"-1", b"0", b"9999999999", b"-9999999999", b",", b"\n", b"\r\n", b"Time", b" "]
)


def test_message() -> None:
    assert parse_message(7, GOOD) == Message(7, 34_200_004_241_176, MessageType.NEW, 16113575, 18, 5853300, True)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        (b"34200", 34_200 * 10**9),
        (b"34200.5", 34_200_500_000_000),
        (b"34200.01746", 34_200_017_460_000),
        (b"34200.0139941200001", 34_200_013_994_120),
    ],
)
def test_time_is_exact(text: bytes, nanoseconds: int) -> None:
    message = parse_message(1, text + b",1,1,1,1,1")
    assert isinstance(message, Message)
    assert message.time_ns == nanoseconds


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "fields"),
        (b"34200.1,1,2,3,4", "5 fields"),
        (b"34200.1,1,2,3,4,1,7,8", "8 fields"),
        (b"morning,1,2,3,4,1", "time"),
        (b"3.42e4,1,2,3,4,1", "time"),
        (b"nan,1,2,3,4,1", "time"),
        (b"-5,1,2,3,4,1", "time"),
        (b"34200.1,8,2,3,4,1", "type"),
        (b"34200.1,0,2,3,4,1", "type"),
        (b"34200.1,1,x,3,4,1", "order id"),
        (b"34200.1,1,-2,3,4,1", "order id"),
        (b"34200.1,1,2,0,4,1", "size"),
        (b"34200.1,1,2,-3,4,1", "size"),
        (b"34200.1,1,2,281474976710657,4,1", "size"),
        (b"34200.1,1,2,99999999999999999999999,4,1", "size"),
        (b"34200.1,1,2,1_000,4,1", "size"),
        (b"34200.1,1,2,3,0,1", "price"),
        (b"34200.1,1,2,3,9999999999,1", "price"),
        (b"34200.1,1,2,3,4.5,1", "price"),
        (b"34200.1,1,2,3,4,0", "direction"),
        (b"\xff\xfe\x00,1,2,3,4,1", "time"),
    ],
)
def test_malformed_message_names_the_field(line: bytes, reason: str) -> None:
    refused = parse_message(3, line)
    assert isinstance(refused, Malformed)
    assert refused.line == 3
    assert reason in refused.reason


def test_halt_has_no_size_and_no_price() -> None:
    message = parse_message(1, b"36023,7,0,0,-1,-1")
    assert isinstance(message, Message)
    assert message.type is MessageType.HALT


def test_row() -> None:
    assert parse_row(2, b"105,1,100,2,106,3,99,4") == Row(2, [(105, 1), (106, 3)], [(100, 2), (99, 4)], 2)


def test_row_leaves_out_levels_that_are_not_there() -> None:
    row = parse_row(1, b"105,1,-9999999999,0,9999999999,0,-9999999999,0")
    assert row == Row(1, [(105, 1)], [], 2)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "whole numbers"),
        (b"105,1,100", "3 fields"),
        (b"105,1,100,x", "whole numbers"),
        (b"105,1,100,2,104,3,99,4", "asks do not rise"),
        (b"105,1,100,2,106,3,101,4", "bids do not fall"),
        (b"105,1,105,2", "best bid"),
        (b"105,-1,100,2", "size"),
        (b"0,1,-5,2", "price"),
        (b"9999999999,0,100,2,106,3,99,4", "empty level"),
    ],
)
def test_malformed_row_names_what_is_wrong(line: bytes, reason: str) -> None:
    refused = parse_row(1, line)
    assert isinstance(refused, Malformed)
    assert reason in refused.reason


def test_header_lines_are_passed_over_but_only_at_the_top() -> None:
    header = b"Time,Type,OrderId,Size,Price,Direction\n"
    first, second = read_messages(io.BytesIO(header + GOOD + b"\n" + header))
    assert isinstance(first, Message)
    assert first.line == 2
    assert isinstance(second, Malformed)
    rows = list(read_rows(io.BytesIO(b"BestAsk,BestAskVolume,BestBid,BestBidVolume\n105,1,100,2\n")))
    assert rows == [Row(2, [(105, 1)], [(100, 2)], 1)]


def test_garbage_at_the_top_is_no_header() -> None:
    assert [type(line) for line in read_messages(io.BytesIO(b"hello\n" + GOOD))] == [Malformed, Message]


def test_rows_have_as_many_levels_as_the_first() -> None:
    rows = list(read_rows(io.BytesIO(b"105,1,100,2\n105,1,100,2,106,1,99,1\n")))
    assert isinstance(rows[1], Malformed)
    assert "levels" in rows[1].reason


def test_blank_lines_count_except_at_the_end() -> None:
    lines = list(numbered_lines(io.BytesIO(b"a\r\n\n b\n\n\n")))
    assert lines == [(1, b"a"), (2, b""), (3, b" b")]


def test_an_endless_line_is_one_malformed_line() -> None:
    stream = io.BytesIO(b"1" * (3 * LINE_LIMIT_BYTES) + b"\n" + GOOD)
    first, second = read_messages(stream)
    assert isinstance(first, Malformed)
    assert len(first.text) < 100
    assert isinstance(second, Message)
    assert second.line == 2


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=60).map(b"".join)))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for message in read_messages(io.BytesIO(data)):
        assert isinstance(message, (Message, Malformed))
    for row in read_rows(io.BytesIO(data)):
        assert isinstance(row, (Row, Malformed))
        if isinstance(row, Malformed):
            assert str(row).isprintable()


@settings(deadline=None)
@given(st.integers(0, 86_399), st.integers(0, 10**9 - 1), st.integers(1, 4), st.integers(0, 2**40), st.booleans())
def test_what_is_written_is_read(seconds: int, fraction: int, kind: int, order_id: int, is_buy: bool) -> None:
    line = f"{seconds}.{fraction:09},{kind},{order_id},100,5000,{1 if is_buy else -1}".encode()
    expected = Message(1, seconds * 10**9 + fraction, MessageType(kind), order_id, 100, 5000, is_buy)
    assert parse_message(1, line) == expected
