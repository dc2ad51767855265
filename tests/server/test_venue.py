"""The server as a whole: what one gateway is told the others show, and it is there after a restart."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import websockets
from tests.server.process import WAIT_S, serving, write_config

from aeromatch import AsyncExchange, Instrument
from aeromatch.server.app import App, Status
from aeromatch.server.compose import Venue
from aeromatch.server.config import Loaded, load

MARKET = """
exchange: {durability: os}
instruments:
  - {symbol: BTC-USD, tick_size: 0.01, lot_size: 0.001}
accounts: [{name: alice}, {name: bob}]
"""
SELL = {"symbol": "BTC-USD", "side": "sell", "quantity": "2", "price": "100", "account": "bob"}
BUY = {**SELL, "side": "buy", "quantity": "0.5", "account": "alice", "client_order_id": "first"}


def test_orders_trades_and_candles_are_there_after_a_restart(tmp_path: Path) -> None:
    config = write_config(tmp_path, MARKET)
    shown: list[Any] = []
    for _ in range(2):
        with serving("--config", config) as server:
            server.ready()
            if not shown:
                assert server.ask("/order", SELL)[1]["status"] == "open"
                assert server.ask("/order", BUY)[1]["status"] == "filled"
            trades = server.ask("/trades/BTC-USD")[1]["trades"]
            candles = server.ask("/candles/BTC-USD?period=1d")[1]["candles"]
            live = server.ask("/orders?account=bob&status=live")[1]["orders"]
            done = server.ask("/orders?account=alice&status=done")[1]["orders"]
            assert [(trade["price"], trade["quantity"], trade["side"]) for trade in trades] == [
                ("100.00", "0.500", "buy")
            ]
            assert [(candle["close"], candle["volume"]) for candle in candles] == [("100.00", "0.500")]
            assert [order["remaining_quantity"] for order in live] == ["1.500"]
            assert [(order["status"], order["client_order_id"]) for order in done] == [("filled", "first")]
            shown.append((trades, live, done))
            assert server.stop() == 0
    assert shown[0] == shown[1]


def test_an_order_over_rest_is_seen_over_websocket(tmp_path: Path) -> None:
    async def watch(address: str) -> list[dict[str, Any]]:
        async with asyncio.timeout(WAIT_S), websockets.connect(address.replace("http", "ws") + "/ws") as socket:
            for channel in ({"channel": "orders", "account": "alice"}, {"channel": "trades", "symbol": "BTC-USD"}):
                await socket.send(json.dumps({"op": "subscribe", **channel}))
                assert json.loads(await socket.recv())["problem"] is None
            await asyncio.to_thread(server.ask, "/order", BUY)
            told: list[dict[str, Any]] = []
            while {message["channel"] for message in told} != {"orders", "trades"}:
                told.append(json.loads(await socket.recv()))
            return sorted(told, key=lambda message: str(message["channel"]))

    with serving("--config", write_config(tmp_path, MARKET)) as server:
        address = server.ready()
        assert server.ask("/order", SELL)[0] == 201
        orders, trades = asyncio.run(watch(address))
        (order,) = orders["orders"]
        assert (order["status"], order["account"], order["filled_quantity"]) == ("filled", "alice", "0.500")
        assert order["client_order_id"] in ("first", None)
        assert [(fill["price"], fill["quantity"], fill["liquidity"]) for fill in order["fills"]] == [
            ("100.00", "0.500", "taker")
        ]
        assert [trade["trade_id"] for trade in trades["trades"]] == [fill["trade_id"] for fill in order["fills"]]
        assert server.stop() == 0


def test_the_views_do_not_get_in_the_way_of_other_readers(tmp_path: Path) -> None:
    """What becomes known is read in the feed's thread, while other threads read the exchange for requests."""

    async def read_on(exchange: AsyncExchange, ending: asyncio.Event) -> None:
        while not ending.is_set():
            await exchange._turn(lambda: exchange._exchange.balances("alice"))

    async def main(loaded: Loaded) -> str:
        status = Status("test")
        venue = await Venue.open(loaded, App(status), status)
        try:
            ending = asyncio.Event()
            reading = asyncio.create_task(read_on(venue.exchange, ending))
            for number in range(200):
                await venue.exchange.create_account(f"account-{number}")
                await venue.exchange.create_instrument(Instrument(f"I{number}"))
                await asyncio.sleep(0)
            await venue.services.market.reached(venue.exchange.sequences)
            ending.set()
            await reading
            return status.detail
        finally:
            await venue.close()

    assert asyncio.run(main(load(write_config(tmp_path, MARKET), {}))) == ""
