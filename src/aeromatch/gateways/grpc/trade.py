"""The Trade stream: many requests in flight, each answered once."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from aeromatch._core import AeroMatchError
from aeromatch.gateways.context import session as session_context
from aeromatch.gateways.grpc import entry
from aeromatch.gateways.grpc.forms import decode
from aeromatch.gateways.grpc.gateway import Call, Gateway
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.grpc.status import problem_message, slow_consumer
from aeromatch.gateways.grpc.typing import Context, Handler
from aeromatch.gateways.problems import problem_of, refusal
from aeromatch.gateways.services import Principal, RefusedError

__all__ = ["ROUTE", "handler"]

log = logging.getLogger("aeromatch.grpc")

ROUTE: Final = "/aeromatch.v1.OrderEntry/Trade"

Work = Callable[[Gateway, Principal, Any], Coroutine[Any, Any, Message]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of request: the field of the answer, what does it, and how many orders it counts for."""

    answer: str
    work: Work
    cost: Callable[[Any], int] = lambda _message: 1


async def _cancel_on_disconnect(
    gateway: Gateway, principal: Principal, message: pb.CancelOnDisconnectRequest
) -> pb.CancelOnDisconnectReply:
    admission = gateway.services.admission
    account = admission.account_for(principal, message.account if message.HasField("account") else None)
    if account is None:
        raise refusal("account_needed")
    gateway.hub.account_number(account)
    admission.cancel_on_disconnect(principal.session, account, enabled=message.enabled)
    return pb.CancelOnDisconnectReply(enabled=message.enabled, account=account)


KINDS: Final = {
    "submit_order": _Kind("order", entry.submit_order),
    "submit_orders": _Kind("orders", entry.submit_orders, entry.batch_cost),
    "amend_order": _Kind("order", entry.amend_order),
    "cancel_order": _Kind("order", entry.cancel_order),
    "cancel_orders": _Kind("canceled", entry.cancel_orders),
    "cancel_on_disconnect": _Kind("cancel_on_disconnect", _cancel_on_disconnect),
}


class _Trading:
    """A stream that is under way (`gateway.LongCall`).

    Requests are read one by one and sent in the order in which they come. With too many that are not answered, or whose
    answers have not left, the next one is not read: memory is bounded, however much is sent and however little read.
    """

    def __init__(self, gateway: Gateway, context: Context, principal: Principal) -> None:
        self._gateway = gateway
        self._context = context
        self._principal = principal
        self._replies: deque[bytes] = deque()
        self._unanswered = 0
        self._changed = asyncio.Event()
        self._has_room = asyncio.Event()
        self._ending: RefusedError | None = None
        self._reader: asyncio.Task[None] | None = None

    def end(self, refused: RefusedError) -> None:
        """As `gateway.LongCall`: nothing more is read; what is in flight is answered."""
        if self._ending is not None:
            return
        self._ending = refused
        self._gateway.services.stages.count("aeromatch_gateway_closed_total", gateway="grpc", reason=refused.slug)
        if self._reader is not None:
            self._reader.cancel()

    def look_at_key(self) -> None:
        """As `gateway.LongCall`."""
        try:
            self._principal = self._gateway.renewed(self._principal)
        except RefusedError as refused:
            self.end(refused)

    async def run(self) -> None:
        """Answer until the client has no more, goes, or is sent away. Raises RefusedError where it is."""
        self._reader = reader = asyncio.create_task(self._read())
        # The stream is there: who waits for that before its first request need not.
        await self._context.send_initial_metadata(())
        if self._ending is not None:
            reader.cancel()
        reader.add_done_callback(lambda _reader: self._changed.set())
        try:
            while not reader.done() or self._unanswered or self._replies:
                if not self._replies:
                    self._changed.clear()
                    await self._changed.wait()
                while self._replies:
                    await self._write(self._replies.popleft())
        finally:
            reader.cancel()
            await asyncio.wait({reader})
        with suppress(asyncio.CancelledError):
            reader.result()
        if self._ending is not None:
            raise self._ending

    async def _write(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._gateway.options.slow_timeout_s):
                await self._context.write(data)
        except TimeoutError:
            seconds = self._gateway.options.slow_timeout_s
            self.end(slow_consumer(f"the client read no answer for {seconds:g} s"))
            self._replies.clear()
            raise slow_consumer(f"the client read no answer for {seconds:g} s") from None
        self._has_room.set()

    async def _read(self) -> None:
        """Takes requests until there are no more. Raises RefusedError where one is none."""
        most = self._gateway.options.requests
        # At its end there is an object that is no message.
        while isinstance(data := await self._context.read(), bytes):
            request = decode(pb.TradeRequest, data)
            self._unanswered += 1
            # Sent to the exchange in this order: a task begins when it is made before another one.
            self._gateway.command(self._answer(request))
            while self._unanswered + len(self._replies) >= most:
                self._has_room.clear()
                await self._has_room.wait()

    async def _answer(self, request: pb.TradeRequest) -> None:
        reply = pb.TradeReply(id=request.id)
        began = time.perf_counter_ns()
        name, status = request.WhichOneof("request"), 200
        try:
            if name is None:
                raise refusal("malformed", "the request asks for nothing that the server knows")
            kind, message = KINDS[name], getattr(request, name)
            self._gateway.check_state()
            admission = self._gateway.services.admission
            self._principal = admission.admit_again(self._principal, "trade", kind.cost(message)).principal
            getattr(reply, kind.answer).CopyFrom(await kind.work(self._gateway, self._principal, message))
        except RefusedError as refused:
            status = self._refuse(reply, refused)
        except AeroMatchError as error:
            status = self._refuse(reply, refusal("unavailable", str(error)))
        except Exception:
            log.exception("a request failed", extra={"route": ROUTE, "request": name})
            status = self._refuse(reply, refusal("internal_error"))
        self._gateway.services.stages.request("grpc", f"{ROUTE}:{name}", status, time.perf_counter_ns() - began)
        self._unanswered -= 1
        self._replies.append(reply.SerializeToString())
        self._changed.set()

    def _refuse(self, reply: pb.TradeReply, refused: RefusedError) -> int:
        self._gateway.services.stages.count("aeromatch_refusals_total", gateway="grpc", slug=refused.slug)
        reply.problem.CopyFrom(problem_message(problem_of(refused, str(self._principal.session))))
        return refused.status


def handler(gateway: Gateway) -> Handler:
    """The handler of the method."""
    admission = gateway.services.admission

    async def handle(_requests: object, context: Context) -> None:
        async with gateway.answering(context, ROUTE) as call:
            gateway.check_state()
            # A session of its own, which ends with the stream: what was asked to be canceled then is canceled.
            number = admission.connect(call.remote)
            session_context.set(number)
            gateway.services.stages.count("aeromatch_gateway_connections", gateway="grpc")
            try:
                own = Call(number, call.remote, ROUTE)
                trading = _Trading(gateway, context, gateway.admit(own, context, "trade", cost=0).principal)
                with gateway.lasting(trading):
                    await trading.run()
            finally:
                admission.disconnect(number)
                gateway.services.stages.count("aeromatch_gateway_connections", -1, gateway="grpc")

    made: Handler = grpc.stream_stream_rpc_method_handler(handle)
    return made
