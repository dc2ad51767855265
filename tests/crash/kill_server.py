"""Kills the server under load through every gateway, again and again on one directory: `make kill-server KILLS=200`.

Several connections of each gateway, each an account, send orders with client order ids, cancel some, and note what they
are told. The server is killed with SIGKILL at a random moment. What it left is then read from a copy of its journal:
every order, trade and cancel that was told is there, nothing twice, and nothing that nobody sent. Then it is started
again, recovers from that very directory, and each request that got no answer is sent once more: it must be done once,
no matter whether it was done before the kill. A gateway that tells what was missed, FIX and binary, has to tell all of
it, and nothing twice. Exit code 1 if any of it is not so.

SIGKILL leaves the page cache alone: this proves the durability `os` (docs/reliability.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.crash.desks import Desk, RefusedRequestError, Told, ToldTwiceError
from tests.crash.kill import LostError, run
from tests.crash.telling_desks import desk_of
from tests.server.listening import UNLIMITED, Listening, listening
from tests.server.wire import GoneError

from aeromatch import Exchange, _core
from aeromatch.bench.gateways import GATEWAYS, PORTS

TRADERS: Final = 2
"""Through each gateway."""
UNHURRIED: Final = 1_000_000
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
    "accounts": [{"name": f"{gateway}-{number}"} for gateway in GATEWAYS for number in range(TRADERS)],
    "auth": {"mode": "off"},
    "limits": UNLIMITED,
    "gateways": {"websocket": {"messages_per_s": UNHURRIED, "burst_messages": UNHURRIED}},
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
    through: Counter[str] = field(default_factory=Counter)
    """Of those acknowledged: by gateway."""


@dataclass
class Trader:
    """One connection's account, and what it was told."""

    name: str
    gateway: str
    desk: Desk
    sent: int = 0
    orders: dict[int, dict[str, Any]] = field(default_factory=dict)
    """How the orders were sent that were accepted."""
    live: list[int] = field(default_factory=list)
    """Orders that may still be in the book."""
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

    async def place(self, asked: dict[str, Any], *, again: bool = False) -> None:
        """Sends an order and notes its answer."""
        placed = await self.desk.place(asked, again=again)
        self.new += placed.number not in self.orders
        self.orders[placed.number] = asked
        if placed.is_live:
            self.live.append(placed.number)
        if placed.trades is not None:
            self.trades[placed.number] = placed.trades

    async def work(self, rng: random.Random) -> None:
        """Sends until the server is gone."""
        with contextlib.suppress(GoneError):
            while True:
                if self.live and rng.random() < 0.25:
                    number = self.live.pop(rng.randrange(len(self.live)))
                    if await self.desk.cancel(number):
                        self.canceled.add(number)
                        self.new += 1
                    continue
                self.unanswered = asked = self.order(rng)
                await self.place(asked)
                self.unanswered = None


@dataclass
class Journal:
    """What the journal says has happened."""

    accepted: dict[int, int]
    """Accounts' numbers by order."""
    takers: dict[int, int]
    """How many trades each order has taken."""
    canceled: set[int]
    accounts: dict[str, int]
    fills: dict[int, set[tuple[int, int]]]
    """By account: orders and their trades' ids, whoever was the taker."""

    def owed(self, account: str) -> Told:
        """All that happened to an account's orders."""
        number = self.accounts[account]
        orders = {order for order, owner in self.accepted.items() if owner == number}
        return Told(orders, self.fills.get(number, set()), orders & self.canceled)


def read(data: Path, scratch: Path) -> Journal:
    """Read a copy: opening it would recover the directory before the server does."""
    shutil.rmtree(scratch, ignore_errors=True)
    left_out = shutil.ignore_patterns("*sqlite*", "lock", "*.sock")
    shutil.copytree(data, scratch, ignore=left_out)
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
    owners = dict(zip(orders, new["account"].tolist(), strict=True))
    fills: dict[int, set[tuple[int, int]]] = {}
    for maker, taker, trade in trades[["order_id", "other", "detail"]].tolist():
        for order in (maker, taker):
            fills.setdefault(owners[order], set()).add((order, trade))
    return Journal(
        owners,
        dict(zip(takers.tolist(), counts.tolist(), strict=True)),
        set(records["order_id"][records["kind"] == KINDS["canceled"]].tolist()),
        accounts,
        fills,
    )


