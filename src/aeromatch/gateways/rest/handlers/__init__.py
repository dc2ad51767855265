"""What the routes do, by subject; together they are the table of routes."""

from aeromatch.gateways.rest.handlers import accounts, events, instruments, market, orders, server, switches

__all__ = ["ROUTES"]

ROUTES = (
    *orders.ROUTES,
    *market.ROUTES,
    *instruments.ROUTES,
    *accounts.ROUTES,
    *events.ROUTES,
    *switches.ROUTES,
    *server.ROUTES,
)
