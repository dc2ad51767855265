"""Writes a generated session as an order file: every instruction of every trader, from an empty book."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aeromatch.replay.generate.session import NANOSECONDS, ActionKind
from aeromatch.replay.order_file import HEADER, Instruction

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from aeromatch.replay.generate.session import Session

OPENING: Final = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
"""The day of every generated session; the date means nothing."""

INSTRUCTIONS: Final = {
    ActionKind.NEW: Instruction.NEW,
    ActionKind.REDUCE: Instruction.MODIFY,
    ActionKind.CANCEL: Instruction.CANCEL,
}


def write_orders(session: Session, stream: BinaryIO, progress: Callable[[int], object] = lambda _: None) -> int:
    """Play the whole session into an order file; returns how many orders lines were written."""
    stream.write(HEADER + b"\n")
    written = steps = 0
    for action in session.actions():
        seconds, nanoseconds = divmod(action.time_ns, NANOSECONDS)
        stamp = f"{OPENING + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}.{nanoseconds:09}"
        is_new = action.kind is ActionKind.NEW
        side = str(action.is_buy) if is_new else ""
        price = str(session.book.instrument.ticks_to_price(action.price)) if is_new else ""
        line = f"{INSTRUCTIONS[action.kind]};{action.order_id};{side};{action.quantity};{price};{stamp}\n"
        stream.write(line.encode())
        written += 1
        steps += not action.opening
        if steps % 256 == 0:
            progress(steps)
    progress(steps)
    return written
