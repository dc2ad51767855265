"""Kills the server under load over REST, again and again on one directory: `make kill-server KILLS=200 SEED=1`.

Several connections, each an account, send orders with client order ids, cancel some, and note every answer. The server
is killed with SIGKILL at a random moment. What it left is then read from a copy of its journal: every order, trade and
cancel that was answered is there, nothing twice, and nothing that nobody sent. Then it is started again, recovers from
that very directory, and each request that got no answer is sent once more: it must be done once, no matter whether it
was done before the kill. Exit code 1 if any of it is not so.

SIGKILL leaves the page cache alone: this proves the durability `os` (docs/reliability.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.crash.kill import LostError, run
from tests.server.listening import UNLIMITED, Listening, listening
from tests.server.wire import Answer, Connection, GoneError

from aeromatch import Exchange, _core

TRADERS: Final = 6
SYMBOLS: Final = ("AAA", "BBB")
WORK_S: Final = (0.05, 0.8)
"""How long a server works before it is killed, at least and at most."""
SENT_AGAIN: Final = 5
"""So many orders that were answered are sent once more by each trader after a kill."""
MIDDLE: Final = 1_000
KINDS: Final = _core.CODES["EventKind"]
NO_SIDE: Final = 255
CONFIG: Final[dict[str, Any]] = {
    "exchange": {
        "durability": "os",
        # Small, so that segments and snapshots are made, and killed, often.
        "segment_bytes": 1 << 18,
        "snapshot_bytes": 1 << 19,
        "shards": {"count": 2},
    },
    "instruments": [{"symbol": symbol} for symbol in SYMBOLS],
    "accounts": [{"name": f"trader-{number}"} for number in range(TRADERS)],
    "auth": {"mode": "off"},
    "limits": UNLIMITED,
}


@dataclass
class Tally:
    """What came out."""

    kills: int = 0
    acknowledged: int = 0
    """Orders that were accepted, and cancels that were done, by answers before a kill."""
    trades: int = 0
    """Trades in those answers."""
    unanswered: int = 0
    """Requests that a kill left without an answer,"""
    beyond: int = 0
    """and those of them that had been done."""
    again: int = 0
    """Orders that had been answered before a kill, and were sent again after it."""


@dataclass
class Trader:
    """One connection's account, and what it was told."""

    name: str
    sent: int = 0
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    """How the orders were sent that were accepted."""
    live: list[tuple[int, str]] = field(default_factory=list)
    """Orders that may still be in the book, and their symbols."""
    trades: dict[int, int] = field(default_factory=dict)
    """By the taker's order: how many of its trades were told."""
    canceled: set[int] = field(default_factory=set)
    unanswered: dict[str, Any] | None = None
    """The new order that was under way when the server was killed."""
    new: int = 0
    """Answers since the last kill."""

    def order(self, rng: random.Random) -> dict[str, Any]:
        """The next order."""
        self.sent += 1
        side = rng.choice(("buy", "sell"))
        behind = rng.randint(-2, 30)
        return {
            "symbol": rng.choice(SYMBOLS),
            "side": side,
            "quantity": str(rng.randint(1, 9)),
            "price": str(MIDDLE + (-behind if side == "buy" else behind)),
            "time_in_force": "ioc" if rng.random() < 0.1 else "gtc",
            "account": self.name,
            "client_order_id": f"{self.name}-{self.sent}",
        }

    def accepted(self, asked: dict[str, Any], answer: Answer) -> None:
        """Notes an order's answer."""
        if answer.status not in (200, 201):
            raise LostError(f"{asked} was answered with {answer.status}: {answer.body!r}")
        order = answer.json
        number = int(order["order_id"])
        self.new += number not in self.orders
        self.orders[number] = asked
        if order["status"] in ("open", "partially_filled"):
            self.live.append((number, asked["symbol"]))
        if answer.status == 201:
            self.trades[number] = len(order["fills"])

    async def work(self, server: Listening, rng: random.Random) -> None:
        """Sends until the server is gone."""
        with contextlib.suppress(GoneError):
            async with Connection(server.host, server.port) as connection:
                while True:
                    if self.live and rng.random() < 0.25:
                        await self._cancel(connection, rng)
                        continue
                    asked = self.order(rng)
                    self.unanswered = asked
                    self.accepted(asked, await connection.request("POST", "/order", asked))
                    self.unanswered = None

    async def _cancel(self, connection: Connection, rng: random.Random) -> None:
        number, _ = self.live.pop(rng.randrange(len(self.live)))
        answer = await connection.request("DELETE", f"/order/{number}")
        if answer.status == 200:
            self.canceled.add(number)
            self.new += 1
        elif answer.status != 404:
            raise LostError(f"the cancel of {number} was answered with {answer.status}: {answer.body!r}")


@dataclass
class Journal:
    """What the journal says has happened."""

    accepted: dict[int, int]
    """Accounts' numbers by order."""
    takers: dict[int, int]
    """How many trades each order has taken."""
    canceled: set[int]
    accounts: dict[str, int]


