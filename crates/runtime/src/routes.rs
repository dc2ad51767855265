//! Which shard an instrument, a clearing group or an event lives on, for those who submit: read without locks.
//!
//! A table of chunks, each made once, when the first number in it is given out, and never moved: so a reader needs no lock and
//! no counting, only one acquire load for the chunk and one for the entry. One thread writes (whoever creates things); an
//! entry is set before the answer goes out that says the thing exists, so whoever has heard of it finds it. What is not there
//! lives on shard 0, which refuses it by its own rules.

use aeromatch_engine::exchange::Exchange;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// Entries of a chunk.
const CHUNK: usize = 1 << 12;
/// Instrument numbers have 24 bits (R5); there is room for as many of the others.
const CHUNKS: usize = (1 << 24) / CHUNK;

type Chunk = Box<[AtomicU16]>;

/// Homes by number. An entry is the shard plus one; 0: nothing is known of it.
pub(crate) struct Homes(Box<[OnceLock<Chunk>]>);

impl Homes {
    fn new() -> Homes {
        Homes((0..CHUNKS).map(|_| OnceLock::new()).collect())
    }

    #[inline]
    pub fn of(&self, number: u32) -> u16 {
        let (chunk, place) = (number as usize / CHUNK, number as usize % CHUNK);
        let chunk = self.0.get(chunk).and_then(OnceLock::get);
        chunk.map_or(0, |chunk| chunk[place].load(Ordering::Acquire)).saturating_sub(1)
    }

    fn set(&self, number: u32, shard: u16) {
        let (chunk, place) = (number as usize / CHUNK, number as usize % CHUNK);
        // Numbers beyond belong to nothing that the engine creates.
        if let Some(chunk) = self.0.get(chunk) {
            let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| AtomicU16::new(0)).collect());
            chunk[place].store(shard + 1, Ordering::Release);
        }
    }
}

/// Where everything lives.
pub(crate) struct Routes {
    pub instruments: Homes,
    pub groups: Homes,
    pub events: Homes,
}

impl Routes {
    pub fn new() -> Routes {
        Routes { instruments: Homes::new(), groups: Homes::new(), events: Homes::new() }
    }

    /// Takes over where all that an exchange knows lives.
    pub fn learn_all(&self, exchange: &Exchange) {
        let registry = exchange.registry();
        registry.instruments().for_each(|(number, _)| self.learn_instrument(exchange, number));
        (1..=registry.groups.len()).for_each(|number| self.learn_group(exchange, number));
        (1..=registry.events.len()).for_each(|number| self.learn_event(exchange, number));
    }

    pub fn learn_instrument(&self, exchange: &Exchange, number: u32) {
        if let Some(shard) = exchange.home_of_instrument(number) {
            self.instruments.set(number, shard);
        }
    }

    pub fn learn_group(&self, exchange: &Exchange, number: u32) {
        if let Some(shard) = exchange.home_of_group(number) {
            self.groups.set(number, shard);
        }
    }

    pub fn learn_event(&self, exchange: &Exchange, number: u32) {
        if let Some(shard) = exchange.home_of_event(number) {
            self.events.set(number, shard);
        }
    }
}
