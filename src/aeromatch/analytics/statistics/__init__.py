"""Counts what happened, by period, off the matching thread; from the log, so that nothing is missed or doubled."""

from aeromatch.analytics.statistics.catch_up import catch_up
from aeromatch.analytics.statistics.counter import Counter
from aeromatch.analytics.statistics.errors import StatisticsError
from aeromatch.analytics.statistics.journal import JournalSource, shard_directories
from aeromatch.analytics.statistics.protocols import Part, Position, Source, Store
from aeromatch.analytics.statistics.recorder import Recorder
from aeromatch.analytics.statistics.samples import MEASURES, Latencies
from aeromatch.analytics.statistics.stream import StreamSource
from aeromatch.analytics.statistics.tally import Tally, tally

__all__ = [
    "MEASURES",
    "Counter",
    "JournalSource",
    "Latencies",
    "Part",
    "Position",
    "Recorder",
    "Source",
    "StatisticsError",
    "Store",
    "StreamSource",
    "Tally",
    "catch_up",
    "shard_directories",
    "tally",
]
