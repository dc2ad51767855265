//! A transfer between clearing groups of two shards: each shard does its half, once, and knows that it has.

use crate::router::{Router, apply};
use crate::{at, kinds, reason, spot};
use aeromatch_engine::codes::{AdminKind, EventKind, RejectReason};
use aeromatch_engine::exchange::records::Admin;
use aeromatch_engine::exchange::{Exchange, TransferOut, second_half};
use aeromatch_engine::record::Event;

const FEES: u32 = 1;
const ANN: u32 = 2;
const USD: u32 = 2;
const LEFT: u64 = 1;
const RIGHT: u64 = 2;

/// Groups left and right, where they are shards of their own; Ann has 100 on the left.
fn router(shards: u16) -> Router {
    let mut router = Router::new(shards);
    router.send(&spot("A", "left"));
    router.send(&spot("B", "right"));
    router.send(&Admin::named(AdminKind::CreateAccount, ["ann"]).to_bytes());
    router.send(&at(5, Admin::funds(AdminKind::Deposit, ANN, USD, 100, LEFT, Some("d")).to_bytes()));
    router
}

fn transfer(amount: u128, source: u64, target: u64, id: &str, time_ns: u64) -> Vec<u8> {
    at(time_ns, Admin::funds(AdminKind::Transfer, ANN, USD, amount, target << 32 | source, Some(id)).to_bytes())
}

fn available(exchange: &Exchange, group: u64) -> i128 {
    exchange.ledger().balance(group as u32, ANN, USD).available
}

fn bodies(said: Vec<(u16, Vec<Event>)>) -> Vec<Event> {
    said.into_iter().flat_map(|(_, events)| events).map(|event| Event { sequence: 0, index: 0, ..event }).collect()
}

