"""Seeded, lifelike market sessions: the same seed gives the same bytes everywhere."""

from aeromatch.replay.generate.flow import Flow, flow
from aeromatch.replay.generate.itch_writer import FRAMINGS, write_itch
from aeromatch.replay.generate.lobster_writer import LobsterWriter
from aeromatch.replay.generate.moods import TEMPERS, Mood
from aeromatch.replay.generate.order_writer import write_orders
from aeromatch.replay.generate.session import Action, ActionKind, Session

__all__ = [
    "FRAMINGS",
    "TEMPERS",
    "Action",
    "ActionKind",
    "Flow",
    "LobsterWriter",
    "Mood",
    "Session",
    "flow",
    "write_itch",
    "write_orders",
]
