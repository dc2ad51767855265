"""A file in chunks, plain or gzip, with bounded memory, up to where it is damaged."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from aeromatch.replay.tally import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

CHUNK_BYTES: Final = 1 << 20
PACKED_BYTES: Final = 1 << 17
"""Bytes of a gzip file that are inflated at once."""
GZIP_MAGIC: Final = b"\x1f\x8b"
GZIP_WINDOW: Final = 31
"""What makes zlib expect gzip's header and check its checksum."""


class Chunks:
    """The content of a file, chunk by chunk, once."""

    def __init__(self, path: Path, progress: Callable[[int], object] = lambda _: None) -> None:
        """Prepare to read; `progress` is called with the number of bytes of the file that were read."""
        self.is_gzip = False
        """Whether the file is a gzip file, by its first bytes and whatever it is called; known once it is read."""
        self._path = path
        self._progress = progress

    def __iter__(self) -> Iterator[memoryview | bytes]:
        """Yield the content. A chunk is good until the next one is asked for: it may take its place in memory.

        Raises:
            OSError: The file cannot be read.
            RecordingError: It is a gzip file and damaged or cut off; what stands before that has been yielded.
        """
        buffer = bytearray(CHUNK_BYTES)
        view = memoryview(buffer).toreadonly()
        with self._path.open("rb") as stream:
            length = stream.readinto(buffer)
            self.is_gzip = buffer.startswith(GZIP_MAGIC, 0, length)
            if self.is_gzip:
                yield from _inflated(bytes(view[:length]), stream, self._path.name, self._progress)
                return
            read = 0
            while length:
                yield view[:length]
                read += length
                self._progress(read)
                length = stream.readinto(buffer)


def _inflated(packed: bytes, stream: BinaryIO, name: str, progress: Callable[[int], object]) -> Iterator[bytes]:
    """Inflate a gzip file of one or more members, a bounded amount at a time; `packed` is how it begins."""
    inflater, read = zlib.decompressobj(GZIP_WINDOW), 0
    while packed:
        read += len(packed)
        while True:
            if inflater.eof:
                # Another member may follow; zeros behind the last one are padding.
                packed = packed.lstrip(b"\0")
                if not packed:
                    break
                inflater = zlib.decompressobj(GZIP_WINDOW)
            before = inflater.copy()
            try:
                chunk = inflater.decompress(packed, CHUNK_BYTES)
            except zlib.error:
                offset = read - len(packed)
                yield from _last_words(before, packed, offset, name)
                return
            if chunk:
                yield chunk
            packed = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if not packed and len(chunk) < CHUNK_BYTES:
                break
        progress(read)
        packed = stream.read(PACKED_BYTES)
    if not inflater.eof:
        raise RecordingError(f"{name}: byte {read} of the gzip file, its end: the gzip stream is cut off")


def _last_words(inflater: zlib._Decompress, packed: bytes, offset: int, name: str) -> Iterator[bytes]:
    """Go up to the damage byte by byte: what stands before it is good, and now we know where it is.

    Raises:
        RecordingError: always.
    """
    saved: list[bytes] = []
    for place in range(len(packed)):
        try:
            saved.append(inflater.decompress(packed[place : place + 1]))
        except zlib.error as error:
            yield b"".join(saved)
            problem = str(error).split(": ")[-1]
            raise RecordingError(f"{name}: byte {offset + place} of the gzip file: {problem}") from error
    raise AssertionError("zlib refuses a whole block but none of its bytes")
