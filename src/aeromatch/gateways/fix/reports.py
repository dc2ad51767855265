"""Execution reports: what is told of an order, from what the exchange says about it.

The exchange says how an order is after commands, with its fills, each with the number of its command. What has been
reported of an order has such a number as well (`Tracked.sequence`), and nothing up to that is reported again: so the
same order may be told of twice, by the answer to its sender and by the stream of the account, and is reported once.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeAlias

from aeromatch.gateways.fix import tags
from aeromatch.gateways.fix.refusals import text_of
from aeromatch.gateways.fix.tracked import Change, Tracked
from aeromatch.gateways.fix.values import time_text
from aeromatch.gateways.services import RefusedError
from aeromatch.schema.orders import Fill, Order

__all__ = ["Body", "cancel_rejected", "followed", "rejected", "restored", "status_of", "unknown_status"]

Body: TypeAlias = list[tuple[int, str]]
"""Fields of a message, in order; entries of groups stand behind the field that counts them."""

EXACT: Final = Context(prec=120)
DIVISION: Final = Context(prec=28, rounding=ROUND_HALF_EVEN)

NEW: Final = "0"
CANCELED: Final = "4"
REPLACED: Final = "5"
REJECTED: Final = "8"
EXPIRED: Final = "C"
RESTATED: Final = "D"
TRADE: Final = "F"
STATUS: Final = "I"

NO_ORDER: Final = "NONE"
"""OrderID (37) of an order that the venue does not have."""
REPRICED, OTHER_REASON, LESS = "3", "99", "5"
"""ExecRestatementReason (378)."""
BY_THE_CLOCK: Final = ("expired", "session_closed")
"""Reasons of cancels that are an end by time."""
LIQUIDITY: Final = {"maker": "1", "taker": "2"}
MISSED: Final = "sequence_not_kept: what happened to the order since the last report is not kept one by one"


def plain(value: Decimal) -> str:
    """A decimal without an exponent."""
    return format(value, "f")


def followed(order: Tracked, state: Order) -> Iterator[Body]:
    """The reports that lead to a state of an order, from the one that it had; `order` goes along.

    Arguments:
        order: Its client's order.
        state: How the exchange has it after a command, with the fills since the last report among its own.
    """
    if state.sequence <= order.sequence or order.is_done:
        return
    if not order.order_id:
        order.order_id, order.status = state.order_id, NEW
        order.is_dormant = order.ord_type in ("3", "4", "P")
        yield _report(order, NEW, f"{state.order_id}.{state.sequence}.{NEW}", state.created_at)
    fills = sorted((fill for fill in state.fills if fill.sequence > order.sequence), key=_sequence)
    _take_as_done(order, state)
    if order.is_dormant and state.status != "dormant" and (state.status != "canceled" or fills):
        order.is_dormant = False
        restated = (tags.EXEC_RESTATEMENT_REASON, OTHER_REASON), (tags.TEXT, "triggered")
        yield _report(order, RESTATED, f"{state.order_id}.{state.sequence}.T", state.updated_at, *restated)
    for step in _steps(order, fills, state.sequence):
        yield _filled(order, step) if isinstance(step, Fill) else _replaced(order, step, state)
    order.sequence = state.sequence
    if state.status == "canceled":
        yield _canceled(order, state)
    elif not order.is_done:
        yield from _restated(order, state)


def _sequence(step: Fill | Change) -> int:
    return step.sequence


def _take_as_done(order: Tracked, state: Order) -> None:
    """Of replacements whose answers are lost, the last one that the state may come from."""
    asked = [change for change in order.changes if change.kind == "amend" and change.is_lost and not change.sequence]
    quantity, price = _amount(order.quantity), _amount(order.price)
    for place in range(len(asked) - 1, -1, -1):
        change = asked[place]
        wanted = _amount(change.quantity) or quantity, _amount(change.price) or price
        if wanted == (_amount(state.quantity), _amount(state.price)) != (quantity, price):
            change.sequence = order.sequence + 1
            return


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _steps(order: Tracked, fills: list[Fill], until: int) -> list[Fill | Change]:
    """What happened, in order: a replacement comes before the fills that it brought."""
    done = [change for change in order.changes if change.kind == "amend" and 0 < change.sequence <= until]
    order.changes = [change for change in order.changes if change not in done]
    steps: list[Fill | Change] = [*done, *fills]
    return sorted(steps, key=_sequence)


def _filled(order: Tracked, fill: Fill) -> Body:
    quantity, price = Decimal(fill.quantity), Decimal(fill.price)
    total = EXACT.add(Decimal(order.cum_quantity), quantity)
    order.cum_quantity = plain(total)
    order.notional = plain(EXACT.add(Decimal(order.notional), EXACT.multiply(quantity, price)))
    order.status = "2" if total >= Decimal(order.quantity) else "1"
    return _report(
        order,
        TRADE,
        f"{order.order_id}.{fill.sequence}.{fill.trade_id}",
        fill.timestamp,
        (tags.LAST_QTY, fill.quantity),
        (tags.LAST_PX, fill.price),
        (tags.LAST_LIQUIDITY_IND, LIQUIDITY[fill.liquidity]),
        (tags.SECONDARY_EXEC_ID, str(fill.trade_id)),
    )


def _replaced(order: Tracked, change: Change, state: Order) -> Body:
    before, order.cl_ord_id = order.cl_ord_id, change.cl_ord_id
    order.quantity, order.price = change.quantity or order.quantity, change.price or order.price
    exec_id = f"{order.order_id}.{change.sequence}.{REPLACED}.{change.cl_ord_id}"
    return _report(order, REPLACED, exec_id, state.updated_at, (tags.ORIG_CL_ORD_ID, before))


def _canceled(order: Tracked, state: Order) -> Body:
    """Its end before it was filled, and whose request that was."""
    reason = state.reason or "canceled"
    asked = [change for change in order.changes if change.kind == "cancel" and reason == "requested"]
    more: Body = [(tags.TEXT, reason)]
    # An answered one is known to have done it; where answers were lost it is the first that could.
    lost = next((change for change in asked if change.is_lost), None)
    cause = next((change for change in asked if change.sequence), lost)
    if cause is not None:
        more.insert(0, (tags.ORIG_CL_ORD_ID, order.cl_ord_id))
        order.cl_ord_id = cause.cl_ord_id
        order.changes = [change for change in order.changes if change is not cause]
    exec_type = EXPIRED if reason in BY_THE_CLOCK else CANCELED
    order.status, order.is_dormant = exec_type, False
    return _report(order, exec_type, f"{order.order_id}.{state.sequence}.{exec_type}", state.updated_at, *more)


def _restated(order: Tracked, state: Order) -> Iterator[Body]:
    """A price or a quantity that nobody asked for over this session: a slide (R13), self-trades (R25), an operator."""
    is_less, is_repriced = _differs(order.quantity, state.quantity), _differs(order.price, state.price)
    if not (is_less or is_repriced):
        return
    order.quantity, order.price = state.quantity, state.price if is_repriced else order.price
    if Decimal(order.cum_quantity) >= Decimal(order.quantity):
        order.status = "2"
    reason = LESS if is_less else REPRICED
    exec_id = f"{order.order_id}.{state.sequence}.{RESTATED}"
    yield _report(order, RESTATED, exec_id, state.updated_at, (tags.EXEC_RESTATEMENT_REASON, reason))


def _differs(told: str | None, now: str | None) -> bool:
    return now is not None and told is not None and Decimal(told) != Decimal(now)


def restored(order: Tracked, state: Order) -> Iterator[Body]:
    """One report that leads to a state of an order, where what led to it is not kept: without its single fills."""
    if state.sequence <= order.sequence or order.is_done:
        return
    order.order_id, order.sequence = state.order_id, state.sequence
    order.quantity, order.price = state.quantity, state.price or order.price
    order.cum_quantity, order.is_dormant = state.filled_quantity, state.status == "dormant"
    average = Decimal(state.average_price or "0")
    order.notional = plain(EXACT.multiply(average, Decimal(order.cum_quantity)))
    has_fills = Decimal(order.cum_quantity) > 0
    ends = {"filled": "2", "canceled": EXPIRED if state.reason in BY_THE_CLOCK else CANCELED}
    order.status = ends.get(state.status, "1" if has_fills else NEW)
    restated = (tags.EXEC_RESTATEMENT_REASON, OTHER_REASON), (tags.TEXT, MISSED)
    yield _report(order, RESTATED, f"{order.order_id}.{state.sequence}.{RESTATED}", state.updated_at, *restated)


def status_of(order: Tracked, request_id: str | None, time_ns: int) -> Body:
    """The answer to an OrderStatusRequest: the order as it was reported."""
    more = [] if request_id is None else [(tags.ORD_STATUS_REQ_ID, request_id)]
    return _report(order, STATUS, "0", time_ns, *more)


def unknown_status(cl_ord_id: str, symbol: str, side: str, time_ns: int, refused: RefusedError) -> Body:
    """The answer to an OrderStatusRequest for an order that there is not."""
    order = Tracked(first=cl_ord_id, cl_ord_id=cl_ord_id, symbol=symbol, side=side, quantity="0", status=REJECTED)
    return _report(order, STATUS, "0", time_ns, (tags.ORD_REJ_REASON, "5"), (tags.TEXT, text_of(refused)))


def rejected(order: Tracked, refused: RefusedError, reason: str, exec_id: str, time_ns: int) -> Body:
    """An order that the exchange does not take. `reason` is OrdRejReason (103)."""
    order.status = REJECTED
    return _report(order, REJECTED, exec_id, time_ns, (tags.ORD_REJ_REASON, reason), (tags.TEXT, text_of(refused)))


def cancel_rejected(
    order: Tracked | None, cl_ord_id: str, orig_cl_ord_id: str, refused: RefusedError, reason: str, *, is_replace: bool
) -> Body:
    """An OrderCancelReject: a cancel or a replacement that is not done. `reason` is CxlRejReason (102)."""
    return [
        (tags.ORDER_ID, (order.order_id if order is not None else "") or NO_ORDER),
        (tags.CL_ORD_ID, cl_ord_id),
        (tags.ORIG_CL_ORD_ID, orig_cl_ord_id),
        (tags.ORD_STATUS, order.status if order is not None else REJECTED),
        (tags.CXL_REJ_RESPONSE_TO, "2" if is_replace else "1"),
        (tags.CXL_REJ_REASON, reason),
        (tags.TEXT, text_of(refused)),
    ]


def _report(order: Tracked, exec_type: str, exec_id: str, time_ns: int, *more: tuple[int, str]) -> Body:
    cum = Decimal(order.cum_quantity)
    average = DIVISION.divide(Decimal(order.notional), cum) if cum else Decimal(0)
    body: Body = [
        (tags.ORDER_ID, order.order_id or NO_ORDER),
        (tags.CL_ORD_ID, order.cl_ord_id),
        (tags.EXEC_ID, exec_id),
        (tags.EXEC_TYPE, exec_type),
        (tags.ORD_STATUS, order.status),
    ]
    if order.account is not None:
        body.append((tags.ACCOUNT, order.account))
    body += [(tags.SYMBOL, order.symbol), (tags.SIDE, order.side), (tags.ORDER_QTY, order.quantity)]
    body.append((tags.ORD_TYPE, order.ord_type))
    if order.price is not None:
        body.append((tags.PRICE, order.price))
    body += order.terms
    body += [
        (tags.LEAVES_QTY, plain(order.leaves_quantity)),
        (tags.CUM_QTY, order.cum_quantity),
        (tags.AVG_PX, plain(average)),
        (tags.TRANSACT_TIME, time_text(time_ns)),
    ]
    if order.is_dormant:
        body.append((tags.WORKING_INDICATOR, "N"))
    return [*body, *more]
