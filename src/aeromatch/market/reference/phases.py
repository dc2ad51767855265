"""R2, R17, R26 to R28: time moves, phases change."""

from __future__ import annotations

from collections.abc import Sequence

from aeromatch.market.reference.auction import uncross
from aeromatch.market.reference.order import Order
from aeromatch.market.reference.records import CancelReason, EventKind, Phase, TimeInForce
from aeromatch.market.reference.state import State
from aeromatch.market.reference.triggers import move_trailing_stops


def move_time(books: Sequence[State], timestamp_ns: int) -> None:
    """What a command's time brings about before the command's own events, by due time, expiries first on a tie (R6).

    Expiries due at one time come in order of id (R17), ends of halts (R28) in order of instrument. The books of a
    clearing group have one time (R2).
    """
    due: list[tuple[int, bool, int, int]] = []
    for place, book in enumerate(books):
        if timestamp_ns > book.now_ns:  # R2: an earlier stamp counts as the last one seen
            book.now_ns = timestamp_ns
            book.finished_client_ids = [done for done in book.finished_client_ids if book.is_remembered(done)]
        expiries = [order for order in book.live.values() if order.time_in_force == TimeInForce.GTD]
        due += [
            (order.expire_at_ns, False, order.order_id, place)
            for order in expiries
            if order.expire_at_ns <= book.now_ns
        ]
        if book.halt_end_ns is not None and book.halt_end_ns <= book.now_ns:
            due.append((book.halt_end_ns, True, book.instrument, place))
    for _, is_phase, number, place in sorted(due):
        book = books[place]
        if is_phase:
            book.phase, book.halt_end_ns = Phase.AUCTION, None
            book.emit(EventKind.PHASE, reason=Phase.AUCTION)
        else:
            book.cancel_order(book.live[number], CancelReason.EXPIRED)


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
