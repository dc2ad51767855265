"""The gRPC gateway as a server: health, reflection, keys, TLS, and what it says of its address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.gateways.grpc_client import EOF, GATEWAY, Calls, GrpcVenue, play, problem_of, refused, submit
from tests.security.certificates import authority, needs_openssl
from tests.security.guarded import CONFIG as KEYS
from tests.security.guarded import Guarded, bearer, headers_of
from tests.server.process import serving
from tests.server.real_venue import CONFIG, real_venue

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.server.errors import ServerError

Code = grpc.StatusCode
Health = health_pb2.HealthCheckResponse
ROUTE = "/aeromatch.v1.OrderEntry/SubmitOrder"


def health(venue: GrpcVenue, method: str) -> Any:
    make: Any = {"Check": venue.calls.channel.unary_unary, "Watch": venue.calls.channel.unary_stream}[method]
    return make(
        f"/grpc.health.v1.Health/{method}",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=Health.FromString,
    )


def test_health_follows_the_state_of_the_server(tmp_path: Path) -> None:
    async def test(venue: GrpcVenue) -> None:
        check, services = health(venue, "Check"), venue.real.venue.services
        for name in ("", "aeromatch.v1.OrderEntry", "aeromatch.v1.MarketData", "aeromatch.v1.Executions"):
            assert (await check(health_pb2.HealthCheckRequest(service=name))).status == Health.SERVING
        with pytest.raises(aio.AioRpcError) as unknown:
            await check(health_pb2.HealthCheckRequest(service="aeromatch.v2.OrderEntry"))
        assert unknown.value.code() == Code.NOT_FOUND
        watch = health(venue, "Watch")(health_pb2.HealthCheckRequest())
        nobody = health(venue, "Watch")(health_pb2.HealthCheckRequest(service="nobody"))
        assert (await nobody.read()).status == Health.SERVICE_UNKNOWN
        assert (await watch.read()).status == Health.SERVING
        services.state, services.detail = "failed", "the disk is gone"
        assert (await watch.read()).status == Health.NOT_SERVING
        code, problem = await refused(venue.calls.SubmitOrder(submit()))
        assert (code, problem.slug, problem.detail) == (Code.UNAVAILABLE, "unavailable", "the disk is gone")
        services.state, services.detail = "ready", ""
        assert (await watch.read()).status == Health.SERVING
        await venue.server.drain()
        assert (await watch.read()).status == Health.NOT_SERVING
        assert await watch.read() is EOF

    play(tmp_path, test)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_tells_of_the_services_and_their_proto(tmp_path: Path, version: str) -> None:
    async def test(venue: GrpcVenue) -> None:
        call: Any = venue.calls.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        stream = call()
        await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        listed = await stream.read()
        services = [service.name for service in listed.list_services_response.service]
        assert set(services) == {
            "aeromatch.v1.OrderEntry",
            "aeromatch.v1.MarketData",
            "aeromatch.v1.Executions",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        }
        # A tool that describes everything asks for each, and builds what it gets.
        for name in services:
            await stream.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=name))
            pool = DescriptorPool()
            for proto in reversed((await stream.read()).file_descriptor_response.file_descriptor_proto):
                pool.AddSerializedFile(proto)
            assert pool.FindServiceByName(name).methods
        await stream.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol="aeromatch.v1.OrderEntry"))
        (found,) = (await stream.read()).file_descriptor_response.file_descriptor_proto
        assert descriptor_pb2.FileDescriptorProto.FromString(found).name == "aeromatch/v1/order.proto"
        await stream.done_writing()
        assert await stream.read() is EOF

    play(tmp_path, test)


def test_keys_are_asked_for_and_signatures_cover_the_request(tmp_path: Path) -> None:
    guarded = Guarded(tmp_path, KEYS + GATEWAY)

    async def test(venue: GrpcVenue) -> None:
        calls, order = venue.calls, submit(account=None)

        async def slug(metadata: dict[str, str], request: pb.SubmitOrderRequest = order) -> tuple[grpc.StatusCode, str]:
            code, problem = await refused(calls.SubmitOrder(request, metadata=tuple(metadata.items())))
            return code, problem.slug

        assert await slug({}) == (Code.UNAUTHENTICATED, "missing_credentials")
        assert await slug({"authorization": "Bearer alice-1.wrong"}) == (Code.UNAUTHENTICATED, "invalid_key")
        assert await slug(bearer(guarded.reader)) == (Code.PERMISSION_DENIED, "not_permitted")
        token = tuple(bearer(guarded.alice).items())
        made = await calls.SubmitOrder(order, metadata=token)
        assert made.account == "alice"
        assert await slug(dict(token), submit(account="bob")) == (Code.PERMISSION_DENIED, "not_permitted")

        data = order.SerializeToString()
        signed = headers_of(guarded.alice, "POST", ROUTE, data)
        call = calls.SubmitOrder(order, metadata=tuple(signed.items()))
        assert (await call).account == "alice"
        assert "ratelimit-remaining" in dict(await call.trailing_metadata())
        assert await slug(signed) == (Code.UNAUTHENTICATED, "replayed_nonce")
        other = headers_of(guarded.alice, "POST", ROUTE, data)
        assert await slug(other, submit(account=None, price="1")) == (Code.UNAUTHENTICATED, "invalid_signature")

        # A Trade stream is signed once, over no body.
        once = headers_of(guarded.bob, "POST", "/aeromatch.v1.OrderEntry/Trade", b"")
        trade = calls.Trade(metadata=tuple(once.items()))
        await trade.write(pb.TradeRequest(id=1, submit_order=submit(account=None, side=pb.SIDE_SELL)))
        assert (await trade.read()).order.account == "bob"
        await trade.write(pb.TradeRequest(id=2, submit_order=submit(account="alice")))
        assert (await trade.read()).problem.slug == "not_permitted"
        orders = calls.StreamOrders(pb.StreamOrdersRequest(account="bob"), metadata=token)
        with pytest.raises(aio.AioRpcError) as foreign:
            await orders.read()
        assert problem_of(foreign.value).slug == "not_permitted"
        trade.cancel()

    play(tmp_path, test, file=guarded.config)


def test_streams_end_with_their_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeromatch.gateways.grpc.gateway.RECHECK_S", 0.05)
    guarded = Guarded(tmp_path, KEYS + GATEWAY)

    async def test(venue: GrpcVenue) -> None:
        token = tuple(bearer(guarded.alice).items())
        orders = venue.calls.StreamOrders(pb.StreamOrdersRequest(), metadata=token)
        trade = venue.calls.Trade(metadata=token)
        other = venue.calls.Trade(metadata=tuple(bearer(guarded.bob).items()))
        assert (await orders.read()).HasField("begun")
        await trade.initial_metadata()
        await other.initial_metadata()
        guarded.keys.revoke("alice-1")
        venue.real.venue.admission.reload(venue.real.venue.admission._options)
        for stream in (orders, trade):
            with pytest.raises(aio.AioRpcError) as ended:
                await stream.read()
            assert (ended.value.code(), problem_of(ended.value).slug) == (Code.UNAUTHENTICATED, "invalid_key")
        await other.write(pb.TradeRequest(id=1, submit_order=submit(account=None)))
        assert (await other.read()).HasField("order")
        other.cancel()

    play(tmp_path, test, file=guarded.config)


@asynccontextmanager
async def secure(address: str, root: Path, certificate: tuple[Path, Path] | None = None) -> AsyncIterator[Calls]:
    """Calls over TLS, perhaps with a certificate of the client's own."""
    shown = (
        {}
        if certificate is None
        else {
            "certificate_chain": certificate[0].read_bytes(),
            "private_key": certificate[1].read_bytes(),
        }
    )
    credentials = grpc.ssl_channel_credentials(root.read_bytes(), **shown)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with aio.secure_channel(address.replace("127.0.0.1", "localhost"), credentials, options=options) as channel:
        yield Calls(channel)


