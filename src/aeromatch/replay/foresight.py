"""Who stands at a price level that a LOBSTER file shows for the first time.

The message file names an order only when something happens to it inside the visible levels. A level that comes into
view (at the open, or from below the last visible level) shows a size, but not whose. A first pass over the messages
tells: an order that is reduced, deleted or executed later, and was not submitted later, stands there now. Its place in
the queue follows from its id, since the venue gives ids in order of time: orders that are older than the file carry
lower ids than anything submitted in it. What of the shown size belongs to nobody in the file never trades while it is
visible, so it stands last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from aeromatch.replay.lobster import MessageType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aeromatch.replay.lobster import Message

TAKES_AWAY = frozenset({MessageType.REDUCED, MessageType.DELETED, MessageType.EXECUTED})


class _Life:
    """What the file says of one order: when it can have come, and what is taken from it when."""

    __slots__ = ("earliest", "latest", "order_id", "sizes", "times")

    def __init__(self, order_id: int) -> None:
        self.order_id = order_id
        self.earliest = 0
        """It was not there before this message."""
        self.latest = -1
        """It was there after this message; -1: not known yet."""
        self.times: list[int] = []
        self.sizes: list[int] = []

    def remaining(self, index: int) -> int:
        """What messages after `index` take away: at least that much is there."""
        return sum(self.sizes[bisect_right(self.times, index) :])

    def next_message(self, index: int) -> int:
        """When it is heard of next."""
        return self.times[bisect_right(self.times, index)]


class Foresight:
    """The orders that are known to stand at a level after a given message."""

    def __init__(self, messages: Sequence[Message | None]) -> None:
        """Read all messages once; the position in `messages` is what the other methods call `index`."""
        lives: dict[tuple[bool, int, int], _Life] = {}
        newest_ids: list[int] = []
        newest_at: list[int] = []
        for index, message in enumerate(messages):
            if message is None:
                continue
            if message.type is MessageType.NEW and (not newest_ids or message.order_id > newest_ids[-1]):
                newest_ids.append(message.order_id)
                newest_at.append(index)
            if message.type is MessageType.NEW or message.type in TAKES_AWAY:
                self._record(lives, index, message)
        self._levels: dict[tuple[bool, int], list[_Life]] = {}
        for (is_buy, price, order_id), life in lives.items():
            if not life.times:
                continue
            if life.latest < 0:
                # Older than the first submission with a higher id; how much older, nobody says.
                rank = bisect_left(newest_ids, order_id)
                life.latest = newest_at[rank] if 0 < rank < len(newest_at) else life.times[0] - 1 if rank else 0
            self._levels.setdefault((is_buy, price), []).append(life)

    @staticmethod
    def _record(lives: dict[tuple[bool, int, int], _Life], index: int, message: Message) -> None:
        key = (message.is_buy, message.price, message.order_id)
        life = lives.get(key)
        if life is None:
            life = lives[key] = _Life(message.order_id)
        if message.type is MessageType.NEW:
            if not life.times:
                life.earliest = life.latest = index
        else:
            life.times.append(index)
            life.sizes.append(message.size)

    def standing(self, is_buy: bool, price: int, size: int, index: int) -> list[tuple[int, int]]:
        """Give (order id, quantity) of those in the level after message `index`, in order of the queue, up to `size`.

        The index may not fall from one call to the next: what is over is forgotten.
        """
        lives = self._levels.get((is_buy, price))
        if lives is None:
            return []
        lives[:] = [life for life in lives if life.times[-1] > index]
        candidates = [life for life in lives if life.earliest <= index]
        # Who is there for certain comes first, then who is heard of first.
        candidates.sort(key=lambda life: (life.latest > index, life.next_message(index)))
        queue: list[tuple[int, int]] = []
        for life in candidates:
            quantity = min(life.remaining(index), size)
            if quantity > 0:
                size -= quantity
                queue.append((life.order_id, quantity))
        return sorted(queue)
