"""Orders as traders see them, from the rows that `_core.OrderTracker` gives: for the views and for channels alike."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from aeromatch import _core
from aeromatch.gateways.problems import refusal
from aeromatch.market.records import ORDER_HAS_FILLS
from aeromatch.schema.orders import Fill, Order, OrderStatus, OrderType, Side
from aeromatch.server.views.listed import Directory, Market

__all__ = ["OrderRows", "order_of"]


def _words(table: str) -> dict[int, str]:
    return {code: word for word, code in _core.CODES[table].items()}


SIDES: Final = _words("Side")
TYPES: Final = _words("OrderType")
STATUSES: Final = _words("OrderStatus")
REASONS: Final = _words("CancelReason")
WITH_LIMIT: Final = ("limit", "stop_limit", "trailing_stop_limit")
CANCELED: Final = _core.CODES["OrderStatus"]["canceled"]


def order_of(row: np.void, directory: Directory, name: str | None, fills: Iterable[np.void] = ()) -> Order:
    """A row of ORDER_DTYPE as an order; what events do not tell of it is left out.

    Args:
        row: In the terms of the order's own instrument, as the tracker gives it.
        directory: Knows the instrument.
        name: The client order id.
        fills: Rows of FILL_DTYPE: those that are to be told with it.
    """
    number = int(row["instrument"])
    market = directory.number(number)
    if market is None:
        raise refusal("unknown_instrument", f"there is no instrument of number {number}")
    kind, filled = TYPES[int(row["order_type"])], int(row["filled_lots"])
    notional = (int(row["notional_high"]) << 64) + int(row["notional_low"])
    has_average = filled > 0 and row["flags"] & ORDER_HAS_FILLS
    return Order(
        order_id=str(int(row["order_id"])),
        symbol=market.symbol,
        side=cast(Side, SIDES[int(row["side"])]),
        type=cast(OrderType, kind),
        status=cast(OrderStatus, STATUSES[int(row["status"])]),
        quantity=market.quantity(int(row["quantity_lots"])),
        filled_quantity=market.quantity(filled),
        remaining_quantity=market.quantity(int(row["remaining_lots"])),
        price=market.price(int(row["price_ticks"])) if kind in WITH_LIMIT else None,
        average_price=market.average(notional, filled) if has_average else None,
        account=directory.account_name(int(row["account"])),
        client_order_id=name,
        reason=REASONS.get(int(row["reason"])) if row["status"] == CANCELED else None,
        created_at=int(row["created_ns"]),
        updated_at=int(row["updated_ns"]),
        sequence=int(row["sequence"]),
        fills=[_fill(market, fill) for fill in fills],
    )


def _fill(market: Market, fill: Any) -> Fill:
    return Fill(
        trade_id=int(fill["trade_id"]),
        price=market.price(int(fill["price_ticks"])),
        quantity=market.quantity(int(fill["quantity_lots"])),
        liquidity="maker" if fill["is_maker"] else "taker",
        sequence=int(fill["sequence"]),
        timestamp=int(fill["timestamp_ns"]),
    )


class OrderRows:
    """Makes orders of rows, in any thread: `gateways.streams.channels.OrderSource`."""

    def __init__(self, directory: Directory, names: Callable[[NDArray[np.void]], Mapping[int, str]]) -> None:
        """Make it.

        Args:
            directory: Knows the instruments of all rows.
            names: The client order ids of rows of ORDER_DTYPE, by order id, where there are any.
        """
        self._directory = directory
        self._names = names

    def orders(self, rows: NDArray[np.void], fills: NDArray[np.void]) -> list[Order]:
        """The orders of rows of ORDER_DTYPE, in order, each with those rows of FILL_DTYPE that are its own."""
        names = self._names(rows)
        by_order: dict[int, list[np.void]] = {}
        for fill in fills:
            by_order.setdefault(int(fill["order_id"]), []).append(fill)
        return [
            order_of(row, self._directory, names.get(order_id), by_order.get(order_id, ()))
            for row, order_id in zip(rows, rows["order_id"].tolist(), strict=True)
        ]
