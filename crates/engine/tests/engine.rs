//! The engine through its public door, over every price index.

use aeromatch_engine::codes::{CommandKind, EventKind, RejectReason, Side};
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::record::{Command, Event, EventSink, Extensions, as_bytes};
use aeromatch_engine::rules::Rules;
use aeromatch_engine::snapshot::{SNAPSHOT_VERSION, SnapshotError};

fn books() -> impl Iterator<Item = Book> {
    IndexKind::ALL.iter().map(|&index| Book::new(Rules::default(), index))
}

fn apply(book: &mut Book, command: Command) -> Vec<Event> {
    let mut events = Vec::new();
    book.apply(&command, &Extensions::NONE, &mut events);
    events
}

#[test]
fn one_order_in_one_trade_out() {
    for mut book in books() {
        apply(&mut book, Command::limit(Side::Sell, 101, 5));
        let events = apply(&mut book, Command::limit(Side::Buy, 102, 7));
        assert_eq!(events.len(), 2);
        let trade = events[1];
        assert_eq!(trade.kind, EventKind::Trade.code());
        assert_eq!((trade.price_ticks, trade.quantity_lots), (101, 5), "the maker's price");
        assert_eq!((trade.order_id, trade.other, trade.detail), (1, 2, 1));
        assert_eq!((book.best(Side::Buy), book.best(Side::Sell)), (Some(102), None));
        assert_eq!(book.order(2).unwrap().remaining_lots, 2);
    }
}

#[test]
fn prices_at_both_ends_of_64_bits_trade_and_rest() {
    for mut book in books() {
        for price in [i64::MIN, i64::MAX] {
            apply(&mut book, Command::limit(Side::Sell, price, 1));
        }
        assert_eq!(book.best(Side::Sell), Some(i64::MIN));
        let events = apply(&mut book, Command::limit(Side::Buy, i64::MAX, 2));
        assert_eq!(events.iter().map(|event| event.price_ticks).collect::<Vec<_>>(), [i64::MAX, i64::MIN, i64::MAX]);
        apply(&mut book, Command::limit(Side::Buy, i64::MIN, 1));
        assert_eq!(book.best(Side::Buy), Some(i64::MIN));
        let events = apply(&mut book, Command::market(Side::Sell, 1));
        assert_eq!(events[1].kind, EventKind::Trade.code());
    }
}

#[test]
fn a_level_holds_more_than_64_bits_of_lots() {
    for mut book in books() {
        for _ in 0..65_537 {
            apply(&mut book, Command::limit(Side::Buy, 1, 1 << 48));
        }
        let level = book.level(Side::Buy, 1).unwrap();
        assert_eq!(level.quantity_lots, 65_537 << 48);
        let fok = Command { time_in_force: 4, ..Command::limit(Side::Sell, 1, 1 << 48) };
        assert_eq!(apply(&mut book, fok).len(), 2, "enough is there");
    }
}

#[test]
fn a_batch_is_applied_whole_or_not_at_all() {
    for mut book in books() {
        let mut slots = vec![Command::limit(Side::Buy, 1, 1); 3];
        slots[2].time_in_force = 77;
        let mut events: Vec<Event> = Vec::new();
        let error = book.process(as_bytes(&slots), &mut events).unwrap_err();
        assert_eq!((error.slot, error.offset, error.field), (2, 2 * 64 + 5, "time in force"));
        let cut = &as_bytes(&slots)[..2 * 64 - 1];
        assert_eq!(book.process(cut, &mut events).unwrap_err().slot, 1);
        assert!(events.is_empty() && book.sequence() == 0);
    }
}

/// What snapshots were written with must stay what it is.
#[test]
fn a_snapshot_names_its_price_index_by_a_number() {
    const AT: usize = 8 + 4 + 8; // magic, version, length
    let numbers: Vec<_> = books().map(|book| (book.snapshot()[AT], book.index().slug())).collect();
    assert_eq!(numbers, [(0, "ladder"), (1, "btree"), (2, "skiplist"), (3, "heap")]);
    for book in books() {
        assert_eq!(Book::restore(&book.snapshot(), None).expect("its own snapshot").index(), book.index());
        let mut unknown = book.snapshot();
        unknown[AT] = 4;
        let end = unknown.len() - 4;
        let checksum = crc32c::crc32c(&unknown[..end]);
        unknown[end..].copy_from_slice(&checksum.to_le_bytes());
        let error = Book::restore(&unknown, Some(book.index())).map(|_| ()).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { problem: "unknown price index", .. }), "{error}");
    }
}

