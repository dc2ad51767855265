//! Distances from a price: how far a trailing stop follows (R15), how wide a price band is (R28).

use crate::codes::OffsetUnit;

const BPS: u128 = 10_000;

/// A distance in ticks, or in basis points of the price it is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// What `value` counts.
    pub unit: OffsetUnit,
    /// 1 to 2^63 - 1.
    pub value: u64,
}

impl Offset {
    /// That many ticks.
    pub const fn ticks(value: u64) -> Offset {
        Offset { unit: OffsetUnit::Ticks, value }
    }

    /// That many basis points.
    pub const fn bps(value: u64) -> Offset {
        Offset { unit: OffsetUnit::Bps, value }
    }

    /// Is the value one that rules and commands may name?
    pub const fn is_legal(self) -> bool {
        self.value >= 1 && self.value <= i64::MAX as u64
    }

    /// The distance from that price, basis points rounded up and at least 1 (R15).
    fn ceil_ticks(self, price_ticks: i64) -> i128 {
        match self.unit {
            OffsetUnit::Ticks => i128::from(self.value),
            OffsetUnit::Bps => {
                let part = u128::from(price_ticks.unsigned_abs()) * u128::from(self.value);
                part.div_ceil(BPS).max(1) as i128
            }
        }
    }

    /// Does [`Offset::trail`] never fall as the price rises? More than the whole of a price is an offset that outruns it.
    pub(crate) const fn is_steady(self) -> bool {
        matches!(self.unit, OffsetUnit::Ticks) || self.value <= BPS as u64
    }

    /// Where a trailing stop stands for a last price: above it for a buy, below it for a sell. May leave 64 bits.
    pub(crate) fn trail(self, side: u8, last_ticks: i64) -> i128 {
        let offset = self.ceil_ticks(last_ticks);
        i128::from(last_ticks) + if side == 0 { offset } else { -offset }
    }

    /// Lowest and highest price inside the band around a reference, edges included (R28).
    pub fn band(self, reference_ticks: i64) -> (i64, i64) {
        let width = match self.unit {
            OffsetUnit::Ticks => i128::from(self.value),
            OffsetUnit::Bps => (u128::from(reference_ticks.unsigned_abs()) * u128::from(self.value) / BPS) as i128,
        };
        let reference = i128::from(reference_ticks);
        (saturate(reference - width), saturate(reference + width))
    }
}

/// The nearest price of 64 bits.
pub(crate) fn saturate(price_ticks: i128) -> i64 {
    price_ticks.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r15_basis_points_are_rounded_up_and_at_least_one_tick() {
        assert_eq!(Offset::bps(1).trail(0, 10_000), 10_001);
        assert_eq!(Offset::bps(1).trail(0, 10_001), 10_003);
        assert_eq!(Offset::bps(1).trail(1, 0), -1);
        assert_eq!(Offset::bps(50).trail(1, -1_000), -1_005);
        assert_eq!(Offset::ticks(7).trail(0, i64::MAX), i128::from(i64::MAX) + 7);
    }

    #[test]
    fn r15_a_steady_offset_never_falls_as_the_price_rises() {
        for offset in [Offset::ticks(3), Offset::bps(1), Offset::bps(3_333), Offset::bps(9_999), Offset::bps(10_000)] {
            assert!(offset.is_steady());
            for (side, price) in (0..2).flat_map(|side| (-30_000..30_000).map(move |price| (side, price))) {
                assert!(offset.trail(side, price) <= offset.trail(side, price + 1), "{offset:?} {side} {price}");
            }
        }
        let outruns = Offset::bps(10_001);
        assert!(!outruns.is_steady() && outruns.trail(1, 10_000) > outruns.trail(1, 10_001));
    }

    #[test]
    fn r28_a_band_includes_its_edges_and_ends_with_64_bits() {
        assert_eq!(Offset::ticks(5).band(100), (95, 105));
        assert_eq!(Offset::bps(99).band(-1_000), (-1_009, -991), "9.9 ticks: 9 are inside");
        assert_eq!(Offset::ticks(i64::MAX as u64).band(i64::MIN), (i64::MIN, -1));
        assert_eq!(Offset::bps(i64::MAX as u64).band(i64::MAX), (i64::MIN, i64::MAX));
    }
}
