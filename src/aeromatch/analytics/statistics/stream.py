"""Logs of an exchange in memory, read from the streams of its shards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import numpy as np

from aeromatch import EVENT_DTYPE, EventStream, Exchange, StreamLagged
from aeromatch.analytics.statistics.errors import StatisticsError
from aeromatch.analytics.statistics.protocols import Part, Position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aeromatch import Instrument

PAUSE_S: Final = 0.005
"""Between two looks at streams that had nothing new."""


class StreamSource:
    """All shards of an exchange in memory. What they have overwritten before it was read is gone: that is an error."""

    def __init__(self, exchange: Exchange, positions: Mapping[int, Position] | None = None) -> None:
        """Go to the positions; where none is given, to the beginning, or to the next command if that is overwritten.

        Args:
            exchange: In memory, with shards; used by the thread that reads, and by no other.
            positions: How far each shard is counted.

        Raises:
            StatisticsError: A shard has not come as far as its position, or has overwritten what comes after it.
        """
        positions = positions or {}
        self._exchange = exchange
        self._begun: list[Part] = []
        lasts = dict(enumerate(exchange.sequences))
        begins, needed = [0] * len(lasts), {}
        for shard, position in positions.items():
            last = lasts.get(shard, 0)
            if position.sequence > last:
                raise StatisticsError(
                    f"shard {shard}: its last command is {last:,}, the statistics count up to {position.sequence:,}: "
                    "they are not of this exchange"
                )
            begins[shard] = position.mark_sequence or position.sequence + 1
            needed[shard] = position.sequence + 1
        self._stream = self._open(begins, needed)

    def _open(self, begins: list[int], needed: Mapping[int, int]) -> EventStream:
        """Begin at those numbers, by shard; or later, but no later than where each is needed from."""
        while True:
            try:
                return self._exchange.stream(tuple(begins))
            except StreamLagged as lagged:
                for shard, oldest in enumerate(lagged.position):
                    if oldest <= begins[shard]:
                        continue
                    if shard not in needed:
                        # What is the oldest is overwritten next.
                        begins[shard] = self._begin_now(shard)
                    elif oldest <= needed[shard]:
                        begins[shard] = oldest
                    else:
                        raise StatisticsError(
                            f"shard {shard}: the events of commands {needed[shard]:,} to {oldest - 1:,} were "
                            "overwritten before they were counted, and an exchange in memory has them nowhere else; "
                            "Shards.stream_events says how many it keeps"
                        ) from lagged

    def _begin_now(self, shard: int) -> int:
        """Number of the next command; the one before it is written down, so that a gap from here on is found out."""
        last = self._exchange.sequences[shard]
        self._begun = [part for part in self._begun if part.shard != shard]
        self._begun.append(Part(shard, np.zeros(0, dtype=EVENT_DTYPE), last))
        return last + 1

    def read(self, timeout_s: float) -> Part | None:
        """Give the events of the next commands; None where none come in that time.

        Raises:
            StatisticsError: Events were overwritten before they were read.
        """
        if self._begun:
            return self._begun.pop()
        deadline = time.monotonic() + timeout_s
        # Looks now and then: a reader that sleeps until there is something has to be woken, by the thread that matches.
        while (part := self._next()) is None and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, PAUSE_S))
        return part

    def _next(self) -> Part | None:
        before = self._stream.position
        try:
            events = self._stream.read(timeout_s=0)
        except StreamLagged:
            # That is a gap, unless the stream can be had again from there.
            self._stream = self._open(list(before), dict(enumerate(before)))
            return None
        if events is None:
            return None
        # In memory a read moves the place of the shard whose events it gives, and no other.
        after = self._stream.position
        (shard,) = (shard for shard, place in enumerate(after) if place != before[shard])
        return Part(shard, events.to_numpy(), after[shard] - 1)

    def instruments(self) -> Sequence[Instrument]:
        """All instruments there are by now."""
        return self._exchange.instruments()
