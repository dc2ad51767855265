"""Frames of the binary protocol (docs/binary.md) as bytes: no I/O here.

A frame is a header of 16 bytes and a body. What a server sends becomes one of the classes below; what a client sends is
made by the functions whose names begin with `encode`.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aeromatch import EVENT_DTYPE
from aeromatch.client.errors import BadAnswerError
from aeromatch.client.wire_codes import CODES

__all__ = [
    "FROM_NOW",
    "HEADER",
    "MAX_COUNT",
    "Alive",
    "Channel",
    "Depth",
    "Ended",
    "FrameReader",
    "Kind",
    "Listed",
    "Listing",
    "Refusals",
    "Reports",
    "ServerFrame",
    "Trades",
    "Welcome",
    "encode_frame",
    "encode_login",
    "encode_subscription",
    "encode_test",
]

HEADER: Final = Struct("<IBBHQ")
VERSION: Final = 1
MAX_COUNT: Final = 65535
FROM_NOW: Final = 2**64 - 1
"""A position that says: no report of what was."""
KEY_BYTES: Final = 63

LOGIN: Final = Struct("<QQIIQ32s64s64s")
SUBSCRIPTION: Final = Struct("<BBHIQII")
NUMBER: Final = Struct("<Q")
WELCOME: Final = Struct("<QIIIHHQ")
REPORTS: Final = Struct("<HHI")
DEPTH: Final = Struct("<IHBBQQHHI")
LISTING: Final = Struct("<IIQ64s")
LISTED: Final = Struct("<IHHQ64s64s64s")
ENDED: Final = Struct("<HHIQ")

REFUSAL_DTYPE: Final = np.dtype([("tag", "<u4"), ("code", "<u2"), ("zero", "<u2"), ("retry_after_ns", "<u8")])
LEVEL_DTYPE: Final = np.dtype(
    [("price_ticks", "<i8"), ("quantity_lots", "<u8"), ("order_count", "<u4"), ("zero", "<u4")]
)
POSITION_DTYPE: Final = np.dtype("<u8")

CANCEL_ON_DISCONNECT: Final = 1
GOES_ON: Final = 1


class Kind(IntEnum):
    """What a frame is."""

    LOGIN = 1
    COMMANDS = 2
    HEARTBEAT = 3
    TEST = 4
    SUBSCRIBE = 5
    UNSUBSCRIBE = 6
    LIST = 7
    LOGOUT = 8
    WELCOME = 65
    REPORTS = 66
    REFUSED = 67
    ALIVE = 68
    DEPTH = 69
    TRADES = 70
    LISTING = 71
    ENDED = 72


class Channel(IntEnum):
    """What can be followed of an instrument."""

    TRADES = 1
    DEPTH = 2


@dataclass(frozen=True, slots=True)
class Welcome:
    """The login was taken.

    Attributes:
        session: The session's number: the upper half of the tags of its commands.
        account: Whose reports come; 0: everybody's.
        heartbeat_ms: Each side sends something in this time.
        max_frame_bytes: The body of a frame has no more.
        levels: Of each side of a book, so many can be followed.
        time_ns: The server's clock.
        positions: By shard, the sequence number behind which reports begin.
    """

    session: int
    account: int
    heartbeat_ms: int
    max_frame_bytes: int
    levels: int
    time_ns: int
    positions: list[int]


@dataclass(frozen=True, slots=True)
class Reports:
    """What happened to the account's orders on a shard: records of EVENT_DTYPE.

    `goes_on`: the rest of the last command is in the shard's next reports.
    """

    shard: int
    goes_on: bool
    events: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Commands that never reached the exchange: `tag`, `code` (`wire_codes.CODES`), `retry_after_ns`."""

    entries: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Alive:
    """A heartbeat: the test that it answers, or 0, and by shard up to where all reports were sent."""

    test: int
    positions: list[int]


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels of a book: all that are published, or those that changed since `since`; `bids` and `asks` best first."""

    instrument: int
    shard: int
    is_update: bool
    sequence: int
    since: int
    bids: NDArray[np.void]
    asks: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Trades:
    """Trades of a book: records of EVENT_DTYPE, in `other` the time in ns. `instrument` is that of the first."""

    shard: int
    events: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Listed:
    """An instrument."""

    number: int
    shard: int
    symbol: str
    tick_size: str
    lot_size: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The session's account, and instruments: `total` of them come, in one frame or several."""

    account: int
    account_name: str
    total: int
    instruments: list[Listed]


