from __future__ import annotations

import io
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aeromatch.replay.lines import Malformed
from aeromatch.replay.order_file import HEADER, Instruction, OrderLine, parse_order, read_orders

STAMP = b"2019-05-23 09:00:30.216"
STAMP_NS = 1_558_602_030_216_000_000


def test_new() -> None:
    line = parse_order(2, b"new;55;False;3;95.8;" + STAMP)
    assert line == OrderLine(2, Instruction.NEW, "55", False, 3, Decimal("95.8"), STAMP_NS)


def test_changes_have_no_side_and_no_price() -> None:
    assert parse_order(1, b"modif;55;;2;;" + STAMP) == OrderLine(
        1, Instruction.MODIFY, "55", False, 2, Decimal(0), STAMP_NS
    )
    assert parse_order(1, b"cancel;55;;1;;" + STAMP) == OrderLine(
        1, Instruction.CANCEL, "55", False, 1, Decimal(0), STAMP_NS
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"new;55;False;3;95.8", "5 fields"),
        (b"buy;55;False;3;95.8;" + STAMP, "ordtype"),
        (b"new;a;False;3;95.8;" + STAMP, "uid"),
        (b"new;55;maybe;3;95.8;" + STAMP, "is_buy"),
        (b"new;55;True;0;95.8;" + STAMP, "qty"),
        (b"new;55;True;-3;95.8;" + STAMP, "qty"),
        (b"new;55;True;3.5;95.8;" + STAMP, "qty"),
        (b"new;55;True;281474976710657;95.8;" + STAMP, "qty"),
        (b"new;55;True;3;;" + STAMP, "price"),
        (b"new;55;True;3;nan;" + STAMP, "price"),
        (b"new;55;True;3;95.8;", "timestamp"),
        (b"new;55;True;3;95.8;2019-13-23 09:00:30", "timestamp"),
        (b"new;55;True;3;95.8;1901-01-01 09:00:30", "timestamp"),
    ],
)
def test_malformed_line_names_the_field(line: bytes, reason: str) -> None:
    refused = parse_order(4, line)
    assert isinstance(refused, Malformed)
    assert refused.line == 4
    assert reason in refused.reason


def test_column_names_are_passed_over() -> None:
    lines = list(read_orders(io.BytesIO(HEADER + b"\ncancel;55;;1;;" + STAMP + b"\n")))
    assert [type(line) for line in lines] == [OrderLine]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for line in read_orders(io.BytesIO(data)):
        assert isinstance(line, (OrderLine, Malformed))


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([b"new", b"cancel", b"modif", b"1", b"True", b"1.5", STAMP, b"\n", b"\xff", b""]), max_size=40
    )
)
def test_any_fields_are_read_or_refused(fields: list[bytes]) -> None:
    for line in read_orders(io.BytesIO(b";".join(fields))):
        assert isinstance(line, (OrderLine, Malformed))
