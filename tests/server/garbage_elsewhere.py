"""Garbage for the gateways that have ports of their own. A kind is named after its door."""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from aeromatch.bench.gateways.fix import framed

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Kind = Callable[[random.Random, Streams], Awaitable[str]]

ENDED: Final = "ended by the server"
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
BODY_BYTES: Final = 2_000


async def _until_the_end(streams: Streams, *pieces: bytes) -> str:
    """Sends pieces, and reads whatever comes until the server has had enough."""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            streams[1].write(piece)
            await streams[1].drain()
        while await streams[0].read(65_536):
            pass
    return ENDED


async def _noise(rng: random.Random, streams: Streams) -> str:
    """Bytes that are nothing at all, and no more after them: who waits for the rest of them is not better off."""
    streams[1].write(rng.randbytes(rng.randint(1, 5_000)))
    streams[1].write_eof()
    return await _until_the_end(streams)


async def _half_open(rng: random.Random, streams: Streams, beginning: bytes) -> str:
    """A beginning, and then nothing for as long as one is let."""
    return await _until_the_end(streams, beginning[: rng.randint(0, len(beginning) - 1)])


# ---- FIX


def _fix(kind: bytes, number: int, body: bytes, sender: bytes = b"GARBAGE") -> bytes:
    head = b"34=%d\x0149=%s\x0156=AEROMATCH\x0152=20260102-00:00:00.000\x01" % (number, sender)
    return framed(kind, head, body)


def _fix_logon(rng: random.Random) -> bytes:
    return _fix(b"A", 1, b"98=0\x01108=30\x01141=Y\x01", b"GARBAGE%d" % rng.randrange(8))


async def fix_frames(rng: random.Random, streams: Streams) -> str:
    """Messages with another checksum, another length, or a length that nobody has."""
    message = _fix_logon(rng)
    spoilt = (
        message[:-4] + b"999\x01",
        message.replace(b"\x019=", b"\x019=1"),
        b"8=FIX.4.4\x019=999999999999\x0135=A\x01" + rng.randbytes(10_000),
        b"8=FIX.4.4\x01" * 2_000,
        b"8=FIX.5.0" + message[9:],
    )
    streams[1].write(rng.choice(spoilt))
    streams[1].write_eof()
    return await _until_the_end(streams)


async def fix_not_logged_on(rng: random.Random, streams: Streams) -> str:
    """An order before the logon, or a logon that is none."""
    first = (
        _fix(b"D", 1, b"11=1\x0155=AAA\x0154=1\x0160=20260102-00:00:00\x0138=1\x0140=2\x0144=1\x01"),
        _fix(b"A", 1, b"98=9\x01108=-5\x01"),
        _fix(b"A", 0, b"98=0\x01108=30\x01"),
        _fix(b"0", 1, b""),
        _fix(b"4", 1, b"36=-1\x01"),
    )
    return await _until_the_end(streams, rng.choice(first))


async def fix_fields(rng: random.Random, streams: Streams) -> str:
    """Whoever logged on asks for what there is not: unknown types, fields without values, groups that miscount."""
    bodies = (
        (b"D", b"11=1\x0155=NOBODY\x0154=1\x0160=20260102-00:00:00\x0138=1\x0140=2\x0144=1\x01"),
        (b"D", b"11=\x0155=AAA\x01"),
        (b"D", b"11=x\x0111=y\x0155=AAA\x0154=Z\x0160=never\x0138=many\x0140=2\x01"),
        (b"ZZ", b"58=hello\x01"),
        (b"V", b"262=1\x01263=1\x01264=0\x01267=5\x01269=0\x01146=9\x0155=AAA\x01"),
        (b"F", b"11=c\x0141=unknown\x0155=AAA\x0154=1\x0160=20260102-00:00:00\x01"),
        (b"2", b"7=1\x0116=0\x01"),
        (b"8", b"37=1\x01"),
    )
    messages = [_fix_logon(rng)]
    messages += [_fix(*_numbered(number, rng.choice(bodies))) for number in range(2, 30)]
    # A sequence that jumps, and one that was there.
    messages.append(_fix(b"0", rng.choice((1, 5_000)), b""))
    streams[1].write(b"".join(messages))
    return await _until_the_end(streams)