def read(data: Path, scratch: Path) -> Journal:
    """Read a copy: opening it would recover the directory before the server does."""
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(data, scratch, ignore=lambda _, names: [it for it in names if "sqlite" in it or it == "lock"])
    with (
        Exchange.open(scratch, durability="memory", shards=2) as exchange,
        contextlib.closing(exchange.stream()) as stream,
    ):
        parts = []
        while (events := stream.read(65_536, 0)) is not None:
            parts.append(events.to_numpy().copy())
        accounts = {name: exchange.account_number(name) for name in exchange.accounts()}
    records = np.concatenate(parts)
    new = records[(records["kind"] == KINDS["accepted"]) & (records["side"] != NO_SIDE)]
    orders = new["order_id"].tolist()
    if len(set(orders)) != len(orders):
        raise LostError("an order id was given twice")
    trades = records[records["kind"] == KINDS["trade"]]
    takers, counts = np.unique(trades["other"], return_counts=True)
    return Journal(
        dict(zip(orders, new["account"].tolist(), strict=True)),
        dict(zip(takers.tolist(), counts.tolist(), strict=True)),
        set(records["order_id"][records["kind"] == KINDS["canceled"]].tolist()),
        accounts,
    )


class Check:
    """One directory, the traders on it, and what they were told."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.tally = Tally()
        self._directory = directory
        self._seed = seed
        self._traders = [Trader(f"trader-{number}") for number in range(TRADERS)]

    def kill(self) -> None:
        """Let a server work, kill it, and check what it left.

        Raises:
            LostError: It is not what must be there.
        """
        rng = random.Random(f"{self._seed}/{self.tally.kills}")
        with listening(self._directory, CONFIG) as server:
            asyncio.run(self._work(server, rng))
        self.tally.kills += 1
        self._compare(self.read())

    def finish(self) -> None:
        """Start it once more, which settles what got no answer, and stop it as one should."""
        with listening(self._directory, CONFIG) as server:
            asyncio.run(self._settle(server))
            code = server.server.stop()
        if code != 0:
            raise LostError(f"the server ended with {code}")
        self._compare(self.read())

    def read(self) -> Journal:
        """What is in the journal."""
        return read(self._directory / "data", self._directory / "copy")

    async def _work(self, server: Listening, rng: random.Random) -> None:
        await self._settle(server)
        working = [
            asyncio.create_task(trader.work(server, random.Random(f"{rng.random()}/{trader.name}")))
            for trader in self._traders
        ]
        await asyncio.sleep(rng.uniform(*WORK_S))
        server.server.process.kill()
        await asyncio.gather(*working)

    async def _settle(self, server: Listening) -> None:
        """Sends again what got no answer: it is done now, or it was done before and is not done twice.

        So too some of what was answered, which is answered by the same order, whether it lives or has ended.
        """
        rng = random.Random(f"{self._seed}/{self.tally.kills}/again")
        async with Connection(server.host, server.port) as connection:
            for trader in self._traders:
                for number in rng.sample(sorted(trader.orders), min(SENT_AGAIN, len(trader.orders))):
                    await _send_again(connection, number, trader.orders[number])
                    self.tally.again += 1
                if trader.unanswered is None:
                    continue
                answer = await connection.request("POST", "/order", trader.unanswered)
                self.tally.beyond += answer.status == 200
                trader.accepted(trader.unanswered, answer)
                trader.unanswered = None

    def _compare(self, journal: Journal) -> None:
        where = f"after kill {self.tally.kills} (seed {self._seed}, {self._directory})"
        for trader in self._traders:
            own = {order for order, account in journal.accepted.items() if account == journal.accounts[trader.name]}
            if lost := trader.orders.keys() - own:
                raise LostError(f"{where}: {trader.name} was told of {len(lost)} orders that are not there: {lost}")
            beyond = len(own) - len(trader.orders)
            if beyond > (trader.unanswered is not None):
                raise LostError(f"{where}: {trader.name} has {beyond} orders more than it was told of")
            for order, told in trader.trades.items():
                # A taker trades when it arrives, and no more: none of these orders is collected or amended.
                if journal.takers.get(order, 0) != told:
                    raise LostError(
                        f"{where}: order {order} took {told} trades, and {journal.takers.get(order)} are there"
                    )
            if lost := trader.canceled - journal.canceled:
                raise LostError(f"{where}: {trader.name} was told of {len(lost)} cancels that are not there: {lost}")
            self.tally.acknowledged += trader.new
            self.tally.unanswered += trader.unanswered is not None
            trader.new = 0
        self.tally.trades = sum(sum(trader.trades.values()) for trader in self._traders)


async def _send_again(connection: Connection, number: int, asked: dict[str, Any]) -> None:
    """Sends an order that was answered before: it is answered as it is now, and nothing happens."""
    answer = await connection.request("POST", "/order", asked)
    order = answer.json
    if answer.status != 200 or (int(order["order_id"]), order["fills"]) != (number, []):
        raise LostError(f"{asked}, which was order {number}, was answered with {answer.status}: {answer.body!r}")
    if any(order[name] != value for name, value in asked.items() if name in ("symbol", "side", "client_order_id")):
        raise LostError(f"{asked}, which was order {number}, is told as another one: {answer.body!r}")


def kill_often(directory: Path, kills: int, seed: int) -> Tally:
    """Kill so many servers on one directory, and check after each."""
    check = Check(directory, seed)
    for _ in range(kills):
        check.kill()
    check.finish()
    return check.tally


def told(tally: Tally) -> str:
    """Say in one line what came of the kills."""
    return (
        f"{tally.kills:,} kills of the server; {tally.acknowledged:,} orders and cancels acknowledged with "
        f"{tally.trades:,} trades, none lost, none twice; {tally.unanswered:,} requests without an answer, "
        f"{tally.beyond:,} of them done before; {tally.again:,} answered orders sent again, each the same one"
    )


def main() -> int:
    """Kill as the command line asks for."""
    return run(__doc__.splitlines()[0], kill_often, told)


if __name__ == "__main__":
    sys.exit(main())
