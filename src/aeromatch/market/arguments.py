"""Arguments that are looked at here before the Rust core sees them, or instead of it: in its words."""

from math import fsum
from operator import index
from typing import Any, Final

__all__ = ["begins_of", "seconds_of", "timeout_of"]

MOST_SEQUENCE: Final = 2**64 - 1
MOST_SECONDS: Final = 2.0**64


def begins_of(from_sequence: Any, shards: int) -> tuple[int, ...]:
    """The numbers a stream begins with, by shard: the first command is 1.

    Raises:
        TypeError: It is neither an int nor a tuple of int.
        ValueError: A number does not fit, or there are not as many as shards.
    """
    if not isinstance(from_sequence, tuple):
        if not isinstance(from_sequence, int):
            raise TypeError(f"from_sequence must be an int or a tuple of int, not {type(from_sequence).__name__}")
        from_sequence = (from_sequence,) * shards
    if len(from_sequence) != shards:
        raise ValueError(f"from_sequence has {len(from_sequence)} numbers for {shards} shards")
    return tuple(max(_sequence(each), 1) for each in from_sequence)


def _sequence(value: Any) -> int:
    try:
        sequence = None if isinstance(value, bool) else index(value)
    except TypeError:
        sequence = None
    if sequence is None:
        raise TypeError(f"from_sequence must be an int, not {type(value).__name__}")
    if not 0 <= sequence <= MOST_SEQUENCE:
        raise ValueError(f"from_sequence must be in 0 .. {MOST_SEQUENCE}, not {sequence}")
    return sequence


def seconds_of(value: Any) -> float | None:
    """A number as a float; None where it is none, or too large for one."""
    try:
        # Takes what has a float, but no text.
        return fsum((value,))
    except (TypeError, OverflowError):
        return None


def timeout_of(timeout_s: Any) -> float | None:
    """How long to wait, in seconds; None is as long as it takes.

    Raises:
        TypeError: It is no number.
        ValueError: It is below 0, not finite, or longer than 64 bits of seconds.
    """
    if timeout_s is None:
        return None
    seconds = seconds_of(timeout_s)
    if seconds is None:
        raise TypeError(f"timeout_s must be a number or None, not {type(timeout_s).__name__}")
    if not 0 <= seconds < MOST_SECONDS:
        shown = "NaN" if seconds != seconds else f"{seconds:g}"
        raise ValueError(f"timeout_s must be 0 or more seconds, not {shown}")
    return seconds
