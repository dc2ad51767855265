"""A venue for tests of shards: markets of every kind in several clearing groups, and calls for any number of shards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from aeromatch import Commands, Event, EventKind, Events, Exchange, Instrument, Receipt, Report, commands

Answer = Report | Receipt
Call = Callable[[Any], Any]
"""A command: `call(exchange)` gives what the exchange's method returns."""

ACCOUNTS: Final = ("alice", "bob", "carol")
ALL_INSTRUMENTS: Final = 0xFFFF_FFFF
GROUPS: Final = ("main", "west", "east")
PLAIN: Final = ("P0", "P1", "P2", "P3")
SETTLED: Final = ("M-USD", "W-USD", "E-USD")


def call(method: str, *args: Any, **kwargs: Any) -> Call:
    """A command by the name of its method."""
    return lambda exchange: getattr(exchange, method)(*args, **kwargs)


def settled(symbol: str, group: str) -> Instrument:
    """An instrument whose trades move money."""
    base = symbol.partition("-")[0]
    return Instrument(
        symbol,
        tick_size="0.01",
        lot_size="0.1",
        base=base,
        quote="USD",
        settlement=True,
        group=group,
        taker_fee_bps=10,
        maker_fee_bps=-1,
    )


def setup() -> Iterator[Call]:
    """The commands that make the venue."""
    for name in ACCOUNTS:
        yield call("create_account", name)
    yield call("create_asset", "USD", 6)
    for symbol in PLAIN:
        yield call("create_instrument", Instrument(symbol))
    for symbol, group in zip(SETTLED, GROUPS, strict=True):
        yield call("create_instrument", settled(symbol, group))
    yield call("create_event", "rain", outcomes=["yes", "no"], currency="USD", group="west")
    yield call("create_account", "alice")
    for name in ACCOUNTS:
        for symbol, group in zip(SETTLED, GROUPS, strict=True):
            for asset in ("USD", symbol.partition("-")[0]):
                yield call("deposit", name, asset, "1000", group=group, id=f"{name}-{asset}-{group}")


def trade() -> Iterator[Call]:
    """Commands of every kind: trades, refusals, transfers between groups, commands for all, an event's end."""
    for round_ in range(6):
        for place, symbol in enumerate((*PLAIN, *SETTLED)):
            time = {"timestamp": 1_000 * (10 * round_ + place)}
            yield call(
                "submit", symbol, "sell", quantity=2, price=101, account="alice", client_order_id=f"a{round_}", **time
            )
            yield call("submit", symbol, "buy", quantity=1, price=99 + round_, account="bob", tag=round_)
        yield call("submit", "M-USD", "buy", quantity=10_000, price=100, account="carol")
        yield call("submit", "NONE", "buy", quantity=1, price=1)
        yield call("cancel", "P1", client_order_id=f"a{round_}", account="alice")
        yield call("amend", "W-USD", client_order_id=f"a{round_}", account="alice", quantity=1)
    yield call("mint", "rain", "carol", 20)
    yield call("submit", "rain/no", "sell", quantity=5, price="0.4", account="carol")
    yield call("submit", "rain/yes", "sell", quantity=5, price="0.7", account="carol")
    yield call("submit", "rain/no", "buy", quantity=3, price="0.45", account="bob", timestamp=70_000)
    for source, target, amount in (("main", "west", "25.5"), ("west", "east", 1), ("east", "main", 50_000)):
        move = {"source": source, "target": target, "id": f"{source}-{target}"}
        yield call("transfer", "alice", "USD", amount, **move)
        yield call("transfer", "alice", "USD", amount, **move)
    yield call("withdraw", "bob", "E", "1", group="east")
    yield call("withdraw", "bob", "E", "5000", group="east")
    yield call("set_phase", "P2", "auction")
    yield call("submit", "P2", "buy", quantity=4, price=105, account="carol")
    yield call("set_phase", "P2", "continuous")
    yield call("submit", "P3", "buy", quantity=1, price=1, time_in_force="gtd", expire_at=90_000, account="bob")
    yield call("advance_time", 95_000)
    yield call("mass_cancel", account="alice")
    yield call("settle", "rain", outcome="no")
    yield call("submit", "rain/yes", "buy", quantity=1, price="0.5", account="bob")


def answer_is_for_all(answer: Answer) -> bool:
    """Whether a command was about all instruments."""
    return any(event.instrument == ALL_INSTRUMENTS for event in answer.events)


def place(event: Event) -> tuple[int, int, str]:
    """Where an event stands among those of a command for all: funds behind the books, each group's for itself."""
    return (1, 0, str(event.group)) if event.kind is EventKind.FUNDS else (0, event.instrument, "")


def told(answer: Answer) -> tuple[Any, ...]:
    """What an answer says, but for the numbers that each shard counts for itself."""
    # A command for all is answered shard by shard.
    in_order = sorted(answer.events, key=place) if answer_is_for_all(answer) else answer.events
    events = [
        tuple((name, value) for name, value in event.as_dict().items() if name not in ("sequence", "index"))
        for event in in_order
    ]
    said: tuple[Any, ...] = (answer.accepted, answer.reject_reason, answer.timestamp, events)
    if isinstance(answer, Receipt):
        return (*said, answer.created)
    changes = [(c.instrument, c.side, c.price, c.quantity, c.order_count) for c in answer.level_changes]
    return (*said, answer.status, answer.order_id, answer.filled_quantity, answer.average_price, sorted(changes))


def holdings(exchange: Any) -> list[Any]:
    """Everything that accounts have."""
    accounts = exchange.accounts()
    balances = [balance.as_dict() for name in accounts for balance in exchange.balances(name)]
    return balances + [position.as_dict() for name in accounts for position in exchange.positions(name)]


def books(exchange: Any) -> list[Any]:
    """Everything that books show."""
    views = [exchange.book(instrument.symbol) for instrument in exchange.instruments()]
    return [
        (view.best_bid, view.best_ask, view.spread, repr(view.depth()), view.phase, len(view), view.digest())
        for view in views
    ]


def batch(count: int, seed: int = 3) -> Commands:
    """Orders for the instruments without settlement, 1 .. 4, some of which trade."""
    rng = np.random.default_rng(seed)
    return commands(
        instrument=rng.integers(1, len(PLAIN) + 1, count),
        side=rng.integers(0, 2, count),
        price_ticks=rng.integers(95, 106, count),
        quantity_lots=rng.integers(1, 9, count),
        account=rng.integers(1, len(ACCOUNTS) + 1, count),
    )


def venue(**options: Any) -> Exchange:
    """An exchange in memory with the venue in it."""
    exchange = Exchange(**options)
    for command in setup():
        command(exchange)
    return exchange


def by_instrument(events: Events) -> dict[int, bytes]:
    """The events of each instrument, but for the numbers that each shard counts for itself."""
    records = events.to_numpy().copy()
    records["sequence"] = 0
    return {number: records[records["instrument"] == number].tobytes() for number in np.unique(records["instrument"])}
