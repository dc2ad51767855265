//! What must hold for any bytes at all (R33). The fuzz targets (`make fuzz-targets`) and the bounded tests in
//! `untrusted_bytes.rs` run the same functions; each panics where it finds a fault.

pub mod venue;

use aeromatch_engine::codes::{Matching, Phase, SelfTradePrevention, Side};
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::offset::Offset;
use aeromatch_engine::record::{Command, Event, RecordError, SLOT_BYTES, as_bytes, decode};
use aeromatch_engine::rules::Rules;
use aeromatch_engine::snapshot::SnapshotError;
use aeromatch_engine::views::OrderView;

/// Every byte string is a batch of commands, or has an error inside it; what decodes, encodes to the same bytes.
pub fn decode_batch(bytes: &[u8]) -> Result<Vec<Command>, RecordError> {
    let mut commands = Vec::new();
    let mut slot = 0;
    while slot * SLOT_BYTES < bytes.len() {
        let (command, extensions) = match decode(bytes, slot) {
            Ok(decoded) => decoded,
            Err(error) => {
                assert!(error.slot >= slot && error.offset >= error.slot * SLOT_BYTES, "{error} is behind slot {slot}");
                assert!(error.offset < error.slot * SLOT_BYTES + SLOT_BYTES, "{error} is not inside its slot");
                assert!(!error.field.is_empty() && !error.problem.is_empty());
                return Err(error);
            }
        };
        let mut encoded = as_bytes(&[command]).to_vec();
        encoded.extend(extensions.terms.iter().flat_map(|terms| as_bytes(std::slice::from_ref(terms))));
        encoded.extend(extensions.client_id.iter().flat_map(|id| as_bytes(std::slice::from_ref(id))));
        assert_eq!(encoded.len(), command.slots() * SLOT_BYTES);
        assert_eq!(encoded, bytes[slot * SLOT_BYTES..][..encoded.len()], "decoding lost something");
        slot += command.slots();
        commands.push(command);
    }
    Ok(commands)
}

/// Books of different rules; the input's length picks one, so that a fuzzer finds its way to each.
pub fn rules(bytes: &[u8]) -> Rules {
    let plain = Rules { dedup_window_ns: 5, self_trade_prevention: SelfTradePrevention::Decrement, ..Rules::default() };
    let around = |width| Some(Offset::ticks(width));
    match bytes.len() / SLOT_BYTES % 4 {
        0 => plain,
        1 => Rules { matching: Matching::ProRata, circuit_breaker: around(1), halt_ns: 3, ..plain },
        2 => Rules { reference_price_ticks: Some(0), static_band: around(2), ..plain },
        _ => Rules { matching: Matching::FifoProRata, fifo_share_bps: 4_000, ..plain },
    }
}

/// A batch with an error changes nothing; any other leaves every price index with the same events, state and snapshot, and
/// a book that is not crossed.
pub fn process(bytes: &[u8]) {
    let rules = rules(bytes);
    let mut ladder = Book::new(rules, IndexKind::Ladder);
    let empty = ladder.digest();
    let mut events: Vec<Event> = Vec::new();
    let count = ladder.process(bytes, &mut events);
    assert_eq!(count.is_ok(), decode_batch(bytes).is_ok());
    match count {
        Err(_) => assert!(events.is_empty() && ladder.digest() == empty),
        Ok(count) => assert!(events.len() >= count, "a command without an answer"),
    }
    check(&ladder);
    for index in IndexKind::ALL {
        let mut other = Book::new(rules, *index);
        let mut others: Vec<Event> = Vec::new();
        assert_eq!(count, other.process(bytes, &mut others));
        assert_eq!(events, others, "the price index shows");
        assert_eq!(ladder.digest(), other.digest());
        check(&other);
        let restored = Book::restore(&ladder.snapshot(), Some(*index)).expect("a book's own snapshot");
        assert_eq!(restored.digest(), ladder.digest());
        assert_eq!(restored.statistics(), ladder.statistics());
    }
}

