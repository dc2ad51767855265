"""What an exchange consists of, and its own events."""

from __future__ import annotations

from aeromatch.market.reference.admin import AdminCommand, PlaceKind
from aeromatch.market.reference.ledger import Ledger
from aeromatch.market.reference.records import Command, CommandKind, EventKind, ReferenceEvent, RejectReason, Side
from aeromatch.market.reference.registry import Registry


class Venue:
    """The state of an exchange, and the events of the command that is being carried out."""

    def __init__(self) -> None:
        self.sequence = 0
        # Is it the log's first command?
        self.is_first = True
        # The latest time that a command to all shards brought: what time it is where no book or group answers.
        self.registry_now_ns = 0
        # Which shard of how many; how many commands to all shards there were; who was placed where, by kind and name.
        self.partition = (0, 1)
        self.broadcasts = 0
        self.placed: dict[tuple[PlaceKind, str], int] = {}
        self.registry = Registry()
        self.ledger = Ledger()
        self.events: list[ReferenceEvent] = []

    def answer(self, command: Command | AdminCommand, reason: RejectReason | None = None, now_ns: int = -1) -> None:
        """R6, where no book answers."""
        self.emit(
            EventKind.ACCEPTED if reason is None else EventKind.REJECTED,
            reason=reason or 0,
            side=command.side if isinstance(command, Command) and command.kind == CommandKind.NEW else Side.NONE,
            instrument=command.instrument,
            account=command.account,
            other=self.registry_now_ns if now_ns < 0 else now_ns,
            detail=command.tag,
        )

    def emit(
        self,
        kind: EventKind,
        *,
        reason: int = 0,
        side: Side = Side.NONE,
        instrument: int = 0,
        account: int = 0,
        price_ticks: int = 0,
        quantity_lots: int = 0,
        order_id: int = 0,
        other: int = 0,
        detail: int = 0,
    ) -> None:
        """Adds an event that is no book's."""
        index = len(self.events)
        self.events.append(
            ReferenceEvent(
                kind, reason, side, instrument, account, index, price_ticks, quantity_lots, order_id, other,
                self.sequence, detail,
            )
        )  # fmt: skip
