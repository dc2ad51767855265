"""What a client's order messages ask for, in the terms of the exchange."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.message import FieldMap
from aeromatch.gateways.fix.tracked import Tracked
from aeromatch.gateways.problems import refusal
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.orders import AmendOrder, NewOrder, OrderType, Side, TimeInForce
from aeromatch.schema.problems import FieldProblem

__all__ = ["TERMS", "amendment", "new_order", "side_of", "terms_of", "unsupported"]

SIDES: Final[Mapping[str, Side]] = {"1": "buy", "2": "sell"}
ORDER_TYPES: Final[Mapping[str, OrderType]] = {"1": "market", "2": "limit", "3": "stop", "4": "stop_limit"}
PEGGED: Final = "P"
TIMES_IN_FORCE: Final[Mapping[str, TimeInForce]] = {"0": "day", "1": "gtc", "3": "ioc", "4": "fok", "6": "gtd"}
POST_ONLY: Final = "6"
ALL_OR_NONE: Final = "G"
TRAILING: Final = "a"
INSTRUCTIONS: Final = (POST_ONLY, ALL_OR_NONE, TRAILING)
BASIS_POINTS: Final = "1"
OFFSET_TYPES: Final = ("0", BASIS_POINTS)

TERMS: Final = (
    tags.STOP_PX,
    tags.PEG_OFFSET_VALUE,
    tags.PEG_OFFSET_TYPE,
    tags.CASH_ORDER_QTY,
    tags.TIME_IN_FORCE,
    tags.EXPIRE_TIME,
    tags.EXEC_INST,
    tags.MIN_QTY,
    tags.MAX_FLOOR,
)
"""What an order is entered with and cannot be changed: its reports have it as it was sent."""

LONGEST_DIGITS: Final = 9


def unsupported(tag: int, name: str, value: str) -> RefusedError:
    """The standard knows it, the exchange does not."""
    detail = f"{name} ({tag}) {value!r} is not supported here"
    return refusal("invalid_combination", detail, errors=(FieldProblem(pointer=f"/{tag}", detail=detail),))


def _wrong(tag: int, name: str, detail: str) -> RefusedError:
    text = f"{name} ({tag}) {detail}"
    return refusal("malformed", text, errors=(FieldProblem(pointer=f"/{tag}", detail=text),))


def side_of(message: FieldMap) -> Side:
    """Side (54). Raises RefusedError for those that are neither a buy nor a sell."""
    value = message.text(tags.SIDE) or ""
    side = SIDES.get(value)
    if side is None:
        raise unsupported(tags.SIDE, "Side", value)
    return side


def new_order(message: FieldMap) -> NewOrder:
    """What a NewOrderSingle asks for.

    Raises:
        RefusedError: It asks for what the exchange does not have, or leaves out what it needs.
    """
    quantity = message.text(tags.ORDER_QTY)
    if quantity is None:
        raise _wrong(tags.ORDER_QTY, "OrderQty", "is needed")
    sent_type, sent_time = message.text(tags.ORD_TYPE) or "", message.text(tags.TIME_IN_FORCE) or "0"
    instructions = (message.text(tags.EXEC_INST) or "").split()
    for instruction in instructions:
        if instruction not in INSTRUCTIONS:
            raise unsupported(tags.EXEC_INST, "ExecInst", instruction)
    price, order_type = message.text(tags.PRICE), ORDER_TYPES.get(sent_type)
    if sent_type == PEGGED and TRAILING in instructions:
        order_type = "trailing_stop" if price is None else "trailing_stop_limit"
    elif order_type is None or TRAILING in instructions:
        raise unsupported(tags.ORD_TYPE, "OrdType", sent_type)
    time_in_force = TIMES_IN_FORCE.get(sent_time)
    if time_in_force is None:
        raise unsupported(tags.TIME_IN_FORCE, "TimeInForce", sent_time)
    if ALL_OR_NONE in instructions:
        if sent_time not in ("0", "1"):
            raise refusal("invalid_combination", "TimeInForce (59) of an all-or-none order (ExecInst G) is 0 or 1")
        time_in_force = "aon"
    order = NewOrder(
        symbol=message.text(tags.SYMBOL) or "",
        side=side_of(message),
        quantity=quantity,
        type=order_type,
        price=price,
        time_in_force=time_in_force,
        account=message.text(tags.ACCOUNT),
        client_order_id=message.text(tags.CL_ORD_ID),
        post_only=POST_ONLY in instructions,
        budget=message.text(tags.CASH_ORDER_QTY),
        stop_price=message.text(tags.STOP_PX),
        display_quantity=message.text(tags.MAX_FLOOR),
        min_quantity=message.text(tags.MIN_QTY),
    )
    if order_type == "market":
        # A limit that a market order has is the worst price that it takes.
        order.price, order.protection_price = None, price
    order.expire_at = message.time_ns(tags.EXPIRE_TIME)
    _trail(order, message)
    return order


def _trail(order: NewOrder, message: FieldMap) -> None:
    offset, unit = message.text(tags.PEG_OFFSET_VALUE), message.text(tags.PEG_OFFSET_TYPE) or "0"
    if offset is None:
        return
    if unit not in OFFSET_TYPES:
        raise unsupported(tags.PEG_OFFSET_TYPE, "PegOffsetType", unit)
    if unit == "0":
        order.trail_offset = offset
        return
    whole = offset.removesuffix(".0")
    if not (whole.isascii() and whole.isdigit() and len(whole) < LONGEST_DIGITS):
        raise _wrong(tags.PEG_OFFSET_VALUE, "PegOffsetValue", "is a whole number of basis points")
    order.trail_offset_bps = int(whole)


def terms_of(message: FieldMap) -> list[tuple[int, str]]:
    """The fields of a NewOrderSingle that its reports repeat."""
    return [(tag, value) for tag in TERMS if (value := message.text(tag)) is not None]


def amendment(message: FieldMap, order: Tracked) -> AmendOrder:
    """What an OrderCancelReplaceRequest asks for: another total quantity, another limit, or both (R22).

    Raises:
        RefusedError: It would change what cannot be changed.
    """
    same = {tags.SYMBOL: order.symbol, tags.SIDE: order.side, tags.ORD_TYPE: order.ord_type, **dict(order.terms)}
    for tag, value in same.items():
        sent = message.text(tag)
        if sent is not None and sent != value and not _is_same_amount(sent, value):
            raise refusal("invalid_combination", f"field {tag} cannot be changed from {value!r}: cancel the order")
    return AmendOrder(quantity=message.text(tags.ORDER_QTY), price=message.text(tags.PRICE))


def _is_same_amount(one: str, other: str) -> bool:
    try:
        return Decimal(one) == Decimal(other)
    except ArithmeticError:
        return False