@dataclass(frozen=True, slots=True)
class Ended:
    """Why the server ends the session."""

    slug: str
    detail: str
    retry_after_ns: int


ServerFrame: TypeAlias = Welcome | Reports | Refusals | Alive | Depth | Trades | Listing | Ended


def encode_frame(kind: Kind, number: int, body: bytes | memoryview = b"", count: int = 0) -> bytes:
    """A frame, whole.

    Arguments:
        kind: One of the client's.
        number: Of the client's frames over this connection, from 1.
        body: What follows the header.
        count: How many entries the body has.
    """
    return HEADER.pack(len(body), kind, VERSION, count, number) + body


def _text(value: str, name: str) -> bytes:
    data = value.encode()
    if len(data) > KEY_BYTES:
        raise ValueError(f"{name} has more than {KEY_BYTES} bytes: {value!r}")
    return bytes((len(data),)) + data


def encode_login(
    *,
    key_id: str = "",
    account: str = "",
    timestamp_ms: int = 0,
    nonce: int = 0,
    signature: bytes = bytes(32),
    cancel_on_disconnect: bool = False,
    heartbeat_ms: int = 0,
    positions: Sequence[int] = (),
) -> bytes:
    """The body of a login; its count is the number of positions.

    Arguments:
        key_id: The key; empty where the server asks for none.
        account: Whose session it is to be; empty: the key's.
        timestamp_ms: When it was signed.
        nonce: A number that the key has not signed before.
        signature: Over both, `LOGIN`, `binary` and an empty body (docs/security.md).
        cancel_on_disconnect: Whether the account's orders are canceled when the connection ends.
        heartbeat_ms: How often each side is to send something; 0: as the server likes.
        positions: By shard, the last sequence number that is known; none: reports begin with now.

    Raises:
        ValueError: A text is too long.
    """
    flags = CANCEL_ON_DISCONNECT if cancel_on_disconnect else 0
    texts = _text(key_id, "key_id"), _text(account, "account")
    head = LOGIN.pack(timestamp_ms, nonce, flags, heartbeat_ms, 0, signature, *texts)
    return head + np.array(positions, dtype=POSITION_DTYPE).tobytes()


def encode_subscription(channel: Channel, instrument: int, *, levels: int = 0, tag: int = 0) -> bytes:
    """The body of a subscription, or of its end.

    Arguments:
        channel: What is followed.
        instrument: By number.
        levels: Of depth, of each side; 0: all that are published.
        tag: Comes back where it is refused.
    """
    return SUBSCRIPTION.pack(channel, 0, levels, instrument, 0, tag, 0)


def encode_test(value: int) -> bytes:
    """The body of a test: a number that comes back."""
    return NUMBER.pack(value)


class FrameReader:
    """Bytes of a connection on their way into frames, in whatever pieces they come.

    Arguments:
        max_frame_bytes: A longer body is damage.
    """

    def __init__(self, max_frame_bytes: int = 16 << 20) -> None:
        self._waiting = bytearray()
        self._number = 0
        self._max_frame_bytes = max_frame_bytes

    def feed(self, data: bytes) -> Iterator[ServerFrame]:
        """The frames that are whole now, in order.

        Raises:
            BadAnswerError: What came is no frame, or not the next one.
        """
        # One copy of what came: the frames' arrays stay where they are.
        buffer = bytes(self._waiting) + data if self._waiting else data
        at, end = 0, len(buffer)
        self._waiting.clear()
        while end - at >= HEADER.size:
            length, kind, version, count, number = HEADER.unpack_from(buffer, at)
            if version != VERSION or length > self._max_frame_bytes:
                raise BadAnswerError(f"no frame: kind {kind}, version {version}, {length} bytes")
            if end - at < HEADER.size + length:
                break
            if number != self._number + 1:
                raise BadAnswerError(f"frame {number} came behind frame {self._number}")
            self._number = number
            body = memoryview(buffer)[at + HEADER.size : at + HEADER.size + length]
            at += HEADER.size + length
            frame = _decode(kind, count, body)
            if frame is not None:
                yield frame
        self._waiting += buffer[at:]


