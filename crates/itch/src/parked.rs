//! Orders that would trade on arrival and did not.
//!
//! While a symbol is halted or waits for an auction, NASDAQ takes orders without matching them, so its book may be crossed.
//! Our engine's book never is. Orders that cross wait here until nothing is in their way; no order that comes later at
//! their price can pass them, since whatever stops them stops it too.

use aeromatch_engine::codes::Side;
use std::collections::BTreeMap;

/// The orders of both sides that wait, the least eager first.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    sides: [BTreeMap<(u32, u64), u64>; 2],
    arrivals: u64,
}

/// Orders by eagerness: the lower, the sooner nothing is in the way.
fn eagerness(side: Side, price: u32) -> u32 {
    match side {
        Side::Buy => price,
        Side::Sell => !price,
    }
}

impl Parked {
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does anyone of that side wait?
    pub fn has(&self, side: Side) -> bool {
        !self.sides[usize::from(side.code())].is_empty()
    }

    pub fn len(&self) -> usize {
        self.sides.iter().map(BTreeMap::len).sum()
    }

    /// Lets an order wait; returns its arrival, which names it.
    pub fn insert(&mut self, side: Side, price: u32, reference: u64) -> u64 {
        self.arrivals += 1;
        self.sides[usize::from(side.code())].insert((eagerness(side, price), self.arrivals), reference);
        self.arrivals
    }

    pub fn remove(&mut self, side: Side, price: u32, arrival: u64) {
        self.sides[usize::from(side.code())].remove(&(eagerness(side, price), arrival));
    }

    /// Takes out the next order of a side that does not cross the best price opposite (None: there is none).
    pub fn release(&mut self, side: Side, opposite: Option<i64>) -> Option<u64> {
        let entry = self.sides[usize::from(side.code())].first_entry()?;
        let price = i64::from(eagerness(side, entry.key().0));
        let is_free = opposite.is_none_or(|best| if side == Side::Buy { price < best } else { price > best });
        is_free.then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_go_when_nothing_is_in_their_way_and_in_order_of_arrival() {
        let mut parked = Parked::default();
        for (price, reference) in [(12, 1), (10, 2), (12, 3), (10, 4)] {
            parked.insert(Side::Buy, price, reference);
        }
        assert_eq!(parked.release(Side::Buy, Some(10)), None);
        assert_eq!(parked.release(Side::Buy, Some(11)), Some(2));
        assert_eq!(parked.release(Side::Buy, Some(11)), Some(4));
        assert_eq!(parked.release(Side::Buy, Some(11)), None);
        assert_eq!(parked.release(Side::Buy, None), Some(1));
        assert_eq!(parked.release(Side::Buy, Some(13)), Some(3));
        assert!(parked.is_empty());
    }

    #[test]
    fn asks_are_the_other_way_round_and_can_be_taken_out() {
        let mut parked = Parked::default();
        let low = parked.insert(Side::Sell, 10, 1);
        parked.insert(Side::Sell, 12, 2);
        assert!(parked.has(Side::Sell) && !parked.has(Side::Buy));
        assert_eq!(parked.release(Side::Sell, Some(12)), None);
        assert_eq!(parked.release(Side::Sell, Some(11)), Some(2));
        parked.remove(Side::Sell, 10, low);
        assert_eq!(parked.len(), 0);
    }
}
