"""GET /metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aeromatch.server.observe.http import Application, Receive, Scope, Send, admitted, respond

if TYPE_CHECKING:
    from aeromatch.server.observe.http import Admits
    from aeromatch.server.observe.observer import Observer

__all__ = ["metrics_app"]

TEXT_FORMAT: Final = b"text/plain; version=0.0.4; charset=utf-8"


def metrics_app(observer: Observer, admission: Admits) -> Application:
    """Everything in Prometheus's text format, for whoever may read: where keys are asked for, a scraper has one."""

    async def metrics(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await respond(send, 200, TEXT_FORMAT, observer.registry.text().encode())

    return admitted(admission, "read", metrics)
