"""Draws a tape: price with trades, spread, and depth over time, as one PNG. Needs matplotlib (extra `plot`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from aeromatch.analytics.tape import Tape

POINTS: Final = 1_200
"""More points than this cannot be told apart in the picture."""
TRADES: Final = 4_000
HOURLY: Final = (300, 600, 900, 1_800, 3_600, 7_200, 14_400, 86_400)
"""Seconds between marks on the time axis of a long recording."""
LEGEND: Final[dict[str, Any]] = {"loc": "lower right", "bbox_to_anchor": (1.0, 0.99), "fontsize": 8.5, "frameon": False}
BID, ASK, INK, GRID, PAPER = "#12877c", "#d1495b", "#22303c", "#e3e7ea", "#ffffff"


@dataclass(frozen=True, slots=True)
class _Series:
    """The tape, brought to at most `POINTS` points; prices in currency."""

    seconds: NDArray[np.float64]
    bids: NDArray[np.float64]
    asks: NDArray[np.float64]
    spread: NDArray[np.float64]
    widest: NDArray[np.float64]
    bid_depth: NDArray[np.float64]
    ask_depth: NDArray[np.float64]


def draw(tape: Tape, path: Path, *, title: str, tick_size: float = 1.0, subtitle: str = "") -> None:
    """Write a picture of the tape.

    Args:
        tape: What to draw; one book at least.
        path: The PNG to write.
        title: The headline.
        tick_size: Price of one tick, in the currency that is to be shown.
        subtitle: A line below the headline.

    Raises:
        ValueError: The tape is empty.
        OSError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not len(tape):
        raise ValueError("tape: nothing recorded")
    series = _series(tape, tick_size)
    figure = Figure(figsize=(12, 8), dpi=130, facecolor=PAPER)
    FigureCanvasAgg(figure)
    price, spread, depth = figure.subplots(3, 1, sharex=True, height_ratios=(5, 1.6, 2.4))
    _draw_price(price, tape, series, tick_size)
    _draw_spread(spread, series)
    _draw_depth(depth, series)
    for axes in (price, spread, depth):
        _dress(axes)
    _label_time(depth, series.seconds)
    figure.align_ylabels([price, spread, depth])
    figure.subplots_adjust(left=0.085, right=0.975, top=0.89, bottom=0.07, hspace=0.2)
    figure.text(0.085, 0.955, title, fontsize=15, fontweight="bold", color=INK)
    figure.text(0.085, 0.92, subtitle, fontsize=10, color="#5c6b78")
    figure.savefig(path, format="png", metadata={"Software": "AeroMatch"})


def _series(tape: Tape, tick_size: float) -> _Series:
    """Cut the tape into buckets of equal time; prices are the last of a bucket, spread the middle, depth the mean."""
    times = tape.times_ns.astype(np.float64) / 1e9
    span = max(float(times[-1] - times[0]), 1e-9)
    bucket = np.minimum((POINTS * (times - times[0]) / span).astype(np.int64), POINTS - 1)
    bucket = np.maximum.accumulate(np.maximum(bucket, 0))
    starts = np.flatnonzero(np.concatenate(([True], bucket[1:] != bucket[:-1])))
    ends = np.append(starts[1:], len(times))
    gaps = np.maximum(tape.asks - tape.bids, 0.0) * tick_size
    middle = np.array([_median(gaps[start:end]) for start, end in zip(starts, ends, strict=True)])
    widest = np.array([_largest(gaps[start:end]) for start, end in zip(starts, ends, strict=True)])
    counts = ends - starts
    return _Series(
        seconds=times[ends - 1],
        bids=tape.bids[ends - 1] * tick_size,
        asks=tape.asks[ends - 1] * tick_size,
        spread=middle,
        widest=widest,
        bid_depth=np.add.reduceat(tape.bid_depths, starts) / counts,
        ask_depth=np.add.reduceat(tape.ask_depths, starts) / counts,
    )


