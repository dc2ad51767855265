"""`aeromatch load`: sends orders to a server, and says how fast it answered."""

from __future__ import annotations

import os
import ssl
import sys
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from aeromatch.bench.gateways import BATCHING, GATEWAYS, PIPELINING, PORTS
from aeromatch.cli.console import (
    NumberRange,
    columns_table,
    examples,
    json_option,
    print_json,
    progress_option,
    stdout_console,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aeromatch.bench.load import Outcome
    from aeromatch.bench.load_flow import Market
    from aeromatch.client import BearerToken, Client, SigningKey
    from aeromatch.schema.market import Instrument

__all__ = ["load"]

KEY_VARIABLE = "AEROMATCH_KEY"
KINDS = ("new", "cancel", "amend", "crossing", "market")
SPEED_S = 0.5
"""Over how long the speed that is shown is taken."""
MIDDLE_TICKS = 10_000
"""Where a market without any price is traded."""


class Mix(click.ParamType[dict[str, float]]):
    """Weights of kinds of requests: new=50,cancel=30."""

    name = "kind=weight,..."

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        """Read it, or call it misuse."""
        if isinstance(value, dict):
            return value
        weights: dict[str, float] = {}
        for part in str(value).split(","):
            kind, _, weight = part.strip().partition("=")
            if kind not in KINDS:
                self.fail(f"{kind!r} is none of {', '.join(KINDS)}.", param, ctx)
            weights[kind] = NumberRange(0, 1e9).convert(weight, param, ctx)
        if not any(weights.values()):
            self.fail("all weights are 0.", param, ctx)
        return weights


@click.command(
    epilog=examples(
        "aeromatch load --seconds 10",
        "aeromatch load --rate 5000 --connections 32 --processes 2",
        "aeromatch load --batch 500 --connections 4",
        "aeromatch load --gateway websocket --in-flight 8 --json",
    ),
)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Of the server, without a path.")
@click.option("--gateway", type=click.Choice(GATEWAYS), default="rest", show_default=True, help="How orders go in.")
@click.option(
    "--address",
    help="<host>:<port> of a gateway with a port of its own. Default: the URL's host and the gateway's usual port.",
)
@click.option(
    "--rate",
    type=NumberRange(0, 10_000_000, min_open=True),
    help="Requests a second, sent when they are due, whatever the server does. Default: closed loop, each connection "
    "sends when it has its answer.",
)
@click.option("--connections", type=click.IntRange(1, 10_000), default=16, show_default=True, help="Of all processes.")
@click.option(
    "--in-flight",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="Requests that a connection has under way at most; more than 1 where the gateway tells answers apart.",
)
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="That send.")
@click.option(
    "--mix",
    type=Mix(),
    help="Weights of new, cancel, amend, crossing and market. Default: new=50,cancel=30,amend=10,crossing=8,market=2; "
    "of a batch: new=50,crossing=50.",
)
@click.option("--batch", type=click.IntRange(1, 1000), default=1, show_default=True, help="New orders in a request.")
@click.option("--seconds", type=NumberRange(0.1, 86_400), default=10.0, show_default=True, help="That are measured.")
@click.option(
    "--warmup", "warmup_s", type=NumberRange(0, 3_600), default=1.0, show_default=True, help="Seconds before those."
)
@click.option("--symbols", help="Instruments, separated by commas. Default: all that trade continuously.")
@click.option("--accounts", help="Accounts that orders are for, separated by commas. Default: the key's, or all.")
@click.option("--key", envvar=KEY_VARIABLE, help=f"<key id>.<secret>; better given as {KEY_VARIABLE}.")
@click.option("--sign", is_flag=True, help="Sign every request with the key, instead of sending it.")
@click.option(
    "--ca",
    type=click.Path(exists=True, dir_okay=False),
    help="Certificates to trust, in PEM: of a server whose own are not signed by an authority that this machine knows.",
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Of what is sent.")
@json_option
@progress_option
def load(
    url: str,
    gateway: str,
    address: str | None,
    rate: float | None,
    connections: int,
    in_flight: int,
    processes: int,
    mix: dict[str, float] | None,
    batch: int,
    seconds: float,
    warmup_s: float,
    symbols: str | None,
    accounts: str | None,
    key: str | None,
    sign: bool,
    ca: str | None,
    seed: int,
    as_json: bool,
    progress: bool | None,
) -> None:
    """Send orders to a running server, and time its answers.

    The orders are real: they rest in its books, trade and are journaled. Each connection sends new orders around the
    middle of a market, cancels and changes its own, and takes what is there. Orders that still rest at the end stay.
    """
    _check(gateway, address, in_flight, batch, mix, connections, processes)
    try:
        from aeromatch.bench.load import run_load
        from aeromatch.bench.load_report import load_as_json
        from aeromatch.bench.load_worker import Plan
        from aeromatch.client import Client
    except ModuleNotFoundError as error:
        raise click.ClickException(f"needs more packages: pip install 'aeromatch[server]' ({error})") from error
    credentials = _credentials(key, sign)
    try:
        client = Client(_url(url), credentials=credentials, timeout_s=10.0, retries=1, tls=_trusted(ca))
    except ValueError as error:
        raise click.UsageError(f"--url: {str(error).removeprefix('url ')}") from error
    with client:
        markets = _markets(client, symbols)
        chosen = tuple(accounts.split(",")) if accounts else _accounts(client)
    plan = Plan(
        url=_url(url),
        gateway=gateway,
        markets=markets,
        address=address,
        accounts=chosen,
        proof=credentials,
        ca=ca,
        rate=rate,
        connections=connections,
        in_flight=in_flight,
        processes=processes,
        batch=batch,
        mix=mix,
        seconds=seconds,
        warmup_s=warmup_s,
        seed=seed,
    )
    with _shown(f"{gateway}, {connections} connections", warmup_s + seconds, progress) as show:
        outcome = run_load(plan, show)
    if as_json:
        print_json({**load_as_json(outcome), "client_cpus": os.cpu_count()})
    else:
        _print(outcome)
    if not outcome.measured.response:
        raise click.ClickException("nothing was answered while it was measured")


@contextmanager
def _shown(text: str, total_s: float, wanted: bool | None) -> Iterator[Callable[[float, int], None]]:
    """A bar, and how much is answered now; yields what takes the seconds that have passed and the answers so far."""
    if not (sys.stderr.isatty() if wanted is None else wanted):
        yield lambda _passed_s, _answers: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[answers]:,} answers, {task.fields[speed]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, force_terminal=True if wanted else None)
    last = (0.0, 0)
    with Progress(*columns, console=console, transient=not wanted, expand=True) as progress:
        task = progress.add_task(text, total=total_s, answers=0, speed=0.0)

        def show(passed_s: float, answers: int) -> None:
            nonlocal last
            if passed_s - last[0] >= SPEED_S:
                speed = (answers - last[1]) / (passed_s - last[0])
                last = (passed_s, answers)
                progress.update(task, speed=speed)
            progress.update(task, completed=min(passed_s, total_s), answers=answers)

        yield show


