//! What must hold for any bytes at all read as a file (R33). The fuzz target `itch` (`make fuzz-targets`) and the bounded
//! tests in `untrusted_bytes.rs` run the same function; it panics where it finds a fault.

use aeromatch_engine::codes::Side;
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::rules::Rules;
use aeromatch_itch::message::{LAYOUTS, Message, Symbol};
use aeromatch_itch::reader::Reader;
use aeromatch_itch::stream::{Damage, Stream};

/// The symbol that is replayed.
pub const SYMBOL: &str = "ABC";

/// Any bytes are read up to a place, whatever the chunks they come in, and the same book comes of them.
pub fn read(bytes: &[u8]) -> Result<u64, Damage> {
    let whole = frames(bytes, bytes.len().max(1));
    for size in [1, 3, 51, 64] {
        assert_eq!(frames(bytes, size), whole, "in chunks of {size}");
    }
    let (messages, damage) = whole;
    if let Some(damage) = &damage {
        assert!(damage.offset <= bytes.len() as u64 && !damage.problem.is_empty(), "{damage}");
    }
    let replayed = replay(bytes, IndexKind::default(), bytes.len().max(1));
    for index in IndexKind::ALL {
        assert_eq!(replay(bytes, *index, 7), replayed, "{index:?} or chunks show");
    }
    match damage {
        Some(damage) => Err(damage),
        None => Ok(messages.len() as u64),
    }
}

type Frames = (Vec<(u64, Vec<u8>)>, Option<Damage>);

/// The messages with their offsets, and the damage.
fn frames(bytes: &[u8], size: usize) -> Frames {
    let (mut stream, mut frames) = (Stream::default(), Vec::new());
    for chunk in bytes.chunks(size) {
        let fed = stream.feed(chunk, |offset, message| frames.push((offset, message.to_vec())));
        assert_eq!(fed.err().as_ref(), stream.damage());
    }
    let damage = stream.finish().err();
    assert_eq!(stream.finish().err(), damage);
    for (offset, message) in &frames {
        assert!(Message::of(message).is_some(), "no message at {offset}");
        assert!(LAYOUTS.iter().any(|layout| layout.letter == message[0] && layout.length == message.len()));
        let start = usize::try_from(*offset).expect("inside the input") + stream.framing().map_or(0, |f| f.prefix());
        assert_eq!(&bytes[start..start + message.len()], message.as_slice());
        assert!(damage.as_ref().is_none_or(|damage| damage.offset > *offset));
    }
    (frames, damage)
}

/// Digest of the book and the tally, after checks of what must hold between them.
fn replay(bytes: &[u8], index: IndexKind, size: usize) -> ([u8; 32], String) {
    let mut book = Book::new(Rules::default(), index);
    let mut reader = Reader::new(Symbol::parse(SYMBOL));
    for chunk in bytes.chunks(size) {
        let _ = reader.feed(chunk, &mut book);
    }
    let _ = reader.finish();
    let replay = reader.replay();
    let tally = replay.tally();
    assert_eq!(book.order_count() + replay.parked(), replay.orders());
    assert_eq!(tally.added, tally.canceled + tally.filled + tally.replaced + replay.orders() as u64);
    assert_eq!(tally.judged, tally.agreed + tally.reasons.iter().sum::<u64>());
    assert_eq!(tally.executed.count, tally.judged + tally.excuses.iter().sum::<u64>());
    assert_eq!(tally.reasons.last(), Some(&0), "the engine differs");
    if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
        assert!(bid < ask, "crossed");
    }
    for difference in &tally.differences {
        assert!(!difference.to_string().is_empty());
    }
    (book.digest(), format!("{tally:?} {:?}", reader.locate()))
}