#[test]
fn each_shard_does_its_half() {
    let mut router = router(2);
    let said = router.send(&transfer(30, LEFT, RIGHT, "t", 9));
    assert_eq!(said.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(kinds(&said[0].1), [EventKind::Accepted, EventKind::Funds]);
    assert_eq!(kinds(&said[1].1), [EventKind::Funds], "the source has answered");
    assert_eq!((said[0].1[1].detail, said[1].1[0].detail, said[1].1[0].index), (LEFT, RIGHT, 0));
    assert_eq!((available(&router.shards[0], LEFT), available(&router.shards[1], RIGHT)), (70, 30));
    let times = [0, 1].map(|shard| router.shards[shard].group_now_ns(shard as u32 + 1));
    assert_eq!(times, [Some(9), Some(9)]);
    // Back again, under the same id: it is another group's.
    let said = router.send(&transfer(30, RIGHT, LEFT, "t", 11));
    assert_eq!(said.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [1, 0]);
    assert_eq!((available(&router.shards[0], LEFT), available(&router.shards[1], RIGHT)), (100, 0));
}

#[test]
fn what_the_source_refuses_the_target_never_hears_of() {
    for shards in [1, 2] {
        let mut router = router(shards);
        assert!(bodies(router.send(&transfer(1, LEFT, RIGHT, "once", 6))).len() == 3);
        let cases = [
            (transfer(1, LEFT, RIGHT, "once", 20), RejectReason::DuplicateTransfer, 20),
            (transfer(1, LEFT, RIGHT, "d", 20), RejectReason::DuplicateTransfer, 20),
            (transfer(100, LEFT, RIGHT, "x", 21), RejectReason::InsufficientFunds, 21),
            (transfer(1, LEFT, LEFT, "x", 22), RejectReason::InvalidCombination, 22),
            (transfer(1, LEFT, 9, "x", 23), RejectReason::UnknownGroup, 23),
            // The time of what is not there is the registry's: nothing has moved it.
            (transfer(1, 9, RIGHT, "x", 24), RejectReason::UnknownGroup, 0),
            (transfer(0, RIGHT, LEFT, "x", 25), RejectReason::InvalidQuantity, 25),
        ];
        for (slots, expected, time_ns) in cases {
            let said = router.send(&slots);
            assert_eq!((said.len(), reason(&said[0].1)), (1, Some(expected)), "{shards} shards");
            assert_eq!(said[0].1[0].other, time_ns, "{expected:?}, {shards} shards");
        }
        let right = &router.shards[usize::from(shards) - 1];
        assert_eq!(right.group_now_ns(RIGHT as u32), Some(25), "its own refusal moved it, no other's");
    }
}

#[test]
fn what_has_arrived_does_not_arrive_again() {
    let mut router = router(2);
    let slots = transfer(30, LEFT, RIGHT, "t", 9);
    assert!(!router.shards[1].has_transfer_in(LEFT as u32, ANN, "t"));
    assert_eq!(kinds(&router.tell(0, &slots)), [EventKind::Accepted, EventKind::Funds]);
    assert_eq!(available(&router.shards[1], RIGHT), 0, "between the halves");
    let out: Vec<TransferOut> = router.shards[0].transfers_out().cloned().collect();
    let expected = TransferOut {
        source: LEFT as u32,
        target: RIGHT as u32,
        account: ANN,
        asset: USD,
        amount: 30,
        id: "t".into(),
        timestamp_ns: 9,
    };
    assert_eq!(out, [expected]);
    assert_eq!(out[0].to_bytes(), second_half(&slots), "the command once more, as what arrives");
    assert_eq!(kinds(&router.tell(1, &out[0].to_bytes())), [EventKind::Funds]);
    assert!(router.shards[1].has_transfer_in(LEFT as u32, ANN, "t"));
    let before = router.shards[1].digest();
    // Later ones move no time either.
    assert_eq!(router.tell(1, &second_half(&transfer(30, LEFT, RIGHT, "t", 50))), []);
    assert_eq!((router.shards[1].digest(), available(&router.shards[1], RIGHT)), (before, 30));
    // Another account's transfer of that id is another one.
    assert!(!router.shards[1].has_transfer_in(LEFT as u32, FEES, "t"));
    assert!(!router.shards[1].has_transfer_in(RIGHT as u32, ANN, "t"));
}

#[test]
fn a_second_half_that_no_first_half_can_have_is_refused() {
    let mut router = router(2);
    let half = |account, asset, amount| {
        second_half(
            &Admin::funds(AdminKind::Transfer, account, asset, amount, RIGHT << 32 | LEFT, Some("t")).to_bytes(),
        )
    };
    let cases = [
        (half(9, USD, 1), RejectReason::UnknownAccount),
        (half(ANN, 9, 1), RejectReason::UnknownAsset),
        (half(ANN, USD, 0), RejectReason::InvalidQuantity),
        (half(ANN, USD, u128::MAX), RejectReason::InvalidQuantity),
        (second_half(&transfer(1, 9, RIGHT, "t", 0)), RejectReason::UnknownGroup),
        // What leaves here does not come from elsewhere, and what is not marked has not left.
        (second_half(&transfer(1, RIGHT, LEFT, "t", 9)), RejectReason::UnknownGroup),
        (transfer(1, LEFT, RIGHT, "t", 9), RejectReason::UnknownGroup),
    ];
    for (slots, expected) in cases {
        assert_eq!(reason(&router.tell(1, &slots)), Some(expected));
    }
    assert_eq!(available(&router.shards[1], RIGHT), 0);
    assert_eq!(router.shards[1].group_now_ns(RIGHT as u32), Some(0), "nothing has moved its time");
}

#[test]
fn what_arrives_is_nobodys_command() {
    for shards in [1, 2, 3] {
        let mut router = router(shards);
        for (source, target) in [(LEFT, RIGHT), (RIGHT, LEFT), (LEFT, LEFT), (9, LEFT), (LEFT, 9)] {
            let said = router.send(&second_half(&transfer(1, source, target, "t", 9)));
            assert_eq!((said.len(), reason(&said[0].1)), (1, Some(RejectReason::UnknownGroup)), "{shards} shards");
            assert_eq!(said[0].1[0].other, 0, "the registry's time");
        }
        let left = &router.shards[0];
        assert_eq!((available(left, LEFT), left.group_now_ns(LEFT as u32)), (100, Some(5)));
    }
}

#[test]
fn snapshots_and_digests_know_what_is_under_way() {
    let mut router = router(2);
    let fresh: Vec<_> = router.shards.iter().map(Exchange::digest).collect();
    router.tell(0, &transfer(30, LEFT, RIGHT, "on its way", 9));
    router.send(&transfer(20, LEFT, RIGHT, "arrived", 9));
    for (shard, fresh) in router.shards.iter_mut().zip(fresh) {
        assert_ne!(shard.digest(), fresh);
        let bytes = shard.snapshot();
        let mut restored = Exchange::restore(&bytes).expect("a snapshot");
        assert_eq!((restored.snapshot(), restored.digest()), (bytes.clone(), shard.digest()));
        assert!(restored.transfers_out().eq(shard.transfers_out()));
        for id in ["on its way", "arrived"] {
            let slots = transfer(20, LEFT, RIGHT, id, 30);
            for slots in [second_half(&slots), slots] {
                assert_eq!(apply(&mut restored, &slots), apply(shard, &slots));
            }
        }
        // Its end is those transfers: whatever is changed there is found, or is another exchange; never a panic.
        for place in bytes.len() - 150..bytes.len() - 4 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << (place % 8);
            let checksum = crc32c::crc32c(&damaged[..bytes.len() - 4]).to_le_bytes();
            damaged[bytes.len() - 4..].copy_from_slice(&checksum);
            if let Ok(exchange) = Exchange::restore(&damaged) {
                assert_eq!(exchange.snapshot(), damaged);
            }
        }
    }
}
