"""The server itself: whether it lives, what it does, who is asking, and how it is used."""

import time
from typing import Any, Final

from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.gateways.services import Services
from aeromatch.schema.admin import Health, Me
from aeromatch.schema.market import Stats

__all__ = ["ROUTES"]

ALIVE: Final = {"status": "ready", "version": "0.1.0", "uptime_s": 12.5, "detail": ""}


def _health(services: Services) -> Health:
    return Health(
        status=services.state,
        version=services.version,
        uptime_s=(time.time_ns() - services.started_at) / 1e9 if services.started_at else 0.0,
        detail=services.detail,
    )


async def get_health(request: Request) -> Health:
    """`GET /health`."""
    return _health(request.services)


async def get_ready(request: Request) -> Health:
    """`GET /ready`."""
    if request.services.state != "ready":
        request.status = 503
    return _health(request.services)


async def get_stats(request: Request) -> Stats:
    """`GET /stats`."""
    return request.services.stats()


async def get_me(request: Request) -> Me:
    """`GET /me`."""
    who = request.principal
    return Me(key=who.key_id, roles=sorted(who.roles), account=who.account)


async def get_openapi(request: Request) -> bytes:
    """`GET /openapi.json`."""
    return request.document


ROUTES: Final = (
    Route(
        method="GET",
        path="/health",
        handler=get_health,
        role=None,
        summary="Whether the server lives",
        description="Answers as long as the process does, whatever its state is.",
        tag="server",
        answer=Health,
        answer_example=ALIVE,
    ),
    Route(
        method="GET",
        path="/ready",
        handler=get_ready,
        role=None,
        summary="Whether the server may be used",
        description="200 once everything is recovered, until the server begins to end; 503 else.",
        tag="server",
        answer=Health,
        also={503: "Not yet, or no more: `status` says which."},
        answer_example=ALIVE,
    ),
    Route(
        method="GET",
        path="/stats",
        handler=get_stats,
        summary="The venue at a glance",
        description="Rates, connections, memory, shards, and how long the stages of an order's way take.",
        tag="server",
        answer=Stats,
    ),
    Route(
        method="GET",
        path="/me",
        handler=get_me,
        summary="Who is asking",
        description="The key that was used, what it may do, and its account; null: it acts for whichever is named.",
        tag="server",
        answer=Me,
        answer_example={"key": "alice-1", "roles": ["read", "trade"], "account": "alice"},
    ),
    Route(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        role=None,
        summary="This document",
        description="How the server is used, as OpenAPI 3.1.",
        tag="server",
        answer=dict[str, Any],
    ),
)
