//! Orders that a book can take for ever: what rests is filled or cancelled within seven commands.

use aeromatch_engine::codes::{CommandKind, Side};
use aeromatch_engine::record::{Command, as_bytes};

/// An order id is the instrument's number and, in so many bits, a counter (R5).
const COUNTER_BITS: u32 = 40;
/// New orders of a cycle, which has one cancel besides.
const ORDERS_A_CYCLE: u64 = 6;
/// Commands of a cycle.
const CYCLE: u64 = ORDERS_A_CYCLE + 1;
const MIDDLE_TICKS: i64 = 10_000;
/// The middle moves over so many ticks, so that levels come and go.
const SWING: u64 = 61;
/// Standing levels of a side, away from the market.
const STANDING: i64 = 64;
const STANDING_FROM_TICKS: i64 = 1_000;

/// The commands of some instruments in turn.
pub struct Flow {
    instruments: Vec<u32>,
    /// Commands made so far.
    made: u64,
}

impl Flow {
    pub fn new(instruments: Vec<u32>) -> Flow {
        Flow { instruments, made: 0 }
    }

    /// The orders that stand before it begins, and stay.
    pub fn standing(&self) -> Vec<u8> {
        let levels = STANDING_FROM_TICKS..STANDING_FROM_TICKS + STANDING;
        let orders = self.instruments.iter().flat_map(|&instrument| {
            let sides = [(Side::Buy, -1), (Side::Sell, 1)];
            levels.clone().flat_map(move |ticks| {
                sides.map(|(side, sign)| Command {
                    instrument,
                    ..Command::limit(side, MIDDLE_TICKS + sign * ticks, 100)
                })
            })
        });
        as_bytes(&orders.collect::<Vec<_>>()).to_vec()
    }

    /// Appends the slots of the next commands.
    pub fn extend(&mut self, slots: &mut Vec<u8>, commands: usize) {
        slots.reserve(size_of::<Command>() * commands);
        for _ in 0..commands {
            let command = self.next();
            slots.extend_from_slice(as_bytes(&[command]));
        }
    }

    /// Two buys and a sell rest; one buy is eaten in two bites and the sell in one; the other buy is cancelled.
    fn next(&mut self) -> Command {
        let instruments = self.instruments.len() as u64;
        let instrument = self.instruments[(self.made % instruments) as usize];
        let place = self.made / instruments;
        self.made += 1;
        let (cycle, step) = (place / CYCLE, place % CYCLE);
        let middle = MIDDLE_TICKS + (cycle * 7 % SWING) as i64;
        let limit = |side, ticks, lots| Command { instrument, ..Command::limit(side, middle + ticks, lots) };
        match step {
            0 => limit(Side::Buy, -1, 5),
            1 => limit(Side::Buy, -2, 5),
            2 => limit(Side::Sell, 1, 5),
            3 => limit(Side::Sell, -1, 3),
            4 => limit(Side::Buy, 1, 5),
            5 => limit(Side::Sell, -1, 2),
            _ => {
                let counter = 2 * STANDING as u64 + cycle * ORDERS_A_CYCLE + 2;
                let order_id = u64::from(instrument) << COUNTER_BITS | counter;
                Command { instrument, order_id, ..Command::of(CommandKind::Cancel) }
            }
        }
    }
}
