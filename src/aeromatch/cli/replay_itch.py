"""`aeromatch replay itch`: one symbol of a TotalView-ITCH file through the engine."""

from __future__ import annotations

from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.table import Table

from aeromatch.cli.book_view import book_view
from aeromatch.cli.console import (
    IN_FILE,
    SHARE,
    clock,
    index_option,
    json_option,
    print_json,
    print_table,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.verdict import agreement_text, print_differences, require
from aeromatch.replay import itch as recording

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from aeromatch.replay.itch import ItchResult, Listing, Volume

FRAMINGS: Final = {
    "lengths": "lengths before the messages",
    "zeros": "zeros where lengths should be",
    "bare": "no lengths, messages only",
}
MARKETS: Final = {"Q": "Nasdaq", "B": "BX", "X": "PSX"}
STATES: Final = {
    "H": "halted",
    "P": "paused",
    "Q": "quoting only",
    "T": "trading",
    **{f"{code}:H": f"operationally halted on {market}" for code, market in MARKETS.items()},
    **{f"{code}:T": f"operationally trading on {market}" for code, market in MARKETS.items()},
}
WORDS: Final = {
    "not_best_price": "not at the best price",
    "not_first_in_queue": "not first in the queue",
    "more_than_was_left": "more than the order had left",
    "engine_differs": "the engine traded otherwise",
    "non_printable": "non-printable, part of a cross",
    "other_price": "at another price than the order's",
    "crossed_book": "in a crossed book",
    "reference_in_use": "of new orders under a number that is in use",
    "no_shares": "of no shares",
    "no_side": "of neither side",
}
SHOWN_ACTIONS: Final = 6


@click.command()
@click.argument("file", type=IN_FILE)
@click.option("--symbol", metavar="S", help="The symbol to replay.")
@click.option("--symbols", "list_symbols", is_flag=True, help="List the symbols of FILE and their messages instead.")
@click.option(
    "--min-executions", type=SHARE, help="Exit 1 unless at least this share of the executions agrees (0 to 1)."
)
@index_option
@json_option
@progress_option
def itch(
    file: Path,
    symbol: str | None,
    list_symbols: bool,
    min_executions: float | None,
    index: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Replay one symbol of a TotalView-ITCH 5.0 FILE.

    NASDAQ's files, plain or gzip. The symbol's book is rebuilt order by order in the engine. An execution agrees where
    the executed order stands first in its queue, at the best price, and the engine trades with just that order.
    Executions that say nothing about priority (at another price, part of a cross, in a crossed book) are counted apart.
    Lengths before the messages are used where they are usable; where they are zero or missing, a message is as long as
    its type says.

    A damaged FILE is replayed up to the damage, which is reported with the offset of its byte (exit 1).
    """
    if list_symbols:
        if symbol is not None:
            raise click.UsageError("--symbols lists them all: leave --symbol out")
        _list(file, as_json, progress)
        return
    if symbol is None:
        known = recording.some_symbols(recording.first_symbols(file))
        raise click.UsageError(f"name a symbol with --symbol; {file.name}: {known} (--symbols lists all)")
    result = _run(file, symbol, index, progress)
    if as_json:
        seconds = {"seconds": round(result.seconds, 3), "decode_seconds": round(result.decode_seconds, 3)}
        print_json({**result.as_dict(), **seconds})
    else:
        print_table(f"{result.symbol} in {result.file}", itch_rows(result))
        print_differences("execution", result.judged)
        stdout_console().print(book_view(result.book))
    if result.damage is not None:
        raise click.ClickException(f"{result.damage}; what stands before it was replayed")
    require("execution", result.judged, min_executions)


def _run(file: Path, symbol: str, index: str, progress: bool | None) -> ItchResult:
    """Replay under a progress bar."""
    with progress_bar(f"replaying {file.name}", file.stat().st_size, progress) as done:
        try:
            return recording.replay(file, symbol, index=index, progress=done)
        except ValueError as error:
            raise click.UsageError(f"--symbol: {error}") from error


def _list(file: Path, as_json: bool, progress: bool | None) -> None:
    """Show every symbol with the number of its messages."""
    with progress_bar(f"reading {file.name}", file.stat().st_size, progress) as done:
        symbols = recording.symbols(file, progress=done)
    if as_json:
        print_json({"file": file.name, "symbols": [listing._asdict() for listing in symbols]})
        return
    stdout_console().print(symbol_table(file.name, symbols))


def symbol_table(name: str, symbols: list[Listing]) -> Table:
    """List symbols, the busiest first."""
    table = Table(title=f"{name}: {len(symbols):,} symbols", title_justify="left", title_style="bold", box=None)
    table.add_column("symbol")
    table.add_column("locate", justify="right", style="dim")
    table.add_column("messages", justify="right")
    for listing in sorted(symbols, key=lambda found: (-found.messages, found.locate)):
        table.add_row(listing.symbol, str(listing.locate), f"{listing.messages:,}")
    return table


def itch_rows(result: ItchResult) -> list[tuple[str, str]]:
    """Say what came out, for a table."""
    kinds = ", ".join(f"{count:,} {letter}" for letter, count in result.messages_by_type.most_common())
    packed = ", gzip" if result.is_gzip else ""
    rows = [
        ("file", f"{result.bytes:,} bytes of messages, {FRAMINGS[result.framing]}{packed}"),
        ("time", f"{clock(result.first_time_ns)} to {clock(result.last_time_ns)}"),
        ("messages", f"{result.messages:,}: {kinds}"),
        ("of the symbol", f"{result.symbol_messages:,} (locate {result.locate})"),
        ("orders", _orders(result)),
        ("executions agree", agreement_text(result.judged)),
        ("", _counts(result.different)),
        ("not judged", _counts(result.not_judged)),
        ("executed", _volume(result.executions)),
        ("hidden trades", _volume(result.hidden_trades)),
        ("crosses", _volume(result.crosses)),
        ("trading actions", _actions(result)),
        ("unknown orders", ", ".join(f"{count:,} {letter}" for letter, count in result.unknown_orders.items())),
        ("refused", _counts(result.refused)),
        ("unknown types", f"{result.unknown_types:,}" if result.unknown_types else ""),
        ("broken trades", f"{result.broken_trades:,}" if result.broken_trades else ""),
        ("top of the book", _top(result)),
        (
            "took",
            f"{result.seconds:.2f} s ({result.megabytes_per_second:,.0f} MB/s; "
            f"decoding and matching {result.decode_megabytes_per_second:,.0f} MB/s)",
        ),
    ]
    return [row for row in rows if row[1]]


def _orders(result: ItchResult) -> str:
    waited = f"; {result.orders_waited:,} waited for a crossed book" if result.orders_waited else ""
    waiting = f", {result.orders_waiting:,} still wait" if result.orders_waiting else ""
    return (
        f"{result.orders_added:,} added ({result.orders_replaced:,} by replacing), {result.orders_reduced:,} reduced, "
        f"{result.orders_canceled:,} canceled, {result.orders_filled:,} filled, {result.orders_left:,} left"
        f"{waited}{waiting}"
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count:,} {WORDS[name]}" for name, count in counter.items())


def _volume(volume: Volume) -> str:
    return f"{volume.trades:,}, {volume.shares:,} shares" if volume.trades else ""


def _actions(result: ItchResult) -> str:
    """Say when the symbol was halted; that it trades from the morning on is no news."""
    actions = list(dropwhile(lambda action: action.state == "T", result.trading_actions))
    if not actions:
        return ""
    shown: Iterable[str] = (
        " ".join(filter(None, (clock(action.time_ns), STATES.get(action.state, action.state), action.reason)))
        for action in actions[:SHOWN_ACTIONS]
    )
    more = f", and {len(actions) - SHOWN_ACTIONS:,} more" if len(actions) > SHOWN_ACTIONS else ""
    halts = f"{len(result.halts):,} halt{'' if len(result.halts) == 1 else 's'}: "
    return halts + ", ".join(shown) + more


def _top(result: ItchResult) -> str:
    bid, ask = result.book.best_bid, result.book.best_ask
    if bid is None and ask is None:
        return "empty"
    return f"bid {'-' if bid is None else bid}, ask {'-' if ask is None else ask}"
