"""Clients of gRPC that mean no good, or know no better: what they get, and that it hurts nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2
from tests.gateways.grpc_client import EOF, GrpcVenue, play, submit
from tests.server.real_venue import CONFIG

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.options import GrpcOptions
from aeromatch.gateways.grpc.outlet import Outlet

Code = grpc.StatusCode
GARBAGE = (b"\xff" * 64, b"\x0a\xff\xff\xff\xff\x0f", b"\x08")
SERVICES = pb.DESCRIPTOR.services_by_name.values()
UNARY = [
    f"/{service.full_name}/{method.name}"
    for service in SERVICES
    for method in service.methods
    if not method.server_streaming
]
STREAMS = [
    f"/{service.full_name}/{method.name}"
    for service in SERVICES
    for method in service.methods
    if method.server_streaming and not method.client_streaming
]
TRADE = "/aeromatch.v1.OrderEntry/Trade"
REFLECTION = [f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha")]
HEALTH = "/grpc.health.v1.Health"
LITTLE_ROOM = {"grpc.http2.bdp_probe": 0, "grpc.http2.lookahead_bytes": 4096}


@pytest.fixture(autouse=True)
def nothing_is_logged_as_a_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do is no error of the server."""
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def trades(venue: GrpcVenue, client_order_id: str) -> None:
    """Somebody else is served."""
    answer = await venue.calls.SubmitOrder(submit(account="bob", client_order_id=client_order_id))
    assert answer.status == pb.ORDER_STATUS_OPEN


async def code_of(call: Any) -> grpc.StatusCode:
    """How a call ends; what it gives before that is passed over."""
    try:
        if isinstance(call, aio.UnaryUnaryCall | aio.StreamUnaryCall):
            await call
        else:
            while await call.read() is not EOF:
                pass
    except aio.AioRpcError as error:
        return error.code()
    except asyncio.CancelledError:
        assert call.cancelled()
        return Code.CANCELLED
    ended: grpc.StatusCode = await call.code()
    return ended


