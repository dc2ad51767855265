"""A book as text: prices in the middle, bars for what stands at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from decimal import Decimal

    from aeromatch import BookView, Level

BAR: Final = 28
LEVELS: Final = 8


def book_view(book: BookView, levels: int = LEVELS) -> Table:
    """Draw the best levels of both sides, asks on top."""
    depth = book.depth(levels)
    largest = max((level.quantity_lots for level in (*depth.asks, *depth.bids)), default=1)
    table = Table(
        title=f"{book.instrument.symbol}: {len(book):,} resting orders",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1),
    )
    table.add_column("bids", justify="right", style="dim")
    table.add_column("price", justify="right")
    table.add_column("asks", style="dim")
    digits = max((_digits(level.price) for level in (*depth.asks, *depth.bids)), default=0)
    for level in reversed(depth.asks):
        table.add_row("", Text(f"{level.price:.{digits}f}", "red"), Text(_bar(level, largest), "red"))
    table.add_row("", "-" * 8, "")
    for level in depth.bids:
        table.add_row(Text(_bar(level, largest, left=True), "green"), Text(f"{level.price:.{digits}f}", "green"), "")
    return table


def _digits(price: Decimal) -> int:
    """Count the decimal places that a price needs."""
    exponent = price.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _bar(level: Level, largest: int, *, left: bool = False) -> str:
    blocks = "█" * max(1, round(BAR * level.quantity_lots / largest))
    amount = f"{level.quantity.normalize():f}"
    orders = f"{level.order_count} order{'' if level.order_count == 1 else 's'}"
    return f"{amount} ({orders}) {blocks}" if left else f"{blocks} {amount} ({orders})"
