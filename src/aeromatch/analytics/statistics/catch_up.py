"""Counts what there is in a directory, from where the statistics end to where the journals do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aeromatch.analytics.statistics.counter import Counter
from aeromatch.analytics.statistics.journal import JournalSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from aeromatch.analytics.statistics.protocols import Position, Store


def catch_up(
    directory: str | PathLike[str],
    store: Store,
    progress: Callable[[int, int], object] = lambda _done, _all: None,
) -> int:
    """Count what is not counted yet of an exchange's journals.

    Args:
        directory: Of the exchange: a journal, or shard-000, shard-001 and so on. It may be at work there.
        store: Where the rows go.
        progress: Called with the number of commands that are done, and of all there are to do.

    Returns:
        The number of events that were counted.

    Raises:
        JournalError: There is no journal, or it is damaged; names file and offset.
        StatisticsError: The statistics are not of this log, or what lies between was removed.
    """
    source: JournalSource

    def open_source(positions: Mapping[int, Position]) -> JournalSource:
        nonlocal source
        source = JournalSource(directory, positions)
        return source

    counter = Counter(store, open_source)
    events, ahead = 0, source.remaining
    while (part := counter.source.read(0)) is not None:
        events += counter.count([part])
        progress(max(ahead - source.remaining, 0), ahead)
    return events
