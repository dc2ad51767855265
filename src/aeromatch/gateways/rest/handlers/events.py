"""Event markets: questions whose outcomes are traded (R31, R32)."""

from typing import Final

from aeromatch._core import EventMarket as Event
from aeromatch._core import Exchange, Receipt
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.rest.handlers.accounts import MOVED, moved
from aeromatch.gateways.rest.handlers.instruments import DONE
from aeromatch.gateways.rest.handlers.orders import BODY
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.gateways.trading import answered, decimal_text
from aeromatch.schema.accounts import MoveResult, SetMove
from aeromatch.schema.admin import AdminResult, NewEvent, Settle, Void
from aeromatch.schema.market import EventMarket

__all__ = ["ROUTES"]

LISTED: Final = {
    "name": "Election",
    "outcomes": ["Yes", "No"],
    "symbols": ["Election/Yes", "Election/No"],
    "currency": "USD",
    "group": "main",
    "fee_account": "fees",
    "maker_fee_bps": 0,
    "taker_fee_bps": 0,
    "tick_size": "0.01",
    "lot_size": "1",
    "settled": False,
}


def _listed(event: Event) -> EventMarket:
    return EventMarket(
        name=event.name,
        outcomes=list(event.outcomes),
        symbols=list(event.symbols),
        currency=event.currency,
        group=event.group,
        fee_account=event.fee_account,
        maker_fee_bps=event.maker_fee_bps,
        taker_fee_bps=event.taker_fee_bps,
        tick_size=decimal_text(event.tick_size),
        lot_size=decimal_text(event.lot_size),
        settled=event.settled,
    )


async def get_events(request: Request) -> list[EventMarket]:
    """`GET /events`."""
    return [_listed(event) for event in await request.trading.reads.read(Exchange.events)]


async def get_event(request: Request) -> EventMarket:
    """`GET /events/{name}`."""
    name = request.path["name"]
    for event in await request.trading.reads.read(Exchange.events):
        if event.name == name:
            return _listed(event)
    raise refusal("unknown_event", f"there is no event {name!r}")


async def new_event(request: Request) -> AdminResult:
    """`POST /events`."""
    body: NewEvent = request.body
    tag = request.services.admission.audit(request.principal, "create_event", event=body.name)
    return _done(
        await answered(
            request.services.exchange.create_event(
                body.name,
                outcomes=body.outcomes,
                currency=body.currency,
                tick_size=body.tick_size,
                lot_size=body.lot_size,
                group=body.group,
                fee_account=body.fee_account,
                maker_fee_bps=body.maker_fee_bps,
                taker_fee_bps=body.taker_fee_bps,
                tag=tag,
            )
        )
    )


async def settle(request: Request) -> AdminResult:
    """`POST /events/{name}/settle`."""
    name, body = request.path["name"], request.body
    tag = request.services.admission.audit(request.principal, "settle", event=name, outcome=body.outcome)
    command = request.services.exchange.settle(
        name, outcome=body.outcome, value=body.value, payouts=body.payouts, tag=tag
    )
    return _done(await answered(command))


async def void(request: Request) -> AdminResult:
    """`POST /events/{name}/void`."""
    name, body = request.path["name"], request.body
    tag = request.services.admission.audit(request.principal, "void", event=name)
    return _done(await answered(request.services.exchange.void(name, price=body.price, payouts=body.payouts, tag=tag)))


async def mint(request: Request) -> MoveResult:
    """`POST /events/{name}/mint`."""
    body: SetMove = request.body
    request.services.admission.account_for(request.principal, body.account)
    request.services.admission.may_trade(body.account)
    command = request.services.exchange.mint(
        request.path["name"], body.account, body.quantity, tag=request.principal.session
    )
    return moved(await answered(command))


async def redeem(request: Request) -> MoveResult:
    """`POST /events/{name}/redeem`."""
    body: SetMove = request.body
    request.services.admission.account_for(request.principal, body.account)
    request.services.admission.may_trade(body.account)
    command = request.services.exchange.redeem(
        request.path["name"], body.account, body.quantity, tag=request.principal.session
    )
    return moved(await answered(command))


def _done(receipt: Receipt) -> AdminResult:
    return AdminResult(
        sequence=receipt.sequence, timestamp=receipt.timestamp, created=[name for _, name in receipt.created]
    )


ENDS: Final = (*BODY, "unknown_event", "unknown_outcome", "already_settled", "invalid_price", "capacity")
SETS: Final = (
    *BODY,
    "unknown_event",
    "unknown_account",
    "kill_switch",
    "already_settled",
    "invalid_quantity",
    "insufficient_funds",
    "capacity",
)

ROUTES: Final = (
    Route(
        method="GET",
        path="/events",
        handler=get_events,
        summary="List event markets",
        description="All event markets, in the order in which they were made.",
        tag="events",
        answer=list[EventMarket],
        answer_example=[LISTED],
    ),
    Route(
        method="GET",
        path="/events/{name}",
        handler=get_event,
        summary="Read an event market",
        description="One event market; its outcomes are instruments.",
        tag="events",
        answer=EventMarket,
        problems=("unknown_event",),
        answer_example=LISTED,
    ),
    Route(
        method="POST",
        path="/events",
        handler=new_event,
        role="admin",
        summary="Make an event market",
        description="Makes an event market: each outcome becomes an instrument that pays 1 or nothing (R32).",
        tag="events",
        request=NewEvent,
        answer=AdminResult,
        status=201,
        problems=(
            *BODY,
            "already_exists",
            "invalid_name",
            "invalid_price",
            "invalid_quantity",
            "unknown_asset",
            "unknown_account",
            "unknown_group",
            "invalid_combination",
            "capacity",
        ),
        example={"name": "Election", "outcomes": ["Yes", "No"], "currency": "USD"},
        answer_example={**DONE, "created": ["Election", "Election/Yes", "Election/No"]},
    ),
    Route(
        method="POST",
        path="/events/{name}/settle",
        handler=settle,
        role="admin",
        summary="Settle an event market",
        description=(
            "Ends an event market: orders are canceled, shares are paid (R32). Exactly one of `outcome` (that one pays "
            "1), `value` (of the first outcome) and `payouts` (by outcome) says what."
        ),
        tag="events",
        request=Settle,
        answer=AdminResult,
        problems=ENDS,
        example={"outcome": "Yes"},
        answer_example=DONE,
    ),
    Route(
        method="POST",
        path="/events/{name}/void",
        handler=void,
        role="admin",
        summary="Void an event market",
        description=(
            "Ends an event market that nothing was decided in: shares are refunded (R32). Exactly one of `price` (of "
            "the first outcome) and `payouts` (by outcome) says at what."
        ),
        tag="events",
        request=Void,
        answer=AdminResult,
        problems=ENDS,
        example={"price": "0.50"},
        answer_example=DONE,
    ),
    Route(
        method="POST",
        path="/events/{name}/mint",
        handler=mint,
        role="trade",
        summary="Mint sets",
        description="An account pays one unit of cash for each full set of shares, one of each outcome (R32).",
        tag="events",
        request=SetMove,
        answer=MoveResult,
        status=201,
        problems=SETS,
        example={"account": "alice", "quantity": "10"},
        answer_example=MOVED,
    ),
    Route(
        method="POST",
        path="/events/{name}/redeem",
        handler=redeem,
        role="trade",
        summary="Redeem sets",
        description="An account gives full sets of shares back for one unit of cash each (R32).",
        tag="events",
        request=SetMove,
        answer=MoveResult,
        status=201,
        problems=SETS,
        example={"account": "alice", "quantity": "10"},
        answer_example=MOVED,
    ),
)
