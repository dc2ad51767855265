"""Looks at markets: tapes (books and trades over time) and pictures of them."""

from aeromatch.analytics.picture import draw
from aeromatch.analytics.tape import Tape

__all__ = ["Tape", "draw"]
