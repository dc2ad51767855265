//! The fuzz targets' checks on a bounded number of generated inputs, so that `cargo test` covers them.

mod untrusted;

use aeromatch_engine::codes::{CommandKind, OrderType, Phase, Side, TimeInForce};
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::record::{ClientId, Command, SLOT_BYTES, Terms, as_bytes, extension, flag, present};
use proptest::collection::vec;
use proptest::prelude::*;

/// Batches that decode: orders with and without extensions, cancels, amends.
fn valid_batch() -> impl Strategy<Value = Vec<u8>> {
    let plain = (any::<bool>(), -3_i64..4, 1_u64..5, 0_u32..3).prop_map(|(buys, price, quantity, account)| {
        let side = if buys { Side::Buy } else { Side::Sell };
        as_bytes(&[Command { account, ..Command::limit(side, price, quantity) }]).to_vec()
    });
    let rich = (any::<bool>(), 1_u64..50, vec(0x20_u8..0x7f, 1..37)).prop_map(|(buys, expire_at_ns, text)| {
        let side = if buys { Side::Buy } else { Side::Sell };
        let command = Command {
            extensions: extension::TERMS | extension::CLIENT_ID,
            time_in_force: TimeInForce::Gtd as u8,
            ..Command::limit(side, 0, 2)
        };
        let terms = Terms { present: present::EXPIRE_AT, expire_at_ns, ..Terms::default() };
        [as_bytes(&[command]), as_bytes(&[terms]), as_bytes(&[ClientId::new(&text)])].concat()
    });
    let market = (1_u64..9).prop_map(|quantity| as_bytes(&[Command::market(Side::Sell, quantity)]).to_vec());
    let cancel = (0_u64..40).prop_map(|id| as_bytes(&[Command::cancel(id)]).to_vec());
    let amend = (0_u64..40, 0_u64..9).prop_map(|(order_id, quantity_lots)| {
        let amend = Command { order_id, quantity_lots, flags: flag::QUANTITY, ..Command::of(CommandKind::Amend) };
        as_bytes(&[amend]).to_vec()
    });
    let reprice = (0_u64..40, -3_i64..4, 0_u64..40).prop_map(|(order_id, price_ticks, timestamp_ns)| {
        let flags = flag::PRICE;
        let amend = Command { order_id, price_ticks, timestamp_ns, flags, ..Command::of(CommandKind::Amend) };
        as_bytes(&[amend]).to_vec()
    });
    let phase = prop::sample::select(Phase::ALL)
        .prop_map(|phase| as_bytes(&[Command { order_type: phase as u8, ..Command::of(CommandKind::Phase) }]).to_vec());
    let kinds = prop_oneof![
        4 => plain, 2 => rich, 6 => special(), 1 => market, 1 => cancel, 1 => amend, 1 => reprice, 2 => phase,
    ];
    vec(kinds, 0..40).prop_map(|records| records.concat())
}

/// Orders of every type and time in force, most of them legal, with terms that suit them.
fn special() -> impl Strategy<Value = Vec<u8>> {
    let kinds = (prop::sample::select(OrderType::ALL), prop::sample::select(TimeInForce::ALL), any::<bool>());
    let numbers = (-3_i64..4, -3_i64..4, 1_u64..9, 0_u64..3, 0_u8..16, 0_u32..3);
    (kinds, numbers).prop_map(|((kind, time, sells), (price, other, quantity, small, choice, account))| {
        let bit = |has: bool, bit: u8| if has { bit } else { 0 };
        let shows = choice & 1 != 0 && kind.has_limit() && (time as u8) < 3;
        let needs = choice & 2 != 0 && time != TimeInForce::Aon;
        let present = bit(kind.is_stop() && !kind.is_trailing(), present::STOP)
            | bit(kind.is_trailing(), present::TRAIL)
            | bit(shows, present::DISPLAY)
            | bit(needs, present::MINIMUM)
            | bit(time == TimeInForce::Gtd, present::EXPIRE_AT)
            | bit(choice & 4 != 0 && kind == OrderType::Market, present::PROTECTION);
        let at = |has: u8, value: i64| if present & has != 0 { value } else { 0 };
        let count = |has: u8, value: u64| if present & has != 0 { value } else { 0 };
        let command = Command {
            extensions: extension::TERMS,
            order_type: kind as u8,
            time_in_force: time as u8,
            account,
            flags: bit(kind.has_limit(), flag::PRICE),
            price_ticks: if kind.has_limit() { price } else { 0 },
            ..Command::limit(if sells { Side::Sell } else { Side::Buy }, 0, quantity)
        };
        let terms = Terms {
            present,
            trail_unit: count(present::TRAIL, u64::from(choice >> 3)) as u8,
            stop_price_ticks: at(present::STOP, other),
            trail_offset: count(present::TRAIL, 1 + small),
            display_lots: count(present::DISPLAY, small),
            minimum_lots: count(present::MINIMUM, 1 + small),
            expire_at_ns: count(present::EXPIRE_AT, 10 + 10 * small),
            protection_price_ticks: at(present::PROTECTION, other),
            ..Terms::default()
        };
        [as_bytes(&[command]), as_bytes(&[terms])].concat()
    })
}

