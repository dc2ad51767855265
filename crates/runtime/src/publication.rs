//! Books as others may see them at any time, without a lock and without a word to the writer.
//!
//! After each batch the shard's thread writes the best levels of every book that changed into a versioned record
//! ([`crate::versioned`]), before it acknowledges the batch: whoever has an answer reads what it did, or something later.
//! Both sides and the number of the last command are of one moment.

use crate::versioned::{Versioned, VersionedWriter, versioned};
use aeromatch_engine::codes::Side;
use aeromatch_engine::engine::Book;
use aeromatch_engine::exchange::Exchange;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Words before the levels: the number of the last command, and how many levels each side has.
const HEAD_WORDS: usize = 2;
/// Words of a level: price, lots, orders.
const LEVEL_WORDS: usize = 3;
/// Words that hold the best level of both sides.
const TOP_WORDS: usize = HEAD_WORDS + 2 * LEVEL_WORDS;

/// A level as it was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedLevel {
    /// Its price.
    pub price_ticks: i64,
    /// Displayed lots; saturates at 2^64 - 1.
    pub quantity_lots: u64,
    /// Displayed orders.
    pub orders: u32,
}

/// The best prices of a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Number of the last command that the shard had applied.
    pub sequence: u64,
    /// Best bid.
    pub bid: Option<PublishedLevel>,
    /// Best ask.
    pub ask: Option<PublishedLevel>,
}

/// The best levels of a book. Used again, it needs no new memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Number of the last command that the shard had applied.
    pub sequence: u64,
    /// Bids from the best on.
    pub bids: Vec<PublishedLevel>,
    /// Asks from the best on.
    pub asks: Vec<PublishedLevel>,
    words: Vec<u64>,
}

/// A book's best levels, as of the end of a batch. Of a two-outcome event it is in the first outcome's terms.
pub struct PublishedBook {
    words: Arc<Versioned>,
    levels: usize,
}

/// Where the level of that place stands: bids and asks by turns, so that a prefix has the top.
fn level_at(place: usize, side: Side) -> usize {
    HEAD_WORDS + (2 * place + usize::from(side == Side::Sell)) * LEVEL_WORDS
}

fn read_level(words: &[u64], place: usize, side: Side) -> PublishedLevel {
    let at = level_at(place, side);
    PublishedLevel { price_ticks: words[at] as i64, quantity_lots: words[at + 1], orders: words[at + 2] as u32 }
}

fn counts(words: &[u64]) -> (usize, usize) {
    (words[1] as u32 as usize, (words[1] >> 32) as usize)
}

impl PublishedBook {
    /// The best prices. Never waits for the writer's batch, only for a write of a few words.
    pub fn top(&self) -> Top {
        let mut words = [0; TOP_WORDS];
        self.words.read(&mut words);
        let (bids, asks) = counts(&words);
        Top {
            sequence: words[0],
            bid: (bids > 0).then(|| read_level(&words, 0, Side::Buy)),
            ask: (asks > 0).then(|| read_level(&words, 0, Side::Sell)),
        }
    }

    /// The levels that are published.
    pub fn depth(&self, out: &mut Depth) {
        out.words.resize(level_at(self.levels, Side::Buy), 0);
        self.words.read(&mut out.words);
        let (bids, asks) = counts(&out.words);
        out.sequence = out.words[0];
        out.bids.clear();
        out.bids.extend((0..bids).map(|place| read_level(&out.words, place, Side::Buy)));
        out.asks.clear();
        out.asks.extend((0..asks).map(|place| read_level(&out.words, place, Side::Sell)));
    }

    /// How many times it was written.
    pub fn version(&self) -> u64 {
        self.words.version()
    }
}

/// Entries of a chunk.
const CHUNK: usize = 1 << 12;
/// Instrument numbers have 24 bits (R5).
const CHUNKS: usize = (1 << 24) / CHUNK;

type Chunk = Box<[OnceLock<Arc<PublishedBook>>]>;

/// The published books by instrument: chunks that are made once and never move, as in [`crate::routes`].
pub(crate) struct PublishedBooks(Box<[OnceLock<Chunk>]>);

