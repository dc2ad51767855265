"""A load for each of several shards that its seed repeats, and one for all of them: everything in one exchange.

Shard k has a clearing group, a settled instrument and a plain one; its command number n follows from seed, k and n
alone. The commands for all shards make accounts. Every command takes one number of its shard's log, those for all take
one in each: so the logs say how far each load has come.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aeromatch import Exchange, Instrument, Shards

SHARDS: Final = 2
GROUPS: Final = ("main", "west")
TRADERS: Final = ("alice", "bob", "carol")
LONGEST_BATCH: Final = 32

OPTIONS: Final = Shards(
    SHARDS,
    groups={group: shard for shard, group in enumerate(GROUPS)},
    instruments={f"PLAIN{shard}": shard for shard in range(SHARDS)},
    batch_commands=16,
    window=64,
)

BEGINNING: Final = 1 + len(GROUPS) + SHARDS
"""Commands that a log begins with: which shard it is, and the places of groups and instruments."""

Call = partial[Any]
"""A method of Exchange with its arguments, which all have names."""

SETUP: Final[tuple[Call, ...]] = (
    *(partial(Exchange.create_account, name=name) for name in (*TRADERS, "fees")),
    partial(Exchange.create_asset, name="USD", decimals=6),
    *(partial(Exchange.create_asset, name=f"BASE{shard}", decimals=6) for shard in range(SHARDS)),
    *(partial(Exchange.create_group, name=group) for group in GROUPS),
    *(partial(Exchange.create_instrument, instrument=Instrument(f"PLAIN{shard}")) for shard in range(SHARDS)),
    *(
        partial(
            Exchange.create_instrument,
            instrument=Instrument(
                f"BASE{shard}-USD", base=f"BASE{shard}", quote="USD", settlement=True, group=group, taker_fee_bps=7
            ),
        )
        for shard, group in enumerate(GROUPS)
    ),
)
"""All of them for all shards."""


def for_all(number: int) -> Call:
    """Command `number`, from 1, of those for all shards."""
    return SETUP[number - 1] if number <= len(SETUP) else partial(Exchange.create_account, name=f"late-{number}")


def command(seed: int, shard: int, number: int) -> Call:
    """Command `number`, from 1, of a shard."""
    rng = random.Random(f"{seed}/{shard}/{number}")
    symbol = rng.choice((f"PLAIN{shard}", f"BASE{shard}-USD"))
    trader, dice, timestamp = rng.choice(TRADERS), rng.random(), number * 1_000
    if dice < 0.15:
        asset = rng.choice(("USD", f"BASE{shard}"))
        return partial(
            Exchange.deposit, account=trader, asset=asset, amount=900, group=GROUPS[shard], id=f"in-{number}"
        )
    if dice < 0.3:
        earlier = str(max(1, number - rng.randint(1, 30)))
        return partial(Exchange.cancel, symbol=symbol, client_order_id=earlier, account=trader, timestamp=timestamp)
    side, behind = rng.choice(("buy", "sell")), rng.randint(-3, 12)
    return partial(
        Exchange.submit,
        symbol=symbol,
        side=side,
        quantity=rng.randint(1, 9),
        price=50 + (-behind if side == "buy" else behind),
        account=trader,
        client_order_id=str(number),
        timestamp=timestamp,
    )


@dataclass(frozen=True)
class Progress:
    """How far the loads have come: the number of the last command of each."""

    for_all: int
    of_shard: tuple[int, ...]


def progress(exchange: Exchange) -> Progress:
    """How far the loads have come in an exchange: each command for all has made one thing with a name."""
    made = (exchange.accounts(), exchange.assets(), exchange.groups(), exchange.instruments())
    for_all = sum(map(len, made))
    return Progress(for_all, tuple(sequence - BEGINNING - for_all for sequence in exchange.sequences))


def picture(exchange: Exchange, shard: int) -> list[Any]:
    """What a shard's load has made."""
    books = [exchange.book(symbol).digest() for symbol in (f"PLAIN{shard}", f"BASE{shard}-USD")]
    balances = [
        exchange.balance(name, asset, GROUPS[shard]).as_dict()
        for name in (*TRADERS, "fees")
        for asset in ("USD", f"BASE{shard}")
    ]
    return [*books, *balances]


class Model:
    """What a shard's part must be after any number of its commands: the same load in memory, on this thread."""

    def __init__(self, seed: int, shard: int) -> None:
        self._seed, self._shard = seed, shard
        self._exchange = Exchange()
        self._done = 0
        for call in SETUP:
            call(self._exchange)

    def after(self, number: int) -> list[Any]:
        """The picture after that many commands, which are no fewer than at the last call."""
        assert self._done <= number, "the load goes forward only"
        for each in range(self._done + 1, number + 1):
            command(self._seed, self._shard, each)(self._exchange)
        self._done = number
        return picture(self._exchange, self._shard)
