"""What the feed's thread calls, and how it may be set."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aeromatch import Events
from aeromatch.gateways.services import RefusedError

__all__ = ["EventConsumer", "FeedFailedError", "FeedOptions", "OrderFollower"]


class FeedFailedError(RefusedError):
    """The feed has ended: what is kept of the market would be stale. If it has failed, the cause is attached."""

    def __init__(self) -> None:
        super().__init__("unavailable", 503, "market data is no longer followed: the server has stopped, or will")


class OrderFollower(Protocol):
    """Says what events did to orders: `_core.OrderTracker`."""

    def apply(self, events: Events, /, shard: int = 0) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Takes events of whole commands of a shard: the orders that changed, and their fills."""


class EventConsumer(Protocol):
    """Someone who follows the exchange. All calls come from the feed's thread, one after the other."""

    def apply(
        self,
        shard: int,
        events: Events,
        times_ns: NDArray[np.uint64],
        orders: NDArray[np.void],
        fills: NDArray[np.void],
    ) -> None:
        """Takes the events of whole commands of a shard, in order, without a gap.

        Arguments:
            shard: Whose events they are, from 0.
            events: The events.
            times_ns: When each of them happened.
            orders: The orders that they changed, as they leave them: rows of ORDER_DTYPE.
            fills: What was traded, two rows of FILL_DTYPE for each trade.
        """

    def tick(self, now_ns: int) -> None:
        """Called every `FeedOptions.interval_ms`, whether or not something happened; `now_ns` is the wall clock's."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """How the feed reads. Immutable.

    Attributes:
        interval_ms: Time between two ticks: depth updates are made so often at most.
        pause_ms: After a read with events, time before the next one: what comes meanwhile comes together, so that an
            exchange under load does not wake the feed for every batch. A wait for the feed ends the pause.
        read_events: About so many events of a shard are taken at once.
        depth_levels: At most so many levels of each side are followed and answered; 0: all. Copying them is the only
            time that following a book takes from its shard.
    """

    interval_ms: int = 100
    pause_ms: int = 10
    read_events: int = 16384
    depth_levels: int = 5000

    def __post_init__(self) -> None:
        for name, least in (("interval_ms", 1), ("pause_ms", 0), ("read_events", 1), ("depth_levels", 0)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
