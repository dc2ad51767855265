"""Orders of the feed: what is not known of them is not made up."""

from __future__ import annotations

import numpy as np

from aeromatch import Exchange, Instrument, Shards
from aeromatch._core import CODES
from aeromatch.market.records import FILL_DTYPE, ORDER_DTYPE, ORDER_HAS_FILLS
from aeromatch.server.feed import OrderRows


def test_an_average_is_told_where_all_fills_are_known() -> None:
    with Exchange(shards=Shards(1)) as exchange:
        exchange.create_instrument(Instrument("BTC-USD", tick_size="0.5", lot_size="0.01"))
        row = np.zeros(1, ORDER_DTYPE)
        row["order_id"], row["instrument"] = 1, exchange.instrument_number("BTC-USD")
        row["status"], row["order_type"] = CODES["OrderStatus"]["partially_filled"], CODES["OrderType"]["limit"]
        row["quantity_lots"], row["filled_lots"], row["remaining_lots"] = 10, 3, 7
        row["price_ticks"], row["notional_low"], row["flags"] = 200, 2 * 199 + 200, ORDER_HAS_FILLS
        rows = OrderRows(exchange)
        (order,) = rows.orders(row, np.zeros(0, FILL_DTYPE))
        assert order.average_price == "99.66666666666666666666666667"
        # Of an order whose log has lost its beginning a book knows how much was filled, not at which prices.
        row["flags"] = 0
        (order,) = rows.orders(row, np.zeros(0, FILL_DTYPE))
        assert (order.filled_quantity, order.average_price) == ("0.03", None)