def _numbered(number: int, message: tuple[bytes, bytes]) -> tuple[bytes, int, bytes]:
    return message[0], number, message[1]


async def fix_half_open(rng: random.Random, streams: Streams) -> str:
    """Half a logon."""
    return await _half_open(rng, streams, _fix_logon(rng))


# ---- gRPC, which is HTTP/2


def _h2(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


async def grpc_frames(rng: random.Random, streams: Streams) -> str:
    """Frames of all kinds with anything in them."""
    frames = b"".join(
        _h2(rng.randrange(12), rng.randrange(256), rng.choice((0, 1, 2, 3, 1 << 30)), rng.randbytes(rng.randrange(100)))
        for _ in range(50)
    )
    return await _until_the_end(streams, PREFACE + _h2(4, 0, 0, b""), frames)


async def grpc_no_http2(rng: random.Random, streams: Streams) -> str:
    """Another protocol, or a frame that is longer than it may be."""
    first = (
        b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + rng.randbytes(20_000),
        PREFACE[:-4] + b"\r\n\r\n\r\n",
    )
    return await _until_the_end(streams, rng.choice(first))


async def grpc_reset(rng: random.Random, streams: Streams) -> str:
    """Streams that are opened and taken back at once, as fast as it goes."""
    # :method POST, :scheme http, :path /, of the static table.
    headers = b"\x83\x86\x84"
    pieces = [PREFACE + _h2(4, 0, 0, b"")]
    for number in range(1, 400, 2):
        pieces.append(_h2(1, 0x4, number, headers) + _h2(3, 0, number, struct.pack("!I", rng.choice((0, 8)))))
    streams[1].write(b"".join(pieces))
    streams[1].write_eof()
    return await _until_the_end(streams)


async def grpc_half_open(rng: random.Random, streams: Streams) -> str:
    """Half a preface."""
    return await _half_open(rng, streams, PREFACE)


# ---- binary


def _frame(kind: int, count: int, number: int, body: bytes, version: int = 1) -> bytes:
    return struct.pack("<IBBHQ", len(body), kind, version, count, number) + body


async def binary_frames(rng: random.Random, streams: Streams) -> str:
    """Frames of no kind, of another version, out of their sequence, or longer than they may be."""
    body = rng.randbytes(rng.choice((0, 8, 64, 128, BODY_BYTES)))
    spoilt = (
        _frame(rng.randrange(256), rng.randrange(1 << 16), 1, body),
        _frame(1, 2, 1, body, version=rng.randrange(256)),
        _frame(1, 2, rng.randrange(1 << 64), body),
        struct.pack("<IBBHQ", 0xFFFF_FFFF, 2, 1, 1, 1) + body,
        struct.pack("<IBBHQ", 1 << 20, 2, 1, 1 << 14, 1) + body,
    )
    streams[1].write(rng.choice(spoilt))
    streams[1].write_eof()
    return await _until_the_end(streams)


async def binary_not_logged_in(rng: random.Random, streams: Streams) -> str:
    """Commands before the login, or a login by nobody."""
    first = (
        _frame(2, 4, 1, rng.randbytes(256)),
        _frame(1, 0, 1, rng.randbytes(128)),
        _frame(1, 0, 1, b"nobody".ljust(32, b"\0") + bytes(96)),
        _frame(5, 1, 1, rng.randbytes(64)),
        _frame(7, 0, 1, b""),
    )
    return await _until_the_end(streams, rng.choice(first))


async def binary_half_open(rng: random.Random, streams: Streams) -> str:
    """Half a login."""
    return await _half_open(rng, streams, _frame(1, 0, 1, bytes(128)))


ELSEWHERE: Final[dict[str, Kind]] = {
    "grpc_noise": _noise,
    "grpc_frames": grpc_frames,
    "grpc_no_http2": grpc_no_http2,
    "grpc_reset": grpc_reset,
    "grpc_half_open": grpc_half_open,
    "fix_noise": _noise,
    "fix_frames": fix_frames,
    "fix_not_logged_on": fix_not_logged_on,
    "fix_fields": fix_fields,
    "fix_half_open": fix_half_open,
    "binary_noise": _noise,
    "binary_frames": binary_frames,
    "binary_not_logged_in": binary_not_logged_in,
    "binary_half_open": binary_half_open,
}
