"""Orders: new, changed, canceled, looked up."""

from typing import Annotated, Any, Final, Literal

import msgspec

from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.schema.base import ClientOrderId, Name, Symbol
from aeromatch.schema.base import Request as Form
from aeromatch.schema.orders import AmendOrder, BatchResult, CancelResult, NewOrder, Order, OrderBatch, OrderPage, Side

__all__ = ["ROUTES", "Cursor", "Limit"]

Limit = Annotated[int, msgspec.Meta(ge=1, le=1000, description="how many at most")]
Cursor = Annotated[
    str, msgspec.Meta(max_length=200, description="`next_cursor` of the page before, for the same question")
]


class OrdersQuery(Form):
    """Which orders: of an account, an instrument, live or done."""

    account: Name | None = None
    symbol: Symbol | None = None
    status: Literal["live", "done"] | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class CancelQuery(Form):
    """Which orders are canceled: all of an account; fewer where an instrument or a side is named."""

    account: Name | None = None
    symbol: Symbol | None = None
    side: Side | None = None


class ClientIdQuery(Form):
    """An order by the id that its sender gave it."""

    client_order_id: ClientOrderId
    symbol: Symbol
    account: Name | None = None


NEW: Final = {
    "symbol": "BTC-USD",
    "side": "buy",
    "type": "limit",
    "quantity": "0.5",
    "price": "64250.00",
    "account": "alice",
    "client_order_id": "alice-1",
}

MADE: Final[dict[str, Any]] = {
    "order_id": "1099511627776",
    "symbol": "BTC-USD",
    "side": "buy",
    "type": "limit",
    "status": "open",
    "quantity": "0.500",
    "filled_quantity": "0.000",
    "remaining_quantity": "0.500",
    "price": "64250.00",
    "average_price": None,
    "stop_price": None,
    "display_quantity": None,
    "time_in_force": "gtc",
    "post_only": False,
    "account": "alice",
    "client_order_id": "alice-1",
    "reason": None,
    "expire_at": None,
    "created_at": 1767225600000000000,
    "updated_at": 1767225600000000000,
    "sequence": 42,
    "fills": [],
}

RULES: Final = (
    "unknown_instrument",
    "unknown_account",
    "kill_switch",
    "invalid_quantity",
    "invalid_price",
    "invalid_combination",
    "not_allowed_in_phase",
    "price_out_of_band",
    "insufficient_funds",
    "post_only_would_take",
    "capacity",
)
BODY: Final = ("body_too_large", "unsupported_media_type")


async def new_order(request: Request) -> bytes:
    """`POST /order`."""
    order, is_new = await request.trading.new_order_json(request.principal, request.body)
    if not is_new:
        request.status = 200
    return order


async def new_orders(request: Request) -> bytes:
    """`POST /orders`."""
    return await request.trading.new_orders_json(request.principal, request.body.orders)


async def amend_order(request: Request) -> Order:
    """`PATCH /order/{order_id}`."""
    return await request.trading.amend(request.principal, request.path["order_id"], request.body)


async def amend_by_client_id(request: Request) -> Order:
    """`PATCH /order`."""
    query = request.query
    return await request.trading.amend_named(
        request.principal, query.client_order_id, query.symbol, query.account, request.body
    )


async def cancel_order(request: Request) -> Order:
    """`DELETE /order/{order_id}`."""
    return await request.trading.cancel(request.principal, request.path["order_id"])


async def cancel_by_client_id(request: Request) -> Order:
    """`DELETE /order`."""
    query = request.query
    return await request.trading.cancel(
        request.principal, client_order_id=query.client_order_id, symbol=query.symbol, account=query.account
    )


async def cancel_orders(request: Request) -> CancelResult:
    """`DELETE /orders`."""
    query = request.query
    return await request.trading.cancel_all(
        request.principal, symbol=query.symbol, side=query.side, account=query.account
    )


async def get_order(request: Request) -> Order:
    """`GET /order/{order_id}`."""
    return await request.trading.order(request.principal, request.path["order_id"])


async def get_by_client_id(request: Request) -> Order:
    """`GET /order`."""
    query = request.query
    return await request.trading.order_named(request.principal, query.client_order_id, query.symbol, query.account)


async def get_orders(request: Request) -> OrderPage:
    """`GET /orders`."""
    query = request.query
    account = request.services.admission.account_for(request.principal, query.account)
    if query.symbol is not None:
        request.trading.check_symbol(query.symbol)
    await request.trading.reached()
    page = await request.services.views.orders(
        account=account, symbol=query.symbol, status=query.status, limit=query.limit, cursor=query.cursor
    )
    await request.trading.complete(page.orders)
    return page


