"""The client and a server that asks for keys: bearer tokens and signatures, over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.server.process import serving

from aeromatch.cli.main import cli
from aeromatch.client import AsyncClient, BearerToken, RejectedError, SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT_S = 60
CONFIG = """
auth: {{mode: keys, keys_file: {keys}}}
server: {{data_dir: {data}}}
instruments:
  - {{symbol: X, tick_size: 0.5}}
accounts:
  - name: alice
  - name: bob
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address, and the key of alice."""
    folder: Path = tmp_path_factory.mktemp("keys")
    arguments = ["keys", "create", "--role", "trade", "--account", "alice", "--keys-file", str(folder / "keys.yaml")]
    created = CliRunner().invoke(cli, [*arguments, "--json"])
    assert created.exit_code == 0, created.output
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(keys=folder / "keys.yaml", data=folder / "data"))
    with serving("--config", config) as process:
        yield process.ready(), json.loads(created.stdout)
        process.stop()


@pytest.mark.parametrize("orders_over", ["rest", "websocket"])
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_key_lets_its_account_in(server: tuple[str, dict[str, str]], orders_over: Any, is_signed: bool) -> None:
    url, key = server
    credentials = SigningKey(key["id"], key["secret"]) if is_signed else BearerToken(key["token"])

    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            AsyncClient(url, credentials=credentials, orders_over=orders_over) as client,
        ):
            who = await client.me()
            assert (who.key, who.account) == (key["id"], "alice")
            async with client.stream_orders() as own, client.local_book("X") as book:
                order = await client.submit("X", "buy", quantity=1, price="1.5")
                assert order.account == "alice"
                assert (await anext(own)).order_id == order.order_id
                await book.until(lambda local: local.quantity_at("buy", "1.5") == 1)
            assert (await client.mass_cancel()).order_ids == [order.order_id]
            with pytest.raises(RejectedError, match="not_permitted"):
                await client.submit("X", "buy", quantity=1, price=1, account="bob")
            with pytest.raises(RejectedError, match="not_permitted"):
                await client.create_account("carol")

    asyncio.run(run())


def test_orders_end_with_the_connection_where_that_was_asked_for(server: tuple[str, dict[str, str]]) -> None:
    url, key = server
    credentials = SigningKey(key["id"], key["secret"])

    async def run() -> None:
        async with (
            asyncio.timeout(WAIT_S),
            AsyncClient(url, credentials=credentials) as watching,
            watching.stream_orders() as own,
        ):
            async with AsyncClient(
                url, credentials=credentials, orders_over="websocket", cancel_on_disconnect=True
            ) as client:
                order = await client.submit("X", "buy", quantity=1, price="1.5")
                assert (await anext(own)).status == "open"
            ended = await anext(own)
            assert (ended.order_id, ended.status) == (order.order_id, "canceled")

    asyncio.run(run())


@pytest.mark.parametrize("credentials", [None, BearerToken("k.no"), SigningKey("k0", "no")])
def test_others_are_refused(server: tuple[str, dict[str, str]], credentials: Any) -> None:
    url, _ = server

    async def run() -> None:
        async with asyncio.timeout(WAIT_S), AsyncClient(url, credentials=credentials) as client:
            assert (await client.health()).status == "ready"
            with pytest.raises(RejectedError) as caught:
                await client.submit("X", "buy", quantity=1, price=1)
            assert caught.value.status == 401
            with pytest.raises(RejectedError) as caught:
                async with client.stream_tickers("X"):
                    pass
            assert caught.value.status == 401

    asyncio.run(run())
