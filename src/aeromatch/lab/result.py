"""What an experiment gives: tables, pictures, and what to learn from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """Figures, or steps, in rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """One picture: a bar for each name."""

    title: str
    unit: str
    """What the length of a bar means."""
    names: tuple[str, ...]
    values: tuple[float, ...]
    is_logarithmic: bool = False
    highlighted: frozenset[str] = frozenset()
    """Names of bars that show what the experiment is about."""
    note: str = ""
    """What the axes do not say."""


@dataclass(frozen=True, slots=True)
class Result:
    """One run of an experiment."""

    name: str
    title: str
    seconds: float
    """Asked for; a run may end a little later."""
    cpus: int
    """Processors that the process might use."""
    done: str
    """What was done."""
    tables: tuple[Table, ...]
    bars: tuple[Bars, ...]
    learned: tuple[str, ...]
    """What to learn from the figures."""
    figures: dict[str, Any] = field(default_factory=dict)
    """Every number by name, for programs."""

    def table(self) -> str:
        """Give everything as text: what was done, the tables, bars, what to learn."""
        from aeromatch.lab.text import as_text

        return as_text(self)

    def chart(self, path: str | Path) -> Path:
        """Draw the picture into a file and give its path.

        Args:
            path: Where to write; .png or .svg decides what.

        Raises:
            ValueError: The name ends in neither.
            ImportError: matplotlib is not installed (extra `plot`).
            OSError: The file cannot be written.
        """
        from aeromatch.lab.charts import draw

        return draw(self, path)

    def as_dict(self) -> dict[str, Any]:
        """Give what JSON can hold of it."""
        return {
            "experiment": self.name,
            "title": self.title,
            "seconds": self.seconds,
            "cpus": self.cpus,
            "figures": self.figures,
            "tables": [asdict(table) for table in self.tables],
            "learned": list(self.learned),
        }


@dataclass(frozen=True, slots=True)
class Experiment:
    """Something to try."""

    name: str
    title: str
    question: str
    run: Callable[[float], Result]
    """Takes so many seconds, about."""