def test_what_is_no_message_is_refused_by_every_method(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        channel = venue.calls.channel
        for data in GARBAGE:
            for route in (*UNARY, f"{HEALTH}/Check"):
                assert await code_of(channel.unary_unary(route)(data)) == Code.INVALID_ARGUMENT, route
            for route in (*STREAMS, f"{HEALTH}/Watch"):
                assert await code_of(channel.unary_stream(route)(data)) == Code.INVALID_ARGUMENT, route
            for route in (TRADE, *REFLECTION):
                call = channel.stream_stream(route)()
                await call.write(data)
                assert await code_of(call) == Code.INVALID_ARGUMENT, route
        await trades(venue, "after")

    play(tmp_path, test)


def test_methods_and_metadata_that_nobody_knows(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        channel = venue.calls.channel
        for route in ("/aeromatch.v1.OrderEntry/None", "/aeromatch.v2.OrderEntry/SubmitOrder", "/", "//", "/\u00e9"):
            assert await code_of(channel.unary_unary(route)(b"")) == Code.UNIMPLEMENTED, route
        request = submit().SerializeToString()
        strange: tuple[tuple[str, str | bytes], ...] = (
            ("x-aeromatch-timestamp", "yesterday"),
            ("x-aeromatch-key-bin", b"\x00\xff" * 20),
            ("authorization-bin", b"\xff\x00"),
            ("grpc-nonsense", "1"),
            ("x-unknown", "~" * 2000),
        )
        for name, value in strange:
            await channel.unary_unary(UNARY[0])(request, metadata=((name, value),))
        much = (("x-unknown", "~" * 100_000),)
        assert await code_of(channel.unary_unary(UNARY[0])(request, metadata=much)) == Code.RESOURCE_EXHAUSTED
        await trades(venue, "after")

    play(tmp_path, test)


def test_calls_that_have_no_message_or_too_many(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        channel = venue.calls.channel

        async def messages(count: int) -> AsyncIterator[bytes]:
            for _ in range(count):
                yield submit().SerializeToString()

        # Too many: the first one counts. None: gRPC waits for it, until the client has had enough.
        assert await code_of(channel.stream_unary(UNARY[0])(messages(3))) == Code.OK
        for make in (channel.stream_unary(UNARY[0]), channel.stream_stream(STREAMS[0])):
            assert await code_of(make(messages(0), timeout=0.2)) == Code.DEADLINE_EXCEEDED
        # A stream that says nothing and is half-closed at once is one that has ended.
        assert await code_of(channel.stream_stream(TRADE)(messages(0))) == Code.OK
        await trades(venue, "after")

    play(tmp_path, test)


def test_calls_that_are_given_up_leave_nothing_behind(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls, table = venue.calls, venue.real.venue.admission
        await trades(venue, "before")
        before = table.connection_count
        for _ in range(3):
            given_up: list[Any] = []
            for number in range(20):
                trade = calls.Trade()
                await trade.write(pb.TradeRequest(id=number, submit_order=submit()))
                given_up += [
                    trade,
                    calls.StreamDepth(pb.StreamDepthRequest(symbols=["BTC-USD"])),
                    calls.StreamOrders(pb.StreamOrdersRequest(account="alice")),
                    calls.ListOrders(pb.ListOrdersRequest(account="alice")),
                    calls.SubmitOrder(submit()),
                ]
            # Some have begun, some have not.
            await given_up[1].initial_metadata()
            for call in given_up:
                call.cancel()
            for call in given_up:
                await code_of(call)
        while table.connection_count > before or not venue.real.venue.hub.is_idle:
            await asyncio.sleep(0.01)
        await trades(venue, "after")

    play(tmp_path, test)


def test_what_is_late_already_is_not_done(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        calls = venue.calls
        for timeout_s in (1e-9, -1):
            assert await code_of(calls.SubmitOrder(submit(), timeout=timeout_s)) == Code.DEADLINE_EXCEEDED
            assert await code_of(calls.Trade(timeout=timeout_s)) == Code.DEADLINE_EXCEEDED
        # One that is patient and hears nothing.
        following = calls.StreamOrders(pb.StreamOrdersRequest(account="alice"), timeout=0.2)
        assert await code_of(following) == Code.DEADLINE_EXCEEDED
        assert not (await calls.ListOrders(pb.ListOrdersRequest(account="alice"))).orders

    play(tmp_path, test)


def test_a_server_that_stops_waits_for_no_client_that_does_not_read(tmp_path: Path) -> None:
    config = CONFIG + "gateways: {grpc: {enabled: true, port: 0, buffer_bytes: 1024, close_timeout_s: 0.2}}\n"

    async def test(venue: GrpcVenue) -> None:
        calls, streams = venue.calls, []
        for _ in range(3):
            streams.append(calls.StreamOrders(pb.StreamOrdersRequest(account="alice")))
            await streams[-1].initial_metadata()
        trade = calls.Trade()
        batch = pb.SubmitOrdersRequest(orders=[submit().order] * 100)
        for number in range(20):
            await trade.write(pb.TradeRequest(id=number, submit_orders=batch))
        for _ in range(20):
            await calls.SubmitOrders(batch)
        await venue.server.drain()
        for stream in (*streams, trade):
            assert await code_of(stream) in (Code.UNAVAILABLE, Code.CANCELLED, Code.RESOURCE_EXHAUSTED)

    play(tmp_path, test, config=config, **LITTLE_ROOM)


def test_health_of_everything_is_asked_for_at_once(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        every = venue.calls.channel.unary_unary(
            f"{HEALTH}/List",
            request_serializer=health_pb2.HealthListRequest.SerializeToString,
            response_deserializer=health_pb2.HealthListResponse.FromString,
        )
        statuses = (await every(health_pb2.HealthListRequest())).statuses
        assert {"", *(service.full_name for service in SERVICES)} <= set(statuses)
        assert {status.status for status in statuses.values()} == {health_pb2.HealthCheckResponse.SERVING}

    play(tmp_path, test)


def test_who_has_gone_is_not_slow() -> None:
    async def main() -> None:
        counted: list[str] = []
        options = GrpcOptions(buffer_bytes=1, slow_timeout_s=0.01)
        outlets = [Outlet(options, lambda name, **_: counted.append(name), lambda: None) for _ in range(2)]
        for outlet in outlets:
            outlet.send(b"1234")
            outlet.send(b"5678")
        outlets[0].close()
        # A timer that is set later is over later.
        await asyncio.sleep(2 * options.slow_timeout_s)
        assert [outlet.ending is None for outlet in outlets] == [True, False]
        assert counted == ["aeromatch_gateway_closed_total"]

    asyncio.run(main())
