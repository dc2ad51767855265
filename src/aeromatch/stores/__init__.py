"""Where things are kept beside the journal: all of it can be made again from the log."""

from aeromatch.stores.memory_views import MemoryViews
from aeromatch.stores.sqlite_file import StoreError
from aeromatch.stores.sqlite_statistics import Measured, SqliteStatistics
from aeromatch.stores.sqlite_views import SqliteViews

__all__ = ["Measured", "MemoryViews", "SqliteStatistics", "SqliteViews", "StoreError"]
