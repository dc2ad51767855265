"""Kill switches and the dead man's switch (docs/security.md)."""

from typing import Final

from aeromatch.gateways.rest.handlers.orders import BODY
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.schema.accounts import Account
from aeromatch.schema.admin import DeadMan, DeadManState, KillSwitch

__all__ = ["ROUTES"]

KILLED: Final = {"account": "alice", "killed": True}
VENUE: Final = "*"
"""Stands for the venue where answers have an account."""


async def get_kill_switch(request: Request) -> Account:
    """`GET /kill-switch`."""
    return Account(account=VENUE, killed=request.services.admission.is_killed(None))


async def kill_account(request: Request) -> Account:
    """`PUT /accounts/{account}/kill-switch`."""
    return await _kill(request, request.path["account"])


async def kill_venue(request: Request) -> Account:
    """`PUT /kill-switch`."""
    return await _kill(request, None)


async def _kill(request: Request, account: str | None) -> Account:
    body: KillSwitch = request.body
    return await request.services.admission.set_kill_switch(
        request.principal, account, engaged=body.engaged, cancel_orders=body.cancel_orders, reason=body.reason
    )


async def set_dead_man(request: Request) -> DeadManState:
    """`PUT /accounts/{account}/dead-man`."""
    account = request.path["account"]
    request.services.admission.account_for(request.principal, account)
    return await request.services.admission.set_dead_man(request.principal, account, request.body.timeout_ms)


ROUTES: Final = (
    Route(
        method="PUT",
        path="/accounts/{account}/kill-switch",
        handler=kill_account,
        role="admin",
        summary="Stop an account, or let it trade again",
        description="New orders of the account are refused while the switch is on; with it, live ones are canceled.",
        tag="safety",
        request=KillSwitch,
        answer=Account,
        problems=(*BODY, "unknown_account"),
        example={"engaged": True, "reason": "runaway"},
        answer_example=KILLED,
    ),
    Route(
        method="GET",
        path="/kill-switch",
        handler=get_kill_switch,
        summary="Whether the venue is stopped",
        description="Whether the venue's kill switch is on; an account's own one is shown with the account.",
        tag="safety",
        answer=Account,
        answer_example={"account": VENUE, "killed": False},
    ),
    Route(
        method="PUT",
        path="/kill-switch",
        handler=kill_venue,
        role="admin",
        summary="Stop the venue, or let it trade again",
        description="New orders of everybody are refused while the switch is on; with it, live ones are canceled.",
        tag="safety",
        request=KillSwitch,
        answer=Account,
        problems=BODY,
        example={"engaged": True, "reason": "drill"},
        answer_example={"account": VENUE, "killed": True},
    ),
    Route(
        method="PUT",
        path="/accounts/{account}/dead-man",
        handler=set_dead_man,
        role="trade",
        summary="Arm the dead man's switch",
        description="All orders of the account are canceled unless this is sent again within the time; 0 turns it off.",
        tag="safety",
        request=DeadMan,
        answer=DeadManState,
        problems=(*BODY, "unknown_account", "no_connection"),
        example={"timeout_ms": 10000},
        answer_example={"timeout_ms": 10000, "fires_at": 1767225610000000000},
    ),
)
