"""What the demo says when it is ready: where to look, and what to try."""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from aeromatch.server.config.sections import Config
from aeromatch.server.pages import Pages

__all__ = ["welcome"]


def welcome(address: str, others: Mapping[str, str], config: Config, directory: Path) -> str:
    """The addresses of the server, those of gateways that listen for themselves among them, and commands to try."""
    symbol = config.instruments[0].symbol if config.instruments else "BTC-USD"
    account = config.accounts[0].name if config.accounts else "alice"
    order = {"symbol": symbol, "side": "buy", "quantity": "0.01", "price": "60000", "account": account}
    subscribe = {"op": "subscribe", "channel": "trades", "symbol": symbol}
    websocket = address.replace("http", "ws", 1) + "/ws"
    lines = [
        "",
        f"  dashboard   {address}/",
        f"  API docs    {address}/docs",
        f"  metrics     {address}/metrics",
        *(f"  {name:<11} {others[name]}" for name in others),
        "",
        "Three things to try:",
        f"  curl -s {address}/order -H 'content-type: application/json' -d {_json(order)}",
        f"  {_command('aeromatch')} stats show {shlex.quote(str(directory))} --instrument {shlex.quote(symbol)}",
        f"  (echo {_json(subscribe)}; sleep 5) | {_command('python')} -m websockets {websocket}",
        "",
        "Ctrl-C stops it.",
    ]
    if config.gateways.dashboard and not Pages().is_built:
        lines.insert(
            1, "  The dashboard was not built, which needs Node 20 or newer: `make dashboard`. All else works."
        )
    return "\n".join(lines)


def _json(message: dict[str, str]) -> str:
    return shlex.quote(msgspec.json.encode(message).decode())


def _command(name: str) -> str:
    """How to call what stands beside this Python: by its name where that is enough."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not beside.exists() or (found is not None and Path(found).samefile(beside)):
        return name
    return shlex.quote(os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside))
