"""`aeromatch replay`: recordings through the engine."""

from __future__ import annotations

import time
from pathlib import Path

import click

from aeromatch.analytics import Tape, draw
from aeromatch.cli.book_view import book_view
from aeromatch.cli.console import (
    IN_FILE,
    OUT_FILE,
    SHARE,
    check_plot,
    clock,
    examples,
    index_option,
    json_option,
    percent,
    print_json,
    print_table,
    progress_bar,
    progress_option,
    stdout_console,
)
from aeromatch.cli.replay_itch import itch
from aeromatch.cli.verdict import agreement_text, print_differences, require
from aeromatch.replay import LobsterReplay, LobsterResult, OrdersReplay, OrdersResult, orderbook_beside
from aeromatch.replay.lobster_replay import TICK_SIZE

plot_option = click.option("--plot", type=OUT_FILE, help="Write a PNG: price, spread and depth over time.")
strict_option = click.option("--strict", is_flag=True, help="Stop at the first malformed line (exit 1).")


@click.group(
    epilog=examples(
        "aeromatch replay lobster messages.csv --orderbook book.csv",
        "aeromatch replay itch 01302019.NASDAQ_ITCH50.gz --symbol AAPL",
        "aeromatch replay orders orders.csv --plot day.png",
    )
)
def replay() -> None:
    """Replay a recorded market and compare."""


replay.add_command(itch)


