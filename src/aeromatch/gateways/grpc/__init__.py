"""The gRPC gateway (docs/grpc.md; the services are those of api/grpc/order.proto).

`server` listens; `gateway` has what all calls have in common; `entry`, `trade`, `market`, `following` and `health` are
the methods. `forms` makes structures of requests, `answers` messages of answers, `status` codes of refusals; `outlet`
is the way to one client of a stream, `peers` has the sessions.
"""

from aeromatch.gateways.grpc import quiet as quiet
from aeromatch.gateways.grpc.options import GrpcOptions, GrpcTls
from aeromatch.gateways.grpc.server import GrpcServer, open_grpc

__all__ = ["GrpcOptions", "GrpcServer", "GrpcTls", "open_grpc"]
