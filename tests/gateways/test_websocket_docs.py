"""docs/websocket.md: its examples are messages, all of them, and its program follows a book."""

from __future__ import annotations

import asyncio
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from tests.feed.trading import Trader
from tests.gateways.ws_venue import WsVenue, play

from aeromatch._core import DepthReader
from aeromatch.gateways.websocket import WebSocketOptions
from aeromatch.schema.messages import Reply, WebSocketMessage, WebSocketRequest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "websocket.md").read_text()
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", PAGE, re.DOTALL)
TYPES: dict[str, Any] = {"request": WebSocketRequest, "message": WebSocketMessage, "answer": Reply}


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_an_example_is_what_the_schema_says(kind: str, text: str) -> None:
    decoded = msgspec.json.decode(text, type=TYPES[kind])
    shown: Any = msgspec.json.decode(text)
    # Every field that is shown is one of the message's, with that value: nothing was passed over.
    assert_within(shown, msgspec.json.decode(msgspec.json.encode(decoded)))


def assert_within(shown: Any, decoded: Any) -> None:
    if isinstance(shown, dict):
        assert shown.keys() <= decoded.keys()
        for name, value in shown.items():
            assert_within(value, decoded[name])
    elif isinstance(shown, list) and shown and isinstance(shown[0], dict):
        assert len(shown) == len(decoded)
        for one, other in zip(shown, decoded, strict=True):
            assert_within(one, other)
    else:
        assert decoded == shown


def test_every_message_has_an_example() -> None:
    for kind in ("request", "message"):
        shown = {type(msgspec.json.decode(text, type=TYPES[kind])) for example, text in EXAMPLES if example == kind}
        assert shown == set(get_args(TYPES[kind]))


def test_the_limits_that_the_page_names_are_the_defaults() -> None:
    options = WebSocketOptions()
    for text in (
        f"After {options.faults} of them in a row",
        f"A connection has {options.subscriptions} at most",
        f"by a `login` within {options.login_timeout_s:g} seconds",
        f"more than {options.queue_messages} messages or {options.queue_bytes >> 20} MiB",
        f"or {options.slow_timeout_s:g} seconds of slowness",
        f"longer than {options.max_message_bytes >> 10} KiB",
        f"within {options.ping_timeout_s:g} seconds; one is sent every {options.ping_interval_s:g} seconds",
        f"may send {options.messages_per_s:g} messages a second, {options.burst_messages} at once",
    ):
        assert text in PAGE.replace("\n", " ")


def test_the_program_follows_a_book() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "local_book"}
    exec(compile(code, "docs/websocket.md", "exec"), names)

    async def test(venue: WsVenue) -> None:
        trader = Trader(venue.exchange, "BTC-USD", random.Random(3))
        reader = DepthReader(venue.exchange, "BTC-USD")
        url = f"ws://127.0.0.1:{venue.port}/ws"
        books = names["local_book"](url, "BTC-USD")
        update_id, bids, asks = await anext(books)
        assert (bids, asks) == ({}, {})
        for _ in range(10):
            await asyncio.to_thread(trader.trade, 30)
            reader.read()
            expected = [
                {Decimal(price): Decimal(quantity) for price, quantity in levels} for levels in reader.levels()[2:]
            ]
            while [bids, asks] != expected:
                last = update_id
                update_id, bids, asks = await anext(books)
                assert update_id > last
        await books.aclose()

    play(test)
