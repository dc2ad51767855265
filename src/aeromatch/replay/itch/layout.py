"""What stands where in a message: dicts, bytes and NumPy dtypes of every type.

The table is the native decoder's own. Prices are whole numbers of 1/10,000 (`price4`; the levels of the market-wide
circuit breaker of 1/100,000,000, `price8`), times are nanoseconds since midnight, texts are without their padding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from aeromatch import _core

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER: Final = ("stock_locate", "tracking_number", "timestamp")


class Field(NamedTuple):
    """A field of a message."""

    name: str
    kind: str
    """text, number, price4, price8 or time."""
    at: int
    length: int


class Layout(NamedTuple):
    """A type of message."""

    letter: str
    name: str
    length: int
    fields: tuple[Field, ...]


LAYOUTS: Final = {
    letter: Layout(letter, name, length, tuple(Field(*field) for field in fields))
    for letter, (name, length, fields) in _core.ITCH_MESSAGES.items()
}
"""Every type of message by its letter."""


def layout_of(letter: str) -> Layout:
    """Find a layout.

    Raises:
        ValueError: There is no such type.
    """
    layout = LAYOUTS.get(letter)
    if layout is None:
        raise ValueError(f"{letter!r} is no type of an ITCH 5.0 message; they are {' '.join(LAYOUTS)}")
    return layout


def decode(message: bytes) -> dict[str, str | int]:
    """Give the fields of one message, its letter as `type` first.

    Raises:
        ValueError: The type is unknown, or the length is not that of the type.
    """
    layout = layout_of(message[:1].decode("latin-1"))
    if len(message) != layout.length:
        raise ValueError(f"a message {layout.letter!r} has {layout.length} bytes, not {len(message)}")
    fields: dict[str, str | int] = {"type": layout.letter}
    for field in layout.fields:
        raw = message[field.at : field.at + field.length]
        fields[field.name] = _text(raw) if field.kind == "text" else int.from_bytes(raw, "big")
    return fields


def encode(letter: str, **fields: str | int) -> bytes:
    """Make a message of its fields, all of which must be given.

    Raises:
        ValueError: The type is unknown, a field is missing, unknown or does not fit.
    """
    layout = layout_of(letter)
    if fields.keys() != {field.name for field in layout.fields}:
        wrong = ", ".join(sorted(fields.keys() ^ {field.name for field in layout.fields}))
        raise ValueError(f"fields of a message {letter!r} that are missing or unknown: {wrong}")
    parts = [letter.encode()]
    for field in layout.fields:
        value = fields[field.name]
        try:
            if isinstance(value, str):
                raw = value.encode("ascii").ljust(field.length)
            else:
                raw = value.to_bytes(field.length, "big")
        except (OverflowError, UnicodeError):
            raw = b""
        if len(raw) != field.length or isinstance(value, str) != (field.kind == "text"):
            raise ValueError(f"{field.name}: {value!r} does not fit {field.length} bytes of {field.kind}")
        parts.append(raw)
    return b"".join(parts)


def dtype_of(letter: str) -> np.dtype[Any]:
    """Give the dtype of `messages`: the fields in their order, numbers in the machine's own byte order.

    Raises:
        ValueError: There is no such type.
    """
    return np.dtype(
        [
            (
                field.name,
                f"S{field.length}" if field.kind == "text" else "u8" if field.length > 4 else f"u{field.length}",
            )
            for field in layout_of(letter).fields
        ]
    )


def to_array(letter: str, raw: bytes | bytearray) -> NDArray[np.void]:
    """Turn messages of one type, one after the other, into a structured array."""
    layout = layout_of(letter)
    table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, layout.length)
    array = np.zeros(len(table), dtype=dtype_of(letter))
    for field in layout.fields:
        column = table[:, field.at : field.at + field.length]
        if field.kind == "text":
            # A text column drops what is zero at its end, so that there padding becomes nothing.
            is_padding = np.logical_and.accumulate((column == ord(" "))[:, ::-1], axis=1)[:, ::-1]
            cleared = np.where(is_padding, 0, column).astype(np.uint8)
            array[field.name] = cleared.view(f"S{field.length}").ravel()
        else:
            size = array.dtype[field.name].itemsize
            padded = np.zeros((len(table), size), dtype=np.uint8)
            padded[:, size - field.length :] = column
            array[field.name] = padded.view(f">u{size}").ravel()
    return array


def _text(raw: bytes) -> str:
    return raw.decode("latin-1").rstrip(" ")
