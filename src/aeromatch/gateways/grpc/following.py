"""Streams from the server: what happens, from the hub's channels to one client."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from aeromatch.gateways.grpc.answers import begun_message
from aeromatch.gateways.grpc.forms import StreamForm, StreamOrdersForm, decode, form_of
from aeromatch.gateways.grpc.gateway import Gateway
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.outlet import Outlet
from aeromatch.gateways.grpc.typing import Context, Handler
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import Principal, RefusedError
from aeromatch.gateways.streams import Subscription, Topic
from aeromatch.schema.messages import Channel
from aeromatch.schema.problems import FieldProblem

__all__ = ["STREAMS", "handler"]

log = logging.getLogger("aeromatch.grpc")

STUCK_S: Final = 1.0
"""How long the message that is being written may take when the stream is ended."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A method that follows something: what it takes, and what it does before messages come."""

    request: Callable[[], Message]
    begin: Callable[["Following", Any], Awaitable[None]]


class Following:
    """A stream that is under way (`gateway.LongCall`)."""

    def __init__(self, gateway: Gateway, context: Context, principal: Principal) -> None:
        self.gateway = gateway
        self.principal = principal
        self.outlet = Outlet(gateway.options, gateway.services.stages.count, self._ended)
        self._context = context
        self._subscriptions: list[Subscription] = []
        self._begun = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None
        self._is_writing = False

    def end(self, refused: RefusedError) -> None:
        """As `gateway.LongCall`."""
        self.outlet.end(refused)

    def look_at_key(self) -> None:
        """As `gateway.LongCall`."""
        try:
            self.principal = self.gateway.renewed(self.principal)
        except RefusedError as refused:
            self.end(refused)

    def _ended(self) -> None:
        self._leave()
        self._begun.set()
        if self._is_writing:
            # A client that does not read lets nothing through, not even a reason.
            asyncio.get_running_loop().call_later(STUCK_S, self._tear)

    def _tear(self) -> None:
        if self._is_writing and self._task is not None:
            self._task.cancel()

    def _leave(self) -> None:
        for subscription in self._subscriptions:
            subscription.end()

    def follow(self, topic: Topic) -> Subscription:
        """A subscription of this stream's; it is ended with the stream."""
        subscription = Subscription(self.gateway.hub, topic, self.outlet, self.gateway.options.queue_messages)
        self._subscriptions.append(subscription)
        return subscription

    def begun(self) -> None:
        """Everything that happens from now on comes: the client is told."""
        self._begun.set()

    async def run(self, begin: Awaitable[None]) -> None:
        """Write what comes until the client goes, or is sent away. Raises RefusedError where it is."""
        self._task = asyncio.current_task()
        beginning = asyncio.ensure_future(self._begin(begin))
        try:
            await self._begun.wait()
            if self.outlet.ending is not None:
                raise self.outlet.ending
            await self._context.send_initial_metadata(())
            while True:
                await self._write(await self.outlet.next())
        finally:
            self._leave()
            self.outlet.close()
            beginning.cancel()
            await asyncio.wait({beginning})

    async def _begin(self, begin: Awaitable[None]) -> None:
        try:
            await begin
        except RefusedError as refused:
            self.end(refused)
        except Exception:
            log.exception("a stream could not begin")
            self.end(refusal("internal_error"))

    async def _write(self, data: bytes) -> None:
        self._is_writing = True
        try:
            await self._context.write(data)
        except asyncio.CancelledError:
            if self.outlet.ending is None or self._task is None:
                raise
            self._task.uncancel()
            raise self.outlet.ending from None
        finally:
            self._is_writing = False


def handler(gateway: Gateway, route: str, stream: Stream) -> Handler:
    """The handler of a method."""

    async def handle(data: bytes, context: Context) -> None:
        async with gateway.answering(context, route) as call:
            message = decode(stream.request, data)
            gate = gateway.admit(call, context, "read", data)
            following = Following(gateway, context, gate.principal)
            with gateway.lasting(following):
                await following.run(stream.begin(following, message))

    made: Handler = grpc.unary_stream_rpc_method_handler(handle)
    return made


def _market(channel: Channel) -> Callable[[Following, Message], Awaitable[None]]:
    """Follows a channel of one or several instruments."""

    async def begin(following: Following, message: Message) -> None:
        form, gateway = form_of(StreamForm, message), following.gateway
        symbols = list(dict.fromkeys(form.symbols))
        if len(symbols) > gateway.options.subscriptions:
            most = gateway.options.subscriptions
            raise refusal("too_many_subscriptions", f"a stream follows at most {most} instruments")
        if form.from_sequence is not None and len(symbols) > 1:
            raise _wrong("from_sequence", "is of one instrument only: others have their own")
        period = form.period if channel == "candles" else None
        subscriptions = [
            following.follow(Topic(channel, symbol, period, levels=form.levels, interval_ms=form.interval_ms))
            for symbol in map(gateway.trading.check_symbol, symbols)
        ]
        if form.from_sequence is not None:
            async with gateway.resumes:
                await subscriptions[0].trades_behind(form.from_sequence, lambda _position: following.begun())
            return
        for subscription in subscriptions:
            await subscription.begin(lambda _position: None)
        following.begun()

    return begin


async def _orders(following: Following, message: pb.StreamOrdersRequest) -> None:
    """Follows an account's own orders."""
    form, gateway = form_of(StreamOrdersForm, message), following.gateway
    account = gateway.services.admission.account_for(following.principal, form.account)
    subscription = following.follow(Topic("orders", account=account))

    def begun(known: tuple[int, ...]) -> None:
        following.outlet.send(begun_message(known).SerializeToString())
        following.begun()

    if not form.from_sequences:
        await subscription.begin(lambda position: begun(tuple(place - 1 for place in position)))
        return
    since, shards = tuple(form.from_sequences), len(gateway.hub.position())
    if len(since) != shards:
        raise _wrong("from_sequences", f"has {len(since)} numbers for {shards} shards")
    async with gateway.resumes:
        await subscription.orders_behind(since, lambda _position: begun(since))


def _wrong(field: str, detail: str) -> RefusedError:
    return refusal("malformed", f"{field}: {detail}", errors=(FieldProblem(pointer=f"/{field}", detail=detail),))


STREAMS: Final = {
    "/aeromatch.v1.MarketData/StreamTrades": Stream(pb.StreamTradesRequest, _market("trades")),
    "/aeromatch.v1.MarketData/StreamTickers": Stream(pb.StreamTickersRequest, _market("ticker")),
    "/aeromatch.v1.MarketData/StreamDepth": Stream(pb.StreamDepthRequest, _market("depth")),
    "/aeromatch.v1.MarketData/StreamCandles": Stream(pb.StreamCandlesRequest, _market("candles")),
    "/aeromatch.v1.Executions/StreamOrders": Stream(pb.StreamOrdersRequest, _orders),
}
