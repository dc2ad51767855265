//! What a book has seen, in numbers. Derived from the commands; nothing of it influences a later event.

/// Counts since the book was made (a snapshot carries them).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Commands that took a sequence number here.
    pub commands: u64,
    /// New orders accepted.
    pub orders_accepted: u64,
    /// Commands rejected, by [`RejectReason`](crate::codes::RejectReason) code.
    pub rejected: [u64; 16],
    /// Orders canceled, in whole or what was left, by [`CancelReason`](crate::codes::CancelReason) code.
    pub canceled: [u64; 16],
    /// Orders amended.
    pub amended: u64,
    /// Trades.
    pub trade_count: u64,
    /// Sum of traded lots.
    pub traded_quantity: u128,
    /// Sum of price in ticks times lots; at its limit it stays there.
    pub notional: i128,
    /// Lots taken off by self-trade prevention's decrement, counted once a pair.
    pub decremented_quantity: u128,
    /// Highest trade price in ticks.
    pub high_ticks: Option<i64>,
    /// Lowest trade price in ticks.
    pub low_ticks: Option<i64>,
}

impl Statistics {
    #[inline(always)]
    pub(crate) fn trade(&mut self, price_ticks: i64, quantity: u64) {
        self.trade_count += 1;
        self.traded_quantity += u128::from(quantity);
        self.notional = self.notional.saturating_add(i128::from(price_ticks) * i128::from(quantity));
        self.high_ticks = Some(self.high_ticks.map_or(price_ticks, |high| high.max(price_ticks)));
        self.low_ticks = Some(self.low_ticks.map_or(price_ticks, |low| low.min(price_ticks)));
    }
}