def _check(
    gateway: str,
    address: str | None,
    in_flight: int,
    batch: int,
    mix: dict[str, float] | None,
    connections: int,
    processes: int,
) -> None:
    if in_flight > 1 and gateway not in PIPELINING:
        raise click.UsageError(f"--in-flight: over {gateway} a connection has one request under way; use --connections")
    if batch > 1 and gateway not in BATCHING:
        raise click.UsageError(f"--batch: over {gateway} orders go one by one; use --in-flight")
    if address is not None and gateway not in PORTS:
        raise click.UsageError(f"--address: {gateway} is where --url says")
    if address is not None and not address.rpartition(":")[2].isdigit():
        raise click.UsageError("--address: must be <host>:<port>")
    if batch > 1 and mix and (mix.get("cancel") or mix.get("amend")):
        raise click.UsageError("--batch: a batch has new orders only: new, crossing, market")
    if processes > connections:
        raise click.UsageError("--processes: each needs a connection")


def _url(url: str) -> str:
    return url.rstrip("/")


def _credentials(key: str | None, sign: bool) -> BearerToken | SigningKey | None:
    from aeromatch.client import BearerToken, SigningKey

    if key is None:
        if sign:
            raise click.UsageError(f"--sign: with which --key (or {KEY_VARIABLE})?")
        return None
    key_id, dot, secret = key.partition(".")
    if not (key_id and dot and secret):
        raise click.UsageError("--key: has the form <key id>.<secret>")
    return SigningKey(key_id, secret) if sign else BearerToken(key)


def _trusted(ca: str | None) -> ssl.SSLContext | None:
    """What trusts the certificates of a file, which has to have some; None: what the machine trusts."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise click.UsageError(f"--ca: {ca}: {error.strerror or error}") from error


def _accounts(client: Client) -> tuple[str, ...]:
    """The key's own account is nobody's to name; without one, all that there are take part, but those for fees."""
    if client.me().account is not None:
        return ()
    fees = {instrument.fee_account for instrument in client.instruments()}
    return tuple(account.account for account in client.accounts() if account.account not in fees and not account.killed)


def _markets(client: Client, symbols: str | None) -> tuple[Market, ...]:
    known = {instrument.symbol: instrument for instrument in client.instruments()}
    if symbols is None:
        wanted = [symbol for symbol, each in known.items() if each.phase == "continuous" and each.event is None]
        if not wanted:
            raise click.ClickException("the server has no instrument that trades continuously; see --symbols")
    else:
        wanted = symbols.split(",")
        for symbol in wanted:
            if symbol not in known:
                raise click.UsageError(f"--symbols: the server has no {symbol!r}; it has {', '.join(known) or 'none'}")
    return tuple(_market(client, known[symbol]) for symbol in wanted)


def _market(client: Client, instrument: Instrument) -> Market:
    """Where a market trades: between its best prices, at its last one, or at its reference price."""
    from aeromatch.bench.load_flow import Market

    ticker, tick_size = client.ticker(instrument.symbol), Decimal(instrument.tick_size)
    if ticker.best_bid is not None and ticker.best_ask is not None:
        middle = (Decimal(ticker.best_bid) + Decimal(ticker.best_ask)) / 2
    else:
        price = ticker.last_price or ticker.best_bid or ticker.best_ask or instrument.reference_price
        middle = Decimal(price) if price is not None else MIDDLE_TICKS * tick_size
    return Market(instrument.symbol, instrument.tick_size, instrument.lot_size, int(middle / tick_size))


def _print(outcome: Outcome) -> None:
    from aeromatch.bench.load_report import HEADINGS, load_notes, load_rows

    console = stdout_console()
    console.print(columns_table(HEADINGS, load_rows(outcome), words=("request",), title="response time, us"))
    for note in load_notes(outcome):
        console.print(note)
