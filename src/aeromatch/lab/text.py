"""A result as text for a terminal."""

from __future__ import annotations

import textwrap
from io import StringIO
from math import log10
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

if TYPE_CHECKING:
    from aeromatch.lab.result import Bars, Result, Table

WIDTH: Final = 110
BAR_WIDTH: Final = 44


def as_text(result: Result, *, width: int = WIDTH) -> str:
    """Give the whole result as text of at most so many columns."""
    console = Console(file=StringIO(), width=width, markup=False, highlight=False)
    console.print(f"{result.title}\n", style="bold")
    console.print(result.done)
    if result.cpus == 1:
        console.print("Only one processor may be used here: threads take turns, and nothing truly runs at once.")
    for table in result.tables:
        console.print(f"\n{table.title}" if table.title else "")
        console.print(_table(table))
    for bars in result.bars:
        console.print()
        console.print(f"{bars.title}: {bars.unit}" + (", logarithmic" if bars.is_logarithmic else ""))
        console.print(_bars(bars))
    console.print("\nWhat to learn")
    for line in result.learned:
        console.print(textwrap.fill(line, width - 2, initial_indent="- ", subsequent_indent="  "))
    file = console.file
    assert isinstance(file, StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _table(table: Table) -> RichTable:
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, name in enumerate(table.columns):
        is_number = all(isinstance(row[place], int | float) for row in table.rows)
        shown.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*(number(cell) if isinstance(cell, int | float) else cell for cell in row))
    return shown


def _bars(bars: Bars) -> RichTable:
    shown = RichTable(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value, share in zip(bars.names, bars.values, shares(bars), strict=True):
        shown.add_row(name, "█" * max(round(share * BAR_WIDTH), 1 if value > 0 else 0), number(value))
    return shown


def shares(bars: Bars) -> list[float]:
    """Give the length of each bar, of 0 to 1; logarithmic ones start a decade below the smallest that is not 0."""
    most = max(bars.values, default=0)
    if most <= 0:
        return [0.0] * len(bars.values)
    if not bars.is_logarithmic:
        return [value / most for value in bars.values]
    floor = log10(min(value for value in bars.values if value > 0)) - 1
    return [(log10(value) - floor) / (log10(most) - floor) if value > 0 else 0.0 for value in bars.values]


def number(value: float) -> str:
    """Show a number: whole ones with separators, others to three digits."""
    if isinstance(value, int) or value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
