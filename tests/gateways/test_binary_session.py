"""Sessions of the binary gateway against the real server: who is let in, and what ends a session."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.gateways.binary_venue import CONFIG, Raw, binary_venue, keyed_venue, raw, signed
from tests.server.serving import played

from aeromatch import commands
from aeromatch.client import AsyncBinaryClient, NoConnectionError, RejectedError, SigningKey
from aeromatch.client.wire import (
    FROM_NOW,
    HEADER,
    Alive,
    Channel,
    Kind,
    Listing,
    Refusals,
    Welcome,
    encode_login,
    encode_subscription,
    encode_test,
)
from aeromatch.client.wire_codes import CODES
from aeromatch.server.admission.audit import read_notes


@played
async def test_a_good_key_is_welcome_and_noted(tmp_path: Path) -> None:
    async with keyed_venue(tmp_path) as (venue, keys), raw(venue) as one:
        one.login(keys["alice"])
        welcome = await one.next(Welcome)
        assert len(welcome.positions) == 2
        assert abs(welcome.time_ns - time.time_ns()) < 60e9
        one.send(Kind.LIST)
        listing = await one.next(Listing)
        assert (listing.account, listing.account_name) == (welcome.account, "alice")
        assert {each.symbol: (each.tick_size, each.lot_size) for each in listing.instruments} == {
            "BTC-USD": ("0.01", "0.001"),
            "ETH-USD": ("0.5", "1"),
        }
        notes = [note for note in read_notes(tmp_path / "data" / "audit.jsonl") if note.kind == "session"]
        (note,) = [note for note in notes if note.number == welcome.session]
        assert (note.key, note.account) == (keys["alice"].key_id, "alice")
        assert note.remote.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"key_id": "k000000000000"}, "invalid_key"),
        ({"signature": bytes(32)}, "invalid_signature"),
        ({"timestamp_ms": 1_600_000_000_000}, "invalid_signature"),
        ({"key_id": ""}, "missing_credentials"),
    ],
    ids=["another key", "no signature", "another time", "no key"],
)
@played
async def test_bad_logins(tmp_path: Path, change: dict[str, Any], slug: str) -> None:
    async with keyed_venue(tmp_path) as (venue, keys), raw(venue) as one:
        one.send(Kind.LOGIN, encode_login(**{**signed(keys["alice"]), **change}))
        found = (await one.ended()).slug
        # What is wrong is looked at in this order: a time that is not signed may be told by either.
        assert found == slug or (slug == "invalid_signature" and found == "expired_timestamp")


@played
async def test_an_old_signature_and_one_that_was_used(tmp_path: Path) -> None:
    async with keyed_venue(tmp_path) as (venue, keys):
        async with raw(venue) as one:
            old = signed(keys["alice"], timestamp_ms=time.time_ns() // 1_000_000 - 60_000)
            one.send(Kind.LOGIN, encode_login(**old))
            assert (await one.ended()).slug == "expired_timestamp"
        login = encode_login(**signed(keys["alice"]))
        async with raw(venue) as one:
            one.send(Kind.LOGIN, login)
            await one.next(Welcome)
        async with raw(venue) as one:
            one.send(Kind.LOGIN, login)
            assert (await one.ended()).slug == "replayed_nonce"


@played
async def test_keys_act_for_their_own_account(tmp_path: Path) -> None:
    async with keyed_venue(tmp_path) as (venue, keys):
        for account, slug in (("bob", "not_permitted"), ("nobody", "not_permitted")):
            with pytest.raises(RejectedError) as refused:
                await venue.client(account, credentials=keys["alice"]).connect()
            assert refused.value.slug == slug
        with pytest.raises(RejectedError, match="unknown_account"):
            await venue.client("nobody", credentials=keys["operator"]).connect()
        async with venue.client("bob", credentials=keys["operator"]) as operator:
            order = await operator.submit("BTC-USD", "buy", quantity=1, price=1)
            assert order.account == "bob"
        async with venue.client(credentials=keys["reader"]) as reader:
            with pytest.raises(RejectedError, match="not_permitted"):
                await reader.submit("BTC-USD", "buy", quantity=1, price=1)


def frame(
    kind: int, body: bytes = b"", *, count: int = 0, number: int = 2, version: int = 1, length: int = -1
) -> bytes:
    return HEADER.pack(len(body) if length < 0 else length, kind, version, count, number) + body


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (frame(99), "malformed"),
        (frame(Kind.WELCOME), "malformed"),
        (frame(Kind.HEARTBEAT, version=2), "malformed"),
        (frame(Kind.HEARTBEAT, b"x"), "malformed"),
        (frame(Kind.COMMANDS, bytes(63), count=1), "malformed"),
        (frame(Kind.COMMANDS, bytes(64), count=2), "malformed"),
        (frame(Kind.COMMANDS, b"\1\1\2" + bytes(61), count=1), "malformed"),
        (frame(Kind.SUBSCRIBE, bytes(24)), "malformed"),
        (frame(Kind.LOGIN, bytes(192)), "malformed"),
        (frame(Kind.HEARTBEAT, number=3), "bad_sequence"),
        (frame(Kind.HEARTBEAT, number=1), "bad_sequence"),
        (frame(Kind.COMMANDS, length=2**32 - 1), "body_too_large"),
        (frame(Kind.COMMANDS, length=(1 << 20) + 1), "body_too_large"),
    ],
)
@played
async def test_frames_that_end_a_session(tmp_path: Path, data: bytes, slug: str) -> None:
    async with binary_venue(tmp_path) as venue, raw(venue) as one:
        one.login(account="alice")
        await one.next(Welcome)
        one.put(data)
        assert (await one.ended()).slug == slug


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (frame(Kind.LIST, number=1), "unauthenticated"),
        (frame(Kind.LOGIN, bytes(100), number=1), "malformed"),
        (frame(Kind.LOGIN, bytes(192), number=1, count=1), "malformed"),
        (frame(Kind.LOGIN, bytes(128) + b"\xff" * 64, number=1), "malformed"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "malformed"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), "malformed"),
    ],
    ids=["no login", "a short one", "positions that are not there", "an account that is no text", "HTTP", "TLS"],
)
@played
async def test_what_is_no_login(tmp_path: Path, data: bytes, slug: str) -> None:
    async with binary_venue(tmp_path) as venue, raw(venue) as one:
        one.put(data)
        assert (await one.ended()).slug in (slug, "body_too_large", "bad_sequence")


@played
async def test_frames_come_byte_by_byte(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, raw(venue) as one:
        one.login(account="alice")
        await one.next(Welcome)
        for byte in frame(Kind.TEST, encode_test(2**64 - 1)):
            one.put(bytes((byte,)))
            await asyncio.sleep(0)
        alive = await one.next(Alive, lambda each: each.test != 0)
        assert alive.test == 2**64 - 1
        assert len(alive.positions) == 2


@played
async def test_garbage_ends_sessions_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(1)
    async with binary_venue(tmp_path) as venue, venue.client("alice") as client:
        for turn in range(60):
            async with raw(venue) as one:
                if turn % 2:
                    one.login(account="bob")
                    await one.next(Welcome)
                with contextlib.suppress(ConnectionError):
                    one.put(chance.randbytes(chance.randrange(1, 3000)))
                    await one.writer.drain()
        order = await client.submit("BTC-USD", "buy", quantity=1, price=1)
        assert order.status == "open"
        assert client.connections == 1


@played
async def test_positions_that_cannot_be(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue:
        for positions, slugs in (([1, 2, 3], {"malformed"}), ([1 << 40, FROM_NOW], {"sequence_not_kept"})):
            async with raw(venue) as one:
                one.login(account="alice", positions=positions)
                assert (await one.ended()).slug in slugs


@played
async def test_who_says_nothing_is_ended(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, raw(venue) as one:
        one.login(account="alice", heartbeat_ms=100)
        assert (await one.next(Welcome)).heartbeat_ms == 100
        await one.next(Alive)
        assert (await one.ended()).slug == "idle"


@played
async def test_no_login_in_time(tmp_path: Path) -> None:
    config = CONFIG.replace("socket: null", "socket: null, login_timeout_s: 0.1")
    async with binary_venue(tmp_path, config) as venue, raw(venue) as one:
        assert (await one.ended()).slug == "request_timeout"


@played
async def test_logout_and_drain(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue:
        async with raw(venue) as one:
            one.login(account="alice")
            await one.next(Welcome)
            one.send(Kind.LOGOUT)
            assert (await one.ended()).slug == "logged_out"
        async with raw(venue) as one:
            one.login(account="alice")
            await one.next(Welcome)
            draining = asyncio.create_task(venue.real.venue.listeners["binary"].drain())
            assert (await one.ended()).slug == "draining"
            await draining
        with pytest.raises(NoConnectionError):
            await AsyncBinaryClient(venue.address, timeout_s=0.5).connect()


@played
async def test_too_many_connections(tmp_path: Path) -> None:
    variables = {"AEROMATCH_LIMITS__CONNECTIONS": "2"}
    async with binary_venue(tmp_path, **variables) as venue, raw(venue) as one, raw(venue) as two:
        for each in (one, two):
            each.login(account="alice")
            await each.next(Welcome)
        async with raw(venue) as three:
            assert (await three.ended()).slug == "too_many_connections"


@played
async def test_subscriptions_are_refused_by_their_tags(tmp_path: Path) -> None:
    async with binary_venue(tmp_path) as venue, raw(venue) as one:
        one.login(account="alice")
        await one.next(Welcome)
        one.send(Kind.SUBSCRIBE, encode_subscription(Channel.TRADES, 999, tag=5))
        one.send(Kind.UNSUBSCRIBE, encode_subscription(Channel.DEPTH, 1, tag=6))
        entries = [(await one.next(Refusals)).entries.tolist() for _ in range(2)]
        told = {entry[0]: CODES[entry[1]] for each in entries for entry in each}
        assert told == {5: "unknown_instrument", 6: "not_subscribed"}


@played
async def test_a_unix_socket_is_there_for_its_owner(tmp_path: Path) -> None:
    config = CONFIG.replace("port: 0, socket: null", "port: null, socket: b.sock")
    async with binary_venue(tmp_path, config) as venue:
        assert venue.address == str(tmp_path / "data" / "b.sock")
        assert Path(venue.address).stat().st_mode & 0o077 == 0
        async with AsyncBinaryClient(venue.address, account="alice") as client:
            assert (await client.submit("BTC-USD", "buy", quantity=1, price=1)).account == "alice"
    assert not Path(venue.address).exists()


@played
async def test_a_slow_reader_is_ended(tmp_path: Path) -> None:
    config = CONFIG.replace("socket: null", "socket: null, max_frame_bytes: 65536, outbound_bytes: 65536")
    async with binary_venue(tmp_path, config) as venue, venue.client("alice", follow_orders=False) as client:
        slow = await _silent(Raw(*await asyncio.open_connection(venue.host, venue.port)))
        number = await client.instrument_number("BTC-USD")
        batch = commands(side=["buy"] * 20_000, price_ticks=100, quantity_lots=1000, instrument=number)
        ended = venue.real.venue.listeners["binary"]
        for _ in range(20):
            await client.process(batch)
            if dict(_counts(ended)).get("slow_consumer"):
                break
        assert dict(_counts(ended))["slow_consumer"] == 1
        slow.writer.transport.abort()


def _counts(listener: Any) -> list[tuple[str, float]]:
    return [(labels[0], value) for name, labels, value in listener.samples() if name == "aeromatch_binary_ended_total"]


async def _silent(one: Raw) -> Raw:
    """Logs in, and reads nothing more."""
    one.login(account="alice", heartbeat_ms=60_000)
    await one.next(Welcome)
    transport: Any = one.writer.transport
    transport.pause_reading()
    return one


def test_a_key_is_not_shown() -> None:
    client = AsyncBinaryClient("127.0.0.1:1", credentials=SigningKey("k0", "ams_secret"))
    assert "ams_secret" not in repr(client)