/// Any bytes are a snapshot or an error. A book that comes of them is whole: it goes back to the same bytes and trades on.
pub fn restore(bytes: &[u8]) -> Option<SnapshotError> {
    let mut book = match Book::restore(bytes, None) {
        Ok(book) => book,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Some(error);
        }
    };
    let written = book.snapshot();
    let differs = bytes.iter().zip(&written).position(|(given, written)| given != written);
    assert_eq!((differs, written.len()), (None, bytes.len()), "not the snapshot that its book would write");
    check(&book);
    let mut events: Vec<Event> = Vec::new();
    let reopen =
        Command { order_type: Phase::Continuous as u8, ..Command::of(aeromatch_engine::codes::CommandKind::Phase) };
    let orders = [Command::limit(Side::Buy, 0, 1), Command::market(Side::Sell, 1 << 48), Command::market(Side::Buy, 9)];
    for command in [reopen, orders[0], orders[1], orders[2]] {
        let command = Command { instrument: book.rules().instrument, ..command };
        book.apply(&command, &Default::default(), &mut events);
        check(&book);
    }
    None
}

/// The first half of `bytes` is a batch for a book; the second says which bytes of its snapshot to overwrite. The checksum is
/// then made right, so that the content's own checks are what must hold.
pub fn restore_damaged(bytes: &[u8]) -> Option<SnapshotError> {
    let slots = bytes.len() / 2 / SLOT_BYTES * SLOT_BYTES;
    let mut book = Book::new(rules(bytes), IndexKind::Ladder);
    let _ = book.process(&bytes[..slots], &mut Vec::<Event>::new());
    let mut snapshot = book.snapshot();
    for change in bytes[slots..].chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % snapshot.len();
        snapshot[at] = change[2];
    }
    seal(&mut snapshot);
    restore(&snapshot)
}

/// Makes the checksum at the end right.
pub fn seal(snapshot: &mut [u8]) {
    let end = snapshot.len() - 4;
    let checksum = crc32c::crc32c(&snapshot[..end]);
    snapshot[end..].copy_from_slice(&checksum.to_le_bytes());
}

/// What holds for every book at any time.
fn check(book: &Book) {
    let (bid, ask) = (book.best(Side::Buy), book.best(Side::Sell));
    let is_crossed = bid.zip(ask).is_some_and(|(bid, ask)| bid >= ask);
    assert!(!is_crossed || book.phase() != Phase::Continuous, "the book is crossed");
    let orders = book.orders(None);
    assert!(orders.is_sorted_by(|a, b| a.order_id < b.order_id));
    assert_eq!(orders.len(), book.order_count());
    for order in &orders {
        let slice = order.display_lots.map_or(order.shown_lots, |display| display.min(order.remaining_lots));
        assert!(order.shown_lots <= slice && order.remaining_lots <= order.quantity_lots, "{order:?}");
    }
    for side in [Side::Buy, Side::Sell] {
        let levels = book.depth(side, usize::MAX);
        assert_eq!(levels.len(), book.level_count(side));
        let shown = |order: &&OrderView| order.side == side && order.shown_lots > 0;
        for level in &levels {
            let here = orders.iter().filter(shown).filter(|order| order.price_ticks == level.price_ticks);
            assert_eq!(here.clone().map(|order| u128::from(order.shown_lots)).sum::<u128>(), level.quantity_lots);
            assert_eq!(here.count(), level.order_count as usize);
        }
        let count = orders.iter().filter(shown).count();
        assert_eq!(levels.iter().map(|level| level.order_count as usize).sum::<usize>(), count);
    }
    let mut stops: Vec<u64> = book.stops().iter().map(|stop| stop.order_id).collect();
    stops.sort_unstable();
    assert!(stops.iter().copied().eq(orders.iter().filter(|order| order.is_dormant).map(|order| order.order_id)));
    let auction = book.indicative();
    assert_eq!(auction.price_ticks.is_some(), auction.quantity_lots > 0);
}
