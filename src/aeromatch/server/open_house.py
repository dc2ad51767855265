"""What stands in for views while there are none: nothing is kept."""

from aeromatch.gateways.problems import refusal
from aeromatch.schema.market import Candle, CandlePage, TradePage
from aeromatch.schema.orders import Order, OrderPage

__all__ = ["NoViews"]


class NoViews:
    """Nothing of the past."""

    async def order(self, order_id: int) -> Order | None:
        """None."""
        del order_id
        return None

    async def orders(
        self, *, account: str | None, symbol: str | None, status: str | None, limit: int, cursor: str | None
    ) -> OrderPage:
        """Refuses."""
        del account, symbol, status, limit, cursor
        raise refusal("unavailable", "orders are not kept here")

    async def trades(self, symbol: str, *, limit: int, cursor: str | None, from_sequence: int | None) -> TradePage:
        """Refuses."""
        del symbol, limit, cursor, from_sequence
        raise refusal("unavailable", "trades are not kept here")

    async def candles(
        self, symbol: str, period: str, *, start: int | None, end: int | None, limit: int, cursor: str | None
    ) -> CandlePage:
        """Refuses."""
        del symbol, period, start, end, limit, cursor
        raise refusal("unavailable", "candles are not kept here")

    def open_candle(self, symbol: str, period: str) -> Candle | None:
        """None."""
        del symbol, period
        return None

    def named(self, order_id: int, client_order_id: str) -> None:
        """Nobody asks for it."""
