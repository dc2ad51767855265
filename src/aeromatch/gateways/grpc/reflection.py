"""Reflection: what services there are, and their proto, for tools such as grpcurl that have no file of it.

The service has two names: grpc.reflection.v1, and the v1alpha of older tools. Their messages are the same; the library
has the older ones, and the newer proto is made of that.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import grpc
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.typing import Context, Handler

__all__ = ["NAMES", "handlers"]

OLD_PACKAGE: Final = "grpc.reflection.v1alpha"
PACKAGE: Final = "grpc.reflection.v1"
NAMES: Final = (f"{PACKAGE}.ServerReflection", f"{OLD_PACKAGE}.ServerReflection")
Request = reflection_pb2.ServerReflectionRequest


def handlers() -> dict[str, Handler]:
    """Its method under both names, which nobody needs a key for."""
    files = (pb.DESCRIPTOR, health_pb2.DESCRIPTOR)
    pool = DescriptorPool()
    for proto in (*_with_imports((*files, reflection_pb2.DESCRIPTOR)), _newer()):
        pool.AddSerializedFile(proto.SerializeToString())
    services = [service.full_name for file in files for service in file.services_by_name.values()]
    library: Any = reflection
    servicer = library.aio.ReflectionServicer((*services, *NAMES), pool=pool)

    async def info(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async def decoded() -> AsyncIterator[Any]:
            async for data in requests:
                try:
                    request = Request.FromString(data)
                except DecodeError:
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "this is no ServerReflectionRequest")
                yield request

        async for answer in servicer.ServerReflectionInfo(decoded(), context):
            yield answer.SerializeToString()

    handler: Handler = grpc.stream_stream_rpc_method_handler(info)
    return {f"/{name}/ServerReflectionInfo": handler for name in NAMES}


def _with_imports(files: Iterable[FileDescriptor]) -> list[FileDescriptorProto]:
    """The files and all that they import, each once and behind what it needs."""
    protos: dict[str, FileDescriptorProto] = {}

    def add(file: FileDescriptor) -> None:
        for needed in file.dependencies:
            add(needed)
        if file.name not in protos:
            proto = FileDescriptorProto()
            file.CopyToProto(proto)
            protos[file.name] = proto

    for file in files:
        add(file)
    return list(protos.values())


def _newer() -> FileDescriptorProto:
    """The proto of the newer package."""
    proto = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(proto)
    proto.name, proto.package = "grpc/reflection/v1/reflection.proto", PACKAGE
    # They name classes of the older package.
    proto.ClearField("options")
    for message in proto.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(OLD_PACKAGE, PACKAGE)
    for method in proto.service[0].method:
        method.input_type = method.input_type.replace(OLD_PACKAGE, PACKAGE)
        method.output_type = method.output_type.replace(OLD_PACKAGE, PACKAGE)
    return proto
