//! What a settled instrument's trades cost: notional, fees, and what an order has to hold (R30, R31). Pure arithmetic.

/// Fees are in parts of this.
const BPS: i128 = 10_000;
/// No account has this much of anything that is paid with: [`super::TOTAL_UNITS`] bounds the sum over all. What would need more is
/// not affordable, and what needs less can be multiplied by basis points without leaving 128 bits.
pub(super) const UNAFFORDABLE: u128 = 1 << 112;

/// Terms of one settled instrument. A two-outcome event has one book, its first outcome's: one `SettlementTerms` with a
/// [`Mirror`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementTerms {
    /// The instrument's number.
    pub instrument: u32,
    /// Its clearing group.
    pub group: u32,
    /// The asset that is traded.
    pub base: u32,
    /// The asset that it is paid in.
    pub quote: u32,
    /// The account that gets the fees and pays the rebates, in the same group.
    pub fee_account: u32,
    /// Basis points of a trade's notional that its maker pays; less than 0 is a rebate.
    pub maker_fee_bps: i16,
    /// The same for its taker. Both together are not below 0.
    pub taker_fee_bps: i16,
    /// Units of the base asset in one lot.
    pub lot_base_units: u64,
    /// Units of the quote asset in one tick times one lot.
    pub tick_lot_units: u64,
    /// Of an event: ticks in one unit of cash, what a full set of shares is worth. 0: not an event.
    pub unit_ticks: u32,
    /// The event's number; 0: none.
    pub event: u32,
    /// The second outcome, where it is traded in the same book.
    pub mirror: Option<Mirror>,
}

/// The second outcome of a two-outcome event: buying it at p is selling the first at one unit less p (R32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Its instrument's number.
    pub instrument: u32,
    /// Its shares.
    pub base: u32,
}

impl SettlementTerms {
    /// What is wrong with these terms, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        let fees = [self.maker_fee_bps, self.taker_fee_bps];
        if fees.iter().any(|fee| i128::from(fee.unsigned_abs()) > BPS) {
            Some("a fee beyond 10,000 basis points")
        } else if i32::from(self.maker_fee_bps) + i32::from(self.taker_fee_bps) < 0 {
            Some("a rebate above the fee that pays for it")
        } else if self.mirror.is_some() && fees.iter().any(|&fee| fee < 0) {
            // Two buyers, or two sellers, pay on two notionals: a rebate on the large one would not be covered by a fee on the
            // small one, and two accounts of one person could empty the fee account with it, again and again.
            Some("a rebate in a book of two outcomes")
        } else if self.lot_base_units == 0 || self.tick_lot_units == 0 {
            Some("a lot or a tick of nothing")
        } else if self.base == self.quote {
            Some("an asset that is paid in itself")
        } else {
            None
        }
    }

    /// Lowest and highest price of this instrument and of its mirror: not negative, and of an event within one unit (R30, R32).
    pub fn price_range(&self) -> (i64, i64) {
        if self.unit_ticks == 0 { (0, i64::MAX) } else { (1, i64::from(self.unit_ticks) - 1) }
    }

    /// May an order of this instrument, or of its mirror, have that price?
    pub fn is_price(&self, price_ticks: i64) -> bool {
        let (lowest, highest) = self.price_range();
        (lowest..=highest).contains(&price_ticks)
    }

    /// The asset of an order's own outcome.
    pub(super) fn own_base(&self, is_mirror: bool) -> u32 {
        self.mirror.filter(|_| is_mirror).map_or(self.base, |mirror| mirror.base)
    }

    /// The instrument of an order's own outcome.
    pub(super) fn own_instrument(&self, is_mirror: bool) -> u32 {
        self.mirror.filter(|_| is_mirror).map_or(self.instrument, |mirror| mirror.instrument)
    }

    /// The book's price as the order's own. Prices of settled instruments are never negative, and an event's lie within its
    /// unit; what is outside, which no checked order can bring about, counts as the nearest that is not.
    pub(super) fn own_price(&self, is_mirror: bool, price_ticks: i64) -> u64 {
        let price = price_ticks.max(0) as u64;
        if self.unit_ticks == 0 {
            return price;
        }
        let unit = u64::from(self.unit_ticks);
        if is_mirror { unit - price.min(unit) } else { price.min(unit) }
    }

    /// What that quantity costs at that price, in quote units; `None` where that is more than anyone has.
    pub(super) fn notional(&self, price: u64, lots: u64) -> Option<u128> {
        let tick_lots = u128::from(price).checked_mul(u128::from(lots))?;
        tick_lots.checked_mul(u128::from(self.tick_lot_units)).filter(|&units| units < UNAFFORDABLE)
    }

    /// What that quantity is in units of the base asset: below 2^112, as an order has at most 2^48 lots (R1).
    pub(super) fn base_units(&self, lots: u64) -> u128 {
        u128::from(lots) * u128::from(self.lot_base_units)
    }

    /// Rate of one side of a trade.
    pub(super) fn fee_bps(&self, is_maker: bool) -> i16 {
        if is_maker { self.maker_fee_bps } else { self.taker_fee_bps }
    }

    /// The worst that an order can come to pay: no order knows beforehand whether it makes or takes.
    fn worst_bps(&self) -> u16 {
        self.maker_fee_bps.max(self.taker_fee_bps).max(0).unsigned_abs()
    }

    /// What a buy holds in quote units for what remains of it; `None` where no account could have it. `credit`: what it was
    /// charged ahead of its fees.
    ///
    /// Never too little: a trade of q lots at x, no worse than its price p, takes x*q and a fee of at most what this function
    /// counts for p*q, as a rounded-up sum is at most the sum of rounded-up parts. So what is left covers the rest.
    pub(super) fn buy_hold(&self, price: u64, lots: u64, credit: u16) -> Option<u128> {
        let notional = self.notional(price, lots)?;
        let worst = ceil(notional as i128 * i128::from(self.worst_bps()) - i128::from(credit));
        // A credit is below one unit, so rounded up nothing is below 0.
        Some(notional + worst.max(0).unsigned_abs())
    }

    /// The highest price at which that quantity, with its worst fee, costs no more than the budget.
    pub(super) fn price_for(&self, budget_units: u64, lots: u64) -> Option<i64> {
        // notional + ceil(notional * w / BPS) <= budget just where notional <= budget * BPS / (BPS + w), rounded down.
        let most = u128::from(budget_units) * BPS as u128 / (BPS as u128 + u128::from(self.worst_bps()));
        let tick_units = u128::from(lots) * u128::from(self.tick_lot_units);
        let highest = self.price_range().1.max(0) as u128;
        let price = most.checked_div(tick_units).unwrap_or(highest).min(highest) as i64;
        self.is_price(price).then_some(price)
    }
}

