"""The two ways for orders to go in: requests over HTTP, and messages over a WebSocket."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from aeromatch.client.errors import BadAnswerError, RejectedError
from aeromatch.client.rest import Rest, path_of
from aeromatch.client.socket import Socket
from aeromatch.schema.base import Request
from aeromatch.schema.messages import AmendOrderRequest, CancelOrderRequest, CancelOrdersRequest, NewOrderRequest
from aeromatch.schema.orders import CancelResult, NewOrder, Order

__all__ = ["OrderEntry", "RestEntry", "SocketEntry"]

T = TypeVar("T")


class OrderEntry(Protocol):
    """Takes orders in. Each method raises a ClientError."""

    async def new(self, order: NewOrder) -> Order:
        """Enters an order, which has a client order id: it may be sent again."""

    async def amend(self, request: AmendOrderRequest) -> Order:
        """Changes an order; never sent again."""

    async def cancel(self, request: CancelOrderRequest) -> Order:
        """Cancels an order; it may be sent again."""

    async def cancel_all(self, request: CancelOrdersRequest) -> CancelResult:
        """Cancels several; never sent again: a late repeat would cancel what was entered since."""


class RestEntry:
    """Orders over HTTP."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def new(self, order: NewOrder) -> Order:
        """As `OrderEntry.new`."""
        return await self._rest.call(Order, "POST", "/order", body=order, may_repeat=True)

    async def amend(self, request: AmendOrderRequest) -> Order:
        """As `OrderEntry.amend`."""
        path, query = "/order", {}
        if request.order_id is None:
            query = {"client_order_id": request.client_order_id, "symbol": request.symbol, "account": request.account}
        else:
            path = path_of("order", request.order_id)
        return await self._rest.call(Order, "PATCH", path, query=query, body=request.amend, may_repeat=False)

    async def cancel(self, request: CancelOrderRequest) -> Order:
        """As `OrderEntry.cancel`."""
        if request.order_id is None:
            query = {"client_order_id": request.client_order_id, "symbol": request.symbol, "account": request.account}
            return await self._rest.call(Order, "DELETE", "/order", query=query, may_repeat=False)
        path = path_of("order", request.order_id)
        try:
            return await self._rest.call(Order, "DELETE", path, may_repeat=True)
        except RejectedError as error:
            if error.slug != "unknown_order" or not error.lost_answers:
                raise
            return await self.canceled(request.order_id, error)

    async def canceled(self, order_id: str, error: RejectedError) -> Order:
        """A cancel was sent again and found nothing: the one whose answer was lost did it, if the order is canceled."""
        order = await self._rest.call(Order, "GET", path_of("order", order_id), may_repeat=True)
        if order.status != "canceled":
            raise error
        return order

    async def cancel_all(self, request: CancelOrdersRequest) -> CancelResult:
        """As `OrderEntry.cancel_all`."""
        query = {"symbol": request.symbol, "side": request.side, "account": request.account}
        return await self._rest.call(CancelResult, "DELETE", "/orders", query=query, may_repeat=False)


class SocketEntry:
    """Orders over a WebSocket: no header to send and to read, one connection for all."""

    def __init__(self, socket: Callable[[], Socket], rest: RestEntry) -> None:
        self._socket = socket
        self._rest = rest

    async def _ask(self, answer: type[T], message: Request, *, may_repeat: bool) -> T:
        raw = await self._socket().request(message, may_repeat=may_repeat)
        try:
            return msgspec.json.decode(raw, type=answer)
        except msgspec.MsgspecError as error:
            raise BadAnswerError(f"{type(message).__name__}: {error}") from error

    async def new(self, order: NewOrder) -> Order:
        """As `OrderEntry.new`."""
        return await self._ask(Order, NewOrderRequest(order=order), may_repeat=True)

    async def amend(self, request: AmendOrderRequest) -> Order:
        """As `OrderEntry.amend`."""
        return await self._ask(Order, request, may_repeat=False)

    async def cancel(self, request: CancelOrderRequest) -> Order:
        """As `OrderEntry.cancel`."""
        try:
            return await self._ask(Order, request, may_repeat=request.order_id is not None)
        except RejectedError as error:
            if request.order_id is None or error.slug != "unknown_order" or not error.lost_answers:
                raise
            return await self._rest.canceled(request.order_id, error)

    async def cancel_all(self, request: CancelOrdersRequest) -> CancelResult:
        """As `OrderEntry.cancel_all`."""
        return await self._ask(CancelResult, request, may_repeat=False)
