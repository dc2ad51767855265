"""Periods that events are counted by, and how long each is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

UNITS_MS: Final = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
ALIASES: Final = {"m": "min", "day": "d", "hour": "h"}
LONGEST_MS: Final = 366 * UNITS_MS["d"]
DEFAULT_PERIODS_MS: Final = (1_000, 60_000, 3_600_000, 86_400_000)
DEFAULT_RETENTION_MS: Final[Mapping[int, int | None]] = MappingProxyType(
    {
        1_000: UNITS_MS["d"],
        60_000: 30 * UNITS_MS["d"],
        3_600_000: 366 * UNITS_MS["d"],
        86_400_000: None,
    }
)
"""What stays of each default period; None: all. Other periods stay whole unless it is said."""


def duration_ms(text: str | int) -> int:
    """Read a duration: "1s", "5 min", "1h", "30d", or a whole number of milliseconds.

    Raises:
        TypeError: Neither text nor a whole number.
        ValueError: No such duration, or none above 0.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        found = text
    elif isinstance(text, str):
        match = re.fullmatch(r"\s*([0-9]{1,15})\s*([a-z]+)\s*", text)
        unit = match and UNITS_MS.get(ALIASES.get(match[2], match[2]))
        if not match or not unit:
            raise ValueError(f"{text!r} is no duration, as in 500ms, 1s, 5min, 1h or 30d")
        found = int(match[1]) * unit
    else:
        raise TypeError(f"a duration is a text or a whole number of milliseconds, not {text!r}")
    if found < 1:
        raise ValueError(f"{text!r}: a duration is at least one millisecond")
    return found


def duration_text(milliseconds: int) -> str:
    """Show a duration in its largest whole unit."""
    for unit, size in reversed(UNITS_MS.items()):
        if milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def periods_of(periods: Iterable[str | int]) -> tuple[int, ...]:
    """Read a list of periods: in milliseconds, ascending, each once.

    Raises:
        TypeError: One is no duration.
        ValueError: One is no duration or longer than 366 days, or there is none.
    """
    found = sorted({duration_ms(period) for period in periods})
    if not found:
        raise ValueError("periods: at least one is needed")
    if found[-1] > LONGEST_MS:
        raise ValueError(f"periods: {duration_text(found[-1])} is longer than {duration_text(LONGEST_MS)}")
    return tuple(found)


def retention_of(
    periods_ms: Iterable[int], retention: Mapping[str | int, str | int | None] | None
) -> dict[int, int | None]:
    """Read how long each period is kept, the defaults where nothing is said; None: for ever.

    Raises:
        TypeError: Something is no duration.
        ValueError: Something is no duration, or no such period is counted.
    """
    kept = {period: DEFAULT_RETENTION_MS.get(period) for period in periods_ms}
    for period, duration in (retention or {}).items():
        found = duration_ms(period)
        if found not in kept:
            raise ValueError(f"retention: {duration_text(found)} is not one of the periods")
        kept[found] = None if duration is None else duration_ms(duration)
    return kept
