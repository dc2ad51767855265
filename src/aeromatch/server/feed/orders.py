"""Orders as traders see them, from the rows that `_core.OrderTracker` gives."""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import Exchange
from aeromatch._core import CODES
from aeromatch.market.records import ORDER_HAS_FILLS
from aeromatch.schema.orders import Fill, Order

__all__ = ["OrderRows"]


def _words(table: str) -> dict[int, Any]:
    return {code: word for word, code in CODES[table].items()}


STATUSES: Final = _words("OrderStatus")
TYPES: Final = _words("OrderType")
SIDES: Final = _words("Side")
REASONS: Final = _words("CancelReason")
REMEMBERED_NAMES: Final = 10_000
EXACT: Final = Context(prec=120)
"""Products of sums and sizes: far below so many digits."""
DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""R9: exact to 28 digits, rounded once."""
WITH_LIMIT: Final = ("limit", "stop_limit", "trailing_stop_limit")


class _Units:
    """How an instrument's ticks and lots are written."""

    __slots__ = ("_lot_size", "_tick_size", "symbol")

    def __init__(self, symbol: str, tick_size: Decimal, lot_size: Decimal) -> None:
        self.symbol, self._tick_size, self._lot_size = symbol, tick_size, lot_size

    def price(self, ticks: int) -> str:
        return f"{ticks * self._tick_size:f}"

    def quantity(self, lots: int) -> str:
        return f"{lots * self._lot_size:f}"

    def average(self, notional: int, lots: int) -> str:
        return f"{DIVISION.divide(EXACT.multiply(Decimal(notional), self._tick_size), Decimal(lots)):f}"


class OrderRows:
    """Makes orders of rows, in any thread."""

    def __init__(self, exchange: Exchange, client_order_id: Callable[[int], str | None] = lambda _id: None) -> None:
        """Make it.

        Arguments:
            exchange: Knows instruments and accounts.
            client_order_id: Of an order, where it is known: events do not have it.
        """
        self._exchange = exchange
        self._client_order_id = client_order_id
        self._units: dict[int, _Units] = {}
        self._accounts: dict[int, str | None] = {0: None}
        # The oldest is forgotten first; who asks again is told again.
        self._names: dict[int, str] = {}

    def account(self, number: int) -> str | None:
        """The name of an account's number."""
        try:
            return self._accounts[number]
        except KeyError:
            return self._accounts.setdefault(number, self._exchange.account_name(number))

    def units(self, number: int) -> _Units:
        """How amounts of an instrument are written."""
        units = self._units.get(number)
        if units is None:
            self._units = {
                each.number: _Units(each.symbol, each.tick_size, each.lot_size) for each in self._exchange.instruments()
            }
            units = self._units[number]
        return units

    def _name(self, number: int) -> str | None:
        name = self._names.get(number)
        if name is None and (name := self._client_order_id(number)) is not None:
            self._names[number] = name
            if len(self._names) > REMEMBERED_NAMES:
                self._names.pop(next(iter(self._names)), None)
        return name

    def orders(self, rows: NDArray[np.void], fills: NDArray[np.void]) -> list[Order]:
        """The orders of rows of ORDER_DTYPE, in order, each with those rows of FILL_DTYPE that are its own."""
        by_order: dict[int, list[Any]] = {}
        for fill in fills:
            by_order.setdefault(int(fill["order_id"]), []).append(fill)
        return [self._order(row, by_order.get(int(row["order_id"]), ())) for row in rows]

    def _order(self, row: Any, fills: Iterable[Any]) -> Order:
        units = self.units(int(row["instrument"]))
        number, filled = int(row["order_id"]), int(row["filled_lots"])
        notional = (int(row["notional_high"]) << 64) + int(row["notional_low"])
        kind = TYPES[int(row["order_type"])]
        has_average = filled > 0 and row["flags"] & ORDER_HAS_FILLS
        return Order(
            order_id=str(number),
            symbol=units.symbol,
            side=SIDES[int(row["side"])],
            type=kind,
            status=STATUSES[int(row["status"])],
            quantity=units.quantity(int(row["quantity_lots"])),
            filled_quantity=units.quantity(filled),
            remaining_quantity=units.quantity(int(row["remaining_lots"])),
            price=units.price(int(row["price_ticks"])) if kind in WITH_LIMIT else None,
            average_price=units.average(notional, filled) if has_average else None,
            account=self.account(int(row["account"])),
            client_order_id=self._name(number),
            reason=REASONS.get(int(row["reason"])),
            created_at=int(row["created_ns"]),
            updated_at=int(row["updated_ns"]),
            sequence=int(row["sequence"]),
            fills=[self._fill(units, fill) for fill in fills],
        )

    def _fill(self, units: _Units, fill: Any) -> Fill:
        return Fill(
            trade_id=int(fill["trade_id"]),
            price=units.price(int(fill["price_ticks"])),
            quantity=units.quantity(int(fill["quantity_lots"])),
            liquidity="maker" if fill["is_maker"] else "taker",
            sequence=int(fill["sequence"]),
            timestamp=int(fill["timestamp_ns"]),
        )
