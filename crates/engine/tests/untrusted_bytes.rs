//! The fuzz targets' checks on a bounded number of generated inputs, so that `cargo test` covers them.

mod untrusted;

use aeromatch_engine::codes::{CommandKind, OrderType, Side, TimeInForce};
use aeromatch_engine::engine::{Book, IndexKind};
use aeromatch_engine::record::{ClientId, Command, SLOT_BYTES, Terms, as_bytes, extension, flag, present};
use aeromatch_engine::rules::Rules;
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
    vec(prop_oneof![4 => plain, 2 => rich, 1 => market, 1 => cancel, 1 => amend], 0..30)
        .prop_map(|records| records.concat())
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
    let mut book = Book::new(Rules { dedup_window_ns: 5, ..Rules::default() }, IndexKind::Ladder);
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
