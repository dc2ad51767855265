//! A book small enough that many threads can write it: resting quantities on a fixed ladder of price levels.
//!
//! An order is carried out in *steps*. A step that can trade trades at the best level of the other side, as much as is there
//! and as the order still wants; a step that cannot lets what is left rest at the order's own level. [`Ladder`] is this
//! book for one thread, and what the book of many threads ([`crate::shared_ladder`]) is compared with: both decide by the
//! same functions.
//!
//! Resting quantity has no owner here, so there is no priority in time within a level: that would need a queue in each, and
//! show nothing more about who writes.

/// Prices of the experiments: small enough to be scanned.
pub const LEVELS: u8 = 32;
/// An order has fewer lots.
pub const LOTS_LIMIT: u32 = 1 << 25;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Trades with the lowest level that somebody sells at.
    Buy,
    /// Trades with the highest level that somebody buys at.
    Sell,
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// The worst level it accepts, and the one it rests at.
    pub level: u8,
    /// 1 to [`LOTS_LIMIT`] - 1.
    pub quantity_lots: u32,
}

/// What became of an order, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Traded at a level.
    Trade {
        /// The best one of the other side.
        level: u8,
        /// What was taken there.
        quantity_lots: u32,
    },
    /// Nothing to trade with: rests at its own level, all of it.
    Rest,
}

/// The best level of the other side that the order accepts, and what rests there.
#[inline]
pub fn best_for(order: Order, levels: u8, resting_lots: impl Fn(u8) -> u32) -> Option<(u8, u32)> {
    let look = |level| Some((level, resting_lots(level))).filter(|&(_, quantity_lots)| quantity_lots > 0);
    match order.side {
        Side::Buy => (0..=order.level).find_map(look),
        Side::Sell => (order.level..levels).rev().find_map(look),
    }
}

/// The rule: one step of an order whose best level is known.
#[inline]
pub fn decide(order: Order, best: Option<(u8, u32)>) -> Step {
    match best {
        Some((level, resting_lots)) => Step::Trade { level, quantity_lots: resting_lots.min(order.quantity_lots) },
        None => Step::Rest,
    }
}

/// Carries an order out, step by step; says how much was traded.
#[inline]
pub fn carry_out(mut order: Order, mut step: impl FnMut(Order) -> Step) -> u32 {
    let wanted_lots = order.quantity_lots;
    while order.quantity_lots > 0 {
        match step(order) {
            Step::Trade { quantity_lots, .. } => order.quantity_lots -= quantity_lots,
            Step::Rest => break,
        }
    }
    wanted_lots - order.quantity_lots
}

/// The book, for one thread.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Bids, then asks.
    resting_lots: [Vec<u32>; 2],
}

impl Ladder {
    /// Nothing rests at any of so many levels.
    pub fn new(levels: u8) -> Ladder {
        Ladder { resting_lots: [vec![0; levels.into()], vec![0; levels.into()]] }
    }

    /// One step of an order.
    ///
    /// # Panics
    /// If its level is none of the ladder's, or 2^32 lots or more rest at one.
    #[inline]
    pub fn step(&mut self, order: Order) -> Step {
        let levels = self.resting_lots[0].len() as u8;
        let opposite = &mut self.resting_lots[order.side.opposite() as usize];
        let step = decide(order, best_for(order, levels, |level| opposite[level as usize]));
        match step {
            Step::Trade { level, quantity_lots } => opposite[level as usize] -= quantity_lots,
            Step::Rest => {
                let own = &mut self.resting_lots[order.side as usize][order.level as usize];
                *own = own.checked_add(order.quantity_lots).expect("fewer than 2^32 lots rest at a level");
            }
        }
        step
    }

    /// Carries an order out; says how much was traded.
    #[inline]
    pub fn submit(&mut self, order: Order) -> u32 {
        carry_out(order, |order| self.step(order))
    }

    /// What rests at each level of a side.
    pub fn resting_lots(&self, side: Side) -> Vec<u32> {
        self.resting_lots[side as usize].clone()
    }
}