/// Charges an order for one trade: its fees so far, rounded up as one sum, less what it was charged before. May be negative: a
/// rebate. `credit` is what the order was charged ahead, in 10,000ths of a unit: below one unit, whatever it traded (R31).
pub(super) fn charge(credit: &mut u16, notional: u128, bps: i16) -> i128 {
    // A trade's notional was held or lies in a pot, so it is below 2^107.
    let due = notional as i128 * i128::from(bps) - i128::from(*credit);
    let fee = ceil(due);
    *credit = (fee * BPS - due) as u16; // 0 to 9,999
    fee
}

/// Ten-thousandths in whole units, rounded up.
fn ceil(ten_thousandths: i128) -> i128 {
    -(-ten_thousandths).div_euclid(BPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(maker_fee_bps: i16, taker_fee_bps: i16) -> SettlementTerms {
        SettlementTerms {
            instrument: 1,
            group: 1,
            base: 1,
            quote: 2,
            fee_account: 9,
            maker_fee_bps,
            taker_fee_bps,
            lot_base_units: 10,
            tick_lot_units: 3,
            unit_ticks: 0,
            event: 0,
            mirror: None,
        }
    }

    #[test]
    fn fees_of_an_order_round_up_once() {
        // 333 * 10 bps = 0.333 units a trade: 1, 0, 0, then (1.332) 1.
        let mut credit = 0;
        let fees = [(); 4].map(|()| charge(&mut credit, 333, 10));
        assert_eq!((fees, credit), ([1, 0, 0, 1], 6_680));
        // A rebate is rounded down in size: 0.333, 0.666, 0.999, 1.332.
        let mut credit = 0;
        let fees = [(); 4].map(|()| charge(&mut credit, 333, -10));
        assert_eq!((fees, credit), ([0, 0, 0, -1], 3_320));
    }

    #[test]
    fn a_budget_affords_the_highest_price_whose_hold_it_covers() {
        for (maker, taker) in [(0, 0), (-5, 30), (7, 1), (0, 10_000)] {
            let terms = terms(maker, taker);
            for budget in (0..500).chain([u64::MAX / 2, u64::MAX]) {
                for lots in [1, 2, 7] {
                    let price = terms.price_for(budget, lots).unwrap() as u64;
                    assert!(terms.buy_hold(price, lots, 0).unwrap() <= u128::from(budget));
                    let is_last = price == i64::MAX as u64;
                    assert!(is_last || terms.buy_hold(price + 1, lots, 0).unwrap() > u128::from(budget));
                }
            }
        }
        assert_eq!(terms(0, 0).price_for(u64::MAX, 1), Some((u64::MAX / 3) as i64));
        let event = SettlementTerms { unit_ticks: 100, ..terms(0, 0) };
        assert_eq!([2, 3, 1_000_000].map(|budget| event.price_for(budget, 1)), [None, Some(1), Some(99)]);
    }

    #[test]
    fn nothing_overflows_at_the_ends() {
        let terms = SettlementTerms { tick_lot_units: u64::MAX, lot_base_units: u64::MAX, ..terms(10_000, 10_000) };
        assert_eq!(terms.buy_hold(i64::MAX as u64, 1 << 48, 0), None);
        assert!(terms.buy_hold(1, 1 << 47, 0).is_some());
        assert!(terms.base_units(1 << 48) < UNAFFORDABLE);
        assert_eq!(terms.price_for(u64::MAX, 1 << 48), Some(0));
    }
}
