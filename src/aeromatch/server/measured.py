"""A server to be measured, in a process of its own: the daemon as it is, with one instrument and an echo."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from aeromatch.gateways.rest.app import RestApp
from aeromatch.gateways.rest.routes import Request, Route
from aeromatch.gateways.trading import Trading
from aeromatch.schema.base import Request as Form
from aeromatch.server.config import Loaded, load
from aeromatch.server.daemon import Daemon
from aeromatch.server.logs import Logs

__all__ = ["ACCOUNT", "config_of", "main"]

PLENTY: Final = 1_000_000_000
"""Limits are looked at for each request, and never reached."""


ACCOUNT: Final = "bench"
"""Whose orders they may be."""


class Nothing(Form):
    """An empty JSON object."""


async def echo(request: Request) -> msgspec.Struct:
    """Answers what came."""
    body: msgspec.Struct = request.body
    return body


ROUTES: Final = (
    Route(
        method="POST",
        path="/echo",
        handler=echo,
        role="trade",
        summary="Echo",
        description="Decodes an empty JSON object and answers it: what a request costs that does nothing.",
        tag="server",
        request=Nothing,
        answer=Nothing,
    ),
)


def config_of(
    directory: Path, symbol: str, durability: str, interval_ms: int = 100, **gateways: dict[str, Any]
) -> Path:
    """Writes the configuration of a server to be measured, with these sections of `gateways`."""
    limits = {"address_orders_per_second": PLENTY, "address_orders_burst": PLENTY}
    config = {
        "server": {"data_dir": str(directory / "data"), "port": 0},
        "auth": {"mode": "off"},
        "exchange": {"durability": durability},
        "instruments": [{"symbol": symbol, "tick_size": "0.01", "lot_size": "0.001"}],
        "limits": limits,
        "gateways": {"websocket": {"messages_per_s": PLENTY, "burst_messages": PLENTY}, **gateways},
        "accounts": [{"name": ACCOUNT}],
        "market_data": {"interval_ms": interval_ms},
        "logging": {"level": "warning"},
    }
    file = directory / "config.yaml"
    # JSON is YAML.
    file.write_text(json.dumps(config))
    return file


class _Measured(Daemon):
    """The daemon with an echo beside its routes."""

    def __init__(self, loaded: Loaded, logs: Logs) -> None:
        super().__init__(loaded, logs, self._begin)

    def _begin(self, address: str, others: Mapping[str, str]) -> None:
        assert self._venue is not None
        services = self._venue.services
        trading = Trading(services)
        services.on_drain.append(trading.close)
        self._app.mount("/echo", RestApp(services, trading, ROUTES))
        print(json.dumps({"http": address, **others}), flush=True)


def main(file: str) -> int:
    """Serves until SIGTERM; the first line that is printed has the addresses by gateway, as JSON."""
    import asyncio

    import uvloop

    loaded = load(Path(file), {})
    logs = Logs(loaded.config.logging)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_Measured(loaded, logs).run())
    finally:
        logs.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
