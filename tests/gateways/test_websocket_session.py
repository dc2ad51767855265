"""A WebSocket connection: requests and answers, login, limits, garbage, heartbeats, goodbye."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from tests.gateways.fakes import ANYBODY
from tests.gateways.ws_venue import WsVenue, play
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from aeromatch.gateways.websocket import WebSocketOptions
from aeromatch.gateways.websocket.session import Session
from aeromatch.server.admission import KeyStore

CONNECTIONS = ("aeromatch_gateway_connections", "websocket")
SUBSCRIPTIONS = ("aeromatch_stream_subscriptions", "websocket")


def test_ping_has_the_servers_time() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            first = await client.ask("ping")
            assert (await client.ask("ping"))["timestamp"] > first["timestamp"] > 0
            assert venue.stages.counts[CONNECTIONS] == venue.app.connections == 1
        async with asyncio.timeout(10):
            while venue.app.connections:
                await asyncio.sleep(0.001)
        assert venue.stages.counts[CONNECTIONS] == 0
        assert venue.stages.counts["websocket", "ping", "200"] == 2

    play(test)


@pytest.mark.parametrize(
    ("fields", "slug", "status"),
    [
        ({"channel": "depth"}, "malformed", 400),
        ({"channel": "depth", "symbol": "XRP-USD"}, "unknown_instrument", 404),
        ({"channel": "nothing", "symbol": "BTC-USD"}, "malformed", 400),
        ({"channel": "depth", "symbol": "BTC-USD", "levels": -1}, "malformed", 400),
        ({"channel": "depth", "symbol": "BTC-USD", "interval_ms": 10**9}, "malformed", 400),
        ({"channel": "depth", "symbol": "BTC-USD", "period": "1m"}, "malformed", 400),
        ({"channel": "depth", "symbol": "BTC-USD", "from_sequence": 1}, "malformed", 400),
        ({"channel": "trades", "symbol": "BTC-USD", "levels": 5}, "malformed", 400),
        ({"channel": "trades", "symbol": "BTC-USD", "from_sequence": -1}, "malformed", 400),
        ({"channel": "trades", "symbol": "BTC-USD", "from_sequence": 10**9}, "malformed", 400),
        ({"channel": "trades", "symbol": "BTC-USD", "from_sequence": 2**70}, "malformed", 400),
        ({"channel": "trades", "symbol": "XRP-USD", "from_sequence": 1}, "unknown_instrument", 404),
        ({"channel": "candles", "symbol": "BTC-USD"}, "malformed", 400),
        ({"channel": "candles", "symbol": "BTC-USD", "period": "7m"}, "unknown_period", 400),
        ({"channel": "orders", "symbol": "BTC-USD", "account": "alice"}, "malformed", 400),
        ({"channel": "orders", "account": "nobody"}, "unknown_account", 404),
        ({"channel": "orders", "account": "alice", "from_sequence": [1, 2]}, "malformed", 400),
        ({"channel": "depth", "symbol": "BTC-USD", "depth": 5}, "malformed", 400),
    ],
)
def test_a_wrong_subscription_is_answered_and_the_connection_goes_on(
    fields: dict[str, object], slug: str, status: int
) -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            problem = await client.refused("subscribe", **fields)
            assert (problem["slug"], problem["status"]) == (slug, status)
            assert problem["detail"]
            await client.ask("subscribe", channel="depth", symbol="BTC-USD")
            assert (await client.next("depth"))["type"] == "snapshot"

    play(test)


def test_one_subscription_of_a_channel_and_symbol() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            assert await client.ask("subscribe", channel="ticker", symbol="BTC-USD") == {
                "channel": "ticker",
                "symbol": "BTC-USD",
            }
            again = await client.refused("subscribe", channel="ticker", symbol="BTC-USD", interval_ms=500)
            assert (again["slug"], again["status"]) == ("already_subscribed", 409)
            await client.ask("unsubscribe", channel="ticker", symbol="BTC-USD")
            gone = await client.refused("unsubscribe", channel="ticker", symbol="BTC-USD")
            assert (gone["slug"], gone["status"]) == ("not_subscribed", 404)
            await client.ask("subscribe", channel="ticker", symbol="BTC-USD", interval_ms=500)
            assert venue.stages.counts[SUBSCRIPTIONS] == 1
        await venue.feed.caught_up()
        async with asyncio.timeout(10):
            while venue.stages.counts[SUBSCRIPTIONS]:
                await asyncio.sleep(0.001)
        await venue.feed.caught_up()
        assert venue.hub.is_idle

    play(test)


def test_subscriptions_are_limited() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            for channel in ("depth", "ticker"):
                await client.ask("subscribe", channel=channel, symbol="BTC-USD")
            problem = await client.refused("subscribe", channel="trades", symbol="BTC-USD")
            assert (problem["slug"], problem["status"]) == ("too_many_subscriptions", 429)
            await client.ask("unsubscribe", channel="depth", symbol="BTC-USD")
            await client.ask("subscribe", channel="trades", symbol="BTC-USD")

    play(test, options=WebSocketOptions(subscriptions=2))


@pytest.mark.parametrize(
    ("text", "request_id"),
    [
        ("", None),
        ("nonsense", None),
        ('{"op": "dance", "id": 7}', 7),
        ('{"op": "order.new", "id": "x", "order": {"symbol": "BTC-USD"}}', "x"),
        ('{"id": 5}', 5),
        ('{"op": 5, "id": {}}', None),
        ("[" * 3000, None),
        (b'{"op": "ping", "id": \xff}', None),
        ("null", None),
        ('{"op": "ping", "id": 1.5}', None),
    ],
)
def test_a_message_that_is_no_request_is_answered(text: str | bytes, request_id: object) -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.connection.send(text)
            answer = await client.read()
            assert (answer["id"], answer["problem"]["slug"], answer["problem"]["status"]) == (
                request_id,
                "malformed",
                400,
            )
            assert "timestamp" in await client.ask("ping")

    play(test)


def test_what_is_wrong_with_a_field_is_said() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            order = {"symbol": "BTC-USD", "side": "up", "quantity": "1"}
            problem = await client.refused("order.new", order=order)
            assert problem["errors"][0]["pointer"] == "/order/side"
            problem = await client.refused("order.new", order={**order, "side": "buy", "quantity": 1.5})
            assert problem["errors"][0]["pointer"] == "/order/quantity"

    play(test)


def test_a_flood_of_garbage_is_ended_with_a_reason() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as good, venue.client() as client:
            with contextlib.suppress(ConnectionClosed):
                for _ in range(100):
                    await client.connection.send("garbage")
            code, reason, messages = await client.until_closed()
            assert (code, reason) == (1008, "malformed")
            assert messages[-1]["type"] == "closing"
            assert messages[-1]["problem"]["slug"] == "malformed"
            assert len(messages) == 6
            assert "timestamp" in await good.ask("ping")
        assert venue.stages.counts["aeromatch_gateway_closed_total", "websocket", "malformed"] == 1

    play(test, options=WebSocketOptions(faults=5))


def test_messages_are_limited_by_the_second() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            answers = [await client.request("ping") for _ in range(5)]
            assert [answer["problem"] is None for answer in answers] == [True, True, True, False, False]
            assert answers[-1]["problem"]["slug"] == "rate_limited"

    play(test, options=WebSocketOptions(messages_per_s=0.01, burst_messages=3))


def test_a_message_that_is_too_long_ends_the_connection() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.connection.send("x" * 2000)
            code, _, _ = await client.until_closed()
            assert code == 1009

    play(test, options=WebSocketOptions(max_message_bytes=1000))


def test_text_that_is_not_utf8_ends_the_connection() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            client.connection.protocol.send_frame(Frame(Opcode.TEXT, b"\xff\xfe"))
            client.connection.transport.write(b"".join(client.connection.protocol.data_to_send()))
            code, _, _ = await client.until_closed()
            assert code == 1007

    play(test)


def test_a_client_that_answers_no_ping_is_let_go() -> None:
    async def test(venue: WsVenue) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        writer.write(
            b"GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in await reader.readline()
        await reader.readuntil(b"\r\n\r\n")
        # A ping, then, since nobody answers it, the close frame and the end.
        async with asyncio.timeout(30):
            frames = await reader.read()
        assert frames[0] == 0x89
        assert b"\x88" in frames
        writer.close()
        async with asyncio.timeout(30):
            while venue.app.connections:
                await asyncio.sleep(0.001)

    play(test, options=WebSocketOptions(ping_interval_s=0.05, ping_timeout_s=0.05, close_timeout_s=0.05))


def test_pings_of_clients_are_answered() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client, asyncio.timeout(10):
            await (await client.connection.ping())

    play(test)


@pytest.mark.filterwarnings("error")
def test_who_goes_at_once_leaves_nothing_behind() -> None:
    async def test(venue: WsVenue) -> None:
        order = '{"op":"new_order","symbol":"BTC-USD","side":"buy","quantity":"1","price":"1","account":"alice"}'
        for text in ('{"op":"subscribe","channel":"trades","symbol":"BTC-USD"}', order):
            said: list[dict[str, Any]] = [
                {"type": "websocket.receive", "text": text},
                {"type": "websocket.disconnect", "code": 1006},
            ]
            session = Session(venue.app, 1, "127.0.0.1:1", MagicMock(), ANYBODY)

            async def receive(said: list[dict[str, Any]] = said) -> dict[str, Any]:
                return said.pop(0)

            # Its end is there before the task that would have answered has begun.
            await session.run(receive)
        gc.collect()

    play(test)


def test_the_server_says_goodbye() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as one, venue.client() as other:
            await one.ask("subscribe", channel="depth", symbol="BTC-USD")
            ends = [asyncio.ensure_future(client.until_closed()) for client in (one, other)]
            await venue.app.drain()
            for code, reason, messages in await asyncio.gather(*ends):
                assert (code, reason) == (1001, "draining")
                assert messages[-1]["problem"]["slug"] == "draining"
            with pytest.raises(InvalidStatus) as refused:
                async with venue.client():
                    pass
            assert refused.value.response.status_code == 503
            assert json.loads(refused.value.response.body or b"")["slug"] == "draining"
        assert venue.app.connections == 0

    play(test)


def test_orders_that_are_under_way_are_answered_before_the_server_goes() -> None:
    async def test(venue: WsVenue) -> None:
        order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "100"}
        async with venue.client() as client:
            for number in range(50):
                await client.connection.send(json.dumps({"op": "order.new", "id": number, "order": order}))
            while not venue.trading._turns._waiting:
                await asyncio.sleep(0)
            end = asyncio.ensure_future(client.until_closed())
            venue.services.state = "draining"
            await venue.app.drain()
            code, _, messages = await end
            assert code == 1001
            assert messages[-1]["type"] == "closing"
            entered = [message for message in messages[:-1] if message["problem"] is None]
            assert len(entered) == len(venue.exchange.book("BTC-USD")) > 0

    play(test)


def test_nobody_is_left_with_what_is_stale() -> None:
    def broken() -> None:
        raise RuntimeError("the disk is full")

    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            await client.ask("subscribe", channel="depth", symbol="BTC-USD")
            venue.feed.call(broken)
            code, reason, messages = await client.until_closed()
            assert (code, reason) == (1011, "unavailable")
            assert "the disk is full" in messages[-1]["problem"]["detail"]
        async with venue.client() as client:
            problem = await client.refused("subscribe", channel="depth", symbol="BTC-USD")
            assert (problem["slug"], problem["status"]) == ("unavailable", 503)

    play(test)


def test_keys_log_in_and_may_do_what_they_may(tmp_path: Path) -> None:
    keys = KeyStore(tmp_path / "keys.json")
    reader = keys.create("read", "alice").token
    trader = keys.create("trade", "alice").token

    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            for op, fields in (("subscribe", {"channel": "ticker", "symbol": "BTC-USD"}), ("orders.cancel", {})):
                problem = await client.refused(op, **fields)
                assert (problem["slug"], problem["status"]) == ("missing_credentials", 401)
            problem = await client.refused("login", token="nobody.nothing")
            assert problem["status"] == 401
            assert (await client.ask("login", token=reader))["account"] == "alice"
            await client.ask("subscribe", channel="ticker", symbol="BTC-USD")
            order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "99"}
            assert (await client.refused("order.new", order=order))["status"] == 403
            assert (await client.refused("subscribe", channel="orders", account="bob"))["status"] == 403
            assert (await client.ask("login", token=trader))["roles"] == ["read", "trade"]
            assert (await client.ask("order.new", order=order))["account"] == "alice"
        headers = {"authorization": f"Bearer {trader}"}
        async with venue.client(additional_headers=headers) as client:
            assert (await client.ask("subscribe", channel="orders"))["account"] == "alice"
        with pytest.raises(InvalidStatus) as refused:
            async with venue.client(additional_headers={"authorization": "Bearer nobody.nothing"}):
                pass
        assert refused.value.response.status_code == 401

    play(test, keys=tmp_path / "keys.json")


def test_who_does_not_log_in_is_let_go(tmp_path: Path) -> None:
    KeyStore(tmp_path / "keys.json").create("trade", "alice")

    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            code, reason, _ = await client.until_closed()
            assert (code, reason) == (1008, "missing_credentials")

    play(test, keys=tmp_path / "keys.json", options=WebSocketOptions(login_timeout_s=0.05))


def test_orders_are_canceled_when_the_connection_ends() -> None:
    async def test(venue: WsVenue) -> None:
        order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "99", "account": "alice"}
        async with venue.client() as client:
            problem = await client.refused("login", cancel_on_disconnect=True)
            assert problem["slug"] == "malformed"
            await client.ask("order.new", order=order)
        assert len(venue.exchange.book("BTC-USD")) == 1

    play(test)


def test_an_order_that_is_changed_is_named_in_one_way() -> None:
    async def test(venue: WsVenue) -> None:
        named = {"client_order_id": "mine", "symbol": "BTC-USD", "account": "alice"}
        async with venue.client() as client:
            for wrong in ({}, {"client_order_id": "mine"}, {**named, "order_id": "1"}):
                assert (await client.refused("order.amend", **wrong, amend={"price": "96"}))["slug"] == "malformed"
            assert (await client.refused("order.cancel", **named, order_id="1"))["slug"] == "malformed"
            assert (await client.refused("order.amend", **named, amend={"price": "96"}))["slug"] == "unknown_order"

    play(test)


def test_options_that_a_channel_has_not_are_refused() -> None:
    async def test(venue: WsVenue) -> None:
        async with venue.client() as client:
            for options in ({"levels": 5}, {"interval_ms": 100}, {"period": "1m"}, {"symbol": "BTC-USD"}):
                refused = await client.refused("subscribe", channel="orders", account="alice", **options)
                assert (refused["slug"], refused["errors"][0]["pointer"]) == ("malformed", f"/{next(iter(options))}")
            refused = await client.refused("subscribe", channel="depth", symbol="BTC-USD", account="alice")
            assert refused["errors"][0]["pointer"] == "/account"

    play(test)


def test_cancel_on_disconnect_with_a_key(tmp_path: Path) -> None:
    trader = KeyStore(tmp_path / "keys.json").create("trade", "alice").token

    async def test(venue: WsVenue) -> None:
        order = {"symbol": "BTC-USD", "side": "buy", "quantity": "1", "price": "99"}
        async with venue.client() as client:
            await client.ask("login", token=trader, cancel_on_disconnect=True)
            await client.ask("order.new", order=order)
            assert len(venue.exchange.book("BTC-USD")) == 1
        async with asyncio.timeout(30):
            while len(venue.exchange.book("BTC-USD")):
                await asyncio.sleep(0.001)

    play(test, keys=tmp_path / "keys.json")
