"""From what callers write to the slots of docs/records.md: exact amounts to ticks and lots, names to numbers."""

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aeromatch import Commands, commands
from aeromatch.client.wire_orders import Market
from aeromatch.market.records import (
    FLAG_PRICE_OFF_GRID,
)
from aeromatch.schema.base import Amount
from aeromatch.schema.orders import NewOrder

__all__ = ["NOWHERE", "amend_slots", "cancel_slots", "heads", "mass_cancel_slots", "order_slots"]

NOWHERE: Final = 2**32 - 1
"""The number of an account that there is not: the exchange refuses it, and the refusal stands in the log."""
EVERY: Final = 2**32 - 1
"""The instrument of a mass cancel that is for all of them."""
UNKNOWN: Final = 2**24 - 1
"""The number of an instrument that there is not."""
NO_AMOUNT: Final = 2**64 - 1
I64: Final = range(-(2**63), 2**63)
MOST_LOTS: Final = 2**63
EXACT: Final = Context(prec=120, traps=[Inexact, InvalidOperation])


def _whole(amount: Amount, size: Decimal) -> int | None:
    """How many units of a size an amount is; None: no whole number of them."""
    try:
        units = EXACT.divide(Decimal(amount), size)
    except (ArithmeticError, ValueError):
        return None
    return int(units) if units == units.to_integral_value() and abs(units) < MOST_LOTS else None


def _lots(amount: Amount | None, market: Market, missing: int) -> int | None:
    """A quantity in lots; what cannot be one is what docs/records.md says for it."""
    if amount is None:
        return None
    lots = _whole(amount, market.lot_size)
    return missing if lots is None or lots < 0 else lots


class _Ticks:
    """Prices on their way into columns: one that is not on the grid is sent as 0, and flagged."""

    def __init__(self, rows: int) -> None:
        self.off_grid = np.zeros(rows, dtype=np.bool_)

    def of(self, row: int, amount: Amount | None, market: Market) -> int | None:
        if amount is None:
            return None
        ticks = _whole(amount, market.tick_size)
        if ticks is None or ticks not in I64:
            self.off_grid[row] = True
            return 0
        return ticks

    def flag(self, made: Commands) -> NDArray[np.void]:
        """The slots, with what was off the grid said in their flags."""
        slots = made.slots.copy()
        if self.off_grid.any():
            places = heads(slots)[self.off_grid]
            slots["flags"][places] |= FLAG_PRICE_OFF_GRID
        return slots


def heads(slots: NDArray[np.void]) -> NDArray[np.intp]:
    """The places of the commands' own slots, without those that extend them."""
    extensions = slots["extensions"]
    if not extensions.any():
        return np.arange(len(slots))
    places, at, flags = [], 0, extensions.tolist()
    while at < len(flags):
        places.append(at)
        at += 1 + flags[at].bit_count()
    return np.array(places, dtype=np.intp)


def order_slots(
    orders: Sequence[NewOrder], markets: Mapping[str, Market], accounts: Mapping[str | None, int], tags: Sequence[int]
) -> NDArray[np.void]:
    """New orders as commands, in their order.

    Raises:
        ValueError: An order has a budget, which has no units here.
    """
    ticks = _Ticks(len(orders))
    rows = [_order_row(row, order, markets, accounts, ticks) for row, order in enumerate(orders)]
    made = Commands.from_rows([{**row, "tag": tag} for row, tag in zip(rows, tags, strict=True)])
    return ticks.flag(made)


def _order_row(
    row: int,
    order: NewOrder,
    markets: Mapping[str, Market],
    accounts: Mapping[str | None, int],
    ticks: _Ticks,
) -> dict[str, Any]:
    if order.budget is not None:
        raise ValueError("budget: not over the binary protocol; protection_price limits a market order, too")
    market = markets.get(order.symbol, Market(UNKNOWN, order.symbol, Decimal(1), Decimal(1), UNKNOWN))
    trail_ticks = ticks.of(row, order.trail_offset, market)
    if trail_ticks is not None and trail_ticks < 0:
        ticks.off_grid[row], trail_ticks = True, 0
    return {
        "kind": "new",
        "instrument": market.number,
        "account": accounts.get(order.account, NOWHERE),
        "side": order.side,
        "order_type": order.type,
        "time_in_force": order.time_in_force,
        "price_ticks": ticks.of(row, order.price, market),
        "quantity_lots": _lots(order.quantity, market, 0),
        "post_only": order.post_only,
        "expire_at": order.expire_at,
        "protection_price_ticks": ticks.of(row, order.protection_price, market),
        "stop_price_ticks": ticks.of(row, order.stop_price, market),
        "trail_offset_ticks": trail_ticks,
        "trail_offset_bps": order.trail_offset_bps,
        "display_lots": _lots(order.display_quantity, market, NO_AMOUNT),
        "min_lots": _lots(order.min_quantity, market, 0),
        "self_trade_prevention": order.self_trade_prevention,
        "self_trade_group": order.self_trade_group,
        "client_order_id": order.client_order_id,
    }


def amend_slots(
    order_id: int, market: Market, account: int, *, quantity: Amount | None, price: Amount | None, tag: int
) -> NDArray[np.void]:
    """An amend of an order by its id."""
    ticks = _Ticks(1)
    return ticks.flag(
        commands(
            kind="amend",
            order_id=order_id,
            instrument=market.number,
            account=account,
            quantity_lots=_lots(quantity, market, 0),
            price_ticks=ticks.of(0, price, market),
            tag=tag,
        )
    )


def cancel_slots(
    instrument: int, account: int, *, order_id: int = 0, client_order_id: str | None = None, tag: int
) -> NDArray[np.void]:
    """A cancel of an order by its id, or by its client order id."""
    named: dict[str, Any] = {"order_id": order_id} if client_order_id is None else {"client_order_id": client_order_id}
    return commands(kind="cancel", instrument=instrument, account=account, tag=tag, **named).slots


def mass_cancel_slots(instrument: int | None, account: int, side: str | None, tag: int) -> NDArray[np.void]:
    """A mass cancel: of one instrument, or of all."""
    made = commands(kind="mass_cancel", account=account, side=side, tag=tag)
    slots = made.slots.copy()
    # More than an instrument's number may be, so that a column could not hold it.
    slots["instrument"] = EVERY if instrument is None else instrument
    return slots
