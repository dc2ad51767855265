"""Frames of the binary protocol: golden bytes, pieces of any size, and damage."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aeromatch import EVENT_DTYPE, commands
from aeromatch.client.errors import BadAnswerError
from aeromatch.client.wire import (
    FROM_NOW,
    HEADER,
    Alive,
    Channel,
    Depth,
    Ended,
    FrameReader,
    Kind,
    Listing,
    Refusals,
    Reports,
    ServerFrame,
    Trades,
    Welcome,
    encode_frame,
    encode_login,
    encode_subscription,
    encode_test,
)
from aeromatch.client.wire_codes import CODES, STATUSES
from aeromatch.client.wire_link import Address
from aeromatch.gateways.problems import PROBLEMS

DOCUMENT = Path(__file__).parents[2] / "docs" / "binary.md"


def golden(title: str) -> bytes:
    """The bytes that the document shows under a title."""
    found = re.search(rf"```text\n{re.escape(title)}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None, f"docs/binary.md has no bytes of {title!r}"
    return bytes.fromhex("".join(line.partition("|")[0] for line in found[1].splitlines()))


def test_golden_frames_of_a_client() -> None:
    login = encode_login(
        key_id="k0123456789ab",
        account="alice",
        timestamp_ms=1_800_000_000_000,
        nonce=7,
        signature=bytes(range(32)),
        cancel_on_disconnect=True,
        heartbeat_ms=5000,
        positions=[41, FROM_NOW],
    )
    assert encode_frame(Kind.LOGIN, 1, login, 2) == golden("login")
    order = commands(side="buy", quantity_lots=5, price_ticks=10_000, instrument=1, tag=1).slots
    assert encode_frame(Kind.COMMANDS, 2, order.tobytes(), 1) == golden("commands")
    subscription = encode_subscription(Channel.DEPTH, 1, levels=5, tag=2)
    assert encode_frame(Kind.SUBSCRIBE, 3, subscription) == golden("subscribe")
    assert encode_frame(Kind.TEST, 4, encode_test(99)) == golden("test")
    assert encode_frame(Kind.LOGOUT, 5) == golden("logout")


def one(data: bytes) -> ServerFrame:
    (frame,) = FrameReader().feed(data)
    return frame


def test_golden_frames_of_a_server() -> None:
    welcome = one(golden("welcome"))
    assert isinstance(welcome, Welcome)
    assert (welcome.session, welcome.account, welcome.heartbeat_ms, welcome.max_frame_bytes) == (9, 1, 5000, 1 << 20)
    assert (welcome.levels, welcome.time_ns, welcome.positions) == (8, 1_800_000_000_000_000_000, [41, 17])
    reports = one(golden("reports"))
    assert isinstance(reports, Reports)
    assert (reports.shard, reports.goes_on, len(reports.events)) == (0, False, 1)
    (event,) = reports.events
    assert (event["kind"], event["order_id"], event["sequence"], event["detail"]) == (1, 1 << 40, 42, 9 << 32 | 1)
    refused = one(golden("refused"))
    assert isinstance(refused, Refusals)
    assert refused.entries.tolist() == [(3, 26, 0, 500_000_000)]
    assert one(golden("alive")) == Alive(99, [42, 17])
    depth = one(golden("depth"))
    assert isinstance(depth, Depth)
    assert (depth.instrument, depth.is_update, depth.sequence, depth.since) == (1, False, 42, 0)
    assert (depth.bids.tolist(), depth.asks.tolist()) == ([(10_000, 5, 1, 0)], [])
    trades = one(golden("trades"))
    assert isinstance(trades, Trades)
    assert trades.events[["price_ticks", "quantity_lots", "detail"]].tolist() == [(10_000, 2, 1)]
    listing = one(golden("list"))
    assert isinstance(listing, Listing)
    assert (listing.account, listing.account_name, listing.total) == (1, "alice", 1)
    (listed,) = listing.instruments
    assert (listed.number, listed.symbol, listed.tick_size, listed.lot_size) == (1, "BTC-USD", "0.01", "0.001")
    assert one(golden("ended")) == Ended("bad_sequence", "frame 3 came behind frame 1", 0)


@given(st.lists(st.integers(1, 400), max_size=20), st.integers(0, 3))
def test_frames_come_in_any_pieces(cuts: list[int], events: int) -> None:
    rows = np.zeros(events, dtype=EVENT_DTYPE)
    rows["sequence"] = np.arange(events)
    frames = [
        HEADER.pack(8 + 64 * events, 66, 1, events, 1) + bytes(8) + rows.tobytes(),
        HEADER.pack(16, 68, 1, 1, 2) + (5).to_bytes(8, "little") + (6).to_bytes(8, "little"),
    ]
    data, reader = b"".join(frames), FrameReader()
    found: list[ServerFrame] = []
    for cut in cuts:
        found += reader.feed(data[:cut])
        data = data[cut:]
    found += reader.feed(data)
    assert isinstance(found[0], Reports)
    assert found[0].events.tobytes() == rows.tobytes()
    assert found[1:] == [Alive(5, [6])]


@pytest.mark.parametrize(
    "data",
    [
        HEADER.pack(0, 68, 2, 0, 1),
        HEADER.pack((16 << 20) + 1, 66, 1, 0, 1),
        HEADER.pack(8, 68, 1, 0, 2) + bytes(8),
        HEADER.pack(4, 68, 1, 0, 1) + bytes(4),
        HEADER.pack(8, 66, 1, 3, 1) + bytes(8),
        HEADER.pack(40, 69, 1, 1, 1) + bytes(40),
    ],
    ids=["version", "length", "number", "too short", "too few events", "levels that are not there"],
)
def test_what_is_no_frame_is_damage(data: bytes) -> None:
    with pytest.raises(BadAnswerError):
        list(FrameReader().feed(data))


@given(st.binary(max_size=300))
def test_any_bytes_are_frames_or_damage(data: bytes) -> None:
    reader = FrameReader()
    try:
        list(reader.feed(data))
    except BadAnswerError:
        return


def test_frames_of_later_versions_are_passed_over() -> None:
    later = HEADER.pack(3, 99, 1, 0, 1) + b"new"
    assert list(FrameReader().feed(later + HEADER.pack(8, 68, 1, 0, 2) + bytes(8))) == [Alive(0, [])]


def test_texts_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="key_id has more than 63 bytes"):
        encode_login(key_id="k" * 64)


def test_statuses_are_those_of_the_other_gateways() -> None:
    ours = {slug: PROBLEMS[slug][0] for slug in STATUSES if slug in PROBLEMS}
    assert {slug: STATUSES[slug] for slug in ours} == ours
    assert {slug for slug in CODES.values() if slug in PROBLEMS and PROBLEMS[slug][0] != 422} <= set(STATUSES)


def test_codes_are_in_the_document() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert {int(code): slug for code, slug in rows.items()} == CODES


def test_addresses() -> None:
    assert Address.parse("127.0.0.1:9191") == Address("127.0.0.1:9191", "127.0.0.1", 9191)
    assert Address.parse("[::1]:9191").host == "::1"
    assert Address.parse("data/binary.sock").host == ""
    for wrong in ("127.0.0.1", "host:port", "host:99999", ""):
        with pytest.raises(ValueError, match="address must be"):
            Address.parse(wrong)
