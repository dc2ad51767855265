"""gRPC: a call for each command, or, where several are under way on a connection, one Trade stream for all of them."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
import msgspec
from grpc import aio

from aeromatch.bench.gateways.base import LostError, Target
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.schema.orders import AmendOrder, NewOrder, OrderBatch

if TYPE_CHECKING:
    from aeromatch.bench.load_flow import Command

__all__ = ["GrpcAnswer", "connect"]

ENTRY: Final = "/aeromatch.v1.OrderEntry/"
SIDES: Final = {"buy": pb.SIDE_BUY, "sell": pb.SIDE_SELL}
TYPES: Final = {"limit": pb.ORDER_TYPE_LIMIT, "market": pb.ORDER_TYPE_MARKET}
LIFETIMES: Final = {
    "gtc": pb.TIME_IN_FORCE_GTC,
    "day": pb.TIME_IN_FORCE_DAY,
    "ioc": pb.TIME_IN_FORCE_IOC,
    "fok": pb.TIME_IN_FORCE_FOK,
}
REFUSED: Final = 422
GONE: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
PLACES: Final = {"amend": "AmendOrder", "cancel": "CancelOrder", "batch": "SubmitOrders"}
NO_PROXY: Final = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))
"""Each connection of a load is one of its own."""


class GrpcAnswer:
    """As `Answer`: an order, what became of a batch, or why it was refused."""

    __slots__ = ("_message", "_slugs", "status")

    def __init__(self, message: Any, slugs: list[str]) -> None:
        self._message = message
        self._slugs = slugs
        # Of a batch some can be refused: it was answered all the same.
        self.status = REFUSED if message is None else 200

    def slugs(self) -> list[str]:
        """Every one there is, in its order."""
        if isinstance(self._message, pb.SubmitOrdersReply):
            return [result.problem.slug for result in self._message.results if result.HasField("problem")]
        return self._slugs

    def order_id(self) -> str:
        """Of the order."""
        return str(self._message.order_id) if isinstance(self._message, pb.Order) else ""

    def is_resting(self) -> bool:
        """Whether it is open."""
        return isinstance(self._message, pb.Order) and self._message.status == pb.ORDER_STATUS_OPEN

    def is_live(self) -> bool:
        """Whether it is open, or partially filled."""
        live = (pb.ORDER_STATUS_OPEN, pb.ORDER_STATUS_PARTIALLY_FILLED)
        return isinstance(self._message, pb.Order) and self._message.status in live

    def price(self) -> str:
        """Its average price."""
        return self._message.average_price if isinstance(self._message, pb.Order) else ""

    def trades(self) -> int:
        """How many fills it has."""
        return len(self._message.fills) if isinstance(self._message, pb.Order) else 0


async def connect(target: Target, host: str, port: int) -> _Calls | _Stream:
    """Connects. Raises LostError where nobody answers."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if target.is_tls:
        roots = None if target.ca is None else Path(target.ca).read_bytes()
        channel = aio.secure_channel(place, grpc.ssl_channel_credentials(roots), options=NO_PROXY)
    else:
        channel = aio.insecure_channel(place, options=NO_PROXY)
    try:
        await channel.channel_ready()
    except BaseException:
        await channel.close(None)
        raise
    return _Stream(channel, target) if target.in_flight > 1 else _Calls(channel, target)


def _metadata(target: Target, method: str, body: bytes) -> list[tuple[str, str]]:
    return [] if target.proof is None else list(target.proof.headers("POST", method, body).items())


def _order(order: NewOrder) -> pb.NewOrder:
    return pb.NewOrder(
        symbol=order.symbol,
        side=SIDES[order.side],
        quantity=str(order.quantity),
        type=TYPES[order.type],
        price=_text(order.price),
        time_in_force=LIFETIMES[order.time_in_force],
        account=order.account,
        client_order_id=order.client_order_id,
        protection_price=_text(order.protection_price),
    )


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)


