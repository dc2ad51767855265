"""From what callers write to what is sent: exact amounts, ids."""

import uuid
from decimal import Decimal
from typing import Literal, TypeAlias

from aeromatch.schema.orders import NewOrder, OrderType, SelfTradePrevention, Side, TimeInForce

__all__ = ["AmountLike", "amount_text", "maybe_text", "new_id", "new_order"]

AmountLike: TypeAlias = Decimal | str | int | float
"""As the Python API takes them: a float by its shortest repr, so that 0.1 is a tenth."""


def amount_text(value: AmountLike, name: str) -> str:
    """An amount as it is sent, in plain notation.

    Raises:
        TypeError: It is none of the types that amounts may have.
        ValueError: It is not a number; the server says whether it fits.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, str, int, float)):
        raise TypeError(f"{name} must be Decimal, str, int or float, not {type(value).__name__}")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except ArithmeticError:
        raise ValueError(f"{name} is not a number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"{name} is not a number: {value!r}")
    return format(number, "f")


def maybe_text(value: AmountLike | None, name: str) -> str | None:
    """An amount, if there is one."""
    return None if value is None else amount_text(value, name)


def check_named(order_id: str | None, client_order_id: str | None, symbol: str | None) -> None:
    """Looks whether an order is named in one way. Raises ValueError."""
    if (order_id is None) == (client_order_id is None):
        raise ValueError("either order_id or client_order_id names the order")
    if client_order_id is not None and symbol is None:
        raise ValueError("symbol: client order ids are an instrument's own")


def new_id() -> str:
    """An id that nobody else makes: with it a request whose answer was lost can be sent again, and happens once."""
    return uuid.uuid4().hex


def new_order(
    symbol: str,
    side: Side,
    *,
    quantity: AmountLike,
    price: AmountLike | None = None,
    order_type: OrderType = "limit",
    time_in_force: TimeInForce = "gtc",
    account: str | None = None,
    client_order_id: str | None = None,
    expire_at: int | None = None,
    post_only: bool | Literal["slide"] = False,
    protection_price: AmountLike | None = None,
    budget: AmountLike | None = None,
    stop_price: AmountLike | None = None,
    trail_offset: AmountLike | None = None,
    trail_offset_bps: int | None = None,
    display_quantity: AmountLike | None = None,
    min_quantity: AmountLike | None = None,
    self_trade_prevention: SelfTradePrevention | None = None,
    self_trade_group: int | None = None,
) -> NewOrder:
    """An order to send: the arguments of `Exchange.submit`, whose names they have.

    Arguments:
        symbol: The instrument.
        side: "buy" or "sell".
        quantity: In units, a whole number of lots.
        price: Limit price, a whole number of ticks; for types with a limit only.
        order_type: "limit", "market", "stop", "stop_limit", "trailing_stop" or "trailing_stop_limit".
        time_in_force: "gtc", "day", "gtd", "ioc", "fok" or "aon".
        account: Whose order it is; None: the client's account or, without one, the key's.
        client_order_id: The sender's own id, 1 to 36 printable ASCII characters; None: one is made.
        expire_at: When a "gtd" order ends, in ns since 1970.
        post_only: True: rejected rather than taking; "slide": repriced behind what it would take (R13).
        protection_price: A market order's worst price (R12).
        budget: The most that a market buy may cost, fees included.
        stop_price: Last trade price that wakes a stop (R15).
        trail_offset: How far a trailing stop follows, in money.
        trail_offset_bps: How far it follows, in basis points.
        display_quantity: What an iceberg shows at a time; 0: hidden (R14).
        min_quantity: What it finds on arrival is nothing or at least this (R21).
        self_trade_prevention: The order's own mode; None: the instrument's (R25).
        self_trade_group: Orders of one group count as one owner (R25).

    Raises:
        TypeError, ValueError: An amount is no exact number.
    """
    return NewOrder(
        symbol=symbol,
        side=side,
        quantity=amount_text(quantity, "quantity"),
        type=order_type,
        price=maybe_text(price, "price"),
        time_in_force=time_in_force,
        account=account,
        client_order_id=client_order_id,
        expire_at=expire_at,
        post_only=post_only,
        protection_price=maybe_text(protection_price, "protection_price"),
        budget=maybe_text(budget, "budget"),
        stop_price=maybe_text(stop_price, "stop_price"),
        trail_offset=maybe_text(trail_offset, "trail_offset"),
        trail_offset_bps=trail_offset_bps,
        display_quantity=maybe_text(display_quantity, "display_quantity"),
        min_quantity=maybe_text(min_quantity, "min_quantity"),
        self_trade_prevention=self_trade_prevention,
        self_trade_group=self_trade_group,
    )
