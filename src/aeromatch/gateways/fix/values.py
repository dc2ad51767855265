"""Values as FIX 4.4 writes them: numbers, flags, times."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

__all__ = ["Value", "number_of", "time_of", "time_text", "value_text"]

Value = str | int | Decimal | bool
"""What a field is set to; a flag is written as Y or N."""

NS: int = 1_000_000_000


def value_text(value: Value) -> str:
    """A value as it stands in a message: a decimal in plain notation, a flag as Y or N."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "Y" if value else "N"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


@lru_cache(maxsize=256)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d-%H:%M:%S")


def time_text(time_ns: int) -> str:
    """A UTCTimestamp with milliseconds of a time since 1970."""
    second, rest = divmod(time_ns, NS)
    return f"{_second_text(second)}.{rest // 1_000_000:03d}"


@lru_cache(maxsize=256)
def _second_of(text: str) -> int:
    # Python has no leap second: it is the moment before the next minute.
    leap = text.endswith(":60")
    parsed = datetime.strptime(text[:-2] + "59" if leap else text, "%Y%m%d-%H:%M:%S")
    return int(parsed.replace(tzinfo=UTC).timestamp()) + leap


def time_of(text: str) -> int:
    """Nanoseconds since 1970 of a UTCTimestamp; with a fraction of up to twelve digits, what is finer is cut off.

    Raises:
        ValueError: It is none.
    """
    whole, point, fraction = text.partition(".")
    second = _second_of(whole)
    if not point:
        return second * NS
    if not 1 <= len(fraction) <= 12 or not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"{text!r} is no time")
    return second * NS + int(fraction[:9].ljust(9, "0"))


def number_of(text: str) -> int:
    """A whole number of digits only: a MsgSeqNum, a length.

    Raises:
        ValueError: It is none, or longer than any that is used.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise ValueError(f"{text!r} is no number")
    return int(text)
