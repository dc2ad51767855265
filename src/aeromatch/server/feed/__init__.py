"""What follows the exchange's events beside its threads: one thread reads them, once, for everyone.

`Feed` is that thread. It hands whole commands to its consumers (`EventConsumer`): the market as it is now (`Market`),
the views and candles of the past, the channels of the WebSocket.
"""

from aeromatch.server.feed.feed import Feed
from aeromatch.server.feed.market import DayFigures, Market
from aeromatch.server.feed.protocols import EventConsumer, FeedFailedError, FeedOptions, OrderFollower

__all__ = [
    "DayFigures",
    "EventConsumer",
    "Feed",
    "FeedFailedError",
    "FeedOptions",
    "Market",
    "OrderFollower",
]