@needs_openssl
def test_tls_shows_the_certificate_that_the_files_have_and_asks_for_the_clients(tmp_path: Path) -> None:
    root, stranger = authority(tmp_path / "ca"), authority(tmp_path / "other")
    certificate, key = root.sign("server")
    client = root.sign("client")
    tls = f"server: {{tls: {{certificate: {certificate}, private_key: {key}, client_ca: {root.certificate}}}}}\n"

    async def works(calls: Any) -> bool:
        try:
            await calls.SubmitOrder(submit(), timeout=20)
        except aio.AioRpcError as error:
            if error.code() != Code.UNAVAILABLE:
                raise
            return False
        return True

    async def main() -> None:
        async with asyncio.timeout(120), real_venue(tmp_path, CONFIG + GATEWAY + tls) as real:
            address = real.venue.listeners["grpc"].address
            async with secure(address, root.certificate, client) as calls:
                assert await works(calls)
            async with secure(address, root.certificate) as calls:
                assert not await works(calls)
            async with secure(address, root.certificate, stranger.sign("client")) as calls:
                assert not await works(calls)
            # Another authority's certificate takes its place: connections that begin now get it.
            for old, new in zip((certificate, key), stranger.sign("server"), strict=True):
                old.write_bytes(new.read_bytes())
            await real.venue.reload(real.venue._loaded)
            async with secure(address, stranger.certificate, client) as calls:
                assert await works(calls)
            async with secure(address, root.certificate, client) as calls:
                assert not await works(calls)

    asyncio.run(main())


def test_connections_and_calls_are_limited(tmp_path: Path) -> None:
    limits = "gateways: {grpc: {enabled: true, port: 0, connections: 2, handshake_timeout_s: 0.5, calls: 2}}\n"

    async def test(venue: GrpcVenue) -> None:
        host, _, port = venue.address.partition(":")
        await venue.calls.SubmitOrder(submit())
        silent = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
        # One of them may stay for a while, since it may be about to say something: then it is closed too.
        for reader, writer in silent:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
        tickers = pb.StreamTickersRequest(symbols=["BTC-USD"])
        streams = [venue.calls.StreamTickers(tickers) for _ in range(2)]
        for stream in streams:
            await stream.initial_metadata()
        with pytest.raises(aio.AioRpcError) as full:
            await venue.calls.SubmitOrder(submit())
        assert full.value.code() == Code.RESOURCE_EXHAUSTED
        for stream in streams:
            stream.cancel()

    play(tmp_path, test, config=CONFIG + limits)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def main(port: int) -> None:
        async with real_venue(tmp_path, CONFIG + f"gateways: {{grpc: {{enabled: true, port: {port}}}}}\n"):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127.0.0.1 port {port} for gRPC: another process.*gateways.grpc.port"):
            asyncio.run(main(port))


def test_the_daemon_says_where_it_listens_and_drains_it(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("auth: {mode: off}\n" + CONFIG + GATEWAY)
    with serving("--config", file) as server:
        server.ready()
        address = next(line["grpc"] for line in server.lines if line["message"] == "ready")

        async def trade() -> None:
            async with aio.insecure_channel(address) as channel:
                calls: Any = Calls(channel)
                assert (await calls.SubmitOrder(submit())).status == pb.ORDER_STATUS_OPEN

        asyncio.run(trade())
        assert server.stop() == 0
