"""What there is to count of an exchange at work: its log, and what its shards measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from aeromatch import AeroMatchError, AsyncExchange, Exchange
from aeromatch.analytics.statistics.journal import JournalSource
from aeromatch.analytics.statistics.protocols import Position, Source
from aeromatch.analytics.statistics.stream import StreamSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

OpenSource = Callable[[Mapping[int, Position]], Source]
"""Opens a source that reads each shard from its mark on: the events of that command come again."""
Countable = Exchange | AsyncExchange | str | PathLike[str] | OpenSource


class Gauges:
    """What the shards of an exchange say of themselves."""

    def __init__(self, exchange: Exchange) -> None:
        """Become the taker of its samples.

        Args:
            exchange: With shards; used by the thread that takes, and by no other.
        """
        self._exchange = exchange
        self._first = exchange._samples()

    def samples(self) -> NDArray[np.void]:
        """Take what was measured since the last time, also after the exchange was closed."""
        taken = np.concatenate((self._first, self._exchange._samples()))
        self._first = taken[:0]
        return taken

    def behind(self, shard: int, sequence: int) -> int | None:
        """How many commands a shard has done beyond that one by now; None: the exchange was closed."""
        try:
            # It counts commands when their events can be read: what was read may be ahead of that.
            return max(self._exchange.counters()[shard].sequence - sequence, 0)
        except AeroMatchError:
            return None


def attach(exchange: Countable) -> tuple[OpenSource, Gauges | None]:
    """Say where the log of an exchange is read, and what measures it; None: nothing does.

    Raises:
        TypeError: It is nothing that can be counted.
        ValueError: The exchange has neither a journal nor shards.
    """
    if isinstance(exchange, (str, PathLike)):
        return partial(JournalSource, exchange), None
    if isinstance(exchange, AsyncExchange):
        exchange = exchange._exchange
    if not isinstance(exchange, Exchange):
        if callable(exchange):
            return exchange, None
        raise TypeError(f"exchange must be an Exchange, an AsyncExchange or a directory, not {type(exchange).__name__}")
    # A port for the thread that counts: whoever trades keeps his own.
    port = exchange.port() if exchange.shards else None
    gauges = Gauges(port) if port else None
    if exchange._path is not None:
        # The files, not the streams: what is only in memory does not outlive the process, as counts of it would.
        return partial(JournalSource, exchange._path), gauges
    if port is None:
        raise ValueError("exchange has nothing to count from: it needs a journal (Exchange.open), or shards")
    return partial(StreamSource, port), gauges