impl PublishedBooks {
    pub fn new() -> PublishedBooks {
        PublishedBooks((0..CHUNKS).map(|_| OnceLock::new()).collect())
    }

    pub fn get(&self, instrument: u32) -> Option<&Arc<PublishedBook>> {
        let (chunk, place) = (instrument as usize / CHUNK, instrument as usize % CHUNK);
        self.0.get(chunk)?.get()?[place].get()
    }

    fn set(&self, instrument: u32, book: Arc<PublishedBook>) {
        let (chunk, place) = (instrument as usize / CHUNK, instrument as usize % CHUNK);
        if let Some(chunk) = self.0.get(chunk) {
            let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
            // A number is given out once.
            let _ = chunk[place].set(book);
        }
    }
}

/// The writing side, of one shard's books.
pub(crate) struct Publisher {
    levels: usize,
    writers: BTreeMap<u32, VersionedWriter>,
    /// Instruments whose levels changed since the last publication, some more than once.
    touched: Vec<u32>,
    /// Instruments that the registry had when it was last looked at.
    known: usize,
    words: Vec<u64>,
}

impl Publisher {
    pub fn new(levels: usize) -> Publisher {
        Publisher { levels, writers: BTreeMap::new(), touched: Vec::new(), known: 0, words: Vec::new() }
    }

    /// The levels of an instrument's book have changed.
    #[inline]
    pub fn touch(&mut self, instrument: u32) {
        if self.touched.last() != Some(&instrument) {
            self.touched.push(instrument);
        }
    }

    /// Makes records for the books that have come to be since the last look.
    pub fn learn(&mut self, exchange: &Exchange, books: &PublishedBooks) {
        let count = exchange.registry().instrument_count();
        if self.levels == 0 || count == self.known {
            return;
        }
        self.known = count;
        let mut last: Option<Arc<PublishedBook>> = None;
        let mut made = Vec::new();
        for (number, info) in exchange.registry().instruments() {
            if exchange.book(number).is_none() {
                continue;
            }
            if let Some(there) = books.get(number) {
                last = Some(Arc::clone(there));
            } else if info.is_mirror
                && let Some(book) = first_outcome(exchange, number).and_then(|first| books.get(first)).or(last.as_ref())
            {
                books.set(number, Arc::clone(book));
            } else {
                let (writer, words) = versioned(level_at(self.levels, Side::Buy));
                self.writers.insert(number, writer);
                let book = Arc::new(PublishedBook { words, levels: self.levels });
                books.set(number, Arc::clone(&book));
                last = Some(book);
                made.push(number);
            }
        }
        self.touched.extend(made);
    }

    /// Publishes what was touched.
    pub fn publish(&mut self, exchange: &Exchange) {
        if self.touched.len() > 1 {
            self.touched.sort_unstable();
            self.touched.dedup();
        }
        for instrument in self.touched.drain(..) {
            if let (Some(writer), Some(book)) = (self.writers.get_mut(&instrument), exchange.book(instrument)) {
                let used = put_levels(&mut self.words, book, self.levels, exchange.sequence());
                writer.write(&self.words[..used]);
            }
        }
    }
}

/// The instrument in whose book a mirror trades.
fn first_outcome(exchange: &Exchange, mirror: u32) -> Option<u32> {
    exchange.book(mirror).map(|book| book.rules().instrument)
}

/// Writes a book's best levels into words; returns how many words they take.
fn put_levels(words: &mut Vec<u64>, book: &Book, levels: usize, sequence: u64) -> usize {
    words.resize(level_at(levels, Side::Buy), 0);
    let mut counts = [0u64; 2];
    for side in [Side::Buy, Side::Sell] {
        let mut place = 0;
        book.best_levels(side, levels, |price_ticks, quantity_lots, orders| {
            let at = level_at(place, side);
            words[at] = price_ticks as u64;
            words[at + 1] = u64::try_from(quantity_lots).unwrap_or(u64::MAX);
            words[at + 2] = u64::from(orders);
            place += 1;
        });
        counts[usize::from(side.code())] = place as u64;
    }
    (words[0], words[1]) = (sequence, counts[0] | counts[1] << 32);
    level_at(counts[0].max(counts[1]) as usize, Side::Buy)
}
