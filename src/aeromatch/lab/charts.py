"""A result as a picture. Needs matplotlib (extra `plot`)."""

from __future__ import annotations

import textwrap
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aeromatch.lab.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from aeromatch.lab.result import Bars, Result

CALM, LOUD, INK, MUTED, GRID, PAPER = "#12877c", "#d1495b", "#22303c", "#5c6b78", "#e3e7ea", "#ffffff"
ROW_INCHES: Final = 0.42
PANEL_INCHES: Final = 1.15
HEAD_INCHES: Final = 0.75


def draw(result: Result, path: str | Path) -> Path:
    """Draw bars, one panel below the other.

    Raises:
        ValueError: The name ends neither in .png nor in .svg.
        ImportError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".svg"):
        raise ValueError(f"path must end in .png or .svg; got {str(path)!r}")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install 'aeromatch[plot]'") from error
    heights = [len(bars.names) * ROW_INCHES + PANEL_INCHES for bars in result.bars]
    total = HEAD_INCHES + sum(heights)
    figure = Figure(figsize=(11, total), dpi=130, facecolor=PAPER)
    FigureCanvasAgg(figure)
    figure.text(0.03, 1 - 0.38 / total, result.title, fontsize=15, fontweight="bold", color=INK)
    top = HEAD_INCHES - 0.2
    for bars, height in zip(result.bars, heights, strict=True):
        rows = len(bars.names) * ROW_INCHES
        axes = figure.add_axes((0.25, 1 - (top + 0.35 + rows) / total, 0.66, rows / total))
        _panel(axes, bars)
        top += height
    is_svg = path.suffix.lower() == ".svg"
    figure.savefig(path, format="svg" if is_svg else "png", metadata={} if is_svg else {"Software": "AeroMatch"})
    return path


def _panel(axes: Axes, bars: Bars) -> None:
    from matplotlib.ticker import NullLocator

    places = range(len(bars.names))
    colors = [LOUD if name in bars.highlighted else CALM for name in bars.names]
    axes.barh(places, bars.values, color=colors, height=0.62)
    axes.set_yticks(list(places), ["\n".join(textwrap.wrap(name, 30)) for name in bars.names])
    axes.invert_yaxis()
    present = [value for value in bars.values if value > 0]
    if bars.is_logarithmic and present:
        axes.set_xscale("log")
        axes.set_xlim(10 ** floor(log10(min(present)) - 0.5), 10 ** ceil(log10(max(present)) + 0.3))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.set_xlim(0, max(present, default=1) * 1.15)
    for place, value in zip(places, bars.values, strict=True):
        axes.annotate(
            number(value),
            (value if value > 0 else axes.get_xlim()[0], place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
    axes.set_title(bars.title, loc="left", fontsize=11, color=INK)
    scale = ", logarithmic" if bars.is_logarithmic and present else ""
    axes.set_xlabel(f"{bars.unit}{scale}" + (f"  ({bars.note})" if bars.note else ""), fontsize=9, color=MUTED)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=MUTED, labelsize=9, length=0, which="both")
    for name, spine in axes.spines.items():
        spine.set_visible(name == "left")
        spine.set_color("#b7c3cc")
