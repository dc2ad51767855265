"""A server that is killed ends every connection: orders that were to end with one are gone when it is ready again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.gateways.grpc_client import Calls
from tests.server.listening import Listening, listening

from aeromatch.client import AsyncBinaryClient, Client
from aeromatch.gateways.grpc.generated import order_pb2 as pb

CONFIG: dict[str, Any] = {
    "exchange": {"durability": "os", "shards": {"count": 2}},
    "instruments": [{"symbol": "AAA"}, {"symbol": "BBB"}],
    "accounts": [{"name": "alice"}, {"name": "bob"}],
    "statistics": {"enabled": False},
    "auth": {"mode": "off"},
}


async def over_binary(server: Listening) -> None:
    host, port = server.doors["binary"]
    client = AsyncBinaryClient(f"{host}:{port}", account="alice", cancel_on_disconnect=True)
    await client.connect()
    server.server.process.kill()
    await client.close()


async def over_grpc(server: Listening) -> None:
    host, port = server.doors["grpc"]
    async with grpc.aio.insecure_channel(f"{host}:{port}", options=(("grpc.enable_http_proxy", 0),)) as channel:
        calls: Any = Calls(channel)
        trade = calls.Trade()
        asked = pb.CancelOnDisconnectRequest(account="alice", enabled=True)
        await trade.write(pb.TradeRequest(id=1, cancel_on_disconnect=asked))
        assert (await trade.read()).cancel_on_disconnect.enabled
        server.server.process.kill()


@pytest.mark.parametrize("door", ["binary", "grpc"])
def test_they_go_with_a_server_that_is_killed(tmp_path: Path, door: str) -> None:
    with listening(tmp_path, CONFIG, ("binary", "grpc")) as server:
        with Client(server.url) as client:
            gone = [client.submit(symbol, "buy", quantity=1, price=1, account="alice") for symbol in ("AAA", "BBB")]
            stays = client.submit("AAA", "buy", quantity=1, price=1, account="bob")
        asyncio.run({"binary": over_binary, "grpc": over_grpc}[door](server))
        server.server.ended()
    with listening(tmp_path, CONFIG, ("binary", "grpc")) as server, Client(server.url) as client:
        assert [client.order(order.order_id).status for order in gone] == ["canceled", "canceled"]
        assert client.order(stays.order_id).status == "open"
        # Once: what is entered from now on has nothing to do with it.
        later = client.submit("AAA", "buy", quantity=1, price=1, account="alice")
        server.server.process.kill()
        server.server.ended()
    with listening(tmp_path, CONFIG, ("binary", "grpc")) as server, Client(server.url) as client:
        assert client.order(later.order_id).status == "open"
        server.server.stop()
