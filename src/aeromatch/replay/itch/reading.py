"""Messages of a file for whoever wants to look at them: by symbol, by type, as arrays or dicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aeromatch import _core
from aeromatch.replay.itch.chunks import Chunks
from aeromatch.replay.itch.layout import LAYOUTS, decode, layout_of, to_array
from aeromatch.replay.tally import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from os import PathLike

    import numpy as np
    from numpy.typing import NDArray

DIRECTORY_BYTES: Final = 1 << 22
"""A file begins with its directory, which is shorter than this."""


class Listing(NamedTuple):
    """A symbol of a file."""

    symbol: str
    locate: int
    """Its number in the file."""
    messages: int
    """How many messages are about it."""


def symbols(path: str | PathLike[str], *, progress: Callable[[int], object] = lambda _: None) -> list[Listing]:
    """List the symbols of a whole file, in order of their numbers.

    Raises:
        OSError: The file cannot be read.
        RecordingError: It is damaged, or no ITCH 5.0 file.
    """
    reader = _core.ItchReader()
    for _ in _kept(reader, Path(path), progress):
        pass
    return [Listing(*found) for found in reader.symbols()]


def first_symbols(path: Path) -> list[str]:
    """List the symbols that a file begins with; none where it makes no sense."""
    reader = _core.ItchReader()
    read = 0
    try:
        for chunk in Chunks(path):
            reader.feed(chunk)
            read += len(chunk)
            if read >= DIRECTORY_BYTES:
                break
    except RecordingError:
        pass  # Whoever reads the whole file will say so.
    return [symbol for symbol, _, _ in reader.symbols()]


def messages(path: str | PathLike[str], letter: str, symbol: str | None = None) -> NDArray[np.void]:
    """Read the messages of one type into a structured array: one row a message, one column a field (`dtype_of`).

    Args:
        path: The file.
        letter: The type, e.g. "A" for added orders, "E" for executions.
        symbol: Only this symbol's; None for all.

    Raises:
        OSError: The file cannot be read.
        RecordingError: It is damaged, or no ITCH 5.0 file.
        ValueError: There is no such type, or the symbol cannot be one.
    """
    reader = _core.ItchReader(symbol, types=layout_of(letter).letter)
    raw = bytearray()
    for kept in _kept(reader, Path(path)):
        raw += kept
    return to_array(letter, raw)


def iterate(path: str | PathLike[str], symbol: str | None = None, types: str = "") -> Iterator[dict[str, str | int]]:
    """Yield messages as dicts, in the order of the file: handy, and far slower than `messages`.

    Args:
        path: The file.
        symbol: Only this symbol's; None for all.
        types: Only these types, as letters; "" for all.

    Raises:
        OSError: The file cannot be read.
        RecordingError: It is damaged, or no ITCH 5.0 file; what stands before the damage has been yielded.
        ValueError: There is no such type, or the symbol cannot be one.
    """
    reader = _core.ItchReader(symbol, types=types)
    for kept in _kept(reader, Path(path)):
        place = 0
        while place < len(kept):
            end = place + LAYOUTS[chr(kept[place])].length
            yield decode(kept[place:end])
            place = end


def _kept(reader: _core.ItchReader, path: Path, progress: Callable[[int], object] = lambda _: None) -> Iterator[bytes]:
    """Feed a whole file; yield the messages that the reader keeps, and fail at the first damage."""
    chunks = Chunks(path, progress)
    for chunk in chunks:
        yield reader.feed(chunk)
        if reader.damage is not None:
            break
    reader.finish()
    if reader.damage is not None:
        raise RecordingError(damage_text(path.name, chunks.is_gzip, reader.damage))
    if not reader.day()["messages"]:
        raise RecordingError(f"{path.name}: no ITCH 5.0 message in it")


def damage_text(name: str, is_gzip: bool, damage: tuple[int, str]) -> str:
    """Say where a file stops making sense."""
    offset, problem = damage
    return f"{name}: byte {offset}{' of its inflated content' if is_gzip else ''}: {problem}"