@replay.command()
@click.argument("messages", type=IN_FILE)
@click.option("--orderbook", type=IN_FILE, help="The orderbook file. Default: the one beside MESSAGES, by its name.")
@click.option("--min-state", type=SHARE, help="Exit 1 unless at least this share of the states agrees (0 to 1).")
@click.option(
    "--min-executions", type=SHARE, help="Exit 1 unless at least this share of the executions agrees (0 to 1)."
)
@plot_option
@strict_option
@index_option
@json_option
@progress_option
def lobster(
    messages: Path,
    orderbook: Path | None,
    min_state: float | None,
    min_executions: float | None,
    plot: Path | None,
    strict: bool,
    index: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Replay a LOBSTER recording.

    That is a MESSAGES file and its orderbook file. Agreement is reported twice. State: recorded row i-1 plus message i
    must give row i, on every visible level but one that scrolls in from below. Executions: each visible execution is
    sent again as a marketable order, and must meet the recorded order, at the recorded price, for the recorded
    quantity.
    """
    beside = orderbook or orderbook_beside(messages)
    if beside is None:
        raise click.UsageError(f"no orderbook file beside {messages.name}: name it with --orderbook")
    check_plot(plot)
    tape = Tape()
    began = time.perf_counter()
    result = run_lobster(messages, beside, tape, index=index, strict=strict, progress=progress)
    seconds = time.perf_counter() - began
    if plot is not None:
        draw_lobster(messages, tape, result, plot)
    if as_json:
        print_json({"file": messages.name, "orderbook": beside.name, **result.as_dict(), "seconds": round(seconds, 3)})
    else:
        print_table(messages.name, [*lobster_rows(result), *_ending(seconds, result.messages, plot)])
        print_differences("state", result.state)
        print_differences("execution", result.executions)
    require("state", result.state, min_state)
    require("execution", result.executions, min_executions)


@replay.command()
@click.argument("file", type=IN_FILE)
@click.option(
    "--tick-size", default=TICK_SIZE, show_default=True, help="The grid of prices; orders off it are rejected."
)
@click.option("--min-agreement", type=SHARE, help="Exit 1 unless at least this share of the cancels agrees (0 to 1).")
@plot_option
@strict_option
@index_option
@json_option
@progress_option
def orders(
    file: Path,
    tick_size: str,
    min_agreement: float | None,
    plot: Path | None,
    strict: bool,
    index: str,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Replay an order FILE.

    Its lines are ordtype;uid;is_buy;qty;price;timestamp. Every cancel in the file says how much was left of the order.
    The engine must have left just as much: that is the agreement that is reported.
    """
    check_plot(plot)
    tape = Tape()
    began = time.perf_counter()
    result = run_orders(file, tape, tick_size=tick_size, index=index, strict=strict, progress=progress)
    seconds = time.perf_counter() - began
    if plot is not None:
        draw_orders(file, tape, result, plot, tick_size=float(tick_size))
    if as_json:
        print_json({"file": file.name, **result.as_dict(), "seconds": round(seconds, 3)})
    else:
        print_table(file.name, [*orders_rows(result), *_ending(seconds, result.lines, plot)])
        print_differences("cancel", result.canceled)
        if result.book is not None and len(result.book):
            stdout_console().print(book_view(result.book))
    require("cancel", result.canceled, min_agreement)


def run_lobster(
    messages: Path, orderbook: Path, tape: Tape, *, index: str, strict: bool, progress: bool | None
) -> LobsterResult:
    """Replay a LOBSTER recording under a progress bar."""
    recording = LobsterReplay(messages, orderbook, index=index, strict=strict, observer=tape)
    with progress_bar(f"replaying {messages.name}", len(recording), progress) as done:
        return recording.run(done)


def run_orders(
    file: Path, tape: Tape, *, tick_size: str, index: str, strict: bool, progress: bool | None
) -> OrdersResult:
    """Replay an order file under a progress bar."""
    try:
        recording = OrdersReplay(file, tick_size=tick_size, index=index, strict=strict, observer=tape)
    except ValueError as error:
        raise click.UsageError(f"--tick-size: {error}") from error
    with progress_bar(f"replaying {file.name}", len(recording), progress) as done:
        return recording.run(done)


def draw_lobster(messages: Path, tape: Tape, result: LobsterResult, plot: Path) -> None:
    """Draw a replayed LOBSTER recording."""
    subtitle = (
        f"{result.messages:,} messages; state {percent(result.state.ratio)}, "
        f"executions {percent(result.executions.ratio)} as recorded"
    )
    draw(tape, plot, title=_title(messages), tick_size=float(TICK_SIZE), subtitle=subtitle)


def _title(messages: Path) -> str:
    """Shorten a LOBSTER file's name: `AMZN_2012-06-21_34200000_57600000_message_1` is AMZN 2012-06-21."""
    words = messages.stem.split("_")
    kept = [word for word in words if word not in ("message", "msgs") and not word.isdigit()]
    return " ".join(kept) or messages.stem


def draw_orders(file: Path, tape: Tape, result: OrdersResult, plot: Path, *, tick_size: float) -> None:
    """Draw a replayed order file."""
    agreement = percent(result.canceled.ratio)
    subtitle = f"{result.lines:,} instructions, {result.trades:,} trades; canceled {agreement} as recorded"
    draw(tape, plot, title=file.stem.replace("_", " "), tick_size=tick_size, subtitle=subtitle)


def lobster_rows(result: LobsterResult) -> list[tuple[str, str]]:
    """Say what came out, for a table."""
    kinds = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in sorted(result.by_type.items()))
    rows = [
        ("time", f"{clock(result.first_time_ns)} to {clock(result.last_time_ns)}"),
        ("messages", f"{result.messages:,}: {kinds}"),
        ("state agrees", agreement_text(result.state)),
        (
            "",
            f"{result.levels_compared:,} levels compared, {result.levels_excepted:,} excepted (scrolled in from below)",
        ),
        ("executions agree", agreement_text(result.executions)),
        ("malformed lines", str(result.malformed)),
    ]
    if result.unpaired:
        rows.append(("unpaired lines", f"{result.unpaired:,}: one file is longer than the other"))
    return rows


def orders_rows(result: OrdersResult) -> list[tuple[str, str]]:
    """Say what came out, for a table."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(result.by_instruction.items()))
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in sorted(result.rejected.items())) or "none"
    return [
        ("time", f"{clock(result.first_time_ns)} to {clock(result.last_time_ns)}"),
        ("instructions", f"{result.lines:,}: {kinds}"),
        ("trades", f"{result.trades:,}, quantity {result.traded_quantity:,}"),
        ("rejected", rejected),
        ("canceled as recorded", agreement_text(result.canceled)),
        ("malformed lines", str(result.malformed)),
    ]


def _ending(seconds: float, count: int, plot: Path | None) -> list[tuple[str, str]]:
    rows = [("took", f"{seconds:.2f} s ({count / max(seconds, 1e-9):,.0f} lines a second)")]
    return [*rows, ("picture", str(plot))] if plot is not None else rows
