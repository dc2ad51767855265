"""R28: price bands, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

from aeromatch.market.reference.records import OffsetUnit

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Band:
    """How far a price may be from another one; the edge is inside."""

    unit: OffsetUnit
    value: int

    def holds(self, price_ticks: int, around_ticks: int) -> bool:
        """Whether a price is inside the band around another."""
        distance = abs(price_ticks - around_ticks)
        if self.unit == OffsetUnit.TICKS:
            return distance <= self.value
        return distance * BASIS_POINTS <= abs(around_ticks) * self.value

    def edges(self, around_ticks: int) -> tuple[int, int]:
        """The lowest and the highest price inside."""
        width = self.value if self.unit == OffsetUnit.TICKS else abs(around_ticks) * self.value // BASIS_POINTS
        return around_ticks - width, around_ticks + width


def band_of(ticks: int | None, bps: int | None) -> Band | None:
    """The band of an instrument that gives its width in ticks, in basis points or not at all."""
    if ticks is not None and bps is not None:
        raise ValueError("a band is in ticks or in basis points, not both")
    if ticks is None and bps is None:
        return None
    unit, value = (OffsetUnit.TICKS, ticks) if ticks is not None else (OffsetUnit.BPS, bps)
    if value is None or not 1 <= value < 2**63:
        raise ValueError(f"a band is 1 to 2^63 - 1 wide, not {value}")
    return Band(unit, value)