#[test]
fn every_flipped_byte_of_a_snapshot_is_noticed() {
    for mut book in books() {
        apply(&mut book, Command::limit(Side::Buy, 1, 1));
        apply(&mut book, Command::limit(Side::Sell, 9, 4));
        let bytes = book.snapshot();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x20;
            assert!(Book::restore(&damaged, None).is_err(), "byte {place}");
            assert!(Book::restore(&bytes[..place], None).is_err(), "cut at {place}");
        }
        let mut other = bytes.clone();
        other[8] = 77;
        assert_eq!(
            Book::restore(&other, None).err(),
            Some(SnapshotError::UnknownVersion { found: 77, known: SNAPSHOT_VERSION })
        );
        let restored = Book::restore(&bytes, None).unwrap();
        assert_eq!(restored.digest(), book.digest());
        assert_eq!(restored.snapshot(), bytes);
    }
}

#[test]
fn an_order_of_another_instrument_is_rejected_and_moves_no_time() {
    for mut book in books() {
        let command = Command { instrument: 5, timestamp_ns: 9, ..Command::limit(Side::Buy, 1, 1) };
        let events = apply(&mut book, command);
        assert_eq!(events[0].reason, RejectReason::UnknownInstrument.code());
        assert_eq!((book.now_ns(), book.sequence()), (0, 1));
    }
}

#[test]
fn a_sink_hears_of_each_level_that_changed() {
    #[derive(Default)]
    struct Levels(Vec<(Side, i64)>);
    impl EventSink for Levels {
        fn event(&mut self, _event: Event) {}
        fn level_touched(&mut self, side: Side, price_ticks: i64) {
            self.0.push((side, price_ticks));
        }
    }
    for mut book in books() {
        let mut levels = Levels::default();
        for command in
            [Command::limit(Side::Sell, 5, 1), Command::limit(Side::Sell, 6, 1), Command::limit(Side::Buy, 6, 3)]
        {
            book.apply(&command, &Extensions::NONE, &mut levels);
        }
        assert_eq!(levels.0, [(Side::Sell, 5), (Side::Sell, 6), (Side::Sell, 5), (Side::Sell, 6), (Side::Buy, 6)]);
        let cancel = Command::of(CommandKind::MassCancel);
        book.apply(&cancel, &Extensions::NONE, &mut levels);
        assert_eq!(levels.0.last(), Some(&(Side::Buy, 6)));
    }
}

#[test]
fn a_batch_over_a_deep_book_does_what_its_commands_do_one_by_one() {
    // More live orders than looking ahead asks for, half of them older than the ring of young ids.
    let news = (0..120_000_u64).map(|i| {
        let side = if i % 2 == 0 { Side::Buy } else { Side::Sell };
        let distance = 1 + (i * 7_919 % 300) as i64;
        Command::limit(side, if side == Side::Buy { -distance } else { distance }, 1 + i % 9)
    });
    let cancels = (0..60_000_u64).map(|i| Command::cancel(1 + i * 48_271 % 120_000));
    let crossing =
        (0..2_000_u64).map(|i| Command::limit(if i % 2 == 0 { Side::Buy } else { Side::Sell }, 0, 1 + i % 7));
    let commands: Vec<Command> = news.chain(cancels).chain(crossing).collect();
    for (mut batched, mut single) in books().zip(books()) {
        let (mut events, mut expected) = (Vec::new(), Vec::new());
        assert_eq!(batched.process(as_bytes(&commands), &mut events), Ok(commands.len()));
        for command in &commands {
            single.apply(command, &Extensions::NONE, &mut expected);
        }
        assert!(events == expected && batched.digest() == single.digest());
        assert!(batched.order_count() > 48 << 10);
    }
}

#[test]
fn an_aggressor_that_ends_at_the_first_order_it_meets_changed_no_level() {
    #[derive(Default)]
    struct Levels(Vec<i64>);
    impl EventSink for Levels {
        fn event(&mut self, _event: Event) {}
        fn level_touched(&mut self, _side: Side, price_ticks: i64) {
            self.0.push(price_ticks);
        }
    }
    for mut book in books() {
        let own = Command { account: 1, self_trade_prevention: 2, ..Command::limit(Side::Buy, 5, 1) };
        apply(&mut book, Command { account: 1, ..Command::limit(Side::Sell, 5, 1) });
        let mut levels = Levels::default();
        book.apply(&own, &Extensions::NONE, &mut levels);
        assert_eq!(levels.0, []);
    }
}