def _decode(kind: int, count: int, body: memoryview) -> ServerFrame | None:
    """The frame; None: of a kind that later versions have."""
    decoder = DECODERS.get(kind)
    if decoder is None:
        return None
    try:
        return decoder(body, count)
    except (ValueError, struct.error) as error:
        raise BadAnswerError(f"a frame of kind {kind} that is none: {error}") from error


def _rows(body: memoryview, dtype: np.dtype[np.void], offset: int, count: int) -> NDArray[np.void]:
    if len(body) != offset + dtype.itemsize * count:
        raise ValueError(f"{len(body)} bytes with {count} entries of {dtype.itemsize}")
    return np.frombuffer(body, dtype=dtype, offset=offset, count=count)


def _positions(body: memoryview, offset: int, count: int) -> list[int]:
    numbers: list[int] = np.frombuffer(body, dtype=POSITION_DTYPE, offset=offset, count=count).tolist()
    return numbers


def _read_text(slot: bytes) -> str:
    return slot[1 : 1 + slot[0]].decode()


def _welcome(body: memoryview, count: int) -> Welcome:
    session, account, heartbeat_ms, max_frame_bytes, levels, _, time_ns = WELCOME.unpack_from(body)
    positions = _positions(body, WELCOME.size, count)
    return Welcome(session, account, heartbeat_ms, max_frame_bytes, levels, time_ns, positions)


def _reports(body: memoryview, count: int) -> Reports:
    shard, flags, _ = REPORTS.unpack_from(body)
    return Reports(shard, bool(flags & GOES_ON), _rows(body, EVENT_DTYPE, REPORTS.size, count))


def _refused(body: memoryview, count: int) -> Refusals:
    return Refusals(_rows(body, REFUSAL_DTYPE, 0, count))


def _alive(body: memoryview, count: int) -> Alive:
    (test,) = NUMBER.unpack_from(body)
    return Alive(test, _positions(body, NUMBER.size, count))


def _depth(body: memoryview, count: int) -> Depth:
    instrument, shard, is_update, _, sequence, since, bids, asks, _ = DEPTH.unpack_from(body)
    if bids + asks != count:
        raise ValueError(f"{count} levels, of which {bids} are bids and {asks} asks")
    rows = _rows(body, LEVEL_DTYPE, DEPTH.size, count)
    return Depth(instrument, shard, bool(is_update), sequence, since, rows[:bids], rows[bids:])


def _trades(body: memoryview, count: int) -> Trades:
    shard, _, _ = REPORTS.unpack_from(body)
    return Trades(shard, _rows(body, EVENT_DTYPE, REPORTS.size, count))


def _listing(body: memoryview, count: int) -> Listing:
    account, total, _, name = LISTING.unpack_from(body)
    instruments = []
    for place in range(count):
        number, shard, _, _, *texts = LISTED.unpack_from(body, LISTING.size + place * LISTED.size)
        symbol, tick_size, lot_size = map(_read_text, texts)
        instruments.append(Listed(number, shard, symbol, tick_size, lot_size))
    return Listing(account, _read_text(name), total, instruments)


def _ended(body: memoryview, _: int) -> Ended:
    code, _, _, retry_after_ns = ENDED.unpack_from(body)
    text = bytes(body[ENDED.size :]).decode()
    slug = CODES.get(code, text.partition(":")[0])
    return Ended(slug, text.removeprefix(f"{slug}: "), retry_after_ns)


DECODERS: Final[dict[int, Callable[[memoryview, int], ServerFrame]]] = {
    Kind.WELCOME: _welcome,
    Kind.REPORTS: _reports,
    Kind.REFUSED: _refused,
    Kind.ALIVE: _alive,
    Kind.DEPTH: _depth,
    Kind.TRADES: _trades,
    Kind.LISTING: _listing,
    Kind.ENDED: _ended,
}