def _request(command: Command) -> Any:
    if command.kind == "cancel":
        return pb.CancelOrderRequest(order_id=int(command.order_id))
    if command.kind == "amend":
        amend = msgspec.json.decode(command.body, type=AmendOrder)
        return pb.AmendOrderRequest(
            order_id=int(command.order_id), quantity=_text(amend.quantity), price=_text(amend.price)
        )
    if command.kind == "batch":
        orders = msgspec.json.decode(command.body, type=OrderBatch).orders
        return pb.SubmitOrdersRequest(orders=[_order(order) for order in orders])
    return pb.SubmitOrderRequest(order=_order(msgspec.json.decode(command.body, type=NewOrder)))


def _slug_of(error: aio.AioRpcError) -> str:
    trailers: Any = error.trailing_metadata() or ()
    for name, value in trailers:
        if name == "aeromatch-slug":
            return str(value)
    return error.code().name.lower()


class _Calls:
    """A call for each command."""

    def __init__(self, channel: aio.Channel, target: Target) -> None:
        self._channel = channel
        self._target = target
        self._closing: asyncio.Task[None] | None = None
        self._calls = {
            name: channel.unary_unary(
                ENTRY + name,
                request_serializer=bytes,
                response_deserializer=pb.SubmitOrdersReply.FromString
                if name == "SubmitOrders"
                else pb.Order.FromString,
            )
            for name in ("SubmitOrder", *PLACES.values())
        }

    async def ask(self, command: Command) -> GrpcAnswer:
        """As `Connection.ask`."""
        name, body = PLACES.get(command.kind, "SubmitOrder"), _request(command).SerializeToString()
        try:
            answer = await self._calls[name](body, metadata=_metadata(self._target, ENTRY + name, body))
        except aio.AioRpcError as error:
            slug = _slug_of(error)
            if error.code() in GONE and slug == error.code().name.lower():
                raise LostError(error.details() or "the server ended the connection") from error
            return GrpcAnswer(None, [slug])
        return GrpcAnswer(answer, [])

    def close(self) -> None:
        """Ends it."""
        self._closing = asyncio.ensure_future(self._channel.close(None))


class _Stream:
    """One Trade stream: as many requests at a time as one likes, told apart by id."""

    def __init__(self, channel: aio.Channel, target: Target) -> None:
        self._channel = channel
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[GrpcAnswer]] = {}
        self._to_send: asyncio.Queue[Any] = asyncio.Queue()
        method = ENTRY + "Trade"
        stream = channel.stream_stream(
            method, request_serializer=pb.TradeRequest.SerializeToString, response_deserializer=pb.TradeReply.FromString
        )
        self._call = stream(self._requests(), metadata=_metadata(target, method, b""))
        self._reading = asyncio.create_task(self._read())
        self._closing: asyncio.Task[None] | None = None

    async def _requests(self) -> Any:
        while (request := await self._to_send.get()) is not None:
            yield request

    async def _read(self) -> None:
        why = "the server ended the stream"
        try:
            async for reply in self._call:
                waiting = self._waiting.pop(reply.id, None)
                if waiting is None or waiting.done():
                    continue
                result = reply.WhichOneof("result")
                if result == "problem":
                    waiting.set_result(GrpcAnswer(None, [reply.problem.slug]))
                else:
                    waiting.set_result(GrpcAnswer(getattr(reply, result), []))
        except aio.AioRpcError as error:
            why = error.details() or why
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LostError(why))

    async def ask(self, command: Command) -> GrpcAnswer:
        """As `Connection.ask`."""
        if self._reading.done():
            raise LostError("the server ended the stream")
        number, request = next(self._ids), _request(command)
        name = {"cancel": "cancel_order", "amend": "amend_order", "batch": "submit_orders"}.get(command.kind)
        waiting: asyncio.Future[GrpcAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._to_send.put_nowait(pb.TradeRequest(id=number, **{name or "submit_order": request}))
        return await waiting

    def close(self) -> None:
        """Ends it."""
        self._to_send.put_nowait(None)
        self._closing = asyncio.ensure_future(self._channel.close(None))
