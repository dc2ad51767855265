"""A load that its seed repeats: command number n follows from the seed and n alone, whoever asks for it.

So the process that is killed and the one that checks it need not tell one another what they do. Every command takes
exactly one sequence number, rejected ones too: the exchange's sequence says which command comes next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from aeromatch import Commands, Exchange, Instrument

ACCOUNTS: Final = ("alice", "bob", "carol", "dave")
EVENT: Final = "rain"
SYMBOLS: Final = ("PLAIN", "BTC-USD", "rain/yes", "rain/no")
"""In order of their numbers, from 1."""
MIDDLE_TICKS: Final = {"PLAIN": 1_000, "BTC-USD": 1_000, "rain/yes": 50, "rain/no": 50}
LONGEST_BATCH: Final = 64

Row = Mapping[str, Any]
"""A command as an entry of `Commands.from_rows`."""
Call = Callable[[Exchange], object]
"""A command that has no such entry."""

SETUP: Final[tuple[Call, ...]] = (
    *(partial(Exchange.create_account, name=name) for name in (*ACCOUNTS, "fees")),
    partial(Exchange.create_asset, name="BTC", decimals=8),
    partial(Exchange.create_asset, name="USD", decimals=6),
    partial(Exchange.create_group, name="side"),
    partial(Exchange.create_instrument, instrument=Instrument("PLAIN", self_trade_prevention="cancel_newest")),
    partial(
        Exchange.create_instrument,
        instrument=Instrument(
            "BTC-USD",
            tick_size="0.01",
            lot_size="0.001",
            base="BTC",
            quote="USD",
            settlement=True,
            maker_fee_bps=-1,
            taker_fee_bps=7,
        ),
    ),
    partial(Exchange.create_event, name=EVENT, outcomes=["yes", "no"], currency="USD", taker_fee_bps=20),
    *(
        partial(Exchange.deposit, account=name, asset=asset, amount="5000", id=f"{name}-{asset}")
        for name in ACCOUNTS
        for asset in ("BTC", "USD")
    ),
)


def command(seed: int, number: int) -> Row | Call:
    """Command `number`, from 1."""
    if number <= len(SETUP):
        return SETUP[number - 1]
    order = _order(seed, number)
    if order is not None:
        return order
    rng = random.Random(f"{seed}/{number}/other")
    dice = rng.random()
    if dice < 0.1:
        return _funds(rng, number)
    if dice < 0.12:
        return {"kind": "mass_cancel", "instrument": rng.randint(1, len(SYMBOLS)), "account": rng.randint(1, 4)}
    return _change(rng, seed, number)


def _order(seed: int, number: int) -> dict[str, Any] | None:
    """Command `number`, if it is a new order."""
    rng = random.Random(f"{seed}/{number}")
    if rng.random() < 0.35:
        return None
    symbol = rng.choice(SYMBOLS)
    side, behind = rng.choice(("buy", "sell")), rng.randint(-8, 30)
    order: dict[str, Any] = {
        "instrument": SYMBOLS.index(symbol) + 1,
        "account": rng.randint(1, len(ACCOUNTS)),
        "timestamp": number * 1_000,
        "side": side,
        "quantity_lots": rng.randint(1, 20),
        "price_ticks": MIDDLE_TICKS[symbol] + (-behind if side == "buy" else behind),
        "client_order_id": str(number),
    }
    kind = rng.random()
    if kind < 0.1:
        order["time_in_force"] = rng.choice(("ioc", "fok"))
    elif kind < 0.2:
        order |= {"time_in_force": "gtd", "expire_at": (number + rng.randint(1, 300)) * 1_000}
    elif kind < 0.25:
        order["display_lots"] = 1
    return order


def _change(rng: random.Random, seed: int, number: int) -> Row:
    """A cancel or an amend of an order that came a while ago, though it may be done already."""
    changed: dict[str, Any] = {"kind": "cancel", "client_order_id": str(number)}
    for earlier in range(number - rng.randint(1, 60), 0, -1):
        order = _order(seed, earlier) if earlier > len(SETUP) else None
        if order is not None:
            changed = {name: order[name] for name in ("instrument", "account", "client_order_id")} | {"kind": "cancel"}
            break
    if rng.random() < 0.3:
        changed |= {"kind": "amend", "quantity_lots": rng.randint(1, 30)}
    return {"instrument": 1, "account": 1, "timestamp": number * 1_000} | changed


def _funds(rng: random.Random, number: int) -> Call:
    name, asset, amount = rng.choice(ACCOUNTS), rng.choice(("BTC", "USD")), str(rng.randint(1, 200))
    source, target = ("main", "side") if rng.random() < 0.7 else ("side", "main")
    calls: tuple[Call, ...] = (
        partial(Exchange.deposit, account=name, asset=asset, amount=amount, id=f"in-{number}"),
        partial(Exchange.withdraw, account=name, asset=asset, amount=amount, id=f"out-{number}"),
        # The id of an earlier one, now and then: rejected as a duplicate.
        partial(Exchange.deposit, account=name, asset=asset, amount=amount, id=f"in-{number - rng.randint(0, 90)}"),
        partial(
            Exchange.transfer,
            account=name,
            asset=asset,
            amount=amount,
            source=source,
            target=target,
            id=f"move-{number}",
        ),
        partial(Exchange.mint, event=EVENT, account=name, quantity=rng.randint(1, 50)),
        partial(Exchange.redeem, event=EVENT, account=name, quantity=rng.randint(1, 50)),
    )
    return rng.choice(calls)


def advance(exchange: Exchange, seed: int, *, until: int | None = None, alone: bool = False) -> int:
    """Send the next commands: one, or a batch of rows that stand together. Returns the sequence number afterwards.

    Args:
        exchange: Where to.
        seed: Of the load.
        until: No command beyond this number.
        alone: One command only.
    """
    first = exchange.sequence + 1
    chosen = command(seed, first)
    if not isinstance(chosen, Mapping):
        chosen(exchange)
        return exchange.sequence
    length = 1 if alone else random.Random(f"{seed}/{first}/length").choice((1, 1, 2, 8, LONGEST_BATCH))
    last = first + length - 1 if until is None else min(first + length - 1, until)
    rows = [chosen]
    for number in range(first + 1, last + 1):
        following = command(seed, number)
        if not isinstance(following, Mapping):
            break
        rows.append(following)
    exchange.process(Commands.from_rows(rows))
    return exchange.sequence


class Model:
    """What an exchange must be after any number of commands: the same load in memory, nothing written."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.exchange = Exchange()

    def digest_at(self, sequence: int) -> str:
        """The digest after that many commands, which are no fewer than at the last call."""
        assert self.exchange.sequence <= sequence, "the load goes forward only"
        while self.exchange.sequence < sequence:
            advance(self.exchange, self.seed, until=sequence)
        return self.exchange.digest()
