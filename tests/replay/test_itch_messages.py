"""ITCH messages: every type decoded as the specification says, from files of every framing, and damaged ones."""

from __future__ import annotations

import contextlib
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.replay.itch_golden import COMMON, GOLDEN, HEADER, framed, golden
from tests.replay.samples import recording

from aeromatch import _core
from aeromatch.replay import RecordingError, itch
from aeromatch.replay.generate import FRAMINGS
from aeromatch.replay.itch.chunks import CHUNK_BYTES, Chunks

SAMPLE = "itch/ex20101224.TEST_ITCH_50"
ALL = [kind.encode() + HEADER + body for kind, _, body, _ in GOLDEN]
IDS = [kind for kind, *_ in GOLDEN]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "day.itch"
    path.write_bytes(content)
    return path


def test_every_type_is_known() -> None:
    assert {kind: layout.length for kind, layout in itch.LAYOUTS.items()} == {kind: n for kind, n, *_ in GOLDEN}
    assert sorted(IDS) == sorted("SRHYLVWKJhAFECXDUPQBINO")


@pytest.mark.parametrize(("letter", "length", "body", "fields"), GOLDEN, ids=IDS)
def test_a_message_says_what_the_specification_says(
    tmp_path: Path, letter: str, length: int, body: bytes, fields: dict[str, str | int]
) -> None:
    message = letter.encode() + HEADER + body
    assert len(message) == length
    assert itch.decode(message) == {"type": letter, **COMMON, **fields}
    assert itch.encode(letter, **COMMON, **fields) == message
    path = write(tmp_path, framed("lengths", *ALL, message))
    rows = itch.messages(path, letter)
    assert len(rows) == 2
    for name, value in {**COMMON, **fields}.items():
        assert rows[name].tolist() == [value.encode() if isinstance(value, str) else value] * 2, name
    assert rows.dtype == itch.dtype_of(letter)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_framing_gives_the_same_messages(tmp_path: Path, framing: str, packed: bool) -> None:
    content = framed(framing, *ALL)
    path = write(tmp_path, gzip.compress(content) if packed else content)
    assert list(itch.iterate(path)) == [{"type": kind, **COMMON, **fields} for kind, _, _, fields in GOLDEN]
    assert itch.symbols(path) == [itch.Listing("BRK.A", 7, len(GOLDEN))]


@pytest.mark.parametrize("first", IDS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_file_may_begin_with_any_message(tmp_path: Path, framing: str, first: str) -> None:
    path = write(tmp_path, framed(framing, golden(first), golden("D")))
    assert [message["type"] for message in itch.iterate(path)] == [first, "D"]


def test_messages_of_a_symbol_and_of_some_types(tmp_path: Path) -> None:
    other = golden("A").replace(b"\x00\x07", b"\x00\x08", 1)
    path = write(tmp_path, framed("lengths", golden("R"), golden("A"), other, golden("D")))
    assert [message["type"] for message in itch.iterate(path, "BRK.A")] == ["R", "A", "D"]
    assert [message["stock_locate"] for message in itch.iterate(path, types="AU")] == [7, 8]
    assert len(itch.messages(path, "A", "BRK.A")) == 1
    assert len(itch.messages(path, "A", "ZZZ")) == 0
    assert len(itch.messages(path, "U")) == 0


def test_misuse_names_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, framed("lengths", *ALL))
    with pytest.raises(ValueError, match=r"'Z' is no type of an ITCH 5.0 message"):
        itch.messages(path, "Z")
    with pytest.raises(ValueError, match=r"'z' is no type of an ITCH 5.0 message"):
        list(itch.iterate(path, types="Az"))
    with pytest.raises(ValueError, match=r"symbol must be 1 to 8 printable ASCII characters, not \"TOOLONGTOO\""):
        itch.messages(path, "A", "TOOLONGTOO")
    with pytest.raises(ValueError, match="a message 'D' has 19 bytes, not 18"):
        itch.decode(golden("D")[:-1])
    with pytest.raises(ValueError, match="missing or unknown: match_number, price"):
        itch.encode("B", **COMMON, price=1)
    for wrong in (-1, 2**64, "1"):
        with pytest.raises(ValueError, match=r"match_number: .* does not fit 8 bytes of number"):
            itch.encode("B", **COMMON, match_number=wrong)
    with pytest.raises(ValueError, match="either replayed into a book or kept"):
        _core.ItchReader("A", book=itch.replay(path, "BRK.A").book, types="A")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "day.itch: no ITCH 5.0 message in it"),
        (b"\0\0", "day.itch: no ITCH 5.0 message in it"),
        (b"\x00\x13", "day.itch: byte 0: the file ends inside a message: 2 bytes are left"),
        (b"hello", "day.itch: byte 0: the file ends inside a message: 5 of 21 bytes"),
        (b"%PDF-1.7", "day.itch: byte 0: this is no ITCH 5.0 message, nor the length of one"),
        (b"\x00\x13A" + bytes(60), "day.itch: byte 0: this is no ITCH 5.0 message, nor the length of one"),
        (b"\x1f\x8b" + bytes(60), "day.itch: byte 3 of the gzip file: unknown compression method"),
        (b"\x1f\x8b", "day.itch: byte 2 of the gzip file, its end: the gzip stream is cut off"),
        (gzip.compress(b"%PDF"), "day.itch: byte 0 of its inflated content: this is no ITCH 5.0 message"),
    ],
)
def test_files_of_no_use(tmp_path: Path, content: bytes, problem: str) -> None:
    path = write(tmp_path, content)
    for read in (lambda: itch.symbols(path), lambda: list(itch.iterate(path)), lambda: itch.replay(path, "ABC")):
        with pytest.raises(RecordingError, match=problem):
            read()


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_damage_is_named_by_its_byte_and_what_stands_before_it_is_read(tmp_path: Path, framing: str) -> None:
    whole = framed(framing, *ALL)
    place = len(framed(framing, *ALL[:15]))
    damaged = whole[:place] + b"\xff" * (len(whole) - place)
    path = write(tmp_path, damaged)
    read: list[dict[str, str | int]] = []
    with pytest.raises(RecordingError, match=rf"day\.itch: byte {place}: "):
        read.extend(itch.iterate(path))
    assert [message["type"] for message in read] == IDS[:15]


