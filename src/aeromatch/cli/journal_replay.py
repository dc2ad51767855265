"""`aeromatch journal replay`: the state at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from aeromatch.cli.book_view import book_view
from aeromatch.cli.console import columns_table, examples, json_option, print_json, print_table, stdout_console
from aeromatch.cli.journal_arguments import JOURNAL, moment, seek, sequence_option, time_option
from aeromatch.replay import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from aeromatch.replay.timeline import Step


@click.command(
    epilog=examples(
        "aeromatch journal replay data/",
        "aeromatch journal replay data/ --sequence 1200 --events 5 --book BTC-USD",
        "aeromatch journal replay data/ --time 2026-01-05T09:30:00 --account alice --json",
    )
)
@click.argument("directory", type=JOURNAL)
@sequence_option
@time_option
@click.option("--events", type=click.IntRange(1), metavar="N", help="Also the last N commands and what they did.")
@click.option("--book", "symbols", multiple=True, metavar="SYMBOL", help="Also the book of SYMBOL; may be given again.")
@click.option("--account", "accounts", multiple=True, metavar="NAME", help="Also what NAME has; may be given again.")
@json_option
def replay(
    directory: Path,
    sequence: int | None,
    time_ns: int | None,
    events: int | None,
    symbols: tuple[str, ...],
    accounts: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show the exchange of DIRECTORY as it was at a moment.

    Its markets, statistics and digest.
    """
    timeline = Timeline(directory)
    seek(timeline, sequence, time_ns)
    steps: list[Step] = []
    if events is not None:
        there = timeline.sequence
        steps = list(timeline.back(events).steps(there))
    document = _document(timeline, symbols, accounts)
    if as_json:
        print_json({**document, **({"commands": [_step(step) for step in steps]} if events is not None else {})})
        return
    _print(directory, timeline, document, symbols)
    for step in steps:
        click.echo(str(step))
        for event in step.events:
            click.echo(f"    {_event_text(event.as_dict())}")


def _document(timeline: Timeline, symbols: tuple[str, ...], accounts: tuple[str, ...]) -> dict[str, Any]:
    return {
        "sequence": timeline.sequence,
        "time_ns": timeline.now,
        "digest": timeline.digest(),
        "accounts": len(timeline.accounts()),
        "instruments": {of.symbol: _market(timeline, of.symbol) for of in timeline.instruments()},
        **({"books": {symbol: _levels(timeline, symbol) for symbol in symbols}} if symbols else {}),
        **({"balances": {account: _balances(timeline, account) for account in accounts}} if accounts else {}),
    }


def _market(timeline: Timeline, symbol: str) -> dict[str, Any]:
    book = timeline.book(symbol)
    statistics = book.statistics
    return {
        "phase": str(book.phase),
        "best_bid": book.best_bid,
        "best_ask": book.best_ask,
        "last_trade_price": book.last_trade_price,
        "orders": statistics.order_count,
        "commands": statistics.commands,
        "trades": statistics.trade_count,
        "traded_quantity": statistics.traded_quantity,
    }


def _levels(timeline: Timeline, symbol: str) -> dict[str, Any]:
    depth = timeline.book(symbol).depth()
    return {
        side: [{"price": level.price, "quantity": level.quantity, "orders": level.order_count} for level in levels]
        for side, levels in (("bids", depth.bids), ("asks", depth.asks))
    }


def _balances(timeline: Timeline, account: str) -> list[dict[str, Any]]:
    return [
        {"asset": has.asset, "group": has.group, "available": has.available, "held": has.held}
        for has in timeline.balances(account)
    ]


def _step(step: Step) -> dict[str, Any]:
    return {
        "sequence": step.sequence,
        "command": step.fields,
        "events": [event.as_dict() for event in step.events],
    }


def _event_text(event: dict[str, Any]) -> str:
    """Show an event's fields, its kind first."""
    skipped = ("kind", "sequence", "index")
    fields = " ".join(f"{name}={value}" for name, value in event.items() if name not in skipped and value is not None)
    return f"{event['kind']} {fields}".rstrip()


def _print(directory: Path, timeline: Timeline, document: dict[str, Any], symbols: tuple[str, ...]) -> None:
    rows = [
        ("command", f"{document['sequence']:,} of {timeline.first:,} .. {timeline.last:,}"),
        ("time", moment(document["time_ns"])),
        ("digest", document["digest"]),
        ("accounts", f"{document['accounts']:,}"),
    ]
    print_table(str(directory), rows)
    headings = ("market", "phase", "bid", "ask", "last", "orders", "commands", "trades", "traded")
    markets = [
        (symbol, *("-" if value is None else str(value) for value in market.values()))
        for symbol, market in document["instruments"].items()
    ]
    console = stdout_console()
    if markets:
        console.print(columns_table(headings, markets, words=headings[:2]))
    for symbol in symbols:
        console.print(book_view(timeline.book(symbol)))
    for account, balances in document.get("balances", {}).items():
        click.echo(f"{account}:")
        for has in balances:
            click.echo(f"  {has['available']:f} {has['asset']} available, {has['held']:f} held, in {has['group']}")
