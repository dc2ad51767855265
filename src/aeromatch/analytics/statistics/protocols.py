"""What counting needs: events from somewhere, and somewhere for the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from aeromatch import Instrument
    from aeromatch.analytics.statistics.tally import Columns


class Position(NamedTuple):
    """How far a shard's log is counted."""

    sequence: int = 0
    """Number of the last command whose events are counted; nothing after it is."""
    time_ns: int = 0
    """Of the last answer (R2)."""
    mark_sequence: int = 0
    """Number of the last command that had events."""
    mark: int = 0
    """Checksum of those events: another log has others."""


class Part(NamedTuple):
    """Events of whole commands of one shard, in order."""

    shard: int
    records: NDArray[np.void]
    """Of EVENT_DTYPE."""
    sequence: int
    """Number of the last command of which it has the events, whether it had any or not."""


class Source(Protocol):
    """A log that is read from a position on."""

    def read(self, timeout_s: float) -> Part | None:
        """Give what comes next; None where nothing comes in that time."""
        ...

    def instruments(self) -> Sequence[Instrument]:
        """All instruments there are by now."""
        ...


class Store(Protocol):
    """Where the rows are kept, such as `aeromatch.stores.SqliteStatistics`."""

    @property
    def periods_ms(self) -> tuple[int, ...]:
        """The periods that it keeps."""
        ...

    def positions(self) -> Mapping[int, tuple[int, ...]]:
        """How far each shard's log is counted: the fields of a `Position` by shard."""
        ...

    def add(
        self, shard: int, before: tuple[int, ...], after: tuple[int, ...], counts: Columns, reasons: Columns
    ) -> bool:
        """Add rows to what there is and move the shard's position: both, or neither.

        Returns:
            Whether it was done. It is not where the position is no longer `before`: someone else has counted on.
        """
        ...

    def add_latencies(self, latencies: Columns) -> None:
        """Add histograms to what there is."""
        ...

    def set_instruments(self, instruments: Mapping[str, Sequence[Any]]) -> None:
        """Keep the instruments' names and sizes: columns `number`, `symbol`, `tick_size`, `lot_size`."""
        ...
