"""What the browser tests stand on: a server that can be stopped and started, and pages that are watched."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from tests.server.process import Server, serving

MARKET = """
exchange: {durability: os}
assets:
  - {name: USD, decimals: 8}
instruments:
  - {symbol: BTC-USD, tick_size: 0.5, lot_size: 0.001, settlement: true, base: BTC, quote: USD}
  - {symbol: ETH-USD, tick_size: 0.01, lot_size: 0.01, settlement: true, base: ETH, quote: USD}
events:
  - {name: Rain tomorrow, outcomes: ["Yes", "No"], currency: USD}
  - {name: Snow in June, outcomes: ["Yes", "No"], currency: USD}
accounts:
  - {name: alice, deposits: [{asset: USD, amount: 1000000}, {asset: BTC, amount: 100}]}
  - {name: bob, deposits: [{asset: USD, amount: 1000000}, {asset: BTC, amount: 100}]}
"""

PATIENCE_MS = 20_000


class Venue:
    """A server with a market and without traders; it keeps its port when it starts again."""

    def __init__(self, folder: Path, auth: str = "off") -> None:
        self.config = folder / "config.yaml"
        self.config.write_text(f"auth: {{mode: {auth}}}\n{MARKET}")
        self.port = 0
        self.server: Server
        self._stack = ExitStack()

    @property
    def address(self) -> str:
        return self.server.address

    def start(self) -> None:
        """Starts it, and waits until it may be used."""
        self.server = self._stack.enter_context(serving("--config", self.config, "--port", self.port))
        self.port = int(self.server.ready().rsplit(":", 1)[1])

    def stop(self) -> None:
        """Tells it to stop; it has to do so in order."""
        assert self.server.stop() == 0

    def kill(self) -> None:
        """Ends it, whatever it does."""
        self._stack.close()

    def order(self, account: str, side: str, quantity: str, price: str, symbol: str = "BTC-USD") -> dict[str, Any]:
        """Places an order past the page."""
        body = {"symbol": symbol, "side": side, "quantity": quantity, "price": price, "account": account}
        placed: dict[str, Any] = self.ask("POST", "/order", body)
        return placed

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Asks something that may not be refused."""
        answer = httpx.request(method, self.address + path, json=body, timeout=PATIENCE_MS / 1000)
        assert answer.is_success, answer.text
        return answer.json()

    def balance(self, account: str, asset: str) -> Decimal:
        """What an account has of an asset in all."""
        answer = self.ask("GET", f"/accounts/{account}/balances")
        return next((Decimal(b["total"]) for b in answer["balances"] if b["asset"] == asset), Decimal(0))

    def clear(self) -> None:
        """Takes all orders away."""
        for account in ("alice", "bob"):
            self.ask("DELETE", f"/orders?account={account}")


class Watch:
    """Opens pages and notes what goes wrong in them."""

    def __init__(self, browser: Any, venue: Venue) -> None:
        self.venue = venue
        self.address = venue.address
        self.faults: list[str] = []
        self.foreign: list[str] = []
        self.lost_connections_expected = False
        self.refusals_expected = False
        self._browser = browser
        self._contexts: list[Any] = []

    def open(self, path: str = "/", *, width: int = 1440, height: int = 900, **options: Any) -> Any:
        """A page, once it is live."""
        page = self.page(path, width=width, height=height, **options)
        page.get_by_test_id("link").get_by_text("live").wait_for()
        return page

    def page(self, path: str, *, width: int = 1440, height: int = 900, **options: Any) -> Any:
        """A page, as soon as its address answered."""
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._asked)
        page.goto(self.address + path)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _said(self, message: Any) -> None:
        if message.type not in ("error", "warning"):
            return
        # The browser itself writes down each attempt that found nobody, or a server that was about to end.
        ends = ("ERR_CONNECTION_REFUSED", "WebSocket", "the server responded with a status of 503")
        if self.lost_connections_expected and any(end in message.text for end in ends):
            return
        # So it does with each answer that is a refusal.
        if self.refusals_expected and "the server responded with a status of 4" in message.text:
            return
        self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address + "/", "data:")):
            self.foreign.append(request.url)
