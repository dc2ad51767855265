//! What a file says about its day: how many messages of which type, and which symbols there are.

use crate::message::{HEADER, StockDirectory, Symbol, SystemEvent};

/// System events that are kept; a day has six.
const KEPT_EVENTS: usize = 64;
const LOCATES: usize = 1 << 16;

/// A symbol of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its number in the file.
    pub locate: u16,
    /// Its name.
    pub symbol: Symbol,
    /// Messages about it.
    pub messages: u64,
}

/// Counts over a whole file.
#[derive(Debug)]
pub struct Day {
    by_type: [u64; 256],
    by_locate: Vec<u64>,
    /// By locate; zeros where there is none.
    symbols: Vec<[u8; 8]>,
    first_ns: Option<u64>,
    last_ns: u64,
    events: Vec<(u64, u8)>,
}

impl Default for Day {
    fn default() -> Day {
        Day {
            by_type: [0; 256],
            by_locate: vec![0; LOCATES],
            symbols: vec![[0; 8]; LOCATES],
            first_ns: None,
            last_ns: 0,
            events: Vec::new(),
        }
    }
}

impl Day {
    /// Takes note of a message; returns the locate that it carries.
    #[inline(always)]
    pub fn note(&mut self, message: &[u8]) -> u16 {
        let Some(&[letter, high, low, _, _, a, b, c, d, e, f]) = message.first_chunk::<HEADER>() else { return 0 };
        let locate = u16::from_be_bytes([high, low]);
        self.by_type[usize::from(letter)] += 1;
        self.by_locate[usize::from(locate)] += 1;
        self.last_ns = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        self.first_ns.get_or_insert(self.last_ns);
        if letter == b'R' || letter == b'S' {
            self.note_rare(message);
        }
        locate
    }

    #[cold]
    fn note_rare(&mut self, message: &[u8]) {
        if let Some(listing) = StockDirectory::of(message) {
            self.symbols[usize::from(listing.stock_locate())] = listing.stock();
        }
        if let Some(event) = SystemEvent::of(message)
            && self.events.len() < KEPT_EVENTS
        {
            self.events.push((event.timestamp(), event.event_code()));
        }
    }

    /// Messages of all known types.
    pub fn messages(&self) -> u64 {
        self.by_type.iter().sum()
    }

    /// Messages by type, those that there are.
    pub fn by_type(&self) -> impl Iterator<Item = (u8, u64)> {
        (0..=255).zip(self.by_type).filter(|&(_, count)| count > 0)
    }

    /// The symbols, in order of their locates.
    pub fn symbols(&self) -> impl Iterator<Item = Listing> {
        (0..=u16::MAX)
            .zip(self.symbols.iter().zip(&self.by_locate))
            .filter(|(_, (symbol, _))| **symbol != [0; 8])
            .map(|(locate, (&symbol, &messages))| Listing { locate, symbol: Symbol(symbol), messages })
    }

    /// Time of the first message, ns since midnight.
    pub fn first_ns(&self) -> Option<u64> {
        self.first_ns
    }

    /// Time of the last message, ns since midnight.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// System events: time and code.
    pub fn events(&self) -> &[(u64, u8)] {
        &self.events
    }
}
