"""Where things are kept beside the journal: all of it can be made again from the log."""

from aeromatch.stores.sqlite_statistics import Measured, SqliteStatistics, StoreError

__all__ = ["Measured", "SqliteStatistics", "StoreError"]