def test_a_file_that_is_cut_off_says_where(tmp_path: Path) -> None:
    whole = framed("lengths", *ALL)
    last = len(whole) - len(ALL[-1]) - 2
    path = write(tmp_path, whole[:-1])
    with pytest.raises(RecordingError, match=rf"byte {last}: the file ends inside a message: 49 of 50 bytes"):
        list(itch.iterate(path))


@pytest.fixture(scope="module")
def large() -> bytes:
    """More than two chunks of messages that hardly compress."""
    dice = random.Random(1)
    adds = (golden("A")[:11] + dice.randbytes(25) for _ in range(70_000))
    return framed("lengths", golden("R"), *adds)


def test_chunks_of_a_file_join(tmp_path: Path, large: bytes) -> None:
    for content in (large, gzip.compress(large, 1), gzip.compress(large[:999_999], 1) + gzip.compress(large[999_999:])):
        assert len(itch.messages(write(tmp_path, content), "A")) == 70_000
    assert len(itch.messages(write(tmp_path, gzip.compress(large, 1) + bytes(1_000)), "A")) == 70_000


def test_a_gzip_file_that_is_cut_off_or_damaged_names_the_byte(tmp_path: Path, large: bytes) -> None:
    packed = gzip.compress(large, 1)
    cut = len(packed) - 400_000
    result = itch.replay(write(tmp_path, packed[:cut]), "BRK.A")
    assert result.damage == f"day.itch: byte {cut} of the gzip file, its end: the gzip stream is cut off"
    assert 50_000 < result.messages < 70_000
    wrong = bytearray(packed)
    wrong[-8] ^= 1
    result = itch.replay(write(tmp_path, bytes(wrong)), "BRK.A")
    assert result.damage is not None
    assert "of the gzip file: incorrect data check" in result.damage
    assert result.messages == 70_001
    behind = itch.replay(write(tmp_path, packed + b"rubbish"), "BRK.A")
    assert behind.damage == f"day.itch: byte {len(packed) + 1} of the gzip file: incorrect header check"
    assert behind.messages == 70_001


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    framing=st.sampled_from(FRAMINGS),
    letters=st.lists(st.sampled_from("RAAAFEECXDUHPQ"), max_size=30),
    changes=st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, 2_000),
    packed=st.booleans(),
)
def test_R33_any_file_is_read_or_refused(
    tmp_path: Path, framing: str, letters: list[str], changes: list[tuple[int, int]], cut: int, packed: bool
) -> None:
    content = bytearray(framed(framing, golden("R"), *map(golden, letters)))
    content = bytearray(gzip.compress(content)) if packed else content
    for place, value in changes:
        content[place % len(content)] = value
    path = write(tmp_path, bytes(content[: len(content) - cut]))
    read: list[dict[str, str | int]] = []
    with contextlib.suppress(RecordingError):
        read.extend(itch.iterate(path))
    try:
        result = itch.replay(path, "BRK.A")
    except RecordingError:
        return
    assert result.messages == len(read)
    assert result.orders_left == len(result.book) + result.orders_waiting


def test_the_sample_has_zeros_for_lengths() -> None:
    path = recording(SAMPLE)
    assert [tuple(listing) for listing in itch.symbols(path)] == [
        ("ALC", 1, 3_211),
        ("BOB", 2, 5_165),
        ("CHAR", 3, 3_630),
    ]
    result = itch.replay(path, "BOB")
    assert (result.framing, result.messages, result.bytes) == ("zeros", 12_012, 465_048)
    assert result.messages_by_type == {
        "P": 5_000,
        "A": 4_997,
        "D": 1_745,
        "E": 198,
        "X": 45,
        "U": 12,
        "S": 6,
        "F": 3,
    } | {
        "H": 3,
        "R": 3,
    }
    assert result.damage is None
    assert result.system_events[0] == (11_202_475_298_710, "O")
    adds = itch.messages(path, "A", "BOB")
    assert (adds["price"][0], adds["shares"][0], adds["buy_sell_indicator"][0]) == (53_167, 1_000, b"B")


def test_what_is_in_memory_does_not_grow_with_what_a_file_inflates_to(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(bytes(30 << 20)))
    lengths = [len(chunk) for chunk in Chunks(path)]
    assert sum(lengths) == 30 << 20
    assert max(lengths) <= CHUNK_BYTES
