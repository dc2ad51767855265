//! What an instrument is to its book: the rules that hold for every order in it.

use crate::codes::{Matching, SelfTradePrevention};
use crate::offset::Offset;

/// Immutable while the book lives; a snapshot carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The instrument's number, 24 bits.
    pub instrument: u32,
    /// How long a finished order's client id stays taken, in ns of log time (R5).
    pub dedup_window_ns: u64,
    /// The mode of orders that name none (R25).
    pub self_trade_prevention: SelfTradePrevention,
    /// How quantity is shared out at a level (R29).
    pub matching: Matching,
    /// `fifo_pro_rata`: the share that goes oldest first, in basis points, at most 10,000.
    pub fifo_share_bps: u16,
    /// The price that the static band surrounds and that an uncross may fall back on (R27, R28).
    pub reference_price_ticks: Option<i64>,
    /// Static band (R28); needs a reference price.
    pub static_band: Option<Offset>,
    /// Circuit breaker: the band around the last trade price (R28).
    pub circuit_breaker: Option<Offset>,
    /// How long the circuit breaker halts before an auction, in ns; 0: until a command says otherwise.
    pub halt_ns: u64,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            instrument: 0,
            dedup_window_ns: 0,
            self_trade_prevention: SelfTradePrevention::None,
            matching: Matching::Fifo,
            fifo_share_bps: 0,
            reference_price_ticks: None,
            static_band: None,
            circuit_breaker: None,
            halt_ns: 0,
        }
    }
}

impl Rules {
    /// What is wrong with these rules, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        let is_bad = |band: Option<Offset>| band.is_some_and(|band| !band.is_legal());
        if self.instrument >= 1 << 24 {
            Some("the instrument's number has more than 24 bits")
        } else if self.fifo_share_bps > 10_000 || (self.fifo_share_bps > 0 && self.matching != Matching::FifoProRata) {
            Some("a FIFO share above 10,000 basis points, or without fifo_pro_rata")
        } else if is_bad(self.static_band) || is_bad(self.circuit_breaker) {
            Some("a price band outside 1 to 2^63 - 1")
        } else if self.static_band.is_some() && self.reference_price_ticks.is_none() {
            Some("a static band without a reference price")
        } else if self.halt_ns > 0 && self.circuit_breaker.is_none() {
            Some("a halt time without a circuit breaker")
        } else {
            None
        }
    }

    /// Lowest and highest price inside the static band; all prices where there is none.
    pub(crate) fn static_range(&self) -> (i64, i64) {
        match (self.static_band, self.reference_price_ticks) {
            (Some(band), Some(reference)) => band.band(reference),
            _ => (i64::MIN, i64::MAX),
        }
    }
}
