"""gRPC's types with their parameters: generic for whoever checks, plain classes where the program runs."""

from typing import TYPE_CHECKING, TypeAlias

import grpc
from grpc import aio

__all__ = ["Context", "GenericHandler", "Handler"]

if TYPE_CHECKING:
    Context: TypeAlias = aio.ServicerContext[bytes, bytes]
    GenericHandler: TypeAlias = grpc.GenericRpcHandler[bytes, bytes]
    Handler: TypeAlias = grpc.RpcMethodHandler[bytes, bytes]
else:
    Context, GenericHandler, Handler = aio.ServicerContext, grpc.GenericRpcHandler, grpc.RpcMethodHandler
