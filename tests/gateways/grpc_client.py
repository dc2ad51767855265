"""A server with the gRPC gateway in the test's own event loop, and a client that calls by the names of the proto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import uvloop
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from tests.server.real_venue import CONFIG, RealVenue, real_venue

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.server import GrpcServer

EOF: Any = vars(aio)["EOF"]
"""What a stream gives at its end; its type has no name."""
GATEWAY = "gateways: {grpc: {enabled: true, port: 0}}\n"


class Calls:
    """Every method of every service over one channel: `calls.SubmitOrder(request)`; no two have one name."""

    def __init__(self, channel: aio.Channel) -> None:
        self.channel = channel
        for service in pb.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                kinds = {
                    (False, False): channel.unary_unary,
                    (False, True): channel.unary_stream,
                    (True, True): channel.stream_stream,
                }
                make: Any = kinds[method.client_streaming, method.server_streaming]
                answer: Any = GetMessageClass(method.output_type)
                call = make(
                    f"/{service.full_name}/{method.name}",
                    request_serializer=lambda message: message.SerializeToString(),
                    response_deserializer=answer.FromString,
                )
                setattr(self, method.name, call)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the proto has no method {name}")


class GrpcVenue:
    """A server's real composition, and a channel to its gRPC gateway."""

    def __init__(self, real: RealVenue, channel: aio.Channel) -> None:
        self.real = real
        self.calls: Any = Calls(channel)
        server = real.venue.listeners["grpc"]
        assert isinstance(server, GrpcServer)
        self.server = server

    @property
    def address(self) -> str:
        return self.server.address


@asynccontextmanager
async def grpc_venue(
    folder: Path, config: str = CONFIG + GATEWAY, file: Path | None = None, **options: Any
) -> AsyncIterator[GrpcVenue]:
    """The server, and a channel with these options."""
    async with real_venue(folder, config, file) as real:
        target = real.venue.listeners["grpc"].address
        async with aio.insecure_channel(target, options=(("grpc.enable_http_proxy", 0), *options.items())) as channel:
            yield GrpcVenue(real, channel)


def play(folder: Path, test: Callable[[GrpcVenue], Awaitable[None]], **options: Any) -> None:
    """Runs a test in an event loop as the daemon has it, with a server."""

    async def main() -> None:
        async with asyncio.timeout(120), grpc_venue(folder, **options) as venue:
            await test(venue)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def new_order(**fields: Any) -> pb.NewOrder:
    """Alice's limit buy of 1 at 100, with other fields where they are given."""
    known = {"symbol": "BTC-USD", "side": pb.SIDE_BUY, "quantity": "1", "price": "100", "account": "alice"}
    return pb.NewOrder(**{name: value for name, value in {**known, **fields}.items() if value is not None})


def submit(**fields: Any) -> pb.SubmitOrderRequest:
    return pb.SubmitOrderRequest(order=new_order(**fields))


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, pb.Problem]:
    """The code of a call that is refused, and the problem in its details, which are the rich ones of the standard."""
    try:
        answer = await call
    except aio.AioRpcError as error:
        return error.code(), problem_of(error)
    raise AssertionError(f"it was not refused: {answer}")


def problem_of(error: aio.AioRpcError) -> pb.Problem:
    given: Any = error.trailing_metadata()
    trailing: dict[str, str | bytes] = dict(given)
    rich = trailing["grpc-status-details-bin"]
    assert isinstance(rich, bytes)
    problem = _details_of(rich, error)
    assert trailing["aeromatch-slug"] == problem.slug
    assert error.details() == problem.detail
    return problem


def _details_of(rich: bytes, error: aio.AioRpcError) -> pb.Problem:
    """The one detail of a google.rpc.Status, read by a message of that form that is made here."""
    status = Status()
    status.ParseFromString(rich)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    (detail,) = status.details
    problem = pb.Problem()
    assert detail.type_url == "type.googleapis.com/aeromatch.v1.Problem"
    assert detail.Unpack(problem)
    return problem


def _status_class() -> Any:
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="status.proto", package="google.rpc", syntax="proto3", dependency=["google/protobuf/any.proto"]
    )
    message = file.message_type.add(name="Status")
    kinds = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="code", number=1, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL)
    message.field.add(name="message", number=2, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    message.field.add(
        name="details",
        number=3,
        type=kinds.TYPE_MESSAGE,
        type_name=".google.protobuf.Any",
        label=kinds.LABEL_REPEATED,
    )
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status"))


Status: Any = _status_class()