def _median(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else float("nan")


def _largest(values: NDArray[np.float64]) -> float:
    present = values[~np.isnan(values)]
    return float(present.max()) if len(present) else float("nan")


def _draw_price(axes: Axes, tape: Tape, series: _Series, tick_size: float) -> None:
    axes.fill_between(
        series.seconds, series.bids, series.asks, step="post", color="#8fa3b0", alpha=0.25, linewidth=0, label="spread"
    )
    axes.step(series.seconds, series.asks, where="post", color=ASK, linewidth=0.9, label="best ask")
    axes.step(series.seconds, series.bids, where="post", color=BID, linewidth=0.9, label="best bid")
    count = len(tape.trade_prices)
    if count:
        shown = np.unique(np.linspace(0, count - 1, min(count, TRADES)).astype(np.int64))
        quantities = tape.trade_quantities[shown]
        crowd = min(1.0, 12.0 / len(shown) ** 0.5)
        sizes = (3.0 + 26.0 * np.sqrt(quantities / max(float(quantities.max()), 1.0))) * max(crowd, 0.25)
        buys = tape.buyer_was_aggressor[shown]
        seconds = tape.trade_times_ns[shown] / 1e9
        prices = tape.trade_prices[shown] * tick_size
        for mask, color, label in ((buys, "#0b5d56", "buyer took"), (~buys, "#8e2a3a", "seller took")):
            axes.scatter(
                seconds[mask], prices[mask], s=sizes[mask], color=color, alpha=0.4, linewidths=0, label=label, zorder=3
            )
    _limit_price(axes, tape, tick_size)
    axes.set_ylabel("price")
    axes.legend(**LEGEND, ncols=5, markerscale=2)


def _limit_price(axes: Axes, tape: Tape, tick_size: float) -> None:
    """Leave out stray quotes far from the market (an empty side, the first orders of a day), never a trade."""
    prices = np.concatenate((tape.bids, tape.asks))
    prices = prices[~np.isnan(prices)]
    if not len(prices):
        return
    low, high = np.percentile(prices, (0.5, 99.5))
    if len(tape.trade_prices):
        low, high = min(low, tape.trade_prices.min()), max(high, tape.trade_prices.max())
    margin = max((high - low) * 0.06, 1.0)
    axes.set_ylim((low - margin) * tick_size, (high + margin) * tick_size)


def _draw_spread(axes: Axes, series: _Series) -> None:
    present = series.widest[~np.isnan(series.widest)]
    axes.fill_between(
        series.seconds, 0, series.widest, step="post", color="#b7c3cc", alpha=0.6, linewidth=0, label="widest"
    )
    axes.step(series.seconds, series.spread, where="post", color=INK, linewidth=0.9, label="median")
    if len(present):
        axes.set_ylim(0, max(float(np.percentile(present, 98)) * 1.3, 1e-9))
    axes.set_ylabel("spread")
    axes.legend(**LEGEND, ncols=2)


def _draw_depth(axes: Axes, series: _Series) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.fill_between(
        series.seconds, 0, series.bid_depth, step="post", color=BID, alpha=0.55, linewidth=0, label="bids"
    )
    axes.fill_between(
        series.seconds, 0, -series.ask_depth, step="post", color=ASK, alpha=0.55, linewidth=0, label="asks"
    )
    axes.axhline(0, color=INK, linewidth=0.8)
    largest = float(np.percentile(np.concatenate((series.bid_depth, series.ask_depth)), 99.5)) * 1.15
    if largest > 0:
        axes.set_ylim(-largest, largest)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(abs(value))))
    axes.set_ylabel("visible depth")
    axes.legend(**LEGEND, ncols=2)


def _dress(axes: Axes) -> None:
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.005)
    axes.tick_params(colors="#5c6b78", labelsize=9, length=0)
    axes.yaxis.label.set_color(INK)
    for name, spine in axes.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color("#b7c3cc")


def _label_time(axes: Axes, seconds: NDArray[np.float64]) -> None:
    """Label the time axis with the time of day, as precisely as the span needs."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    span = float(seconds[-1] - seconds[0])
    steps = (1, 2, 3, 6, 10) if span > 1_800 else (1, 1.5, 2, 3, 5, 10)

    def time_of_day(value: float, _: int | None) -> str:
        minutes, second = divmod(value % 86_400, 60)
        text = f"{int(minutes) // 60:02}:{int(minutes) % 60:02}"
        return text if span > 1_800 else f"{text}:{second:02.0f}" if span > 8 else f"{text}:{second:05.2f}"

    if span > 1_800:
        first = int(seconds[0])
        step = next((step for step in HOURLY if span / step <= 9), HOURLY[-1])
        axes.set_xticks(
            [float(at) for at in range(first - first % step, int(seconds[-1]) + 1, step) if at >= seconds[0]]
        )
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=list(steps)))
    axes.xaxis.set_major_formatter(FuncFormatter(time_of_day))


def _short(value: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"