/// A valid batch with a few bytes overwritten and its end perhaps cut off.
fn damaged_batch() -> impl Strategy<Value = Vec<u8>> {
    (valid_batch(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(mut bytes, changes, end, cut)| {
            if !bytes.is_empty() {
                for (at, value) in changes {
                    let at = at.index(bytes.len());
                    bytes[at] = value;
                }
                bytes.truncate(if cut { end.index(bytes.len()) } else { bytes.len() });
            }
            bytes
        })
}

fn snapshot_of(batch: &[u8]) -> Vec<u8> {
    let mut book = Book::new(untrusted::rules(batch), IndexKind::Ladder);
    book.process(batch, &mut Vec::new()).expect("a valid batch");
    book.snapshot()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn test_r33_any_bytes_decode_or_say_where_they_do_not(bytes in vec(any::<u8>(), 0..6 * SLOT_BYTES)) {
        let _ = untrusted::decode_batch(&bytes);
    }

    #[test]
    fn test_r33_damaged_batches_decode_or_say_where_they_do_not(bytes in damaged_batch()) {
        let _ = untrusted::decode_batch(&bytes);
    }

    #[test]
    fn test_r33_valid_batches_decode_and_leave_a_whole_book(bytes in valid_batch()) {
        prop_assert!(untrusted::decode_batch(&bytes).is_ok());
        untrusted::process(&bytes);
    }

    #[test]
    fn test_r33_a_damaged_batch_is_processed_in_full_or_not_at_all(bytes in damaged_batch()) {
        untrusted::process(&bytes);
    }

    #[test]
    fn test_r31_nothing_is_made_or_lost_whatever_the_commands(bytes in vec(any::<u8>(), 0..3000)) {
        untrusted::venue::trade(&bytes);
    }

    #[test]
    fn test_r33_a_damaged_snapshot_of_an_exchange_is_an_error_or_a_whole_one(bytes in vec(any::<u8>(), 0..600)) {
        untrusted::venue::restore_damaged(&bytes);
    }

    #[test]
    fn test_r33_any_changed_byte_of_a_snapshot_is_noticed(
        batch in valid_batch(), at in any::<prop::sample::Index>(), flipped in 1_u8..=255,
    ) {
        let mut snapshot = snapshot_of(&batch);
        let at = at.index(snapshot.len());
        snapshot[at] ^= flipped;
        prop_assert!(untrusted::restore(&snapshot).is_some());
    }

    #[test]
    fn test_r33_a_snapshot_cut_short_is_noticed(batch in valid_batch(), end in any::<prop::sample::Index>()) {
        let snapshot = snapshot_of(&batch);
        prop_assert!(untrusted::restore(&snapshot[..end.index(snapshot.len())]).is_some());
    }

    #[test]
    fn test_r33_bytes_that_say_how_to_damage_a_snapshot(mut bytes in valid_batch(), changes in vec(any::<u8>(), 0..9)) {
        // The form that the fuzz target reads: a batch, as many bytes again, and among those the changes.
        bytes.resize(bytes.len() * 2, 0);
        let half = bytes.len() / 2;
        let end = half + changes.len().min(half);
        bytes[half..end].copy_from_slice(&changes[..end - half]);
        untrusted::restore_damaged(&bytes);
    }

    #[test]
    fn test_r33_a_snapshot_with_a_number_at_its_limit_is_an_error_or_a_whole_book(
        batch in valid_batch(), at in any::<prop::sample::Index>(), width in prop_oneof![Just(4), Just(8), Just(16)],
    ) {
        let mut snapshot = snapshot_of(&batch);
        let at = at.index(snapshot.len() - width);
        snapshot[at..at + width].fill(0xff);
        untrusted::seal(&mut snapshot);
        untrusted::restore(&snapshot);
    }

    #[test]
    fn test_r33_a_snapshot_damaged_under_its_checksum_is_an_error_or_a_whole_book(
        batch in valid_batch(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut snapshot = snapshot_of(&batch);
        for (at, value) in changes {
            let at = at.index(snapshot.len());
            snapshot[at] = value;
        }
        untrusted::seal(&mut snapshot);
        untrusted::restore(&snapshot);
    }
}

#[test]
fn test_r33_a_wrong_byte_is_named() {
    let mut bytes = as_bytes(&[Command::limit(Side::Buy, 1, 1), Command::market(Side::Sell, 1)]).to_vec();
    bytes[SLOT_BYTES + 4] = OrderType::ALL.len() as u8 + 40;
    let error = untrusted::decode_batch(&bytes).unwrap_err();
    assert_eq!((error.slot, error.offset, error.field), (1, SLOT_BYTES + 4, "order type"));
}
