"""The standard health service (grpc.health.v1): whether the server may be used."""

import asyncio
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2

from aeromatch.gateways.grpc.gateway import Gateway
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.typing import Context, Handler

__all__ = ["NAME", "handlers"]

NAME: Final = "grpc.health.v1.Health"
LOOK_S: Final = 0.1
"""How often somebody who watches learns of a change."""
MOST_WATCHERS: Final = 64
"""Nobody needs a key for it, and it is work without end."""

SERVICES: Final = frozenset({"", NAME, *(service.full_name for service in pb.DESCRIPTOR.services_by_name.values())})
Status = health_pb2.HealthCheckResponse


def handlers(gateway: Gateway) -> dict[str, Handler]:
    """Its methods, which nobody needs a key for."""

    def status(service: str) -> int:
        if service not in SERVICES:
            return int(Status.SERVICE_UNKNOWN)
        return int(Status.SERVING if gateway.is_serving else Status.NOT_SERVING)

    async def check(data: bytes, context: Context) -> bytes:
        found = status(await _service(data, context))
        if found == Status.SERVICE_UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return bytes(Status(status=found).SerializeToString())

    async def every(_data: bytes, _context: Context) -> bytes:
        statuses = {service: Status(status=status(service)) for service in SERVICES}
        return bytes(health_pb2.HealthListResponse(statuses=statuses).SerializeToString())

    watchers = 0

    async def watch(data: bytes, context: Context) -> None:
        nonlocal watchers
        service = await _service(data, context)
        if watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MOST_WATCHERS} watch already: check instead")
        watchers += 1
        told: int | None = None
        try:
            while True:
                # The last thing that is told is that the server drains.
                is_last = gateway.is_draining
                if (found := status(service)) != told:
                    told = found
                    await context.write(Status(status=found).SerializeToString())
                if is_last:
                    break
                await asyncio.sleep(LOOK_S)
        finally:
            watchers -= 1

    return {
        f"/{NAME}/Check": grpc.unary_unary_rpc_method_handler(check),
        f"/{NAME}/List": grpc.unary_unary_rpc_method_handler(every),
        f"/{NAME}/Watch": grpc.unary_stream_rpc_method_handler(watch),
    }


async def _service(data: bytes, context: Context) -> str:
    """The service that is asked for."""
    try:
        return str(health_pb2.HealthCheckRequest.FromString(data).service)
    except DecodeError:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this is no HealthCheckRequest")
