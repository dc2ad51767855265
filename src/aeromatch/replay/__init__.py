"""Replays recorded markets and journals through the engine, and generates sessions that look like recorded ones."""

from aeromatch.replay.itch import ItchResult
from aeromatch.replay.lobster_replay import LobsterReplay, LobsterResult, orderbook_beside
from aeromatch.replay.observer import Observer
from aeromatch.replay.orders_replay import OrdersReplay, OrdersResult
from aeromatch.replay.tally import Agreement, RecordingError
from aeromatch.replay.timeline import Timeline

__all__ = [
    "Agreement",
    "ItchResult",
    "LobsterReplay",
    "LobsterResult",
    "Observer",
    "OrdersReplay",
    "OrdersResult",
    "RecordingError",
    "Timeline",
    "orderbook_beside",
]
