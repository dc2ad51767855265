//! A file, read once: counted, one symbol replayed, some messages kept.

use crate::day::Day;
use crate::message::{StockDirectory, Symbol};
use crate::replay::Replay;
use crate::stream::{Damage, Stream};
use aeromatch_engine::engine::Book;

/// Reads a file that comes in chunks.
#[derive(Debug, Default)]
pub struct Reader {
    stream: Stream,
    day: Day,
    symbol: Option<Symbol>,
    locate: Option<u16>,
    replay: Replay,
    /// By type: is it kept?
    kept: Option<Box<[bool; 256]>>,
}

impl Reader {
    /// Counts messages, and replays those of `symbol` into the book that comes with them.
    pub fn new(symbol: Option<Symbol>) -> Reader {
        Reader { symbol, ..Reader::default() }
    }

    /// Keeps messages of some types (of all, if none is named): those of `symbol`, or of every one.
    pub fn keeping(symbol: Option<Symbol>, letters: &[u8]) -> Reader {
        let mut kept = [letters.is_empty(); 256];
        letters.iter().for_each(|&letter| kept[usize::from(letter)] = true);
        Reader { symbol, kept: Some(Box::new(kept)), ..Reader::default() }
    }

    /// Where the messages are.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What the file says about its day.
    pub fn day(&self) -> &Day {
        &self.day
    }

    /// The locate of the symbol, once the directory has named it.
    pub fn locate(&self) -> Option<u16> {
        self.locate
    }

    /// What came out of the replay so far.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Takes the next bytes of the file, and replays the symbol's messages into `book`.
    ///
    /// # Errors
    /// [`Damage`] where the file stops making sense; what stands before it was read.
    pub fn feed(&mut self, chunk: &[u8], book: &mut Book) -> Result<(), Damage> {
        let Reader { stream, day, symbol, locate, replay, .. } = self;
        stream.feed(chunk, |offset, message| {
            if is_watched(day.note(message), message, *symbol, locate) {
                replay.message(book, offset, message);
            }
        })
    }

    /// Takes the next bytes of the file, and appends those messages to `kept` that are to be kept.
    ///
    /// # Errors
    /// As [`Reader::feed`].
    pub fn keep(&mut self, chunk: &[u8], kept: &mut Vec<u8>) -> Result<(), Damage> {
        let Reader { stream, day, symbol, locate, kept: types, .. } = self;
        stream.feed(chunk, |_, message| {
            let is_ours = is_watched(day.note(message), message, *symbol, locate) || symbol.is_none();
            if is_ours && types.as_ref().is_some_and(|types| types[usize::from(message[0])]) {
                kept.extend_from_slice(message);
            }
        })
    }

    /// Says that the file is over.
    ///
    /// # Errors
    /// [`Damage`] if it ends inside a message, or was damaged before.
    pub fn finish(&mut self) -> Result<(), Damage> {
        self.stream.finish()
    }
}

/// Is the message about the symbol that is looked for? Its directory message says under which locate.
#[inline(always)]
fn is_watched(found: u16, message: &[u8], symbol: Option<Symbol>, locate: &mut Option<u16>) -> bool {
    if message[0] == b'R' && StockDirectory::of(message).map(|listing| Symbol(listing.stock())) == symbol {
        *locate = symbol.map(|_| found);
    }
    *locate == Some(found)
}
