"""R2, R17, R26 to R28: time moves, phases change."""

from __future__ import annotations

from aeromatch.market.reference.auction import uncross
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import CancelReason, EventKind, Phase, TimeInForce
from aeromatch.market.reference.state import State
from aeromatch.market.reference.triggers import move_trailing_stops


def move_time(book: State, timestamp_ns: int) -> None:
    """What a command's time brings about before the command's own events, by due time, expiries first on a tie (R6)."""
    if timestamp_ns > book.now_ns:  # R2: an earlier stamp counts as the last one seen
        book.now_ns = timestamp_ns
        book.finished_client_ids = [finished for finished in book.finished_client_ids if book.is_remembered(finished)]
    halt_end_ns = book.halt_end_ns
    if halt_end_ns is not None and halt_end_ns <= book.now_ns:
        expire(book, halt_end_ns)
        book.phase, book.halt_end_ns = Phase.AUCTION, None  # R28
        book.emit(EventKind.PHASE, reason=Phase.AUCTION)
    expire(book, book.now_ns)


def expire(book: State, until_ns: int) -> None:
    """R17: what expires does so in order of expiry, then id."""
    expired = [
        order
        for order in book.live.values()
        if order.time_in_force == TimeInForce.GTD and order.expire_at_ns <= until_ns
    ]
    for order in sorted(expired, key=lambda order: (order.expire_at_ns, order.order_id)):
        book.cancel_order(order, CancelReason.EXPIRED)


def change_phase(book: State, phase: Phase) -> None:
    """Any phase may follow any; the same again has no effect."""
    book.accept()
    if phase == book.phase:
        return
    before, book.phase = book.phase, phase
    book.halt_end_ns = None  # R28: only a halt of the circuit breaker has an end
    book.emit(EventKind.PHASE, reason=phase)
    if phase == Phase.CONTINUOUS or (before == Phase.AUCTION and phase == Phase.CLOSED):
        uncross(book)
    if phase == Phase.CLOSED:
        # R17: DAY orders end with the session, in order of id.
        days: list[Order] = [order for order in book.live.values() if order.time_in_force == TimeInForce.DAY]
        for order in days:
            book.cancel_order(order, CancelReason.SESSION_CLOSED)
    move_trailing_stops(book)