ROUTES: Final = (
    Route(
        method="POST",
        path="/order",
        handler=new_order,
        role="trade",
        summary="Enter an order",
        description=(
            "Enters one order and answers what it did at once: `fills` are its executions, `status` and the quantities "
            "are as the command left them. With a `client_order_id` it can be sent again safely: the same order sent "
            "twice is answered with 200 as it is now, and nothing happens twice (docs/rest.md)."
        ),
        tag="orders",
        request=NewOrder,
        answer=Order,
        status=201,
        also={200: "The account sent this order before, under the same client order id: as it is now."},
        problems=(*RULES, *BODY, "invalid_time", "invalid_client_order_id", "expired", "duplicate_client_order_id"),
        example=NEW,
        answer_example=MADE,
    ),
    Route(
        method="POST",
        path="/orders",
        handler=new_orders,
        role="trade",
        summary="Enter several orders",
        description=(
            "Enters up to 1,000 orders in the order in which they stand. Each is answered for itself, in the same "
            "order, by the order or by the problem that it has; the whole is answered with 200 as soon as its form is "
            "right. It is not a transaction: a refused order holds back no other."
        ),
        tag="orders",
        request=OrderBatch,
        is_batch=True,
        answer=BatchResult,
        problems=BODY,
        example={"orders": [NEW]},
        answer_example={"accepted": 1, "rejected": 0, "results": [{"order": MADE, "problem": None}]},
    ),
    Route(
        method="PATCH",
        path="/order/{order_id}",
        handler=amend_order,
        role="trade",
        summary="Change an order",
        description=(
            "Changes a live order's total quantity (what is filled included), its price, or both (R22). Less at the "
            "same price keeps its place in the queue; anything else loses it. `fills` are the executions that the "
            "change brought."
        ),
        tag="orders",
        request=AmendOrder,
        answer=Order,
        problems=(*RULES, *BODY, "unknown_order"),
        example={"quantity": "0.25"},
        answer_example=MADE,
    ),
    Route(
        method="PATCH",
        path="/order",
        handler=amend_by_client_id,
        role="trade",
        summary="Change an order by its client order id",
        description="Changes the account's live order that has this client order id in the instrument's book (R22).",
        tag="orders",
        query=ClientIdQuery,
        request=AmendOrder,
        answer=Order,
        problems=(*RULES, *BODY, "unknown_order", "invalid_client_order_id", "account_needed"),
        example={"quantity": "0.25"},
        answer_example=MADE,
    ),
    Route(
        method="DELETE",
        path="/order/{order_id}",
        handler=cancel_order,
        role="trade",
        summary="Cancel an order",
        description="Cancels a live order, dormant ones too, and answers it as it ended (R23).",
        tag="orders",
        answer=Order,
        problems=("unknown_order", "unknown_account", "capacity"),
        answer_example={**MADE, "status": "canceled", "remaining_quantity": "0.000", "reason": "requested"},
    ),
    Route(
        method="DELETE",
        path="/order",
        handler=cancel_by_client_id,
        role="trade",
        summary="Cancel an order by its client order id",
        description="Cancels the account's live order that has this client order id in the instrument's book (R23).",
        tag="orders",
        query=ClientIdQuery,
        answer=Order,
        problems=("unknown_order", "unknown_instrument", "unknown_account", "invalid_client_order_id", "capacity"),
        answer_example={**MADE, "status": "canceled", "remaining_quantity": "0.000", "reason": "requested"},
    ),
    Route(
        method="DELETE",
        path="/orders",
        handler=cancel_orders,
        role="trade",
        summary="Cancel many orders",
        description=(
            "Cancels every live order of an account, of one instrument or side only where those are named (R24). "
            "Finding none is a success. A key that acts for any account and names none cancels everybody's."
        ),
        tag="orders",
        query=CancelQuery,
        answer=CancelResult,
        problems=("unknown_instrument", "unknown_account", "capacity"),
        answer_example={"canceled": 1, "order_ids": ["1099511627776"]},
    ),
    Route(
        method="GET",
        path="/order/{order_id}",
        handler=get_order,
        summary="Look up an order",
        description=(
            "The order as it is now, or as it ended, with everything that was answered before this request came."
        ),
        tag="orders",
        answer=Order,
        problems=("unknown_order", "unknown_account"),
        answer_example=MADE,
    ),
    Route(
        method="GET",
        path="/order",
        handler=get_by_client_id,
        summary="Look up an order by its client order id",
        description=(
            "The account's order that has this client order id, live or ended: of several that had it in turn, the "
            "last one. Who got no answer to an order learns here whether it was entered."
        ),
        tag="orders",
        query=ClientIdQuery,
        answer=Order,
        problems=("unknown_order", "unknown_instrument"),
        answer_example=MADE,
    ),
    Route(
        method="GET",
        path="/orders",
        handler=get_orders,
        summary="List orders",
        description="Orders of an account, newest first, page by page.",
        tag="orders",
        query=OrdersQuery,
        answer=OrderPage,
        problems=("unknown_instrument", "unknown_account", "invalid_cursor"),
        answer_example={"orders": [MADE], "next_cursor": None},
    ),
)
