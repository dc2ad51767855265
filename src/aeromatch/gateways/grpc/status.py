"""From a refusal to a gRPC status: its code, and what its trailing metadata say of it."""

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage

from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.problems import Problem

__all__ = ["code_of", "problem_message", "slow_consumer", "trailers"]

Code = grpc.StatusCode

BY_STATUS: Final = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ALREADY_EXISTS,
    410: Code.OUT_OF_RANGE,
    413: Code.RESOURCE_EXHAUSTED,
    422: Code.FAILED_PRECONDITION,
    429: Code.RESOURCE_EXHAUSTED,
    500: Code.INTERNAL,
    503: Code.UNAVAILABLE,
}
BY_SLUG: Final = {
    # Wrong whatever the market does: to send it again is no use.
    "invalid_quantity": Code.INVALID_ARGUMENT,
    "invalid_price": Code.INVALID_ARGUMENT,
    "invalid_time": Code.INVALID_ARGUMENT,
    "invalid_client_order_id": Code.INVALID_ARGUMENT,
    "invalid_combination": Code.INVALID_ARGUMENT,
    "invalid_name": Code.INVALID_ARGUMENT,
    # It depends on how things stand, not on who asks.
    "kill_switch": Code.FAILED_PRECONDITION,
    "no_connection": Code.FAILED_PRECONDITION,
    "too_many_connections": Code.RESOURCE_EXHAUSTED,
    "slow_consumer": Code.RESOURCE_EXHAUSTED,
}
LONGEST_DETAIL: Final = 1000
"""Characters: a status travels in headers, for which clients have little room."""
VARINT_BITS: Final = 7

Trailers = tuple[tuple[str, str | bytes], ...]


def code_of(refused: RefusedError) -> grpc.StatusCode:
    """The code that goes with a slug."""
    return BY_SLUG.get(refused.slug) or BY_STATUS.get(refused.status, Code.UNKNOWN)


def slow_consumer(detail: str) -> RefusedError:
    """Why a stream is ended whose client does not read fast enough."""
    return refusal("slow_consumer", detail)


def problem_message(problem: Problem) -> pb.Problem:
    """A problem as a message."""
    return pb.Problem(
        slug=problem.slug,
        title=problem.title,
        status=problem.status,
        detail=problem.detail[:LONGEST_DETAIL],
        instance=problem.instance,
        errors=[
            pb.FieldProblem(pointer=error.pointer[:LONGEST_DETAIL], detail=error.detail[:LONGEST_DETAIL])
            for error in problem.errors
        ],
        retry_after_ms=problem.retry_after_ms,
    )


def trailers(refused: RefusedError, session: int) -> Trailers:
    """Trailing metadata of a refusal: its slug, and details as `google.rpc.Status` has them."""
    message = problem_message(problem_of(refused, str(session)))
    return (
        ("aeromatch-slug", refused.slug),
        ("grpc-status-details-bin", _rich_status(code_of(refused), message)),
        *((name.decode("ascii"), value.decode("ascii")) for name, value in refused.headers),
    )


def _rich_status(code: grpc.StatusCode, problem: pb.Problem) -> bytes:
    """The bytes of a `google.rpc.Status` with one detail: code = 1, message = 2, repeated Any details = 3."""
    detail = AnyMessage()
    detail.Pack(problem)
    number: int = code.value[0]
    return b"\x08" + _varint(number) + _field(0x12, problem.detail.encode()) + _field(0x1A, detail.SerializeToString())


def _field(tag: int, data: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number >= 1 << VARINT_BITS:
        parts.append(number & 0x7F | 0x80)
        number >>= VARINT_BITS
    parts.append(number)
    return bytes(parts)
