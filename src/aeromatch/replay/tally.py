"""Counting agreement and refused lines, the same for every kind of recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aeromatch import AeroMatchError

if TYPE_CHECKING:
    from aeromatch.replay.lines import Malformed

KEPT_DIFFERENCES: Final = 10
SYMBOL_CHARACTERS: Final = 32


class RecordingError(AeroMatchError):
    """A recording that cannot be replayed; the message says what is wrong with it."""


def symbol_of(file_name: str) -> str:
    """Name an instrument after the file that its orders come from, whatever characters the file's name has."""
    words = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else " " for c in file_name).split()
    return words[0][:SYMBOL_CHARACTERS] if words else "RECORDING"


@dataclass(slots=True)
class Agreement:
    """How often engine and recording said the same, and the first times that they did not."""

    judged: int = 0
    agreed: int = 0
    differences: list[str] = field(default_factory=list)
    """The first few, in words."""

    def count(self, agrees: bool, difference: str = "") -> None:
        """Add one comparison."""
        self.judged += 1
        if agrees:
            self.agreed += 1
        elif len(self.differences) < KEPT_DIFFERENCES:
            self.differences.append(difference)

    @property
    def ratio(self) -> float | None:
        """Share that agreed, 0 to 1; None where nothing could be compared."""
        return self.agreed / self.judged if self.judged else None

    def at_least(self, minimum: float) -> bool:
        """Tell whether enough agreed; nothing compared is never enough."""
        return self.judged > 0 and self.agreed >= minimum * self.judged

    def as_dict(self) -> dict[str, object]:
        """Give the numbers for JSON."""
        return {
            "judged": self.judged,
            "agreed": self.agreed,
            "ratio": self.ratio,
            "first_differences": list(self.differences),
        }


@dataclass(slots=True)
class Refused:
    """Lines that could not be read."""

    count: int = 0
    first: Malformed | None = None
    file: str = ""
    """The file of the first one."""

    def add(self, line: Malformed, file: str, *, strict: bool) -> None:
        """Count a line.

        Raises:
            RecordingError: if `strict`.
        """
        if strict:
            raise RecordingError(f"{file}: malformed {line}")
        self.count += 1
        if self.first is None:
            self.first, self.file = line, file

    def __str__(self) -> str:
        """Say how many, and show the first."""
        if self.first is None:
            return "none"
        return f"{self.count:,} (first: {self.file} {self.first})"

    def as_dict(self) -> dict[str, object]:
        """Give the numbers for JSON."""
        if self.first is None:
            return {"count": 0, "first": None}
        line = {"file": self.file, "line": self.first.line, "reason": self.first.reason, "text": self.first.text}
        return {"count": self.count, "first": line}
