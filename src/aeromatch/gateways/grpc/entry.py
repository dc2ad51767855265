"""Order entry: each method as a call of its own. Over a Trade stream the same work is done."""

from typing import Final

import msgspec

from aeromatch.gateways.grpc.answers import batch_message, canceled_message, order_message, orders_message
from aeromatch.gateways.grpc.forms import AmendForm, OrderForm, SubmitForm, form_of
from aeromatch.gateways.grpc.gateway import Gateway, Unary
from aeromatch.gateways.grpc.generated import order_pb2 as pb
from aeromatch.gateways.rest.handlers.orders import CancelQuery, OrdersQuery
from aeromatch.gateways.services import Principal
from aeromatch.schema.orders import MAX_BATCH, AmendOrder, OrderBatch

__all__ = ["METHODS", "amend_order", "batch_cost", "cancel_order", "cancel_orders", "submit_order", "submit_orders"]


async def submit_order(gateway: Gateway, principal: Principal, message: pb.SubmitOrderRequest) -> pb.Order:
    """One order."""
    order, _ = await gateway.trading.new_order(principal, form_of(SubmitForm, message).order)
    return order_message(order)


async def submit_orders(
    gateway: Gateway, principal: Principal, message: pb.SubmitOrdersRequest
) -> pb.SubmitOrdersReply:
    """Several orders."""
    return batch_message(await gateway.trading.new_orders(principal, form_of(OrderBatch, message).orders))


def batch_cost(message: pb.SubmitOrdersRequest) -> int:
    """Each order of a batch counts; of one that is too large, whose form is refused, as many as it may have."""
    return max(1, min(len(message.orders), MAX_BATCH))


async def amend_order(gateway: Gateway, principal: Principal, message: pb.AmendOrderRequest) -> pb.Order:
    """Another quantity, or price."""
    form = form_of(AmendForm, message).checked()
    change = AmendOrder(quantity=form.quantity, price=form.price)
    trading = gateway.trading
    if form.client_order_id is None or form.symbol is None:
        return order_message(await trading.amend(principal, str(form.order_id), change))
    return order_message(await trading.amend_named(principal, form.client_order_id, form.symbol, form.account, change))


async def cancel_order(gateway: Gateway, principal: Principal, message: pb.CancelOrderRequest) -> pb.Order:
    """One order."""
    named = msgspec.structs.asdict(form_of(OrderForm, message).checked())
    number = named.pop("order_id")
    return order_message(await gateway.trading.cancel(principal, None if number is None else str(number), **named))


async def cancel_orders(
    gateway: Gateway, principal: Principal, message: pb.CancelOrdersRequest
) -> pb.CancelOrdersReply:
    """Many orders."""
    form = form_of(CancelQuery, message)
    return canceled_message(
        await gateway.trading.cancel_all(principal, symbol=form.symbol, side=form.side, account=form.account)
    )


async def _get_order(gateway: Gateway, principal: Principal, message: pb.GetOrderRequest) -> pb.Order:
    form = form_of(OrderForm, message).checked()
    if form.client_order_id is None or form.symbol is None:
        return order_message(await gateway.trading.order(principal, str(form.order_id)))
    return order_message(await gateway.trading.order_named(principal, form.client_order_id, form.symbol, form.account))


async def _list_orders(gateway: Gateway, principal: Principal, message: pb.ListOrdersRequest) -> pb.ListOrdersReply:
    form = form_of(OrdersQuery, message)
    account = gateway.services.admission.account_for(principal, form.account)
    if form.symbol is not None:
        gateway.trading.check_symbol(form.symbol)
    await gateway.trading.reached()
    page = await gateway.services.views.orders(
        account=account, symbol=form.symbol, status=form.status, limit=form.limit, cursor=form.cursor
    )
    await gateway.trading.complete(page.orders)
    return orders_message(page)


METHODS: Final = {
    "/aeromatch.v1.OrderEntry/SubmitOrder": Unary(pb.SubmitOrderRequest, submit_order, "trade"),
    "/aeromatch.v1.OrderEntry/SubmitOrders": Unary(pb.SubmitOrdersRequest, submit_orders, "trade", batch_cost),
    "/aeromatch.v1.OrderEntry/AmendOrder": Unary(pb.AmendOrderRequest, amend_order, "trade"),
    "/aeromatch.v1.OrderEntry/CancelOrder": Unary(pb.CancelOrderRequest, cancel_order, "trade"),
    "/aeromatch.v1.OrderEntry/CancelOrders": Unary(pb.CancelOrdersRequest, cancel_orders, "trade"),
    "/aeromatch.v1.OrderEntry/GetOrder": Unary(pb.GetOrderRequest, _get_order),
    "/aeromatch.v1.OrderEntry/ListOrders": Unary(pb.ListOrdersRequest, _list_orders),
}
