"""The moods of a generated market, as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PER_MILLE: Final = 1_000


class Mood(StrEnum):
    """How a generated session feels."""

    CALM = "calm"
    DEEP = "deep"
    SWING = "swing"
    CRASH = "crash"
    SPARSE = "sparse"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class Temper:
    """What a mood means. Prices are in ticks, weights in per mille of all steps."""

    about: str
    start_ticks: int
    path: tuple[tuple[int, int], ...]
    """Where the fair price is: (per mille of the session, ticks away from the start), straight lines between."""
    wander_per_mille: int
    """How often the fair price also steps up or down by chance."""
    wander_ticks: int
    """How far it then steps at most."""
    resting: int
    """Orders in the book: there at the opening, and kept by the balance of arrivals and cancels."""
    reach_ticks: int
    """How far behind the fair price limit orders are placed; most are near it."""
    take: int
    """Steps that cross the spread when the market is where it should be."""
    chase: int
    """Steps that cross it while the book lags behind the fair price."""
    reduce: int
    """Steps that take a part from a resting order."""


TEMPERS: Final = {
    Mood.CALM: Temper(
        about="a small book, a narrow spread, a price that hardly moves",
        start_ticks=10_000,
        path=((0, 0), (500, 12), (PER_MILLE, -4)),
        wander_per_mille=50,
        wander_ticks=2,
        resting=600,
        reach_ticks=60,
        take=45,
        chase=110,
        reduce=40,
    ),
    Mood.DEEP: Temper(
        about="40,000 resting orders at few prices",
        start_ticks=10_000,
        path=((0, 0), (PER_MILLE, 3)),
        wander_per_mille=4,
        wander_ticks=1,
        resting=40_000,
        reach_ticks=40,
        take=45,
        chase=100,
        reduce=40,
    ),
    Mood.SWING: Temper(
        about="a price that swings by thousands of ticks",
        start_ticks=30_000,
        path=((0, 0), (125, 1_800), (375, -1_500), (625, 2_200), (875, -1_200), (PER_MILLE, 0)),
        wander_per_mille=250,
        wander_ticks=24,
        resting=1_500,
        reach_ticks=300,
        take=45,
        chase=220,
        reduce=40,
    ),
    Mood.CRASH: Temper(
        about="a price that falls by tens of thousands of ticks and comes back half way",
        start_ticks=60_000,
        path=((0, 0), (380, -400), (600, -31_000), (680, -34_000), (880, -20_000), (PER_MILLE, -18_000)),
        wander_per_mille=250,
        wander_ticks=90,
        resting=1_200,
        reach_ticks=800,
        take=45,
        chase=260,
        reduce=30,
    ),
    Mood.SPARSE: Temper(
        about="thousands of price levels, far apart",
        start_ticks=50_000_000,
        path=((0, 0), (500, 150_000), (PER_MILLE, -100_000)),
        wander_per_mille=250,
        wander_ticks=15_000,
        resting=6_000,
        reach_ticks=15_000_000,
        take=45,
        chase=110,
        reduce=40,
    ),
    Mood.SINGLE: Temper(
        about="one price a side",
        start_ticks=10_000,
        path=((0, 0), (PER_MILLE, 0)),
        wander_per_mille=0,
        wander_ticks=1,
        resting=600,
        reach_ticks=0,
        take=45,
        chase=110,
        reduce=40,
    ),
}