class Check:
    """One directory, the traders on it, and what they were told."""

    def __init__(self, directory: Path, seed: int, runner: asyncio.Runner) -> None:
        self.tally = Tally()
        # One for all servers: sessions go on.
        self._runner = runner
        self._directory = directory
        self._seed = seed
        names = [(f"{gateway}-{number}", gateway) for gateway in GATEWAYS for number in range(TRADERS)]
        self._traders = [Trader(name, gateway, desk_of(gateway, name)) for name, gateway in names]
        self._owed: dict[str, Told] = {}

    def kill(self) -> None:
        """Let a server work, kill it, and check what it left.

        Raises:
            LostError: It is not what must be there.
        """
        rng = random.Random(f"{self._seed}/{self.tally.kills}")
        with listening(self._directory, CONFIG, PORTS) as server:
            self._runner.run(self._work(server, rng))
        self.tally.kills += 1
        self._compare(self.read())

    def finish(self) -> None:
        """Start it once more, which settles what got no answer, and stop it as one should."""
        with listening(self._directory, CONFIG, PORTS) as server:
            self._runner.run(self._end(server))
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
            asyncio.create_task(trader.work(random.Random(f"{rng.random()}/{trader.name}"))) for trader in self._traders
        ]
        await asyncio.sleep(rng.uniform(*WORK_S))
        server.server.process.kill()
        await asyncio.gather(*working)
        await self._close()

    async def _end(self, server: Listening) -> None:
        await self._settle(server)
        await self._close()

    async def _close(self) -> None:
        for trader in self._traders:
            await trader.desk.close()

    async def _settle(self, server: Listening) -> None:
        """Connects everybody, and sends again what got no answer: it is done now, or was before and is not done twice.

        So too some of what was answered, which is answered by the same order, whether it lives or has ended. Whoever is
        told what was missed waits for all of it first, while nobody trades.
        """
        rng = random.Random(f"{self._seed}/{self.tally.kills}/again")
        for trader in self._traders:
            await trader.desk.open(server)
        for trader in self._traders:
            owed = self._owed.get(trader.name)
            if owed is not None and (missing := await trader.desk.told_all(owed)):
                raise LostError(f"{self._where()}: {trader.name} was never told of {missing}")
        for trader in self._traders:
            if trader.desk.told is not None:
                # It knows what became of it: what it was not told of never was.
                trader.unanswered = None
                continue
            for number in rng.sample(sorted(trader.orders), min(SENT_AGAIN, len(trader.orders))):
                await self._send_again(trader, number)
            if trader.unanswered is not None:
                await trader.place(trader.unanswered, again=True)
                trader.unanswered = None

    async def _send_again(self, trader: Trader, number: int) -> None:
        """Sends an order that was answered before: it is answered as it is now, and nothing happens."""
        placed = await trader.desk.place(trader.orders[number], again=True)
        if placed.number != number:
            raise LostError(f"{trader.orders[number]}, which was order {number}, was answered with {placed.number}")
        self.tally.again += 1

    def _where(self) -> str:
        return f"after kill {self.tally.kills} (seed {self._seed}, {self._directory})"

    def _compare(self, journal: Journal) -> None:
        for trader in self._traders:
            owed = journal.owed(trader.name)
            self._owed[trader.name] = owed
            self._compare_answers(trader, journal, owed)
            if trader.desk.told is not None and (invented := owed.lacks(trader.desk.told)):
                raise LostError(f"{self._where()}: {trader.name} was told of what is not there: {invented}")
            self.tally.acknowledged += trader.new
            self.tally.through[trader.gateway] += trader.new
            self.tally.unanswered += trader.unanswered is not None
            trader.new = 0
        self.tally.trades = sum(sum(trader.trades.values()) for trader in self._traders)

    def _compare_answers(self, trader: Trader, journal: Journal, owed: Told) -> None:
        where, known = self._where(), set(trader.orders)
        if trader.desk.told is not None:
            known |= trader.desk.told.orders
        if lost := known - owed.orders:
            raise LostError(f"{where}: {trader.name} was told of {len(lost)} orders that are not there: {lost}")
        beyond = len(owed.orders - known)
        if beyond > (trader.unanswered is not None):
            raise LostError(f"{where}: {trader.name} has {beyond} orders more than it was told of")
        self.tally.beyond += beyond
        for order, told in trader.trades.items():
            # A taker trades when it arrives, and no more: none of these orders is collected or amended.
            if journal.takers.get(order, 0) != told:
                raise LostError(f"{where}: order {order} took {told} trades, and {journal.takers.get(order)} are there")
        if lost := trader.canceled - journal.canceled:
            raise LostError(f"{where}: {trader.name} was told of {len(lost)} cancels that are not there: {lost}")


def kill_often(directory: Path, kills: int, seed: int) -> Tally:
    """Kill so many servers on one directory, and check after each."""
    with asyncio.Runner() as runner:
        check = Check(directory, seed, runner)
        try:
            for _ in range(kills):
                check.kill()
            check.finish()
        except (RefusedRequestError, ToldTwiceError) as error:
            raise LostError(str(error)) from error
    return check.tally


def told(tally: Tally) -> str:
    """Say in one line what came of the kills."""
    through = ", ".join(f"{count:,} through {gateway}" for gateway, count in tally.through.items())
    return (
        f"{tally.kills:,} kills of the server; {tally.acknowledged:,} orders and cancels acknowledged with "
        f"{tally.trades:,} trades ({through}), none lost, none twice; {tally.unanswered:,} requests without an answer, "
        f"{tally.beyond:,} of them done before; {tally.again:,} answered orders sent again, each the same one"
    )


def main() -> int:
    """Kill as the command line asks for."""
    return run(__doc__.splitlines()[0], kill_often, told)


if __name__ == "__main__":
    sys.exit(main())
