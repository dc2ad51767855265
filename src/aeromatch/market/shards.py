"""How the threads of an exchange are run: the argument `shards` of `Exchange` and `Exchange.open`."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

__all__ = ["Shards"]


@dataclass(frozen=True, slots=True)
class Shards:
    """How many shards, and how they are run. Immutable; `Exchange` says what in it cannot be.

    A shard is a thread that alone writes to its part of the exchange: clearing groups with everything that is settled
    in them, and instruments without settlement. Where nothing is said, the shards take turns in the order in which
    groups and instruments are made.

    Attributes:
        count: How many, 1 .. 1024; None: as many as the directory has, and one where there is none.
        cores: The processor that each shard's thread runs on; None: wherever the system puts it.
        idle: What a thread does while there is nothing to do: "spin" and "yield" keep a processor busy, "park" sleeps.
        intake_capacity: So many commands wait for a shard at most; who brings more waits.
        window: So many commands of one user of the exchange are unanswered at most.
        batch_commands: So many commands become one write of the journal at most.
        stream_events: So many events a shard keeps in memory for streams that lag.
        published_levels: So many levels of each side of its books a shard publishes for readers; 0: none.
        stamp_time: Commands without a time get the clock's when a shard takes them.
        huge_pages: Whether the system is asked for huge pages behind the shards' large tables.
        groups: Clearing groups that are to live on a certain shard: names, and numbers of shards from 0.
        instruments: The same for instruments without settlement, by symbol.
        samples: So many measurements of batches wait for whoever takes statistics; 0: no batch is measured.
    """

    count: int | None = None
    _: KW_ONLY
    cores: Sequence[int] | None = None
    idle: Literal["spin", "yield", "park"] = "park"
    intake_capacity: int = 16384
    window: int = 4096
    batch_commands: int = 256
    stream_events: int = 65536
    published_levels: int = 8
    stamp_time: bool = False
    huge_pages: bool = True
    groups: Mapping[str, int] | None = None
    instruments: Mapping[str, int] | None = None
    samples: int = 0
