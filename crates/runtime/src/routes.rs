//! Which shard an instrument, a clearing group or an event lives on, for those who submit: read without locks.
//!
//! A table of chunks, each made once, when the first number in it is given out, and never moved: so a reader needs no lock and
//! no counting, only one acquire load for the chunk and one for the entry. One thread writes (whoever creates things); an
//! entry is set before the answer goes out that says the thing exists. Whoever has heard of it sooner, from a stream of shard 0,
//! finds nothing: that is the coordinator's business, which has what is being made behind it when it looks here. What is not
//! there then either is nowhere, and shard 0 refuses it by its own rules.

use aeromatch_engine::exchange::Exchange;
use aeromatch_engine::exchange::records::{Subject, subject_of};
use aeromatch_engine::record::{RecordError, SLOT_BYTES};
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

    /// `None`: nothing is known of it, yet.
    #[inline]
    pub fn of(&self, number: u32) -> Option<u16> {
        let (chunk, place) = (number as usize / CHUNK, number as usize % CHUNK);
        self.0.get(chunk)?.get()?[place].load(Ordering::Acquire).checked_sub(1)
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

/// Where commands go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// All of it to this shard.
    Shard(u16),
    /// What it is about does not exist, or is being made: only whoever makes things can tell.
    Unknown,
    /// To more than one shard.
    Several,
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

    /// Where a command about that goes.
    #[inline]
    pub fn way(&self, subject: Subject) -> Way {
        let home = match subject {
            Subject::Instrument(instrument) => self.instruments.of(instrument),
            Subject::Group(group) => self.groups.of(group),
            Subject::Event(event) => self.events.of(event),
            Subject::Groups { source, target } => match (self.groups.of(source), self.groups.of(target)) {
                (Some(source), Some(target)) if source != target => return Way::Several,
                (Some(source), Some(_)) => Some(source),
                _ => None,
            },
            Subject::All => return Way::Several,
        };
        home.map_or(Way::Unknown, Way::Shard)
    }

    /// Where commands go that are one submission, as far as is known: to one shard all of them, unless there is only one. `missing`
    /// is where that goes of which nothing is known.
    pub fn way_of_all(&self, slots: &[u8], missing: Way) -> Result<Way, RecordError> {
        let (mut way, mut slot) = (None, 0);
        while way.is_none() || slot < slots.len().div_ceil(SLOT_BYTES) {
            let (subject, used) = subject_of(slots, slot)?;
            let other = match self.way(subject) {
                Way::Unknown => missing,
                known => known,
            };
            way = match (way, other) {
                (None, _) => Some(other),
                (Some(Way::Shard(_) | Way::Unknown), Way::Unknown) | (Some(Way::Unknown), Way::Shard(_)) => {
                    Some(Way::Unknown)
                }
                (Some(Way::Shard(shard)), Way::Shard(same)) if shard == same => way,
                _ => {
                    let problem = "it goes elsewhere than the commands before it".to_string();
                    return Err(RecordError { slot, offset: slot * SLOT_BYTES, field: "command", problem });
                }
            };
            slot += used;
        }
        Ok(way.unwrap_or(Way::Unknown))
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
