"""What callers pass, looked at before anything moves: each error names the argument."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, Final

from aeromatch import JournalError

if TYPE_CHECKING:
    from os import PathLike

LATEST_NS: Final = 2**64 - 1


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Give a whole number.

    Raises:
        TypeError: It is none; True and False are none.
        ValueError: It is less than `least` or more than `most`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an int, not {value!r}")
    number = index(value)
    if number < least or (most is not None and number > most):
        limits = f"at least {least}" if most is None else f"in {least} .. {most}"
        raise ValueError(f"{name} must be {limits}, not {number}")
    return number


def no_journal(directory: str | PathLike[str]) -> JournalError:
    """Make the error for a directory that no exchange has kept a journal in."""
    error = JournalError(f"{directory}: there is no journal in this directory")
    error.kind, error.file, error.offset = "incomplete", str(directory), None
    return error
