"""The server is killed while a FIX client trades: what it is told in the end is what was done, each thing once."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from tests.gateways.fix_client import FixClient
from tests.gateways.test_fix_sessions import fills, told_once
from tests.server.process import Server, serving, write_config

CONFIG = """
exchange: {durability: os, shards: {count: 2}}
views: {periods: [1m]}
statistics: {enabled: false}
gateways: {fix: {enabled: true, port: 0}}
instruments:
  - {symbol: BTC-USD, tick_size: 1, lot_size: 0.001}
  - {symbol: ETH-USD, tick_size: 1, lot_size: 0.001}
accounts: [{name: alice}, {name: bob}]
"""
KILLS = 4
FLOW = 5
ENDED = ("2", "4", "8", "C")


def fix_port(server: Server) -> int:
    line = server.logged("ready")
    server.address = line["address"]
    return int(line["fix"].rpartition(":")[2])


class Flow:
    """Orders, replacements and cancels of two accounts, that meet; what they ask for does not depend on the answers."""

    def __init__(self, client: FixClient, seed: int) -> None:
        self._client, self._random = client, random.Random(seed)
        self._last: list[tuple[str, str]] = []
        self.orders: set[str] = set()
        self.asked: set[str] = set()
        self._count = 0

    def send(self) -> None:
        chance, client = self._random, self._client
        self._count += 1
        cl_ord_id = f"o-{self._count}"
        if self._last and chance.random() < 0.4:
            place = chance.randrange(len(self._last))
            before, side = self._last[place]
            self.asked.add(cl_ord_id)
            if chance.random() < 0.5:
                client.cancel(cl_ord_id, before, side)
            else:
                client.replace(cl_ord_id, before, chance.randint(1, 5), chance.randint(98, 102), side)
                self._last[place] = (cl_ord_id, side)
            return
        self.orders.add(cl_ord_id)
        account, side = chance.choice([("alice", "1"), ("bob", "2")])
        client.order(cl_ord_id, side, chance.randint(1, 5), chance.randint(98, 102), t1=account)
        self._last = [*self._last[-20:], (cl_ord_id, side)]


def answers(client: FixClient) -> Counter[str]:
    """How often each ClOrdID was answered."""
    found: Counter[str] = Counter()
    for message in client.messages:
        is_report = message.kind == "8"
        is_canceled = is_report and message[150] == "4" and message.get(41) is not None
        if message.kind == "9" or is_canceled or (is_report and message[150] in ("0", "8", "5")):
            found[message[11]] += 1
    return found


def compare(address: str, client: FixClient) -> None:
    """The last report of each order is the order as the exchange has it."""
    last = {it[37]: it for it in client.messages if it.kind == "8" and it[37] != "NONE" and it[150] != "I"}
    with httpx.Client(base_url=address) as http:
        known: dict[str, Any] = {}
        for account in ("alice", "bob"):
            asked: dict[str, Any] = {"account": account, "limit": 1000}
            cursor: str | None = ""
            while cursor is not None:
                page = http.get("/orders", params={**asked, "cursor": cursor} if cursor else asked).json()
                known |= {it["order_id"]: it for it in page["orders"]}
                cursor = page["next_cursor"]
    missing = [it for order_id, it in known.items() if order_id not in last]
    about = [it for it in client.messages if it[11] in [each["client_order_id"] for each in missing]]
    assert missing == [], about
    assert last.keys() == known.keys()
    told = fills(client)
    for order_id, order in known.items():
        report = last[order_id]
        assert float(report[14]) == float(order["filled_quantity"]) == told.get(order_id, 0), (report, order)
        assert (report[39] in ENDED) == (order["status"] in ("filled", "canceled")), (report, order)
        if order["status"] not in ("filled", "canceled"):
            assert float(report[38]) == float(order["quantity"]), (report, order)
            assert float(report[44]) == float(order["price"]), (report, order)
        # The exchange knows it by the first id of its chain.
        assert order["client_order_id"] is not None


def test_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    file = write_config(tmp_path, CONFIG)
    arguments = ("--config", file, "--data-dir", tmp_path / "data")

    async def life(server: Server, client: FixClient, flow: Flow, *, is_last: bool, delay_s: float) -> None:
        client.port = await asyncio.to_thread(fix_port, server)
        await client.log_on()
        loop = asyncio.get_running_loop()
        if not is_last:
            loop.call_later(delay_s, server.process.kill)
            while not client.closed.is_set():
                for _ in range(FLOW):
                    flow.send()
                # Not faster than it is answered.
                with contextlib.suppress(AssertionError):
                    await client.until(lambda: len(flow.orders) + len(flow.asked) - len(answers(client)) < 10 * FLOW)
                await asyncio.sleep(0.002)
            await client.close()
            return
        for _ in range(100):
            flow.send()
        everything = flow.orders | flow.asked
        try:
            await client.until(lambda: everything <= answers(client).keys())
        except AssertionError:
            raise AssertionError(f"no answer to {sorted(everything - answers(client).keys())}") from None
        await client.quiet()
        told_once(client)
        counts = answers(client)
        twice = {cl_ord_id for cl_ord_id, count in counts.items() if count > 1}
        assert twice == set(), "\n".join(str(it) for it in client.messages if it.get(11) in sorted(twice)[:2])
        assert counts.keys() == everything
        await asyncio.to_thread(compare, server.address, client)
        await client.log_out()

    async def main() -> None:
        client = FixClient(0)
        flow = Flow(client, 7)
        for number in range(KILLS + 1):
            with serving(*arguments) as server:
                is_last = number == KILLS
                await life(server, client, flow, is_last=is_last, delay_s=0.2 + 0.15 * number)
                if is_last:
                    assert await asyncio.to_thread(server.stop) == 0

    asyncio.run(main())
